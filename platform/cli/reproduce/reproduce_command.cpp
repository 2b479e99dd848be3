#include "platform/cli/reproduce/reproduce_command.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/nearest.hpp"
#include "common/user_error.hpp"
#include "platform/cli/reproduce/experiment.hpp"
#include "platform/cli/reproduce/report.hpp"
#include "platform/cli/run_summary.hpp"

namespace chronotile::cli {
namespace {

using reproduce::Experiment;

constexpr const char* kAll = "all";

struct Options {
  std::string experiment = kAll;
  reproduce::Scale scale;
  std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
  std::string out;
  bool json = false;
  bool here = false;
};

std::string names() {
  std::string text;
  for (const Experiment& experiment : reproduce::experiments()) {
    text += experiment.name + ", ";
  }
  return text + kAll;
}

std::vector<Experiment> chosen(const std::string& name) {
  if (name == kAll) {
    return reproduce::experiments();
  }
  std::vector<std::string> known{kAll};
  for (const Experiment& experiment : reproduce::experiments()) {
    if (experiment.name == name) {
      return {experiment};
    }
    known.push_back(experiment.name);
  }
  const std::string_view near = nearest(name, known);
  throw UserError("reproduce " + name, "no such experiment",
                  near.empty() ? "Experiments are " + names() : fmt::format("Did you mean '{}'?", near));
}

/// An experiment that simulates in this process: its section alone.
void run_here(const Options& options) {
  const std::vector<Experiment> experiments = chosen(options.experiment);
  if (experiments.size() != 1 || experiments.front().here == nullptr) {
    throw UserError("--here", "this experiment makes runs of its own", "Leave it out");
  }
  std::cout << to_json(experiments.front().here(options.scale)).dump(kJsonIndent) << '\n';
}

std::string command_text(const Options& options) {
  const reproduce::Scale defaults;
  std::string text = "chronotile reproduce " + options.experiment;
  text += options.scale.quick ? " --quick" : "";
  text += options.scale.lanes != defaults.lanes ? fmt::format(" --lanes {}", options.scale.lanes) : "";
  return text + (options.scale.seed != defaults.seed ? fmt::format(" --seed {}", options.scale.seed) : "");
}

/// What the runs of an experiment took, each once.
void take_stock(const std::vector<reproduce::Run>& runs, const reproduce::Results& results,
                reproduce::Section& section) {
  std::set<std::vector<std::string>> counted;
  std::uint64_t violations = 0;
  for (const reproduce::Run& run : runs) {
    if (counted.insert(run.arguments).second) {
      const reproduce::Outcome& outcome = results.at(run);
      section.wall_s += outcome.wall_s;
      violations += outcome.json.value("violations", std::uint64_t{0});
    }
  }
  section.runs = counted.size();
  if (violations > 0) {
    section.text.push_back(fmt::format("The hardware's rules were broken {} times in these runs.", violations));
  }
}

void run_reproduce(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<Experiment> experiments = chosen(options.experiment);
  if (!options.out.empty()) {
    make_report_directory(options.out);
  }
  std::vector<reproduce::Run> runs;
  for (const Experiment& experiment : experiments) {
    for (reproduce::Run& run : experiment.runs(options.scale)) {
      runs.push_back(std::move(run));
    }
  }
  const reproduce::Results results = reproduce::make(runs, options.threads);

  reproduce::Report report;
  report.command = command_text(options);
  report.quick = options.scale.quick;
  report.seed = options.scale.seed;
  report.lanes = options.scale.lanes;
  for (const Experiment& experiment : experiments) {
    reproduce::Section section = experiment.evaluate(options.scale, results);
    section.name = experiment.name;
    section.title = experiment.title;
    section.runs = 0;
    section.wall_s = 0;
    take_stock(experiment.runs(options.scale), results, section);
    report.sections.push_back(std::move(section));
  }
  report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!options.out.empty()) {
    write(report, options.out);
  }
  std::cout << (options.json ? json(report).dump(kJsonIndent) + "\n" : text(report));
}

}  // namespace

void add_reproduce_command(CLI::App& app, Cli& /*cli*/) {
  constexpr std::size_t kMostLanes = 128;
  constexpr std::size_t kMostThreads = 256;
  constexpr std::uint64_t kLargestSeed = 1'000'000'000;  // chips have seeds of their own above it
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("reproduce", "The experiments of the paper on the platform: published and simulated values");
  command->add_option("experiment", options->experiment, "Which: " + names() + " (default all)")->type_name("NAME");
  command->add_flag("--quick", options->scale.quick, "Fewer chips and samples: minutes instead of an hour");
  command->add_flag("--json", options->json, "Machine-readable result");
  command->add_option("--out", options->out, "Write reproduction.md, reproduction.json and plots into a directory")
      ->type_name("DIR");
  command->add_option("--threads", options->threads, "Simulations at once, each in a process (default: cores)")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, kMostThreads));
  command->add_option("--lanes", options->scale.lanes, "Recordings simulated side by side (default 16)")
      ->type_name("L")
      ->check(CLI::Range(std::size_t{1}, kMostLanes));
  command->add_option("--seed", options->scale.seed, "Seed of the first chip and its noise (default 1)")
      ->type_name("S")
      ->check(CLI::Range(std::uint64_t{0}, kLargestSeed));
  command->add_flag("--here", options->here, "Simulate in this process and print the section")->group("");
  command->callback([options] { options->here ? run_here(*options) : run_reproduce(*options); });
}

}  // namespace chronotile::cli
