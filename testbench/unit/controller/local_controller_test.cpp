#include "models/controller/local_controller.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>

#include "models/bus/router.hpp"
#include "testbench/unit/controller/controller_bench.hpp"

namespace chronotile::controller {
namespace {

using isa::Group;
using support::Change;
using support::is_violation;
using support::simulate;
using support::wait_until_ns;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t kEnable = 1U << 31U;

/// A started controller runs its first instruction in cycle 1; the numbers in the programs are cycles.
class Controller : public testing::Test, public ControllerBench {
 protected:
  std::uint32_t status() { return peek(map::kStatus); }
  static std::uint32_t status_of(State state, Cause cause, std::uint32_t exit_code = 0) {
    return static_cast<std::uint32_t>(state) | static_cast<std::uint32_t>(cause) << 8U | exit_code << 16U;
  }
  /// Marks and the cycles in which they were shown.
  std::vector<std::pair<double, std::uint32_t>> marks() const {
    std::vector<std::pair<double, std::uint32_t>> list;
    for (const Change& change : recorder.changes()) {
      if (change.group == Group::kMarker) {
        list.emplace_back(change.time_ns, change.level);
      }
    }
    return list;
  }
  using Marks = std::vector<std::pair<double, std::uint32_t>>;
};

TEST_F(Controller, CommitsAllShadowsTogether) {
  run(R"(
    set pre, 0xff      ; 1
    set wp1, 0x0f      ; 2
    set.c integ, 0x81  ; 3
    off integ, 0x80    ; 4
    on wp1, 0x30       ; 5
    commit             ; 6
    ldi r3, 0x12345    ; 7
    setr.c rslope, r3  ; 8
    commit             ; 9: changes nothing
    halt 7             ; 10
  )",
      20);
  EXPECT_THAT(recorder.changes(), ElementsAre(Change{3, Group::kWp1, 0x0f}, Change{3, Group::kPrecharge, 0xff},
                                              Change{3, Group::kIntegrate, 0x81}, Change{6, Group::kWp1, 0x3f},
                                              Change{6, Group::kIntegrate, 0x01}, Change{8, Group::kRampSlope, 0x345}));
  EXPECT_EQ(status(), status_of(State::kHalted, Cause::kHalt, 7));
  EXPECT_EQ(lc.executed(), 10U);
  EXPECT_EQ(lc.pc(), 9U);
  EXPECT_EQ(violations.count(), 0U);
}

TEST_F(Controller, WaitsCountCycles) {
  run(R"(
    mark 1       ; 1
    wait 10      ; 2
    mark 2       ; 12
    wait 1       ; 13
    mark 3       ; 14
    ldi r0, 5    ; 15
    waitr r0     ; 16
    mark 4       ; 21
    ldi r0, 0    ; 22
    waitr r0     ; 23
    mark 5       ; 24
    halt 0
  )",
      100);
  EXPECT_EQ(marks(), (Marks{{1, 1}, {12, 2}, {14, 3}, {21, 4}, {24, 5}}));
}

TEST_F(Controller, SlotsAndCyclesCountFromTheTrigger) {
  clock.trigger_at(50);
  run(R"(
    trig 1         ; 1
    mark 1         ; 50
    slot 1         ; 51
    mark 2         ; 350
    slot 2         ; 351
    mark 3         ; 950
    at 20          ; 951
    mark 4         ; 970
    wait 279       ; 971
    slot 1         ; 1250, itself a boundary
    mark 5         ; 1550
    rdslot r2      ; 1551
    halt 0
  )",
      2000);
  EXPECT_EQ(marks(), (Marks{{50, 1}, {350, 2}, {950, 3}, {970, 4}, {1550, 5}}));
  EXPECT_EQ(peek(map::kRegister0 + 8), 5U);
  EXPECT_EQ(peek(map::kSlot), 6U);
  EXPECT_EQ(violations.count(), 0U);
}

