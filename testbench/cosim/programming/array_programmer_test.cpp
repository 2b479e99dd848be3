// Closed-loop programming through the real path: firmware, pads, mesh, tile, host.

#include "platform/host/array_programmer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "models/base/noise.hpp"
#include "testbench/cosim/chip/chip_bench.hpp"
#include "testbench/support/signal_recorder.hpp"
#include "testbench/support/violations.hpp"

namespace chronotile::cosim {
namespace {

using host::ArrayProgrammer;
using host::ProgrammingReport;
using host::WeightDevices;
using testing::IsEmpty;

constexpr double kLargestYieldError = 0.2;  ///< yield counts weights within 20 % of the largest (published)

config::PlatformConfig with_devices() {
  config::PlatformConfig config;
  config.tile.array.devices.enabled = true;
  return config;
}

tile::WeightMatrix uniform_targets() {
  tile::WeightMatrix targets(kWires, kWires);
  noise::uniform({7, 0, 0, noise::Purpose::kWorkload, 0, 0, 0}, 0, targets.data(),
                 static_cast<std::size_t>(targets.size()));
  return targets;
}

/// Errors of some rows: bias towards larger magnitudes, deviation, by magnitude of the target.
struct Moments {
  static constexpr int kBins = 5;
  std::vector<double> count = std::vector<double>(kBins, 0.0);
  std::vector<double> mean = std::vector<double>(kBins, 0.0);
  std::vector<double> deviation = std::vector<double>(kBins, 0.0);
  double mean_error = 0;
  double yield = 0;
};

Moments moments(const tile::WeightMatrix& weights, const tile::WeightMatrix& targets, int rows) {
  Moments result;
  std::vector<double> squares(Moments::kBins, 0.0);
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < kWires; ++column) {
      const double target = targets(row, column);
      const double error = weights(row, column) - target;
      const auto bin = std::min(static_cast<std::size_t>(std::abs(target) * Moments::kBins),
                                static_cast<std::size_t>(Moments::kBins - 1));
      const double outwards = target < 0 ? -error : error;
      result.count[bin] += 1;
      result.mean[bin] += outwards;
      squares[bin] += outwards * outwards;
      result.mean_error += std::abs(error);
      result.yield += std::abs(error) < kLargestYieldError ? 1 : 0;
    }
  }
  const double all = static_cast<double>(rows) * kWires;
  result.mean_error /= all;
  result.yield /= all;
  for (std::size_t bin = 0; bin < Moments::kBins; ++bin) {
    result.mean[bin] /= result.count[bin];
    result.deviation[bin] = std::sqrt(squares[bin] / result.count[bin] - result.mean[bin] * result.mean[bin]);
  }
  return result;
}

/// Runs `program` in the host's thread.
void run(ChipBench& bench, std::function<void()> program) {
  bench.host.set_program(std::move(program));
  sc_core::sc_start();
  bench.host.finish();
}

