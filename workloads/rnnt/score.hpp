#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace chronotile::rnnt {

/// Words of a transcript for scoring: letters in lower case, digits and apostrophes kept (a typographic one becomes
/// '), bytes beyond ASCII as they are; anything else separates words.
[[nodiscard]] std::vector<std::string> words_of(std::string_view text);

/// words_of() with single blanks between.
[[nodiscard]] std::string normalised(std::string_view text);

/// Counts of a least alignment of words, for one transcript or added up over a corpus.
struct WordErrors {
  std::size_t words = 0;  ///< of the reference
  std::size_t substitutions = 0;
  std::size_t deletions = 0;
  std::size_t insertions = 0;

  [[nodiscard]] std::size_t errors() const noexcept { return substitutions + deletions + insertions; }
  /// Word error rate: errors over words of the reference (over one word if there are none).
  [[nodiscard]] double rate_percent() const noexcept;
  WordErrors& operator+=(const WordErrors& other) noexcept;
};

/// Errors of `hypothesis` against `reference`, both as words_of() reads them. Of alignments with as few errors, the one
/// is counted that, read backwards, takes a substitution before a deletion and that before an insertion.
[[nodiscard]] WordErrors word_errors(std::string_view reference, std::string_view hypothesis);

}  // namespace chronotile::rnnt
