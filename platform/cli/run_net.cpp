#include "platform/cli/run_net.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/atomic_file.hpp"
#include "platform/cli/firmware_source.hpp"
#include "platform/cli/map_output.hpp"
#include "platform/cli/network_description.hpp"
#include "platform/cli/options.hpp"
#include "platform/cli/run_options.hpp"
#include "platform/cli/run_summary.hpp"
#include "platform/cli/run_traces.hpp"
#include "platform/cli/terminal.hpp"
#include "platform/host/feed_forward_session.hpp"
#include "platform/mapping/feed_forward.hpp"

namespace chronotile::cli {
namespace {

struct Options {
  RunOptions run;
  std::string description;
  std::string inputs;
};

std::size_t arg_max(const std::vector<double>& outputs) {
  return static_cast<std::size_t>(std::max_element(outputs.begin(), outputs.end()) - outputs.begin());
}

void run_net(const Options& options, Cli& cli) {
  const config::PlatformConfig config = effective_config(options.run);
  const NetworkDescription description = load_network_description(options.description);
  const auto& layers = description.network.layers;
  const NetworkInputs data =
      load_network_inputs(options.inputs, static_cast<std::size_t>(layers.front().weights.cols()),
                          static_cast<std::size_t>(layers.back().weights.rows()));
  const mapping::Plan plan = mapping::map_feed_forward(description.network, config);
  const auto images = assemble_plan(plan.chips.front(), config.controller.sram_words, options.run.firmware);
  host::FeedForwardSession session(config, plan, images, {options.run.lanes, options.run.threads});
  RunTraces traces(options.run, "chronotile run net");
  Progress simulating("simulating", data.inputs.size());
  const auto start = std::chrono::steady_clock::now();
  const std::vector<host::StepResult> results =
      session.run(data.inputs, [&](std::size_t done) { simulating.update(done); });
  const double wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  traces.close();
  report_violations(session.violations());
  if (!session.failure().empty()) {
    std::cerr << fmt::format("chronotile: error: {}\n", session.failure());
    cli.status = kFailed;
    return;
  }

  nlohmann::ordered_json out;
  out["workload"] = "net";
  out["network"] = description.network.name;
  out["preset"] = config.preset;
  out["seed"] = config.seed;
  out["lanes"] = options.run.lanes;
  out["threads"] = options.run.threads;
  auto& list = out["results"] = nlohmann::ordered_json::array();
  std::size_t right = 0;
  for (std::size_t item = 0; item < results.size(); ++item) {
    const std::size_t best = arg_max(results[item].outputs);
    nlohmann::ordered_json entry{{"item", item}, {"hypothesis", best}};
    if (!description.classes.empty()) {
      entry["class"] = description.classes[best];
    }
    if (!data.labels.empty()) {
      entry["reference"] = data.labels[item];
      right += best == data.labels[item] ? 1U : 0U;
    }
    entry["outputs"] = results[item].outputs;
    entry["latency_ns"] = results[item].latency_ns;
    entry["energy_nj"] = results[item].energy_nJ;
    list.push_back(std::move(entry));
  }
  const bool labelled = !data.labels.empty();
  const double accuracy_percent = 100.0 * static_cast<double>(right) / static_cast<double>(results.size());
  out["accuracy_percent"] = labelled ? nlohmann::ordered_json(accuracy_percent) : nlohmann::ordered_json();
  out["simulated_ns"] = session.simulated_ns();
  out["wall_s"] = wall_s;
  out["violations"] = session.violations().count();
  add_calibration(out, session.calibration());
  out["chips"] = {{{"index", 0},
                   {"tiles_used", plan.chips.front().tiles.size()},
                   {"steps", session.steps()},
                   {"slots_per_step", session.slots_per_step()}}};
  if (!options.run.stats.empty()) {
    write_file_atomically(options.run.stats, out.dump(kJsonIndent) + "\n");
  }
  if (options.run.json) {
    std::cout << out.dump(kJsonIndent) << '\n';
  } else {
    std::cout << fmt::format("{}: {} inputs on {} tiles, {} slots a step, latency {:.1f} ns, {} violations\n",
                             description.network.name, results.size(), plan.chips.front().tiles.size(),
                             session.slots_per_step(), results.front().latency_ns, session.violations().count());
    if (labelled) {
      std::cout << fmt::format("accuracy {:.2f} % of {}\n", accuracy_percent, results.size());
    }
  }
  if (options.run.strict && session.violations().count() > 0) {
    cli.status = kFailed;
  }
}

struct MapOptions {
  config::Sources sources;
  std::string description;
  MapOutput output;
};

}  // namespace

void add_run_net(CLI::App& run, Cli& cli) {
  CLI::App* command = run.add_subcommand("net", "Any chain of fully connected layers, described in TOML, on one chip");
  const auto options = std::make_shared<Options>();
  command->add_option("description", options->description, "Network (TOML, see docs/examples/mnist)")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--inputs", options->inputs,
                   "Inputs: safetensors with `inputs` [n, size] in 0..1 (or U8) and, if known, `labels` [n]")
      ->type_name("FILE")
      ->required();
  add_run_options(*command, options->run,
                  {nullptr, nullptr,
                   "Directory with the controllers' programs instead of the generated ones, as written by map --asm"});
  command->callback([options, &cli] {
    check_run_options(options->run);
    run_net(*options, cli);
  });
}

void add_map_net(CLI::App& map) {
  const auto options = std::make_shared<MapOptions>();
  CLI::App* command = map.add_subcommand("net", "Any chain of fully connected layers, described in TOML");
  command->add_option("description", options->description, "Network (TOML, see docs/examples/mnist)")
      ->type_name("FILE")
      ->required();
  add_map_output_options(*command, options->output);
  add_configuration_options(*command, options->sources);
  command->callback([options] {
    const config::PlatformConfig config = config::load(options->sources);
    const NetworkDescription description = load_network_description(options->description);
    write_map(mapping::map_feed_forward(description.network, config), config, options->output);
  });
}

}  // namespace chronotile::cli
