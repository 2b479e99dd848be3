#include <fmt/format.h>

#include "platform/cli/reproduce/experiment.hpp"

// Power and speed of the full-size network on five chips, and of keyword spotting.
namespace chronotile::cli::reproduce {
namespace {

const Setup kPlain{"as published", "published", {}};
const Setup kExpanded{"weight expansion", "published", {"rnnt.weight_expansion=true"}};
const Setup kHalved{"halved integration", "published", {"mapping.integration_share=0.5"}};
const Setup kKws{"with AB", "published", {"mapping.weight_mode=ab"}};

/// Which values the energy parameters were fitted to.
constexpr std::size_t kFittedChip = 4;  // from 1: chip 4, 12.40 TOPS/W

std::size_t utterances(const Scale& scale) { return scale.pick(3, 64); }

constexpr const char* kSource = "Nature 620, 768";

/// Of a run of the network of full size.
struct Power {
  explicit Power(const nlohmann::ordered_json& json) {
    for (const auto& chip : json.at("chips")) {
      chips.push_back(chip.at("tops_per_watt"));
    }
    const auto count = static_cast<double>(json.at("results").size());
    const double operations = json.at("analog_operations").get<double>() + json.at("digital_operations").get<double>();
    constexpr double kTera = 1e-12;
    constexpr double kNano = 1e-9;
    samples_per_s_per_W = 1 / (json.at("mean_energy_nj").get<double>() * kNano);
    W = json.at("mean_energy_nj").get<double>() / json.at("mean_latency_ns").get<double>();
    tops_per_watt = operations / count * samples_per_s_per_W * kTera;
    latency_us = json.at("mean_latency_ns").get<double>() * 1e-3;
    real_time_factor = json.at("real_time_factor");
    analog_per_digital = json.at("analog_operations").get<double>() / json.at("digital_operations").get<double>();
    utterances = json.at("results").size();
  }
  std::vector<double> chips;
  double tops_per_watt = 0;
  double W = 0;
  double samples_per_s_per_W = 0;
  double latency_us = 0;
  double real_time_factor = 0;
  double analog_per_digital = 0;
  std::uint64_t utterances = 0;
};

}  // namespace

std::vector<Run> power_runs(const Scale& scale) {
  const std::size_t count = utterances(scale);
  return {full_size_run(scale, kPlain, count), full_size_run(scale, kExpanded, count),
          full_size_run(scale, kHalved, count), kws_run(scale, kKws, 0)};
}

Section power_result(const Scale& scale, const Results& results) {
  constexpr double kBestChip = 12.40;
  constexpr double kBestChipHalved = 15.4;
  constexpr double kSystem = 6.94;
  constexpr double kSystemExpanded = 6.704;
  constexpr double kPowerExpanded_W = 3.57;
  constexpr double kSamplesExpanded = 546.6;
  constexpr double kLatency_us = 500;
  constexpr double kRealTimeFactor = 8e-5;
  constexpr double kAnalogPerDigital = 325;
  constexpr double kAnalogPerDigitalExpanded = 88;
  const auto take = [&](const Setup& setup) {
    return Power(results.at(full_size_run(scale, setup, utterances(scale))).json);
  };
  const Power plain = take(kPlain);
  const Power expanded = take(kExpanded);
  const Power halved = take(kHalved);

  Section section;
  section.text.push_back(
      "The network of full size with random weights and features, utterances as long as in Librispeech dev-clean; each "
      "is charged what one copy of the board uses for it. Chips without the host, systems with it. The parameters are "
      "fitted to 20.0 TOPS/W of a tile and 12.40 TOPS/W of chip 4; all other values are predictions (docs/energy.md "
      "says "
      "what they depend on, and why the system falls short).");
  const auto add = [&](const std::string& quantity, const char* unit, std::optional<double> published, double platform,
                       const std::string& remark) -> Row& {
    Row row;
    row.quantity = quantity;
    row.unit = unit;
    row.published = published;
    row.source = published ? kSource : "";
    row.platform = platform;
    row.samples = plain.utterances;
    row.sampled = "utterances";
    row.remark = remark;
    section.rows.push_back(row);
    return section.rows.back();
  };
  constexpr const char* kRandom = "random inputs and weights: energy depends on their size";
  Plot plot{"power_chips",
            "Energy efficiency of the chips",
            "chip",
            "TOPS/W",
            false,
            {},
            {{false, kBestChip, "published, chip 4"}}};
  plot.x_names = {"1", "2", "3", "4", "5"};
  for (const auto& [power, name] :
       {std::pair{&plain, kPlain.name}, {&expanded, kExpanded.name}, {&halved, kHalved.name}}) {
    Series series{name, Series::Style::kPoints, {}, {}, {}};
    for (std::size_t chip = 0; chip < power->chips.size(); ++chip) {
      series.x.push_back(static_cast<double>(chip));
      series.y.push_back(power->chips[chip]);
    }
    plot.series.push_back(std::move(series));
  }
  for (std::size_t chip = 1; chip <= plain.chips.size(); ++chip) {
    const bool best = chip == kFittedChip;
    Row& row = add(fmt::format("chip {}, sustained", chip), "TOPS/W", best ? std::optional(kBestChip) : std::nullopt,
                   plain.chips[chip - 1], kRandom);
    row.origin = best ? Origin::kFitted : Origin::kPredicted;
  }
  add("chip 4, halved integration", "TOPS/W", kBestChipHalved, halved.chips.at(kFittedChip - 1), kRandom);
  add("gain of chip 4 by halved integration", "%", 100 * (kBestChipHalved / kBestChip - 1),
      100 * (halved.chips.at(kFittedChip - 1) / plain.chips.at(kFittedChip - 1) - 1), "")
      .source += ", ratio";
  add("system", "TOPS/W", kSystem, plain.tops_per_watt,
      "the chips alone use more than the published figure allows, see docs/energy.md");
  add("system, weight expansion", "TOPS/W", kSystemExpanded, expanded.tops_per_watt,
      "operations of M x not counted as analog");
  add("power of the system, weight expansion", "W", kPowerExpanded_W, expanded.W, "one utterance at a time");
  add("system, weight expansion", "samples/s/W", kSamplesExpanded, expanded.samples_per_s_per_W,
      "the first utterances of dev-clean, not all");
  add("latency of an utterance", "us", kLatency_us, plain.latency_us, "the first utterances of dev-clean, not all")
      .relation = "about";
  add("real-time factor", "1e-5", kRealTimeFactor * 1e5, plain.real_time_factor * 1e5, "").relation = "about";
  add("analog operations for a digital one", "", kAnalogPerDigital, plain.analog_per_digital,
      "what counts as a digital operation is assumed");
  add("the same, weight expansion", "", kAnalogPerDigitalExpanded, expanded.analog_per_digital, "");
  Row& kws = add("keyword spotting, while a step runs", "TOPS/W", std::nullopt,
                 results.at(kws_run(scale, kKws, 0)).json.at("chips").at(0).at("tops_per_watt").get<double>(),
                 "four tiles of a chip whose leakage counts in full");
  kws.samples = results.at(kws_run(scale, kKws, 0)).json.at("results").size();
  kws.sampled = "recordings";
  section.plots.push_back(std::move(plot));
  return section;
}

}  // namespace chronotile::cli::reproduce
