#include "models/tile/integrator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/container/small_vector.hpp>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "common/every_isa.hpp"
#include "models/base/noise.hpp"
#include "models/tile/groups.hpp"
#include "models/tile/root_kernels.hpp"

namespace chronotile::tile {
namespace {

using duration::Block;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kSeconds = 1e-9;      ///< of a ns
constexpr double kRounding_ns = 1e-6;  ///< sums of partial overlaps may be off by this much

std::size_t at(Plane plane) { return static_cast<std::size_t>(plane); }

/// Splits `classes` so that each of them lies within `columns` or outside.
void refine(GroupClasses& classes, GroupMask columns) {
  const std::size_t count = classes.size();
  for (std::size_t index = 0; index < count; ++index) {
    const GroupMask inside = classes[index] & columns;
    const auto outside = static_cast<GroupMask>(classes[index] & ~columns);
    if (inside != 0 && outside != 0) {
      classes[index] = inside;
      classes.push_back(outside);
    }
  }
}

/// All column groups, those that are in the same windows together.
GroupClasses classes_of(const std::vector<ClosedWindow>& windows) {
  GroupClasses classes(1, kAllGroups);
  for (const ClosedWindow& window : windows) {
    refine(classes, window.columns);
  }
  return classes;
}

// Event of read noise: time since the step began in 1/16 ns, the part of the charge, and a mark that tells it from the
// noise that is drawn when the devices are written.
constexpr std::uint32_t kNoiseTicks = 0xff'ffffU;
constexpr std::uint32_t kNoisePartShift = 24;
constexpr std::uint32_t kNoiseMark = 0x8000'0000U;

std::uint32_t noise_event(double since_epoch_ns) {
  return (static_cast<std::uint32_t>(std::llround(since_epoch_ns * 16.0)) & kNoiseTicks) | kNoiseMark;
}

/// An emission of its own that holds what is known of `sent` at a receiver: durations as received, or (null) as sent.
std::shared_ptr<duration::Emission> as_received(const duration::Emission& sent, const Block* received) {
  auto emission = std::make_shared<duration::Emission>(sent);
  if (received != nullptr) {
    emission->durations_ns = *received;
    emission->counts.clear();
  }
  emission->longest_ns = emission->durations().maxCoeff();
  emission->rising = 0;
  emission->final = true;
  return emission;
}

CHRONOTILE_EVERY_ISA
void square(const float* from, std::size_t size, float* to) {
  std::transform(from, from + size, to, [](float value) { return value * value; });
}
CHRONOTILE_EVERY_ISA
void square(const double* from, std::size_t size, double* to) {
  std::transform(from, from + size, to, [](double value) { return value * value; });
}

CHRONOTILE_EVERY_ISA
void subtract(const float* from, std::size_t size, float* to) {
  std::transform(to, to + size, from, to, std::minus<>());
}
CHRONOTILE_EVERY_ISA
void subtract(const double* from, std::size_t size, double* to) {
  std::transform(to, to + size, from, to, std::minus<>());
}

CHRONOTILE_EVERY_ISA
void add_two(const double* first, const double* second, std::size_t size, double divisor, double* result) {
  for (std::size_t k = 0; k < size; ++k) {
    result[k] = (first[k] + second[k]) / divisor;
  }
}

/// Memory of a thread that lives on from job to job.
struct Scratch {
  Block variance;
  std::vector<std::int16_t> bits;
  std::vector<float> normals;
  bool normals_known = false;
  std::vector<double> input_ns;
  std::vector<duration::Window> windows;
};

Scratch& scratch() {
  thread_local Scratch memory;
  return memory;
}

/// In the precision of the array: 512 x lanes each, and sums without signs.
template <typename Real>
struct Inputs {
  std::array<std::vector<Real>, 2> of_set;
  std::array<std::vector<Real>, 2> squares;
  std::vector<Real> magnitudes;
};

template <typename Real>
Inputs<Real>& inputs() {
  thread_local Inputs<Real> memory;
  return memory;
}

/// `size` zeros. (std::vector::assign writes them one by one.)
template <typename Real>
void clear(std::size_t size, std::vector<Real>& values) {
  values.resize(size);
  std::memset(values.data(), 0, size * sizeof(Real));
}

}  // namespace

void average(const ChargeParts& parts, int group, std::size_t size, double* mean) {
  int capacitors = 0;
  boost::container::small_vector<const double*, 4> charges;
  for (const ChargePart& part : parts) {
    if (contains(part.groups, group)) {
      ++capacitors;
      if (part.charge && contains(part.charged, group)) {
        charges.push_back(rows_of(part.charge->value, group).data());
      }
    }
  }
  if (charges.size() == 2) {
    add_two(charges[0], charges[1], size, capacitors, mean);
    return;
  }
  if (charges.empty()) {
    std::fill_n(mean, size, 0.0);
    return;
  }
  std::copy_n(charges[0], size, mean);
  for (std::size_t index = 1; index < charges.size(); ++index) {
    std::transform(mean, mean + size, charges[index], mean, std::plus<>());
  }
  if (capacitors > 1) {
    std::for_each_n(mean, size, [capacitors](double& value) { value /= static_cast<double>(capacitors); });
  }
}

const Block& SpreadCharge::average() {
  if (!known) {
    known = true;
    const auto charged =
        std::find_if(parts.begin(), parts.end(), [](const ChargePart& part) { return part.charged != 0; });
    value.resize(kWires, charged->charge->value.cols());
    for (int group = 0; group < kWireGroups; ++group) {
      if (contains(groups, group)) {
        auto rows = rows_of(value, group);
        tile::average(parts, group, static_cast<std::size_t>(rows.size()), rows.data());
      }
    }
    parts.clear();
  }
  return value;
}

void Charge::wait() {
  if (ticket.pending()) {
    workers.wait(ticket);
    for (const Plane plane : {Plane::kWestEast, Plane::kSouthNorth}) {
      work.entries[at(plane)].clear();
      work.keys[at(plane)].clear();
    }
  }
  if (!energy_nJ.empty()) {
    energy.charge_lanes(place, energy::Account::kArray, energy_nJ.data());
    energy_nJ.clear();
  }
}

void Charge::join() {
  wait();
  const auto copy = [&](GroupMask groups, const Block& from) {
    for_each_run(groups, [&](int first, int last) {
      value.middleRows(first, last - first) = from.middleRows(first, last - first);
    });
  };
  if (rest_) {
    rest_->join();
    copy(rest_groups_, rest_->value);
  }
  if (spread_) {
    copy(spread_groups_, spread_->average());
  }
  drop_taken();
}

void Charge::take(std::shared_ptr<SpreadCharge> next, GroupMask groups, std::shared_ptr<Charge> old, GroupMask others) {
  spread_ = std::move(next);
  spread_groups_ = groups;
  rest_ = others != 0 ? std::move(old) : nullptr;
  rest_groups_ = others;
}

void Charge::drop_taken() {
  spread_.reset();
  rest_.reset();
}

double Integrator::Arrived::lead_ns() const { return entry.pulses.lead_ns() + std::max(0.0, entry.pulses.head_cut_ns); }

double Integrator::Arrived::end_ns(GroupMask groups) const {
  if (!entry.over) {
    return kInfinity;
  }
  double longest = 0;
  for (int group = 0; group < kWireGroups; ++group) {
    if (contains(groups & entry.pulses.groups, group)) {
      longest = std::max(longest, longest_ns[static_cast<std::size_t>(group)]);
    }
  }
  return std::max(lead_ns(), entry.pulses.lead_ns() + std::min(longest, entry.pulses.tail_cut_ns));
}

Integrator::Integrator(const Context& context, WeightArray& array, const Periphery& periphery,
                       const mesh::TransportErrorConfig& transport)
    : context_(context), array_(array), periphery_(periphery), transport_(transport, context.services) {
  equalised_ns_.fill(-1);
}

std::array<GroupMask, 2> Integrator::open_rows() const {
  const GroupMask gate = context_.mask(isa::Group::kRowGate);
  const GroupMask source = context_.mask(isa::Group::kRowSource);
  return {static_cast<GroupMask>(gate & ~source), static_cast<GroupMask>(gate & source)};
}

void Integrator::begin(Plane plane, const duration::Pulses& pulses) {
  forget(Context::now_ns());
  ArrivedPointer arrived;
  if (spare_.empty()) {
    arrived = std::make_shared<Arrived>();
  } else {
    arrived = std::move(spare_.back());
    spare_.pop_back();
  }
  arrived->entry.pulses = pulses;
  arrived->plane = plane;
  arrived->heard = static_cast<GroupMask>(open_rows()[at(plane)] & pulses.groups);
  pulses.emission->heard |= arrived->heard;
  if (plane == Plane::kSouthNorth) {
    const GroupMask writing = context_.mask(isa::Group::kProgramColumns) & pulses.groups;
    pulses.emission->heard |= writing;
  }
  arrived_.push_back(std::move(arrived));
}

double Integrator::end(Plane plane, const duration::Pulses& pulses) {
  const auto same = [&](const ArrivedPointer& arrived) {
    const duration::Pulses& begun = arrived->entry.pulses;
    return arrived->plane == plane && !arrived->entry.over && begun.emission == pulses.emission &&
           begun.groups == pulses.groups && begun.head_cut_ns == pulses.head_cut_ns && begun.hops == pulses.hops;
  };
  const auto found = std::find_if(arrived_.begin(), arrived_.end(), same);
  if (found == arrived_.end()) {
    throw std::logic_error(fmt::format("{}: end of pulses that were not begun", context_.module.name()));
  }
  Arrived& arrived = **found;
  arrived.entry.pulses.tail_cut_ns = pulses.tail_cut_ns;
  arrived.entry.over = true;
  arrived.key = transport_.key(pulses);
  const duration::Emission& emission = *pulses.emission;
  if (!emission.final || (emission.rising & pulses.groups) != 0) {
    receive(arrived, Context::now_ns());  // the driver may still change them
  }
  return arrived.heard == 0 ? kInfinity : latest_end_ns(arrived);
}

/// Durations as they are received, as far as they are known now: of pulses that are over, all (where a switch cut the
/// branch, its tail cut hides what the driver may still change), of others what lies before now. A wire that rises and
/// whose end is not known is taken as if it were cut now: it is high from the leading edge on if it has risen. It has
/// no falling edge yet, so no transport error either.
void Integrator::receive(Arrived& arrived, double now) const {
  arrived.is_received = true;
  const duration::Pulses& pulses = arrived.entry.pulses;
  const Block* durations = &pulses.emission->durations();
  const GroupMask rising = pulses.emission->rising & pulses.groups;
  if (!transport_.off() || rising != 0) {
    arrived.received = std::make_unique<Block>();
    transport_.receive(pulses, context_.config.index, arrived.entry.over ? arrived.key : transport_.key(pulses),
                       *arrived.received);
    const double since_lead = (now - pulses.emission->lead_ns) - pulses.delay_ns;
    for (int group = 0; group < kWireGroups; ++group) {
      if (contains(rising, group)) {
        const auto rise = rows_of(*durations, group);
        rows_of(*arrived.received, group) =
            (rise < since_lead).select(Block::Constant(rise.rows(), rise.cols(), std::max(0.0, since_lead)), 0.0);
      }
    }
    durations = arrived.received.get();
  }
  for (int group = 0; group < kWireGroups; ++group) {
    if (contains(arrived.entry.pulses.groups, group)) {
      arrived.longest_ns[static_cast<std::size_t>(group)] = rows_of(*durations, group).maxCoeff();
    }
  }
}

double Integrator::latest_end_ns(const Arrived& arrived) const {
  if (!arrived.entry.over) {
    return kInfinity;
  }
  if (arrived.is_received) {
    return arrived.end_ns(kAllGroups);
  }
  const duration::Pulses& pulses = arrived.entry.pulses;
  const double sent = pulses.emission->longest_ns;
  const double longest = !pulses.emission->final ? kInfinity : sent > 0 ? sent + transport_.bound_ns() : 0.0;
  return std::max(arrived.lead_ns(), pulses.lead_ns() + std::min(longest, pulses.tail_cut_ns));
}

void Integrator::hear() {
  const std::array<GroupMask, 2> rows = open_rows();
  for (const ArrivedPointer& arrived : arrived_) {
    if (!arrived->entry.over) {
      const GroupMask heard = rows[at(arrived->plane)] & arrived->entry.pulses.groups;
      arrived->heard |= heard;
      arrived->entry.pulses.emission->heard |= arrived->heard;
    }
  }
}

void Integrator::settle(double now) {
  const GroupMask integrate = integrating();
  close_windows(static_cast<GroupMask>(integrate_ & ~integrate), now);
  check_selects(now);
  const auto opening = static_cast<GroupMask>(integrate & ~integrate_);
  integrate_ = integrate;
  row_gate_ = context_.mask(isa::Group::kRowGate);
  row_source_ = context_.mask(isa::Group::kRowSource);
  polarity_ = context_.mask(isa::Group::kPolarity);
  weights_ = {context_.mask(isa::Group::kWp1), context_.mask(isa::Group::kWp2)};
  open_windows(opening, now);
  check_precharge(opening);
}

void Integrator::close_windows(GroupMask closing, double now) {
  if (closing == 0) {
    return;
  }
  closed_.clear();
  for (Window& window : open_) {
    if ((window.columns & closing) == 0) {
      continue;
    }
    Window part = window;
    part.columns &= closing;
    part.close_ns = now;
    window.columns = static_cast<GroupMask>(window.columns & ~closing);
    context_.services.energy.charge(context_.energy_place, energy::Account::kPeriphery,
                                    1e-6 * context_.config.energy_per_column_ns_fJ * kWiresPerGroup *
                                        static_cast<double>(count(part.columns)) * (now - part.open_ns));
    closed_.push_back(part);
    history_.push_back(part);
    if (part.from_ns < now) {
      pending_.push_back(part);
    }
  }
  open_.erase(std::remove_if(open_.begin(), open_.end(), [](const Window& window) { return window.columns == 0; }),
              open_.end());
  check_closed(now);
  forget(now);
  closed_lanes_ = context_.services.lanes.keys();
  closed_epoch_ns_ = context_.services.lanes.epoch_ns();
  ++windows_closed_;
  work_ahead(now);
}

void Integrator::check_closed(double now) {
  for (const Window& window : closed_) {
    const auto first_of_batch =
        std::find_if(closed_.begin(), closed_.end(), [&](const Window& other) { return other.batch == window.batch; });
    if (&*first_of_batch != &window) {
      continue;
    }
    GroupMask columns = 0;
    for (const Window& other : closed_) {
      columns |= other.batch == window.batch ? other.columns : GroupMask{0};
    }
    double first = kInfinity;
    for (const ArrivedPointer& arrived : arrived_) {
      const GroupMask rows = window.rows[at(arrived->plane)] & arrived->entry.pulses.groups;
      const double lead = arrived->lead_ns();
      const auto lasts = [&] {  // into the window
        if (arrived->entry.over && !arrived->is_received && latest_end_ns(*arrived) > window.open_ns) {
          receive(*arrived, now);
        }
        return latest_end_ns(*arrived) > window.open_ns && arrived->end_ns(rows) > window.open_ns;
      };
      if (rows != 0 && lead < now && (lead >= window.open_ns || lasts())) {
        first = std::min(first, lead);
      }
    }
    const GroupMask rows = window.rows[0] | window.rows[1];
    if (first == kInfinity) {
      context_.report(
          ViolationKind::kIntegrateIdle,
          fmt::format("no pulse arrived at row groups 0x{:02x} in the window of {:.3f} ns on column groups 0x{:02x}",
                      rows, now - window.open_ns, columns));
    } else if (first - window.open_ns > context_.config.lead_in_ns + kRounding_ns) {
      context_.report(
          ViolationKind::kWindowEarly,
          fmt::format("the window on column groups 0x{:02x} opened {:.3f} ns before the first pulse, {:.3f} ns "
                      "are allowed",
                      columns, first - window.open_ns, context_.config.lead_in_ns));
    }
  }
}

/// Selects that change within a window, once for each window.
void Integrator::check_selects(double now) {
  const GroupMask gate = context_.mask(isa::Group::kRowGate);
  const GroupMask source = context_.mask(isa::Group::kRowSource);
  const auto rows = static_cast<GroupMask>((gate ^ row_gate_) | ((source ^ row_source_) & gate));
  const auto columns = static_cast<GroupMask>((context_.mask(isa::Group::kPolarity) ^ polarity_) |
                                              (context_.mask(isa::Group::kWp1) ^ weights_[0]) |
                                              (context_.mask(isa::Group::kWp2) ^ weights_[1]));
  for (const Window& window : open_) {
    if (window.select_reported || (rows == 0 && (window.columns & columns) == 0)) {
      continue;
    }
    GroupMask together = 0;
    for (Window& other : open_) {
      if (other.batch == window.batch) {
        together |= other.columns;
        other.select_reported = true;
      }
    }
    context_.report(ViolationKind::kSelectDuringIntegration,
                    fmt::format("{:.3f} ns after the window on column groups 0x{:02x} opened, row groups 0x{:02x} and "
                                "column groups 0x{:02x} changed their selection; the window keeps the old one",
                                now - window.open_ns, together, rows, together & columns));
  }
}

void Integrator::open_windows(GroupMask opening, double now) {
  if (opening == 0) {
    return;
  }
  const std::uint32_t batch = next_batch_++;
  GroupClasses classes{opening};
  refine(classes, polarity_);
  refine(classes, weights_[0]);
  refine(classes, weights_[1]);
  GroupMask unbiased = 0;
  for (const GroupMask columns : classes) {
    Window window;
    window.open_ns = now;
    window.from_ns = now;
    window.columns = columns;
    window.rows = open_rows();
    window.swapped = (columns & polarity_) != 0;
    window.sets = {(columns & weights_[0]) != 0, (columns & weights_[1]) != 0};
    window.batch = batch;
    if (!window.sets[0] && !window.sets[1]) {
      unbiased |= columns;
    }
    open_.push_back(window);
  }
  if (unbiased != 0) {
    context_.report(
        ViolationKind::kIntegrateNoWeights,
        fmt::format("a window opens on column groups 0x{:02x} with neither WP1 nor WP2 biased: it adds nothing",
                    unbiased));
  }
}

void Integrator::check_precharge(GroupMask opening) {
  const GroupMask precharge = context_.mask(isa::Group::kPrecharge);
  const auto stale = static_cast<GroupMask>(opening & ~fresh_ & ~precharge);
  if (stale != 0) {
    context_.report(
        ViolationKind::kIntegrateWithoutPrecharge,
        fmt::format("a window opens on column groups 0x{:02x}, whose capacitors were not precharged since they "
                    "were last read: charge adds to what is there",
                    stale));
  }
}

void Integrator::check_grounded(GroupMask groups, GroupMask grounded) {
  const GroupMask conflict = grounded & integrating();
  const auto fresh = static_cast<GroupMask>(conflict & ~conflict_);
  const auto by_neighbour = static_cast<GroupMask>(fresh & ~context_.mask(isa::Group::kPrecharge));
  conflict_ = static_cast<GroupMask>((conflict_ & ~groups) | conflict);
  if (fresh != 0) {
    context_.report(
        ViolationKind::kPrechargeDuringIntegration,
        fmt::format(
            "column groups 0x{:02x} integrate and are precharged{}: what comes before precharge ends is lost", fresh,
            by_neighbour == 0 ? "" : fmt::format(" (0x{:02x} by the neighbours that share them)", by_neighbour)));
  }
}

double Integrator::judge(double now) {
  double next = kInfinity;
  for (const ArrivedPointer& arrived : arrived_) {
    if (arrived->judged || arrived->heard == 0) {
      continue;
    }
    const double end = latest_end_ns(*arrived);
    if (end > now + kRounding_ns) {
      next = std::min(next, end);
      continue;
    }
    arrived->judged = true;
    const double missed = missed_ns(*arrived, now);
    if (missed > kRounding_ns) {
      const duration::Pulses& pulses = arrived->entry.pulses;
      context_.report(
          ViolationKind::kPulseNotCovered,
          fmt::format("pulses of source {} with the leading edge at {:.3f} ns at row groups 0x{:02x} last up to "
                      "{:.3f} ns, of which up to {:.3f} ns lie outside the integration windows",
                      pulses.emission->source, arrived->lead_ns(), arrived->heard,
                      arrived->end_ns(arrived->heard) - arrived->lead_ns(), missed));
    }
  }
  forget(now);
  return next;
}

/// Longest time of one wire that some column group which integrated it, or all, did not cover.
double Integrator::missed_ns(Arrived& arrived, double now) const {
  const double lead = arrived.lead_ns();
  boost::container::small_vector<const Window*, 8> touching;
  GroupClasses classes;
  GroupMask columns = 0;
  // whether windows cover all of the pulses if they last until `end`
  const auto covered = [&](double end) {
    touching.clear();
    classes.assign(1, kAllGroups);
    columns = 0;
    for (const std::vector<Window>* windows : {&history_, &open_}) {
      for (const Window& window : *windows) {
        if ((window.rows[at(arrived.plane)] & arrived.heard) == 0 || window.open_ns >= end || window.close_ns <= lead) {
          continue;
        }
        touching.push_back(&window);
        columns |= window.columns;
        refine(classes, window.columns);
      }
    }
    return columns != 0 && std::all_of(classes.begin(), classes.end(), [&](GroupMask part) {
             return (part & columns) == 0 || std::any_of(touching.begin(), touching.end(), [&](const Window* window) {
                      return (window->columns & part) != 0 && window->open_ns <= lead && window->close_ns >= end &&
                             (window->rows[at(arrived.plane)] & arrived.heard) == arrived.heard;
                    });
           });
  };
  const double latest = latest_end_ns(arrived);
  if (latest <= lead || covered(latest)) {
    return 0;
  }
  if (!arrived.is_received) {
    receive(arrived, now);
  }
  const double end = arrived.end_ns(arrived.heard);
  if (end <= lead || covered(end)) {
    return 0;
  }
  if (columns == 0) {
    return end - lead;
  }
  std::vector<duration::Arrivals::Entry> entries{arrived.entry};
  entries.front().pulses.emission = as_received(*arrived.entry.pulses.emission, arrived.received.get());
  double missed = 0;
  for (const GroupMask part : classes) {
    if ((part & columns) == 0) {
      continue;
    }
    std::vector<duration::Window> windows;
    GroupMask met = 0;
    bool whole = false;
    for (const Window* window : touching) {
      if ((window->columns & part) != 0) {
        const GroupMask rows = window->rows[at(arrived.plane)] & arrived.heard;
        windows.push_back({window->open_ns, window->close_ns, rows, 1});
        met |= rows;
        whole |= rows == arrived.heard && window->open_ns <= lead && window->close_ns >= end;
      }
    }
    if (whole) {
      continue;
    }
    Block sum = Block::Zero(kWires, static_cast<Eigen::Index>(context_.lanes()));
    const duration::Coverage coverage =
        duration::overlap(entries, windows.data(), windows.size(), nullptr, duration::sum_into(sum));
    missed = std::max(missed, coverage.missed_ns);
    const auto unmet = static_cast<GroupMask>(arrived.heard & ~(met & coverage.heard));
    if (unmet != 0) {
      missed = std::max(missed, arrived.end_ns(unmet) - lead);
    }
  }
  return missed;
}

void Integrator::forget(double now) {
  const bool windows = !open_.empty() || !pending_.empty() || !ahead_.windows.empty();
  bool unjudged = false;
  const auto done = [&](const ArrivedPointer& arrived) {
    const bool past = arrived->heard == 0 ? latest_end_ns(*arrived) <= now : arrived->judged;
    unjudged |= !past;
    return past && !windows;
  };
  std::size_t kept = 0;
  for (ArrivedPointer& arrived : arrived_) {
    if (!done(arrived)) {
      arrived_[kept++].swap(arrived);
    }
  }
  for (std::size_t index = kept; index < arrived_.size(); ++index) {
    *arrived_[index] = Arrived{};
    spare_.push_back(std::move(arrived_[index]));
  }
  arrived_.resize(kept);
  if (!unjudged) {
    history_.clear();
  }
}

/// Takes what happened until now off the windows. Returns those that are over.
std::vector<Integrator::Window> Integrator::take_work(double now, ChargeWork& work) {
  const auto take = [&](const Window& window, double close_ns) {
    work.windows.push_back({window.from_ns, close_ns, window.columns, window.rows, window.swapped, window.sets});
  };
  for (const Window& window : pending_) {
    take(window, window.close_ns);
  }
  std::vector<Window> closed = std::exchange(pending_, {});
  for (Window& window : open_) {
    if (window.from_ns < now) {
      take(window, now);
      window.from_ns = now;
    }
  }
  std::sort(work.windows.begin(), work.windows.end(), [](const ClosedWindow& a, const ClosedWindow& b) {
    return std::make_tuple(a.from_ns, a.close_ns, a.columns) < std::make_tuple(b.from_ns, b.close_ns, b.columns);
  });
  boost::container::small_vector<ArrivedPointer, 16> taken;
  for (const ArrivedPointer& arrived : arrived_) {
    const bool meets = std::any_of(work.windows.begin(), work.windows.end(), [&](const ClosedWindow& window) {
      return (window.rows[at(arrived->plane)] & arrived->entry.pulses.groups) != 0 &&
             arrived->lead_ns() < window.close_ns && latest_end_ns(*arrived) > window.from_ns;
    });
    if (meets) {
      taken.push_back(arrived);
    }
  }
  const auto order = [](const ArrivedPointer& a, const ArrivedPointer& b) {
    const auto& x = a->entry.pulses;
    const auto& y = b->entry.pulses;
    const auto first = std::make_tuple(x.lead_ns(), x.emission->source, x.groups, x.head_cut_ns);
    const auto second = std::make_tuple(y.lead_ns(), y.emission->source, y.groups, y.head_cut_ns);
    return first != second ? first < second
                           : std::lexicographical_compare(x.hops.begin(), x.hops.end(), y.hops.begin(), y.hops.end());
  };
  std::sort(taken.begin(), taken.end(), order);
  for (const ArrivedPointer& arrived : taken) {
    take_pulses(*arrived, now, work);
  }
  return closed;
}

/// Pulses that may still change, on the wires or by their driver, are taken with an emission of their own that holds
/// what is known now.
void Integrator::take_pulses(const Arrived& arrived, double now, ChargeWork& work) const {
  duration::Arrivals::Entry entry = arrived.entry;
  mesh::TransportError::Key key;
  if (arrived.entry.over && !arrived.is_received) {
    key = arrived.key;
  } else {
    Arrived known;
    known.entry = arrived.entry;
    if (!arrived.entry.over) {
      receive(known, now);
    }
    const Block* received = arrived.entry.over ? arrived.received.get() : known.received.get();
    entry.pulses.emission = as_received(*arrived.entry.pulses.emission, received);
    entry.over = true;
  }
  work.entries[at(arrived.plane)].push_back(std::move(entry));
  work.keys[at(arrived.plane)].push_back(std::move(key));
}

template <typename Real>
bool Integrator::sum_inputs(const ChargeWork& work, GroupMask columns, std::size_t set, std::vector<Real>& x,
                            std::vector<double>& input_ns) const {
  const std::size_t lanes = context_.lanes();
  Scratch& memory = scratch();
  std::vector<Real>& magnitudes = inputs<Real>().magnitudes;
  bool any = false;
  for (const bool swapped : {false, true}) {
    for (const Plane plane : {Plane::kWestEast, Plane::kSouthNorth}) {
      memory.windows.clear();
      for (const ClosedWindow& window : work.windows) {
        if ((window.columns & columns) == 0 || !window.sets[set] || window.swapped != swapped) {
          continue;
        }
        if (!any) {
          clear(kWires * lanes, x);
          clear(duration::magnitude_size(lanes), magnitudes);
          any = true;
        }
        if (window.rows[at(plane)] != 0) {
          memory.windows.push_back({window.from_ns, window.close_ns, window.rows[at(plane)], swapped ? -1.0 : 1.0});
        }
      }
      const std::vector<duration::Arrivals::Entry>& entries = work.entries[at(plane)];
      if (memory.windows.empty() || entries.empty()) {
        continue;
      }
      const mesh::AtReceiver reception(transport_, context_.config.index, entries, work.keys[at(plane)]);
      duration::overlap<Real>(entries, memory.windows.data(), memory.windows.size(), &reception,
                              {x.data(), lanes, magnitudes.data()});
    }
  }
  input_ns.assign(lanes, 0.0);
  if (any) {  // inputs count for energy whatever their sign
    for (std::size_t first = 0; first < magnitudes.size(); first += lanes) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        input_ns[lane] += static_cast<double>(magnitudes[first + lane]);
      }
    }
  }
  return any;
}

