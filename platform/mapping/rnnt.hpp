#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "platform/config/platform_config.hpp"
#include "platform/mapping/matrices.hpp"

namespace chronotile::mapping {

/// Sizes of an RNN-T network of MLPerf's topology; the defaults are the full size.
struct RnntShape {
  std::uint32_t features = 240;    ///< inputs of the network
  std::uint32_t inputs = 240;      ///< inputs of Enc-LSTM0 on tiles: more than `features` with weight expansion
  std::uint32_t encoder = 1024;    ///< hidden size of the encoder
  std::uint32_t prediction = 320;  ///< embedding and hidden size of the prediction network
  std::uint32_t joint = 512;       ///< outputs of the joint's first layer
  std::uint32_t symbols = 28;      ///< rows of the embedding
};

/// Weights in the network's own units, as in its state_dict. Accessors may be empty (all or none of them): then no
/// weights are mapped.
struct RnntWeights {
  /// Of output row `output` (LSTM gates in the order i, f, g, o) and input column `input`.
  using Weight = std::function<double(std::uint32_t output, std::uint32_t input)>;
  struct Lstm {
    Weight input;
    Weight recurrent;
    double full_scale = 0;  ///< measured |partial sum| of a summation group; 0: config.rnnt.gate_full_scale
  };
  std::array<Lstm, 5> encoder;     ///< encoder[0].input: of the expanded inputs with weight expansion
  std::array<Lstm, 2> prediction;  ///< prediction[0].input: 4 P x symbols, embedding and input weights merged
  Weight joint;                    ///< inputs: f of the encoder, then g of the prediction network
  double joint_full_scale = 0;     ///< as Lstm::full_scale; 0: config.rnnt.joint_full_scale
};

/// `weight` of a matrix of outputs x inputs with the experiments of a layer, m being its largest magnitude: rounded to
/// the nearest of round(2^bits) levels (at least 2), evenly spaced from -m to m (0: not rounded); then normal noise
/// with standard deviation noise_sigma * m, a draw of its own for each weight, keyed by `seed` and `stream`.
[[nodiscard]] RnntWeights::Weight degrade(const RnntWeights::Weight& weight, std::uint32_t outputs,
                                          std::uint32_t inputs, double bits, double noise_sigma, std::uint64_t seed,
                                          std::uint64_t stream);

/// The matrices that stand on tiles, where config.rnnt puts them:
/// enc_lstm0..4: rows [input, recurrent], columns the four gates; dec_lstm0: rows [copies of the one-hot symbol
/// (copy-major), recurrent]; dec_lstm1: rows [input, recurrent]; joint: rows [f, g]. Features have
/// rnnt.input_full_scale at full scale, all other inputs 1.
/// As few tiles as hold the rows, in pairs that are summed in analog (the joint: all of them), but for Enc-LSTM0: where
/// its recurrent rows need several tiles, inputs and recurrent rows are split on their own, the inputs evenly over a
/// pair, as published. rnnt.LAYER.weight_bits and .weight_noise_sigma change the weights as they stand on tiles (inputs
/// expanded, embedding merged and copied), with the place of the layer as stream of the noise. Throws UserError for
/// sizes of 0, wrong modes or placements.
[[nodiscard]] MatrixNetwork rnnt_network(const RnntShape& shape, const RnntWeights& weights,
                                         const config::PlatformConfig& config);

}  // namespace chronotile::mapping
