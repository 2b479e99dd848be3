#pragma once

#include <array>
#include <boost/container/small_vector.hpp>
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

/// An integration window as a job needs it.
struct ClosedWindow {
  double from_ns = 0;
  double close_ns = 0;
  GroupMask columns = 0;
  std::array<GroupMask, 2> rows{};  ///< row groups by plane
  bool swapped = false;
  std::array<bool, 2> sets{};
};

using GroupClasses = boost::container::small_vector<GroupMask, 8>;

struct Charge;

/// Charge of some column groups of one tile; what is not in `charged` is zero.
struct ChargePart {
  GroupMask groups = 0;
  GroupMask charged = 0;
  std::shared_ptr<Charge> charge;
};
using ChargeParts = boost::container::small_vector<ChargePart, 2>;

/// Charge over number of capacitors of the columns of `group`, of parts whose values are known: the mean of those whose
/// `groups` it belongs to, zero where there is no charge. `size` = kWiresPerGroup x lanes numbers into `mean`.
void average(const ChargeParts& parts, int group, std::size_t size, double* mean);

/// Charge that has spread over capacitors of several tiles, worked out when somebody needs it.
struct SpreadCharge {
  ChargeParts parts;  ///< joined, at least one of them charged; until it is known
  GroupMask groups = 0;
  bool known = false;
  duration::Block value;

  const duration::Block& average();
};

/// Windows and pulses to be worked out.
struct ChargeWork {
  std::vector<ClosedWindow> windows;
  std::array<std::vector<duration::Arrivals::Entry>, 2> entries;  ///< by plane
  std::array<std::vector<mesh::TransportError::Key>, 2> keys;     ///< to each entry
  GroupClasses classes;                                           ///< column groups that were in the same windows
  std::shared_ptr<const Lanes::Keys> lanes;                       ///< of the read noise
  std::uint32_t event = 0;                                        ///< of the read noise
};

/// Charge of the 512 capacitors in weight-ns at one moment; never changes once its job is done.
struct Charge {
  Charge(WorkPool& pool, energy::Meter& meter, energy::Place meter_place)
      : workers(pool), energy(meter), place(meter_place) {}
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  ~Charge() { workers.drop(ticket); }
  /// Waits for the job and books its energy.
  void wait();
  /// Makes `value` valid.
  void join();
  /// The ticket of the job that makes `value` valid; what it takes from others is there already.
  [[nodiscard]] const WorkPool::Ticket& job() {
    if (spread_ || rest_) {
      join();
    }
    return ticket;
  }
  /// Instead of a job: `next` in its groups, what `old` holds in `others`.
  void take(std::shared_ptr<SpreadCharge> next, GroupMask groups, std::shared_ptr<Charge> old, GroupMask others);
  void drop_taken();

  WorkPool& workers;
  energy::Meter& energy;
  energy::Place place;
  ChargeWork work;
  duration::Block value;          ///< kWires x lanes; valid after join(), for the column groups that are charged
  WorkPool::Ticket ticket;        ///< of the job that fills in `value` and `energy_nJ`
  std::vector<double> energy_nJ;  ///< by lane, not booked yet

 private:
  // taken, not yet copied
  std::shared_ptr<SpreadCharge> spread_;
  GroupMask spread_groups_ = 0;
  std::shared_ptr<Charge> rest_;
  GroupMask rest_groups_ = 0;
};

enum class Plane : std::uint8_t { kWestEast, kSouthNorth };

/// Rows and capacitors of a tile: from pulses and integration windows to charge.
///
/// Charge is worked out from `freeze` on (or a little earlier, see work_ahead), in a job: all windows up to that
/// moment, against all pulses up to that moment, as one signed sum of inputs per weight set and class of column groups
/// (groups that were in the same windows), then one pass over the weights per set. Durations as received (transport
/// error) are formed in the job, too, in the same pass as their sum; this thread only needs to know that windows cover
/// them, for which the longest duration sent and the error's bound do nearly always. What windows and pulses that last
/// bring later is left for the next time. Of a pulse that lasts, everything up to now is known: a cut can only shorten
/// what is still to come. Sums run in a fixed order: planes, wire groups, pulses by leading edge and source, windows by
/// time; windows that add before those that subtract. None of it depends on which lane lasts longest.
class Integrator {
 public:
  Integrator(const Context& context, WeightArray& array, const Periphery& periphery,
             const mesh::TransportErrorConfig& transport);
  Integrator(const Integrator&) = delete;
  Integrator& operator=(const Integrator&) = delete;
  ~Integrator();

