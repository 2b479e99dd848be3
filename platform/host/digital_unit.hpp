#pragma once

#include <cstddef>
#include <cstdint>

namespace chronotile::host {

/// What the off-chip digital unit computes, in double precision, and how many operations that takes. The bits depend on
/// the arguments only, not on the instruction set of the machine: sums run in a fixed order without fused
/// multiply-adds.
///
/// An addition, a multiplication, a comparison is one operation; sigmoid and tanh are two each (an assumption: a table
/// and an interpolation). Copies are none: time stacking, look-ups of cached results.
class DigitalUnit {
 public:
  static constexpr std::uint64_t kOperationsPerActivation = 2;
  /// Of one LSTM unit: four biases, five activations, three products and a sum.
  static constexpr std::uint64_t kOperationsPerLstmUnit = 4 + 5 * kOperationsPerActivation + 4;

  /// One time step of an LSTM layer of `units` units. `gates` [4 * units]: W x without biases, gates i, f, g, o one
  /// after the other; `bias` alike; `c` and `h` [units]: the state, replaced by the new one (`h` is only written).
  void lstm_cell(const double* gates, const float* bias, std::size_t units, double* c, double* h);

  /// y = W x; `weights` row-major [rows][columns].
  void multiply(const float* weights, std::size_t rows, std::size_t columns, const double* x, double* y);

  /// a += b
  void add(double* a, const float* b, std::size_t count);

  /// y = max(0, a + b)
  void add_relu(const double* a, const double* b, std::size_t count, double* y);

  /// Index of the largest of `count` > 0 values; the first of equals.
  [[nodiscard]] std::size_t arg_max(const double* values, std::size_t count);

  /// Operations so far.
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }

 private:
  std::uint64_t operations_ = 0;
};

/// tanh and logistic function of `count` values, to a few units in the last place, by the same code as in lstm_cell();
/// beyond |x| = 300 the logistic function keeps its value there.
void tanh(const double* x, std::size_t count, double* y);
void sigmoid(const double* x, std::size_t count, double* y);

}  // namespace chronotile::host
