#include "models/tile/mac_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <type_traits>

#if defined(__x86_64__) && defined(__GNUC__)
#define CHRONOTILE_X86_KERNELS
#include <immintrin.h>
#endif

// Limits for 512 x 512 (262,144 weights). One lane: every weight is read once, 1 MiB in single precision: at 100 GB/s
// (L2) 10.5 us, at 20 GB/s (memory, one core) 52 us. Many lanes: one fused multiply-add a weight and lane, 16 at a
// time: 16,384 vector operations a lane, one a cycle on Zen 4.
namespace chronotile::tile::mac {
namespace {

/// The rows in which some lane of a block is not zero, and their inputs side by side.
template <typename Real>
struct Inputs {
  const Real* x;  ///< [count][lanes of the block]
  const std::uint16_t* rows;
  int count;
};

/// Sums of one panel for a block of lanes: sums[lane][column of the panel].
template <typename Real>
using PanelKernel = void (*)(const Real* panel, const Inputs<Real>& inputs, Real* sums);

template <typename Real, int kLanes>
void generic_panel(const Real* panel, const Inputs<Real>& inputs, Real* sums) {
  std::fill_n(sums, kLanes * kPanel, Real{0});
  for (int index = 0; index < inputs.count; ++index) {
    const Real* row = panel + static_cast<std::size_t>(inputs.rows[index]) * kPanel;
    for (int lane = 0; lane < kLanes; ++lane) {
      const Real x = inputs.x[index * kLanes + lane];
      for (int column = 0; column < kPanel; ++column) {
        sums[lane * kPanel + column] = std::fma(row[column], x, sums[lane * kPanel + column]);
      }
    }
  }
}

#ifdef CHRONOTILE_X86_KERNELS

#define CHRONOTILE_AVX2 __attribute__((target("avx2,fma")))
#define CHRONOTILE_AVX512 __attribute__((target("avx512f,avx2,fma")))
#define CHRONOTILE_AVX2_INLINE CHRONOTILE_AVX2 __attribute__((always_inline)) static inline
#define CHRONOTILE_AVX512_INLINE CHRONOTILE_AVX512 __attribute__((always_inline)) static inline

struct Avx2Single {
  using Real = float;
  using Vector = __m256;
  static constexpr int kWidth = 8;
  CHRONOTILE_AVX2_INLINE Vector zero() { return _mm256_setzero_ps(); }
  CHRONOTILE_AVX2_INLINE Vector load(const float* from) { return _mm256_load_ps(from); }
  CHRONOTILE_AVX2_INLINE Vector all(float value) { return _mm256_set1_ps(value); }
  CHRONOTILE_AVX2_INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  CHRONOTILE_AVX2_INLINE void store(float* to, Vector value) { _mm256_store_ps(to, value); }
};

struct Avx2Double {
  using Real = double;
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
  using Vector = __m512;
  static constexpr int kWidth = 16;
  CHRONOTILE_AVX512_INLINE Vector zero() { return _mm512_setzero_ps(); }
  CHRONOTILE_AVX512_INLINE Vector load(const float* from) { return _mm512_load_ps(from); }
  CHRONOTILE_AVX512_INLINE Vector all(float value) { return _mm512_set1_ps(value); }
  CHRONOTILE_AVX512_INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  CHRONOTILE_AVX512_INLINE void store(float* to, Vector value) { _mm512_store_ps(to, value); }
};

struct Avx512Double {
  using Real = double;
  using Vector = __m512d;
  static constexpr int kWidth = 8;
  CHRONOTILE_AVX512_INLINE Vector zero() { return _mm512_setzero_pd(); }
  CHRONOTILE_AVX512_INLINE Vector load(const double* from) { return _mm512_load_pd(from); }
  CHRONOTILE_AVX512_INLINE Vector all(double value) { return _mm512_set1_pd(value); }
  CHRONOTILE_AVX512_INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_pd(a, b, c); }
  CHRONOTILE_AVX512_INLINE void store(double* to, Vector value) { _mm512_store_pd(to, value); }
};

/// Rows that are prefetched ahead: 16 rows of a single-precision panel are 4 KiB.
constexpr std::size_t kAhead = 24;

// The sums of kVectors * kLanes vectors stay in registers over all rows. The body is the same for both instruction
// sets; GCC inlines intrinsics only into functions of the same target, hence the macro.
#define CHRONOTILE_PANEL_BODY                                                                         \
  using Real = typename V::Real;                                                                      \
  constexpr int kChunk = kVectors * V::kWidth;                                                        \
  for (int start = 0; start < kPanel; start += kChunk) {                                              \
    typename V::Vector sum[kVectors][kLanes];                                                         \
    _Pragma("GCC unroll 8") for (int v = 0; v < kVectors; ++v) {                                      \
      _Pragma("GCC unroll 8") for (int lane = 0; lane < kLanes; ++lane) { sum[v][lane] = V::zero(); } \
    }                                                                                                 \
    for (int index = 0; index < inputs.count; ++index) {                                              \
      const Real* row = panel + static_cast<std::size_t>(inputs.rows[index]) * kPanel + start;        \
      _Pragma("GCC unroll 8") for (std::size_t byte = 0; byte < kChunk * sizeof(Real); byte += 64) {  \
        _mm_prefetch(reinterpret_cast<const char*>(row + kAhead * kPanel) + byte, _MM_HINT_T0);       \
      }                                                                                               \
      typename V::Vector x[kLanes];                                                                   \
      _Pragma("GCC unroll 8") for (int lane = 0; lane < kLanes; ++lane) {                             \
        x[lane] = V::all(inputs.x[index * kLanes + lane]);                                            \
      }                                                                                               \
      _Pragma("GCC unroll 8") for (int v = 0; v < kVectors; ++v) {                                    \
        const typename V::Vector weights = V::load(row + v * V::kWidth);                              \
        _Pragma("GCC unroll 8") for (int lane = 0; lane < kLanes; ++lane) {                           \
          sum[v][lane] = V::fma(weights, x[lane], sum[v][lane]);                                      \
        }                                                                                             \
      }                                                                                               \
    }                                                                                                 \
    _Pragma("GCC unroll 8") for (int v = 0; v < kVectors; ++v) {                                      \
      _Pragma("GCC unroll 8") for (int lane = 0; lane < kLanes; ++lane) {                             \
        V::store(sums + lane * kPanel + start + v * V::kWidth, sum[v][lane]);                         \
      }                                                                                               \
    }                                                                                                 \
  }

template <typename V, int kVectors, int kLanes>
CHRONOTILE_AVX2 void avx2_panel(const typename V::Real* panel, const Inputs<typename V::Real>& inputs,
                                typename V::Real* sums) {
  CHRONOTILE_PANEL_BODY
}

template <typename V, int kVectors, int kLanes>
CHRONOTILE_AVX512 void avx512_panel(const typename V::Real* panel, const Inputs<typename V::Real>& inputs,
                                    typename V::Real* sums) {
  CHRONOTILE_PANEL_BODY
}

#undef CHRONOTILE_PANEL_BODY

#endif  // CHRONOTILE_X86_KERNELS

constexpr std::size_t kMostLanes = 6;  ///< of one block

/// Kernels by lanes of the block, 1 .. count.
template <typename Real>
struct Kernels {
  PanelKernel<Real> panel[kMostLanes];
  std::size_t most_lanes;
};

template <typename Real>
Kernels<Real> kernels_of([[maybe_unused]] Isa isa) {
#ifdef CHRONOTILE_X86_KERNELS
  if constexpr (std::is_same_v<Real, float>) {
    if (isa == Isa::kAvx512) {
      return {{avx512_panel<Avx512Single, 4, 1>, avx512_panel<Avx512Single, 4, 2>, avx512_panel<Avx512Single, 4, 3>,
               avx512_panel<Avx512Single, 4, 4>, avx512_panel<Avx512Single, 4, 5>, avx512_panel<Avx512Single, 4, 6>},
              6};
    }
    if (isa == Isa::kAvx2) {
      return {{avx2_panel<Avx2Single, 8, 1>, avx2_panel<Avx2Single, 4, 2>, avx2_panel<Avx2Single, 4, 3>}, 3};
    }
  } else {
    if (isa == Isa::kAvx512) {
      return {{avx512_panel<Avx512Double, 8, 1>, avx512_panel<Avx512Double, 8, 2>, avx512_panel<Avx512Double, 8, 3>,
               avx512_panel<Avx512Double, 4, 4>, avx512_panel<Avx512Double, 4, 5>, avx512_panel<Avx512Double, 4, 6>},
              6};
    }
    if (isa == Isa::kAvx2) {
      return {{avx2_panel<Avx2Double, 8, 1>, avx2_panel<Avx2Double, 4, 2>, avx2_panel<Avx2Double, 4, 3>}, 3};
    }
  }
#endif
  return {{generic_panel<Real, 1>, generic_panel<Real, 2>, generic_panel<Real, 3>, generic_panel<Real, 4>}, 4};
}

/// Packs the inputs of lanes `first`..`first` + `count` - 1 and leaves out rows in which all of them are zero. A row of
/// zeros cannot change a sum's value; it could only turn a -0 (an underflow) into +0, which `multiply` does for all.
template <typename Real>
Inputs<Real> pack(const double* x, std::size_t lanes, std::size_t first, std::size_t count, Real* packed,
                  std::uint16_t* rows) {
  int kept = 0;
  Real* to = packed;
  for (int row = 0; row < kWires; ++row) {
    const double* from = x + static_cast<std::size_t>(row) * lanes + first;
    bool any = false;
    for (std::size_t lane = 0; lane < count; ++lane) {
      to[lane] = static_cast<Real>(from[lane]);
      any |= to[lane] != Real{0};
    }
    rows[kept] = static_cast<std::uint16_t>(row);
    kept += any ? 1 : 0;
    to += any ? count : 0;
  }
  return {packed, rows, kept};
}

template <typename Real>
struct Block {
  std::size_t first;
  std::size_t count;
  Inputs<Real> inputs;
};

}  // namespace

