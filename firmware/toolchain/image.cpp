#include "firmware/toolchain/image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <charconv>
#include <fstream>
#include <limits>
#include <sstream>
#include <vector>

#include "common/user_error.hpp"

namespace chronotile::toolchain {
namespace {

using isa::Word;

constexpr std::size_t kSkippedHole = 8;

std::string read_text(const std::filesystem::path& path, std::string_view remedy) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (!stream || std::filesystem::is_directory(path) || !(text << stream.rdbuf())) {
    throw UserError(path.string(), "cannot be read", std::string(remedy));
  }
  return text.str();
}

/// Walks through a $readmemh text and knows where it is.
class HexReader {
 public:
  HexReader(std::string_view text, std::string name, std::size_t word_limit)
      : text_(text), name_(std::move(name)), word_limit_(word_limit) {}

  std::vector<Word> run() {
    while (skip_blanks()) {
      begin_ = at_;
      if (peek() == '@') {
        advance();
        const std::uint64_t address = digits("an address");
        if (address >= word_limit_) {
          fail(fmt::format("address 0x{:x} is beyond the {} words of the memory", address, word_limit_),
               "Correct the address or give a larger memory");
        }
        next_ = static_cast<std::size_t>(address);
      } else {
        store(digits("a word"));
      }
    }
    return std::move(words_);
  }

 private:
  struct Place {
    std::size_t offset = 0;
    std::size_t line = 1;
    std::size_t column = 1;
  };

  [[nodiscard]] bool done() const { return at_.offset >= text_.size(); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_.offset + ahead < text_.size() ? text_[at_.offset + ahead] : '\0';
  }
  void advance() {
    ++at_.column;
    if (text_[at_.offset++] == '\n') {
      ++at_.line;
      at_.column = 1;
    }
  }
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

  /// Whether something follows the blanks and comments.
  bool skip_blanks() {
    while (!done()) {
      if (is_blank(peek())) {
        advance();
      } else if (peek() == '/' && peek(1) == '/') {
        while (!done() && peek() != '\n') {
          advance();
        }
      } else if (peek() == '/' && peek(1) == '*') {
        begin_ = at_;
        advance();
        advance();
        while (!(peek() == '*' && peek(1) == '/')) {
          if (done()) {
            fail("this comment has no '*/'", "Close it");
          }
          advance();
        }
        advance();
        advance();
      } else {
        return true;
      }
    }
    return false;
  }

  std::uint64_t digits(std::string_view what) {
    std::uint64_t value = 0;
    int count = 0;
    while (!done() && !is_blank(peek()) && peek() != '/') {
      const char c = peek();
      int digit = 0;
      if (c >= '0' && c <= '9') {
        digit = c - '0';
      } else if (c >= 'a' && c <= 'f') {
        digit = c - 'a' + 10;
      } else if (c >= 'A' && c <= 'F') {
        digit = c - 'A' + 10;
      } else if (c == '_' && count > 0) {
        advance();
        continue;
      } else {
        begin_ = at_;
        const auto byte = static_cast<unsigned char>(c);
        const std::string shown =
            byte < 0x20 || byte > 0x7e ? fmt::format("byte 0x{:02x}", byte) : fmt::format("'{}'", c);
        fail(fmt::format("{} is not a hexadecimal digit", shown), "Write words of up to 16 hexadecimal digits");
      }
      if (value >> 60U != 0) {
        fail(fmt::format("{} of more than 64 bits", what), "Write words of up to 16 hexadecimal digits");
      }
      value = (value << 4U) | static_cast<std::uint64_t>(digit);
      ++count;
      advance();
    }
    if (count == 0) {
      fail(fmt::format("expected {}", what), "Write hexadecimal digits");
    }
    return value;
  }

  void store(Word word) {
    if (next_ >= word_limit_) {
      fail(fmt::format("word {} is beyond the {} words of the memory", next_ + 1, word_limit_),
           "Shorten the program or give a larger memory");
    }
    if (next_ >= words_.size()) {
      words_.resize(next_ + 1, 0);
      written_.resize(next_ + 1, false);
    }
    if (written_[next_]) {
      fail(fmt::format("address 0x{:x} is given twice", next_), "Remove one of the words");
    }
    written_[next_] = true;
    words_[next_++] = word;
  }

  [[noreturn]] void fail(const std::string& problem, const std::string& remedy) const {
    throw UserError(fmt::format("{}:{}:{}", name_, begin_.line, begin_.column), problem, remedy);
  }

