#pragma once

#include <cstdint>

#include "models/base/services.hpp"
#include "models/duration/geometry.hpp"

namespace chronotile::pcm {

/// Statistical programming error: what writing leaves between a weight and its target, in units of the largest weight.
/// The place where per-device physics (target conductance, drift, read noise) will enter.
class ProgrammingError {
 public:
  /// Gaussian of standard deviation `sigma`, the same for every target; 0: exact.
  explicit ProgrammingError(double sigma) : sigma_(sigma) {}

  /// Errors of the kWires weights of one row: keyed by (seed, chip, tile, set, row, column).
  void row(const Services& services, std::uint32_t tile, std::uint32_t set, int row, double* errors) const;

 private:
  double sigma_;
};

}  // namespace chronotile::pcm
