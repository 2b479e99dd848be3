#include "models/base/noise.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

// One source, several instruction sets, the same bits: only IEEE operations that round alike everywhere, no libm, and
// no contraction (see CMakeLists.txt).
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CHRONOTILE_EVERY_ISA __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#define CHRONOTILE_INLINE inline __attribute__((always_inline))
#else
#define CHRONOTILE_EVERY_ISA
#define CHRONOTILE_INLINE inline
#endif

namespace chronotile::noise {
namespace {

constexpr std::uint32_t kMultiplier0 = 0xd2511f53U;
constexpr std::uint32_t kMultiplier1 = 0xcd9e8d57U;
constexpr std::uint32_t kWeyl0 = 0x9e3779b9U;
constexpr std::uint32_t kWeyl1 = 0xbb67ae85U;
constexpr int kRounds = 10;

constexpr std::size_t kBlocks = 64;  ///< of one batch
constexpr std::size_t kBatch = 4 * kBlocks;

struct Counter {
  std::uint32_t word0, word1, word2, word3;
};

CHRONOTILE_INLINE Counter philox_rounds(Counter counter, std::uint32_t key0, std::uint32_t key1) {
#pragma GCC unroll 10
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = static_cast<std::uint64_t>(kMultiplier0) * counter.word0;
    const std::uint64_t product1 = static_cast<std::uint64_t>(kMultiplier1) * counter.word2;
    counter = {static_cast<std::uint32_t>(product1 >> 32U) ^ counter.word1 ^ key0, static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32U) ^ counter.word3 ^ key1,
               static_cast<std::uint32_t>(product0)};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return counter;
}

/// 64 consecutive blocks, word w of block b at words[w][b].
struct Batch {
  alignas(64) std::uint32_t words[4][kBlocks];
};

/// The words of a stream: a Philox key and the upper half of the counter, both from a digest of the stream; the lower
/// half counts blocks of four elements.
struct Cursor {
  std::uint32_t key0, key1, high0, high1;
};

Cursor digest(const Stream& stream) {
  const auto low = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  const auto high = [](std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32U); };
  const auto purpose = static_cast<std::uint32_t>(stream.purpose);
  std::array<std::uint32_t, 4> state =
      philox({low(stream.seed), high(stream.seed), stream.chip, stream.place}, {purpose, stream.event});
  state[0] ^= low(stream.stream);
  state[1] ^= high(stream.stream);
  state[2] ^= low(stream.step);
  state[3] ^= high(stream.step);
  state = philox(state, {stream.event, purpose});
  return {state[0], state[1], state[2], state[3]};
}

CHRONOTILE_INLINE void fill(const Cursor& cursor, std::uint64_t first_block, Batch& batch) {
  for (std::uint32_t block = 0; block < kBlocks; ++block) {
    const std::uint64_t number = first_block + block;
    const Counter words = philox_rounds(
        {static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32U), cursor.high0, cursor.high1},
        cursor.key0, cursor.key1);
    batch.words[0][block] = words.word0;
    batch.words[1][block] = words.word1;
    batch.words[2][block] = words.word2;
    batch.words[3][block] = words.word3;
  }
}

/// A word as a number on [-2^31, 2^31).
CHRONOTILE_INLINE double centred(std::uint32_t word) {
  return static_cast<double>(static_cast<std::int32_t>(word ^ 0x80000000U));
}

/// Natural logarithm of a normal, positive number: exponent, and 2 artanh((m - 1) / (m + 1)) of the mantissa in
/// [sqrt(1/2), sqrt(2)), its series cut where the rest is below one unit in the last place.
CHRONOTILE_INLINE double logarithm(double value) {
  constexpr std::uint64_t kSqrtHalfBits = 0x3fe6a09e667f3bcdULL;
  constexpr double kLn2 = 0.693147180559945309417;
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  bits += 0x3ff0000000000000ULL - kSqrtHalfBits;
  const std::uint64_t exponent_bits = (bits >> 52U) | 0x4330000000000000ULL;  // 2^52 + biased exponent
  double exponent = 0;
  std::memcpy(&exponent, &exponent_bits, sizeof exponent);
  exponent -= 4503599627370496.0 + 1023.0;
  const std::uint64_t mantissa_bits = (bits & 0x000fffffffffffffULL) + kSqrtHalfBits;
  double mantissa = 0;
  std::memcpy(&mantissa, &mantissa_bits, sizeof mantissa);
  const double ratio = (mantissa - 1.0) / (mantissa + 1.0);
  const double square = ratio * ratio;
  double sum = 1.0 / 17;
  sum = sum * square + 1.0 / 15;
  sum = sum * square + 1.0 / 13;
  sum = sum * square + 1.0 / 11;
  sum = sum * square + 1.0 / 9;
  sum = sum * square + 1.0 / 7;
  sum = sum * square + 1.0 / 5;
  sum = sum * square + 1.0 / 3;
  sum = sum * square + 1.0;
  return exponent * kLn2 + 2.0 * ratio * sum;
}

