#include "platform/config/config.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <type_traits>

#include "common/nearest.hpp"
#include "common/user_error.hpp"
#include "platform/config/schema.hpp"
#include "platform/config/validate.hpp"
#include "platform/config/value.hpp"

namespace chronotile::config {
namespace {

constexpr std::string_view kListKeys = "'chronotile config --dump' lists all keys";
constexpr std::string_view kDefaultPreset = "published";
/// Published: 3 ns for shorter durations where others have 5 ns.
constexpr double kShortShare = 3.0 / 5.0;

std::string preset_names() {
  std::vector<std::string_view> names;
  for (const Preset& preset : presets()) {
    names.push_back(preset.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

PlatformConfig preset_at(std::string_view name, const std::string& place) {
  PlatformConfig config;  // its defaults are those of `quantized`
  config.preset = std::string(name);
  if (name == "quantized") {
    return config;
  }
  if (name == "ideal") {
    config.pad.quantise = false;
    config.transport.mode = mesh::TransportErrorMode::kOff;
    config.tile.array.programming_sigma = 0;
    config.tile.array.double_precision = true;
    return config;
  }
  if (name == "published") {
    config.transport.mode = mesh::TransportErrorMode::kPerHop;
    config.tile.array.devices.enabled = true;
    tile::PeripheryConfig& periphery = config.tile.periphery;
    periphery.gain_sigma = 0.05;
    periphery.offset_sigma = 0.02;
    periphery.saturation = tile::Saturation::kSoft;
    periphery.ramp_slope_sigma = 0.01;
    periphery.comparator_offset_sigma_weight_ns = 10.0;
    periphery.comparator_noise_sigma_weight_ns = 5.0;
    config.host.calibration_steps = 64;
    return config;
  }
  std::vector<std::string_view> names;
  for (const Preset& preset : presets()) {
    names.push_back(preset.name);
  }
  const std::string_view near = nearest(name, names);
  throw UserError(place, fmt::format("unknown preset '{}'", name),
                  near.empty() ? "Available presets: " + preset_names() : fmt::format("Did you mean '{}'?", near));
}

[[noreturn]] void unknown_key(const std::string& place, std::string_view name) {
  const std::string_view near = nearest_key(name);
  throw UserError(place, fmt::format("unknown key '{}'", name),
                  near.empty() ? std::string(kListKeys) : fmt::format("Did you mean '{}'?", near));
}

[[noreturn]] void section_as_value(const std::string& place, std::string_view name) {
  const auto inside = std::find_if(keys().begin(), keys().end(), [&](const Key& key) {
    return key.name.substr(0, key.name.find_last_of('.')) == name;
  });
  throw UserError(place, fmt::format("'{}' is a section, not a value", name),
                  fmt::format("Set the keys in it, for example '{}'; {}",
                              inside == keys().end() ? keys().front().name : inside->name, kListKeys));
}

std::string read_file(const std::string& path) {
  constexpr std::string_view kRemedy = "Give a TOML file, for example what 'chronotile config --dump' writes";
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw UserError(path, "is a folder, not a configuration file", std::string(kRemedy));
  }
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (stream && stream.peek() != std::ifstream::traits_type::eof()) {
    text << stream.rdbuf();
  }
  if (!stream.is_open() || stream.bad()) {
    throw UserError(path, fmt::format("cannot be read ({})", std::generic_category().message(errno)),
                    std::string(kRemedy));
  }
  return text.str();
}

std::string at_position(const std::string& file, const toml::source_position& position) {
  return fmt::format("{}:{}:{}", file, position.line, position.column);
}

toml::table parse_file(const std::string& path) {
  const std::string text = read_file(path);
  try {
    return toml::parse(text, std::string_view(path));
  } catch (const toml::parse_error& error) {
    throw UserError(at_position(path, error.source().begin), std::string(error.description()),
                    "Correct the TOML there");
  }
}

/// One "a.b=c" of --set.
struct Setting {
  std::string option;  ///< for messages
  std::string key;
  std::string value;
};

std::string trimmed(const std::string& text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

Setting parse_setting(const std::string& text) {
  const std::size_t equals = text.find('=');
  Setting setting{"--set " + text, trimmed(text.substr(0, equals)), ""};
  if (equals == std::string::npos || setting.key.empty()) {
    throw UserError(setting.option, "is not of the form KEY=VALUE", "Write for example --set seed=2");
  }
  setting.value = trimmed(text.substr(equals + 1));
  return setting;
}

class Loader {
 public:
  explicit Loader(const Sources& sources) : sources_(sources) {
    if (!sources.file.empty()) {
      file_ = parse_file(sources.file);
      folder_ = std::filesystem::path(sources.file).parent_path().string();
    }
    for (const std::string& text : sources.sets) {
      settings_.push_back(parse_setting(text));
    }
  }

  PlatformConfig load() {
    choose_preset();
    apply_file();
    apply_timing_error();
    apply_age();
    for (const Setting& setting : settings_) {
      apply(setting);
    }
    if (!sources_.age.empty() && !(config_.tile.array.devices.enabled && config_.tile.array.devices.drift)) {
      throw UserError("--age " + sources_.age, "nothing drifts: pcm.enabled or pcm.drift is false",
                      "Use preset published, or --set pcm.enabled=true");
    }
    validate(config_, origins_);
    return std::move(config_);
  }

 private:
  /// The last of file, option and settings that names a preset decides which one the others start from.
  void choose_preset() {
    std::string name(kDefaultPreset);
    std::string place = "configuration";
    if (const toml::node* node = file_.get("preset"); node != nullptr) {
      place = place_of(*node);
      assign(*find_key("preset"), &name, *node, place_, "");
    }
    if (!sources_.preset.empty()) {
      name = sources_.preset;
      place = "--preset " + name;
    }
    for (const Setting& setting : settings_) {
      if (setting.key == "preset") {
        place = setting.option;
        apply(setting, &name);
      }
    }
    config_ = preset_at(name, place);
  }

  struct Entry {
    std::string name;
    const toml::node* node;
    toml::source_position key_position;
  };

  void apply_file() {
    std::vector<Entry> entries;
    collect(file_, "", entries);
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& left, const Entry& right) {
      return std::pair(left.key_position.line, left.key_position.column) <
             std::pair(right.key_position.line, right.key_position.column);
    });
    for (const Entry& entry : entries) {
      const Key* key = find_key(entry.name);
      if (key == nullptr) {
        const std::string place = at_position(sources_.file, entry.key_position);
        if (is_section(entry.name)) {
          section_as_value(place, entry.name);
        }
        unknown_key(place, entry.name);
      }
      if (key->name != "preset") {
        assign(*key, key->field(config_), *entry.node, place_, folder_);
        origins_[entry.name] = place_of(*entry.node);
      }
    }
  }

  /// Everything in `table` that is not a section with something in it.
  static void collect(const toml::table& table, const std::string& prefix, std::vector<Entry>& entries) {
    for (const auto& [key, node] : table) {
      std::string name = prefix + std::string(key.str());
      const toml::table* inner = node.as_table();
      if (inner != nullptr && find_key(name) == nullptr && (!inner->empty() || is_section(name))) {
        collect(*inner, name + ".", entries);
      } else {
        entries.push_back({std::move(name), &node, key.source().begin});
      }
    }
  }

  void apply_timing_error() {
    const double bound_ns = sources_.timing_error_ns;
    const std::string option = fmt::format("--timing-error {}", bound_ns);
    if (std::isnan(bound_ns) || std::isinf(bound_ns)) {
      throw UserError(option, "is not a time in ns", "Give a number, 0 for no error");
    }
    if (bound_ns < 0) {
      return;
    }
    for (const std::string_view key : {"transport.mode", "transport.bound_ns", "transport.short_bound_ns"}) {
      origins_[std::string(key)] = option;
    }
    if (bound_ns == 0) {
      config_.transport.mode = mesh::TransportErrorMode::kOff;
      return;
    }
    config_.transport.mode = mesh::TransportErrorMode::kUniform;
    config_.transport.bound_ns = bound_ns;
    config_.transport.short_bound_ns = kShortShare * bound_ns;
  }

  void apply_age() {
    if (sources_.age.empty()) {
      return;
    }
    const std::string option = "--age " + sources_.age;
    struct Unit {
      std::string_view name;
      double seconds;
    };
    static constexpr Unit kUnits[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}, {"", 1}};
    std::size_t length = 0;
    double number = -1;
    try {
      number = std::stod(sources_.age, &length);
    } catch (const std::logic_error&) {
      length = 0;
    }
    const auto* const unit = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& candidate) {
      return candidate.name == std::string_view(sources_.age).substr(length);
    });
    if (length == 0 || !std::isfinite(number) || number < 0 || unit == std::end(kUnits)) {
      throw UserError(option, "is not a time", "Write a number and s, min, h, d or w, for example --age 7d");
    }
    config_.tile.array.devices.age_s = number * unit->seconds;
    origins_["pcm.age_s"] = option;
  }

