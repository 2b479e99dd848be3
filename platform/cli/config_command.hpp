#pragma once

#include <CLI/CLI.hpp>

#include "platform/cli/cli.hpp"

namespace chronotile::cli {

/// `chronotile config`: shows the presets and the effective configuration, or writes all of it.
void add_config_command(CLI::App& app, Cli& cli);

}  // namespace chronotile::cli
