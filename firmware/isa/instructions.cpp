#include "firmware/isa/instructions.hpp"

#include <cassert>

namespace chronotile::isa {
namespace {

constexpr int kOpcodeShift = 58;
constexpr Word kOpcodeMask = Word{0x3f} << kOpcodeShift;
constexpr Word kCommitBit = Word{1} << 57;
constexpr int kGroupShift = 48;
constexpr Word kGroupField = Word{0xff} << kGroupShift;
constexpr int kRightShift = 36;
constexpr Word kRightField = Word{0xf} << kRightShift;
constexpr int kLeftShift = 32;
constexpr Word kLeftField = Word{0xf} << kLeftShift;
constexpr int kLoopEndShift = 32;
constexpr Word kLoopEndField = Word{0xffff} << kLoopEndShift;
constexpr Word kNumberField = 0xffffffff;
constexpr Word kTargetField = 0xffff;

constexpr Word fields_of(Format format) {
  switch (format) {
    case Format::kNone:
      return 0;
    case Format::kGroupValue:
      return kCommitBit | kGroupField | kNumberField;
    case Format::kGroupRegister:
      return kCommitBit | kGroupField | kLeftField;
    case Format::kImmediate:
      return kNumberField;
    case Format::kRegister:
      return kLeftField;
    case Format::kRegisterImm:
      return kLeftField | kNumberField;
    case Format::kRegisterPair:
      return kLeftField | kRightField;
    case Format::kTarget:
      return kTargetField;
    case Format::kBranch:
      return kLeftField | kRightField | kTargetField;
    case Format::kLoop:
      return kLoopEndField | kNumberField;
    case Format::kLoopRegister:
      return kLeftField | kTargetField;
  }
  return 0;
}

struct Entry {
  Word zero = ~Word{0};  ///< bits that must be zero: all of them for an opcode that does not exist
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  Format format = Format::kNone;
};

/// Indexed by the opcode field.
constexpr std::array<Entry, 64> make_entries() {
  std::array<Entry, 64> entries{};
  for (const Instruction& row : kInstructions) {
    Entry& entry = entries[static_cast<std::size_t>(row.opcode)];
    entry.zero = ~(kOpcodeMask | fields_of(row.format));
    entry.min = row.min;
    entry.max = row.max;
    entry.format = row.format;
  }
  return entries;
}

constexpr std::array<std::uint32_t, kGroupCount> make_group_masks() {
  std::array<std::uint32_t, kGroupCount> masks{};
  for (std::size_t i = 0; i < masks.size(); ++i) {
    masks[i] = group_mask(static_cast<Group>(i));
  }
  return masks;
}

constexpr std::array<Entry, 64> kEntries = make_entries();
constexpr std::array<std::uint32_t, kGroupCount> kGroupMasks = make_group_masks();

constexpr bool instructions_in_order() {
  for (std::size_t i = 0; i < kInstructions.size(); ++i) {
    const Instruction& row = kInstructions[i];
    if (static_cast<std::size_t>(row.opcode) != i + 1 || row.min > row.max) {
      return false;
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (kInstructions[j].mnemonic == row.mnemonic) {
        return false;
      }
    }
  }
  return true;
}

constexpr bool groups_in_order() {
  for (std::size_t i = 0; i < kSignalGroups.size(); ++i) {
    const SignalGroup& row = kSignalGroups[i];
    if (static_cast<std::size_t>(row.group) != i || row.bits < 1 || row.bits > 16 || !(row.on_tiles || row.on_pads)) {
      return false;
    }
    if ((row.layout == Layout::kPerWireGroup && row.bits != 8) || (row.layout == Layout::kOutIn && row.bits != 16) ||
        (row.layout == Layout::kFlag && row.bits != 1)) {
      return false;
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (kSignalGroups[j].name == row.name) {
        return false;
      }
    }
  }
  return true;
}

static_assert(instructions_in_order(), "kInstructions: row i holds opcode i + 1, mnemonics are unique");
static_assert(groups_in_order(), "kSignalGroups: row i holds group i, names are unique, bits fit the layout");
static_assert(kInstructions.size() < 64, "the opcode has six bits");

Word field(Word value, int shift) { return value << shift; }

}  // namespace

const Instruction& instruction(Opcode opcode) { return kInstructions.at(static_cast<std::size_t>(opcode) - 1); }

const Instruction* find_instruction(std::string_view mnemonic) {
  for (const Instruction& row : kInstructions) {
    if (row.mnemonic == mnemonic) {
      return &row;
    }
  }
  return nullptr;
}

Word encode(const Decoded& instruction) {
  const Word opcode = static_cast<Word>(instruction.opcode);
  const Format format = kEntries[opcode & 0x3fU].format;
  Word word = field(opcode, kOpcodeShift) | (instruction.commit ? kCommitBit : 0) |
              field(static_cast<Word>(instruction.group), kGroupShift) | field(instruction.left, kLeftShift) |
              field(instruction.right, kRightShift) | instruction.number;
  word |= format == Format::kLoop ? field(instruction.target, kLoopEndShift) : Word{instruction.target};
  assert(decode(word).has_value() && "encode: a field that the format does not have, or a number out of range");
  return word;
}

std::optional<Decoded> decode(Word word) {
  const auto opcode = static_cast<std::size_t>(word >> kOpcodeShift);
  const Entry& entry = kEntries[opcode];
  if ((word & entry.zero) != 0 || word == 0) {
    return std::nullopt;
  }
  const auto number = static_cast<std::uint32_t>(word);
  const auto left = static_cast<std::uint8_t>((word >> kLeftShift) & 0xfU);
  const auto right = static_cast<std::uint8_t>((word >> kRightShift) & 0xfU);
  const auto low_target = static_cast<std::uint16_t>(word);

  Decoded result;
  result.opcode = static_cast<Opcode>(opcode);
  switch (entry.format) {
    case Format::kNone:
      return result;
    case Format::kGroupValue:
    case Format::kGroupRegister: {
      const auto group = static_cast<std::size_t>((word & kGroupField) >> kGroupShift);
      if (group >= kGroupMasks.size()) {
        return std::nullopt;
      }
      result.commit = (word & kCommitBit) != 0;
      result.group = static_cast<Group>(group);
      if (entry.format == Format::kGroupRegister) {
        result.left = left;
        return result;
      }
      if (number > kGroupMasks[group]) {
        return std::nullopt;
      }
      result.number = number;
      return result;
    }
    case Format::kRegister:
      result.left = left;
      return result;
    case Format::kRegisterPair:
      result.left = left;
      result.right = right;
      return result;
    case Format::kTarget:
      result.target = low_target;
      return result;
    case Format::kBranch:
      result.left = left;
      result.right = right;
      result.target = low_target;
      return result;
    case Format::kLoopRegister:
      result.left = left;
      result.target = low_target;
      return result;
    case Format::kRegisterImm:
      result.left = left;
      break;
    case Format::kLoop:
      result.target = static_cast<std::uint16_t>(word >> kLoopEndShift);
      break;
    case Format::kImmediate:
      break;
  }
  if (number < entry.min || number > entry.max) {
    return std::nullopt;
  }
  result.number = number;
  return result;
}

}  // namespace chronotile::isa
