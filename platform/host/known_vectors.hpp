#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "platform/config/platform_config.hpp"
#include "platform/mapping/plan.hpp"

namespace chronotile::host {

/// Inputs that the host sends to learn how a chip answers, and what the weights that it wrote should make of them.
struct KnownVectors {
  std::size_t count = 0;
  std::vector<double> inputs;    ///< by vector: all inputs of the chip, whole counts of the pads / full scale
  std::vector<double> expected;  ///< by vector: a number for each word read, ChipPlan::outputs one after the other
};

/// Words that the host reads from the chip in a step.
[[nodiscard]] std::size_t words_read(const mapping::ChipPlan& plan);

/// `count` random vectors for a chip whose plan still has its weights. HostConfig::calibration_input_share of the
/// inputs are not 0; those are uniform in -1..1 (where the pads send the whole input: 0..1), then scaled down per
/// summation group, if necessary, so that the largest expected output of the first eight vectors takes
/// HostConfig::calibration_fill of the read-out's range. Keyed by (seed, chip, `round`, vector): nothing depends on
/// lanes. Chained layers are computed as the ideal chip would, each clipped to 0..1, and their inputs are not scaled.
[[nodiscard]] KnownVectors known_vectors(const mapping::ChipPlan& plan, const config::PlatformConfig& config,
                                         std::size_t count, std::uint64_t round);

}  // namespace chronotile::host
