#include "workloads/rnnt/network.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>

#include "common/nearest.hpp"
#include "common/user_error.hpp"
#include "models/base/noise.hpp"
#include "workloads/weights/safetensors.hpp"

namespace chronotile::rnnt {
namespace {

constexpr const char* kConvert =
    "Convert MLPerf's checkpoint again, or train again with workloads/rnnt/training/train.py";
constexpr std::array<const char*, 8> kMatrices = {"enc_lstm0", "enc_lstm1", "enc_lstm2", "enc_lstm3",
                                                  "enc_lstm4", "dec_lstm0", "dec_lstm1", "joint"};

/// A tensor of the state_dict and where it goes.
struct Parameter {
  std::string key;
  std::vector<std::size_t> shape;
  std::vector<float>* values = nullptr;
  bool second_bias = false;  ///< adds to what is there
  double bound = 0;          ///< of random values
};

void add_lstm(std::vector<Parameter>& list, const std::string& prefix, std::size_t index, LstmLayer& layer,
              std::size_t inputs, std::size_t units) {
  layer.inputs = inputs;
  layer.units = units;
  const double bound = 1.0 / std::sqrt(static_cast<double>(units));
  const auto key = [&](const char* kind) { return fmt::format("{}.{}_l{}", prefix, kind, index); };
  list.push_back({key("weight_ih"), {4 * units, inputs}, &layer.input_weights, false, bound});
  list.push_back({key("weight_hh"), {4 * units, units}, &layer.recurrent_weights, false, bound});
  list.push_back({key("bias_ih"), {4 * units}, &layer.bias, false, bound});
  list.push_back({key("bias_hh"), {4 * units}, &layer.bias, true, bound});
}

void add_linear(std::vector<Parameter>& list, const std::string& prefix, LinearLayer& layer, std::size_t inputs,
                std::size_t outputs) {
  layer.inputs = inputs;
  layer.outputs = outputs;
  const double bound = 1.0 / std::sqrt(static_cast<double>(inputs));
  list.push_back({prefix + ".weight", {outputs, inputs}, &layer.weights, false, bound});
  list.push_back({prefix + ".bias", {outputs}, &layer.bias, false, bound});
}

/// Sets the sizes of all layers; returns all tensors in the order of the state_dict.
std::vector<Parameter> lay_out(Network& network, const Sizes& sizes, const std::string& joint) {
  network.sizes = sizes;
  network.encoder.resize(kEncoderLayers);
  network.prediction.resize(kPredictionLayers);
  std::vector<Parameter> list;
  const std::size_t units = sizes.encoder;
  for (std::size_t layer = 0; layer < 2; ++layer) {
    add_lstm(list, "encoder.pre_rnn.lstm", layer, network.encoder[layer], layer == 0 ? sizes.inputs : units, units);
  }
  for (std::size_t layer = 2; layer < kEncoderLayers; ++layer) {
    add_lstm(list, "encoder.post_rnn.lstm", layer - 2, network.encoder[layer], layer == 2 ? 2 * units : units, units);
  }
  list.push_back({"prediction.embed.weight", {kSymbols, sizes.prediction}, &network.embedding, false, std::sqrt(3.0)});
  for (std::size_t layer = 0; layer < kPredictionLayers; ++layer) {
    add_lstm(list, "prediction.dec_rnn.lstm", layer, network.prediction[layer], sizes.prediction, sizes.prediction);
  }
  add_linear(list, joint + ".0", network.joint_first, units + sizes.prediction, sizes.joint);
  add_linear(list, joint + ".3", network.joint_last, sizes.joint, kOutputs);
  return list;
}

std::size_t elements(const Parameter& parameter) {
  std::size_t product = 1;
  for (const std::size_t size : parameter.shape) {
    product *= size;
  }
  return product;
}

void store(const Parameter& parameter, std::vector<float> values) {
  if (parameter.second_bias) {
    std::transform(values.begin(), values.end(), parameter.values->begin(), parameter.values->begin(), std::plus<>());
  } else {
    *parameter.values = std::move(values);
  }
}

/// Columns of a matrix in the file.
std::size_t columns(const weights::SafetensorsFile& file, const std::string& key) {
  const weights::Tensor& tensor = file.tensor(key);
  if (tensor.shape().size() != 2 || tensor.elements() == 0) {
    throw UserError(fmt::format("{}: tensor '{}'", file.path().string(), key),
                    fmt::format("its shape is [{}] and must be [rows, columns]", fmt::join(tensor.shape(), ", ")),
                    kConvert);
  }
  return tensor.shape()[1];
}

double positive(const std::string& place, const nlohmann::json& value) {
  if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() <= 0.0) {
    throw UserError(place, fmt::format("'{}' is no positive number", value.dump()), kConvert);
  }
  return value.get<double>();
}

/// JSON in the file's metadata; null if there is none of that key.
nlohmann::json metadata_json(const weights::SafetensorsFile& file, std::string_view key, const std::string& place) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) {
    return nullptr;
  }
  nlohmann::json value = nlohmann::json::parse(found->second, nullptr, false);
  if (value.is_discarded()) {
    throw UserError(place, fmt::format("'{}' is no JSON", found->second), kConvert);
  }
  return value;
}

