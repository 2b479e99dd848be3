#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "platform/mapping/router.hpp"

namespace chronotile::mapping {

/// A chain of tiles whose voltages are to be read: one of its tiles emits them.
struct Emitter {
  std::vector<std::uint32_t> sites;
  std::uint32_t groups = 0;  ///< wire groups that its outputs take, 1..8
};

/// What an emitter sends to one output pad: its wire groups part_first..part_first + part_groups - 1. Wire group g of
/// the emitter is wire group (first_group + g) % 8 on the mesh.
struct Emission {
  std::size_t emitter = 0;
  std::uint32_t first_group = 0;
  std::uint32_t part_first = 0;
  std::uint32_t part_groups = 0;
  Tree tree;
};

/// Reads every emitter once, in as few slots as this finds: by slot, what is emitted. In each slot first those with all
/// wire groups go, the one with the cheapest way to a free pad first; the others are concatenated on the pads that are
/// left: whole if that does, else one behind the other, where one that crosses from a pad's last wire group to the next
/// pad's first goes to both. Nothing if an emitter finds no way even alone.
[[nodiscard]] std::optional<std::vector<std::vector<Emission>>> route_read_out(const MeshGraph& mesh,
                                                                               const std::vector<Emitter>& emitters);

}  // namespace chronotile::mapping
