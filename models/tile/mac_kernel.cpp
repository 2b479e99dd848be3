#include "models/tile/mac_kernel.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <boost/align/aligned_allocator.hpp>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__)
#define CHRONOTILE_X86_KERNELS
#include <immintrin.h>
#endif

// Limits for 512 x 512 (262,144 weights). One lane: every weight is read once, 1 MiB in single precision: at 100 GB/s
// (L2) 10.5 us, at 20 GB/s (memory, one core) 52 us. Many lanes: one fused multiply-add a weight and lane, 16 at a
// time: 16,384 vector operations a lane, one a cycle on Zen 4. Weights in 16 bits halve the bytes: 26 us from memory.
namespace chronotile::tile::mac {
namespace {

/// The rows in which some lane of a block is not zero, and their inputs side by side.
template <typename Real>
struct Inputs {
  const Real* x;  ///< [count][lanes of the block]
  const std::uint16_t* rows;
  int count;
};

/// The precision in which products with a stored weight are summed.
template <typename Stored>
using Precision = std::conditional_t<std::is_same_v<Stored, Half>, float, Stored>;

/// Sums of one panel for a block of lanes: sums[lane][column of the panel].
template <typename Stored>
using PanelKernel = void (*)(const Stored* panel, const Inputs<Precision<Stored>>& inputs, Precision<Stored>* sums);

template <typename Stored, int kLanes>
void generic_panel(const Stored* panel, const Inputs<Precision<Stored>>& inputs, Precision<Stored>* sums) {
  using Real = Precision<Stored>;
  std::fill_n(sums, kLanes * kPanel, Real{0});
  [[maybe_unused]] Real converted[kPanel];
  for (int index = 0; index < inputs.count; ++index) {
    const Stored* stored = panel + static_cast<std::size_t>(inputs.rows[index]) * kPanel;
    const Real* row = nullptr;
    if constexpr (std::is_same_v<Stored, Half>) {
      std::transform(stored, stored + kPanel, converted, from_half);
      row = converted;
    } else {
      row = stored;
    }
    for (int lane = 0; lane < kLanes; ++lane) {
      const Real x = inputs.x[index * kLanes + lane];
      for (int column = 0; column < kPanel; ++column) {
        sums[lane * kPanel + column] = std::fma(row[column], x, sums[lane * kPanel + column]);
      }
    }
  }
}

#ifdef CHRONOTILE_X86_KERNELS

#define CHRONOTILE_AVX2 __attribute__((target("avx2,fma,f16c")))
#define CHRONOTILE_AVX512 __attribute__((target("avx512f,avx2,fma,f16c")))
#define CHRONOTILE_AVX2_INLINE CHRONOTILE_AVX2 __attribute__((always_inline)) static inline
#define CHRONOTILE_AVX512_INLINE CHRONOTILE_AVX512 __attribute__((always_inline)) static inline

struct Avx2Single {
  using Real = float;
  using Stored = float;
  using Vector = __m256;
  static constexpr int kWidth = 8;
  CHRONOTILE_AVX2_INLINE Vector zero() { return _mm256_setzero_ps(); }
  CHRONOTILE_AVX2_INLINE Vector load(const float* from) { return _mm256_load_ps(from); }
  CHRONOTILE_AVX2_INLINE Vector all(float value) { return _mm256_set1_ps(value); }
  CHRONOTILE_AVX2_INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  CHRONOTILE_AVX2_INLINE void store(float* to, Vector value) { _mm256_store_ps(to, value); }
};

struct Avx2Half : Avx2Single {
  using Stored = Half;
  CHRONOTILE_AVX2_INLINE Vector load(const Half* from) {
    return _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(from)));
  }
};

