#include "platform/host/digital_unit.hpp"

#include <algorithm>
#include <cstring>

#include "common/every_isa.hpp"

// No libm in here, and no contraction (see CMakeLists.txt): the same bits on every instruction set.
#if defined(__GNUC__)
#define CHRONOTILE_INLINE inline __attribute__((always_inline))
#else
#define CHRONOTILE_INLINE inline
#endif

namespace chronotile::host {
namespace {

/// e^x = scale * (1 + rest), |rest| < 0.42, for |x| < 700.
struct Exponential {
  double scale;
  double rest;
};

/// x = k ln 2 + r with |r| <= ln 2 / 2; the series of e^r - 1 is cut where the rest is below one unit in the last
/// place.
CHRONOTILE_INLINE Exponential exponential(double x) {
  constexpr double kLog2E = 1.44269504088896340736;
  constexpr double kLn2High = 0x1.62e42fee00000p-1;  // its last bits are zero: k * kLn2High is exact
  constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: the sum's last bits are the rounded integer
  const double shifted = x * kLog2E + kRound;
  const double k = shifted - kRound;
  const double r = (x - k * kLn2High) - k * kLn2Low;
  double sum = 1.0 / 6227020800;
  sum = sum * r + 1.0 / 479001600;
  sum = sum * r + 1.0 / 39916800;
  sum = sum * r + 1.0 / 3628800;
  sum = sum * r + 1.0 / 362880;
  sum = sum * r + 1.0 / 40320;
  sum = sum * r + 1.0 / 5040;
  sum = sum * r + 1.0 / 720;
  sum = sum * r + 1.0 / 120;
  sum = sum * r + 1.0 / 24;
  sum = sum * r + 1.0 / 6;
  sum = sum * r + 0.5;
  std::uint64_t bits = 0;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 1023U) << 52U;
  double scale = 0;
  std::memcpy(&scale, &bits, sizeof scale);
  return {scale, r + r * r * sum};
}

/// x within +-limit; a NaN stays one.
CHRONOTILE_INLINE double clamp(double x, double limit) {
  x = x < -limit ? -limit : x;
  return x > limit ? limit : x;
}

/// 1 + e^-x, the reciprocal of the logistic function.
CHRONOTILE_INLINE double sigmoid_denominator(double x) {
  constexpr double kLimit = 300.0;
  const Exponential e = exponential(-clamp(x, kLimit));
  return 1.0 + (e.scale + e.scale * e.rest);
}

struct Fraction {
  double numerator;
  double denominator;
};

/// tanh x = (e^2x - 1) / (e^2x + 1), without cancellation near 0. Beyond |x| = 20 it is 1 to the last place.
CHRONOTILE_INLINE Fraction tanh_fraction(double x) {
  constexpr double kLimit = 40.0;
  const Exponential e = exponential(clamp(2.0 * x, kLimit));
  const double less_one = e.scale * e.rest + (e.scale - 1.0);
  return {less_one, less_one + 2.0};
}

CHRONOTILE_EVERY_ISA
void lstm(const double* __restrict gates, const float* __restrict bias, std::size_t units, double* __restrict c,
          double* __restrict h) {
  for (std::size_t u = 0; u < units; ++u) {
    const double i = sigmoid_denominator(gates[u] + static_cast<double>(bias[u]));
    const double f = sigmoid_denominator(gates[units + u] + static_cast<double>(bias[units + u]));
    const Fraction g = tanh_fraction(gates[2 * units + u] + static_cast<double>(bias[2 * units + u]));
    const double o = sigmoid_denominator(gates[3 * units + u] + static_cast<double>(bias[3 * units + u]));
    const double cell = c[u] / f + g.numerator / (i * g.denominator);
    const Fraction squashed = tanh_fraction(cell);
    c[u] = cell;
    h[u] = squashed.numerator / (o * squashed.denominator);
  }
}

/// Sums of a row: column j goes to sum j mod kSums, and these are added up in a fixed order.
constexpr std::size_t kSums = 16;

CHRONOTILE_EVERY_ISA
void multiply_rows(const float* __restrict weights, std::size_t rows, std::size_t columns, const double* __restrict x,
                   double* __restrict y) {
  const std::size_t whole = columns - columns % kSums;
  for (std::size_t row = 0; row < rows; ++row) {
    const float* const w = weights + row * columns;
    double sums[kSums] = {};
    for (std::size_t first = 0; first < whole; first += kSums) {
      for (std::size_t j = 0; j < kSums; ++j) {
        sums[j] += static_cast<double>(w[first + j]) * x[first + j];
      }
    }
    for (std::size_t j = whole; j < columns; ++j) {
      sums[j - whole] += static_cast<double>(w[j]) * x[j];
    }
    for (std::size_t half = kSums / 2; half > 0; half /= 2) {
      for (std::size_t j = 0; j < half; ++j) {
        sums[j] += sums[j + half];
      }
    }
    y[row] = sums[0];
  }
}

CHRONOTILE_EVERY_ISA
void rectified_sum(const double* __restrict a, const double* __restrict b, std::size_t count, double* __restrict y) {
  for (std::size_t i = 0; i < count; ++i) {
    const double sum = a[i] + b[i];
    y[i] = sum < 0.0 ? 0.0 : sum;
  }
}

CHRONOTILE_EVERY_ISA
void tanh_each(const double* x, std::size_t count, double* y) {
  for (std::size_t i = 0; i < count; ++i) {
    const Fraction fraction = tanh_fraction(x[i]);
    y[i] = fraction.numerator / fraction.denominator;
  }
}

CHRONOTILE_EVERY_ISA
void sigmoid_each(const double* x, std::size_t count, double* y) {
  for (std::size_t i = 0; i < count; ++i) {
    y[i] = 1.0 / sigmoid_denominator(x[i]);
  }
}

}  // namespace

void tanh(const double* x, std::size_t count, double* y) { tanh_each(x, count, y); }

void sigmoid(const double* x, std::size_t count, double* y) { sigmoid_each(x, count, y); }

void DigitalUnit::lstm_cell(const double* gates, const float* bias, std::size_t units, double* c, double* h) {
  lstm(gates, bias, units, c, h);
  operations_ += kOperationsPerLstmUnit * units;
}

void DigitalUnit::multiply(const float* weights, std::size_t rows, std::size_t columns, const double* x, double* y) {
  multiply_rows(weights, rows, columns, x, y);
  operations_ += 2 * std::uint64_t{rows} * columns;
}

void DigitalUnit::add(double* a, const float* b, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    a[i] += static_cast<double>(b[i]);
  }
  operations_ += count;
}

void DigitalUnit::add_relu(const double* a, const double* b, std::size_t count, double* y) {
  rectified_sum(a, b, count, y);
  operations_ += 2 * std::uint64_t{count};
}

std::size_t DigitalUnit::arg_max(const double* values, std::size_t count) {
  operations_ += count - 1;
  return static_cast<std::size_t>(std::max_element(values, values + count) - values);
}

}  // namespace chronotile::host
