#include "models/duration/receiver.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <utility>

#include <boost/container/small_vector.hpp>

namespace chronotile::duration {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kRounding_ns = 1e-6;  ///< sums of partial overlaps may be off by this much

/// Largest element; the compiler's own loop would take one at a time, because NaN and zeros would not be treated alike.
double largest(const double* from, std::size_t count) {
  constexpr std::size_t kSide = 16;
  std::array<double, kSide> high{};
  std::size_t k = 0;
  for (; k + kSide <= count; k += kSide) {
    for (std::size_t i = 0; i < kSide; ++i) {
      high[i] = from[k + i] > high[i] ? from[k + i] : high[i];
    }
  }
  for (; k < count; ++k) {
    high[0] = std::max(high[0], from[k]);
  }
  return *std::max_element(high.begin(), high.end());
}

/// An entry that may meet a window. Its durations as received are worked out when they are needed: mostly the bounds
/// tell enough.
struct Candidate {
  const Pulses* pulses = nullptr;
  const Reception* reception = nullptr;
  bool* in_doubt = nullptr;  ///< set instead of a look at the durations
  double head_ns = 0;        ///< relative to the leading edge at the place
  double tail_ns = kInfinity;
  double latest_ns = kInfinity;  ///< no wire falls later, relative to the leading edge
  mutable const Block* durations = nullptr;
  mutable std::unique_ptr<Block> received;
  mutable std::array<double, kWireGroups> longest_ns{};
  mutable GroupMask longest_known = 0;

  [[nodiscard]] double from_lead(double time_ns) const {
    return (time_ns - pulses->emission->lead_ns) - pulses->delay_ns;  // exact for whole ns, whatever the absolute time
  }
  /// As received.
  [[nodiscard]] const double* of_group(int group) const {
    if (durations == nullptr) {
      const Emission& emission = *pulses->emission;
      durations = &emission.durations_ns;
      if (reception != nullptr || !emission.counts.empty()) {
        received = std::make_unique<Block>(kWires, static_cast<Eigen::Index>(emission.lanes()));
        if (reception != nullptr) {
          reception->receive(*pulses, *received);
        } else {
          emission.copy_durations(*received);
        }
        durations = received.get();
      }
    }
    return durations->data() + static_cast<std::ptrdiff_t>(group) * kWiresPerGroup * durations->cols();
  }
  /// End of the last pulse of `group`, relative to the leading edge.
  [[nodiscard]] double end_ns(int group) const {
    if (in_doubt != nullptr) {
      *in_doubt = true;
      return latest_ns;
    }
    double& longest = longest_ns[static_cast<std::size_t>(group)];
    if (!contains(longest_known, group)) {
      const double* from = of_group(group);
      longest = largest(from, static_cast<std::size_t>(kWiresPerGroup * durations->cols()));
      longest_known = static_cast<GroupMask>(longest_known | (1U << static_cast<unsigned>(group)));
    }
    return std::max(head_ns, std::min(longest, tail_ns));
  }
  /// Whether the end of `group` lies after `time_ns`.
  [[nodiscard]] bool lasts_after(double time_ns, int group) const {
    return latest_ns > time_ns && end_ns(group) > time_ns;
  }
  /// Whether the vector stands on `group` within [open, close). One without any pulse stands at its leading edge.
  [[nodiscard]] bool meets(const Window& window, int group) const {
    const double open = from_lead(window.open_ns);
    return head_ns < from_lead(window.close_ns) && (head_ns >= open || lasts_after(open, group));
  }
  /// Whether a window that closes then, relative to the leading edge, covers the end of `group`.
  [[nodiscard]] bool ends_by(double close_ns, int group) const {
    return close_ns >= latest_ns || close_ns >= end_ns(group);
  }
  [[nodiscard]] bool uncut() const { return head_ns == 0 && tail_ns == kInfinity; }
};

using Candidates = boost::container::small_vector<Candidate, 4>;
using Members = boost::container::small_vector<const Candidate*, 4>;

void hear(const Candidate& candidate, const Window& window, int group, Coverage& coverage, double& first_lead) {
  coverage.heard = static_cast<GroupMask>(coverage.heard | (1U << group));
  first_lead = std::min(first_lead, -candidate.from_lead(window.open_ns) + candidate.head_ns);
}

void miss(double missed_ns, int group, Coverage& coverage) {
  if (missed_ns > kRounding_ns) {
    coverage.partial = static_cast<GroupMask>(coverage.partial | (1U << group));
    coverage.missed_ns = std::max(coverage.missed_ns, missed_ns);
  }
}

/// Groups of a candidate that windows cover wholly, by weight.
struct Whole {
  double weight;
  GroupMask groups;
};
using Wholes = boost::container::small_vector<Whole, 4>;

/// The wires of one group.
template <typename Real>
class GroupSum {
 public:
  GroupSum(const Sum<Real>& sum, int group)
      : of_group_(sum.from(static_cast<std::size_t>(group) * kWiresPerGroup)), stride_(kMagnitudeRows * sum.lanes) {}

