#pragma once

#include <string>
#include <vector>

namespace chronotile::support {

struct Outcome {
  int status = -1;
  std::string out;
  std::string err;
};

/// Runs the `chronotile` program that was built with these tests; standard input is empty.
[[nodiscard]] Outcome run_chronotile(const std::vector<std::string>& arguments);

}  // namespace chronotile::support
