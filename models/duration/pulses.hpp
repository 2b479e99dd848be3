#pragma once

#include <Eigen/Core>
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "models/duration/geometry.hpp"

namespace chronotile::duration {

/// 512 x L block of real numbers in ns, row-major: element [wire][lane] at wire * lanes + lane; 64-byte aligned.
/// Durations are real numbers: only pads quantise.
using Block = Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Who drives wires: unique within a chip, equal from run to run. Tiles: their index 0..33, pads: 64 + index.
using SourceId = std::uint32_t;

/// One wire segment or switch that a vector passes, in order of travel: node index * 8 + the way by which it came onto
/// the node's wires (0 N, 1 E, 2 S, 3 W, 4 own columns, 5 corner switch from the south-north wires, 6 corner switch
/// from the west-east wires). Keys the systematic transport error and counts hops for energy.
using HopId = std::uint16_t;

/// What a driver puts on the wires, shared by all branches of a multicast. Durations are filled in before begin_pulses
/// and never change after end_pulses: falling edge minus common leading edge of each wire and lane; 0 = no pulse. In
/// between, the driver may cut pulses: at time t it shortens those that last longer to t, so that at any time the
/// durations tell all that has happened until then. Infinite: only a cut ends it.
///
/// Threads: once nothing changes them any more, any thread may read `counts` and, where they are empty, `durations_ns`,
/// or both with copy_durations(). All else is for the simulation's own thread.
struct Emission {
  SourceId source = 0;
  GroupMask groups = 0;        ///< driven wire groups
  double lead_ns = 0;          ///< common leading edge at the driver, absolute
  mutable Block durations_ns;  ///< kWires x lanes; rows of undriven groups are zero. Read it with durations()
  /// Instead of durations_ns, from a driver that counts (a landing pad): kWires x lanes durations as whole numbers of
  /// ns_per_count, an eighth of the memory. Empty: durations_ns holds them.
  std::vector<std::uint8_t> counts;
  double ns_per_count = 1;
  double longest_ns = 0;  ///< largest duration of all wires and lanes, once final
  GroupMask heard = 0;    ///< wire groups that some receiver listened to; set by receivers, read by the driver
  GroupMask rising =
      0;               ///< wire groups whose durations_ns hold the time at which the wire rises (comparator mismatch),
                       ///< until the cut makes pulses as long as the gate was open of those that have risen
  bool final = false;  ///< durations are final

  /// Durations in ns; the first call works them out from counts.
  [[nodiscard]] const Block& durations() const {
    if (!counts.empty() && durations_ns.size() == 0) {
      copy_durations(durations_ns);
    }
    return durations_ns;
  }
  /// Durations in ns into `copy`; any thread.
  void copy_durations(Block& copy) const;
  /// Longest of all wires and lanes.
  [[nodiscard]] double longest() const;
  /// Cuts the pulses of a wire group to `limit_ns`. Returns how long the longest of them was. Counts stay counts where
  /// the limit is a whole number of them.
  double cut(int group, double limit_ns);
  [[nodiscard]] std::size_t lanes() const {
    return counts.empty() ? static_cast<std::size_t>(durations_ns.cols()) : counts.size() / kWires;
  }
};

/// One branch of an emission as seen at a place: the transaction's payload. At the place, wire w of lane l is high on
/// the half-open interval [lead + delay + max(0, head_cut), lead + delay + min(durations, tail_cut)).
struct Pulses {
  std::shared_ptr<Emission> emission;
  GroupMask groups = 0;    ///< wire groups that this branch carries here
  double delay_ns = 0;     ///< propagation from the driver to here
  double head_cut_ns = 0;  ///< later opening of a switch on the way cut off this much (0: none)
  double tail_cut_ns =
      std::numeric_limits<double>::infinity();  ///< a switch on the way closed this long after the lead
  boost::container::small_vector<HopId, 12> hops;

  [[nodiscard]] double lead_ns() const { return emission->lead_ns + delay_ns; }
};

}  // namespace chronotile::duration
