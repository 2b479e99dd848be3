#include "platform/cli/reproduce/programming.hpp"

namespace chronotile::cli::reproduce {

std::vector<Run> programming_runs(const Scale& scale) { return {run_here("programming", scale)}; }

Section programming_result(const Scale& scale, const Results& results) {
  return section_of(results.at(run_here("programming", scale)).json);
}

Section simulate_programming(const Scale& /*scale*/) {
  Section section;
  section.text = {"Not simulated yet."};
  Row error;
  error.quantity = "mean absolute weight error";
  error.unit = "% of the largest weight";
  error.published = 3;
  error.relation = "<";
  error.source = "TED 2021";
  section.rows.push_back(error);
  return section;
}

}  // namespace chronotile::cli::reproduce
