#pragma once

#include <CLI/CLI.hpp>

#include "platform/cli/cli.hpp"

namespace chronotile::cli {

/// `chronotile run WORKLOAD`: recordings through the chips.
void add_run_command(CLI::App& app, Cli& cli);

}  // namespace chronotile::cli
