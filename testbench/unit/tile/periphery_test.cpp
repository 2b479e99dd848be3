// Physics of column periphery and devices as a tile shows them: gains and offsets of the lines and their cancelling by
// asymmetry balance, saturation, ramp and comparator errors, read noise.
#include "models/tile/periphery.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <memory>
#include <vector>

#include "models/base/noise.hpp"
#include "models/tile/array.hpp"
#include "testbench/unit/tile/tile_bench.hpp"

namespace chronotile::tile {
namespace {

using isa::Group;
constexpr double kNoTolerance = 1e-9;

std::vector<double> uniform_numbers(std::size_t count, std::uint32_t event) {
  noise::Stream stream;
  stream.purpose = noise::Purpose::kWorkload;
  stream.event = event;
  std::vector<double> numbers(count);
  noise::uniform(stream, 0, numbers.data(), count);
  return numbers;
}

WeightMatrix weights_from(std::uint32_t event) {
  WeightMatrix weights(kWires, kWires);
  const std::vector<double> numbers = uniform_numbers(static_cast<std::size_t>(weights.size()), event);
  std::copy(numbers.begin(), numbers.end(), weights.data());
  return weights;
}

/// Positive and negative parts of inputs of -60..60 ns.
struct SignedInputs {
  explicit SignedInputs(std::uint32_t event) : positive(kWires, 1), negative(kWires, 1) {
    const std::vector<double> numbers = uniform_numbers(kWires, event);
    for (Eigen::Index wire = 0; wire < kWires; ++wire) {
      const double x = std::round(60 * numbers[static_cast<std::size_t>(wire)]);
      positive(wire, 0) = std::max(x, 0.0);
      negative(wire, 0) = std::max(-x, 0.0);
    }
  }
  Block positive;
  Block negative;
};

/// Rows summed in double precision: P(x) and N(x).
double positive_sum(const WeightMatrix& weights, const Block& x, Eigen::Index column) {
  return (weights.col(column).array().max(0.0) * x.col(0)).sum();
}
double negative_sum(const WeightMatrix& weights, const Block& x, Eigen::Index column) {
  return ((-weights.col(column).array()).max(0.0) * x.col(0)).sum();
}

/// Four integrations in windows of 100 ns from 100, 200, 300 and 400 ns: what passes, through which sets, which
/// polarity; then a ramp from -2048 weight-ns at 32 weight-ns per ns.
class PeripheryTest : public support::ServicesFixture {
 protected:
  static constexpr double kWindow_ns = 70;
  static constexpr double kRampStart = -2048;
  static constexpr double kRampSlope = 32;

  TileConfig config() {
    TileConfig result;
    result.array.double_precision = true;
    return result;
  }

  void add(const TileConfig& tile_config) {
    site_ = std::make_unique<Site>("a", services, tile_config);
    support::ControlDriver& lc = site_->lc;
    lc.at(0, {{Group::kRowGate, 0xff},
              {Group::kPrecharge, 0xff},
              {Group::kRampSlope, 32 * 64},
              {Group::kRampStart, static_cast<std::uint32_t>(-2048 * 4) & 0xffffU}});
    lc.at(5, Group::kPrecharge, 0);
  }

  void integrate(const Block& x, bool second_set, bool swapped) {
    const double begin = 100.0 * ++windows_;
    support::ControlDriver& lc = site_->lc;
    lc.at(begin - 10, {{Group::kWp1, second_set ? 0U : 0xffU},
                       {Group::kWp2, second_set ? 0xffU : 0U},
                       {Group::kPolarity, swapped ? 0xffU : 0U}});
    lc.at(begin, Group::kIntegrate, 0xff);
    lc.at(begin + kWindow_ns, Group::kIntegrate, 0);
    site_->rows.at(begin + 2, x);
  }

