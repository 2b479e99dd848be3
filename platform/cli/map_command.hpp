#pragma once

#include <CLI/CLI.hpp>

#include "platform/cli/cli.hpp"

namespace chronotile::cli {

/// `chronotile map kws`: places a network on a chip, prints the plan, writes programs and a drawing.
void add_map_command(CLI::App& app, Cli& cli);

}  // namespace chronotile::cli
