#include "platform/mapping/read_out.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "models/duration/geometry.hpp"

namespace chronotile::mapping {
namespace {

constexpr int kTrials = 400;  ///< pads tried for a packing before it is given up

GroupMask mask_of(std::uint32_t first, std::uint32_t count) {
  return static_cast<GroupMask>(((1U << count) - 1U) << first);
}

/// What of an emitter goes into a vector.
struct Part {
  std::size_t emitter = 0;
  std::uint32_t first_group = 0;
  std::uint32_t part_first = 0;
  std::uint32_t part_groups = 0;

  [[nodiscard]] GroupMask mask() const { return mask_of((first_group + part_first) % kWireGroups, part_groups); }
};

/// Vectors that the pads capture, not yet which pad.
using Packing = std::vector<std::vector<Part>>;

class ReadOut {
 public:
  ReadOut(const MeshGraph& mesh, const std::vector<Emitter>& emitters) : mesh_(mesh), emitters_(emitters) {}

  std::optional<std::vector<std::vector<Emission>>> run() {
    std::vector<std::size_t> full;
    std::vector<std::size_t> small;
    for (std::size_t i = 0; i < emitters_.size(); ++i) {
      (emitters_[i].groups == kWireGroups ? full : small).push_back(i);
    }
    std::stable_sort(small.begin(), small.end(),
                     [&](std::size_t a, std::size_t b) { return emitters_[a].groups > emitters_[b].groups; });
    std::vector<std::vector<Emission>> slots;
    while (!full.empty() || !small.empty()) {
      slot_.clear();
      occupied_.assign(mesh_.size(), 0);
      take_full(full);
      take_small(small);
      if (slot_.empty()) {
        return std::nullopt;
      }
      slots.push_back(std::move(slot_));
    }
    return slots;
  }

 private:
  [[nodiscard]] std::vector<std::uint32_t> free_pads() const {
    std::vector<std::uint32_t> pads;
    for (std::uint32_t pad = 0; pad < mesh_.floorplan().pads(); ++pad) {
      if (occupied_[mesh_.output_pad(pad)] == 0) {
        pads.push_back(pad);
      }
    }
    return pads;
  }

  /// The cheapest way of some wire groups of an emitter to one of `pads`; `source`: the tile that emits, -1: any.
  [[nodiscard]] std::optional<Tree> way(std::size_t emitter, GroupMask groups, const std::vector<std::uint32_t>& pads,
                                        const Occupancy& occupied, std::int64_t source) const {
    Net net;
    net.groups = groups;
    net.sinks.emplace_back();
    for (const std::uint32_t pad : pads) {
      net.sinks.back().push_back(mesh_.output_pad(pad));
    }
    std::optional<Tree> best;
    for (const std::uint32_t site : emitters_[emitter].sites) {
      const MeshGraph::Vertex vertex = MeshGraph::south_north(site);
      if (source >= 0 && vertex != source) {
        continue;
      }
      auto tree = grow_tree(mesh_, occupied, vertex, net);
      if (tree && (!best || tree->cost < best->cost)) {
        best = std::move(tree);
      }
    }
    return best;
  }

  /// Emitters of all wire groups, a pad each.
  void take_full(std::vector<std::size_t>& waiting) {
    for (auto pads = free_pads(); !pads.empty() && !waiting.empty(); pads = free_pads()) {
      std::optional<Tree> best;
      std::size_t chosen = 0;
      for (std::size_t i = 0; i < waiting.size(); ++i) {
        auto tree = way(waiting[i], kAllGroups, pads, occupied_, -1);
        if (tree && (!best || tree->cost < best->cost)) {
          best = std::move(tree);
          chosen = i;
        }
      }
      if (!best) {
        return;
      }
      occupy(mesh_, *best, occupied_);
      slot_.push_back({waiting[chosen], 0, 0, kWireGroups, std::move(*best)});
      waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(chosen));
    }
  }

