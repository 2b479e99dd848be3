#include "testbench/support/control_driver.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace chronotile::support {

ControlDriver::ControlDriver(const sc_core::sc_module_name& name) : sc_module(name) {
  lines.bind(*this);
  SC_HAS_PROCESS(ControlDriver);
  SC_METHOD(play);
  sensitive << due_;
  dont_initialize();
}

void ControlDriver::at(double time_ns, std::initializer_list<Setting> settings) {
  const sc_core::sc_time time(time_ns, sc_core::SC_NS);
  if (time < sc_core::sc_time_stamp()) {
    throw std::logic_error(fmt::format("{}: at({} ns) is in the past", name(), time_ns));
  }
  auto& entry = schedule_[time];
  entry.insert(entry.end(), settings.begin(), settings.end());
  due_.notify(schedule_.begin()->first - sc_core::sc_time_stamp());
}

void ControlDriver::set(std::initializer_list<Setting> settings) {
  for (const Setting& setting : settings) {
    commit(setting);
  }
}

void ControlDriver::play() {
  const auto entry = schedule_.begin();
  for (const Setting& setting : entry->second) {
    commit(setting);
  }
  schedule_.erase(entry);
  if (!schedule_.empty()) {
    due_.notify(schedule_.begin()->first - sc_core::sc_time_stamp());
  }
}

void ControlDriver::commit(const Setting& setting) {
  if ((setting.level & ~isa::group_mask(setting.group)) != 0) {
    throw std::logic_error(
        fmt::format("{}: {} has no level 0x{:x}", name(), isa::signal_group(setting.group).name, setting.level));
  }
  std::uint32_t& level = levels_.at(static_cast<std::size_t>(setting.group));
  if (level != setting.level) {
    level = setting.level;
    changed_.at(static_cast<std::size_t>(isa::signal_group(setting.group).circuit)).notify(sc_core::SC_ZERO_TIME);
  }
}

}  // namespace chronotile::support
