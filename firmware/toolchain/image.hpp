#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "firmware/isa/instructions.hpp"
#include "firmware/toolchain/program.hpp"

/// Files that a program travels in. Texts are made here; write_file_atomically (common/atomic_file.hpp) stores them.
namespace chronotile::toolchain {

/// CRC-32 (the one of zlib and Ethernet) over the words, least significant byte first.
[[nodiscard]] std::uint32_t check_sum(const std::vector<isa::Word>& words);

/// What $readmemh loads: one word of 16 hexadecimal digits a line, holes of eight and more zero words skipped with
/// "@ADDRESS", a comment with size and check sum first.
[[nodiscard]] std::string hex_text(const std::vector<isa::Word>& words);

/// The words of a $readmemh file: white space separates words, "@" sets the (hexadecimal) address, "_" may stand
/// between digits, comments are "//" and "/* */"; what no word is given for is 0. Throws UserError with
/// "name:line:column" for anything else, for x and z digits, for an address given twice, and beyond `word_limit`.
[[nodiscard]] std::vector<isa::Word> parse_hex(std::string_view text, const std::string& name,
                                               std::size_t word_limit = 65536);
[[nodiscard]] std::vector<isa::Word> read_hex(const std::filesystem::path& path, std::size_t word_limit = 65536);

/// One line a statement: address, word, place, statement; macros expanded. The statements alone (flat_source) are a
/// program that assembles to the same words.
[[nodiscard]] std::string listing_text(const Program& program);

/// The statements of the listing as a program of their own.
[[nodiscard]] std::string flat_source(const Program& program);

/// What the debugger reads: "label NAME ADDRESS FILE:LINE", "constant NAME VALUE" and
/// "word ADDRESS FILE:LINE<TAB>CALL_FILE:CALL_LINE" lines, "#" comments.
[[nodiscard]] std::string symbol_map_text(const Program& program);

/// The labels, constants, files and origins of a symbol map; words and listing stay empty. Throws UserError.
[[nodiscard]] Program parse_symbol_map(std::string_view text, const std::string& name);
[[nodiscard]] Program read_symbol_map(const std::filesystem::path& path);

}  // namespace chronotile::toolchain
