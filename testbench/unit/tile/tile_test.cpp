#include "models/tile/tile.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "models/base/noise.hpp"
#include "models/mesh/node.hpp"
#include "testbench/support/violations.hpp"
#include "testbench/unit/tile/tile_bench.hpp"

namespace chronotile::tile {
namespace {

using isa::Group;
using support::is_violation;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = ViolationKind;

std::vector<double> random_numbers(std::size_t count, std::uint32_t event) {
  noise::Stream stream;
  stream.purpose = noise::Purpose::kWorkload;
  stream.event = event;
  std::vector<double> numbers(count);
  noise::uniform(stream, 0, numbers.data(), count);
  return numbers;
}

WeightMatrix random_weights(std::uint32_t event, double scale = 1.0 / 16) {
  WeightMatrix weights(kWires, kWires);
  const std::vector<double> numbers = random_numbers(static_cast<std::size_t>(weights.size()), event);
  for (Eigen::Index index = 0; index < weights.size(); ++index) {
    weights.data()[index] = static_cast<double>(static_cast<float>(numbers[static_cast<std::size_t>(index)] * scale));
  }
  return weights;
}

/// Whole numbers 0..50 ns, about every second wire without a pulse.
Block random_pulses(std::uint32_t event, Eigen::Index lanes = 1) {
  Block durations(kWires, lanes);
  for (Eigen::Index lane = 0; lane < lanes; ++lane) {
    const std::vector<double> numbers = random_numbers(kWires, event + 1000 * static_cast<std::uint32_t>(lane));
    for (Eigen::Index wire = 0; wire < kWires; ++wire) {
      durations(wire, lane) = std::max(0.0, std::round(50 * numbers[static_cast<std::size_t>(wire)]));
    }
  }
  return durations;
}

/// Column sums in row order.
Block dot(const WeightMatrix& weights, const Block& x) {
  Block sums = Block::Zero(kWires, x.cols());
  for (Eigen::Index column = 0; column < kWires; ++column) {
    for (Eigen::Index lane = 0; lane < x.cols(); ++lane) {
      for (Eigen::Index row = 0; row < kWires; ++row) {
        sums(column, lane) = std::fma(static_cast<double>(weights(row, column)), x(row, lane), sums(column, lane));
      }
    }
  }
  return sums;
}

/// One weight on wire and column 0.
WeightMatrix single_weight(double value = 1.0) {
  WeightMatrix weights = WeightMatrix::Zero(kWires, kWires);
  weights(0, 0) = value;
  return weights;
}

Block single_pulse(double duration_ns, Eigen::Index wire = 0) {
  Block durations = Block::Zero(kWires, 1);
  durations(wire, 0) = duration_ns;
  return durations;
}

TileConfig exact_config(std::uint32_t index = 0) {
  TileConfig config;
  config.index = index;
  config.array.double_precision = true;
  return config;
}

/// Levels of a tile that computes through WP1 and reads with one weight-ns per ns.
void prepare(support::ControlDriver& lc, double precharge_ns = 0) {
  lc.at(precharge_ns,
        {{Group::kRowGate, 0xff}, {Group::kWp1, 0xff}, {Group::kPrecharge, 0xff}, {Group::kRampSlope, 64}});
  lc.at(precharge_ns + 5, Group::kPrecharge, 0);
}
void window(support::ControlDriver& lc, double open_ns, double close_ns, std::uint32_t columns = 0xff) {
  lc.at(open_ns, Group::kIntegrate, columns);
  lc.at(close_ns, Group::kIntegrate, 0);
}
/// Ramp and EN together from `start_ns` to `stop_ns`.
void read(support::ControlDriver& lc, double start_ns, double stop_ns, std::uint32_t ramp = 1) {
  lc.at(start_ns, {{Group::kRamp, ramp}, {Group::kEnable, 0xff}, {Group::kColumnOut, 0xff}});
  lc.at(stop_ns, {{Group::kRamp, 0}, {Group::kEnable, 0}, {Group::kColumnOut, 0}});
}

TileConfig with_full_scale(double full_scale_ns) {
  TileConfig config = exact_config();
  config.full_scale_ns = full_scale_ns;
  return config;
}

class TileTest : public support::ServicesFixture {
 protected:
  Site& add(const TileConfig& config = exact_config()) {
    site_ = std::make_unique<Site>("a", services, config);
    return *site_;
  }
  const Block& only_durations() {
    EXPECT_EQ(site_->out.emissions.size(), 1U);
    return site_->out.emissions.at(0)->durations_ns;
  }
  std::unique_ptr<Site> site_;
};

/// The physically wrong number that a mistake leaves behind, and the only violation.
void expect_column0(const Site& site, double duration_ns) {
  ASSERT_FALSE(site.out.emissions.empty());
  EXPECT_DOUBLE_EQ(site.out.emissions.back()->durations_ns(0, 0), duration_ns);
}

TEST_F(TileTest, AnIntegrationIsAMatrixVectorProductAndReluIsExact) {
  Site& site = add();
  const WeightMatrix weights = random_weights(1);
  site.tile.program(WeightSet::kWp1, weights);
  const Block x = random_pulses(2);
  prepare(site.lc);
  window(site.lc, 10, 70);
  site.rows.at(12, x);
  read(site.lc, 100, 400);
  run_until(500);

  const Block expected = dot(weights, x).max(0.0);
  EXPECT_TRUE((only_durations() == expected).all());
  EXPECT_EQ(site.out.begun.at(0), sc_core::sc_time(100, sc_core::SC_NS));
  EXPECT_EQ(site.out.ended.at(0), duration::ceil_time(100 + expected.maxCoeff()));
  EXPECT_EQ(site.out.emissions[0]->lead_ns, 100);
  EXPECT_EQ(site.out.emissions[0]->longest_ns, expected.maxCoeff());
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(TileTest, AsymmetryBalanceDoublesTheResult) {
  Site& site = add();
  const WeightMatrix weights = random_weights(1);
  site.tile.program(WeightSet::kWp1, weights);
  site.tile.program(WeightSet::kWp2, -weights);
  const Block x = random_pulses(2);
  prepare(site.lc);
  window(site.lc, 10, 70);
  site.rows.at(12, x);
  site.lc.at(80, {{Group::kIntegrate, 0xff}, {Group::kWp1, 0}, {Group::kWp2, 0xff}, {Group::kPolarity, 0xff}});
  site.lc.at(140, Group::kIntegrate, 0);
  site.rows.at(82, x);
  read(site.lc, 150, 450);
  run_until(500);
  EXPECT_TRUE((only_durations() == (2 * dot(weights, x)).max(0.0)).all());
  EXPECT_THAT(violations.kept(), IsEmpty());
}

// In single precision, with transport errors that differ between the two integrations.
TEST(TileFold, ANegatedSetFoldedChangesNoMoreThanRoundings) {
  std::vector<std::unique_ptr<support::TestServices>> shared;
  std::vector<std::unique_ptr<Site>> sites;
  const Block x = random_pulses(2);
  const WeightMatrix weights = random_weights(1);
  for (const bool fold : {true, false}) {
    TileConfig config;
    config.array.fold_negated_set = fold;
    mesh::TransportErrorConfig transport;
    transport.mode = mesh::TransportErrorMode::kUniform;
    shared.push_back(std::make_unique<support::TestServices>());
    sites.push_back(std::make_unique<Site>(fold ? "folded" : "apart", shared.back()->services, config, transport));
    Site& site = *sites.back();
    site.tile.program(WeightSet::kWp1, weights);
    site.tile.program(WeightSet::kWp2, -weights);
    EXPECT_EQ(site.tile.array().folded(), fold);
    prepare(site.lc);
    window(site.lc, 10, 70);
    site.rows.at(12, x);
    site.lc.at(80, {{Group::kIntegrate, 0xff}, {Group::kWp1, 0}, {Group::kWp2, 0xff}, {Group::kPolarity, 0xff}});
    site.lc.at(140, Group::kIntegrate, 0);
    site.rows.at(82, x);
    read(site.lc, 150, 450);
  }
  run_until(500);
  const Block& folded = sites[0]->out.emissions.at(0)->durations_ns;
  const Block& apart = sites[1]->out.emissions.at(0)->durations_ns;
  EXPECT_GT(apart.maxCoeff(), 10);
  EXPECT_LT((folded - apart).abs().maxCoeff(), 1e-3);
  EXPECT_FALSE((folded == apart).all());
  EXPECT_EQ(shared[0]->energy.total_nJ(), shared[1]->energy.total_nJ());
  EXPECT_EQ(shared[0]->violations.count() + shared[1]->violations.count(), 0U);
}

TEST_F(TileTest, SignedInputsOfOneSetAreOneSignedSum) {
  Site& site = add();
  const WeightMatrix weights = random_weights(1);
  site.tile.program(WeightSet::kWp1, weights);
  const Block positive = random_pulses(2);
  const Block negative = random_pulses(3);
  prepare(site.lc);
  window(site.lc, 10, 70);
  site.rows.at(12, positive);
  site.lc.at(80, {{Group::kIntegrate, 0xff}, {Group::kPolarity, 0xff}});
  site.lc.at(140, Group::kIntegrate, 0);
  site.rows.at(82, negative);
  read(site.lc, 150, 450);
  run_until(500);
  EXPECT_TRUE((only_durations() == dot(weights, positive - negative).max(0.0)).all());
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(TileTest, BothSetsTogetherAreAFourDeviceWeight) {
  Site& site = add();
  const WeightMatrix first = random_weights(1);
  const WeightMatrix second = random_weights(4);
  site.tile.program(WeightSet::kWp1, first);
  site.tile.program(WeightSet::kWp2, second);
  const Block x = random_pulses(2);
  prepare(site.lc);
  site.lc.at(6, Group::kWp2, 0xff);
  window(site.lc, 10, 70);
  site.rows.at(12, x);
  read(site.lc, 100, 400);
  run_until(500);
  EXPECT_TRUE((only_durations() == (dot(first, x) + dot(second, x)).max(0.0)).all());
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(TileTest, AWindowThatClosesTooEarlyIntegratesTheOverlap) {
  Site& site = add();
  const WeightMatrix weights = random_weights(1);
  site.tile.program(WeightSet::kWp1, weights);
  const Block x = random_pulses(2);
  prepare(site.lc);
  window(site.lc, 10, 42);
  site.rows.at(12, x);
  read(site.lc, 100, 400);
  run_until(500);
  EXPECT_TRUE((only_durations() == dot(weights, x.min(30.0)).max(0.0)).all());
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kPulseNotCovered, "a_tile", 12 + x.maxCoeff())));
}

TEST_F(TileTest, AWindowThatOpensTooLateIntegratesTheOverlap) {
  Site& site = add();
  site.tile.program(WeightSet::kWp1, single_weight());
  prepare(site.lc);
  window(site.lc, 22, 70);
  site.rows.at(12, single_pulse(40));
  read(site.lc, 100, 200);
  run_until(300);
  expect_column0(site, 30);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kPulseNotCovered, "a_tile", 52)));
  EXPECT_THAT(violations.kept().at(0).detail, testing::HasSubstr("10.000 ns lie outside"));
}

