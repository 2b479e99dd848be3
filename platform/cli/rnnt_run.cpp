#include "platform/cli/rnnt_run.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <memory>

#include "common/user_error.hpp"
#include "platform/mapping/matrices.hpp"
#include "platform/mapping/rnnt.hpp"
#include "workloads/audio/audio.hpp"
#include "workloads/rnnt/features.hpp"

namespace chronotile::cli {
namespace {

constexpr std::string_view kRandom = "random:";

std::filesystem::path shipped(const char* in_source, const char* installed) {
  const std::filesystem::path file = std::filesystem::path(CHRONOTILE_SOURCE_DATA) / in_source;
  return std::filesystem::exists(file) ? file : std::filesystem::path(CHRONOTILE_INSTALLED_DATA) / installed;
}

std::uint64_t random_seed(const std::string& weights) {
  const std::string_view digits = std::string_view(weights).substr(kRandom.size());
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seed);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    throw UserError("--weights " + weights, "the seed is no whole number", "Write random:SEED, for example random:1");
  }
  return seed;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

std::uint32_t narrow(std::size_t size) { return static_cast<std::uint32_t>(size); }

/// The network as the mapper takes it; borrows its weights.
mapping::MatrixNetwork matrices_of(const rnnt::Network& network, config::PlatformConfig config) {
  config.rnnt.input_full_scale = network.input_full_scale;
  mapping::RnntShape shape;
  shape.features = narrow(network.sizes.inputs);
  shape.inputs = narrow(network.encoder_inputs());
  shape.encoder = narrow(network.sizes.encoder);
  shape.prediction = narrow(network.sizes.prediction);
  shape.joint = narrow(network.sizes.joint);
  const auto full_scale = [&network](const std::string& matrix) {
    const auto measured = network.output_full_scale.find(matrix);
    return measured == network.output_full_scale.end() ? 0.0 : measured->second;
  };
  const auto accessors = [&](const rnnt::LstmLayer& layer, const std::string& matrix) {
    return mapping::RnntWeights::Lstm{[&layer](std::uint32_t output, std::uint32_t input) {
                                        return double{layer.input_weights[output * layer.inputs + input]};
                                      },
                                      [&layer](std::uint32_t output, std::uint32_t input) {
                                        return double{layer.recurrent_weights[output * layer.units + input]};
                                      },
                                      full_scale(matrix)};
  };
  mapping::RnntWeights weights;
  for (std::size_t layer = 0; layer < network.encoder.size(); ++layer) {
    weights.encoder[layer] = accessors(network.encoder[layer], fmt::format("enc_lstm{}", layer));
  }
  for (std::size_t layer = 0; layer < network.prediction.size(); ++layer) {
    weights.prediction[layer] = accessors(network.prediction[layer], fmt::format("dec_lstm{}", layer));
  }
  const auto merged = std::make_shared<std::vector<double>>(network.merged_decoder_input());
  weights.prediction[0].input = [merged, gates = network.prediction[0].gates()](std::uint32_t output,
                                                                                std::uint32_t symbol) {
    return (*merged)[symbol * gates + output];
  };
  weights.joint = [&network](std::uint32_t output, std::uint32_t input) {
    return double{network.joint_first.weight(output, input)};
  };
  weights.joint_full_scale = full_scale("joint");
  return mapping::rnnt_network(shape, weights, config);
}

}  // namespace

bool is_random(const std::string& weights) { return weights.compare(0, kRandom.size(), kRandom) == 0; }

std::filesystem::path shipped_rnnt_weights() {
  return shipped("workloads/rnnt/weights/rnnt_small.safetensors", "rnnt_small.safetensors");
}

std::filesystem::path shipped_utterance_lengths() {
  return shipped("workloads/rnnt/data/dev-clean-lengths.tsv", "dev-clean-lengths.tsv");
}

rnnt::Network load_rnnt_network(const std::string& weights, const config::PlatformConfig& config) {
  rnnt::Network network = is_random(weights) ? rnnt::Network::random(random_seed(weights))
                                             : rnnt::Network::load(weights.empty() ? shipped_rnnt_weights()
                                                                                   : std::filesystem::path(weights));
  if (network.metadata.count("input_full_scale") == 0) {
    network.input_full_scale = config.rnnt.input_full_scale;
  }
  return config.rnnt.weight_expansion ? rnnt::expand(network, config.rnnt.expanded_inputs) : network;
}

