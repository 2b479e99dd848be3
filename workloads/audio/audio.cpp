#include "workloads/audio/audio.hpp"

#include <fmt/format.h>
#include <samplerate.h>
#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <system_error>

#include "common/user_error.hpp"

namespace chronotile::audio {
namespace {

constexpr sf_count_t kFramesPerRead = 1 << 16;

struct CloseSoundFile {
  void operator()(SNDFILE* file) const noexcept { sf_close(file); }
};

using SoundFile = std::unique_ptr<SNDFILE, CloseSoundFile>;

SoundFile open(const std::filesystem::path& file, SF_INFO& info) {
  std::error_code ignored;
  const auto status = std::filesystem::status(file, ignored);
  if (!std::filesystem::exists(status)) {
    throw UserError(file.string(), "no such recording", "Check the path, and that it is relative to what you expect");
  }
  if (std::filesystem::is_directory(status)) {
    throw UserError(file.string(), "is a directory, not a recording",
                    "Name a file in it, or give the directory as a manifest");
  }
  SoundFile sound(sf_open(file.c_str(), SFM_READ, &info));
  if (!sound) {
    throw UserError(file.string(), fmt::format("is not a recording that can be read ({})", sf_strerror(nullptr)),
                    "Give a WAV, FLAC, Ogg or other file that libsndfile reads; `file` tells what it really is");
  }
  return sound;
}

std::vector<float> read_mono(SNDFILE* sound, const SF_INFO& info) {
  const auto channels = static_cast<std::size_t>(info.channels);
  std::vector<float> block(static_cast<std::size_t>(kFramesPerRead) * channels);
  std::vector<float> mono;
  for (;;) {
    const sf_count_t frames = sf_readf_float(sound, block.data(), kFramesPerRead);
    if (frames <= 0) {
      return mono;
    }
    const float* frame = block.data();
    for (sf_count_t i = 0; i < frames; ++i, frame += channels) {
      mono.push_back(std::accumulate(frame, frame + channels, 0.0F) / static_cast<float>(channels));
    }
  }
}

}  // namespace

std::vector<float> read_mono_16k(const std::filesystem::path& file) {
  SF_INFO info = {};
  const SoundFile sound = open(file, info);
  const std::vector<float> mono = read_mono(sound.get(), info);
  if (mono.empty()) {
    throw UserError(file.string(), "the recording holds no samples", "Record it again, or leave it out");
  }
  const auto bad = std::find_if_not(mono.begin(), mono.end(), [](float sample) { return std::isfinite(sample); });
  if (bad != mono.end()) {
    throw UserError(file.string(), fmt::format("sample {} is not a finite number", bad - mono.begin()),
                    "Convert the recording to 16-bit samples");
  }
  if (src_is_valid_ratio(static_cast<double>(kSampleRate_hz) / info.samplerate) == 0) {
    throw UserError(
        file.string(), fmt::format("a sample rate of {} Hz cannot be converted", info.samplerate),
        fmt::format("Use a rate between {} Hz and {} Hz", (kSampleRate_hz + 255) / 256, kSampleRate_hz * 256));
  }
  std::vector<float> samples = resample(mono, info.samplerate, kSampleRate_hz);
  if (samples.empty()) {
    throw UserError(file.string(), "the recording is shorter than one sample at 16 kHz",
                    "Record it again, or leave it out");
  }
  return samples;
}

std::vector<float> resample(const std::vector<float>& samples, int from_hz, int to_hz) {
  const double ratio = static_cast<double>(to_hz) / static_cast<double>(from_hz);
  if (from_hz <= 0 || to_hz <= 0 || src_is_valid_ratio(ratio) == 0) {
    throw std::invalid_argument(fmt::format("chronotile::audio::resample: from {} Hz to {} Hz", from_hz, to_hz));
  }
  if (from_hz == to_hz || samples.empty()) {
    return samples;
  }
  std::vector<float> converted(static_cast<std::size_t>(std::ceil(static_cast<double>(samples.size()) * ratio)) + 1);
  SRC_DATA conversion = {};
  conversion.data_in = samples.data();
  conversion.data_out = converted.data();
  conversion.input_frames = static_cast<long>(samples.size());
  conversion.output_frames = static_cast<long>(converted.size());
  conversion.src_ratio = ratio;
  const int error = src_simple(&conversion, SRC_SINC_BEST_QUALITY, 1);
  if (error != 0) {
    throw std::runtime_error(fmt::format("chronotile::audio::resample: {}", src_strerror(error)));
  }
  converted.resize(static_cast<std::size_t>(conversion.output_frames_gen));
  return converted;
}

}  // namespace chronotile::audio