TEST_F(TileTest, EnableClosesAtFullScale) {
  Site& site = add(with_full_scale(40));
  site.tile.program(WeightSet::kWp1, single_weight());
  prepare(site.lc);
  window(site.lc, 10, 70);
  site.rows.at(12, single_pulse(50));
  read(site.lc, 100, 140);
  run_until(200);
  expect_column0(site, 40);
  EXPECT_EQ(site.out.ended.at(0), sc_core::sc_time(140, sc_core::SC_NS));
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(TileTest, OffsetCodeReadsSignedNumbers) {
  Site& site = add();
  site.tile.program(WeightSet::kWp1, single_weight(-1.0F));
  prepare(site.lc);
  window(site.lc, 10, 70);
  site.rows.at(12, single_pulse(50));
  site.lc.at(90, Group::kRampStart, static_cast<std::uint16_t>(-128 * 4));
  read(site.lc, 100, 355);
  run_until(400);
  expect_column0(site, 128 - 50);
  EXPECT_EQ(site.out.emissions[0]->durations_ns(1, 0), 128);
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(TileTest, HardSigmoidAndReluByEnableAlone) {
  Site& site = add(with_full_scale(30));
  site.tile.program(WeightSet::kWp1, single_weight());
  prepare(site.lc);
  window(site.lc, 10, 70);
  site.rows.at(12, single_pulse(50));
  site.lc.at(90, Group::kRampStart, static_cast<std::uint16_t>(-20 * 4));
  // the ramp crosses zero 20 ns after it starts: EN opens there (ReLU), shuts at 30 weight-ns
  site.lc.at(100, {{Group::kRamp, 1}, {Group::kColumnOut, 0xff}});
  site.lc.at(120, Group::kEnable, 0xff);
  site.lc.at(150, Group::kEnable, 0);
  site.lc.at(160, {{Group::kRamp, 0}, {Group::kColumnOut, 0}});
  run_until(200);
  expect_column0(site, 30);
  EXPECT_EQ(only_durations()(1, 0), 0);
  EXPECT_EQ(site.out.begun.at(0), sc_core::sc_time(120, sc_core::SC_NS));
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(TileTest, FallingRampWithReversedComparatorReadsNegativeNumbers) {
  Site& site = add();
  const WeightMatrix weights = random_weights(1);
  site.tile.program(WeightSet::kWp1, weights);
  const Block x = random_pulses(2);
  prepare(site.lc);
  window(site.lc, 10, 70);
  site.rows.at(12, x);
  site.lc.at(90, {{Group::kComparator, 0xff}, {Group::kRampSlope, 128}});
  read(site.lc, 100, 400, 3);
  run_until(500);
  EXPECT_TRUE((only_durations() == (-dot(weights, x) / 2).max(0.0)).all());
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(TileTest, SeveralEnableWindowsInOneRampAreSeveralEmissions) {
  Site& site = add();
  site.tile.program(WeightSet::kWp1, single_weight());
  prepare(site.lc);
  window(site.lc, 10, 70);
  site.rows.at(12, single_pulse(50));
  site.lc.at(100, {{Group::kRamp, 1}, {Group::kColumnOut, 0xff}, {Group::kEnable, 0xff}});
  site.lc.at(110, Group::kEnable, 0);
  site.lc.at(130, Group::kEnable, 0x0f);
  site.lc.at(170, {{Group::kEnable, 0}, {Group::kRamp, 0}});
  run_until(200);
  ASSERT_EQ(site.out.emissions.size(), 2U);
  EXPECT_EQ(site.out.emissions[0]->durations_ns(0, 0), 10);
  EXPECT_EQ(site.out.emissions[1]->durations_ns(0, 0), 20);
  EXPECT_EQ(site.out.emissions[1]->groups, 0x0f);
  EXPECT_EQ(site.out.ended[1], sc_core::sc_time(150, sc_core::SC_NS));
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kPulseCutShort, "a_tile", 110)));
}

TEST_F(TileTest, SlopeZeroNeverCrosses) {
  Site& site = add();
  site.tile.program(WeightSet::kWp1, single_weight());
  prepare(site.lc);
  site.lc.at(6, Group::kRampSlope, 0);
  window(site.lc, 10, 70);
  site.rows.at(12, single_pulse(50));
  read(site.lc, 100, 190);
  run_until(200);
  expect_column0(site, 90);
  EXPECT_EQ(only_durations()(1, 0), 0);
}

TEST_F(TileTest, TheStopOfTheRampCutsPulses) {
  Site& site = add();
  site.tile.program(WeightSet::kWp1, single_weight());
  prepare(site.lc);
  window(site.lc, 10, 70);
  site.rows.at(12, single_pulse(50));
  read(site.lc, 100, 120);
  run_until(200);
  expect_column0(site, 20);
}

TEST_F(TileTest, ColumnGroupsAreIndependent) {
  Site& site = add();
  const WeightMatrix first = random_weights(1);
  const WeightMatrix second = random_weights(4);
  site.tile.program(WeightSet::kWp1, first);
  site.tile.program(WeightSet::kWp2, second);
  const Block x = random_pulses(2);
  prepare(site.lc);
  // groups 0,1: WP1; 2: WP2 with swapped polarity; 3: both, but the window closes early; 7: no window
  site.lc.at(6, {{Group::kWp1, 0x7b}, {Group::kWp2, 0x0c}, {Group::kPolarity, 0x04}});
  site.lc.at(10, Group::kIntegrate, 0x0f);
  site.lc.at(32, Group::kIntegrate, 0x07);
  site.lc.at(70, Group::kIntegrate, 0);
  site.rows.at(12, x);
  site.lc.at(90, Group::kRampStart, static_cast<std::uint16_t>(-500 * 4));
  read(site.lc, 100, 1200);
  run_until(1300);
  const Block& result = only_durations();
  const Block full_first = dot(first, x);
  const Block full_second = dot(second, x);
  const Block short_first = dot(first, x.min(20.0));
  const Block short_second = dot(second, x.min(20.0));
  EXPECT_TRUE((result.topRows(128) == full_first.topRows(128) + 500).all());
  EXPECT_TRUE((result.middleRows(128, 64) == 500 - full_second.middleRows(128, 64)).all());
  EXPECT_TRUE(
      (result.middleRows(192, 64) == short_first.middleRows(192, 64) + short_second.middleRows(192, 64) + 500).all());
  EXPECT_TRUE((result.bottomRows(256) == 500).all());
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kPulseNotCovered)));
}

