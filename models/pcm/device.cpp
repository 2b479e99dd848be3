#include "models/pcm/device.hpp"

#include <algorithm>
#include <array>
#include <boost/math/constants/constants.hpp>
#include <cmath>

#include "models/base/noise.hpp"

namespace chronotile::pcm {
namespace {

constexpr double kLn10 = boost::math::constants::ln_ten<double>();
constexpr std::size_t kPoints = 2048;  ///< of the tables, over 0..1

/// Value of a polynomial, lowest power first.
template <std::size_t kSize>
double polynomial(const double (&coefficients)[kSize], double x) {
  double sum = 0;
  for (std::size_t k = kSize; k-- > 0;) {
    sum = sum * x + coefficients[k];
  }
  return sum;
}

/// ln r of conductances down to nothing.
double log_share(double r) { return std::log(std::max(r, 1e-9)); }

}  // namespace

double DeviceModel::largest_uS() const { return technology_ == Technology::k90nm ? 25.0 : 10.35; }

double DeviceModel::programming_sigma(double r) const {
  static constexpr double k90nm[] = {0.26348, 1.9650, -1.1731};                         // uS
  static constexpr double k14nm[] = {0.15781817, 2.32443916, -2.16310839, 0.68841818};  // uS
  const double sigma_uS = technology_ == Technology::k90nm ? polynomial(k90nm, r) : polynomial(k14nm, r);
  return std::max(0.0, sigma_uS) / largest_uS();
}

double DeviceModel::drift_start_s() const { return technology_ == Technology::k90nm ? 20.0 : 200.0; }

double DeviceModel::drift_mean(double r) const {
  if (technology_ == Technology::k90nm) {
    return std::clamp(-0.0155 * log_share(r) + 0.0244, 0.049, 0.1);
  }
  return r < 0.0945 ? std::clamp(-0.0387 * log_share(r) - 0.0182, 0.072, 0.13) : -0.0436 * r * r - 0.0126 * r + 0.0736;
}

double DeviceModel::drift_sigma(double r) const {
  if (technology_ == Technology::k90nm) {
    return std::clamp(-0.0125 * log_share(r) - 0.0059, 0.008, 0.045);
  }
  return r < 0.3039 ? std::clamp(-0.0120 * log_share(r) - 0.0023, 0.0124, 0.04) : -0.0165 * r * r + 0.0116 * r + 0.0104;
}

double DeviceModel::noise_q(double r) const {
  if (technology_ == Technology::k90nm) {
    return std::min(0.0088 / std::max(std::pow(std::max(r, 0.0), 0.65), 1e-3), 0.2);
  }
  return r < 0.1591 ? std::clamp(-0.0078 * log_share(r) + 0.0038, 0.0179, 0.04)
                    : 0.0664 * r * r * r - 0.1352 * r * r + 0.0768 * r + 0.0088;
}

double DeviceModel::read_time_s() const { return technology_ == Technology::k90nm ? 250e-9 : 512e-9; }

void broken_devices(const DeviceConfig& config, const Place& place, int row, std::uint32_t device,
                    double* conductances) {
  std::fill(conductances, conductances + kWires, -1.0);
  if (config.dead_share <= 0 && config.stuck_share <= 0) {
    return;
  }
  const noise::Stream stream{place.chip_seed,       place.chip, place.tile, noise::Purpose::kDefect, 0, 0,
                             place.set * 2 + device};
  std::array<double, 2 * kWires> draws;
  noise::uniform(stream, static_cast<std::uint64_t>(row) * draws.size(), draws.data(), draws.size());
  for (std::size_t column = 0; column < kWires; ++column) {
    const double fate = 0.5 * (draws[2 * column] + 1.0);
    if (fate < config.dead_share) {
      conductances[column] = 0;
    } else if (fate < config.dead_share + config.stuck_share) {
      conductances[column] = 0.5 * (draws[2 * column + 1] + 1.0);
    }
  }
}

DevicePairs::DevicePairs(const DeviceConfig& config) : config_(config), points_(kPoints + 2) {
  const DeviceModel model(config.technology);
  const double start_s = model.drift_start_s();
  const double read_s = model.read_time_s();
  if (config.drift && config.age_s > start_s) {
    log_age_ = std::log(config.age_s / start_s);
  }
  const double white = kLn10 * config.white_decades;
  const double slow = std::max(0.0, std::log((std::max(config.age_s, start_s) + read_s) / (2.0 * read_s)) - white);
  for (std::size_t index = 0; index < points_.size(); ++index) {
    const double r = static_cast<double>(index) / static_cast<double>(kPoints);
    const double q = config.read_noise ? model.noise_q(r) : 0.0;
    const double drifted = r * std::exp(-model.drift_mean(r) * log_age_);
    points_[index] = {config.programming_scale * model.programming_sigma(r), model.drift_mean(r), model.drift_sigma(r),
                      q * std::sqrt(slow), q * q * drifted * drifted * white};
  }
}

/// Linear between the points of the table.
DevicePairs::Point DevicePairs::point(double r) const {
  const double position = r * static_cast<double>(kPoints);
  const auto index = static_cast<std::size_t>(position);
  const double share = position - static_cast<double>(index);
  const Point& low = points_[index];
  const Point& high = points_[index + 1];
  const auto between = [&](double a, double b) { return a + share * (b - a); };
  return {between(low.programming_sigma, high.programming_sigma), between(low.drift_mean, high.drift_mean),
          between(low.drift_sigma, high.drift_sigma), between(low.slow_noise, high.slow_noise),
          between(low.white_variance, high.white_variance)};
}

void DevicePairs::devices(const Place& place, int row, std::uint32_t device, const double* targets,
                          double* conductances) const {
  const auto draw = [&](noise::Purpose purpose, double* out) {
    const noise::Stream stream{place.seed, place.chip, place.tile, purpose, 0, 0, place.set * 2 + device};
    noise::gaussian(stream, static_cast<std::uint64_t>(row) * kWires, out, kWires);
  };
  std::array<double, kWires> writing;
  std::array<double, kWires> drift{};
  std::array<double, kWires> noise{};
  draw(noise::Purpose::kProgramming, writing.data());
  if (log_age_ > 0) {
    draw(noise::Purpose::kDrift, drift.data());
  }
  if (config_.read_noise) {
    draw(noise::Purpose::kReadNoise, noise.data());
  }
  for (std::size_t column = 0; column < kWires; ++column) {
    const Point at = point(targets[column]);
    double g = std::max(0.0, targets[column] + at.programming_sigma * writing[column]);
    if (log_age_ > 0) {
      g *= std::exp(-std::abs(at.drift_mean + at.drift_sigma * drift[column]) * log_age_);
    }
    conductances[column] = std::max(0.0, g + g * at.slow_noise * noise[column]);
  }
  if (config_.dead_share > 0 || config_.stuck_share > 0) {
    std::array<double, kWires> fixed;
    broken_devices(config_, place, row, device, fixed.data());
    for (std::size_t column = 0; column < kWires; ++column) {
      conductances[column] = fixed[column] >= 0 ? fixed[column] : conductances[column];
    }
  }
}

void DevicePairs::row(const Place& place, int row, const double* targets, RowOfPairs& pairs) const {
  std::array<double, kWires> added;
  std::array<double, kWires> subtracted;
  for (std::size_t column = 0; column < kWires; ++column) {
    added[column] = std::max(targets[column], 0.0);
    subtracted[column] = std::max(-targets[column], 0.0);
    pairs.variance[column] = point(added[column]).white_variance + point(subtracted[column]).white_variance;
  }
  devices(place, row, 0, added.data(), pairs.plus);
  devices(place, row, 1, subtracted.data(), pairs.minus);
}

}  // namespace chronotile::pcm
