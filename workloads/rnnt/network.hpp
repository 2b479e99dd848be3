#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace chronotile::rnnt {

/// Symbols that can be emitted; the index of each is its place in here.
inline constexpr std::string_view kAlphabet = " abcdefghijklmnopqrstuvwxyz'";
inline constexpr std::size_t kSymbols = kAlphabet.size();
inline constexpr std::size_t kBlank = kSymbols;
inline constexpr std::size_t kOutputs = kSymbols + 1;
inline constexpr std::size_t kEncoderLayers = 5;
inline constexpr std::size_t kPredictionLayers = 2;
/// Symbols that may be emitted at one encoder frame.
inline constexpr std::size_t kMostSymbolsPerFrame = 30;

/// Frames of layers 2 to 4, which take two frames of layer 1 at a time.
[[nodiscard]] constexpr std::size_t stacked_frames(std::size_t frames) noexcept { return (frames + 1) / 2; }

/// Widths of a network; the defaults are MLPerf's.
struct Sizes {
  std::size_t inputs = 240;
  std::size_t encoder = 1024;
  std::size_t prediction = 320;
  std::size_t joint = 512;
};

/// An LSTM layer as PyTorch has it: gates i, f, g, o one after the other, matrices row-major.
struct LstmLayer {
  std::size_t inputs = 0;
  std::size_t units = 0;
  std::vector<float> input_weights;      ///< [4 * units][inputs]
  std::vector<float> recurrent_weights;  ///< [4 * units][units]
  std::vector<float> bias;               ///< [4 * units], the sum of PyTorch's two

  [[nodiscard]] std::size_t gates() const noexcept { return 4 * units; }
  /// Weight of gate row `output` for element `input` of [x, h].
  [[nodiscard]] float weight(std::size_t output, std::size_t input) const {
    return input < inputs ? input_weights[output * inputs + input] : recurrent_weights[output * units + input - inputs];
  }
};

/// A fully connected layer.
struct LinearLayer {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::vector<float> weights;  ///< row-major [outputs][inputs]
  std::vector<float> bias;     ///< [outputs]

  [[nodiscard]] float weight(std::size_t output, std::size_t input) const { return weights[output * inputs + input]; }
};

/// The recurrent neural network transducer of MLPerf Inference, in any width. Matrices on tiles, by name: enc_lstm0 to
/// enc_lstm4, dec_lstm0, dec_lstm1, joint.
struct Network {
  Sizes sizes;
  std::vector<LstmLayer> encoder;     ///< kEncoderLayers; layer 2 takes two frames of layer 1
  std::vector<float> embedding;       ///< [kSymbols][sizes.prediction]
  std::vector<LstmLayer> prediction;  ///< kPredictionLayers
  LinearLayer joint_first;            ///< of [f, g]; followed by ReLU
  LinearLayer joint_last;             ///< to kOutputs logits; digital
  /// Weight expansion: the input of enc_lstm0 is M x with M [expanded_inputs][sizes.inputs] instead of x, and its
  /// weights are fitted to that. Empty and 0 without.
  std::vector<float> expansion;
  std::size_t expanded_inputs = 0;
  /// Magnitude of an input of enc_lstm0 that is a pulse of full scale; larger ones are clipped.
  double input_full_scale = 3.0;
  /// Largest |W x| that the read-out must reach, by matrix; those that are not in here are for the mapper to estimate.
  std::map<std::string, double, std::less<>> output_full_scale;
  std::map<std::string, std::string, std::less<>> metadata;  ///< of the file

  /// Loads a safetensors file (F32 or F16) with the keys of MLPerf's state_dict (joint_net.* for joint.net.* in older
  /// ones), widths taken from the shapes. Of its metadata, "input_full_scale" (a number) and "output_full_scale" (a
  /// JSON object, number by matrix) are used. Throws UserError that names the tensor if one is missing, too many,
  /// mis-shaped, of integers or holds a NaN or infinity.
  [[nodiscard]] static Network load(const std::filesystem::path& file);

  /// A network of random weights, for time, energy and speed. Tensors in the order of the state_dict, t = 0, 1, ...
  /// (each encoder layer's weight_ih, weight_hh, bias_ih, bias_hh; embedding; prediction layers; joint.net.0 weight and
  /// bias; joint.net.3): random_values() times 1 / sqrt(units) for LSTM layers, sqrt(3) for the embedding,
  /// 1 / sqrt(inputs) for the joint's layers.
  [[nodiscard]] static Network random(std::uint64_t seed, const Sizes& sizes = {});

  /// Inputs of enc_lstm0 from the features' side.
  [[nodiscard]] std::size_t encoder_inputs() const noexcept {
    return expanded_inputs > 0 ? expanded_inputs : sizes.inputs;
  }

  /// Emb * Wx^T: what a symbol contributes to the gates of dec_lstm0, row-major [kSymbols][4 * sizes.prediction].
  [[nodiscard]] std::vector<double> merged_decoder_input() const;

  /// Parameters as PyTorch counts them (two biases per LSTM layer), without weight expansion.
  [[nodiscard]] std::size_t parameters() const noexcept;
};

/// Tensor number of random features.
inline constexpr std::uint32_t kRandomFeatures = 1000;
inline constexpr double kRandomFeatureBound = 1.7;

/// Element i = float((2 (u + 1/2) / 2^32 - 1) * bound), u = word i mod 4 of Philox4x32-10 with counter
/// (low(i div 4), high(i div 4), tensor, 0x524E4E54) and key (low(seed), high(seed)).
[[nodiscard]] std::vector<float> random_values(std::uint64_t seed, std::uint32_t tensor, std::size_t count,
                                               double bound);

/// Random features [frames][inputs] of about the deviation that real ones have, for tests and speed runs.
[[nodiscard]] std::vector<double> random_features(std::uint64_t seed, std::size_t frames, std::size_t inputs);

/// `network` with weight expansion of enc_lstm0: inputs M x with a random M [rows][sizes.inputs] of elements
/// N(0, 1 / sizes.inputs) from `seed`, so that elements of M x spread like those of x, and weights Wx M+ (M+: the
/// pseudo-inverse). More, smaller weights share the work, which averages their errors. Throws UserError if rows <
/// sizes.inputs, std::invalid_argument if the network is expanded already.
[[nodiscard]] Network expand(const Network& network, std::size_t rows = 1024, std::uint64_t seed = 0);

}  // namespace chronotile::rnnt
