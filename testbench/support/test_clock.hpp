#pragma once

#include <map>
#include <systemc>

#include "models/controller/control_lines.hpp"

namespace chronotile::support {

/// Clock and triggers under the control of a test.
class TestClock : public sc_core::sc_module, public controller::ClockLines {
 public:
  explicit TestClock(const sc_core::sc_module_name& name, double period_ns = 1, std::uint32_t slot_cycles = 300);

  sc_core::sc_export<controller::ClockLines> lines{"lines"};  ///< bound to this

  /// Raises triggers now; bit 0 makes now the epoch.
  void trigger(std::uint32_t triggers = 1);
  /// Raises them at `time_ns` (absolute, not in the past).
  void trigger_at(double time_ns, std::uint32_t triggers = 1);

  [[nodiscard]] double period_ns() const override { return period_ns_; }
  [[nodiscard]] std::uint32_t slot_cycles() const override { return slot_cycles_; }
  [[nodiscard]] sc_core::sc_time epoch() const override { return epoch_; }
  [[nodiscard]] std::uint32_t triggers() const override {
    return raised_at_ == sc_core::sc_time_stamp() ? triggers_ : 0;
  }
  [[nodiscard]] const sc_core::sc_event& triggered() const override { return triggered_; }

 private:
  void play();

  double period_ns_;
  std::uint32_t slot_cycles_;
  sc_core::sc_time epoch_;
  sc_core::sc_time raised_at_;
  std::uint32_t triggers_ = 0;
  std::map<sc_core::sc_time, std::uint32_t> schedule_;
  sc_core::sc_event due_{"due"};
  sc_core::sc_event triggered_{"triggered"};
};

}  // namespace chronotile::support
