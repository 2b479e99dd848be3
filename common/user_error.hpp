#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace chronotile {

/// A mistake of the user (file, key, address, program): what() reads "place: problem. remedy".
/// The command line prints it and exits with status 2.
class UserError : public std::runtime_error {
 public:
  /// `place` names the thing ("FILE:LINE:COLUMN", an option, a key), `problem` what is wrong with it, `remedy` what
  /// to do; neither text ends in a full stop.
  UserError(std::string place, std::string problem, std::string remedy)
      : std::runtime_error(place + ": " + problem + ". " + remedy),
        place_(std::move(place)),
        problem_(std::move(problem)),
        remedy_(std::move(remedy)) {}

  [[nodiscard]] const std::string& place() const noexcept { return place_; }
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  [[nodiscard]] const std::string& remedy() const noexcept { return remedy_; }

 private:
  std::string place_;
  std::string problem_;
  std::string remedy_;
};

}  // namespace chronotile