  /// Voltage of each column in weight-ns, from the durations that it makes.
  std::vector<double> voltages() {
    const double begin = 100.0 * (windows_ + 1);
    support::ControlDriver& lc = site_->lc;
    lc.at(begin, {{Group::kRamp, 1}, {Group::kEnable, 0xff}, {Group::kColumnOut, 0xff}});
    lc.at(begin + 1000, {{Group::kRamp, 0}, {Group::kEnable, 0}, {Group::kColumnOut, 0}});
    run_until(begin + 1100);
    EXPECT_EQ(site_->out.emissions.size(), 1U);
    std::vector<double> result;
    for (Eigen::Index column = 0; column < kWires; ++column) {
      result.push_back(kRampStart + kRampSlope * site_->out.emissions.at(0)->durations_ns(column, 0));
    }
    return result;
  }

  std::unique_ptr<Site> site_;
  int windows_ = 0;
};

TEST_F(PeripheryTest, IsTheChipsOwnWhateverTheRun) {
  PeripheryConfig errors;
  errors.gain_sigma = 0.05;
  errors.offset_sigma = 0.02;
  errors.ramp_slope_sigma = 0.01;
  const Periphery first(errors, services, 3);
  services.seed = 99;
  const Periphery same(errors, services, 3);
  EXPECT_EQ(first.plus_gain(), same.plus_gain());
  EXPECT_EQ(first.ramp_gain(), same.ramp_gain());
  services.chip_seed = 2;
  EXPECT_NE(Periphery(errors, services, 3).plus_gain(), first.plus_gain());
  services.chip_seed = 1;
  EXPECT_NE(Periphery(errors, services, 4).plus_gain(), first.plus_gain());
  double sum = 0;
  for (std::size_t column = 0; column < kWires; ++column) {
    sum += std::pow((first.plus_gain()[column] - 1) / 0.05, 2) + std::pow((first.minus_gain()[column] - 1) / 0.05, 2);
  }
  EXPECT_NEAR(sum / (2 * kWires), 1, 0.2) << "1,024 normal numbers: their mean square has a deviation of 0.044";
}

// One integration: b+ P - b- N + o t, with the sign of the polarity switch.
TEST_F(PeripheryTest, OneIntegrationShowsTheLinesGainsAndOffsets) {
  TileConfig tile_config = config();
  tile_config.periphery.gain_sigma = 0.05;
  tile_config.periphery.offset_sigma = 0.02;
  const WeightMatrix weights = weights_from(1);
  const Periphery periphery(tile_config.periphery, services, tile_config.index);
  add(tile_config);
  site_->tile.program(WeightSet::kWp1, weights);
  const SignedInputs x(2);
  integrate(x.positive, false, false);
  integrate(x.negative, false, true);
  integrate(x.positive, false, false);
  const std::vector<double> seen = voltages();
  for (std::size_t column = 0; column < kWires; column += 7) {
    const auto c = static_cast<Eigen::Index>(column);
    const double plus = 2 * positive_sum(weights, x.positive, c) - positive_sum(weights, x.negative, c);
    const double minus = 2 * negative_sum(weights, x.positive, c) - negative_sum(weights, x.negative, c);
    const double expected = periphery.plus_gain()[column] * plus - periphery.minus_gain()[column] * minus +
                            periphery.offset()[column] * kWindow_ns;  // two normal, one swapped
    if (std::abs(expected) < 2000) {
      ASSERT_NEAR(seen[column], expected, 1e-6) << column;
    }
  }
}

/// W in WP1 and -W in WP2, columns with mismatched lines and offsets.
class AsymmetryBalance : public PeripheryTest {
 protected:
  AsymmetryBalance() : weights_(0.25 * weights_from(1)) {
    tile_config_ = config();
    tile_config_.periphery.gain_sigma = 0.05;
    tile_config_.periphery.offset_sigma = 0.02;
    add(tile_config_);
    site_->tile.program(WeightSet::kWp1, weights_);
    site_->tile.program(WeightSet::kWp2, -weights_);
  }

