#include "models/duration/receiver.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <boost/container/small_vector.hpp>

namespace chronotile::duration {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kRounding_ns = 1e-6;  ///< sums of partial overlaps may be off by this much

/// An entry that may meet a window, with its durations as received.
struct Candidate {
  const Pulses* pulses = nullptr;
  const Block* durations = nullptr;
  double head_ns = 0;  ///< relative to the leading edge at the place
  double tail_ns = kInfinity;
  std::array<double, kWireGroups> longest_ns{};

  [[nodiscard]] double from_lead(double time_ns) const {
    return (time_ns - pulses->emission->lead_ns) - pulses->delay_ns;  // exact for whole ns, whatever the absolute time
  }
  /// End of the last pulse of `group`, relative to the leading edge.
  [[nodiscard]] double end_ns(int group) const {
    return std::max(head_ns, std::min(longest_ns[static_cast<std::size_t>(group)], tail_ns));
  }
  /// Whether the vector stands on `group` within [open, close). One without any pulse stands at its leading edge.
  [[nodiscard]] bool meets(const Window& window, int group) const {
    const double open = from_lead(window.open_ns);
    return head_ns < from_lead(window.close_ns) && (end_ns(group) > open || head_ns >= open);
  }
};

using Candidates = boost::container::small_vector<Candidate, 4>;
using Members = boost::container::small_vector<const Candidate*, 4>;

bool driven(GroupMask mask, int group) { return ((mask >> group) & 1U) != 0; }

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

/// One branch alone on its wires: no interval of another one touches it.
void add_alone(const Candidate& candidate, const Window* windows, std::size_t window_count, int group, double* sum,
               std::size_t size, std::vector<double>& covered, Coverage& coverage) {
  const double* durations = candidate.durations->data() + static_cast<std::size_t>(group) * size;
  const double head = candidate.head_ns;
  const double tail = candidate.tail_ns;
  std::size_t met = 0;
  for (std::size_t i = 0; i < window_count; ++i) {
    const Window& window = windows[i];
    if (!driven(window.groups, group) || !candidate.meets(window, group)) {
      continue;
    }
    const double open = std::max(candidate.from_lead(window.open_ns), head);
    const double close = std::min(candidate.from_lead(window.close_ns), tail);
    const double weight = window.weight;
    if (met++ == 0 && open == head && close >= candidate.end_ns(group)) {
      for (std::size_t k = 0; k < size; ++k) {  // covered wholly
        sum[k] += weight * std::max(0.0, std::min(durations[k], tail) - head);
      }
      return;
    }
    covered.resize(size, 0.0);
    for (std::size_t k = 0; k < size; ++k) {
      const double overlap = std::max(0.0, std::min(durations[k], close) - open);
      sum[k] += weight * overlap;
      covered[k] += overlap;
    }
  }
  if (met > 0) {
    double missed = 0;
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

/// Several branches meet on the wires of a group: their intervals are joined, wire by wire.
void add_joined(const Members& members, const Window* windows, std::size_t window_count, int group, double* sum,
                std::size_t size, Coverage& coverage) {
  const Candidate& first = *members.front();
  boost::container::small_vector<Interval, 8> intervals;
  double missed = 0;
  for (std::size_t k = 0; k < size; ++k) {
    intervals.clear();
    for (const Candidate* member : members) {
      const double lead = first.from_lead(member->pulses->emission->lead_ns) + member->pulses->delay_ns;
      const double duration = member->durations->data()[static_cast<std::size_t>(group) * size + k];
      const double end = std::min(duration, member->tail_ns);
      if (end > member->head_ns) {
        intervals.push_back({member, end, lead + member->head_ns, lead + end});
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
        if (driven(windows[j].groups, group)) {
          const double overlap = overlap_of_run(begin, end, windows[j]);
          sum[k] += windows[j].weight * overlap;
          within += overlap;
        }
      }
    }
    missed = std::max(missed, high - within);
  }
  if (driven(coverage.heard, group)) {
    miss(missed, group, coverage);
  }
}

/// Whether the lifetimes of two of the branches overlap in `group`. `members` are in order of their beginnings.
bool meet_on_wires(const Members& members, int group) {
  double end = -kInfinity;  // relative to the first leading edge
  for (const Candidate* member : members) {
    const double lead = members.front()->from_lead(member->pulses->emission->lead_ns) + member->pulses->delay_ns;
    if (lead + member->head_ns < end - kRounding_ns) {
      return true;
    }
    end = std::max(end, lead + member->end_ns(group));
  }
  return false;
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
                   const Reception& reception, std::size_t lanes, double known_ns, std::vector<Block>& received) {
  Candidates candidates;
  received.reserve(entries.size());
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
    candidate.durations = &entry.pulses.emission->durations_ns;
    if (candidate.durations->rows() != kWires || static_cast<std::size_t>(candidate.durations->cols()) != lanes) {
      throw std::logic_error("duration::overlap: an emission's block is not 512 x lanes");
    }
    if (reception) {
      received.push_back(*candidate.durations);
      reception(entry.pulses, received.back());
      candidate.durations = &received.back();
    }
    for (int group = 0; group < kWireGroups; ++group) {
      if (driven(entry.pulses.groups, group)) {
        candidate.longest_ns[static_cast<std::size_t>(group)] =
            candidate.durations->middleRows(group * kWiresPerGroup, kWiresPerGroup).maxCoeff();
      }
    }
    candidates.push_back(candidate);
  }
  return candidates;
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

Coverage overlap(const std::vector<Arrivals::Entry>& entries, const Window* windows, std::size_t window_count,
                 const Reception& reception, Block& sum, double known_ns) {
  Coverage coverage;
  const auto lanes = static_cast<std::size_t>(sum.cols());
  const std::size_t size = lanes * kWiresPerGroup;
  std::vector<Block> received;
  const Candidates candidates = collect(entries, windows, window_count, reception, lanes, known_ns, received);

  for (std::size_t i = 0; i < window_count; ++i) {
    double first_lead = kInfinity;
    for (const Candidate& candidate : candidates) {
      for (int group = 0; group < kWireGroups; ++group) {
        if (driven(candidate.pulses->groups & windows[i].groups, group) && candidate.meets(windows[i], group)) {
          hear(candidate, windows[i], group, coverage, first_lead);
        }
      }
    }
    if (first_lead < kInfinity) {
      coverage.lead_in_ns = std::max(coverage.lead_in_ns, first_lead);
    }
  }

  std::vector<double> covered;
  Members members;
  for (int group = 0; group < kWireGroups; ++group) {
    members.clear();
    for (const Candidate& candidate : candidates) {
      if (driven(candidate.pulses->groups, group)) {
        members.push_back(&candidate);
      }
    }
    std::stable_sort(members.begin(), members.end(), [](const Candidate* a, const Candidate* b) {
      const double lead_a = a->pulses->lead_ns() + a->head_ns;
      const double lead_b = b->pulses->lead_ns() + b->head_ns;
      return lead_a != lead_b ? lead_a < lead_b : a->pulses->emission->source < b->pulses->emission->source;
    });
    double* rows = sum.data() + static_cast<std::size_t>(group) * size;
    if (members.size() > 1 && meet_on_wires(members, group)) {
      add_joined(members, windows, window_count, group, rows, size, coverage);
    } else {
      for (const Candidate* member : members) {
        add_alone(*member, windows, window_count, group, rows, size, covered, coverage);
      }
    }
  }
  return coverage;
}

}  // namespace chronotile::duration
