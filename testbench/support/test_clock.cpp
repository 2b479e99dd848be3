#include "testbench/support/test_clock.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace chronotile::support {

TestClock::TestClock(const sc_core::sc_module_name& name, double period_ns, std::uint32_t slot_cycles)
    : sc_module(name), period_ns_(period_ns), slot_cycles_(slot_cycles) {
  lines.bind(*this);
  SC_HAS_PROCESS(TestClock);
  SC_METHOD(play);
  sensitive << due_;
  dont_initialize();
}

void TestClock::trigger(std::uint32_t triggers) {
  if (raised_at_ != sc_core::sc_time_stamp()) {
    triggers_ = 0;
  }
  raised_at_ = sc_core::sc_time_stamp();
  triggers_ |= triggers;
  if ((triggers & 1U) != 0) {
    epoch_ = raised_at_;
  }
  triggered_.notify();
}

void TestClock::trigger_at(double time_ns, std::uint32_t triggers) {
  const sc_core::sc_time time(time_ns, sc_core::SC_NS);
  if (time < sc_core::sc_time_stamp()) {
    throw std::logic_error(fmt::format("{}: trigger_at({} ns) is in the past", name(), time_ns));
  }
  schedule_[time] |= triggers;
  due_.notify(schedule_.begin()->first - sc_core::sc_time_stamp());
}

void TestClock::play() {
  const auto entry = schedule_.begin();
  trigger(entry->second);
  schedule_.erase(entry);
  if (!schedule_.empty()) {
    due_.notify(schedule_.begin()->first - sc_core::sc_time_stamp());
  }
}

}  // namespace chronotile::support