  /// The capacitors hold (b+ + b-) W x and no offset.
  void expect_balanced(const Block& x) {
    const Periphery periphery(tile_config_.periphery, services, tile_config_.index);
    const std::vector<double> seen = voltages();
    for (std::size_t column = 0; column < kWires; ++column) {
      const double product = (weights_.col(static_cast<Eigen::Index>(column)).array() * x.col(0)).sum();
      const double expected = (periphery.plus_gain()[column] + periphery.minus_gain()[column]) * product;
      ASSERT_NEAR(seen[column], expected, 1e-6) << column;
    }
  }

  TileConfig tile_config_;
  WeightMatrix weights_;
};

// The algebra of the publication: four integrations.
TEST_F(AsymmetryBalance, CancelsOnTheCapacitor) {
  const SignedInputs x(2);
  integrate(x.positive, false, false);
  integrate(x.negative, false, true);
  integrate(x.negative, true, false);
  integrate(x.positive, true, true);
  expect_balanced(x.positive - x.negative);
}

TEST_F(AsymmetryBalance, OfUnsignedInputsNeedsTheFirstAndTheLastIntegrationOnly) {
  const SignedInputs x(3);
  integrate(x.positive, false, false);
  integrate(x.positive, true, true);
  expect_balanced(x.positive);
}

TEST_F(PeripheryTest, HardSaturationLosesWhatDoesNotFit) {
  TileConfig tile_config = config();
  tile_config.periphery.saturation = Saturation::kHard;
  tile_config.periphery.saturation_weight_ns = 100;
  add(tile_config);
  WeightMatrix weights = WeightMatrix::Zero(kWires, kWires);
  weights.block(0, 0, 4, 1).setOnes();
  weights.block(0, 1, 4, 1).setConstant(-1);
  weights(0, 2) = 1;
  site_->tile.program(WeightSet::kWp1, weights);
  Block forward = Block::Zero(kWires, 1);
  forward.topRows(4).setConstant(40);  // 160 weight-ns: full at 100
  Block back = Block::Zero(kWires, 1);
  back.topRows(4).setConstant(10);
  integrate(forward, false, false);
  integrate(back, false, true);  // 40 weight-ns back from where it stopped
  const std::vector<double> seen = voltages();
  EXPECT_NEAR(seen[0], 60, kNoTolerance);
  EXPECT_NEAR(seen[1], -60, kNoTolerance);
  EXPECT_NEAR(seen[2], 30, kNoTolerance) << "did not reach the limit";
}

// dV/dq = (1 - (V / Vs)^2)^(3/2), integrated in small steps, forth and back.
TEST_F(PeripheryTest, SoftSaturationIsTheSolutionOfItsEquation) {
  constexpr double kLimit = 100;
  double voltage = 0;
  double charge = 0;
  const auto flow = [&](double amount) {
    constexpr int kSteps = 200000;
    for (int step = 0; step < kSteps; ++step) {
      const double dq = amount / kSteps;
      const double middle = voltage + 0.5 * dq * std::pow(1 - std::pow(voltage / kLimit, 2), 1.5);
      voltage += dq * std::pow(1 - std::pow(middle / kLimit, 2), 1.5);
      charge += dq;
    }
    EXPECT_NEAR(Periphery::soft(charge, kLimit), voltage, 1e-4) << charge;
  };
  flow(50);
  flow(150);
  flow(-120);
  flow(-300);

  TileConfig tile_config = config();
  tile_config.periphery.saturation = Saturation::kSoft;
  tile_config.periphery.saturation_weight_ns = kLimit;
  add(tile_config);
  WeightMatrix weights = WeightMatrix::Zero(kWires, kWires);
  weights.block(0, 0, 4, 1).setOnes();
  site_->tile.program(WeightSet::kWp1, weights);
  Block pulses = Block::Zero(kWires, 1);
  pulses.topRows(4).setConstant(40);
  integrate(pulses, false, false);
  EXPECT_NEAR(voltages()[0], Periphery::soft(160, kLimit), kNoTolerance);
}

TEST_F(PeripheryTest, RampAndComparatorErrorsShiftThePulsesEnds) {
  TileConfig tile_config = config();
  tile_config.periphery.ramp_slope_sigma = 0.03;
  tile_config.periphery.comparator_offset_sigma_weight_ns = 20;
  const Periphery periphery(tile_config.periphery, services, tile_config.index);
  EXPECT_NE(periphery.ramp_gain(), 1);
  add(tile_config);
  site_->tile.program(WeightSet::kWp1, WeightMatrix::Identity(kWires, kWires));
  Block pulses(kWires, 1);
  pulses.setConstant(50);
  integrate(pulses, false, false);
  (void)voltages();
  for (std::size_t column = 0; column < kWires; ++column) {
    const double expected =
        (50 + periphery.comparator_offset()[column] - kRampStart) / (kRampSlope * periphery.ramp_gain());
    ASSERT_NEAR(site_->out.emissions.at(0)->durations_ns(static_cast<Eigen::Index>(column), 0), expected, kNoTolerance);
  }
}

// Against drawing every device: 128 draws of all devices, 512 columns, so the mean variance is known to 0.6 %.
TEST(ReadNoise, OutputNoiseHasTheVarianceOfDrawingEveryDevice) {
  support::TestServices own;
  ArrayConfig config;
  config.double_precision = true;
  config.devices.enabled = true;
  WeightArray array(config);
  const WeightMatrix targets = weights_from(5);
  array.program(WeightSet::kWp1, targets, own.services, 0);
  array.program(WeightSet::kWp2, -targets, own.services, 0);
  const std::vector<double> first = uniform_numbers(kWires, 6);
  const std::vector<double> second = uniform_numbers(kWires, 7);
  std::vector<double> first_squares(kWires);
  std::vector<double> second_squares(kWires);
  for (std::size_t row = 0; row < kWires; ++row) {
    first_squares[row] = first[row] * first[row];
    second_squares[row] = second[row] * second[row];
  }
  std::vector<double> variance(kWires);
  array.noise_variance({first_squares.data(), second_squares.data()}, variance.data(), 1, 0, kWires);

  const pcm::DevicePairs devices(config.devices);
  constexpr int kDraws = 128;
  std::vector<double> squares(kWires, 0.0);
  std::vector<double> sums(kWires);
  pcm::RowOfPairs pairs;
  std::vector<double> normals(kWires);
  std::vector<std::vector<double>> deviations(kWires, std::vector<double>(kWires));
  for (int row = 0; row < kWires; ++row) {
    devices.row({1, 0, 0, 0}, row, targets.data() + static_cast<Eigen::Index>(row) * kWires, pairs);
    for (std::size_t column = 0; column < kWires; ++column) {
      deviations[static_cast<std::size_t>(row)][column] = std::sqrt(pairs.variance[column]);
    }
  }
  for (int draw = 0; draw < kDraws; ++draw) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::uint32_t set = 0; set < 2; ++set) {
      const std::vector<double>& x = set == 0 ? first : second;
      for (std::size_t row = 0; row < kWires; ++row) {
        noise::gaussian({7, 0, set, noise::Purpose::kWorkload, static_cast<std::uint64_t>(draw), 0, 0}, row * kWires,
                        normals.data(), kWires);
        for (std::size_t column = 0; column < kWires; ++column) {
          sums[column] += deviations[row][column] * x[row] * normals[column];
        }
      }
    }
    for (std::size_t column = 0; column < kWires; ++column) {
      squares[column] += sums[column] * sums[column];
    }
  }
  double ratio = 0;
  for (std::size_t column = 0; column < kWires; ++column) {
    const double drawn = squares[column] / kDraws;
    ratio += drawn / variance[column] / kWires;
    EXPECT_NEAR(drawn / variance[column], 1, 0.65) << column;  // deviation sqrt(2 / 128) = 0.125
  }
  EXPECT_NEAR(ratio, 1, 0.025);
}