// 64 rows: 6,500 weights in each of five bins of |target|. Deviations: the ratio of two of them has a standard error of
// 1.2 % (2 % for tails heavier than a Gaussian's), so the limits of 8 % find a difference of 13 % in more than 99 % of
// all seeds. Means: a standard error of 0.0007 at most, limits of 0.004.
TEST(ArrayProgrammer, ReachesTheDistributionOfTheStatisticalMode) {
  constexpr int kRows = 64;
  constexpr std::uint32_t kSite = 7;
  ChipBench bench(with_devices());
  ArrayProgrammer programmer(bench.chip, bench.access, bench.lanes, bench.config, kSite, WeightDevices::kWp1);
  const tile::WeightMatrix targets = uniform_targets();
  ProgrammingReport report;
  bool ok = false;
  run(bench, [&] { ok = programmer.begin() && programmer.program(targets, 0, kRows, report); });
  ASSERT_TRUE(ok) << programmer.failure();
  EXPECT_THAT(bench.violations.kept(), IsEmpty());

  tile::Tile& tile = bench.chip.tile(kSite);
  const Moments fresh = moments(tile.array().weights(tile::WeightSet::kWp1), targets, kRows);
  tile.relax();
  const Moments closed = moments(tile.array().weights(tile::WeightSet::kWp1), targets, kRows);

  config::PlatformConfig writing = bench.config;
  writing.tile.array.devices.read_noise = false;  // the error of writing alone
  tile::WeightArray array(writing.tile.array);
  array.program(tile::WeightSet::kWp1, targets, bench.services, 99);
  const Moments statistical = moments(array.weights(tile::WeightSet::kWp1), targets, kRows);

  EXPECT_LT(fresh.mean_error, 0.4 * closed.mean_error);
  for (const Moments& mode : {closed, statistical}) {
    EXPECT_LT(mode.mean_error, 0.03);  // published
    EXPECT_GT(mode.yield, 0.99);
  }
  EXPECT_NEAR(closed.mean_error / statistical.mean_error, 1.0, 0.04);
  for (std::size_t bin = 0; bin < Moments::kBins; ++bin) {
    EXPECT_NEAR(closed.deviation[bin] / statistical.deviation[bin], 1.0, 0.08) << "bin " << bin;
    EXPECT_NEAR(closed.mean[bin], statistical.mean[bin], 0.004) << "bin " << bin;
  }

  EXPECT_EQ(report.rows, kRows);
  EXPECT_EQ(report.weights, std::uint64_t{kRows} * kWires);
  EXPECT_LE(report.most_pulses, bench.config.programming.pulse_budget);
  EXPECT_LT(report.out_of_tolerance, 1e-3 * static_cast<double>(report.weights));
  const double pulses = static_cast<double>(report.pulses) / static_cast<double>(report.weights);
  EXPECT_GT(pulses, 2.0);
  EXPECT_LT(pulses, 5.0);
  EXPECT_NEAR(report.mean_error.front(), 0.5, 0.01);  // erased: the mean of |target|
  EXPECT_LT(report.mean_error[6], 0.05 * report.mean_error.front());
  EXPECT_GE(report.open_share[3], report.open_share[4]);
  EXPECT_EQ(std::accumulate(report.weights_by_pulses.begin(), report.weights_by_pulses.end(), std::uint64_t{0}),
            report.weights);
}

TEST(ArrayProgrammer, FirmwareKeepsTheTimesOfPulsesAndReads) {
  constexpr std::uint32_t kSite = 7;
  ChipBench bench(with_devices());
  ArrayProgrammer programmer(bench.chip, bench.access, bench.lanes, bench.config, kSite, WeightDevices::kWp1);
  const auto index = bench.controller(bench.chip.floorplan().site_name(kSite));
  const support::SignalRecorder recorder("recorder", bench.chip.local_controller(index));
  constexpr int kRow = 300;
  ProgrammingReport report;
  bool ok = false;
  run(bench, [&] {
    ok = programmer.begin() && programmer.program(uniform_targets(), kRow, kRow + 1, report);
    sc_core::wait(1000, sc_core::SC_NS);
  });
  ASSERT_TRUE(ok) << programmer.failure();

  const double start_ns = bench.chip.epoch().to_seconds() * 1e9;
  std::vector<support::Change> changes;  // of the last round
  for (const support::Change& change : recorder.changes()) {
    for (const isa::Group group : {isa::Group::kHighVoltage, isa::Group::kProgramColumns, isa::Group::kProgramDevice,
                                   isa::Group::kIntegrate, isa::Group::kWp2, isa::Group::kRamp, isa::Group::kEnable}) {
      if (change.group == group && change.time_ns >= start_ns - 0.1) {
        changes.push_back({std::round(change.time_ns - start_ns), change.group, change.level});
      }
    }
  }
  using support::Change;
  EXPECT_THAT(changes, testing::ElementsAre(
                           Change{16, isa::Group::kHighVoltage, 1}, Change{16, isa::Group::kProgramDevice, 1},
                           Change{18, isa::Group::kProgramColumns, 0xff},  // pulses from 20 on
                           Change{285, isa::Group::kProgramColumns, 0}, Change{287, isa::Group::kHighVoltage, 0},
                           Change{316, isa::Group::kHighVoltage, 1}, Change{316, isa::Group::kProgramDevice, 2},
                           Change{318, isa::Group::kProgramColumns, 0xff}, Change{585, isa::Group::kProgramColumns, 0},
                           Change{587, isa::Group::kHighVoltage, 0}, Change{618, isa::Group::kIntegrate, 0xff},
                           Change{885, isa::Group::kIntegrate, 0}, Change{920, isa::Group::kRamp, 1},
                           Change{920, isa::Group::kEnable, 0xff}, Change{1175, isa::Group::kEnable, 0},
                           Change{1185, isa::Group::kRamp, 0}));
  EXPECT_EQ(bench.chip.local_controller(index).level(isa::Group::kProgramRow), kRow);
  EXPECT_EQ(bench.chip.last_interrupt() - bench.chip.epoch(), sc_core::sc_time(1186, sc_core::SC_NS));
}