TEST_F(TileTest, ClosedRowGatesKeepRowsSilent) {
  Site& site = add();
  const WeightMatrix weights = random_weights(1);
  site.tile.program(WeightSet::kWp1, weights);
  Block x = random_pulses(2);
  prepare(site.lc);
  site.lc.at(6, Group::kRowGate, 0x81);
  window(site.lc, 10, 70);
  site.rows.at(12, x);
  read(site.lc, 100, 400);
  run_until(500);
  x.middleRows(64, 384).setZero();
  EXPECT_TRUE((only_durations() == dot(weights, x).max(0.0)).all());
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(TileTest, RowSourceSelectsThePlane) {
  Site& site = add();
  const WeightMatrix weights = random_weights(1);
  site.tile.program(WeightSet::kWp1, weights);
  const Block horizontal = random_pulses(2);
  const Block vertical = random_pulses(3);
  prepare(site.lc);
  site.lc.at(6, Group::kRowSource, 0xf0);
  window(site.lc, 10, 70);
  site.rows.at(12, horizontal);
  site.verticals.at(13, vertical);
  read(site.lc, 100, 400);
  run_until(500);
  Block x = horizontal;
  x.bottomRows(256) = vertical.bottomRows(256);
  EXPECT_TRUE((only_durations() == dot(weights, x).max(0.0)).all());
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(TileTest, PropagationShiftsThePulseAtTheRows) {
  Site& site = add();
  site.tile.program(WeightSet::kWp1, single_weight());
  prepare(site.lc);
  window(site.lc, 10, 52);
  const auto emission = site.rows.at(12, single_pulse(40), kAllGroups, 0.25);
  read(site.lc, 100, 200);
  run_until(300);
  expect_column0(site, 39.75);
  EXPECT_EQ(emission->heard, 0xff);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kPulseNotCovered, "a_tile", 52.25)));
}

