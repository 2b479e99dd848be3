#pragma once

#include <CLI/CLI.hpp>

#include "platform/cli/cli.hpp"

namespace chronotile::cli {

/// `chronotile bench`: speed of the platform on this machine.
void add_bench_command(CLI::App& app, Cli& cli);

}  // namespace chronotile::cli
