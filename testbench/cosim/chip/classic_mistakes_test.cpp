// A tile's program with one classic mistake each: the number is physically wrong AND the violation names tile, time and
// program counter.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "models/tile/array.hpp"
#include "testbench/cosim/chip/chip_bench.hpp"
#include "testbench/support/violations.hpp"

namespace chronotile::cosim {
namespace {

using support::is_violation;
using testing::Contains;
using testing::IsEmpty;

constexpr int kSlopeCode = 256;  // 4 weight-ns per ns
constexpr double kSlope = kSlopeCode / 64.0;
constexpr std::uint32_t kTileSite = 0;

// ilp_NW -> rows of tile_0_0 in slot 0; its columns -> south -> corner switch of tile_1_0 -> west -> olp_NW in slot 1.
const char* const kSender = R"(
        trig 1
        set psendv, 0
        at 20
        set.c psend, 0xff
        at 275
        set.c psend, 0
        halt 0
)";

const char* const kTile = R"(
        trig 1
        set rowgate, 0xff
        set bgw, 0xff00
        set.c wp1, 0xff
        at 4
        set.c pre, 0xff         ; precharge
        at 14
        set.c pre, 0
        at 18
        set.c integ, 0xff       ; window
        at 285
        set.c integ, 0
        at 288
        set rowgate, 0
        set.c bgw, 0
        slot 1
        set colout, 0xff
        set bgs, 0x00ff
        set rslope, 256
        set.c rstart, -256
        at 5
        set.c ramp, 1           ; crosses zero 16 ns later
        at 21
        set.c en, 0xff
        at 276
        set.c en, 0
        at 280
        set ramp, 0
        set colout, 0
        set.c bgs, 0
        halt 0
)";

const char* const kCorner = R"(
        trig 1
        slot 1
        set bgn, 0xff00
        set turn, 0x00ff
        set.c bgw, 0x00ff
        at 290
        set bgn, 0
        set turn, 0
        set.c bgw, 0
        halt 0
)";

const char* const kReceiver = R"(
        trig 1
        slot 1
        set pcapv, 3
        at 18
        set.c pcap, 0xff
        at 286
        set.c pcap, 0
        irq 1
        halt 0
)";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

/// Address of the instruction that `line` assembles to.
std::uint32_t address_of(const std::string& text, const std::string& line) {
  const std::size_t at = text.find(line);
  EXPECT_NE(at, std::string::npos) << line;
  return static_cast<std::uint32_t>(toolchain::assemble_text(text.substr(0, at), "prefix").words.size());
}

class ClassicMistake : public testing::Test {
 protected:
  ClassicMistake() : weights(tile::WeightMatrix::Zero(kWires, kWires)), counts(kWires) {
    std::mt19937_64 generator(7);
    std::uniform_real_distribution<double> uniform(-1.0, 1.0);
    std::uniform_int_distribution<int> word(0, 255);
    for (Eigen::Index row = 0; row < kWires; ++row) {
      counts[static_cast<std::size_t>(row)] = word(generator);
      for (Eigen::Index column = 0; column < kWires; ++column) {
        weights(row, column) = uniform(generator) / 8;
      }
    }
  }

  /// What the output pad should hold: ReLU and full scale by EN.
  [[nodiscard]] std::vector<double> expected() const { return read_out(0.0, 255.0); }
  [[nodiscard]] std::vector<double> read_out(double from_ns, double to_ns) const {
    const Eigen::Map<const Eigen::VectorXd> x(counts.data(), kWires);
    const Eigen::VectorXd voltage = weights.transpose() * x;
    std::vector<double> right(kWires);
    for (Eigen::Index column = 0; column < kWires; ++column) {
      const double duration_ns = std::clamp(voltage(column) / kSlope, from_ns, to_ns) - from_ns;
      right[static_cast<std::size_t>(column)] = std::round(duration_ns);
    }
    return right;
  }

  /// The words are those of the last step.
  void run(int steps = 1) {
    bench.chip.tile(kTileSite).program(tile::WeightSet::kWp1, weights);
    bench.run(
        {{"ilp_NW", sender}, {"tile_0_0", tile}, {"tile_1_0", corner}, {"olp_NW", receiver}}, 3,
        [this] { bench.access.write_vector(0, 0, 0, counts); },
        [this, steps] {
          for (int step = 1; step < steps; ++step) {
            bench.access.trigger(1);
            sc_core::wait(3 * ChipBench::kSlot_ns, sc_core::SC_NS);
          }
          read();
        });
  }
  void read() { words = bench.access.read_vector(bench.chip.floorplan().pads(), 3, 0, 0, kWires); }

  [[nodiscard]] double largest_difference() const {
    const std::vector<double> right = expected();
    double largest = 0;
    for (std::size_t wire = 0; wire < words.size(); ++wire) {
      largest = std::max(largest, std::abs(words[wire] - right[wire]));
    }
    return largest;
  }

