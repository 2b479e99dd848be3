#include "platform/cli/run_rnnt.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/atomic_file.hpp"
#include "common/user_error.hpp"
#include "platform/cli/firmware_source.hpp"
#include "platform/cli/interrupt.hpp"
#include "platform/cli/results_file.hpp"
#include "platform/cli/rnnt_run.hpp"
#include "platform/cli/run_options.hpp"
#include "platform/cli/run_summary.hpp"
#include "platform/cli/run_traces.hpp"
#include "platform/cli/terminal.hpp"
#include "platform/config/config.hpp"
#include "platform/mapping/report.hpp"
#include "traces/statistics.hpp"
#include "workloads/audio/audio.hpp"
#include "workloads/manifest/manifest.hpp"
#include "workloads/rnnt/features.hpp"

namespace chronotile::cli {
namespace {

struct Options {
  RunOptions run;
  std::string lengths;
  std::size_t most = std::numeric_limits<std::size_t>::max();
  bool chip_by_chip = false;
  bool keep_going = false;
  std::string results;
};

std::vector<RnntItem> list_items(const Options& options) {
  std::vector<RnntItem> items;
  for (const std::string& file : options.run.audio) {
    items.push_back({file, "", false, 0, {}});
  }
  if (!options.run.manifest.empty()) {
    for (const manifest::Entry& entry : manifest::read_transcripts(options.run.manifest)) {
      items.push_back({entry.file, entry.label, true, 0, {}});
    }
  }
  if (items.empty() && (!options.lengths.empty() || is_random(options.run.weights))) {
    return items_of_lengths(
        options.lengths.empty() ? shipped_utterance_lengths() : std::filesystem::path(options.lengths), options.most);
  }
  if (items.empty()) {
    throw UserError("run rnnt", "no recordings are given",
                    "Name them with --audio FILE... or --manifest FILE, or give --lengths FILE for random ones");
  }
  items.resize(std::min(items.size(), options.most));
  return items;
}

/// Reads every recording once, so that a bad one is found before any work. Items that cannot be read are left out of
/// the result and noted in `failed` with --keep-going, else refused.
std::vector<std::size_t> check_recordings(std::vector<RnntItem>& items, bool keep_going,
                                          std::map<std::string, std::string>& failed) {
  std::vector<std::size_t> readable;
  Progress reading("reading", items.size());
  for (std::size_t index = 0; index < items.size(); ++index) {
    RnntItem& item = items[index];
    if (!item.file.empty()) {
      try {
        const std::vector<float> samples = audio::read_mono_16k(item.file);
        if (samples.size() < rnnt::kMinSamples) {
          throw UserError(item.file.string(), fmt::format("is too short: {} samples at 16 kHz", samples.size()),
                          fmt::format("Give a recording of at least {} samples", rnnt::kMinSamples));
        }
        item.audio_s = static_cast<double>(samples.size()) / audio::kSampleRate_hz;
      } catch (const UserError& error) {
        if (!keep_going) {
          throw;
        }
        warn(error.what());
        failed[item.file.string()] = error.what();
        continue;
      }
    }
    readable.push_back(index);
    reading.update(index + 1);
  }
  return readable;
}

/// What must agree for results of two runs to belong together.
nlohmann::ordered_json settings_of(const Options& options, const config::PlatformConfig& config,
                                   const std::vector<RnntItem>& items) {
  nlohmann::ordered_json settings;
  settings["workload"] = "rnnt";
  settings["preset"] = config.preset;
  settings["seed"] = config.seed;
  settings["weights"] = options.run.weights.empty() ? "shipped" : options.run.weights;
  settings["firmware"] = options.run.firmware;
  settings["configuration"] = options.run.sources.file;
  settings["set"] = options.run.sources.sets;
  settings["timing_error_ns"] = options.run.sources.timing_error_ns;
  settings["items"] = items.size();
  settings["first"] = items.front().file.string();
  settings["last"] = items.back().file.string();
  return settings;
}

std::vector<host::Images> assemble(const mapping::Plan& plan, const config::PlatformConfig& config,
                                   const std::string& firmware) {
  std::vector<host::Images> images;
  for (const mapping::ChipPlan& chip : plan.chips) {
    const std::filesystem::path folder = firmware.empty()
                                             ? std::filesystem::path()
                                             : std::filesystem::path(firmware) / fmt::format("chip{}", chip.index);
    images.push_back(assemble_plan(chip, config.controller.sram_words, folder));
  }
  return images;
}

traces::Statistics statistics(const RnntReport& report, const host::BoardSession& session) {
  traces::Statistics all;
  for (std::size_t index = 0; index < report.chips.size(); ++index) {
    const host::ChipSummary& chip = report.chips[index].summary;
    const std::string name = fmt::format("chip{}.", index);
    all.add(name + "steps", "steps of the chip", traces::Quantity::kCount).set(static_cast<double>(chip.steps));
    all.add(name + "lane_steps", "steps of its lanes that had work", traces::Quantity::kCount)
        .set(static_cast<double>(chip.lane_steps));
    all.add(name + "slots_per_step", "slots from the start trigger to the last interrupt", traces::Quantity::kCount)
        .set(chip.slots_per_step);
    add_energy(session.board().meter(static_cast<std::uint32_t>(index)), name, all);
  }
  all.add("instructions", "instructions that all local controllers executed", traces::Quantity::kCount)
      .set(static_cast<double>(session.instructions()));
  all.add("violations", "broken rules of the hardware", traces::Quantity::kCount)
      .set(static_cast<double>(report.violations));
  all.add("simulated", "simulated time", traces::Quantity::kTime).set(report.simulated_ns);
  for (const auto& [account, energy_nJ] : report.energy_nJ) {
    all.add("energy." + account, "energy of the account, all lanes", traces::Quantity::kEnergy).set(energy_nJ);
  }
  return all;
}

void write_report(const std::filesystem::path& directory, const RnntReport& report, const ViolationLog& violations,
                  const std::vector<std::string>& drawings) {
  make_report_directory(directory);
  const auto file = [&](const char* name) {
    return report.interrupted ? partial_name(directory / name) : directory / name;
  };
  write_file_atomically(file("results.json"), report.json().dump(kJsonIndent) + "\n");
  write_file_atomically(file("report.txt"), report.text());
  write_file_atomically(file("violations.txt"), violation_list(violations));
  for (std::size_t chip = 0; chip < drawings.size(); ++chip) {
    write_file_atomically(directory / fmt::format("chip{}.svg", chip), drawings[chip]);
  }
}

/// --lanes 16 --seed 3 ... of `report`, filled in from a session that has run.
void summarise(RnntReport& report, const host::BoardSession& session) {
  report.simulated_ns = session.simulated_ns();
  report.calibration = session.calibration();
  report.violations = session.board().violations().count();
  report.violations_by_kind = violations_by_kind(session.board().violations());
  for (std::size_t index = 0; index < report.chips.size(); ++index) {
    report.chips[index].summary = session.chips()[index];
    report.chips[index].energy = energy_split(session.board().meter(static_cast<std::uint32_t>(index)));
  }
  for (int index = 0; index < energy::kAccountCount; ++index) {
    const auto account = static_cast<energy::Account>(index);
    report.energy_nJ[std::string(energy::name(account))] = session.board().energy_nJ(account);
  }
}

void run_rnnt(const Options& options, Cli& cli) {
  const config::PlatformConfig config = effective_config(options.run);
  RnntReport report;
  report.items = list_items(options);
  const std::vector<std::size_t> readable = check_recordings(report.items, options.keep_going, report.failed);
  report.results.resize(report.items.size());

  const rnnt::Network network = load_rnnt_network(options.run.weights, config);
  mapping::Plan plan = map_rnnt(network, options.run.chips, config);
  std::vector<host::Images> images = assemble(plan, config, options.run.firmware);
  const host::MatrixPorts ports = host::ports_of(plan);
  std::vector<std::string> drawings;
  for (const mapping::ChipPlan& chip : plan.chips) {
    double weights = 0;
    for (const mapping::MatrixUse& matrix : chip.matrices) {
      weights += static_cast<double>(matrix.network_weights);
    }
    report.chips.push_back({chip.tiles.size(), {}, 2.0 * weights, {}});
    if (!options.run.report.empty()) {
      drawings.push_back(mapping::chip_svg(chip, config));
    }
  }

  std::optional<ResultsFile> earlier;
  std::vector<std::size_t> waiting;
  if (!options.results.empty()) {
    earlier.emplace(options.results, settings_of(options, config, report.items));
  }
  for (const std::size_t item : readable) {
    const bool known = earlier && earlier->known().count(item) > 0;
    if (known) {
      report.results[item] = RnntResult::parse(earlier->known().at(item));
    } else {
      waiting.push_back(item);
      report.simulated_audio_s += report.items[item].audio_s;
    }
  }

  if (options.run.lanes > 1) {
    longest_first(report.items, waiting);
  }

  report.options = {options.run.lanes, options.run.threads,
                    options.chip_by_chip ? host::Order::kChipByChip : host::Order::kPipeline};
  report.preset = config.preset;
  report.seed = config.seed;
  report.slot_ns = config.clock.slot_cycles * config.clock.period_ns;
  host::BoardSession session(config, std::move(plan), std::move(images), report.options);
  RunTraces traces(options.run, "chronotile run rnnt");
  const rnnt::TranscriberOptions decoding = transcriber_options(session, ports, config);
  const InterruptGuard interrupt;
  {
    Progress simulating("transcribing", waiting.size());
    std::size_t done = 0;
    const auto start = std::chrono::steady_clock::now();
    session.run(
        waiting, [&](std::size_t item) { return make_transcriber(network, ports, report.items[item], item, decoding); },
        [&](std::size_t item, std::unique_ptr<host::Stream> stream, const host::ItemResult& taken) {
          const auto& transcriber = static_cast<const rnnt::Transcriber&>(*stream);
          report.results[item] = result_of(network, transcriber, taken);
          if (earlier) {
            earlier->append(item, report.results[item]->json(report.items[item]));
          }
          simulating.update(++done);
        },
        &InterruptGuard::flag());
    report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    report.interrupted = done < waiting.size();
  }
  traces.close(report.interrupted);
  if (report.interrupted) {
    report.simulated_audio_s = 0;
    for (const std::size_t item : waiting) {
      report.simulated_audio_s += report.results[item] ? report.items[item].audio_s : 0.0;
    }
  }
  summarise(report, session);
  report_violations(session.board().violations());
  if (!options.run.stats.empty()) {
    const std::filesystem::path file = options.run.stats;
    write_file_atomically(report.interrupted ? partial_name(file) : file,
                          statistics(report, session).json().dump(kJsonIndent) + "\n");
  }
  if (!options.run.report.empty()) {
    write_report(options.run.report, report, session.board().violations(), drawings);
  }
  std::cout << (options.run.json ? report.json().dump(kJsonIndent) + "\n" : report.text());
  if (!session.failure().empty()) {
    std::cerr << fmt::format("chronotile: error: {}\n", session.failure());
  } else if (report.interrupted) {
    std::cerr << fmt::format(
        "chronotile: interrupted: {} of {} utterances are done{}\n",
        report.items.size() - waiting.size() +
            static_cast<std::size_t>(std::count_if(waiting.begin(), waiting.end(),
                                                   [&](std::size_t item) { return report.results[item].has_value(); })),
        report.items.size(), options.results.empty() ? "" : "; the same command goes on where this one ended");
  }
  if (!session.failure().empty() || report.interrupted || !report.failed.empty() ||
      (options.run.strict && report.violations > 0)) {
    cli.status = kFailed;
  }
}

}  // namespace

void add_run_rnnt(CLI::App& run, Cli& cli) {
  CLI::App* command = run.add_subcommand("rnnt", "Speech to text: the RNN-T network on a board of five chips");
  const auto options = std::make_shared<Options>();
  add_run_options(
      *command, options->run,
      {"PATH<TAB>TRANSCRIPT a line, a Librispeech directory, or MLPerf's JSON list",
       "Network: a safetensors file, or random:SEED for a full-size one; default: the shipped small one",
       "Directory with chip0/ chip1/ ... of programs instead of the generated ones, as map --asm writes it"});
  command
      ->add_option("--lengths", options->lengths,
                   "Without recordings: random utterances with these lengths (SECONDS<TAB>SYMBOLS a line), decisions "
                   "forced to as many symbols; default with random weights: Librispeech dev-clean's")
      ->type_name("FILE");
  command->add_option("--most", options->most, "Only the first N utterances")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_flag("--chip-by-chip", options->chip_by_chip,
                    "All utterances through the first chip, then through the second, ...: the same results");
  command->add_flag("--keep-going", options->keep_going, "Report recordings that cannot be read and do the others");
  command
      ->add_option("--results", options->results,
                   "Append each utterance's result to this file (JSON lines) as it ends; a rerun goes on from there")
      ->type_name("FILE");
  command->callback([options, &cli] {
    check_run_options(options->run);
    run_rnnt(*options, cli);
  });
}

}  // namespace chronotile::cli
