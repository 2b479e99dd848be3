#include "models/base/noise.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace chronotile::noise {
namespace {

using testing::ElementsAre;

constexpr std::size_t kMany = 1U << 20U;

Stream some_stream() {
  Stream stream;
  stream.seed = 7;
  stream.chip = 1;
  stream.place = 3;
  stream.purpose = Purpose::kReadNoise;
  stream.stream = 5;
  stream.step = 9;
  return stream;
}

// Known answers: Random123's kat_vectors, philox4x32 10.
TEST(Philox, KnownAnswers) {
  EXPECT_THAT(philox({0, 0, 0, 0}, {0, 0}), ElementsAre(0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U));
  const std::uint32_t ones = 0xffffffffU;
  EXPECT_THAT(philox({ones, ones, ones, ones}, {ones, ones}),
              ElementsAre(0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU));
  EXPECT_THAT(philox({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}, {0xa4093822U, 0x299f31d0U}),
              ElementsAre(0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U));
}

TEST(Noise, GaussianMoments) {
  std::vector<double> draws(kMany);
  gaussian(some_stream(), 0, draws.data(), draws.size());
  double mean = 0;
  double square = 0;
  double fourth = 0;
  double neighbours = 0;
  for (std::size_t index = 0; index < kMany; ++index) {
    const double x = draws[index];
    ASSERT_TRUE(std::isfinite(x));
    mean += x;
    square += x * x;
    fourth += x * x * x * x;
    neighbours += x * draws[(index + 1) % kMany];
  }
  const double n = kMany;
  EXPECT_NEAR(mean / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(square / n, 1, 4 * std::sqrt(2 / n));
  EXPECT_NEAR(fourth / n, 3, 4 * std::sqrt(96 / n));
  EXPECT_NEAR(neighbours / n, 0, 4 / std::sqrt(n));
}

TEST(Noise, UniformIsFlatOnItsInterval) {
  std::vector<double> draws(kMany);
  uniform(some_stream(), 0, draws.data(), draws.size());
  std::vector<int> bins(64);
  for (const double x : draws) {
    ASSERT_GE(x, -1);
    ASSERT_LT(x, 1);
    ++bins.at(static_cast<std::size_t>((x + 1) * 32));
  }
  double chi_square = 0;
  const double expected = static_cast<double>(kMany) / 64;
  for (const int count : bins) {
    chi_square += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi_square, 63 + 4 * std::sqrt(2.0 * 63));
}

// Box-Muller of the first block of a stream, in libm's functions.
TEST(Noise, GaussianMatchesLibm) {
  const Stream stream = some_stream();
  std::vector<double> uniforms(4096);
  std::vector<double> draws(4096);
  uniform(stream, 0, uniforms.data(), uniforms.size());
  gaussian(stream, 0, draws.data(), draws.size());
  for (std::size_t pair = 0; pair < draws.size(); pair += 2) {
    const double half_unit = 0.5 / 4294967296.0;
    const double radius = std::sqrt(-2 * std::log((uniforms[pair] + 1) / 2 + half_unit));
    const double angle = 2 * std::acos(-1.0) * ((uniforms[pair + 1] + 1) / 2 + half_unit);
    ASSERT_NEAR(draws[pair], radius * std::cos(angle), 1e-14);
    ASSERT_NEAR(draws[pair + 1], radius * std::sin(angle), 1e-14);
  }
}

TEST(Noise, SameBitsForAnySplitAndStride) {
  const Stream stream = some_stream();
  constexpr std::size_t kCount = 1500;
  std::vector<double> whole(kCount);
  gaussian(stream, 0, whole.data(), kCount);
  std::vector<double> pieces(kCount);
  for (std::size_t first = 0, length = 1; first < kCount; first += length, length = length * 3 % 271 + 1) {
    gaussian(stream, first, pieces.data() + first, std::min(length, kCount - first));
  }
  EXPECT_EQ(pieces, whole);
  std::vector<double> strided(3 * kCount, -7);
  gaussian(stream, 0, strided.data(), kCount, 3);
  for (std::size_t index = 0; index < kCount; ++index) {
    ASSERT_EQ(strided[3 * index], whole[index]);
    ASSERT_EQ(strided[3 * index + 1], -7);
  }
}

TEST(Noise, EveryFieldOfTheStreamMatters) {
  std::vector<Stream> streams(9, some_stream());
  streams[1].seed += 1;
  streams[2].seed += 1ULL << 32U;
  streams[3].chip += 1;
  streams[4].place += 1;
  streams[5].purpose = Purpose::kTransportJitter;
  streams[6].stream += 1;
  streams[7].step += 1;
  streams[8].event += 1;
  std::set<double> first;
  for (const Stream& stream : streams) {
    double draw = 0;
    gaussian(stream, 0, &draw, 1);
    first.insert(draw);
  }
  EXPECT_EQ(first.size(), streams.size());
}

TEST(Noise, VectorBitsAreThoseOfTheStreamsWhateverTheLanes) {
  const Stream stream = some_stream();
  std::vector<LaneKey> keys;
  for (std::uint64_t lane = 0; lane < 37; ++lane) {
    keys.push_back({1000 + lane, lane / 3});
  }
  std::vector<std::int16_t> all(kVectorWires * keys.size());
  vector_bits(stream, keys.data(), keys.size(), all.data());
  for (std::size_t lane = 0; lane < keys.size(); ++lane) {
    // the words of the same blocks, drawn one by one
    Stream own = stream;
    own.stream = keys[lane].stream;
    own.step = keys[lane].step;
    std::vector<double> words(4 * 64);
    uniform(own, 0, words.data(), words.size());
    std::vector<std::int16_t> alone(kVectorWires);
    vector_bits(stream, &keys[lane], 1, alone.data());
    for (std::size_t wire = 0; wire < kVectorWires; ++wire) {
      const double centred = words[4 * (wire % 64) + wire / 128] * 2147483648.0;
      const auto word = static_cast<std::uint32_t>(static_cast<std::int64_t>(centred)) ^ 0x80000000U;
      const auto expected = static_cast<std::int16_t>(wire / 64 % 2 == 0 ? word & 0xffffU : word >> 16U);
      ASSERT_EQ(alone[wire], expected) << wire;
      ASSERT_EQ(all[wire * keys.size() + lane], expected) << wire << " of lane " << lane;
    }
  }
}

TEST(Noise, VectorNormalsHaveTheMomentsOfNormalNumbers) {
  Stream stream = some_stream();
  const std::vector<LaneKey> keys(16);
  std::vector<std::int16_t> bits(kVectorWires * keys.size());
  std::vector<float> draws(bits.size());
  double sums[5] = {};
  double pairs = 0;
  double largest = 0;
  double n = 0;
  for (std::uint32_t vector = 0; vector < 128; ++vector) {
    std::vector<LaneKey> own = keys;
    for (std::size_t lane = 0; lane < own.size(); ++lane) {
      own[lane] = {lane, vector};
    }
    vector_bits(stream, own.data(), own.size(), bits.data());
    vector_normals(bits.data(), own.size(), draws.data());
    for (std::size_t index = 0; index < draws.size(); ++index) {
      const double x = static_cast<double>(draws[index]);
      for (int power = 1; power <= 4; ++power) {
        sums[power] += std::pow(x, power);
      }
      pairs += x * static_cast<double>(draws[(index + 64 * own.size()) % draws.size()]);
      largest = std::max(largest, std::abs(x));
      n += 1;
    }
  }
  EXPECT_NEAR(sums[1] / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(sums[2] / n, 1, 4 * std::sqrt(2 / n));
  EXPECT_NEAR(sums[3] / n, 0, 4 * std::sqrt(15 / n));
  EXPECT_NEAR(sums[4] / n, 3, 4 * std::sqrt(96 / n));
  EXPECT_NEAR(pairs / n, 0, 4 / std::sqrt(n));
  EXPECT_GT(largest, 4.4);
  EXPECT_LT(largest, 4.86);
}

// Guards the results of every seed that users have recorded.
TEST(Noise, BitsAreFixed) {
  std::vector<double> draws(1024);
  gaussian(some_stream(), 0, draws.data(), draws.size());
  std::uint64_t hash = 0;
  for (const double draw : draws) {
    hash = hash * 6364136223846793005ULL + static_cast<std::uint64_t>(static_cast<std::int64_t>(draw * 0x1p50));
  }
  EXPECT_EQ(hash, 0xfb60dabf9233aeceULL) << std::hex << hash;

  const std::vector<LaneKey> keys(16, LaneKey{5, 9});
  std::vector<std::int16_t> bits(kVectorWires * keys.size());
  vector_bits(some_stream(), keys.data(), keys.size(), bits.data());
  std::vector<float> normals(bits.size());
  vector_normals(bits.data(), keys.size(), normals.data());
  hash = 0;
  for (const float normal : normals) {
    hash = hash * 6364136223846793005ULL + static_cast<std::uint64_t>(static_cast<std::int64_t>(normal * 0x1p22F));
  }
  EXPECT_EQ(hash, 0x37a31c2e63bda2b0ULL) << std::hex << hash;
}

}  // namespace
}  // namespace chronotile::noise
