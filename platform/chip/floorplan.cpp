#include "platform/chip/floorplan.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace chronotile::chip {

Floorplan::Floorplan(const config::FloorplanConfig& config) : config_(config), tile_of_site_(sites(), -1) {
  for (std::uint32_t site = 0; site < sites(); ++site) {
    const auto& elements = config_.processing_elements;
    if (std::find(elements.begin(), elements.end(), site) == elements.end()) {
      tile_of_site_[site] = static_cast<int>(tiles_++);
    }
  }
}

std::string Floorplan::site_name(std::uint32_t site) const {
  return fmt::format("{}_{}_{}", is_tile(site) ? "tile" : "pe", site / config_.columns, site % config_.columns);
}

std::string Floorplan::controller_name(std::uint32_t controller) const {
  if (controller < tiles_) {
    const auto found = std::find(tile_of_site_.begin(), tile_of_site_.end(), static_cast<int>(controller));
    return site_name(static_cast<std::uint32_t>(found - tile_of_site_.begin()));
  }
  const std::uint32_t pad = controller - tiles_;
  return pad < pads() ? input_pad_name(pad) : output_pad_name(pad - pads());
}

int Floorplan::find_controller(const std::string& name) const {
  for (std::uint32_t controller = 0; controller < controllers(); ++controller) {
    if (controller_name(controller) == name) {
      return static_cast<int>(controller);
    }
  }
  return -1;
}

std::string Floorplan::domain(std::uint32_t site) const {
  const std::uint32_t row = site / config_.columns;
  const std::uint32_t column = site % config_.columns;
  const char* const vertical = 3 * row < config_.rows ? "N" : 3 * row < 2 * config_.rows ? "C" : "S";
  return fmt::format("{}{}", vertical, 2 * column < config_.columns ? "W" : "E");
}

}  // namespace chronotile::chip
