#include "platform/host/digital_unit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace chronotile::host {
namespace {

/// Values of either sign over many magnitudes, and around 0.
std::vector<double> sweep() {
  std::vector<double> values = {0.0, -0.0, 1e-300, -1e-300};
  for (int i = 0; i < 4000; ++i) {
    const double size = std::pow(10.0, -12.0 + 14.0 * i / 4000.0);
    values.push_back(i % 2 == 0 ? size : -size);
  }
  for (int i = -400; i <= 400; ++i) {
    values.push_back(0.05 * i);
  }
  return values;
}

TEST(DigitalUnit, TanhAndSigmoidToTheLastPlaces) {
  const std::vector<double> x = sweep();
  std::vector<double> y(x.size());
  tanh(x.data(), x.size(), y.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(y[i], std::tanh(x[i]), 1e-15 * std::abs(std::tanh(x[i]))) << x[i];
  }
  sigmoid(x.data(), x.size(), y.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = 1.0 / (1.0 + std::exp(-x[i]));
    EXPECT_NEAR(y[i], exact, 2e-15 * exact) << x[i];
  }
}

TEST(DigitalUnit, ExtremesSaturateAndNotANumberShows) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<double> x = {1e300, -1e300, kInfinity, -kInfinity, std::nan("")};
  std::vector<double> y(x.size());
  tanh(x.data(), x.size(), y.data());
  EXPECT_EQ(std::vector<double>(y.begin(), y.end() - 1), (std::vector<double>{1.0, -1.0, 1.0, -1.0}));
  EXPECT_TRUE(std::isnan(y.back()));
  sigmoid(x.data(), x.size(), y.data());
  EXPECT_EQ(y[0], 1.0);
  EXPECT_LT(y[1], 1e-130);
  EXPECT_EQ(y[2], 1.0);
  EXPECT_LT(y[3], 1e-130);
  EXPECT_TRUE(std::isnan(y.back()));
}

/// The same bits whatever stands beside a value: vector lanes and what is left over after them.
TEST(DigitalUnit, ValuesDoNotDependOnTheirPlace) {
  const std::vector<double> x = sweep();
  std::vector<double> together(x.size());
  tanh(x.data(), x.size(), together.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    double alone = 0;
    tanh(&x[i], 1, &alone);
    EXPECT_EQ(together[i], alone);
  }
}

/// Bits of the portable code on a machine of its own: what other instruction sets must reproduce.
TEST(DigitalUnit, BitsAreFixed) {
  const std::vector<double> x = {-3.7, -0.6180339887, 1e-3, 0.4142135623, 2.71828};
  std::vector<double> y(x.size());
  tanh(x.data(), x.size(), y.data());
  EXPECT_EQ(y, (std::vector<double>{-0x1.ff5fdc948488cp-1, -0x1.1979d72e41985p-1, 0x1.0624d77516ce3p-10,
                                    0x1.91741d27bd7ep-2, 0x1.fb8f75a2af0ddp-1}));
  sigmoid(x.data(), x.size(), y.data());
  EXPECT_EQ(y, (std::vector<double>{0x1.8b4c0ffc14fbep-6, 0x1.66a25bab9a3b4p-2, 0x1.0020c49b78133p-1,
                                    0x1.344629079052ap-1, 0x1.e04e36d0c7fbp-1}));
}

TEST(DigitalUnit, LstmCell) {
  constexpr std::size_t kUnits = 37;
  std::vector<double> gates(4 * kUnits);
  std::vector<float> bias(4 * kUnits);
  for (std::size_t i = 0; i < gates.size(); ++i) {
    gates[i] = 6.0 * std::sin(static_cast<double>(i) * 1.7);
    bias[i] = static_cast<float>(std::cos(static_cast<double>(i)));
  }
  std::vector<double> c(kUnits);
  for (std::size_t u = 0; u < kUnits; ++u) {
    c[u] = 0.1 * static_cast<double>(u) - 2.0;
  }
  const std::vector<double> before = c;
  std::vector<double> h(kUnits, 99.0);
  DigitalUnit digital;
  digital.lstm_cell(gates.data(), bias.data(), kUnits, c.data(), h.data());
  const auto logistic = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
  for (std::size_t u = 0; u < kUnits; ++u) {
    const auto gate = [&](std::size_t g) { return gates[g * kUnits + u] + static_cast<double>(bias[g * kUnits + u]); };
    const double cell = logistic(gate(1)) * before[u] + logistic(gate(0)) * std::tanh(gate(2));
    EXPECT_NEAR(c[u], cell, 2e-15);
    EXPECT_NEAR(h[u], logistic(gate(3)) * std::tanh(cell), 2e-15);
  }
  EXPECT_EQ(digital.operations(), kUnits * 18);
}

TEST(DigitalUnit, Multiply) {
  constexpr std::size_t kRows = 5;
  for (const std::size_t columns : {1U, 15U, 16U, 33U, 240U}) {
    std::vector<float> weights(kRows * columns);
    std::vector<double> x(columns);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] = static_cast<float>(i % 7) - 3.0F;
    }
    for (std::size_t i = 0; i < columns; ++i) {
      x[i] = static_cast<double>(i % 5) - 2.0;
    }
    std::vector<double> y(kRows, 99.0);
    DigitalUnit digital;
    digital.multiply(weights.data(), kRows, columns, x.data(), y.data());
    for (std::size_t row = 0; row < kRows; ++row) {
      double expected = 0.0;
      for (std::size_t i = 0; i < columns; ++i) {
        expected += static_cast<double>(weights[row * columns + i]) * x[i];
      }
      EXPECT_EQ(y[row], expected) << "small integers add up exactly";
    }
    EXPECT_EQ(digital.operations(), 2 * kRows * columns);
  }
}

TEST(DigitalUnit, SumsAndArgMax) {
  DigitalUnit digital;
  std::vector<double> a = {1.0, -2.0, 0.5};
  const std::vector<float> b = {0.5F, 1.0F, -0.5F};
  digital.add(a.data(), b.data(), 3);
  EXPECT_EQ(a, (std::vector<double>{1.5, -1.0, 0.0}));
  const std::vector<double> c = {-2.0, 3.0, 0.25};
  std::vector<double> y(3);
  digital.add_relu(a.data(), c.data(), 3, y.data());
  EXPECT_EQ(y, (std::vector<double>{0.0, 2.0, 0.25}));
  EXPECT_EQ(digital.operations(), 3U + 6U);
  const std::vector<double> equal = {1.0, 4.0, 4.0, -1.0};
  EXPECT_EQ(digital.arg_max(equal.data(), 4), 1U) << "the first of equals";
  EXPECT_EQ(digital.operations(), 3U + 6U + 3U);
}

}  // namespace
}  // namespace chronotile::host
