#pragma once

#include <map>
#include <string>

#include "platform/config/platform_config.hpp"

namespace chronotile::config {

/// Where keys were set: "FILE:LINE:COLUMN" or an option's text.
using Origins = std::map<std::string, std::string, std::less<>>;

/// As validate() of config.hpp; errors name the place at which the first of the keys involved was set.
void validate(const PlatformConfig& config, const Origins& origins);

}  // namespace chronotile::config