std::shared_ptr<Charge> Integrator::new_charge() {
  for (const std::shared_ptr<Charge>& charge : charges_) {
    if (charge.use_count() == 1) {
      std::atomic_thread_fence(std::memory_order_acquire);  // a worker thread may have dropped it
      context_.services.workers.wait(charge->ticket);
      charge->energy_nJ.clear();
      charge->drop_taken();
      return charge;
    }
  }
  charges_.push_back(
      std::make_shared<Charge>(context_.services.workers, context_.services.energy, context_.energy_place));
  charges_.back()->value.resize(kWires, static_cast<Eigen::Index>(context_.lanes()));
  return charges_.back();
}

/// The job of a charge: `base` in its `charged` column groups, plus what the charge's work brings.
void Integrator::work_out(Charge& result, const Charge* base, GroupMask charged) const {
  const ChargeWork& work = result.work;
  result.energy_nJ.assign(context_.lanes(), 0.0);
  for_each_run(charged, [&](int first, int last) {
    result.value.middleRows(first, last - first) = base->value.middleRows(first, last - first);
  });
  const auto integrate = [&](const ChargeWork& part, std::uint32_t number) {
    if (array_.double_precision()) {
      this->integrate<double>(part, number, result, charged);
    } else {
      this->integrate<float>(part, number, result, charged);
    }
  };
  if (periphery_.config().saturation != Saturation::kHard) {
    integrate(work, 0);
    return;
  }
  // windows one after the other: what was cut off in one does not come back in the next
  const double full = periphery_.config().saturation_weight_ns;
  ChargeWork part = work;
  std::uint32_t number = 0;
  for (auto first = work.windows.begin(); first != work.windows.end(); ++number) {
    const auto last = std::find_if(first, work.windows.end(), [&](const ClosedWindow& window) {
      return window.from_ns != first->from_ns || window.close_ns != first->close_ns;
    });
    part.windows.assign(first, last);
    first = last;
    part.classes = classes_of(part.windows);
    integrate(part, number);
    for_each_run(charged, [&](int begin, int end) {
      auto charge = result.value.middleRows(begin, end - begin);
      charge = charge.max(-full).min(full);
    });
  }
}

