#pragma once

#include <cstdint>

#include "models/base/lanes.hpp"
#include "models/base/violation.hpp"
#include "models/base/work_pool.hpp"
#include "models/energy/meter.hpp"

namespace chronotile {

/// What the models of one chip share at run time. Owned by whoever instantiates them, outlives them. There are no
/// globals: two chips with two Services do not see each other.
struct Services {
  ViolationSink& violations;
  energy::Meter& energy;
  Lanes& lanes;
  WorkPool& workers;
  std::uint64_t seed = 1;
  std::uint32_t chip = 0;  ///< index of the chip, part of every noise key
  /// Which chip it is: keys what fabrication made of it and what therefore stays from run to run.
  std::uint64_t chip_seed = 1;
};

}  // namespace chronotile
