#include "platform/mapping/feed_forward.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/user_error.hpp"
#include "platform/chip/floorplan.hpp"
#include "platform/mapping/router.hpp"
#include "testbench/unit/mapping/program_interpreter.hpp"

namespace chronotile::mapping {
namespace {

using isa::Group;
using testing::Change;
using testing::run_program;

Network network(const std::vector<int>& sizes, double largest = 0.25) {
  Network result{"net", {}};
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    Eigen::MatrixXd weights(sizes[i + 1], sizes[i]);
    for (Eigen::Index row = 0; row < weights.rows(); ++row) {
      for (Eigen::Index column = 0; column < weights.cols(); ++column) {
        weights(row, column) = largest * std::cos(static_cast<double>(7 * row + 3 * column));
      }
    }
    weights(0, 0) = largest;
    result.layers.push_back({fmt::format("fc{}", i), weights});
  }
  return result;
}

config::PlatformConfig mode(const std::string& name) {
  config::PlatformConfig config;
  config.mapping.weight_mode = name;
  return config;
}

/// Commits of all controllers.
std::map<std::string, std::vector<Change>> play(const ChipPlan& chip) {
  std::map<std::string, std::vector<Change>> changes;
  for (const auto& [name, text] : chip.assembly) {
    changes[name] = run_program(text, name);
  }
  return changes;
}

/// Level of a signal at a cycle.
std::uint32_t level(const std::vector<Change>& changes, Group group, std::uint32_t slot, std::uint32_t cycle) {
  std::uint32_t value = 0;
  for (const Change& change : changes) {
    if (change.group == group && std::tie(change.slot, change.cycle) <= std::tie(slot, cycle)) {
      value = static_cast<std::uint32_t>(change.value);
    }
  }
  return value;
}

/// Follows every pulse of a slot over the switches as the programs set them and checks that it arrives at its receivers
/// and nowhere else, and that no wire is driven twice. Knows nothing of the router.
class SwitchProof {
 public:
  SwitchProof(const ChipPlan& chip, const config::PlatformConfig& config)
      : chip_(chip), floorplan_(config.floorplan), changes_(play(chip)) {}

  void check(std::uint32_t slot, std::uint32_t cycle) {
    std::map<std::tuple<std::uint32_t, bool, int>, std::string> driven;
    std::set<std::tuple<std::string, int, std::string>> heard;
    for (const Route& route : chip_.routes) {
      if (route.slot != slot) {
        continue;
      }
      for (int group = 0; group < kWireGroups; ++group) {
        if ((route.groups >> group & 1) == 0) {
          continue;
        }
        std::set<std::string> ends;
        flood(route, group, slot, cycle, driven, ends);
        EXPECT_EQ(ends, std::set<std::string>(route.to.begin(), route.to.end()))
            << "slot " << slot << " from " << route.from << " group " << group;
      }
    }
  }

 private:
  struct At {
    std::uint32_t site;
    bool west_east;
    Group came;  ///< guard by which it entered; kColumnOut: from the tile or a turn
  };

  [[nodiscard]] bool bit(std::uint32_t site, Group group, int wire, bool in, std::uint32_t slot,
                         std::uint32_t cycle) const {
    const auto found = changes_.find(floorplan_.site_name(site));
    const std::uint32_t bits = found == changes_.end() ? 0 : level(found->second, group, slot, cycle);
    return (bits >> static_cast<unsigned>(wire + (in ? kWireGroups : 0)) & 1U) != 0;
  }

