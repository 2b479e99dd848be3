#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "platform/cli/reproduce/intervals.hpp"
#include "platform/cli/reproduce/runs.hpp"
#include "platform/cli/reproduce/section.hpp"

/// What the experiments have in common. Each stands in a file of its own, with its set-ups (preset and keys) at the
/// top.
namespace chronotile::cli::reproduce {

/// How much is to be done.
struct Scale {
  bool quick = false;
  std::uint64_t seed = 1;  ///< the k-th chip has seed + k
  std::size_t lanes = 16;

  /// Number of chips, recordings, ...
  [[nodiscard]] std::size_t pick(std::size_t few, std::size_t many) const { return quick ? few : many; }
};

/// How the platform is configured in a part of an experiment.
struct Setup {
  std::string name;  ///< for tables, legends and messages
  std::string preset;
  std::vector<std::string> keys;  ///< KEY=VALUE, as --set takes them
};

/// `setup` with more keys.
[[nodiscard]] Setup with(Setup setup, const std::string& name, const std::vector<std::string>& keys);

struct Experiment {
  std::string name;  ///< as on the command line
  std::string title;
  /// The simulations that it needs: runs that several experiments need are made once.
  std::vector<Run> (*runs)(const Scale& scale);
  /// The result, when they are there. Section::name, title, runs and wall_s are filled in by the caller.
  Section (*evaluate)(const Scale& scale, const Results& results);
  /// Simulates in this process instead (one elaboration: once in a process); null: only its runs do.
  Section (*here)(const Scale& scale);
};

/// In the order in which they are reported.
[[nodiscard]] const std::vector<Experiment>& experiments();

[[nodiscard]] std::vector<Run> transport_runs(const Scale& scale);
[[nodiscard]] Section transport_result(const Scale& scale, const Results& results);
/// In this process.
[[nodiscard]] Section simulate_transport(const Scale& scale);
[[nodiscard]] std::vector<Run> kws_runs(const Scale& scale);
[[nodiscard]] Section kws_result(const Scale& scale, const Results& results);
[[nodiscard]] std::vector<Run> ab_runs(const Scale& scale);
[[nodiscard]] Section ab_result(const Scale& scale, const Results& results);
[[nodiscard]] std::vector<Run> rnnt_runs(const Scale& scale);
[[nodiscard]] Section rnnt_result(const Scale& scale, const Results& results);
[[nodiscard]] std::vector<Run> drift_runs(const Scale& scale);
[[nodiscard]] Section drift_result(const Scale& scale, const Results& results);
[[nodiscard]] std::vector<Run> sensitivity_runs(const Scale& scale);
[[nodiscard]] Section sensitivity_result(const Scale& scale, const Results& results);
[[nodiscard]] std::vector<Run> power_runs(const Scale& scale);
[[nodiscard]] Section power_result(const Scale& scale, const Results& results);

/// `reproduce NAME` itself, in a process of its own.
[[nodiscard]] Run run_here(const std::string& experiment, const Scale& scale);

/// The shipped recordings through one chip, or through a board of five: those with the number `chip` (from 0).
[[nodiscard]] Run kws_run(const Scale& scale, const Setup& setup, std::size_t chip);
[[nodiscard]] Run rnnt_run(const Scale& scale, const Setup& setup, std::size_t chip);
/// The network of full size with random weights and inputs, the lengths of the first `utterances` of Librispeech
/// dev-clean.
[[nodiscard]] Run full_size_run(const Scale& scale, const Setup& setup, std::size_t utterances);

/// A run for each of `chips` chips.
template <typename MakeRun>
void add_chips(std::vector<Run>& runs, const Scale& scale, const Setup& setup, std::size_t chips,
               const MakeRun& make_run) {
  for (std::size_t chip = 0; chip < chips; ++chip) {
    runs.push_back(make_run(scale, setup, chip));
  }
}

/// Of the runs of `chips` chips: recordings that were recognised, word errors, by chip and recording.
[[nodiscard]] Crossed recognised(const Scale& scale, const Results& results, const Setup& setup, std::size_t chips);
[[nodiscard]] Crossed word_errors(const Scale& scale, const Results& results, const Setup& setup, std::size_t chips);

/// A rate of `crossed` as the platform's part of a row: value, interval, samples.
[[nodiscard]] Row rate_row(const std::string& quantity, const Crossed& crossed, const std::string& items);

}  // namespace chronotile::cli::reproduce
