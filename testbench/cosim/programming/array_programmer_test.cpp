// Closed-loop programming through the real path: firmware, pads, mesh, tile, host.

#include "platform/host/array_programmer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "firmware/toolchain/assembler.hpp"
#include "models/base/noise.hpp"
#include "models/pcm/device.hpp"
#include "testbench/cosim/chip/chip_bench.hpp"
#include "testbench/support/violations.hpp"

namespace chronotile::cosim {
namespace {

using host::ArrayProgrammer;
using host::ProgrammingReport;
using host::WeightDevices;
using testing::IsEmpty;

constexpr double kLargestYieldError = 0.2;  ///< published: yield counts weights within 20 % of the largest

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

TEST(ArrayProgrammer, ReachesTheDistributionOfTheStatisticalMode) {
  constexpr int kRows = 32;
  constexpr std::uint32_t kSite = 7;
  ChipBench bench(with_devices());
  ArrayProgrammer programmer(bench.chip, bench.access, bench.lanes, bench.config, kSite, WeightDevices::kWp1);
  const tile::WeightMatrix targets = uniform_targets();
  ProgrammingReport report;
  bool ok = false;
  std::vector<double> reread;
  run(bench, [&] { std::vector<double> w; ok = programmer.begin() && programmer.program(targets, 0, kRows, report); for (int k = 0; k < 6; ++k) { ok = programmer.read_row(3, 1, w) && ok; reread.push_back(w[5]); } });
  ASSERT_TRUE(ok) << programmer.failure();
  EXPECT_THAT(bench.violations.kept(), IsEmpty());

  const Moments fresh = moments(bench.chip.tile(kSite).array().weights(tile::WeightSet::kWp1), targets, kRows);
  bench.chip.tile(kSite).relax();
  const Moments closed = moments(bench.chip.tile(kSite).array().weights(tile::WeightSet::kWp1), targets, kRows);

  config::PlatformConfig ideal = bench.config;
  ideal.tile.array.devices.read_noise = false;  // the error of writing alone
  tile::WeightArray array(ideal.tile.array);
  array.program(tile::WeightSet::kWp1, targets, bench.services, 99);
  const Moments statistical = moments(array.weights(tile::WeightSet::kWp1), targets, kRows);

  EXPECT_LT(fresh.mean_error, 0.5 * closed.mean_error);
  for (const Moments& mode : {closed, statistical}) {
    EXPECT_LT(mode.mean_error, 0.03);  // published
    EXPECT_GT(mode.yield, 0.99);       // the issue's; published as the share within 20 %
  }
  EXPECT_NEAR(closed.mean_error / statistical.mean_error, 1.0, 0.06);
  for (std::size_t bin = 0; bin < Moments::kBins; ++bin) {
    std::printf("bin %zu n %.0f closed %.4f +- %.4f statistical %.4f +- %.4f ratio %.3f\n", bin, closed.count[bin],
                closed.mean[bin], closed.deviation[bin], statistical.mean[bin], statistical.deviation[bin],
                closed.deviation[bin] / statistical.deviation[bin]);
  }
  std::printf("fresh %.4f closed %.4f stat %.4f\n", fresh.mean_error, closed.mean_error, statistical.mean_error);
  for (double m : fresh.deviation) std::printf("%.4f ", m);
  for (double m : reread) std::printf("%.4f ", m);
  std::printf("pulses %.3f most %lu rounds %lu open %lu ns %.0f\n", double(report.pulses) / double(report.weights),
              report.most_pulses, report.rounds, report.out_of_tolerance, report.simulated_ns);
  const tile::WeightMatrix tw = bench.chip.tile(kSite).array().weights(tile::WeightSet::kWp1);
  for (int r = 0; r < kRows; ++r) for (int c = 0; c < kWires; ++c) if (std::abs(report.read(r, c) - targets(r, c)) > 0.05) std::printf("row %d col %d target %.4f read %.4f true %.4f\n", r, c, targets(r, c), report.read(r, c), tw(r, c));
  for (std::size_t k = 0; k < report.mean_error.size(); ++k)
    std::printf("%zu: %.4f %.4f\n", k, report.mean_error[k], report.open_share[k]);
}

}  // namespace
}  // namespace chronotile::cosim
