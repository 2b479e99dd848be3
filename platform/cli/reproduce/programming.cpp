#include "platform/cli/reproduce/programming.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <vector>

#include "models/base/noise.hpp"
#include "models/tile/array.hpp"
#include "platform/chip/chip.hpp"
#include "platform/config/config.hpp"
#include "platform/host/array_programmer.hpp"
#include "platform/host/host.hpp"

// Tiles of one chip are programmed one after the other in closed loop, through firmware, pads, mesh and the tile's own
// read-out, and once more statistically, to the same random targets.
namespace chronotile::cli::reproduce {
namespace {

// Perfect column periphery: its errors are not those of writing, and closed-loop programming takes the gains of the
// lines out.
const Setup kSetup{"closed loop", "quantized", {"pcm.enabled=true", "transport.mode=per_hop"}};

constexpr std::size_t kFewTiles = 2;
constexpr std::size_t kTiles = 6;
constexpr int kFewRows = 24;
constexpr double kYieldError = 0.2;
constexpr double kBin = 0.005;  ///< of the histogram
constexpr double kWidest = 0.2;
constexpr double kPercent = 100;
constexpr double kPublishedError = 3;
constexpr int kMagnitudes = 10;
constexpr const char* kPublication = "TED 2021";
constexpr const char* kErrorUnit = "% of the largest weight";

config::PlatformConfig configuration(const Scale& scale) {
  config::Sources sources;
  sources.preset = kSetup.preset;
  sources.sets = kSetup.keys;
  config::PlatformConfig config = config::load(sources);
  config.seed = scale.seed;
  config.chip_seed = scale.seed;
  return config;
}

/// Errors of written weights.
class Written {
 public:
  Written()
      : bins_(static_cast<std::size_t>(std::lround(2 * kWidest / kBin))), squares_(kMagnitudes), counts_(kMagnitudes) {}

  void add_tile(const tile::WeightMatrix& weights, const tile::WeightMatrix& targets, int rows) {
    double sum = 0;
    std::uint64_t within = 0;
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < kWires; ++column) {
        const double target = targets(row, column);
        const double error = weights(row, column) - target;
        sum += std::abs(error);
        within += std::abs(error) < kYieldError ? 1 : 0;
        const double place = std::floor((error + kWidest) / kBin);
        bins_[static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(bins_.size() - 1)))] += 1;
        const auto magnitude =
            std::min<std::size_t>(static_cast<std::size_t>(std::abs(target) * kMagnitudes), kMagnitudes - 1);
        squares_[magnitude] += error * error;
        counts_[magnitude] += 1;
      }
    }
    const double count = static_cast<double>(rows) * kWires;
    mean_percent_.push_back(kPercent * sum / count);
    yield_percent_.push_back(kPercent * static_cast<double>(within) / count);
    within_ += within;
    count_ += static_cast<std::uint64_t>(count);
  }

  [[nodiscard]] const std::vector<double>& mean_percent() const { return mean_percent_; }
  [[nodiscard]] const std::vector<double>& yield_percent() const { return yield_percent_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t within() const { return within_; }

  [[nodiscard]] Series histogram(const std::string& name, Series::Style style) const {
    Series series{name, style, {}, {}, {}};
    for (std::size_t index = 0; index < bins_.size(); ++index) {
      series.x.push_back(kPercent * ((static_cast<double>(index) + 0.5) * kBin - kWidest));
      series.y.push_back(kPercent * bins_[index] / static_cast<double>(count_));
    }
    return series;
  }
  [[nodiscard]] Series deviation(const std::string& name) const {
    Series series{name, Series::Style::kPoints, {}, {}, {}};
    for (std::size_t index = 0; index < squares_.size(); ++index) {
      series.x.push_back((static_cast<double>(index) + 0.5) / kMagnitudes);
      series.y.push_back(kPercent * std::sqrt(squares_[index] / std::max(1.0, counts_[index])));
    }
    return series;
  }

 private:
  std::vector<double> bins_;
  std::vector<double> squares_;  ///< by magnitude of the target
  std::vector<double> counts_;
  std::vector<double> mean_percent_;  ///< by tile
  std::vector<double> yield_percent_;
  std::uint64_t within_ = 0;
  std::uint64_t count_ = 0;
};

tile::WeightMatrix targets_of(const Scale& scale, std::uint32_t site) {
  tile::WeightMatrix targets(kWires, kWires);
  noise::uniform({scale.seed, 0, site, noise::Purpose::kWorkload, 0, 0, 0}, 0, targets.data(),
                 static_cast<std::size_t>(targets.size()));
  return targets;
}

