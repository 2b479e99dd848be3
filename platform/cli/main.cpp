#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <systemc>
#include <vector>

#include "common/nearest.hpp"
#include "common/user_error.hpp"
#include "platform/cli/bench_command.hpp"
#include "platform/cli/cli.hpp"
#include "platform/cli/config_command.hpp"
#include "platform/cli/fw_command.hpp"
#include "platform/cli/map_command.hpp"
#include "platform/cli/reproduce/reproduce_command.hpp"
#include "platform/cli/run_command.hpp"

namespace chronotile::cli {
namespace {

/// Subcommands, in the order of --help.
void add_commands(CLI::App& app, Cli& cli) {
  add_run_command(app, cli);
  add_map_command(app, cli);
  add_fw_command(app, cli);
  add_config_command(app, cli);
  add_bench_command(app, cli);
  add_reproduce_command(app, cli);
}

/// "Did you mean 'X'?" or a pointer to --help of `app`.
std::string suggestion(const CLI::App& app, std::string_view word, const std::vector<std::string>& candidates) {
  const std::string_view near = nearest(word, candidates);
  if (!near.empty()) {
    return fmt::format("Did you mean '{}'?", near);
  }
  std::string path;
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
    path = level->get_name() + " " + path;
  }
  return fmt::format("See '{}--help'", path);
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

/// A better message for a misspelt subcommand than CLI11's, at any depth. Subcommands come before all options.
void check_subcommands(CLI::App& root, const std::vector<std::string>& arguments) {
  CLI::App* app = &root;
  for (const std::string& argument : arguments) {
    const std::vector<std::string> names = subcommand_names(*app);
    if (names.empty() || argument.empty() || argument.front() == '-') {
      return;
    }
    if (std::find(names.begin(), names.end(), argument) == names.end()) {
      if (!app->get_options([](const CLI::Option* option) { return option->get_positional(); }).empty()) {
        return;
      }
      throw UserError(argument, "no such subcommand", suggestion(*app, argument, names));
    }
    app = app->get_subcommand(argument);
  }
}

/// The same for options that no subcommand knows.
void report_extras(CLI::App& root) {
  CLI::App* app = &root;
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
  }
  std::vector<std::string> names;
  for (const CLI::Option* option : app->get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  for (const std::string& extra : root.remaining(true)) {
    if (extra.size() > 1 && extra.front() == '-') {
      const std::string name = extra.substr(0, extra.find('='));
      throw UserError(name, "no such option", suggestion(*app, name, names));
    }
  }
}

/// Messages of the SystemC kernel are logs: they go to stderr, whatever else is to be done with them stays as it is.
void report_to_stderr(const sc_core::sc_report& report, const sc_core::sc_actions& actions) {
  if ((actions & sc_core::SC_DISPLAY) != 0) {
    std::cerr << fmt::format("chronotile: {}\n", sc_core::sc_report_compose_message(report));
  }
  sc_core::sc_report_handler::default_handler(report, actions & ~static_cast<sc_core::sc_actions>(sc_core::SC_DISPLAY));
}

int report_error(const std::string& message, int status) {
  std::cout.flush();
  std::cerr << fmt::format("chronotile: error: {}\n", message);
  return status;
}

int run(const std::vector<std::string>& arguments) {
  Cli cli;
  CLI::App app("Virtual platform of a 14 nm analog-AI chip", "chronotile");
  app.set_version_flag("--version", "chronotile " CHRONOTILE_VERSION);
  app.set_help_all_flag("--help-all", "Print the help of all subcommands and exit");
  app.require_subcommand(1);
  add_commands(app, cli);
  try {
    check_subcommands(app, arguments);
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return app.exit(error);
    }
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
      report_extras(app);
    }
    return report_error(fmt::format("{}\nRun with --help for more information.", error.what()), kBadUsage);
  }
  return cli.status;
}

/// Exceptions to exit status.
int guarded_run(const std::vector<std::string>& arguments) {
  try {
    const int status = run(arguments);
    std::cout.flush();
    if (!std::cout || std::fflush(stdout) != 0) {
      return report_error("results cannot be written to standard output", kFailed);
    }
    return status;
  } catch (const UserError& error) {
    return report_error(error.what(), kBadUsage);
  } catch (const std::exception& error) {
    return report_error(error.what(), kFailed);
  }
}

}  // namespace
}  // namespace chronotile::cli

/// Called by the SystemC kernel when it is ready to elaborate; everything happens in here.
int sc_main(int argc, char* argv[]) {
  sc_core::sc_report_handler::set_handler(chronotile::cli::report_to_stderr);
  return chronotile::cli::guarded_run(std::vector<std::string>(argv + 1, argv + argc));
}

/// libsystemc's own main() would print a banner on stdout.
int main(int argc, char* argv[]) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
  return sc_core::sc_elab_and_sim(argc, argv);
}