TEST_F(TileTest, ReadingDoesNotConsumeTheCharge) {
  Site& site = add();
  site.tile.program(WeightSet::kWp1, single_weight());
  prepare(site.lc);
  window(site.lc, 10, 70);
  site.rows.at(12, single_pulse(50));
  read(site.lc, 100, 200);
  read(site.lc, 210, 300);
  run_until(400);
  ASSERT_EQ(site.out.emissions.size(), 2U);
  EXPECT_EQ(site.out.emissions[0]->durations_ns(0, 0), 50);
  EXPECT_EQ(site.out.emissions[1]->durations_ns(0, 0), 50);
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(TileTest, PrechargeWhileTheRampRunsDoesNotTouchItsPulses) {
  Site& site = add();
  site.tile.program(WeightSet::kWp1, single_weight());
  prepare(site.lc);
  window(site.lc, 10, 70);
  site.rows.at(12, single_pulse(50));
  read(site.lc, 100, 200);
  site.lc.at(101, Group::kPrecharge, 0xff);
  site.lc.at(102, {{Group::kPrecharge, 0}, {Group::kIntegrate, 0xff}});
  site.lc.at(150, Group::kIntegrate, 0);
  site.rows.at(105, single_pulse(7));
  read(site.lc, 210, 300);
  run_until(400);
  ASSERT_EQ(site.out.emissions.size(), 2U);
  EXPECT_EQ(site.out.emissions[0]->durations_ns(0, 0), 50);
  EXPECT_EQ(site.out.emissions[1]->durations_ns(0, 0), 7);
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(TileTest, AnEmissionWithoutPulsesEndsADeltaAfterItBegins) {
  Site& site = add();
  prepare(site.lc);
  read(site.lc, 100, 200);
  run_until(300);
  EXPECT_EQ(site.out.begun.at(0), sc_core::sc_time(100, sc_core::SC_NS));
  EXPECT_EQ(site.out.ended.at(0), sc_core::sc_time(100, sc_core::SC_NS));
  EXPECT_TRUE((only_durations() == 0).all());
}

/// Late in a simulation a double can hold the end of a pulse that is just behind a representable time.
TEST_F(TileTest, AnEmissionEndsLateInASimulationToo) {
  Site& site = add();
  site.tile.program(WeightSet::kWp1, single_weight());
  constexpr double kStart = 1e9;
  double length = 50;
  while (duration::to_ns(duration::ceil_time(kStart + 100 + length)) >= kStart + 100 + length - 1e-9) {
    length += std::ldexp(1.0, -23);
    ASSERT_LT(length, 60);
  }
  prepare(site.lc, kStart);
  window(site.lc, kStart + 10, kStart + 80);
  site.rows.at(kStart + 12, single_pulse(length));
  read(site.lc, kStart + 100, kStart + 200);
  site.lc.at(kStart + 300, Group::kRowGate, 0);
  run_until(kStart + 400);
  expect_column0(site, length);
  EXPECT_EQ(site.out.ended.at(0), duration::ceil_time(kStart + 100 + length));
  EXPECT_THAT(violations.kept(), IsEmpty());
}

// ---- capacitor sharing ----

class SharedTest : public support::ServicesFixture {
 protected:
  void build(std::size_t count, bool reversed = false) {
    sites_.resize(count);
    for (std::size_t turn = 0; turn < count; ++turn) {
      const std::size_t index = reversed ? count - 1 - turn : turn;
      sites_[index] = std::make_unique<Site>("t" + std::to_string(index), services,
                                             exact_config(static_cast<std::uint32_t>(index)));
      sites_[index]->tile.program(WeightSet::kWp1, single_weight());
    }
    for (std::size_t index = 0; index + 1 < count; ++index) {
      join_north_south(sites_[index]->tile, sites_[index + 1]->tile);
    }
  }
  /// Each tile integrates one pulse.
  void integrate(std::initializer_list<double> durations_ns) {
    std::size_t index = 0;
    for (const double duration_ns : durations_ns) {
      Site& site = *sites_[index++];
      prepare(site.lc);
      window(site.lc, 10, 210);
      site.rows.at(12, single_pulse(duration_ns));
    }
  }
  void share(std::size_t northern, double time_ns, std::uint32_t level = 0xff) {
    sites_[northern]->lc.at(time_ns, Group::kShareSouth, level);
    sites_[northern + 1]->lc.at(time_ns, Group::kShareNorth, level);
  }
  [[nodiscard]] double column0(std::size_t index, std::size_t emission = 0) const {
    return sites_[index]->out.emissions.at(emission)->durations_ns(0, 0);
  }
  std::vector<std::unique_ptr<Site>> sites_;
};

TEST_F(SharedTest, APairReadsTheMeanOnBothSides) {
  build(2);
  integrate({40, 100});
  share(0, 6);
  read(sites_[0]->lc, 300, 500);
  read(sites_[1]->lc, 300, 500);
  run_until(600);
  EXPECT_EQ(column0(0), 70);
  EXPECT_EQ(column0(1), 70);
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(SharedTest, AChainOfThreeInAnyOrderOfModules) {
  build(3, true);
  integrate({40, 100, 190});
  share(0, 6);
  share(1, 6);
  read(sites_[1]->lc, 300, 500);
  read(sites_[2]->lc, 310, 500);
  run_until(600);
  EXPECT_EQ(column0(1), 110);
  EXPECT_EQ(column0(2), 110);
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(SharedTest, SharingIsPerColumnGroup) {
  build(2);
  integrate({40, 100});
  share(0, 6, 0xfe);
  read(sites_[0]->lc, 300, 500);
  run_until(600);
  EXPECT_EQ(column0(0), 40);
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(SharedTest, HalfOpenShareReadsTheOwnCapacitorAlone) {
  build(2);
  integrate({40, 100});
  sites_[0]->lc.at(6, Group::kShareSouth, 0xff);
  read(sites_[0]->lc, 300, 500);
  run_until(600);
  EXPECT_EQ(column0(0), 40);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kShareHalfOpen, "t0_tile", 300)));
}

TEST_F(SharedTest, AConnectionThatOpensLeavesEqualVoltages) {
  build(2);
  integrate({40, 100});
  share(0, 6);
  share(0, 220, 0);  // both sides in the same cycle
  window(sites_[0]->lc, 230, 260);
  sites_[0]->rows.at(232, single_pulse(20));
  read(sites_[0]->lc, 300, 500);
  read(sites_[1]->lc, 300, 500);
  run_until(600);
  EXPECT_EQ(column0(0), 90);
  EXPECT_EQ(column0(1), 70);
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(SharedTest, AConnectionOfSomeGroupsThatOpensLeavesTheOthersAlone) {
  build(2);
  WeightMatrix weights = single_weight();
  weights(0, kWiresPerGroup) = weights(0, 0);
  for (const std::unique_ptr<Site>& site : sites_) {
    site->tile.program(WeightSet::kWp1, weights);
  }
  integrate({40, 100});
  share(0, 6, 0xfe);
  share(0, 220, 0);
  read(sites_[0]->lc, 300, 500);
  read(sites_[1]->lc, 300, 500);
  run_until(600);
  for (const std::size_t index : {0U, 1U}) {
    EXPECT_EQ(column0(index), index == 0 ? 40 : 100);
    EXPECT_EQ(sites_[index]->out.emissions.at(0)->durations_ns(kWiresPerGroup, 0), 70);
  }
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(SharedTest, AConnectionThatOpensWithinAWindowKeepsWhatComesLater) {
  build(2);
  integrate({40, 100});
  share(0, 6);
  share(0, 60, 0);  // the southern pulse lasts until 112: what comes later is the south's alone
  read(sites_[0]->lc, 300, 500);
  read(sites_[1]->lc, 300, 500);
  run_until(600);
  EXPECT_EQ(column0(0), (40 + 48) / 2);
  EXPECT_EQ(column0(1), (40 + 48) / 2 + 52);
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(SharedTest, OneSideThatOpensEndsTheConnection) {
  build(2, true);
  integrate({40, 100});
  share(0, 6);
  sites_[1]->lc.at(60, Group::kShareNorth, 0);
  read(sites_[0]->lc, 300, 500);
  read(sites_[1]->lc, 300, 500);
  run_until(600);
  EXPECT_EQ(column0(0), 44);
  EXPECT_EQ(column0(1), 96);
  EXPECT_EQ(violations.count(Kind::kShareHalfOpen), 2U);
}

TEST_F(SharedTest, WiresThatRiseCountAsIfTheyWereCutWhereTheChargeIsWanted) {
  build(2);
  for (const auto& site : sites_) {
    prepare(site->lc);
    window(site->lc, 10, 210);
  }
  sites_[0]->rows.rising_at(12, single_pulse(20), 132);  // rises 20 ns after the lead, the others at once
  sites_[1]->rows.rising_at(12, single_pulse(70), 132);  // not yet when the connection opens
  share(0, 6);
  share(0, 62, 0);
  read(sites_[0]->lc, 300, 500);
  read(sites_[1]->lc, 300, 500);
  run_until(600);
  EXPECT_EQ(column0(0), 50.0 / 2 + 70);
  EXPECT_EQ(column0(1), 50.0 / 2 + 70);
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(SharedTest, ANeighbourThatPrechargesDuringAnIntegrationIsReportedThere) {
  build(3, true);
  integrate({40, 100, 190});
  share(0, 6);
  share(1, 6);
  for (const std::size_t index : {0U, 2U}) {  // both neighbours: reported once
    sites_[index]->lc.at(32, {{Group::kPrecharge, 0x01}, {Group::kIntegrate, 0}});
    sites_[index]->lc.at(34, Group::kPrecharge, 0);
    sites_[index]->lc.at(52, Group::kPrecharge, 0x01);
    sites_[index]->lc.at(62, Group::kPrecharge, 0);
  }
  read(sites_[1]->lc, 300, 500);
  run_until(600);
  EXPECT_DOUBLE_EQ(column0(1), 50.0 / 3);
  std::vector<Violation> conflicts;
  for (const Violation& violation : violations.kept()) {
    if (violation.kind == Kind::kPrechargeDuringIntegration) {
      conflicts.push_back(violation);
    }
  }
  EXPECT_THAT(conflicts, ElementsAre(is_violation(Kind::kPrechargeDuringIntegration, "t1_tile", 32),
                                     is_violation(Kind::kPrechargeDuringIntegration, "t1_tile", 52)));
}

TEST_F(SharedTest, ARampWhileAConnectedCapacitorIsPrechargedReadsZero) {
  build(2);
  integrate({40, 100});
  share(0, 6);
  sites_[1]->lc.at(300, Group::kPrecharge, 0xff);
  read(sites_[0]->lc, 300, 500);
  run_until(600);
  EXPECT_EQ(column0(0), 0);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kRampDuringPrecharge, "t0_tile", 300)));
}

TEST_F(SharedTest, PrechargeReachesConnectedCapacitors) {
  build(2);
  integrate({40, 100});
  share(0, 215);
  sites_[0]->lc.at(220, Group::kPrecharge, 0xff);
  sites_[0]->lc.at(222, Group::kPrecharge, 0);
  window(sites_[1]->lc, 225, 240);
  sites_[1]->rows.at(226, single_pulse(10));
  read(sites_[1]->lc, 300, 500);
  run_until(600);
  EXPECT_EQ(column0(1), 5);
  EXPECT_THAT(violations.kept(), IsEmpty());
}

TEST_F(SharedTest, ReadingAPairUsesUpThePrechargeOfBoth) {
  build(2);
  integrate({40, 100});
  share(0, 6);
  read(sites_[0]->lc, 300, 500);
  window(sites_[1]->lc, 510, 540);
  sites_[1]->rows.at(512, single_pulse(20));
  read(sites_[0]->lc, 550, 700);
  run_until(800);
  EXPECT_EQ(column0(0, 1), 80);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kIntegrateWithoutPrecharge, "t1_tile", 510)));
}

