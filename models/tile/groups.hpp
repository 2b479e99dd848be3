#pragma once

#include <Eigen/Core>

#include "models/duration/geometry.hpp"

namespace chronotile::tile {

[[nodiscard]] constexpr int count(GroupMask mask) {
  int result = 0;
  for (int group = 0; group < kWireGroups; ++group) {
    result += contains(mask, group) ? 1 : 0;
  }
  return result;
}

/// The wires or columns of one group.
template <typename Block>
[[nodiscard]] auto rows_of(Block& block, int group) {
  return block.middleRows(static_cast<Eigen::Index>(group) * kWiresPerGroup, kWiresPerGroup);
}

}  // namespace chronotile::tile
