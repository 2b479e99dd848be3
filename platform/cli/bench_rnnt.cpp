#include "platform/cli/bench_rnnt.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <algorithm>
#include <boost/process.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/user_error.hpp"
#include "models/tile/array.hpp"
#include "platform/cli/bench_machine.hpp"
#include "platform/cli/firmware_source.hpp"
#include "platform/cli/options.hpp"
#include "platform/cli/rnnt_run.hpp"
#include "platform/cli/run_summary.hpp"
#include "platform/cli/terminal.hpp"
#include "platform/config/config.hpp"

namespace chronotile::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Case {
  const char* name;
  std::size_t lanes;
  host::Order order;
  std::size_t utterances;         ///< for a few seconds on two cores
  const char* preset = nullptr;   ///< of this case; null: as configured
  const char* setting = nullptr;  ///< of this case; those of the command line win
};

constexpr Case kCases[] = {
    {"one_lane", 1, host::Order::kPipeline, 6},
    {"one_lane_chip_by_chip", 1, host::Order::kChipByChip, 8},
    {"sixteen_lanes", 16, host::Order::kPipeline, 64},
    {"sixteen_lanes_chip_by_chip", 16, host::Order::kChipByChip, 64},
    {"sixteen_lanes_two_sets", 16, host::Order::kPipeline, 64, nullptr, "tile.array.fold_negated_set=false"},
    {"sixteen_lanes_quantized", 16, host::Order::kPipeline, 64, "quantized"},
    {"sixteen_lanes_published", 16, host::Order::kPipeline, 64, "published"},
};

struct Options {
  config::Sources sources;
  std::string only;
  std::string weights = "random:1";
  int threads = 2;
  std::size_t utterances = 0;
  double bare_seconds = 3;
  bool json = false;
};

/// The matrix work of the board in a bare loop: the same weights in the same arrays, each evaluated as often as the
/// network asks for, nothing else. Chip by chip a chip's frames follow each other, as they do in the simulation.
class BareLoop {
 public:
  BareLoop(const mapping::Plan& plan, const config::PlatformConfig& config, std::size_t lanes, int threads)
      : lanes_(lanes),
        meter_(lanes),
        lane_keys_(lanes),
        workers_(threads),
        x_(kWires * lanes),
        out_(static_cast<std::size_t>(threads) * 64, std::vector<double>(kWires * lanes)) {
    for (std::size_t index = 0; index < x_.size(); ++index) {
      x_[index] = static_cast<double>((index * 37) % 255) + 1;
    }
    for (const mapping::ChipPlan& chip : plan.chips) {
      for (const mapping::TileAssignment& tile : chip.tiles) {
        Evaluated& evaluated = tiles_.emplace_back(Evaluated{tile::WeightArray(config.tile.array), chip.index, 0, 0});
        Services services{violations_, meter_, lane_keys_, workers_, config.seed, chip.index};
        evaluated.array.program(tile::WeightSet::kWp1, tile.wp1, services, tile.site);
        if (tile.wp2.size() != 0) {
          evaluated.array.program(tile::WeightSet::kWp2, tile.wp2, services, tile.site);
        }
        evaluated.columns = static_cast<int>((tile.columns + kWiresPerGroup - 1) / kWiresPerGroup * kWiresPerGroup);
        evaluated.per_period = evaluations(tile.layer);
      }
    }
  }

  /// Seconds of audio per second, all lanes.
  double run(host::Order order, double seconds) {
    std::size_t periods = 0;
    const Clock::time_point start = Clock::now();
    constexpr std::size_t kPeriods = 8;
    do {
      if (order == host::Order::kPipeline) {
        for (std::size_t period = 0; period < kPeriods; ++period) {
          evaluate(0, tiles_.size(), 1);
        }
      } else {
        for (std::size_t first = 0; first < tiles_.size();) {
          std::size_t last = first;
          while (last < tiles_.size() && tiles_[last].chip == tiles_[first].chip) {
            ++last;
          }
          evaluate(first, last, kPeriods);
          first = last;
        }
      }
      periods += kPeriods;
    } while (seconds_since(start) < seconds);
    return static_cast<double>(periods * lanes_) * kPeriod_s / seconds_since(start);
  }

 private:
  /// Two frames of 30 ms.
  static constexpr double kPeriod_s = 0.06;
  static constexpr double kSymbols_per_s = 92.9 / 6.25;  ///< of a mean utterance

  struct Evaluated {
    tile::WeightArray array;
    std::uint32_t chip;
    int columns;
    double per_period;
    double owed = 0;
  };

  [[nodiscard]] static double evaluations(const std::string& layer) {
    if (layer == "enc_lstm0" || layer == "enc_lstm1") {
      return 2;
    }
    if (layer.compare(0, 4, "enc_") == 0) {
      return 1;
    }
    const double symbols = kSymbols_per_s * kPeriod_s;
    return layer == "joint" ? symbols + 1 : symbols;  // its parts for the encoder's frame and for the symbol
  }

