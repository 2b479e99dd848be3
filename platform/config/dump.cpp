#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <ostream>

#include "platform/config/config.hpp"
#include "platform/config/schema.hpp"
#include "platform/config/value.hpp"

namespace chronotile::config {
namespace {

constexpr int kJsonIndent = 2;

/// "P, ns, above 0": tag, unit and range, and the default where the value differs from it.
std::string facts(const Key& key, const std::string& text, const std::string& default_text) {
  std::vector<std::string> parts{std::string(1, static_cast<char>(key.tag))};
  for (const std::string& part : {std::string(key.unit), range_text(key.limits)}) {
    if (!part.empty()) {
      parts.push_back(part);
    }
  }
  if (text != default_text && default_text.find('\n') == std::string::npos) {
    parts.push_back("default " + default_text);
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

void dump_toml(std::ostream& out, const PlatformConfig& config) {
  PlatformConfig values = config;
  PlatformConfig defaults = default_config();
  out << "# Chronotile configuration. P published, D derived from published numbers, A assumed,\n"
         "# - a matter of the model, not of the chip.\n";
  std::string_view section;
  for (const Key& key : keys()) {
    const std::size_t dot = key.name.rfind('.');
    const std::string_view key_section = dot == std::string_view::npos ? "" : key.name.substr(0, dot);
    if (key_section != section) {
      section = key_section;
      out << fmt::format("\n[{}]", section);
    }
    const std::string text = to_toml(key, key.field(values));
    out << fmt::format("\n# {} [{}]\n{} = {}\n", key.doc, facts(key, text, to_toml(key, key.field(defaults))),
                       key.name.substr(dot + 1), text);
  }
}

void dump_json(std::ostream& out, const PlatformConfig& config) {
  PlatformConfig values = config;
  PlatformConfig defaults = default_config();
  nlohmann::ordered_json object;
  for (const Key& key : keys()) {
    object[std::string(key.name)] = {
        {"value", to_json(key, key.field(values))},
        {"default", to_json(key, key.field(defaults))},
        {"unit", key.unit},
        {"range", range_text(key.limits)},
        {"tag", std::string(1, static_cast<char>(key.tag))},
        {"doc", key.doc},
    };
  }
  out << object.dump(kJsonIndent) << '\n';
}

std::vector<Difference> differences(const PlatformConfig& config, const PlatformConfig& base) {
  PlatformConfig left = config;
  PlatformConfig right = base;
  std::vector<Difference> result;
  for (const Key& key : keys()) {
    std::string value = to_toml(key, key.field(left));
    std::string base_value = to_toml(key, key.field(right));
    if (key.name != "preset" && value != base_value) {
      result.push_back({std::string(key.name), std::move(value), std::move(base_value)});
    }
  }
  return result;
}

}  // namespace chronotile::config
