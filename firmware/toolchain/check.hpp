#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "firmware/toolchain/program.hpp"

namespace chronotile::toolchain {

/// Which controller a program is for.
enum class ControllerKind : std::uint8_t { kAny, kTile, kPad };

struct CheckOptions {
  ControllerKind kind = ControllerKind::kAny;
  std::uint32_t slot_cycles = 300;  ///< `at` beyond it never happens
};

enum class Severity : std::uint8_t { kWarning, kError };

/// Something that the controller would stop at (error) or that is hardly meant (warning).
struct Finding {
  Severity severity = Severity::kWarning;
  std::uint32_t address = 0;
  std::string place;  ///< "file:line", or "" when the program has no source
  std::string message;

  /// "PLACE: warning: MESSAGE (address 0x0012)"
  [[nodiscard]] std::string text() const;
};

/// What can be said about a program without running it, in the order of addresses. Jumps are followed from address 0;
/// returns are taken to go behind their calls.
/// Errors: illegal words that are reached, falling off the end, targets outside of the program, loops and calls nested
/// too deeply or ended without a beginning, signal groups that the controller does not have, `at` beyond the slot.
/// Warnings: words that are never reached, a shadow write that no commit follows, a loop whose end address is not
/// behind an endloop.
[[nodiscard]] std::vector<Finding> check(const Program& program, const CheckOptions& options = {});
[[nodiscard]] std::vector<Finding> check(const std::vector<isa::Word>& words, const CheckOptions& options = {});

[[nodiscard]] bool has_errors(const std::vector<Finding>& findings);

}  // namespace chronotile::toolchain
