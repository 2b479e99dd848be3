#include "models/mesh/transport_error.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdio>
#include <fstream>

#include "common/user_error.hpp"
#include "testbench/support/services_fixture.hpp"

namespace chronotile::mesh {
namespace {

/// Tests run side by side: a file name of this process's own.
std::string own_file(const std::string& name) {
  return testing::TempDir() + "chronotile_" + std::to_string(getpid()) + "_" + name;
}

using duration::Block;
using duration::Pulses;
using support::TestServices;

Pulses route(double lead_ns, int hops, GroupMask groups = kAllGroups, duration::SourceId source = 3) {
  Pulses pulses;
  pulses.emission = std::make_shared<duration::Emission>();
  pulses.emission->source = source;
  pulses.emission->lead_ns = lead_ns;
  pulses.emission->groups = groups;
  pulses.groups = groups;
  for (int hop = 0; hop < hops; ++hop) {
    pulses.hops.push_back(static_cast<duration::HopId>(8 * hop + 3));
  }
  return pulses;
}

struct Moments {
  double mean = 0;
  double deviation = 0;
  double largest = 0;
};

/// Of the errors of `vectors` vectors of equal durations.
Moments moments(const TransportErrorConfig& config, double duration_ns, int hops, int vectors = 400,
                int steps_per_vector = 1) {
  TestServices services;
  const TransportError error(config, services.services);
  double sum = 0;
  double square = 0;
  Moments result;
  for (int vector = 0; vector < vectors; ++vector) {
    Block block = Block::Constant(kWires, 1, duration_ns);
    error.apply(route(300.0 * steps_per_vector * vector, hops), 5, block);
    const Block errors = block - duration_ns;
    sum += errors.sum();
    square += errors.square().sum();
    result.largest = std::max(result.largest, errors.abs().maxCoeff());
  }
  const double count = 512.0 * vectors;
  result.mean = sum / count;
  result.deviation = std::sqrt(square / count - result.mean * result.mean);
  return result;
}

TEST(TransportError, OffLeavesDurationsAlone) {
  TestServices services;
  const TransportError error({}, services.services);
  EXPECT_TRUE(error.off());
  EXPECT_EQ(error.bound_ns(), 0);
  Block block = Block::Constant(kWires, 1, 100.0);
  error.apply(route(0, 12), 0, block);
  EXPECT_TRUE((block == 100.0).all());
}

TEST(TransportError, PerHopIsBoundedAndBellShaped) {
  TransportErrorConfig config;
  config.mode = TransportErrorMode::kPerHop;
  config.skew_share = 0;
  const Moments full = moments(config, 220, 12, 2000);  // a million durations
  EXPECT_LT(full.largest, 5.0);
  EXPECT_GT(full.largest, 3.0);
  EXPECT_NEAR(full.deviation, 0.2313 * 5, 0.01);
  EXPECT_NEAR(full.mean, 0, 0.01);
  const Moments shorter = moments(config, 80, 12);
  EXPECT_LT(shorter.largest, 3.0);
  EXPECT_NEAR(shorter.deviation, 0.2313 * 3, 0.01);
}

TEST(TransportError, PerHopGrowsWithTheRootOfTheHops) {
  TransportErrorConfig config;
  config.mode = TransportErrorMode::kPerHop;
  config.skew_share = 0;
  const double full = moments(config, 220, 12).deviation;
  EXPECT_NEAR(moments(config, 220, 3).deviation / full, 0.5, 0.01);
  EXPECT_NEAR(moments(config, 220, 24).deviation / full, 1.0, 0.01);
  EXPECT_EQ(moments(config, 220, 0).largest, 0);
}

TEST(TransportError, BoundIsContinuousInTheDuration) {
  TransportErrorConfig config;
  config.mode = TransportErrorMode::kPerHop;
  config.skew_share = 0;
  EXPECT_NEAR(moments(config, 99.999, 12).deviation, moments(config, 100.001, 12).deviation, 1e-3);
  EXPECT_NEAR(moments(config, 150, 12).deviation, 0.2313 * 4, 0.01);
}

// What fabrication made of the wires stays from run to run; jitter is each run's own.
TEST(TransportError, SkewIsTheChipsAndJitterTheRuns) {
  TransportErrorConfig config;
  config.mode = TransportErrorMode::kPerHop;
  const auto received = [&](double skew_share, std::uint64_t seed, std::uint64_t chip_seed) {
    TestServices services;
    services.services.seed = seed;
    services.services.chip_seed = chip_seed;
    config.skew_share = skew_share;
    Block block = Block::Constant(kWires, 1, 220.0);
    TransportError(config, services.services).apply(route(300.0, 12), 5, block);
    return block;
  };
  EXPECT_TRUE((received(1, 1, 1) == received(1, 2, 1)).all());
  EXPECT_FALSE((received(1, 1, 1) == received(1, 1, 2)).any());
  EXPECT_TRUE((received(0, 1, 1) == received(0, 1, 2)).all());
  EXPECT_LT((received(0, 1, 1) == received(0, 2, 1)).count(), 8) << "draws of 16 bits";
}

TEST(TransportError, SkewIsTheSameInEveryVectorAndHasItsShare) {
  TransportErrorConfig config;
  config.mode = TransportErrorMode::kPerHop;
  config.skew_share = 1;
  TestServices services;
  const TransportError error(config, services.services);
  Block first = Block::Constant(kWires, 1, 220.0);
  Block second = first;
  error.apply(route(0, 12), 5, first);
  services.lanes.set_key(0, {17, 4});
  error.apply(route(1234, 12), 5, second);
  EXPECT_TRUE((first == second).all());
  Block other_route = Block::Constant(kWires, 1, 220.0);
  error.apply(route(0, 11), 5, other_route);
  EXPECT_FALSE((first == other_route).all());

  config.skew_share = 0.25;
  const TransportError mixed(config, services.services);
  Block mean = Block::Zero(kWires, 1);
  double total = 0;
  constexpr int kVectors = 1000;
  for (int vector = 0; vector < kVectors; ++vector) {
    Block block = Block::Constant(kWires, 1, 220.0);
    mixed.apply(route(300.0 * vector, 12), 5, block);
    mean += (block - 220.0) / kVectors;
    total += (block - 220.0).square().mean() / kVectors;
  }
  EXPECT_NEAR(mean.square().mean() / total, 0.25, 0.04);
}

TEST(TransportError, UniformFillsItsBounds) {
  TransportErrorConfig config;
  config.mode = TransportErrorMode::kUniform;
  const Moments full = moments(config, 100, 1);
  EXPECT_LE(full.largest, 5.0);
  EXPECT_GT(full.largest, 4.99);
  EXPECT_NEAR(full.deviation, 5 / std::sqrt(3.0), 0.02);
  EXPECT_NEAR(full.mean, 0, 0.03);
  const Moments shorter = moments(config, 99, 1);
  EXPECT_LE(shorter.largest, 3.0);
  EXPECT_NEAR(shorter.deviation, 3 / std::sqrt(3.0), 0.02);
}

TEST(TransportError, WorstCaseIsTheBoundWithEitherSign) {
  TransportErrorConfig config;
  config.mode = TransportErrorMode::kWorstCase;
  const Moments full = moments(config, 220, 1);
  EXPECT_DOUBLE_EQ(full.largest, 5.0);
  EXPECT_NEAR(full.deviation, 5.0, 1e-3);
  EXPECT_NEAR(full.mean, 0, 0.05);
}

TEST(TransportError, BoundsMayBeExceededOnPurpose) {
  TransportErrorConfig config;
  config.mode = TransportErrorMode::kUniform;
  config.bound_ns = 20;
  config.short_bound_ns = 12;
  EXPECT_GT(moments(config, 220, 1).largest, 19.9);
  EXPECT_GT(moments(config, 50, 1).largest, 11.9);
}

TEST(TransportError, AbsentPulsesStayAbsentAndNoneIsNegative) {
  TransportErrorConfig config;
  config.mode = TransportErrorMode::kWorstCase;
  TestServices services;
  const TransportError error(config, services.services);
  Block block = Block::Constant(kWires, 1, 2.0);
  block.topRows(256) = 0;
  error.apply(route(0, 12), 5, block);
  EXPECT_TRUE((block.topRows(256) == 0).all());
  EXPECT_TRUE((block.bottomRows(256) == 0 || block.bottomRows(256) == 5.0).all());
}

TEST(TransportError, OnlyTheGroupsOfTheBranchChange) {
  TransportErrorConfig config;
  config.mode = TransportErrorMode::kUniform;
  TestServices services;
  const TransportError error(config, services.services);
  Block part = Block::Constant(kWires, 1, 100.0);
  error.apply(route(0, 12, 0xa5), 5, part);
  Block whole = Block::Constant(kWires, 1, 100.0);
  error.apply(route(0, 12), 5, whole);
  for (int wire = 0; wire < kWires; ++wire) {
    const bool in = ((0xa5 >> (wire / 64)) & 1) != 0;
    EXPECT_EQ(part(wire, 0), in ? whole(wire, 0) : 100.0) << wire;
  }
}

class EachMode : public testing::TestWithParam<TransportErrorMode> {};

TEST_P(EachMode, ALaneOfManyEqualsTheLaneAloneBitForBit) {
  const std::string file = own_file("lane_errors.txt");
  std::ofstream(file) << "-1.5\n0.25\n2\n";
  TransportErrorConfig config;
  config.mode = GetParam();
  config.recorded_file = file;
  TestServices many(16);
  many.lanes.set_epoch_ns(5000);
  Block durations(kWires, 16);
  for (int lane = 0; lane < 16; ++lane) {
    many.lanes.set_key(static_cast<std::size_t>(lane), {static_cast<std::uint64_t>(100 + lane), 7U});
    for (int wire = 0; wire < kWires; ++wire) {
      durations(wire, lane) = (wire * 37 + lane * 11) % 256;
    }
  }
  Block together = durations;
  TransportError(config, many.services).apply(route(5300, 9), 5, together);
  EXPECT_FALSE((together == durations).all());
  for (int lane = 0; lane < 16; ++lane) {
    TestServices one(1);
    one.lanes.set_key(0, {static_cast<std::uint64_t>(100 + lane), 7U});
    one.lanes.set_epoch_ns(20000);  // only the time since the epoch counts
    Block alone = durations.col(lane);
    TransportError(config, one.services).apply(route(20300, 9), 5, alone);
    ASSERT_TRUE((alone.col(0) == together.col(lane)).all()) << lane;
  }
  std::remove(file.c_str());
}

INSTANTIATE_TEST_SUITE_P(TransportError, EachMode,
                         testing::Values(TransportErrorMode::kPerHop, TransportErrorMode::kUniform,
                                         TransportErrorMode::kWorstCase, TransportErrorMode::kRecorded));

TEST(TransportError, DrawsDifferByReceiverSourceLeadAndStream) {
  TransportErrorConfig config;
  config.mode = TransportErrorMode::kUniform;
  TestServices services;
  const TransportError error(config, services.services);
  const auto draw = [&](const Pulses& pulses, std::uint32_t receiver) {
    Block block = Block::Constant(kWires, 1, 100.0);
    error.apply(pulses, receiver, block);
    return block;
  };
  const Block base = draw(route(300, 2), 5);
  EXPECT_TRUE((base == draw(route(300, 2), 5)).all());
  EXPECT_FALSE((base == draw(route(300, 2), 6)).any());
  EXPECT_FALSE((base == draw(route(301, 2), 5)).any());
  EXPECT_FALSE((base == draw(route(300, 2, kAllGroups, 4), 5)).any());
  services.lanes.set_key(0, {1, 0});
  EXPECT_FALSE((base == draw(route(300, 2), 5)).any());
}

TEST(TransportError, RecordedErrorsAreDrawnFromTheFile) {
  const std::string file = own_file("recorded_errors.txt");
  std::ofstream(file) << "# measured\n-1.5\n\n  0.25 \n2\n";
  TransportErrorConfig config;
  config.mode = TransportErrorMode::kRecorded;
  config.recorded_file = file;
  TestServices services;
  const TransportError error(config, services.services);
  EXPECT_EQ(error.bound_ns(), 2.0);
  Block block = Block::Constant(kWires, 1, 100.0);
  error.apply(route(0, 2), 5, block);
  EXPECT_TRUE((block == 98.5 || block == 100.25 || block == 102.0).all());
  EXPECT_NEAR(static_cast<double>((block == 98.5).count()), 512 / 3, 40);
  std::remove(file.c_str());
}

/// 0, 1, 2 ... 255 counts, lane by lane another one; a third of the wires without a pulse.
Pulses counted(std::size_t lanes, double ns_per_count) {
  Pulses pulses = route(300, 4);
  duration::Emission& emission = *pulses.emission;
  emission.ns_per_count = ns_per_count;
  emission.counts.resize(kWires * lanes);
  for (std::size_t k = 0; k < emission.counts.size(); ++k) {
    emission.counts[k] = static_cast<std::uint8_t>(k % 3 == 0 ? 0 : k % 256);
  }
  emission.longest_ns = emission.longest();
  emission.final = true;
  return pulses;
}

class CountedDurations : public testing::TestWithParam<TransportErrorMode> {};
INSTANTIATE_TEST_SUITE_P(EachMode, CountedDurations,
                         testing::Values(TransportErrorMode::kOff, TransportErrorMode::kPerHop,
                                         TransportErrorMode::kUniform, TransportErrorMode::kWorstCase));

TEST_P(CountedDurations, AreReceivedAsTheSameRealOnesAndAddedAsReceived) {
  constexpr std::size_t kLanes = 3;
  TransportErrorConfig config;
  config.mode = GetParam();
  TestServices services(kLanes);
  const TransportError error(config, services.services);
  for (const double ns_per_count : {1.0, 1.2}) {
    const Pulses pulses = counted(kLanes, ns_per_count);
    const TransportError::Key key = error.key(pulses);
    Block received;
    error.receive(pulses, 5, key, received);
    Block real = pulses.emission->durations();
    error.apply(pulses, 5, key, real);
    EXPECT_LT((received - real).abs().maxCoeff(), 3e-5) << "24 bits of 260 ns";
    EXPECT_TRUE((received.abs() - pulses.emission->durations() <= error.bound_ns() + 1e-9).all());
    EXPECT_TRUE((received == 0 || pulses.emission->durations() > 0).all());

    std::vector<float> sum(kWires * kLanes, 1.0F);
    std::vector<float> magnitudes(duration::magnitude_size(kLanes), 0.0F);
    constexpr GroupMask kGroups = 0xb1;
    error.add(pulses, 5, key, kGroups, -1.0, duration::Sum<float>{sum.data(), kLanes, magnitudes.data()});
    std::vector<float> expected_magnitudes(magnitudes.size(), 0.0F);
    for (std::size_t wire = 0; wire < kWires; ++wire) {
      const std::size_t group = wire / kWiresPerGroup;
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const auto value =
            static_cast<float>(received(static_cast<Eigen::Index>(wire), static_cast<Eigen::Index>(lane)));
        const bool in = contains(kGroups, static_cast<int>(group));
        ASSERT_EQ(sum[wire * kLanes + lane], in ? 1.0F - value : 1.0F) << "wire " << wire;
        if (in) {
          const std::size_t row = group * duration::kMagnitudeRows + wire % duration::kMagnitudeRows;
          expected_magnitudes[row * kLanes + lane] += value;
        }
      }
    }
    EXPECT_EQ(magnitudes, expected_magnitudes);
  }
}

TEST(TransportError, BadRecordedFilesAreUserErrors) {
  TransportErrorConfig config;
  config.mode = TransportErrorMode::kRecorded;
  config.recorded_file = own_file("no_such_file.txt");
  TestServices services;
  EXPECT_THROW(TransportError(config, services.services), UserError);
  config.recorded_file = own_file("bad_errors.txt");
  std::ofstream(config.recorded_file) << "1.0\nnan\n";
  EXPECT_THROW(TransportError(config, services.services), UserError);
  std::ofstream(config.recorded_file) << "1.0\ntwo\n";
  try {
    const TransportError error(config, services.services);
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("bad_errors.txt:2: is not a number: 'two'"));
  }
  std::ofstream(config.recorded_file) << "# nothing\n";
  EXPECT_THROW(TransportError(config, services.services), UserError);
  std::remove(config.recorded_file.c_str());
}

}  // namespace
}  // namespace chronotile::mesh
