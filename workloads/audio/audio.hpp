#pragma once

#include <filesystem>
#include <vector>

namespace chronotile::audio {

/// Sample rate of every recording inside the project, in hertz.
inline constexpr int kSampleRate_hz = 16000;

/// Reads a recording in any format, rate and channel count that libsndfile reads. Returns mono samples at 16 kHz, full
/// scale +-1: the mean of the channels, resampled as by resample(). Throws UserError, naming the file, if it is absent,
/// a directory, no recording (whatever its name says), without samples, or if a sample is not a finite number.
[[nodiscard]] std::vector<float> read_mono_16k(const std::filesystem::path& file);

/// Band-limited conversion of `samples` from one rate to another (libsamplerate, best sinc); equal rates return the
/// samples as they are. The rates' ratio must lie within 1/256 .. 256, otherwise std::invalid_argument is thrown.
[[nodiscard]] std::vector<float> resample(const std::vector<float>& samples, int from_hz, int to_hz);

}  // namespace chronotile::audio
