#include <fmt/format.h>

#include "platform/cli/reproduce/experiment.hpp"

// Asymmetry of the columns' periphery against what keyword spotting loses by it, with and without asymmetry balance.
namespace chronotile::cli::reproduce {
namespace {

const Setup kFloat{"float", "ideal", {}};
const Setup kBalanced{"with AB", "published", {"mapping.weight_mode=ab"}};
const Setup kUnbalanced{"without AB", "published", {"mapping.weight_mode=single"}};
constexpr const char* kSigmaKey = "periphery.gain_sigma";

std::vector<double> sigmas(const Scale& scale) {
  return scale.quick ? std::vector<double>{0, 0.01, 0.02, 0.05, 0.1}
                     : std::vector<double>{0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2};
}
std::size_t chips(const Scale& scale) { return scale.pick(4, 20); }

Setup at(const Setup& setup, double sigma) {
  return with(setup, fmt::format("{}, {} {:g}", setup.name, kSigmaKey, sigma),
              {fmt::format("{}={:g}", kSigmaKey, sigma)});
}

constexpr const char* kSource = "Nature 620, 768";
constexpr double kCriterion = 1;  // % of float: the paper's limit of equal accuracy
constexpr double kSeveralPoints = 3;

}  // namespace

std::vector<Run> ab_runs(const Scale& scale) {
  std::vector<Run> runs{kws_run(scale, kFloat, 0)};
  for (const double sigma : sigmas(scale)) {
    add_chips(runs, scale, at(kBalanced, sigma), chips(scale), kws_run);
    add_chips(runs, scale, at(kUnbalanced, sigma), chips(scale), kws_run);
  }
  return runs;
}

Section ab_result(const Scale& scale, const Results& results) {
  constexpr double kPercent = 100;
  const Crossed exact = recognised(scale, results, kFloat, 1);
  Section section;
  section.text.push_back(fmt::format(
      "{} is the standard deviation, column by column, of the gains of the lines of G+ and G-. The accuracy of keyword "
      "spotting against it, with asymmetry balance and without: what the two lose against float gives the sigma at "
      "which the effect has the published size.",
      kSigmaKey));
  Plot plot{"ab_gain_sigma",
            "Keyword spotting against the mismatch of the periphery",
            "standard deviation of the gains in %",
            "accuracy in %",
            false,
            {{kBalanced.name, Series::Style::kLine, {}, {}, {}}, {kUnbalanced.name, Series::Style::kLine, {}, {}, {}}},
            {{false, exact.percent(), "float"},
             {false, (kPercent - kCriterion) / kPercent * exact.percent(), "equal accuracy (99 % of float)"}}};
  std::array<std::vector<double>, 2> lost;
  std::vector<double> percents;
  for (const double sigma : sigmas(scale)) {
    percents.push_back(kPercent * sigma);
    for (const std::size_t balanced : {0U, 1U}) {
      const Setup& setup = balanced == 0 ? kBalanced : kUnbalanced;
      const Crossed crossed = recognised(scale, results, at(setup, sigma), chips(scale));
      Series& series = plot.series[balanced];
      series.x.push_back(kPercent * sigma);
      series.y.push_back(crossed.percent());
      series.intervals.push_back(bootstrap_percent(crossed));
      lost.at(balanced).push_back(exact.percent() - crossed.percent());
      Row row = rate_row(fmt::format("lost against float, {}, sigma {:g} %", setup.name, kPercent * sigma),
                         difference(exact, crossed), "recordings");
      row.unit = "points";
      section.rows.push_back(row);
    }
  }
  const auto crossing = [&](const std::string& quantity, const std::vector<double>& loss, double level,
                            const std::string& source) {
    Row row;
    row.quantity = quantity;
    row.unit = "%";
    row.platform = first_crossing(percents, loss, level);
    row.source = source;
    row.remark = row.platform ? "interpolated in the scan" : fmt::format("not reached up to {:g} %", percents.back());
    section.rows.push_back(row);
  };
  crossing(fmt::format("sigma at which {:g} points are lost without AB", kSeveralPoints), lost[1], kSeveralPoints,
           std::string(kSource) + ": several points (no number)");
  crossing("sigma from which AB misses equal accuracy", lost[0], kCriterion / kPercent * exact.percent(), kSource);
  section.plots.push_back(std::move(plot));
  return section;
}

}  // namespace chronotile::cli::reproduce