void load_full_scales(const weights::SafetensorsFile& file, Network& network) {
  const auto place = [&](const char* key) { return fmt::format("{}: __metadata__ '{}'", file.path().string(), key); };
  const nlohmann::json input = metadata_json(file, "input_full_scale", place("input_full_scale"));
  if (!input.is_null()) {
    network.input_full_scale = positive(place("input_full_scale"), input);
  }
  const std::string output_place = place("output_full_scale");
  const nlohmann::json outputs = metadata_json(file, "output_full_scale", output_place);
  if (outputs.is_null()) {
    return;
  }
  if (!outputs.is_object()) {
    throw UserError(output_place, "is no object of numbers by matrix", kConvert);
  }
  for (const auto& [name, value] : outputs.items()) {
    if (std::find(kMatrices.begin(), kMatrices.end(), name) == kMatrices.end()) {
      throw UserError(output_place, fmt::format("there is no matrix '{}'", name),
                      fmt::format("The matrices are {}", fmt::join(kMatrices, ", ")));
    }
    network.output_full_scale[name] = positive(fmt::format("{}: {}", output_place, name), value);
  }
}

void refuse_others(const weights::SafetensorsFile& file, const std::vector<Parameter>& known) {
  std::set<std::string_view> keys;
  for (const Parameter& parameter : known) {
    keys.insert(parameter.key);
  }
  for (const auto& entry : file.tensors()) {
    if (keys.count(entry.first) == 0) {
      const std::string_view near = nearest(entry.first, keys);
      throw UserError(fmt::format("{}: tensor '{}'", file.path().string(), entry.first), "is none of the network's",
                      near.empty() ? "Take it out of the file, or give the weights of MLPerf's RNN-T"
                                   : fmt::format("Take it out of the file; the nearest that it has is '{}'", near));
    }
  }
}

}  // namespace

Network Network::load(const std::filesystem::path& file) {
  const weights::SafetensorsFile source(file);
  const bool older = source.contains("joint_net.0.weight");
  const std::string joint = older ? "joint_net" : "joint.net";
  Sizes sizes;
  sizes.encoder = columns(source, "encoder.pre_rnn.lstm.weight_hh_l0");
  sizes.prediction = columns(source, "prediction.embed.weight");
  sizes.joint = columns(source, joint + ".3.weight");
  Network network;
  const std::vector<Parameter> parameters = lay_out(network, sizes, joint);
  for (const Parameter& parameter : parameters) {
    const weights::Tensor& tensor = source.tensor(parameter.key);
    tensor.require_shape(parameter.shape);
    std::vector<float> values = tensor.to_floats();
    tensor.require_finite();
    store(parameter, std::move(values));
  }
  refuse_others(source, parameters);
  load_full_scales(source, network);
  network.metadata = source.metadata();
  return network;
}

