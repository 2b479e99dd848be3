#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tlm>

#include "models/base/services.hpp"
#include "platform/chip/chip.hpp"
#include "platform/config/platform_config.hpp"

namespace chronotile::board {

/// Chips on one control bus, chip k at k * chip::map::kChipStride: modules chip0, chip1, ..., bus. Each chip has lanes
/// and an energy meter of its own, since chips step at times of their own; violations and worker threads are shared.
class Board {
 public:
  Board(const config::PlatformConfig& config, std::uint32_t chips, std::size_t lanes, int threads);
  ~Board();

  [[nodiscard]] std::uint32_t chips() const;
  [[nodiscard]] std::size_t lanes() const;
  [[nodiscard]] tlm::tlm_base_target_socket<32>& bus();

  [[nodiscard]] chip::Chip& chip(std::uint32_t index);
  [[nodiscard]] Services& services(std::uint32_t index);
  [[nodiscard]] energy::Meter& meter(std::uint32_t index);
  [[nodiscard]] const energy::Meter& meter(std::uint32_t index) const;
  [[nodiscard]] const ViolationLog& violations() const;
  /// See ViolationLog::forget.
  std::uint64_t forget_violations();
  /// Energy of an account, all chips and lanes.
  [[nodiscard]] double energy_nJ(energy::Account account) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chronotile::board
