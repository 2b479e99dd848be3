#include "workloads/rnnt/features.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <functional>
#include <unsupported/Eigen/FFT>

#include "common/user_error.hpp"

namespace chronotile::rnnt {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kSampleRate_hz = 16000.0;
constexpr double kPreEmphasis = 0.97;
constexpr double kPowerFloor = 1e-10;
constexpr double kLogFloor = 1e-20;
constexpr double kDeviationFloor = 1e-5;
constexpr std::size_t kFftLength = 512;
constexpr std::size_t kReflected = kFftLength / 2;
constexpr std::size_t kBins = kFftLength / 2 + 1;
constexpr std::size_t kStride = 160;
constexpr std::size_t kWindow = 320;
constexpr std::size_t kSpliced = kFeatures / kMels;

/// Slaney's scale: linear to 1 kHz, 200/3 Hz a mel, then 27 mels for a factor of 6.4.
constexpr double kBend_hz = 1000.0;
constexpr double kBend_mel = 15.0;
const double kLogStep = std::log(6.4) / 27.0;

double hz(double mel) {
  return mel < kBend_mel ? mel * kBend_hz / kBend_mel : kBend_hz * std::exp((mel - kBend_mel) * kLogStep);
}

/// A triangle of area 1 (in Hz) over FFT bins.
struct Filter {
  std::size_t first_bin = 0;
  std::vector<double> weights;
};

/// What every frame needs, worked out once.
struct Tables {
  Tables() {
    for (std::size_t i = 0; i < kWindow; ++i) {
      window[(kFftLength - kWindow) / 2 + i] =
          0.5 - 0.5 * std::cos(2.0 * kPi * static_cast<double>(i) / static_cast<double>(kWindow - 1));
    }
    const double top = kBend_mel + std::log(0.5 * kSampleRate_hz / kBend_hz) / kLogStep;
    std::array<double, kMels + 2> points = {};
    for (std::size_t i = 0; i < points.size(); ++i) {
      points[i] = hz(top * static_cast<double>(i) / static_cast<double>(kMels + 1));
    }
    for (std::size_t m = 0; m < kMels; ++m) {
      const double low = points[m];
      const double centre = points[m + 1];
      const double high = points[m + 2];
      for (std::size_t bin = 0; bin < kBins; ++bin) {
        const double f = static_cast<double>(bin) * kSampleRate_hz / static_cast<double>(kFftLength);
        const double weight = std::min((f - low) / (centre - low), (high - f) / (high - centre)) * 2.0 / (high - low);
        if (weight > 0.0) {
          filters[m].first_bin = filters[m].weights.empty() ? bin : filters[m].first_bin;
          filters[m].weights.push_back(weight);
        }
      }
    }
  }

  std::array<double, kFftLength> window = {};
  std::array<Filter, kMels> filters;
};

/// The signal after pre-emphasis, reflected about its first and its last sample.
std::vector<double> reflected(const std::vector<float>& audio) {
  const std::size_t n = audio.size();
  std::vector<double> result(n + 2 * kReflected);
  double before = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto sample = static_cast<double>(audio[i]);
    result[kReflected + i] = i == 0 ? sample : sample - kPreEmphasis * before;
    before = sample;
  }
  for (std::size_t i = 1; i <= kReflected; ++i) {
    result[kReflected - i] = result[kReflected + i];
    result[kReflected + n - 1 + i] = result[kReflected + n - 1 - i];
  }
  return result;
}

void normalise(std::vector<double>& values, std::size_t frames) {
  const auto n = static_cast<double>(frames);
  for (std::size_t feature = 0; feature < kFeatures; ++feature) {
    double mean = 0.0;
    for (std::size_t t = 0; t < frames; ++t) {
      mean += values[t * kFeatures + feature];
    }
    mean /= n;
    double squares = 0.0;
    for (std::size_t t = 0; t < frames; ++t) {
      const double difference = values[t * kFeatures + feature] - mean;
      squares += difference * difference;
    }
    const double deviation = frames > 1 ? std::sqrt(squares / (n - 1.0)) : 0.0;
    for (std::size_t t = 0; t < frames; ++t) {
      double& value = values[t * kFeatures + feature];
      value = (value - mean) / (deviation + kDeviationFloor);
    }
  }
}

}  // namespace

std::size_t frame_count(std::size_t samples) noexcept {
  const std::size_t spectra = (samples + kStride - 1) / kStride;
  return (spectra + kSpliced - 1) / kSpliced;
}

std::vector<double> features(const std::vector<float>& audio, const std::string& place) {
  static const Tables tables;
  if (audio.size() < kMinSamples) {
    throw UserError(place, fmt::format("{} samples are too short to transcribe", audio.size()),
                    fmt::format("Give {} samples (16 ms) or more", kMinSamples));
  }
  const std::vector<double> signal = reflected(audio);
  const std::size_t frames = frame_count(audio.size());
  const std::size_t spectra = std::min(1 + audio.size() / kStride, kSpliced * frames);
  std::vector<double> result(frames * kFeatures, 0.0);
  Eigen::FFT<double> fft;
  std::vector<double> frame(kFftLength);
  std::vector<std::complex<double>> spectrum;
  std::array<double, kBins> power = {};
  for (std::size_t s = 0; s < spectra; ++s) {
    std::transform(tables.window.begin(), tables.window.end(),
                   signal.begin() + static_cast<std::ptrdiff_t>(s * kStride), frame.begin(), std::multiplies<>());
    fft.fwd(spectrum, frame);
    std::transform(spectrum.begin(), spectrum.begin() + kBins, power.begin(),
                   [](const std::complex<double>& value) { return std::norm(value) + kPowerFloor; });
    for (std::size_t m = 0; m < kMels; ++m) {
      double energy = 0.0;
      std::size_t bin = tables.filters[m].first_bin;
      for (const double weight : tables.filters[m].weights) {
        energy += weight * power[bin++];
      }
      result[s * kMels + m] = std::log(energy + kLogFloor);
    }
  }
  normalise(result, frames);
  return result;
}

}  // namespace chronotile::rnnt