struct Avx2Double {
  using Real = double;
  using Stored = double;
  using Vector = __m256d;
  static constexpr int kWidth = 4;
  CHRONOTILE_AVX2_INLINE Vector zero() { return _mm256_setzero_pd(); }
  CHRONOTILE_AVX2_INLINE Vector load(const double* from) { return _mm256_load_pd(from); }
  CHRONOTILE_AVX2_INLINE Vector all(double value) { return _mm256_set1_pd(value); }
  CHRONOTILE_AVX2_INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_pd(a, b, c); }
  CHRONOTILE_AVX2_INLINE void store(double* to, Vector value) { _mm256_store_pd(to, value); }
};

struct Avx512Single {
  using Real = float;
  using Stored = float;
  using Vector = __m512;
  static constexpr int kWidth = 16;
  CHRONOTILE_AVX512_INLINE Vector zero() { return _mm512_setzero_ps(); }
  CHRONOTILE_AVX512_INLINE Vector load(const float* from) { return _mm512_load_ps(from); }
  CHRONOTILE_AVX512_INLINE Vector all(float value) { return _mm512_set1_ps(value); }
  CHRONOTILE_AVX512_INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  CHRONOTILE_AVX512_INLINE void store(float* to, Vector value) { _mm512_store_ps(to, value); }
};

struct Avx512Half : Avx512Single {
  using Stored = Half;
  CHRONOTILE_AVX512_INLINE Vector load(const Half* from) {
    // with all of a mask: GCC 12 warns of the other's "uninitialized" pass-through
    return _mm512_maskz_cvtph_ps(0xffff, _mm256_load_si256(reinterpret_cast<const __m256i*>(from)));
  }
};

struct Avx512Double {
  using Real = double;
  using Stored = double;
  using Vector = __m512d;
  static constexpr int kWidth = 8;
  CHRONOTILE_AVX512_INLINE Vector zero() { return _mm512_setzero_pd(); }
  CHRONOTILE_AVX512_INLINE Vector load(const double* from) { return _mm512_load_pd(from); }
  CHRONOTILE_AVX512_INLINE Vector all(double value) { return _mm512_set1_pd(value); }
  CHRONOTILE_AVX512_INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_pd(a, b, c); }
  CHRONOTILE_AVX512_INLINE void store(double* to, Vector value) { _mm512_store_pd(to, value); }
};

/// Bytes that are prefetched ahead: 24 rows of a single-precision panel.
constexpr std::size_t kAheadBytes = 6144;

// The sums of kVectors * kLanes vectors stay in registers over all rows. The body is the same for both instruction
// sets; GCC inlines intrinsics only into functions of the same target, hence the macro.
#define CHRONOTILE_PANEL_BODY                                                                          \
  using Stored = typename V::Stored;                                                                   \
  constexpr int kChunk = kVectors * V::kWidth;                                                         \
  for (int start = 0; start < kPanel; start += kChunk) {                                               \
    typename V::Vector sum[kVectors][kLanes];                                                          \
    _Pragma("GCC unroll 8") for (int v = 0; v < kVectors; ++v) {                                       \
      _Pragma("GCC unroll 8") for (int lane = 0; lane < kLanes; ++lane) { sum[v][lane] = V::zero(); }  \
    }                                                                                                  \
    for (int index = 0; index < inputs.count; ++index) {                                               \
      const Stored* row = panel + static_cast<std::size_t>(inputs.rows[index]) * kPanel + start;       \
      _Pragma("GCC unroll 8") for (std::size_t byte = 0; byte < kChunk * sizeof(Stored); byte += 64) { \
        _mm_prefetch(reinterpret_cast<const char*>(row) + kAheadBytes + byte, _MM_HINT_T0);            \
      }                                                                                                \
      typename V::Vector x[kLanes];                                                                    \
      _Pragma("GCC unroll 8") for (int lane = 0; lane < kLanes; ++lane) {                              \
        x[lane] = V::all(inputs.x[index * kLanes + lane]);                                             \
      }                                                                                                \
      _Pragma("GCC unroll 8") for (int v = 0; v < kVectors; ++v) {                                     \
        const typename V::Vector weights = V::load(row + v * V::kWidth);                               \
        _Pragma("GCC unroll 8") for (int lane = 0; lane < kLanes; ++lane) {                            \
          sum[v][lane] = V::fma(weights, x[lane], sum[v][lane]);                                       \
        }                                                                                              \
      }                                                                                                \
    }                                                                                                  \
    _Pragma("GCC unroll 8") for (int v = 0; v < kVectors; ++v) {                                       \
      _Pragma("GCC unroll 8") for (int lane = 0; lane < kLanes; ++lane) {                              \
        V::store(sums + lane * kPanel + start + v * V::kWidth, sum[v][lane]);                          \
      }                                                                                                \
    }                                                                                                  \
  }

