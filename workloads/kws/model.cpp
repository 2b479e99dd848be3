#include "workloads/kws/model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <stdexcept>

#include "common/user_error.hpp"
#include "workloads/kws/features.hpp"
#include "workloads/weights/safetensors.hpp"

namespace chronotile::kws {
namespace {

constexpr const char* kFormat = "chronotile-kws";
constexpr const char* kRetrain = "Train it again with workloads/kws/training/train.py";

std::string layer_name(std::size_t index) { return fmt::format("layers.{}.weight", index); }

[[noreturn]] void refuse(const weights::SafetensorsFile& file, const std::string& tensor, std::string problem,
                         std::string remedy) {
  throw UserError(fmt::format("{}: tensor '{}'", file.path().string(), tensor), std::move(problem), std::move(remedy));
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) {
    parts.push_back(part);
  }
  return parts;
}

std::vector<std::string> load_classes(const weights::SafetensorsFile& file) {
  std::vector<std::string> classes = split_at_commas(file.metadata("classes"));
  const std::set<std::string> distinct(classes.begin(), classes.end());
  if (classes.empty() || distinct.size() != classes.size() || distinct.count("") != 0) {
    throw UserError(file.path().string(),
                    fmt::format("__metadata__ 'classes' is no list of distinct names: '{}'", file.metadata("classes")),
                    kRetrain);
  }
  return classes;
}

std::vector<float> load_finite(const weights::Tensor& tensor) {
  std::vector<float> values = tensor.to_floats();
  tensor.require_finite();
  return values;
}

std::vector<float> load_statistics(const weights::SafetensorsFile& file, const char* name) {
  const weights::Tensor& tensor = file.tensor(name);
  tensor.require_shape({kFeatures});
  return load_finite(tensor);
}

std::vector<std::size_t> load_selected(const weights::SafetensorsFile& file) {
  const weights::Tensor& tensor = file.tensor("features.selected");
  std::vector<std::size_t> selected;
  for (const std::int64_t index : tensor.to_integers()) {
    if (index < 0 || static_cast<std::size_t>(index) >= kFeatures) {
      refuse(file, tensor.name(), fmt::format("index {} is outside the {} features", index, kFeatures), kRetrain);
    }
    selected.push_back(static_cast<std::size_t>(index));
  }
  if (selected.empty() || tensor.shape().size() != 1) {
    refuse(file, tensor.name(),
           fmt::format("its shape is [{}] and must be [number of inputs]", fmt::join(tensor.shape(), ", ")), kRetrain);
  }
  return selected;
}

/// Refuses tensors that would be left out silently: biases, and layers after a gap in the numbers.
void check_names(const weights::SafetensorsFile& file, std::size_t layers) {
  std::set<std::string> known;
  for (std::size_t i = 0; i < layers; ++i) {
    known.insert(layer_name(i));
  }
  for (const auto& entry : file.tensors()) {
    if (entry.first.rfind("layers.", 0) == 0 && known.count(entry.first) == 0) {
      refuse(file, entry.first, "is none of the network's layers",
             fmt::format("Number the layers from 0 without a gap (the next is {}); the chip has no biases",
                         layer_name(layers)));
    }
  }
}

std::vector<Layer> load_layers(const weights::SafetensorsFile& file, std::size_t inputs, std::size_t classes) {
  std::vector<Layer> layers;
  std::string feeding = "features.selected";
  do {
    const weights::Tensor& tensor = file.tensor(layer_name(layers.size()));
    const auto& shape = tensor.shape();
    if (shape.size() != 2 || shape[0] == 0 || shape[1] != inputs) {
      refuse(file, tensor.name(),
             fmt::format("its shape is [{}] and must be [outputs, {}], as '{}' gives {} values", fmt::join(shape, ", "),
                         inputs, feeding, inputs),
             kRetrain);
    }
    layers.push_back({shape[1], shape[0], load_finite(tensor)});
    inputs = shape[0];
    feeding = tensor.name();
  } while (file.contains(layer_name(layers.size())));
  check_names(file, layers.size());
  if (inputs != classes) {
    refuse(file, feeding, fmt::format("it has {} outputs for {} classes", inputs, classes), kRetrain);
  }
  return layers;
}

std::vector<double> multiply(const Layer& layer, const std::vector<double>& x) {
  std::vector<double> y(layer.outputs, 0.0);
  for (std::size_t o = 0; o < layer.outputs; ++o) {
    for (std::size_t i = 0; i < layer.inputs; ++i) {
      y[o] += static_cast<double>(layer.weight(o, i)) * x[i];
    }
  }
  return y;
}

}  // namespace

Model Model::load(const std::filesystem::path& file) {
  const weights::SafetensorsFile source(file);
  if (source.metadata("format") != kFormat) {
    throw UserError(file.string(), fmt::format("its format is '{}', not '{}'", source.metadata("format"), kFormat),
                    "Give the weights of a keyword-spotting network");
  }
  Model model;
  model.metadata = source.metadata();
  model.classes = load_classes(source);
  model.feature_mean = load_statistics(source, "features.mean");
  model.feature_std = load_statistics(source, "features.std");
  const auto bad =
      std::find_if_not(model.feature_std.begin(), model.feature_std.end(), [](float value) { return value > 0.0F; });
  if (bad != model.feature_std.end()) {
    refuse(source, "features.std",
           fmt::format("element [{}] is {} and must be positive", bad - model.feature_std.begin(), *bad), kRetrain);
  }
  model.selected = load_selected(source);
  model.layers = load_layers(source, model.selected.size(), model.classes.size());
  return model;
}

std::vector<double> Model::inputs(const std::vector<float>& audio) const {
  return standardise(mfcc(audio), feature_mean, feature_std, selected);
}

std::vector<double> Model::reference_scores(const std::vector<double>& inputs) const {
  if (layers.empty() || inputs.size() != layers.front().inputs) {
    throw std::invalid_argument(fmt::format("chronotile::kws::Model::reference_scores: {} inputs for a network of {}",
                                            inputs.size(), layers.empty() ? 0 : layers.front().inputs));
  }
  std::vector<double> values = multiply(layers.front(), inputs);
  for (std::size_t n = 1; n < layers.size(); ++n) {
    std::transform(values.begin(), values.end(), values.begin(),
                   [](double value) { return std::clamp(value, 0.0, 1.0); });
    values = multiply(layers[n], values);
  }
  return values;
}

std::size_t Model::class_index(const std::string& label, const std::string& place) const {
  const auto found = std::find(classes.begin(), classes.end(), label);
  if (found == classes.end()) {
    throw UserError(place, fmt::format("the network has no class '{}'", label),
                    fmt::format("Use one of: {}", fmt::join(classes, ", ")));
  }
  return static_cast<std::size_t>(found - classes.begin());
}

}  // namespace chronotile::kws
