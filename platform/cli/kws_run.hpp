#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/cli/run_summary.hpp"
#include "platform/config/platform_config.hpp"
#include "platform/host/feed_forward_session.hpp"
#include "platform/mapping/network.hpp"
#include "platform/mapping/plan.hpp"
#include "workloads/kws/model.hpp"

/// Keyword spotting on one chip: from recordings to classes. What `run kws`, `map kws` and `bench` share.
namespace chronotile::cli {

/// The network of a keyword model as the mapper takes it.
[[nodiscard]] mapping::Network kws_network(const kws::Model& model);

/// Where the shipped model is: beside the sources it was built from, or installed.
[[nodiscard]] std::filesystem::path default_kws_weights();

struct KwsItem {
  std::filesystem::path file;
  std::string reference;  ///< "" if not known
};

/// Recordings as pad inputs.
struct KwsInputs {
  std::vector<std::vector<double>> inputs;
  double audio_s = 0;
};

/// Reads and analyses the recordings; `done` is called with the number finished.
[[nodiscard]] KwsInputs read_kws_inputs(const kws::Model& model, const std::vector<KwsItem>& items,
                                        const std::function<void(std::size_t)>& done);

/// Everything a run gave; its JSON is what `run --json` prints.
struct KwsReport {
  std::string preset;
  std::uint64_t seed = 0;
  host::SessionOptions options;
  std::vector<KwsItem> items;
  std::vector<host::StepResult> results;
  std::vector<std::string> classes;
  double audio_s = 0;
  double wall_s = 0;  ///< of the simulation
  double simulated_ns = 0;
  host::CalibrationSummary calibration;
  std::uint64_t violations = 0;
  std::map<std::string, std::uint64_t> violations_by_kind;
  std::map<std::string, double> energy_nJ;  ///< by account, sum of all results
  double chip_energy_per_step_nJ = 0;       ///< without the host, one lane
  EnergySplit energy;                       ///< of all results
  std::uint64_t steps = 0;
  std::uint32_t slots_per_step = 0;
  std::size_t tiles_used = 0;
  double operations_per_step = 0;  ///< two per weight
  double slot_ns = 0;

  [[nodiscard]] const std::string& hypothesis(std::size_t item) const;
  /// Recordings whose class is known.
  [[nodiscard]] std::size_t references() const;
  /// Share of them that were recognised, in percent; there must be one.
  [[nodiscard]] double accuracy_percent() const;
  [[nodiscard]] double tops() const;
  [[nodiscard]] double tops_per_watt() const;
  [[nodiscard]] nlohmann::ordered_json json() const;
  /// The table of files and the summary, as the demonstration shows it.
  [[nodiscard]] std::string text() const;
};

}  // namespace chronotile::cli
