#pragma once

#include <cstdint>
#include <systemc>

#include "models/base/lanes.hpp"
#include "models/base/probe.hpp"
#include "models/controller/control_lines.hpp"
#include "models/controller/cycle_wheel.hpp"
#include "platform/config/platform_config.hpp"

namespace chronotile::chip {

/// Controller clock and chip-wide start trigger. All controllers count the same cycles, and slots from the trigger.
class ChipClock final : public sc_core::sc_module, public controller::ClockLines, public probe::Traceable {
 public:
  /// A start trigger sets the epoch of `lanes`.
  ChipClock(sc_core::sc_module_name name, const config::ClockConfig& config, Lanes& lanes);

  sc_core::sc_export<controller::ClockLines> lines;

  /// Raises triggers in the next cycle; bit 0, the chip's start, makes that cycle the new epoch.
  void trigger(std::uint32_t mask);

  [[nodiscard]] double period_ns() const override { return config_.period_ns; }
  [[nodiscard]] std::uint32_t slot_cycles() const override { return config_.slot_cycles; }
  [[nodiscard]] sc_core::sc_time epoch() const override;
  [[nodiscard]] std::uint32_t triggers() const override;
  [[nodiscard]] const sc_core::sc_event& triggered() const override { return triggered_; }
  [[nodiscard]] controller::CycleWheel* wheel() override { return &wheel_; }

  void attach(probe::Observer& observer) override;

 private:
  void fire();
  void fall();

  config::ClockConfig config_;
  Lanes& lanes_;
  sc_core::sc_time period_;
  controller::CycleWheel wheel_;
  sc_core::sc_time epoch_;
  sc_core::sc_time next_;      ///< cycle of the pending or last triggers
  std::uint32_t pending_ = 0;  ///< triggers of cycle `next_`
  sc_core::sc_event fire_event_;
  sc_core::sc_event fall_event_;
  sc_core::sc_event triggered_;
  probe::Probe trigger_probe_;
};

}  // namespace chronotile::chip
