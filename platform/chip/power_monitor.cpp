#include "platform/chip/power_monitor.hpp"

#include <algorithm>

namespace chronotile::chip {

PowerMonitor::PowerMonitor(sc_core::sc_module_name name, const config::ClockConfig& clock,
                           std::vector<std::string> domains, Services& services)
    : sc_module(name), slot_ns_(clock.slot_cycles * clock.period_ns), services_(services) {
  for (std::string& domain : domains) {
    domains_.push_back({std::move(domain), 0, {}});
  }
  SC_HAS_PROCESS(PowerMonitor);
  SC_METHOD(sample);
}

void PowerMonitor::sample() {
  bool watched = false;
  for (Domain& domain : domains_) {
    if (domain.power.watched()) {
      watched = true;
      const double energy_nJ = services_.energy.domain_nJ(domain.name);
      domain.power.real((energy_nJ - domain.energy_nJ) / static_cast<double>(services_.lanes.count()) / slot_ns_);
      domain.energy_nJ = energy_nJ;
    }
  }
  if (watched) {
    next_trigger(slot_ns_, sc_core::SC_NS);
  }
}

void PowerMonitor::attach(probe::Observer& observer) {
  for (Domain& domain : domains_) {
    const std::string short_name = domain.name.substr(domain.name.rfind('.') + 1);
    domain.power.declare(observer, {name(), "power_" + short_name + "_W", probe::Kind::kReal, 1,
                                    probe::Detail::kDefault, "mean power of the domain in the last slot, W"});
    domain.power.real(0);
  }
}

}  // namespace chronotile::chip
