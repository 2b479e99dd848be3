#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/base/violation.hpp"
#include "models/energy/meter.hpp"
#include "platform/config/platform_config.hpp"
#include "platform/host/calibration.hpp"
#include "platform/host/chip_driver.hpp"
#include "platform/mapping/plan.hpp"

namespace chronotile::host {

/// What one item (a recording) gave.
struct StepResult {
  std::vector<double> outputs;  ///< in the network's units
  double start_ns = 0;          ///< start trigger, simulated time
  double latency_ns = 0;        ///< start trigger to the last interrupt of the step
  double energy_nJ = 0;         ///< of one copy of the chip for this item, host included
  double chip_energy_nJ = 0;    ///< the same without the host
};

struct SessionOptions {
  std::size_t lanes = 1;
  int threads = 1;
};

/// One chip and its host, running a feed-forward plan: item i goes through lane i % lanes in step i / lanes, as noise
/// stream i. Construct one per process, attach observers, run.
///
/// Calibration, if the configuration asks for it, stands before all items: see Calibrator. Only the last layer is read,
/// so its outputs alone get slopes and offsets; what the periphery does to the layers before stays. Steps, time,
/// energy, instructions and violations of calibration are those of calibration() and of nothing else here.
class FeedForwardSession {
 public:
  FeedForwardSession(const config::PlatformConfig& config, const mapping::Plan& plan, const Images& images,
                     const SessionOptions& options);
  ~FeedForwardSession();

  /// Simulates all items. Energy is counted within steps only: what the chip uses while the host writes inputs for all
  /// lanes belongs to none. `inputs`: in 0..1, one vector per item. `done` is called after each step with the number of
  /// items finished. Ends early, with failure() set and the results so far, if a step does not come to its interrupt
  /// within `host.step_timeout_slots` or if a controller that ends it faults.
  [[nodiscard]] std::vector<StepResult> run(const std::vector<std::vector<double>>& inputs,
                                            const std::function<void(std::size_t)>& done);

  /// Why the run was given up, with the controllers concerned, their state, cause and PC; empty if it was not.
  [[nodiscard]] const std::string& failure() const;
  [[nodiscard]] const ViolationLog& violations() const;
  [[nodiscard]] const energy::Meter& energy() const;
  /// Without calibration.
  [[nodiscard]] double simulated_ns() const;
  [[nodiscard]] const CalibrationSummary& calibration() const;
  [[nodiscard]] std::uint64_t steps() const;
  /// Slots from the start trigger to the last interrupt, the longest step.
  [[nodiscard]] std::uint32_t slots_per_step() const;
  /// Instructions that all controllers executed.
  [[nodiscard]] std::uint64_t instructions() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chronotile::host
