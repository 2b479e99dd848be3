#pragma once

#include <string>
#include <systemc>
#include <vector>

#include "models/base/probe.hpp"
#include "models/base/services.hpp"
#include "platform/config/platform_config.hpp"

namespace chronotile::chip {

/// Shows an observer the mean power of each domain of a chip, one lane's worth, over stretches of simulated time as
/// long as a slot; counts from the beginning of the simulation. Leakage is in domain "chip". Does nothing without
/// observer.
class PowerMonitor final : public sc_core::sc_module, public probe::Traceable {
 public:
  /// `domains`: names as places were registered with in the energy meter.
  PowerMonitor(sc_core::sc_module_name name, const config::ClockConfig& clock, std::vector<std::string> domains,
               Services& services);

  void attach(probe::Observer& observer) override;

 private:
  void sample();

  struct Domain {
    std::string name;
    double energy_nJ = 0;
    probe::Probe power;
  };
  double period_ns_;
  double slot_ns_;
  std::vector<Domain> domains_;
  Services& services_;
};

}  // namespace chronotile::chip