/// Adds what `work` brings to `result`; `charged` are the column groups that hold something. `number` tells calls for
/// one charge apart.
template <typename Real>
void Integrator::integrate(const ChargeWork& work, std::uint32_t number, Charge& result, GroupMask& charged) const {
  Scratch& memory = scratch();
  Inputs<Real>& x = inputs<Real>();
  const TileConfig& config = context_.config;
  const double nanojoules_per_ns = 1e-6 * config.energy_per_cell_ns_fJ * kWiresPerGroup;  // of a row, a column group
  const GroupMask before = charged;
  memory.normals_known = false;
  for (const GroupMask columns : work.classes) {
    std::array<bool, 2> any{};
    for (std::size_t set = 0; set < 2; ++set) {
      any[set] = sum_inputs(work, columns, set, x.of_set[set], memory.input_ns);
      const double factor = nanojoules_per_ns * static_cast<double>(count(columns));
      for (std::size_t lane = 0; lane < memory.input_ns.size(); ++lane) {
        result.energy_nJ[lane] += memory.input_ns[lane] * factor;
      }
    }
    if (!any[0] && !any[1]) {
      continue;
    }
    if (array_.noisy()) {
      for (std::size_t set = 0; set < 2; ++set) {
        if (any[set]) {
          x.squares[set].resize(x.of_set[set].size());
          square(x.of_set[set].data(), x.of_set[set].size(), x.squares[set].data());
        }
      }
    }
    const std::array<bool, 2> driven = any;
    if (any[0] && any[1] && array_.folded()) {
      subtract(x.of_set[1].data(), x.of_set[1].size(), x.of_set[0].data());
      any[1] = false;
    }
    GroupMask filled = before;
    for (std::size_t set = 0; set < 2; ++set) {
      if (!any[set]) {
        continue;
      }
      const auto multiply = [&](GroupMask groups, mac::Into into) {
        for_each_run(groups, [&](int first, int last) {
          array_.multiply(static_cast<WeightSet>(set), x.of_set[set].data(), result.value.data(), context_.lanes(),
                          first, last, into);
        });
      };
      multiply(static_cast<GroupMask>(columns & filled), mac::Into::kAdd);
      multiply(static_cast<GroupMask>(columns & ~filled), mac::Into::kReplace);
      filled |= columns;
    }
    charged |= columns;
    if (periphery_.offsets()) {
      add_offsets(work, columns, result.value);
    }
    if (array_.noisy()) {
      add_noise<Real>(work, number, columns, driven, result.value);
    }
  }
}

