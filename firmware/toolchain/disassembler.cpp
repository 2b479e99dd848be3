#include "firmware/toolchain/disassembler.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <set>

namespace chronotile::toolchain {
namespace {

using isa::Decoded;
using isa::Format;
using isa::Layout;
using isa::Word;

bool has_target(Format format) {
  return format == Format::kTarget || format == Format::kBranch || format == Format::kLoop ||
         format == Format::kLoopRegister;
}

std::string group_value(const Decoded& decoded) {
  const isa::SignalGroup& group = isa::signal_group(decoded.group);
  const bool is_set = decoded.opcode == isa::Opcode::kSet;
  if (group.layout == Layout::kSigned && is_set) {
    const std::uint32_t sign = 1U << (group.bits - 1);
    return fmt::format("{}", static_cast<std::int32_t>(decoded.number ^ sign) - static_cast<std::int32_t>(sign));
  }
  const bool code = group.layout == Layout::kUnsigned || group.layout == Layout::kFlag;
  return code && is_set ? fmt::format("{}", decoded.number) : fmt::format("0x{:02x}", decoded.number);
}

std::string statement(const Decoded& decoded, const std::function<std::string(std::uint16_t)>& target) {
  const isa::Instruction& row = isa::instruction(decoded.opcode);
  std::string name = fmt::format("{}{}", row.mnemonic, decoded.commit ? ".c" : "");
  switch (row.format) {
    case Format::kNone:
      return name;
    case Format::kGroupValue:
      return fmt::format("{:7} {}, {}", name, isa::signal_group(decoded.group).name, group_value(decoded));
    case Format::kGroupRegister:
      return fmt::format("{:7} {}, r{}", name, isa::signal_group(decoded.group).name, decoded.left);
    case Format::kImmediate:
      return fmt::format("{:7} {}", name, decoded.number);
    case Format::kRegister:
      return fmt::format("{:7} r{}", name, decoded.left);
    case Format::kRegisterImm:
      return fmt::format("{:7} r{}, {}", name, decoded.left, decoded.number);
    case Format::kRegisterPair:
      return fmt::format("{:7} r{}, r{}", name, decoded.left, decoded.right);
    case Format::kTarget:
      return fmt::format("{:7} {}", name, target(decoded.target));
    case Format::kBranch:
      return fmt::format("{:7} r{}, r{}, {}", name, decoded.left, decoded.right, target(decoded.target));
    case Format::kLoop:
      return fmt::format("{:7} {}, {}", name, decoded.number, target(decoded.target));
    case Format::kLoopRegister:
      return fmt::format("{:7} r{}, {}", name, decoded.left, target(decoded.target));
  }
  return "";
}

}  // namespace

std::string why_illegal(Word word) {
  if (isa::decode(word)) {
    return "";
  }
  const auto opcode = static_cast<unsigned>(word >> 58U);
  if (opcode == 0 || opcode > isa::kInstructions.size()) {
    return word == 0 ? "erased" : fmt::format("no opcode {}", opcode);
  }
  const isa::Instruction& row = isa::instruction(static_cast<isa::Opcode>(opcode));
  if (row.format == Format::kGroupValue || row.format == Format::kGroupRegister) {
    const auto group = static_cast<unsigned>((word >> 48U) & 0xffU);
    if (group >= isa::kGroupCount) {
      return fmt::format("{}: no signal group {}", row.mnemonic, group);
    }
    const Word legal_bits = row.format == Format::kGroupValue ? Word{0xfeff0000ffffffff} : Word{0xfeff000f00000000};
    if ((word & ~legal_bits) == 0) {
      return fmt::format("{}: value outside the group '{}'", row.mnemonic, isa::kSignalGroups.at(group).name);
    }
  } else {
    // A number out of range is the only other reason when a legal number in its place makes the word legal.
    const Word other = (word & ~Word{0xffffffff}) | row.min;
    if (isa::decode(other)) {
      return row.max == 0 ? fmt::format("{}: unused bits set", row.mnemonic)
                          : fmt::format("{}: number outside {}..{}", row.mnemonic, row.min, row.max);
    }
  }
  return fmt::format("{}: unused bits set", row.mnemonic);
}

std::string disassemble_word(Word word) {
  const auto decoded = isa::decode(word);
  return decoded ? statement(*decoded, [](std::uint16_t address) { return fmt::format("0x{:04x}", address); })
                 : fmt::format(".word   0x{:016x}", word);
}

std::string disassemble(const std::vector<Word>& words, const DisassemblerOptions& options) {
  std::set<std::uint16_t> targets;
  if (options.labels) {
    for (const Word word : words) {
      const auto decoded = isa::decode(word);
      if (decoded && has_target(isa::instruction(decoded->opcode).format) && decoded->target < words.size()) {
        targets.insert(decoded->target);
      }
    }
  }
  const auto target = [&](std::uint16_t address) {
    return fmt::format("{}{:04x}", targets.count(address) != 0 ? "L" : "0x", address);
  };
  std::string text;
  for (std::size_t address = 0; address < words.size(); ++address) {
    const Word word = words[address];
    if (address <= 0xffff && targets.count(static_cast<std::uint16_t>(address)) != 0) {
      text += fmt::format("L{:04x}:\n", address);
    }
    const auto decoded = isa::decode(word);
    const std::string line =
        "        " + (decoded ? statement(*decoded, target) : fmt::format(".word   0x{:016x}", word));
    std::string comment = options.addresses ? fmt::format("{:04x} {:016x}", address, word) : std::string();
    if (!decoded) {
      comment += fmt::format("{}{}", comment.empty() ? "" : "  ", why_illegal(word));
    }
    text += comment.empty() ? line + "\n" : fmt::format("{:<44}; {}\n", line, comment);
  }
  return text;
}

}  // namespace chronotile::toolchain