  void begin(Plane plane, const duration::Pulses& pulses);
  /// Returns when the pulses are over at the rows at the latest, in ns, or infinity if nothing listened: call `judge`
  /// then.
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
  /// Charge up to now is that of the weights as they are, and no job reads them any more: before they change.
  void settle_weights();
  /// Nothing that was integrated until now is left.
  void reset(GroupMask groups, double now);
  /// Replaces the charge of `groups`.
  void assign(GroupMask groups, const std::shared_ptr<SpreadCharge>& charge);
  void mark_read(GroupMask groups) { fresh_ = static_cast<GroupMask>(fresh_ & ~groups); }
  /// Whether charge of these groups has been equalised at this moment already; marks it.
  [[nodiscard]] GroupMask not_yet_equalised(GroupMask groups, double now);

  [[nodiscard]] GroupMask integrating() const { return context_.mask(isa::Group::kIntegrate); }
  /// Column groups with a window that overlaps pulses which still last.
  [[nodiscard]] GroupMask pulsed(double now) const;
  [[nodiscard]] bool windows_open() const { return !open_.empty(); }
  /// Whether there are pulses that row gates might hear.
  [[nodiscard]] bool hears() const { return !arrived_.empty(); }
  /// Whether some of its columns integrate while they are precharged, as reported.
  [[nodiscard]] bool conflicts() const { return conflict_ != 0; }

 private:
  struct Arrived {
    duration::Arrivals::Entry entry;
    Plane plane{};
    GroupMask heard = 0;  ///< row groups whose gate was open while it passed
    bool judged = false;
    mesh::TransportError::Key key;                 ///< once it is over
    bool is_received = false;                      ///< durations are known as they are received
    std::array<double, kWireGroups> longest_ns{};  ///< as received
    std::unique_ptr<duration::Block> received;     ///< as received; null: as sent

    [[nodiscard]] double lead_ns() const;
    /// As received, over all `groups`; infinity while it lasts.
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

  /// Work that began before the charge was asked for, and what stands again if it is taken back.
  struct Ahead {
    std::shared_ptr<Charge> base;
    GroupMask base_charged = 0;
    std::vector<Window> windows;
  };

  [[nodiscard]] std::array<GroupMask, 2> open_rows() const;
  void receive(Arrived& arrived, double now) const;
  /// No wire falls later, transport error included; infinity while it lasts.
  [[nodiscard]] double latest_end_ns(const Arrived& arrived) const;
  void close_windows(GroupMask closing, double now);
  void check_closed(double now);
  void check_selects(double now);
  void open_windows(GroupMask opening, double now);
  void check_precharge(GroupMask opening);
  void work_up_to(double now, bool ahead);
  void work_ahead(double now);
  void take_back();
  std::vector<Window> take_work(double now, ChargeWork& work);
  void take_pulses(const Arrived& arrived, double now, ChargeWork& work) const;
  [[nodiscard]] std::shared_ptr<Charge> new_charge();
  void work_out(Charge& result, const Charge* base, GroupMask charged) const;
  /// Real: the precision of the array.
  template <typename Real>
  void integrate(const ChargeWork& work, std::uint32_t number, Charge& result, GroupMask& charged) const;
  void add_offsets(const ChargeWork& work, GroupMask columns, duration::Block& value) const;
  template <typename Real>
  void add_noise(const ChargeWork& work, std::uint32_t number, GroupMask columns, const std::array<bool, 2>& driven,
                 duration::Block& value) const;
  /// Signed sum of inputs (512 x lanes), and their sum without signs, in `input_ns`. Returns whether there is any
  /// window.
  template <typename Real>
  bool sum_inputs(const ChargeWork& work, GroupMask columns, std::size_t set, std::vector<Real>& x,
                  std::vector<double>& input_ns) const;
  [[nodiscard]] double missed_ns(Arrived& arrived, double now) const;
  void forget(double now);

  const Context& context_;
  WeightArray& array_;
  const Periphery& periphery_;
  mesh::TransportError transport_;
  std::vector<ArrivedPointer> arrived_;
  std::vector<ArrivedPointer> spare_;  ///< to be used again
  std::vector<Window> open_;
  std::vector<Window> pending_;  ///< closed, not yet worked out
  std::vector<Window> closed_;   ///< those that close now
  std::vector<Window> history_;  ///< closed, wanted for pulses that are not yet judged
  std::shared_ptr<Charge> charge_;
  std::vector<std::shared_ptr<Charge>> charges_;  ///< all of them, to be used again when nobody else holds them
  Ahead ahead_;
  // when a window closed last
  std::shared_ptr<const Lanes::Keys> closed_lanes_;
  double closed_epoch_ns_ = 0;
  std::uint32_t windows_closed_ = 0;    ///< since the charge was reset
  std::uint32_t windows_expected_ = 0;  ///< as many as when it was read last
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
