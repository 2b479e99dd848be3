#include <gtest/gtest.h>

#include <random>

#include "firmware/toolchain/assembler.hpp"
#include "firmware/toolchain/disassembler.hpp"

namespace chronotile::toolchain {
namespace {

using isa::Word;

std::vector<Word> reassemble(const std::vector<Word>& words, const DisassemblerOptions& options) {
  AssemblerOptions assembler;
  assembler.word_limit = 65536;
  return assemble_text(disassemble(words, options), "again.lcs", assembler).words;
}

Word random_legal(std::mt19937_64& random) {
  const isa::Instruction& row = isa::kInstructions[random() % isa::kInstructions.size()];
  isa::Decoded decoded;
  decoded.opcode = row.opcode;
  const auto reg = [&] { return static_cast<std::uint8_t>(random() % isa::kRegisterCount); };
  const auto number = [&] {
    const std::uint64_t span = std::uint64_t{row.max} - row.min + 1;
    return static_cast<std::uint32_t>(row.min + random() % span);
  };
  const auto target = [&] { return static_cast<std::uint16_t>(random() % (random() % 2 == 0 ? 64 : 65536)); };
  switch (row.format) {
    case isa::Format::kNone:
      break;
    case isa::Format::kGroupValue:
      decoded.group = static_cast<isa::Group>(random() % isa::kGroupCount);
      decoded.commit = random() % 2 == 0;
      decoded.number = static_cast<std::uint32_t>(random()) & isa::group_mask(decoded.group);
      break;
    case isa::Format::kGroupRegister:
      decoded.group = static_cast<isa::Group>(random() % isa::kGroupCount);
      decoded.commit = random() % 2 == 0;
      decoded.left = reg();
      break;
    case isa::Format::kImmediate:
      decoded.number = number();
      break;
    case isa::Format::kRegister:
      decoded.left = reg();
      break;
    case isa::Format::kRegisterImm:
      decoded.left = reg();
      decoded.number = number();
      break;
    case isa::Format::kRegisterPair:
      decoded.left = reg();
      decoded.right = reg();
      break;
    case isa::Format::kTarget:
      decoded.target = target();
      break;
    case isa::Format::kBranch:
      decoded.left = reg();
      decoded.right = reg();
      decoded.target = target();
      break;
    case isa::Format::kLoop:
      decoded.number = number();
      decoded.target = target();
      break;
    case isa::Format::kLoopRegister:
      decoded.left = reg();
      decoded.target = target();
      break;
  }
  return isa::encode(decoded);
}

class RoundTrip : public testing::TestWithParam<DisassemblerOptions> {};

TEST_P(RoundTrip, LegalWords) {
  std::mt19937_64 random(620);
  for (int round = 0; round < 100; ++round) {
    std::vector<Word> words(1 + random() % 300);
    for (Word& word : words) {
      word = random_legal(random);
    }
    ASSERT_EQ(reassemble(words, GetParam()), words) << round;
  }
}

TEST_P(RoundTrip, AnyWords) {
  std::mt19937_64 random(768);
  for (int round = 0; round < 50; ++round) {
    std::vector<Word> words(1 + random() % 300);
    for (Word& word : words) {
      switch (random() % 4) {
        case 0:
          word = 0;
          break;
        case 1:
          word = random();
          break;
        case 2:
          word = random_legal(random) ^ (Word{1} << (random() % 64));
          break;
        default:
          word = random_legal(random);
      }
    }
    ASSERT_EQ(reassemble(words, GetParam()), words) << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Options, RoundTrip,
                         testing::Values(DisassemblerOptions{true, true}, DisassemblerOptions{true, false},
                                         DisassemblerOptions{false, true}, DisassemblerOptions{false, false}));

TEST(Disassembler, WholeAddressSpace) {
  std::mt19937_64 random(775);
  std::vector<Word> words(65536);
  for (Word& word : words) {
    word = random_legal(random);
  }
  EXPECT_EQ(reassemble(words, {}), words);
}

TEST(Disassembler, ReadableText) {
  const auto words = assemble_text("s: set.c rstart, -64\n on bge, out(all)\n jmp s\n jmp 0x40\n", "t.lcs").words;
  EXPECT_EQ(disassemble(words, {true, false}),
            "L0000:\n"
            "        set.c   rstart, -64\n"
            "        on      bge, 0xff\n"
            "        jmp     L0000\n"
            "        jmp     0x0040\n");
  EXPECT_EQ(disassemble_word(0), ".word   0x0000000000000000");
}

TEST(Disassembler, SaysWhyAWordIsIllegal) {
  EXPECT_EQ(why_illegal(isa::encode({isa::Opcode::kNop})), "");
  EXPECT_EQ(why_illegal(0), "erased");
  EXPECT_EQ(why_illegal(~Word{0}), "no opcode 63");
  EXPECT_EQ(why_illegal((Word{1} << 58) | 1), "nop: unused bits set");
  EXPECT_EQ(why_illegal(Word{8} << 58), "wait: number outside 1..4294967295");
  EXPECT_EQ(why_illegal((Word{3} << 58) | (Word{31} << 48)), "set: no signal group 31");
  EXPECT_EQ(why_illegal((Word{3} << 58) | 0x100), "set: value outside the group 'rowgate'");
  EXPECT_EQ(why_illegal((Word{3} << 58) | (Word{1} << 56)), "set: unused bits set");
  std::mt19937_64 random(1);
  for (int i = 0; i < 100000; ++i) {
    const Word word = random_legal(random) ^ (random() & random() & random());
    EXPECT_EQ(why_illegal(word).empty(), isa::decode(word).has_value());
  }
}

}  // namespace
}  // namespace chronotile::toolchain