TEST_F(Controller, AtInThePastGoesIntoTheNextSlot) {
  clock.trigger_at(100);
  run(R"(
    trig 1       ; 1
    wait 40      ; 100
    at 40        ; 140: cycle 40 has come already
    mark 1       ; 440
    at 41        ; 441: cycle 41 is this one
    mark 2       ; 741
    halt 0
  )",
      1000);
  EXPECT_EQ(marks(), (Marks{{440, 1}, {741, 2}}));
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(ViolationKind::kScheduleMissed, "lc", 140, 2),
                                             is_violation(ViolationKind::kScheduleMissed, "lc", 441, 4)));
}

TEST_F(Controller, TriggerMasksAndTriggersOfTheSameCycle) {
  clock.trigger_at(20, 0x2);  // not waited for
  clock.trigger_at(30, 0x4);
  clock.trigger_at(31, 0x8);
  clock.trigger_at(60, 0x8);
  run(R"(
    trig 0x14     ; 1
    mark 1        ; 30
    trig 0x8      ; 31, the cycle of the trigger
    mark 2        ; 31
    trig 0x8      ; 32
    mark 3        ; 60
    halt 0
  )",
      100);
  EXPECT_EQ(marks(), (Marks{{30, 1}, {31, 2}, {60, 3}}));
}

TEST_F(Controller, TriggerRestartsTheCountOfWhatHasNotRunYet) {
  clock.trigger_at(10);
  run(R"(
    set.c pre, 1  ; 1
    nop           ; 2
    wait 7        ; 3
    slot 1        ; 10: the cycle of the trigger
    mark 1        ; 310
    halt 0
  )",
      1000);
  EXPECT_EQ(marks(), (Marks{{310, 1}}));
}

/// Knows the new epoch from the trigger's time stamp on, as a ClockLines must.
class EarlyClock : public support::TestClock {
 public:
  using TestClock::TestClock;
  void start_at(double time_ns) {
    trigger_at(time_ns);
    start_ = sc_core::sc_time(time_ns, sc_core::SC_NS);
  }
  [[nodiscard]] sc_core::sc_time epoch() const override {
    return start_ != sc_core::SC_ZERO_TIME && sc_core::sc_time_stamp() >= start_ ? start_ : TestClock::epoch();
  }

 private:
  sc_core::sc_time start_;
};

/// An instruction in the very cycle of the start trigger counts from that trigger, whichever process comes first.
TEST(ControllerOrder, StartTriggerInTheCycleOfAnInstruction) {
  struct Side : support::TestServices {
    std::unique_ptr<EarlyClock> clock;
    std::unique_ptr<LocalController> lc;
    std::unique_ptr<bus::BusInitiator> host;
    std::unique_ptr<support::SignalRecorder> recorder;
  };
  std::array<Side, 4> sides;
  const auto words = toolchain::assemble_text("wait 89\n at 40\n mark 1\n halt 0\n", "test").words;  // `at` in 100
  for (std::size_t index = 0; index < sides.size(); ++index) {
    Side& side = sides.at(index);
    const auto make_clock = [&] { side.clock = std::make_unique<EarlyClock>(fmt::format("clock{}", index).c_str()); };
    const auto make_controller = [&] {
      side.lc = std::make_unique<LocalController>(fmt::format("lc{}", index).c_str(), ControllerConfig{}, side.services,
                                                  side.energy.add_place("lc", "test"));
    };
    const bool clock_first = index % 2 == 0;
    clock_first ? make_clock() : make_controller();
    clock_first ? make_controller() : make_clock();
    side.host = std::make_unique<bus::BusInitiator>(fmt::format("host{}", index).c_str());
    side.recorder = std::make_unique<support::SignalRecorder>(fmt::format("recorder{}", index).c_str(), *side.lc);
    side.lc->clock(*side.clock);
    side.host->socket.bind(side.lc->bus());
  }
  simulate([&] {
    const auto schedule_trigger = [](Side& side) { side.clock->start_at(100); };
    for (std::size_t index = 0; index < sides.size(); ++index) {
      Side& side = sides.at(index);
      side.host->expect_write(map::kSram, words.data(), words.size() * sizeof(isa::Word));
      if (index < 2) {
        schedule_trigger(side);
      }
    }
    wait_until_ns(10);
    for (Side& side : sides) {
      side.host->debug_write(map::kRegisters + map::kControl, "\x01\0\0\0", 4);
    }
    wait_until_ns(50);
    schedule_trigger(sides.at(2));
    schedule_trigger(sides.at(3));
    wait_until_ns(1000);
  });
  for (std::size_t index = 0; index < sides.size(); ++index) {
    SCOPED_TRACE(index);
    EXPECT_EQ(sides.at(index).violations.count(), 0U);
    EXPECT_THAT(sides.at(index).recorder->changes(), ElementsAre(Change{140, Group::kMarker, 1}));
  }
}

