#include <fmt/format.h>

#include "platform/cli/reproduce/experiment.hpp"

// Word error rate after a week of drift, without and with recalibration of the columns, for both device models.
namespace chronotile::cli::reproduce {
namespace {

constexpr double kDay_s = 86400.0;
/// From writing to the first measurement; not published, and it decides what a week more does (assumed).
constexpr double kFirst_s = 1 * kDay_s;
constexpr double kLater_s = kFirst_s + 7 * kDay_s;
const Setup kFloat{"float", "ideal", {}};
const std::vector<std::string> kTechnologies{"90nm", "14nm"};

Setup fresh(const std::string& technology) {
  return {
      technology + ", first", "published", {"pcm.technology=" + technology, fmt::format("pcm.age_s={:.0f}", kFirst_s)}};
}
Setup recalibrated(const std::string& technology) {
  return with(fresh(technology), technology + ", a week, recalibrated", {fmt::format("pcm.age_s={:.0f}", kLater_s)});
}
Setup aged(const std::string& technology) {
  return with(recalibrated(technology), technology + ", a week",
              {fmt::format("host.calibration_age_s={:.0f}", kFirst_s)});
}
/// Calibrated before anything has drifted: how much the time of the first measurement matters.
Setup from_writing(const std::string& technology) {
  return with(recalibrated(technology), technology + ", calibrated when written", {"host.calibration_age_s=1"});
}
Setup compensated(const std::string& technology) {
  return with(aged(technology), technology + ", a week, compensated", {"host.drift_compensation=global"});
}

std::size_t chips(const Scale& scale) { return scale.pick(2, 24); }

}  // namespace

std::vector<Run> drift_runs(const Scale& scale) {
  std::vector<Run> runs{rnnt_run(scale, kFloat, 0)};
  for (const std::string& technology : kTechnologies) {
    for (const Setup& setup : {fresh(technology), aged(technology), compensated(technology), recalibrated(technology),
                               from_writing(technology)}) {
      add_chips(runs, scale, setup, chips(scale), rnnt_run);
    }
  }
  return runs;
}

Section drift_result(const Scale& scale, const Results& results) {
  constexpr double kFresh = 9.475;
  constexpr double kAged = 9.894;
  constexpr const char* kSource = "Nature 620, 768";
  Section section;
  section.text.push_back(
      "Devices of both public models (90 nm: aihwkit's PCMLikeNoiseModel; 14 nm: HermesNoiseModel). The columns are "
      "calibrated and words counted one day after the weights were written (assumed: the time is not published, and as "
      "drift goes with the logarithm of time it decides what a week more does), and again a week later: as it is, with "
      "one factor for each matrix measured then (drift compensation), with columns calibrated anew. Published is more "
      "than a week without recalibration. A calibration within seconds of writing instead, before anything drifts, "
      "shows "
      "what the assumption is worth.");
  Plot plot{"drift_wer",
            "Word error rate after a week of drift",
            "a day after writing, and a week later: as it is, or with what the host does about it",
            "WER in %",
            false,
            {},
            {{false, word_errors(scale, results, kFloat, 1).percent(), "float"}}};
  plot.x_names = {"first", "a week", "one factor", "recalibrated"};
  for (const std::string& technology : kTechnologies) {
    const Crossed new_chips = word_errors(scale, results, fresh(technology), chips(scale));
    const Crossed old_chips = word_errors(scale, results, aged(technology), chips(scale));
    const Crossed global = word_errors(scale, results, compensated(technology), chips(scale));
    const Crossed again = word_errors(scale, results, recalibrated(technology), chips(scale));
    const Crossed early = word_errors(scale, results, from_writing(technology), chips(scale));
    const auto rate = [&](const Setup& setup, const Crossed& crossed, std::optional<double> published) {
      Row row = rate_row("WER, " + setup.name, crossed, "words");
      row.published = published;
      row.source = published ? kSource : "";
      row.remark = "synthetic recordings and a small network instead of Librispeech";
      section.rows.push_back(row);
    };
    const auto change = [&](const std::string& quantity, const Crossed& to, const Crossed& from,
                            std::optional<double> published) {
      Row row = rate_row(fmt::format("{}, {}", quantity, technology), difference(to, from), "words");
      row.unit = "points";
      row.published = published;
      row.source = published ? std::string(kSource) + ", difference" : "";
      section.rows.push_back(row);
    };
    rate(fresh(technology), new_chips, kFresh);
    rate(aged(technology), old_chips, kAged);
    change("a week minus first", old_chips, new_chips, kAged - kFresh);
    rate(compensated(technology), global, std::nullopt);
    change("compensated minus first", global, new_chips, std::nullopt);
    rate(recalibrated(technology), again, std::nullopt);
    change("recalibrated minus first", again, new_chips, std::nullopt);
    rate(from_writing(technology), early, std::nullopt);
    Series series{technology, Series::Style::kPoints, {}, {}, {}};
    for (const Crossed& crossed : {new_chips, old_chips, global, again}) {
      series.x.push_back(static_cast<double>(series.x.size()));
      series.y.push_back(crossed.percent());
      series.intervals.push_back(bootstrap_percent(crossed));
    }
    plot.series.push_back(series);
  }
  section.plots.push_back(std::move(plot));
  return section;
}

}  // namespace chronotile::cli::reproduce