  /// When the longest pulse of slot 0 is over at the rows of the tile, one hop from the input pad.
  [[nodiscard]] double pulses_over_ns() const {
    return at_ns(0, 20 + *std::max_element(counts.begin(), counts.end()) + bench.config.node.hop_delay_ns);
  }
  static double at_ns(int slot, double cycle) { return ChipBench::kStart_ns + slot * ChipBench::kSlot_ns + cycle; }

  ChipBench bench;
  tile::WeightMatrix weights;
  std::vector<double> counts;
  std::vector<double> words;
  std::string sender = kSender;
  std::string tile = kTile;
  std::string corner = kCorner;
  std::string receiver = kReceiver;
};

TEST_F(ClassicMistake, NoneGivesTheRightNumbersInSilence) {
  run();
  EXPECT_THAT(bench.violations.kept(), IsEmpty());
  // Path delays are below half a count; single precision may move a sum that lies on the rounding edge.
  EXPECT_LE(largest_difference(), 1.0);
  EXPECT_GT(*std::max_element(words.begin(), words.end()), 20.0);
  EXPECT_EQ(bench.chip.last_interrupt(), sc_core::sc_time(at_ns(1, 287), sc_core::SC_NS));
}

TEST_F(ClassicMistake, RampBeforeTheEndOfIntegration) {
  tile = replaced(
      tile, "        at 285\n        set.c integ, 0\n",
      "        set.c rslope, 256\n        at 130\n        set.c ramp, 1\n        at 285\n        set.c integ, 0\n");
  run();
  EXPECT_GT(largest_difference(), 5.0);
  EXPECT_THAT(bench.violations.kept(), Contains(is_violation(ViolationKind::kRampDuringIntegration, "tile_0_0.array",
                                                             at_ns(0, 130), address_of(tile, "set.c ramp, 1"))));
}

TEST_F(ClassicMistake, RampWhileThePulsesStillLast) {
  const std::string early = "        at 120\n        set integ, 0\n        set.c rslope, 256\n";
  tile = replaced(tile, "        at 285\n        set.c integ, 0\n", early + "        at 130\n        set.c ramp, 1\n");
  run();
  EXPECT_GT(largest_difference(), 5.0);
  EXPECT_THAT(bench.violations.kept(), Contains(is_violation(ViolationKind::kRampDuringPulse, "tile_0_0.array",
                                                             at_ns(0, 130), address_of(tile, "set.c ramp, 1"))));
}

TEST_F(ClassicMistake, NoPrecharge) {
  tile = replaced(tile, "        set.c pre, 0xff         ; precharge\n", "");
  run();
  EXPECT_THAT(bench.violations.kept(),
              Contains(is_violation(ViolationKind::kIntegrateWithoutPrecharge, "tile_0_0.array", at_ns(0, 18),
                                    address_of(tile, "set.c integ, 0xff"))));
}

TEST_F(ClassicMistake, ReceiverNotIntegrating) {
  tile = replaced(tile, "        set.c integ, 0xff       ; window\n", "        nop\n");
  run();
  EXPECT_THAT(words, testing::Each(0.0));
  EXPECT_THAT(bench.violations.kept(), Contains(is_violation(ViolationKind::kPulseNotCovered, "tile_0_0.array",
                                                             pulses_over_ns(), address_of(tile, "at 285"))));
}

TEST_F(ClassicMistake, WindowOpensTooLate) {
  tile = replaced(tile, "        at 18\n        set.c integ", "        at 68\n        set.c integ");
  run();
  EXPECT_GT(largest_difference(), 5.0);
  EXPECT_THAT(bench.violations.kept(), Contains(is_violation(ViolationKind::kPulseNotCovered, "tile_0_0.array",
                                                             pulses_over_ns(), address_of(tile, "at 285"))));
}

TEST_F(ClassicMistake, WindowOpensTooEarly) {
  tile = replaced(tile, "        set.c pre, 0\n        at 18\n", "        set.c pre, 0\n");
  sender = replaced(replaced(sender, "at 20", "at 40"), "at 275", "at 284");
  for (double& count : counts) {
    count = std::min(count, 240.0);
  }
  run();
  // The ramp that takes what came is right; only the offset of an early window would show, which presets leave out.
  EXPECT_LE(largest_difference(), 1.0);
  EXPECT_THAT(bench.violations.kept(), Contains(is_violation(ViolationKind::kWindowEarly, "tile_0_0.array",
                                                             at_ns(0, 285), address_of(tile, "set.c integ, 0\n"))));
}

TEST_F(ClassicMistake, IntegratesWhileNobodySends) {
  sender = "trig 1\n halt 0\n";
  run();
  EXPECT_THAT(words, testing::Each(0.0));
  EXPECT_THAT(bench.violations.kept(), Contains(is_violation(ViolationKind::kIntegrateIdle, "tile_0_0.array",
                                                             at_ns(0, 285), address_of(tile, "set.c integ, 0\n"))));
}

