#include "platform/cli/kws_run.hpp"

#include <fmt/format.h>
#include <algorithm>

#include "platform/cli/terminal.hpp"
#include "workloads/audio/audio.hpp"
#include "workloads/kws/scoring.hpp"

namespace chronotile::cli {

mapping::Network kws_network(const kws::Model& model) {
  mapping::Network network;
  network.name = "kws";
  for (std::size_t index = 0; index < model.layers.size(); ++index) {
    const kws::Layer& layer = model.layers[index];
    using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::Map<const RowMajor> weights(layer.weights.data(), static_cast<Eigen::Index>(layer.outputs),
                                             static_cast<Eigen::Index>(layer.inputs));
    network.layers.push_back({fmt::format("fc{}", index), weights.cast<double>()});
  }
  return network;
}

std::filesystem::path default_kws_weights() {
  const std::filesystem::path source = CHRONOTILE_SOURCE_DATA;
  const std::filesystem::path file = source / "workloads/kws/weights/kws.safetensors";
  return std::filesystem::exists(file) ? file : std::filesystem::path(CHRONOTILE_INSTALLED_DATA) / "kws.safetensors";
}

KwsInputs read_kws_inputs(const kws::Model& model, const std::vector<KwsItem>& items,
                          const std::function<void(std::size_t)>& done) {
  KwsInputs result;
  for (const KwsItem& item : items) {
    const std::vector<float> samples = audio::read_mono_16k(item.file);
    result.audio_s += static_cast<double>(samples.size()) / audio::kSampleRate_hz;
    result.inputs.push_back(model.inputs(samples));
    done(result.inputs.size());
  }
  return result;
}

const std::string& KwsReport::hypothesis(std::size_t item) const {
  return classes[kws::arg_max(results[item].outputs)];
}

std::size_t KwsReport::references() const {
  return static_cast<std::size_t>(
      std::count_if(items.begin(), items.end(), [](const KwsItem& item) { return !item.reference.empty(); }));
}

double KwsReport::accuracy_percent() const {
  std::size_t right = 0;
  for (std::size_t item = 0; item < items.size(); ++item) {
    right += items[item].reference == hypothesis(item) ? 1U : 0U;
  }
  return 100.0 * static_cast<double>(right) / static_cast<double>(references());
}

double KwsReport::tops() const { return operations_per_step / (slots_per_step * slot_ns) * 1e-3; }

double KwsReport::tops_per_watt() const { return operations_per_step / chip_energy_per_step_nJ * 1e-3; }

nlohmann::ordered_json KwsReport::json() const {
  nlohmann::ordered_json out;
  out["workload"] = "kws";
  out["preset"] = preset;
  out["seed"] = seed;
  out["lanes"] = options.lanes;
  out["threads"] = options.threads;
  auto& list = out["results"] = nlohmann::ordered_json::array();
  for (std::size_t item = 0; item < items.size(); ++item) {
    nlohmann::ordered_json entry;
    entry["file"] = items[item].file.string();
    entry["hypothesis"] = hypothesis(item);
    entry["reference"] =
        items[item].reference.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(items[item].reference);
    auto& scores = entry["scores"] = nlohmann::ordered_json::object();
    for (std::size_t index = 0; index < classes.size(); ++index) {
      scores[classes[index]] = results[item].outputs[index];
    }
    entry["latency_ns"] = results[item].latency_ns;
    entry["energy_nj"] = results[item].energy_nJ;
    list.push_back(std::move(entry));
  }
  out["accuracy_percent"] = references() > 0 ? nlohmann::ordered_json(accuracy_percent()) : nlohmann::ordered_json();
  out["simulated_ns"] = simulated_ns;
  out["wall_s"] = wall_s;
  out["audio_s"] = audio_s;
  out["violations"] = violations;
  out["violations_by_kind"] = violations_by_kind;
  add_calibration(out, calibration);
  out["energy_nj"] = energy_nJ;
  out["chips"] = nlohmann::ordered_json::array({{{"index", 0},
                                                 {"tiles_used", tiles_used},
                                                 {"steps", steps},
                                                 {"slots_per_step", slots_per_step},
                                                 {"tops", tops()},
                                                 {"tops_per_watt", tops_per_watt()},
                                                 {"watts", chip_energy_per_step_nJ / (slots_per_step * slot_ns)},
                                                 {"energy_nj", energy.accounts},
                                                 {"domain_energy_nj", energy.domains},
                                                 {"place_energy_nj", energy.places}}});
  return out;
}

std::string KwsReport::text() const {
  Table table({{"file"},
               {"said"},
               {"heard"},
               {"score", Align::kRight},
               {"latency ns", Align::kRight},
               {"energy nJ", Align::kRight}});
  for (std::size_t item = 0; item < items.size(); ++item) {
    const auto& outputs = results[item].outputs;
    table.add({items[item].file.filename().string(), items[item].reference, hypothesis(item),
               fmt::format("{:.3f}", *std::max_element(outputs.begin(), outputs.end())),
               fmt::format("{:.1f}", results[item].latency_ns), fmt::format("{:.1f}", results[item].energy_nJ)});
  }
  std::string out = table.text();
  out += '\n';
  if (references() > 0) {
    out +=
        fmt::format("accuracy        {:.2f} % of {} recordings (synthetic voices; says nothing about human speech)\n",
                    accuracy_percent(), references());
  }
  out += fmt::format("preset          {}, seed {}\n", preset, seed);
  out += fmt::format("schedule        {} slots = {:.1f} us a step, {} steps, {} violations\n", slots_per_step,
                     slots_per_step * slot_ns * 1e-3, steps, violations);
  out += fmt::format(
      "chip            {} tiles, {:.3f} TOPS, {:.2f} TOPS/W while a step runs (a prediction: docs/energy.md)\n",
      tiles_used, tops(), tops_per_watt());
  out += fmt::format("simulated time  {:.3f} us\n", simulated_ns * 1e-3);
  out += calibration_text(calibration);
  out += fmt::format("wall time       {:.3f} s for {:.1f} s of audio, lanes {}, threads {}\n", wall_s, audio_s,
                     options.lanes, options.threads);
  return out;
}

}  // namespace chronotile::cli
