#pragma once

#include <cstdint>
#include <string>
#include <systemc>

#include "firmware/isa/signals.hpp"

namespace chronotile::controller {

/// The control signals as the circuits see them: levels that a local controller (or a test bench) commits.
///
/// Order within one time stamp: levels change in the first delta cycle of the time stamp, `changed` fires one delta
/// later. A circuit reads every level it needs when it acts and compares with its own copy of the last ones.
class ControlLines : public virtual sc_core::sc_interface {
 public:
  [[nodiscard]] virtual std::uint32_t level(isa::Group group) const = 0;
  /// Fires a delta after any signal of `circuit` has changed.
  [[nodiscard]] virtual const sc_core::sc_event& changed(isa::Circuit circuit) const = 0;
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
};

}  // namespace chronotile::controller
