#include "platform/cli/reproduce/experiment.hpp"

#include <fmt/format.h>
#include <filesystem>
#include <numeric>

#include "common/user_error.hpp"
#include "platform/cli/kws_run.hpp"
#include "platform/cli/reproduce/programming.hpp"
#include "platform/cli/rnnt_run.hpp"
#include "workloads/rnnt/score.hpp"

namespace chronotile::cli::reproduce {
namespace {

/// The shipped recordings beside a network.
std::string recordings(const std::filesystem::path& weights) {
  const std::filesystem::path file = weights.parent_path().parent_path() / "data" / "test.tsv";
  if (!std::filesystem::exists(file)) {
    throw UserError(file.string(), "the recordings of the experiments are not there",
                    "Run 'reproduce' of a program built in its source tree, which has them");
  }
  return file.string();
}

std::vector<std::string> common(const char* workload, const Scale& scale, const Setup& setup, std::size_t lanes,
                                std::size_t chip) {
  const std::uint64_t seed = scale.seed + chip;
  std::vector<std::string> arguments{"run",
                                     workload,
                                     "--json",
                                     "--lanes",
                                     fmt::format("{}", lanes),
                                     "--seed",
                                     fmt::format("{}", seed),
                                     "--preset",
                                     setup.preset,
                                     "--set",
                                     fmt::format("chip_seed={}", seed)};
  for (const std::string& key : setup.keys) {
    arguments.insert(arguments.end(), {"--set", key});
  }
  return arguments;
}

std::string label(const char* workload, const Setup& setup, std::size_t chip) {
  return fmt::format("{}, {}, chip {}", workload, setup.name, chip);
}

std::uint64_t total(const std::vector<double>& weights) {
  return static_cast<std::uint64_t>(std::llround(std::accumulate(weights.begin(), weights.end(), 0.0)));
}

}  // namespace

Setup with(Setup setup, const std::string& name, const std::vector<std::string>& keys) {
  setup.name = name;
  setup.keys.insert(setup.keys.end(), keys.begin(), keys.end());
  return setup;
}

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> kExperiments{
      {"transport", "Durations over the mesh", transport_runs, transport_result, simulate_transport},
      {"programming", "Programming the weights", programming_runs, programming_result, simulate_programming},
      {"kws", "Keyword spotting", kws_runs, kws_result, nullptr},
      {"ab", "Asymmetry balance", ab_runs, ab_result, nullptr},
      {"rnnt", "Speech recognition", rnnt_runs, rnnt_result, nullptr},
      {"drift", "A week of drift", drift_runs, drift_result, nullptr},
      {"sensitivity", "Sensitivity of the layers", sensitivity_runs, sensitivity_result, nullptr},
      {"power", "Power and speed", power_runs, power_result, nullptr},
  };
  return kExperiments;
}

Run run_here(const std::string& experiment, const Scale& scale) {
  Run run{experiment, {"reproduce", experiment, "--here", "--json", "--seed", fmt::format("{}", scale.seed)}};
  if (scale.quick) {
    run.arguments.emplace_back("--quick");
  }
  return run;
}

Run kws_run(const Scale& scale, const Setup& setup, std::size_t chip) {
  Run run{label("kws", setup, chip), common("kws", scale, setup, scale.lanes, chip)};
  run.arguments.insert(run.arguments.end(), {"--manifest", recordings(default_kws_weights())});
  return run;
}

Run rnnt_run(const Scale& scale, const Setup& setup, std::size_t chip) {
  Run run{label("rnnt", setup, chip), common("rnnt", scale, setup, scale.lanes, chip)};
  run.arguments.insert(run.arguments.end(), {"--manifest", recordings(shipped_rnnt_weights())});
  return run;
}

Run full_size_run(const Scale& scale, const Setup& setup, std::size_t utterances) {
  Run run{label("rnnt of full size", setup, 0), common("rnnt", scale, setup, std::min(scale.lanes, utterances), 0)};
  run.arguments.insert(run.arguments.end(), {"--weights", "random:1", "--most", fmt::format("{}", utterances)});
  return run;
}

Crossed recognised(const Scale& scale, const Results& results, const Setup& setup, std::size_t chips) {
  Crossed crossed;
  for (std::size_t chip = 0; chip < chips; ++chip) {
    std::vector<double>& counts = crossed.counts.emplace_back();
    crossed.weights.clear();
    for (const auto& result : results.at(kws_run(scale, setup, chip)).json.at("results")) {
      counts.push_back(result.at("hypothesis") == result.at("reference") ? 1 : 0);
      crossed.weights.push_back(1);
    }
  }
  return crossed;
}

Crossed word_errors(const Scale& scale, const Results& results, const Setup& setup, std::size_t chips) {
  Crossed crossed;
  for (std::size_t chip = 0; chip < chips; ++chip) {
    std::vector<double>& counts = crossed.counts.emplace_back();
    crossed.weights.clear();
    for (const auto& result : results.at(rnnt_run(scale, setup, chip)).json.at("results")) {
      const rnnt::WordErrors errors =
          rnnt::word_errors(result.at("reference").get<std::string>(), result.at("hypothesis").get<std::string>());
      counts.push_back(static_cast<double>(errors.errors()));
      crossed.weights.push_back(static_cast<double>(errors.words));
    }
  }
  return crossed;
}

Row rate_row(const std::string& quantity, const Crossed& crossed, const std::string& items) {
  Row row;
  row.quantity = quantity;
  row.unit = "%";
  row.platform = crossed.percent();
  row.interval = bootstrap_percent(crossed);
  row.samples = total(crossed.weights);
  row.sampled = crossed.chips() > 1 ? fmt::format("{} x {} chips", items, crossed.chips()) : items;
  return row;
}

}  // namespace chronotile::cli::reproduce
