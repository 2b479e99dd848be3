#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include "models/duration/pulses.hpp"

namespace chronotile::duration {

/// A time during which a receiver listens: half-open [open_ns, close_ns), absolute.
struct Window {
  double open_ns = 0;
  double close_ns = 0;
  GroupMask groups = kAllGroups;  ///< wire groups that it listens to
  double weight = 1;              ///< factor of its overlaps in the sum, for example the polarity of an integration
};

/// How pulses and windows met.
struct Coverage {
  /// Wire groups on which a vector stood during a window, even if no wire had a pulse.
  GroupMask heard = 0;
  /// Of those, wire groups with a pulse that is high outside all windows for some of its time.
  GroupMask partial = 0;
  /// Longest such time of one wire and lane.
  double missed_ns = 0;
  /// From a window's opening to the first leading edge it hears, largest over the windows; negative: the window opened
  /// during the pulses; -infinity: nothing was heard.
  double lead_in_ns = -std::numeric_limits<double>::infinity();
};

/// Rows in which a group's wires are summed without their weights.
inline constexpr std::size_t kMagnitudeRows = 16;
[[nodiscard]] constexpr std::size_t magnitude_size(std::size_t lanes) { return kWireGroups * kMagnitudeRows * lanes; }

/// Where overlaps are added: kWires x `lanes` numbers, row-major. Real: float or double.
template <typename Real>
struct Sum {
  Real* values = nullptr;
  std::size_t lanes = 0;
  /// Where not null, overlaps without their weights are added here, too: magnitude_size(lanes) numbers, those of wire w
  /// to row w % kMagnitudeRows of its group's. Each of them has the same order of additions however pulses are covered:
  /// branches in order of their beginnings, their windows, wires.
  Real* magnitudes = nullptr;

  /// From a group's first wire on.
  [[nodiscard]] Sum from(std::size_t wire) const {
    return {values != nullptr ? values + wire * lanes : nullptr, lanes,
            magnitudes != nullptr ? magnitudes + wire / kWiresPerGroup * kMagnitudeRows * lanes : nullptr};
  }
};

[[nodiscard]] inline Sum<double> sum_into(Block& block) {
  return {block.data(), static_cast<std::size_t>(block.cols()), nullptr};
}

/// Turns the durations of a branch at its driver into those at the receiver.
class Reception {
 public:
  Reception() = default;
  Reception(const Reception&) = delete;
  Reception& operator=(const Reception&) = delete;
  virtual ~Reception() = default;
  /// No duration is received longer than sent by more than this; a wire without a pulse has none here either.
  [[nodiscard]] virtual double bound_ns() const = 0;
  /// Writes the durations as received, of `pulses.groups` at least, into `durations_ns`.
  virtual void receive(const Pulses& pulses, Block& durations_ns) const = 0;
  /// sum += weight * durations as received, for `groups`: exactly what receive() gives, rounded to the sum's precision.
  virtual void add(const Pulses& pulses, GroupMask groups, double weight, const Sum<double>& sum) const = 0;
  virtual void add(const Pulses& pulses, GroupMask groups, double weight, const Sum<float>& sum) const = 0;
};

/// The pulses that arrived at a place, as a receiver (rows of a tile, counters of a pad, write drivers) sees them.
/// Pulses on disjoint wire groups stand side by side (implicit concatenation); pulses that meet on one wire are joined
/// as intervals, so the longer one wins whatever the order of arrival.
class Arrivals {
 public:
  /// Copies `pulses`; the transaction may go on living with its initiator. Ends are learnt from the shared emission.
  void begin(const Pulses& pulses);
  /// The branch that was begun with the same emission, hops, groups and head cut: takes over its final tail cut. Throws
  /// std::logic_error if there is none.
  void end(const Pulses& pulses);

  struct Entry {
    Pulses pulses;
    bool over = false;  ///< end_pulses was called: durations are final, or a switch closed for good

    /// When the last wire falls (without transport error), once `over`.
    [[nodiscard]] double end_ns() const;
  };
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] std::vector<Entry>& entries() { return entries_; }
  /// Forgets pulses that ended at or before `time_ns`. A receiver with transport error subtracts its bound from the
  /// time, because pulses may be received longer than they were sent.
  void forget(double time_ns);
  [[nodiscard]] bool empty() const { return entries_.empty(); }

 private:
  std::vector<Entry> entries_;
};

/// Adds to `sum`, for each wire and lane, weight times the time during which the wire is high within each of `windows`
/// (windows that share a wire group must not overlap in time). The entries that take part must be over, or the windows
/// that they meet closed at or before `known_ns`, the time up to which durations tell what happened (see Emission).
/// Pure: may run on a worker thread with a copy of the entries (cheap: emissions are shared).
/// A window that covers a pulse wholly contributes exactly its duration, whatever the absolute time. The bits of an
/// element depend on no other wire or lane, nor on pulses that ended before the windows.
/// `reception` null: durations are received as they were sent. Where the longest duration and the reception's bound
/// tell that a window covers a branch wholly, received durations are added in one pass (Reception::add) and never
/// stand in memory; they are worked out first only where that is in doubt.
template <typename Real>
Coverage overlap(const std::vector<Arrivals::Entry>& entries, const Window* windows, std::size_t window_count,
                 const Reception* reception, const Sum<Real>& sum,
                 double known_ns = -std::numeric_limits<double>::infinity());

extern template Coverage overlap<float>(const std::vector<Arrivals::Entry>&, const Window*, std::size_t,
                                        const Reception*, const Sum<float>&, double);
extern template Coverage overlap<double>(const std::vector<Arrivals::Entry>&, const Window*, std::size_t,
                                         const Reception*, const Sum<double>&, double);

/// What overlap() would return, if the bounds tell it without a look at any duration: then nothing is partial, and the
/// sum may be worked out later.
std::optional<Coverage> coverage_by_bounds(const std::vector<Arrivals::Entry>& entries, const Window& window,
                                           const Reception* reception);

/// The same for one window.
inline Coverage overlap(const std::vector<Arrivals::Entry>& entries, const Window& window, const Reception* reception,
                        Block& sum) {
  return overlap(entries, &window, 1, reception, sum_into(sum));
}

}  // namespace chronotile::duration