/// Offsets of the lines flow as long as windows are open, whatever the inputs.
void Integrator::add_offsets(const ChargeWork& work, GroupMask columns, Block& value) const {
  double net_ns = 0;
  for (const ClosedWindow& window : work.windows) {
    if ((window.columns & columns) != 0 && (window.sets[0] || window.sets[1])) {
      net_ns += (window.swapped ? -1.0 : 1.0) * (window.close_ns - window.from_ns);
    }
  }
  if (net_ns == 0) {
    return;
  }
  for_each_run(columns, [&](int first, int last) {
    for (int column = first; column < last; ++column) {
      value.row(column) += net_ns * periphery_.offset()[static_cast<std::size_t>(column)];
    }
  });
}

/// Read noise of the devices.
template <typename Real>
void Integrator::add_noise(const ChargeWork& work, std::uint32_t number, GroupMask columns,
                           const std::array<bool, 2>& driven, Block& value) const {
  Scratch& memory = scratch();
  const std::size_t lanes = context_.lanes();
  const std::size_t size = kWires * lanes;
  if (!memory.normals_known) {
    memory.normals_known = true;
    memory.bits.resize(size);
    memory.normals.resize(size);
    const Services& services = context_.services;
    const std::uint32_t event = work.event | (number << kNoisePartShift);
    noise::vector_bits({services.seed, services.chip, context_.config.index, noise::Purpose::kReadNoise, 0, 0, event},
                       work.lanes->data(), lanes, memory.bits.data());
    noise::vector_normals(memory.bits.data(), lanes, memory.normals.data());
  }
  memory.variance.resize(kWires, static_cast<Eigen::Index>(lanes));
  const std::array<std::vector<Real>, 2>& of_set = inputs<Real>().squares;
  const Real* const squares[2] = {driven[0] ? of_set[0].data() : nullptr, driven[1] ? of_set[1].data() : nullptr};
  for_each_run(columns, [&](int first, int last) {
    array_.noise_variance(squares, memory.variance.data(), lanes, first, last);
    const std::size_t begin = static_cast<std::size_t>(first) * lanes;
    add_scaled_roots(memory.variance.data() + begin, memory.normals.data() + begin,
                     static_cast<std::size_t>(last - first) * lanes, value.data() + begin);
  });
}