template <typename V, int kVectors, int kLanes>
CHRONOTILE_AVX2 void avx2_panel(const typename V::Stored* panel, const Inputs<typename V::Real>& inputs,
                                typename V::Real* sums) {
  CHRONOTILE_PANEL_BODY
}

template <typename V, int kVectors, int kLanes>
CHRONOTILE_AVX512 void avx512_panel(const typename V::Stored* panel, const Inputs<typename V::Real>& inputs,
                                    typename V::Real* sums) {
  CHRONOTILE_PANEL_BODY
}

#undef CHRONOTILE_PANEL_BODY

/// to[c * lanes + l] = from[l * kPanel + c] in double precision, or adds it, for 16 lanes and 16 columns. A zero is +0.
CHRONOTILE_AVX512 void turn_sums(const float* from, double* to, std::size_t lanes, bool add) {
  // with all of a mask: as in Avx512Half
  constexpr __mmask16 kAll = 0xffff;
  __m512 rows[16];
  for (int row = 0; row < 16; ++row) {
    rows[row] = _mm512_load_ps(from + static_cast<std::size_t>(row) * kPanel);
  }
  __m512 pairs[16];
  for (int row = 0; row < 16; row += 2) {
    pairs[row] = _mm512_maskz_unpacklo_ps(kAll, rows[row], rows[row + 1]);
    pairs[row + 1] = _mm512_maskz_unpackhi_ps(kAll, rows[row], rows[row + 1]);
  }
  __m512 fours[16];
  for (int row = 0; row < 16; row += 4) {
    for (int half = 0; half < 2; ++half) {
      const __m512d first = _mm512_castps_pd(pairs[row + half]);
      const __m512d second = _mm512_castps_pd(pairs[row + half + 2]);
      fours[row + 2 * half] = _mm512_castpd_ps(_mm512_maskz_unpacklo_pd(0xff, first, second));
      fours[row + 2 * half + 1] = _mm512_castpd_ps(_mm512_maskz_unpackhi_pd(0xff, first, second));
    }
  }
  for (int column = 0; column < 4; ++column) {
    const __m512 low0 = _mm512_maskz_shuffle_f32x4(kAll, fours[column], fours[column + 4], 0x88);
    const __m512 low1 = _mm512_maskz_shuffle_f32x4(kAll, fours[column], fours[column + 4], 0xdd);
    const __m512 high0 = _mm512_maskz_shuffle_f32x4(kAll, fours[column + 8], fours[column + 12], 0x88);
    const __m512 high1 = _mm512_maskz_shuffle_f32x4(kAll, fours[column + 8], fours[column + 12], 0xdd);
    const __m512 turned[4] = {
        _mm512_maskz_shuffle_f32x4(kAll, low0, high0, 0x88), _mm512_maskz_shuffle_f32x4(kAll, low1, high1, 0x88),
        _mm512_maskz_shuffle_f32x4(kAll, low0, high0, 0xdd), _mm512_maskz_shuffle_f32x4(kAll, low1, high1, 0xdd)};
    for (int four = 0; four < 4; ++four) {
      double* out = to + static_cast<std::size_t>(column + 4 * four) * lanes;
      const __m512d of_column = _mm512_castps_pd(turned[four]);
      const __m256 halves[2] = {_mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xff, of_column, 0)),
                                _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xff, of_column, 1))};
      for (const __m256& half : halves) {
        const __m512d more = _mm512_add_pd(_mm512_maskz_cvtps_pd(0xff, half), _mm512_setzero_pd());
        _mm512_storeu_pd(out, add ? _mm512_add_pd(_mm512_loadu_pd(out), more) : more);
        out += 8;
      }
    }
  }
}