  void evaluate(std::size_t first, std::size_t last, std::size_t periods) {
    for (std::size_t period = 0; period < 2 * periods; ++period) {  // twice a period, for layers that work so often
      std::vector<WorkPool::Ticket> tickets;
      for (std::size_t index = first; index < last; ++index) {
        Evaluated& tile = tiles_[index];
        tile.owed += tile.per_period / 2;
        if (tile.owed < 1) {
          continue;
        }
        tile.owed -= 1;
        tickets.push_back(workers_.submit([this, &tile, &out = out_[index % out_.size()]] {
          tile.array.multiply(tile::WeightSet::kWp1, x_.data(), out.data(), lanes_, 0, tile.columns);
          if (tile.array.programmed(tile::WeightSet::kWp2) && !tile.array.folded()) {
            tile.array.multiply(tile::WeightSet::kWp2, x_.data(), out.data(), lanes_, 0, tile.columns);
          }
        }));
        if (tickets.size() == out_.size()) {
          wait(tickets);
        }
      }
      wait(tickets);
    }
  }

  void wait(std::vector<WorkPool::Ticket>& tickets) {
    for (WorkPool::Ticket& ticket : tickets) {
      workers_.wait(ticket);
    }
    tickets.clear();
  }

  std::size_t lanes_;
  ViolationLog violations_;
  energy::Meter meter_;
  Lanes lane_keys_;
  WorkPool workers_;
  std::vector<double> x_;
  std::vector<std::vector<double>> out_;
  std::vector<Evaluated> tiles_;
};

double peak_memory_GB() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024e-9;
}

/// The configuration of a case: quantized with the published bound of the timing error, or the preset `published`,
/// unless the command line says otherwise.
config::PlatformConfig configuration(const Case& bench, config::Sources sources) {
  constexpr double kPublishedBound_ns = 5;
  if (bench.preset != nullptr) {
    sources.preset = bench.preset;
  } else if (sources.preset.empty() && sources.file.empty()) {
    sources.preset = "quantized";
    if (sources.timing_error_ns < 0) {
      sources.timing_error_ns = kPublishedBound_ns;
    }
  }
  if (bench.setting != nullptr) {
    sources.sets.insert(sources.sets.begin(), bench.setting);
  }
  return config::load(sources);
}

Json measure(const Case& bench, const Options& options) {
  const Clock::time_point begin = Clock::now();
  const config::PlatformConfig config = configuration(bench, options.sources);
  const rnnt::Network network = load_rnnt_network(options.weights, config);
  mapping::Plan plan = map_rnnt(network, 0, config);
  std::vector<host::Images> images;
  for (const mapping::ChipPlan& chip : plan.chips) {
    images.push_back(assemble_plan(chip, config.controller.sram_words));
  }
  const host::MatrixPorts ports = host::ports_of(plan);
  const std::vector<RnntItem> items =
      items_of_lengths(shipped_utterance_lengths(), options.utterances > 0 ? options.utterances : bench.utterances);
  std::vector<std::size_t> numbers(items.size());
  double audio_s = 0;
  for (std::size_t item = 0; item < items.size(); ++item) {
    numbers[item] = item;
    audio_s += items[item].audio_s;
  }
  if (bench.lanes > 1) {
    longest_first(items, numbers);
  }
  std::unique_ptr<BareLoop> bare;
  if (options.bare_seconds > 0) {
    bare = std::make_unique<BareLoop>(plan, config, bench.lanes, options.threads);
  }
  const double prepared_s = seconds_since(begin);
  host::BoardSession session(config, std::move(plan), std::move(images), {bench.lanes, options.threads, bench.order});
  const rnnt::TranscriberOptions decoding = transcriber_options(session, ports, config);
  double latency_ns = 0;
  const double bare_before = bare ? bare->run(bench.order, options.bare_seconds / 2) : 0;
  const Clock::time_point start = Clock::now();
  session.run(
      numbers, [&](std::size_t item) { return make_transcriber(network, ports, items[item], item, decoding); },
      [&](std::size_t, std::unique_ptr<host::Stream>, const host::ItemResult& result) {
        latency_ns += result.latency_ns;
      });
  const double wall_s = seconds_since(start);
  if (!session.failure().empty()) {
    throw std::runtime_error(session.failure());
  }
  // Before and after, so that a machine that slows down does not favour one of them.
  const double bare_speed = bare ? (bare_before + bare->run(bench.order, options.bare_seconds / 2)) / 2 : 0;
  Json out;
  out["name"] = bench.name;
  out["lanes"] = bench.lanes;
  out["threads"] = options.threads;
  out["utterances"] = items.size();
  out["audio_s"] = audio_s;
  out["wall_s"] = wall_s;
  out["audio_s_per_s"] = audio_s / wall_s;
  out["bare_audio_s_per_s"] = bare_speed;
  out["ratio_to_bare"] = bare_speed > 0 ? Json(audio_s / wall_s / bare_speed) : Json();
  out["mean_latency_us"] = latency_ns * 1e-3 / static_cast<double>(items.size());
  out["violations"] = session.board().violations().count();
  out["start_to_first_step_s"] = prepared_s + session.first_step_wall_s() - (bare ? options.bare_seconds / 2 : 0);
  out["peak_memory_GB"] = peak_memory_GB();
  return out;
}

