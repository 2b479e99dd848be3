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

}  // namespace

WeightArray::WeightArray(const ArrayConfig& config) : config_(config), isa_(mac::best_isa()) {}

void WeightArray::program(WeightSet set, const WeightMatrix& target, const Services& services, std::uint32_t tile) {
  check(target);
  const pcm::ProgrammingError error(config_.programming_sigma);
  std::vector<double> errors(kWires);
  if (config_.double_precision) {
    double_[at(set)].resize(kWeights);
  } else {
    single_[at(set)].resize(kWeights);
  }
  for (int row = 0; row < kWires; ++row) {
    error.row(services, tile, static_cast<std::uint32_t>(set), row, errors.data());
    for (int column = 0; column < kWires; ++column) {
      const double written =
          std::clamp(target(row, column) + errors[static_cast<std::size_t>(column)], -kLargestWritten, kLargestWritten);
      if (config_.double_precision) {
        double_[at(set)][mac::packed_index(row, column)] = written;
      } else {
        single_[at(set)][mac::packed_index(row, column)] = static_cast<float>(written);
      }
    }
  }
}

bool WeightArray::programmed(WeightSet set) const { return !single_[at(set)].empty() || !double_[at(set)].empty(); }

WeightMatrix WeightArray::weights(WeightSet set) const {
  WeightMatrix result = WeightMatrix::Zero(kWires, kWires);
  if (!programmed(set)) {
    return result;
  }
  for (int row = 0; row < kWires; ++row) {
    for (int column = 0; column < kWires; ++column) {
      const std::size_t index = mac::packed_index(row, column);
      result(row, column) =
          config_.double_precision ? double_[at(set)][index] : static_cast<double>(single_[at(set)][index]);
    }
  }
  return result;
}

void WeightArray::multiply(WeightSet set, const double* x, double* out, std::size_t lanes, int first, int last) const {
  if (!programmed(set)) {
    std::fill(out + static_cast<std::size_t>(first) * lanes, out + static_cast<std::size_t>(last) * lanes, 0.0);
  } else if (config_.double_precision) {
    mac::multiply(double_[at(set)].data(), x, out, lanes, first, last, isa_);
  } else {
    mac::multiply(single_[at(set)].data(), x, out, lanes, first, last, isa_);
  }
}

}  // namespace chronotile::tile
