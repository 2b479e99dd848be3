#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "firmware/toolchain/assembler.hpp"

namespace chronotile::toolchain {
namespace {

using testing::HasSubstr;

std::vector<Diagnostic> errors(const std::string& text, const AssemblerOptions& options = {}) {
  try {
    static_cast<void>(assemble_text(text, "t.lcs", options));
  } catch (const AssemblyError& error) {
    return error.diagnostics();
  }
  return {};
}

struct Case {
  std::string text;
  std::uint32_t line;
  std::uint32_t column;
  std::string message;
};

void PrintTo(const Case& test_case, std::ostream* stream) { *stream << test_case.text; }

class OneError : public testing::TestWithParam<Case> {};

TEST_P(OneError, HasItsPlaceAndMessage) {
  const auto found = errors(GetParam().text);
  ASSERT_EQ(found.size(), 1U) << (found.size() > 1 ? found[1].text() : "");
  EXPECT_EQ(found[0].message, GetParam().message);
  EXPECT_EQ(found[0].line, GetParam().line);
  EXPECT_EQ(found[0].column, GetParam().column);
  EXPECT_EQ(found[0].file, "t.lcs");
}

INSTANTIATE_TEST_SUITE_P(
    Statements, OneError,
    testing::Values(
        Case{"nop\n  wiat 3", 2, 3, "there is no instruction or macro 'wiat'; did you mean 'wait'"},
        Case{"frobnicate", 1, 1, "there is no instruction or macro 'frobnicate'"},
        Case{"set prre, 1", 1, 5, "there is no signal group 'prre'; did you mean 'pre'"},
        Case{"set 3, 1", 1, 5, "expected the name of a signal group"}, Case{"set", 1, 1, "'set' needs GROUP, VALUE"},
        Case{"set en", 1, 7, "expected ',' ('set' needs GROUP, VALUE), found the end of the line"},
        Case{"set en, ; nothing", 1, 8, "expected a value, found the end of the line"},
        Case{"set en, 1 2", 1, 11, "unexpected '2' behind the statement"},
        Case{"nop 1", 1, 5, "unexpected '1' behind the statement"},
        Case{"set en, 300", 1, 9, "300 is outside 0..255 (0xff), the range of 'en'"},
        Case{"set en, -1", 1, 9, "-1 is outside 0..255 (0xff), the range of 'en'"},
        Case{"set rstart, 2 * 20000", 1, 13, "40000 is outside -32768..32767, the range of 'rstart'"},
        Case{"on rstart, -1", 1, 12, "-1 is outside 0..65535, the range of 'rstart'"},
        Case{"set hv, 2", 1, 9, "2 is outside 0..1, the range of 'hv'"},
        Case{"wait 0", 1, 6, "0 is outside 1..4294967295, the range of 'wait'"},
        Case{"halt 256", 1, 6, "256 is outside 0..255, the range of 'halt'"},
        Case{"ldi r0, 1 << 32", 1, 9, "4294967296 is outside -2147483648..4294967295, the range of 'ldi'"},
        Case{"addi r0, -2147483649", 1, 10, "-2147483649 is outside -2147483648..4294967295, the range of 'addi'"},
        Case{"jmp 65536", 1, 5, "address 65536 is outside 0..65535"},
        Case{"mov r0, r16", 1, 9, "expected a register, r0..r15, found 'r16'"},
        Case{"mov r0,", 1, 8, "expected a register, r0..r15"},
        Case{"wait.c 3", 1, 5, "'wait' has no '.c': only set, on, off and setr commit"},
        Case{"commit.c", 1, 7, "'commit' has no '.c': only set, on, off and setr commit"},
        Case{"loop 3\nnop", 1, 1, "this loop has no endloop; add one, or write the address behind the loop"},
        Case{"3: nop", 1, 1, "expected a label, a mnemonic, a macro or a directive, found '3'"},
        Case{"nop # old", 1, 5, "unexpected '#'; a comment begins with ';' or '//'"},
        Case{"nop \\x", 1, 5, "'\\' names a parameter of a macro or of .rept, and there is none of this name here"},
        Case{"nop \x01", 1, 5, "unexpected byte 0x01"}));

INSTANTIATE_TEST_SUITE_P(
    Expressions, OneError,
    testing::Values(Case{".equ SLOPE, 1\nwait SLOPPE", 2, 6, "'SLOPPE' is not defined; did you mean 'SLOPE'"},
                    Case{"wait nothing_like_it", 1, 6, "'nothing_like_it' is not defined"},
                    Case{"wait en", 1, 6, "'en' is a signal group, not a value"},
                    Case{"wait r1 + 1", 1, 6, "the register 'r1' cannot stand in an expression"},
                    Case{"wait 1 + * 2", 1, 10, "expected a value, found '*'"},
                    Case{"wait (1 + 2", 1, 12, "expected ')' to close the parenthesis, found the end of the line"},
                    Case{"wait 1 / (2 - 2)", 1, 8, "division by zero"},
                    Case{"wait 1 << 64", 1, 8, "cannot shift by 64, only by 0..63"},
                    Case{"wait 0xffff_ffff_ffff_ffff * 2", 1, 28, "the result does not fit in 64 bits"},
                    Case{"wait 18446744073709551616", 1, 6, "number 18446744073709551616 does not fit in 64 bits"},
                    Case{"wait 12a", 1, 8, "'a' is not a decimal digit"},
                    Case{"wait 0b12", 1, 9, "'2' is not a binary digit"},
                    Case{"wait 0x", 1, 6, "number '0x' has no digits"},
                    Case{"wait h(1)", 1, 6,
                         "there is no function 'h'; the functions are g, out, in, sn2we, we2sn, defined"},
                    Case{"wait outt(1)", 1, 6, "there is no function 'outt'; did you mean 'out'"},
                    Case{"set en, g(8)", 1, 11, "wire group 8 is outside 0..7"},
                    Case{"set en, g(5, 2)", 1, 9, "the last wire group of g() comes before the first"},
                    Case{"set bge, in(256)", 1, 13, "mask 256 is outside 0..255 (eight wire groups)"},
                    Case{"set bge, in(1, 2)", 1, 10, "in() takes one value, not 2 values"},
                    Case{".equ A, B\n.equ B, A + 1", 2, 9, "'A' depends on itself"}));

INSTANTIATE_TEST_SUITE_P(
    Directives, OneError,
    testing::Values(Case{".macor x\nnop", 1, 1, "there is no directive '.macor'; did you mean '.macro'"},
                    Case{"a: nop\na: nop", 2, 1, "'a' is defined already, at t.lcs:1"},
                    Case{"r3: nop", 1, 1, "'r3' is a register and cannot be defined"},
                    Case{".equ all, 3", 1, 6, "'all' is a built-in constant and cannot be defined"},
                    Case{".equ", 1, 1, "expected .equ NAME, EXPRESSION"},
                    Case{".equ x 3", 1, 8, "expected ',' behind the name, found '3'"},
                    Case{".org 4096", 1, 6, "address 4096 is outside 0..4095"},
                    Case{".org later\nlater:", 1, 6, "'later' is not known here; .org needs a value defined above"},
                    Case{"nop\n.org 0\nnop", 3, 1, "address 0 holds a word already, from t.lcs:1"},
                    Case{".align 0", 1, 8, "cannot align to 0, only to 1..4096"},
                    Case{".if 1\nnop", 1, 1, "this .if has no .endif"}, Case{".endif", 1, 1, ".endif without .if"},
                    Case{".if 1\n.else\n.else\n.endif", 3, 1, ".else behind .else"},
                    Case{".macro m\nnop", 1, 1, "this .macro has no .endm"},
                    Case{".endm", 1, 1, ".endm without .macro"},
                    Case{"  .rept 3\nnop", 1, 3, "this .rept has no .endr"},
                    Case{".rept -1\nnop\n.endr", 1, 7, "cannot repeat -1 times, only 0..250000"},
                    Case{".macro m a\nnop\n.endm\nm", 4, 1, "the macro 'm' needs 'a': it takes (a)"},
                    Case{".macro m a, b=2\nnop\n.endm\nm 1, 2, 3", 4, 9, "the macro 'm' takes (a, b=2)"},
                    Case{".macro m slope\nnop\n.endm\nm slop=1", 4, 3,
                         "the macro 'm' has no parameter 'slop'; did you mean 'slope'"},
                    Case{".macro m a\nnop\n.endm\nm 1, a=2", 4, 6, "the parameter 'a' is given twice"},
                    Case{".macro m\nnop\n.endm\n.macro m\n.endm", 4, 8, "the macro 'm' is defined already, at t.lcs:1"},
                    Case{".macro wait\n.endm", 1, 8, "'wait' is an instruction; give the macro another name"},
                    Case{".include common", 1, 10, "expected .include \"FILE\""},
                    Case{".include \"common", 1, 10, "this string has no closing '\"'"},
                    Case{".include \"no.inc\"", 1, 10, "cannot read 'no.inc'; looked in . (add folders with -I)"},
                    Case{".error \"too short\"", 1, 1, "too short"}));

TEST(AssemblerErrors, TextShowsLineCaretAndHowItGotThere) {
  AssemblerOptions options;
  options.include_texts = {
      {"m.inc", ".macro emit slope\n\tset rslope, \\slope\n.endm\n.macro both s\n  emit \\s\n.endm\n"},
      {"use.inc", "nop\n  both 5000\n"}};
  const auto found = errors(".include \"m.inc\"\n  .include \"use.inc\"\n", options);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text(),
            "m.inc:2:14: error: 5000 is outside 0..4095, the range of 'rslope'\n"
            "    \tset rslope, \\slope\n"
            "    \t            ^\n"
            "  which reads here: \tset rslope, 5000\n"
            "  in the macro 'emit', called at m.inc:5:3\n"
            "  in the macro 'both', called at use.inc:2:3\n"
            "  included from t.lcs:2:3");
}

TEST(AssemblerErrors, ColumnsInMacrosAreThoseOfTheSource) {
  const auto found = errors(".macro m a\n set en, \\a + \\a + x\n.endm\n m 1234567890\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].line, 2U);
  EXPECT_EQ(found[0].column, 20U);
}

TEST(AssemblerErrors, AllAreCollected) {
  const auto found = errors("set en, 256\nfoo\nwait bar\nmov r0\n");
  ASSERT_EQ(found.size(), 4U);
  try {
    static_cast<void>(assemble_text("set en, 256\nfoo\n", "t.lcs"));
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("t.lcs:2:1: error: there is no instruction"));
    EXPECT_THAT(error.what(), HasSubstr("t.lcs:1:9: error: 256 is outside"));
    EXPECT_THAT(error.what(), HasSubstr("2 errors"));
    EXPECT_EQ(error.place(), "t.lcs:2:1");
  }
}

TEST(AssemblerErrors, StopAtTwenty) {
  std::string text;
  for (int i = 0; i < 30; ++i) {
    text += "foo\n";
  }
  EXPECT_EQ(errors(text).size(), 20U);
}

TEST(AssemblerErrors, SameMistakeInEveryPassIsReportedOnce) { EXPECT_EQ(errors(".rept 1000\n foo\n.endr").size(), 1U); }

TEST(AssemblerErrors, EndlessRecursionStops) {
  AssemblerOptions options;
  options.include_texts = {{"self.inc", ".include \"self.inc\"\n"}};
  EXPECT_THAT(errors(".macro m\nm\n.endm\nm\n").back().message, HasSubstr("does one call itself?"));
  EXPECT_THAT(errors(".include \"self.inc\"", options).back().message, HasSubstr("does a file include itself?"));
  EXPECT_THAT(errors(".rept 250000\n.rept 250000\n; x\n.endr\n.endr").back().message,
              HasSubstr("expands to more than"));
}

TEST(AssemblerErrors, ProgramMustFit) {
  AssemblerOptions options;
  options.word_limit = 2;
  EXPECT_TRUE(errors("nop\nnop\n", options).empty());
  const auto found = errors("nop\nnop\n nop\nnop\n", options);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].line, 3U);
  EXPECT_EQ(found[0].column, 2U);
  EXPECT_EQ(found[0].message, "the program does not fit: this is word 3 and the memory has 2");
}

TEST(AssemblerErrors, DeepExpressionsAreRefused) {
  EXPECT_EQ(errors("wait " + std::string(100'000, '(')).size(), 1U);
  std::string sum = "wait 1";
  for (int i = 0; i < 100'000; ++i) {
    sum += "+1";
  }
  EXPECT_EQ(errors(sum).size(), 1U);
}

TEST(AssemblerErrors, MissingFileAndBadConstants) {
  EXPECT_THROW(static_cast<void>(assemble_file("/no/such/file.lcs")), UserError);
  EXPECT_THROW(static_cast<void>(assemble_file("/")), UserError);
  AssemblerOptions options;
  options.constants = {{"r0", 1}};
  EXPECT_THROW(static_cast<void>(assemble_text("nop", "t.lcs", options)), UserError);
  options.constants = {{"A B", 1}};
  EXPECT_THROW(static_cast<void>(assemble_text("nop", "t.lcs", options)), UserError);
}

TEST(AssemblerErrors, UnknownNameInAConstantIsReportedWhereItStands) {
  const auto found = errors(".equ A, missing\nwait A\nwait A + 1\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].line, 1U);
  EXPECT_EQ(found[0].column, 9U);
}

}  // namespace
}  // namespace chronotile::toolchain
