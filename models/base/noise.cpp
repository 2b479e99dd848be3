#include "models/base/noise.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "common/every_isa.hpp"

// One source, several instruction sets, the same bits: only IEEE operations that round alike everywhere, no libm, and
// no contraction (see CMakeLists.txt).
#if defined(__x86_64__) && defined(__GNUC__)
#define CHRONOTILE_X86_PHILOX
#include <immintrin.h>
#endif
#if defined(__GNUC__)
#define CHRONOTILE_INLINE inline __attribute__((always_inline))
#else
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

/// Of all but the lane.
std::array<std::uint32_t, 4> chip_digest(const Stream& stream) {
  return philox({static_cast<std::uint32_t>(stream.seed), static_cast<std::uint32_t>(stream.seed >> 32U), stream.chip,
                 stream.place},
                {static_cast<std::uint32_t>(stream.purpose), stream.event});
}

Cursor digest(const Stream& stream, std::array<std::uint32_t, 4> state) {
  const auto low = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  const auto high = [](std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32U); };
  const auto purpose = static_cast<std::uint32_t>(stream.purpose);
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
  const Cursor cursor = digest(stream, chip_digest(stream));
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

// ---- sixteen blocks at once, with keys of their own ----

constexpr std::size_t kSide = 16;
constexpr std::size_t kVectorBlocks = kVectorWires / 8;

/// Keys and upper counters of sixteen streams side by side.
struct Cursors {
  alignas(64) std::uint32_t key0[kSide], key1[kSide], high0[kSide], high1[kSide];

  void set(std::size_t index, const Cursor& cursor) {
    key0[index] = cursor.key0;
    key1[index] = cursor.key1;
    high0[index] = cursor.high0;
    high1[index] = cursor.high1;
  }
};

/// Where the 16-bit halves go: that of half h of word w in turn t to out[(2 w + h) * half_step + t * turn_step +
/// 0..15].
struct Halves {
  std::int16_t* out;
  std::size_t half_step;
  std::size_t turn_step;
};

/// Runs blocks numbers[0..15] of their streams, and `turns` - 1 times those whose numbers are `number_step` larger.
using SideBySide = void (*)(const Cursors& cursors, const std::uint32_t* numbers, std::size_t turns,
                            std::uint32_t number_step, const Halves& halves);

void generic_side_by_side(const Cursors& cursors, const std::uint32_t* numbers, std::size_t turns,
                          std::uint32_t number_step, const Halves& halves) {
  for (std::size_t turn = 0; turn < turns; ++turn) {
    for (std::size_t index = 0; index < kSide; ++index) {
      const std::uint32_t number = numbers[index] + static_cast<std::uint32_t>(turn) * number_step;
      const Counter block = philox_rounds({number, 0, cursors.high0[index], cursors.high1[index]}, cursors.key0[index],
                                          cursors.key1[index]);
      std::int16_t* out = halves.out + turn * halves.turn_step + index;
      for (const std::uint32_t word : {block.word0, block.word1, block.word2, block.word3}) {
        out[0] = static_cast<std::int16_t>(word & 0xffffU);
        out[halves.half_step] = static_cast<std::int16_t>(word >> 16U);
        out += 2 * halves.half_step;
      }
    }
  }
}

#ifdef CHRONOTILE_X86_PHILOX

#define CHRONOTILE_AVX2 __attribute__((target("avx2")))
#define CHRONOTILE_AVX512 __attribute__((target("avx512f")))
#define CHRONOTILE_AVX2_INLINE CHRONOTILE_AVX2 __attribute__((always_inline)) static inline
#define CHRONOTILE_AVX512_INLINE CHRONOTILE_AVX512 __attribute__((always_inline)) static inline

