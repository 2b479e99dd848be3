#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/cli/reproduce/section.hpp"

namespace chronotile::cli::reproduce {

/// All that a command gave.
struct Report {
  std::string command;  ///< as it was given, for the reader
  bool quick = false;
  std::uint64_t seed = 1;
  std::size_t lanes = 1;
  double wall_s = 0;  ///< of the whole
  std::vector<Section> sections;
};

/// "< 5", "about 100", "-" if there is none.
[[nodiscard]] std::string published_text(const Row& row);

/// Aligned tables.
[[nodiscard]] std::string text(const Report& report);
[[nodiscard]] nlohmann::ordered_json json(const Report& report);
/// With an introduction for readers, and the plots as links to NAME.svg.
[[nodiscard]] std::string markdown(const Report& report);

/// Writes reproduction.md, reproduction.json and the plots as NAME.svg into `directory`, which is made if need be.
/// Throws UserError.
void write(const Report& report, const std::filesystem::path& directory);

}  // namespace chronotile::cli::reproduce