TEST_F(ClassicMistake, EnableOutsideTheRamp) {
  tile = replaced(tile, "        at 21\n", "        at 71\n");
  tile = replaced(tile, "        at 276\n        set.c en, 0\n        at 280\n        set ramp, 0\n",
                  "        at 280\n        set.c ramp, 0\n        at 290\n        set en, 0\n");
  run();
  EXPECT_GT(largest_difference(), 10.0);  // 50 ns are cut off the front of every pulse
  EXPECT_THAT(bench.violations.kept(), Contains(is_violation(ViolationKind::kEnableWithoutRamp, "tile_0_0.array",
                                                             at_ns(1, 280), address_of(tile, "set.c ramp, 0"))));
}

TEST_F(ClassicMistake, BorderguardOpenToTwoDrivers) {
  // The input pad of the east sends along row 1 in slot 0, too; at column 0 its vector turns north onto the south-north
  // wires of tile_0_0 and there onto the west-east wires, where it meets that of the western pad.
  std::map<std::string, std::string> programs{
      {"ilp_NW", sender}, {"ilp_NE", replaced(kSender, "psendv, 0", "psendv, 1")}, {"olp_NW", receiver}};
  for (int column = 5; column >= 1; --column) {
    programs["tile_1_" + std::to_string(column)] = "set bge, 0xff00\n set.c bgw, 0x00ff\n halt 0\n";
  }
  programs["tile_1_0"] = replaced(corner, "        slot 1\n",
                                  "        set bge, 0xff00\n        set turn, 0xff00\n        set.c bgn, 0x00ff\n"
                                  "        at 290\n        set.c bge, 0\n        slot 1\n");
  const std::string mistake = "        set bgs, 0xff00\n        set turn, 0x00ff\n        set.c wp1, 0xff\n";
  programs["tile_0_0"] = replaced(replaced(tile, "        set.c wp1, 0xff\n", mistake), "at 4\n", "at 8\n");
  bench.chip.tile(kTileSite).program(tile::WeightSet::kWp1, weights);
  bench.run(
      programs, 3,
      [this] {
        bench.access.write_vector(0, 0, 0, counts);
        bench.access.write_vector(1, 1, 0, std::vector<double>(kWires, 200.0));
      },
      [this] { read(); });
  std::vector<double> longer(counts);  // the longer of two pulses wins
  for (double& count : longer) {
    count = std::max(count, 200.0);
  }
  std::swap(longer, counts);
  EXPECT_LE(largest_difference(), 1.0);
  std::swap(longer, counts);
  EXPECT_GT(largest_difference(), 5.0);
  EXPECT_THAT(bench.violations.kept(), Contains(is_violation(ViolationKind::kContention, "tile_0_0.node", at_ns(0, 20),
                                                             address_of(programs.at("tile_0_0"), "at 285"))));
}

TEST_F(ClassicMistake, BorderguardClosesDuringThePulse) {
  corner = replaced(corner, "at 290", "at 58");
  run();
  EXPECT_LE(*std::max_element(words.begin(), words.end()), 40.0);  // what had passed by cycle 60
  EXPECT_GT(largest_difference(), 5.0);
  EXPECT_THAT(bench.violations.kept(), Contains(is_violation(ViolationKind::kGuardMoved, "tile_1_0.node", at_ns(1, 60),
                                                             address_of(corner, "set.c bgw, 0\n"))));
}

TEST_F(ClassicMistake, IllegalWord) {
  tile = replaced(tile, "        set.c integ, 0xff       ; window\n", "        .word 0\n");
  const std::uint32_t pc = address_of(tile, ".word 0");
  run();
  EXPECT_THAT(words, testing::Each(0.0));
  EXPECT_THAT(bench.violations.kept(),
              Contains(is_violation(ViolationKind::kIllegalInstruction, "tile_0_0.lc", at_ns(0, 18), pc)));
  EXPECT_EQ(bench.chip.local_controller(bench.controller("tile_0_0")).cause(), controller::Cause::kIllegalInstruction);
}

TEST_F(ClassicMistake, FallsOffTheEnd) {
  const std::string program = "trig 1\n jmp 4095\n .org 4095\n nop\n";
  tile = program;
  run();
  EXPECT_THAT(words, testing::Each(0.0));
  EXPECT_THAT(bench.violations.kept(),
              Contains(is_violation(ViolationKind::kFetchPastEnd, "tile_0_0.lc", at_ns(0, 2), 4096)));
  EXPECT_EQ(bench.chip.local_controller(bench.controller("tile_0_0")).cause(), controller::Cause::kFetchPastEnd);
}

}  // namespace
}  // namespace chronotile::cosim
