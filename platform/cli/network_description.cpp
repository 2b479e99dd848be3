#include "platform/cli/network_description.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>
#include <algorithm>
#include <string_view>

#include "common/nearest.hpp"
#include "common/user_error.hpp"
#include "workloads/weights/safetensors.hpp"

namespace chronotile::cli {
namespace {

std::string place_of(const std::filesystem::path& file, const toml::node& node) {
  return fmt::format("{}:{}", file.string(), node.source().begin.line);
}

void refuse_unknown_keys(const std::filesystem::path& file, const toml::table& table,
                         const std::vector<std::string_view>& known) {
  for (const auto& [key, value] : table) {
    if (std::find(known.begin(), known.end(), key.str()) == known.end()) {
      const std::string hint = did_you_mean(std::string(key.str()), known);
      throw UserError(place_of(file, value), fmt::format("there is no key '{}'", key.str()),
                      hint.empty() ? fmt::format("Keys are {}", known.front()) : hint);
    }
  }
}

std::string text_of(const std::filesystem::path& file, const toml::table& table, const char* key) {
  const toml::node* node = table.get(key);
  if (node == nullptr || !node->is_string()) {
    throw UserError(node == nullptr ? place_of(file, table) : place_of(file, *node),
                    fmt::format("'{}' is {}", key, node == nullptr ? "missing" : "no text"),
                    fmt::format("Write {} = \"...\"", key));
  }
  return node->as_string()->get();
}

mapping::Layer layer_of(const std::filesystem::path& file, const toml::table& table,
                        const weights::SafetensorsFile& tensors) {
  refuse_unknown_keys(file, table, {"name", "weights"});
  const std::string name = text_of(file, table, "name");
  const weights::Tensor& tensor = tensors.tensor(text_of(file, table, "weights"));
  if (tensor.shape().size() != 2) {
    throw UserError(place_of(file, table), fmt::format("tensor '{}' is no matrix", tensor.name()),
                    "Give a tensor of shape [outputs, inputs]");
  }
  tensor.require_finite();
  const std::vector<float> values = tensor.to_floats();
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const RowMajor> matrix(values.data(), static_cast<Eigen::Index>(tensor.shape()[0]),
                                          static_cast<Eigen::Index>(tensor.shape()[1]));
  return {name, matrix.cast<double>()};
}

}  // namespace

NetworkDescription load_network_description(const std::filesystem::path& file) {
  toml::table table;
  try {
    table = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    throw UserError(fmt::format("{}:{}", file.string(), error.source().begin.line), std::string(error.description()),
                    "Write a description as docs/examples/mnist/mnist.toml shows it");
  }
  refuse_unknown_keys(file, table, {"name", "weights", "classes", "layers"});
  NetworkDescription description;
  description.network.name = text_of(file, table, "name");
  const weights::SafetensorsFile tensors(file.parent_path() / text_of(file, table, "weights"));
  const toml::array* layers = table["layers"].as_array();
  if (layers == nullptr || layers->empty() || !layers->is_homogeneous(toml::node_type::table)) {
    throw UserError(file.string(), "has no [[layers]]", "Describe at least one layer");
  }
  for (const toml::node& layer : *layers) {
    description.network.layers.push_back(layer_of(file, *layer.as_table(), tensors));
    const auto& all = description.network.layers;
    if (all.size() > 1 && all[all.size() - 2].weights.rows() != all.back().weights.cols()) {
      throw UserError(place_of(file, layer),
                      fmt::format("layer '{}' has {} inputs, the one before {} outputs", all.back().name,
                                  all.back().weights.cols(), all[all.size() - 2].weights.rows()),
                      "Make the sizes of neighbouring layers agree");
    }
  }
  const toml::array* const classes = table["classes"].as_array();
  if (table.contains("classes")) {
    for (std::size_t index = 0; classes != nullptr && index < classes->size(); ++index) {
      description.classes.push_back((*classes)[index].value_or(std::string()));
    }
    const auto outputs = static_cast<std::size_t>(description.network.layers.back().weights.rows());
    if (description.classes.size() != outputs) {
      throw UserError(
          place_of(file, *table.get("classes")),
          fmt::format("names {} classes, the last layer has {} outputs", description.classes.size(), outputs),
          "Name each output, or leave it out");
    }
  }
  return description;
}

NetworkInputs load_network_inputs(const std::filesystem::path& file, std::size_t size, std::size_t outputs) {
  const weights::SafetensorsFile tensors(file);
  const weights::Tensor& tensor = tensors.tensor("inputs");
  if (tensor.shape().size() != 2 || tensor.shape()[0] == 0) {
    throw UserError(file.string(), "tensor 'inputs' is no matrix", "Give a tensor of shape [n, inputs of the network]");
  }
  const std::size_t count = tensor.shape()[0];
  tensor.require_shape({count, size});
  std::vector<double> values;
  if (tensor.dtype() == weights::Dtype::kU8) {
    constexpr double kFullScale = 255;
    for (const std::int64_t value : tensor.to_integers()) {
      values.push_back(static_cast<double>(value) / kFullScale);
    }
  } else {
    tensor.require_finite();
    const std::vector<float> floats = tensor.to_floats();
    values.assign(floats.begin(), floats.end());
  }
  const auto outside =
      std::find_if(values.begin(), values.end(), [](double value) { return value < 0.0 || value > 1.0; });
  if (outside != values.end()) {
    throw UserError(file.string(),
                    fmt::format("element {} of tensor 'inputs' is {:g}", outside - values.begin(), *outside),
                    "Scale inputs to 0..1: they become pulses between nothing and full scale");
  }
  NetworkInputs result;
  for (std::size_t item = 0; item < count; ++item) {
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(item * size);
    result.inputs.emplace_back(first, first + static_cast<std::ptrdiff_t>(size));
  }
  if (tensors.contains("labels")) {
    const weights::Tensor& labels = tensors.tensor("labels");
    labels.require_shape({count});
    for (const std::int64_t label : labels.to_integers()) {
      if (label < 0 || static_cast<std::size_t>(label) >= outputs) {
        throw UserError(file.string(), fmt::format("tensor 'labels' holds {}", label),
                        fmt::format("Labels are indices of outputs, 0 to {}", outputs - 1));
      }
      result.labels.push_back(static_cast<std::size_t>(label));
    }
  }
  return result;
}

}  // namespace chronotile::cli
