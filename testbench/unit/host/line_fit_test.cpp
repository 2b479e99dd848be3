#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "models/base/noise.hpp"
#include "platform/host/calibration.hpp"

namespace chronotile::host {
namespace {

constexpr double kAll = 1e9;

// By hand: means 1.5 and 2.75, sums of products 5 and 5.5, residual 8.75 - 1.1 * 5.5 = 2.7.
TEST(LineFit, IsThatOfTheClosedForm) {
  const std::vector<double> x{0, 1, 2, 3};
  const std::vector<double> y{1, 3, 2, 5};
  const LineFit fit = fit_line(x.data(), y.data(), 4, 1, -kAll, kAll);
  EXPECT_EQ(fit.samples, 4U);
  EXPECT_DOUBLE_EQ(fit.slope, 1.1);
  EXPECT_DOUBLE_EQ(fit.offset, 1.1);
  EXPECT_DOUBLE_EQ(fit.sum_xx, 5);
  EXPECT_DOUBLE_EQ(fit.sum_xy, 5.5);
  EXPECT_NEAR(fit.slope_error, std::sqrt(2.7 / 2 / 5), 1e-12);
}

TEST(LineFit, LeavesOutWhatWasCut) {
  const std::vector<double> x{-9, 1, 2, 3, 9};
  const std::vector<double> y{0, 12, 14, 16, 255};
  const LineFit fit = fit_line(x.data(), y.data(), 5, 1, 0, 255);
  EXPECT_EQ(fit.samples, 3U);
  EXPECT_DOUBLE_EQ(fit.slope, 2);
  EXPECT_DOUBLE_EQ(fit.offset, 10);
  EXPECT_NEAR(fit.slope_error, 0, 1e-7);
}

TEST(LineFit, ReadsEveryStrideThNumber) {
  const std::vector<double> x{1, 70, 2, 50, 4, 60};
  const std::vector<double> y{5, 1, 6, 9, 8, 3};
  const LineFit fit = fit_line(x.data(), y.data(), 3, 2, -kAll, kAll);
  EXPECT_DOUBLE_EQ(fit.slope, 1);
  EXPECT_DOUBLE_EQ(fit.offset, 4);
}

TEST(LineFit, HasNoSlopeWhereNothingVaries) {
  const std::vector<double> x{2, 2, 2};
  const std::vector<double> y{5, 6, 7};
  const LineFit fit = fit_line(x.data(), y.data(), 3, 1, -kAll, kAll);
  EXPECT_DOUBLE_EQ(fit.slope, 0);
  EXPECT_DOUBLE_EQ(fit.offset, 6);
  EXPECT_EQ(fit_line(x.data(), y.data(), 3, 1, 10, 20).samples, 0U);
}

// 400 fits of 50 points with noise of sigma 2: the slopes scatter by 2 / sqrt(Sxx), which is what each fit says of
// itself. A standard deviation from 400 values is known to 1 / sqrt(800) = 3.5 %; within 4 of them.
TEST(LineFit, KnowsItsError) {
  constexpr std::size_t kPoints = 50;
  constexpr std::size_t kFits = 400;
  constexpr double kSigma = 2;
  std::vector<double> x(kPoints);
  noise::uniform({7, 0, 0, noise::Purpose::kWorkload}, 0, x.data(), kPoints);
  double mean = 0;
  for (const double value : x) {
    mean += value / kPoints;
  }
  double sum_xx = 0;
  for (const double value : x) {
    sum_xx += (value - mean) * (value - mean);
  }
  const double expected_error = kSigma / std::sqrt(sum_xx);
  double squares = 0;
  double said = 0;
  for (std::size_t k = 0; k < kFits; ++k) {
    std::vector<double> y(kPoints);
    noise::gaussian({7, 0, 1, noise::Purpose::kWorkload, k}, 0, y.data(), kPoints);
    for (std::size_t point = 0; point < kPoints; ++point) {
      y[point] = 0.9 * x[point] + 3 + kSigma * y[point];
    }
    const LineFit fit = fit_line(x.data(), y.data(), kPoints, 1, -kAll, kAll);
    squares += (fit.slope - 0.9) * (fit.slope - 0.9);
    said += fit.slope_error * fit.slope_error;
  }
  EXPECT_NEAR(std::sqrt(squares / kFits) / expected_error, 1, 4 * 0.035);
  EXPECT_NEAR(std::sqrt(said / kFits) / expected_error, 1, 0.04) << "20,000 residuals";
}

}  // namespace
}  // namespace chronotile::host
