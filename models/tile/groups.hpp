#pragma once

#include <Eigen/Core>

#include "models/duration/geometry.hpp"

namespace chronotile::tile {

[[nodiscard]] constexpr bool contains(unsigned mask, int group) {
  return ((mask >> static_cast<unsigned>(group)) & 1U) != 0;
}

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

/// Calls `visit(first, last)` for each run of neighbouring groups: wires or columns `first`..`last` - 1.
template <typename Visit>
void for_each_run(GroupMask mask, const Visit& visit) {
  for (int group = 0; group < kWireGroups;) {
    if (!contains(mask, group)) {
      ++group;
      continue;
    }
    const int first = group;
    while (group < kWireGroups && contains(mask, group)) {
      ++group;
    }
    visit(first * kWiresPerGroup, group * kWiresPerGroup);
  }
}

}  // namespace chronotile::tile
