#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "platform/cli/run_summary.hpp"
#include "platform/config/platform_config.hpp"
#include "platform/host/board_session.hpp"
#include "platform/mapping/plan.hpp"
#include "workloads/rnnt/network.hpp"
#include "workloads/rnnt/score.hpp"
#include "workloads/rnnt/transcriber.hpp"

/// The RNN-T speech network on a board of chips: from recordings to transcripts. What `run rnnt`, `map rnnt` and
/// `bench rnnt` share.
namespace chronotile::cli {

/// Weights from the command line: a safetensors file, "random:SEED" for a full-size random network, or "" for the
/// shipped small network. With `rnnt.weight_expansion` the network is expanded.
[[nodiscard]] rnnt::Network load_rnnt_network(const std::string& weights, const config::PlatformConfig& config);
[[nodiscard]] bool is_random(const std::string& weights);

/// Where the shipped files are: beside the sources the program was built from, or installed.
[[nodiscard]] std::filesystem::path shipped_rnnt_weights();
[[nodiscard]] std::filesystem::path shipped_utterance_lengths();

/// `chips`: 0 for as many as the layer-to-chip map names.
[[nodiscard]] mapping::Plan map_rnnt(const rnnt::Network& network, std::uint32_t chips,
                                     const config::PlatformConfig& config);

/// An utterance to be transcribed.
struct RnntItem {
  std::filesystem::path file;  ///< recording; empty: random features of `audio_s` seconds
  std::string reference;       ///< transcript; "" if not known
  bool has_reference = false;
  double audio_s = 0;
  std::optional<std::size_t> symbols;  ///< decisions are forced so that this many are emitted
};

/// Utterances of random features with the lengths of a table (seconds<TAB>symbols a line, '#' begins a comment), the
/// first `most` of them. Throws UserError with file and line.
[[nodiscard]] std::vector<RnntItem> items_of_lengths(const std::filesystem::path& file, std::size_t most);

/// Orders items by falling length, so that lanes stay busy to the end; results do not depend on it.
void longest_first(const std::vector<RnntItem>& items, std::vector<std::size_t>& order);

/// The stream of an item, and the same for item i of a list. Recordings must be readable.
[[nodiscard]] std::unique_ptr<rnnt::Transcriber> make_transcriber(const rnnt::Network& network,
                                                                  const host::MatrixPorts& ports, const RnntItem& item,
                                                                  std::size_t number, rnnt::TranscriberOptions options);

/// Options of the decoder for a session.
[[nodiscard]] rnnt::TranscriberOptions transcriber_options(const host::BoardSession& session,
                                                           const host::MatrixPorts& ports,
                                                           const config::PlatformConfig& config);

/// What one utterance gave.
struct RnntResult {
  std::string hypothesis;
  double latency_ns = 0;
  double energy_nJ = 0;
  std::size_t frames = 0;
  std::size_t symbols = 0;
  std::size_t joint_evaluations = 0;
  std::uint64_t analog_operations = 0;  ///< two per weight of the network and evaluation
  std::uint64_t digital_operations = 0;

  [[nodiscard]] nlohmann::ordered_json json(const RnntItem& item) const;
  /// From what json() wrote.
  [[nodiscard]] static RnntResult parse(const nlohmann::ordered_json& json);
};

[[nodiscard]] RnntResult result_of(const rnnt::Network& network, const rnnt::Transcriber& transcriber,
                                   const host::ItemResult& item);

/// Everything a run gave; its JSON is what `run --json` prints.
struct RnntReport {
  std::string preset;
  std::uint64_t seed = 0;
  host::BoardSessionOptions options;
  std::vector<RnntItem> items;
  std::vector<std::optional<RnntResult>> results;  ///< by item; nothing if it was not reached
  std::map<std::string, std::string> failed;       ///< recordings that could not be read: why
  bool interrupted = false;
  double wall_s = 0;             ///< of the simulation
  double simulated_audio_s = 0;  ///< of the items simulated in this run (not those known from a results file)
  double simulated_ns = 0;
  host::CalibrationSummary calibration;
  std::uint64_t violations = 0;
  std::map<std::string, std::uint64_t> violations_by_kind;
  std::map<std::string, double> energy_nJ;  ///< by account, all chips and lanes
  struct Chip {
    std::size_t tiles_used = 0;
    host::ChipSummary summary;
    double operations_per_step = 0;  ///< two per weight of the network
    EnergySplit energy;              ///< of lane_steps, and of the digital work on them
  };
  std::vector<Chip> chips;
  double slot_ns = 0;

  /// Word errors over the items that have a reference and a result.
  [[nodiscard]] rnnt::WordErrors errors() const;
  [[nodiscard]] double audio_s() const;  ///< of the items with a result
  [[nodiscard]] nlohmann::ordered_json json() const;
  /// The transcripts and the summary, as the demonstration shows it.
  [[nodiscard]] std::string text() const;
};

}  // namespace chronotile::cli
