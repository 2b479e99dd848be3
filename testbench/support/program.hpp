#pragma once

#include <functional>
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

/// The same, but sends SIGINT as soon as `condition` is true (it is asked every millisecond while the program runs).
[[nodiscard]] Outcome interrupt_chronotile(const std::vector<std::string>& arguments,
                                           const std::function<bool()>& condition);

}  // namespace chronotile::support
