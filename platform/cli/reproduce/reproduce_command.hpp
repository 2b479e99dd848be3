#pragma once

#include <CLI/CLI.hpp>

#include "platform/cli/cli.hpp"

namespace chronotile::cli {

/// `reproduce`: the experiments of the paper on the platform, published and simulated values side by side.
void add_reproduce_command(CLI::App& app, Cli& cli);

}  // namespace chronotile::cli
