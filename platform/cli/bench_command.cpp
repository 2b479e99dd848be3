#include "platform/cli/bench_command.hpp"

#include <fmt/format.h>
#include <boost/process.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/user_error.hpp"
#include "platform/cli/bench_cases.hpp"
#include "platform/cli/bench_machine.hpp"
#include "platform/cli/bench_rnnt.hpp"
#include "platform/cli/options.hpp"
#include "platform/cli/run_summary.hpp"
#include "platform/cli/terminal.hpp"
#include "platform/config/config.hpp"

namespace chronotile::cli {
namespace {

struct Options {
  config::Sources sources;
  double seconds = 1.0;
  std::string only;
  bool json = false;
};

/// Measures in a process of its own.
double measure_apart(const BenchCase& bench, const Options& options) {
  namespace process = boost::process;
  std::vector<std::string> arguments{"bench", "--case", std::string(bench.name), "--seconds",
                                     fmt::format("{}", options.seconds)};
  for (const std::string& argument : configuration_arguments(options.sources)) {
    arguments.push_back(argument);
  }
  process::ipstream out;
  process::child child(std::filesystem::read_symlink("/proc/self/exe").string(), process::args = arguments,
                       process::std_out > out);
  double figure = 0;
  out >> figure;
  child.wait();
  if (child.exit_code() != 0) {
    throw std::runtime_error(fmt::format("bench case {} failed", bench.name));
  }
  return figure;
}

void measure_here(const Options& options) {
  for (const BenchCase& bench : bench_cases()) {
    if (bench.name == options.only) {
      const double figure = bench.measure(config::load(options.sources), options.seconds);
      const nlohmann::ordered_json json{{"name", bench.name}, {"value", figure}, {"unit", bench.unit}};
      std::cout << (options.json ? json.dump(kJsonIndent) : fmt::format("{}", figure)) << '\n';
      return;
    }
  }
  std::string names;
  for (const BenchCase& bench : bench_cases()) {
    names += (names.empty() ? "" : ", ") + std::string(bench.name);
  }
  throw UserError("--case " + options.only, "no such case", "Cases are " + names);
}

void measure_all(const Options& options) {
  (void)config::load(options.sources);
  nlohmann::ordered_json json;
  json["machine"] = machine();
  Table table({{"case"}, {"figure", Align::kRight}, {"unit"}, {"what"}});
  for (const BenchCase& bench : bench_cases()) {
    const double figure = measure_apart(bench, options);
    json["cases"].push_back({{"name", bench.name}, {"value", figure}, {"unit", bench.unit}, {"what", bench.what}});
    table.add(
        {std::string(bench.name), fmt::format("{:.4g}", figure), std::string(bench.unit), std::string(bench.what)});
  }
  if (options.json) {
    std::cout << json.dump(kJsonIndent) << '\n';
    return;
  }
  std::cout << machine() << "\n\n";
  table.print(std::cout);
}

}  // namespace

void add_bench_command(CLI::App& app, Cli& /*cli*/) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("bench", "Measure the platform's speed on this machine");
  command->add_option("--seconds", options->seconds, "Time for each case")->check(CLI::Range(0.01, 600.0));
  command->add_option("--case", options->only, "Print the figure of one case only");
  command->add_flag("--json", options->json, "Machine-readable result");
  add_configuration_options(*command, options->sources);
  add_bench_rnnt(*command);
  command->callback([options, command] {
    if (command->get_subcommands().empty()) {
      options->only.empty() ? measure_all(*options) : measure_here(*options);
    }
  });
}

}  // namespace chronotile::cli