TEST_F(Controller, LoopsNest) {
  run(R"(
      loop 2, outer_end    ; 1 (endloop of the outer pass at 8)
      loop 3, inner_end    ; 2, 8?
      addi r1, 1
      endloop
  inner_end:
      endloop
  outer_end:
      mark 9
      loop 0, skipped
      halt 1
  skipped:
      halt 0
  )",
      200);
  EXPECT_EQ(peek(map::kRegister0 + 4), 6U);
  // 1 + 2 * (1 + 3 * 2 + 1) instructions run before the mark
  EXPECT_EQ(marks(), (Marks{{18, 9}}));
  EXPECT_EQ(status(), status_of(State::kHalted, Cause::kHalt, 0));
}

TEST_F(Controller, RegistersBranchesAndCalls) {
  run(R"(
      ldi r1, 3        ; 1
      ldi r2, 1        ; 2
  again:
      sub r1, r2       ; 3 5 7
      bne r1, r0, again ; 4 6 8
      mark 1           ; 9
      call routine     ; 10
      mark 3           ; 13
      mov r5, r4       ; 14
      add r5, r5       ; 15
      blt r5, r4, wrong ; 16
      bge r5, r4, right ; 17
  wrong:
      halt 1
  routine:
      ldi r4, 0x10     ; 11
      ret              ; 12
  right:
      mark 4           ; 18
      beq r0, r1, done ; 19
      halt 2
  done:
      halt 0           ; 20
  )",
      100);
  EXPECT_EQ(marks(), (Marks{{9, 1}, {13, 3}, {18, 4}}));
  EXPECT_EQ(peek(map::kRegister0 + 4 * 5), 0x20U);
  EXPECT_EQ(lc.executed(), 20U);
}

TEST_F(Controller, InterruptAndItsLevel) {
  run("irq 5\n nop\n irq 2\n halt 0\n", 20);
  EXPECT_THAT(interrupts.raised, ElementsAre(Raised{1, 5}, Raised{3, 2}));
  EXPECT_THAT(recorder.changes(), ElementsAre(Change{1, Group::kInterrupt, 5}, Change{2, Group::kInterrupt, 0},
                                              Change{3, Group::kInterrupt, 2}, Change{4, Group::kInterrupt, 0}));
  EXPECT_EQ(peek(map::kInterrupt), 7U);
  poke(map::kInterrupt, 3);
  EXPECT_EQ(peek(map::kInterrupt), 4U);
}

TEST_F(Controller, BackToBackInterruptsHoldTheLevel) {
  run("irq 1\n irq 2\n halt 0\n", 20);
  EXPECT_THAT(recorder.changes(), ElementsAre(Change{1, Group::kInterrupt, 1}, Change{2, Group::kInterrupt, 2},
                                              Change{3, Group::kInterrupt, 0}));
}

TEST_F(Controller, EndlessLoopWithoutEffectLetsTimeGoOn) {
  run("self: jmp self\n", 1e6);
  EXPECT_EQ(support::now_ns(), 1e6);
  EXPECT_NEAR(static_cast<double>(lc.executed()), 1e6, 1);
  EXPECT_EQ(lc.state(), State::kRunning);
}

