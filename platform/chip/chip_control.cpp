#include "platform/chip/chip_control.hpp"

#include <string>

#include "platform/chip/chip.hpp"

namespace chronotile::chip {
namespace {

constexpr std::uint32_t kIdentityBase = 0x43540000;  // "CT"

}  // namespace

ChipControl::ChipControl(sc_core::sc_module_name name, std::uint32_t chip, std::uint32_t controllers, ChipClock& clock)
    : sc_module(name), bank_(this->name()) {
  for (std::uint32_t index = 0; index < controllers; ++index) {
    lines_.push_back(std::make_unique<Line>(*this, index));
  }
  bank_.add("identity", control_map::kIdentity).read_only().reset_value(kIdentityBase + chip).doc("index of the chip");
  bank_.add("trigger", control_map::kTrigger)
      .write_only()
      .on_write([&clock](std::uint32_t mask) { clock.trigger(mask); })
      .doc("triggers to raise in the next cycle, bit 0 starts a step");
  add_bits("pending", control_map::kPending0, pending_, "controllers with a raised interrupt");
  add_bits("fault", control_map::kFault0, faults_, "controllers that faulted");
  bank_.reset();

  socket.register_b_transport(this, &ChipControl::b_transport);
  socket.register_transport_dbg(this, &ChipControl::transport_dbg);
}

void ChipControl::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& /*delay*/) {
  bank_.transport(payload, payload.get_address());
}

unsigned int ChipControl::transport_dbg(tlm::tlm_generic_payload& payload) {
  return bank_.transport_dbg(payload, payload.get_address());
}

void ChipControl::add_bits(const char* name, std::uint64_t offset, std::uint64_t& bits, const char* doc) {
  for (unsigned half = 0; half < 2; ++half) {
    const unsigned shift = 32 * half;
    bank_.add(name + std::to_string(half), offset + 4 * half)
        .write_one_to_clear()
        .on_read([&bits, shift] { return static_cast<std::uint32_t>(bits >> shift); })
        .on_write([this, &bits, shift](std::uint32_t ones) {
          bits &= ~(std::uint64_t{ones} << shift);
          show_pending();
        })
        .doc(doc);
  }
}

void ChipControl::raise(std::uint32_t controller, std::uint32_t causes) {
  pending_ |= std::uint64_t{1} << controller;
  if ((causes & controller::kFaultInterrupt) != 0) {
    faults_ |= std::uint64_t{1} << controller;
  }
  last_interrupt_ = sc_core::sc_time_stamp();
  show_pending();
  interrupt_.notify(sc_core::SC_ZERO_TIME);
}

void ChipControl::attach(probe::Observer& observer) {
  pending_probe_.declare(observer, {name(), "irq", probe::Kind::kBits, static_cast<int>(lines_.size()),
                                    probe::Detail::kDefault, "controllers with a raised interrupt"});
  show_pending();
}

}  // namespace chronotile::chip