ChargePart Integrator::freeze(double now) {
  work_up_to(now, false);
  if (windows_closed_ > 0) {
    windows_expected_ = windows_closed_;
  }
  ahead_ = {};
  forget(now);
  return {kAllGroups, charged_, charge_};
}

/// Starts the job of everything up to now. `ahead`: nobody has asked for it yet. Nothing in it depends on the moment of
/// the call: keys are those of the last window's close.
void Integrator::work_up_to(double now, bool ahead) {
  const bool any = !pending_.empty() ||
                   std::any_of(open_.begin(), open_.end(), [&](const Window& window) { return window.from_ns < now; });
  if (!any) {
    return;
  }
  take_back();
  std::shared_ptr<Charge> next = new_charge();
  ChargeWork& work = next->work;
  work.windows.clear();
  for (const Plane plane : {Plane::kWestEast, Plane::kSouthNorth}) {
    work.entries[at(plane)].clear();
    work.keys[at(plane)].clear();
  }
  std::vector<Window> closed = take_work(now, work);
  const bool heard = !work.entries[0].empty() || !work.entries[1].empty();
  work.classes = classes_of(work.windows);
  GroupMask columns = 0;
  double last_close_ns = 0;
  for (const ClosedWindow& window : work.windows) {
    last_close_ns = std::max(last_close_ns, window.close_ns);
    if ((heard || periphery_.offsets()) && (window.sets[0] || window.sets[1])) {
      columns |= window.columns;
    }
  }
  if (columns == 0) {
    if (ahead) {
      pending_ = std::move(closed);
    }
    return;
  }
  const Lanes& lanes = context_.services.lanes;
  const bool lasts = last_close_ns == now;
  work.lanes = lasts ? lanes.keys() : closed_lanes_;
  work.event = noise_event(last_close_ns - (lasts ? lanes.epoch_ns() : closed_epoch_ns_));
  work.classes.erase(
      std::remove_if(work.classes.begin(), work.classes.end(), [&](GroupMask part) { return (part & columns) == 0; }),
      work.classes.end());
  if (charge_) {
    charge_->wait();
  }
  if (charged_ != 0) {
    charge_->join();
  }
  if (array_.aged(now * kSeconds)) {
    array_.advance(now * kSeconds, context_.services, context_.config.index);
  }
  Charge* result = next.get();  // outlives its job
  ahead_ = {charged_ != 0 ? charge_ : nullptr, charged_, std::move(closed)};
  next->ticket = context_.services.workers.submit(
      [this, result, base = ahead_.base, charged = charged_] { work_out(*result, base.get(), charged); });
  charge_ = std::move(next);
  charged_ |= columns;
}

