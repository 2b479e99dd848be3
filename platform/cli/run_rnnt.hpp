#pragma once

#include <CLI/CLI.hpp>

#include "platform/cli/cli.hpp"

namespace chronotile::cli {

/// `chronotile run rnnt`.
void add_run_rnnt(CLI::App& run, Cli& cli);

}  // namespace chronotile::cli
