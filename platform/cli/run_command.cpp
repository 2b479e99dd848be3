#include "platform/cli/run_command.hpp"

#include "platform/cli/run_kws.hpp"
#include "platform/cli/run_net.hpp"
#include "platform/cli/run_rnnt.hpp"

namespace chronotile::cli {

void add_run_command(CLI::App& app, Cli& cli) {
  CLI::App* run = app.add_subcommand("run", "Run a network on the simulated chips");
  run->require_subcommand(1);
  add_run_kws(*run, cli);
  add_run_rnnt(*run, cli);
  add_run_net(*run, cli);
}

}  // namespace chronotile::cli
