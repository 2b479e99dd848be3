#include "platform/cli/options.hpp"

#include <cmath>
#include <string>

namespace chronotile::cli {
namespace {

/// "" if `text` is a bound in ns.
std::string not_a_bound(const std::string& text) {
  double bound_ns = 0;
  return CLI::detail::lexical_cast(text, bound_ns) && std::isfinite(bound_ns) && bound_ns >= 0
             ? ""
             : "'" + text + "' is not a time in ns: give a number, 0 for no error";
}

}  // namespace

void add_configuration_options(CLI::App& app, config::Sources& sources) {
  std::string names;
  for (const config::Preset& preset : config::presets()) {
    names += (names.empty() ? "" : ", ") + std::string(preset.name);
  }
  constexpr const char* kGroup = "Configuration (later ones win)";
  app.add_option("--preset", sources.preset, "What the configuration starts from (default published): " + names)
      ->type_name("P")
      ->group(kGroup);
  app.add_option("--config", sources.file, "Keys from a TOML file")->type_name("F")->group(kGroup);
  app.add_option("--timing-error", sources.timing_error_ns,
                 "Uniform transport error of at most NS, 3/5 of it for shorter durations; 0: none")
      ->type_name("NS")
      ->check(CLI::Validator(not_a_bound, ""))
      ->group(kGroup);
  app.add_option("--age", sources.age, "Time since the weights were written, for example 7d: how far they have drifted")
      ->type_name("TIME")
      ->group(kGroup);
  app.add_option("--set", sources.sets, "One key; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->group(kGroup);
}

}  // namespace chronotile::cli
