#include "platform/chip/power_monitor.hpp"

#include <algorithm>

namespace chronotile::chip {

PowerMonitor::PowerMonitor(sc_core::sc_module_name name, const config::ClockConfig& clock,
                           std::vector<std::string> domains, Services& services)
    : sc_module(name), period_ns_(clock.period_ns), slot_ns_(clock.slot_cycles * clock.period_ns), services_(services) {
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
      const auto lanes = static_cast<double>(std::max<std::size_t>(1, services_.energy.active_lanes()));
      domain.power.real((energy_nJ - domain.energy_nJ) / lanes / slot_ns_);
      domain.energy_nJ = energy_nJ;
    }
  }
  if (watched) {  // off the clock's edges, so that all charges of a cycle are in or out
    const bool first = sc_core::sc_time_stamp() == sc_core::SC_ZERO_TIME;
    next_trigger(first ? slot_ns_ + period_ns_ / 2 : slot_ns_, sc_core::SC_NS);
  }
}

void PowerMonitor::attach(probe::Observer& observer) {
  for (Domain& domain : domains_) {
    const std::string short_name = domain.name.substr(domain.name.rfind('.') + 1);
    domain.power.declare(observer,
                         {name(), "power_" + short_name + "_W", probe::Kind::kReal, 1, probe::Detail::kDefault,
                          "mean power of the domain over the last slot's length, W"});
    domain.power.real(0);
  }
}

}  // namespace chronotile::chip
