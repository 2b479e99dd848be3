#include "platform/mapping/schedule.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "common/user_error.hpp"

namespace chronotile::mapping {
namespace {

std::uint32_t bits_in(const std::map<std::uint32_t, std::uint32_t>& by_slot, std::uint32_t slot) {
  const auto found = by_slot.find(slot);
  return found == by_slot.end() ? 0 : found->second;
}

/// Each batch must find its cycles behind the one before, and the instruction that waits for the next slot must run
/// within this one.
void check_batches(const ControllerSchedule& schedule, const SlotTiming& timing) {
  std::uint32_t slot = 0;
  std::int64_t next_free = 0;
  for (auto first = schedule.events.begin(); first != schedule.events.end();) {
    const auto last = std::find_if(first, schedule.events.end(), [&](const Event& event) {
      return event.slot != first->slot || event.cycle != first->cycle;
    });
    if (first->slot != slot) {
      slot = first->slot;
      next_free = 0;
    }
    const std::int64_t start = std::int64_t{first->cycle} + 1 - (last - first);
    if (start < next_free) {
      throw UserError(fmt::format("mapping: slot {} of {}", first->slot, schedule.name),
                      fmt::format("{} writes for cycle {} have to begin in cycle {}, but the controller is free from "
                                  "cycle {} on",
                                  last - first, first->cycle, start, next_free),
                      "Put more cycles between mapping.precharge_cycle, mapping.setup_cycle and mapping.lead_cycle");
    }
    next_free = std::int64_t{first->cycle} + 1;
    if (next_free >= timing.slot_cycles) {
      throw UserError(
          fmt::format("mapping: slot {} of {}", first->slot, schedule.name),
          fmt::format("its last write would be in cycle {} of a slot of {} cycles", first->cycle, timing.slot_cycles),
          "Make clock.slot_cycles longer or mapping.lead_cycle smaller");
    }
    first = last;
  }
}

}  // namespace

std::uint32_t cycle_of(Phase phase, const SlotTiming& timing) {
  switch (phase) {
    case Phase::kPrechargeOn:
      return timing.precharge_on;
    case Phase::kRampStart:
      return timing.ramp_start;
    case Phase::kSetup:
      return timing.setup;
    case Phase::kPrechargeOff:
      return timing.precharge_off;
    case Phase::kWindowOpen:
      return timing.window_open;
    case Phase::kPulseStart:
      return timing.pulse_start;
    case Phase::kInputEnd:
      return timing.input_end;
    case Phase::kInputRampStop:
      return timing.input_ramp_stop;
    case Phase::kInputWindowClose:
      return timing.input_window_close;
    case Phase::kPulseEnd:
      return timing.pulse_end;
    case Phase::kRampStop:
      return timing.ramp_stop;
    case Phase::kWindowClose:
      return timing.window_close;
    case Phase::kRelease:
      return timing.window_close + 1;
    case Phase::kInterrupt:
      return timing.interrupt;
  }
  throw std::logic_error("mapping: no such phase");
}

void ScheduleBuilder::hold(isa::Group group, std::uint32_t bits, std::uint32_t slot, Phase from) {
  Held& held = held_[group];
  held.from = from;
  held.bits[slot] |= bits;
}

void ScheduleBuilder::pulse(isa::Group group, std::uint32_t value, std::uint32_t slot, Phase from, Phase to) {
  timed_.push_back({slot, 0, group, static_cast<std::int32_t>(value), from});
  timed_.push_back({slot, 0, group, 0, to});
}

void ScheduleBuilder::latch(isa::Group group, std::int32_t value, std::uint32_t slot, Phase at) {
  const auto [found, fresh] = latched_.try_emplace(group, value);
  if (fresh || found->second != value) {
    found->second = value;
    timed_.push_back({slot, 0, group, value, at});
  }
}

void ScheduleBuilder::interrupt(std::uint32_t slot) {
  timed_.push_back({slot, 0, isa::Group::kInterrupt, 1, Phase::kInterrupt});
}

ControllerSchedule ScheduleBuilder::build(const std::string& name, const SlotTiming& timing) const {
  ControllerSchedule schedule{name, title_, {}, notes_};
  std::map<std::uint32_t, std::uint32_t> releases;  // writes behind the windows, by slot
  for (const auto& [group, held] : held_) {
    for (const auto& [slot, bits] : held.bits) {
      const std::uint32_t before = slot == 0 ? 0 : bits_in(held.bits, slot - 1) & bits;
      const std::uint32_t kept = bits & bits_in(held.bits, slot + 1);
      if (bits != before) {
        schedule.events.push_back({slot, 0, group, static_cast<std::int32_t>(bits), held.from});
      }
      if (bits != kept) {
        schedule.events.push_back({slot, 0, group, static_cast<std::int32_t>(kept), Phase::kRelease});
        ++releases[slot];
      }
    }
  }
  schedule.events.insert(schedule.events.end(), timed_.begin(), timed_.end());
  for (Event& event : schedule.events) {
    event.cycle = cycle_of(event.phase, timing);
    if (event.phase == Phase::kRelease) {
      event.cycle += releases[event.slot] - 1;
    }
  }
  std::stable_sort(schedule.events.begin(), schedule.events.end(), [](const Event& a, const Event& b) {
    return std::tie(a.slot, a.cycle) < std::tie(b.slot, b.cycle);
  });
  check_batches(schedule, timing);
  return schedule;
}

}  // namespace chronotile::mapping
