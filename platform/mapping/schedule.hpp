#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "firmware/isa/signals.hpp"
#include "platform/mapping/timing.hpp"

namespace chronotile::mapping {

/// What happens in a cycle of a slot, in the order of time (kRampStart: of an emission that clips at zero).
enum class Phase : std::uint8_t {
  kPrechargeOn,
  kRampStart,
  kSetup,
  kPrechargeOff,
  kWindowOpen,
  kPulseStart,
  kInputEnd,  ///< of pulses that tiles integrate
  kInputRampStop,
  kInputWindowClose,
  kPulseEnd,  ///< of a read-out
  kRampStop,
  kWindowClose,
  kRelease,  ///< switches that the next slot does not need open again, behind the windows
  kInterrupt,
};

/// Cycle of a phase; for kRelease that of the first write.
[[nodiscard]] std::uint32_t cycle_of(Phase phase, const SlotTiming& timing);

/// A signal group takes a value in a cycle of a slot (`kInterrupt`: the instruction irq).
struct Event {
  std::uint32_t slot = 0;
  std::uint32_t cycle = 0;
  isa::Group group{};
  std::int32_t value = 0;
  Phase phase{};
};

/// All that one controller does in a step. Events of the same cycle are one batch: k writes in the k cycles up to and
/// with the cycle of the event, where they are committed together.
struct ControllerSchedule {
  std::string name;                                         ///< of the controller
  std::string title;                                        ///< what it does in this plan, one line
  std::vector<Event> events;                                ///< in the order of time
  std::map<std::uint32_t, std::vector<std::string>> notes;  ///< what a slot does, for reading
};

/// Collects what a controller has to do and puts it into the order of time.
class ScheduleBuilder {
 public:
  /// A switch that stands throughout the pulses of `slot`: set at `from`, released after the windows, or kept if the
  /// next slot holds it too. Bits of several calls add up.
  void hold(isa::Group group, std::uint32_t bits, std::uint32_t slot, Phase from = Phase::kSetup);
  /// `value` during [from, to) of the slot, 0 outside.
  void pulse(isa::Group group, std::uint32_t value, std::uint32_t slot, Phase from, Phase to);
  /// A code that stays until it is written again; no event if it has the value already.
  void latch(isa::Group group, std::int32_t value, std::uint32_t slot, Phase at);
  void interrupt(std::uint32_t slot);
  void note(std::uint32_t slot, std::string text) { notes_[slot].push_back(std::move(text)); }
  void set_title(std::string title) { title_ = std::move(title); }

  /// Throws UserError if the batches of a slot do not fit between each other.
  [[nodiscard]] ControllerSchedule build(const std::string& name, const SlotTiming& timing) const;

 private:
  struct Held {
    Phase from = Phase::kSetup;
    std::map<std::uint32_t, std::uint32_t> bits;  ///< by slot
  };

  std::string title_;
  std::map<isa::Group, Held> held_;
  std::map<isa::Group, std::int32_t> latched_;
  std::vector<Event> timed_;  ///< cycle not yet known
  std::map<std::uint32_t, std::vector<std::string>> notes_;
};

}  // namespace chronotile::mapping
