#include "models/tile/array.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <vector>

#include "models/pcm/programming_error.hpp"

namespace chronotile::tile {
namespace {

constexpr auto kWeights = static_cast<std::size_t>(kWires) * kWires;

void check(const WeightMatrix& target) {
  if (target.rows() != kWires || target.cols() != kWires) {
    throw std::invalid_argument(fmt::format("WeightArray::program: the target is {} x {}, not {} x {}", target.rows(),
                                            target.cols(), kWires, kWires));
  }
  for (Eigen::Index row = 0; row < kWires; ++row) {
    for (Eigen::Index column = 0; column < kWires; ++column) {
      if (!(target(row, column) >= -1.0F && target(row, column) <= 1.0F)) {
        throw std::invalid_argument(
            fmt::format("WeightArray::program: target weight {} at row {}, column {} is not within -1..1",
                        target(row, column), row, column));
      }
    }
  }
}

std::size_t at(WeightSet set) { return static_cast<std::size_t>(set); }

void store(double value, mac::Half& weight) { weight = mac::to_half(value); }
void store(double value, float& weight) { weight = static_cast<float>(value); }
void store(double value, double& weight) { weight = value; }

double number(mac::Half weight) { return static_cast<double>(mac::from_half(weight)); }
double number(float weight) { return static_cast<double>(weight); }
double number(double weight) { return weight; }

}  // namespace

/// Calls `visit` with the two packed sets of the type that is used.
template <typename Visit>
void WeightArray::with_storage(const Visit& visit) {
  if (config_.double_precision) {
    visit(double_);
  } else if (config_.half_precision_weights) {
    visit(half_);
  } else {
    visit(single_);
  }
}

template <typename Visit>
void WeightArray::with_storage(const Visit& visit) const {
  if (config_.double_precision) {
    visit(double_);
  } else if (config_.half_precision_weights) {
    visit(half_);
  } else {
    visit(single_);
  }
}

WeightArray::WeightArray(const ArrayConfig& config) : config_(config), isa_(mac::best_isa()) {}

void WeightArray::program(WeightSet set, const WeightMatrix& target, const Services& services, std::uint32_t tile) {
  check(target);
  unfold();
  const pcm::ProgrammingError error(config_.programming_sigma);
  std::vector<double> errors(kWires);
  with_storage([&](auto& sets) {
    auto& packed = sets[at(set)];
    packed.resize(kWeights);
    for (int row = 0; row < kWires; ++row) {
      error.row(services, tile, static_cast<std::uint32_t>(set), row, errors.data());
      for (int column = 0; column < kWires; ++column) {
        const double written = std::clamp(target(row, column) + errors[static_cast<std::size_t>(column)],
                                          -kLargestWritten, kLargestWritten);
        store(written, packed[mac::packed_index(row, column)]);
      }
    }
  });
  fold();
}

void WeightArray::fold() {
  with_storage([&](auto& sets) {
    folded_ = config_.fold_negated_set && !sets[0].empty() && !sets[1].empty() &&
              std::equal(sets[0].begin(), sets[0].end(), sets[1].begin(),
                         [](auto first, auto second) { return number(first) == -number(second); });
    if (folded_) {
      sets[1].clear();
      sets[1].shrink_to_fit();
    }
  });
}

void WeightArray::unfold() {
  if (!folded_) {
    return;
  }
  folded_ = false;
  with_storage([](auto& sets) {
    sets[1] = sets[0];
    for (auto& weight : sets[1]) {
      store(-number(weight), weight);
    }
  });
}

bool WeightArray::programmed(WeightSet set) const {
  bool result = folded_;
  with_storage([&](const auto& sets) { result = result || !sets[at(set)].empty(); });
  return result;
}

WeightMatrix WeightArray::weights(WeightSet set) const {
  WeightMatrix result = WeightMatrix::Zero(kWires, kWires);
  if (!programmed(set)) {
    return result;
  }
  const bool negated = folded_ && set == WeightSet::kWp2;
  with_storage([&](const auto& sets) {
    const auto& packed = sets[negated ? 0 : at(set)];
    for (int row = 0; row < kWires; ++row) {
      for (int column = 0; column < kWires; ++column) {
        const double weight = number(packed[mac::packed_index(row, column)]);
        result(row, column) = negated ? 0.0 - weight : weight;
      }
    }
  });
  return result;
}

void WeightArray::multiply(WeightSet set, const double* x, double* out, std::size_t lanes, int first, int last,
                           mac::Into into) const {
  const auto begin = static_cast<std::size_t>(first) * lanes;
  const auto end = static_cast<std::size_t>(last) * lanes;
  if (!programmed(set)) {
    if (into == mac::Into::kReplace) {
      std::fill(out + begin, out + end, 0.0);
    }
    return;
  }
  if (folded_ && set == WeightSet::kWp2) {
    std::vector<double> negated(static_cast<std::size_t>(kWires) * lanes);
    std::transform(x, x + negated.size(), negated.begin(), [](double value) { return -value; });
    multiply(WeightSet::kWp1, negated.data(), out, lanes, first, last, into);
    return;
  }
  with_storage([&](const auto& sets) { mac::multiply(sets[at(set)].data(), x, out, lanes, first, last, isa_, into); });
}

}  // namespace chronotile::tile
