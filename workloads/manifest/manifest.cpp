#include "workloads/manifest/manifest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>

#include "common/user_error.hpp"

namespace chronotile::manifest {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLineForm = "Write path<TAB>label, the path relative to the manifest";
constexpr const char* kJsonForm =
    "Write a list of objects such as {\"transcript\": \"...\", \"files\": [{\"fname\": \"a.wav\"}]}";
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

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Librispeech's lists of transcripts below `directory`.
std::vector<fs::path> transcript_lists(const fs::path& directory) {
  std::vector<fs::path> lists;
  std::error_code error;
  for (fs::recursive_directory_iterator it(directory, error); it != fs::recursive_directory_iterator();
       it.increment(error)) {
    if (ends_with(it->path().filename().string(), ".trans.txt")) {
      lists.push_back(it->path());
    }
    if (error) {
      break;
    }
  }
  if (error) {
    throw UserError(directory.string(), fmt::format("cannot be listed ({})", error.message()), "Check its permissions");
  }
  std::sort(lists.begin(), lists.end());
  return lists;
}

void append_librispeech(const fs::path& list, std::vector<Entry>& entries) {
  std::ifstream in = open(list, "list of transcripts");
  std::string line;
  std::size_t number = 0;
  while (next_line(in, line, number)) {
    if (line.empty()) {
      continue;
    }
    const std::string place = fmt::format("{}:{}", list.string(), number);
    const std::size_t blank = line.find_first_of(" \t");
    const std::string text = blank == std::string::npos ? "" : trimmed(line.substr(blank));
    if (blank == 0 || text.empty()) {
      throw UserError(place, fmt::format("the line '{}' is no 'ID TEXT'", printable(line)),
                      "Write the recording's name without its extension, a blank and the transcript");
    }
    const std::string id = line.substr(0, blank);
    std::error_code ignored;
    fs::path file = list.parent_path() / (id + ".flac");
    if (const fs::path wav = list.parent_path() / (id + ".wav");
        !fs::exists(file, ignored) && fs::exists(wav, ignored)) {
      file = wav;
    }
    require_recording(place, file);
    entries.push_back({file, text, place});
  }
}

/// A field of an entry of MLPerf's manifest.
const nlohmann::json& field(const std::string& place, const nlohmann::json& entry, const char* key) {
  if (!entry.is_object() || !entry.contains(key)) {
    throw UserError(place, fmt::format("there is no \"{}\"", key), kJsonForm);
  }
  return entry.at(key);
}

std::string text_field(const std::string& place, const nlohmann::json& entry, const char* key) {
  const nlohmann::json& value = field(place, entry, key);
  if (!value.is_string() || trimmed(value.get<std::string>()).empty()) {
    throw UserError(place, fmt::format("\"{}\" is no text: {}", key, value.dump()), kJsonForm);
  }
  return trimmed(value.get<std::string>());
}

Entry mlperf_entry(const fs::path& manifest, const std::string& place, const nlohmann::json& entry) {
  const nlohmann::json& files = field(place, entry, "files");
  if (!files.is_array() || files.empty()) {
    throw UserError(place, "\"files\" is no list of files", kJsonForm);
  }
  Entry result;
  result.label = text_field(place, entry, "transcript");
  result.file = manifest.parent_path() / text_field(place, files.front(), "fname");
  result.place = place;
  if (entry.contains("original_duration")) {
    const nlohmann::json& seconds = entry.at("original_duration");
    if (!seconds.is_number() || seconds.get<double>() < 0.0) {
      throw UserError(place, fmt::format("\"original_duration\" is no time in seconds: {}", seconds.dump()), kJsonForm);
    }
    result.seconds = seconds.get<double>();
  }
  require_recording(place, result.file);
  return result;
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

std::vector<Entry> read_librispeech(const fs::path& directory) {
  std::error_code ignored;
  if (!fs::is_directory(directory, ignored)) {
    throw UserError(directory.string(), "no such directory", "Check the path");
  }
  std::vector<Entry> entries;
  for (const fs::path& list : transcript_lists(directory)) {
    append_librispeech(list, entries);
  }
  if (entries.empty()) {
    throw UserError(directory.string(), "there are no transcripts (*.trans.txt) in it or below",
                    "Give a directory of Librispeech, such as LibriSpeech/dev-clean");
  }
  return entries;
}

std::vector<Entry> read_mlperf(const fs::path& file) {
  std::ifstream in = open(file, "manifest");
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  nlohmann::json list;
  try {
    list = nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(error.byte, text.size()));
    throw UserError(fmt::format("{}:{}", file.string(), 1 + std::count(text.begin(), end, '\n')),
                    fmt::format("is no JSON ({})", error.what()), kJsonForm);
  }
  if (!list.is_array() || list.empty()) {
    throw UserError(file.string(), "is no list of recordings", kJsonForm);
  }
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < list.size(); ++i) {
    entries.push_back(mlperf_entry(file, fmt::format("{}: entry {}", file.string(), i), list[i]));
  }
  return entries;
}

std::vector<Entry> read_transcripts(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    return read_librispeech(path);
  }
  return path.extension() == ".json" ? read_mlperf(path) : read_tsv(path);
}

}  // namespace chronotile::manifest
