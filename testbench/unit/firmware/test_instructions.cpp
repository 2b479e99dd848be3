#include <gtest/gtest.h>

#include <random>

#include "firmware/isa/instructions.hpp"

namespace chronotile::isa {
namespace {

bool operator_equal(const Decoded& a, const Decoded& b) {
  return a.opcode == b.opcode && a.commit == b.commit && a.group == b.group && a.left == b.left && a.right == b.right &&
         a.number == b.number && a.target == b.target;
}

TEST(Instructions, FindByNameAndOpcode) {
  for (const Instruction& row : kInstructions) {
    EXPECT_EQ(find_instruction(row.mnemonic), &row);
    EXPECT_EQ(&instruction(row.opcode), &row);
  }
  EXPECT_EQ(find_instruction("set.c"), nullptr);
  EXPECT_EQ(find_instruction(""), nullptr);
}

TEST(Instructions, FieldsStandWhereTheContractSays) {
  EXPECT_EQ(encode({Opcode::kNop}), Word{1} << 58);
  EXPECT_EQ(encode({Opcode::kSet, true, Group::kEnable, 0, 0, 0xff, 0}), 0x0e0d'0000'0000'00ffU);
  EXPECT_EQ(encode({Opcode::kSetR, false, Group::kPadSendVector, 5, 0, 0, 0}),
            (Word{6} << 58) | (Word{26} << 48) | (Word{5} << 32));
  EXPECT_EQ(encode({Opcode::kWait, false, Group::kRowGate, 0, 0, 7, 0}), (Word{8} << 58) | 7);
  EXPECT_EQ(encode({Opcode::kMov, false, Group::kRowGate, 3, 9, 0, 0}),
            (Word{17} << 58) | (Word{9} << 36) | (Word{3} << 32));
  EXPECT_EQ(encode({Opcode::kBlt, false, Group::kRowGate, 1, 2, 0, 0xabcd}),
            (Word{24} << 58) | (Word{2} << 36) | (Word{1} << 32) | 0xabcd);
  EXPECT_EQ(encode({Opcode::kLoop, false, Group::kRowGate, 0, 0, 0x12345678, 0xabcd}),
            (Word{13} << 58) | (Word{0xabcd} << 32) | 0x12345678);
  EXPECT_EQ(encode({Opcode::kLoopR, false, Group::kRowGate, 4, 0, 0, 0xabcd}),
            (Word{14} << 58) | (Word{4} << 32) | 0xabcd);
}

TEST(Instructions, NumbersOutsideTheirRangeAreIllegal) {
  for (const Instruction& row : kInstructions) {
    if (row.format != Format::kImmediate) {
      continue;
    }
    const Word opcode = static_cast<Word>(row.opcode) << 58U;
    EXPECT_TRUE(decode(opcode | row.min)) << row.mnemonic;
    EXPECT_TRUE(decode(opcode | row.max)) << row.mnemonic;
    if (row.min > 0) {
      EXPECT_FALSE(decode(opcode | (row.min - 1))) << row.mnemonic;
    }
    if (row.max < kAnyNumber) {
      EXPECT_FALSE(decode(opcode | (row.max + 1))) << row.mnemonic;
    }
  }
}

TEST(Instructions, GroupValuesOutsideTheGroupAreIllegal) {
  for (const SignalGroup& group : kSignalGroups) {
    const Word base = (static_cast<Word>(Opcode::kSet) << 58U) | (static_cast<Word>(group.group) << 48U);
    EXPECT_TRUE(decode(base | group_mask(group.group)));
    EXPECT_FALSE(decode(base | (group_mask(group.group) + 1)));
  }
  EXPECT_FALSE(decode((static_cast<Word>(Opcode::kSet) << 58U) | (Word{kGroupCount} << 48U)));
  EXPECT_FALSE(decode((static_cast<Word>(Opcode::kSetR) << 58U) | (Word{0xff} << 48U)));
}

TEST(Instructions, ErasedMemoryAndUnknownOpcodesAreIllegal) {
  EXPECT_FALSE(decode(0));
  EXPECT_FALSE(decode(~Word{0}));
  for (Word opcode = kInstructions.size() + 1; opcode < 64; ++opcode) {
    EXPECT_FALSE(decode(opcode << 58U));
  }
}

TEST(Instructions, CommitHasNoCommitBit) {
  const Word word = encode({Opcode::kCommit});
  EXPECT_TRUE(decode(word));
  EXPECT_FALSE(decode(word | (Word{1} << 57)));
}

TEST(Instructions, EverySingleBitIsEitherAFieldOrMakesTheWordIllegal) {
  for (const Instruction& row : kInstructions) {
    const Word base = (static_cast<Word>(row.opcode) << 58U) | row.min;
    ASSERT_TRUE(decode(base)) << row.mnemonic;
    for (unsigned bit = 0; bit < 58; ++bit) {
      const Word word = base ^ (Word{1} << bit);
      if (const auto decoded = decode(word)) {
        EXPECT_EQ(encode(*decoded), word) << row.mnemonic << " bit " << bit;
        EXPECT_FALSE(operator_equal(*decoded, *decode(base))) << row.mnemonic << " bit " << bit;
      }
    }
  }
}

TEST(Instructions, LegalWordsAreThoseThatEncodeGivesBack) {
  std::mt19937_64 random(20230823);
  int legal = 0;
  for (int i = 0; i < 2'000'000; ++i) {
    Word word = random();
    switch (i % 4) {
      case 1:
        word &= random() & random();
        break;
      case 2:
        word = (word & 0xfe1f'00ff'0000'ffffU) & ~(Word{0xffff} << (random() % 48));
        break;
      case 3:
        word &= 0xfe1f'0000'0000'00ffU;
        break;
      default:
        break;
    }
    if (const auto decoded = decode(word)) {
      ++legal;
      ASSERT_EQ(encode(*decoded), word);
    }
  }
  EXPECT_GT(legal, 20'000);
}

}  // namespace
}  // namespace chronotile::isa
