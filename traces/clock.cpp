#include "traces/clock.hpp"

#include <cmath>
#include <systemc>

namespace chronotile::traces {

std::uint64_t Clock::kernel_ps() {
  const sc_core::sc_time& now = sc_core::sc_time_stamp();
  static const double kPsPerTick = sc_core::sc_time::from_value(1).to_seconds() * 1e12;  // fixed once time is used
  if (kPsPerTick == 1.0) {
    return now.value();
  }
  return static_cast<std::uint64_t>(std::floor(static_cast<double>(now.value()) * kPsPerTick + 1e-6));
}

}  // namespace chronotile::traces
