#include "platform/chip/site.hpp"

namespace chronotile::chip {
namespace {

controller::ControllerConfig tile_controller(controller::ControllerConfig config) {
  config.kind = controller::Kind::kTile;
  return config;
}

tile::TileConfig indexed(tile::TileConfig config, std::uint32_t index, double integration_share) {
  config.index = index;
  config.full_scale_ns *= integration_share;  // pulses between tiles are as short as those of the input pads
  return config;
}

mesh::NodeConfig indexed(mesh::NodeConfig config, std::uint32_t site) {
  config.index = site;
  return config;
}

}  // namespace

Site::Site(sc_core::sc_module_name name, const config::PlatformConfig& config, std::uint32_t tile, std::uint32_t site,
           Services& services, energy::Place place)
    : sc_module(name),
      lc("lc", tile_controller(config.controller), services, place),
      array("array", indexed(config.tile, tile, config.mapping.integration_share), config.transport, services, place),
      node("node", indexed(config.node, site), services, place) {
  array.control.bind(lc.lines);
  node.control.bind(lc.lines);
  array.columns().bind(node.columns());
  node.rows_west_east().bind(array.west_east());
  node.rows_south_north().bind(array.south_north());
}

}  // namespace chronotile::chip
