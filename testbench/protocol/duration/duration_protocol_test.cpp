#include <gmock/gmock.h>

#include "models/duration/protocol.hpp"
#include "testbench/protocol/duration/duration_checker.hpp"
#include "testbench/protocol/duration/pulse_ends.hpp"
#include "testbench/support/linear_test.hpp"

namespace chronotile::duration {
namespace {

using support::DurationChecker;
using support::PulseLog;
using support::PulseSource;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(DurationProtocol, PhasesInOrderAtExactTimes) {
  PulseSource source("source", 7);
  DurationChecker checker("checker");
  PulseLog log("log");
  source.out.bind(checker.in);
  checker.out.bind(log.in);
  source.emit(100, kAllGroups, [](int wire, int) { return wire == 9 ? 12.3456 : 5.0; });
  source.emit(200, 0x01, 0.0);
  support::simulate([] { support::wait_until_ns(300); });

  ASSERT_EQ(log.calls().size(), 4U);
  EXPECT_TRUE(log.calls()[0].begin);
  EXPECT_EQ(log.calls()[0].time_ns, 100);
  EXPECT_FALSE(log.calls()[1].begin);
  EXPECT_EQ(log.calls()[1].time_ns, 112.346);  // the first representable time that is not before
  EXPECT_EQ(log.calls()[2].time_ns, 200);
  EXPECT_EQ(log.calls()[3].time_ns, 200);
  EXPECT_EQ(checker.open(), 0U);
  EXPECT_EQ(checker.transactions(), 2U);
}

TEST(DurationProtocol, UnboundSocketsAreSilent) {
  PulseSource source("source", 7);
  PulseLog log("log");
  source.emit(100, kAllGroups, 10);
  support::simulate([] { support::wait_until_ns(300); });
  EXPECT_TRUE(log.calls().empty());
}

/// Sockets live in modules.
struct RawDriver : sc_core::sc_module {
  explicit RawDriver(const sc_core::sc_module_name& name) : sc_module(name) {}
  InitiatorSocket out{"out"};
};

using PlainTargetSocket =
    tlm::tlm_base_target_socket<kWires, ForwardInterface, BackwardInterface, 1, sc_core::SC_ZERO_OR_MORE_BOUND>;

struct RawTarget : sc_core::sc_module, ForwardInterface {
  explicit RawTarget(const sc_core::sc_module_name& name) : sc_module(name) { in.bind(*this); }
  PlainTargetSocket in{"in"};
  tlm::tlm_sync_enum nb_transport_fw(Pulses& pulses, tlm::tlm_phase& phase, sc_core::sc_time& delay) override {
    address = &pulses;
    phases.emplace_back(phase == begin_pulses ? "begin" : phase == end_pulses ? "end" : "other");
    delays_ns.push_back(to_ns(delay));
    return tlm::TLM_ACCEPTED;
  }
  const Pulses* address = nullptr;
  std::vector<std::string> phases;
  std::vector<double> delays_ns;
};

TEST(DurationProtocol, IsPlainTlmUnderneath) {
  RawDriver driver("driver");
  RawTarget raw("raw");
  driver.out.bind(raw.in);
  EXPECT_EQ(driver.out.get_protocol_types(), sc_core::sc_type_index(typeid(DurationProtocol)));
  Pulses pulses;
  pulses.delay_ns = 0.25;
  support::simulate([&] {
    driver.out.begin(pulses);
    driver.out.end(pulses);
  });
  EXPECT_THAT(raw.phases, ElementsAre("begin", "end"));
  EXPECT_THAT(raw.delays_ns, ElementsAre(0.25, 0.25));
  EXPECT_EQ(raw.address, &pulses);
}

TEST(DurationProtocol, ForeignPhaseIsAModellersMistake) {
  RawDriver driver("driver");
  PulseLog log("log");
  driver.out.bind(log.in);
  support::simulate([&] {
    Pulses pulses;
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay;
    EXPECT_THROW(driver.out->nb_transport_fw(pulses, phase, delay), std::logic_error);
  });
}

TEST(DurationProtocol, CeilTimeNeverRoundsDown) {
  EXPECT_EQ(ceil_time(100.3), sc_core::sc_time(100.3, sc_core::SC_NS));
  EXPECT_EQ(ceil_time(0.0001), sc_core::sc_time(1, sc_core::SC_PS));
  EXPECT_EQ(ceil_time(0), sc_core::SC_ZERO_TIME);
  EXPECT_EQ(ceil_time(1e6 + 0.00051), sc_core::sc_time(1e9 + 1, sc_core::SC_PS));
  EXPECT_EQ(to_ns(sc_core::sc_time(2045, sc_core::SC_NS)), 2045.0);
}

struct Faulty {
  RawDriver driver{"driver"};
  InitiatorSocket& out = driver.out;
  DurationChecker checker{"checker"};
  Pulses pulses;
  Faulty() {
    out.bind(checker.in);
    checker.collect();
    pulses.emission = std::make_shared<Emission>();
    pulses.emission->groups = 0x0f;
    pulses.emission->durations_ns = Block::Zero(kWires, 1);
    pulses.groups = 0x0f;
  }
};

TEST(DurationChecker, EndWithoutBegin) {
  Faulty faulty;
  support::simulate([&] { faulty.out.end(faulty.pulses); });
  EXPECT_THAT(faulty.checker.problems(), ElementsAre(HasSubstr("was not begun")));
}

TEST(DurationChecker, BeginTwice) {
  Faulty faulty;
  support::simulate([&] {
    faulty.out.begin(faulty.pulses);
    faulty.out.begin(faulty.pulses);
  });
  EXPECT_THAT(faulty.checker.problems(), ElementsAre(HasSubstr("has not ended")));
}

TEST(DurationChecker, SameWiresTwice) {
  Faulty faulty;
  Pulses again = faulty.pulses;
  support::simulate([&] {
    faulty.out.begin(faulty.pulses);
    faulty.out.begin(again);
  });
  EXPECT_THAT(faulty.checker.problems(), ElementsAre(HasSubstr("on these wires already")));
}

TEST(DurationChecker, BeginTooLateWithoutHeadCut) {
  Faulty faulty;
  support::simulate([&] {
    support::wait_ns(10);
    faulty.out.begin(faulty.pulses);
  });
  EXPECT_THAT(faulty.checker.problems(), ElementsAre(HasSubstr("without a head cut")));
}

TEST(DurationChecker, EndBeforeFinal) {
  Faulty faulty;
  support::simulate([&] {
    faulty.out.begin(faulty.pulses);
    support::wait_ns(10);
    faulty.out.end(faulty.pulses);
  });
  EXPECT_THAT(faulty.checker.problems(), ElementsAre(HasSubstr("neither final nor cut")));
}

TEST(DurationChecker, EndTooEarlyAndLongestWrong) {
  Faulty faulty;
  support::simulate([&] {
    faulty.out.begin(faulty.pulses);
    support::wait_ns(10);
    faulty.pulses.emission->durations_ns(3, 0) = 15;
    faulty.pulses.emission->longest_ns = 14;
    faulty.pulses.emission->final = true;
    faulty.out.end(faulty.pulses);
  });
  EXPECT_THAT(faulty.checker.problems(),
              ElementsAre(HasSubstr("largest duration"), HasSubstr("before the last falling edge")));
}

TEST(DurationChecker, PayloadChangedAndStrangeGroups) {
  Faulty faulty;
  support::simulate([&] {
    faulty.out.begin(faulty.pulses);
    support::wait_ns(10);
    faulty.pulses.groups = 0x1f;
    faulty.pulses.emission->durations_ns(400, 0) = 5;
    faulty.pulses.emission->longest_ns = 5;
    faulty.pulses.emission->final = true;
    faulty.out.end(faulty.pulses);
  });
  EXPECT_THAT(faulty.checker.problems(), ElementsAre(HasSubstr("payload changed"), HasSubstr("not driven")));
}

TEST(DurationChecker, EndInTheDeltaOfBegin) {
  Faulty faulty;
  support::simulate([&] {
    faulty.out.begin(faulty.pulses);
    faulty.pulses.emission->final = true;
    faulty.out.end(faulty.pulses);
  });
  EXPECT_THAT(faulty.checker.problems(), ElementsAre(HasSubstr("in the delta cycle of begin_pulses")));
}

}  // namespace
}  // namespace chronotile::duration
