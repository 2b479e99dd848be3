#include "platform/mapping/rnnt.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "common/user_error.hpp"
#include "models/base/noise.hpp"
#include "platform/mapping/blocks.hpp"
#include "platform/mapping/modes.hpp"

namespace chronotile::mapping {
namespace {

using Weight = RnntWeights::Weight;
using Blocks = std::vector<std::uint32_t>;

constexpr std::uint32_t kGates = 4;

/// `count` in blocks of `block`, the rest in the last one.
Blocks filled(std::uint32_t count, std::uint32_t block) {
  Blocks blocks;
  for (std::uint32_t done = 0; done < count; done += block) {
    blocks.push_back(std::min(block, count - done));
  }
  return blocks;
}

/// `count` split as evenly as possible.
Blocks evenly(std::uint32_t count, std::uint32_t parts) {
  Blocks blocks;
  for (std::uint32_t part = 0; part < parts; ++part) {
    blocks.push_back((count + part) / parts);
  }
  std::reverse(blocks.begin(), blocks.end());
  return blocks;
}

class Builder {
 public:
  Builder(const RnntShape& shape, const RnntWeights& weights, const config::PlatformConfig& config)
      : shape_(shape),
        weights_(weights),
        config_(config.rnnt),
        seed_(config.seed),
        max_weight_(config.mapping.max_weight) {}

  MatrixNetwork run() {
    for (const auto& [name, size] : {std::pair{"inputs", std::min(shape_.inputs, shape_.features)},
                                     {"encoder", shape_.encoder},
                                     {"prediction", shape_.prediction},
                                     {"joint", shape_.joint},
                                     {"symbols", shape_.symbols}}) {
      if (size == 0) {
        throw UserError("RNN-T network", fmt::format("its size '{}' is 0", name), "Give sizes of at least 1");
      }
    }
    const std::uint32_t hidden = shape_.encoder;
    encoder(0, config_.enc_lstm0, shape_.inputs);
    encoder(1, config_.enc_lstm1, hidden);
    encoder(2, config_.enc_lstm2, 2 * hidden);
    encoder(3, config_.enc_lstm3, hidden);
    encoder(4, config_.enc_lstm4, hidden);
    decoder_first();
    lstm("dec_lstm1", config_.dec_lstm1, weights_.prediction[1], shape_.prediction, shape_.prediction,
         shape_.prediction);
    joint();
    degrade_layers();
    return std::move(network_);
  }

 private:
  Matrix& add(const std::string& name, const config::RnntLayerConfig& layer, std::uint32_t rows, std::uint32_t columns,
              double full_scale) {
    Matrix matrix;
    matrix.name = name;
    matrix.chip = layer.chip;
    matrix.mode = layer.mode;
    matrix.rows = rows;
    matrix.columns = columns;
    matrix.max_weight = max_weight_ * layer.max_weight;
    matrix.output_full_scale = full_scale;
    network_.matrices.push_back(std::move(matrix));
    return network_.matrices.back();
  }

  /// Row blocks in groups of `size`, each with its part of the placement.
  static void set_groups(Matrix& matrix, const config::RnntLayerConfig& layer, const Blocks& blocks, std::size_t size) {
    const std::string place = fmt::format("rnnt.{}.place", matrix.name);
    std::string text = layer.place;
    for (std::size_t first = 0; first < blocks.size(); first += size) {
      SummationGroup group;
      const std::size_t last = std::min(blocks.size(), first + size);
      group.rows.assign(blocks.begin() + static_cast<std::ptrdiff_t>(first),
                        blocks.begin() + static_cast<std::ptrdiff_t>(last));
      const std::size_t end = text.find(';');
      group.anchors = parse_anchors(text.substr(0, end), place);
      text = end == std::string::npos ? "" : text.substr(end + 1);
      matrix.groups.push_back(std::move(group));
    }
    static_cast<void>(parse_anchors(text.substr(0, text.find(';')), place));  // what is not needed is checked too
  }

  [[nodiscard]] static std::uint32_t tile_rows(const std::string& name, const config::RnntLayerConfig& layer) {
    return find_mode(layer.mode, fmt::format("rnnt.{}.mode", name)).rows_per_tile();
  }

  /// An LSTM layer whose rows stand one behind the other.
  Matrix& lstm(const std::string& name, const config::RnntLayerConfig& layer, const RnntWeights::Lstm& weights,
               std::uint32_t inputs, std::uint32_t hidden, std::uint32_t chain_columns) {
    const double full_scale = weights.full_scale > 0 ? weights.full_scale : config_.gate_full_scale;
    Matrix& matrix = add(name, layer, inputs + hidden, kGates * hidden, full_scale);
    matrix.column_blocks = filled(matrix.columns, std::min(chain_columns, kBlock));
    if (chain_columns == hidden && hidden > kBlock) {  // a gate that needs several chains
      matrix.column_blocks.clear();
      for (std::uint32_t gate = 0; gate < kGates; ++gate) {
        const Blocks parts = filled(hidden, kBlock);
        matrix.column_blocks.insert(matrix.column_blocks.end(), parts.begin(), parts.end());
      }
    }
    if (weights.input && weights.recurrent) {
      matrix.weight = [input = weights.input, recurrent = weights.recurrent, inputs](std::uint32_t output,
                                                                                     std::uint32_t row) {
        return row < inputs ? input(output, row) : recurrent(output, row - inputs);
      };
    }
    set_groups(matrix, layer, filled(matrix.rows, tile_rows(name, layer)), 2);
    return matrix;
  }

