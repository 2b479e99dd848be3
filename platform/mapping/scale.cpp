#include "platform/mapping/scale.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include "common/user_error.hpp"
#include "firmware/isa/signals.hpp"

namespace chronotile::mapping {
namespace {

/// `gain`: slope in weight-ns per ns at alpha 1. `lead_ns`: time from the ramp's start to zero volts.
Scale choose(const ScaleInput& input, double gain, double lead_ns, const tile::TileConfig& tile) {
  constexpr double kRounding = 1e-9;
  const double largest_slope = input.largest > 0 ? gain / input.largest : gain;
  const double limit = std::min(std::floor(largest_slope / tile.slope_per_code * (1 + kRounding)),
                                static_cast<double>(isa::group_mask(isa::Group::kRampSlope)));
  const double lowest_start = -std::ldexp(1.0, isa::signal_group(isa::Group::kRampStart).bits - 1);
  for (auto code = static_cast<std::uint32_t>(std::max(limit, 0.0)); code >= 1; --code) {
    const double slope = code * tile.slope_per_code;
    const double start = -lead_ns * slope / tile.start_per_code;
    if (start >= lowest_start && std::abs(start - std::round(start)) <= kRounding * std::max(1.0, -start)) {
      return {slope / gain, code, static_cast<std::int32_t>(std::lround(start))};
    }
  }
  throw UserError(
      fmt::format("mapping: layer '{}'", input.layer),
      fmt::format(
          "no ramp code reads it exactly: its largest weight is {:g}, which asks for a slope of at most {:g} codes "
          "and a start {:g} ns below zero",
          input.largest, largest_slope / tile.slope_per_code, lead_ns),
      "Scale the layer's weights, or change tile.slope_per_code, tile.start_per_code or mapping.relu_lead_ns");
}

}  // namespace

Scale relu_scale(const ScaleInput& input, const SlotTiming& timing, const tile::TileConfig& tile) {
  return choose(input, input.factor * input.input_ns / (input.sharing * timing.emission_ns), timing.relu_lead_ns, tile);
}

Scale signed_scale(const ScaleInput& input, const SlotTiming& timing, const tile::TileConfig& tile) {
  return choose(input, input.factor * input.input_ns / (input.sharing * timing.unit_ns), timing.zero_ns, tile);
}

}  // namespace chronotile::mapping
