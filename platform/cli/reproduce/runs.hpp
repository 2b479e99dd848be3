#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace chronotile::cli::reproduce {

/// A run of this program in a process of its own, which prints one JSON object: arguments without the program's name.
struct Run {
  std::string label;  ///< for messages
  std::vector<std::string> arguments;
};

struct Outcome {
  nlohmann::ordered_json json;
  double wall_s = 0;
};

/// Outcomes by what was run.
class Results {
 public:
  /// Throws std::out_of_range naming the run if it has not been made.
  [[nodiscard]] const Outcome& at(const Run& run) const;
  void add(const Run& run, Outcome outcome) { outcomes_[run.arguments] = std::move(outcome); }
  [[nodiscard]] bool has(const Run& run) const { return outcomes_.count(run.arguments) > 0; }

 private:
  std::map<std::vector<std::string>, Outcome> outcomes_;
};

/// Makes the runs, `at_once` of them side by side, the same one once only; progress on stderr if it is a terminal.
/// Throws std::runtime_error with the command line and the last lines of its stderr if one fails, or if SIGINT or
/// SIGTERM comes; the others are ended then.
[[nodiscard]] Results make(const std::vector<Run>& runs, std::size_t at_once);

}  // namespace chronotile::cli::reproduce
