#pragma once

#include <CLI/CLI.hpp>

#include "platform/cli/cli.hpp"

namespace chronotile::cli {

/// `chronotile fw`: assembles, disassembles and checks programs of the local controllers.
void add_fw_command(CLI::App& app, Cli& cli);

}  // namespace chronotile::cli
