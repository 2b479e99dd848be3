#include "workloads/audio/audio.hpp"

#include <gtest/gtest.h>
#include <sndfile.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "testbench/unit/workloads/support.hpp"

namespace chronotile::audio {
namespace {

constexpr double kPi = 3.14159265358979323846;

class Audio : public testing::InTemporaryDirectory {
 protected:
  /// Writes interleaved samples; integers as they are.
  template <typename T>
  [[nodiscard]] std::filesystem::path record(const std::string& name, int format, int rate_hz, int channels,
                                             const std::vector<T>& samples) const {
    SF_INFO info = {};
    info.samplerate = rate_hz;
    info.channels = channels;
    info.format = format;
    auto file = path(name);
    SNDFILE* sound = sf_open(file.c_str(), SFM_WRITE, &info);
    EXPECT_NE(sound, nullptr) << sf_strerror(nullptr);
    const auto count = static_cast<sf_count_t>(samples.size());
    if constexpr (std::is_same_v<T, float>) {
      EXPECT_EQ(sf_write_float(sound, samples.data(), count), count);
    } else {
      EXPECT_EQ(sf_write_short(sound, samples.data(), count), count);
    }
    sf_close(sound);
    return file;
  }
};

std::vector<float> tone(double hz, double amplitude, int rate_hz, std::size_t frames) {
  std::vector<float> samples(frames);
  for (std::size_t i = 0; i < frames; ++i) {
    samples[i] = static_cast<float>(amplitude * std::sin(2.0 * kPi * hz * static_cast<double>(i) / rate_hz));
  }
  return samples;
}

/// Complex amplitude of frequency `hz`, over the middle half of the samples, Hann-weighted; phase relative to a sine
/// that starts with sample 0.
std::complex<double> component(const std::vector<float>& samples, double hz) {
  const std::size_t begin = samples.size() / 4;
  const std::size_t count = samples.size() / 2;
  std::complex<double> sum = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    const double hann = 1.0 - std::cos(2.0 * kPi * (static_cast<double>(i) + 0.5) / static_cast<double>(count));
    const double angle = 2.0 * kPi * hz * static_cast<double>(begin + i) / kSampleRate_hz;
    sum += hann * static_cast<double>(samples[begin + i]) * std::polar(1.0, -angle);
  }
  return 2.0 * sum / static_cast<double>(count) * std::complex<double>(0.0, 1.0);
}

TEST_F(Audio, SixteenKilohertzMonoIsReadAsItIs) {
  const std::vector<std::int16_t> samples = {0, 16384, -16384, 1, -32768};
  for (const int format : {SF_FORMAT_WAV, SF_FORMAT_FLAC}) {
    EXPECT_EQ(read_mono_16k(record("a", format | SF_FORMAT_PCM_16, 16000, 1, samples)),
              (std::vector<float>{0.0F, 0.5F, -0.5F, 0x1p-15F, -1.0F}));
  }
}

TEST_F(Audio, LongRecordingIsReadToItsEnd) {
  std::vector<std::int16_t> samples(200001);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<std::int16_t>(i % 1000);
  }
  const auto read = read_mono_16k(record("a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 16000, 1, samples));
  ASSERT_EQ(read.size(), samples.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    ASSERT_EQ(read[i], static_cast<float>(samples[i]) / 32768.0F) << i;
  }
}

TEST_F(Audio, ChannelsAreAveraged) {
  const auto file =
      record<float>("a.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 2, {1.0F, 0.0F, 0.5F, -0.5F, 0.25F, 0.75F});
  EXPECT_EQ(read_mono_16k(file), (std::vector<float>{0.5F, 0.0F, 0.5F}));
}

TEST_F(Audio, EightKilohertzKeepsFrequencyAmplitudeAndPhase) {
  const auto samples =
      read_mono_16k(record("a.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 8000, 1, tone(1000.0, 0.5, 8000, 8000)));
  EXPECT_NEAR(static_cast<double>(samples.size()), 16000.0, 1.0);
  EXPECT_NEAR(std::abs(component(samples, 1000.0)), 0.5, 1e-4);
  EXPECT_NEAR(std::arg(component(samples, 1000.0)), 0.0, 1e-3);
  EXPECT_LT(std::abs(component(samples, 7000.0)), 1e-4) << "image of 1 kHz at 8 kHz - 1 kHz";
}

TEST_F(Audio, FortyFourKilohertzStereoKeepsFrequencyAmplitudeAndPhase) {
  const auto left = tone(3000.0, 0.6, 44100, 44100);
  std::vector<float> both;
  for (const float sample : left) {
    both.push_back(sample);
    both.push_back(0.5F * sample);
  }
  const auto samples = read_mono_16k(record("a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 44100, 2, both));
  EXPECT_NEAR(static_cast<double>(samples.size()), 16000.0, 1.0);
  EXPECT_NEAR(std::abs(component(samples, 3000.0)), 0.45, 1e-4);
  EXPECT_NEAR(std::arg(component(samples, 3000.0)), 0.0, 1e-3);
}

TEST_F(Audio, WhatSixteenKilohertzCannotHoldIsRemoved) {
  const auto samples = resample(tone(11000.0, 0.5, 44100, 44100), 44100, 16000);
  EXPECT_LT(std::abs(component(samples, 5000.0)), 1e-4) << "11 kHz must not fold to 5 kHz";
}

TEST_F(Audio, ResamplingRepeats) {
  const auto samples = tone(500.0, 0.3, 11025, 5000);
  EXPECT_EQ(resample(samples, 11025, 16000), resample(samples, 11025, 16000));
}

TEST_F(Audio, ImpossibleRatesAreRefused) {
  EXPECT_THROW((void)resample({0.0F}, 0, 16000), std::invalid_argument);
  EXPECT_THROW((void)resample({0.0F}, 16000, -1), std::invalid_argument);
  EXPECT_THROW((void)resample({0.0F}, 16000, 1), std::invalid_argument);
  const auto file = record<float>("a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 10, 1, {0.0F, 0.0F});
  testing::user_error([&] { (void)read_mono_16k(file); }, {"a.wav", "10 Hz"});
}

TEST_F(Audio, NoSuchFile) {
  testing::user_error([&] { (void)read_mono_16k(path("absent.wav")); }, {"absent.wav", "no such"});
}

TEST_F(Audio, Directory) {
  std::filesystem::create_directory(path("folder.wav"));
  testing::user_error([&] { (void)read_mono_16k(path("folder.wav")); }, {"folder.wav", "directory"});
}

TEST_F(Audio, TextNamedWav) {
  const auto file = write("text.wav", "this is no recording\n");
  testing::user_error([&] { (void)read_mono_16k(file); }, {"text.wav", "not a recording"});
}

TEST_F(Audio, EmptyFile) {
  const auto file = write("empty.wav", "");
  testing::user_error([&] { (void)read_mono_16k(file); }, {"empty.wav"});
}

TEST_F(Audio, NoSamples) {
  const auto file = record<float>("none.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1, {});
  testing::user_error([&] { (void)read_mono_16k(file); }, {"none.wav", "no samples"});
}

TEST_F(Audio, SampleThatIsNoNumber) {
  const auto file = record<float>("nan.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 1,
                                  {0.0F, 0.0F, std::numeric_limits<float>::quiet_NaN()});
  testing::user_error([&] { (void)read_mono_16k(file); }, {"nan.wav", "sample 2"});
}

}  // namespace
}  // namespace chronotile::audio