// ---- one mistake each ----

class MistakeTest : public TileTest {
 protected:
  MistakeTest() {
    add().tile.program(WeightSet::kWp1, single_weight());
    site().lc.set_pc(0x1f);
  }
  Site& site() { return *site_; }
  support::ControlDriver& lc() { return site_->lc; }
};

TEST_F(MistakeTest, ForgottenPrecharge) {
  prepare(lc());
  window(lc(), 10, 70);
  site().rows.at(12, single_pulse(50));
  read(lc(), 100, 200);
  window(lc(), 210, 270);
  site().rows.at(212, single_pulse(30));
  read(lc(), 300, 400);
  run_until(500);
  expect_column0(site(), 80);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kIntegrateWithoutPrecharge, "a_tile", 210, 0x1f)));
}

TEST_F(MistakeTest, PrechargeInTheMiddleOfAWindow) {
  prepare(lc());
  window(lc(), 10, 70);
  site().rows.at(12, single_pulse(50));
  lc().at(30, Group::kPrecharge, 0xff);
  lc().at(40, Group::kPrecharge, 0);
  read(lc(), 100, 200);
  run_until(300);
  expect_column0(site(), 22);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kPrechargeDuringIntegration, "a_tile", 30)));
}

TEST_F(MistakeTest, NobodySends) {
  prepare(lc());
  window(lc(), 10, 70);
  read(lc(), 100, 200);
  run_until(300);
  expect_column0(site(), 0);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kIntegrateIdle, "a_tile", 70)));
}

TEST_F(MistakeTest, NoWeightSetSelected) {
  prepare(lc());
  lc().at(6, Group::kWp1, 0);
  window(lc(), 10, 70);
  site().rows.at(12, single_pulse(50));
  read(lc(), 100, 200);
  run_until(300);
  expect_column0(site(), 0);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kIntegrateNoWeights, "a_tile", 10)));
}

TEST_F(MistakeTest, WindowOpensLongBeforeThePulses) {
  prepare(lc());
  window(lc(), 10, 90);
  site().rows.at(20.5, single_pulse(50));
  read(lc(), 100, 200);
  run_until(300);
  expect_column0(site(), 50);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kWindowEarly, "a_tile", 90)));
}

TEST_F(MistakeTest, PulsesWithoutAWindow) {
  prepare(lc());
  site().rows.at(12, single_pulse(50));
  read(lc(), 100, 200);
  run_until(300);
  expect_column0(site(), 0);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kPulseNotCovered, "a_tile", 62)));
}

TEST_F(MistakeTest, PolarityTurnsWithinAWindow) {
  prepare(lc());
  window(lc(), 10, 70);
  site().rows.at(12, single_pulse(50));
  lc().at(30, Group::kPolarity, 0xff);
  lc().at(31, Group::kPolarity, 0);
  read(lc(), 100, 200);
  run_until(300);
  expect_column0(site(), 50);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kSelectDuringIntegration, "a_tile", 30)));
}

TEST_F(MistakeTest, RowGateClosesWithinAWindow) {
  prepare(lc());
  window(lc(), 10, 70);
  site().rows.at(12, single_pulse(50));
  lc().at(30, Group::kRowGate, 0xfe);
  read(lc(), 100, 200);
  run_until(300);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kSelectDuringIntegration, "a_tile", 30)));
}

TEST_F(MistakeTest, RampBeforeTheWindowCloses) {
  prepare(lc());
  window(lc(), 10, 120);
  site().rows.at(12, single_pulse(50));
  read(lc(), 100, 200);
  run_until(300);
  expect_column0(site(), 50);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kRampDuringIntegration, "a_tile", 100)));
}

TEST_F(MistakeTest, RampWhileAPulseLasts) {
  prepare(lc());
  window(lc(), 10, 40);
  site().rows.at(12, single_pulse(50));
  read(lc(), 50, 60);
  read(lc(), 100, 200);
  run_until(300);
  ASSERT_EQ(site().out.emissions.size(), 2U);
  EXPECT_EQ(site().out.emissions[0]->durations_ns(0, 0), 10);  // cut by EN
  expect_column0(site(), 28);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kRampDuringPulse, "a_tile", 50),
                                             is_violation(Kind::kPulseCutShort, "a_tile", 60),
                                             is_violation(Kind::kPulseNotCovered, "a_tile", 62)));
}

