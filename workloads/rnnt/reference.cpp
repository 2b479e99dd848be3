#include "workloads/rnnt/reference.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace chronotile::rnnt {
namespace {

using Vector = std::vector<double>;

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

double row_times(const float* weights, const Vector& x) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum += static_cast<double>(weights[i]) * x[i];
  }
  return sum;
}

Vector joined(Vector a, const Vector& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct State {
  Vector h;
  Vector c;
};

State fresh(const LstmLayer& layer) { return {Vector(layer.units, 0.0), Vector(layer.units, 0.0)}; }

void advance(const LstmLayer& layer, const Vector& x, State& state) {
  Vector gates(layer.gates());
  for (std::size_t gate = 0; gate < gates.size(); ++gate) {
    gates[gate] = row_times(layer.input_weights.data() + gate * layer.inputs, x) +
                  row_times(layer.recurrent_weights.data() + gate * layer.units, state.h) +
                  static_cast<double>(layer.bias[gate]);
  }
  for (std::size_t u = 0; u < layer.units; ++u) {
    state.c[u] =
        sigmoid(gates[layer.units + u]) * state.c[u] + sigmoid(gates[u]) * std::tanh(gates[2 * layer.units + u]);
    state.h[u] = sigmoid(gates[3 * layer.units + u]) * std::tanh(state.c[u]);
  }
}

std::vector<Vector> run(const LstmLayer& layer, const std::vector<Vector>& inputs) {
  State state = fresh(layer);
  std::vector<Vector> outputs;
  outputs.reserve(inputs.size());
  for (const Vector& x : inputs) {
    advance(layer, x, state);
    outputs.push_back(state.h);
  }
  return outputs;
}

std::vector<Vector> stacked(const std::vector<Vector>& frames, std::size_t width) {
  std::vector<Vector> result;
  for (std::size_t t = 0; t < frames.size(); t += 2) {
    result.push_back(joined(frames[t], t + 1 < frames.size() ? frames[t + 1] : Vector(width, 0.0)));
  }
  return result;
}

Vector linear(const LinearLayer& layer, const Vector& x) {
  Vector y(layer.outputs);
  for (std::size_t o = 0; o < y.size(); ++o) {
    y[o] = row_times(layer.weights.data() + o * layer.inputs, x) + static_cast<double>(layer.bias[o]);
  }
  return y;
}

std::vector<Vector> encode(const Network& network, const Vector& features) {
  const std::size_t width = network.sizes.inputs;
  if (features.size() % width != 0) {
    throw std::invalid_argument("chronotile::rnnt::reference: features are no whole frames");
  }
  std::vector<Vector> frames;
  for (auto begin = features.begin(); begin != features.end(); begin += static_cast<std::ptrdiff_t>(width)) {
    Vector x(begin, begin + static_cast<std::ptrdiff_t>(width));
    if (network.expanded_inputs > 0) {
      Vector expanded(network.expanded_inputs);
      for (std::size_t row = 0; row < expanded.size(); ++row) {
        expanded[row] = row_times(network.expansion.data() + row * width, x);
      }
      x = std::move(expanded);
    }
    for (double& value : x) {
      value = std::clamp(value, -network.input_full_scale, network.input_full_scale);
    }
    frames.push_back(std::move(x));
  }
  frames = run(network.encoder[1], run(network.encoder[0], frames));
  frames = run(network.encoder[2], stacked(frames, network.sizes.encoder));
  return run(network.encoder[4], run(network.encoder[3], frames));
}

/// The prediction network after the symbols emitted so far.
class Prediction {
 public:
  explicit Prediction(const Network& network)
      : network_(network), first_(fresh(network.prediction[0])), second_(fresh(network.prediction[1])) {
    feed(Vector(network.sizes.prediction, 0.0));
  }

  void feed(std::size_t symbol) {
    const float* const vector = network_.embedding.data() + symbol * network_.sizes.prediction;
    feed(Vector(vector, vector + network_.sizes.prediction));
  }

  [[nodiscard]] const Vector& output() const { return second_.h; }

 private:
  void feed(const Vector& embedded) {
    advance(network_.prediction[0], embedded, first_);
    advance(network_.prediction[1], first_.h, second_);
  }

  const Network& network_;
  State first_;
  State second_;
};

}  // namespace

Reference reference(const Network& network, const std::vector<double>& features, std::optional<std::size_t> symbols) {
  Reference result;
  result.encoder_outputs = encode(network, features);
  const std::size_t frames = result.encoder_outputs.size();
  Prediction prediction(network);
  for (std::size_t t = 0; t < frames; ++t) {
    for (std::size_t emitted = 0; emitted < kMostSymbolsPerFrame; ++emitted) {
      Vector hidden = linear(network.joint_first, joined(result.encoder_outputs[t], prediction.output()));
      std::transform(hidden.begin(), hidden.end(), hidden.begin(), [](double value) { return std::max(0.0, value); });
      const Vector logits = linear(network.joint_last, hidden);
      result.logits.push_back(logits);
      const bool forced_blank = symbols && result.transcript.size() * frames >= *symbols * (t + 1);
      const auto end = symbols && !forced_blank ? logits.end() - 1 : logits.end();
      const auto best = static_cast<std::size_t>(std::max_element(logits.begin(), end) - logits.begin());
      if (forced_blank || best == kBlank) {
        break;
      }
      result.transcript.push_back(kAlphabet[best]);
      prediction.feed(best);
    }
  }
  return result;
}

}  // namespace chronotile::rnnt