struct Philox256 {
  using Vector = __m256i;
  static constexpr std::size_t kWords = 8;
  CHRONOTILE_AVX2_INLINE Vector load(const std::uint32_t* from) {
    return _mm256_load_si256(reinterpret_cast<const Vector*>(from));
  }
  CHRONOTILE_AVX2_INLINE void store_low(std::int16_t* to, Vector value) {
    const Vector bytes = _mm256_set_epi64x(-1, 0x0d0c090805040100, -1, 0x0d0c090805040100);
    const Vector packed = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(value, bytes), 0x08);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(packed));
  }
  CHRONOTILE_AVX2_INLINE void store_high(std::int16_t* to, Vector value) {
    store_low(to, _mm256_srli_epi32(value, 16));
  }
  CHRONOTILE_AVX2_INLINE Vector all(std::uint32_t value) { return _mm256_set1_epi32(static_cast<int>(value)); }
  CHRONOTILE_AVX2_INLINE Vector zero() { return _mm256_setzero_si256(); }
  CHRONOTILE_AVX2_INLINE Vector plus(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
  CHRONOTILE_AVX2_INLINE Vector product(Vector a, Vector b) { return _mm256_mul_epu32(a, b); }
  CHRONOTILE_AVX2_INLINE Vector high(Vector value) { return _mm256_srli_epi64(value, 32); }
  CHRONOTILE_AVX2_INLINE Vector xor3(Vector a, Vector b, Vector c) {
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
  }
  CHRONOTILE_AVX2_INLINE Vector join(Vector even, Vector odd) {
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  }
};

struct Philox512 {
  using Vector = __m512i;
  static constexpr std::size_t kWords = 16;
  CHRONOTILE_AVX512_INLINE Vector load(const std::uint32_t* from) { return _mm512_load_si512(from); }
  CHRONOTILE_AVX512_INLINE void store_low(std::int16_t* to, Vector value) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_maskz_cvtepi32_epi16(0xffff, value));
  }
  CHRONOTILE_AVX512_INLINE void store_high(std::int16_t* to, Vector value) {
    store_low(to, _mm512_maskz_srli_epi32(0xffff, value, 16));
  }
  CHRONOTILE_AVX512_INLINE Vector all(std::uint32_t value) { return _mm512_set1_epi32(static_cast<int>(value)); }
  CHRONOTILE_AVX512_INLINE Vector zero() { return _mm512_setzero_si512(); }
  CHRONOTILE_AVX512_INLINE Vector plus(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
  // with all of a mask: GCC 12 warns of the others' "uninitialized" pass-through
  CHRONOTILE_AVX512_INLINE Vector product(Vector a, Vector b) { return _mm512_maskz_mul_epu32(0xff, a, b); }
  CHRONOTILE_AVX512_INLINE Vector high(Vector value) { return _mm512_maskz_srli_epi64(0xff, value, 32); }
  CHRONOTILE_AVX512_INLINE Vector xor3(Vector a, Vector b, Vector c) {
    return _mm512_ternarylogic_epi32(a, b, c, 0x96);
  }
  CHRONOTILE_AVX512_INLINE Vector join(Vector even, Vector odd) {
    return _mm512_mask_mov_epi32(even, 0xaaaa, _mm512_maskz_slli_epi64(0xff, odd, 32));
  }
};

