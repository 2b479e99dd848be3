#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "platform/config/platform_config.hpp"

namespace chronotile::cli {

/// One measurement of `chronotile bench`. Each runs in a process of its own, because a process elaborates once.
struct BenchCase {
  std::string_view name;
  std::string_view what;  ///< one sentence
  std::string_view unit;  ///< of the figure
  /// Runs for about `seconds`; returns the figure.
  double (*measure)(const config::PlatformConfig& config, double seconds);
};

[[nodiscard]] const std::vector<BenchCase>& bench_cases();

}  // namespace chronotile::cli
