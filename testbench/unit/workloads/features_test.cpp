#include "workloads/kws/features.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "testbench/unit/workloads/support.hpp"
#include "workloads/audio/audio.hpp"
#include "workloads/manifest/manifest.hpp"

namespace chronotile::kws {
namespace {

/// Inverse of the DCT-II with factor sqrt(2/40) whose row 0 is not halved: log energies of a frame's channels.
std::vector<double> log_energies(const std::vector<double>& features, std::size_t frame) {
  std::vector<double> result(kCoefficients);
  for (std::size_t n = 0; n < result.size(); ++n) {
    for (std::size_t k = 0; k < kCoefficients; ++k) {
      const double factor = (k == 0 ? 0.5 : 1.0) * std::sqrt(2.0 / 40.0);
      result[n] += factor * features[frame * kCoefficients + k] *
                   std::cos(3.14159265358979323846 / 40.0 * static_cast<double>(k) * (static_cast<double>(n) + 0.5));
    }
  }
  return result;
}

TEST(KwsFeatures, AgreeWithThePythonReference) {
  const auto entries = manifest::read_tsv(CHRONOTILE_KWS_DIR "/data/test.tsv");
  const auto golden = testing::read_doubles(CHRONOTILE_GOLDEN_DIR "/mfcc.f64");
  ASSERT_EQ(golden.size(), 4 * kFeatures);
  for (std::size_t clip = 0; clip < 4; ++clip) {
    const auto features = mfcc(audio::read_mono_16k(entries[clip].file));
    ASSERT_EQ(features.size(), kFeatures);
    for (std::size_t i = 0; i < kFeatures; ++i) {
      ASSERT_NEAR(features[i], golden[clip * kFeatures + i], 1e-9) << entries[clip].file << ", feature " << i;
    }
  }
}

TEST(KwsFeatures, SilenceIsTheFloor) {
  const auto features = mfcc(std::vector<float>(kClipSamples, 0.0F));
  for (std::size_t i = 0; i < kFeatures; ++i) {
    const double expected = i % kCoefficients == 0 ? std::log(1e-12) * 40.0 * std::sqrt(2.0 / 40.0) : 0.0;
    EXPECT_NEAR(features[i], expected, 1e-9);
  }
}

TEST(KwsFeatures, ToneLightsItsChannel) {
  // 1 kHz: mel 999.99 between 31.75 and 2146.06 in 41 steps of 51.57: 18.8 steps up, between channels 17 and 18.
  std::vector<float> tone(kClipSamples);
  for (std::size_t i = 0; i < tone.size(); ++i) {
    tone[i] = static_cast<float>(std::sin(2.0 * 3.14159265358979323846 * 1000.0 / 16000.0 * static_cast<double>(i)));
  }
  const auto energies = log_energies(mfcc(tone), 10);
  const auto loudest = std::max_element(energies.begin(), energies.end()) - energies.begin();
  EXPECT_EQ(loudest, 18);
  // Bin 32 holds half the Hann window's sum, 120; bins 31 and 33 (a window of 480 in an FFT of 512) hold less.
  EXPECT_GT(energies[18], std::log(0.8 * 120.0));
  EXPECT_LT(energies[18], std::log(3.0 * 120.0));
  EXPECT_LT(energies[30], std::log(1.0));
}

TEST(KwsFeatures, ShortIsPaddedAndLongIsCut) {
  std::vector<float> audio(kClipSamples + 5000);
  for (std::size_t i = 0; i < audio.size(); ++i) {
    audio[i] = static_cast<float>(i * 7919 % 1000) / 1000.0F - 0.5F;
  }
  const std::vector<float> second(audio.begin(), audio.begin() + kClipSamples);
  EXPECT_EQ(mfcc(audio), mfcc(second));
  std::vector<float> padded(audio.begin(), audio.begin() + 9000);
  const auto shorter = mfcc(padded);
  padded.resize(kClipSamples, 0.0F);
  EXPECT_EQ(shorter, mfcc(padded));
  EXPECT_EQ(mfcc({}), mfcc(std::vector<float>(kClipSamples, 0.0F)));
}

TEST(KwsFeatures, ThreeDeviationsFillTheRange) {
  const std::vector<float> mean = {10.0F, 0.0F, 0.0F, 1.0F};
  const std::vector<float> std = {2.0F, 1.0F, 1.0F, 1.0F};
  EXPECT_EQ(standardise({13.0, 5.0, -3.0, 1.0}, mean, std, {0, 1, 2, 3}), (std::vector<double>{0.75, 1.0, 0.0, 0.5}));
  EXPECT_EQ(standardise({13.0, 5.0, -3.0, 1.0}, mean, std, {3, 0}), (std::vector<double>{0.5, 0.75}));
  EXPECT_THROW((void)standardise({1.0}, mean, std, {1}), std::out_of_range);
}

}  // namespace
}  // namespace chronotile::kws
