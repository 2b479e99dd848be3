#include <gtest/gtest.h>

#include <algorithm>
#include <boost/align/aligned_allocator.hpp>
#include <cmath>
#include <cstring>
#include <vector>

#include "models/base/noise.hpp"
#include "models/tile/array.hpp"
#include "models/tile/mac_kernel.hpp"
#include "testbench/support/services_fixture.hpp"

namespace chronotile::tile {
namespace {

constexpr auto kSize = static_cast<std::size_t>(kWires);

template <typename Real>
using Aligned = std::vector<Real, boost::alignment::aligned_allocator<Real, 64>>;

std::vector<double> random_numbers(std::size_t count, double scale, std::uint32_t event) {
  noise::Stream stream;
  stream.purpose = noise::Purpose::kWorkload;
  stream.event = event;
  std::vector<double> numbers(count);
  noise::uniform(stream, 0, numbers.data(), count);
  for (double& number : numbers) {
    number *= scale;
  }
  return numbers;
}

/// Inputs with signs, whole rows of zeros and zeros of single lanes.
std::vector<double> inputs(std::size_t lanes) {
  std::vector<double> x = random_numbers(kSize * lanes, 255.0, 2);
  for (std::size_t row = 0; row < kSize; ++row) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      if (row % 5 == 0 || (row + lane) % 7 == 0) {
        x[row * lanes + lane] = row % 2 == 0 ? 0.0 : -0.0;
      }
    }
  }
  return x;
}

template <typename Stored>
struct Arithmetic {
  using Real = Stored;
  static Stored store(double weight) { return static_cast<Stored>(weight); }
  static Real load(Stored weight) { return weight; }
};
template <>
struct Arithmetic<mac::Half> {
  using Real = float;
  static mac::Half store(double weight) { return mac::to_half(weight); }
  static Real load(mac::Half weight) { return mac::from_half(weight); }
};

template <typename Stored>
Aligned<Stored> packed_weights(const std::vector<double>& weights) {
  Aligned<Stored> packed(kSize * kSize);
  for (int row = 0; row < kWires; ++row) {
    for (int column = 0; column < kWires; ++column) {
      packed[mac::packed_index(row, column)] =
          Arithmetic<Stored>::store(weights[static_cast<std::size_t>(row) * kSize + static_cast<std::size_t>(column)]);
    }
  }
  return packed;
}

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

template <typename Real>
class Kernel : public testing::Test {
 protected:
  const std::vector<double> weights_ = random_numbers(kSize * kSize, 1.0, 1);
  const Aligned<Real> packed_ = packed_weights<Real>(weights_);
};
using Reals = testing::Types<float, double, mac::Half>;
TYPED_TEST_SUITE(Kernel, Reals);

TYPED_TEST(Kernel, EveryInstructionSetAndLaneCountGivesTheBitsOfTheScalarSum) {
  for (const std::size_t lanes : {1U, 2U, 3U, 7U, 16U, 17U, 64U}) {
    const std::vector<double> x = inputs(lanes);
    for (const mac::Isa isa : {mac::Isa::kGeneric, mac::Isa::kAvx2, mac::Isa::kAvx512}) {
      if (!mac::supported(isa)) {
        continue;
      }
      std::vector<double> out(kSize * lanes, -1);
      mac::multiply(this->packed_.data(), x.data(), out.data(), lanes, 0, kWires, isa);
      for (std::size_t column = 0; column < kSize; column += 11) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
          using Real = typename Arithmetic<TypeParam>::Real;
          Real sum = 0;
          for (std::size_t row = 0; row < kSize; ++row) {
            sum = std::fma(
                Arithmetic<TypeParam>::load(Arithmetic<TypeParam>::store(this->weights_[row * kSize + column])),
                static_cast<Real>(x[row * lanes + lane]), sum);
          }
          ASSERT_TRUE(same_bits(out[column * lanes + lane], static_cast<double>(sum)))
              << "isa " << static_cast<int>(isa) << " lanes " << lanes << " column " << column << " lane " << lane;
        }
      }
    }
  }
}

