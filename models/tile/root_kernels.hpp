#pragma once

#include <cstddef>

/// Kernels with square roots; the same bits on every instruction set.
namespace chronotile::tile {

/// value += sqrt(variance) * normal
void add_scaled_roots(const double* variance, const float* normals, std::size_t size, double* value);

/// Periphery::soft for each voltage, in place.
void saturate(double* voltages, std::size_t size, double inverse_limit);

}  // namespace chronotile::tile
