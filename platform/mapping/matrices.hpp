#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "platform/config/platform_config.hpp"
#include "platform/mapping/plan.hpp"

namespace chronotile::mapping {

/// Grid position of the northern tile of a chain.
struct Anchor {
  std::uint32_t row = 0;
  std::uint32_t column = 0;
};

/// Anchors from text such as "0.0-0.5 2.0-2.1": ROW.COLUMN, or a range within a row. `place` names the key in messages.
/// Throws UserError if the text is not of this form.
[[nodiscard]] std::vector<Anchor> parse_anchors(const std::string& text, const std::string& place);

/// Rows of a matrix that are summed in analog: tiles below each other that share capacitors, from north to south.
struct SummationGroup {
  std::vector<std::uint32_t> rows;  ///< inputs on each tile: up to 512, or 1,024 in mode wp1wp2 (0..511 on WP1)
  std::vector<Anchor> anchors;      ///< where the chains of the column blocks may stand, in this order
};

/// A matrix that one chip multiplies by in every step: y = W x, x signed.
struct Matrix {
  std::string name;
  std::uint32_t chip = 0;                    ///< index on the board
  std::string mode = "ab";                   ///< as MappingConfig::weight_mode
  std::uint32_t rows = 0;                    ///< inputs: the sum over all groups
  std::uint32_t columns = 0;                 ///< outputs
  std::vector<std::uint32_t> column_blocks;  ///< outputs of each chain, each up to 512; their sum is `columns`
  std::vector<SummationGroup> groups;        ///< what they give is added by the host
  /// Weight of an output for an input, per full scale of the input, in the network's units.
  std::function<double(std::uint32_t output, std::uint32_t input)> weight;
  double max_weight = 1;              ///< of the largest conductance, for the largest weight
  double output_full_scale = 1;       ///< |y| of one summation group that the read-out reaches
  std::uint64_t network_weights = 0;  ///< for the count of weights on tiles; 0: rows * columns
};

/// Matrices of a network that runs in steps: in each step of a chip, all matrices on it are evaluated once.
struct MatrixNetwork {
  std::string name;
  std::vector<Matrix> matrices;
};

/// Places the matrices on `chips` chips: tiles, routes, static schedule, one assembly program per controller, the
/// host's input and output plan, one ChipPlan per chip (also for chips that hold nothing).
///
/// A step of a chip: the positive and the negative parts of the inputs through WP1 (the latter with the polarity
/// swapped), then both through WP2 (ab: W and -W, so the polarity is swapped once more; wp1wp2: the inputs of the other
/// 512 rows; left out in mode single, and where no matrix of the chip uses it), one slot each; then as few read-out
/// slots as the output pads and the wires allow, each chain read by a ramp through zero. Column blocks of less than 512
/// outputs are concatenated on their way to an output pad; row blocks of less than 512 inputs share input vectors if
/// there would otherwise be more of them than input pads. A vector may be sent by several pads.
///
/// Throws UserError with the reason if the network does not fit: chips, tiles, anchors, pads, wires, slots, ranges.
/// Proves that no two routes of a slot share a wire group of a plane; violated: std::logic_error.
[[nodiscard]] Plan map_matrices(const MatrixNetwork& network, std::uint32_t chips,
                                const config::PlatformConfig& config);

}  // namespace chronotile::mapping