#endif  // CHRONOTILE_X86_KERNELS

constexpr std::size_t kMostLanes = 6;  ///< of one block

/// Kernels by lanes of the block, 1 .. count.
template <typename Stored>
struct Kernels {
  PanelKernel<Stored> panel[kMostLanes];
  std::size_t most_lanes;
};

#ifdef CHRONOTILE_X86_KERNELS
template <typename V>
Kernels<typename V::Stored> avx512_kernels() {
  constexpr int kAll = kPanel / V::kWidth;  // vectors of a panel's row, in registers with up to three lanes
  constexpr int kFew = std::min(kAll, 8);
  return {{avx512_panel<V, kFew, 1>, avx512_panel<V, kFew, 2>, avx512_panel<V, kFew, 3>, avx512_panel<V, 4, 4>,
           avx512_panel<V, 4, 5>, avx512_panel<V, 4, 6>},
          6};
}
template <typename V>
Kernels<typename V::Stored> avx2_kernels() {
  return {{avx2_panel<V, 8, 1>, avx2_panel<V, 4, 2>, avx2_panel<V, 4, 3>}, 3};
}
#endif

template <typename Stored>
Kernels<Stored> kernels_of([[maybe_unused]] Isa isa) {
#ifdef CHRONOTILE_X86_KERNELS
  if (isa == Isa::kAvx512) {
    if constexpr (std::is_same_v<Stored, float>) {
      return avx512_kernels<Avx512Single>();
    } else if constexpr (std::is_same_v<Stored, double>) {
      return avx512_kernels<Avx512Double>();
    } else {
      return avx512_kernels<Avx512Half>();
    }
  }
  if (isa == Isa::kAvx2) {
    if constexpr (std::is_same_v<Stored, float>) {
      return avx2_kernels<Avx2Single>();
    } else if constexpr (std::is_same_v<Stored, double>) {
      return avx2_kernels<Avx2Double>();
    } else {
      return avx2_kernels<Avx2Half>();
    }
  }
#endif
  return {{generic_panel<Stored, 1>, generic_panel<Stored, 2>, generic_panel<Stored, 3>, generic_panel<Stored, 4>}, 4};
}

/// Packs the inputs of `count` lanes and leaves out rows in which all of them are zero. A row of zeros cannot change a
/// sum's value; it could only turn a -0 (an underflow) into +0, which `multiply` does for all. `side_by_side`: the
/// chosen lanes are neighbours.
template <bool kSideBySide, typename Real, int kLanes, typename Input>
Inputs<Real> pack_lanes(const Input* x, std::size_t lanes, const std::uint16_t* chosen, Real* packed,
                        std::uint16_t* rows) {
  int kept = 0;
  Real* to = packed;
  std::size_t offset[kLanes];
  std::copy_n(chosen, kLanes, offset);
  for (int row = 0; row < kWires; ++row) {
    const Input* from = x + static_cast<std::size_t>(row) * lanes;
    bool any = false;
    for (int lane = 0; lane < kLanes; ++lane) {
      to[lane] = static_cast<Real>(kSideBySide ? from[offset[0] + static_cast<std::size_t>(lane)] : from[offset[lane]]);
      any |= to[lane] != Real{0};
    }
    rows[kept] = static_cast<std::uint16_t>(row);
    kept += any ? 1 : 0;
    to += any ? kLanes : 0;
  }
  return {packed, rows, kept};
}

template <typename Real, int kLanes, typename Input>
Inputs<Real> pack_lanes(const Input* x, std::size_t lanes, const std::uint16_t* chosen, Real* packed,
                        std::uint16_t* rows) {
  return chosen[kLanes - 1] - chosen[0] == kLanes - 1 ? pack_lanes<true, Real, kLanes>(x, lanes, chosen, packed, rows)
                                                      : pack_lanes<false, Real, kLanes>(x, lanes, chosen, packed, rows);
}