  void flood(const Route& route, int wire, std::uint32_t slot, std::uint32_t cycle,
             std::map<std::tuple<std::uint32_t, bool, int>, std::string>& driven, std::set<std::string>& ends) {
    const std::uint32_t columns = floorplan_.columns();
    std::vector<At> open;
    for (std::uint32_t pad = 0; pad < floorplan_.pads(); ++pad) {
      if (route.from == floorplan_.input_pad_name(pad)) {
        const auto& place = floorplan_.pad(pad);
        const std::uint32_t site = floorplan_.site(place.input_row, place.east ? columns - 1 : 0);
        const Group guard = place.east ? Group::kBorderEast : Group::kBorderWest;
        ASSERT_TRUE(bit(site, guard, wire, true, slot, cycle));
        ASSERT_NE(level(changes_.at(route.from), Group::kPadSend, slot, cycle) >> static_cast<unsigned>(wire) & 1U, 0U);
        open.push_back({site, true, guard});
      }
    }
    for (std::uint32_t site = 0; site < floorplan_.sites(); ++site) {
      if (route.from == floorplan_.site_name(site)) {
        ASSERT_NE(level(changes_.at(route.from), Group::kColumnOut, slot, cycle) >> static_cast<unsigned>(wire) & 1U,
                  0U);
        ASSERT_NE(level(changes_.at(route.from), Group::kEnable, slot, cycle) >> static_cast<unsigned>(wire) & 1U, 0U);
        open.push_back({site, false, Group::kColumnOut});
      }
    }
    ASSERT_EQ(open.size(), 1U);
    while (!open.empty()) {
      const At at = open.back();
      open.pop_back();
      const auto [entry, fresh] = driven.try_emplace({at.site, at.west_east, wire}, route.from);
      EXPECT_TRUE(fresh) << "slot " << slot << ": " << route.from << " meets " << entry->second << " at site "
                         << at.site;
      if (!fresh) {
        return;
      }
      const std::string name = floorplan_.site_name(at.site);
      const bool tile = floorplan_.is_tile(at.site);
      if (tile && changes_.count(name) != 0) {
        const auto& changes = changes_.at(name);
        const bool gate = (level(changes, Group::kRowGate, slot, cycle) >> static_cast<unsigned>(wire) & 1U) != 0;
        const bool from_sn = (level(changes, Group::kRowSource, slot, cycle) >> static_cast<unsigned>(wire) & 1U) != 0;
        if (gate && from_sn != at.west_east) {
          ends.insert(name);
        }
      }
      if (tile && bit(at.site, Group::kTurn, wire, at.west_east, slot, cycle)) {
        open.push_back({at.site, !at.west_east, Group::kColumnOut});
      }
      const std::uint32_t row = at.site / columns;
      const std::uint32_t column = at.site % columns;
      const auto leave = [&](Group out, Group in, bool inside, std::uint32_t next) {
        if (out == at.came || (tile && !bit(at.site, out, wire, false, slot, cycle))) {
          return;
        }
        if (inside) {
          if (!floorplan_.is_tile(next) || bit(next, in, wire, true, slot, cycle)) {
            open.push_back({next, at.west_east, in});
          }
          return;
        }
        for (std::uint32_t pad = 0; pad < floorplan_.pads(); ++pad) {
          if (floorplan_.pad(pad).output_row == row && floorplan_.pad(pad).east == (out == Group::kBorderEast) &&
              at.west_east) {
            ends.insert(floorplan_.output_pad_name(pad));
          }
        }
      };
      if (at.west_east) {
        leave(Group::kBorderEast, Group::kBorderWest, column + 1 < columns, at.site + 1);
        leave(Group::kBorderWest, Group::kBorderEast, column > 0, at.site - 1);
      } else {
        leave(Group::kBorderSouth, Group::kBorderNorth, row + 1 < floorplan_.rows(), at.site + columns);
        leave(Group::kBorderNorth, Group::kBorderSouth, row > 0, at.site - columns);
      }
    }
  }

