#pragma once

#include <array>
#include <cstdint>

#include "models/base/services.hpp"
#include "models/duration/geometry.hpp"

namespace chronotile::tile {

/// How a capacitor's voltage falls behind the charge that flows to it, for both polarities alike.
enum class Saturation : std::uint8_t {
  kOff,
  kSoft,  ///< the current mirrors' gain falls as (1 - (V / Vs)^2)^(3/2) while the capacitor fills up to +-Vs
  kHard,  ///< the voltage stays at +-Vs
};

/// Imperfections of the column periphery. All standard deviations are assumed (nothing is published); 0: perfect.
/// They are the chip's own: keyed by Services::chip_seed, chip and tile, the same in every run.
struct PeripheryConfig {
  /// Gain of the line of the devices that add (b+) and of those that subtract (b-), per column, around 1. Gains and the
  /// ramp's are at least 0.05.
  double gain_sigma = 0.0;
  /// Offset o+ - o- of the two lines per column: a current, in units of the largest weight's with its row at 1.
  double offset_sigma = 0.0;
  Saturation saturation = Saturation::kOff;
  double saturation_weight_ns = 16000.0;           ///< Vs, in charge of one capacitor
  double ramp_slope_sigma = 0.0;                   ///< of a tile's ramp, relative
  double comparator_offset_sigma_weight_ns = 0.0;  ///< of each column's comparator
  double comparator_noise_sigma_weight_ns = 0.0;   ///< of each conversion
};

/// What a tile's column periphery is like.
///
/// Lines: with P(x) and N(x) the sums over positive and negative weights, an integration adds +-(b+ P - b- N + o t), t
/// the time that the window is open, with the sign of the polarity switch behind the lines (so asymmetry balance, which
/// integrates x on W and -x on -W with the switch reversed, cancels b+ - b- and o). Gains are therefore part of the
/// weights as a column reads them, see WeightArray.
class Periphery {
 public:
  using Columns = std::array<double, kWires>;

  Periphery(const PeripheryConfig& config, const Services& services, std::uint32_t tile);

  [[nodiscard]] bool lines_perfect() const { return config_.gain_sigma == 0; }
  [[nodiscard]] bool offsets() const { return config_.offset_sigma != 0; }
  [[nodiscard]] const Columns& plus_gain() const { return plus_gain_; }
  [[nodiscard]] const Columns& minus_gain() const { return minus_gain_; }
  [[nodiscard]] const Columns& offset() const { return offset_; }                        ///< weights
  [[nodiscard]] const Columns& comparator_offset() const { return comparator_offset_; }  ///< weight-ns
  [[nodiscard]] double ramp_gain() const { return ramp_gain_; }
  [[nodiscard]] const PeripheryConfig& config() const { return config_; }

  /// Voltage of a capacitor in weight-ns from the charge that flowed to it since the precharge. kSoft solves
  /// dV/dq = (1 - (V / Vs)^2)^(3/2): V = q / sqrt(1 + (q / Vs)^2), which depends on the sum of the charge alone, not on
  /// its course.
  [[nodiscard]] static double soft(double charge, double limit);

 private:
  PeripheryConfig config_;
  Columns plus_gain_;
  Columns minus_gain_;
  Columns offset_;
  Columns comparator_offset_;
  double ramp_gain_ = 1;
};

}  // namespace chronotile::tile
