#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "common/atomic_file.hpp"
#include "firmware/toolchain/assembler.hpp"
#include "firmware/toolchain/image.hpp"

namespace chronotile::toolchain {
namespace {

using isa::Word;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Image, HexRoundTrip) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Word> words(random() % 100);
    bool zero = false;
    for (Word& word : words) {
      zero = random() % 8 == 0 ? !zero : zero;
      word = zero ? 0 : random();
    }
    ASSERT_EQ(parse_hex(hex_text(words), "x.hex"), words);
  }
}

TEST(Image, HolesAreSkipped) {
  std::vector<Word> words(20, 0);
  words[19] = 0xabc;
  EXPECT_EQ(hex_text(words), "// 20 words, CRC-32 " + hex_text(words).substr(20, 8) + "\n@0013\n0000000000000abc\n");
}

TEST(Image, HexForms) {
  EXPECT_THAT(parse_hex("// a\n1 2_2 /* b\nc */ FF\n@6 7\r\n", "x.hex", 8), ElementsAre(1, 0x22, 0xff, 0, 0, 0, 7));
  EXPECT_THAT(parse_hex("ffffffffffffffff", "x.hex"), ElementsAre(~Word{0}));
  EXPECT_THAT(parse_hex("", "x.hex"), ElementsAre());
  EXPECT_THAT(parse_hex("@2 1 @0 5", "x.hex"), ElementsAre(5, 0, 1));
}

std::string hex_error(const std::string& text, std::size_t limit = 4) {
  try {
    static_cast<void>(parse_hex(text, "x.hex", limit));
  } catch (const UserError& error) {
    return error.place() + ": " + error.problem();
  }
  return "";
}

TEST(Image, HexErrorsHaveTheirPlace) {
  EXPECT_EQ(hex_error("1\n 2x\n"), "x.hex:2:3: 'x' is not a hexadecimal digit");
  EXPECT_EQ(hex_error("zz"), "x.hex:1:1: 'z' is not a hexadecimal digit");
  EXPECT_EQ(hex_error("1\n  10000000000000000"), "x.hex:2:3: a word of more than 64 bits");
  EXPECT_EQ(hex_error("1 2 3 4\n5"), "x.hex:2:1: word 5 is beyond the 4 words of the memory");
  EXPECT_EQ(hex_error("@4"), "x.hex:1:1: address 0x4 is beyond the 4 words of the memory");
  EXPECT_EQ(hex_error("@ 1"), "x.hex:1:1: expected an address");
  EXPECT_EQ(hex_error("1 @0\n2"), "x.hex:2:1: address 0x0 is given twice");
  EXPECT_EQ(hex_error("1 /* 2"), "x.hex:1:3: this comment has no '*/'");
  EXPECT_EQ(hex_error("1 / 2"), "x.hex:1:3: expected a word");
  EXPECT_THROW(static_cast<void>(read_hex("/no/such.hex")), UserError);
  EXPECT_THROW(static_cast<void>(read_hex("/")), UserError);
}

TEST(Image, ListingShowsAddressWordPlaceAndStatement) {
  const Program program =
      assemble_text(".macro two n\n halt \\n\n halt 1\n.endm\n; start\ngo: two 3 ; twice\n.word 1, 2\n", "p.lcs");
  EXPECT_EQ(listing_text(program),
            "addr  word              place                     statement\n"
            "                        p.lcs:5                   ; start\n"
            "                        p.lcs:6                   go: ; two 3 ; twice\n"
            "0000  0800000000000003  p.lcs:2                    halt 3\n"
            "0001  0800000000000001  p.lcs:3                    halt 1\n"
            "0002  0000000000000001  p.lcs:7                   .word 1, 2\n"
            "0003  0000000000000002\n");
}

TEST(Image, SymbolMapRoundTrip) {
  const Program program = assemble_text(
      ".equ N, -3\n.macro two\n nop\n nop\n.endm\nstart: two\n.l: jmp .l\n.org 9\nend: halt 0\n", "a b.lcs");
  const std::string text = symbol_map_text(program);
  EXPECT_THAT(text, HasSubstr("label start 0000 a b.lcs:6\n"));
  EXPECT_THAT(text, HasSubstr("constant N -3\n"));
  EXPECT_THAT(text, HasSubstr("word 0001 a b.lcs:4\ta b.lcs:6\n"));
  const Program again = parse_symbol_map(text, "p.map");
  EXPECT_EQ(again.symbols, program.symbols);
  EXPECT_EQ(again.constants, program.constants);
  ASSERT_EQ(again.origins.size(), program.origins.size());
  for (std::size_t i = 0; i < program.origins.size(); ++i) {
    EXPECT_EQ(again.place_of(i), program.place_of(i));
  }
  EXPECT_EQ(again.addresses_of("a b.lcs", 6), program.addresses_of("a b.lcs", 6));
}

TEST(Image, BrokenSymbolMapsAreRefused) {
  for (const char* text : {"what 1\n", "label x\n", "label x 12345678 p:1\n", "word 0001 p:1\n", "word 0001 p:x\tp:1\n",
                           "constant N\n", "constant N 3x\n"}) {
    EXPECT_THROW(static_cast<void>(parse_symbol_map(text, "p.map")), UserError) << text;
  }
}

TEST(Image, CheckSumIsThatOfZlib) {
  EXPECT_EQ(check_sum({}), 0U);
  EXPECT_EQ(check_sum({0x3837363534333231}), 0x9ae0daafU);  // crc32("12345678")
}

TEST(AtomicFile, ReplacesOrLeavesNothing) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "atomic_file";
  std::filesystem::create_directories(folder);
  write_file_atomically(folder / "a", "one");
  write_file_atomically(folder / "a", "two");
  std::ifstream stream(folder / "a");
  std::ostringstream text;
  text << stream.rdbuf();
  EXPECT_EQ(text.str(), "two");
  EXPECT_THROW(write_file_atomically(folder / "none" / "a", "x"), UserError);
  EXPECT_THROW(write_file_atomically(folder, "x"), UserError);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()), 1);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace chronotile::toolchain
