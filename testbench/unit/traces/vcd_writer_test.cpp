#include "traces/vcd_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "common/user_error.hpp"
#include "testbench/support/reports.hpp"
#include "testbench/support/vcd_reader.hpp"
#include "testbench/unit/traces/support.hpp"
#include "traces/fan_out.hpp"
#include "traces/gtkwave_save.hpp"

namespace chronotile::traces {
namespace {

using probe::Detail;
using probe::Kind;
using support::VcdReader;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Change = VcdReader::Change;

class Vcd : public TraceTest {
 protected:
  [[nodiscard]] VcdConfig config(const std::string& scope = {}) {
    VcdConfig config;
    config.path = file("run.vcd");
    config.scope = scope;
    config.now_ps = test_clock();
    return config;
  }
  [[nodiscard]] VcdReader read() const { return VcdReader(file("run.vcd")); }
};

TEST_F(Vcd, WritesTheseBytes) {
  VcdConfig named = config();
  named.title = "run kws, seed 1";
  VcdWriter vcd(named);
  const auto irq = vcd.declare(signal("chip", "irq", Kind::kBits));
  const auto state = vcd.declare(signal("chip.tile00.lc", "state", Kind::kText));
  const auto pc = vcd.declare(signal("chip.tile00.lc", "pc", Kind::kBits, 16));
  const auto power = vcd.declare(signal("chip", "power_mW", Kind::kReal));
  const auto mark = vcd.declare(signal("chip.tile00.lc", "mark", Kind::kEvent));
  vcd.bits(irq, 0);
  vcd.text(state, "idle");
  vcd.real(power, 0);
  now_ps = 1000;
  vcd.text(state, "running");
  vcd.bits(pc, 5);
  now_ps = 2500;
  vcd.text(mark, "layer 1");
  vcd.real(power, 12.5);
  vcd.bits(pc, 0x8001);
  vcd.bits(irq, 1);
  now_ps = 4000;
  vcd.close();
  EXPECT_EQ(contents(file("run.vcd")),
            "$version Chronotile $end\n"
            "$comment run kws, seed 1 $end\n"
            "$timescale 1 ps $end\n"
            "$scope module chip $end\n"
            "$var wire 1 ! irq $end\n"
            "$var real 64 $ power_mW $end\n"
            "$scope module tile00 $end\n"
            "$scope module lc $end\n"
            "$var string 1 \" state $end\n"
            "$var wire 16 # pc [15:0] $end\n"
            "$var event 1 % mark $end\n"
            "$var string 1 & mark_label $end\n"
            "$upscope $end\n"
            "$upscope $end\n"
            "$upscope $end\n"
            "$enddefinitions $end\n"
            "#0\n$dumpvars\n0!\nsidle \"\nbx #\nr0 $\ns &\n$end\n"
            "#1000\nsrunning \"\nb101 #\n"
            "#2500\n1!\nb1000000000000001 #\nr12.5 $\n1%\nslayer\\x201 &\n"
            "#4000\n");
}

TEST_F(Vcd, NestsScopesAsTheModuleTreeInAnyOrderOfDeclaration) {
  VcdWriter vcd(config());
  vcd.declare(signal("chip.tile00.lc", "pc", Kind::kBits, 16));
  vcd.declare(signal("chip.tile01.lc", "pc", Kind::kBits, 16));
  vcd.declare(signal("chip.tile00", "phase", Kind::kText));
  vcd.declare(signal("chip", "trigger", Kind::kBits));
  vcd.declare(signal("host", "busy", Kind::kBits));
  vcd.close();
  const VcdReader back = read();
  EXPECT_THAT(back.names(),
              ElementsAre("chip.trigger", "chip.tile00.phase", "chip.tile00.lc.pc", "chip.tile01.lc.pc", "host.busy"));
  EXPECT_EQ(back.variable("chip.tile00.lc.pc").bits, 16);
}

TEST_F(Vcd, TakesScopedSignalsWhereTheExpressionIsFound) {
  VcdWriter vcd(config(R"(tile0[01]\.lc\.ramp)"));
  EXPECT_NE(vcd.declare(signal("chip.tile00.lc", "ramp", Kind::kBits, 3, Detail::kScoped)), probe::kUnwatched);
  EXPECT_NE(vcd.declare(signal("chip.tile01.lc", "ramp_start", Kind::kBits, 9, Detail::kScoped)), probe::kUnwatched);
  EXPECT_EQ(vcd.declare(signal("chip.tile02.lc", "ramp", Kind::kBits, 3, Detail::kScoped)), probe::kUnwatched);
  EXPECT_EQ(vcd.declare(signal("chip.tile00.lc", "en", Kind::kBits, 8, Detail::kScoped)), probe::kUnwatched);
  EXPECT_NE(vcd.declare(signal("chip.tile02.lc", "pc", Kind::kBits, 16)), probe::kUnwatched);
  EXPECT_EQ(vcd.scope_matches(), 2U);
}

TEST_F(Vcd, DeclinesScopedSignalsWithoutExpression) {
  VcdWriter vcd(config());
  EXPECT_EQ(vcd.declare(signal("chip", "en", Kind::kBits, 8, Detail::kScoped)), probe::kUnwatched);
}

TEST_F(Vcd, ChangesOfOneTimeBecomeTheLast) {
  VcdWriter vcd(config());
  const auto level = vcd.declare(signal("m", "level", Kind::kBits, 4));
  const auto glitch = vcd.declare(signal("m", "glitch", Kind::kBits));
  vcd.bits(level, 0);
  vcd.bits(level, 1);
  vcd.bits(glitch, 0);
  now_ps = 10;
  vcd.bits(level, 2);
  vcd.bits(glitch, 1);
  vcd.bits(level, 3);
  vcd.bits(glitch, 0);
  now_ps = 20;
  vcd.bits(level, 3);
  vcd.close();
  const VcdReader back = read();
  EXPECT_THAT(back.changes("m.level"), ElementsAre(Change{0, "1"}, Change{10, "11"}));
  EXPECT_THAT(back.changes("m.glitch"), ElementsAre(Change{0, "0"}));
  EXPECT_EQ(back.end_ps(), 20U);
  EXPECT_EQ(vcd.variables().at(level).changes, 1U);
  EXPECT_EQ(vcd.variables().at(glitch).changes, 0U);
}

TEST_F(Vcd, BytesDoNotDependOnTheOrderWithinATime) {
  std::array<std::string, 2> bytes;
  for (const bool reverse : {false, true}) {
    now_ps = 0;
    VcdWriter vcd(config());
    std::vector<probe::Id> ids;
    for (int i = 0; i < 200; ++i) {
      ids.push_back(vcd.declare(signal("m", "s" + std::to_string(i), Kind::kBits, 16)));
    }
    const auto event = vcd.declare(signal("m", "e", Kind::kEvent));
    for (std::uint64_t step = 0; step < 300; ++step, now_ps += 500) {
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const std::size_t index = reverse ? ids.size() - 1 - i : i;
        vcd.bits(ids[index], (step * index) % 7);
      }
      for (const char* label : {reverse ? "c" : "a", "b", reverse ? "a" : "c"}) {
        vcd.text(event, label);
      }
    }
    vcd.close();
    bytes.at(reverse ? 1 : 0) = contents(file("run.vcd"));
  }
  EXPECT_EQ(bytes[0], bytes[1]);
  EXPECT_THAT(bytes[0], HasSubstr("sa,b,c "));
}

TEST_F(Vcd, PulsesFindTheirPlaceInThePast) {
  VcdWriter vcd(config("wires"));
  const auto clock = vcd.declare(signal("m", "slot", Kind::kBits, 8));
  const auto wires = vcd.declare(signal("m", "wires", Kind::kBits, 512, Detail::kScoped));
  std::vector<double> durations(512, 0.0);
  durations[0] = 20;
  durations[1] = 5.5;
  durations[511] = 20;
  for (std::uint64_t slot = 1; slot <= 3; ++slot) {
    now_ps = slot * 300'000;
    vcd.bits(clock, slot);
    if (slot == 2) {
      vcd.pulses(wires, 310, durations.data(), 1, 512);
    }
  }
  vcd.close();
  const VcdReader back = read();
  const std::string zeros(508, '0');
  EXPECT_THAT(back.changes("m.wires_busy"), ElementsAre(Change{0, "0"}, Change{310'000, "1"}, Change{330'000, "0"}));
  EXPECT_THAT(back.changes("m.wires"), ElementsAre(Change{0, "0"}, Change{310'000, "1" + zeros + "011"},
                                                   Change{315'500, "1" + zeros + "001"}, Change{330'000, "0"}));
  EXPECT_THAT(back.changes("m.wires_active"),
              ElementsAre(Change{0, "0"}, Change{310'000, "11"}, Change{315'500, "10"}, Change{330'000, "0"}));
  EXPECT_EQ(back.variable("m.wires").bits, 512);
  EXPECT_EQ(vcd.late(), 0U);
}

TEST_F(Vcd, PulsesThatAreNotSelectedShowAsBusy) {
  VcdWriter vcd(config());
  const auto wires = vcd.declare(signal("m", "wires", Kind::kBits, 512));
  const std::vector<double> durations = {3, 0, 7, 0};  // two lanes
  now_ps = 100'000;
  vcd.pulses(wires, 50, durations.data(), 2, 2);
  vcd.close();
  const VcdReader back = read();
  EXPECT_THAT(back.names(), ElementsAre("m.wires_busy"));
  EXPECT_THAT(back.changes("m.wires_busy"), ElementsAre(Change{0, "0"}, Change{50'000, "1"}, Change{57'000, "0"}));
}

TEST_F(Vcd, OverlappingVectorsAreMerged) {
  VcdWriter vcd(config("wires"));
  const auto wires = vcd.declare(signal("m", "wires", Kind::kBits, 128, Detail::kScoped));
  std::vector<double> west(128, 0.0);
  std::vector<double> east(128, 0.0);
  west[0] = 30;  // 100 to 130
  east[0] = 20;  // 120 to 140: two drivers, the wire stays high
  east[1] = 10;  // 120 to 130
  now_ps = 200'000;
  vcd.pulses(wires, 120, east.data(), 1, 128);
  vcd.pulses(wires, 100, west.data(), 1, 128);
  vcd.close();
  EXPECT_THAT(read().changes("m.wires"), ElementsAre(Change{0, "0"}, Change{100'000, "1"}, Change{120'000, "11"},
                                                     Change{130'000, "1"}, Change{140'000, "0"}));
}

TEST_F(Vcd, PulsesAreInOrderWhileTheFileIsWritten) {
  VcdWriter vcd(config("wires"));
  const auto busy = vcd.declare(signal("m", "tick", Kind::kBits, 32));
  std::vector<probe::Id> wires;
  for (int i = 0; i < 3; ++i) {
    wires.push_back(vcd.declare(signal("m", "wires" + std::to_string(i), Kind::kBits, 512, Detail::kScoped)));
  }
  std::vector<double> durations(512);
  std::iota(durations.begin(), durations.end(), 1.0);
  for (auto& duration : durations) {
    duration = duration / 2;
  }
  for (std::uint64_t slot = 1; slot <= 200; ++slot) {
    for (std::uint64_t cycle = 0; cycle < 300; ++cycle) {
      now_ps = (slot * 300 + cycle) * 1000;
      vcd.bits(busy, slot * 300 + cycle);
    }
    for (const auto id : wires) {
      vcd.pulses(id, static_cast<double>(slot * 300), durations.data(), 1, 512);
    }
  }
  vcd.close();
  const VcdReader back = read();  // checks the order of time stamps
  EXPECT_EQ(back.changes("m.tick").size(), 200U * 300 + 1);
  EXPECT_EQ(back.changes("m.wires2_active").size(), 200U * 513 + 1);
  EXPECT_EQ(back.value_at("m.wires1_active", 300'000), "1000000000");
  EXPECT_EQ(back.value_at("m.wires1_active", 301'000), "111111110");
  EXPECT_EQ(vcd.late(), 0U);
}

TEST_F(Vcd, PulsesThatComeTooLateMoveAndAreReportedOnce) {
  const support::ExpectReport expected("reorder_ns");
  VcdConfig impatient = config("wires");
  impatient.reorder_ns = 10;
  VcdWriter vcd(impatient);
  const auto tick = vcd.declare(signal("m", "tick", Kind::kBits, 32));
  const auto wires = vcd.declare(signal("m", "wires", Kind::kBits, 128, Detail::kScoped));
  for (std::uint64_t i = 1; i <= 20'000; ++i) {
    now_ps = i * 1000;
    vcd.bits(tick, i);
  }
  std::vector<double> durations(128, 0.0);
  durations[0] = 1;
  durations[1] = 20'000;
  vcd.pulses(wires, 5, durations.data(), 1, 128);
  vcd.pulses(wires, 6, durations.data(), 1, 128);
  vcd.close();
  EXPECT_EQ(vcd.late(), 2U);
  EXPECT_EQ(expected.count(), 1);
  EXPECT_EQ(read().changes("m.wires").size(), 3U);
}

TEST_F(Vcd, RefusesWhatAModellerGetsWrong) {
  VcdWriter vcd(config());
  const auto narrow = vcd.declare(signal("m", "a", Kind::kBits, 8));
  EXPECT_THROW(vcd.declare(signal("m", "a", Kind::kBits, 8)), std::logic_error);
  EXPECT_THROW(vcd.declare(signal("m", "b", Kind::kBits, 513)), std::logic_error);
  const double duration = 1;
  EXPECT_THROW(vcd.pulses(narrow, 0, &duration, 1, 1), std::logic_error);
  now_ps = 1;
  EXPECT_THROW(vcd.declare(signal("m", "c", Kind::kBits, 8)), std::logic_error);
}

TEST_F(Vcd, LeavesNothingBehindWithoutClose) {
  {
    VcdWriter vcd(config());
    const auto id = vcd.declare(signal("m", "a", Kind::kBits, 8));
    for (std::uint64_t i = 0; i < 500'000; ++i) {
      now_ps = i;
      vcd.bits(id, i & 255U);
    }
    EXPECT_TRUE(std::filesystem::exists(file("run.vcd.part")));
    EXPECT_FALSE(std::filesystem::exists(file("run.vcd")));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST_F(Vcd, AFullDiskIsAMessageAtTheEnd) {
  if (::access("/dev/full", W_OK) != 0) {
    GTEST_SKIP() << "no /dev/full on this system";
  }
  VcdConfig full = config();
  full.path = "/dev/full";
  VcdWriter vcd(full);
  const auto id = vcd.declare(signal("m", "a", Kind::kBits, 8));
  for (std::uint64_t i = 0; i < 500'000; ++i) {
    now_ps = i;
    vcd.bits(id, i & 255U);
  }
  EXPECT_TRUE(vcd.failed());
  try {
    vcd.close();
    FAIL() << "no exception";
  } catch (const UserError& error) {
    EXPECT_EQ(error.place(), "/dev/full");
    EXPECT_THAT(error.what(), HasSubstr("No space left"));
  }
}

TEST_F(Vcd, ARunThatFailsKeepsTheFileOfTheOneBefore) {
  std::ofstream(file("run.vcd")) << "before";
  { VcdWriter vcd(config()); }
  EXPECT_EQ(contents(file("run.vcd")), "before");
}

TEST_F(Vcd, NamesTheFileAndTheExpressionThatAreWrong) {
  VcdConfig nowhere = config();
  nowhere.path = folder / "missing" / "run.vcd";
  EXPECT_THROW(VcdWriter{nowhere}, UserError);
  VcdConfig is_folder = config();
  is_folder.path = folder;
  EXPECT_THROW(VcdWriter{is_folder}, UserError);
  try {
    VcdWriter vcd(config("tile["));
    FAIL() << "no exception";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("tile["));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST_F(Vcd, FanOutForwardsUnderEachObserversIds) {
  VcdConfig other = config("wires");
  other.path = file("other.vcd");
  VcdWriter first(config());
  VcdWriter second(other);
  first.declare(signal("m", "only_first", Kind::kBits));
  FanOut both({&first, &second});
  const auto scoped = both.declare(signal("m", "wires", Kind::kBits, 512, Detail::kScoped));
  const auto text = both.declare(signal("m", "t", Kind::kText));
  const auto real = both.declare(signal("m", "r", Kind::kReal));
  const auto bit = both.declare(signal("m", "b", Kind::kBits));
  EXPECT_EQ(both.declare(signal("m", "hidden", Kind::kBits, 1, Detail::kScoped)), probe::kUnwatched);
  now_ps = 1000;
  both.text(text, "x");
  both.real(real, 0.5);
  both.bits(bit, 1);
  const double duration = 0.25;
  both.pulses(scoped, 0.5, &duration, 1, 1);
  first.close();
  second.close();
  for (const char* name : {"run.vcd", "other.vcd"}) {
    const VcdReader back(file(name));
    EXPECT_THAT(back.changes("m.t"), ElementsAre(Change{0, ""}, Change{1000, "x"}));
    EXPECT_THAT(back.changes("m.r"), ElementsAre(Change{1000, "0.5"}));
    EXPECT_THAT(back.changes("m.b"), ElementsAre(Change{0, "x"}, Change{1000, "1"}));
  }
  EXPECT_FALSE(VcdReader(file("run.vcd")).has("m.wires"));
  EXPECT_THAT(VcdReader(file("other.vcd")).changes("m.wires"),
              ElementsAre(Change{0, "0"}, Change{500, "1"}, Change{750, "0"}));
}

TEST_F(Vcd, TheSaveFileShowsWhatChanged) {
  VcdWriter vcd(config("wires"));
  const auto irq = vcd.declare(signal("chip", "irq", Kind::kBits));
  const auto pc = vcd.declare(signal("chip.tile00.lc", "pc", Kind::kBits, 16));
  const auto idle = vcd.declare(signal("chip.tile01.lc", "pc", Kind::kBits, 16));
  const auto phase = vcd.declare(signal("chip.tile00", "phase", Kind::kText));
  const auto power = vcd.declare(signal("chip.energy", "power_mW", Kind::kReal));
  const auto wires = vcd.declare(signal("chip.node00", "wires", Kind::kBits, 512, Detail::kScoped));
  vcd.bits(idle, 0);
  now_ps = 32'000;
  vcd.bits(irq, 1);
  vcd.bits(pc, 1);
  vcd.text(phase, "ramp");
  vcd.real(power, 3);
  const double duration = 0.25;
  vcd.pulses(wires, 0.5, &duration, 1, 1);
  vcd.close();
  EXPECT_EQ(write_gtkwave_save(vcd), file("run.gtkw"));
  const std::string save = contents(file("run.gtkw"));
  EXPECT_THAT(save, HasSubstr("[dumpfile] \"" + file("run.vcd").string() + "\"\n"));
  EXPECT_THAT(
      save,
      HasSubstr("@800200\n-host and chip\n@28\n+{chip/irq} chip.irq\n@1000200\n-host and chip\n"
                "@800200\n-controllers\n@22\n+{chip/tile00/lc/pc} chip.tile00.lc.pc[15:0]\n@1000200\n-controllers\n"
                "@800200\n-tiles\n@820\n+{chip/tile00/phase} chip.tile00.phase\n@1000200\n-tiles\n"
                "@800200\n-links\n@28\n+{chip/node00/wires_busy} chip.node00.wires_busy\n@22\n+{chip/node00/wires} "
                "chip.node00.wires[511:0]\n"
                "@88024\n+{chip/node00/wires_active} chip.node00.wires_active[9:0]\n@20200\n-\n-\n@1000200\n-links\n"
                "@800200\n-power\n@88020\n+{chip/energy/power_mW} chip.energy.power_mW\n"));
  EXPECT_THAT(save, Not(HasSubstr("tile01")));
}

TEST_F(Vcd, GtkwavesConverterReadsIt) {
  if (std::system("command -v vcd2fst > /dev/null 2>&1") != 0) {  // NOLINT(cert-env33-c)
    GTEST_SKIP() << "vcd2fst is not installed (Debian: apt install gtkwave)";
  }
  VcdWriter vcd(config("wires"));
  const auto state = vcd.declare(signal("chip.lc", "state", Kind::kText));
  const auto mark = vcd.declare(signal("chip.lc", "mark", Kind::kEvent));
  const auto power = vcd.declare(signal("chip", "power", Kind::kReal));
  const auto wires = vcd.declare(signal("chip.node", "wires", Kind::kBits, 512, Detail::kScoped));
  vcd.text(state, "");
  now_ps = 10'000;
  vcd.text(state, "two words");
  vcd.text(mark, "here");
  vcd.real(power, 1e-3);
  const std::vector<double> durations(512, 2.0);
  vcd.pulses(wires, 5, durations.data(), 1, 512);
  vcd.close();
  const std::string command = "vcd2fst '" + file("run.vcd").string() + "' '" + file("run.fst").string() +
                              "' && fst2vcd '" + file("run.fst").string() + "' > '" + file("back.vcd").string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(cert-env33-c)
  const std::string back = contents(file("back.vcd"));
  EXPECT_THAT(back, HasSubstr("#5000\n"));
  EXPECT_THAT(back, HasSubstr("#7000\n"));
  EXPECT_THAT(back, HasSubstr("b" + std::string(512, '1') + " "));
  EXPECT_THAT(back, HasSubstr("r0.001 "));
}

}  // namespace
}  // namespace chronotile::traces
