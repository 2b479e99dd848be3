#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "firmware/toolchain/assembler.hpp"
#include "firmware/toolchain/image.hpp"

namespace chronotile::toolchain {
namespace {

using isa::Decoded;
using isa::Group;
using isa::Opcode;
using isa::Word;
using testing::ElementsAre;
using testing::Pair;

std::vector<Word> words(const std::string& text, const AssemblerOptions& options = {}) {
  return assemble_text(text, "test.lcs", options).words;
}

Decoded one(const std::string& text) {
  const std::vector<Word> image = words(text);
  EXPECT_EQ(image.size(), 1U);
  return *isa::decode(image.at(0));
}

Word value_of(const std::string& expression) { return words(".word " + expression).at(0); }

TEST(Assembler, EveryInstructionForm) {
  const auto expect = [](const std::string& text, const Decoded& decoded) {
    EXPECT_THAT(words(text), ElementsAre(isa::encode(decoded))) << text;
  };
  expect("nop", {Opcode::kNop});
  expect("halt 255", {Opcode::kHalt, false, Group::kRowGate, 0, 0, 255, 0});
  expect("set.c ramp, ramp.run | ramp.fall", {Opcode::kSet, true, Group::kRamp, 0, 0, 3, 0});
  expect("set rstart, -64", {Opcode::kSet, false, Group::kRampStart, 0, 0, 0xffc0, 0});
  expect("on bge, out(g(0, 3)) | in(g(7))", {Opcode::kOn, false, Group::kBorderEast, 0, 0, 0x800f, 0});
  expect("off.c turn, we2sn(all)", {Opcode::kOff, true, Group::kTurn, 0, 0, 0xff00, 0});
  expect("off rstart, 0xffff", {Opcode::kOff, false, Group::kRampStart, 0, 0, 0xffff, 0});
  expect("setr.c psendv, r15", {Opcode::kSetR, true, Group::kPadSendVector, 15, 0, 0, 0});
  expect("commit", {Opcode::kCommit});
  expect("wait 1", {Opcode::kWait, false, Group::kRowGate, 0, 0, 1, 0});
  expect("waitr r7", {Opcode::kWaitR, false, Group::kRowGate, 7, 0, 0, 0});
  expect("slot 3", {Opcode::kSlot, false, Group::kRowGate, 0, 0, 3, 0});
  expect("at 20", {Opcode::kAt, false, Group::kRowGate, 0, 0, 20, 0});
  expect("trig trig.start", {Opcode::kTrig, false, Group::kRowGate, 0, 0, 1, 0});
  expect("loop 5, 0x10", {Opcode::kLoop, false, Group::kRowGate, 0, 0, 5, 0x10});
  expect("loopr r2, 0x10", {Opcode::kLoopR, false, Group::kRowGate, 2, 0, 0, 0x10});
  expect("endloop", {Opcode::kEndLoop});
  expect("ldi r1, 0xffff_ffff", {Opcode::kLdi, false, Group::kRowGate, 1, 0, 0xffffffff, 0});
  expect("ldi r1, -1", {Opcode::kLdi, false, Group::kRowGate, 1, 0, 0xffffffff, 0});
  expect("mov r1, r2", {Opcode::kMov, false, Group::kRowGate, 1, 2, 0, 0});
  expect("addi r1, -2147483648", {Opcode::kAddi, false, Group::kRowGate, 1, 0, 0x80000000, 0});
  expect("add r3, r4", {Opcode::kAdd, false, Group::kRowGate, 3, 4, 0, 0});
  expect("sub r3, r4", {Opcode::kSub, false, Group::kRowGate, 3, 4, 0, 0});
  expect("rdslot r9", {Opcode::kRdSlot, false, Group::kRowGate, 9, 0, 0, 0});
  expect("beq r1, r2, 3", {Opcode::kBeq, false, Group::kRowGate, 1, 2, 0, 3});
  expect("bne r1, r2, 3", {Opcode::kBne, false, Group::kRowGate, 1, 2, 0, 3});
  expect("blt r1, r2, 3", {Opcode::kBlt, false, Group::kRowGate, 1, 2, 0, 3});
  expect("bge r1, r2, 3", {Opcode::kBge, false, Group::kRowGate, 1, 2, 0, 3});
  expect("jmp 65535", {Opcode::kJmp, false, Group::kRowGate, 0, 0, 0, 65535});
  expect("call 1", {Opcode::kCall, false, Group::kRowGate, 0, 0, 0, 1});
  expect("ret", {Opcode::kRet});
  expect("mark 0xffff", {Opcode::kMark, false, Group::kRowGate, 0, 0, 0xffff, 0});
  expect("irq 0x80", {Opcode::kIrq, false, Group::kRowGate, 0, 0, 0x80, 0});
}

TEST(Assembler, EveryGroupTakesItsLimits) {
  for (const isa::SignalGroup& group : isa::kSignalGroups) {
    const bool is_signed = group.layout == isa::Layout::kSigned;
    const int most = static_cast<int>(isa::group_mask(group.group) >> (is_signed ? 1U : 0U));
    EXPECT_EQ(one("set " + std::string(group.name) + ", " + std::to_string(most)).number, static_cast<unsigned>(most));
    EXPECT_THROW(words("set " + std::string(group.name) + ", " + std::to_string(most + 1)), AssemblyError);
    const int least = is_signed ? -most - 1 : 0;
    EXPECT_EQ(one("set " + std::string(group.name) + ", " + std::to_string(least)).group, group.group);
    EXPECT_THROW(words("set " + std::string(group.name) + ", " + std::to_string(least - 1)), AssemblyError);
  }
}

TEST(Assembler, ExpressionsHaveThePrecedenceOfC) {
  EXPECT_EQ(value_of("2 + 3 * 4"), 14U);
  EXPECT_EQ(value_of("(2 + 3) * 4"), 20U);
  EXPECT_EQ(value_of("1 << 2 + 3"), 32U);
  EXPECT_EQ(value_of("10 - 4 - 3"), 3U);
  EXPECT_EQ(value_of("100 / 7 % 5"), 4U);
  EXPECT_EQ(value_of("1 | 2 ^ 3 & 2"), 1U);
  EXPECT_EQ(value_of("1 | 6 & 4 == 4"), 1U);
  EXPECT_EQ(value_of("0xff & ~g(3)"), 0xf7U);
  EXPECT_EQ(value_of("-7 / 2"), static_cast<Word>(-3));
  EXPECT_EQ(value_of("-1 >> 4"), static_cast<Word>(-1));
  EXPECT_EQ(value_of("3 > 2 && 2 >= 2 && 1 < 2 && 2 <= 1 || 1 != 0"), 1U);
  EXPECT_EQ(value_of("!0 + !5 + - -2 + +1"), 4U);
  EXPECT_EQ(value_of("0b1010_1010 + 0X1_F + 1_000"), 170U + 31U + 1000U);
  EXPECT_EQ(value_of("0xffff_ffff_ffff_ffff"), ~Word{0});
  EXPECT_EQ(value_of("1 << 63"), Word{1} << 63);
  EXPECT_EQ(value_of("0 && 1 / 0 || 2"), 1U);
}

TEST(Assembler, LabelsGoBothWays) {
  EXPECT_EQ(words("start: jmp end\n jmp start\nend: halt 0\n"), words("jmp 2\njmp 0\nhalt 0\n"));
  EXPECT_EQ(words("a: b: jmp a\njmp b"), words("jmp 0\njmp 0"));
  EXPECT_EQ(words("nop\njmp $\njmp $ + 1"), words("nop\njmp 1\njmp 3"));
}

TEST(Assembler, LocalLabelsBelongToTheLabelAbove) {
  const Program program = assemble_text("one:\n.again: jmp .again\ntwo:\n.again: jmp .again\njmp one.again", "t.lcs");
  EXPECT_EQ(program.words, words("jmp 0\njmp 1\njmp 0"));
  EXPECT_THAT(program.symbols, ElementsAre(Pair("one", 0), Pair("one.again", 0), Pair("two", 1), Pair("two.again", 1)));
}

TEST(Assembler, LoopsFindTheirEnd) {
  EXPECT_EQ(words("loop 2\nloopr r1\nnop\nendloop\nendloop\nhalt 0"),
            words("loop 2, 5\nloopr r1, 4\nnop\nendloop\nendloop\nhalt 0"));
}

TEST(Assembler, ConstantsMayStandBelowTheirUse) {
  EXPECT_EQ(words("wait N\n.equ N, M + 1\n.equ M, 4"), words("wait 5"));
  EXPECT_EQ(words(".equ END, last - 1\nwait END\nnop\nlast: halt 0"), words("wait 1\nnop\nhalt 0"));
  AssemblerOptions options;
  options.constants = {{"N", 9}};
  EXPECT_EQ(words("wait N\n.if defined(N)\nhalt defined(M)\n.endif", options), words("wait 9\nhalt 0"));
}

TEST(Assembler, CommentsAndBlanks) {
  EXPECT_EQ(words("; all\n\n  // nothing\n\tnop ; here\nnop // there\r\nnop\r\n"), words("nop\nnop\nnop"));
  EXPECT_TRUE(words("").empty());
}

TEST(Assembler, WordOrgAlign) {
  EXPECT_THAT(words(".word 1, 2, -1\n.org 5\n.word end\nend:"), ElementsAre(1U, 2U, ~Word{0}, 0U, 0U, 6U));
  const Word nop = isa::encode(Decoded{});
  EXPECT_THAT(words(".word 1\n.align 4\n.word 2\n.align 1"), ElementsAre(1U, nop, nop, nop, 2U));
  EXPECT_THAT(words(".org 2\n.word 3\n.org 0\n.word 1"), ElementsAre(1U, 0U, 3U));
}

TEST(Assembler, Macros) {
  EXPECT_EQ(words(".macro pulse group, value=all, n = (1 + 2)\n set.c \\group, \\value\n wait \\n\n.endm\n"
                  "pulse pre\npulse en, g(0, 1), 7\npulse pol, n=4\n"),
            words("set.c pre, 255\nwait 3\nset.c en, 3\nwait 7\nset.c pol, 255\nwait 4"));
  EXPECT_EQ(words(".macro spin\nhere\\@: jmp here\\@\n.endm\nspin\nspin"), words("jmp 0\njmp 1"));
  EXPECT_EQ(words(".macro reg n\n mov r\\n, r1\\()\\n\n.endm\n reg 2"), words("mov r2, r12"));
  EXPECT_EQ(words(".macro twice x\n\\x\n\\x\n.endm\n.macro outer x\ntwice \\x\n.endm\nouter nop"), words("nop\nnop"));
  EXPECT_EQ(words(".macro make name, n\n.macro \\name\nhalt \\n\n.endm\n.endm\nmake stop, 3\nstop"), words("halt 3"));
  EXPECT_EQ(words(".macro f x\n.if \\x > 0\nnop\nf \\x - 1\n.endif\n.endm\nf 3"), words("nop\nnop\nnop"));
}

TEST(Assembler, Repetition) {
  EXPECT_EQ(words(".rept 3, i\n wait \\i + 1\n.endr"), words("wait 1\nwait 2\nwait 3"));
  EXPECT_EQ(words(".rept 2, i\n.rept 2, k\n wait 1 + 10 * \\i + \\k\n.endr\n.endr"),
            words("wait 1\nwait 2\nwait 11\nwait 12"));
  EXPECT_TRUE(words(".rept 0\n unknown\n.endr").empty());
  EXPECT_EQ(words(".macro m n\n.rept \\n, i\nwait \\i + \\n\n.endr\n.endm\nm 2"), words("wait 2\nwait 3"));
}

TEST(Assembler, Conditions) {
  const std::string text = ".if N == 1\nnop\n.elif N == 2\nret\n.else\ncommit\n.if N == 4\nendloop\n.endif\n.endif";
  const auto with = [&](std::int64_t n) {
    AssemblerOptions options;
    options.constants = {{"N", n}};
    return words(text, options);
  };
  EXPECT_EQ(with(1), words("nop"));
  EXPECT_EQ(with(2), words("ret"));
  EXPECT_EQ(with(3), words("commit"));
  EXPECT_EQ(with(4), words("commit\nendloop"));
  EXPECT_TRUE(words(".if 0\n.if \\x\n.elif \\y\n.else\n.endif\n.endif").empty());
  EXPECT_TRUE(words(".if 0\n what is ' this\n.if 1\nnop\n.else\n.endif\n.endif").empty());
}

TEST(Assembler, IncludesComeFromTheirFolderThenFromTheOptions) {
  const std::filesystem::path root = std::filesystem::path(testing::TempDir()) / "lcs_include";
  std::filesystem::create_directories(root / "sub");
  std::filesystem::create_directories(root / "other");
  const auto write = [](const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; };
  write(root / "main.lcs", ".include \"sub/a.inc\"\n.include \"b.inc\"\n.include \"memory.inc\"\nhalt 0\n");
  write(root / "sub" / "a.inc", ".include \"c.inc\"\n");
  write(root / "sub" / "c.inc", "nop\n");
  write(root / "other" / "b.inc", "ret\n");
  AssemblerOptions options;
  options.include_dirs = {root / "other"};
  options.include_texts = {{"memory.inc", "commit\n"}};
  const Program program = assemble_file(root / "main.lcs", options);
  EXPECT_EQ(program.words, words("nop\nret\ncommit\nhalt 0"));
  EXPECT_EQ(program.place_of(0), (root / "sub" / "c.inc").string() + ":1");
  EXPECT_EQ(program.place_of(3), (root / "main.lcs").string() + ":4");
  EXPECT_EQ(program.place_of(4), "");
  std::filesystem::remove_all(root);
}

TEST(Assembler, WordsKnowTheirLines) {
  const Program program =
      assemble_text(".macro two\n nop\n nop\n.endm\n nop\n two\n.rept 2\n ret\n.endr\n.org 8\n halt 0\n", "p.lcs");
  EXPECT_EQ(program.place_of(0), "p.lcs:5");
  EXPECT_EQ(program.place_of(1), "p.lcs:2");
  EXPECT_EQ(program.place_text(program.origins[1].call), "p.lcs:6");
  EXPECT_EQ(program.place_text(program.origins[3].call), "p.lcs:8");
  EXPECT_FALSE(program.origins[6].place.known());
  EXPECT_THAT(program.addresses_of("p.lcs", 6), ElementsAre(1U, 2U));
  EXPECT_THAT(program.addresses_of("p.lcs", 8), ElementsAre(3U, 4U));
  EXPECT_THAT(program.addresses_of("p.lcs", 1), ElementsAre());
}

TEST(Assembler, ListingIsAProgram) {
  AssemblerOptions options;
  options.constants = {{"N", 3}};
  const std::string source =
      ".macro m a\nx\\@: set en, \\a\n.l: jmp .l\n.endm\nstart: m g(1)\n.rept N, i\nwait \\i + 1\n.endr\n"
      ".if N > 2\nloop N\nnop\nendloop\n.else\nret\n.endif\n m N\n.align 4\n.word 1, 2\n.include \"i\"\nhalt LATE\n";
  options.include_texts = {{"i", ".equ LATE, 2\ncommit\n"}};
  const Program program = assemble_text(source, "p.lcs", options);
  EXPECT_EQ(words(flat_source(program)), program.words);
}

TEST(Assembler, OperandLookalikes) {
  EXPECT_EQ(one("set bge, 1").group, Group::kBorderEast);
  EXPECT_EQ(words("bge r0, r1, 0"), words("bge: bge r0, r1, bge"));
  EXPECT_EQ(words("halt: halt 0\n r16: jmp r16"), words("halt 0\njmp 1"));
}

}  // namespace
}  // namespace chronotile::toolchain
