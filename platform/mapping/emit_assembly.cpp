#include "platform/mapping/emit_assembly.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

namespace chronotile::mapping {
namespace {

using isa::Group;

/// "0-3 5" for 0x2f.
std::string groups_text(std::uint32_t mask) {
  std::string text;
  for (unsigned first = 0; first < kWireGroups; ++first) {
    if ((mask >> first & 1U) == 0) {
      continue;
    }
    unsigned last = first;
    while (last + 1 < kWireGroups && (mask >> (last + 1) & 1U) != 0) {
      ++last;
    }
    text += fmt::format(first == last ? "{}{}" : "{}{}-{}", text.empty() ? "" : " ", first, last);
    first = last;
  }
  return text;
}

/// Name of the constant that holds the cycle of a phase.
std::string_view phase_name(Phase phase, bool pad) {
  switch (phase) {
    case Phase::kPrechargeOn:
      return "PRECHARGE_ON";
    case Phase::kRampStart:
      return "RAMP_START";
    case Phase::kSetup:
      return "SETUP";
    case Phase::kPrechargeOff:
      return "PRECHARGE_OFF";
    case Phase::kWindowOpen:
      return "WINDOW_OPEN";
    case Phase::kPulseStart:
      return pad ? "SEND_START" : "EN_OPEN";
    case Phase::kInputEnd:
      return pad ? "SEND_END" : "INPUT_EN_CLOSE";
    case Phase::kInputRampStop:
      return "INPUT_RAMP_STOP";
    case Phase::kInputWindowClose:
      return "INPUT_CLOSE";
    case Phase::kPulseEnd:
      return pad ? "SEND_END" : "EN_CLOSE";
    case Phase::kRampStop:
      return "RAMP_STOP";
    case Phase::kWindowClose:
    case Phase::kRelease:
    case Phase::kInterrupt:
      return "WINDOW_CLOSE";
  }
  return "";
}

std::string_view phase_doc(Phase phase, bool pad) {
  switch (phase) {
    case Phase::kPrechargeOn:
      return "capacitors are connected and reset";
    case Phase::kRampStart:
      return "ramp leaves its start level, below zero";
    case Phase::kSetup:
      return "switches of the slot stand";
    case Phase::kPrechargeOff:
      return "capacitors are free";
    case Phase::kWindowOpen:
      return pad ? "capture opens" : "integration opens";
    case Phase::kPulseStart:
      return pad ? "pulses start" : "EN opens: pulses start";
    case Phase::kInputEnd:
    case Phase::kPulseEnd:
      return pad ? "pulses of full scale end" : "EN closes: clips at full scale";
    case Phase::kInputWindowClose:
      return "integration closes";
    case Phase::kInputRampStop:
    case Phase::kRampStop:
      return "ramp is back at its start level";
    default:
      return pad ? "capture closes" : "receivers close";
  }
}

bool is_pad(const ControllerSchedule& schedule) {
  return schedule.name.compare(0, 4, "ilp_") == 0 || schedule.name.compare(0, 4, "olp_") == 0;
}

bool selects_columns(Group group) {
  return isa::signal_group(group).circuit == isa::Circuit::kColumns &&
         isa::signal_group(group).layout == isa::Layout::kPerWireGroup;
}

std::string guard_text(std::string_view edge, std::uint32_t value) {
  const std::uint32_t out = value & kAllGroups;
  const std::uint32_t in = value >> unsigned{kWireGroups};
  if (value == 0) {
    return fmt::format("{} edge: closed", edge);
  }
  return fmt::format("{} edge:{}{}", edge, in == 0 ? "" : " in " + groups_text(in),
                     out == 0 ? "" : " out " + groups_text(out));
}

/// What a write does, for the comment behind it.
std::string explain(const Event& event) {
  const auto value = static_cast<std::uint32_t>(event.value);
  const std::string groups = groups_text(value);
  const bool on = value != 0;
  switch (event.group) {
    case Group::kRowGate:
      return on ? "row groups that listen: " + groups : "rows silent";
    case Group::kRowSource:
      return on ? "row groups that hear the south-north wires: " + groups : "rows hear the west-east wires";
    case Group::kWp1:
      return on ? "weights: WP1" : "WP1 off";
    case Group::kWp2:
      return on ? "weights: WP2" : "WP2 off";
    case Group::kPrecharge:
      return on ? "reset the capacitors" : "capacitors free";
    case Group::kIntegrate:
      return on ? "integrate" : "integration over";
    case Group::kPolarity:
      return on ? "polarity swapped: G- adds" : "polarity normal";
    case Group::kShareNorth:
      return on ? "capacitors joined with the northern tile" : "northern tile let go";
    case Group::kShareSouth:
      return on ? "capacitors joined with the southern tile" : "southern tile let go";
    case Group::kRamp:
      return on ? "ramp runs" : "ramp stops";
    case Group::kRampSlope:
      return "for the next start of the ramp";
    case Group::kRampStart:
      return "for the next start of the ramp";
    case Group::kEnable:
      return on ? "pulses leave" : "pulses end";
    case Group::kColumnOut:
      return on ? "column groups onto the south-north wires: " + groups : "columns off the wires";
    case Group::kBorderNorth:
      return guard_text("northern", value);
    case Group::kBorderEast:
      return guard_text("eastern", value);
    case Group::kBorderSouth:
      return guard_text("southern", value);
    case Group::kBorderWest:
      return guard_text("western", value);
    case Group::kTurn:
      return !on ? "corner switch open"
             : (value & kAllGroups) == 0
                 ? "west-east wires drive south-north: " + groups_text(value >> unsigned{kWireGroups})
                 : "south-north wires drive west-east: " + groups_text(value & kAllGroups);
    case Group::kPadSend:
      return on ? "wire groups that are sent: " + groups : "every pulse is over";
    case Group::kPadCapture:
      return on ? "wire groups that are captured: " + groups : "vector goes to the SRAM";
    case Group::kPadSendVector:
    case Group::kPadCaptureVector:
      return "address in the pad's SRAM";
    default:
      return "";
  }
}

class Emitter {
 public:
  Emitter(const ControllerSchedule& schedule, const SlotTiming& timing, const tile::TileConfig& tile)
      : schedule_(schedule), timing_(timing), tile_(tile), pad_(is_pad(schedule)) {
    for (const Event& event : schedule.events) {
      if (selects_columns(event.group) && event.value != 0) {
        columns_.insert(event.value);
      } else if (event.group == Group::kRowGate && event.value != 0) {
        rows_.insert(event.value);
      } else if (event.group == Group::kRampSlope) {
        slope_ = event.value;
      } else if (event.group == Group::kRampStart) {
        start_ = event.value;
      }
    }
  }

