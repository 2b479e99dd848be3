#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "firmware/isa/instructions.hpp"

namespace chronotile::toolchain {

/// A line of a source file; line 0: nowhere.
struct SourcePlace {
  std::uint32_t file = 0;  ///< index into Program::files
  std::uint32_t line = 0;  ///< from 1

  [[nodiscard]] bool known() const noexcept { return line != 0; }
};

/// Where a word comes from. Inside a macro, `place` is the line of the macro's body and `call` the line outside of all
/// macros that led there; otherwise both are the same.
struct WordOrigin {
  SourcePlace place;
  SourcePlace call;
};

/// A statement of the listing, macros and repetitions expanded. The statements' texts are a program without macros,
/// conditions and includes that assembles to the same words.
struct ListingLine {
  SourcePlace place;
  std::uint32_t address = 0;     ///< of its first word, or where the next word goes
  std::uint32_t word_count = 0;  ///< words that it wrote
  std::string text;
};

/// An assembled program. Words are counted from address 0; a hole that `.org` left is 0, which is illegal to execute.
struct Program {
  std::string name;  ///< of the main file
  std::vector<isa::Word> words;
  std::vector<WordOrigin> origins;                   ///< as many as words; holes have no place
  std::vector<std::string> files;                    ///< in the order of first use
  std::map<std::string, std::uint32_t> symbols;      ///< labels: address; local ones as "name.local"
  std::map<std::string, SourcePlace> symbol_places;  ///< of every key in `symbols`
  std::map<std::string, std::int64_t> constants;     ///< `.equ` and predefined, those that fit
  std::vector<ListingLine> listing;

  /// "file:line" of a word, "" for a hole or an address outside.
  [[nodiscard]] std::string place_of(std::size_t address) const;
  [[nodiscard]] std::string place_text(SourcePlace place) const;
  /// Addresses of the words that `line` of `file` produced (macro bodies and calls both count): for breakpoints.
  [[nodiscard]] std::vector<std::uint32_t> addresses_of(std::string_view file, std::uint32_t line) const;
};

}  // namespace chronotile::toolchain