/// Where as many windows have closed as the last time that the charge was read, it will be read next: work that is all
/// known begins now. If another window opens all the same, take_back() makes it one piece of work with what follows, so
/// that no result depends on the guess.
void Integrator::work_ahead(double now) {
  const auto lasts = [&](const ArrivedPointer& arrived) {  // and counts in some window
    return !arrived->entry.over && std::any_of(pending_.begin(), pending_.end(), [&](const Window& window) {
      return (window.rows[at(arrived->plane)] & arrived->entry.pulses.groups) != 0;
    });
  };
  if (open_.empty() && windows_closed_ == windows_expected_ && std::none_of(arrived_.begin(), arrived_.end(), lasts) &&
      !array_.ages()) {  // age would tell when the work began
    work_up_to(now, true);
  }
}

void Integrator::take_back() {
  if (ahead_.windows.empty()) {
    return;
  }
  context_.services.workers.wait(charge_->ticket);
  charge_ = std::move(ahead_.base);
  charged_ = ahead_.base_charged;
  pending_.insert(pending_.begin(), ahead_.windows.begin(), ahead_.windows.end());
  ahead_ = {};
}

void Integrator::settle_weights() {
  if (!pending_.empty() || !open_.empty()) {
    (void)freeze(Context::now_ns());
  }
  ahead_ = {};
  if (charge_) {
    context_.services.workers.wait(charge_->ticket);
  }
}

