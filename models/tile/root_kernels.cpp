#include "models/tile/root_kernels.hpp"

#include <cmath>

#include "common/every_isa.hpp"

namespace chronotile::tile {

CHRONOTILE_EVERY_ISA
void add_scaled_roots(const double* variance, const float* normals, std::size_t size, double* value) {
  for (std::size_t k = 0; k < size; ++k) {
    value[k] += std::sqrt(variance[k]) * static_cast<double>(normals[k]);
  }
}

CHRONOTILE_EVERY_ISA
void saturate(double* voltages, std::size_t size, double inverse_limit) {
  for (std::size_t k = 0; k < size; ++k) {
    const double share = voltages[k] * inverse_limit;
    voltages[k] = voltages[k] / std::sqrt(1.0 + share * share);
  }
}

}  // namespace chronotile::tile