TEST(ReadNoise, IsDrawnAnewForEachStreamAndStepAndNotForEachRun) {
  constexpr Eigen::Index kLanes = 32;
  support::TestServices own(kLanes);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    own.lanes.set_key(lane, {lane % 16, 3});  // lanes 16.. are the same utterances again
  }
  TileConfig config;
  config.array.double_precision = true;
  config.array.devices.enabled = true;
  Site site("a", own.services, config);
  const WeightMatrix targets = weights_from(5);
  site.tile.program(WeightSet::kWp1, targets);
  support::ControlDriver& lc = site.lc;
  lc.at(0, {{Group::kRowGate, 0xff},
            {Group::kPrecharge, 0xff},
            {Group::kWp1, 0xff},
            {Group::kRampSlope, 32 * 64},
            {Group::kRampStart, static_cast<std::uint32_t>(-2048 * 4) & 0xffffU}});
  lc.at(5, Group::kPrecharge, 0);
  lc.at(100, Group::kIntegrate, 0xff);
  lc.at(170, Group::kIntegrate, 0);
  Block x = Block::Zero(kWires, kLanes);
  for (Eigen::Index wire = 0; wire < kWires; wire += 4) {
    x.row(wire).setConstant(30);
  }
  site.rows.at(102, x);
  lc.at(200, {{Group::kRamp, 1}, {Group::kEnable, 0xff}, {Group::kColumnOut, 0xff}});
  lc.at(400, {{Group::kRamp, 0}, {Group::kEnable, 0}, {Group::kColumnOut, 0}});
  run_until(500);
  ASSERT_EQ(site.out.emissions.size(), 1U);
  const Block volts = 32 * site.out.emissions.at(0)->durations_ns - 2048;
  EXPECT_TRUE((volts.leftCols(16) == volts.rightCols(16)).all()) << "same stream and step, same bits";

  std::vector<double> squares(kWires, 0.0);
  for (Eigen::Index wire = 0; wire < kWires; wire += 4) {
    squares[static_cast<std::size_t>(wire)] = 900;
  }
  std::vector<double> variance(kWires);
  site.tile.array().noise_variance<double>({squares.data(), nullptr}, variance.data(), 1, 0, kWires);
  double ratio = 0;
  for (Eigen::Index column = 0; column < kWires; ++column) {
    const auto sample = volts.row(column).leftCols(16);
    const double drawn = (sample - sample.mean()).square().sum() / 15;
    ratio += drawn / variance[static_cast<std::size_t>(column)] / kWires;
  }
  EXPECT_NEAR(ratio, 1, 0.06) << "512 variances of 16 draws: deviation 0.016";
}