Integrator::~Integrator() {
  if (charge_) {
    context_.services.workers.drop(charge_->ticket);
  }
}

void Integrator::reset(GroupMask groups, double now) {
  const auto clear = [&](std::vector<Window>& windows) {
    for (Window& window : windows) {
      window.columns = static_cast<GroupMask>(window.columns & ~groups);
    }
    windows.erase(
        std::remove_if(windows.begin(), windows.end(), [](const Window& window) { return window.columns == 0; }),
        windows.end());
  };
  take_back();
  clear(pending_);
  for (Window& window : history_) {
    window.lost |= groups;
  }
  const std::size_t count = open_.size();
  for (std::size_t index = 0; index < count; ++index) {
    const GroupMask inside = open_[index].columns & groups;
    const auto outside = static_cast<GroupMask>(open_[index].columns & ~groups);
    if (inside == 0 || open_[index].from_ns >= now) {
      continue;
    }
    if (outside != 0) {
      Window rest = open_[index];
      rest.columns = outside;
      open_.push_back(rest);
      open_[index].columns = inside;
    }
    open_[index].from_ns = now;
  }
  charged_ = static_cast<GroupMask>(charged_ & ~groups);
  if (charged_ == 0 && pending_.empty()) {
    windows_closed_ = 0;
  }
  if (charged_ == 0 && charge_.use_count() == 2) {  // here and in charges_
    charge_->drop_taken();
  }
  fresh_ |= groups;
  forget(now);
}