TYPED_TEST(Kernel, ALaneOfSixteenIsTheSameAlone) {
  constexpr std::size_t kLanes = 16;
  const std::vector<double> x = inputs(kLanes);
  std::vector<double> together(kSize * kLanes);
  mac::multiply(this->packed_.data(), x.data(), together.data(), kLanes, 0, kWires, mac::best_isa());
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    std::vector<double> own(kSize);
    for (std::size_t row = 0; row < kSize; ++row) {
      own[row] = x[row * kLanes + lane];
    }
    std::vector<double> alone(kSize);
    mac::multiply(this->packed_.data(), own.data(), alone.data(), 1, 0, kWires, mac::best_isa());
    for (std::size_t column = 0; column < kSize; ++column) {
      ASSERT_TRUE(same_bits(together[column * kLanes + lane], alone[column]));
    }
  }
}

TYPED_TEST(Kernel, InputsMayBeInSinglePrecision) {
  for (const std::size_t lanes : {1U, 5U, 16U, 32U}) {
    const std::vector<double> x = inputs(lanes);
    const std::vector<float> single(x.begin(), x.end());
    const std::vector<double> rounded(single.begin(), single.end());
    for (const mac::Into into : {mac::Into::kReplace, mac::Into::kAdd}) {
      std::vector<double> expected(kSize * lanes, 0.25);
      mac::multiply(this->packed_.data(), rounded.data(), expected.data(), lanes, 0, kWires, mac::best_isa(), into);
      std::vector<double> out(kSize * lanes, 0.25);
      mac::multiply(this->packed_.data(), single.data(), out.data(), lanes, 0, kWires, mac::best_isa(), into);
      ASSERT_EQ(out, expected) << lanes << " lanes";
    }
  }
}

TYPED_TEST(Kernel, AColumnRangeWritesItsColumnsOnly) {
  const std::vector<double> x = inputs(3);
  std::vector<double> whole(kSize * 3);
  mac::multiply(this->packed_.data(), x.data(), whole.data(), 3, 0, kWires, mac::best_isa());
  for (const auto& [first, last] : {std::pair{0, 64}, {64, 512}, {100, 101}, {60, 300}, {511, 512}, {7, 7}}) {
    std::vector<double> out(kSize * 3, 12345.0);
    mac::multiply(this->packed_.data(), x.data(), out.data(), 3, first, last, mac::best_isa());
    for (int index = 0; index < 3 * kWires; ++index) {
      const bool inside = index >= 3 * first && index < 3 * last;
      ASSERT_TRUE(
          same_bits(out[static_cast<std::size_t>(index)], inside ? whole[static_cast<std::size_t>(index)] : 12345.0));
    }
  }
}

TYPED_TEST(Kernel, LanesWithoutInputAreLeftOutAndOthersDoNotChange) {
  constexpr std::size_t kLanes = 9;
  std::vector<double> x = inputs(kLanes);
  std::vector<double> whole(kSize * kLanes);
  mac::multiply(this->packed_.data(), x.data(), whole.data(), kLanes, 0, kWires, mac::best_isa());
  for (const std::vector<std::size_t>& idle :
       {std::vector<std::size_t>{0, 3, 4, 8}, std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6, 7, 8}}) {
    std::vector<double> part = x;
    for (std::size_t row = 0; row < kSize; ++row) {
      for (const std::size_t lane : idle) {
        part[row * kLanes + lane] = row % 2 == 0 ? 0.0 : -0.0;
      }
    }
    std::vector<double> out(kSize * kLanes, -1);
    mac::multiply(this->packed_.data(), part.data(), out.data(), kLanes, 0, kWires, mac::best_isa());
    for (std::size_t index = 0; index < out.size(); ++index) {
      const bool active = std::find(idle.begin(), idle.end(), index % kLanes) == idle.end();
      ASSERT_TRUE(same_bits(out[index], active ? whole[index] : 0.0)) << index;
    }
  }
}

