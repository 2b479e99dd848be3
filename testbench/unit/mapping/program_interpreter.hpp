#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "firmware/isa/instructions.hpp"

namespace chronotile::testing {

/// A change of a control signal, or an interrupt (group kInterrupt).
struct Change {
  std::uint32_t slot = 0;
  std::uint32_t cycle = 0;
  isa::Group group{};
  std::int32_t value = 0;

  friend bool operator==(const Change& a, const Change& b) {
    return std::tie(a.slot, a.cycle, a.group, a.value) == std::tie(b.slot, b.cycle, b.group, b.value);
  }
  friend bool operator<(const Change& a, const Change& b) {
    return std::tie(a.slot, a.cycle, a.group, a.value) < std::tie(b.slot, b.cycle, b.group, b.value);
  }
};

/// Runs one step of a straight program (no registers, loops, calls) from its trigger in cycle 0 of slot 0 until it
/// waits for the next one. Returns what was committed, in order. Throws std::runtime_error on anything that it does not
/// know, and when an `at` comes too late.
std::vector<Change> interpret(const std::vector<isa::Word>& words, std::uint32_t slot_cycles);

/// Assembles and interprets.
std::vector<Change> run_program(const std::string& text, const std::string& name, std::uint32_t slot_cycles = 300);

}  // namespace chronotile::testing