mapping::Plan map_rnnt(const rnnt::Network& network, std::uint32_t chips, const config::PlatformConfig& config) {
  const mapping::MatrixNetwork matrices = matrices_of(network, config);
  std::uint32_t needed = 0;
  for (const mapping::Matrix& matrix : matrices.matrices) {
    needed = std::max(needed, matrix.chip + 1);
  }
  return mapping::map_matrices(matrices, chips == 0 ? needed : chips, config);
}

std::vector<RnntItem> items_of_lengths(const std::filesystem::path& file, std::size_t most) {
  std::ifstream in(file);
  if (!in) {
    throw UserError(file.string(), "cannot be read", "Give a table with seconds<TAB>symbols a line");
  }
  std::vector<RnntItem> items;
  int number = 0;
  for (std::string line; items.size() < most && std::getline(in, line);) {
    ++number;
    if (line.empty() || line.front() == '#') {
      continue;
    }
    RnntItem item;
    std::size_t symbols = 0;
    const char* const end = line.data() + line.size();
    const auto seconds = std::from_chars(line.data(), end, item.audio_s);
    const bool tab = seconds.ec == std::errc() && seconds.ptr != end && *seconds.ptr == '\t';
    if (!tab || std::from_chars(seconds.ptr + 1, end, symbols).ec != std::errc() || !(item.audio_s > 0)) {
      throw UserError(fmt::format("{}:{}", file.string(), number), "is not SECONDS<TAB>SYMBOLS: '" + line + "'",
                      "Write a length in seconds, a tab and the number of symbols");
    }
    item.symbols = symbols;
    items.push_back(item);
  }
  if (items.empty()) {
    throw UserError(file.string(), "lists no utterance", "Write seconds<TAB>symbols a line");
  }
  return items;
}

void longest_first(const std::vector<RnntItem>& items, std::vector<std::size_t>& order) {
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return items[a].audio_s > items[b].audio_s; });
}

std::unique_ptr<rnnt::Transcriber> make_transcriber(const rnnt::Network& network, const host::MatrixPorts& ports,
                                                    const RnntItem& item, std::size_t number,
                                                    rnnt::TranscriberOptions options) {
  options.symbols = item.symbols;
  std::vector<double> features;
  if (item.file.empty()) {
    const auto samples = static_cast<std::size_t>(std::llround(item.audio_s * audio::kSampleRate_hz));
    features = rnnt::random_features(number, rnnt::frame_count(samples), network.sizes.inputs);
  } else {
    features = rnnt::features(audio::read_mono_16k(item.file), item.file.string());
  }
  return std::make_unique<rnnt::Transcriber>(network, ports, std::move(features), options);
}

rnnt::TranscriberOptions transcriber_options(const host::BoardSession& session, const host::MatrixPorts& ports,
                                             const config::PlatformConfig& config) {
  rnnt::TranscriberOptions options;
  options.decoder_step_ns = session.cadence_ns(ports.at("joint").chip);
  options.evaluations_per_step = config.host.joint_evaluations_per_step;
  return options;
}

RnntResult result_of(const rnnt::Network& network, const rnnt::Transcriber& transcriber, const host::ItemResult& item) {
  RnntResult result;
  result.hypothesis = transcriber.transcript();
  result.latency_ns = item.latency_ns;
  result.energy_nJ = item.energy_nJ;
  result.frames = transcriber.frames();
  result.symbols = transcriber.transcript().size();
  result.joint_evaluations = transcriber.joint_evaluations();
  const auto weights = [](const rnnt::LstmLayer& layer) {
    return static_cast<std::uint64_t>(layer.gates() * (layer.inputs + layer.units));
  };
  // Without weight expansion, whose multiplications replace these.
  std::uint64_t macs = result.frames * 4 * network.sizes.encoder * (network.sizes.inputs + network.sizes.encoder) +
                       result.frames * weights(network.encoder[1]);
  for (std::size_t layer = 2; layer < network.encoder.size(); ++layer) {
    macs += rnnt::stacked_frames(result.frames) * weights(network.encoder[layer]);
  }
  const std::uint64_t decoder =
      network.embedding.size() + weights(network.prediction[0]) + weights(network.prediction[1]);
  macs += (result.symbols + 1) * decoder + result.joint_evaluations * network.joint_first.weights.size();
  result.analog_operations = 2 * macs;
  result.digital_operations = transcriber.digital_operations() + item.conversions;
  return result;
}

nlohmann::ordered_json RnntResult::json(const RnntItem& item) const {
  nlohmann::ordered_json out;
  out["file"] = item.file.string();
  out["hypothesis"] = hypothesis;
  out["reference"] = item.has_reference ? nlohmann::ordered_json(item.reference) : nlohmann::ordered_json();
  out["latency_ns"] = latency_ns;
  out["energy_nj"] = energy_nJ;
  out["audio_s"] = item.audio_s;
  out["frames"] = frames;
  out["symbols"] = symbols;
  out["joint_evaluations"] = joint_evaluations;
  out["analog_operations"] = analog_operations;
  out["digital_operations"] = digital_operations;
  return out;
}