  void add(std::size_t k, double weight, double overlap) const {
    of_group_.values[k] += static_cast<Real>(weight * overlap);
    add_magnitude(k, overlap);
  }
  void add_signed(std::size_t k, double weight, double overlap) const {
    of_group_.values[k] += static_cast<Real>(weight * overlap);
  }
  void add_magnitude(std::size_t k, double overlap) const {
    if (of_group_.magnitudes != nullptr) {
      of_group_.magnitudes[k % stride_] += static_cast<Real>(overlap);
    }
  }

 private:
  Sum<Real> of_group_;
  std::size_t stride_;
};

/// One branch alone on its wires: no interval of another one touches it. Groups that a window covers wholly may be left
/// to `wholes`.
template <typename Real>
void add_alone(const Candidate& candidate, const Window* windows, std::size_t window_count, int group,
               const GroupSum<Real>& sum, std::size_t size, std::vector<double>& covered, Wholes& wholes,
               Coverage& coverage) {
  const double head = candidate.head_ns;
  const double tail = candidate.tail_ns;
  std::size_t met = 0;
  for (std::size_t i = 0; i < window_count; ++i) {
    const Window& window = windows[i];
    if (!contains(window.groups, group) || !candidate.meets(window, group)) {
      continue;
    }
    const double open = std::max(candidate.from_lead(window.open_ns), head);
    const double close = std::min(candidate.from_lead(window.close_ns), tail);
    const double weight = window.weight;
    if (met++ == 0 && open == head && candidate.ends_by(close, group)) {  // covered wholly
      if (candidate.uncut()) {
        const auto same =
            std::find_if(wholes.begin(), wholes.end(), [&](const Whole& whole) { return whole.weight == weight; });
        const auto bit = static_cast<GroupMask>(1U << static_cast<unsigned>(group));
        if (same != wholes.end()) {
          same->groups |= bit;
        } else {
          wholes.push_back({weight, bit});
        }
        return;
      }
      const double* durations = candidate.of_group(group);
      for (std::size_t k = 0; k < size; ++k) {
        sum.add(k, weight, std::max(0.0, std::min(durations[k], tail) - head));
      }
      return;
    }
    covered.resize(size, 0.0);
    const double* durations = candidate.of_group(group);
    for (std::size_t k = 0; k < size; ++k) {
      const double overlap = std::max(0.0, std::min(durations[k], close) - open);
      sum.add(k, weight, overlap);
      covered[k] += overlap;
    }
  }
  if (met > 0) {
    double missed = 0;
    const double* durations = candidate.of_group(group);
    for (std::size_t k = 0; k < size; ++k) {
      missed = std::max(missed, std::max(0.0, std::min(durations[k], tail) - head) - covered[k]);
    }
    miss(missed, group, coverage);
    covered.clear();
  }
}

/// One pulse of one wire and lane. Its own times are relative to its branch's leading edge.
struct Interval {
  const Candidate* member = nullptr;
  std::size_t number = 0;  ///< of the member
  double end_ns = 0;
  double from = 0;  ///< in the frame of the first branch, for comparisons
  double to = 0;
};

/// Time within `window` of pulses that hang together, from the beginning of `first` to the end of `last`. Times are
/// taken relative to whichever pulse bounds them, so that a pulse alone counts as in add_alone() and one that ended
/// before the window leaves no trace.
double overlap_of_run(const Interval& first, const Interval& last, const Window& window) {
  const Candidate& begin = *first.member;
  const Candidate& end = *last.member;
  const double open = end.from_lead(window.open_ns);
  const double close = end.from_lead(window.close_ns);
  if (&begin == &end) {
    return std::max(0.0, std::min(last.end_ns, close) - std::max(open, begin.head_ns));
  }
  if (begin.from_lead(window.open_ns) >= begin.head_ns) {
    return std::max(0.0, std::min(last.end_ns, close) - open);
  }
  if (close <= last.end_ns) {
    return std::max(0.0, begin.from_lead(window.close_ns) - begin.head_ns);
  }
  return (last.end_ns - begin.head_ns) + (begin.from_lead(end.pulses->emission->lead_ns) + end.pulses->delay_ns);
}

/// Several branches meet on the wires of a group: their intervals are joined, wire by wire. What joined intervals last
/// counts for the branch that begins them. Magnitudes are added in the order in which those of branches that do not
/// meet are, because whether they meet may depend on other lanes.
template <typename Real>
void add_joined(const Members& members, const Window* windows, std::size_t window_count, int group,
                const GroupSum<Real>& sum, std::size_t size, Coverage& coverage) {
  const Candidate& first = *members.front();
  boost::container::small_vector<const double*, 8> durations_of;
  for (const Candidate* member : members) {
    durations_of.push_back(member->of_group(group));
  }
  boost::container::small_vector<Interval, 8> intervals;
  std::vector<double> magnitudes(members.size() * window_count * size, 0.0);  // by branch and window
  double missed = 0;
  for (std::size_t k = 0; k < size; ++k) {
    intervals.clear();
    for (std::size_t m = 0; m < members.size(); ++m) {
      const Candidate* member = members[m];
      const double lead = first.from_lead(member->pulses->emission->lead_ns) + member->pulses->delay_ns;
      const double duration = durations_of[m][k];
      const double end = std::min(duration, member->tail_ns);
      if (end > member->head_ns) {
        intervals.push_back({member, m, end, lead + member->head_ns, lead + end});
      }
    }
    std::stable_sort(intervals.begin(), intervals.end(),
                     [](const Interval& a, const Interval& b) { return a.from < b.from; });
    double high = 0;
    double within = 0;
    for (std::size_t i = 0; i < intervals.size();) {
      const Interval& begin = intervals[i];
      Interval end = begin;
      for (++i; i < intervals.size() && intervals[i].from < end.to - kRounding_ns; ++i) {
        if (intervals[i].to > end.to) {
          end = intervals[i];
        }
      }
      high += end.to - begin.from;
      for (std::size_t j = 0; j < window_count; ++j) {
        if (contains(windows[j].groups, group)) {
          const double overlap = overlap_of_run(begin, end, windows[j]);
          sum.add_signed(k, windows[j].weight, overlap);
          magnitudes[(begin.number * window_count + j) * size + k] = overlap;
          within += overlap;
        }
      }
    }
    missed = std::max(missed, high - within);
  }
  for (std::size_t index = 0; index < magnitudes.size(); ++index) {
    sum.add_magnitude(index % size, magnitudes[index]);
  }
  if (contains(coverage.heard, group)) {
    miss(missed, group, coverage);
  }
}

/// Whether the lifetimes of two of the branches overlap in `group`. `members` are in order of their beginnings.
bool meet_on_wires(const Members& members, int group) {
  if (members.size() < 2) {
    return false;
  }
  const auto lead_of = [&](const Candidate& member) {
    return members.front()->from_lead(member.pulses->emission->lead_ns) + member.pulses->delay_ns;
  };
  for (const bool exact : {false, true}) {  // at first with what is known without the durations
    double end = -kInfinity;                // relative to the first leading edge
    bool meet = false;
    for (const Candidate* member : members) {
      const double lead = lead_of(*member);
      meet = meet || lead + member->head_ns < end - kRounding_ns;
      end = std::max(end, lead + (exact ? member->end_ns(group) : member->latest_ns));
    }
    if (!meet) {
      return false;
    }
  }
  return true;
}

/// Durations of an emission that is not final are known as far as a switch let them pass, or up to `known_ns`.
void require_known(const Arrivals::Entry& entry, const Window* windows, std::size_t window_count, double known_ns) {
  const bool known = entry.over && (entry.pulses.emission->final || entry.pulses.tail_cut_ns < kInfinity);
  const bool past = std::all_of(windows, windows + window_count, [&](const Window& window) {
    return (window.groups & entry.pulses.groups) == 0 || window.close_ns <= known_ns;
  });
  if (!known && !past) {
    throw std::logic_error("duration::overlap: a pulse is not over yet");
  }
}

Candidates collect(const std::vector<Arrivals::Entry>& entries, const Window* windows, std::size_t window_count,
                   const Reception* reception, std::size_t lanes, double known_ns) {
  Candidates candidates;
  for (const Arrivals::Entry& entry : entries) {
    Candidate candidate;
    candidate.pulses = &entry.pulses;
    candidate.head_ns = std::max(0.0, entry.pulses.head_cut_ns);
    candidate.tail_ns = entry.pulses.tail_cut_ns;
    const bool possible = std::any_of(windows, windows + window_count, [&](const Window& window) {
      return (window.groups & entry.pulses.groups) != 0 && candidate.head_ns < candidate.from_lead(window.close_ns);
    });
    if (!possible) {
      continue;
    }
    require_known(entry, windows, window_count, known_ns);
    const duration::Emission& emission = *entry.pulses.emission;
    if ((emission.counts.empty() && emission.durations_ns.rows() != kWires) || emission.lanes() != lanes) {
      throw std::logic_error("duration::overlap: an emission's block is not 512 x lanes");
    }
    candidate.reception = reception;
    if (emission.final) {
      const double bound = reception != nullptr ? reception->bound_ns() : 0.0;
      const double longest = emission.longest_ns > 0 ? emission.longest_ns + bound : 0.0;
      candidate.latest_ns = std::max(candidate.head_ns, std::min(longest, candidate.tail_ns));
    } else {
      candidate.latest_ns = std::max(candidate.head_ns, candidate.tail_ns);
    }
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

/// Adds what windows cover wholly, in one pass.
template <typename Real>
void add_wholes(const Candidate& candidate, const Wholes& wholes, const Sum<Real>& sum) {
  for (const Whole& whole : wholes) {
    if (candidate.reception != nullptr && candidate.durations == nullptr) {
      candidate.reception->add(*candidate.pulses, whole.groups, whole.weight, sum);
      continue;
    }
    const std::size_t size = kWiresPerGroup * sum.lanes;
    for (int group = 0; group < kWireGroups; ++group) {
      if (contains(whole.groups, group)) {
        const double* durations = candidate.of_group(group);
        const GroupSum<Real> of_group(sum, group);
        for (std::size_t k = 0; k < size; ++k) {
          of_group.add(k, whole.weight, durations[k]);
        }
      }
    }
  }
}

/// What is heard in each window.
Coverage hear_all(const Candidates& candidates, const Window* windows, std::size_t window_count) {
  Coverage coverage;
  for (std::size_t i = 0; i < window_count; ++i) {
    double first_lead = kInfinity;
    for (const Candidate& candidate : candidates) {
      for (int group = 0; group < kWireGroups; ++group) {
        if (contains(candidate.pulses->groups & windows[i].groups, group) && candidate.meets(windows[i], group)) {
          hear(candidate, windows[i], group, coverage, first_lead);
        }
      }
    }
    if (first_lead < kInfinity) {
      coverage.lead_in_ns = std::max(coverage.lead_in_ns, first_lead);
    }
  }
  return coverage;
}

/// In order of their beginnings.
Members in_order(const Candidates& candidates) {
  Members sorted;
  for (const Candidate& candidate : candidates) {
    sorted.push_back(&candidate);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const Candidate* a, const Candidate* b) {
    const double lead_a = a->pulses->lead_ns() + a->head_ns;
    const double lead_b = b->pulses->lead_ns() + b->head_ns;
    return lead_a != lead_b ? lead_a < lead_b : a->pulses->emission->source < b->pulses->emission->source;
  });
  return sorted;
}

Members members_of(const Members& sorted, int group) {
  Members members;
  for (const Candidate* candidate : sorted) {
    if (contains(candidate->pulses->groups, group)) {
      members.push_back(candidate);
    }
  }
  return members;
}

}  // namespace

void Arrivals::begin(const Pulses& pulses) { entries_.push_back({pulses, false}); }

void Arrivals::end(const Pulses& pulses) {
  const auto same = [&](const Entry& entry) {
    return !entry.over && entry.pulses.emission == pulses.emission && entry.pulses.groups == pulses.groups &&
           entry.pulses.head_cut_ns == pulses.head_cut_ns && entry.pulses.hops == pulses.hops;
  };
  const auto found = std::find_if(entries_.begin(), entries_.end(), same);
  if (found == entries_.end()) {
    throw std::logic_error("duration::Arrivals: end of a branch that was not begun");
  }
  found->pulses.tail_cut_ns = pulses.tail_cut_ns;
  found->over = true;
}

double Arrivals::Entry::end_ns() const {
  return pulses.lead_ns() +
         std::min(pulses.emission->final ? pulses.emission->longest_ns : kInfinity, pulses.tail_cut_ns);
}

void Arrivals::forget(double time_ns) {
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                [&](const Entry& entry) { return entry.over && entry.end_ns() <= time_ns; }),
                 entries_.end());
}

