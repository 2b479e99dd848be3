#include "platform/mapping/matrices.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "common/user_error.hpp"
#include "platform/chip/floorplan.hpp"
#include "platform/mapping/report.hpp"
#include "platform/mapping/rnnt.hpp"
#include "platform/mapping/router.hpp"
#include "testbench/unit/mapping/step_emulator.hpp"

namespace chronotile::mapping {
namespace {

using testing::StepEmulator;

double some_weight(std::uint32_t output, std::uint32_t input) {
  return ((output * 2654435761U ^ input * 40503U) % 2001U) / 1000.0 - 1.0;
}

/// Sparse inputs: full-size chips are checked in a moment.
std::vector<double> some_inputs(std::size_t count, std::size_t every) {
  std::vector<double> inputs(count, 0.0);
  for (std::size_t i = 0; i < count; i += every) {
    inputs[i] = std::sin(static_cast<double>(i * i + 1));
  }
  return inputs;
}

/// Runs a step of the programs and compares with W x.
void check_step(const ChipPlan& chip, const MatrixNetwork& network, const config::PlatformConfig& config,
                std::size_t every = 1) {
  StepEmulator emulator(chip, config);
  EXPECT_EQ(emulator.slots(), chip.slots_per_step);
  const std::vector<double> inputs = some_inputs(chip.input_count, every);
  const std::vector<double> outputs = emulator.run(inputs);
  for (const MatrixUse& use : chip.matrices) {
    const auto matrix = std::find_if(network.matrices.begin(), network.matrices.end(),
                                     [&](const Matrix& other) { return other.name == use.name; });
    ASSERT_NE(matrix, network.matrices.end());
    double worst = 0;
    for (std::uint32_t output = 0; output < use.columns; ++output) {
      ASSERT_EQ(emulator.captures()[use.first_output + output], static_cast<int>(matrix->groups.size()))
          << use.name << " output " << output;
      double sum = 0;
      for (std::uint32_t input = 0; input < use.rows; ++input) {
        const double x = inputs[use.first_input + input];
        sum += x == 0 ? 0 : x * matrix->weight(output, input);
      }
      worst = std::max(worst, std::abs(sum - outputs[use.first_output + output]));
    }
    EXPECT_LT(worst, 1e-9) << use.name;
  }
}

RnntWeights weights_for(const RnntShape& shape) {
  RnntWeights weights;
  for (auto& layer : weights.encoder) {
    layer = {some_weight, [](std::uint32_t o, std::uint32_t i) { return 0.5 * some_weight(o + 1, i); }, 0};
  }
  for (auto& layer : weights.prediction) {
    layer = {[](std::uint32_t o, std::uint32_t i) { return some_weight(i, o); }, some_weight, 0};
  }
  weights.joint = some_weight;
  static_cast<void>(shape);
  return weights;
}

std::string refusal(const MatrixNetwork& network, std::uint32_t chips = 1, const config::PlatformConfig& config = {}) {
  try {
    const Plan plan = map_matrices(network, chips, config);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

Matrix one(std::vector<std::uint32_t> rows, std::vector<std::uint32_t> columns, const std::string& mode = "ab") {
  Matrix matrix;
  matrix.name = "m";
  matrix.mode = mode;
  matrix.rows = std::accumulate(rows.begin(), rows.end(), 0U);
  matrix.columns = std::accumulate(columns.begin(), columns.end(), 0U);
  matrix.column_blocks = std::move(columns);
  matrix.groups.push_back({std::move(rows), {}});
  matrix.weight = some_weight;
  return matrix;
}

TEST(Rnnt, stands_as_published) {
  const config::PlatformConfig config;
  const MatrixNetwork network = rnnt_network({}, {}, config);
  const Plan plan = map_matrices(network, 5, config);
  EXPECT_EQ(plan.weights_on_tiles, 45'261'568U);
  ASSERT_EQ(plan.chips.size(), 5U);
  const std::vector<std::size_t> tiles{32, 32, 24, 32, 22};
  const std::vector<std::uint32_t> slots{7, 7, 7, 7, 5};
  for (std::size_t chip = 0; chip < 5; ++chip) {
    EXPECT_EQ(plan.chips[chip].tiles.size(), tiles[chip]) << chip;
    EXPECT_EQ(plan.chips[chip].slots_per_step, slots[chip]) << chip;
    EXPECT_NO_THROW(prove_disjoint(plan.chips[chip].routes));
    EXPECT_TRUE(plan.chips[chip].tiles.front().wp1.size() == 0) << "no weights were given";
  }
  EXPECT_EQ(plan.chips[4].outputs.size(), 14U);  // 10 chains, 4 of them on two pads
  EXPECT_EQ(plan.chips[4].finishers.size(), 6U);
  EXPECT_GT(plan.cells_programmed, plan.weights_on_tiles);
}

TEST(Rnnt, full_size_programs_compute_the_matrices) {
  const config::PlatformConfig config;
  const RnntShape shape;
  const MatrixNetwork network = rnnt_network(shape, weights_for(shape), config);
  const Plan plan = map_matrices(network, 5, config);
  for (const ChipPlan& chip : plan.chips) {
    check_step(chip, network, config, 7);
  }
}

TEST(Rnnt, halved_integration_gives_the_same_results_in_the_same_slots) {
  config::PlatformConfig config;
  config.mapping.integration_share = 0.5;
  const RnntShape shape;
  const MatrixNetwork network = rnnt_network(shape, weights_for(shape), config);
  const Plan plan = map_matrices(network, 5, config);
  const std::vector<std::uint32_t> slots{7, 7, 7, 7, 5};
  for (const ChipPlan& chip : plan.chips) {
    EXPECT_EQ(chip.slots_per_step, slots[chip.index]);
    check_step(chip, network, config, 7);
  }
}

TEST(Rnnt, weight_expansion_keeps_the_tiles) {
  config::PlatformConfig config;
  config.rnnt.weight_expansion = true;
  RnntShape shape;
  shape.inputs = config.rnnt.expanded_inputs;
  const Plan plan = map_matrices(rnnt_network(shape, {}, config), 5, config);
  EXPECT_EQ(plan.weights_on_tiles, 45'261'568U);
  EXPECT_EQ(plan.chips[0].tiles.size(), 32U);
  EXPECT_EQ(plan.chips[0].slots_per_step, 7U);
  EXPECT_EQ(plan.chips[0].matrices[0].rows, 2048U);
}

TEST(Rnnt, small_network_uses_few_tiles) {
  const config::PlatformConfig config;
  RnntShape shape;
  shape.encoder = 192;
  shape.prediction = 96;
  shape.joint = 128;
  const MatrixNetwork network = rnnt_network(shape, weights_for(shape), config);
  const Plan plan = map_matrices(network, 5, config);
  EXPECT_EQ(plan.chips[0].tiles.size(), 2U);
  EXPECT_EQ(plan.chips[4].tiles.size(), 10U);
  for (const ChipPlan& chip : plan.chips) {
    EXPECT_EQ(chip.slots_per_step, 5U - (chip.index == 3 ? 2U : 0U)) << chip.index;
    check_step(chip, network, config);
  }
}

TEST(Rnnt, sweep_of_sizes) {
  const config::PlatformConfig config;
  std::mt19937 generator(7);
  const auto random = [&] { return static_cast<std::uint32_t>(generator()); };
  for (int trial = 0; trial < 8; ++trial) {
    RnntShape shape;
    shape.features = shape.inputs = 10 + random() % 400;
    shape.encoder = 20 + random() % 640;
    shape.prediction = 10 + random() % 330;
    shape.joint = 20 + random() % 490;
    const MatrixNetwork network = rnnt_network(shape, weights_for(shape), config);
    const Plan plan = map_matrices(network, 5, config);
    for (const ChipPlan& chip : plan.chips) {
      SCOPED_TRACE(fmt::format("trial {}, chip {}", trial, chip.index));
      check_step(chip, network, config, 5);
    }
  }
}

TEST(Matrices, every_mode_computes_the_same) {
  for (const std::string& mode : std::vector<std::string>{"ab", "single", "wp1wp2", "quad"}) {
    SCOPED_TRACE(mode);
    const config::PlatformConfig config;
    const bool halves = mode == "wp1wp2";
    const MatrixNetwork network{"net", {one({halves ? 900U : 500U, 130U}, {512, 100}, mode)}};
    const Plan plan = map_matrices(network, 1, config);
    EXPECT_EQ(plan.chips[0].slots_per_step, mode == "ab" || halves ? 5U : 3U);
    check_step(plan.chips[0], network, config);
  }
}

TEST(Matrices, of_several_modes_share_a_chip) {
  config::PlatformConfig config;
  std::vector<Matrix> matrices{one({512, 60}, {320, 320}), one({1000, 300}, {512, 200}, "wp1wp2"),
                               one({70}, {30}, "single"), one({512, 200}, {128}, "quad")};
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    matrices[i].name = fmt::format("m{}", i);
    matrices[i].output_full_scale = 1.0 + static_cast<double>(i);
  }
  const MatrixNetwork network{"net", matrices};
  const Plan plan = map_matrices(network, 2, config);
  check_step(plan.chips[0], network, config);
  EXPECT_TRUE(plan.chips[1].tiles.empty());
  EXPECT_EQ(plan.chips[1].slots_per_step, 0U);
  EXPECT_EQ(plan.chips[1].index, 1U);
}

TEST(Matrices, random_shapes) {
  const config::PlatformConfig config;
  std::mt19937 generator(3);
  const auto random = [&] { return static_cast<std::uint32_t>(generator()); };
  int mapped = 0;
  for (int trial = 0; trial < 30; ++trial) {
    MatrixNetwork network{"net", {}};
    const std::size_t count = 1 + random() % 3;
    const std::vector<std::string> modes{"ab", "single", "wp1wp2", "quad"};
    for (std::size_t i = 0; i < count; ++i) {
      const std::string mode = modes[random() % 4];
      std::vector<std::uint32_t> rows(1 + random() % 2);
      std::vector<std::uint32_t> columns(1 + random() % 3);
      std::generate(rows.begin(), rows.end(), [&] { return static_cast<std::uint32_t>(1 + random() % 512); });
      std::generate(columns.begin(), columns.end(), [&] { return static_cast<std::uint32_t>(1 + random() % 512); });
      network.matrices.push_back(one(rows, columns, mode));
      network.matrices.back().name = fmt::format("m{}", i);
    }
    try {
      const Plan plan = map_matrices(network, 1, config);
      SCOPED_TRACE(trial);
      check_step(plan.chips[0], network, config, 3);
      ++mapped;
    } catch (const UserError& error) {
      EXPECT_NE(std::string(error.what()).find("wires"), std::string::npos) << error.what();
    }
  }
  EXPECT_GE(mapped, 27);
}

TEST(Matrices, largest_weight_fills_the_cells_if_the_ramp_allows_it) {
  const config::PlatformConfig config;
  MatrixNetwork network{"net", {one({512, 512}, {512})}};
  const Plan plan = map_matrices(network, 1, config);
  for (const TileAssignment& tile : plan.chips[0].tiles) {
    EXPECT_LE(tile.wp1.cwiseAbs().maxCoeff(), 1.0);
    EXPECT_GT(tile.wp1.cwiseAbs().maxCoeff(), 0.95);
    EXPECT_EQ(tile.wp2, -tile.wp1);
  }
}

TEST(Matrices, refuses_with_the_reason) {
  const auto anchored = [](std::vector<Anchor> anchors) {
    MatrixNetwork network{"net", {one({512, 100}, {512, 512})}};
    network.matrices[0].groups[0].anchors = std::move(anchors);
    return network;
  };
  using Pair = std::pair<std::string, std::string>;
  MatrixNetwork many{"net", {}};
  for (int i = 0; i < 7; ++i) {
    many.matrices.push_back(one({512}, {64}));
    many.matrices.back().name = fmt::format("m{}", i);
  }
  MatrixNetwork twice{"net", {one({10}, {10}), one({10}, {10})}};
  MatrixNetwork broken{"net", {one({10}, {10})}};
  broken.matrices[0].weight = [](std::uint32_t o, std::uint32_t i) { return o == 3 && i == 4 ? std::nan("") : 0.5; };
  MatrixNetwork sums{"net", {one({10}, {10})}};
  sums.matrices[0].rows = 11;
  const MatrixNetwork large{"net", {one({512}, std::vector<std::uint32_t>(35, 512))}};
  const MatrixNetwork tall{"net", {one(std::vector<std::uint32_t>(7, 512), {512})}};
  for (const auto& [text, expected] :
       {Pair{refusal(anchored({{0, 0}})), "has 2 column blocks, but places for 1 chains"},
        Pair{refusal(anchored({{0, 0}, {1, 2}})), "2.2 is a processing element"},
        Pair{refusal(anchored({{0, 0}, {5, 1}})), "6.1 is outside the grid"},
        Pair{refusal(anchored({{0, 0}, {1, 0}})), "1.0 is taken by 'm'"},
        Pair{refusal(rnnt_network({}, {}, {}), 3), "chips: it needs 5, the board has 3"},
        Pair{refusal(many), "pads: its inputs are 7 vectors"}, Pair{refusal(twice), "two matrices are called 'm'"},
        Pair{refusal(broken), "the weight of output 3 for input 4 is not a finite number"},
        Pair{refusal(sums), "its blocks have 10 rows and 10 columns, but it has 11 and 10"},
        Pair{refusal(large), "tiles: its matrices need 35"}, Pair{refusal(tall), "share capacitors"},
        Pair{refusal({"net", {one({10}, {10}, "abc")}}), "there is no mode 'abc'"},
        Pair{refusal({"net", {one({600}, {10})}}), "600 rows in mode ab"}, Pair{refusal({"net", {}}), "no matrices"}}) {
    EXPECT_NE(text.find(expected), std::string::npos) << text << "\nexpected: " << expected;
  }
}

TEST(Matrices, anchors_are_read_from_text) {
  const auto anchors = parse_anchors(" 0.0-0.2  2.1 ", "key");
  ASSERT_EQ(anchors.size(), 4U);
  EXPECT_EQ(anchors[2].column, 2U);
  EXPECT_EQ(anchors[3].row, 2U);
  EXPECT_TRUE(parse_anchors("", "key").empty());
  for (const std::string& text :
       std::vector<std::string>{"1", "1.", "a.b", "0.0-1.0", "0.3-0.1", "1.2,", "0.0-0.99999"}) {
    EXPECT_THROW(static_cast<void>(parse_anchors(text, "key")), UserError) << text;
  }
}

TEST(Matrices, report_has_the_promised_fields) {
  const config::PlatformConfig config;
  const Plan plan = map_matrices(rnnt_network({}, {}, config), 5, config);
  const auto json = to_json(plan, config.floorplan);
  EXPECT_EQ(json["weights_on_tiles"], 45'261'568);
  EXPECT_EQ(json["tiles"], 142);
  ASSERT_EQ(json["chips"].size(), 5U);
  const auto& decoder = json["chips"][4];
  EXPECT_EQ(decoder["tiles"], 22);
  EXPECT_EQ(decoder["slots_per_step"], 5);
  ASSERT_EQ(decoder["layers"].size(), 3U);
  EXPECT_EQ(decoder["layers"][0]["name"], "dec_lstm0");
  EXPECT_EQ(decoder["layers"][0]["rows"], 572);
  EXPECT_EQ(decoder["layers"][0]["columns"], 1280);
  EXPECT_EQ(decoder["layers"][2]["mode"], "ab");
  EXPECT_EQ(decoder["layers"][2]["tiles"].size(), 6U);
  EXPECT_EQ(json["chips"][3]["layers"][1]["mode"], "wp1wp2");
  EXPECT_EQ(json["chips"][0]["layers"][0]["rows"], 1264);
  EXPECT_EQ(json["chips"][0]["inputs"][0]["part"], "positive");
  const std::string text = to_text(plan, config.floorplan);
  EXPECT_NE(text.find("45,261,568 weights on 142 tiles of 5 chips"), std::string::npos);
}

}  // namespace
}  // namespace chronotile::mapping
