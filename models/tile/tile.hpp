#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <systemc>

#include "models/base/probe.hpp"
#include "models/base/services.hpp"
#include "models/controller/control_lines.hpp"
#include "models/duration/protocol.hpp"
#include "models/mesh/transport_error.hpp"
#include "models/tile/array.hpp"

namespace chronotile::tile {

struct TileConfig {
  std::uint32_t index = 0;  ///< duration::SourceId and noise place of this tile
  ArrayConfig array;
  PeripheryConfig periphery;
  double lead_in_ns = 10.0;  ///< an integration window may open this long before the pulses (assumed)
  /// Ramp code units (assumed): capacitor voltage is counted in weight-ns, the charge of a full-scale weight during
  /// 1 ns, divided by the number of capacitors that share it.
  double slope_per_code = 1.0 / 64.0;
  double start_per_code = 1.0 / 4.0;
  double full_scale_ns = 255.0;  ///< longest pulse that carries data (derived: 8 bits at 1 GHz)
  // Energy: the sum over a full MAC is fitted to 20 TOPS/W, a third of it each is assumed (docs/energy.md).
  double energy_per_cell_ns_fJ = 0.13065;    ///< a cell's current while its row's pulse lasts, mean conductance
  double energy_per_column_ns_fJ = 63.885;   ///< operational amplifier and mirror of a column while its window is open
  double energy_per_conversion_pJ = 17.057;  ///< ramp and comparator of a column, an emission
  double energy_per_write_ns_fJ = 300.0;     ///< of a programming pulse at full amplitude, 0.1 mA at 3 V (assumed)
};

/// Capacitors of one tile; private to the models of a tile.
class Integrator;

/// Which state of the share switches: that of this time stamp or the one before it.
enum class Moment : std::uint8_t { kBefore, kNow };

/// Called for the capacitors of a tile with the column groups that are connected to where the walk began.
using CapacitorVisitor = std::function<void(Integrator& capacitors, GroupMask groups, bool precharging)>;

/// Connects the capacitors of a tile with those of a neighbour.
class CapacitorLink : public virtual sc_core::sc_interface {
 public:
  /// Level of the neighbour's own switch on the shared edge, per column group.
  [[nodiscard]] virtual GroupMask share_closed(bool northern_edge, Moment moment) const = 0;
  /// Visits the capacitors of this tile and those connected to it further on (away from the caller), column groups
  /// `groups` only, always in the order from north to south. Called once per set of groups with the same precharge
  /// level.
  virtual void walk(bool southwards, GroupMask groups, Moment moment, const CapacitorVisitor& visit) = 0;
};

/// A tile: 512 x 512 unit cells of 4 PCM devices and the column periphery (capacitor, ramp, comparator).
///
/// Integration: while `integ` is 1, the current of each column is mirrored into its capacitor for as long as each row's
/// pulse lasts: a window [open, close) adds sign * sum over rows w[row][column] * overlap(pulse, window); sign and
/// weight set from `pol`, `wp1`, `wp2`, rows from `rowgate` and `rowsrc`, all read at the window's opening.
/// Charge is worked out when first needed, from windows and pulses up to that moment: all windows through one weight
/// set are ONE pass over its weights with the signed sum of their inputs.
///
/// Duration generation: `ramp` run (rising edge) freezes the capacitors' voltage V = charge / number of shared
/// capacitors and starts a ramp start + slope * t (fall: minus). The comparator's output is high while V is above the
/// ramp (cmp 0; below for cmp 1) and the ramp runs. The pulse of column c is comparator AND `en`; groups in `colout`
/// drive it onto the south-north wires. Its leading edge is common: the rising edge of `en` (or the ramp's start if EN
/// is already 1); durations are final when EN falls or the last comparator has.
/// V is not consumed: several ramps may read it. `pre` = 1 sets it to zero; windows that integrate after a ramp without
/// precharge add to what is there. Where a share switch opens, the charge has spread evenly over the capacitors it
/// connected. Of pulses that still last then, or when a ramp starts (a violation), the part until then is counted; the
/// rest goes to the windows that are open later.
/// Groups of `colout` that open or close during a ramp act as `en` does: the pulse is what passes both. `cmp` is read
/// when a pulse's gate opens. Comparator and ramp that disagree yield, in columns whose comparator is high when EN
/// falls, a pulse as long as the gate was open. Receivers that need its charge before take it as if EN fell then.
///
/// Column periphery: gains and offsets of the lines, saturation, errors of ramp and comparators, see Periphery. Soft
/// saturation acts on the voltage that a ramp finds; hard saturation clips the charge of this tile's capacitors after
/// each integration window, so windows are then worked out one after the other, each with passes of its own.
///
/// Devices: read noise of each integration enters as noise of the column sum with the variance that drawing every
/// device anew would have (WeightArray::noise_variance), keyed by seed, chip, tile, the lanes' streams and steps, and
/// the time since the step began at which the charge is frozen.
///
/// Energy (assumed in form): account array, for each ns of a row's pulse within a window, per cell of the window's
/// columns, whatever the conductance; account periphery, for each ns of a window per column, booked when it closes, and
/// for each column whose gate opens in a ramp.
///
/// Programming: program() writes statistical results; pulses through hv, pamp, pdev, prow, pcol write single devices,
/// see Programmer.
///
/// Violations: see ViolationKind, section tile.
class Tile final : public sc_core::sc_module, public CapacitorLink, public probe::Traceable {
 public:
  Tile(const sc_core::sc_module_name& name, const TileConfig& config, const mesh::TransportErrorConfig& transport,
       Services& services, energy::Place energy_place);
  ~Tile() override;

  sc_core::sc_port<controller::ControlLines> control;
  duration::TargetSocket& west_east();                                       ///< from the node's west-east wires
  duration::TargetSocket& south_north();                                     ///< from the node's south-north wires
  duration::InitiatorSocket& columns();                                      ///< onto the node's south-north wires
  sc_core::sc_port<CapacitorLink, 1, sc_core::SC_ZERO_OR_MORE_BOUND> north;  ///< neighbour's capacitors
  sc_core::sc_port<CapacitorLink, 1, sc_core::SC_ZERO_OR_MORE_BOUND> south;
  sc_core::sc_export<CapacitorLink> capacitors;  ///< bound to this

  /// Statistical programming by the host's back door.
  void program(WeightSet set, const WeightMatrix& target);
  /// The same, as the devices are `age_s` after they were written.
  void program(WeightSet set, const WeightMatrix& target, double age_s);
  /// What was integrated until now sees the weights as they are; waits for work on them. Behind it, and while no time
  /// passes, tiles may be programmed side by side.
  void join();
  [[nodiscard]] const WeightArray& array() const;
  /// Weights that were written with pulses relax: the time until drift begins passes (set time, see
  /// pcm::PulsedDevices).
  void relax();

  [[nodiscard]] GroupMask share_closed(bool northern_edge, Moment moment) const override;
  void walk(bool southwards, GroupMask groups, Moment moment, const CapacitorVisitor& visit) override;

  void attach(probe::Observer& observer) override;

 private:
  void end_of_elaboration() override;
  // in the order of delta cycles within a time stamp
  void react();
  void settle();
  void act();
  void emit();
  void finish();
  void judge();

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chronotile::tile
