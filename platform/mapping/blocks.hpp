#pragma once

#include <cstdint>

#include "models/duration/geometry.hpp"

namespace chronotile::mapping {

/// Inputs or outputs of a tile's weight set.
inline constexpr std::uint32_t kBlock = kWires;

/// Blocks of `block` that hold `count`.
[[nodiscard]] constexpr std::uint32_t blocks_of(std::uint32_t count, std::uint32_t block) {
  return (count + block - 1) / block;
}

/// Wire groups that `wires` wires take.
[[nodiscard]] constexpr std::uint32_t group_count(std::uint32_t wires) { return blocks_of(wires, kWiresPerGroup); }

/// Wire groups of wires 0..wires-1.
[[nodiscard]] constexpr GroupMask groups_for(std::uint32_t wires) {
  return static_cast<GroupMask>((1U << group_count(wires)) - 1U);
}

}  // namespace chronotile::mapping
