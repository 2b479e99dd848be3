#include "platform/cli/results_file.hpp"

#include <fmt/format.h>
#include <string>
#include <vector>

#include "common/user_error.hpp"

namespace chronotile::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kItem = "item";

/// Complete lines of the file and where the last of them ends.
struct Lines {
  std::vector<std::string> lines;
  std::uintmax_t end = 0;
};

Lines complete_lines(const std::filesystem::path& file) {
  Lines result;
  std::ifstream in(file, std::ios::binary);
  for (std::string line; std::getline(in, line) && !in.eof();) {
    result.end += line.size() + 1;
    result.lines.push_back(std::move(line));
  }
  return result;
}

void require_settings(const std::string& place, const Json& found, const Json& wanted) {
  for (const auto& [key, value] : wanted.items()) {
    if (!found.is_object() || !found.contains(key) || found[key] != value) {
      const std::string other = found.is_object() && found.contains(key) ? found[key].dump() : "nothing";
      throw UserError(place, fmt::format("is from another run: {} is {} there, {} here", key, other, value.dump()),
                      "Give --results another file, or run with the same settings");
    }
  }
}

}  // namespace

ResultsFile::ResultsFile(const std::filesystem::path& file, const Json& settings) {
  const Lines old = complete_lines(file);
  for (std::size_t index = 0; index < old.lines.size(); ++index) {
    const std::string place = fmt::format("{}:{}", file.string(), index + 1);
    Json line = Json::parse(old.lines[index], nullptr, false);
    if (index == 0) {
      require_settings(place, line, settings);
      continue;
    }
    if (!line.is_object() || !line.contains(kItem) || !line[kItem].is_number_unsigned()) {
      throw UserError(place, "is no line of a results file", "Give --results a file that an earlier run has written");
    }
    const auto item = line[kItem].get<std::size_t>();
    known_[item] = std::move(line);
  }
  if (!old.lines.empty()) {
    std::filesystem::resize_file(file, old.end);
  }
  out_.open(file, old.lines.empty() ? std::ios::trunc : std::ios::app);
  if (old.lines.empty()) {
    out_ << settings.dump() << '\n';
  }
  out_.flush();
  if (!out_) {
    throw UserError(file.string(), "cannot be written", "Give --results a file that you may write");
  }
}

void ResultsFile::append(std::size_t item, const Json& result) {
  Json line;
  line[kItem] = item;
  line.update(result);
  out_ << line.dump() << '\n';
  out_.flush();
}

}  // namespace chronotile::cli
