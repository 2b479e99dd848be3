#include "traces/timeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "common/user_error.hpp"
#include "testbench/unit/traces/support.hpp"

namespace chronotile::traces {
namespace {

using nlohmann::json;
using probe::Detail;
using probe::Kind;

class TimelineTest : public TraceTest {
 protected:
  [[nodiscard]] TimelineConfig config() { return {file("run.json"), test_clock()}; }
  /// Events of one phase, in order.
  [[nodiscard]] std::vector<json> events(const std::string& phase) const {
    const json all = json::parse(contents(file("run.json")));
    EXPECT_EQ(all.at("displayTimeUnit"), "ns");
    std::vector<json> found;
    for (const json& event : all.at("traceEvents")) {
      if (event.at("ph") == phase) {
        found.push_back(event);
      }
    }
    return found;
  }
};

TEST_F(TimelineTest, TextsBecomeSlices) {
  Timeline timeline(config());
  const auto state = timeline.declare(signal("chip.tile00.lc", "state", Kind::kText));
  timeline.text(state, "idle");
  now_ps = 1'000;
  timeline.text(state, "glitch");
  timeline.text(state, "running");
  now_ps = 300'250;
  timeline.text(state, "idle");
  now_ps = 400'000;
  timeline.text(state, "say \"hi\"");
  now_ps = 500'000;
  timeline.close();
  const auto slices = events("X");
  ASSERT_EQ(slices.size(), 2U);
  EXPECT_EQ(slices[0].at("name"), "running");
  EXPECT_DOUBLE_EQ(slices[0].at("ts").get<double>(), 0.001);
  EXPECT_DOUBLE_EQ(slices[0].at("dur").get<double>(), 0.29925);
  EXPECT_EQ(slices[1].at("name"), "say \"hi\"");
  EXPECT_DOUBLE_EQ(slices[1].at("dur").get<double>(), 0.1);
}

TEST_F(TimelineTest, WiresPulsesCountersAndInstants) {
  Timeline timeline(config());
  const auto busy = timeline.declare(signal("chip.node00", "busy", Kind::kBits));
  const auto wires = timeline.declare(signal("chip.node00", "wires", Kind::kBits, 512));
  const auto power = timeline.declare(signal("chip", "power_mW", Kind::kReal));
  const auto irq = timeline.declare(signal("chip", "irq", Kind::kEvent));
  EXPECT_EQ(timeline.declare(signal("chip.tile00.lc", "pc", Kind::kBits, 16)), probe::kUnwatched);
  EXPECT_EQ(timeline.declare(signal("chip", "en", Kind::kBits, 1, Detail::kScoped)), probe::kUnwatched);
  timeline.bits(busy, 0);
  timeline.real(power, 1);
  now_ps = 100'000;
  timeline.bits(busy, 1);
  timeline.real(power, 1);
  timeline.text(irq, "tile 3");
  timeline.text(irq, "olp");
  const std::vector<double> durations = {10, 0, 25};
  timeline.pulses(wires, 60, durations.data(), 1, 3);
  now_ps = 200'000;
  timeline.bits(busy, 0);
  timeline.real(power, 2.5);
  timeline.close();
  const auto slices = events("X");
  ASSERT_EQ(slices.size(), 2U);
  EXPECT_EQ(slices[0].at("name"), "2 pulses");
  EXPECT_DOUBLE_EQ(slices[0].at("ts").get<double>(), 0.06);
  EXPECT_DOUBLE_EQ(slices[0].at("dur").get<double>(), 0.025);
  EXPECT_EQ(slices[1].at("name"), "busy");
  const auto counters = events("C");
  ASSERT_EQ(counters.size(), 2U);
  EXPECT_EQ(counters[1].at("args").at("value"), 2.5);
  const auto instants = events("i");
  ASSERT_EQ(instants.size(), 1U);
  EXPECT_EQ(instants[0].at("name"), "olp,tile 3");
}

TEST_F(TimelineTest, MasksOfBusyWireGroupsBecomeSlices) {
  Timeline timeline(config());
  const auto busy = timeline.declare(signal("chip.node00", "busy_we", Kind::kBits, 8));
  timeline.bits(busy, 0);
  now_ps = 1'000'000;
  timeline.bits(busy, 0x0f);
  now_ps = 2'000'000;
  timeline.bits(busy, 0xff);
  now_ps = 3'000'000;
  timeline.close();
  const auto slices = events("X");
  ASSERT_EQ(slices.size(), 2U);
  EXPECT_EQ(slices[0].at("name"), "0xf");
  EXPECT_EQ(slices[1].at("name"), "0xff");
  EXPECT_EQ(slices[1].at("dur"), 1.0);
}

TEST_F(TimelineTest, TracksAreNamedAndOrdered) {
  Timeline timeline(config());
  timeline.declare(signal("chip.tile00", "phase", Kind::kText));
  timeline.declare(signal("chip.tile00.lc", "state", Kind::kText));
  timeline.close();
  std::vector<std::string> names;
  for (const auto& event : events("M")) {
    if (event.at("name") == "thread_name" || event.at("name") == "process_name") {
      names.push_back(event.at("args").at("name"));
    }
  }
  EXPECT_THAT(names, testing::ElementsAre("chip.tile00.phase", "chip.tile00.lc.state", "controllers", "tiles"));
}

TEST_F(TimelineTest, LeavesNothingBehindWithoutClose) {
  { Timeline timeline(config()); }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  EXPECT_THROW(Timeline({folder / "missing" / "run.json", test_clock()}), UserError);
}

}  // namespace
}  // namespace chronotile::traces
