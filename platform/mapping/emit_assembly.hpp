#pragma once

#include <string>

#include "models/tile/tile.hpp"
#include "platform/mapping/schedule.hpp"

namespace chronotile::mapping {

/// The program of a schedule, to be read and edited: constants for the cycles and codes, a comment for each slot and
/// write. Its events are those of the schedule, cycle by cycle, from the start trigger on; then it waits for the next.
[[nodiscard]] std::string emit_assembly(const ControllerSchedule& schedule, const SlotTiming& timing,
                                        const tile::TileConfig& tile);

}  // namespace chronotile::mapping
