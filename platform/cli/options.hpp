#pragma once

#include <CLI/CLI.hpp>

#include "platform/config/config.hpp"

namespace chronotile::cli {

/// Adds --preset, --config, --set and --timing-error to a subcommand; they are written to `sources`, which outlives
/// `app`. config::load(sources) checks them.
void add_configuration_options(CLI::App& app, config::Sources& sources);

}  // namespace chronotile::cli
