#pragma once

#include <cstdint>

namespace chronotile {

inline constexpr int kWires = 512;         ///< wires in parallel = rows = columns of a tile (published)
inline constexpr int kWireGroups = 8;      ///< groups that a borderguard switches together (assumed)
inline constexpr int kWiresPerGroup = 64;  ///< kWires / kWireGroups

/// Bit g stands for wires 64 g .. 64 g + 63.
using GroupMask = std::uint8_t;
inline constexpr GroupMask kAllGroups = 0xff;

[[nodiscard]] constexpr bool contains(unsigned mask, int group) {
  return ((mask >> static_cast<unsigned>(group)) & 1U) != 0;
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

}  // namespace chronotile
