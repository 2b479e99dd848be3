#include "platform/mapping/schedule.hpp"

#include <gtest/gtest.h>
#include <vector>

#include "common/user_error.hpp"
#include "platform/mapping/emit_assembly.hpp"
#include "testbench/unit/mapping/program_interpreter.hpp"

namespace chronotile::mapping {
namespace {

using isa::Group;
using testing::Change;
using testing::run_program;

std::vector<Change> play(const ScheduleBuilder& builder) {
  const SlotTiming timing;
  return run_program(emit_assembly(builder.build("tile_0_0", timing), timing, tile::TileConfig{}), "tile_0_0");
}

TEST(SlotTiming, default_configuration_gives_the_documented_cycles) {
  const SlotTiming timing = slot_timing(config::PlatformConfig{});
  const SlotTiming documented;
  EXPECT_EQ(timing.precharge_on, 2U);
  EXPECT_EQ(timing.precharge_off, 14U);
  EXPECT_EQ(timing.ramp_start, documented.ramp_start);
  EXPECT_EQ(timing.setup, 12U);
  EXPECT_EQ(timing.window_open, 18U);
  EXPECT_EQ(timing.pulse_start, 20U);
  EXPECT_EQ(timing.pulse_end, 275U);
  EXPECT_EQ(timing.window_close, 285U);
  EXPECT_EQ(timing.interrupt, 286U);
  EXPECT_EQ(timing.zero_count, 128);
  EXPECT_EQ(timing.counts_per_unit, 127);
}

TEST(SlotTiming, follows_the_clock) {
  config::PlatformConfig config;
  config.clock.period_ns = 0.8;
  config.clock.slot_cycles = 400;
  config.mapping.relu_lead_ns = 7;
  const SlotTiming timing = slot_timing(config);
  EXPECT_EQ(timing.pulse_end, 20U + 319U);
  EXPECT_EQ(timing.ramp_start, 20U - 9U);
  EXPECT_DOUBLE_EQ(timing.relu_lead_ns, 7.2) << "whole cycles";
}

TEST(SlotTiming, halved_integration_halves_inputs_and_their_windows_but_no_read_out) {
  config::PlatformConfig config;
  config.mapping.integration_share = 0.5;
  const SlotTiming timing = slot_timing(config);
  const SlotTiming usual = slot_timing({});
  EXPECT_DOUBLE_EQ(timing.input_ns, 127.5);
  EXPECT_DOUBLE_EQ(timing.emission_ns, 128) << "between tiles full scale is where EN closes";
  EXPECT_EQ(timing.input_end, 20U + 128U);
  EXPECT_EQ(timing.input_window_close - timing.window_open, 2U + 128U + 10U);
  EXPECT_EQ(timing.pulse_end, usual.pulse_end);
  EXPECT_EQ(timing.window_close, usual.window_close);
  EXPECT_EQ(timing.interrupt, usual.interrupt);
  EXPECT_DOUBLE_EQ(timing.unit_ns, usual.unit_ns);
  EXPECT_EQ(usual.input_end, usual.pulse_end);
  EXPECT_EQ(usual.input_window_close, usual.window_close);
}

TEST(SlotTiming, refuses_what_does_not_fit) {
  config::PlatformConfig config;
  config.clock.slot_cycles = 280;
  EXPECT_THROW(static_cast<void>(slot_timing(config)), UserError);
  config = {};
  config.mapping.relu_lead_ns = 21;
  EXPECT_THROW(static_cast<void>(slot_timing(config)), UserError);
  config = {};
  config.mapping.precharge_cycles = 17;
  EXPECT_THROW(static_cast<void>(slot_timing(config)), UserError);
}

TEST(Schedule, a_switch_that_the_next_slot_needs_stays) {
  ScheduleBuilder builder;
  builder.hold(Group::kBorderEast, 0x0f, 1);
  builder.hold(Group::kBorderEast, 0x03, 2);
  builder.hold(Group::kBorderEast, 0x0c, 3);
  builder.hold(Group::kBorderEast, 0x01, 5);
  const std::vector<Change> expected{{1, 12, Group::kBorderEast, 0x0f}, {1, 286, Group::kBorderEast, 0x03},
                                     {2, 286, Group::kBorderEast, 0},   {3, 12, Group::kBorderEast, 0x0c},
                                     {3, 286, Group::kBorderEast, 0},   {5, 12, Group::kBorderEast, 0x01},
                                     {5, 286, Group::kBorderEast, 0}};
  EXPECT_EQ(play(builder), expected);
}

TEST(Schedule, a_batch_commits_in_one_cycle) {
  ScheduleBuilder builder;
  builder.hold(Group::kRowGate, 0xff, 0);
  builder.hold(Group::kWp1, 0x01, 0);
  builder.latch(Group::kRampStart, -128, 0, Phase::kRampStart);
  builder.latch(Group::kRampSlope, 9, 0, Phase::kRampStart);
  builder.pulse(Group::kRamp, 1, 0, Phase::kRampStart, Phase::kRampStop);
  const std::vector<Change> expected{{0, 4, Group::kRamp, 1},         {0, 4, Group::kRampSlope, 9},
                                     {0, 4, Group::kRampStart, -128}, {0, 12, Group::kRowGate, 0xff},
                                     {0, 12, Group::kWp1, 0x01},      {0, 276, Group::kRamp, 0},
                                     {0, 287, Group::kRowGate, 0},    {0, 287, Group::kWp1, 0}};
  EXPECT_EQ(play(builder), expected);
}

TEST(Schedule, too_many_writes_are_refused) {
  ScheduleBuilder builder;
  builder.hold(Group::kShareNorth, 1, 0, Phase::kPrechargeOn);
  builder.hold(Group::kShareSouth, 1, 0, Phase::kPrechargeOn);
  builder.pulse(Group::kPrecharge, 1, 0, Phase::kPrechargeOn, Phase::kPrechargeOff);
  SlotTiming timing;
  EXPECT_NO_THROW(static_cast<void>(builder.build("tile_0_0", timing)));
  timing.precharge_on = 1;
  EXPECT_THROW(static_cast<void>(builder.build("tile_0_0", timing)), UserError);
  timing.precharge_on = 2;
  timing.slot_cycles = 288;
  EXPECT_THROW(static_cast<void>(builder.build("tile_0_0", timing)), UserError);
}

}  // namespace
}  // namespace chronotile::mapping
