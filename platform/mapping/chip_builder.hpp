#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "platform/config/platform_config.hpp"
#include "platform/mapping/plan.hpp"
#include "platform/mapping/router.hpp"
#include "platform/mapping/schedule.hpp"
#include "platform/mapping/timing.hpp"

namespace chronotile::mapping {

/// Gathers what all controllers of a chip do in a step, the routes and the sentences about the slots.
class ChipBuilder {
 public:
  /// The arguments must outlive the builder.
  ChipBuilder(const config::PlatformConfig& config, const SlotTiming& timing, const MeshGraph& mesh)
      : config_(config), timing_(timing), mesh_(mesh) {}

  [[nodiscard]] ScheduleBuilder& controller(const std::string& name) { return builders_[name]; }
  [[nodiscard]] std::string tile_name(std::uint32_t site) const { return mesh_.floorplan().site_name(site); }
  [[nodiscard]] std::string vertex_name(MeshGraph::Vertex vertex) const;
  /// Names of the receivers of a tree.
  [[nodiscard]] std::vector<std::string> receivers(const Tree& tree) const;

  /// Adds a sentence about what happens in a slot.
  void say(std::uint32_t slot, std::string what);

  /// Holds the switches of a way in `slot`, and reports it. Throws UserError if the pulses arrive after the receivers'
  /// windows have closed.
  void add_route(const Tree& tree, std::uint32_t slot);

  /// Proves that the routes are disjoint, then moves routes, slots and a program for each controller into `chip`, whose
  /// tiles must be there.
  void finish(ChipPlan& chip);

 private:
  const config::PlatformConfig& config_;
  const SlotTiming& timing_;
  const MeshGraph& mesh_;
  std::map<std::string, ScheduleBuilder> builders_;
  std::set<std::pair<std::uint32_t, std::string>> notes_given_;
  std::vector<Route> routes_;
  std::vector<SlotUse> slots_;
};

}  // namespace chronotile::mapping
