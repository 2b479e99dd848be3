#include "models/tile/integrator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "models/tile/groups.hpp"

namespace chronotile::tile {
namespace {

using duration::Block;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kRounding_ns = 1e-6;  ///< sums of partial overlaps may be off by this much

std::size_t at(Plane plane) { return static_cast<std::size_t>(plane); }

/// Splits `classes` so that each of them lies within `columns` or outside.
void refine(std::vector<GroupMask>& classes, GroupMask columns) {
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

}  // namespace

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

Integrator::Integrator(const Context& context, const WeightArray& array, const mesh::TransportErrorConfig& transport)
    : context_(context), array_(array), transport_(transport, context.services) {
  equalised_ns_.fill(-1);
}

std::array<GroupMask, 2> Integrator::open_rows() const {
  const GroupMask gate = context_.mask(isa::Group::kRowGate);
  const GroupMask source = context_.mask(isa::Group::kRowSource);
  return {static_cast<GroupMask>(gate & ~source), static_cast<GroupMask>(gate & source)};
}

void Integrator::begin(Plane plane, const duration::Pulses& pulses) {
  forget(Context::now_ns());
  auto arrived = std::make_shared<Arrived>();
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
  if (arrived.heard == 0) {
    return kInfinity;
  }
  receive(arrived, Context::now_ns());
  return arrived.end_ns(arrived.heard);
}

/// Durations as they are received, as far as they are known now: of pulses that are over, all (where a switch cut the
/// branch, its tail cut hides what the driver may still change), of others what lies before now. A wire that rises and
/// whose end is not known is taken as if it were cut now: it is high from the leading edge on if it has risen. It has
/// no falling edge yet, so no transport error either.
void Integrator::receive(Arrived& arrived, double now) const {
  arrived.is_received = true;
  const duration::Pulses& pulses = arrived.entry.pulses;
  const Block* durations = &pulses.emission->durations_ns;
  const GroupMask rising = pulses.emission->rising & pulses.groups;
  if (!transport_.off() || rising != 0) {
    arrived.received = std::make_unique<Block>(*durations);
    transport_.apply(pulses, context_.config.index, *arrived.received);
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

/// Whether nothing of it is left at `time_ns`, transport error included.
bool Integrator::ended_by(const Arrived& arrived, double time_ns) const {
  return arrived.entry.over &&
         (arrived.is_received ? arrived.end_ns(kAllGroups) : arrived.entry.end_ns() + transport_.bound_ns()) <= time_ns;
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
  std::vector<Window> closed;
  for (Window& window : open_) {
    if ((window.columns & closing) == 0) {
      continue;
    }
    Window part = window;
    part.columns &= closing;
    part.close_ns = now;
    window.columns = static_cast<GroupMask>(window.columns & ~closing);
    closed.push_back(part);
    history_.push_back(part);
    if (part.from_ns < now) {
      pending_.push_back(part);
    }
  }
  open_.erase(std::remove_if(open_.begin(), open_.end(), [](const Window& window) { return window.columns == 0; }),
              open_.end());
  check_closed(closed, now);
  forget(now);
}

void Integrator::check_closed(const std::vector<Window>& closed, double now) const {
  for (std::size_t index = 0; index < closed.size(); ++index) {
    const Window& window = closed[index];
    const auto first_of_batch =
        std::find_if(closed.begin(), closed.end(), [&](const Window& other) { return other.batch == window.batch; });
    if (&*first_of_batch != &window) {
      continue;
    }
    GroupMask columns = 0;
    for (const Window& other : closed) {
      columns |= other.batch == window.batch ? other.columns : GroupMask{0};
    }
    double first = kInfinity;
    for (const ArrivedPointer& arrived : arrived_) {
      const GroupMask rows = window.rows[at(arrived->plane)] & arrived->entry.pulses.groups;
      const double lead = arrived->lead_ns();
      if (rows != 0 && lead < now && (lead >= window.open_ns || arrived->end_ns(rows) > window.open_ns)) {
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
  std::vector<GroupMask> classes{opening};
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
    const double end = arrived->end_ns(arrived->heard);
    if (end > now + kRounding_ns) {
      next = std::min(next, end);
      continue;
    }
    arrived->judged = true;
    const double missed = missed_ns(*arrived);
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
double Integrator::missed_ns(const Arrived& arrived) const {
  const double lead = arrived.lead_ns();
  const double end = arrived.end_ns(arrived.heard);
  if (end <= lead) {
    return 0;
  }
  std::vector<Window> touching;
  std::vector<GroupMask> classes{kAllGroups};
  GroupMask columns = 0;
  for (const std::vector<Window>* windows : {&history_, &open_}) {
    for (const Window& window : *windows) {
      if ((window.rows[at(arrived.plane)] & arrived.heard) == 0 || window.open_ns >= end || window.close_ns <= lead) {
        continue;
      }
      touching.push_back(window);
      columns |= window.columns;
      refine(classes, window.columns);
    }
  }
  if (columns == 0) {
    return end - lead;
  }
  const std::vector<duration::Arrivals::Entry> entries{arrived.entry};
  const duration::Reception reception = [&](const duration::Pulses& /*pulses*/, Block& durations) {
    durations = *arrived.received;
  };
  double missed = 0;
  for (const GroupMask part : classes) {
    if ((part & columns) == 0) {
      continue;
    }
    std::vector<duration::Window> windows;
    GroupMask met = 0;
    bool whole = false;
    for (const Window& window : touching) {
      if ((window.columns & part) != 0) {
        const GroupMask rows = window.rows[at(arrived.plane)] & arrived.heard;
        windows.push_back({window.open_ns, window.close_ns, rows, 1});
        met |= rows;
        whole |= rows == arrived.heard && window.open_ns <= lead && window.close_ns >= end;
      }
    }
    if (whole) {
      continue;
    }
    Block sum = Block::Zero(kWires, static_cast<Eigen::Index>(context_.lanes()));
    const duration::Coverage coverage = duration::overlap(entries, windows.data(), windows.size(),
                                                          arrived.received ? reception : duration::Reception{}, sum);
    missed = std::max(missed, coverage.missed_ns);
    const auto unmet = static_cast<GroupMask>(arrived.heard & ~(met & coverage.heard));
    if (unmet != 0) {
      missed = std::max(missed, arrived.end_ns(unmet) - lead);
    }
  }
  return missed;
}

void Integrator::forget(double now) {
  const bool windows = !open_.empty() || !pending_.empty();
  bool unjudged = false;
  const auto done = [&](const ArrivedPointer& arrived) {
    const bool past = arrived->heard == 0 ? ended_by(*arrived, now) : arrived->judged;
    unjudged |= !past;
    return past && !windows;
  };
  arrived_.erase(std::remove_if(arrived_.begin(), arrived_.end(), done), arrived_.end());
  if (!unjudged) {
    history_.clear();
  }
}

/// Takes what happened until now off the windows.
Integrator::Work Integrator::take_work(double now) {
  Work work;
  work.until_ns = now;
  work.windows = std::move(pending_);
  pending_.clear();
  for (Window& window : open_) {
    if (window.from_ns < now) {
      work.windows.push_back(window);
      work.windows.back().close_ns = now;
      window.from_ns = now;
    }
  }
  std::sort(work.windows.begin(), work.windows.end(), [](const Window& a, const Window& b) {
    return std::make_tuple(a.from_ns, a.close_ns, a.columns) < std::make_tuple(b.from_ns, b.close_ns, b.columns);
  });
  for (const ArrivedPointer& arrived : arrived_) {
    const bool meets = std::any_of(work.windows.begin(), work.windows.end(), [&](const Window& window) {
      return (window.rows[at(arrived->plane)] & arrived->entry.pulses.groups) != 0 &&
             arrived->lead_ns() < window.close_ns && !ended_by(*arrived, window.from_ns);
    });
    if (!meets) {
      continue;
    }
    ArrivedPointer known = arrived;
    if (!arrived->entry.over) {
      known = std::make_shared<Arrived>();
      known->entry = arrived->entry;
      known->plane = arrived->plane;
    }
    if (!known->is_received) {
      receive(*known, now);
    }
    work.arrived.push_back(std::move(known));
  }
  const auto order = [](const ArrivedPointer& a, const ArrivedPointer& b) {
    const auto& x = a->entry.pulses;
    const auto& y = b->entry.pulses;
    return std::make_tuple(x.lead_ns(), x.emission->source, x.groups, x.head_cut_ns) !=
                   std::make_tuple(y.lead_ns(), y.emission->source, y.groups, y.head_cut_ns)
               ? std::make_tuple(x.lead_ns(), x.emission->source, x.groups, x.head_cut_ns) <
                     std::make_tuple(y.lead_ns(), y.emission->source, y.groups, y.head_cut_ns)
               : std::lexicographical_compare(x.hops.begin(), x.hops.end(), y.hops.begin(), y.hops.end());
  };
  std::sort(work.arrived.begin(), work.arrived.end(), order);
  return work;
}

void Integrator::add_overlaps(const Work& work, GroupMask columns, std::size_t set, bool swapped, Block& sum) {
  for (const Plane plane : {Plane::kWestEast, Plane::kSouthNorth}) {
    std::vector<duration::Window> windows;
    for (const Window& window : work.windows) {
      if ((window.columns & columns) != 0 && window.sets[set] && window.swapped == swapped &&
          window.rows[at(plane)] != 0) {
        windows.push_back({window.from_ns, window.close_ns, window.rows[at(plane)], 1.0});
      }
    }
    std::vector<duration::Arrivals::Entry> entries;
    std::vector<const Block*> received;
    for (const ArrivedPointer& arrived : work.arrived) {
      if (arrived->plane == plane) {
        entries.push_back(arrived->entry);
        received.push_back(arrived->received.get());
      }
    }
    if (windows.empty() || entries.empty()) {
      continue;
    }
    const duration::Reception reception = [&](const duration::Pulses& pulses, Block& durations) {
      for (std::size_t index = 0; index < entries.size(); ++index) {
        if (&entries[index].pulses == &pulses && received[index] != nullptr) {
          durations = *received[index];
        }
      }
    };
    const bool as_sent =
        std::all_of(received.begin(), received.end(), [](const Block* durations) { return durations == nullptr; });
    duration::overlap(entries, windows.data(), windows.size(), as_sent ? duration::Reception{} : reception, sum,
                      work.until_ns);
  }
}

Integrator::Pass Integrator::sum_inputs(GroupMask columns, const Work& work) {
  Pass pass;
  pass.columns = columns;
  const auto lanes = static_cast<Eigen::Index>(context_.lanes());
  Eigen::ArrayXd input_ns = Eigen::ArrayXd::Zero(lanes);
  for (std::size_t set = 0; set < 2; ++set) {
    for (const bool swapped : {false, true}) {
      const bool any = std::any_of(work.windows.begin(), work.windows.end(), [&](const Window& window) {
        return (window.columns & columns) != 0 && window.sets[set] && window.swapped == swapped;
      });
      if (!any) {
        continue;
      }
      Block sum = Block::Zero(kWires, lanes);
      add_overlaps(work, columns, set, swapped, sum);
      for (Eigen::Index row = 0; row < kWires; ++row) {  // in row order, so that a lane's sum depends on itself only
        input_ns += sum.row(row).transpose();
      }
      if (!pass.inputs[set]) {
        pass.inputs[set] = std::make_unique<Block>(swapped ? Block(-sum) : std::move(sum));
      } else {
        *pass.inputs[set] -= sum;
      }
    }
  }
  const TileConfig& config = context_.config;
  const double nanojoules_per_ns = config.energy_full_mac_nJ * config.array_share / (kWires * config.full_scale_ns) *
                                   static_cast<double>(count(columns)) / kWireGroups;
  input_ns *= nanojoules_per_ns;
  context_.services.energy.charge_lanes(context_.energy_place, energy::Account::kArray, input_ns.data());
  return pass;
}

ChargePart Integrator::freeze(double now) {
  const Work work = take_work(now);
  std::vector<GroupMask> classes{kAllGroups};
  GroupMask columns = 0;
  for (const Window& window : work.windows) {
    if (!work.arrived.empty() && (window.sets[0] || window.sets[1])) {
      columns |= window.columns;
    }
    refine(classes, window.columns);
  }
  if (columns != 0) {
    auto passes = std::make_shared<std::vector<Pass>>();
    for (const GroupMask part : classes) {
      if ((part & columns) != 0) {
        passes->push_back(sum_inputs(part, work));
      }
    }
    auto next = std::make_shared<Charge>(context_.services.workers);
    const std::shared_ptr<const Charge> base = charge_;
    const GroupMask charged = charged_;
    join();
    Charge* result = next.get();  // outlives its job
    result->value = Block::Zero(kWires, static_cast<Eigen::Index>(context_.lanes()));
    next->ticket = context_.services.workers.submit([result, base, charged, passes, lanes = context_.lanes(), this] {
      for_each_run(charged, [&](int first, int last) {
        result->value.middleRows(first, last - first) = base->value.middleRows(first, last - first);
      });
      Block sum(kWires, static_cast<Eigen::Index>(lanes));
      for (const Pass& pass : *passes) {
        for (std::size_t set = 0; set < 2; ++set) {
          if (!pass.inputs[set]) {
            continue;
          }
          for_each_run(pass.columns, [&](int first, int last) {
            array_.multiply(static_cast<WeightSet>(set), pass.inputs[set]->data(), sum.data(), lanes, first, last);
            result->value.middleRows(first, last - first) += sum.middleRows(first, last - first);
          });
        }
      }
    });
    charge_ = std::move(next);
    charged_ |= columns;
  }
  forget(now);
  return {kAllGroups, charged_, charge_};
}

void Integrator::join() {
  if (charge_) {
    charge_->join();
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
  fresh_ |= groups;
  forget(now);
}

void Integrator::assign(GroupMask groups, const Block& charge) {
  auto next = std::make_shared<Charge>(context_.services.workers);
  next->value = Block::Zero(kWires, charge.cols());
  join();
  for_each_run(static_cast<GroupMask>(charged_ & ~groups), [&](int first, int last) {
    next->value.middleRows(first, last - first) = charge_->value.middleRows(first, last - first);
  });
  for_each_run(groups, [&](int first, int last) {
    next->value.middleRows(first, last - first) = charge.middleRows(first, last - first);
  });
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
