#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <systemc>
#include <tlm>
#include <vector>

#include "firmware/isa/instructions.hpp"
#include "models/base/probe.hpp"
#include "models/base/services.hpp"
#include "platform/config/platform_config.hpp"

namespace chronotile::host {

/// The off-chip digital unit: loads firmware, feeds input pads, starts steps, waits for interrupts and reads output
/// pads, all over the control bus. Its program is a function that runs in simulated time.
///
/// Timing: moving data between steps takes HostConfig::step_overhead_ns in all (transfers overlap in hardware; the
/// model charges one figure and makes no claim about the bus between host and chip).
class Host final : public sc_core::sc_module, public probe::Traceable {
 public:
  Host(sc_core::sc_module_name name, const config::PlatformConfig& config, Services& services);
  ~Host() override;

  [[nodiscard]] tlm::tlm_base_initiator_socket<32>& bus();

  /// Runs in simulated time from its start; set before simulation. Exceptions end the simulation and come out of
  /// finish().
  void set_program(std::function<void()> program);
  /// Rethrows what the program threw; throws std::logic_error if it did not come to its end.
  void finish() const;

  // For the program, from within it. Each throws std::runtime_error naming address and response if the bus refuses.
  void load_firmware(std::uint32_t controller, const std::vector<isa::Word>& words);
  void start_controller(std::uint32_t controller);
  /// Writes words 0.. of lane `lane` of vector `vector` in a pad's data window (chip::map::pad). Values in counts;
  /// rounded to words of 8 bits where the pads quantise.
  void write_vector(std::uint32_t pad_window, std::uint32_t vector, std::size_t lane,
                    const std::vector<double>& counts);
  /// Words `first`..`first + count - 1` of a vector, in counts.
  [[nodiscard]] std::vector<double> read_vector(std::uint32_t pad_window, std::uint32_t vector, std::size_t lane,
                                                std::uint32_t first, std::uint32_t count);
  /// Raises triggers of the chip in the next cycle.
  void trigger(std::uint32_t mask);
  /// Interrupt state as the chip control block shows it; clear_interrupts clears exactly these.
  [[nodiscard]] std::uint64_t pending_interrupts();
  [[nodiscard]] std::uint64_t faults();
  void clear_interrupts(std::uint64_t controllers);
  /// A register of a controller's bank, `offset` as in controller::map.
  [[nodiscard]] std::uint32_t read_controller(std::uint32_t controller, std::uint64_t offset);
  /// Step overhead in time and energy.
  void work_between_steps();

  void attach(probe::Observer& observer) override;
  void show(const char* activity) { activity_probe_.text(activity); }

 private:
  struct Impl;
  void run();
  [[nodiscard]] std::uint64_t read_bits(std::uint64_t offset);

  std::unique_ptr<Impl> impl_;
  probe::Probe activity_probe_;
};

}  // namespace chronotile::host
