#pragma once

#include <cstdint>
#include <memory>
#include <systemc>
#include <tlm>

#include "models/base/probe.hpp"
#include "models/base/services.hpp"
#include "models/controller/control_lines.hpp"
#include "models/duration/protocol.hpp"
#include "models/mesh/transport_error.hpp"

namespace chronotile::landing_pad {

struct PadConfig {
  std::uint32_t source_id = 64;     ///< duration::SourceId and noise place of this pad
  std::uint32_t vectors = 64;       ///< depth of the pad's SRAM in vectors of 512 words (assumed)
  double ns_per_count = 1.0;        ///< of the duration counters (derived: 1 GHz)
  std::uint32_t full_scale = 255;   ///< largest code: 8-bit unsigned words (published)
  bool quantise = true;             ///< false: real numbers through the real-valued window (preset ideal)
  double lead_in_ns = 10.0;         ///< a capture window may open this long before the pulses (assumed)
  double energy_per_word_pJ = 0.5;  ///< conversion of one word (assumed)
  double energy_per_ns_pJ = 0.05;   ///< counters of 512 wires running (assumed)
};

/// Byte offsets within a pad's data window of the control bus. Lane l of vector v starts at
/// l * vectors * stride + v * stride of its window. Only one window is there: bytes if `quantise`, else real numbers;
/// what lies in the other, or behind the last vector of the last lane, is an address error.
namespace map {
inline constexpr std::uint64_t kVectorBytes = 512;   ///< stride of the byte window: 512 words of 8 bits
inline constexpr std::uint64_t kRealBytes = 4096;    ///< stride of the real window: 512 doubles
inline constexpr std::uint64_t kBytes = 0x000'0000;  ///< SRAM: byte window (hardware)
inline constexpr std::uint64_t kReal = 0x200'0000;   ///< real window (model only, preset ideal): durations as
                                                     ///< doubles in counts, not limited to full_scale
inline constexpr std::uint64_t kSize = 0x400'0000;
}  // namespace map

/// Input landing pad: 512 8-bit words become 512 durations by a counter. The rising edge of `psend` starts all pulses
/// of the wire groups at once (leading edge in that cycle) from vector `psendv`; each ends after its count; `psend`
/// falling cuts what is still high (violation send_overrun). Groups that rise later are an emission of their own. Words
/// above full_scale count as full_scale; real numbers below 0 as 0. Other violations: vector_address (nothing is sent),
/// pulse_lost.
/// Energy: energy_per_word_pJ for each word sent, energy_per_ns_pJ / 8 for each group while its psend is 1 (so that it
/// depends neither on data nor on lanes).
/// Throws std::invalid_argument if `vectors` of all lanes do not fit into the window.
class InputPad final : public sc_core::sc_module, public probe::Traceable {
 public:
  InputPad(sc_core::sc_module_name name, const PadConfig& config, Services& services, energy::Place energy_place);
  ~InputPad() override;

  sc_core::sc_port<controller::ControlLines> control;
  duration::InitiatorSocket& out();
  tlm::tlm_base_target_socket<32>& bus();  ///< data window, DMI on the byte window

  void attach(probe::Observer& observer) override;

 private:
  void end_of_elaboration() override;
  void on_control();
  void on_finish();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Output landing pad: per wire a counter runs while `pcap` is 1 and the wire is high; at the falling edge of `pcap`
/// the vector goes to the SRAM at `pcapv` (latched at the rising edge) as 8-bit words: duration / ns_per_count rounded
/// to nearest (assumed), at most full_scale; with quantise = false as a real number of counts. Words of pulses that are
/// not over at the falling edge are stored when they are. Wire groups outside the window's mask keep their words; a
/// group that nobody drives gets zeros. The propagation delay is not subtracted: a window must stay open until the last
/// edge arrives. Violations: capture_idle (no vector arrived on any group of the window), window_early,
/// pulse_not_covered (a captured pulse lies partly outside the window), vector_address (nothing is stored).
/// Words are counted in a job; accesses on the bus wait for it, and a capture makes DMI pointers invalid: ask again.
/// Energy: energy_per_word_pJ for each word stored, energy_per_ns_pJ / 8 for each group while its pcap is 1.
/// Throws std::invalid_argument if `vectors` of all lanes do not fit into the window.
class OutputPad final : public sc_core::sc_module, public probe::Traceable {
 public:
  OutputPad(sc_core::sc_module_name name, const PadConfig& config, const mesh::TransportErrorConfig& transport,
            Services& services, energy::Place energy_place);
  ~OutputPad() override;

  sc_core::sc_port<controller::ControlLines> control;
  duration::TargetSocket& in();
  tlm::tlm_base_target_socket<32>& bus();

  void attach(probe::Observer& observer) override;

 private:
  void end_of_elaboration() override;
  void on_control();
  void on_act();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chronotile::landing_pad