  std::string run() {
    std::string body;
    for (auto first = schedule_.events.begin(); first != schedule_.events.end();) {
      const auto last = std::find_if(first, schedule_.events.end(), [&](const Event& event) {
        return event.slot != first->slot || event.cycle != first->cycle;
      });
      body += batch({first, last});
      first = last;
    }
    return head() + "start:\n" + line("trig", "trig.start", "the next instruction runs in cycle 0 of slot 0") + body +
           "\n" + line("jmp", "start", "");
  }

 private:
  static std::string line(std::string_view mnemonic, const std::string& operands, const std::string& comment) {
    const std::string code = fmt::format("  {:<7} {}", mnemonic, operands);
    return comment.empty() ? code + "\n" : fmt::format("{:<32}; {}\n", code, comment);
  }

  static std::string equ(std::string_view name, const std::string& value, const std::string& comment) {
    return fmt::format("{:<32}; {}\n", fmt::format(".equ {}, {}", name, value), comment);
  }

  [[nodiscard]] std::string head() const {
    std::string text = fmt::format("; {}: {}\n", schedule_.name, schedule_.title);
    text += fmt::format(
        "; Written by `chronotile map`. Times are cycles of a slot of {} cycles. The writes of a batch take a cycle\n"
        "; each; the last one (.c) commits them all in its own cycle.\n\n",
        timing_.slot_cycles);
    for (const Phase phase : used_) {
      text += equ(phase_name(phase, pad_), fmt::format("{}", cycle_of(phase, timing_)),
                  std::string(phase_doc(phase, pad_)));
    }
    if (rows_.size() == 1) {
      text += equ("ROWS", fmt::format("{:#04x}", *rows_.begin()), "row groups (64 rows each) in use");
    }
    if (columns_.size() == 1) {
      text += equ("COLS", fmt::format("{:#04x}", *columns_.begin()), "column groups (64 columns each) in use");
    }
    if (slope_) {
      text += equ("SLOPE", fmt::format("{}", *slope_),
                  fmt::format("ramp: {:g} weight-ns per ns", *slope_ * tile_.slope_per_code));
    }
    if (start_) {
      text += equ("START", fmt::format("{}", *start_),
                  fmt::format("ramp: from {:g} weight-ns", *start_ * tile_.start_per_code));
    }
    return text + "\n";
  }