Row row_of(const std::string& quantity, const std::string& unit, const std::vector<double>& by_tile,
           std::uint64_t samples, const std::string& remark) {
  Row row;
  row.quantity = quantity;
  row.unit = unit;
  row.platform = mean(by_tile);
  if (by_tile.size() > 1) {
    row.interval = mean_interval(by_tile);
  }
  row.samples = samples;
  row.sampled = fmt::format("weights of {} tile{}", by_tile.size(), by_tile.size() == 1 ? "" : "s");
  row.remark = remark;
  return row;
}

/// Mean error and yield of a mode.
void add_rows(Section& section, const std::string& mode, const Written& written, Origin origin,
              const std::string& remark) {
  Row error =
      row_of("mean absolute weight error, " + mode, kErrorUnit, written.mean_percent(), written.count(), remark);
  error.published = kPublishedError;
  error.relation = "<";
  error.source = kPublication;
  error.origin = origin;
  section.rows.push_back(error);
  Row yield = row_of("analog yield per tile, " + mode, "%", written.yield_percent(), written.count(),
                     fmt::format("weights within 20 % of the largest; the lowest tile {:.4f} %",
                                 *std::min_element(written.yield_percent().begin(), written.yield_percent().end())));
  yield.source = "definition: Nature 620, 768; no number published, above 99 % asked of the platform";
  yield.origin = origin;
  yield.interval = wilson_percent(written.within(), written.count());
  section.rows.push_back(yield);
}

/// Weights of four devices each.
tile::WeightMatrix mean_of_sets(const tile::WeightArray& array) {
  return 0.5 * (array.weights(tile::WeightSet::kWp1) + array.weights(tile::WeightSet::kWp2));
}

}  // namespace

std::vector<Run> programming_runs(const Scale& scale) { return {run_here("programming", scale)}; }

Section programming_result(const Scale& scale, const Results& results) {
  return section_of(results.at(run_here("programming", scale)).json);
}

