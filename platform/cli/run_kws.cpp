#include "platform/cli/run_kws.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "common/atomic_file.hpp"
#include "common/user_error.hpp"
#include "models/energy/meter.hpp"
#include "platform/cli/firmware_source.hpp"
#include "platform/cli/kws_run.hpp"
#include "platform/cli/run_options.hpp"
#include "platform/cli/run_summary.hpp"
#include "platform/cli/run_traces.hpp"
#include "platform/cli/terminal.hpp"
#include "platform/config/config.hpp"
#include "platform/host/feed_forward_session.hpp"
#include "platform/mapping/feed_forward.hpp"
#include "platform/mapping/report.hpp"
#include "traces/statistics.hpp"
#include "workloads/manifest/manifest.hpp"

namespace chronotile::cli {
namespace {

std::vector<KwsItem> list_items(const RunOptions& options, const kws::Model& model) {
  std::vector<KwsItem> items;
  for (const std::string& file : options.audio) {
    items.push_back({file, ""});
  }
  if (!options.manifest.empty()) {
    for (const manifest::Entry& entry : manifest::read(options.manifest, model.classes)) {
      (void)model.class_index(entry.label, entry.place);
      items.push_back({entry.file, entry.label});
    }
  }
  if (items.empty()) {
    throw UserError("run kws", "no recordings are given", "Name them with --audio FILE... or --manifest FILE.tsv");
  }
  return items;
}

/// Outputs that the signed read-out cut off.
std::size_t outputs_cut(const KwsReport& report, const mapping::OutputVector& vector, double full_scale) {
  const double lowest = -vector.zero_count / vector.counts_per_unit;
  const double highest = (full_scale - vector.zero_count) / vector.counts_per_unit;
  std::size_t cut = 0;
  for (const host::StepResult& result : report.results) {
    cut += static_cast<std::size_t>(std::count_if(result.outputs.begin(), result.outputs.end(), [&](double output) {
      return output <= lowest || output >= highest;
    }));
  }
  return cut;
}

traces::Statistics statistics(const KwsReport& report, const host::FeedForwardSession& session) {
  traces::Statistics all;
  all.add("steps", "steps of the chip", traces::Quantity::kCount).set(static_cast<double>(report.steps));
  all.add("slots_per_step", "slots from the start trigger to the last interrupt", traces::Quantity::kCount)
      .set(report.slots_per_step);
  all.add("instructions", "instructions that all local controllers executed", traces::Quantity::kCount)
      .set(static_cast<double>(session.instructions()));
  all.add("violations", "broken rules of the hardware", traces::Quantity::kCount)
      .set(static_cast<double>(report.violations));
  all.add("simulated", "simulated time", traces::Quantity::kTime).set(report.simulated_ns);
  for (const auto& [account, energy_nJ] : report.energy_nJ) {
    all.add("energy." + account, "energy of the account, all lanes", traces::Quantity::kEnergy).set(energy_nJ);
  }
  add_energy(session.energy(), "", all);
  return all;
}

void write_report(const std::filesystem::path& directory, const KwsReport& report, const ViolationLog& violations,
                  const mapping::Plan& plan, const config::PlatformConfig& config) {
  make_report_directory(directory);
  write_file_atomically(directory / "results.json", report.json().dump(kJsonIndent) + "\n");
  write_file_atomically(directory / "report.txt", report.text());
  write_file_atomically(directory / "violations.txt", violation_list(violations));
  write_file_atomically(directory / "chip0.svg", mapping::chip_svg(plan.chips.front(), config));
}

void run_kws(const RunOptions& options, Cli& cli) {
  const config::PlatformConfig config = effective_config(options);
  const kws::Model model =
      kws::Model::load(options.weights.empty() ? default_kws_weights() : std::filesystem::path(options.weights));
  KwsReport report;
  report.items = list_items(options, model);
  const mapping::Plan plan = mapping::map_feed_forward(kws_network(model), config);
  const auto images = assemble_plan(plan.chips.front(), config.controller.sram_words, options.firmware);

  Progress reading("reading", report.items.size());
  const KwsInputs inputs = read_kws_inputs(model, report.items, [&](std::size_t done) { reading.update(done); });

  report.options = {options.lanes, options.threads};
  host::FeedForwardSession session(config, plan, images, report.options);
  RunTraces traces(options, "chronotile run kws");
  Progress simulating("simulating", report.items.size());
  const auto start = std::chrono::steady_clock::now();
  report.results = session.run(inputs.inputs, [&](std::size_t done) { simulating.update(done); });
  report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  traces.close();
  report_violations(session.violations());
  if (!session.failure().empty()) {
    std::cerr << fmt::format("chronotile: error: {}\n", session.failure());
    cli.status = kFailed;
    return;
  }

  report.preset = config.preset;
  report.seed = config.seed;
  report.classes = model.classes;
  report.audio_s = inputs.audio_s;
  report.simulated_ns = session.simulated_ns();
  report.calibration = session.calibration();
  report.violations = session.violations().count();
  report.violations_by_kind = violations_by_kind(session.violations());
  report.steps = session.steps();
  report.slots_per_step = session.slots_per_step();
  report.slot_ns = config.clock.slot_cycles * config.clock.period_ns;
  report.tiles_used = plan.chips.front().tiles.size();
  report.operations_per_step = 2.0 * static_cast<double>(plan.weights_on_tiles);
  for (int index = 0; index < energy::kAccountCount; ++index) {
    const auto account = static_cast<energy::Account>(index);
    report.energy_nJ[std::string(energy::name(account))] = session.energy().total_nJ(account);
  }
  report.energy = energy_split(session.energy());
  for (const host::StepResult& result : report.results) {
    report.chip_energy_per_step_nJ += result.chip_energy_nJ / static_cast<double>(report.results.size());
  }

  if (const std::size_t cut = outputs_cut(report, plan.chips.front().outputs.front(), config.pad.full_scale); cut > 0) {
    warn(fmt::format("{} of {} outputs are at the limit of the read-out: raise mapping.output_full_scale", cut,
                     report.results.size() * report.classes.size()));
  }
  if (!options.stats.empty()) {
    write_file_atomically(options.stats, statistics(report, session).json().dump(kJsonIndent) + "\n");
  }
  if (!options.report.empty()) {
    write_report(options.report, report, session.violations(), plan, config);
  }
  std::cout << (options.json ? report.json().dump(kJsonIndent) + "\n" : report.text());
  if (options.strict && report.violations > 0) {
    cli.status = kFailed;
  }
}

}  // namespace

void add_run_kws(CLI::App& run, Cli& cli) {
  CLI::App* command = run.add_subcommand("kws", "Keyword spotting: a spoken word to one of 12 classes, on one chip");
  const auto options = std::make_shared<RunOptions>();
  add_run_options(*command, *options,
                  {"List of recordings (PATH<TAB>CLASS a line), or a directory of class folders",
                   "Network (safetensors); default: the shipped one",
                   "Directory with the controllers' programs instead of the generated ones, as written by map --asm"});
  command->callback([options, &cli] {
    check_run_options(*options);
    if (options->chips > 1) {
      throw UserError(fmt::format("--chips {}", options->chips), "keyword spotting stands on one chip", "Leave it out");
    }
    run_kws(*options, cli);
  });
}

}  // namespace chronotile::cli
