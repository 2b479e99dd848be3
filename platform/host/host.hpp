#pragma once

#include <functional>
#include <memory>
#include <systemc>
#include <tlm>

#include "models/base/probe.hpp"
#include "platform/config/platform_config.hpp"
#include "platform/host/chip_access.hpp"

namespace chronotile::host {

/// The off-chip digital unit as a module: an initiator on the control bus and a program that runs in simulated time.
/// What it does with a chip stands in ChipAccess and ChipDriver.
class Host final : public sc_core::sc_module, public probe::Traceable {
 public:
  Host(sc_core::sc_module_name name, const config::PlatformConfig& config);
  ~Host() override;

  [[nodiscard]] tlm::tlm_base_initiator_socket<32>& bus();
  [[nodiscard]] ChipAccess chip(std::uint32_t index = 0);

  /// Runs in simulated time from its start; set before simulation. Exceptions end the simulation and come out of
  /// finish().
  void set_program(std::function<void()> program);
  /// Rethrows what the program threw; throws std::logic_error if it did not come to its end.
  void finish() const;

  void attach(probe::Observer& observer) override;
  void show(const char* activity) { activity_probe_.text(activity); }

 private:
  struct Impl;
  void run();

  std::unique_ptr<Impl> impl_;
  probe::Probe activity_probe_;
};

}  // namespace chronotile::host
