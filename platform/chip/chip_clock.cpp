#include "platform/chip/chip_clock.hpp"

#include <cmath>

namespace chronotile::chip {

ChipClock::ChipClock(sc_core::sc_module_name name, const config::ClockConfig& config, Lanes& lanes)
    : sc_module(name),
      lines("lines"),
      config_(config),
      lanes_(lanes),
      period_(config.period_ns, sc_core::SC_NS),
      wheel_(period_) {
  lines.bind(*this);
  SC_HAS_PROCESS(ChipClock);
  SC_METHOD(fire);
  sensitive << fire_event_;
  dont_initialize();
  SC_METHOD(fall);
  sensitive << fall_event_;
  dont_initialize();
}

void ChipClock::trigger(std::uint32_t mask) {
  const auto cycle = sc_core::sc_time_stamp().value() / period_.value() + 1;
  const sc_core::sc_time at = sc_core::sc_time::from_value(cycle * period_.value());
  if (at != next_) {
    epoch_ = epoch();
    pending_ = 0;
    next_ = at;
  }
  pending_ |= mask;
  fire_event_.notify(at - sc_core::sc_time_stamp());
}

sc_core::sc_time ChipClock::epoch() const {
  return (pending_ & 1U) != 0 && sc_core::sc_time_stamp() >= next_ ? next_ : epoch_;
}

std::uint32_t ChipClock::triggers() const { return sc_core::sc_time_stamp() == next_ ? pending_ : 0; }

void ChipClock::fire() {
  if ((pending_ & 1U) != 0) {
    lanes_.set_epoch_ns(next_ / sc_core::sc_time(1, sc_core::SC_NS));
  }
  triggered_.notify();
  trigger_probe_.bits(pending_);
  if (trigger_probe_.watched()) {
    fall_event_.notify(period_);
  }
}

void ChipClock::fall() { trigger_probe_.bits(0); }

void ChipClock::attach(probe::Observer& observer) {
  trigger_probe_.declare(observer, {name(), "trigger", probe::Kind::kBits, 8, probe::Detail::kDefault,
                                    "triggers raised in this cycle, bit 0 starts a step"});
  trigger_probe_.bits(0);
}

}  // namespace chronotile::chip
