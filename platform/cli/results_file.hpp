#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

namespace chronotile::cli {

/// Results on file as they come, one JSON object a line: a first line that says which run they are from, then one line
/// per item with its number as "item". A later run with the same first line goes on where the file ends.
class ResultsFile {
 public:
  /// Opens or makes the file. A last line that is not complete (the program was killed while it was written) is
  /// dropped. Throws UserError if the file cannot be written, is no such file or is from another run than `settings`
  /// describes (which key differs is said).
  ResultsFile(const std::filesystem::path& file, const nlohmann::ordered_json& settings);

  /// Items that the file had when it was opened, by number.
  [[nodiscard]] const std::map<std::size_t, nlohmann::ordered_json>& known() const { return known_; }

  /// Appends an item and flushes.
  void append(std::size_t item, const nlohmann::ordered_json& result);

 private:
  std::map<std::size_t, nlohmann::ordered_json> known_;
  std::ofstream out_;
};

}  // namespace chronotile::cli
