#include "workloads/kws/scoring.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace chronotile::kws {

std::size_t arg_max(const std::vector<double>& scores) {
  return static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

Confusion::Confusion(std::size_t classes) : classes_(classes), counts_(classes * classes, 0) {}

void Confusion::add(std::size_t reference, std::size_t hypothesis) {
  if (reference >= classes_ || hypothesis >= classes_) {
    throw std::out_of_range(
        fmt::format("chronotile::kws::Confusion::add({}, {}) of {} classes", reference, hypothesis, classes_));
  }
  ++counts_[reference * classes_ + hypothesis];
}

std::size_t Confusion::count(std::size_t reference, std::size_t hypothesis) const {
  if (reference >= classes_ || hypothesis >= classes_) {
    throw std::out_of_range(
        fmt::format("chronotile::kws::Confusion::count({}, {}) of {} classes", reference, hypothesis, classes_));
  }
  return counts_[reference * classes_ + hypothesis];
}

std::size_t Confusion::total() const noexcept {
  return std::accumulate(counts_.begin(), counts_.end(), std::size_t{0});
}

std::size_t Confusion::correct() const noexcept {
  std::size_t sum = 0;
  for (std::size_t c = 0; c < classes_; ++c) {
    sum += counts_[c * classes_ + c];
  }
  return sum;
}

double Confusion::accuracy_percent() const noexcept {
  const std::size_t all = total();
  return all == 0 ? 0.0 : 100.0 * static_cast<double>(correct()) / static_cast<double>(all);
}

}  // namespace chronotile::kws
