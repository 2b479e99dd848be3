#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "platform/mapping/network.hpp"

namespace chronotile::cli {

/// A network of fully connected layers as a user describes it, without any C++:
///
///     name = "mnist"
///     weights = "mnist.safetensors"   # beside this file
///     classes = ["0", "1", "2"]       # optional: names of the outputs
///     [[layers]]
///     name = "fc1"
///     weights = "fc1.weight"          # tensor [outputs, inputs], F32 or F16
///     [[layers]]
///     ...
///
/// Layers have no biases; between them outputs are clipped to 0..1 (on the chip, by the timing of EN).
struct NetworkDescription {
  mapping::Network network;
  std::vector<std::string> classes;  ///< one per output, or none
};

/// Throws UserError, with file and line or tensor, if the description or the weights are wrong: unknown or missing
/// keys, tensors that are absent, not matrices or not finite, sizes that do not follow each other.
[[nodiscard]] NetworkDescription load_network_description(const std::filesystem::path& file);

/// Inputs in 0..1 and, where known, the right outputs.
struct NetworkInputs {
  std::vector<std::vector<double>> inputs;
  std::vector<std::size_t> labels;  ///< one per input, or none
};

/// Reads a safetensors file with `inputs` [n, size] (F32 or F16 in 0..1, or U8 of 255) and, if there are any, `labels`
/// [n] (I64, I32 or U8). Throws UserError, naming the tensor, if one is wrong.
[[nodiscard]] NetworkInputs load_network_inputs(const std::filesystem::path& file, std::size_t size,
                                                std::size_t outputs);

}  // namespace chronotile::cli
