#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "firmware/isa/instructions.hpp"
#include "models/base/services.hpp"
#include "platform/chip/chip.hpp"
#include "platform/config/platform_config.hpp"
#include "platform/host/chip_access.hpp"
#include "platform/mapping/plan.hpp"

namespace chronotile::host {

/// Programs of the controllers of one chip, by name as in ChipPlan::assembly.
using Images = std::map<std::string, std::vector<isa::Word>>;

/// Runs the steps of one chip by its plan: inputs to the input pads, start trigger, interrupts, outputs from the output
/// pads. For a thread of simulation; one step at a time.
class ChipDriver {
 public:
  /// Programs the chip's tiles with the plan's weights; keeps those until begin_items(), if calibration is asked for
  /// (HostConfig::calibration_steps, drift_compensation), and does not otherwise.
  ChipDriver(chip::Chip& chip, ChipAccess access, Services& services, energy::Meter& meter, mapping::ChipPlan plan,
             Images images, const config::PlatformConfig& config);

  [[nodiscard]] const mapping::ChipPlan& plan() const { return plan_; }

  /// Writes all programs and starts all controllers, which then wait for the start trigger.
  void load_firmware();

  // By lane: a pointer to the chip's inputs or outputs; null, or none: the lane stays as it is, or is not wanted. They
  // go side by side. Transfers take no simulated time: they overlap with the chip's work in hardware, and
  // HostConfig::step_overhead_ns stands for them.
  using LanesIn = std::vector<const double*>;
  using LanesOut = std::vector<double*>;
  /// All inputs (ChipPlan::input_count); cut at the ends of their range.
  void write_inputs(const LanesIn& inputs);
  /// Forgets what the output pads hold, so that a step that captures nothing does not return old results.
  void forget_outputs();
  /// Outputs in the network's units, partial sums added (ChipPlan::output_count).
  void read_outputs(const LanesOut& outputs);
  /// All words in counts, ChipPlan::outputs one after the other.
  void read_words(const LanesOut& counts);
  /// From now on the output of word k (numbered as in read_words) is (count - zeros[k]) * units[k].
  void set_read_out(std::vector<double> zeros, std::vector<double> units);
  /// Ages the devices from the time of calibration to that of the items, which is to write the same weights again: the
  /// devices stay the same ones.
  void age();
  /// Ends calibration: forgets the weights; steps and instructions count from here.
  void begin_items();

  /// Arithmetic operations on the words of a step: scale and offset of each, and the sums of partial results.
  [[nodiscard]] std::uint64_t conversions_per_step() const;

  /// Start trigger to last interrupt. False, with failure() set: the step was given up because it did not come to its
  /// interrupt within `host.step_timeout_slots` or because a controller that ends it faulted. (No exception:
  /// AddressSanitizer loses track of the stack where one is thrown in or behind a simulation with SystemC threads.)
  [[nodiscard]] bool step();
  [[nodiscard]] const std::string& failure() const { return failure_; }

  // Of the last step.
  [[nodiscard]] double start_ns() const;
  [[nodiscard]] double latency_ns() const;

  [[nodiscard]] std::uint64_t steps() const { return steps_ - steps_before_; }
  /// Slots from the start trigger to the last interrupt, the longest step.
  [[nodiscard]] std::uint32_t slots_per_step() const { return slots_per_step_; }
  /// Instructions that the chip's controllers executed.
  [[nodiscard]] std::uint64_t instructions() const;

  /// Charges the digital unit's energy of `operations` for one lane, apart from what take_energy() returns. Returns it
  /// in whole attojoules, in proportion to the operations, so that it does not depend on how they are divided into
  /// calls.
  std::int64_t charge_host_aJ(std::uint64_t operations);
  /// Energy of the chip for each lane since the last call, without the host. Waits for the middle of a clock cycle,
  /// where all charges of a cycle are in or out, and returns on the next edge.
  [[nodiscard]] std::vector<double> take_energy();

 private:
  void program(double age_s, bool keep_weights);
  /// The words of one lane of an output vector: bytes, or numbers where the pads hold real ones.
  struct Words {
    const std::uint8_t* bytes;
    const double* reals;
  };
  /// Calls visit(lanes[l], index of the output vector, its first word among those of all, words) for each lane that is
  /// wanted and each output vector, lanes side by side.
  using Visit = std::function<void(double* lane, std::size_t index, std::size_t first_word, const Words& words)>;
  void read(const LanesOut& lanes, const Visit& visit);
  void for_each_lane(bool direct, const std::function<void(std::size_t lane)>& visit);
  [[nodiscard]] std::uint64_t executed() const;
  [[nodiscard]] std::uint32_t controller(const std::string& name) const;
  [[nodiscard]] bool wait_for_finishers();
  void give_up_step(const std::string& why);

  chip::Chip& chip_;
  ChipAccess access_;
  energy::Meter& meter_;
  WorkPool& workers_;
  energy::Place host_place_;
  mapping::ChipPlan plan_;
  Images images_;
  std::size_t lanes_;
  double slot_ns_;
  std::uint32_t timeout_slots_;
  std::uint32_t slot_cycles_;
  std::int64_t operation_aJ_;
  double full_scale_;
  sc_core::sc_time period_;
  std::uint64_t finishers_ = 0;
  std::uint64_t steps_ = 0;
  std::uint32_t slots_per_step_ = 0;
  std::string failure_;
  std::vector<double> reals_;  ///< one vector
  double age_s_;               ///< of the devices while items run
  double programmed_age_s_ = 0;
  std::uint64_t steps_before_ = 0;  ///< begin_items()
  std::uint64_t executed_before_ = 0;
  // Of calibrated words; empty: as the plan says.
  std::vector<double> zeros_;
  std::vector<double> units_;
};

}  // namespace chronotile::host