Section simulate_programming(const Scale& scale) {
  const config::PlatformConfig config = configuration(scale);
  const auto tiles = static_cast<std::uint32_t>(scale.pick(kFewTiles, kTiles));
  const int rows = scale.quick ? kFewRows : kWires;

  ViolationLog violations;
  energy::Meter meter(1);
  Lanes lanes(1);
  WorkPool workers(1);
  Services services{violations, meter, lanes, workers, config.seed, 0, config.chip_seed};
  chip::Chip chip("chip0", config, services);
  host::Host host("host", config);
  host.bus().bind(chip.bus());

  std::vector<std::uint32_t> sites;  // spread over the chip
  for (std::uint32_t site = 0; site < chip.floorplan().sites() && sites.size() < tiles + 1; site += 7) {
    if (chip.floorplan().is_tile(site)) {
      sites.push_back(site);
    }
  }
  const std::uint32_t four_site = sites.back();  // all four devices for a weight; on the others the pair G+, G-
  std::vector<std::unique_ptr<host::ArrayProgrammer>> programmers;
  for (const std::uint32_t site : sites) {
    const auto devices = site == four_site ? host::WeightDevices::kBoth : host::WeightDevices::kWp1;
    programmers.push_back(std::make_unique<host::ArrayProgrammer>(chip, host.chip(), lanes, config, site, devices));
  }
  std::vector<host::ProgrammingReport> reports(sites.size());
  std::string failure;
  host.set_program([&] {
    for (std::size_t index = 0; index < sites.size() && failure.empty(); ++index) {
      host::ArrayProgrammer& programmer = *programmers[index];
      if (!programmer.begin() || !programmer.program(targets_of(scale, sites[index]), 0, rows, reports[index])) {
        failure = programmer.failure();
        return;
      }
      programmer.end();
    }
  });
  sc_core::sc_start();
  host.finish();
  if (!failure.empty()) {
    throw std::runtime_error(failure);
  }

  Written closed;
  Written statistical;
  Written closed_four;
  Written statistical_four;
  tile::ArrayConfig writing = config.tile.array;
  writing.devices.read_noise = false;  // the error of writing alone
  for (const std::uint32_t site : sites) {
    const tile::WeightMatrix targets = targets_of(scale, site);
    chip.tile(site).relax();
    tile::WeightArray array(writing);
    array.program(tile::WeightSet::kWp1, targets, services, chip.floorplan().tile_index(site));
    if (site == four_site) {
      array.program(tile::WeightSet::kWp2, targets, services, chip.floorplan().tile_index(site));
      closed_four.add_tile(mean_of_sets(chip.tile(site).array()), targets, rows);
      statistical_four.add_tile(mean_of_sets(array), targets, rows);
      continue;
    }
    closed.add_tile(chip.tile(site).array().weights(tile::WeightSet::kWp1), targets, rows);
    statistical.add_tile(array.weights(tile::WeightSet::kWp1), targets, rows);
  }
  const host::ProgrammingReport report_of_four = reports.back();
  reports.pop_back();

  std::vector<double> pulses;
  std::vector<double> milliseconds;
  std::vector<double> rounds;
  std::uint64_t most_pulses = 0;
  std::uint64_t open = 0;
  for (const host::ProgrammingReport& report : reports) {
    const auto weights = static_cast<double>(report.weights);
    pulses.push_back(static_cast<double>(report.pulses) / weights);
    rounds.push_back(static_cast<double>(report.rounds) / static_cast<double>(report.rows));
    milliseconds.push_back(report.simulated_ns * 1e-6 * kWires / static_cast<double>(report.rows));
    most_pulses = std::max(most_pulses, report.most_pulses);
    open += report.out_of_tolerance;
  }

  Section section;
  section.text.push_back(fmt::format(
      "{} tiles, {} rows of 512 weights each, targets uniform in -1..1 on the pair G+, G-. Closed loop: every round "
      "sends a vector of widths for each device through an input pad and the mesh to the tile's columns, then reads "
      "the row through the array, the signed ramp and an output pad; the host computes the next widths ({} "
      "violations). Afterwards the devices relax as those of a chip do until drift begins. Statistical: one draw for "
      "each device, as all other experiments use it. The error is that of the weights in the array, without the noise "
      "of another read.",
      reports.size(), rows, violations.count()));
  section.text.push_back(fmt::format(
      "What a pulse does to a device is assumed; the relaxation was chosen so that both modes have the same "
      "deviation (fitted). {} of {} weights were still out of the loop's tolerance at its budget of {} "
      "pulses; the budget is not published. It is {:.1f} times the mean number of pulses, so that the "
      "slowest devices get theirs.",
      open, closed.count(), config.programming.pulse_budget, config.programming.pulse_budget / mean(pulses)));
  add_rows(section, "closed loop", closed, Origin::kFitted,
           "uniform targets, harder than those of a network, most of which are small");
  add_rows(section, "statistical", statistical, Origin::kInput, "the technology's published programming error (90 nm)");
  add_rows(section, "closed loop, 4 devices", closed_four, Origin::kPredicted,
           "G+, g+, G-, g- of one tile: secondary devices correct what the first left");
  add_rows(section, "statistical, 4 devices", statistical_four, Origin::kPredicted, "the mean of two pairs");
  Row row = row_of("pulses of a weight", "", pulses, closed.count(),
                   fmt::format("after erasing; most {}, budget {}", most_pulses, config.programming.pulse_budget));
  section.rows.push_back(row);
  section.rows.push_back(row_of("rounds of a row", "", rounds, closed.count(), "pulses and a read of all 512 weights"));
  section.rows.push_back(row_of("time to program a weight set of a tile", "ms", milliseconds, closed.count(),
                                "simulated, 512 rows, without the relaxation"));

  section.rows.push_back(
      row_of("pulses of a weight, 4 devices", "",
             {static_cast<double>(report_of_four.pulses) / static_cast<double>(report_of_four.weights)},
             closed_four.count(), fmt::format("most {}", report_of_four.most_pulses)));

  section.plots.push_back({"programming_errors",
                           fmt::format("Weight errors of {} tiles", reports.size()),
                           "error in % of the largest weight",
                           fmt::format("% of the weights per {:g} %", kPercent * kBin),
                           false,
                           {closed.histogram("closed loop", Series::Style::kBars),
                            statistical.histogram("statistical", Series::Style::kLine)},
                           {}});
  section.plots.push_back({"programming_deviation",
                           "Weight error against the target",
                           "magnitude of the target",
                           "root mean square error in % of the largest weight",
                           false,
                           {closed.deviation("closed loop"), statistical.deviation("statistical")},
                           {}});
  Series convergence{"mean |error|, as read", Series::Style::kLine, {}, {}, {}};
  Series out{"weights out of tolerance", Series::Style::kLine, {}, {}, {}};
  for (std::size_t pulse = 0; pulse < reports.front().mean_error.size(); ++pulse) {
    double error = 0;
    double share = 0;
    for (const host::ProgrammingReport& report : reports) {
      error += report.mean_error[pulse] / static_cast<double>(reports.size());
      share += report.open_share[pulse] / static_cast<double>(reports.size());
    }
    for (Series* series : {&convergence, &out}) {
      series->x.push_back(static_cast<double>(pulse));
    }
    convergence.y.push_back(kPercent * error);
    out.y.push_back(kPercent * share);
  }
  section.plots.push_back({"programming_convergence",
                           "Convergence of closed-loop programming",
                           "pulses so far",
                           "% of the largest weight; % of the weights",
                           true,
                           {convergence, out},
                           {}});
  return section;
}

}  // namespace chronotile::cli::reproduce
