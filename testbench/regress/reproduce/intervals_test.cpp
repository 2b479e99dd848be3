// Confidence intervals against their formulas and against what they promise.

#include "platform/cli/reproduce/intervals.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <stdexcept>
#include <vector>

namespace chronotile::cli::reproduce {
namespace {

TEST(Intervals, WilsonAgreesWithPublishedExamples) {
  // Newcombe, Stat. Med. 17, 857 (1998), table I, method 3: 81/263, 15/148, 0/20, 1/29.
  struct Example {
    std::uint64_t successes;
    std::uint64_t count;
    double low;
    double high;
  };
  for (const Example& example :
       {Example{81, 263, 25.53, 36.62}, {15, 148, 6.24, 16.05}, {0, 20, 0, 16.11}, {1, 29, 0.61, 17.18}}) {
    const Interval interval = wilson_percent(example.successes, example.count);
    EXPECT_NEAR(interval.low, example.low, 0.006) << example.successes << "/" << example.count;
    EXPECT_NEAR(interval.high, example.high, 0.006) << example.successes << "/" << example.count;
  }
  EXPECT_NEAR(wilson_percent(20, 20).high, 100, 1e-9);
}

TEST(Intervals, MeanIsThatOfStudent) {
  // Mean 3, s = sqrt(2.5), t(0.975, 4) = 2.7764.
  const Interval interval = mean_interval({1, 2, 3, 4, 5});
  EXPECT_NEAR(interval.low, 3 - 2.7764451 * std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(interval.high, 3 + 2.7764451 * std::sqrt(0.5), 1e-6);
  EXPECT_THROW((void)mean_interval({1}), std::invalid_argument);
}

TEST(Intervals, RateWeighsItems) {
  const Crossed crossed{{{1, 0, 2}, {0, 0, 3}}, {4, 2, 6}};
  EXPECT_DOUBLE_EQ(crossed.percent(), 100 * 6.0 / 24);
}

TEST(Intervals, BootstrapOfOneChipIsBinomial) {
  // 100 of 400: +- 1.96 sqrt(0.25 * 0.75 / 400) = +- 4.24 %; quantiles of 4,000 draws err by about 0.1.
  Crossed crossed{{std::vector<double>(400, 0.0)}, std::vector<double>(400, 1.0)};
  std::fill_n(crossed.counts[0].begin(), 100, 1.0);
  const Interval interval = bootstrap_percent(crossed);
  EXPECT_NEAR(interval.low, 25 - 4.24, 0.5);
  EXPECT_NEAR(interval.high, 25 + 4.24, 0.5);
  const Interval again = bootstrap_percent(crossed);
  EXPECT_EQ(interval.low, again.low);
  EXPECT_EQ(interval.high, again.high);
}

TEST(Intervals, BootstrapCoversTheTruthOfCrossedEffects) {
  // rate = 50 + chip + item, deviations 3 and 20 points, 8 chips, 60 items: 95 % of the intervals hold 50. Of 200
  // trials 190 +- 3; 8 chips are few, so somewhat less is right.
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  int held = 0;
  constexpr int kTrials = 200;
  for (int trial = 0; trial < kTrials; ++trial) {
    Crossed crossed{{}, std::vector<double>(60, 1.0)};
    std::vector<double> items(60);
    for (double& item : items) {
      item = 0.2 * normal(random);
    }
    for (int chip = 0; chip < 8; ++chip) {
      const double effect = 0.03 * normal(random);
      std::vector<double>& counts = crossed.counts.emplace_back();
      for (const double item : items) {
        counts.push_back(0.5 + effect + item);
      }
    }
    const Interval interval = bootstrap_percent(crossed);
    held += interval.low <= 50 && 50 <= interval.high ? 1 : 0;
  }
  EXPECT_GE(held, 178);
  EXPECT_LE(held, 200);
}

TEST(Intervals, DifferencesArePaired) {
  const Crossed one{{{1, 0, 1}, {1, 1, 1}}, {1, 1, 1}};
  const Crossed exact{{{1, 0, 0}}, {1, 1, 1}};
  const Crossed change = difference(one, exact);
  EXPECT_EQ(change.counts, (std::vector<std::vector<double>>{{0, 0, 1}, {0, 1, 1}}));
  EXPECT_DOUBLE_EQ(change.percent(), one.percent() - exact.percent());
  const Crossed same = difference(one, one);
  EXPECT_EQ(bootstrap_percent(same).low, 0);
  EXPECT_EQ(bootstrap_percent(same).high, 0);
  EXPECT_THROW((void)difference(one, Crossed{{{1, 0}}, {1, 1}}), std::invalid_argument);
  EXPECT_THROW((void)difference(one, Crossed{{{1, 0, 0}, {1, 0, 0}, {1, 0, 0}}, {1, 1, 1}}), std::invalid_argument);
}

TEST(Intervals, CrossingIsInterpolated) {
  const std::vector<double> x{0, 5, 10};
  EXPECT_EQ(first_crossing(x, {0, 2, 6}, 3), 6.25);
  EXPECT_EQ(first_crossing(x, {4, 2, 6}, 3), 0);
  EXPECT_EQ(first_crossing(x, {0, 1, 2}, 3), std::nullopt);
}

}  // namespace
}  // namespace chronotile::cli::reproduce
