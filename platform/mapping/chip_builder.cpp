#include "platform/mapping/chip_builder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>

#include "common/user_error.hpp"
#include "platform/mapping/emit_assembly.hpp"

namespace chronotile::mapping {
namespace {

/// "tile_0_0, tile_0_1", or how many there are.
std::string some(const std::vector<std::string>& names) {
  constexpr std::size_t kFew = 3;
  return names.size() <= kFew ? fmt::format("{}", fmt::join(names, ", ")) : fmt::format("{} tiles", names.size());
}

}  // namespace

std::string ChipBuilder::vertex_name(MeshGraph::Vertex vertex) const {
  if (!mesh_.is_pad(vertex)) {
    return tile_name(mesh_.site_of(vertex));
  }
  const std::uint32_t pad = mesh_.pad_of(vertex);
  return vertex == mesh_.input_pad(pad) ? mesh_.floorplan().input_pad_name(pad)
                                        : mesh_.floorplan().output_pad_name(pad);
}

std::vector<std::string> ChipBuilder::receivers(const Tree& tree) const {
  std::vector<std::string> names;
  for (const MeshGraph::Vertex vertex : tree.reached) {
    names.push_back(vertex_name(vertex));
  }
  return names;
}

void ChipBuilder::say(std::uint32_t slot, std::string what) {
  for (auto next = static_cast<std::uint32_t>(slots_.size()); next <= slot; ++next) {
    slots_.push_back({next, {}});
  }
  slots_[slot].what.push_back(std::move(what));
}

void ChipBuilder::add_route(const Tree& tree, std::uint32_t slot) {
  for (const auto& [site, groups] : switches_of(mesh_, tree)) {
    for (const auto& [group, bits] : groups) {
      controller(tile_name(site)).hold(group, bits, slot);
    }
  }
  Route route;
  route.from = vertex_name(tree.source());
  route.groups = tree.groups;
  route.slot = slot;
  route.to = receivers(tree);
  std::vector<std::int32_t> segment_of;
  for (const Tree::Branch& branch : tree.branches) {
    if (mesh_.is_pad(branch.vertex)) {
      segment_of.push_back(-1);
      continue;
    }
    const std::uint32_t site = mesh_.site_of(branch.vertex);
    segment_of.push_back(static_cast<std::int32_t>(route.segments.size()));
    route.segments.push_back({site, branch.vertex == MeshGraph::west_east(site),
                              branch.parent < 0 ? -1 : segment_of[static_cast<std::size_t>(branch.parent)]});
  }
  for (const Route::Segment& segment : route.segments) {
    const std::string name = tile_name(segment.site);
    if (mesh_.floorplan().is_tile(segment.site) && name != route.from) {
      const bool ends = std::find(route.to.begin(), route.to.end(), name) != route.to.end();
      const std::string text =
          ends ? fmt::format("hears {}", route.from) : fmt::format("lets pass {} -> {}", route.from, some(route.to));
      if (notes_given_.insert({slot, name + text}).second) {
        controller(name).note(slot, text);
      }
    }
  }
  const double delay_ns = static_cast<double>(route.segments.size()) * config_.node.hop_delay_ns;
  if (delay_ns > config_.mapping.window_tail_cycles * config_.clock.period_ns) {
    throw UserError(
        "mapping.window_tail_cycles",
        fmt::format("pulses from {} arrive {:g} ns late over {} sets of wires, after the receivers' windows "
                    "have closed",
                    route.from, delay_ns, route.segments.size()),
        "Raise mapping.window_tail_cycles or lower node.hop_delay_ns");
  }
  routes_.push_back(std::move(route));
}

void ChipBuilder::finish(ChipPlan& chip) {
  prove_disjoint(routes_);
  std::set<std::string> with_weights;
  for (const TileAssignment& tile : chip.tiles) {
    with_weights.insert(tile_name(tile.site));
  }
  for (auto& [name, builder] : builders_) {
    if (name.compare(0, 5, "tile_") == 0 && with_weights.count(name) == 0) {
      builder.set_title("no weights, its node is passed through");
    }
    chip.assembly[name] = emit_assembly(builder.build(name, timing_), timing_, config_.tile);
  }
  chip.routes = std::move(routes_);
  chip.slots = std::move(slots_);
  chip.slots_per_step = static_cast<std::uint32_t>(chip.slots.size());
}

}  // namespace chronotile::mapping