template <typename Real>
Coverage overlap(const std::vector<Arrivals::Entry>& entries, const Window* windows, std::size_t window_count,
                 const Reception* reception, const Sum<Real>& sum, double known_ns) {
  const std::size_t size = sum.lanes * kWiresPerGroup;
  const Candidates candidates = collect(entries, windows, window_count, reception, sum.lanes, known_ns);
  Coverage coverage = hear_all(candidates, windows, window_count);
  const Members sorted = in_order(candidates);
  GroupMask joined = 0;
  for (int group = 0; group < kWireGroups; ++group) {
    const Members members = members_of(sorted, group);
    if (meet_on_wires(members, group)) {
      joined = static_cast<GroupMask>(joined | (1U << static_cast<unsigned>(group)));
      add_joined(members, windows, window_count, group, GroupSum<Real>(sum, group), size, coverage);
    }
  }
  std::vector<double> covered;
  Wholes wholes;
  for (const Candidate* candidate : sorted) {
    wholes.clear();
    for (int group = 0; group < kWireGroups; ++group) {
      if (contains(candidate->pulses->groups, group) && !contains(joined, group)) {
        add_alone(*candidate, windows, window_count, group, GroupSum<Real>(sum, group), size, covered, wholes,
                  coverage);
      }
    }
    add_wholes(*candidate, wholes, sum);
  }
  return coverage;
}

