#pragma once

#include <systemc>

#include "models/base/services.hpp"
#include "models/controller/local_controller.hpp"
#include "models/mesh/node.hpp"
#include "models/tile/tile.hpp"
#include "platform/config/platform_config.hpp"

namespace chronotile::chip {

/// A tile with its local controller and its mesh node.
class Site final : public sc_core::sc_module {
 public:
  /// `tile` and `site`: indices; `place`: where its energy is charged.
  Site(sc_core::sc_module_name name, const config::PlatformConfig& config, std::uint32_t tile, std::uint32_t site,
       Services& services, energy::Place place);

  controller::LocalController lc;
  tile::Tile array;
  mesh::Node node;
};

}  // namespace chronotile::chip
