#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "firmware/isa/manual_tables.hpp"
#include "firmware/toolchain/assembler.hpp"

namespace chronotile::isa {
namespace {

std::string manual() {
  std::ifstream stream(CHRONOTILE_SOURCE_DIR "/docs/lc-manual.md", std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(Manual, GeneratedSectionIsUpToDate) {
  EXPECT_EQ(update_manual(manual()), manual()) << "run: chronotile fw tables --update docs/lc-manual.md";
}

TEST(Manual, MarkersMustBeThere) { EXPECT_THROW(static_cast<void>(update_manual("text")), std::invalid_argument); }

TEST(Manual, EveryExampleIsTheInstructionItExplains) {
  for (const Instruction& row : kInstructions) {
    const auto words = toolchain::assemble_text(std::string(example(row.opcode)), "example.lcs").words;
    ASSERT_EQ(words.size(), 1U) << row.mnemonic;
    EXPECT_EQ(decode(words[0])->opcode, row.opcode);
  }
}

/// Every block that the manual marks as ```lcs is a program.
TEST(Manual, EveryProgramAssembles) {
  const std::string text = manual();
  const std::string open = "```lcs\n";
  int count = 0;
  for (std::size_t begin = text.find(open); begin != std::string::npos; begin = text.find(open, begin)) {
    begin += open.size();
    const std::size_t end = text.find("```", begin);
    EXPECT_NO_THROW(static_cast<void>(toolchain::assemble_text(text.substr(begin, end - begin), "manual.lcs")));
    ++count;
  }
  EXPECT_GE(count, 1);
}

TEST(Manual, EveryNamedValueIsListed) {
  for (const toolchain::NamedValue& value : toolchain::named_values()) {
    EXPECT_THAT(manual(), testing::HasSubstr("`" + std::string(value.name) + "`"));
  }
}

}  // namespace
}  // namespace chronotile::isa
