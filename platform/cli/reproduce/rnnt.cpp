#include <fmt/format.h>

#include "platform/cli/reproduce/experiment.hpp"

// Word error rate of the RNN-T in floating point and on five chips, with weight expansion, with halved integration
// time.
namespace chronotile::cli::reproduce {
namespace {

const Setup kFloat{"float", "ideal", {}};
const Setup kChips{"chips", "published", {}};
const Setup kExpanded{"weight expansion", "published", {"rnnt.weight_expansion=true"}};
const Setup kHalved{"halved integration", "published", {"mapping.integration_share=0.5"}};

std::size_t chips(const Scale& scale) { return scale.pick(4, 24); }

constexpr const char* kSource = "Nature 620, 768";
constexpr const char* kVoices = "synthetic recordings and a small network instead of Librispeech";

}  // namespace

std::vector<Run> rnnt_runs(const Scale& scale) {
  std::vector<Run> runs{rnnt_run(scale, kFloat, 0)};
  for (const Setup& setup : {kChips, kExpanded, kHalved}) {
    add_chips(runs, scale, setup, chips(scale), rnnt_run);
  }
  return runs;
}

Section rnnt_result(const Scale& scale, const Results& results) {
  constexpr double kPublishedFloat = 7.452;
  constexpr double kPublishedChips = 9.475;
  constexpr double kPublishedExpanded = 9.258;
  constexpr double kPublishedHalving = 1;
  const Crossed exact = word_errors(scale, results, kFloat, 1);
  const Crossed plain = word_errors(scale, results, kChips, chips(scale));
  const Crossed expanded = word_errors(scale, results, kExpanded, chips(scale));
  const Crossed halved = word_errors(scale, results, kHalved, chips(scale));

  Section section;
  section.text.push_back(
      "The shipped recordings on boards of five chips that differ in their devices and periphery. Rates differ with "
      "the data and the network; compare what each step costs. Differences are between the same recordings and the "
      "same "
      "chips; their intervals take both as drawn at random.");
  const auto rate = [&](const char* quantity, const Crossed& crossed, double published) {
    Row row = rate_row(quantity, crossed, "words");
    row.published = published;
    row.source = kSource;
    row.remark = kVoices;
    return row;
  };
  const auto change = [&](const char* quantity, const Crossed& to, const Crossed& from, double published,
                          const char* remark) {
    Row row = rate_row(quantity, difference(to, from), "words");
    row.unit = "points";
    row.published = published;
    row.source = std::string(kSource) + ", difference";
    row.remark = remark;
    return row;
  };
  section.rows.push_back(rate("WER in software (float)", exact, kPublishedFloat));
  section.rows.back().origin = Origin::kInput;
  section.rows.push_back(rate("WER on five chips", plain, kPublishedChips));
  section.rows.push_back(
      change("chips minus float", plain, exact, kPublishedChips - kPublishedFloat,
             "the small network was trained with weight noise and 8-bit activations, MLPerf's was not"));
  section.rows.push_back(rate("WER with weight expansion", expanded, kPublishedExpanded));
  section.rows.push_back(change("weight expansion minus plain", expanded, plain, kPublishedExpanded - kPublishedChips,
                                "of Enc-LSTM0; see 'sensitivity'"));
  section.rows.push_back(rate("WER with halved integration time", halved, kPublishedChips + kPublishedHalving));
  section.rows.back().relation = "about";
  section.rows.push_back(change("halved integration minus whole", halved, plain, kPublishedHalving, ""));
  section.rows.back().relation = "about";
  return section;
}

}  // namespace chronotile::cli::reproduce
