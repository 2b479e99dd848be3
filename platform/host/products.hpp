#pragma once

#include <cstddef>

namespace chronotile::host {

/// y[v][c] += sum over r in order of weights[r][c] * x[v][r] for `rows` rows, `columns` columns and `count` vectors,
/// with strides in numbers. The bits do not depend on the machine's instruction set.
void add_products(const double* weights, std::size_t weight_stride, std::size_t rows, std::size_t columns,
                  const double* x, std::size_t x_stride, std::size_t count, double* y, std::size_t y_stride);

}  // namespace chronotile::host
