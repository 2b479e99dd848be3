#pragma once

#include <string>
#include <vector>

#include "platform/config/config.hpp"

namespace chronotile::cli {

/// Processor, cores and compiler, for the head of a table of measurements.
[[nodiscard]] std::string machine();

/// Command-line arguments that give another process the same configuration.
[[nodiscard]] std::vector<std::string> configuration_arguments(const config::Sources& sources);

}  // namespace chronotile::cli
