#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>

#include "testbench/unit/controller/controller_bench.hpp"

namespace chronotile::controller {
namespace {

constexpr int kWords = 64;
constexpr int kPrograms = 40;
constexpr double kTime_ns = 5000;

/// Any legal instructions in any order: most programs end in a fault or run forever, which is as good as any.
std::vector<isa::Word> random_program(std::mt19937& random) {
  const auto below = [&random](std::uint32_t limit) { return static_cast<std::uint32_t>(random() % limit); };
  std::vector<isa::Word> words;
  while (words.size() < kWords) {
    const isa::Instruction& row = isa::kInstructions.at(below(static_cast<std::uint32_t>(isa::kInstructions.size())));
    const bool rare = row.opcode == isa::Opcode::kHalt || row.opcode == isa::Opcode::kRet ||
                      row.opcode == isa::Opcode::kEndLoop || row.opcode == isa::Opcode::kTrig;
    if (rare && below(4) != 0) {
      continue;
    }
    isa::Decoded in;
    in.opcode = row.opcode;
    const auto target = static_cast<std::uint16_t>(below(kWords));
    switch (row.format) {
      case isa::Format::kNone:
        break;
      case isa::Format::kGroupValue:
      case isa::Format::kGroupRegister:
        in.group = static_cast<isa::Group>(below(12));
        in.commit = below(2) == 0;
        if (row.format == isa::Format::kGroupValue) {
          in.number = below(4) & isa::group_mask(in.group);
        } else {
          in.left = static_cast<std::uint8_t>(below(4));
        }
        break;
      case isa::Format::kImmediate:
        in.number = row.opcode == isa::Opcode::kTrig ? 3 : row.min + below(row.opcode == isa::Opcode::kSlot ? 2 : 200);
        break;
      case isa::Format::kRegister:
        in.left = static_cast<std::uint8_t>(below(4));
        break;
      case isa::Format::kRegisterImm:
        in.left = static_cast<std::uint8_t>(below(4));
        in.number = below(20);
        break;
      case isa::Format::kRegisterPair:
        in.left = static_cast<std::uint8_t>(below(4));
        in.right = static_cast<std::uint8_t>(below(4));
        break;
      case isa::Format::kTarget:
        in.target = target;
        break;
      case isa::Format::kBranch:
        in.left = static_cast<std::uint8_t>(below(4));
        in.right = static_cast<std::uint8_t>(below(4));
        in.target = target;
        break;
      case isa::Format::kLoop:
        in.number = below(5);
        in.target = target;
        break;
      case isa::Format::kLoopRegister:
        in.left = static_cast<std::uint8_t>(below(4));
        in.target = target;
        break;
    }
    words.push_back(isa::encode(in));
  }
  return words;
}

/// Neither coefficient is a whole number of attojoules.
ControllerConfig odd_energies() {
  ControllerConfig config;
  config.energy_per_cycle_pJ = 0.33333333;
  config.energy_per_instruction_pJ = 0.77777777;
  return config;
}

/// Run-ahead and per-cycle execution give the same signals, interrupts, violations, energy, and the same state at the
/// end. A third controller runs ahead while its host looks at it and writes to it all the time.
TEST(RunAhead, SameAsPerCycle) {
  std::mt19937 random(20240607);
  std::vector<std::unique_ptr<ControllerBench>> benches;
  for (int index = 0; index < 3 * kPrograms; index += 3) {
    const std::vector<isa::Word> program = random_program(random);
    for (int mode = 0; mode < 3; ++mode) {
      auto& bench =
          benches.emplace_back(std::make_unique<ControllerBench>(odd_energies(), fmt::format("b{}_", index + mode)));
      bench->load(program);
      if (mode == 1) {
        bench->poke(map::kBreakpoint0, (1U << 31U) | 0xffffU);
      }
      bench->poke(map::kControl, 1);
      for (const double time : {100.0, 730.0, 1501.0, 2222.0, 3000.0}) {
        bench->clock.trigger_at(time, time == 1501.0 ? 2 : 1);
      }
    }
  }
  support::simulate([&benches] {
    std::mt19937 times(5);
    while (support::now_ns() < kTime_ns) {
      support::wait_ns(static_cast<double>(1 + times() % 50));
      for (std::size_t index = 2; index < benches.size(); index += 3) {
        ControllerBench& bench = *benches[index];
        (void)bench.lc.pc();
        bench.poke(map::kPcStart, bench.peek(map::kStatus) & 0xffU);
      }
    }
    support::wait_ns(0.5);  // off the clock's edges
    for (const auto& bench : benches) {
      bench->lc.settle_energy();
    }
  });
  std::size_t changes = 0;
  for (std::size_t index = 0; index < benches.size(); index += 3) {
    ControllerBench& ahead = *benches[index];
    changes += ahead.recorder.changes().size();
    for (std::size_t mode = 1; mode < 3; ++mode) {
      ControllerBench& other = *benches[index + mode];
      SCOPED_TRACE(fmt::format("program {} mode {}", index / 3, mode));
      EXPECT_EQ(other.recorder.changes(), ahead.recorder.changes());
      EXPECT_EQ(other.interrupts.raised, ahead.interrupts.raised);
      EXPECT_EQ(other.lc.state(), ahead.lc.state());
      EXPECT_EQ(other.lc.cause(), ahead.lc.cause());
      EXPECT_EQ(other.lc.executed(), ahead.lc.executed());
      EXPECT_EQ(other.energy.total_nJ(), ahead.energy.total_nJ());
      EXPECT_EQ(other.lc.pc(), ahead.lc.pc());
      EXPECT_EQ(other.peek(map::kPc), ahead.peek(map::kPc));
      ASSERT_EQ(other.violations.count(), ahead.violations.count());
      for (std::size_t entry = 0; entry < ahead.violations.kept().size(); ++entry) {
        EXPECT_EQ(other.violations.kept()[entry].time_ns, ahead.violations.kept()[entry].time_ns);
        EXPECT_EQ(other.violations.kept()[entry].pc, ahead.violations.kept()[entry].pc);
      }
      for (std::uint64_t number = 0; number < isa::kRegisterCount; ++number) {
        EXPECT_EQ(other.peek(map::kRegister0 + 4 * number), ahead.peek(map::kRegister0 + 4 * number)) << number;
      }
    }
  }
  EXPECT_GT(changes, 1000U) << "the programs do too little";
}

/// Energy is the same when the host charges it bit by bit, and when it starts the running controller anew.
TEST(RunAhead, EnergyDoesNotDependOnTheNumberOfCharges) {
  ControllerBench ahead(odd_energies(), "ahead_");
  ControllerBench per_cycle(odd_energies(), "per_cycle_");
  ControllerBench settled(odd_energies(), "settled_");
  for (ControllerBench* bench : {&ahead, &per_cycle, &settled}) {
    bench->load("loop: nop\n wait 3\n jmp loop\n");
  }
  per_cycle.poke(map::kBreakpoint0, (1U << 31U) | 0xffffU);
  support::simulate([&] {
    for (ControllerBench* bench : {&ahead, &per_cycle, &settled}) {
      bench->start();
    }
    for (int cycle = 0; cycle < 400; ++cycle) {
      support::wait_ns(cycle == 0 ? 0.5 : 1);
      settled.lc.settle_energy();
      if (cycle == 200) {
        for (ControllerBench* bench : {&ahead, &per_cycle, &settled}) {
          bench->start();
        }
      }
    }
    for (ControllerBench* bench : {&ahead, &per_cycle, &settled}) {
      bench->lc.settle_energy();
    }
  });
  // 399 cycles of 333333 aJ: 200 before the second start and 199 behind it; three instructions in each five cycles.
  constexpr double kExpected_aJ = 399 * 333333.0 + (120 + 119) * 777778.0;
  EXPECT_NEAR(ahead.energy.total_nJ(), 1e-9 * kExpected_aJ, 1e-12);
  EXPECT_EQ(per_cycle.energy.total_nJ(), ahead.energy.total_nJ());
  EXPECT_EQ(settled.energy.total_nJ(), ahead.energy.total_nJ());
}

/// Whoever keeps a pointer for writing past its invalidation gets wrong signals, but no absurd energy.
TEST(RunAhead, AStaleDmiPointerDoesNotMakeEnergyRunBack) {
  ControllerBench bench;
  std::string program;
  for (int word = 0; word < 200; ++word) {
    program += " nop\n";
  }
  bench.load(program + " halt 0\n");
  support::simulate([&] {
    tlm::tlm_generic_payload payload;
    payload.set_write();
    payload.set_address(map::kSram);
    tlm::tlm_dmi dmi;
    ASSERT_TRUE(bench.host.socket->get_direct_mem_ptr(payload, dmi));
    bench.start();
    support::wait_until_ns(100.5);
    bench.lc.settle_energy();
    const isa::Word slow = toolchain::assemble_text("wait 90\n", "patch").words.at(0);
    std::memcpy(dmi.get_dmi_ptr() + std::size_t{8} * 5, &slow, sizeof slow);
    support::wait_until_ns(101.5);
    bench.lc.settle_energy();
    support::wait_until_ns(500);
  });
  EXPECT_GT(bench.energy.total_nJ(), 0);
  EXPECT_LT(bench.energy.total_nJ(), 1e-3 * (500 * 1.0 + 201 * 2.0));
}

}  // namespace
}  // namespace chronotile::controller