TEST(ArrayProgrammer, WritesTheChosenSetAndRowsOnly) {
  constexpr std::uint32_t kSite = 22;
  ChipBench bench(with_devices());
  ArrayProgrammer programmer(bench.chip, bench.access, bench.lanes, bench.config, kSite, WeightDevices::kWp2);
  const tile::WeightMatrix targets = uniform_targets();
  ProgrammingReport report;
  bool ok = false;
  run(bench, [&] { ok = programmer.begin() && programmer.program(targets, 100, 102, report); });
  ASSERT_TRUE(ok) << programmer.failure();
  EXPECT_THAT(bench.violations.kept(), IsEmpty());
  const tile::WeightArray& array = bench.chip.tile(kSite).array();
  EXPECT_FALSE(array.programmed(tile::WeightSet::kWp1));
  const tile::WeightMatrix weights = array.weights(tile::WeightSet::kWp2);
  EXPECT_EQ(weights.topRows(100).cwiseAbs().maxCoeff(), 0);
  EXPECT_EQ(weights.bottomRows(kWires - 102).cwiseAbs().maxCoeff(), 0);
  EXPECT_LT((weights.middleRows(100, 2) - targets.middleRows(100, 2)).cwiseAbs().mean(), 0.015);
}

TEST(ArrayProgrammer, FourDevicesShareAWeight) {
  constexpr std::uint32_t kSite = 0;
  constexpr int kRows = 4;
  ChipBench bench(with_devices());
  ArrayProgrammer programmer(bench.chip, bench.access, bench.lanes, bench.config, kSite, WeightDevices::kBoth);
  const tile::WeightMatrix targets = uniform_targets();
  ProgrammingReport report;
  bool ok = false;
  run(bench, [&] { ok = programmer.begin() && programmer.program(targets, 0, kRows, report); });
  ASSERT_TRUE(ok) << programmer.failure();
  EXPECT_THAT(bench.violations.kept(), IsEmpty());
  const tile::WeightArray& array = bench.chip.tile(kSite).array();
  const tile::WeightMatrix primary = array.weights(tile::WeightSet::kWp1).topRows(kRows);
  const tile::WeightMatrix secondary = array.weights(tile::WeightSet::kWp2).topRows(kRows);
  EXPECT_LT((0.5 * (primary + secondary) - targets.topRows(kRows)).cwiseAbs().mean(), 0.012);
  // Neither pair does it alone: each comes to about the target.
  EXPECT_NEAR(primary.cwiseAbs().mean(), 0.5, 0.07);
  EXPECT_NEAR(secondary.cwiseAbs().mean(), 0.5, 0.07);
}

