#include "models/controller/cycle_wheel.hpp"

#include <algorithm>

namespace chronotile::controller {

CycleWheel::CycleWheel(const sc_core::sc_time& period) : period_(period.value()) {
  sc_core::sc_spawn_options options;
  options.spawn_method();
  options.dont_initialize();
  options.set_sensitivity(&event_);
  sc_core::sc_spawn([this] { turn(); }, sc_core::sc_gen_unique_name("turn"), &options);
}

std::size_t CycleWheel::add(Client& client) {
  clients_.push_back(&client);
  due_.push_back(kNever);
  return clients_.size() - 1;
}

void CycleWheel::schedule(std::size_t client, std::uint64_t cycle) {
  due_[client] = cycle;
  if (!turning_ && cycle < armed_) {
    arm(cycle);
  }
}

void CycleWheel::turn() {
  const std::uint64_t cycle = sc_core::sc_time_stamp().value() / period_;
  turning_ = true;
  for (std::size_t client = 0; client < due_.size(); ++client) {
    if (due_[client] <= cycle) {
      due_[client] = kNever;
      clients_[client]->on_due(cycle);
    }
  }
  turning_ = false;
  armed_ = kNever;
  std::uint64_t next = kNever;
  for (const std::uint64_t due : due_) {
    next = std::min(next, due);
  }
  if (next != kNever) {
    arm(next);
  }
}

void CycleWheel::arm(std::uint64_t cycle) {
  armed_ = cycle;
  const std::uint64_t time = cycle * period_;
  const std::uint64_t now = sc_core::sc_time_stamp().value();
  event_.notify(time > now ? sc_core::sc_time::from_value(time - now) : sc_core::SC_ZERO_TIME);
}

}  // namespace chronotile::controller