TEST_F(Controller, LevelsChangeInTheFirstDeltaAndChangedFiresInTheNext) {
  load("set.c pre, 1\n halt 0\n");
  start();
  simulate([this] {
    sc_core::wait(lc.changed(isa::Circuit::kColumns));
    EXPECT_EQ(support::now_ns(), 1);
    EXPECT_EQ(lc.level(Group::kPrecharge), 1U);
    const sc_dt::uint64 fired_in = sc_core::sc_delta_count();
    // Time 1 begins with one delta cycle in which the level changes; the event fires in the second.
    wait_until_ns(2);
    EXPECT_EQ(sc_core::sc_delta_count() - fired_in, 1U);
  });
}

TEST_F(Controller, EnergyOfCyclesAndInstructions) {
  run("nop\n wait 99\n nop\n halt 0\n", 1000);
  // Cycles 1 to 102 and the one in which the host started it; instructions 1, 2, 101, 102.
  EXPECT_NEAR(energy.total_nJ(energy::Account::kController), 1e-3 * (102 * 1.0 + 4 * 2.0), 1e-9);
}

struct FaultCase {
  const char* name;
  const char* source;
  Cause cause;
  ViolationKind kind;
  double time_ns;
  std::uint32_t pc;
};

void PrintTo(const FaultCase& fault, std::ostream* out) { *out << fault.name; }  // NOLINT

class Faults : public testing::TestWithParam<FaultCase>, public ControllerBench {};

TEST_P(Faults, StopWithCausePcInterruptAndViolation) {
  const FaultCase& fault = GetParam();
  run(fault.source, 1000);
  EXPECT_EQ(lc.state(), State::kFaulted);
  EXPECT_EQ(lc.cause(), fault.cause);
  EXPECT_EQ(peek(map::kStatus), static_cast<std::uint32_t>(State::kFaulted) | static_cast<std::uint32_t>(fault.cause)
                                                                                  << 8U);
  EXPECT_EQ(peek(map::kPc), fault.pc);
  EXPECT_THAT(interrupts.raised, ElementsAre(Raised{fault.time_ns, kFaultInterrupt}));
  EXPECT_EQ(peek(map::kInterrupt), kFaultInterrupt);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(fault.kind, "lc", fault.time_ns, fault.pc)));
  EXPECT_EQ(violations.kept().at(0).controller, "lc");
}

INSTANTIATE_TEST_SUITE_P(
    All, Faults,
    testing::Values(
        FaultCase{"erased", "nop\n .word 0\n", Cause::kIllegalInstruction, ViolationKind::kIllegalInstruction, 2, 1},
        FaultCase{"opcode", "nop\n nop\n .word 0xfc00000000000000\n", Cause::kIllegalInstruction,
                  ViolationKind::kIllegalInstruction, 3, 2},
        FaultCase{"group_of_a_pad", "set psend, 1\n", Cause::kIllegalInstruction, ViolationKind::kIllegalInstruction, 1,
                  0},
        FaultCase{"past_end", "nop\n jmp 4096\n", Cause::kFetchPastEnd, ViolationKind::kFetchPastEnd, 3, 4096},
        FaultCase{"run_off_the_end", "jmp 4095\n .org 4095\n nop\n", Cause::kFetchPastEnd, ViolationKind::kFetchPastEnd,
                  3, 4096},
        FaultCase{"loop_overflow", "top: loop 2, 100\n jmp top\n", Cause::kLoopOverflow, ViolationKind::kLoopOverflow,
                  17, 0},
        FaultCase{"loop_underflow", "wait 5\n endloop\n", Cause::kLoopUnderflow, ViolationKind::kLoopUnderflow, 6, 1},
        FaultCase{"call_overflow", "top: call top\n", Cause::kCallOverflow, ViolationKind::kCallOverflow, 9, 0},
        FaultCase{"call_underflow", "set.c pre, 1\n ret\n", Cause::kCallUnderflow, ViolationKind::kCallUnderflow, 2, 1},
        FaultCase{"at_beyond_the_slot", "at 300\n", Cause::kIllegalInstruction, ViolationKind::kIllegalInstruction, 1,
                  0}),
    [](const testing::TestParamInfo<FaultCase>& fault) { return fault.param.name; });

