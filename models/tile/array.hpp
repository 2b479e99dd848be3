#pragma once

#include <Eigen/Core>
#include <boost/align/aligned_allocator.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "models/base/services.hpp"
#include "models/duration/geometry.hpp"
#include "models/pcm/device.hpp"
#include "models/pcm/pulse.hpp"
#include "models/tile/mac_kernel.hpp"
#include "models/tile/periphery.hpp"

namespace chronotile::tile {

/// The two weight sets that share the array (2-PCM-per-weight); both selected make a 4-PCM-per-weight.
enum class WeightSet : std::uint8_t { kWp1, kWp2 };

/// Target weights of one set, 512 x 512 row-major [row][column], in units of the largest weight: -1..1. A weight is
/// (G+ - G-) / Gmax: positive ones stand on G+, negative ones on G-.
using WeightMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Devices that age while the simulation runs are worked out anew when their age has grown by this share.
inline constexpr double kAgeStep = 0.02;

/// Programming may overshoot the target, but no device beyond this many times the largest weight (assumed).
inline constexpr double kLargestWritten = 1.2;

struct ArrayConfig {
  /// Standard deviation of a Gaussian programming error in units of the largest weight, the same for every target
  /// (0: exact). Instead of device physics, where `devices` is not enabled.
  double programming_sigma = 0.0;
  pcm::DeviceConfig devices;
  pcm::PulseConfig pulse;  ///< closed-loop programming
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
  /// `periphery`: its lines' gains are part of the weights as the columns read them; outlives this. Null: gains of 1.
  explicit WeightArray(const ArrayConfig& config, const Periphery* periphery = nullptr);
  /// Writes statistical programming results of `target` into `set`: pairs of devices (pcm::DevicePairs), or target plus
  /// a Gaussian error; conductances within kLargestWritten. Keyed by (seed, chip, tile, row, column, set), so
  /// programming again gives the same. Throws std::invalid_argument unless 512 x 512 within -1..1.
  void program(WeightSet set, const WeightMatrix& target, const Services& services, std::uint32_t tile);
  /// Writes what the devices of one row are now (closed-loop programming); the set does not age by itself then.
  void write_devices(WeightSet set, int row, const pcm::RowOfPairs& pairs);
  /// The same devices at another time since programming: takes effect with the next program().
  void set_age(double age_s) { config_.devices.age_s = first_age_s_ = age_s; }
  /// Whether devices age while the simulation runs.
  [[nodiscard]] bool ages() const { return config_.devices.enabled && config_.devices.time_lapse > 0; }
  /// Whether devices age at `simulated_s` of simulated time (DeviceConfig::time_lapse) by more than what was last taken
  /// into account times kAgeStep; then call advance(), when nothing reads the weights.
  [[nodiscard]] bool aged(double simulated_s) const;
  /// The programmed sets as they are at `simulated_s`.
  void advance(double simulated_s, const Services& services, std::uint32_t tile);
  [[nodiscard]] bool programmed(WeightSet set) const;
  /// The weights as the columns read them: b+ G+ - b- G-, what was really written at its age; zero before the first
  /// programming.
  [[nodiscard]] WeightMatrix weights(WeightSet set) const;
  /// Whether WP2 is the negative of WP1 and may be folded: sums through WP2 are those through WP1 of -x.
  [[nodiscard]] bool folded() const { return folded_; }
  /// Whether sums are in double precision, else in single.
  [[nodiscard]] bool double_precision() const { return config_.double_precision; }
  /// Zeros for a set that was never programmed. Real: float or double, rounded once to the precision of the sums.
  template <typename Real>
  void multiply(WeightSet set, const Real* x, double* out, std::size_t lanes, int first, int last,
                mac::Into into = mac::Into::kReplace) const;

  /// Whether devices have noise from one integration to the next.
  [[nodiscard]] bool noisy() const { return config_.devices.enabled && config_.devices.read_noise; }
  /// Variance of the column sums that the devices' read noise makes in weights^2 ns^2: sum over rows and sets of the
  /// devices' variance times squares[set], which holds x^2 (512 x lanes; null: no input through that set). The same as
  /// drawing every device anew, for a column's sums are of independent devices; gains of the lines enter as the mean of
  /// their squares.
  template <typename Real>
  void noise_variance(const Real* const (&squares)[2], double* out, std::size_t lanes, int first, int last) const;

 private:
  template <typename Real>
  using Packed = std::vector<Real, boost::alignment::aligned_allocator<Real, 64>>;

  template <typename Visit>
  void with_storage(const Visit& visit);
  template <typename Visit>
  void with_storage(const Visit& visit) const;
  void unfold();
  void fold();

  void write_row(WeightSet set, const WeightMatrix& target, const Services& services, std::uint32_t tile, int row,
                 double* written);
  void compare_variances();
  void begin_writing(WeightSet set);
  /// What the columns read of the devices of a row; keeps their variances.
  void take_pairs(WeightSet set, int row, const pcm::RowOfPairs& pairs, double* written);

  ArrayConfig config_;
  mac::Isa isa_;
  // One of them is used, per set: empty until programmed, and WP2's if folded.
  Packed<mac::Half> half_[2];
  Packed<float> single_[2];
  Packed<double> double_[2];
  bool folded_ = false;
  /// Variances of the weights times kVarianceScale; the second is empty where it equals the first, as for W and -W.
  Packed<mac::Half> variance_[2];
  bool same_variance_ = false;
  const Periphery* periphery_;
  std::shared_ptr<const pcm::DevicePairs> devices_;  ///< for the age
  // where devices age while the simulation runs
  double first_age_s_ = 0;                                                    ///< at the start
  Eigen::Matrix<float, kWires, Eigen::Dynamic, Eigen::RowMajor> targets_[2];  ///< of the programmed sets
};

}  // namespace chronotile::tile
