#include "platform/cli/run_command.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/atomic_file.hpp"
#include "common/user_error.hpp"
#include "models/energy/meter.hpp"
#include "platform/cli/firmware_source.hpp"
#include "platform/cli/kws_run.hpp"
#include "platform/cli/options.hpp"
#include "platform/cli/terminal.hpp"
#include "platform/config/config.hpp"
#include "platform/host/feed_forward_session.hpp"
#include "platform/mapping/feed_forward.hpp"
#include "platform/mapping/report.hpp"
#include "traces/attach.hpp"
#include "traces/fan_out.hpp"
#include "traces/gtkwave_save.hpp"
#include "traces/statistics.hpp"
#include "traces/timeline.hpp"
#include "traces/vcd_writer.hpp"
#include "workloads/manifest/manifest.hpp"

namespace chronotile::cli {
namespace {

constexpr int kJsonIndent = 2;
constexpr std::size_t kShownViolations = 10;

struct Options {
  config::Sources sources;
  std::vector<std::string> audio;
  std::string manifest;
  std::string weights;
  std::string firmware;
  std::uint64_t seed = 0;
  bool seed_given = false;
  int chips = 1;
  std::size_t lanes = 1;
  int threads = 1;
  std::string vcd;
  std::string vcd_scope;
  std::string timeline;
  std::string stats;
  std::string report;
  bool strict = false;
  bool json = false;
};

/// The observers that the command line asks for.
class Traces {
 public:
  explicit Traces(const Options& options) {
    std::vector<probe::Observer*> observers;
    if (!options.vcd.empty()) {
      traces::VcdConfig config;
      config.path = options.vcd;
      config.scope = options.vcd_scope;
      config.title = "chronotile run kws";
      vcd_ = std::make_unique<traces::VcdWriter>(std::move(config));
      observers.push_back(vcd_.get());
    }
    if (!options.timeline.empty()) {
      timeline_ = std::make_unique<traces::Timeline>(traces::TimelineConfig{options.timeline, {}});
      observers.push_back(timeline_.get());
    }
    if (!observers.empty()) {
      fan_out_ = std::make_unique<traces::FanOut>(observers);
      traces::attach_all(*fan_out_);
    }
    if (vcd_ && !options.vcd_scope.empty() && vcd_->scope_matches() == 0) {
      throw UserError("--vcd-scope " + options.vcd_scope, "matches no signal",
                      "Signals are named as in the VCD's scopes, for example chip0.tile_0_0.lc.en");
    }
  }

  void close() {
    if (vcd_) {
      vcd_->close();
      traces::write_gtkwave_save(*vcd_);
    }
    if (timeline_) {
      timeline_->close();
    }
  }