void Integrator::assign(GroupMask groups, const std::shared_ptr<SpreadCharge>& charge) {
  std::shared_ptr<Charge> next = new_charge();
  if (charge_) {
    charge_->wait();
  }
  next->take(charge, groups, std::move(charge_), static_cast<GroupMask>(charged_ & ~groups));
  charge_ = std::move(next);
  charged_ |= groups;
}

GroupMask Integrator::not_yet_equalised(GroupMask groups, double now) {
  GroupMask result = 0;
  for (int group = 0; group < kWireGroups; ++group) {
    if (contains(groups, group) && equalised_ns_[static_cast<std::size_t>(group)] != now) {
      result = static_cast<GroupMask>(result | (1U << group));
      equalised_ns_[static_cast<std::size_t>(group)] = now;
    }
  }
  return result;
}

GroupMask Integrator::pulsed(double now) const {
  GroupMask columns = 0;
  for (const ArrivedPointer& arrived : arrived_) {
    if (arrived->entry.over) {
      continue;
    }
    for (const std::vector<Window>* windows : {&history_, &open_}) {
      for (const Window& window : *windows) {
        if ((window.rows[at(arrived->plane)] & arrived->entry.pulses.groups) != 0 &&
            arrived->lead_ns() < std::min(window.close_ns, now)) {
          columns = static_cast<GroupMask>(columns | (window.columns & ~window.lost));
        }
      }
    }
  }
  return columns;
}

}  // namespace chronotile::tile