// Blocks of even and odd places run apart, each word in the lower half of 64 bits: that is what the multiplication
// takes, and what stands above never matters. GCC inlines intrinsics only into functions of the same target, hence the
// macro.
#define CHRONOTILE_SIDE_BY_SIDE_BODY                                                                            \
  using Vector = typename V::Vector;                                                                            \
  const Vector multiplier0 = V::all(kMultiplier0);                                                              \
  const Vector multiplier1 = V::all(kMultiplier1);                                                              \
  for (std::size_t part = 0; part < kSide; part += V::kWords) {                                                 \
    Vector keys[kRounds][2][2];                                                                                 \
    Vector key0 = V::load(cursors.key0 + part);                                                                 \
    Vector key1 = V::load(cursors.key1 + part);                                                                 \
    _Pragma("GCC unroll 10") for (int round = 0; round < kRounds; ++round) {                                    \
      keys[round][0][0] = key0;                                                                                 \
      keys[round][0][1] = V::high(key0);                                                                        \
      keys[round][1][0] = key1;                                                                                 \
      keys[round][1][1] = V::high(key1);                                                                        \
      key0 = V::plus(key0, V::all(kWeyl0));                                                                     \
      key1 = V::plus(key1, V::all(kWeyl1));                                                                     \
    }                                                                                                           \
    const Vector high0 = V::load(cursors.high0 + part);                                                         \
    const Vector high1 = V::load(cursors.high1 + part);                                                         \
    Vector number = V::load(numbers + part);                                                                    \
    for (std::size_t turn = 0; turn < turns; ++turn) {                                                          \
      Vector word[4][2] = {                                                                                     \
          {number, V::high(number)}, {V::zero(), V::zero()}, {high0, V::high(high0)}, {high1, V::high(high1)}}; \
      _Pragma("GCC unroll 10") for (int round = 0; round < kRounds; ++round) {                                  \
        _Pragma("GCC unroll 2") for (int odd = 0; odd < 2; ++odd) {                                             \
          const Vector product0 = V::product(word[0][odd], multiplier0);                                        \
          const Vector product1 = V::product(word[2][odd], multiplier1);                                        \
          word[0][odd] = V::xor3(V::high(product1), word[1][odd], keys[round][0][odd]);                         \
          word[2][odd] = V::xor3(V::high(product0), word[3][odd], keys[round][1][odd]);                         \
          word[1][odd] = product1;                                                                              \
          word[3][odd] = product0;                                                                              \
        }                                                                                                       \
      }                                                                                                         \
      std::int16_t* out = halves.out + turn * halves.turn_step + part;                                          \
      _Pragma("GCC unroll 4") for (std::size_t w = 0; w < 4; ++w) {                                             \
        const Vector joined = V::join(word[w][0], word[w][1]);                                                  \
        V::store_low(out + 2 * w * halves.half_step, joined);                                                   \
        V::store_high(out + (2 * w + 1) * halves.half_step, joined);                                            \
      }                                                                                                         \
      number = V::plus(number, V::all(number_step));                                                            \
    }                                                                                                           \
  }

template <typename V>
CHRONOTILE_AVX2 void avx2_side_by_side(const Cursors& cursors, const std::uint32_t* numbers, std::size_t turns,
                                       std::uint32_t number_step, const Halves& halves) {
  CHRONOTILE_SIDE_BY_SIDE_BODY
}
template <typename V>
CHRONOTILE_AVX512 void avx512_side_by_side(const Cursors& cursors, const std::uint32_t* numbers, std::size_t turns,
                                           std::uint32_t number_step,
                                           const Halves& halves){CHRONOTILE_SIDE_BY_SIDE_BODY}
#undef CHRONOTILE_SIDE_BY_SIDE_BODY

#endif  // CHRONOTILE_X86_PHILOX

SideBySide best_side_by_side() {
#ifdef CHRONOTILE_X86_PHILOX
  if (__builtin_cpu_supports("avx512f") != 0) {
    return avx512_side_by_side<Philox512>;
  }
  if (__builtin_cpu_supports("avx2") != 0) {
    return avx2_side_by_side<Philox256>;
  }
#endif
  return generic_side_by_side;
}

void side_by_side(const Cursors& cursors, const std::uint32_t* numbers, std::size_t turns, std::uint32_t number_step,
                  const Halves& halves) {
  static const SideBySide function = best_side_by_side();
  function(cursors, numbers, turns, number_step, halves);
}

