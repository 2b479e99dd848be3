#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/duration/geometry.hpp"
#include "models/pcm/device.hpp"
#include "platform/config/platform_config.hpp"

namespace chronotile::host {

/// Which devices stand for a weight.
enum class WeightDevices : std::uint8_t {
  kWp1,   ///< G+ and G-: w = G+ - G-
  kWp2,   ///< g+ and g-
  kBoth,  ///< all four: w = (G+ + g+ - G- - g-) / 2
};

/// Number of devices, in the order of the control signal pdev: the pair of WP1, then that of WP2 (those that the weight
/// has), each the one that adds first.
[[nodiscard]] constexpr std::size_t device_count(WeightDevices devices) {
  return devices == WeightDevices::kBoth ? 4 : 2;
}

/// Decides the programming pulses of one row after another: what the host computes between a read and the next pulses.
/// No simulation in it.
///
/// A weight is pulsed, at most once between two reads, until a read shows it within its tolerance of the target,
/// config::ProgrammingConfig::tolerance times the technology's programming error at that target or
/// least_tolerance, whichever is larger. Pulses only add conductance, so a weight that is too low gets one on a device
/// that adds, one that is too high on a device that subtracts. With four devices the one that lacks most of its half of
/// the target comes first, and what is to be taken back after an overshoot goes to the secondary pair (g+, g-).
///
/// Width: from the error times config::ProgrammingConfig::approach (all of it when the error is small), by
/// 1 - exp(-k width) = share of the conductance that the device has left to gain. Speed k is learnt: a mean over all
/// pulses so far, and for each device what its own pulses did, as far as they stand out of the read-out's resolution.
class RowWriter {
 public:
  RowWriter(const config::ProgrammingConfig& config, const pcm::DeviceModel& model, WeightDevices devices);

  /// Begins a row, whose devices have been erased: kWires targets of -1..1.
  void begin(const double* targets);
  /// Takes what a read gave: kWires weights. Decides the next pulses, none if this read was the last (`last`).
  void read(const double* weights, bool last = false);

  /// Columns out of tolerance by the last read (each is judged until it was within once).
  [[nodiscard]] std::size_t open() const { return open_; }
  /// Widths of the next pulses on `device` in ns, 0: none.
  [[nodiscard]] const std::array<double, kWires>& widths_ns(std::size_t device) const { return widths_[device]; }
  [[nodiscard]] const std::array<std::uint32_t, kWires>& pulses() const { return pulses_; }  ///< of the row
  [[nodiscard]] const std::array<double, kWires>& weights() const { return weights_; }       ///< by the last read
  [[nodiscard]] double tolerance(double target) const;
  /// Mean speed of a device as learnt, per ns.
  [[nodiscard]] double speed_per_ns() const { return speed_; }

 private:
  static constexpr std::size_t kNone = 4;
  using Columns = std::array<double, kWires>;

  [[nodiscard]] std::size_t choose(std::size_t column, double error) const;
  [[nodiscard]] double left(std::size_t device, std::size_t column) const;
  void learn(std::size_t column, double weight);

  config::ProgrammingConfig config_;
  pcm::DeviceModel model_;
  std::size_t devices_;
  double device_weight_;  ///< of a device's conductance in the weight
  double speed_;
  Columns targets_{};
  Columns weights_{};
  std::array<Columns, 4> widths_{};
  std::array<Columns, 4> speeds_{};
  std::array<Columns, 4> conductances_{};     ///< as estimated from the reads
  Columns wanted_{};                          ///< conductance that the last pulse was to add
  std::array<std::size_t, kWires> pulsed_{};  ///< device of the last pulse
  std::array<bool, kWires> done_{};
  std::array<std::uint32_t, kWires> pulses_{};
  std::size_t open_ = 0;
};

}  // namespace chronotile::host
