#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/duration/geometry.hpp"
#include "models/pcm/device.hpp"

namespace chronotile::pcm {

/// What a programming pulse does to a device. Nothing about this chip's devices is published: the form is the usual one
/// of phase-change memory, all numbers are assumed. Amplitudes are shares of the full programming voltage.
struct PulseConfig {
  double set_amplitude = 0.3;    ///< below, a pulse does nothing
  double melt_amplitude = 0.75;  ///< from there on a pulse melts the device (RESET); below, it crystallises it (SET)
  double set_time_ns = 400.0;    ///< time constant of crystallisation just below `melt_amplitude`
  double full_set = 1.25;        ///< conductance that SET pulses tend to, in units of the largest one of a weight
  double full_set_sigma = 0.05;  ///< its spread over the devices, relative
  double speed_sigma = 0.3;      ///< spread of ln(speed) over the devices
  double increment_sigma = 0.2;  ///< spread of ln(increment) from pulse to pulse
  double reset_ns = 20.0;        ///< pulses that melt and are this long leave nothing but the residue
  double reset_residue = 0.004;  ///< standard deviation of that residue (half normal)
  double relaxation = 0.9;       ///< change after writing, as a share of the technology's programming error
};

/// The four devices of all unit cells of a tile as pulses make them, conductances in units of the largest one.
///
/// SET pulse of width d at amplitude a: g += (s - g) (1 - exp(-k d v e)), with s = full_set and speed v of the device
/// (normal, lognormal; the chip's own: keyed by chip_seed), e lognormal with mean 1 in each pulse, and
/// k = (a - set_amplitude) / (melt_amplitude - set_amplitude) / set_time_ns. So conductance only grows, saturates,
/// and answers to width; no SET pulse takes an overshoot back. RESET pulse: g goes to residue |z|, and the shorter ones
/// of d < reset_ns only the share d / reset_ns of the way. Relaxation: what reading right after a pulse does not show
/// and the time until drift begins does. Each device moves once by relaxation * programming_scale * sigma(g) z, g >= 0,
/// with the technology's programming error sigma. Broken devices (DeviceConfig::dead_share, stuck_share) are those of
/// DevicePairs and answer to nothing.
///
/// Draws are keyed by seed, chip, tile, set, device, row, column and how often that row's devices were written before.
class PulsedDevices {
 public:
  /// `place`: without the set. `chip_seed`: of what stays from run to run.
  PulsedDevices(const DeviceConfig& devices, const PulseConfig& pulse, const Place& place, std::uint64_t chip_seed);

  /// Device 0 of a set adds (G+, g+), 1 subtracts (G-, g-).
  static constexpr int kDevices = 2;

  /// The state before the first pulse, kWires x kWires by row: conductances of both devices. Without it they are 0.
  void load(std::uint32_t set, const std::vector<double>& plus, const std::vector<double>& minus);
  void unload(std::uint32_t set) { sets_[set] = {}; }
  [[nodiscard]] bool loaded(std::uint32_t set) const { return !sets_[set].conductance[0].empty(); }

  /// One pulse for each column of a row: widths in ns, 0: none. `amplitude`: 0..1.
  void pulse(std::uint32_t set, std::uint32_t device, int row, double amplitude, const double* widths_ns);
  /// The time until drift begins passes: whatever was written since the last call relaxes.
  void relax();

  /// The devices of a row as a read sees them now; `variance` as in DevicePairs, for these conductances.
  void row(std::uint32_t set, int row, RowOfPairs& pairs) const;

 private:
  struct Set {
    std::array<std::vector<float>, kDevices> conductance;     ///< kWires x kWires; empty: not used yet
    std::array<std::vector<std::uint32_t>, kDevices> writes;  ///< by row
    std::array<std::vector<std::uint8_t>, kDevices> relaxed;  ///< by row and column: 0 written since
  };
  void prepare(Set& set);
  [[nodiscard]] Place place(std::uint32_t set) const;

  DeviceConfig devices_;
  PulseConfig pulse_;
  DeviceModel model_;
  Place place_;
  std::uint64_t chip_seed_;
  std::array<Set, 2> sets_;
};

}  // namespace chronotile::pcm
