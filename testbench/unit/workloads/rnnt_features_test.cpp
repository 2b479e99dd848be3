#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "testbench/unit/workloads/support.hpp"
#include "workloads/rnnt/features.hpp"

namespace chronotile::rnnt {
namespace {

/// Noise of rising and falling strength; numbers that numpy reproduces exactly:
/// (((i i 7919 + i 104729) % 20011) / 20011.0 - 0.5) * ((1 + i % 4000) / 4000.0) as float32
std::vector<float> noise(std::size_t samples) {
  std::vector<float> audio(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const double value = static_cast<double>((i * i * 7919 + i * 104729) % 20011) / 20011.0 - 0.5;
    audio[i] = static_cast<float>(value * (static_cast<double>(1 + i % 4000) / 4000.0));
  }
  return audio;
}

/// The golden file holds workloads/rnnt/training/features.py's features of noise(8001) and noise(4000); the latter's 26
/// spectra are one short of its nine frames.
TEST(RnntFeatures, AgreeWithThePythonReference) {
  const auto golden = testing::read_doubles(CHRONOTILE_GOLDEN_DIR "/rnnt_features.f64");
  ASSERT_EQ(golden.size(), (17 + 9) * kFeatures);
  std::size_t at = 0;
  for (const std::size_t samples : {8001U, 4000U}) {
    const auto values = features(noise(samples), "noise");
    ASSERT_EQ(values.size(), frame_count(samples) * kFeatures);
    for (const double value : values) {
      ASSERT_NEAR(value, golden[at], 1e-9) << samples << " samples, value " << at;
      ++at;
    }
  }
  EXPECT_EQ(at, golden.size());
}

TEST(RnntFeatures, FramesAreThirtyMillisecondsApart) {
  EXPECT_EQ(frame_count(0), 0U);
  EXPECT_EQ(frame_count(1), 1U);
  EXPECT_EQ(frame_count(480), 1U);
  EXPECT_EQ(frame_count(481), 2U);
  EXPECT_EQ(frame_count(100'000), 209U);  // 6.25 s
}

TEST(RnntFeatures, EachFeatureHasMeanZeroAndDeviationOne) {
  const auto values = features(noise(16000), "noise");
  const std::size_t frames = values.size() / kFeatures;
  for (std::size_t feature = 0; feature < kFeatures; ++feature) {
    double sum = 0.0;
    double squares = 0.0;
    for (std::size_t t = 0; t < frames; ++t) {
      sum += values[t * kFeatures + feature];
      squares += values[t * kFeatures + feature] * values[t * kFeatures + feature];
    }
    EXPECT_NEAR(sum, 0.0, 1e-9);
    EXPECT_NEAR(squares / static_cast<double>(frames - 1), 1.0, 1e-3);
  }
}

TEST(RnntFeatures, SilenceAndASingleFrameAreFinite) {
  for (const std::size_t samples : {std::size_t{16000}, kMinSamples}) {
    const auto values = features(std::vector<float>(samples, 0.0F), "silence");
    EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); }));
  }
  EXPECT_EQ(features(noise(kMinSamples), "noise"), std::vector<double>(kFeatures, 0.0)) << "its own mean";
}

TEST(RnntFeatures, TooShortARecordingNamesItsFile) {
  testing::user_error([] { (void)features(noise(kMinSamples - 1), "clip.wav"); }, {"clip.wav", "256 samples", "257"});
  testing::user_error([] { (void)features({}, "clip.wav"); }, {"clip.wav", "0 samples"});
}

}  // namespace
}  // namespace chronotile::rnnt
