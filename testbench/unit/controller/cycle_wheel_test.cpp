#include "models/controller/cycle_wheel.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <functional>
#include <tuple>
#include <vector>

#include "testbench/support/linear_test.hpp"

namespace chronotile::controller {
namespace {

using testing::ElementsAre;

/// Number of the client and cycle, in the order of calls.
using Calls = std::vector<std::tuple<int, std::uint64_t>>;

struct Client final : CycleWheel::Client {
  Client(int client_number, CycleWheel& wheel, Calls& all) : number(client_number), calls(all), id(wheel.add(*this)) {}
  void on_due(std::uint64_t cycle) override {
    calls.emplace_back(number, cycle);
    if (action) {
      action(cycle);
    }
  }
  int number;
  Calls& calls;
  std::size_t id;
  std::function<void(std::uint64_t)> action;
};

struct Wheel {
  CycleWheel wheel{sc_core::sc_time(2, sc_core::SC_NS)};
  Calls calls;
  Client first{1, wheel, calls};
  Client second{2, wheel, calls};
  Client third{3, wheel, calls};
};

TEST(CycleWheel, WakesInTheOrderOfAddingByOneEventPerCycle) {
  Wheel bench;
  bench.wheel.schedule(bench.third.id, 5);
  bench.wheel.schedule(bench.first.id, 5);
  bench.wheel.schedule(bench.second.id, 3);
  sc_dt::uint64 delta = 0;
  bench.first.action = [&](std::uint64_t) { delta = sc_core::sc_delta_count(); };
  bench.third.action = [&](std::uint64_t) {
    EXPECT_EQ(support::now_ns(), 10);
    EXPECT_EQ(sc_core::sc_delta_count(), delta);
  };
  support::simulate([] { support::wait_until_ns(20); });
  EXPECT_THAT(bench.calls, ElementsAre(std::tuple(2, 3), std::tuple(1, 5), std::tuple(3, 5)));
}

TEST(CycleWheel, ReplacesAndCancelsWhatWasAskedFor) {
  Wheel bench;
  bench.wheel.schedule(bench.first.id, 2);
  bench.wheel.schedule(bench.second.id, 2);
  bench.wheel.schedule(bench.third.id, 9);
  bench.wheel.cancel(bench.first.id);
  bench.wheel.schedule(bench.second.id, 7);
  bench.wheel.schedule(bench.third.id, 4);
  support::simulate([] { support::wait_until_ns(30); });
  EXPECT_THAT(bench.calls, ElementsAre(std::tuple(3, 4), std::tuple(2, 7)));
}

TEST(CycleWheel, ClientsScheduleThemselvesAndOthersFromTheirTurn) {
  Wheel bench;
  bench.second.action = [&](std::uint64_t cycle) {
    if (cycle == 1) {
      bench.wheel.schedule(bench.second.id, 4);
      bench.wheel.schedule(bench.first.id, 1);  // its turn is over: a delta later
      bench.wheel.schedule(bench.third.id, 1);
    }
  };
  bench.wheel.schedule(bench.second.id, 1);
  support::simulate([] { support::wait_until_ns(30); });
  EXPECT_THAT(bench.calls, ElementsAre(std::tuple(2, 1), std::tuple(3, 1), std::tuple(1, 1), std::tuple(2, 4)));
}

TEST(CycleWheel, ThePastIsDueADeltaFromNow) {
  Wheel bench;
  bench.wheel.schedule(bench.second.id, 10);
  support::simulate([&] {
    support::wait_until_ns(7);  // within cycle 3
    bench.wheel.schedule(bench.first.id, 2);
    support::wait_until_ns(30);
  });
  EXPECT_THAT(bench.calls, ElementsAre(std::tuple(1, 3), std::tuple(2, 10)));
}

}  // namespace
}  // namespace chronotile::controller