TEST(ControllerKinds, PadAndTileOwnTheirGroups) {
  ControllerBench pad(Kind::kPad);
  pad.run("set psendv, 3\n set.c psend, 0xff\n set pre, 1\n", 20);
  EXPECT_THAT(pad.recorder.changes(),
              ElementsAre(Change{2, Group::kPadSend, 0xff}, Change{2, Group::kPadSendVector, 3}));
  EXPECT_EQ(pad.lc.cause(), Cause::kIllegalInstruction);
  EXPECT_EQ(pad.peek(map::kPc), 2U);
}

// -- the debugger's view ----------------------------------------------------------------------------------------------

TEST_F(Controller, SingleSteps) {
  load("ldi r1, 5\n wait 10\n set.c pre, 1\n halt 0\n");
  const auto step = [this] {
    poke(map::kControl, 8);
    sc_core::wait(1, sc_core::SC_NS);
    sc_core::wait(sc_core::SC_ZERO_TIME);
    sc_core::wait(sc_core::SC_ZERO_TIME);
  };
  simulate([&] {
    step();
    EXPECT_EQ(status(), status_of(State::kStopped, Cause::kStep));
    EXPECT_EQ(peek(map::kPc), 1U);
    EXPECT_EQ(peek(map::kRegister0 + 4), 5U);
    step();
    EXPECT_EQ(peek(map::kPc), 2U);
    step();  // at 3 ns, but the wait lasts until 12
    EXPECT_EQ(lc.level(Group::kPrecharge), 0U);
    wait_until_ns(13);
    EXPECT_EQ(status(), status_of(State::kStopped, Cause::kStep));
    EXPECT_EQ(peek(map::kPc), 3U);
  });
  EXPECT_THAT(recorder.changes(), ElementsAre(Change{12, Group::kPrecharge, 1}));
}

TEST_F(Controller, BreakpointStopsBeforeItsInstruction) {
  load("nop\n loop 3, 4\n set.c pre, 1\n endloop\n halt 0\n");
  poke(map::kBreakpoint0 + 4, kEnable | 2);
  start();
  simulate([this] {
    wait_until_ns(50);
    EXPECT_EQ(status(), status_of(State::kStopped, Cause::kBreakpoint));
    EXPECT_EQ(peek(map::kPc), 2U);
    EXPECT_EQ(lc.executed(), 2U);
    EXPECT_THAT(recorder.changes(), IsEmpty());
    poke(map::kControl, 4);
    wait_until_ns(60);
    EXPECT_EQ(status(), status_of(State::kStopped, Cause::kBreakpoint));
    EXPECT_EQ(lc.executed(), 4U);
    EXPECT_THAT(recorder.changes(), ElementsAre(Change{51, Group::kPrecharge, 1}));
    poke(map::kBreakpoint0 + 4, 0);
    poke(map::kControl, 4);
    wait_until_ns(100);
    EXPECT_EQ(status(), status_of(State::kHalted, Cause::kHalt));
  });
}

TEST_F(Controller, WatchpointStopsAfterAChange) {
  poke(map::kWatchpoint, kEnable | static_cast<std::uint32_t>(Group::kIntegrate));
  run("set.c pre, 1\n set.c integ, 0\n set.c integ, 1\n set.c integ, 0\n halt 0\n", 50);
  EXPECT_EQ(status(), status_of(State::kStopped, Cause::kWatchpoint));
  EXPECT_EQ(peek(map::kPc), 3U);
  EXPECT_EQ(peek(map::kLevel0 + 4 * static_cast<std::uint64_t>(Group::kIntegrate)), 1U);
}