  void encoder(std::size_t index, const config::RnntLayerConfig& layer, std::uint32_t inputs) {
    const std::string name = fmt::format("enc_lstm{}", index);
    const RnntWeights::Lstm& weights = weights_.encoder.at(index);
    Matrix& matrix = lstm(name, layer, weights, inputs, shape_.encoder, config_.encoder_chain_columns);
    if (index != 0) {
      return;
    }
    matrix.network_weights = std::uint64_t{shape_.features + shape_.encoder} * matrix.columns;
    if (weights.input && weights.recurrent) {
      matrix.weight = [input = weights.input, recurrent = weights.recurrent, inputs, scale = config_.input_full_scale](
                          std::uint32_t output, std::uint32_t row) {
        return row < inputs ? scale * input(output, row) : recurrent(output, row - inputs);
      };
    }
    const std::uint32_t most = tile_rows(name, layer);
    if (blocks_of(shape_.encoder, most) < 2) {
      return;
    }
    Blocks blocks = evenly(inputs, std::min(inputs, std::max(2U, blocks_of(inputs, most))));
    const Blocks recurrent = filled(shape_.encoder, most);
    if (blocks.size() % 2 == 0) {
      blocks.insert(blocks.end(), recurrent.begin(), recurrent.end());
      matrix.groups.clear();
      set_groups(matrix, layer, blocks, 2);
    }
  }

  void decoder_first() {
    const config::RnntLayerConfig& layer = config_.dec_lstm0;
    const std::uint32_t copies = config_.embedding_copies;
    const std::uint32_t symbols = shape_.symbols;
    const std::uint32_t hidden = shape_.prediction;
    const RnntWeights::Lstm& weights = weights_.prediction[0];
    Matrix& matrix = lstm("dec_lstm0", layer, weights, copies * symbols, hidden, hidden);
    matrix.network_weights = std::uint64_t{symbols} * hidden + std::uint64_t{2} * hidden * matrix.columns;
    if (weights.input && weights.recurrent) {
      matrix.weight = [input = weights.input, recurrent = weights.recurrent, copies, symbols](std::uint32_t output,
                                                                                              std::uint32_t row) {
        return row < copies * symbols ? input(output, row % symbols) / copies
                                      : recurrent(output, row - copies * symbols);
      };
    }
  }

  void joint() {
    const config::RnntLayerConfig& layer = config_.joint;
    Matrix& matrix = add("joint", layer, shape_.encoder + shape_.prediction, shape_.joint,
                         weights_.joint_full_scale > 0 ? weights_.joint_full_scale : config_.joint_full_scale);
    const std::uint32_t chains = std::max(config_.joint_chains, blocks_of(shape_.joint, kBlock));
    matrix.column_blocks = evenly(shape_.joint, std::min(chains, shape_.joint));
    matrix.weight = weights_.joint;
    const Blocks blocks = filled(matrix.rows, tile_rows("joint", layer));
    set_groups(matrix, layer, blocks, blocks.size());
  }

  void degrade_layers() {
    const std::array<const config::RnntLayerConfig*, 8> layers{
        &config_.enc_lstm0, &config_.enc_lstm1, &config_.enc_lstm2, &config_.enc_lstm3,
        &config_.enc_lstm4, &config_.dec_lstm0, &config_.dec_lstm1, &config_.joint};
    for (std::size_t index = 0; index < layers.size(); ++index) {
      Matrix& matrix = network_.matrices.at(index);
      if (matrix.weight) {
        matrix.weight = degrade(matrix.weight, matrix.columns, matrix.rows, layers[index]->weight_bits,
                                layers[index]->weight_noise_sigma, seed_, index);
      }
    }
  }

  const RnntShape& shape_;
  const RnntWeights& weights_;
  const config::RnntConfig& config_;
  std::uint64_t seed_;
  double max_weight_;
  MatrixNetwork network_{"rnnt", {}};
};

}  // namespace

RnntWeights::Weight degrade(const Weight& weight, std::uint32_t outputs, std::uint32_t inputs, double bits,
                            double noise_sigma, std::uint64_t seed, std::uint64_t stream) {
  if (bits == 0 && noise_sigma == 0) {
    return weight;
  }
  double largest = 0;
  for (std::uint32_t output = 0; output < outputs; ++output) {
    for (std::uint32_t input = 0; input < inputs; ++input) {
      largest = std::max(largest, std::abs(weight(output, input)));
    }
  }
  const double levels = std::max(2.0, std::round(std::exp2(bits)));
  const double step = bits == 0 ? 0 : 2 * largest / (levels - 1);
  const noise::Stream draws{seed, 0, 0, noise::Purpose::kWorkload, stream, 0, 0};
  return
      [weight, inputs, largest, step, draws, sigma = noise_sigma * largest](std::uint32_t output, std::uint32_t input) {
        double value = weight(output, input);
        if (step > 0) {
          value = std::round((value + largest) / step) * step - largest;
        }
        if (sigma > 0) {
          double draw = 0;
          noise::gaussian(draws, std::uint64_t{output} * inputs + input, &draw, 1);
          value += sigma * draw;
        }
        return value;
      };
}

MatrixNetwork rnnt_network(const RnntShape& shape, const RnntWeights& weights, const config::PlatformConfig& config) {
  return Builder(shape, weights, config).run();
}

}  // namespace chronotile::mapping