  /// Emitters of fewer, as many of the first ones as find their way.
  void take_small(std::vector<std::size_t>& waiting) {
    const std::vector<std::uint32_t> pads = free_pads();
    for (std::size_t count = waiting.size(); count > 0 && !pads.empty(); --count) {
      const std::vector<std::size_t> some(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count));
      for (const Packing& packing : {whole(some), contiguous(some)}) {
        if (packing.size() > pads.size()) {
          continue;
        }
        trials_ = kTrials;
        std::vector<Emission> routed;
        std::map<std::size_t, MeshGraph::Vertex> sources;
        if (choose_pads(packing, 0, pads, occupied_, sources, routed)) {
          std::move(routed.begin(), routed.end(), std::back_inserter(slot_));
          waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count));
          return;
        }
      }
    }
  }

  /// No emitter split over vectors, first fit.
  [[nodiscard]] Packing whole(const std::vector<std::size_t>& some) const {
    Packing packing;
    std::vector<std::uint32_t> used;
    for (const std::size_t emitter : some) {
      const std::uint32_t groups = emitters_[emitter].groups;
      std::size_t vector = 0;
      while (vector < used.size() && used[vector] + groups > kWireGroups) {
        ++vector;
      }
      if (vector == used.size()) {
        used.push_back(0);
        packing.emplace_back();
      }
      packing[vector].push_back({emitter, used[vector], 0, groups});
      used[vector] += groups;
    }
    return packing;
  }

  /// One behind the other.
  [[nodiscard]] Packing contiguous(const std::vector<std::size_t>& some) const {
    Packing packing;
    std::uint32_t position = 0;
    for (const std::size_t emitter : some) {
      const std::uint32_t first_group = position % kWireGroups;
      for (std::uint32_t done = 0; done < emitters_[emitter].groups;) {
        const std::uint32_t at = position % kWireGroups;
        const std::uint32_t groups =
            std::min(emitters_[emitter].groups - done, static_cast<std::uint32_t>(kWireGroups) - at);
        if (at == 0) {
          packing.emplace_back();
        }
        packing.back().push_back({emitter, first_group, done, groups});
        done += groups;
        position += groups;
      }
    }
    return packing;
  }

  /// A pad for each vector from `index` on, cheapest first, taken back when a later vector does not find its way.
  bool choose_pads(const Packing& packing, std::size_t index, const std::vector<std::uint32_t>& pads,
                   const Occupancy& occupied, const std::map<std::size_t, MeshGraph::Vertex>& sources,
                   std::vector<Emission>& routed) {
    if (index == packing.size()) {
      return true;
    }
    struct Choice {
      int cost = 0;
      std::uint32_t pad = 0;
      Occupancy occupied;
      std::map<std::size_t, MeshGraph::Vertex> sources;
      std::vector<Emission> emissions;
    };
    std::vector<Choice> choices;
    for (const std::uint32_t pad : pads) {
      if (trials_-- <= 0) {
        return false;
      }
      Choice choice{0, pad, occupied, sources, {}};
      for (const Part& part : packing[index]) {
        const auto source = choice.sources.find(part.emitter);
        auto tree = way(part.emitter, part.mask(), {pad}, choice.occupied,
                        source == choice.sources.end() ? -1 : std::int64_t{source->second});
        if (!tree) {
          break;
        }
        choice.cost += tree->cost;
        choice.sources[part.emitter] = tree->source();
        occupy(mesh_, *tree, choice.occupied);
        choice.emissions.push_back(
            {part.emitter, part.first_group, part.part_first, part.part_groups, std::move(*tree)});
      }
      if (choice.emissions.size() == packing[index].size()) {
        choices.push_back(std::move(choice));
      }
    }
    std::stable_sort(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) { return a.cost < b.cost; });
    for (Choice& choice : choices) {
      std::vector<std::uint32_t> rest = pads;
      rest.erase(std::find(rest.begin(), rest.end(), choice.pad));
      const std::size_t before = routed.size();
      std::move(choice.emissions.begin(), choice.emissions.end(), std::back_inserter(routed));
      if (choose_pads(packing, index + 1, rest, choice.occupied, choice.sources, routed)) {
        return true;
      }
      routed.resize(before);
    }
    return false;
  }

  const MeshGraph& mesh_;
  const std::vector<Emitter>& emitters_;
  std::vector<Emission> slot_;
  Occupancy occupied_;
  int trials_ = 0;
};

}  // namespace

std::optional<std::vector<std::vector<Emission>>> route_read_out(const MeshGraph& mesh,
                                                                 const std::vector<Emitter>& emitters) {
  return ReadOut(mesh, emitters).run();
}

}  // namespace chronotile::mapping
