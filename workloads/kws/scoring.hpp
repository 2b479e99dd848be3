#pragma once

#include <cstddef>
#include <vector>

namespace chronotile::kws {

/// Index of the largest score; the first of equals. `scores` must not be empty.
[[nodiscard]] std::size_t arg_max(const std::vector<double>& scores);

/// How often each class was taken for which.
class Confusion {
 public:
  explicit Confusion(std::size_t classes);

  /// Counts one recording. Both are class indices; std::out_of_range otherwise.
  void add(std::size_t reference, std::size_t hypothesis);

  [[nodiscard]] std::size_t classes() const noexcept { return classes_; }
  [[nodiscard]] std::size_t count(std::size_t reference, std::size_t hypothesis) const;
  [[nodiscard]] std::size_t total() const noexcept;
  [[nodiscard]] std::size_t correct() const noexcept;
  /// Share of recordings that were recognised, in percent; 0 when none was counted.
  [[nodiscard]] double accuracy_percent() const noexcept;

 private:
  std::size_t classes_;
  std::vector<std::size_t> counts_;  ///< [reference][hypothesis]
};

}  // namespace chronotile::kws
