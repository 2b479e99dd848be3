#include "traces/statistics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace chronotile::traces {
namespace {

TEST(Statistics, PrintsATable) {
  Statistics statistics;
  Statistic& steps = statistics.add("chip0.steps", "evaluations of the network's layer", Quantity::kCount);
  double busy = 0.25;
  statistics.add("chip0.tile03.utilisation", "share of time that the array integrates", Quantity::kRatio,
                 [&busy] { return busy; });
  statistics.add("chip0.energy", "all accounts", Quantity::kEnergy).set(1234.5);
  steps += 2;
  steps += 3;
  busy = 0.5;
  EXPECT_EQ(statistics.text(),
            "chip0.steps                      5     evaluations of the network's layer\n"
            "chip0.tile03.utilisation    0.5000     share of time that the array integrates\n"
            "chip0.energy              1234.500 nJ  all accounts\n");
}

TEST(Statistics, PrintsJsonWithUnitsInKeys) {
  Statistics statistics;
  statistics.add("b", "count", Quantity::kCount).set(3);
  statistics.add("a", "time", Quantity::kTime).set(1.5);
  statistics.add("n", "no number", Quantity::kRatio).set(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(statistics.json().dump(),
            R"({"b":{"count":3,"description":"count"},"a":{"time_ns":1.5,"description":"time"},)"
            R"("n":{"ratio":null,"description":"no number"}})");
}

TEST(Statistics, FindsByNameAndRefusesDoubles) {
  Statistics statistics;
  statistics.add("a", "", Quantity::kCount);
  ASSERT_NE(statistics.find("a"), nullptr);
  EXPECT_EQ(statistics.find("b"), nullptr);
  EXPECT_THROW(statistics.add("a", "", Quantity::kTime), std::logic_error);
}

}  // namespace
}  // namespace chronotile::traces