TYPED_TEST(Kernel, MayAddToWhatIsThere) {
  const std::vector<double> x = inputs(3);
  std::vector<double> whole(kSize * 3);
  mac::multiply(this->packed_.data(), x.data(), whole.data(), 3, 0, kWires, mac::best_isa());
  std::vector<double> out(kSize * 3, 2.5);
  mac::multiply(this->packed_.data(), x.data(), out.data(), 3, 0, kWires, mac::best_isa(), mac::Into::kAdd);
  for (std::size_t index = 0; index < out.size(); ++index) {
    ASSERT_EQ(out[index], 2.5 + whole[index]);
  }
}

TEST(Half, RoundsToNearestEven) {
  EXPECT_EQ(mac::to_half(1.0).bits, 0x3c00);
  EXPECT_EQ(mac::to_half(-0.5).bits, 0xb800);
  EXPECT_EQ(mac::to_half(1.0 + 1.0 / 2048).bits, 0x3c00);
  EXPECT_EQ(mac::to_half(1.0 + 3.0 / 2048).bits, 0x3c02);
  EXPECT_EQ(mac::from_half(mac::to_half(std::ldexp(1.0, -24))), std::ldexp(1.0F, -24)) << "the smallest";
  for (const double value : random_numbers(10000, 1.2, 9)) {
    const double rounded = static_cast<double>(mac::from_half(mac::to_half(value)));
    ASSERT_LE(std::abs(rounded - value), std::max(std::abs(value) / 2048, std::ldexp(1.0, -25)) * 1.0001);
    ASSERT_EQ(mac::from_half(mac::to_half(-value)), -mac::from_half(mac::to_half(value)));
  }
}

TEST(KernelZero, AnUnderflowIsPlusZeroEverywhere) {
  Aligned<float> weights(kSize * kSize, -1e-30F);
  std::vector<double> x(kSize, 0.0);
  x[3] = 1e-30;
  for (const mac::Isa isa : {mac::Isa::kGeneric, mac::Isa::kAvx2, mac::Isa::kAvx512}) {
    if (mac::supported(isa)) {
      std::vector<double> out(kSize, -1);
      mac::multiply(weights.data(), x.data(), out.data(), 1, 0, kWires, isa);
      EXPECT_TRUE(same_bits(out[17], 0.0));
    }
  }
}

class Array : public support::ServicesFixture {
 protected:
  static WeightMatrix target() {
    WeightMatrix weights(kWires, kWires);
    const std::vector<double> numbers = random_numbers(kSize * kSize, 1.0, 3);
    for (Eigen::Index index = 0; index < weights.size(); ++index) {
      weights.data()[index] = static_cast<double>(static_cast<float>(numbers[static_cast<std::size_t>(index)]));
    }
    return weights;
  }
};

TEST_F(Array, WithoutErrorHoldsTheTarget) {
  for (const bool double_precision : {false, true}) {
    ArrayConfig config;
    config.double_precision = double_precision;
    config.half_precision_weights = false;
    WeightArray array(config);
    EXPECT_FALSE(array.programmed(WeightSet::kWp1));
    array.program(WeightSet::kWp1, target(), services, 0);
    EXPECT_TRUE(array.programmed(WeightSet::kWp1));
    EXPECT_FALSE(array.programmed(WeightSet::kWp2));
    EXPECT_EQ(array.weights(WeightSet::kWp1), target());
    EXPECT_EQ(array.weights(WeightSet::kWp2), WeightMatrix::Zero(kWires, kWires));
  }
}

TEST_F(Array, InHalfPrecisionHoldsTheTargetToElevenBits) {
  WeightArray array({});
  array.program(WeightSet::kWp1, target(), services, 0);
  const Eigen::ArrayXXd difference = (array.weights(WeightSet::kWp1) - target()).array().abs();
  EXPECT_GT(difference.maxCoeff(), 0);
  EXPECT_TRUE((difference <= target().array().abs() / 2048 + 1e-7).all());
}