  void apply(const Setting& setting) {
    const Key* key = find_key(setting.key);
    if (key == nullptr) {
      if (is_section(setting.key)) {
        section_as_value(setting.option, setting.key);
      }
      unknown_key(setting.option, setting.key);
    }
    if (key->name != "preset") {
      apply(setting, key->field(config_));
      origins_[setting.key] = setting.option;
    }
  }

  static void apply(const Setting& setting, const Field& field) {
    const Key& key = *find_key(setting.key);
    const bool takes_text = std::visit(
        [](auto* target) {
          using Target = std::remove_pointer_t<decltype(target)>;
          return std::is_same_v<Target, std::string> || std::is_enum_v<Target>;
        },
        field);
    const bool in_quotes = !setting.value.empty() && (setting.value.front() == '"' || setting.value.front() == '\'');
    if (takes_text && !in_quotes) {
      assign_text(key, field, setting.value, setting.option, "");
      return;
    }
    toml::table table;
    try {
      table = toml::parse("value = " + setting.value, std::string_view(setting.option));
    } catch (const toml::parse_error&) {
      throw UserError(setting.option,
                      fmt::format("'{}' expects {}, got '{}'", key.name, expectation(key, field), setting.value),
                      "Write the value as in TOML");
    }
    if (table.size() != 1) {
      throw UserError(setting.option, "sets more than one key", "Use one --set for each");
    }
    assign(
        key, field, *table.get("value"), [&](const toml::node&) { return setting.option; }, "");
  }

  [[nodiscard]] std::string place_of(const toml::node& node) const {
    return at_position(sources_.file, node.source().begin);
  }

  const Sources& sources_;
  const PlaceOf place_ = [this](const toml::node& node) { return place_of(node); };
  toml::table file_;
  std::string folder_;
  std::vector<Setting> settings_;
  PlatformConfig config_;
  Origins origins_;
};

}  // namespace

PlatformConfig load(const Sources& sources) { return Loader(sources).load(); }

PlatformConfig preset_config(std::string_view name) { return preset_at(name, "configuration"); }

const PlatformConfig& default_config() {
  static const PlatformConfig config = preset_config(kDefaultPreset);
  return config;
}

const std::vector<Preset>& presets() {
  static const std::vector<Preset> kPresets{
      {"ideal", "real numbers everywhere: pads do not quantise, no errors, double precision"},
      {"quantized", "landing pads round to 8 bits, no other errors, single precision"},
      {"published",
       "quantized, and pairs of devices, imperfect periphery and transport, calibrated by the host (default)"},
  };
  return kPresets;
}

}  // namespace chronotile::config