RnntResult RnntResult::parse(const nlohmann::ordered_json& json) {
  RnntResult result;
  result.hypothesis = json.at("hypothesis");
  result.latency_ns = json.at("latency_ns");
  result.energy_nJ = json.at("energy_nj");
  result.frames = json.at("frames");
  result.symbols = json.at("symbols");
  result.joint_evaluations = json.at("joint_evaluations");
  result.analog_operations = json.at("analog_operations");
  result.digital_operations = json.at("digital_operations");
  return result;
}

rnnt::WordErrors RnntReport::errors() const {
  rnnt::WordErrors sum;
  for (std::size_t item = 0; item < items.size(); ++item) {
    if (items[item].has_reference && results[item]) {
      sum += rnnt::word_errors(items[item].reference, results[item]->hypothesis);
    }
  }
  return sum;
}

double RnntReport::audio_s() const {
  double sum = 0;
  for (std::size_t item = 0; item < items.size(); ++item) {
    sum += results[item] ? items[item].audio_s : 0.0;
  }
  return sum;
}

namespace {

/// Means and sums over the utterances that are done.
struct Totals {
  std::size_t done = 0;
  double latency_ns = 0;  ///< mean
  double energy_nJ = 0;   ///< mean
  double real_time_factor = 0;
  double analog_operations = 0;
  double digital_operations = 0;
};

Totals totals(const RnntReport& report) {
  std::vector<double> latencies;
  std::vector<double> energies;
  Totals sum;
  for (const auto& result : report.results) {
    if (result) {
      latencies.push_back(result->latency_ns);
      energies.push_back(result->energy_nJ);
      sum.analog_operations += static_cast<double>(result->analog_operations);
      sum.digital_operations += static_cast<double>(result->digital_operations);
    }
  }
  sum.done = latencies.size();
  sum.latency_ns = mean(latencies);
  sum.energy_nJ = mean(energies);
  sum.real_time_factor = sum.done == 0 ? 0 : sum.latency_ns * static_cast<double>(sum.done) * 1e-9 / report.audio_s();
  return sum;
}

double ratio(double a, double b) { return b == 0 ? 0 : a / b; }

double tops(const RnntReport::Chip& chip, double slot_ns) {
  return chip.summary.slots_per_step == 0 ? 0
                                          : chip.operations_per_step / (chip.summary.slots_per_step * slot_ns) * 1e-3;
}

/// Mean power of a chip in its steps, one lane's worth.
double watts(const RnntReport::Chip& chip, double slot_ns) {
  const double time_ns = static_cast<double>(chip.summary.lane_steps) * chip.summary.slots_per_step * slot_ns;
  return time_ns == 0 ? 0 : chip.summary.chip_energy_nJ / time_ns;
}

double tops_per_watt(const RnntReport::Chip& chip) {
  return chip.summary.chip_energy_nJ == 0 ? 0
                                          : chip.operations_per_step * static_cast<double>(chip.summary.lane_steps) /
                                                chip.summary.chip_energy_nJ * 1e-3;
}

}  // namespace

