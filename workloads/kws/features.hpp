#pragma once

#include <cstddef>
#include <vector>

namespace chronotile::kws {

/// Samples a recording contributes: one second at 16 kHz.
inline constexpr std::size_t kClipSamples = 16000;
/// Analysis frames of one second: 480 samples each, 320 apart.
inline constexpr std::size_t kFrames = 49;
/// Cepstral coefficients of a frame.
inline constexpr std::size_t kCoefficients = 40;
/// Features of a recording, frame-major.
inline constexpr std::size_t kFeatures = kFrames * kCoefficients;
/// Deviations about the mean that fill the pads' range on either side.
inline constexpr double kSigmas = 3.0;

/// The 1,960 MFCC of the first second of `audio` (16 kHz, full scale +-1; a shorter recording is padded with zeros at
/// its end, a longer one is cut), as TensorFlow's AudioSpectrogram and Mfcc kernels compute them: periodic Hann window,
/// 512-point FFT, magnitude, 40 triangles over 20-4000 Hz linear in mel = 1127 ln(1 + f/700), ln(max(x, 1e-12)), DCT-II
/// with factor sqrt(2/40). Agrees with workloads/kws/training/features.py to 1e-9.
[[nodiscard]] std::vector<double> mfcc(const std::vector<float>& audio);

/// Pad inputs in [0, 1], one for each entry of `selected`: feature f becomes (f - mean) / std / (2 kSigmas) + 1/2,
/// clipped. `features`, `mean` and `std` run over all features; `selected` holds indices into them.
[[nodiscard]] std::vector<double> standardise(const std::vector<double>& features, const std::vector<float>& mean,
                                              const std::vector<float>& std, const std::vector<std::size_t>& selected);

}  // namespace chronotile::kws