/// As `logarithm`, in single precision.
CHRONOTILE_INLINE float logarithm(float value) {
  constexpr std::uint32_t kSqrtHalfBits = 0x3f3504f3U;
  constexpr float kLn2 = 0.69314718F;
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  bits += 0x3f800000U - kSqrtHalfBits;
  const float exponent = static_cast<float>(static_cast<std::int32_t>(bits >> 23U) - 127);
  const std::uint32_t mantissa_bits = (bits & 0x007fffffU) + kSqrtHalfBits;
  float mantissa = 0;
  std::memcpy(&mantissa, &mantissa_bits, sizeof mantissa);
  const float ratio = (mantissa - 1.0F) / (mantissa + 1.0F);
  const float square = ratio * ratio;
  float sum = 1.0F / 9;
  sum = sum * square + 1.0F / 7;
  sum = sum * square + 1.0F / 5;
  sum = sum * square + 1.0F / 3;
  sum = sum * square + 1.0F;
  return exponent * kLn2 + 2.0F * ratio * sum;
}

CHRONOTILE_EVERY_ISA void normal_pairs(const std::int16_t* radii, const std::int16_t* angles, std::size_t size,
                                       float* first, float* second) {
  constexpr float kTurn = 6.2831853F / 65536.0F;
  for (std::size_t index = 0; index < size; ++index) {
    const float uniform = (static_cast<float>(radii[index]) + 32768.5F) * (1.0F / 65536.0F);
    const float radius = std::sqrt(-2.0F * logarithm(uniform));
    const std::int32_t angle = angles[index];
    const std::int32_t quarter = (angle + 0x2000) & ~0x3fff;
    const float x = (static_cast<float>(angle - quarter) + 0.5F) * kTurn;
    const float square = x * x;
    const float s = x + x * (square * (square * (square * (-1.0F / 5040) + 1.0F / 120) - 1.0F / 6));
    const float c = 1.0F + square * (square * (square * (square * (1.0F / 40320) - 1.0F / 720) + 1.0F / 24) - 0.5F);
    const bool swap = (quarter & 0x4000) != 0;
    const float u = swap ? s : c;
    const float v = swap ? c : s;
    first[index] = radius * (((quarter + 0x4000) & 0x8000) != 0 ? -u : u);
    second[index] = radius * ((quarter & 0x8000) != 0 ? -v : v);
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

void vector_bits(const Stream& stream, const LaneKey* lanes, std::size_t count, std::int16_t* out) {
  const std::array<std::uint32_t, 4> common = chip_digest(stream);
  const auto cursor_of = [&](std::size_t lane) {
    Stream own = stream;
    own.stream = lanes[lane].stream;
    own.step = lanes[lane].step;
    return digest(own, common);
  };
  Cursors cursors;
  alignas(64) std::uint32_t numbers[kSide];
  std::size_t lane = 0;
  std::fill_n(numbers, kSide, 0U);
  for (; lane + kSide <= count; lane += kSide) {  // sixteen lanes side by side
    for (std::size_t index = 0; index < kSide; ++index) {
      cursors.set(index, cursor_of(lane + index));
    }
    side_by_side(cursors, numbers, kVectorBlocks, 1, {out + lane, kVectorBlocks * count, count});
  }
  for (std::size_t index = 0; index < kSide; ++index) {
    numbers[index] = static_cast<std::uint32_t>(index);
  }
  for (; lane < count; ++lane) {  // sixteen blocks of one lane side by side
    const Cursor cursor = cursor_of(lane);
    for (std::size_t index = 0; index < kSide; ++index) {
      cursors.set(index, cursor);
    }
    if (count == 1) {
      side_by_side(cursors, numbers, kVectorBlocks / kSide, kSide, {out, kVectorBlocks, kSide});
      continue;
    }
    std::int16_t own[kVectorWires];
    side_by_side(cursors, numbers, kVectorBlocks / kSide, kSide, {own, kVectorBlocks, kSide});
    for (std::size_t wire = 0; wire < kVectorWires; ++wire) {
      out[wire * count + lane] = own[wire];
    }
  }
}

void vector_normals(const std::int16_t* bits, std::size_t count, float* out) {
  const std::size_t size = kVectorBlocks * count;
  for (std::size_t pair = 0; pair < 4; ++pair) {
    const std::size_t first = 2 * pair * size;
    normal_pairs(bits + first, bits + first + size, size, out + first, out + first + size);
  }
}

}  // namespace chronotile::noise