/// Taylor series on |x| <= pi / 4.
CHRONOTILE_INLINE double sine(double x) {
  const double square = x * x;
  double sum = -1.0 / 1307674368000;
  sum = sum * square + 1.0 / 6227020800;
  sum = sum * square - 1.0 / 39916800;
  sum = sum * square + 1.0 / 362880;
  sum = sum * square - 1.0 / 5040;
  sum = sum * square + 1.0 / 120;
  sum = sum * square - 1.0 / 6;
  return x + x * (square * sum);
}

CHRONOTILE_INLINE double cosine(double x) {
  const double square = x * x;
  double sum = 1.0 / 20922789888000;
  sum = sum * square - 1.0 / 87178291200;
  sum = sum * square + 1.0 / 479001600;
  sum = sum * square - 1.0 / 3628800;
  sum = sum * square + 1.0 / 40320;
  sum = sum * square - 1.0 / 720;
  sum = sum * square + 1.0 / 24;
  sum = sum * square - 0.5;
  return 1.0 + square * sum;
}

/// Two normal deviates from two words; the angle is taken apart into quarter turns and a rest in [-pi/4, pi/4).
CHRONOTILE_INLINE void box_muller(std::uint32_t radius_word, std::uint32_t angle_word, double& first, double& second) {
  constexpr double kUnit = 1.0 / 4294967296.0;
  constexpr double kTurn = 6.283185307179586476925 / 4294967296.0;
  const double radius = std::sqrt(-2.0 * logarithm((centred(radius_word) + 2147483648.5) * kUnit));
  const std::uint32_t quarter = (angle_word + 0x20000000U) & 0xc0000000U;
  const double rest = (static_cast<double>(static_cast<std::int32_t>(angle_word - quarter)) + 0.5) * kTurn;
  const double s = sine(rest);
  const double c = cosine(rest);
  const bool swap = (quarter & 0x40000000U) != 0;
  const double x = swap ? s : c;
  const double y = swap ? c : s;
  first = radius * (((quarter + 0x40000000U) & 0x80000000U) != 0 ? -x : x);
  second = radius * ((quarter & 0x80000000U) != 0 ? -y : y);
}

CHRONOTILE_EVERY_ISA void uniform_batch(const Cursor& cursor, std::uint64_t first_block, double* out) {
  constexpr double kUnit = 1.0 / 2147483648.0;
  Batch batch;
  fill(cursor, first_block, batch);
  for (std::size_t block = 0; block < kBlocks; ++block) {
    for (std::size_t word = 0; word < 4; ++word) {
      out[4 * block + word] = centred(batch.words[word][block]) * kUnit;
    }
  }
}

CHRONOTILE_EVERY_ISA void gaussian_batch(const Cursor& cursor, std::uint64_t first_block, double* out) {
  Batch batch;
  alignas(64) double results[4][kBlocks];
  fill(cursor, first_block, batch);
  for (std::size_t pair = 0; pair < 4; pair += 2) {
    for (std::size_t block = 0; block < kBlocks; ++block) {
      box_muller(batch.words[pair][block], batch.words[pair + 1][block], results[pair][block],
                 results[pair + 1][block]);
    }
  }
  for (std::size_t block = 0; block < kBlocks; ++block) {
    for (std::size_t word = 0; word < 4; ++word) {
      out[4 * block + word] = results[word][block];
    }
  }
}

template <typename Fill>
void draw(const Stream& stream, std::uint64_t first, double* out, std::size_t count, std::size_t stride,
          const Fill& fill_batch) {
  const Cursor cursor = digest(stream);
  std::uint64_t block = first / 4;
  std::size_t skip = first % 4;
  alignas(64) double batch[kBatch];
  while (count > 0) {
    const std::size_t use = std::min(count, kBatch - skip);
    if (stride == 1 && use == kBatch) {
      fill_batch(cursor, block, out);
    } else {
      fill_batch(cursor, block, batch);
      for (std::size_t index = 0; index < use; ++index) {
        out[index * stride] = batch[skip + index];
      }
    }
    out += use * stride;
    count -= use;
    block += kBlocks;
    skip = 0;
  }
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  const Counter result = philox_rounds({counter[0], counter[1], counter[2], counter[3]}, key[0], key[1]);
  return {result.word0, result.word1, result.word2, result.word3};
}

void uniform(const Stream& stream, std::uint64_t first, double* out, std::size_t count, std::size_t stride) {
  draw(stream, first, out, count, stride, uniform_batch);
}

void gaussian(const Stream& stream, std::uint64_t first, double* out, std::size_t count, std::size_t stride) {
  draw(stream, first, out, count, stride, gaussian_batch);
}

}  // namespace chronotile::noise
