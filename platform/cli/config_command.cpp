#include "platform/cli/config_command.hpp"

#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "platform/cli/options.hpp"
#include "platform/cli/run_summary.hpp"
#include "platform/cli/terminal.hpp"
#include "platform/config/config.hpp"

namespace chronotile::cli {
namespace {

struct Options {
  config::Sources sources;
  bool dump = false;
  bool json = false;
};

void print_summary(const config::PlatformConfig& effective, const std::vector<config::Difference>& changed) {
  Table presets({{"preset"}, {"meaning"}});
  for (const config::Preset& preset : config::presets()) {
    presets.add({std::string(preset.name), std::string(preset.doc)});
  }
  presets.print(std::cout);
  if (changed.empty()) {
    std::cout << fmt::format("\nThe configuration is preset {}.\n", effective.preset);
    return;
  }
  std::cout << fmt::format("\nThe configuration is preset {}, but for\n\n", effective.preset);
  Table keys({{"key"}, {"value"}, {"preset"}});
  for (const config::Difference& difference : changed) {
    keys.add({difference.key, difference.value, difference.base});
  }
  keys.print(std::cout);
}

void print_summary_json(const config::PlatformConfig& effective, const std::vector<config::Difference>& changed) {
  nlohmann::ordered_json object;
  object["preset"] = effective.preset;
  object["presets"] = nlohmann::ordered_json::object();
  for (const config::Preset& preset : config::presets()) {
    object["presets"][std::string(preset.name)] = preset.doc;
  }
  object["changed"] = nlohmann::ordered_json::array();
  for (const config::Difference& difference : changed) {
    object["changed"].push_back(difference.key);
  }
  std::cout << object.dump(kJsonIndent) << '\n';
}

void run(const Options& options) {
  const config::PlatformConfig effective = config::load(options.sources);
  if (options.dump) {
    options.json ? config::dump_json(std::cout, effective) : config::dump_toml(std::cout, effective);
    return;
  }
  const auto changed = config::differences(effective, config::preset_config(effective.preset));
  options.json ? print_summary_json(effective, changed) : print_summary(effective, changed);
}

}  // namespace

void add_config_command(CLI::App& app, Cli& /*cli*/) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("config", "Show the presets and the effective configuration");
  command->add_flag("--dump", options->dump, "Every key with description, unit, range and tag, as TOML for --config");
  command->add_flag("--json", options->json, "Machine-readable result");
  add_configuration_options(*command, options->sources);
  command->callback([options] { run(*options); });
}

}  // namespace chronotile::cli