// 1e9 seconds of age in a simulated second: 100 ns are 100 s, five times the time at which drift starts.
TEST_F(PeripheryTest, DevicesAgeWhileTheSimulationRuns) {
  TileConfig tile_config = config();
  tile_config.array.devices.enabled = true;
  tile_config.array.devices.programming_scale = 0;
  tile_config.array.devices.read_noise = false;
  tile_config.array.devices.time_lapse = 1e9;
  add(tile_config);
  const WeightMatrix weights = 0.5 * WeightMatrix::Identity(kWires, kWires);
  site_->tile.program(WeightSet::kWp1, weights);
  EXPECT_EQ(site_->tile.array().weights(WeightSet::kWp1), weights);
  integrate(Block::Constant(kWires, 1, 50), false, false);
  const std::vector<double> seen = voltages();
  ArrayConfig aged = tile_config.array;
  aged.devices.time_lapse = 0;
  aged.devices.age_s = 200;  // the ramp starts at 200 ns
  WeightArray expected(aged);
  expected.program(WeightSet::kWp1, weights, services, tile_config.index);
  const WeightMatrix conductances = expected.weights(WeightSet::kWp1);
  for (Eigen::Index column = 0; column < kWires; ++column) {
    ASSERT_LT(conductances(column, column), 0.5);
    ASSERT_NEAR(seen[static_cast<std::size_t>(column)], 50 * conductances(column, column), 1e-6);
  }
}

}  // namespace
}  // namespace chronotile::tile