TEST_F(MistakeTest, RampWhileAPulseAndItsWindowLastReadsWhatIsThere) {
  prepare(lc());
  window(lc(), 10, 70);
  site().rows.at(12, single_pulse(50));
  read(lc(), 20, 40);
  read(lc(), 100, 200);
  run_until(300);
  ASSERT_EQ(site().out.emissions.size(), 2U);
  EXPECT_EQ(site().out.emissions[0]->durations_ns(0, 0), 8);
  expect_column0(site(), 50);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kRampDuringIntegration, "a_tile", 20),
                                             is_violation(Kind::kRampDuringPulse, "a_tile", 20)));
}

TEST_F(MistakeTest, RampWhilePrechargeLasts) {
  prepare(lc());
  window(lc(), 10, 70);
  site().rows.at(12, single_pulse(50));
  lc().at(99, Group::kPrecharge, 0xff);
  lc().at(110, Group::kPrecharge, 0);
  read(lc(), 100, 200);
  run_until(300);
  expect_column0(site(), 0);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kRampDuringPrecharge, "a_tile", 100)));
}

TEST_F(MistakeTest, RowGatesThatMoveInTwoWindowsAreReportedOnceForEach) {
  prepare(lc());
  lc().at(10, Group::kIntegrate, 0x0f);
  lc().at(11, Group::kIntegrate, 0xff);
  lc().at(70, Group::kIntegrate, 0);
  site().rows.at(12, single_pulse(50));
  for (const double time_ns : {30.0, 32.0}) {
    lc().at(time_ns, Group::kRowGate, 0xfe);
    lc().at(time_ns + 1, Group::kRowGate, 0xff);
  }
  read(lc(), 100, 200);
  run_until(300);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kSelectDuringIntegration, "a_tile", 30),
                                             is_violation(Kind::kSelectDuringIntegration, "a_tile", 30)));
}

TEST_F(MistakeTest, SlopeChangesWhileTheRampRuns) {
  prepare(lc());
  window(lc(), 10, 70);
  site().rows.at(12, single_pulse(50));
  read(lc(), 100, 200);
  lc().at(110, Group::kRampSlope, 640);
  run_until(300);
  expect_column0(site(), 50);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kRampReprogrammed, "a_tile", 110)));
}

TEST_F(MistakeTest, EnableWithoutARamp) {
  prepare(lc());
  lc().at(100, {{Group::kEnable, 0xff}, {Group::kColumnOut, 0xff}});
  lc().at(120, Group::kEnable, 0);
  run_until(300);
  EXPECT_THAT(site().out.emissions, IsEmpty());
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kEnableWithoutRamp, "a_tile", 100)));
}

TEST_F(MistakeTest, RampStopsBeforeEnable) {
  prepare(lc());
  lc().at(100, {{Group::kEnable, 0xff}, {Group::kColumnOut, 0xff}, {Group::kRamp, 1}});
  lc().at(120, Group::kRamp, 0);
  lc().at(130, Group::kEnable, 0);
  run_until(300);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kEnableWithoutRamp, "a_tile", 120)));
}

TEST_F(MistakeTest, ComparatorAgainstTheRamp) {
  prepare(lc());
  window(lc(), 10, 70);
  site().rows.at(12, single_pulse(50));
  lc().at(90, Group::kComparator, 0xff);
  read(lc(), 100, 140);  // column 0 rises at 150 only; the others are high throughout
  run_until(300);
  expect_column0(site(), 0);
  EXPECT_EQ(only_durations()(1, 0), 40);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kComparatorMismatch, "a_tile", 100)));
}

TEST_F(MistakeTest, NobodyDrivesTheWires) {
  prepare(lc());
  window(lc(), 10, 70);
  site().rows.at(12, single_pulse(50));
  lc().at(100, {{Group::kRamp, 1}, {Group::kEnable, 0xff}});
  lc().at(200, {{Group::kRamp, 0}, {Group::kEnable, 0}});
  run_until(300);
  EXPECT_THAT(site().out.emissions, IsEmpty());
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kEmissionNotDriven, "a_tile", 100)));
}

TEST_F(MistakeTest, ColumnOutClosesDuringTheEmission) {
  prepare(lc());
  window(lc(), 10, 70);
  site().rows.at(12, single_pulse(50));
  read(lc(), 100, 200);
  lc().at(120, Group::kColumnOut, 0xfe);
  run_until(300);
  expect_column0(site(), 20);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kPulseCutShort, "a_tile", 120),
                                             is_violation(Kind::kEmissionNotDriven, "a_tile", 120)));
}

TEST_F(MistakeTest, EnableClosesBeforeFullScale) {
  prepare(lc());
  window(lc(), 10, 70);
  site().rows.at(12, single_pulse(50));
  read(lc(), 100, 130);
  run_until(300);
  expect_column0(site(), 30);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kPulseCutShort, "a_tile", 130)));
}

TEST_F(MistakeTest, NobodyListens) {
  site().out.listening = 0xfe;
  prepare(lc());
  window(lc(), 10, 70);
  site().rows.at(12, single_pulse(50));
  read(lc(), 100, 200);
  run_until(300);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kPulseLost, "a_tile", 150)));
}

TEST_F(MistakeTest, ProgrammingSupplyDuringARamp) {
  prepare(lc());
  read(lc(), 100, 200);
  lc().at(110, {{Group::kHighVoltage, 1}, {Group::kProgramDevice, 1}});
  lc().at(120, Group::kHighVoltage, 0);
  run_until(300);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kProgramConflict, "a_tile", 110)));
}

TEST_F(MistakeTest, ProgrammingTwoDevices) {
  lc().at(110, {{Group::kHighVoltage, 1}, {Group::kProgramDevice, 3}});
  lc().at(120, Group::kHighVoltage, 0);
  run_until(300);
  EXPECT_THAT(violations.kept(), ElementsAre(is_violation(Kind::kProgramConflict, "a_tile", 110)));
}

// ---- with a node before the rows ----

/// A tile behind its node; modules in either order.
struct Fed {
  Fed(const std::string& name, bool reversed) {
    const auto make_tile = [&] {
      tile = std::make_unique<Tile>((name + "_tile").c_str(), exact_config(), mesh::TransportErrorConfig{},
                                    shared.services, shared.energy.add_place(name, "test"));
    };
    const auto make_node = [&] {
      node = std::make_unique<mesh::Node>((name + "_node").c_str(), mesh::NodeConfig{}, shared.services,
                                          shared.energy.add_place(name + "_node", "test"));
    };
    if (reversed) {
      make_tile();
      make_node();
    } else {
      make_node();
      make_tile();
    }
    lc = std::make_unique<support::ControlDriver>((name + "_lc").c_str());
    source = std::make_unique<PulseSource>((name + "_source").c_str());
    node->control.bind(lc->lines);
    tile->control.bind(lc->lines);
    source->out.bind(node->in(mesh::Edge::kWest));
    node->rows_west_east().bind(tile->west_east());
    lc->at(0, Group::kBorderWest, 0xff00);
  }
  support::TestServices shared;
  std::unique_ptr<mesh::Node> node;
  std::unique_ptr<Tile> tile;
  std::unique_ptr<support::ControlDriver> lc;
  std::unique_ptr<PulseSource> source;
};

