#include <fmt/format.h>
#include <algorithm>

#include "platform/cli/reproduce/experiment.hpp"

// Each layer of the RNN-T alone with coarse or noisy weights; all else in floating point.
namespace chronotile::cli::reproduce {
namespace {

// Column sums in single precision are four times as fast and change no word here.
const Setup kFloat{"float", "ideal", {"tile.array.double_precision=false"}};
const Setup kExpanded = with(kFloat, "weight expansion", {"rnnt.weight_expansion=true"});

struct Layer {
  const char* key;
  const char* name;
};
constexpr std::array<Layer, 8> kLayers{{{"enc_lstm0", "Enc-LSTM0"},
                                        {"enc_lstm1", "Enc-LSTM1"},
                                        {"enc_lstm2", "Enc-LSTM2"},
                                        {"enc_lstm3", "Enc-LSTM3"},
                                        {"enc_lstm4", "Enc-LSTM4"},
                                        {"dec_lstm0", "Emb and Dec-LSTM0"},
                                        {"dec_lstm1", "Dec-LSTM1"},
                                        {"joint", "joint, first layer"}}};
constexpr double kPublishedBits = 3.5;

std::vector<double> bits(const Scale& scale) {
  return scale.quick ? std::vector<double>{1.5, 2, kPublishedBits}
                     : std::vector<double>{1.5, 2, 2.5, 3, kPublishedBits, 4, 5, 6};
}
std::vector<double> sigmas(const Scale& scale) {
  return scale.quick ? std::vector<double>{0.2} : std::vector<double>{0.05, 0.1, 0.2, 0.3};
}
/// Draws of the noise.
std::size_t draws(const Scale& scale) { return scale.pick(2, 6); }

Setup coarse(const Setup& setup, const Layer& layer, double count) {
  return with(setup, fmt::format("{}, {} of {:g} bit", setup.name, layer.name, count),
              {fmt::format("rnnt.{}.weight_bits={:g}", layer.key, count)});
}
Setup noisy(const Layer& layer, double sigma) {
  return with(kFloat, fmt::format("{} with noise of {:g}", layer.name, sigma),
              {fmt::format("rnnt.{}.weight_noise_sigma={:g}", layer.key, sigma)});
}

}  // namespace

std::vector<Run> sensitivity_runs(const Scale& scale) {
  std::vector<Run> runs{rnnt_run(scale, kFloat, 0), rnnt_run(scale, coarse(kExpanded, kLayers[0], kPublishedBits), 0)};
  for (const Layer& layer : kLayers) {
    for (const double count : bits(scale)) {
      runs.push_back(rnnt_run(scale, coarse(kFloat, layer, count), 0));
    }
    for (const double sigma : sigmas(scale)) {
      add_chips(runs, scale, noisy(layer, sigma), draws(scale), rnnt_run);
    }
  }
  return runs;
}

Section sensitivity_result(const Scale& scale, const Results& results) {
  constexpr double kPublishedCoarse = 42;
  constexpr double kPublishedExpanded = 7.9;
  constexpr double kPublishedFloat = 7.452;
  constexpr const char* kSource = "Nature 620, 768";
  constexpr const char* kSmall =
      "small network, trained with noisy and clipped weights on synthetic voices: it bears more than MLPerf's";
  const Crossed exact = word_errors(scale, results, kFloat, 1);
  Section section;
  section.text.push_back(
      "One layer at a time: its weights, as they stand on tiles, rounded to 2^b even levels between plus and minus the "
      "largest (3.5 bit: 11 levels), or given normal noise of a share of the largest; all else in floating point.");
  const std::vector<Reference> references{{false, exact.percent(), "float"}};
  Plot by_bits{
      "sensitivity_bits", "One layer quantised, all others in float", "bits of its weights", "WER in %", false, {},
      references};
  Plot by_noise{"sensitivity_noise",
                "One layer with weight noise, all others in float",
                "standard deviation of the noise in % of its largest weight",
                "WER in %",
                false,
                {},
                references};
  struct Loss {
    const Layer* layer;
    double percent;
  };
  std::vector<Loss> by_layer;
  std::vector<Loss> by_layer_noisy;
  std::vector<Row> rows;
  for (const Layer& layer : kLayers) {
    Series series{layer.name, Series::Style::kLine, {}, {}, {}};
    for (const double count : bits(scale)) {
      const Crossed crossed = word_errors(scale, results, coarse(kFloat, layer, count), 1);
      series.x.push_back(count);
      series.y.push_back(crossed.percent());
      if (count == kPublishedBits) {
        Row row = rate_row(fmt::format("WER, {} of {:g} bit", layer.name, count), crossed, "words");
        if (&layer == kLayers.data()) {
          row.published = kPublishedCoarse;
          row.source = kSource;
          row.remark = kSmall;
        }
        rows.push_back(row);
      }
    }
    by_layer.push_back({&layer, mean(series.y)});
    by_bits.series.push_back(std::move(series));
    Series noise{layer.name, Series::Style::kLine, {0}, {exact.percent()}, {}};
    for (const double sigma : sigmas(scale)) {
      const Crossed crossed = word_errors(scale, results, noisy(layer, sigma), draws(scale));
      noise.x.push_back(100 * sigma);
      noise.y.push_back(crossed.percent());
    }
    by_layer_noisy.push_back({&layer, mean(noise.y)});
    by_noise.series.push_back(std::move(noise));
  }
  const auto worst = [](const std::vector<Loss>& losses) {
    return *std::max_element(losses.begin(), losses.end(),
                             [](const Loss& a, const Loss& b) { return a.percent < b.percent; });
  };
  Row row = rate_row("WER, float", exact, "words");
  row.published = kPublishedFloat;
  row.source = kSource;
  row.origin = Origin::kInput;
  section.rows.push_back(row);
  section.rows.insert(section.rows.end(), rows.begin(), rows.end());
  row = rate_row(fmt::format("WER, {} of {:g} bit, weight expansion", kLayers[0].name, kPublishedBits),
                 word_errors(scale, results, coarse(kExpanded, kLayers[0], kPublishedBits), 1), "words");
  row.published = kPublishedExpanded;
  row.source = kSource;
  row.remark = kSmall;
  section.rows.push_back(row);
  const auto most_sensitive = [&](const std::string& what, const std::vector<Loss>& losses) {
    Row most;
    most.quantity = "WER with the most sensitive layer, mean over " + what;
    most.unit = "%";
    most.source = std::string(kSource) + ": Enc-LSTM0 is the most sensitive layer";
    most.platform = worst(losses).percent;
    most.remark = fmt::format("here it is {}", worst(losses).layer->name);
    section.rows.push_back(most);
  };
  most_sensitive(fmt::format("{:g} to {:g} bit", bits(scale).front(), bits(scale).back()), by_layer);
  most_sensitive(fmt::format("noise up to {:g} %", 100 * sigmas(scale).back()), by_layer_noisy);
  section.plots.push_back(std::move(by_bits));
  section.plots.push_back(std::move(by_noise));
  return section;
}

}  // namespace chronotile::cli::reproduce