  /// Goes to the slot of the next batch.
  std::string enter(std::uint32_t slot) {
    std::string text = "\n";
    const auto notes = schedule_.notes.find(slot);
    if (notes == schedule_.notes.end()) {
      text += fmt::format("; slot {}\n", slot);
    } else {
      for (std::size_t i = 0; i < notes->second.size(); ++i) {
        text +=
            i == 0 ? fmt::format("; slot {}: {}\n", slot, notes->second[i]) : fmt::format(";   {}\n", notes->second[i]);
      }
    }
    if (slot != slot_) {
      text += line("slot", fmt::format("{}", slot - slot_), "");
      slot_ = slot;
      next_ = 0;
    }
    return text;
  }

  std::string batch(const std::vector<Event>& events) {
    const Event& final_event = events.back();
    const auto writes = static_cast<std::uint32_t>(events.size());
    const std::uint32_t start = final_event.cycle + 1 - writes;
    std::string text;
    if (fresh_ || final_event.slot != slot_) {
      text += enter(final_event.slot);
      fresh_ = false;
    }
    if (start > next_) {
      text += line("at", at_operand(final_event.phase, start), "");
    }
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (events[i].group == Group::kInterrupt) {
        text += line("irq", fmt::format("{}", events[i].value), "the step is over");
      } else {
        text += line(i + 1 == events.size() ? "set.c" : "set",
                     fmt::format("{}, {}", isa::signal_group(events[i].group).name, value_text(events[i])),
                     explain(events[i]));
      }
    }
    next_ = final_event.cycle + 1;
    return text;
  }

  /// The cycle `start`, written as the phase's constant and a distance.
  std::string at_operand(Phase phase, std::uint32_t start) {
    Phase base = phase;
    if (phase == Phase::kRelease || phase == Phase::kInterrupt) {
      base = Phase::kWindowClose;
    } else if (timing_.input_end == timing_.pulse_end) {  // one kind of pulses: one name
      base = phase == Phase::kInputEnd           ? Phase::kPulseEnd
             : phase == Phase::kInputRampStop    ? Phase::kRampStop
             : phase == Phase::kInputWindowClose ? Phase::kWindowClose
                                                 : phase;
    }
    used_.insert(base);
    const std::uint32_t cycle = cycle_of(base, timing_);
    const std::string_view name = phase_name(base, pad_);
    if (start == cycle) {
      return std::string(name);
    }
    return start > cycle ? fmt::format("{} + {}", name, start - cycle) : fmt::format("{} - {}", name, cycle - start);
  }

  [[nodiscard]] std::string value_text(const Event& event) const {
    const isa::SignalGroup& group = isa::signal_group(event.group);
    if (event.group == Group::kRampSlope) {
      return event.value == slope_ ? "SLOPE" : fmt::format("{}", event.value);
    }
    if (event.group == Group::kRampStart) {
      return event.value == start_ ? "START" : fmt::format("{}", event.value);
    }
    if (event.group == Group::kRamp && event.value == 1) {
      return "ramp.run";
    }
    if (event.value == 0) {
      return "0";
    }
    if (event.group == Group::kRowGate && rows_.size() == 1) {
      return "ROWS";
    }
    if (selects_columns(event.group) && columns_.size() == 1) {
      return "COLS";
    }
    switch (group.layout) {
      case isa::Layout::kPerWireGroup:
        return fmt::format("{:#04x}", event.value);
      case isa::Layout::kOutIn:
        return fmt::format("{:#06x}", event.value);
      default:
        return fmt::format("{}", event.value);
    }
  }

  const ControllerSchedule& schedule_;
  const SlotTiming& timing_;
  const tile::TileConfig& tile_;
  bool pad_;
  std::set<std::int32_t> columns_;
  std::set<std::int32_t> rows_;
  std::optional<std::int32_t> slope_;
  std::optional<std::int32_t> start_;
  std::set<Phase> used_;
  std::uint32_t slot_ = 0;
  std::uint32_t next_ = 0;  ///< cycle in which the next instruction would run
  bool fresh_ = true;
};

}  // namespace

std::string emit_assembly(const ControllerSchedule& schedule, const SlotTiming& timing, const tile::TileConfig& tile) {
  return Emitter(schedule, timing, tile).run();
}

}  // namespace chronotile::mapping