TEST_F(Controller, RegistersAreExactWhileItRunsAhead) {
  load("count: addi r1, 1\n jmp count\n");
  start();
  simulate([this] {
    for (const double time : {10.0, 11.0, 250.0, 777.0}) {
      wait_until_ns(time);
      sc_core::wait(sc_core::SC_ZERO_TIME);
      sc_core::wait(sc_core::SC_ZERO_TIME);
      EXPECT_EQ(lc.executed(), static_cast<std::uint64_t>(time));
      EXPECT_EQ(peek(map::kRegister0 + 4), (static_cast<std::uint32_t>(time) + 1) / 2) << time;
      EXPECT_EQ(lc.pc(), time == 10.0 ? 1U : (static_cast<std::uint32_t>(time) + 1) % 2) << time;
    }
    poke(map::kRegister0 + 4, 0x80000000U);
    wait_until_ns(877);
    sc_core::wait(sc_core::SC_ZERO_TIME);
    EXPECT_EQ(peek(map::kRegister0 + 4), 0x80000000U + 50U);
  });
}

TEST_F(Controller, ProgramChangedWhileItRunsAhead) {
  load("set.c pre, 1\n nop\n nop\n nop\n nop\n mark 1\n halt 0\n");
  start();
  simulate([this] {
    wait_until_ns(3);
    const isa::Word word = toolchain::assemble_text("mark 7\n", "patch").words.at(0);
    host.debug_write(map::kSram + 8 * 4, &word, sizeof word);
    wait_until_ns(20);
  });
  EXPECT_EQ(marks(), (Marks{{5, 7}, {6, 1}}));
}

/// A controller behind a router, whose host asks for DMI.
class ControllerDmi : public testing::Test, public support::TestServices {
 protected:
  ControllerDmi() {
    lc.clock(clock);
    host.socket.bind(checker.from_initiator);
    checker.to_target.bind(router.input());
    router.map("lc", kBase, 0x100000).bind(lc.bus());
    host.on_invalidate([this](std::uint64_t start, std::uint64_t end) { invalidated.emplace_back(start, end); });
  }
  tlm::tlm_dmi ask(tlm::tlm_command command, bool granted) {
    tlm::tlm_generic_payload payload;
    tlm::tlm_dmi dmi;
    payload.set_address(kBase + map::kSram + 8);
    payload.set_command(command);
    EXPECT_EQ(host.socket->get_direct_mem_ptr(payload, dmi), granted);
    EXPECT_EQ(dmi.get_start_address(), kBase);
    EXPECT_EQ(dmi.get_end_address(), kBase + 8U * 4096 - 1);
    return dmi;
  }
  bool hint(tlm::tlm_command command) {
    isa::Word word = 0;
    tlm::tlm_generic_payload payload;
    payload.set_address(kBase + map::kSram + 8 * 100);
    payload.set_command(command);
    payload.set_data_ptr(reinterpret_cast<unsigned char*>(&word));
    payload.set_data_length(sizeof word);
    payload.set_streaming_width(sizeof word);
    EXPECT_EQ(host.transport(payload), tlm::TLM_OK_RESPONSE);
    return payload.is_dmi_allowed();
  }
  void expect_writable(bool writable) {
    EXPECT_EQ(ask(tlm::TLM_READ_COMMAND, true).is_write_allowed(), writable);
    EXPECT_EQ(ask(tlm::TLM_WRITE_COMMAND, writable).is_write_allowed(), writable);
    EXPECT_TRUE(hint(tlm::TLM_READ_COMMAND));
    EXPECT_EQ(hint(tlm::TLM_WRITE_COMMAND), writable);
  }
  void control(std::uint32_t bits) { host.expect_write32(kBase + map::kRegisters + map::kControl, bits); }

  static constexpr std::uint64_t kBase = 0x10000000;
  using Regions = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  Regions invalidated;
  support::TestClock clock{"clock"};
  bus::BusInitiator host{"host"};
  support::BaseProtocolChecker checker{"checker"};
  bus::Router router{"router", {}};
  LocalController lc{"lc", {}, services, energy.add_place("lc", "test")};
};

