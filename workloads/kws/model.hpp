#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace chronotile::kws {

/// One fully connected layer without biases: out = weights * in.
struct Layer {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::vector<float> weights;  ///< row-major [outputs][inputs]

  [[nodiscard]] float weight(std::size_t output, std::size_t input) const { return weights[output * inputs + input]; }
};

/// A keyword-spotting network as the chip computes it: inputs x in [0, 1]; every layer but the last is followed by
/// clip(., 0, 1), the last gives the scores, meant for a read-out of [-1, 1). Sizes come from the file.
struct Model {
  std::vector<std::string> classes;   ///< in the order of the scores
  std::vector<float> feature_mean;    ///< [kFeatures], of the training set
  std::vector<float> feature_std;     ///< [kFeatures], all positive
  std::vector<std::size_t> selected;  ///< the features that are inputs, by index
  std::vector<Layer> layers;          ///< at least one
  std::map<std::string, std::string, std::less<>>
      metadata;  ///< as the file has it: seed, versions, measured accuracies

  /// Loads a safetensors file of format "chronotile-kws": `layers.N.weight` [outputs, inputs] for N = 0, 1, ...,
  /// `features.mean` and `features.std` [1960], `features.selected`, and __metadata__ with `format` and `classes`
  /// (separated by commas). Throws UserError, naming the tensor, if one is missing, has a wrong shape or type, holds a
  /// NaN or infinity, or if sizes of neighbouring layers disagree.
  [[nodiscard]] static Model load(const std::filesystem::path& file);

  /// Inputs in [0, 1], one per selected feature, of the first second of `audio` (16 kHz mono).
  [[nodiscard]] std::vector<double> inputs(const std::vector<float>& audio) const;

  /// Scores of the ideal network in double precision, one per class; `inputs` as above. This is what every platform
  /// preset is compared with.
  [[nodiscard]] std::vector<double> reference_scores(const std::vector<double>& inputs) const;

  /// Index of class `label`. Throws UserError at `place` (a file, a manifest's line) if the network has no such class.
  [[nodiscard]] std::size_t class_index(const std::string& label, const std::string& place) const;
};

}  // namespace chronotile::kws
