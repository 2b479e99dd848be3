#pragma once

#include <cstdint>
#include <string>

#include "models/tile/tile.hpp"
#include "platform/mapping/timing.hpp"

namespace chronotile::mapping {

/// How the numbers of a layer become those of its tiles: cells hold alpha * W, the ramp reads with the codes. The codes
/// are whole numbers and alpha follows from them, so the scale is exact.
struct Scale {
  double alpha = 1;
  std::uint32_t slope_code = 1;  ///< rslope
  std::int32_t start_code = 0;   ///< rstart
};

/// What decides a layer's scale.
struct ScaleInput {
  std::string layer;          ///< for messages
  double largest = 1;         ///< |W| that becomes the largest conductance
  double factor = 1;          ///< times that W x comes onto the capacitor: 2 with asymmetry balance and 4-PCM weights
  std::uint32_t sharing = 1;  ///< capacitors that share the charge
  double input_ns = 255;      ///< pulse of x = 1: SlotTiming::input_ns from pads, emission_ns from a layer before
};

/// x of 0..1 in, W x clipped to 0..1 out, as pulses of input_ns * x and of timing.emission_ns * W x: slope = factor *
/// alpha * input_ns / (sharing * emission_ns), and the ramp starts relu_lead_ns of slope below zero. Throws UserError
/// if no code fits.
[[nodiscard]] Scale relu_scale(const ScaleInput& input, const SlotTiming& timing, const tile::TileConfig& tile);

/// Signed read-out: duration = zero_ns + unit_ns * (W x).
[[nodiscard]] Scale signed_scale(const ScaleInput& input, const SlotTiming& timing, const tile::TileConfig& tile);

}  // namespace chronotile::mapping
