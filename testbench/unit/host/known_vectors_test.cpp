#include "platform/host/known_vectors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "platform/config/config.hpp"
#include "platform/mapping/feed_forward.hpp"
#include "platform/mapping/matrices.hpp"

namespace chronotile::host {
namespace {

constexpr std::uint32_t kRows = 700;
constexpr std::uint32_t kColumns = 100;
constexpr std::size_t kCount = 20;

double weight(std::uint32_t output, std::uint32_t input) { return std::sin(1.0 + output + 0.37 * input) / 40; }

mapping::Matrix matrix(const std::string& name, const std::string& mode, std::vector<mapping::SummationGroup> groups) {
  mapping::Matrix made;
  made.name = name;
  made.mode = mode;
  made.rows = kRows;
  made.columns = kColumns;
  made.column_blocks = {60, 40};
  made.groups = std::move(groups);
  made.weight = weight;
  made.output_full_scale = 2;
  return made;
}

/// What the words of each output add up to is W x.
void expect_products(const mapping::ChipPlan& plan, const KnownVectors& known) {
  ASSERT_EQ(known.count, kCount);
  const std::size_t words = words_read(plan);
  for (std::size_t vector = 0; vector < kCount; ++vector) {
    std::vector<double> sums(plan.output_count, 0.0);
    std::size_t word = 0;
    for (const mapping::OutputVector& output : plan.outputs) {
      for (std::uint32_t k = 0; k < output.count; ++k, ++word) {
        sums[output.first + k] += known.expected[vector * words + word];
      }
    }
    for (const mapping::MatrixUse& use : plan.matrices) {
      for (std::uint32_t output = 0; output < use.columns; ++output) {
        double product = 0;
        for (std::uint32_t input = 0; input < use.rows; ++input) {
          product += weight(output, input) * known.inputs[vector * plan.input_count + use.first_input + input];
        }
        EXPECT_NEAR(sums[use.first_output + output], product, 1e-12) << use.name << " " << output;
      }
    }
  }
}

TEST(KnownVectors, AreMultipliedByTheWeightsOnTiles) {
  const config::PlatformConfig config = config::load({});
  const mapping::MatrixNetwork network{
      "two matrices",
      {matrix("balanced", "ab", {{{400}, {}}, {{300}, {}}}), matrix("halves", "wp1wp2", {{{600, 100}, {}}})}};
  const mapping::Plan plan = mapping::map_matrices(network, 1, config);
  expect_products(plan.chips[0], known_vectors(plan.chips[0], config, kCount, 0));
}

TEST(KnownVectors, FillTheReadOutAndAreWholeCounts) {
  config::PlatformConfig config = config::load({});
  config.host.calibration_input_share = 0.25;
  config.host.calibration_fill = 0.7;
  mapping::Matrix large = matrix("large", "ab", {{{400}, {}}, {{300}, {}}});
  large.output_full_scale = 0.1;
  const mapping::Plan plan = mapping::map_matrices({"large", {large}}, 1, config);
  const KnownVectors known = known_vectors(plan.chips[0], config, kCount, 0);
  const double largest = std::abs(*std::max_element(known.expected.begin(), known.expected.end(),
                                                    [](double a, double b) { return std::abs(a) < std::abs(b); }));
  EXPECT_GT(largest, 0.069);
  EXPECT_LT(largest, 0.1) << "twenty vectors have few outputs beyond those of the first eight";
  std::size_t nonzero = 0;
  for (const double input : known.inputs) {
    EXPECT_NEAR(input * 255, std::round(input * 255), 1e-9);
    nonzero += input != 0 ? 1U : 0U;
  }
  // A quarter of 14,000 less what rounds to 0; binomial sigma 51.
  const double share = static_cast<double>(nonzero) / static_cast<double>(known.inputs.size());
  EXPECT_LT(share, 0.25 + 5 * 51.0 / 14000);
  EXPECT_GT(share, 0.23);
}

TEST(KnownVectors, DifferByChipAndRoundAndSeedOnly) {
  config::PlatformConfig config = config::load({});
  const mapping::Plan plan = mapping::map_matrices({"one", {matrix("one", "single", {{{512, 188}, {}}})}}, 1, config);
  mapping::ChipPlan chip = plan.chips[0];
  const KnownVectors first = known_vectors(chip, config, kCount, 0);
  EXPECT_EQ(known_vectors(chip, config, kCount, 0).inputs, first.inputs);
  EXPECT_NE(known_vectors(chip, config, kCount, 1).inputs, first.inputs);
  const KnownVectors fewer = known_vectors(chip, config, kCount / 2, 0);
  EXPECT_TRUE(std::equal(fewer.expected.begin(), fewer.expected.end(), first.expected.begin()));
  chip.index = 1;
  EXPECT_NE(known_vectors(chip, config, kCount, 0).inputs, first.inputs);
  chip.index = 0;
  config.seed = 2;
  EXPECT_NE(known_vectors(chip, config, kCount, 0).inputs, first.inputs);
}

TEST(KnownVectors, PassLayersAsTheIdealChipWould) {
  for (const char* mode : {"ab", "wp1wp2"}) {
    config::PlatformConfig config = config::load({});
    config.mapping.weight_mode = mode;
    Eigen::MatrixXd first(530, 600);
    Eigen::MatrixXd second(7, 530);
    for (Eigen::Index row = 0; row < first.rows(); ++row) {
      for (Eigen::Index column = 0; column < first.cols(); ++column) {
        first(row, column) = std::sin(static_cast<double>(row) + 0.3 * static_cast<double>(column)) / 9;
      }
    }
    for (Eigen::Index row = 0; row < second.rows(); ++row) {
      for (Eigen::Index column = 0; column < second.cols(); ++column) {
        second(row, column) = std::cos(2.0 * static_cast<double>(row) + static_cast<double>(column)) / 20;
      }
    }
    const mapping::Plan plan = mapping::map_feed_forward({"net", {{"first", first}, {"second", second}}}, config);
    const KnownVectors known = known_vectors(plan.chips[0], config, kCount, 0);
    ASSERT_EQ(words_read(plan.chips[0]), 7U);
    for (std::size_t vector = 0; vector < kCount; ++vector) {
      const Eigen::Map<const Eigen::VectorXd> x(known.inputs.data() + vector * 600, 600);
      EXPECT_GE(x.minCoeff(), 0);
      const Eigen::VectorXd hidden = (first * x).cwiseMax(0.0).cwiseMin(1.0);
      const Eigen::VectorXd y = second * hidden;
      for (Eigen::Index output = 0; output < 7; ++output) {
        EXPECT_NEAR(known.expected[vector * 7 + static_cast<std::size_t>(output)], y(output), 1e-9) << mode;
      }
    }
  }
}

}  // namespace
}  // namespace chronotile::host
