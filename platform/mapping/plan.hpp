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
};

/// 512 inputs that the host writes to an input pad before each step.
struct InputVector {
  std::uint32_t pad = 0;     ///< index in FloorplanConfig::pads
  std::uint32_t vector = 0;  ///< address in the pad's SRAM
  std::uint32_t first = 0;   ///< index of the network input on wire 0
  std::uint32_t count = 0;   ///< inputs on wires 0..count-1; the others are 0
};

/// Outputs that the host reads from an output pad after each step: output = (code - zero_count) / counts_per_unit.
struct OutputVector {
  std::uint32_t pad = 0;
  std::uint32_t vector = 0;
  std::uint32_t wire = 0;   ///< first wire
  std::uint32_t first = 0;  ///< index of the network output on that wire
  std::uint32_t count = 0;
  double zero_count = 128;
  double counts_per_unit = 127;
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

struct ChipPlan {
  std::uint32_t index = 0;
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
  std::uint32_t network_inputs = 0;
  std::uint32_t network_outputs = 0;
  std::vector<ChipPlan> chips;
};

}  // namespace chronotile::mapping
