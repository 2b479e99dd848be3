#include "workloads/manifest/manifest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <optional>
#include <system_error>

#include "common/user_error.hpp"

namespace chronotile::manifest {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLineForm = "Write path<TAB>label, the path relative to the manifest";
constexpr const char* kTestingList = "testing_list.txt";
constexpr const char* kUnknown = "unknown";

/// A line of a text file, without its end and without a byte order mark.
bool next_line(std::istream& in, std::string& line, std::size_t& number) {
  if (!std::getline(in, line)) {
    return false;
  }
  ++number;
  if (number == 1 && line.rfind("\xEF\xBB\xBF", 0) == 0) {
    line.erase(0, 3);
  }
  if (!line.empty() && line.back() == '\r') {
    line.pop_back();
  }
  return true;
}

std::ifstream open(const fs::path& file, const char* what) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    throw UserError(file.string(), fmt::format("no such {}", what), "Check the path");
  }
  if (fs::is_directory(file, ignored)) {
    throw UserError(file.string(), fmt::format("is a directory, not a {}", what), "Name the file in it");
  }
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    throw UserError(file.string(), "cannot be read", "Check its permissions");
  }
  return in;
}

void require_recording(const std::string& place, const fs::path& file) {
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) {
    throw UserError(place, fmt::format("there is no recording '{}'", file.string()),
                    "Paths are relative to the manifest; check the path, or take the line out");
  }
}

bool is_recording(const fs::path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".wav" || extension == ".flac";
}

/// The beginning of a line, whatever its bytes.
std::string printable(const std::string& line) {
  constexpr std::size_t kMost = 60;
  std::string text = line.substr(0, kMost);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

std::string trimmed(const std::string& text) {
  constexpr const char* kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

/// The class of a folder; none if the folder holds no examples. Throws for a word that cannot be classified.
std::optional<std::string> class_of(const fs::path& folder, const std::vector<std::string>& classes) {
  const std::string name = folder.filename().string();
  if (contains(classes, name)) {
    return name;
  }
  const bool wrapped = name.size() > 2 && name.front() == '_' && name.back() == '_';
  if (wrapped && contains(classes, name.substr(1, name.size() - 2))) {
    return name.substr(1, name.size() - 2);
  }
  if (name.empty() || name.front() == '_' || name.front() == '.') {
    return std::nullopt;
  }
  if (!contains(classes, kUnknown)) {
    throw UserError(folder.string(), "the folder is no class of the network",
                    fmt::format("Name the folders by class: {}", fmt::join(classes, ", ")));
  }
  return kUnknown;
}

std::vector<fs::path> sorted(const fs::path& directory, bool (*wanted)(const fs::directory_entry&)) {
  std::vector<fs::path> result;
  std::error_code error;
  for (fs::directory_iterator it(directory, error); it != fs::directory_iterator(); it.increment(error)) {
    if (wanted(*it)) {
      result.push_back(it->path());
    }
    if (error) {
      break;
    }
  }
  if (error) {
    throw UserError(directory.string(), fmt::format("cannot be listed ({})", error.message()), "Check its permissions");
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::vector<Entry> listed(const fs::path& directory, const std::vector<std::string>& classes) {
  const fs::path list = directory / kTestingList;
  std::ifstream in = open(list, "list of recordings");
  std::vector<Entry> entries;
  std::string line;
  std::size_t number = 0;
  while (next_line(in, line, number)) {
    if (line.empty()) {
      continue;
    }
    const fs::path file = directory / line;
    require_recording(fmt::format("{}:{}", list.string(), number), file);
    if (const auto label = class_of(file.parent_path(), classes)) {
      entries.push_back({file, *label, fmt::format("{}:{}", list.string(), number)});
    }
  }
  return entries;
}

}  // namespace

std::vector<Entry> read_tsv(const fs::path& file) {
  std::ifstream in = open(file, "manifest");
  std::vector<Entry> entries;
  std::string line;
  std::size_t number = 0;
  while (next_line(in, line, number)) {
    if (line.empty() || line.front() == '#') {
      continue;
    }
    const std::string place = fmt::format("{}:{}", file.string(), number);
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos) {
      throw UserError(place, fmt::format("the line '{}' has no tab", printable(line)), kLineForm);
    }
    if (tab == 0) {
      throw UserError(place, "the line has no path", kLineForm);
    }
    const std::string label = trimmed(line.substr(tab + 1));
    if (label.empty()) {
      throw UserError(place, "the line has no label", kLineForm);
    }
    entries.push_back({file.parent_path() / line.substr(0, tab), label, place});
    require_recording(place, entries.back().file);
  }
  if (entries.empty()) {
    throw UserError(file.string(), "the manifest lists no recordings", kLineForm);
  }
  return entries;
}

std::vector<Entry> read_class_folders(const fs::path& directory, const std::vector<std::string>& classes) {
  std::error_code ignored;
  if (!fs::is_directory(directory, ignored)) {
    throw UserError(directory.string(), "no such directory", "Check the path");
  }
  std::vector<Entry> entries;
  if (fs::exists(directory / kTestingList, ignored)) {
    entries = listed(directory, classes);
  } else {
    for (const fs::path& folder : sorted(directory, [](const fs::directory_entry& e) { return e.is_directory(); })) {
      const auto label = class_of(folder, classes);
      if (!label) {
        continue;
      }
      for (fs::path& file : sorted(folder, [](const fs::directory_entry& e) { return is_recording(e.path()); })) {
        entries.push_back({std::move(file), *label, folder.string()});
      }
    }
  }
  if (entries.empty()) {
    throw UserError(directory.string(), "there are no class folders with WAV or FLAC files",
                    fmt::format("Give a directory with folders such as {}", fmt::join(classes, ", ")));
  }
  return entries;
}

std::vector<Entry> read(const fs::path& path, const std::vector<std::string>& classes) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? read_class_folders(path, classes) : read_tsv(path);
}

}  // namespace chronotile::manifest
