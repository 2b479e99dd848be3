#include "platform/mapping/timing.hpp"

#include <fmt/format.h>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include "common/user_error.hpp"

namespace chronotile::mapping {
namespace {

/// Whole cycles that cover `ns`; a period that divides it is not rounded up by the arithmetic.
std::int64_t cycles_for(double ns, double period_ns) {
  return static_cast<std::int64_t>(std::ceil(ns / period_ns - 1e-9));
}

struct Phase {
  std::string_view name;
  std::int64_t cycle;
};

[[noreturn]] void refuse(const Phase& early, const Phase& late, std::uint32_t slot_cycles) {
  throw UserError("mapping: slot",
                  fmt::format("{} (cycle {}) must come before {} (cycle {}) in a slot of {} cycles", early.name,
                              early.cycle, late.name, late.cycle, slot_cycles),
                  "Change mapping.lead_cycle, mapping.setup_cycle or clock.slot_cycles");
}

}  // namespace

SlotTiming slot_timing(const config::PlatformConfig& config) {
  const config::MappingConfig& mapping = config.mapping;
  const double period = config.clock.period_ns;
  const double count = config.pad.ns_per_count;
  if (!(period > 0) || !(count > 0) || config.pad.full_scale < 3) {
    throw UserError("mapping: slot",
                    "the clock period, the length of a count or the full scale of the pads is too small",
                    "Change clock.period_ns, pad.ns_per_count or pad.full_scale");
  }
  SlotTiming timing;
  timing.slot_cycles = config.clock.slot_cycles;
  timing.full_scale_ns = config.pad.full_scale * count;
  timing.input_ns = timing.full_scale_ns * mapping.integration_share;
  timing.zero_count = (config.pad.full_scale + 1) / 2;  // NOLINT(bugprone-integer-division): a whole code
  timing.counts_per_unit = (config.pad.full_scale - timing.zero_count) / mapping.output_full_scale;
  timing.zero_ns = timing.zero_count * count;
  timing.unit_ns = timing.counts_per_unit * count;

  const std::int64_t lead = cycles_for(mapping.relu_lead_ns, period);
  const std::int64_t start = mapping.lead_cycle;
  const std::int64_t end = start + cycles_for(timing.full_scale_ns, period);
  const std::int64_t input_cycles = cycles_for(timing.input_ns, period);
  const std::array<Phase, 10> order{{{"the slot's first cycle", 0},
                                     {"the precharge's start", mapping.precharge_cycle},
                                     {"the setting of switches", mapping.setup_cycle},
                                     {"the opening of the windows", start - mapping.window_lead_cycles},
                                     {"the pulses' start", start},
                                     {"the pulses' end", end},
                                     {"the ramp's stop", end + 1},
                                     {"the closing of the windows", end + mapping.window_tail_cycles},
                                     {"the interrupt", end + mapping.window_tail_cycles + 1},
                                     {"the slot's end", timing.slot_cycles}}};
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    const bool may_meet = i == 0 || i == 3 || i == 6;
    if (order[i].cycle > order[i + 1].cycle || (order[i].cycle == order[i + 1].cycle && !may_meet)) {
      refuse(order[i], order[i + 1], timing.slot_cycles);
    }
  }
  const Phase precharged{"the precharge's end", std::int64_t{mapping.precharge_cycle} + mapping.precharge_cycles};
  if (mapping.precharge_cycles == 0 || precharged.cycle > order[3].cycle) {
    refuse(precharged, order[3], timing.slot_cycles);
  }
  if (lead > start) {
    refuse({"the slot's first cycle", 0}, {"the ramp's start", start - lead}, timing.slot_cycles);
  }

  timing.precharge_on = mapping.precharge_cycle;
  timing.precharge_off = static_cast<std::uint32_t>(precharged.cycle);
  timing.setup = mapping.setup_cycle;
  timing.ramp_start = static_cast<std::uint32_t>(start - lead);
  timing.pulse_start = mapping.lead_cycle;
  timing.pulse_end = static_cast<std::uint32_t>(end);
  timing.ramp_stop = timing.pulse_end + 1;
  timing.window_open = mapping.lead_cycle - mapping.window_lead_cycles;
  timing.window_close = timing.pulse_end + mapping.window_tail_cycles;
  timing.input_end = timing.pulse_start + static_cast<std::uint32_t>(input_cycles);
  timing.input_ramp_stop = timing.input_end + 1;
  timing.input_window_close = timing.input_end + mapping.window_tail_cycles;
  timing.emission_ns = static_cast<double>(input_cycles) * period;
  timing.interrupt = timing.window_close + 1;
  timing.relu_lead_ns = static_cast<double>(lead) * period;
  return timing;
}

}  // namespace chronotile::mapping