TEST_F(Array, ANegatedSetIsFoldedOnlyWhereItIsExactlyThat) {
  const std::vector<double> x = inputs(3);
  for (const bool fold : {true, false}) {
    ArrayConfig config;
    config.fold_negated_set = fold;
    WeightArray array(config);
    array.program(WeightSet::kWp1, target(), services, 0);
    EXPECT_FALSE(array.folded());
    array.program(WeightSet::kWp2, -target(), services, 0);
    EXPECT_EQ(array.folded(), fold);
    EXPECT_TRUE(array.programmed(WeightSet::kWp2));
    EXPECT_EQ(array.weights(WeightSet::kWp2), -array.weights(WeightSet::kWp1));
    std::vector<double> first(kSize * 3);
    std::vector<double> second(kSize * 3);
    array.multiply(WeightSet::kWp1, x.data(), first.data(), 3, 0, kWires);
    array.multiply(WeightSet::kWp2, x.data(), second.data(), 3, 0, kWires);
    for (std::size_t index = 0; index < first.size(); ++index) {
      ASSERT_EQ(second[index], -first[index]);
    }
    // programming either again takes them apart
    WeightMatrix other = target();
    other(5, 6) = 0.125;
    const WeightMatrix negated = array.weights(WeightSet::kWp2);
    array.program(WeightSet::kWp1, other, services, 0);
    EXPECT_FALSE(array.folded());
    EXPECT_EQ(array.weights(WeightSet::kWp2), negated);
    EXPECT_EQ(array.weights(WeightSet::kWp1)(5, 6), 0.125);
  }
  ArrayConfig with_errors;
  with_errors.programming_sigma = 0.03;
  WeightArray array(with_errors);
  array.program(WeightSet::kWp1, target(), services, 0);
  array.program(WeightSet::kWp2, -target(), services, 0);
  EXPECT_FALSE(array.folded());
}

TEST_F(Array, ProgrammingErrorIsGaussianReproducibleAndKeyed) {
  ArrayConfig config;
  config.programming_sigma = 0.03;
  config.half_precision_weights = false;
  WeightArray array(config);
  const WeightMatrix zero = WeightMatrix::Zero(kWires, kWires);
  array.program(WeightSet::kWp1, zero, services, 5);
  array.program(WeightSet::kWp2, zero, services, 5);
  const WeightMatrix first = array.weights(WeightSet::kWp1);
  const WeightMatrix second = array.weights(WeightSet::kWp2);
  EXPECT_NEAR(first.mean(), 0, 3e-4);
  EXPECT_NEAR(std::sqrt(first.array().square().mean()), 0.03, 3e-4);
  EXPECT_NEAR((first.array() * second.array()).mean() / 9e-4, 0, 0.01);

  WeightArray again(config);
  again.program(WeightSet::kWp1, zero, services, 5);
  EXPECT_EQ(again.weights(WeightSet::kWp1), first);
  again.program(WeightSet::kWp1, zero, services, 6);
  EXPECT_NE(again.weights(WeightSet::kWp1), first);

  array.program(WeightSet::kWp1, WeightMatrix::Ones(kWires, kWires), services, 5);
  EXPECT_GT(array.weights(WeightSet::kWp1).maxCoeff(), 1.05F) << "may overshoot the target";
  EXPECT_LE(array.weights(WeightSet::kWp1).maxCoeff(), static_cast<double>(static_cast<float>(kLargestWritten)));
}

TEST_F(Array, RefusesWhatIsNotA512x512MatrixWithinOne) {
  WeightArray array({});
  EXPECT_THROW(array.program(WeightSet::kWp1, WeightMatrix::Zero(512, 511), services, 0), std::invalid_argument);
  WeightMatrix large = WeightMatrix::Zero(kWires, kWires);
  large(3, 4) = 1.01F;
  EXPECT_THROW(array.program(WeightSet::kWp1, large, services, 0), std::invalid_argument);
  large(3, 4) = std::nanf("");
  EXPECT_THROW(array.program(WeightSet::kWp1, large, services, 0), std::invalid_argument);
  EXPECT_FALSE(array.programmed(WeightSet::kWp1));
}

}  // namespace
}  // namespace chronotile::tile
