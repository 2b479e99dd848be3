#include "testbench/unit/mapping/program_interpreter.hpp"

#include <fmt/format.h>
#include <array>
#include <optional>
#include <stdexcept>

#include "firmware/toolchain/assembler.hpp"

namespace chronotile::testing {
namespace {

using isa::Opcode;

std::int32_t level_of(isa::Group group, std::uint32_t bits) {
  const isa::SignalGroup& entry = isa::signal_group(group);
  const bool negative =
      entry.layout == isa::Layout::kSigned && (bits >> static_cast<unsigned>(entry.bits - 1) & 1U) != 0;
  return static_cast<std::int32_t>(bits) - (negative ? 1 << entry.bits : 0);
}

}  // namespace

std::vector<Change> interpret(const std::vector<isa::Word>& words, std::uint32_t slot_cycles) {
  std::array<std::uint32_t, isa::kGroupCount> shadow{};
  std::array<std::uint32_t, isa::kGroupCount> level{};
  std::vector<Change> changes;
  std::uint64_t now = 0;
  bool triggered = false;
  for (std::size_t pc = 0, steps = 0; steps < 10000; ++steps) {
    const std::optional<isa::Decoded> decoded = isa::decode(words.at(pc));
    if (!decoded) {
      throw std::runtime_error(fmt::format("illegal word at {}", pc));
    }
    const auto slot = static_cast<std::uint32_t>(now / slot_cycles);
    const auto cycle = static_cast<std::uint32_t>(now % slot_cycles);
    ++pc;
    bool commit = decoded->commit;
    std::uint64_t next = now + 1;
    switch (decoded->opcode) {
      case Opcode::kNop:
        break;
      case Opcode::kCommit:
        commit = true;
        break;
      case Opcode::kSet:
        shadow.at(static_cast<std::size_t>(decoded->group)) = decoded->number;
        break;
      case Opcode::kWait:
        next = now + decoded->number;
        break;
      case Opcode::kSlot:
        next = std::uint64_t{slot + decoded->number} * slot_cycles;
        break;
      case Opcode::kAt:
        if (decoded->number <= cycle) {
          throw std::runtime_error(fmt::format("at {} in slot {}, cycle {}", decoded->number, slot, cycle));
        }
        next = now - cycle + decoded->number;
        break;
      case Opcode::kTrig:
        if (triggered) {
          return changes;
        }
        triggered = true;
        next = now;
        break;
      case Opcode::kIrq:
        changes.push_back({slot, cycle, isa::Group::kInterrupt, static_cast<std::int32_t>(decoded->number)});
        break;
      case Opcode::kJmp:
        pc = decoded->target;
        break;
      default:
        throw std::runtime_error(fmt::format("instruction at {} is not for a straight program", pc - 1));
    }
    for (std::size_t i = 0; commit && i < shadow.size(); ++i) {
      if (shadow.at(i) != level.at(i)) {
        level.at(i) = shadow.at(i);
        const auto group = static_cast<isa::Group>(i);
        changes.push_back({slot, cycle, group, level_of(group, level.at(i))});
      }
    }
    now = next;
  }
  throw std::runtime_error("the program does not come back to its trigger");
}

std::vector<Change> run_program(const std::string& text, const std::string& name, std::uint32_t slot_cycles) {
  return interpret(toolchain::assemble_text(text, name + ".lcs").words, slot_cycles);
}

}  // namespace chronotile::testing
