// Experiments on one layer of the RNN-T: its weights rounded or given noise before they are mapped.

#include "platform/mapping/rnnt.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>

namespace chronotile::mapping {
namespace {

constexpr std::uint32_t kOutputs = 200;
constexpr std::uint32_t kInputs = 150;

/// Spread over -1..1; the largest magnitude is 1.
double spread(std::uint32_t output, std::uint32_t input) {
  return std::sin(0.7 * (output * kInputs + input)) * (output == 3 && input == 5 ? 0.0 : 0.99) +
         (output == 3 && input == 5 ? 1.0 : 0.0);
}

TEST(LayerExperiments, RoundToEvenLevelsBetweenTheLargestWeights) {
  for (const auto& [bits, levels] : {std::pair{1.0, 2}, {2.0, 4}, {3.5, 11}, {4.0, 16}, {8.0, 256}}) {
    const auto weight = degrade(spread, kOutputs, kInputs, bits, 0, 1, 0);
    std::set<long> found;
    double worst = 0;
    const double step = 2.0 / (levels - 1);
    for (std::uint32_t output = 0; output < kOutputs; ++output) {
      for (std::uint32_t input = 0; input < kInputs; ++input) {
        const double level = (weight(output, input) + 1) / step;
        EXPECT_NEAR(level, std::round(level), 1e-9);
        found.insert(std::lround(level));
        worst = std::max(worst, std::abs(weight(output, input) - spread(output, input)));
      }
    }
    EXPECT_LE(found.size(), static_cast<std::size_t>(levels)) << bits;
    EXPECT_GE(found.size(), static_cast<std::size_t>(levels) - 1) << bits << ": the lowest level may be out of reach";
    EXPECT_LE(worst, step / 2 + 1e-12) << bits;
    EXPECT_EQ(weight(3, 5), 1) << "the largest weight is a level";
  }
}

TEST(LayerExperiments, NoiseHasItsDeviationAndIsKeyedBySeedAndLayer) {
  constexpr double kSigma = 0.04;
  const auto weight = degrade([](auto o, auto i) { return 3 * spread(o, i); }, kOutputs, kInputs, 0, kSigma, 1, 2);
  double sum = 0;
  double square = 0;
  double lagged = 0;
  double before = 0;
  for (std::uint32_t output = 0; output < kOutputs; ++output) {
    for (std::uint32_t input = 0; input < kInputs; ++input) {
      const double error = (weight(output, input) - 3 * spread(output, input)) / (3 * kSigma);
      EXPECT_EQ(weight(output, input), weight(output, input));
      sum += error;
      square += error * error;
      lagged += error * before;
      before = error;
    }
  }
  constexpr double kCount = kOutputs * kInputs;
  const double deviation = 1 / std::sqrt(kCount);
  EXPECT_NEAR(sum / kCount, 0, 4 * deviation);
  EXPECT_NEAR(square / kCount, 1, 4 * std::sqrt(2.0) * deviation);
  EXPECT_NEAR(lagged / kCount, 0, 4 * deviation);
  EXPECT_NE(degrade(spread, kOutputs, kInputs, 0, kSigma, 2, 2)(0, 0),
            degrade(spread, kOutputs, kInputs, 0, kSigma, 1, 2)(0, 0));
  EXPECT_NE(degrade(spread, kOutputs, kInputs, 0, kSigma, 1, 3)(0, 0),
            degrade(spread, kOutputs, kInputs, 0, kSigma, 1, 2)(0, 0));
}

TEST(LayerExperiments, ConcernOneLayerOnly) {
  RnntShape shape;
  shape.encoder = 24;
  shape.prediction = 16;
  shape.joint = 16;
  RnntWeights weights;
  for (auto& layer : weights.encoder) {
    layer = {spread, spread, 0};
  }
  for (auto& layer : weights.prediction) {
    layer = {spread, spread, 0};
  }
  weights.joint = spread;
  config::PlatformConfig config;
  const MatrixNetwork whole = rnnt_network(shape, weights, config);
  config.rnnt.enc_lstm3.weight_bits = 2;
  config.rnnt.joint.weight_noise_sigma = 0.1;
  const MatrixNetwork changed = rnnt_network(shape, weights, config);
  ASSERT_EQ(whole.matrices.size(), changed.matrices.size());
  for (std::size_t index = 0; index < whole.matrices.size(); ++index) {
    const std::string& name = whole.matrices[index].name;
    std::size_t different = 0;
    std::set<double> values;
    for (std::uint32_t input = 0; input < whole.matrices[index].rows; ++input) {
      const double value = changed.matrices[index].weight(7, input);
      different += value == whole.matrices[index].weight(7, input) ? 0U : 1U;
      values.insert(std::round(value * 1e9));
    }
    EXPECT_EQ(different > 0, name == "enc_lstm3" || name == "joint") << name;
    if (name == "enc_lstm3") {
      EXPECT_LE(values.size(), 4U);
    }
  }
}

}  // namespace
}  // namespace chronotile::mapping