template <typename Real, typename Input>
Inputs<Real> pack(const Input* x, std::size_t lanes, const std::uint16_t* chosen, std::size_t count, Real* packed,
                  std::uint16_t* rows) {
  static_assert(kMostLanes == 6);
  switch (count) {
    case 1:
      return pack_lanes<Real, 1>(x, lanes, chosen, packed, rows);
    case 2:
      return pack_lanes<Real, 2>(x, lanes, chosen, packed, rows);
    case 3:
      return pack_lanes<Real, 3>(x, lanes, chosen, packed, rows);
    case 4:
      return pack_lanes<Real, 4>(x, lanes, chosen, packed, rows);
    case 5:
      return pack_lanes<Real, 5>(x, lanes, chosen, packed, rows);
    default:
      return pack_lanes<Real, 6>(x, lanes, chosen, packed, rows);
  }
}

template <typename Real>
struct Block {
  const std::uint16_t* lanes;
  std::size_t count;
  Inputs<Real> inputs;
};

/// Memory of a thread that lives on from call to call.
template <typename Real>
struct Scratch {
  std::vector<Real, boost::alignment::aligned_allocator<Real, 64>> packed;
  std::vector<Real, boost::alignment::aligned_allocator<Real, 64>> sums;  ///< of one panel, lane by lane
  std::vector<std::uint16_t> rows;
  std::vector<std::uint16_t> lanes;  ///< those with an input
  std::vector<std::uint64_t> any;    ///< per lane, bits of all its inputs
  std::vector<std::uint32_t> any_single;
  std::vector<Block<Real>> blocks;
};

template <typename Real>
Scratch<Real>& scratch() {
  thread_local Scratch<Real> memory;
  return memory;
}

/// Finds the lanes that are not all zero: some bit but the sign is set. `any`: bits of some rows' inputs side by side.
template <typename Bits>
void find_lanes(const Bits* bits, std::size_t lanes, std::vector<Bits>& any, std::vector<std::uint16_t>& found) {
  constexpr std::size_t kRowsAtOnce = 16;
  const std::size_t size = kRowsAtOnce * lanes;
  any.assign(bits, bits + size);
  for (std::size_t first = size; first < kWires * lanes; first += size) {
    for (std::size_t k = 0; k < size; ++k) {
      any[k] |= bits[first + k];
    }
  }
  found.clear();
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    Bits of_lane = 0;
    for (std::size_t k = lane; k < size; k += lanes) {
      of_lane |= any[k];
    }
    if (static_cast<Bits>(of_lane << 1U) != 0) {
      found.push_back(static_cast<std::uint16_t>(lane));
    }
  }
}

template <typename Real>
void find_lanes(const double* x, std::size_t lanes, Scratch<Real>& memory) {
  find_lanes(reinterpret_cast<const std::uint64_t*>(x), lanes, memory.any, memory.lanes);
}

template <typename Real>
void find_lanes(const float* x, std::size_t lanes, Scratch<Real>& memory) {
  find_lanes(reinterpret_cast<const std::uint32_t*>(x), lanes, memory.any_single, memory.lanes);
}

}  // namespace

bool supported([[maybe_unused]] Isa isa) {
#ifdef CHRONOTILE_X86_KERNELS
  if (isa == Isa::kAvx512) {
    return __builtin_cpu_supports("avx512f") != 0;
  }
  if (isa == Isa::kAvx2) {
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
           __builtin_cpu_supports("f16c") != 0;
  }
#endif
  return isa == Isa::kGeneric;
}

Isa best_isa() {
  if (supported(Isa::kAvx512)) {
    return Isa::kAvx512;
  }
  return supported(Isa::kAvx2) ? Isa::kAvx2 : Isa::kGeneric;
}

Half to_half(double value) { return {Eigen::half_impl::float_to_half_rtne(static_cast<float>(value)).x}; }