TEST(TileBehindANode, ABranchThatASwitchCutsIsJudgedThen) {
  Fed fed("a", false);
  prepare(*fed.lc);
  fed.source->at(12, single_pulse(50));
  fed.lc->at(40, Group::kBorderWest, 0);
  run_until(50);
  EXPECT_THAT(fed.shared.violations.kept(), ElementsAre(is_violation(Kind::kGuardMoved, "a_node", 40),
                                                        is_violation(Kind::kPulseNotCovered, "a_tile", 40)));
}

TEST(TileBehindANode, AGuardThatClosesWhereRowGatesOpenIsNotHeardWhateverTheOrder) {
  Fed forwards("f", false);
  Fed backwards("b", true);
  for (Fed* fed : {&forwards, &backwards}) {
    fed->source->at(12, single_pulse(50));
    fed->lc->at(40, {{Group::kBorderWest, 0}, {Group::kRowGate, 0xff}});
    fed->source->at(100, single_pulse(5));
  }
  run_until(200);
  EXPECT_THAT(forwards.shared.violations.kept(), ElementsAre(is_violation(Kind::kGuardMoved, "f_node", 40)));
  EXPECT_THAT(backwards.shared.violations.kept(), ElementsAre(is_violation(Kind::kGuardMoved, "b_node", 40)));
}

// ---- the same bits whatever the lanes, threads and order ----

/// Two tiles that share capacitors, with every error switched on. Several live in one process.
class Pair {
 public:
  /// `disturbed`: a ramp starts and the connection opens while pulses last, and pulses meet on the wires of some lanes.
  Pair(const std::string& name, const Block& x, std::uint64_t first_stream, int threads, bool reversed,
       bool disturbed = false)
      : shared_(static_cast<std::size_t>(x.cols()), threads), sites_(2) {
    shared_.energy = energy::Meter(shared_.lanes.count());
    for (std::size_t lane = 0; lane < shared_.lanes.count(); ++lane) {
      shared_.lanes.set_key(lane, {first_stream + lane, 7});
    }
    mesh::TransportErrorConfig transport;
    transport.mode = mesh::TransportErrorMode::kUniform;
    for (const std::size_t turn : {0U, 1U}) {
      const std::size_t index = reversed ? 1 - turn : turn;
      TileConfig config;
      config.index = static_cast<std::uint32_t>(index);
      config.array.programming_sigma = 0.03;
      sites_[index] = std::make_unique<Site>(name + std::to_string(index), shared_.services, config, transport);
      sites_[index]->tile.program(WeightSet::kWp1, random_weights(10 + static_cast<std::uint32_t>(index)));
      sites_[index]->tile.program(WeightSet::kWp2, random_weights(20 + static_cast<std::uint32_t>(index)));
    }
    join_north_south(sites_[0]->tile, sites_[1]->tile);
    for (const std::size_t index : {0U, 1U}) {
      Site& site = *sites_[index];
      prepare(site.lc);
      site.lc.at(6, index == 0 ? Group::kShareSouth : Group::kShareNorth, 0xff);
      site.lc.at(7, Group::kRowSource, 0x0f);
      window(site.lc, 10, 90);
      site.rows.at(12, x);
      site.verticals.at(12, x / 3);
      site.lc.at(95, {{Group::kIntegrate, 0xff}, {Group::kWp1, 0}, {Group::kWp2, 0xff}, {Group::kPolarity, 0xff}});
      site.lc.at(150, Group::kIntegrate, 0);
      site.rows.at(97, x / 2);
      site.lc.at(155, {{Group::kRampStart, static_cast<std::uint16_t>(-200 * 4)}, {Group::kRampSlope, 50}});
      read(site.lc, 160, 660);
      if (disturbed) {
        site.lc.at(22, Group::kRampSlope, 50);
        read(site.lc, 24, 34);
        site.lc.at(33, index == 0 ? Group::kShareSouth : Group::kShareNorth, 0);
        site.rows.at(28.3, x / 4 + 7.7);
      }
    }
  }
  [[nodiscard]] const Block& result(std::size_t site, std::size_t emission = 0) const {
    return sites_[site]->out.emissions.at(emission)->durations_ns;
  }
  [[nodiscard]] double energy_nJ() const { return shared_.energy.total_nJ(); }
  [[nodiscard]] std::vector<double> take_lanes() { return shared_.energy.take_lanes(); }
  [[nodiscard]] std::uint64_t violation_count() const { return shared_.violations.count(); }

 private:
  support::TestServices shared_;
  std::vector<std::unique_ptr<Site>> sites_;
};

TEST(TileBits, DependNeitherOnLanesNorThreadsNorTheOrderOfModules) {
  constexpr Eigen::Index kLanes = 16;
  const Block x = random_pulses(30, kLanes);
  Pair reference("reference", x, 0, 1, false);
  const Pair again("again", x, 0, 1, false);
  const Pair threaded("threaded", x, 0, 2, false);
  const Pair reversed("reversed", x, 0, 1, true);
  const Pair other_streams("other", x, 100, 1, false);
  std::vector<std::unique_ptr<Pair>> alone;
  for (Eigen::Index lane = 0; lane < kLanes; ++lane) {
    alone.push_back(std::make_unique<Pair>("lane" + std::to_string(lane) + "_", x.col(lane),
                                           static_cast<std::uint64_t>(lane), 1, false));
  }
  run_until(700);
  for (const std::size_t site : {0U, 1U}) {
    EXPECT_GT(reference.result(site).maxCoeff(), 100);
    EXPECT_TRUE((again.result(site) == reference.result(site)).all());
    EXPECT_TRUE((threaded.result(site) == reference.result(site)).all());
    EXPECT_TRUE((reversed.result(site) == reference.result(site)).all());
    EXPECT_FALSE((other_streams.result(site) == reference.result(site)).all());
    for (Eigen::Index lane = 0; lane < kLanes; ++lane) {
      EXPECT_TRUE(
          (alone[static_cast<std::size_t>(lane)]->result(site).col(0) == reference.result(site).col(lane)).all())
          << "lane " << lane;
    }
  }
  EXPECT_EQ(threaded.energy_nJ(), reference.energy_nJ());
  EXPECT_EQ(reversed.energy_nJ(), reference.energy_nJ());
  EXPECT_EQ(reference.violation_count(), 0U);
  const std::vector<double> energies = reference.take_lanes();
  for (std::size_t lane = 0; lane < alone.size(); ++lane) {
    EXPECT_EQ(alone[lane]->take_lanes().at(0), energies[lane]) << "lane " << lane;
  }
}

