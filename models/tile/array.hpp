#pragma once

#include <Eigen/Core>
#include <boost/align/aligned_allocator.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/base/services.hpp"
#include "models/duration/geometry.hpp"
#include "models/tile/mac_kernel.hpp"

namespace chronotile::tile {

/// The two weight sets that share the array (2-PCM-per-weight); both selected make a 4-PCM-per-weight.
enum class WeightSet : std::uint8_t { kWp1, kWp2 };

/// Target weights of one set, 512 x 512 row-major [row][column], in units of the largest weight: -1..1. A weight is
/// (G+ - G-) / Gmax: positive ones stand on G+, negative ones on G-.
using WeightMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Programming may overshoot the target, but no device beyond this many times the largest weight (assumed).
inline constexpr double kLargestWritten = 1.2;

struct ArrayConfig {
  /// Standard deviation of the programming error in units of the largest weight (Gaussian; 0: exact). Device physics
  /// will refine it per device.
  double programming_sigma = 0.0;
  /// Arithmetic of the column sums: false single precision, true double (preset ideal).
  bool double_precision = false;
  /// Weights are kept in 16 bits instead of 32 (not in double precision): half the memory, which is what limits the
  /// speed at few lanes. Rounds each written weight by at most 2^-11 of itself, far below any programming error; sums
  /// stay in single precision.
  bool half_precision_weights = true;
  /// Where WP2 holds exactly the negative of WP1, only one of them is kept, and inputs through both are one pass over
  /// the weights with their difference. Changes a column sum by no more than its roundings; has no effect where the
  /// sets differ, as they do with programming errors.
  bool fold_negated_set = true;
};

/// Column sums over one weight set: out[c][l] = sum over rows in row order of w[r][c] * x[r][l], fused multiply-adds,
/// for columns `first`..`last` - 1. The bits of out[c][l] depend neither on the number of lanes nor on the
/// instruction set nor on the other columns. x: 512 x lanes, out: 512 x lanes, row-major.
/// Single precision rounds x to float once.
class WeightArray {
 public:
  explicit WeightArray(const ArrayConfig& config);
  /// Writes statistical programming results of `target` into `set`: target plus a Gaussian error, within
  /// +-kLargestWritten; errors keyed by (seed, chip, tile, row, column, set), so programming again gives the same.
  /// Throws std::invalid_argument unless 512 x 512 within -1..1.
  void program(WeightSet set, const WeightMatrix& target, const Services& services, std::uint32_t tile);
  [[nodiscard]] bool programmed(WeightSet set) const;
  /// The weights that were really written; zero before the first programming.
  [[nodiscard]] WeightMatrix weights(WeightSet set) const;
  /// Whether WP2 is the negative of WP1 and may be folded: sums through WP2 are those through WP1 of -x.
  [[nodiscard]] bool folded() const { return folded_; }
  /// Zeros for a set that was never programmed.
  void multiply(WeightSet set, const double* x, double* out, std::size_t lanes, int first, int last,
                mac::Into into = mac::Into::kReplace) const;

 private:
  template <typename Real>
  using Packed = std::vector<Real, boost::alignment::aligned_allocator<Real, 64>>;

  template <typename Visit>
  void with_storage(const Visit& visit);
  template <typename Visit>
  void with_storage(const Visit& visit) const;
  void unfold();
  void fold();

  ArrayConfig config_;
  mac::Isa isa_;
  // One of them is used, per set: empty until programmed, and WP2's if folded.
  Packed<mac::Half> half_[2];
  Packed<float> single_[2];
  Packed<double> double_[2];
  bool folded_ = false;
};

}  // namespace chronotile::tile
