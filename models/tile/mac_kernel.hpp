#pragma once

#include <cstddef>
#include <cstdint>

#include "models/duration/geometry.hpp"

/// Column sums of a weight array: out[c][l] = sum over rows, in row order, of w[r][c] * x[r][l] by fused
/// multiply-adds from zero. Each output is one chain of 512 roundings whatever the blocking, so its bits depend on
/// nothing but its own column and lane.
namespace chronotile::tile::mac {

enum class Isa : std::uint8_t { kGeneric, kAvx2, kAvx512 };

/// A weight in 16 bits (IEEE binary16). Arithmetic with it is in single precision; the conversion is exact.
struct Half {
  std::uint16_t bits = 0;
};
/// Rounded to nearest, ties to even: within 2^-11 of the value, or 2^-25 where that is more.
[[nodiscard]] Half to_half(double value);
[[nodiscard]] float from_half(Half value);

/// The best instruction set of the machine that runs this.
[[nodiscard]] Isa best_isa();
[[nodiscard]] bool supported(Isa isa);

/// Columns that lie side by side in the packed weights.
inline constexpr int kPanel = 64;

/// Place of w[row][column] in the packed weights: panels of 64 columns, each panel row by row, so that a panel is read
/// as one stream.
[[nodiscard]] constexpr std::size_t packed_index(int row, int column) {
  return (static_cast<std::size_t>(column / kPanel) * kWires + static_cast<std::size_t>(row)) * kPanel +
         static_cast<std::size_t>(column % kPanel);
}

/// What happens to `out`: replaced, or added to.
enum class Into : std::uint8_t { kReplace, kAdd };

/// `weights`: kWires x kWires, packed, 64-byte aligned, finite. `x`, `out`: kWires x lanes, row-major; `x` finite,
/// rounded once to the arithmetic's precision (Stored, or single for Half). Writes columns `first`..`last` - 1 of `out`
/// and no others; a zero sum is +0. Lanes and rows without any input cost next to nothing.
template <typename Stored, typename Input>
void multiply(const Stored* weights, const Input* x, double* out, std::size_t lanes, int first, int last, Isa isa,
              Into into = Into::kReplace);

extern template void multiply(const float*, const float*, double*, std::size_t, int, int, Isa, Into);
extern template void multiply(const float*, const double*, double*, std::size_t, int, int, Isa, Into);
extern template void multiply(const double*, const float*, double*, std::size_t, int, int, Isa, Into);
extern template void multiply(const double*, const double*, double*, std::size_t, int, int, Isa, Into);
extern template void multiply(const Half*, const float*, double*, std::size_t, int, int, Isa, Into);
extern template void multiply(const Half*, const double*, double*, std::size_t, int, int, Isa, Into);

}  // namespace chronotile::tile::mac
