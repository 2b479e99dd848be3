#pragma once

#include <cstdint>
#include <string>
#include <systemc>

#include "firmware/isa/signals.hpp"

namespace chronotile::controller {

class CycleWheel;

/// Hears of changes of control signals without an event of the kernel.
class LevelListener {
 public:
  LevelListener() = default;
  LevelListener(const LevelListener&) = delete;
  LevelListener& operator=(const LevelListener&) = delete;
  virtual ~LevelListener() = default;
  /// Levels of `circuit` have just changed: called in the delta of the change, once per commit. May look and may notify
  /// events; what it does otherwise must wait for the next delta.
  virtual void on_levels(isa::Circuit circuit) = 0;
};

/// The control signals as the circuits see them: levels that a local controller (or a test bench) commits.
///
/// Order within one time stamp: levels change in the first delta cycle of the time stamp, `changed` fires one delta
/// later. A circuit reads every level it needs when it acts and compares with its own copy of the last ones.
class ControlLines : public virtual sc_core::sc_interface {
 public:
  [[nodiscard]] virtual std::uint32_t level(isa::Group group) const = 0;
  /// The levels of all groups, by number, for circuits that read many of them; stays valid. Null: not offered here.
  [[nodiscard]] virtual const std::uint16_t* levels() const { return nullptr; }
  /// Fires a delta after any signal of `circuit` has changed. To be asked for before the change that it reports.
  [[nodiscard]] virtual const sc_core::sc_event& changed(isa::Circuit circuit) const = 0;
  /// Calls `listener` at changes of `circuit`. For circuits that can tell at once that most changes need no action.
  /// false: not offered here, use `changed`.
  virtual bool listen(isa::Circuit /*circuit*/, LevelListener& /*listener*/) { return false; }
  /// Full name of the controller, for violations.
  [[nodiscard]] virtual std::string controller_name() const = 0;
  /// Address of the instruction that was executed last.
  [[nodiscard]] virtual std::uint32_t pc() const = 0;
};

/// Clock and triggers that all controllers of a chip share. Cycle n starts at n times the clock period.
class ClockLines : public virtual sc_core::sc_interface {
 public:
  [[nodiscard]] virtual double period_ns() const = 0;           ///< of the controller clock (default 1)
  [[nodiscard]] virtual std::uint32_t slot_cycles() const = 0;  ///< default 300
  /// Time of the last start trigger, from which slots are counted; a multiple of the period. It is the new one from the
  /// first delta cycle of the trigger's time stamp on, before `triggered` fires: what runs in the cycle of the trigger
  /// does not depend on the order of processes.
  [[nodiscard]] virtual sc_core::sc_time epoch() const = 0;
  /// Triggers raised in the current cycle (bit 0: chip start). Valid when `triggered` fires.
  [[nodiscard]] virtual std::uint32_t triggers() const = 0;
  /// Fires in the cycle of the trigger: an instruction behind `trig` runs in this very cycle.
  [[nodiscard]] virtual const sc_core::sc_event& triggered() const = 0;
  /// Wakes the controllers of this clock; null: each has a wheel of its own.
  [[nodiscard]] virtual CycleWheel* wheel() { return nullptr; }
};

}  // namespace chronotile::controller
