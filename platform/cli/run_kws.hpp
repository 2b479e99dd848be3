#pragma once

#include <CLI/CLI.hpp>

#include "platform/cli/cli.hpp"

namespace chronotile::cli {

/// `chronotile run kws`.
void add_run_kws(CLI::App& run, Cli& cli);

}  // namespace chronotile::cli
