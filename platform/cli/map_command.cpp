#include "platform/cli/map_command.hpp"

#include <filesystem>
#include <memory>
#include <string>

#include "platform/cli/kws_run.hpp"
#include "platform/cli/map_output.hpp"
#include "platform/cli/options.hpp"
#include "platform/cli/rnnt_run.hpp"
#include "platform/cli/run_net.hpp"
#include "platform/config/config.hpp"
#include "platform/mapping/feed_forward.hpp"
#include "workloads/kws/model.hpp"

namespace chronotile::cli {
namespace {

struct Options {
  config::Sources sources;
  std::string weights;
  std::uint32_t chips = 0;
  MapOutput output;
};

void add_kws(CLI::App& map) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = map.add_subcommand("kws", "Keyword spotting, fully connected");
  command->add_option("--weights", options->weights, "Weights (safetensors); default: the ones shipped")
      ->type_name("FILE");
  add_map_output_options(*command, options->output);
  add_configuration_options(*command, options->sources);
  command->callback([options] {
    const config::PlatformConfig config = config::load(options->sources);
    const kws::Model model =
        kws::Model::load(options->weights.empty() ? default_kws_weights() : std::filesystem::path(options->weights));
    write_map(mapping::map_feed_forward(kws_network(model), config), config, options->output);
  });
}

void add_rnnt(CLI::App& map) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = map.add_subcommand("rnnt", "Speech to text: the RNN-T network on five chips");
  command
      ->add_option("--weights", options->weights,
                   "Weights (safetensors, or random:SEED); default: random:1, a network of MLPerf's full size")
      ->type_name("FILE");
  command->add_option("--chips", options->chips, "Chips on the board; default: as many as the layers are mapped to")
      ->type_name("N")
      ->check(CLI::Range(std::uint32_t{1}, std::uint32_t{64}));
  add_map_output_options(*command, options->output, true);
  add_configuration_options(*command, options->sources);
  command->callback([options] {
    const config::PlatformConfig config = config::load(options->sources);
    const rnnt::Network network = load_rnnt_network(options->weights.empty() ? "random:1" : options->weights, config);
    write_map(map_rnnt(network, options->chips, config), config, options->output, true);
  });
}

}  // namespace

void add_map_command(CLI::App& app, Cli& /*cli*/) {
  CLI::App* map = app.add_subcommand("map", "Place a network on chips: tiles, routes, schedule, programs");
  map->require_subcommand(1);
  add_kws(*map);
  add_rnnt(*map);
  add_map_net(*map);
}

}  // namespace chronotile::cli
