#include "models/pcm/device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <functional>
#include <vector>

namespace chronotile::pcm {
namespace {

constexpr int kRows = 256;  // 131,072 devices: a mean of unit deviation is known to 0.0028, a deviation to 0.002
constexpr double kOneHour_s = 3600;
constexpr double kOneWeek_s = 7 * 86400.0;

/// Exact devices; tests switch on what they look at.
DeviceConfig exact(Technology technology = Technology::k90nm) {
  DeviceConfig config;
  config.enabled = true;
  config.technology = technology;
  config.programming_scale = 0;
  config.drift = false;
  config.read_noise = false;
  return config;
}

struct Population {
  std::vector<double> plus;
  std::vector<double> minus;
  std::vector<double> variance;
};

/// kRows rows with the same target weight.
Population population(const DeviceConfig& config, double target, const Place& place = {}) {
  const DevicePairs devices(config);
  const std::vector<double> targets(kWires, target);
  Population result;
  RowOfPairs pairs;
  for (int row = 0; row < kRows; ++row) {
    devices.row(place, row, targets.data(), pairs);
    result.plus.insert(result.plus.end(), pairs.plus, pairs.plus + kWires);
    result.minus.insert(result.minus.end(), pairs.minus, pairs.minus + kWires);
    result.variance.insert(result.variance.end(), pairs.variance, pairs.variance + kWires);
  }
  return result;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  const double centre = mean(values);
  double sum = 0;
  for (const double value : values) {
    sum += (value - centre) * (value - centre);
  }
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

/// Probability of a chi-square at least as large as that of `values` in 40 equally likely bins of a distribution.
double chi_square_probability(const std::vector<double>& values, const std::function<double(double)>& cumulative) {
  constexpr std::size_t kBins = 40;
  std::array<double, kBins> counts{};
  for (const double value : values) {
    const double share = cumulative(value);
    counts[std::min(kBins - 1, static_cast<std::size_t>(share * static_cast<double>(kBins)))] += 1;
  }
  const double expected = static_cast<double>(values.size()) / static_cast<double>(kBins);
  double sum = 0;
  for (const double count : counts) {
    sum += (count - expected) * (count - expected) / expected;
  }
  return cdf(complement(boost::math::chi_squared(static_cast<double>(kBins - 1)), sum));
}

TEST(DeviceModel, HasThePublishedConstants) {
  const DeviceModel older(Technology::k90nm);
  EXPECT_NEAR(25 * older.programming_sigma(1), 1.05538, 1e-9);
  EXPECT_NEAR(25 * older.programming_sigma(0), 0.26348, 1e-12);
  EXPECT_NEAR(older.drift_mean(0.1), -0.0155 * std::log(0.1) + 0.0244, 1e-12);
  EXPECT_NEAR(older.drift_mean(1), 0.049, 1e-12);
  EXPECT_NEAR(older.drift_mean(1e-6), 0.1, 1e-12);
  EXPECT_NEAR(older.drift_sigma(1), 0.008, 1e-12);
  EXPECT_NEAR(older.drift_sigma(0.01), 0.045, 1e-12);
  EXPECT_NEAR(older.noise_q(1), 0.0088, 1e-12);
  EXPECT_NEAR(older.noise_q(0), 0.2, 1e-12);
  EXPECT_EQ(older.drift_start_s(), 20);

  const DeviceModel newer(Technology::k14nm);
  EXPECT_NEAR(10.35 * newer.programming_sigma(1), 0.15781817 + 2.32443916 - 2.16310839 + 0.68841818, 1e-9);
  EXPECT_NEAR(newer.drift_mean(1), 0.0174, 1e-9) << "published: mean 0.017 +- 0.005 at full scale";
  EXPECT_NEAR(newer.drift_sigma(1), 0.0055, 1e-9);
  EXPECT_NEAR(newer.noise_q(1), 0.0664 - 0.1352 + 0.0768 + 0.0088, 1e-12);
  EXPECT_EQ(newer.drift_start_s(), 200);
}

// A wrong mean or deviation by 2 % would give chi-squares that are this large once in 1e9.
TEST(DevicePairs, ProgrammingErrorIsGaussianAroundTheTarget) {
  for (const Technology technology : {Technology::k90nm, Technology::k14nm}) {
    DeviceConfig config = exact(technology);
    config.programming_scale = 1;
    const DeviceModel model(technology);
    for (const double target : {0.5, 0.9}) {
      const boost::math::normal expected(target, model.programming_sigma(target));
      EXPECT_GT(
          chi_square_probability(population(config, target).plus, [&](double value) { return cdf(expected, value); }),
          1e-3)
          << target;
    }
  }
}

TEST(DevicePairs, DevicesWithoutATargetKeepWhatErasingLeaves) {
  DeviceConfig config = exact();
  config.programming_scale = 1;
  const Population devices = population(config, 0.5);
  const double sigma = DeviceModel(Technology::k90nm).programming_sigma(0);
  // max(0, N(0, sigma)): half of them are zero, the mean is sigma / sqrt(2 pi)
  const auto zeros = std::count(devices.minus.begin(), devices.minus.end(), 0.0);
  EXPECT_NEAR(static_cast<double>(zeros) / static_cast<double>(devices.minus.size()), 0.5, 0.006);
  EXPECT_NEAR(mean(devices.minus), sigma / std::sqrt(2 * std::acos(-1.0)), 0.02 * sigma);
}

TEST(DevicePairs, NegativeWeightsStandOnTheSubtractingDevice) {
  const Population devices = population(exact(), -0.75);
  EXPECT_THAT(devices.plus, testing::Each(0.0));
  EXPECT_THAT(devices.minus, testing::Each(0.75));
}

// Published (recomputed from the formula): at one hour the mean of 25 uS is 0.776, of 5 uS 0.776, of 1 uS 0.689.
TEST(DevicePairs, DriftsToThePublishedMeans) {
  DeviceConfig config = exact();
  config.drift = true;
  config.age_s = kOneHour_s;
  for (const auto& [target_uS, share] : {std::pair{25.0, 0.776}, {5.0, 0.776}, {1.0, 0.689}}) {
    const double target = target_uS / 25;
    EXPECT_NEAR(mean(population(config, target).plus) / target, share, 1.5e-3) << target_uS;
  }
}

TEST(DevicePairs, NothingDriftsBeforeTheDriftStarts) {
  DeviceConfig config = exact();
  config.drift = true;
  for (const double age_s : {0.0, 10.0, 20.0}) {
    config.age_s = age_s;
    EXPECT_THAT(population(config, 0.5).plus, testing::Each(testing::DoubleEq(0.5)));
  }
}

TEST(DevicePairs, AnotherAgeIsTheSameDevicesAged) {
  DeviceConfig config = exact();
  config.programming_scale = 1;
  config.drift = true;
  const Population young = population(config, 0.8);
  config.age_s = kOneHour_s;
  const Population hour = population(config, 0.8);
  config.age_s = kOneWeek_s;
  const Population week = population(config, 0.8);
  const double logs = std::log(kOneWeek_s / 20) / std::log(kOneHour_s / 20);
  for (std::size_t k = 0; k < young.plus.size(); k += 97) {
    const double exponent = std::log(hour.plus[k] / young.plus[k]);
    ASSERT_LT(exponent, 0);
    ASSERT_NEAR(std::log(week.plus[k] / young.plus[k]), exponent * logs, 1e-9);
  }
}

// The formula's accumulated noise, whatever part of it is white.
TEST(DevicePairs, SlowAndWhiteNoiseTogetherHaveTheAccumulatedVariance) {
  for (const Technology technology : {Technology::k90nm, Technology::k14nm}) {
    const DeviceModel model(technology);
    for (const double decades : {0.0, 1.0, 3.0}) {
      DeviceConfig config = exact(technology);
      config.read_noise = true;
      config.white_decades = decades;
      config.age_s = kOneHour_s;
      const Population devices = population(config, 0.6);
      const double read_s = model.read_time_s();
      const double accumulated = 0.6 * model.noise_q(0.6) * std::sqrt(std::log((kOneHour_s + read_s) / (2 * read_s)));
      const double slow = deviation(devices.plus);
      EXPECT_NEAR(std::sqrt(slow * slow + devices.variance.front()), accumulated, 0.01 * accumulated) << decades;
      EXPECT_NEAR(devices.variance.front(), std::pow(0.6 * model.noise_q(0.6), 2) * std::log(10.0) * decades, 1e-9);
    }
  }
}

// Noise is a share of the conductance: it becomes less as devices drift.
TEST(DevicePairs, WhiteNoiseDriftsWithTheDevices) {
  DeviceConfig config = exact();
  config.read_noise = true;
  const double young = population(config, 0.6).variance.front();
  config.drift = true;
  config.age_s = kOneWeek_s;
  const DeviceModel model(Technology::k90nm);
  const double share = std::pow(kOneWeek_s / 20, -model.drift_mean(0.6));
  EXPECT_NEAR(population(config, 0.6).variance.front() / young, share * share, 1e-6);
}

TEST(DevicePairs, DeadAndStuckDevicesAreAsManyAsAskedFor) {
  DeviceConfig config = exact();
  config.dead_share = 0.02;
  config.stuck_share = 0.05;
  const Population devices = population(config, 0.5);
  const auto count = static_cast<double>(devices.plus.size());
  const auto dead = std::count(devices.plus.begin(), devices.plus.end(), 0.0);
  const auto right = std::count(devices.plus.begin(), devices.plus.end(), 0.5);
  EXPECT_NEAR(static_cast<double>(dead) / count, 0.02, 0.002);
  EXPECT_NEAR(1 - static_cast<double>(right + dead) / count, 0.05, 0.003);
}

TEST(DevicePairs, DrawsAreKeyedByPlaceAndSeed) {
  DeviceConfig config = exact();
  config.programming_scale = 1;
  const std::vector<double> base = population(config, 0.5).plus;
  EXPECT_EQ(population(config, 0.5).plus, base);
  for (const Place& other : {Place{2, 0, 0, 0, 1}, Place{1, 1, 0, 0, 1}, Place{1, 0, 1, 0, 1}, Place{1, 0, 0, 1, 1}}) {
    const std::vector<double> draws = population(config, 0.5, other).plus;
    double product = 0;
    for (std::size_t k = 0; k < draws.size(); ++k) {
      product += (draws[k] - 0.5) * (base[k] - 0.5);
    }
    const double sigma = DeviceModel(Technology::k90nm).programming_sigma(0.5);
    EXPECT_NEAR(product / static_cast<double>(draws.size()) / (sigma * sigma), 0, 0.015);
  }
}

}  // namespace
}  // namespace chronotile::pcm
