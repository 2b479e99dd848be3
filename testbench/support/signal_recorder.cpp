#include "testbench/support/signal_recorder.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace chronotile::support {

void PrintTo(const Change& change, std::ostream* out) {  // NOLINT(readability-identifier-naming): gtest's name
  *out << fmt::format("{{{} ns, {}, 0x{:x}}}", change.time_ns, isa::signal_group(change.group).name, change.level);
}

SignalRecorder::SignalRecorder(const sc_core::sc_module_name& name, const controller::ControlLines& lines)
    : sc_module(name), lines_(lines) {
  for (int circuit = 0; circuit < isa::kCircuitCount; ++circuit) {
    sc_core::sc_spawn_options options;
    options.spawn_method();
    options.dont_initialize();
    options.set_sensitivity(&lines.changed(static_cast<isa::Circuit>(circuit)));
    sc_core::sc_spawn([this, circuit] { record(static_cast<isa::Circuit>(circuit)); },
                      fmt::format("circuit_{}", circuit).c_str(), &options);
  }
}

void SignalRecorder::record(isa::Circuit circuit) {
  const double time_ns = sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_NS);
  for (const isa::SignalGroup& entry : isa::kSignalGroups) {
    std::uint32_t& last = last_.at(static_cast<std::size_t>(entry.group));
    const std::uint32_t level = lines_.level(entry.group);
    if (entry.circuit != circuit || level == last) {
      continue;
    }
    last = level;
    const Change change{time_ns, entry.group, level};
    const auto place = std::upper_bound(changes_.begin(), changes_.end(), change, [](const Change& a, const Change& b) {
      return std::tie(a.time_ns, a.group) < std::tie(b.time_ns, b.group);
    });
    changes_.insert(place, change);
  }
}

}  // namespace chronotile::support
