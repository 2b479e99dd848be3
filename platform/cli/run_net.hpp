#pragma once

#include <CLI/CLI.hpp>

#include "platform/cli/cli.hpp"

namespace chronotile::cli {

/// `chronotile run net` and `chronotile map net`: any chain of fully connected layers on one chip, from a description
/// in TOML (network_description.hpp).
void add_run_net(CLI::App& run, Cli& cli);
void add_map_net(CLI::App& map);

}  // namespace chronotile::cli
