#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chronotile::mapping {

/// How a weight mode uses the two weight sets.
struct Mode {
  std::string_view name;
  std::string_view remark;
  bool second_set;  ///< WP2 is written too
  bool halves;      ///< WP1 and WP2 hold different rows
  double factor;    ///< times that W x comes onto the capacitor
  /// Inputs that a tile can have.
  [[nodiscard]] std::uint32_t rows_per_tile() const;
};

/// The mode called `name`; `place` names the key or description in the message. Throws UserError if there is none.
[[nodiscard]] const Mode& find_mode(const std::string& name, const std::string& place);

/// One integration: what is sent, and onto which weight sets with which polarity.
struct Pass {
  bool wp1 = false;
  bool wp2 = false;
  bool swapped = false;   ///< G- adds
  bool negative = false;  ///< the negative part of signed inputs is sent, else the positive part or the whole
  bool second = false;    ///< the inputs of rows 512..1023

  [[nodiscard]] std::string text() const;
};

/// Integrations of unsigned inputs. `second_half`: some tile has more than 512 rows.
[[nodiscard]] std::vector<Pass> unsigned_passes(const Mode& mode, bool second_half);

/// Integrations of signed inputs: x+, then x- with the polarity swapped; in mode ab then both through WP2 (-W, so x+ is
/// the one that is swapped), in mode wp1wp2 those of the second half.
[[nodiscard]] std::vector<Pass> signed_passes(const Mode& mode, bool second_half);

}  // namespace chronotile::mapping
