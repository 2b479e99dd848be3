#pragma once

#include <string>
#include <vector>

#include "firmware/isa/instructions.hpp"

namespace chronotile::toolchain {

struct DisassemblerOptions {
  bool labels = true;     ///< names (L0012) for the targets inside the program, otherwise numbers
  bool addresses = true;  ///< a comment with address and word behind every statement
};

/// The statement of one word, targets as numbers. An illegal word becomes ".word 0x...".
[[nodiscard]] std::string disassemble_word(isa::Word word);

/// Why `word` is illegal, "" if it is legal.
[[nodiscard]] std::string why_illegal(isa::Word word);

/// A program text that assembles to exactly `words`, whatever they are.
[[nodiscard]] std::string disassemble(const std::vector<isa::Word>& words, const DisassemblerOptions& options = {});

}  // namespace chronotile::toolchain
