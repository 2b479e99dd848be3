#include "platform/cli/map_command.hpp"

#include <fmt/format.h>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>

#include "common/atomic_file.hpp"
#include "common/user_error.hpp"
#include "platform/cli/kws_run.hpp"
#include "platform/cli/options.hpp"
#include "platform/config/config.hpp"
#include "platform/mapping/feed_forward.hpp"
#include "platform/mapping/report.hpp"
#include "workloads/kws/model.hpp"

namespace chronotile::cli {
namespace {

constexpr int kJsonIndent = 2;

struct Options {
  config::Sources sources;
  std::string weights;
  std::string assembly;
  std::string svg;
  bool json = false;
};

/// One .lcs file per controller. Programs of an earlier plan that this one does not have would be refused by
/// `run --firmware`, so they are not left among them.
void write_programs(const mapping::Plan& plan, const std::filesystem::path& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure || !std::filesystem::is_directory(directory)) {
    throw UserError(directory.string(), fmt::format("cannot be made a directory ({})", failure.message()),
                    "Give --asm a directory that you may write");
  }
  const mapping::ChipPlan& chip = plan.chips.front();
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    if (file.path().extension() == ".lcs" && chip.assembly.count(file.path().stem().string()) == 0) {
      throw UserError(file.path().string(), "stands where the programs go, but belongs to no controller of this plan",
                      "Remove it, or give --asm an empty directory");
    }
  }
  for (const auto& [name, text] : chip.assembly) {
    write_file_atomically(directory / (name + ".lcs"), text);
  }
}

void run(const Options& options) {
  const config::PlatformConfig config = config::load(options.sources);
  const kws::Model model =
      kws::Model::load(options.weights.empty() ? default_kws_weights() : std::filesystem::path(options.weights));
  const mapping::Plan plan = mapping::map_feed_forward(kws_network(model), config);
  if (!options.assembly.empty()) {
    write_programs(plan, options.assembly);
  }
  if (!options.svg.empty()) {
    write_file_atomically(options.svg, mapping::chip_svg(plan.chips.front(), config));
  }
  if (options.json) {
    std::cout << mapping::to_json(plan, config.floorplan).dump(kJsonIndent) << '\n';
  } else {
    std::cout << mapping::to_text(plan, config.floorplan);
  }
}

}  // namespace

void add_map_command(CLI::App& app, Cli& /*cli*/) {
  CLI::App* map = app.add_subcommand("map", "Place a network on a chip: tiles, routes, schedule, programs");
  map->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  CLI::App* command = map->add_subcommand("kws", "Keyword spotting, fully connected");
  command->add_option("--weights", options->weights, "Weights (safetensors); default: the ones shipped")
      ->type_name("FILE");
  command->add_option("--asm", options->assembly, "Write a program NAME.lcs for each controller into this directory")
      ->type_name("DIR");
  command->add_option("--svg", options->svg, "Write a drawing of the chip")->type_name("FILE");
  command->add_flag("--json", options->json, "Machine-readable result");
  add_configuration_options(*command, options->sources);
  command->callback([options] { run(*options); });
}

}  // namespace chronotile::cli
