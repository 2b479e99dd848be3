#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/base/services.hpp"
#include "platform/config/platform_config.hpp"
#include "platform/host/chip_driver.hpp"
#include "platform/host/known_vectors.hpp"

namespace chronotile::host {

/// y = offset + slope * x by ordinary least squares.
struct LineFit {
  std::size_t samples = 0;  ///< that were used
  double slope = 0;
  double offset = 0;
  double slope_error = 0;  ///< standard error of the slope, from the residuals
  double mean_x = 0;
  double mean_y = 0;
  double sum_xx = 0;  ///< sum of squared deviations of x from its mean
  double sum_xy = 0;
};

/// Fits `count` pairs whose numbers stand `stride` apart, in their order, without those whose y is not within
/// `least`..`most`, ends excluded. Slope 0 if fewer than two x differ, its error 0 with fewer than three samples.
[[nodiscard]] LineFit fit_line(const double* x, const double* y, std::size_t count, std::size_t stride, double least,
                               double most);

/// What calibration of a board took and found.
struct CalibrationSummary {
  bool done = false;
  std::uint32_t steps = 0;       ///< with known inputs, of each chip on one lane
  double time_ns = 0;            ///< they take, chip after chip, HostConfig::step_overhead_ns included
  double energy_nJ = 0;          ///< of the chips
  std::uint64_t violations = 0;  ///< of the hardware's rules, which do not count in the run
  struct Matrix {
    std::string name;
    std::size_t columns = 0;   ///< words read: with partial sums, several for an output
    std::size_t unfitted = 0;  ///< of them without a usable slope: they take the matrix's
    double slope_mean = 1;     ///< counts read per count expected, over the fitted columns
    double slope_sigma = 0;    ///< standard deviation
    double offset_mean = 0;    ///< counts
    double offset_sigma = 0;
    double drift_factor = 1;  ///< that drift compensation found: outputs at the items' age over those at calibration
  };
  std::vector<Matrix> matrices;
};

/// Whether the configuration asks for any.
[[nodiscard]] bool calibrates(const config::HostConfig& config);

/// Calibrates a chip through the platform, as a laboratory would: known inputs through input pads, firmware and output
/// pads, and a straight line for each output column through what was read and what the weights written should give
/// (words at the ends of their range left out). From then on the driver's outputs are (word - offset) / slope.
///
/// A column whose slope is not positive or has a standard error of more than a tenth of it (dead, or without signal)
/// takes the slope of its matrix, sum xy / sum xx over the columns fitted, and an offset that makes its mean right.
///
/// Devices are HostConfig::calibration_age_s old then, and are aged to pcm.age_s behind it. Drift compensation "global"
/// measures there one factor per matrix, sum xy / sum xx of the calibrated outputs over what is expected, as in Joshi
/// et al., "Accurate deep neural network inference using computational phase-change memory", Nature Communications 11,
/// 2473 (2020), and divides by it.
class Calibrator {
 public:
  /// `driver` has loaded its firmware and still holds its plan's weights.
  Calibrator(ChipDriver& driver, Services& services, const config::PlatformConfig& config)
      : driver_(driver), services_(services), config_(config) {}

  /// In a thread of simulation, with no lane active in the meter. Adds to `summary`, ages the devices, then lets the
  /// driver forget the weights and begin its counts. Ends early at a step if `stopped` says so, or if a step fails
  /// (ChipDriver::failure()). Results depend neither on the number of lanes nor on what ran before.
  void run(CalibrationSummary& summary, const std::function<bool()>& stopped);

 private:
  /// Words of all vectors, as KnownVectors::expected; false: ended early.
  [[nodiscard]] bool measure(const KnownVectors& known, std::uint64_t round, std::vector<double>& words,
                             CalibrationSummary& summary, const std::function<bool()>& stopped);
  void fit(const KnownVectors& known, const std::vector<double>& words, std::vector<CalibrationSummary::Matrix>& found);
  void compensate(const KnownVectors& known, const std::vector<double>& words,
                  std::vector<CalibrationSummary::Matrix>& found);
  [[nodiscard]] double most_counts() const;

  ChipDriver& driver_;
  Services& services_;
  const config::PlatformConfig& config_;
  // Of each word read.
  std::vector<double> zeros_;            ///< counts at an output of 0
  std::vector<double> counts_per_unit_;  ///< counts for an output of 1 in the network's units
};

}  // namespace chronotile::host
