#include <fmt/format.h>

#include "platform/cli/reproduce/experiment.hpp"

// Keyword spotting in floating point, on the chip with asymmetry balance, and on the chip without it.
namespace chronotile::cli::reproduce {
namespace {

const Setup kFloat{"float", "ideal", {}};
const Setup kBalanced{"with AB", "published", {"mapping.weight_mode=ab"}};
const Setup kUnbalanced{"without AB", "published", {"mapping.weight_mode=single"}};

std::size_t chips(const Scale& scale) { return scale.pick(6, 30); }

constexpr const char* kSource = "Nature 620, 768";
constexpr const char* kVoices = "synthetic voices and a network of their own instead of Speech Commands";

}  // namespace

std::vector<Run> kws_runs(const Scale& scale) {
  std::vector<Run> runs{kws_run(scale, kFloat, 0)};
  add_chips(runs, scale, kBalanced, chips(scale), kws_run);
  add_chips(runs, scale, kUnbalanced, chips(scale), kws_run);
  return runs;
}

Section kws_result(const Scale& scale, const Results& results) {
  constexpr double kPublishedFloat = 86.75;
  constexpr double kPublishedChip = 86.14;
  constexpr double kEqualAccuracy = 0.99;  // of float: the paper's criterion
  const Crossed exact = recognised(scale, results, kFloat, 1);
  const Crossed balanced = recognised(scale, results, kBalanced, chips(scale));
  const Crossed unbalanced = recognised(scale, results, kUnbalanced, chips(scale));

  Section section;
  section.text.push_back(
      "The shipped recordings through one chip: the network in floating point, then chips that differ in their devices "
      "and periphery, each with and without asymmetry balance. Differences are between the same recordings; their "
      "intervals take recordings and chips as drawn at random.");
  Row row = rate_row("accuracy in software (float)", exact, "recordings");
  row.interval = wilson_percent(
      static_cast<std::uint64_t>(exact.percent() / 100 * static_cast<double>(row.samples) + 0.5), row.samples);
  row.published = kPublishedFloat;
  row.source = kSource;
  row.origin = Origin::kInput;
  row.remark = kVoices;
  section.rows.push_back(row);
  row = rate_row("accuracy on the chip, with AB", balanced, "recordings");
  row.published = kPublishedChip;
  row.source = kSource;
  row.remark = kVoices;
  section.rows.push_back(row);
  row = rate_row("chip with AB minus float", difference(balanced, exact), "recordings");
  row.published = kPublishedChip - kPublishedFloat;
  row.source = std::string(kSource) + ", difference";
  row.unit = "points";
  row.remark = "accuracies differ with the data; what the chip costs should not";
  section.rows.push_back(row);
  row = rate_row("chip with AB, relative to float", balanced, "recordings");
  row.published = 100 * kEqualAccuracy;
  row.relation = ">";
  row.source = std::string(kSource) + ", equal-accuracy limit 85.88 %";
  row.platform = 100 * balanced.percent() / exact.percent();
  const Interval change = bootstrap_percent(difference(balanced, exact));
  row.interval = Interval{100 + 100 * change.low / exact.percent(), 100 + 100 * change.high / exact.percent()};
  row.remark = "the paper's criterion of equal accuracy";
  section.rows.push_back(row);
  row = rate_row("accuracy on the chip, without AB", unbalanced, "recordings");
  row.remark = kVoices;
  section.rows.push_back(row);
  row = rate_row("without AB minus with AB", difference(unbalanced, balanced), "recordings");
  row.unit = "points";
  row.source = "several points lost (no number)";
  row.remark = "depends on periphery.gain_sigma: see 'ab'";
  section.rows.push_back(row);
  return section;
}

}  // namespace chronotile::cli::reproduce
