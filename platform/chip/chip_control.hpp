#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <memory>
#include <systemc>
#include <vector>

#include "models/base/probe.hpp"
#include "models/bus/register_bank.hpp"
#include "models/controller/local_controller.hpp"
#include "platform/chip/chip_clock.hpp"

namespace chronotile::chip {

/// Chip control block: start trigger and the interrupts of all controllers. Registers: control_map in chip.hpp.
class ChipControl final : public sc_core::sc_module, public probe::Traceable {
 public:
  /// `controllers` <= 64.
  ChipControl(sc_core::sc_module_name name, std::uint32_t chip, std::uint32_t controllers, ChipClock& clock);

  tlm_utils::simple_target_socket<ChipControl, 32> socket{"socket"};

  /// Where controller `index` sends its interrupts.
  [[nodiscard]] controller::InterruptLines& line(std::uint32_t index) { return *lines_[index]; }

  [[nodiscard]] const sc_core::sc_event& interrupt() const { return interrupt_; }
  [[nodiscard]] std::uint64_t pending() const { return pending_; }
  [[nodiscard]] sc_core::sc_time last_interrupt() const { return last_interrupt_; }

  void attach(probe::Observer& observer) override;

 private:
  class Line final : public controller::InterruptLines {
   public:
    Line(ChipControl& control, std::uint32_t index) : control_(control), index_(index) {}
    void raise(std::uint32_t causes) override { control_.raise(index_, causes); }

   private:
    ChipControl& control_;
    std::uint32_t index_;
  };

  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned int transport_dbg(tlm::tlm_generic_payload& payload);
  void raise(std::uint32_t controller, std::uint32_t causes);
  /// A pair of registers that show 64 bits; writing 1 clears.
  void add_bits(const char* name, std::uint64_t offset, std::uint64_t& bits, const char* doc);
  void show_pending() { pending_probe_.bits(pending_); }

  bus::RegisterBank bank_;
  std::vector<std::unique_ptr<Line>> lines_;
  std::uint64_t pending_ = 0;
  std::uint64_t faults_ = 0;
  sc_core::sc_event interrupt_;
  sc_core::sc_time last_interrupt_;
  probe::Probe pending_probe_;
};

}  // namespace chronotile::chip