/// A pad that sends vector 0 in slot 0, and a tile whose columns take it; devices without any spread.
class ByHand : public testing::Test {
 protected:
  static config::PlatformConfig exact() {
    config::PlatformConfig config = with_devices();
    config.tile.array.double_precision = true;
    config.tile.array.pulse.speed_sigma = 0;
    config.tile.array.pulse.increment_sigma = 0;
    config.tile.array.pulse.full_set_sigma = 0;
    return config;
  }
  void program(const std::string& tile) {
    std::vector<double> counts(kWires);
    for (std::size_t wire = 0; wire < kWires; ++wire) {
      counts[wire] = static_cast<double>(wire % 256);
    }
    bench.run(
        {{"ilp_NW", "trig 1\n set psendv, 0\n at 20\n set.c psend, 0xff\n at 275\n set.c psend, 0\n halt 0\n"},
         {"tile_0_0", tile}},
        2, [&] { bench.access.write_vector(0, 0, 0, counts); }, [] {});
  }
  /// Weight of row 5 after one pulse on G-.
  [[nodiscard]] double expected(double width_ns) const {
    const pcm::PulseConfig& pulse = bench.config.tile.array.pulse;
    const double amplitude = 128.0 / 255.0;
    const double rate =
        (amplitude - pulse.set_amplitude) / (pulse.melt_amplitude - pulse.set_amplitude) / pulse.set_time_ns;
    return -pulse.full_set * (1 - std::exp(-rate * width_ns));
  }
  [[nodiscard]] tile::WeightMatrix weights() { return bench.chip.tile(0).array().weights(tile::WeightSet::kWp1); }

  ChipBench bench{exact()};
};

constexpr const char* kTile =
    "trig 1\n set bgw, 0xff00\n set turn, 0xff00\n set prow, 5\n set pamp, 128\n set pdev, 2\n at 16\n set.c hv, 1\n"
    " at 18\n set.c pcol, 0x0f\n at 285\n set.c pcol, 0\n set bgw, 0\n set turn, 0\n set.c hv, 0\n halt 0\n";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

TEST_F(ByHand, APulseWritesAsItsLengthSays) {
  program(replaced(kTile, "0x0f", "0xff"));
  EXPECT_THAT(bench.violations.kept(), IsEmpty());
  const tile::WeightMatrix written = weights();
  for (int column = 0; column < kWires; ++column) {
    EXPECT_NEAR(written(5, column), expected(column % 256), 1e-6) << column;
  }
  EXPECT_EQ(written.topRows(5).cwiseAbs().maxCoeff(), 0);
}

TEST_F(ByHand, ColumnsThatAreNotOpenStayAndTheirPulsesAreLost) {
  program(kTile);
  const tile::WeightMatrix written = weights();
  EXPECT_NEAR(written(5, 255), expected(255), 1e-6);
  EXPECT_EQ(written.rightCols(256).cwiseAbs().maxCoeff(), 0);
  EXPECT_THAT(bench.violations.kept(),
              testing::ElementsAre(support::is_violation(ViolationKind::kPulseLost, "ilp_NW.pad")));
}

TEST_F(ByHand, ColumnsThatCloseEarlyCutTheirPulses) {
  program(replaced(replaced(kTile, "0x0f", "0xff"), "at 285", "at 120"));
  const tile::WeightMatrix written = weights();
  EXPECT_NEAR(written(5, 60), expected(60), 1e-6);
  const double cut_ns = 100 - 2 * bench.config.node.hop_delay_ns;  // from 20 on, two hops late
  EXPECT_NEAR(written(5, 255), expected(cut_ns), 1e-6);
  EXPECT_THAT(bench.violations.kept(),
              testing::Contains(support::is_violation(ViolationKind::kPulseNotCovered, "tile_0_0.array",
                                                      ChipBench::kStart_ns + 120)));
}

TEST_F(ByHand, WithoutSupplyNothingIsWritten) {
  program(replaced(replaced(kTile, "0x0f", "0xff"), "set.c hv, 1", "commit"));
  EXPECT_FALSE(bench.chip.tile(0).array().programmed(tile::WeightSet::kWp1));
  EXPECT_THAT(bench.violations.kept(),
              testing::ElementsAre(
                  support::is_violation(ViolationKind::kProgramConflict, "tile_0_0.array", ChipBench::kStart_ns + 20)));
}

}  // namespace
}  // namespace chronotile::cosim
