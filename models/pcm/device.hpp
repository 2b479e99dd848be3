#pragma once

#include <cstdint>
#include <vector>

#include "models/duration/geometry.hpp"

namespace chronotile::pcm {

/// Published statistical models of phase-change memory devices, as IBM's aihwkit has them; of other arrays than this
/// chip's, whose own devices are not published.
enum class Technology : std::uint8_t {
  k90nm,  ///< PCMLikeNoiseModel: mushroom cells in 90 nm (Nandakumar et al., 2019)
  k14nm,  ///< HermesNoiseModel: the 14 nm HERMES chip (Le Gallo et al., 2023), one device
};

/// Formulas of a technology. r: conductance as a share of the largest, g / Gmax; results in the same unit.
class DeviceModel {
 public:
  explicit DeviceModel(Technology technology) : technology_(technology) {}

  /// Largest conductance in uS.
  [[nodiscard]] double largest_uS() const;
  /// Standard deviation that iterative programming leaves around a target r.
  [[nodiscard]] double programming_sigma(double r) const;
  /// Drift: g(t) = g (t / drift_start_s())^-nu for later times; nu = |N(drift_mean, drift_sigma)|, one per device.
  [[nodiscard]] double drift_start_s() const;
  [[nodiscard]] double drift_mean(double r) const;
  [[nodiscard]] double drift_sigma(double r) const;
  /// 1/f noise accumulated until t: standard deviation g Q sqrt(ln((t + tr) / (2 tr))), Q = noise_q(r).
  [[nodiscard]] double noise_q(double r) const;
  [[nodiscard]] double read_time_s() const;  ///< tr

 private:
  Technology technology_;
};

struct DeviceConfig {
  /// Pairs of devices instead of ideal weights: programming error, drift, noise, broken devices.
  bool enabled = false;
  Technology technology = Technology::k90nm;
  double programming_scale = 1.0;  ///< times the technology's programming error (assumed)
  double age_s = 0.0;              ///< time since programming; up to drift_start_s() nothing has drifted
  /// Devices age while the simulation runs, by so many seconds in one simulated second; 0: they stay at age_s. A run
  /// simulates milliseconds, so 1 changes nothing; 1e8 shows days of drift in one run.
  double time_lapse = 0.0;
  bool drift = true;
  bool read_noise = true;
  /// Decades of time faster than a step of the schedule: their share of the 1/f noise is drawn anew in each
  /// integration, the rest since programming once for each device (assumed).
  double white_decades = 1.0;
  double dead_share = 0.0;   ///< devices without conductance (assumed)
  double stuck_share = 0.0;  ///< devices stuck at a conductance of 0 to 1 (assumed)
};

/// Which devices: of one weight set of a tile.
struct Place {
  std::uint64_t seed = 1;
  std::uint32_t chip = 0;
  std::uint32_t tile = 0;
  std::uint32_t set = 0;
  std::uint64_t chip_seed = 1;  ///< of what fabrication made of the devices: the broken ones
};

/// Dead and stuck devices of a row: `conductances` gets theirs, and -1 for those that work. `device`: 0 the one that
/// adds, 1 the one that subtracts. Keyed by chip_seed and place, whatever
/// the run.
void broken_devices(const DeviceConfig& config, const Place& place, int row, std::uint32_t device,
                    double* conductances);

/// The pairs of devices of a row, conductances in units of the largest one.
struct RowOfPairs {
  double plus[kWires];      ///< of G+ (or g+), as they are at the age
  double minus[kWires];     ///< of G- (g-)
  double variance[kWires];  ///< of the weight from one integration to the next (read noise)
};

/// Pairs of devices after writing: a weight w of -1..1 has its target max(w, 0) on the device that adds and max(-w, 0)
/// on the one that subtracts; a device without a target keeps what erasing leaves (the programming error at r = 0).
/// Everything is keyed by seed, chip, tile, set, device, row and column: writing again yields the same devices, and
/// another age the same ones aged.
///
/// Read noise follows 1/f and is split by time scale: the slow part, accumulated since programming, stands in `plus`
/// and `minus`; `variance` is the part of the fastest white_decades, Q^2 g^2 ln(10) each, of both devices, g being
/// the target drifted with the mean exponent. Both together have the published accumulated variance.
class DevicePairs {
 public:
  explicit DevicePairs(const DeviceConfig& config);

  void row(const Place& place, int row, const double* targets, RowOfPairs& pairs) const;
  [[nodiscard]] double age_s() const { return config_.age_s; }

 private:
  /// The technology at one target conductance, looked up: a row takes a thousand of them.
  struct Point {
    double programming_sigma = 0;
    double drift_mean = 0;
    double drift_sigma = 0;
    double slow_noise = 0;  ///< standard deviation of the slow part at the age, as a share of g
    double white_variance = 0;
  };

  void devices(const Place& place, int row, std::uint32_t device, const double* targets, double* conductances) const;
  [[nodiscard]] Point point(double r) const;

  DeviceConfig config_;
  double log_age_ = 0;  ///< ln(age / drift start), 0 before
  std::vector<Point> points_;
};

}  // namespace chronotile::pcm
