#pragma once

#include <string>

#include "models/base/probe.hpp"

namespace chronotile::traces {

/// Attaches the observer to every probe::Traceable of the module tree, in order of construction, parents first; with
/// `root`, the full name of a module, only to that module and what is in it. Call after elaboration (binding included)
/// and before simulation. Throws std::invalid_argument where there is no such module.
void attach_all(probe::Observer& observer, const std::string& root = {});

}  // namespace chronotile::traces
