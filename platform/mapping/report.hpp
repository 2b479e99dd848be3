#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "platform/config/platform_config.hpp"
#include "platform/mapping/plan.hpp"

namespace chronotile::mapping {

/// workload, weights_on_tiles, cells_programmed, tiles, chips[] {index, tiles, layers[] {name, rows, columns, mode,
/// tiles[]}, slots[], routes[], inputs[], outputs[], finishers[], programs[]}. No times: they stand in the programs.
[[nodiscard]] nlohmann::ordered_json to_json(const Plan& plan, const config::FloorplanConfig& floorplan);

/// The same for people: tables of tiles, slots, routes and pads.
[[nodiscard]] std::string to_text(const Plan& plan, const config::FloorplanConfig& floorplan);

/// The chip as an SVG picture: sites in their domains, tiles coloured by layer, pads, processing elements, and the
/// routes of each slot as lines, with a legend that says what the slots do.
[[nodiscard]] std::string chip_svg(const ChipPlan& chip, const config::PlatformConfig& config);

}  // namespace chronotile::mapping
