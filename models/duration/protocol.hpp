#pragma once

#include <cstdint>
#include <functional>
#include <systemc>
#include <tlm>
#include <utility>

#include "models/duration/pulses.hpp"

/// The duration protocol: a TLM-2.0 protocol of its own, because 512 parallel pulses are not a memory access.
///
/// One transaction is one branch of one emission over one wire segment. Forward path only (there is no handshake in
/// the chip): `begin_pulses` when the common leading edge passes, `end_pulses` when the last falling edge has passed
/// (only then are the durations final). A switch on the way that closes ends its branch early with end_pulses and a
/// finite tail_cut; one that opens begins a branch late with a head_cut. Where only some wire groups of a branch
/// change, the branch is ended and another one with the groups that are left is begun at the same time: the halves meet
/// without a gap. The target returns TLM_ACCEPTED always.
///
/// Timing: calls are made at the simulated time at which the edge leaves the DRIVER (or the switch moves); propagation
/// is annotated in Pulses::delay_ns (and, to the kernel's resolution, in the delay argument) and never waited for. A
/// driver calls end_pulses at ceil_time(lead + longest), at least one delta after begin_pulses.
///
/// Within one time stamp: control levels change in delta 0, and drivers call end_pulses of pulses that end by
/// themselves (one without any pulse: a delta after begin_pulses). Drivers react to their own control edges in delta 1
/// and call begin_pulses and, for what they cut, end_pulses; nodes forward at once by the guard levels of this time
/// stamp. Nodes act on guards that moved, and receivers on windows that opened or closed, in delta 2. A tile's ramp
/// starts in delta 3; if EN is 1 then, its begin_pulses comes in delta 4.
///
/// Ownership: the initiator owns the payload and keeps it alive and unchanged from begin_pulses to the return of
/// end_pulses, but for tail_cut_ns, which it may set before end_pulses; payload address identifies the transaction. A
/// target that needs the pulses later copies `Pulses` (cheap: the emission is shared).
namespace chronotile::duration {

DECLARE_EXTENDED_PHASE(begin_pulses);
DECLARE_EXTENDED_PHASE(end_pulses);

struct DurationProtocol {
  using tlm_payload_type = Pulses;
  using tlm_phase_type = tlm::tlm_phase;
};

class ForwardInterface : public virtual tlm::tlm_fw_nonblocking_transport_if<Pulses, tlm::tlm_phase> {
 public:
  using protocol_types = DurationProtocol;
};

/// Empty: nothing travels backwards.
class BackwardInterface : public virtual sc_core::sc_interface {
 public:
  using protocol_types = DurationProtocol;
};

/// Drives one wire segment of 512 wires. Implements the (empty) backward interface itself.
class InitiatorSocket : public tlm::tlm_base_initiator_socket<kWires, ForwardInterface, BackwardInterface, 1,
                                                              sc_core::SC_ZERO_OR_MORE_BOUND> {
 public:
  explicit InitiatorSocket(const char* name);
  /// No effect when unbound (the chip's outer edges).
  void begin(Pulses& pulses);
  void end(Pulses& pulses);
  [[nodiscard]] const char* kind() const override { return "chronotile_duration_initiator_socket"; }

 private:
  void send(Pulses& pulses, const tlm::tlm_phase& kind_of_edge);
  BackwardInterface nothing_;
};

/// Receives one wire segment; passes each call to a member function of its owner. May be left unbound.
class TargetSocket : public tlm::tlm_base_target_socket<kWires, ForwardInterface, BackwardInterface, 1,
                                                        sc_core::SC_ZERO_OR_MORE_BOUND> {
 public:
  explicit TargetSocket(const char* name);
  using Callback = std::function<void(Pulses&)>;
  /// Both must be set before simulation starts. Called with the payload of the transaction.
  void on_begin(Callback callback) { entry_.begin = std::move(callback); }
  void on_end(Callback callback) { entry_.end = std::move(callback); }
  [[nodiscard]] const char* kind() const override { return "chronotile_duration_target_socket"; }

 private:
  struct Entry final : ForwardInterface {
    tlm::tlm_sync_enum nb_transport_fw(Pulses& pulses, tlm::tlm_phase& phase, sc_core::sc_time& delay) override;
    Callback begin;
    Callback end;
  };
  Entry entry_;
};

}  // namespace chronotile::duration
