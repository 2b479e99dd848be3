#pragma once

#include <cstdint>
#include <memory>
#include <systemc>

#include "models/base/probe.hpp"
#include "models/base/services.hpp"
#include "models/controller/control_lines.hpp"
#include "models/duration/protocol.hpp"

namespace chronotile::mesh {

/// In the order of duration::HopId.
enum class Edge : std::uint8_t { kNorth, kEast, kSouth, kWest };
inline constexpr int kEdges = 4;

struct NodeConfig {
  std::uint32_t index = 0;               ///< site: grid row * grid columns + grid column
  double hop_delay_ns = 0.05;            ///< driver to driver (assumed)
  double energy_per_wire_hop_pJ = 0.05;  ///< per wire of a group, with or without a pulse (assumed)
  /// A processing element's site: straight wires whatever `control` says, no corner switch.
  bool pass_through = false;
};

/// Mesh routing at one site: 512 west-east wires, 512 south-north wires, a borderguard at each of the four edges and
/// a corner switch between the two planes.
///
/// What enters at the west edge (bgw in) is on the west-east wires: heard by the tile's rows (`rows_west_east`), leaves
/// at the east edge where bge lets it out and, where `turn` [15:8] is set, drives the south-north wires. South-north
/// wires likewise; the tile's columns drive them (`columns`). Nothing leaves by the way by which it came, the corner
/// switch included. A switch that closes or opens during a pulse cuts its tail or head and is a violation; two drivers
/// on a wire are one (contention: both go on, receivers join them), so is a pulse that returns to wires it already
/// drives (route loop; it is not forwarded again). Multicast is several switches open at once; concatenation is
/// different wire groups from different drivers.
///
/// Guards are read when they matter: begin_pulses uses the levels of its own time stamp; a change of guards at that
/// time stamp is acted on in delta 2, when all pulses of the time stamp have begun and ended; contention is judged
/// two deltas after the pulses came onto the wires, when whatever ends at the time stamp has ended. So a pulse that
/// ends at the time at which a switch moves, or at which another one begins, is undisturbed, whatever the order of
/// processes; the propagation delay (below 1 ns) is left out of these comparisons.
///
/// Delay: hop_delay_ns for each set of wires that the pulses come onto (edge, own columns, corner switch), with one
/// HopId. Energy: energy_per_wire_hop_pJ for each wire of the groups that come onto a set of wires, whether it has a
/// pulse or not.
///
/// Traces: `bgn`, `bge`, `bgs`, `bgw`, `turn` (levels), `busy_we`, `busy_sn` (occupied wire groups); on demand
/// `wires_we`, `wires_sn` (pulses).
class Node final : public sc_core::sc_module, public probe::Traceable {
 public:
  Node(sc_core::sc_module_name name, const NodeConfig& config, Services& services, energy::Place energy_place);
  ~Node() override;

  sc_core::sc_port<controller::ControlLines, 1, sc_core::SC_ZERO_OR_MORE_BOUND> control;  ///< unbound: pass-through
  duration::TargetSocket& in(Edge edge);
  duration::InitiatorSocket& out(Edge edge);
  duration::TargetSocket& columns();              ///< emissions of the tile at this site
  duration::InitiatorSocket& rows_west_east();    ///< what is on the west-east wires
  duration::InitiatorSocket& rows_south_north();  ///< what is on the south-north wires

  void attach(probe::Observer& observer) override;

 private:
  void end_of_elaboration() override;
  void on_control();
  void on_act();
  void on_judge();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chronotile::mesh
