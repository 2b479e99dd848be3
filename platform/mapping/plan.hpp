#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/duration/geometry.hpp"
#include "models/mesh/node.hpp"
#include "models/tile/array.hpp"

/// What the mapper decides and the host carries out. A plan is data: it can be printed, written to files, edited
/// (the assembly) and run.
namespace chronotile::mapping {

/// Weights of one tile.
struct TileAssignment {
  std::uint32_t site = 0;  ///< grid row * grid columns + column
  std::string layer;
  std::uint32_t row_block = 0;     ///< block of 512 inputs (of 1,024 in mode wp1wp2)
  std::uint32_t column_block = 0;  ///< block of 512 outputs
  std::uint32_t rows = 0;          ///< inputs on this tile
  std::uint32_t columns = 0;       ///< outputs on this tile
  std::string mode;                ///< as MappingConfig::weight_mode
  tile::WeightMatrix wp1;          ///< 512 x 512, -1..1; empty: set unused
  tile::WeightMatrix wp2;
  std::uint32_t group = 0;        ///< of the matrix's rows: tiles of one group and column block share capacitors
  std::uint32_t first_input = 0;  ///< on row `first_row`: index of the chip's input (ChipPlan::chained: of the layer's)
  std::uint32_t first_row = 0;    ///< of WP1; in mode wp1wp2 inputs from the 513th on stand on the same rows of WP2
  double scale = 1;               ///< a cell holds scale * the network's weight
};

/// Which part of a signed input a pad sends.
enum class InputPart : std::uint8_t { kWhole, kPositive, kNegative };

/// Inputs that the host writes to an input pad before each step. Several entries may fill one vector of a pad, each its
/// own wires; what none of them fills is 0.
struct InputVector {
  std::uint32_t pad = 0;     ///< index in FloorplanConfig::pads
  std::uint32_t vector = 0;  ///< address in the pad's SRAM
  std::uint32_t first = 0;   ///< index of the chip's input on wire `wire`
  std::uint32_t count = 0;   ///< inputs on wires wire..wire+count-1
  std::uint32_t wire = 0;
  /// kWhole: x as it is, 0..1; else max(x, 0) or max(-x, 0).
  InputPart part = InputPart::kWhole;
};

/// Outputs that the host reads from an output pad after each step: output = (code - zero_count) / counts_per_unit.
/// Entries with the same outputs are partial sums that the host adds.
struct OutputVector {
  std::uint32_t pad = 0;
  std::uint32_t vector = 0;
  std::uint32_t wire = 0;   ///< first wire
  std::uint32_t first = 0;  ///< index of the chip's output on that wire
  std::uint32_t count = 0;
  double zero_count = 128;
  double counts_per_unit = 127;  ///< counts for an output of 1 in the network's units
  // Whose sums these are: wire k carries column k of the tiles with these (see TileAssignment).
  std::string layer;
  std::uint32_t group = 0;
  std::uint32_t column_block = 0;
};

/// A way of one vector over the mesh, for reports and for the proof that no two share a wire in a slot.
struct Route {
  std::string from;  ///< module name of the driver, for example "ilp_NW" or "tile_0_1"
  std::vector<std::string> to;
  GroupMask groups = kAllGroups;
  std::uint32_t slot = 0;
  /// Planes that the vector occupies: site and plane (true: west-east wires), driver first.
  struct Segment {
    std::uint32_t site = 0;
    bool west_east = false;
    std::int32_t parent = -1;  ///< index of the segment that it comes from; -1: the driver
  };
  std::vector<Segment> segments;
};

struct SlotUse {
  std::uint32_t slot = 0;
  std::vector<std::string> what;  ///< one sentence each
};

/// A matrix of the network on a chip: which of the chip's inputs and outputs are its own.
struct MatrixUse {
  std::string name;
  std::string mode;  ///< as MappingConfig::weight_mode
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
  std::uint32_t first_input = 0;
  std::uint32_t first_output = 0;
  std::uint64_t network_weights = 0;  ///< weights of the network that it stands for (merged and copied ones once)
};

struct ChipPlan {
  std::uint32_t index = 0;
  std::uint32_t input_count = 0;
  std::uint32_t output_count = 0;
  std::uint32_t slots_per_step = 0;  ///< of the schedule
  /// The layers of `tiles`, in their order, work on what the one before gives, clipped to 0..1; else all of them on the
  /// chip's inputs.
  bool chained = false;
  std::vector<MatrixUse> matrices;
  std::vector<TileAssignment> tiles;
  std::map<std::string, std::string> assembly;  ///< controller ("tile_0_1", "ilp_NW", "olp_CE") -> program text (.lcs)
  std::vector<InputVector> inputs;
  std::vector<OutputVector> outputs;
  std::vector<Route> routes;
  std::vector<SlotUse> slots;
  /// Controllers whose interrupt (cause 1) ends the step.
  std::vector<std::string> finishers;
};

struct Plan {
  std::string workload;
  std::uint64_t weights_on_tiles = 0;  ///< weights of the network that stand on tiles
  std::uint64_t cells_programmed = 0;  ///< unit-cell halves (2-PCM weights) written, copies and negatives included
  std::uint32_t network_inputs = 0;    ///< of a chain of layers; else the sum over the chips
  std::uint32_t network_outputs = 0;
  std::vector<ChipPlan> chips;
};

}  // namespace chronotile::mapping