TEST_F(ControllerDmi, LoadsAndIsReadOnlyWhileTheControllerRuns) {
  simulate([this] {
    const auto words = toolchain::assemble_text("wait 100\n trig 1\n mark 5\n halt 0\n", "test").words;
    const tlm::tlm_dmi loading = ask(tlm::TLM_WRITE_COMMAND, true);
    EXPECT_TRUE(loading.is_read_write_allowed());
    std::memcpy(loading.get_dmi_ptr(), words.data(), words.size() * sizeof(isa::Word));
    expect_writable(true);
    EXPECT_THAT(invalidated, IsEmpty());
    control(1);
    EXPECT_EQ(invalidated, (Regions{{kBase, kBase + 8U * 4096 - 1}}));
    expect_writable(false);
    const tlm::tlm_dmi reading = ask(tlm::TLM_READ_COMMAND, true);
    EXPECT_TRUE(reading.is_read_allowed());
    EXPECT_EQ(std::memcmp(reading.get_dmi_ptr(), words.data(), words.size() * sizeof(isa::Word)), 0);
    wait_until_ns(200);
    EXPECT_EQ(lc.state(), State::kWaitingTrigger);
    expect_writable(false);
    clock.trigger(1);
    wait_until_ns(300);
    EXPECT_EQ(lc.state(), State::kHalted);
    EXPECT_EQ(lc.level(Group::kMarker), 5U);
    expect_writable(true);
  });
  EXPECT_EQ(invalidated.size(), 1U);
}

TEST_F(ControllerDmi, IsWritableAgainWhenStoppedAndInvalidatedByResumeStepAndRestart) {
  simulate([this] {
    const auto words = toolchain::assemble_text("loop: jmp loop\n", "test").words;
    host.expect_write(kBase + map::kSram, words.data(), sizeof(isa::Word));
    control(1);
    EXPECT_THAT(invalidated, IsEmpty()) << "nothing was granted for writing";
    std::size_t count = 0;
    for (const std::uint32_t start : {4U, 8U, 1U}) {
      wait_until_ns(support::now_ns() + 10);
      control(2);
      expect_writable(true);
      control(start);
      EXPECT_EQ(invalidated.size(), ++count) << start;
    }
    control(1);  // it runs already
    EXPECT_EQ(invalidated.size(), count);
    expect_writable(false);
    const isa::Word wrong = ~isa::Word{0};
    host.expect_write(kBase + map::kSram, &wrong, sizeof wrong);
    wait_until_ns(support::now_ns() + 10);
    EXPECT_EQ(lc.state(), State::kFaulted);
    expect_writable(true);
  });
}

TEST_F(Controller, StopAndResumeKeepTheScheduleOfAWait) {
  load("wait 100\n mark 1\n halt 0\n");
  start();
  simulate([this] {
    wait_until_ns(50);
    EXPECT_EQ(lc.state(), State::kWaiting);
    poke(map::kControl, 2);
    EXPECT_EQ(status(), status_of(State::kStopped, Cause::kStopRequest));
    EXPECT_EQ(peek(map::kPc), 1U);
    wait_until_ns(80);
    poke(map::kControl, 4);
    wait_until_ns(200);
  });
  EXPECT_EQ(marks(), (Marks{{101, 1}}));
}

TEST_F(Controller, ResumeAfterAWaitIsOverRunsInTheNextCycle) {
  load("wait 100\n mark 1\n halt 0\n");
  start();
  simulate([this] {
    wait_until_ns(50);
    poke(map::kControl, 2);
    wait_until_ns(500);
    poke(map::kControl, 4);
    wait_until_ns(600);
  });
  EXPECT_EQ(marks(), (Marks{{501, 1}}));
}

