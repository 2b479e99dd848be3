#pragma once

#include <cstdint>

#include "platform/config/platform_config.hpp"

namespace chronotile::mapping {

/// Cycles of a slot at which the phases of every generated schedule begin and end, derived from the configuration.
/// An interval [a, b) begins with a commit in cycle a and ends with one in cycle b.
struct SlotTiming {
  std::uint32_t slot_cycles = 300;
  std::uint32_t precharge_on = 2;  ///< capacitor switches close, precharge starts
  std::uint32_t precharge_off = 14;
  std::uint32_t setup = 12;        ///< guards, gates and selects stand
  std::uint32_t ramp_start = 4;    ///< of an emission that clips at zero
  std::uint32_t pulse_start = 20;  ///< pads send, EN opens
  std::uint32_t pulse_end = 275;   ///< full scale: EN closes
  std::uint32_t ramp_stop = 276;
  std::uint32_t window_open = 18;  ///< receivers integrate or capture
  std::uint32_t window_close = 285;
  std::uint32_t input_end = 275;           ///< inputs of full scale end, EN of a layer's emission closes
  std::uint32_t input_ramp_stop = 276;     ///< of that emission
  std::uint32_t input_window_close = 285;  ///< integration windows
  std::uint32_t interrupt = 286;

  double full_scale_ns = 255;  ///< largest duration of a read-out
  double input_ns = 255;       ///< input pads' pulse of x = 1: mapping.integration_share of a read-out's
  double emission_ns = 255;    ///< a tile's pulse of x = 1 to the next layer: as `input_ns`, up to whole cycles
  double relu_lead_ns = 16;    ///< real time from ramp_start to pulse_start
  double zero_ns = 128;        ///< signed read-out: duration of y = 0
  double unit_ns = 127;        ///< and what y = 1 adds
  double zero_count = 128;
  double counts_per_unit = 127;
};

/// Throws UserError if the phases do not follow each other within a slot.
[[nodiscard]] SlotTiming slot_timing(const config::PlatformConfig& config);

}  // namespace chronotile::mapping
