#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace chronotile::rnnt {

/// Mel filters.
inline constexpr std::size_t kMels = 80;
/// Features of a frame: three spliced spectra. Frames are 30 ms apart.
inline constexpr std::size_t kFeatures = 3 * kMels;
/// The shortest recording that can be reflected at its ends.
inline constexpr std::size_t kMinSamples = 257;

/// Frames of a recording of `samples` samples: ceil(ceil(samples / 160) / 3).
[[nodiscard]] std::size_t frame_count(std::size_t samples) noexcept;

/// Features of a recording (16 kHz, full scale +-1), row-major [frame_count][kFeatures], as the front end of MLPerf
/// Inference's RNN-T computes them (mlcommons/inference, speech_recognition/rnnt, parts/features.py; without dither):
/// pre-emphasis 0.97; 512-point STFT every 160 samples, symmetric Hann window of 320, signal reflected by 256 at both
/// ends; power + 1e-10; 80 mel filters 0-8 kHz, Slaney scale and area; ln(x + 1e-20); three spectra spliced (0.0 past
/// the end), every third kept; each feature normalised over the utterance, (x - mean) / (std + 1e-5), std with n - 1.
/// Agrees with workloads/rnnt/training/features.py to 1e-9. Throws UserError at `place` (the recording's file) if there
/// are fewer than kMinSamples samples.
[[nodiscard]] std::vector<double> features(const std::vector<float>& audio, const std::string& place);

}  // namespace chronotile::rnnt