float from_half(Half value) {
  return Eigen::half_impl::half_to_float(Eigen::half_impl::raw_uint16_to_half(value.bits));
}

template <typename Stored, typename Input>
void multiply(const Stored* weights, const Input* x, double* out, std::size_t lanes, int first, int last, Isa isa,
              Into into) {
  using Real = Precision<Stored>;
  const Kernels<Stored> kernels = kernels_of<Stored>(isa);
  constexpr auto kRows = static_cast<std::size_t>(kWires);
  Scratch<Real>& memory = scratch<Real>();
  find_lanes(x, lanes, memory);
  if (into == Into::kReplace && memory.lanes.size() < lanes) {
    std::fill(out + static_cast<std::size_t>(first) * lanes, out + static_cast<std::size_t>(last) * lanes, 0.0);
  }
  const std::size_t active = memory.lanes.size();
  const std::size_t block_count = (active + kernels.most_lanes - 1) / kernels.most_lanes;
  memory.packed.resize(kRows * active);
  memory.rows.resize((kRows + 1) * block_count);
  memory.blocks.clear();
  std::size_t lane = 0;
  for (std::size_t index = 0; index < block_count; ++index) {
    const std::size_t count = (active - lane) / (block_count - index);
    const std::uint16_t* chosen = memory.lanes.data() + lane;
    memory.blocks.push_back(
        {chosen, count,
         pack(x, lanes, chosen, count, memory.packed.data() + kRows * lane, memory.rows.data() + (kRows + 1) * index)});
    lane += count;
  }

  memory.sums.resize(active * kPanel);
  for (int panel = first / kPanel; panel * kPanel < last && block_count > 0; ++panel) {
    const Stored* panel_weights = weights + packed_index(0, panel * kPanel);
    const int begin = std::max(first - panel * kPanel, 0);
    const int end = std::min(last - panel * kPanel, kPanel);
    Real* sums = memory.sums.data();
    for (const Block<Real>& block : memory.blocks) {
      kernels.panel[block.count - 1](panel_weights, block.inputs, sums);
      sums += block.count * kPanel;
    }
#ifdef CHRONOTILE_X86_KERNELS
    if constexpr (std::is_same_v<Real, float>) {
      constexpr int kSide = 16;
      if (isa == Isa::kAvx512 && active == lanes && lanes % kSide == 0 && begin % kSide == 0 && end % kSide == 0) {
        for (std::size_t first_lane = 0; first_lane < lanes; first_lane += kSide) {
          for (int column = begin; column < end; column += kSide) {
            turn_sums(memory.sums.data() + first_lane * kPanel + column,
                      out + static_cast<std::size_t>(panel * kPanel + column) * lanes + first_lane, lanes,
                      into == Into::kAdd);
          }
        }
        continue;
      }
    }
#endif
    for (int column = begin; column < end; ++column) {
      const Real* from = memory.sums.data() + column;
      double* to = out + static_cast<std::size_t>(panel * kPanel + column) * lanes;
      if (active == lanes && into == Into::kReplace) {
        for (std::size_t index = 0; index < active; ++index) {
          to[index] = static_cast<double>(from[index * kPanel]) + 0.0;
        }
      } else {
        const bool add = into == Into::kAdd;
        for (std::size_t index = 0; index < active; ++index) {
          double& sum = to[memory.lanes[index]];
          const double more = static_cast<double>(from[index * kPanel]) + 0.0;
          sum = add ? sum + more : more;
        }
      }
    }
  }
}

template void multiply(const float*, const float*, double*, std::size_t, int, int, Isa, Into);
template void multiply(const float*, const double*, double*, std::size_t, int, int, Isa, Into);
template void multiply(const double*, const float*, double*, std::size_t, int, int, Isa, Into);
template void multiply(const double*, const double*, double*, std::size_t, int, int, Isa, Into);
template void multiply(const Half*, const float*, double*, std::size_t, int, int, Isa, Into);
template void multiply(const Half*, const double*, double*, std::size_t, int, int, Isa, Into);

}  // namespace chronotile::tile::mac
