#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace chronotile {

/// Edits (insert, delete, replace, swap of neighbours; case costs nothing) that turn `a` into `b`.
[[nodiscard]] inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    above[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0U : 1U)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

/// The element of `candidates` (a range of things that convert to std::string_view and outlive the result) that `word`
/// was most likely meant to be: the one at the smallest edit distance, the first of equals. "" when none is near (more
/// than a third of the word's letters differ, at least one is allowed).
template <typename Range>
[[nodiscard]] std::string_view nearest(std::string_view word, const Range& candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(word.size() / 3, 1) + 1;
  for (const auto& element : candidates) {
    const std::string_view candidate(element);
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < std::max(word.size(), candidate.size())) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

/// "did you mean 'X'" for the nearest of `candidates`, or `otherwise` when none is near.
template <typename Range>
[[nodiscard]] std::string did_you_mean(std::string_view word, const Range& candidates,
                                       std::string_view otherwise = "") {
  const std::string_view best = nearest(word, candidates);
  return best.empty() ? std::string(otherwise) : "did you mean '" + std::string(best) + "'";
}

}  // namespace chronotile
