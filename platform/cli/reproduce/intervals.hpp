#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "platform/cli/reproduce/section.hpp"

/// Confidence intervals of 95 %.
namespace chronotile::cli::reproduce {

/// Share `successes` / `count` in percent: Wilson's score interval (Wilson, JASA 22, 1927). `count` > 0.
[[nodiscard]] Interval wilson_percent(std::uint64_t successes, std::uint64_t count);

[[nodiscard]] double mean(const std::vector<double>& values);

/// Of the mean of independent values: mean +- t(0.975, n - 1) s / sqrt(n). At least two values.
[[nodiscard]] Interval mean_interval(const std::vector<double>& values);

/// The same items seen by several chips: counts[chip][item] of `weights[item]` each, for example word errors of words
/// said, or 0 and 1 of one recording. The rate is 100 * (sum of counts) / (chips * sum of weights).
struct Crossed {
  std::vector<std::vector<double>> counts;
  std::vector<double> weights;

  [[nodiscard]] double percent() const;
  [[nodiscard]] std::size_t chips() const { return counts.size(); }
  [[nodiscard]] std::size_t items() const { return weights.size(); }
};

/// Bootstrap interval (percentiles of 4,000 draws) of Crossed::percent(): items and, where there are several, chips are
/// drawn with replacement, independently (the two-way bootstrap of crossed random effects; Owen, Ann. Appl. Stat. 1,
/// 2007: at worst conservative). The draws are the same in every run.
[[nodiscard]] Interval bootstrap_percent(const Crossed& crossed);

/// Counts of `a` minus those of `b`, chip by chip and item by item; where one has a single chip it stands for all of
/// the other. Throws std::invalid_argument if items or chips do not agree.
[[nodiscard]] Crossed difference(const Crossed& a, const Crossed& b);

/// Where the straight lines through the points (x, y) first reach `level` from below; nothing if they do not. x rises.
[[nodiscard]] std::optional<double> first_crossing(const std::vector<double>& x, const std::vector<double>& y,
                                                   double level);

}  // namespace chronotile::cli::reproduce