TEST_F(Controller, ResetClearsLevelsInTheNextCycle) {
  load("set.c pre, 3\n ldi r1, 4\n trig 1\n");
  start();
  simulate([this] {
    wait_until_ns(10.25);
    EXPECT_EQ(lc.state(), State::kWaitingTrigger);
    poke(map::kControl, 16);
    EXPECT_EQ(lc.level(Group::kPrecharge), 3U);
    wait_until_ns(20);
    EXPECT_EQ(status(), status_of(State::kIdle, Cause::kNone));
    EXPECT_EQ(peek(map::kRegister0 + 4), 0U);
    EXPECT_EQ(peek(map::kCyclesLow), 9U);
  });
  EXPECT_THAT(recorder.changes(), ElementsAre(Change{1, Group::kPrecharge, 3}, Change{11, Group::kPrecharge, 0}));
}

TEST_F(Controller, StartElsewhereAndRestart) {
  load("mark 1\n halt 1\n mark 2\n halt 2\n");
  poke(map::kPcStart, 2);
  start();
  simulate([this] {
    wait_until_ns(10);
    EXPECT_EQ(status(), status_of(State::kHalted, Cause::kHalt, 2));
    poke(map::kPcStart, 0);
    start();
    wait_until_ns(20);
    EXPECT_EQ(status(), status_of(State::kHalted, Cause::kHalt, 1));
  });
  EXPECT_EQ(marks(), (Marks{{1, 2}, {11, 1}}));
}

TEST_F(Controller, PcIsReadOnlyWhileRunning) {
  load("jmp 0\n");
  simulate([this] {
    host.expect_write32(map::kRegisters + map::kPc, 5);
    EXPECT_EQ(host.expect_read32(map::kRegisters + map::kPc), 5U);
    host.expect_write32(map::kRegisters + map::kControl, 1);
    EXPECT_EQ(host.write32(map::kRegisters + map::kPc, 5), tlm::TLM_GENERIC_ERROR_RESPONSE);
  });
}

TEST_F(Controller, HostWritesShadows) {
  load("trig 1\n commit\n halt 0\n");
  start();
  clock.trigger_at(100);
  simulate([this] {
    wait_until_ns(50);
    poke(map::kShadow0 + 4 * static_cast<std::uint64_t>(Group::kRampSlope), 0x123);
    wait_until_ns(200);
  });
  EXPECT_THAT(recorder.changes(), ElementsAre(Change{100, Group::kRampSlope, 0x123}));
}

/// An observer that keeps what the probes show.
class Watcher : public probe::Observer {
 public:
  explicit Watcher(bool with_pc) : with_pc_(with_pc) {}
  probe::Id declare(const probe::Signal& signal) override {
    if (signal.name == "pc" && !with_pc_) {
      return probe::kUnwatched;
    }
    names_.push_back(signal.name);
    return static_cast<probe::Id>(names_.size() - 1);
  }
  void bits(probe::Id id, std::uint64_t value) override {
    shown.push_back(fmt::format("{} {}={:x}", support::now_ns(), names_.at(id), value));
  }
  void real(probe::Id, double) override {}
  void text(probe::Id id, const char* value) override {
    shown.push_back(fmt::format("{} {}={}", support::now_ns(), names_.at(id), value));
  }
  void pulses(probe::Id, double, const double*, std::size_t, int) override {}

  std::vector<std::string> shown;

 private:
  bool with_pc_;
  std::vector<std::string> names_;
};

TEST_F(Controller, ProbesShowStateAndSignals) {
  Watcher watcher(false);
  lc.attach(watcher);
  watcher.shown.clear();
  run("nop\n wait 10\n set.c pre, 1\n trig 1\n", 50);
  EXPECT_THAT(watcher.shown,
              ElementsAre("0 state=running", "2 state=waiting", "12 pre=1", "12 state=running", "13 state=trigger"));
}

TEST_F(Controller, ProbesShowEveryProgramCounter) {
  Watcher watcher(true);
  lc.attach(watcher);
  watcher.shown.clear();
  run("nop\n loop 2, 4\n nop\n endloop\n halt 0\n", 50);
  EXPECT_THAT(watcher.shown, ElementsAre("0 state=running", "2 pc=1", "3 pc=2", "4 pc=3", "5 pc=2", "6 pc=3", "7 pc=4",
                                         "7 state=halted"));
}

}  // namespace
}  // namespace chronotile::controller