template Coverage overlap<float>(const std::vector<Arrivals::Entry>&, const Window*, std::size_t, const Reception*,
                                 const Sum<float>&, double);
template Coverage overlap<double>(const std::vector<Arrivals::Entry>&, const Window*, std::size_t, const Reception*,
                                  const Sum<double>&, double);

std::optional<Coverage> coverage_by_bounds(const std::vector<Arrivals::Entry>& entries, const Window& window,
                                           const Reception* reception) {
  if (entries.empty()) {
    return Coverage{};
  }
  bool in_doubt = false;
  Candidates candidates = collect(entries, &window, 1, reception, entries.front().pulses.emission->lanes(), -kInfinity);
  for (Candidate& candidate : candidates) {
    candidate.in_doubt = &in_doubt;
  }
  const Coverage coverage = hear_all(candidates, &window, 1);
  const Members sorted = in_order(candidates);
  for (int group = 0; group < kWireGroups && !in_doubt; ++group) {
    const Members members = members_of(sorted, group);
    in_doubt = meet_on_wires(members, group) || in_doubt;
    for (const Candidate* member : members) {
      const bool heard = contains(window.groups, group) && member->meets(window, group);
      const bool whole = member->uncut() && member->from_lead(window.open_ns) <= 0 &&
                         member->ends_by(member->from_lead(window.close_ns), group);
      in_doubt = in_doubt || (heard && !whole);
    }
  }
  return in_doubt ? std::nullopt : std::optional(coverage);
}

}  // namespace chronotile::duration
