#pragma once

#include <cstddef>
#include <cstdint>

#include "models/duration/geometry.hpp"

/// Column sums of a weight array: out[c][l] = sum over rows, in row order, of w[r][c] * x[r][l] by fused
/// multiply-adds from zero. Each output is one chain of 512 roundings whatever the blocking, so its bits depend on
/// nothing but its own column and lane.
namespace chronotile::tile::mac {

enum class Isa : std::uint8_t { kGeneric, kAvx2, kAvx512 };

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

/// `weights`: kWires x kWires, packed, 64-byte aligned, finite. `x`, `out`: kWires x lanes, row-major; `x` finite,
/// rounded once to Real. Writes columns `first`..`last` - 1 of `out` and no others; a zero is +0.
template <typename Real>
void multiply(const Real* weights, const double* x, double* out, std::size_t lanes, int first, int last, Isa isa);

extern template void multiply<float>(const float*, const double*, double*, std::size_t, int, int, Isa);
extern template void multiply<double>(const double*, const double*, double*, std::size_t, int, int, Isa);

}  // namespace chronotile::tile::mac