 private:
  std::unique_ptr<traces::VcdWriter> vcd_;
  std::unique_ptr<traces::Timeline> timeline_;
  std::unique_ptr<traces::FanOut> fan_out_;
};

std::vector<KwsItem> list_items(const Options& options, const kws::Model& model) {
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

config::PlatformConfig effective_config(const Options& options) {
  config::PlatformConfig config = config::load(options.sources);
  if (options.seed_given) {
    config.seed = options.seed;
  }
  return config;
}

void report_violations(const ViolationLog& log) {
  for (std::size_t index = 0; index < std::min(kShownViolations, log.kept().size()); ++index) {
    warn("violation: " + log.kept()[index].text());
  }
  if (log.count() > kShownViolations) {
    warn(fmt::format("{} more violations", log.count() - kShownViolations));
  }
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
  const energy::Meter& meter = session.energy();
  for (energy::Place place = 0; place < meter.place_count(); ++place) {
    if (meter.place_nJ(place) > 0) {
      all.add("energy.place." + meter.place_name(place), "energy of this place, all lanes", traces::Quantity::kEnergy)
          .set(meter.place_nJ(place));
    }
  }
  return all;
}

void write_report(const std::filesystem::path& directory, const KwsReport& report, const ViolationLog& violations,
                  const mapping::Plan& plan, const config::PlatformConfig& config) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) {
    throw UserError(directory.string(), "cannot be made a directory (" + failure.message() + ")",
                    "Give a directory that you may write");
  }
  write_file_atomically(directory / "results.json", report.json().dump(kJsonIndent) + "\n");
  write_file_atomically(directory / "report.txt", report.text());
  std::string list;
  for (const Violation& violation : violations.kept()) {
    list += violation.text() + '\n';
  }
  write_file_atomically(directory / "violations.txt", list);
  write_file_atomically(directory / "chip0.svg", mapping::chip_svg(plan.chips.front(), config));
}

void run_kws(const Options& options, Cli& cli) {
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
  Traces traces(options);
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
  report.violations = session.violations().count();
  for (int index = 0; index < kViolationKinds; ++index) {
    const auto kind = static_cast<ViolationKind>(index);
    if (session.violations().count(kind) > 0) {
      report.violations_by_kind[std::string(name(kind))] = session.violations().count(kind);
    }
  }
  report.steps = session.steps();
  report.slots_per_step = session.slots_per_step();
  report.slot_ns = config.clock.slot_cycles * config.clock.period_ns;
  report.tiles_used = plan.chips.front().tiles.size();
  report.operations_per_step = 2.0 * static_cast<double>(plan.weights_on_tiles);
  for (int index = 0; index < energy::kAccountCount; ++index) {
    const auto account = static_cast<energy::Account>(index);
    report.energy_nJ[std::string(energy::name(account))] = session.energy().total_nJ(account);
  }
  for (const host::StepResult& result : report.results) {
    report.chip_energy_per_step_nJ +=
        (result.energy_nJ - config.host.energy_per_step_nJ) / static_cast<double>(report.results.size());
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

/// Before any work: every file that will be written can be, and none stands for two.
void check_outputs(const Options& options) {
  std::set<std::filesystem::path> taken;
  const auto check_file = [&taken](const char* option, const std::filesystem::path& file) {
    if (!taken.insert(file.lexically_normal()).second) {
      throw UserError(fmt::format("{} {}", option, file.string()), "another output goes to the same file",
                      "Give each a file of its own");
    }
    const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
    if (!std::filesystem::is_directory(folder)) {
      throw UserError(fmt::format("{} {}", option, file.string()), "its folder does not exist",
                      "Make the folder first");
    }
  };
  if (!options.vcd.empty()) {
    check_file("--vcd", options.vcd);
    check_file("--vcd", std::filesystem::path(options.vcd).replace_extension(".gtkw"));
  }
  if (!options.timeline.empty()) {
    check_file("--timeline", options.timeline);
  }
  if (!options.stats.empty()) {
    check_file("--stats", options.stats);
  }
}

void check(const Options& options) {
  check_outputs(options);
  if (options.chips != 1) {
    throw UserError(fmt::format("--chips {}", options.chips), "keyword spotting stands on one chip", "Leave it out");
  }
  if (!options.vcd_scope.empty() && options.vcd.empty()) {
    throw UserError("--vcd-scope", "there is no VCD to add to", "Give --vcd FILE as well");
  }
}

}  // namespace

void add_run_command(CLI::App& app, Cli& cli) {
  CLI::App* run = app.add_subcommand("run", "Run a network on the simulated chips");
  run->require_subcommand(1);
  CLI::App* command = run->add_subcommand("kws", "Keyword spotting: a spoken word to one of 12 classes, on one chip");
  const auto options = std::make_shared<Options>();
  constexpr std::size_t kMostLanes = 128;
  constexpr int kMostThreads = 256;
  constexpr std::uint64_t kLargestSeed = std::numeric_limits<std::int64_t>::max();  // TOML has no larger numbers

  command->add_option("--audio", options->audio, "Recordings (any format, rate and channels that libsndfile reads)")
      ->type_name("FILE...");
  command
      ->add_option("--manifest", options->manifest,
                   "List of recordings (PATH<TAB>CLASS a line), or a directory of class folders")
      ->type_name("FILE");
  command->add_option("--weights", options->weights, "Network (safetensors); default: the shipped one")
      ->type_name("FILE");
  command
      ->add_option("--firmware", options->firmware,
                   "Directory with the controllers' programs instead of the generated ones, as written by map --asm")
      ->type_name("DIR");
  command->add_option("--chips", options->chips, "Chips on the board")->type_name("N");
  command->add_option("--lanes", options->lanes, "Recordings simulated side by side")
      ->type_name("L")
      ->check(CLI::Range(std::size_t{1}, kMostLanes));
  command->add_option("--threads", options->threads, "Threads for matrix work")
      ->type_name("N")
      ->check(CLI::Range(1, kMostThreads));
  CLI::Option* seed = command->add_option("--seed", options->seed, "Seed of all noise")
                          ->type_name("S")
                          ->check(CLI::Range(std::uint64_t{0}, kLargestSeed));
  add_configuration_options(*command, options->sources);
  command->add_option("--vcd", options->vcd, "Write waveforms, and a GTKWave save file beside them")->type_name("FILE");
  command->add_option("--vcd-scope", options->vcd_scope, "Also trace signals whose full name matches (regex)")
      ->type_name("RE");
  command->add_option("--timeline", options->timeline, "Write a timeline for ui.perfetto.dev")->type_name("FILE");
  command->add_option("--stats", options->stats, "Write statistics as JSON")->type_name("FILE");
  command->add_option("--report", options->report, "Write results, table and floor plan into a directory")
      ->type_name("DIR");
  command->add_flag("--strict", options->strict, "Exit status 1 if the hardware's rules were broken");
  command->add_flag("--json", options->json, "Machine-readable result");
  command->callback([options, seed, &cli] {
    options->seed_given = seed->count() > 0;
    check(*options);
    run_kws(*options, cli);
  });
}

}  // namespace chronotile::cli
