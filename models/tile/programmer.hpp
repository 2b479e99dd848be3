#pragma once

#include <cstdint>
#include <memory>

#include "models/duration/receiver.hpp"
#include "models/mesh/transport_error.hpp"
#include "models/pcm/pulse.hpp"
#include "models/tile/context.hpp"

namespace chronotile::tile {

class Integrator;

/// The programming datapath of a tile: from pulses on the south-north wires to devices of one row.
///
/// While hv is 1 and exactly one device stands in pdev there is a write window, of the column groups in pcol, with row
/// (prow), device and amplitude (pamp) as they are. It ends when any of these levels changes; then the device of each
/// column has had a pulse as long as the column's wire was high within the window (transport error included; lane 0,
/// there is one array), and the weights of the row are what the devices then are. Charge that was integrated before is
/// worked out with the weights before. Energy: energy_per_write_ns_fJ times the square of the amplitude for each ns of
/// a pulse.
///
/// Violations: program_conflict, once until the condition ends, when pulses begin to arrive at open column groups while
/// the supply is off; pulse_not_covered when pulses lie partly outside the window.
class Programmer {
 public:
  Programmer(const Context& context, WeightArray& array, const Periphery& periphery, Integrator& integrator,
             const mesh::TransportErrorConfig& transport);

  void begin(const duration::Pulses& pulses);
  void end(const duration::Pulses& pulses);
  /// Levels of this time stamp; when pulses that begin and end in it have.
  void act(double now);

  /// The time until drift begins passes for what was written with pulses.
  void relax();
  /// Forgets what pulses made of a set's devices: it was written otherwise.
  void forget(WeightSet set);

 private:
  struct Levels {
    GroupMask columns = 0;  ///< 0: no window
    std::uint32_t device = 0;
    std::uint32_t row = 0;
    std::uint32_t amplitude = 0;
    [[nodiscard]] bool operator==(const Levels& other) const {
      return columns == other.columns && device == other.device && row == other.row && amplitude == other.amplitude;
    }
  };

  [[nodiscard]] Levels levels() const;
  void write(double now);
  void prepare(WeightSet set);
  void show(WeightSet set, int row);

  const Context& context_;
  WeightArray& array_;
  const Periphery& periphery_;
  Integrator& integrator_;
  mesh::TransportError transport_;
  std::unique_ptr<pcm::PulsedDevices> devices_;
  duration::Arrivals arrivals_;
  duration::Block widths_;
  Levels open_;
  double open_ns_ = 0;
  bool unsupplied_ = false;  ///< reported
};

}  // namespace chronotile::tile
