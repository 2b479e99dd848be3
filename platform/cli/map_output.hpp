#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "platform/config/platform_config.hpp"
#include "platform/mapping/plan.hpp"

namespace chronotile::cli {

/// What a `map` subcommand writes.
struct MapOutput {
  std::string assembly;
  std::string svg;
  bool json = false;
};

/// `many`: the network may stand on several chips, so programs and drawings go into directories by chip.
void add_map_output_options(CLI::App& command, MapOutput& output, bool many = false);

/// Writes programs and drawing, prints the plan. For several chips: programs as DIR/chipK/NAME.lcs, drawings as
/// DIR/chipK.svg.
void write_map(const mapping::Plan& plan, const config::PlatformConfig& config, const MapOutput& output,
               bool many = false);

}  // namespace chronotile::cli
