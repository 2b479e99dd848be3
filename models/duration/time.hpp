#pragma once

#include <cmath>
#include <cstdint>
#include <systemc>

namespace chronotile::duration {

/// Units of the kernel's time resolution in 1 ns (1,000 at the default of 1 ps). Fixes the resolution when first
/// called.
[[nodiscard]] inline double units_per_ns() {
  static const double units = static_cast<double>(sc_core::sc_time(1, sc_core::SC_NS).value());
  return units;
}

/// `time` in ns, correctly rounded: whole numbers of ns are exact.
[[nodiscard]] inline double to_ns(const sc_core::sc_time& time) {
  return static_cast<double>(time.value()) / units_per_ns();
}

[[nodiscard]] inline double now_ns() { return to_ns(sc_core::sc_time_stamp()); }

/// The first representable time that is not before `time_ns` (a millionth of the resolution counts as rounding). The
/// time at which a driver calls end_pulses is ceil_time(lead + longest).
[[nodiscard]] inline sc_core::sc_time ceil_time(double time_ns) {
  const double units = std::ceil(time_ns * units_per_ns() - 1e-6);
  return sc_core::sc_time::from_value(units > 0 ? static_cast<std::uint64_t>(units) : 0);
}

}  // namespace chronotile::duration
