#pragma once

#include <cstdint>
#include <string>
#include <systemc>
#include <utility>

#include "models/base/services.hpp"
#include "models/controller/control_lines.hpp"
#include "models/duration/time.hpp"
#include "models/tile/tile.hpp"

namespace chronotile::tile {

/// What the parts of a tile share.
struct Context {
  const sc_core::sc_module& module;
  const TileConfig config;
  Services& services;
  energy::Place energy_place;
  const sc_core::sc_port<controller::ControlLines>& control;

  [[nodiscard]] std::size_t lanes() const { return services.lanes.count(); }
  [[nodiscard]] std::uint32_t level(isa::Group group) const { return control->level(group); }
  [[nodiscard]] GroupMask mask(isa::Group group) const { return static_cast<GroupMask>(control->level(group)); }
  [[nodiscard]] static double now_ns() { return duration::now_ns(); }
  void report(ViolationKind kind, std::string detail) const {
    services.violations.report(
        {now_ns(), kind, module.name(), control->controller_name(), control->pc(), std::move(detail)});
  }
};

}  // namespace chronotile::tile
