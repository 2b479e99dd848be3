#pragma once

#include <cstdint>

namespace chronotile {

inline constexpr int kWires = 512;         ///< wires in parallel = rows = columns of a tile (published)
inline constexpr int kWireGroups = 8;      ///< groups that a borderguard switches together (assumed)
inline constexpr int kWiresPerGroup = 64;  ///< kWires / kWireGroups

/// Bit g stands for wires 64 g .. 64 g + 63.
using GroupMask = std::uint8_t;
inline constexpr GroupMask kAllGroups = 0xff;

}  // namespace chronotile
