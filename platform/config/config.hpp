#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "platform/config/platform_config.hpp"

namespace chronotile::config {

/// Where the effective configuration comes from; later ones win: preset, file, timing error, --set in order.
struct Sources {
  std::string preset;             ///< "" : what the file says, else `published`
  std::string file;               ///< TOML; "" : none
  double timing_error_ns = -1;    ///< --timing-error: uniform transport error of this bound; < 0: as configured
  std::string age;                ///< --age: pcm.age_s as "7d"; "" : as configured
  std::vector<std::string> sets;  ///< "a.b=c"
};

/// The effective configuration. Throws UserError on an unknown preset, key (with the nearest valid one), type or range,
/// with file:line:column or the option's text.
[[nodiscard]] PlatformConfig load(const Sources& sources);

/// Throws UserError if a value of `config` is out of its range or values contradict each other, naming the keys. load()
/// has done it; for configurations made in a program.
void validate(const PlatformConfig& config);

/// The configuration of a preset. Throws UserError.
[[nodiscard]] PlatformConfig preset_config(std::string_view name);

/// The preset that load() starts from where none is named.
[[nodiscard]] const PlatformConfig& default_config();

/// Names of the presets, with a sentence each.
struct Preset {
  std::string_view name;
  std::string_view doc;
};
[[nodiscard]] const std::vector<Preset>& presets();

/// Writes `config` as TOML that load() reads back to the same configuration: every key with description, unit, range
/// and tag P/D/A as a comment.
void dump_toml(std::ostream& out, const PlatformConfig& config);
/// The same as JSON: { "key": { "value", "default", "unit", "range", "tag", "doc" } }; "default" is that of
/// `published`.
void dump_json(std::ostream& out, const PlatformConfig& config);

/// A key whose value differs, and the two values as TOML.
struct Difference {
  std::string key;
  std::string value;
  std::string base;
};
/// What distinguishes `config` from `base`, in the order of the dump, but for the preset's name.
[[nodiscard]] std::vector<Difference> differences(const PlatformConfig& config, const PlatformConfig& base);

}  // namespace chronotile::config
