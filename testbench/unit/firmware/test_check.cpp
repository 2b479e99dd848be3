#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "firmware/toolchain/assembler.hpp"
#include "firmware/toolchain/check.hpp"

namespace chronotile::toolchain {
namespace {

using testing::ElementsAre;

std::vector<std::string> findings(const std::string& text, ControllerKind kind = ControllerKind::kAny) {
  std::vector<std::string> texts;
  for (const Finding& finding : check(assemble_text(text, "p.lcs"), {kind, 300})) {
    texts.push_back(finding.text());
  }
  return texts;
}

std::string repeat(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) {
    result += text;
  }
  return result;
}

TEST(Check, GoodProgramsPass) {
  EXPECT_THAT(findings("halt 0"), ElementsAre());
  EXPECT_THAT(findings("s: set en, 1\ncommit\nset en, 0\njmp s"), ElementsAre());
  EXPECT_THAT(findings("call f\nset en, 1\ncall f\nhalt 0\nf: commit\nret"), ElementsAre());
  EXPECT_THAT(findings("loop 2\nset.c en, 1\nset en, 0\nendloop\nhalt 0"), ElementsAre());
  EXPECT_THAT(findings(repeat("loop 2\n", 8) + repeat("endloop\n", 8) + "halt 0"), ElementsAre());
}

TEST(Check, FallsOffTheEnd) {
  EXPECT_THAT(findings("nop\nnop"), ElementsAre("p.lcs:2: error: the program runs on past its last word; end it with "
                                                "halt or a jump (address 0x0001)"));
  EXPECT_THAT(findings("beq r0, r1, 0"), ElementsAre(testing::HasSubstr("runs on past")));
  EXPECT_THAT(findings(""), ElementsAre("error: the program is empty (address 0x0000)"));
}

TEST(Check, TargetsOutsideAndIllegalWords) {
  EXPECT_THAT(findings("jmp 9"), ElementsAre("p.lcs:1: error: the target 0x0009 is outside of the program, which ends "
                                             "at 0x0000 (address 0x0000)"));
  EXPECT_THAT(findings("jmp 2\n.org 4\nhalt 0"),
              ElementsAre("error: an illegal word is executed: erased (address 0x0002)",
                          "p.lcs:3: warning: this word is never reached (address 0x0004)"));
}

TEST(Check, UnreachedWords) {
  EXPECT_THAT(findings("halt 0\nnop\nnop\n"),
              ElementsAre("p.lcs:2: warning: these 2 words are never reached (address 0x0001)"));
}

TEST(Check, WritesWithoutCommit) {
  EXPECT_THAT(findings("set.c en, 1\nset en, 0\nhalt 0"),
              ElementsAre("p.lcs:2: warning: no commit follows this write to 'en': the signal keeps its level "
                          "(address 0x0001)"));
}

TEST(Check, Stacks) {
  EXPECT_THAT(findings(repeat("loop 2\n", 9) + repeat("endloop\n", 9) + "halt 0"),
              testing::Contains("p.lcs:9: error: loops are nested deeper than 8 (loop_overflow) (address 0x0008)"));
  EXPECT_THAT(findings("endloop\nhalt 0"), testing::Contains(testing::HasSubstr("endloop without a loop")));
  EXPECT_THAT(findings("ret"), ElementsAre(testing::HasSubstr("ret without a call")));
  EXPECT_THAT(findings("f: call f\nhalt 0"), ElementsAre(testing::HasSubstr("calls are nested deeper than 8")));
  EXPECT_THAT(findings("s: loop 2\njmp s\nendloop\nhalt 0"),
              testing::Contains(testing::HasSubstr("loops are nested deeper than 8")));
  EXPECT_THAT(findings("loop 2, 2\nendloop\nnop\nhalt 0"), ElementsAre());
  EXPECT_THAT(findings("loop 2, 3\nendloop\nnop\nhalt 0"), ElementsAre(testing::HasSubstr("is not behind an endloop")));
}

TEST(Check, GroupsOfTheOtherController) {
  EXPECT_THAT(findings("set.c psend, 1\nhalt 0", ControllerKind::kTile),
              ElementsAre("p.lcs:1: error: a tile's controller has no signal group 'psend' (address 0x0000)"));
  EXPECT_THAT(findings("set.c en, 1\nhalt 0", ControllerKind::kPad),
              ElementsAre("p.lcs:1: error: a pad's controller has no signal group 'en' (address 0x0000)"));
  EXPECT_THAT(findings("set.c mark, 1\nhalt 0", ControllerKind::kPad), ElementsAre());
}

TEST(Check, CyclesBeyondTheSlot) {
  EXPECT_THAT(findings("at 299\nat 300\nhalt 0"),
              ElementsAre("p.lcs:2: error: cycle 300 never comes: a slot has cycles 0..299 (address 0x0001)"));
}

TEST(Check, SeverityDecides) {
  EXPECT_FALSE(has_errors(check(assemble_text("halt 0\nnop", "p.lcs"))));
  EXPECT_TRUE(has_errors(check(std::vector<isa::Word>{0})));
}

}  // namespace
}  // namespace chronotile::toolchain
