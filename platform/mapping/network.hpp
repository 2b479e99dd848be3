#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <string>
#include <vector>

namespace chronotile::mapping {

/// A chain of fully connected layers without biases on one chip. Layer k computes
/// y = activation(W x), x unsigned in 0..1 (full scale of a pulse); all but the last layer clip to 0..1 on the chip
/// (ReLU by EN timing); the last is read out signed, -1..1.
struct Layer {
  std::string name;
  /// outputs x inputs, in the network's own units (any size of numbers).
  Eigen::MatrixXd weights;
};

struct Network {
  std::string name;
  std::vector<Layer> layers;
};

}  // namespace chronotile::mapping
