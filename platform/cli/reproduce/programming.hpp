#pragma once

#include <vector>

#include "platform/cli/reproduce/experiment.hpp"

/// The experiment `programming`: errors of written weights and analog yield, statistical and closed-loop.
namespace chronotile::cli::reproduce {

/// Simulates in this process (it elaborates SystemC: once in a process). Rows at least: mean absolute weight error
/// (published: below 3 % of the largest weight, TED 2021) and analog yield per tile (within 20 %) in both modes.
[[nodiscard]] Section simulate_programming(const Scale& scale);

[[nodiscard]] std::vector<Run> programming_runs(const Scale& scale);
[[nodiscard]] Section programming_result(const Scale& scale, const Results& results);

}  // namespace chronotile::cli::reproduce