  std::string_view text_;
  std::string name_;
  std::size_t word_limit_;
  Place at_;
  Place begin_;
  std::size_t next_ = 0;
  std::vector<Word> words_;
  std::vector<bool> written_;
};

std::string listing_row(std::string_view address, std::string_view word, std::string_view place,
                        std::string_view text) {
  std::string row = fmt::format("{:4}  {:16}  {:<24}  {}", address, word, place, text);
  row.erase(row.find_last_not_of(' ') + 1);
  return row + "\n";
}

/// "FILE:LINE", the file from the map's own list of files.
SourcePlace parse_place(std::string_view text, Program& program) {
  const std::size_t colon = text.rfind(':');
  SourcePlace place;
  if (colon == std::string_view::npos ||
      std::from_chars(text.data() + colon + 1, text.data() + text.size(), place.line).ptr !=
          text.data() + text.size()) {
    return {};
  }
  const std::string_view file = text.substr(0, colon);
  const auto found = std::find(program.files.begin(), program.files.end(), file);
  place.file = static_cast<std::uint32_t>(found - program.files.begin());
  if (found == program.files.end()) {
    program.files.emplace_back(file);
  }
  return place;
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::uint32_t check_sum(const std::vector<Word>& words) {
  boost::crc_32_type crc;
  for (Word word : words) {
    for (int i = 0; i < 8; ++i) {
      crc.process_byte(static_cast<unsigned char>(word & 0xffU));
      word >>= 8U;
    }
  }
  return crc.checksum();
}

std::string hex_text(const std::vector<Word>& words) {
  std::string text = fmt::format("// {} words, CRC-32 {:08x}\n", words.size(), check_sum(words));
  std::size_t i = 0;
  while (i < words.size()) {
    std::size_t end = i;
    while (end < words.size() && words[end] == 0) {
      ++end;
    }
    if (end - i >= kSkippedHole && end < words.size()) {
      text += fmt::format("@{:04x}\n", end);
      i = end;
    }
    text += fmt::format("{:016x}\n", words[i++]);
  }
  return text;
}

std::vector<Word> parse_hex(std::string_view text, const std::string& name, std::size_t word_limit) {
  return HexReader(text, name, word_limit).run();
}

std::vector<Word> read_hex(const std::filesystem::path& path, std::size_t word_limit) {
  return parse_hex(read_text(path, "Give a $readmemh file that exists"), path.string(), word_limit);
}

std::string listing_text(const Program& program) {
  std::string text = listing_row("addr", "word", "place", "statement");
  for (const ListingLine& line : program.listing) {
    const std::string place = program.place_text(line.place);
    if (line.word_count == 0) {
      text += listing_row("", "", place, line.text);
    }
    for (std::uint32_t i = 0; i < line.word_count; ++i) {
      const std::uint32_t address = line.address + i;
      text += listing_row(fmt::format("{:04x}", address), fmt::format("{:016x}", program.words[address]),
                          i == 0 ? place : "", i == 0 ? line.text : "");
    }
  }
  return text;
}

std::string flat_source(const Program& program) {
  std::string text;
  for (const ListingLine& line : program.listing) {
    text += line.text + "\n";
  }
  return text;
}

std::string symbol_map_text(const Program& program) {
  std::string text = fmt::format("# symbol map of {}: CRC-32 {:08x}\n", program.name, check_sum(program.words));
  std::vector<std::pair<std::uint32_t, std::string>> labels;
  for (const auto& [name, address] : program.symbols) {
    labels.emplace_back(address, name);
  }
  std::sort(labels.begin(), labels.end());
  for (const auto& [address, name] : labels) {
    text += fmt::format("label {} {:04x} {}\n", name, address, program.place_text(program.symbol_places.at(name)));
  }
  for (const auto& [name, value] : program.constants) {
    text += fmt::format("constant {} {}\n", name, value);
  }
  for (std::size_t i = 0; i < program.origins.size(); ++i) {
    const WordOrigin& origin = program.origins[i];
    if (origin.place.known()) {
      text += fmt::format("word {:04x} {}\t{}\n", i, program.place_text(origin.place), program.place_text(origin.call));
    }
  }
  return text;
}

Program parse_symbol_map(std::string_view text, const std::string& name) {
  Program program;
  program.name = name;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') {
      continue;
    }
    const auto take = [&line] {
      const std::size_t space = std::min(line.find(' '), line.size());
      const std::string_view word = line.substr(0, space);
      line.remove_prefix(std::min(space + 1, line.size()));
      return word;
    };
    const auto take_address = [&take](std::uint32_t& address) {
      const std::string_view word = take();
      return std::from_chars(word.data(), word.data() + word.size(), address, 16).ptr == word.data() + word.size() &&
             !word.empty() && address <= 0xffff;
    };
    const std::string_view kind = take();
    bool good = false;
    if (kind == "label") {
      const std::string label(take());
      std::uint32_t address = 0;
      good = take_address(address);
      program.symbols[label] = address;
      program.symbol_places[label] = parse_place(line, program);
    } else if (kind == "constant") {
      const std::string constant(take());
      std::int64_t value = 0;
      good = parse_number(line, value);
      program.constants[constant] = value;
    } else if (kind == "word") {
      std::uint32_t address = 0;
      const bool known = take_address(address);
      const std::size_t tab = line.find('\t');
      if (known && tab != std::string_view::npos) {
        if (address >= program.origins.size()) {
          program.origins.resize(address + 1);
        }
        WordOrigin& origin = program.origins[address];
        origin.place = parse_place(line.substr(0, tab), program);
        origin.call = parse_place(line.substr(tab + 1), program);
        good = origin.place.known() && origin.call.known();
      }
    }
    if (!good) {
      throw UserError(fmt::format("{}:{}:1", name, number), "this is no line of a symbol map",
                      "Write the map anew with 'chronotile fw asm --symbols'");
    }
  }
  return program;
}

Program read_symbol_map(const std::filesystem::path& path) {
  return parse_symbol_map(read_text(path, "Give a symbol map that exists"), path.string());
}

}  // namespace chronotile::toolchain
