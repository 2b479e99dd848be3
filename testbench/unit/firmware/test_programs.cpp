#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "firmware/toolchain/assembler.hpp"
#include "firmware/toolchain/check.hpp"
#include "firmware/toolchain/disassembler.hpp"
#include "firmware/toolchain/image.hpp"

namespace chronotile::toolchain {
namespace {

const std::filesystem::path kPrograms = std::filesystem::path(CHRONOTILE_SOURCE_DIR) / "firmware" / "programs";

ControllerKind kind_of(const std::filesystem::path& path) {
  return path.stem().string().rfind("pad_", 0) == 0 ? ControllerKind::kPad : ControllerKind::kTile;
}

/// The cycle of its slot in which each word of a straight program is executed, after the trigger, as the manual counts.
std::vector<std::pair<std::uint32_t, std::uint32_t>> schedule(const Program& program) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> places;  // slot, cycle
  std::uint32_t now = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> loops;  // first word, passes left
  for (std::uint32_t pc = 0; pc < program.words.size();) {
    const auto decoded = isa::decode(program.words[pc]);
    places.emplace_back(now / 300, now % 300);
    ++pc;
    switch (decoded->opcode) {
      case isa::Opcode::kTrig:
        now = 0;
        continue;
      case isa::Opcode::kAt:
        EXPECT_LT(now % 300, decoded->number) << "late at address " << pc - 1;
        now += decoded->number - now % 300;
        continue;
      case isa::Opcode::kSlot:
        now = (now / 300 + decoded->number) * 300;
        continue;
      case isa::Opcode::kLoop:
        loops.emplace_back(pc, decoded->number);
        break;
      case isa::Opcode::kEndLoop:
        if (--loops.back().second > 0) {
          pc = loops.back().first;
        } else {
          loops.pop_back();
        }
        break;
      case isa::Opcode::kHalt:
      case isa::Opcode::kJmp:  // back to the trigger
        return places;
      default:
        break;
    }
    ++now;
  }
  return places;
}

TEST(Programs, ExamplesAssembleAndPassTheCheck) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kPrograms)) {
    if (entry.path().extension() != ".lcs") {
      continue;
    }
    names.insert(entry.path().filename().string());
    const Program program = assemble_file(entry.path());
    for (const Finding& finding : check(program, {kind_of(entry.path()), 300})) {
      ADD_FAILURE() << finding.text();
    }
    EXPECT_EQ(assemble_text(disassemble(program.words), "again.lcs").words, program.words);
    EXPECT_EQ(assemble_text(flat_source(program), "flat.lcs").words, program.words);
    EXPECT_FALSE(schedule(program).empty());
  }
  EXPECT_EQ(names, (std::set<std::string>{"mac_once.lcs", "relu_layer.lcs", "pad_send.lcs", "pad_capture.lcs",
                                          "program_row.lcs"}));
}

TEST(Programs, BuiltinIncludeIsTheFile) {
  std::ifstream stream(kPrograms / "common.inc", std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  EXPECT_EQ(builtin_include("common.inc"), text.str());
  EXPECT_EQ(builtin_include("other.inc"), "");
}

/// Cycles (slot, cycle) in which a committed write of `value` to `group` is executed.
std::vector<std::pair<std::uint32_t, std::uint32_t>> commits(const Program& program, isa::Group group,
                                                             std::uint32_t value) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> found;
  const auto places = schedule(program);
  for (std::size_t i = 0; i < places.size() && i < program.words.size(); ++i) {
    const auto decoded = isa::decode(program.words[i]);
    if (decoded->commit && decoded->group == group && decoded->number == value &&
        decoded->opcode == isa::Opcode::kSet) {
      found.push_back(places[i]);
    }
  }
  return found;
}

using Cycles = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

TEST(Programs, MacOnceKeepsTheSlotTiming) {
  const Program program = assemble_file(kPrograms / "mac_once.lcs");
  EXPECT_EQ(commits(program, isa::Group::kPrecharge, 0xff), (Cycles{{0, 2}}));
  EXPECT_EQ(commits(program, isa::Group::kPrecharge, 0), (Cycles{{0, 14}}));
  EXPECT_EQ(commits(program, isa::Group::kIntegrate, 0xff), (Cycles{{0, 18}}));
  EXPECT_EQ(commits(program, isa::Group::kIntegrate, 0), (Cycles{{0, 285}}));
  EXPECT_EQ(commits(program, isa::Group::kEnable, 0xff), (Cycles{{1, 20}}));
  EXPECT_EQ(commits(program, isa::Group::kEnable, 0), (Cycles{{1, 275}}));
  EXPECT_EQ(commits(program, isa::Group::kRamp, 0), (Cycles{{1, 285}}));
}

TEST(Programs, ProgramRowKeepsTheSlotTiming) {
  AssemblerOptions options;
  options.constants = {{"WRITES", 4}};
  for (const bool four : {false, true}) {
    const Program program = assemble_file(kPrograms / "program_row.lcs", four ? options : AssemblerOptions());
    const std::uint32_t writes = four ? 4 : 2;
    Cycles on;
    Cycles off;
    Cycles open;
    Cycles closed;
    for (std::uint32_t slot = 0; slot < writes; ++slot) {
      on.push_back({slot, 16});
      open.push_back({slot, 18});
      closed.push_back({slot, 285});
      off.push_back({slot, 287});
    }
    EXPECT_EQ(commits(program, isa::Group::kHighVoltage, 1), on);
    EXPECT_EQ(commits(program, isa::Group::kHighVoltage, 0), off);
    EXPECT_EQ(commits(program, isa::Group::kProgramColumns, 0xff), open);
    EXPECT_EQ(commits(program, isa::Group::kProgramColumns, 0), closed);
    EXPECT_EQ(commits(program, isa::Group::kIntegrate, 0xff), (Cycles{{writes, 18}}));
    EXPECT_EQ(commits(program, isa::Group::kEnable, 0xff), (Cycles{{writes + 1, 20}}));
  }
}

TEST(Programs, ReluEmissionStartsItsRampEarly) {
  AssemblerOptions options;
  options.constants = {{"FRAMES", 1}, {"SLOPE", 100}};
  const Program program = assemble_file(kPrograms / "relu_layer.lcs", options);
  EXPECT_EQ(commits(program, isa::Group::kRamp, 1), (Cycles{{2, 4}}));
  EXPECT_EQ(commits(program, isa::Group::kEnable, 0xff), (Cycles{{2, 20}}));
  EXPECT_EQ(commits(program, isa::Group::kRampStart, 0x10000 - 100), (Cycles{{2, 1}}));
}

TEST(Programs, CommonIncludeMayBeIncludedTwice) {
  EXPECT_EQ(assemble_text(".include \"common.inc\"\n.include \"common.inc\"\n halt FULL_SCALE_NS\n", "twice.lcs").words,
            assemble_text(" halt 255\n", "plain.lcs").words);
}

}  // namespace
}  // namespace chronotile::toolchain
