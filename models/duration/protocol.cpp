#include "models/duration/protocol.hpp"

#include <stdexcept>

#include "models/duration/time.hpp"

namespace chronotile::duration {

InitiatorSocket::InitiatorSocket(const char* name) : tlm_base_initiator_socket(name) { bind(nothing_); }

void InitiatorSocket::begin(Pulses& pulses) { send(pulses, begin_pulses); }

void InitiatorSocket::end(Pulses& pulses) { send(pulses, end_pulses); }

void InitiatorSocket::send(Pulses& pulses, const tlm::tlm_phase& kind_of_edge) {
  if (size() == 0) {
    return;
  }
  tlm::tlm_phase phase = kind_of_edge;
  auto delay = sc_core::sc_time::from_value(static_cast<std::uint64_t>(pulses.delay_ns * units_per_ns() + 0.5));
  (*this)->nb_transport_fw(pulses, phase, delay);
}

TargetSocket::TargetSocket(const char* name) : tlm_base_target_socket(name) { bind(entry_); }

tlm::tlm_sync_enum TargetSocket::Entry::nb_transport_fw(Pulses& pulses, tlm::tlm_phase& phase,
                                                        sc_core::sc_time& /*delay*/) {
  if (phase == begin_pulses) {
    begin(pulses);
  } else if (phase == end_pulses) {
    end(pulses);
  } else {
    throw std::logic_error("duration protocol: phase is neither begin_pulses nor end_pulses");
  }
  return tlm::TLM_ACCEPTED;
}

}  // namespace chronotile::duration
