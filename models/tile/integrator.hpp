#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <systemc>
#include <utility>
#include <vector>

#include "models/base/work_pool.hpp"
#include "models/duration/receiver.hpp"
#include "models/mesh/transport_error.hpp"
#include "models/tile/context.hpp"

namespace chronotile::tile {

/// Charge of the 512 capacitors in weight-ns at one moment; never changes once its job is done.
struct Charge {
  explicit Charge(WorkPool& pool) : workers(pool) {}
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  ~Charge() { join(); }
  void join() { workers.wait(ticket); }

  WorkPool& workers;
  duration::Block value;    ///< kWires x lanes; valid after join()
  WorkPool::Ticket ticket;  ///< of the job that fills in `value`
};

/// Charge of some column groups of one tile; what is not in `charged` is zero.
struct ChargePart {
  GroupMask groups = 0;
  GroupMask charged = 0;
  std::shared_ptr<Charge> charge;
};

enum class Plane : std::uint8_t { kWestEast, kSouthNorth };

/// Rows and capacitors of a tile: from pulses and integration windows to charge.
///
/// Charge is worked out in `freeze`: all windows up to that moment, against all pulses up to that moment, as one signed
/// sum of inputs per weight set and class of column groups (groups that were in the same windows), then one pass over
/// the weights per set. What windows and pulses that last bring later is left for the next time. Of a pulse that lasts,
/// everything up to now is known: a cut can only shorten what is still to come. Sums run in a fixed order: planes, wire
/// groups, pulses by leading edge and source, windows by time; windows that add before those that subtract. None of it
/// depends on which lane lasts longest.
class Integrator {
 public:
  Integrator(const Context& context, const WeightArray& array, const mesh::TransportErrorConfig& transport);
  Integrator(const Integrator&) = delete;
  Integrator& operator=(const Integrator&) = delete;
  ~Integrator() { join(); }

  void begin(Plane plane, const duration::Pulses& pulses);
  /// Returns when the pulses are over at the rows, in ns, or infinity if nothing listened: call `judge` then.
  double end(Plane plane, const duration::Pulses& pulses);

  /// Acts on the levels of this time stamp: window edges.
  void settle(double now);
  /// A delta later, when branches that switches cut at this time stamp have ended: the row gates hear what still lasts.
  void hear();
  /// `grounded` of the capacitors of `groups` are precharged, by the tile itself or through a share. Reports those that
  /// integrate, once until the condition ends.
  void check_grounded(GroupMask groups, GroupMask grounded);
  /// Reports pulses that are over and were not covered by windows. Returns when to call it again (ns, or infinity).
  double judge(double now);

  /// Charge up to now.
  ChargePart freeze(double now);
  /// Joins what runs on the weights.
  void join();
  /// Nothing that was integrated until now is left.
  void reset(GroupMask groups, double now);
  /// Replaces the charge of `groups`.
  void assign(GroupMask groups, const duration::Block& charge);
  void mark_read(GroupMask groups) { fresh_ = static_cast<GroupMask>(fresh_ & ~groups); }
  /// Whether charge of these groups has been equalised at this moment already; marks it.
  [[nodiscard]] GroupMask not_yet_equalised(GroupMask groups, double now);

  [[nodiscard]] GroupMask integrating() const { return context_.mask(isa::Group::kIntegrate); }
  /// Column groups with a window that overlaps pulses which still last.
  [[nodiscard]] GroupMask pulsed(double now) const;
  [[nodiscard]] bool windows_open() const { return !open_.empty(); }

 private:
  struct Arrived {
    duration::Arrivals::Entry entry;
    Plane plane{};
    GroupMask heard = 0;  ///< row groups whose gate was open while it passed
    bool judged = false;
    bool is_received = false;                      ///< durations are known as they are received
    std::array<double, kWireGroups> longest_ns{};  ///< as received
    std::unique_ptr<duration::Block> received;     ///< with transport error; null: as sent

    [[nodiscard]] double lead_ns() const;
    /// Over all `groups`; infinity while it lasts.
    [[nodiscard]] double end_ns(GroupMask groups) const;
  };
  using ArrivedPointer = std::shared_ptr<Arrived>;

  struct Window {
    double open_ns = 0;
    double close_ns = std::numeric_limits<double>::infinity();
    double from_ns = 0;  ///< integrates from here on: the opening, or the end of a precharge or of an evaluation
    GroupMask columns = 0;
    std::array<GroupMask, 2> rows{};  ///< row groups by plane
    bool swapped = false;
    std::array<bool, 2> sets{};
    std::uint32_t batch = 0;       ///< opened together
    bool select_reported = false;  ///< a change of selects was reported
    GroupMask lost = 0;            ///< columns whose charge of this window was precharged away after it closed
  };

  /// What `freeze` works on.
  struct Work {
    double until_ns = 0;
    std::vector<Window> windows;          ///< up to until_ns
    std::vector<ArrivedPointer> arrived;  ///< received; of those that last, copies with what is known by until_ns
  };
  struct Pass {
    GroupMask columns = 0;
    std::array<std::unique_ptr<duration::Block>, 2> inputs;  ///< per weight set, null: none
  };

  [[nodiscard]] std::array<GroupMask, 2> open_rows() const;
  void receive(Arrived& arrived, double now) const;
  [[nodiscard]] bool ended_by(const Arrived& arrived, double time_ns) const;
  void close_windows(GroupMask closing, double now);
  void check_closed(const std::vector<Window>& closed, double now) const;
  void check_selects(double now);
  void open_windows(GroupMask opening, double now);
  void check_precharge(GroupMask opening);
  [[nodiscard]] Work take_work(double now);
  [[nodiscard]] Pass sum_inputs(GroupMask columns, const Work& work);
  static void add_overlaps(const Work& work, GroupMask columns, std::size_t set, bool swapped, duration::Block& sum);
  [[nodiscard]] double missed_ns(const Arrived& arrived) const;
  void forget(double now);

  const Context& context_;
  const WeightArray& array_;
  mesh::TransportError transport_;
  std::vector<ArrivedPointer> arrived_;
  std::vector<Window> open_;
  std::vector<Window> pending_;  ///< closed, not yet worked out
  std::vector<Window> history_;  ///< closed, wanted for pulses that are not yet judged
  std::shared_ptr<Charge> charge_;
  GroupMask charged_ = 0;
  GroupMask fresh_ = 0;     ///< precharged and not read since
  GroupMask conflict_ = 0;  ///< integrate while precharged, reported
  std::uint32_t next_batch_ = 0;
  std::array<double, kWireGroups> equalised_ns_{};
  // levels at the last `settle`
  GroupMask integrate_ = 0;
  GroupMask row_gate_ = 0;
  GroupMask row_source_ = 0;
  GroupMask polarity_ = 0;
  std::array<GroupMask, 2> weights_{};
};

}  // namespace chronotile::tile