bool supported([[maybe_unused]] Isa isa) {
#ifdef CHRONOTILE_X86_KERNELS
  if (isa == Isa::kAvx512) {
    return __builtin_cpu_supports("avx512f") != 0;
  }
  if (isa == Isa::kAvx2) {
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
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

template <typename Real>
void multiply(const Real* weights, const double* x, double* out, std::size_t lanes, int first, int last, Isa isa) {
  const Kernels<Real> kernels = kernels_of<Real>(isa);
  const std::size_t block_count = (lanes + kernels.most_lanes - 1) / kernels.most_lanes;
  constexpr auto kRows = static_cast<std::size_t>(kWires);
  const std::unique_ptr<Real[]> packed(new Real[kRows * lanes]);
  const std::unique_ptr<std::uint16_t[]> rows(new std::uint16_t[(kRows + 1) * block_count]);
  const std::unique_ptr<Block<Real>[]> blocks(new Block<Real>[block_count]);
  std::size_t lane = 0;
  for (std::size_t index = 0; index < block_count; ++index) {
    const std::size_t count = (lanes - lane) / (block_count - index);
    blocks[index] = {lane, count,
                     pack(x, lanes, lane, count, packed.get() + kRows * lane, rows.get() + (kRows + 1) * index)};
    lane += count;
  }

  alignas(64) Real sums[kMostLanes * kPanel];
  for (int panel = first / kPanel; panel * kPanel < last; ++panel) {
    const Real* panel_weights = weights + packed_index(0, panel * kPanel);
    const int begin = std::max(first - panel * kPanel, 0);
    const int end = std::min(last - panel * kPanel, kPanel);
    double* panel_out = out + static_cast<std::size_t>(panel * kPanel) * lanes;
    for (std::size_t index = 0; index < block_count; ++index) {
      const Block<Real>& block = blocks[index];
      kernels.panel[block.count - 1](panel_weights, block.inputs, sums);
      for (int column = begin; column < end; ++column) {
        double* to = panel_out + static_cast<std::size_t>(column) * lanes + block.first;
        for (std::size_t offset = 0; offset < block.count; ++offset) {
          to[offset] = static_cast<double>(sums[offset * kPanel + static_cast<std::size_t>(column)]) + 0.0;
        }
      }
    }
  }
}

template void multiply<float>(const float*, const double*, double*, std::size_t, int, int, Isa);
template void multiply<double>(const double*, const double*, double*, std::size_t, int, int, Isa);

}  // namespace chronotile::tile::mac
