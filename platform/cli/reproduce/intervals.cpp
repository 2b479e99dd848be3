#include "platform/cli/reproduce/intervals.hpp"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>
#include <random>
#include <stdexcept>

namespace chronotile::cli::reproduce {
namespace {

constexpr double kPercent = 100;
constexpr double kUpper = 0.975;
constexpr double kLower = 0.025;

}  // namespace

Interval wilson_percent(std::uint64_t successes, std::uint64_t count) {
  const double z = boost::math::quantile(boost::math::normal(), kUpper);
  const auto n = static_cast<double>(count);
  const double share = static_cast<double>(successes) / n;
  const double scale = 1 / (1 + z * z / n);
  const double centre = scale * (share + z * z / (2 * n));
  const double half = scale * z * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {kPercent * std::max(0.0, centre - half), kPercent * std::min(1.0, centre + half)};
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Interval mean_interval(const std::vector<double>& values) {
  if (values.size() < 2) {
    throw std::invalid_argument("an interval of a mean needs two values");
  }
  const double centre = mean(values);
  const auto n = static_cast<double>(values.size());
  const double squares = std::accumulate(values.begin(), values.end(), 0.0, [centre](double sum, double value) {
    return sum + (value - centre) * (value - centre);
  });
  const double t = boost::math::quantile(boost::math::students_t(n - 1), kUpper);
  const double half = t * std::sqrt(squares / (n - 1) / n);
  return {centre - half, centre + half};
}

double Crossed::percent() const {
  double sum = 0;
  for (const std::vector<double>& chip : counts) {
    sum = std::accumulate(chip.begin(), chip.end(), sum);
  }
  return kPercent * sum / (static_cast<double>(counts.size()) * std::accumulate(weights.begin(), weights.end(), 0.0));
}

Interval bootstrap_percent(const Crossed& crossed) {
  constexpr std::size_t kDraws = 4000;
  std::mt19937_64 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same draws in every run
  // Modulo instead of a standard distribution, whose draws are the library's own choice; its bias is below 2^-50.
  const auto draw = [&random](std::size_t count) { return static_cast<std::size_t>(random() % count); };
  std::vector<double> rates;
  rates.reserve(kDraws);
  std::vector<double> times(crossed.items());
  for (std::size_t repeat = 0; repeat < kDraws; ++repeat) {
    std::fill(times.begin(), times.end(), 0.0);
    for (std::size_t item = 0; item < crossed.items(); ++item) {
      ++times[draw(crossed.items())];
    }
    const double weight = std::inner_product(times.begin(), times.end(), crossed.weights.begin(), 0.0);
    double sum = 0;
    for (std::size_t chip = 0; chip < crossed.chips(); ++chip) {
      const std::vector<double>& counts = crossed.counts[draw(crossed.chips())];
      sum = std::inner_product(times.begin(), times.end(), counts.begin(), sum);
    }
    rates.push_back(weight > 0 ? kPercent * sum / (weight * static_cast<double>(crossed.chips())) : 0.0);
  }
  std::sort(rates.begin(), rates.end());
  const auto at = [&rates](double share) {
    return rates[static_cast<std::size_t>(std::lround(share * static_cast<double>(rates.size() - 1)))];
  };
  return {at(kLower), at(kUpper)};
}

Crossed difference(const Crossed& a, const Crossed& b) {
  const std::size_t chips = std::max(a.chips(), b.chips());
  if (a.weights != b.weights || (a.chips() != chips && a.chips() != 1) || (b.chips() != chips && b.chips() != 1)) {
    throw std::invalid_argument("rates of different items or chips have no difference");
  }
  Crossed result{{}, a.weights};
  for (std::size_t chip = 0; chip < chips; ++chip) {
    const std::vector<double>& of_a = a.counts[a.chips() == 1 ? 0 : chip];
    const std::vector<double>& of_b = b.counts[b.chips() == 1 ? 0 : chip];
    std::vector<double>& counts = result.counts.emplace_back(of_a.size());
    std::transform(of_a.begin(), of_a.end(), of_b.begin(), counts.begin(), std::minus<>());
  }
  return result;
}

std::optional<double> first_crossing(const std::vector<double>& x, const std::vector<double>& y, double level) {
  for (std::size_t index = 0; index < y.size(); ++index) {
    if (y[index] >= level) {
      return index == 0 ? x[0]
                        : x[index - 1] + (x[index] - x[index - 1]) * (level - y[index - 1]) / (y[index] - y[index - 1]);
    }
  }
  return std::nullopt;
}

}  // namespace chronotile::cli::reproduce
