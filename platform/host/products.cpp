#include "platform/host/products.hpp"

#include <algorithm>

#include "common/every_isa.hpp"

namespace chronotile::host {

CHRONOTILE_EVERY_ISA
void add_products(const double* weights, std::size_t weight_stride, std::size_t rows, std::size_t columns,
                  const double* x, std::size_t x_stride, std::size_t count, double* y, std::size_t y_stride) {
  constexpr std::size_t kPatch = 64;  // columns: what is added to stays in the fastest cache for 64 vectors
  for (std::size_t first = 0; first < columns; first += kPatch) {
    const std::size_t width = std::min(kPatch, columns - first);
    for (std::size_t row = 0; row < rows; ++row) {
      const double* const line = weights + row * weight_stride + first;
      for (std::size_t vector = 0; vector < count; ++vector) {
        const double factor = x[vector * x_stride + row];
        if (factor == 0) {
          continue;
        }
        double* const sums = y + vector * y_stride + first;
        for (std::size_t column = 0; column < width; ++column) {
          sums[column] += factor * line[column];
        }
      }
    }
  }
}

}  // namespace chronotile::host
