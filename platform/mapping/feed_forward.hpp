#pragma once

#include "platform/config/platform_config.hpp"
#include "platform/mapping/network.hpp"
#include "platform/mapping/plan.hpp"

namespace chronotile::mapping {

/// Places a chain of fully connected layers on one chip: tiles, routes, static schedule, one assembly program per
/// controller, the host's input and output plan. Throws UserError with the reason if it does not fit (tiles, pads,
/// wires, slots, ranges).
///
/// Schedule: layer 0 integrates what the input pads send, one slot per pass (two with asymmetry balance: x through WP1,
/// then x through WP2, which holds -W, polarity swapped); each following layer integrates the previous one's emissions,
/// one slot per pass, so a layer with two passes is emitted twice; one slot reads the last layer out, signed by a ramp
/// that starts below zero. Row blocks of a layer stand on a north-south chain of tiles that share capacitors.
///
/// Proves that no two routes of a slot share a wire group of a plane; violated: std::logic_error.
[[nodiscard]] Plan map_feed_forward(const Network& network, const config::PlatformConfig& config);

}  // namespace chronotile::mapping