Json measure_apart(const Case& bench, const Options& options) {
  namespace process = boost::process;
  std::vector<std::string> arguments{"bench",
                                     "rnnt",
                                     "--case",
                                     bench.name,
                                     "--json",
                                     "--threads",
                                     fmt::format("{}", options.threads),
                                     "--weights",
                                     options.weights,
                                     "--bare-seconds",
                                     fmt::format("{}", options.bare_seconds),
                                     "--utterances",
                                     fmt::format("{}", options.utterances)};
  for (const std::string& argument : configuration_arguments(options.sources)) {
    arguments.push_back(argument);
  }
  process::ipstream out;
  process::child child(std::filesystem::read_symlink("/proc/self/exe").string(), process::args = arguments,
                       process::std_out > out);
  const std::string text((std::istreambuf_iterator<char>(out)), std::istreambuf_iterator<char>());
  child.wait();
  if (child.exit_code() != 0) {
    throw std::runtime_error(fmt::format("bench case {} failed", bench.name));
  }
  return Json::parse(text);
}

/// How much longer the preset `published` takes than `quantized`.
double slowdown(const Json& cases) {
  const auto speed = [&](const std::string& wanted) {
    const auto found =
        std::find_if(cases.begin(), cases.end(), [&](const Json& figures) { return figures["name"] == wanted; });
    return found->at("audio_s_per_s").get<double>();
  };
  return speed("sixteen_lanes_quantized") / speed("sixteen_lanes_published");
}

void run(const Options& options) {
  if (!options.only.empty()) {
    std::string names;
    for (const Case& bench : kCases) {
      if (options.only == bench.name) {
        std::cout << measure(bench, options).dump(kJsonIndent) << '\n';
        return;
      }
      names += (names.empty() ? "" : ", ") + std::string(bench.name);
    }
    throw UserError("--case " + options.only, "no such case", "Cases are " + names);
  }
  (void)config::load(options.sources);
  Json all;
  all["machine"] = machine();
  Table table({{"case"},
               {"audio s/s", Align::kRight},
               {"bare loop", Align::kRight},
               {"ratio", Align::kRight},
               {"latency us", Align::kRight},
               {"first step s", Align::kRight},
               {"memory GB", Align::kRight}});
  for (const Case& bench : kCases) {
    const Json figures = measure_apart(bench, options);
    const auto number = [&](const char* key) { return figures[key].is_null() ? 0.0 : figures[key].get<double>(); };
    table.add({bench.name, fmt::format("{:.2f}", number("audio_s_per_s")),
               fmt::format("{:.2f}", number("bare_audio_s_per_s")), fmt::format("{:.2f}", number("ratio_to_bare")),
               fmt::format("{:.1f}", number("mean_latency_us")), fmt::format("{:.2f}", number("start_to_first_step_s")),
               fmt::format("{:.2f}", number("peak_memory_GB"))});
    all["cases"].push_back(figures);
  }
  if (options.json) {
    std::cout << all.dump(kJsonIndent) << '\n';
    return;
  }
  std::cout << machine()
            << "\nfull-size RNN-T on five chips, firmware running; memory includes the bare loop's copy\n\n";
  table.print(std::cout);
  std::cout << fmt::format("\npreset published takes {:.2f} times as long as quantized\n", slowdown(all["cases"]));
}

}  // namespace

void add_bench_rnnt(CLI::App& bench) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = bench.add_subcommand(
      "rnnt",
      "Audio seconds per second of the five chips, against a bare loop over the same matrices (quantized, "
      "timing error 5 ns, unless configured otherwise; two cases with the presets quantized and published)");
  constexpr int kMostThreads = 256;
  command->add_option("--case", options->only, "One case only");
  command->add_option("--threads", options->threads, "Threads for matrix work")->check(CLI::Range(1, kMostThreads));
  command->add_option("--weights", options->weights, "Network (safetensors, or random:SEED)");
  command->add_option("--utterances", options->utterances, "Utterances of a case; 0: a few seconds' worth");
  command->add_option("--bare-seconds", options->bare_seconds, "Time for the bare loop; 0: without it");
  command->add_flag("--json", options->json, "Machine-readable result");
  add_configuration_options(*command, options->sources);
  command->callback([options] { run(*options); });
}

}  // namespace chronotile::cli
