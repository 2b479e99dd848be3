#include "workloads/rnnt/score.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace chronotile::rnnt {

std::vector<std::string> words_of(std::string_view text) {
  constexpr std::string_view kTypographicApostrophe = "\xE2\x80\x99";
  std::vector<std::string> words;
  bool inside = false;
  while (!text.empty()) {
    const bool typographic = text.substr(0, kTypographicApostrophe.size()) == kTypographicApostrophe;
    const char c = typographic ? '\'' : text.front();
    text.remove_prefix(typographic ? kTypographicApostrophe.size() : 1);
    const auto byte = static_cast<unsigned char>(c);
    const bool kept = byte >= 0x80 || std::isalnum(byte) != 0 || c == '\'';
    if (kept) {
      if (!inside) {
        words.emplace_back();
      }
      words.back().push_back(byte < 0x80 ? static_cast<char>(std::tolower(byte)) : c);
    }
    inside = kept;
  }
  return words;
}

std::string normalised(std::string_view text) { return fmt::format("{}", fmt::join(words_of(text), " ")); }

double WordErrors::rate_percent() const noexcept {
  return 100.0 * static_cast<double>(errors()) / static_cast<double>(std::max<std::size_t>(words, 1));
}

WordErrors& WordErrors::operator+=(const WordErrors& other) noexcept {
  words += other.words;
  substitutions += other.substitutions;
  deletions += other.deletions;
  insertions += other.insertions;
  return *this;
}

WordErrors word_errors(std::string_view reference, std::string_view hypothesis) {
  const std::vector<std::string> expected = words_of(reference);
  const std::vector<std::string> said = words_of(hypothesis);
  // above[j]: errors of the reference words so far against the first j words of the hypothesis
  std::vector<WordErrors> above(said.size() + 1);
  std::vector<WordErrors> row(said.size() + 1);
  for (std::size_t j = 0; j < above.size(); ++j) {
    above[j].insertions = j;
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    row[0] = above[0];
    ++row[0].deletions;
    for (std::size_t j = 1; j < row.size(); ++j) {
      WordErrors best = above[j - 1];
      best.substitutions += expected[i] == said[j - 1] ? 0 : 1;
      if (above[j].errors() + 1 < best.errors()) {
        best = above[j];
        ++best.deletions;
      }
      if (row[j - 1].errors() + 1 < best.errors()) {
        best = row[j - 1];
        ++best.insertions;
      }
      row[j] = best;
    }
    std::swap(above, row);
  }
  above.back().words = expected.size();
  return above.back();
}

}  // namespace chronotile::rnnt
