#include "models/pcm/pulse.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace chronotile::pcm {
namespace {

constexpr int kRows = 128;
constexpr double kWeights = static_cast<double>(kRows) * kWires;
constexpr double kAmplitude = 0.6;
constexpr double kReset = 1.0;
const Place kPlace{11, 2, 3, 0, 1};

PulseConfig exact() {
  PulseConfig config;
  config.full_set_sigma = 0;
  config.speed_sigma = 0;
  config.increment_sigma = 0;
  return config;
}

double rate(const PulseConfig& config) {
  return (kAmplitude - config.set_amplitude) / (config.melt_amplitude - config.set_amplitude) / config.set_time_ns;
}

std::vector<double> all(double width_ns) { return std::vector<double>(kWires, width_ns); }

/// Conductances of G+ (g+) of the first rows.
std::vector<double> conductances(const PulsedDevices& devices, std::uint32_t set = 0) {
  std::vector<double> result;
  RowOfPairs pairs;
  for (int row = 0; row < kRows; ++row) {
    devices.row(set, row, pairs);
    result.insert(result.end(), pairs.plus, pairs.plus + kWires);
  }
  return result;
}

void pulse_rows(PulsedDevices& devices, double amplitude, double width_ns, std::uint32_t set = 0) {
  for (int row = 0; row < kRows; ++row) {
    devices.pulse(set, 0, row, amplitude, all(width_ns).data());
  }
}

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments moments(const std::vector<double>& values) {
  Moments result;
  for (const double value : values) {
    result.mean += value / static_cast<double>(values.size());
  }
  for (const double value : values) {
    result.variance += (value - result.mean) * (value - result.mean) / static_cast<double>(values.size());
  }
  return result;
}

TEST(PulsedDevices, SetPulsesFollowTheFormulaAndSaturate) {
  const PulseConfig config = exact();
  PulsedDevices devices({}, config, kPlace, 1);
  double sum_ns = 0;
  for (const double width_ns : {3.0, 50.0, 255.0, 5000.0}) {
    devices.pulse(0, 0, 7, kAmplitude, all(width_ns).data());
    sum_ns += width_ns;
    RowOfPairs pairs;
    devices.row(0, 7, pairs);
    // Several pulses are as one of their total length.
    EXPECT_NEAR(pairs.plus[100], config.full_set * (1 - std::exp(-rate(config) * sum_ns)), 1e-6);
    EXPECT_EQ(pairs.minus[100], 0);
    devices.row(0, 8, pairs);
    EXPECT_EQ(pairs.plus[100], 0);
  }
}

TEST(PulsedDevices, NoPulseAndTooLowAnAmplitudeChangeNothing) {
  PulsedDevices devices({}, {}, kPlace, 1);
  std::vector<double> widths = all(0);
  widths[3] = 100;
  devices.pulse(0, 1, 0, kAmplitude, widths.data());
  devices.pulse(0, 0, 0, 0.29, all(255).data());
  RowOfPairs pairs;
  devices.row(0, 0, pairs);
  for (int column = 0; column < kWires; ++column) {
    EXPECT_EQ(pairs.plus[column], 0);
    EXPECT_EQ(pairs.minus[column] > 0, column == 3);
  }
}

// ln of the increment of a device far from saturation: speed and pulse add up. 65,536 devices: the mean is known to
// 0.0014 and the variance to 0.6 % (one standard error); limits are four of them.
TEST(PulsedDevices, SpreadOfSpeedAndOfIncrements) {
  PulseConfig config;
  config.full_set_sigma = 0;
  PulsedDevices devices({}, config, kPlace, 1);
  constexpr double kShort_ns = 1e-3;
  pulse_rows(devices, kAmplitude, kShort_ns);
  const std::vector<double> first = conductances(devices);
  pulse_rows(devices, kAmplitude, kShort_ns);
  std::vector<double> second = conductances(devices);
  std::vector<double> log_first(first.size());
  std::vector<double> change(first.size());
  const double expected = config.full_set * rate(config) * kShort_ns;
  for (std::size_t index = 0; index < first.size(); ++index) {
    log_first[index] = std::log(first[index] / expected);
    change[index] = std::log((second[index] - first[index]) / expected) - log_first[index];
  }
  const double speed = config.speed_sigma * config.speed_sigma;
  const double increment = config.increment_sigma * config.increment_sigma;
  const Moments of_first = moments(log_first);
  EXPECT_NEAR(of_first.mean, -0.5 * increment, 4 * std::sqrt((speed + increment) / kWeights));
  EXPECT_NEAR(of_first.variance / (speed + increment), 1, 4 * std::sqrt(2 / kWeights));
  // From one pulse to the next the device keeps its speed.
  const Moments of_change = moments(change);
  EXPECT_NEAR(of_change.mean, 0, 4 * std::sqrt(2 * increment / kWeights));
  EXPECT_NEAR(of_change.variance / (2 * increment), 1, 4 * std::sqrt(2 / kWeights));
}

TEST(PulsedDevices, SpreadOfSaturation) {
  const PulseConfig config;
  PulsedDevices devices({}, config, kPlace, 1);
  pulse_rows(devices, kAmplitude, 1e6);
  const Moments full = moments(conductances(devices));
  EXPECT_NEAR(full.mean, config.full_set, 4 * config.full_set * config.full_set_sigma / std::sqrt(kWeights));
  EXPECT_NEAR(std::sqrt(full.variance) / (config.full_set * config.full_set_sigma), 1, 4 * std::sqrt(0.5 / kWeights));
}

TEST(PulsedDevices, ResetLeavesTheResidueAndShortOnesAShare) {
  const PulseConfig config = exact();
  PulsedDevices devices({}, config, kPlace, 1);
  pulse_rows(devices, kAmplitude, 1e6);
  pulse_rows(devices, kReset, 0.25 * config.reset_ns);
  EXPECT_NEAR(moments(conductances(devices)).mean, 0.75 * config.full_set, 0.01);
  pulse_rows(devices, kReset, config.reset_ns);
  const std::vector<double> left = conductances(devices);
  EXPECT_GE(*std::min_element(left.begin(), left.end()), 0);
  double square = 0;
  for (const double g : left) {
    square += g * g / kWeights;
  }
  EXPECT_NEAR(square / (config.reset_residue * config.reset_residue), 1, 4 * std::sqrt(2 / kWeights));
}

TEST(PulsedDevices, RelaxationIsAShareOfTheProgrammingErrorAndHappensOnce) {
  PulseConfig config = exact();
  DeviceConfig technology;
  PulsedDevices devices(technology, config, kPlace, 1);
  const double half_ns = -std::log(1 - 0.5 / config.full_set) / rate(config);
  pulse_rows(devices, kAmplitude, half_ns);
  devices.relax();
  const std::vector<double> once = conductances(devices);
  const double sigma = config.relaxation * DeviceModel(technology.technology).programming_sigma(0.5);
  const Moments relaxed = moments(once);
  EXPECT_NEAR(relaxed.mean, 0.5, 4 * sigma / std::sqrt(kWeights));
  EXPECT_NEAR(relaxed.variance / (sigma * sigma), 1, 4 * std::sqrt(2 / kWeights));
  devices.relax();
  EXPECT_EQ(conductances(devices), once);
}

TEST(PulsedDevices, BrokenDevicesAnswerToNothing) {
  DeviceConfig broken;
  broken.dead_share = 0.02;
  broken.stuck_share = 0.03;
  PulsedDevices devices(broken, {}, kPlace, 1);
  pulse_rows(devices, kAmplitude, 200);
  const std::vector<double> before = conductances(devices);
  pulse_rows(devices, kAmplitude, 200);
  devices.relax();
  const std::vector<double> after = conductances(devices);
  double same = 0;
  for (std::size_t index = 0; index < before.size(); ++index) {
    same += before[index] == after[index] ? 1 : 0;
  }
  EXPECT_NEAR(same / kWeights, 0.05, 4 * std::sqrt(0.05 * 0.95 / kWeights));
}

TEST(PulsedDevices, KeyedByPlaceSeedAndCount) {
  const auto written = [](const Place& place, std::uint64_t chip_seed, std::uint32_t set) {
    PulsedDevices devices({}, {}, place, chip_seed);
    pulse_rows(devices, kAmplitude, 100, set);
    return conductances(devices, set);
  };
  const std::vector<double> one = written(kPlace, 1, 0);
  EXPECT_EQ(written(kPlace, 1, 0), one);
  EXPECT_NE(written(kPlace, 2, 0), one);
  EXPECT_NE(written(kPlace, 1, 1), one);
  EXPECT_NE(written({12, 2, 3, 0}, 1, 0), one);
  EXPECT_NE(written({11, 2, 4, 0}, 1, 0), one);
  // Another seed writes with other chances on the same devices: the speeds agree.
  const std::vector<double> other = written({12, 2, 3, 0}, 1, 0);
  const std::vector<double> other_chip = written({12, 2, 3, 0}, 2, 0);
  const auto correlation = [&](const std::vector<double>& values) {
    const Moments left = moments(one);
    const Moments right = moments(values);
    double sum = 0;
    for (std::size_t index = 0; index < one.size(); ++index) {
      sum += (one[index] - left.mean) * (values[index] - right.mean) / kWeights;
    }
    return sum / std::sqrt(left.variance * right.variance);
  };
  EXPECT_GT(correlation(other), 0.5);
  EXPECT_LT(std::abs(correlation(other_chip)), 4 / std::sqrt(kWeights));
}

}  // namespace
}  // namespace chronotile::pcm