nlohmann::ordered_json RnntReport::json() const {
  using Json = nlohmann::ordered_json;
  Json out;
  out["workload"] = "rnnt";
  out["preset"] = preset;
  out["seed"] = seed;
  out["lanes"] = options.lanes;
  out["threads"] = options.threads;
  out["order"] = options.order == host::Order::kPipeline ? "pipeline" : "chip_by_chip";
  out["interrupted"] = interrupted;
  auto& list = out["results"] = Json::array();
  for (std::size_t item = 0; item < items.size(); ++item) {
    if (results[item]) {
      list.push_back(results[item]->json(items[item]));
    }
  }
  auto& bad = out["failed"] = Json::array();
  for (const auto& [file, why] : failed) {
    bad.push_back({{"file", file}, {"error", why}});
  }
  const rnnt::WordErrors wer = errors();
  out["wer_percent"] = wer.words > 0 ? Json(wer.rate_percent()) : Json();
  out["word_errors"] = {{"words", wer.words},
                        {"substitutions", wer.substitutions},
                        {"deletions", wer.deletions},
                        {"insertions", wer.insertions}};
  const Totals sum = totals(*this);
  out["mean_latency_ns"] = sum.latency_ns;
  out["mean_energy_nj"] = sum.energy_nJ;
  out["real_time_factor"] = sum.real_time_factor;
  out["analog_operations"] = sum.analog_operations;
  out["digital_operations"] = sum.digital_operations;
  out["simulated_ns"] = simulated_ns;
  out["wall_s"] = wall_s;
  out["audio_s"] = audio_s();
  out["simulated_audio_s"] = simulated_audio_s;
  out["violations"] = violations;
  out["violations_by_kind"] = violations_by_kind;
  add_calibration(out, calibration);
  out["energy_nj"] = energy_nJ;
  const double per_item = sum.done > 0 ? 1.0 / static_cast<double>(sum.done) : 0;
  out["system"] = {{"operations_per_item", sum.analog_operations * per_item},
                   {"tops_per_watt", ratio(sum.analog_operations * per_item, sum.energy_nJ) * 1e-3},
                   {"watts", ratio(sum.energy_nJ, sum.latency_ns)},
                   {"items_per_s_per_watt", ratio(1e9, sum.energy_nJ)}};
  auto& all = out["chips"] = Json::array();
  for (std::size_t index = 0; index < chips.size(); ++index) {
    all.push_back({{"index", index},
                   {"tiles_used", chips[index].tiles_used},
                   {"steps", chips[index].summary.steps},
                   {"lane_steps", chips[index].summary.lane_steps},
                   {"slots_per_step", chips[index].summary.slots_per_step},
                   {"tops", tops(chips[index], slot_ns)},
                   {"tops_per_watt", tops_per_watt(chips[index])},
                   {"watts", watts(chips[index], slot_ns)},
                   {"energy_nj", chips[index].energy.accounts},
                   {"domain_energy_nj", chips[index].energy.domains},
                   {"place_energy_nj", chips[index].energy.places}});
  }
  return out;
}

std::string RnntReport::text() const {
  std::string out;
  for (std::size_t item = 0; item < items.size(); ++item) {
    if (!results[item]) {
      continue;
    }
    const RnntResult& result = *results[item];
    out +=
        fmt::format("{}  {:.2f} s, latency {:.2f} us, energy {:.2f} uJ\n",
                    items[item].file.empty() ? fmt::format("utterance {}", item) : items[item].file.filename().string(),
                    items[item].audio_s, result.latency_ns * 1e-3, result.energy_nJ * 1e-3);
    if (items[item].has_reference) {
      out += fmt::format("  said   {}\n", items[item].reference);
    }
    out += fmt::format("  heard  {}\n", result.hypothesis);
  }
  out += '\n';
  const rnnt::WordErrors wer = errors();
  if (wer.words > 0) {
    out += fmt::format("word error rate {:.2f} % of {} words ({} substituted, {} deleted, {} inserted)\n",
                       wer.rate_percent(), wer.words, wer.substitutions, wer.deletions, wer.insertions);
  }
  const Totals sum = totals(*this);
  out += fmt::format("preset          {}, seed {}{}\n", preset, seed,
                     interrupted ? ", interrupted: these are the results so far" : "");
  for (std::size_t index = 0; index < chips.size(); ++index) {
    const Chip& chip = chips[index];
    out +=
        fmt::format("chip {}          {} tiles, {} slots = {:.1f} us a step, {} steps, {:.2f} TOPS, {:.2f} TOPS/W\n",
                    index, chip.tiles_used, chip.summary.slots_per_step, chip.summary.slots_per_step * slot_ns * 1e-3,
                    chip.summary.steps, tops(chip, slot_ns), tops_per_watt(chip));
  }
  if (sum.done > 0) {
    out += fmt::format("latency         {:.2f} us an utterance (mean of {}), real-time factor {:.2g}\n",
                       sum.latency_ns * 1e-3, sum.done, sum.real_time_factor);
    out += fmt::format(
        "energy          {:.2f} uJ an utterance, {:.2f} TOPS/W with the host (docs/energy.md: what is fitted)\n",
        sum.energy_nJ * 1e-3, ratio(sum.analog_operations / static_cast<double>(sum.done), sum.energy_nJ) * 1e-3);
    out += fmt::format("operations      {:.0f} analog to one digital\n",
                       sum.analog_operations / std::max(1.0, sum.digital_operations));
  }
  out += fmt::format("violations      {}\n", violations);
  out += calibration_text(calibration);
  out += fmt::format("wall time       {:.2f} s for {:.1f} s of audio: {:.2f} times real time, lanes {}, threads {}\n",
                     wall_s, simulated_audio_s, wall_s > 0 ? simulated_audio_s / wall_s : 0.0, options.lanes,
                     options.threads);
  return out;
}

}  // namespace chronotile::cli