  const ChipPlan& chip_;
  chip::Floorplan floorplan_;
  std::map<std::string, std::vector<Change>> changes_;
};

void prove(const Plan& plan, const config::PlatformConfig& config) {
  const ChipPlan& chip = plan.chips.front();
  SwitchProof proof(chip, config);
  for (const SlotUse& slot : chip.slots) {
    proof.check(slot.slot, 20);
    proof.check(slot.slot, 274);
  }
  for (const auto& [name, changes] : play(chip)) {
    for (const isa::SignalGroup& group : isa::kSignalGroups) {
      if (group.layout == isa::Layout::kPerWireGroup || group.layout == isa::Layout::kOutIn) {
        EXPECT_EQ(level(changes, group.group, 10000, 0), 0U) << name << " leaves " << group.name << " set";
      }
    }
  }
}

/// alpha of a tile, from a weight that is the network's largest.
double alpha_of(const TileAssignment& tile, const Network& net) {
  return static_cast<double>(tile.wp1(0, 0)) / net.layers.front().weights(0, 0);
}

TEST(FeedForward, one_small_layer_has_exactly_this_schedule) {
  const Plan plan = map_feed_forward(network({64, 10}), mode("single"));
  const auto changes = play(plan.chips.front());
  ASSERT_EQ(changes.size(), 4U);  // ilp_NW, tile_0_0, tile_1_0 (on the way out), olp_NW
  const std::vector<Change> pad{{0, 20, Group::kPadSend, 1}, {0, 275, Group::kPadSend, 0}};
  EXPECT_EQ(changes.at("ilp_NW"), pad);
  // slope = 255 / (127 * 0.25) weight-ns per ns = 514.01 codes
  const std::vector<Change> tile{
      {0, 2, Group::kPrecharge, 1},       {0, 12, Group::kRowGate, 1},     {0, 12, Group::kWp1, 1},
      {0, 12, Group::kBorderWest, 0x100}, {0, 14, Group::kPrecharge, 0},   {0, 18, Group::kIntegrate, 1},
      {0, 285, Group::kIntegrate, 0},     {0, 288, Group::kRowGate, 0},    {0, 288, Group::kWp1, 0},
      {0, 288, Group::kBorderWest, 0},    {1, 12, Group::kColumnOut, 1},   {1, 12, Group::kBorderSouth, 1},
      {1, 20, Group::kRamp, 1},           {1, 20, Group::kRampSlope, 514}, {1, 20, Group::kRampStart, -4112},
      {1, 20, Group::kEnable, 1},         {1, 275, Group::kEnable, 0},     {1, 276, Group::kRamp, 0},
      {1, 287, Group::kColumnOut, 0},     {1, 287, Group::kBorderSouth, 0}};
  EXPECT_EQ(changes.at("tile_0_0"), tile);
  const std::vector<Change> output{
      {1, 18, Group::kPadCapture, 1}, {1, 285, Group::kPadCapture, 0}, {1, 286, Group::kInterrupt, 1}};
  EXPECT_EQ(changes.at("olp_NW"), output);
}

TEST(FeedForward, keyword_spotting_is_four_tiles_and_seven_slots) {
  const config::PlatformConfig config = mode("ab");
  const Network net = network({1024, 512, 512, 12});
  const Plan plan = map_feed_forward(net, config);
  const ChipPlan& chip = plan.chips.front();
  EXPECT_EQ(chip.tiles.size(), 4U);
  EXPECT_EQ(chip.slots.size(), 7U);
  EXPECT_EQ(plan.weights_on_tiles, 1024U * 512 + 512 * 512 + 512 * 12);
  EXPECT_EQ(plan.cells_programmed, 2 * plan.weights_on_tiles);
  EXPECT_EQ(chip.inputs.size(), 2U);
  EXPECT_EQ(chip.outputs.size(), 1U);
  EXPECT_EQ(chip.finishers,
            std::vector<std::string>{chip::Floorplan(config.floorplan).output_pad_name(chip.outputs[0].pad)});
  const auto changes = play(chip);

  // 0, 1: inputs to the pair; 2, 3 to the second layer; 4, 5 to the third; 6 read-out.
  for (const std::string& name : std::vector<std::string>{"tile_0_0", "tile_1_0"}) {
    const auto& tile = changes.at(name);
    for (const std::uint32_t slot : {0U, 1U}) {
      EXPECT_EQ(level(tile, Group::kIntegrate, slot, 18), 0xffU);
      EXPECT_EQ(level(tile, Group::kIntegrate, slot, 17), 0U);
      EXPECT_EQ(level(tile, Group::kIntegrate, slot, 284), 0xffU);
      EXPECT_EQ(level(tile, Group::kWp1, slot, 18), slot == 0 ? 0xffU : 0U);
      EXPECT_EQ(level(tile, Group::kWp2, slot, 18), slot == 1 ? 0xffU : 0U);
      EXPECT_EQ(level(tile, Group::kPolarity, slot, 18), slot == 1 ? 0xffU : 0U);
    }
    const Group share = name == "tile_0_0" ? Group::kShareSouth : Group::kShareNorth;
    EXPECT_EQ(level(tile, share, 0, 1), 0U);
    EXPECT_EQ(level(tile, share, 0, 2), 0xffU);
    EXPECT_EQ(level(tile, share, 3, 285), 0xffU);
    EXPECT_EQ(level(tile, share, 4, 0), 0U);
  }
  for (const std::uint32_t slot : {2U, 3U}) {
    const auto& tile = changes.at("tile_0_0");
    EXPECT_EQ(level(tile, Group::kRamp, slot, 3), 0U);
    EXPECT_EQ(level(tile, Group::kRamp, slot, 4), 1U);
    EXPECT_EQ(level(tile, Group::kEnable, slot, 19), 0U);
    EXPECT_EQ(level(tile, Group::kEnable, slot, 20), 0xffU);
    EXPECT_EQ(level(tile, Group::kEnable, slot, 275), 0U);
    EXPECT_EQ(level(tile, Group::kRampSlope, slot, 20), 256U);  // 2 * (1 / 0.25) / 2 sharing * 64 codes
  }
  EXPECT_EQ(level(changes.at("tile_0_2"), Group::kEnable, 6, 20), 1U) << "12 columns use one group";
  prove(plan, config);
}

TEST(FeedForward, every_mode_places_and_schedules_the_keyword_network) {
  struct Expected {
    std::string mode;
    std::size_t tiles;
    std::size_t slots;
  };
  for (const Expected& expected : {Expected{"ab", 4, 7}, {"single", 4, 4}, {"quad", 4, 4}, {"wp1wp2", 3, 5}}) {
    const config::PlatformConfig config = mode(expected.mode);
    const Network net = network({1024, 512, 512, 12});
    const Plan plan = map_feed_forward(net, config);
    const ChipPlan& chip = plan.chips.front();
    EXPECT_EQ(chip.tiles.size(), expected.tiles) << expected.mode;
    EXPECT_EQ(chip.slots.size(), expected.slots) << expected.mode;
    prove(plan, config);
    const TileAssignment& tile = chip.tiles.front();
    const double alpha = alpha_of(tile, net);
    EXPECT_NEAR(alpha, 4.0, 0.1);
    for (const Eigen::Index row : {1, 17, 511}) {
      EXPECT_NEAR(tile.wp1(row, 3), alpha * net.layers[0].weights(3, row), 1e-6);
      if (expected.mode == "ab") {
        EXPECT_EQ(tile.wp2(row, 3), -tile.wp1(row, 3));
      } else if (expected.mode == "quad") {
        EXPECT_EQ(tile.wp2(row, 3), tile.wp1(row, 3));
      } else if (expected.mode == "wp1wp2") {
        EXPECT_NEAR(tile.wp2(row, 3), alpha * net.layers[0].weights(3, row + 512), 1e-6);
      } else {
        EXPECT_EQ(tile.wp2.size(), 0);
      }
    }
  }
}

TEST(FeedForward, wide_networks_route_without_sharing_a_wire) {
  for (const std::vector<int>& sizes : {std::vector<int>{2048, 1200, 1024, 600},
                                        {1024, 1024, 1024, 1024},
                                        {512, 3072},
                                        {3000, 512, 10},
                                        {700, 1500, 40},
                                        {64, 64, 64, 64, 64, 64, 64, 64, 64, 64}}) {
    for (const std::string& name : std::vector<std::string>{"ab", "wp1wp2"}) {
      const config::PlatformConfig config = mode(name);
      const Plan plan = map_feed_forward(network(sizes), config);
      prove(plan, config);
    }
  }
}

TEST(FeedForward, every_first_site_works_for_the_keyword_network) {
  for (std::uint32_t site = 0; site < 36; ++site) {
    config::PlatformConfig config = mode("ab");
    config.mapping.first_site = site;
    prove(map_feed_forward(network({1024, 512, 512, 12}), config), config);
  }
}

TEST(FeedForward, a_chain_does_not_cross_a_processing_element) {
  config::PlatformConfig config = mode("single");
  config.mapping.first_site = 1 * 6 + 2;  // north of one
  const Plan plan = map_feed_forward(network({1024, 100}), config);
  for (const TileAssignment& tile : plan.chips.front().tiles) {
    EXPECT_NE(tile.site, 1U * 6 + 2);
  }
}

TEST(FeedForward, more_outputs_than_pads_take_more_read_out_slots) {
  const config::PlatformConfig config = mode("single");
  const Plan plan = map_feed_forward(network({100, 8 * 512}), config);
  const ChipPlan& chip = plan.chips.front();
  EXPECT_GE(chip.slots.size(), 3U);
  EXPECT_EQ(chip.outputs.size(), 8U);
  std::set<std::pair<std::uint32_t, std::uint32_t>> places;
  for (const OutputVector& output : chip.outputs) {
    places.insert({output.pad, output.vector});
  }
  EXPECT_EQ(places.size(), 8U);
  prove(plan, config);
}

std::string refusal(const Network& net, const config::PlatformConfig& config) {
  try {
    static_cast<void>(map_feed_forward(net, config));
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(FeedForward, refusals_name_the_limit) {
  using Pair = std::pair<std::string, std::string>;
  config::PlatformConfig short_slot = mode("ab");
  short_slot.clock.slot_cycles = 288;
  config::PlatformConfig far = mode("ab");
  far.mapping.first_site = 36;
  config::PlatformConfig one_pad = mode("ab");
  one_pad.floorplan.pads.resize(1);
  Network broken = network({10, 10});
  broken.layers[0].weights(3, 3) = std::nan("");
  Network unequal = network({10, 20, 30});
  unequal.layers[1].weights.resize(30, 21);
  unequal.layers[1].weights.setZero();
  for (const auto& [text, expected] :
       {Pair{refusal(network({2048, 8192}), mode("ab")), "tiles: it needs 64, the chip has 34"},
        Pair{refusal(network({4096, 100}), mode("ab")), "need 8 tiles that share capacitors"},
        Pair{refusal(network({1024, 100}), one_pad), "pads: 2 vectors"},
        Pair{refusal(network({512, 512, 10}), short_slot), "a slot of 288 cycles"},
        Pair{refusal(network({10, 10}), far), "mapping.first_site"},
        Pair{refusal(network({10, 10}), mode("qaud")), "did you mean 'quad'"},
        Pair{refusal(network({10, 10}, 1e6), mode("ab")), "ramp code"},
        Pair{refusal(broken, mode("ab")), "not a finite number"},
        Pair{refusal(unequal, mode("ab")), "the layer before has 20 outputs"},
        Pair{refusal({"none", {}}, mode("ab")), "no layers"}}) {
    EXPECT_NE(text.find(expected), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace chronotile::mapping
