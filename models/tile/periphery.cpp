#include "models/tile/periphery.hpp"

#include <algorithm>
#include <cmath>

#include "models/base/noise.hpp"

namespace chronotile::tile {
namespace {

constexpr double kLeastGain = 0.05;

enum Part : std::uint32_t { kPlusGain, kMinusGain, kOffset, kComparator, kRamp };

}  // namespace

Periphery::Periphery(const PeripheryConfig& config, const Services& services, std::uint32_t tile) : config_(config) {
  const auto draw = [&](Part part, double mean, double sigma, double* out, std::size_t count) {
    noise::gaussian({services.chip_seed, services.chip, tile, noise::Purpose::kPeriphery, 0, 0, part}, 0, out, count);
    for (std::size_t k = 0; k < count; ++k) {
      out[k] = mean + sigma * out[k];
    }
  };
  draw(kPlusGain, 1.0, config.gain_sigma, plus_gain_.data(), kWires);
  draw(kMinusGain, 1.0, config.gain_sigma, minus_gain_.data(), kWires);
  draw(kOffset, 0.0, config.offset_sigma, offset_.data(), kWires);
  draw(kComparator, 0.0, config.comparator_offset_sigma_weight_ns, comparator_offset_.data(), kWires);
  draw(kRamp, 1.0, config.ramp_slope_sigma, &ramp_gain_, 1);
  const auto floor = [](double& gain) { gain = std::max(gain, kLeastGain); };
  std::for_each(plus_gain_.begin(), plus_gain_.end(), floor);
  std::for_each(minus_gain_.begin(), minus_gain_.end(), floor);
  floor(ramp_gain_);
}

double Periphery::soft(double charge, double limit) {
  const double share = charge / limit;
  return charge / std::sqrt(1.0 + share * share);
}

}  // namespace chronotile::tile
