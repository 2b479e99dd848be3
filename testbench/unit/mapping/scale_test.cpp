#include "platform/mapping/scale.hpp"

#include <gtest/gtest.h>
#include <cmath>

#include "common/user_error.hpp"

namespace chronotile::mapping {
namespace {

/// Duration that the tile makes of W x = `y`: voltage by alpha, ramp by the codes.
double duration_ns(const Scale& scale, const ScaleInput& input, double y, double emission_start_ns,
                   const SlotTiming& timing, const tile::TileConfig& tile) {
  const double voltage = input.factor * scale.alpha * timing.full_scale_ns * y / input.sharing;
  const double slope = scale.slope_code * tile.slope_per_code;
  const double start = scale.start_code * tile.start_per_code;
  return (voltage - start) / slope - emission_start_ns;
}

TEST(Scale, hidden_layers_come_out_at_the_inputs_scale_exactly) {
  const SlotTiming timing;
  const tile::TileConfig tile;
  for (const double factor : {1.0, 2.0}) {
    for (const std::uint32_t sharing : {1U, 2U, 3U, 4U}) {
      for (const double largest : {0.02, 0.33, 0.5, 1.0, 1.7, 12.0}) {
        const ScaleInput input{"fc", largest, factor, sharing};
        const Scale scale = relu_scale(input, timing, tile);
        EXPECT_LE(scale.alpha * largest, 1 + 1e-12);
        EXPECT_GE(scale.slope_code, 1U);
        EXPECT_LE(scale.slope_code, 4095U);
        EXPECT_EQ(scale.start_code * tile.start_per_code,
                  -timing.relu_lead_ns * (scale.slope_code * tile.slope_per_code));
        for (const double y : {-0.5, 0.0, 0.25, 1.0}) {
          EXPECT_NEAR(duration_ns(scale, input, y, timing.relu_lead_ns, timing, tile), 255 * y, 1e-10);
        }
      }
    }
  }
}

TEST(Scale, the_read_out_puts_zero_at_128_counts_and_one_at_255) {
  const SlotTiming timing;
  const tile::TileConfig tile;
  for (const double largest : {0.1, 0.7, 3.0}) {
    const ScaleInput input{"fc", largest, 2, 2};
    const Scale scale = signed_scale(input, timing, tile);
    for (const double y : {-1.0, -0.3, 0.0, 0.5, 1.0}) {
      EXPECT_NEAR(duration_ns(scale, input, y, 0, timing, tile), 128 + 127 * y, 1e-10);
    }
    EXPECT_EQ(scale.start_code, -8 * static_cast<std::int32_t>(scale.slope_code));
  }
}

TEST(Scale, the_largest_cell_is_used_up_to_one_code) {
  const Scale scale = relu_scale({"fc", 0.5, 2, 2}, SlotTiming{}, tile::TileConfig{});
  EXPECT_EQ(scale.slope_code, 128U);
  EXPECT_EQ(scale.start_code, -128);
  EXPECT_EQ(scale.alpha, 2.0);
}

TEST(Scale, a_start_that_no_code_hits_takes_a_smaller_slope) {
  SlotTiming timing;
  timing.relu_lead_ns = 6;  // 6 * code / 16 is whole for every eighth code only
  const Scale scale = relu_scale({"fc", 0.3, 1, 1}, timing, tile::TileConfig{});
  EXPECT_EQ(scale.slope_code, 208U);
  EXPECT_EQ(scale.start_code, -78);
}

TEST(Scale, weights_that_no_ramp_can_read_are_refused) {
  EXPECT_THROW(static_cast<void>(relu_scale({"fc", 1000, 1, 1}, SlotTiming{}, tile::TileConfig{})), UserError);
}

TEST(Scale, a_layer_of_zeros_has_a_scale) {
  EXPECT_EQ(relu_scale({"fc", 0, 1, 1}, SlotTiming{}, tile::TileConfig{}).slope_code, 64U);
}

}  // namespace
}  // namespace chronotile::mapping
