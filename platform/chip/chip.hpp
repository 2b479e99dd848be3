#pragma once

#include <cstdint>
#include <memory>
#include <systemc>
#include <tlm>
#include <vector>

#include "models/base/services.hpp"
#include "models/controller/local_controller.hpp"
#include "models/landing_pad/landing_pad.hpp"
#include "models/tile/tile.hpp"
#include "platform/chip/floorplan.hpp"
#include "platform/config/platform_config.hpp"

namespace chronotile::chip {

/// Byte offsets within a chip's window of the control bus (4 GiB a chip).
namespace map {
inline constexpr std::uint64_t kChipStride = 0x1'0000'0000;
inline constexpr std::uint64_t kControl = 0x0000'0000;      ///< chip control registers, see control_map
inline constexpr std::uint64_t kControllers = 0x1000'0000;  ///< local controllers, in the order of Floorplan
inline constexpr std::uint64_t kControllerStride = 0x10'0000;
inline constexpr std::uint64_t kPads = 0x8000'0000;  ///< pads' data windows: input pads, then output pads
[[nodiscard]] constexpr std::uint64_t controller(std::uint32_t index) {
  return kControllers + index * kControllerStride;
}
[[nodiscard]] constexpr std::uint64_t pad(std::uint32_t index) { return kPads + index * landing_pad::map::kSize; }
}  // namespace map

/// Registers of the chip control block, offsets from map::kControl.
namespace control_map {
inline constexpr std::uint64_t kIdentity = 0x00;  ///< R: 0x43540000 + index of the chip
inline constexpr std::uint64_t kTrigger = 0x04;   ///< W: triggers to raise in the next cycle; bit 0 starts a step
inline constexpr std::uint64_t kPending0 = 0x08;  ///< R: controllers 0..31 with a raised interrupt; W: 1 clears
inline constexpr std::uint64_t kPending1 = 0x0c;  ///< controllers 32..63
inline constexpr std::uint64_t kFault0 = 0x10;    ///< R: controllers 0..31 that faulted; W: 1 clears
inline constexpr std::uint64_t kFault1 = 0x14;
}  // namespace control_map

/// One chip: 34 tiles (local controller, array with column periphery, mesh node), two processing elements as
/// pass-through nodes, six input and six output landing pads with a controller each, chip control block, control bus.
///
/// Modules: chip.tile_ROW_COLUMN.{lc,array,node}, chip.pe_ROW_COLUMN, chip.{ilp,olp}_DOMAIN.{lc,pad}.
class Chip final : public sc_core::sc_module {
 public:
  Chip(sc_core::sc_module_name name, const config::PlatformConfig& config, Services& services);
  ~Chip() override;

  [[nodiscard]] tlm::tlm_base_target_socket<32>& bus();
  [[nodiscard]] const Floorplan& floorplan() const;

  /// Fires in the cycle in which any controller interrupts the host.
  [[nodiscard]] const sc_core::sc_event& interrupt() const;
  /// Controllers with a raised interrupt, bit per controller.
  [[nodiscard]] std::uint64_t pending() const;
  /// Time of the last start trigger and of the last interrupt.
  [[nodiscard]] sc_core::sc_time epoch() const;
  [[nodiscard]] sc_core::sc_time last_interrupt() const;

  [[nodiscard]] tile::Tile& tile(std::uint32_t site);
  [[nodiscard]] controller::LocalController& local_controller(std::uint32_t index);
  /// Charges what has been used up to now and is not charged event by event: leakage, the
  /// standing power of tiles whose controller has been started (the others count as off) and controllers' cycles. Call
  /// it between two clock edges.
  void settle_energy();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chronotile::chip