Network Network::random(std::uint64_t seed, const Sizes& sizes) {
  Network network;
  std::uint32_t tensor = 0;
  for (const Parameter& parameter : lay_out(network, sizes, "joint.net")) {
    store(parameter, random_values(seed, tensor++, elements(parameter), parameter.bound));
  }
  return network;
}

std::vector<double> Network::merged_decoder_input() const {
  const LstmLayer& layer = prediction.front();
  std::vector<double> merged(kSymbols * layer.gates());
  for (std::size_t symbol = 0; symbol < kSymbols; ++symbol) {
    const float* const vector = embedding.data() + symbol * sizes.prediction;
    for (std::size_t gate = 0; gate < layer.gates(); ++gate) {
      const float* const weights = layer.input_weights.data() + gate * layer.inputs;
      double sum = 0.0;
      for (std::size_t i = 0; i < layer.inputs; ++i) {
        sum += static_cast<double>(weights[i]) * static_cast<double>(vector[i]);
      }
      merged[symbol * layer.gates() + gate] = sum;
    }
  }
  return merged;
}

std::size_t Network::parameters() const noexcept {
  const auto lstm = [](std::size_t inputs, std::size_t units) { return 4 * units * (inputs + units + 2); };
  const auto linear = [](std::size_t inputs, std::size_t outputs) { return outputs * (inputs + 1); };
  const Sizes& s = sizes;
  return lstm(s.inputs, s.encoder) + 3 * lstm(s.encoder, s.encoder) + lstm(2 * s.encoder, s.encoder) +
         kSymbols * s.prediction + kPredictionLayers * lstm(s.prediction, s.prediction) +
         linear(s.encoder + s.prediction, s.joint) + linear(s.joint, kOutputs);
}

std::vector<double> random_features(std::uint64_t seed, std::size_t frames, std::size_t inputs) {
  const std::vector<float> values = random_values(seed, kRandomFeatures, frames * inputs, kRandomFeatureBound);
  return {values.begin(), values.end()};
}

Network expand(const Network& network, std::size_t rows, std::uint64_t seed) {
  using FloatMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const std::size_t inputs = network.sizes.inputs;
  if (network.expanded_inputs > 0) {
    throw std::invalid_argument("chronotile::rnnt::expand: the network is expanded already");
  }
  if (rows < inputs) {
    throw UserError("weight expansion", fmt::format("{} rows cannot carry {} inputs", rows, inputs),
                    fmt::format("Give at least {}", inputs));
  }
  Network expanded = network;
  std::vector<double> draws(rows * inputs);
  noise::gaussian({seed, 0, 0, noise::Purpose::kWorkload, 0, 0, 0}, 0, draws.data(), draws.size());
  const double deviation = 1.0 / std::sqrt(static_cast<double>(inputs));
  expanded.expansion.resize(draws.size());
  std::transform(draws.begin(), draws.end(), expanded.expansion.begin(),
                 [deviation](double draw) { return static_cast<float>(draw * deviation); });
  expanded.expanded_inputs = rows;

  LstmLayer& layer = expanded.encoder.front();
  const auto to_index = [](std::size_t size) { return static_cast<Eigen::Index>(size); };
  const Eigen::MatrixXd m =
      Eigen::Map<const FloatMatrix>(expanded.expansion.data(), to_index(rows), to_index(inputs)).cast<double>();
  const Eigen::MatrixXd weights =
      Eigen::Map<const FloatMatrix>(layer.input_weights.data(), to_index(layer.gates()), to_index(inputs))
          .cast<double>();
  // M has full column rank (almost surely) and is well conditioned: M+ = (M^T M)^-1 M^T.
  const Eigen::LLT<Eigen::MatrixXd> gram(m.transpose() * m);
  const FloatMatrix fitted = (gram.solve(weights.transpose()).transpose() * m.transpose()).cast<float>();
  layer.inputs = rows;
  layer.input_weights.assign(fitted.data(), fitted.data() + fitted.size());
  return expanded;
}

}  // namespace chronotile::rnnt