TEST(TileBits, DependNotOnLanesWherePulsesLastWhenChargeIsWanted) {
  constexpr Eigen::Index kLanes = 8;
  Block x = random_pulses(50, kLanes);
  for (Eigen::Index lane = 0; lane < kLanes; ++lane) {
    x.col(lane) *= 0.07 + 0.16 * static_cast<double>(lane);  // longest pulses of 3 to 60 ns
  }
  Pair reference("reference", x, 0, 1, false, true);
  const Pair reversed("reversed", x, 0, 1, true, true);
  std::vector<std::unique_ptr<Pair>> alone;
  for (Eigen::Index lane = 0; lane < kLanes; ++lane) {
    alone.push_back(std::make_unique<Pair>("lane" + std::to_string(lane) + "_", x.col(lane),
                                           static_cast<std::uint64_t>(lane), 1, false, true));
  }
  run_until(700);
  for (const std::size_t site : {0U, 1U}) {
    for (const std::size_t emission : {0U, 1U}) {
      EXPECT_GT(reference.result(site, emission).maxCoeff(), emission == 0 ? 1 : 100);
      EXPECT_TRUE((reversed.result(site, emission) == reference.result(site, emission)).all());
      for (Eigen::Index lane = 0; lane < kLanes; ++lane) {
        EXPECT_TRUE((alone[static_cast<std::size_t>(lane)]->result(site, emission).col(0) ==
                     reference.result(site, emission).col(lane))
                        .all())
            << "lane " << lane << " of site " << site << ", emission " << emission;
      }
    }
  }
  EXPECT_EQ(reversed.energy_nJ(), reference.energy_nJ());
  const std::vector<double> energies = reference.take_lanes();
  for (std::size_t lane = 0; lane < alone.size(); ++lane) {
    EXPECT_EQ(alone[lane]->take_lanes().at(0), energies[lane]) << "lane " << lane;
  }
}

// EN of all columns, column outputs of half of them: pulses of the others are asked for while a job works on the ramp.
TEST(TileBits, DependNotOnThreadsWhereColumnsAreNotDriven) {
  constexpr std::size_t kLanes = 16;
  TileConfig config;
  config.periphery.comparator_noise_sigma_weight_ns = 5;
  std::vector<std::unique_ptr<support::TestServices>> services;
  std::vector<std::unique_ptr<Site>> sites;
  for (const int threads : {1, 2}) {
    services.push_back(std::make_unique<support::TestServices>(kLanes, threads));
    services.back()->energy = energy::Meter(kLanes);
    sites.push_back(std::make_unique<Site>("t" + std::to_string(threads), services.back()->services, config));
    Site& site = *sites.back();
    site.tile.program(WeightSet::kWp1, random_weights(1));
    for (const double from_ns : {0.0, 1000.0, 2000.0}) {
      prepare(site.lc, from_ns);
      window(site.lc, from_ns + 10, from_ns + 90);
      site.rows.at(from_ns + 12, random_pulses(static_cast<std::uint32_t>(from_ns), kLanes));
      site.lc.at(from_ns + 100, {{Group::kRamp, 1}, {Group::kEnable, 0xff}, {Group::kColumnOut, 0x0f}});
      site.lc.at(from_ns + 900, {{Group::kRamp, 0}, {Group::kEnable, 0}, {Group::kColumnOut, 0}});
    }
  }
  run_until(3000);
  for (const std::size_t read : {0U, 1U, 2U}) {
    const Block& expected = sites[0]->out.emissions.at(read)->durations_ns;
    EXPECT_GT(expected.topRows(256).maxCoeff(), 10);
    EXPECT_EQ(expected.bottomRows(256).maxCoeff(), 0);
    EXPECT_TRUE((sites[1]->out.emissions.at(read)->durations_ns == expected).all());
  }
  EXPECT_EQ(services[0]->violations.count(), 3U) << "emission_not_driven";
  EXPECT_EQ(services[1]->violations.count(), 3U);
}

// Whether the work on them had begun when the weights changed or not.
TEST_F(TileTest, WindowsThatAreOverSawTheWeightsAsTheyWere) {
  Site& site = add();
  const WeightMatrix before = random_weights(1);
  site.tile.program(WeightSet::kWp1, before);
  const Block x = random_pulses(2);
  for (const double from_ns : {0.0, 1000.0}) {
    prepare(site.lc, from_ns);
    window(site.lc, from_ns + 10, from_ns + 70);
    site.rows.at(from_ns + 12, x);
    read(site.lc, from_ns + 100, from_ns + 400);
  }
  run_until(80);
  site.tile.program(WeightSet::kWp1, -before);
  run_until(1080);
  site.tile.program(WeightSet::kWp1, before);
  run_until(1500);
  const Block sums = dot(before, x);
  ASSERT_EQ(site.out.emissions.size(), 2U);
  EXPECT_TRUE((site.out.emissions[0]->durations_ns == sums.max(0.0)).all());
  EXPECT_TRUE((site.out.emissions[1]->durations_ns == (-sums).max(0.0)).all());
}

/// A tile that is read twice, the first time after `first` windows, the second time after `second`.
class ReadTwice {
 public:
  ReadTwice(const std::string& name, int first, int second, int threads = 1) : shared_(kLanes, threads) {
    shared_.energy = energy::Meter(kLanes);
    mesh::TransportErrorConfig transport;
    transport.mode = mesh::TransportErrorMode::kUniform;
    TileConfig config;
    config.array.devices.enabled = true;  // with read noise
    site_ = std::make_unique<Site>(name, shared_.services, config, transport);
    site_->tile.program(WeightSet::kWp1, random_weights(1));
    step(0, first);
    step(kSecond_ns, second);
  }
  void begin_second() {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      shared_.lanes.set_key(lane, {lane, 1});
    }
    shared_.lanes.set_epoch_ns(kSecond_ns);
    (void)shared_.energy.take_lanes();
  }
  [[nodiscard]] const Block& second() const { return site_->out.emissions.at(1)->durations_ns; }
  [[nodiscard]] std::vector<double> energy_of_second() { return shared_.energy.take_lanes(); }
  [[nodiscard]] std::uint64_t violations() const { return shared_.violations.count(); }

  static constexpr double kSecond_ns = 2000;

 private:
  static constexpr std::size_t kLanes = 4;

  void step(double from_ns, int windows) {
    prepare(site_->lc, from_ns);
    for (int number = 0; number < windows; ++number) {
      const double open_ns = from_ns + 10 + 80 * number;
      window(site_->lc, open_ns, open_ns + 70);
      site_->rows.at(open_ns + 2, random_pulses(60 + static_cast<std::uint32_t>(number), kLanes));
    }
    read(site_->lc, from_ns + 400, from_ns + 1500);
  }

  support::TestServices shared_;
  std::unique_ptr<Site> site_;
};

// Matrix work begins when as many windows have closed as before the last read-out.
TEST(TileBits, DependNotOnTheGuessWhichWindowIsTheLast) {
  ReadTwice right("right", 3, 3);
  ReadTwice too_early("too_early", 1, 3);
  ReadTwice threaded("threaded", 2, 3, 2);
  ReadTwice never("never", 4, 3);
  run_until(ReadTwice::kSecond_ns - 100);
  for (ReadTwice* tile : {&right, &too_early, &threaded, &never}) {
    tile->begin_second();
  }
  run_until(2 * ReadTwice::kSecond_ns);
  EXPECT_GT(right.second().maxCoeff(), 50);
  const std::vector<double> energy = right.energy_of_second();
  for (ReadTwice* tile : {&too_early, &threaded, &never}) {
    EXPECT_TRUE((tile->second() == right.second()).all());
    EXPECT_EQ(tile->energy_of_second(), energy);
    EXPECT_EQ(tile->violations(), right.violations());
  }
}

}  // namespace
}  // namespace chronotile::tile
