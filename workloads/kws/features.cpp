#include "workloads/kws/features.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <unsupported/Eigen/FFT>

namespace chronotile::kws {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kSampleRate_hz = 16000.0;
constexpr double kLowest_hz = 20.0;
constexpr double kHighest_hz = 4000.0;
constexpr double kLogFloor = 1e-12;
constexpr std::size_t kWindow = 480;
constexpr std::size_t kStride = 320;
constexpr std::size_t kFftLength = 512;
constexpr std::size_t kBins = kFftLength / 2 + 1;
constexpr std::size_t kChannels = 40;

double mel(double hz) { return 1127.0 * std::log1p(hz / 700.0); }

/// Triangular filters: a bin's magnitude falls on channel `above` and on the one before, in shares that add up to one.
struct FilterBank {
  struct Share {
    std::size_t above;  ///< kChannels: beyond the last centre
    double below;       ///< share of channel above - 1
  };

  FilterBank() {
    std::array<double, kChannels + 1> centres = {};
    const double low = mel(kLowest_hz);
    const double spacing = (mel(kHighest_hz) - low) / static_cast<double>(kChannels + 1);
    for (std::size_t i = 0; i < centres.size(); ++i) {
      centres[i] = low + spacing * static_cast<double>(i + 1);
    }
    const double hz_per_bin = 0.5 * kSampleRate_hz / static_cast<double>(kBins - 1);
    first_bin = static_cast<std::size_t>(1.5 + kLowest_hz / hz_per_bin);  // rounds, and never takes DC
    const auto last_bin = static_cast<std::size_t>(kHighest_hz / hz_per_bin);
    for (std::size_t bin = first_bin; bin <= last_bin; ++bin) {
      const double m = mel(static_cast<double>(bin) * hz_per_bin);
      const auto above =
          static_cast<std::size_t>(std::lower_bound(centres.begin(), centres.end(), m) - centres.begin());
      const double centre_below = above > 0 ? centres[above - 1] : low;
      shares.push_back({above, (centres[above] - m) / (centres[above] - centre_below)});
    }
  }

  std::size_t first_bin = 0;
  std::vector<Share> shares;  ///< of the bins from first_bin on
};

/// What every frame needs, worked out once.
struct Tables {
  Tables() {
    for (std::size_t i = 0; i < kWindow; ++i) {
      window[i] = 0.5 - 0.5 * std::cos(2.0 * kPi * static_cast<double>(i) / static_cast<double>(kWindow));
    }
    const double step = kPi / static_cast<double>(kChannels);
    for (std::size_t k = 0; k < kCoefficients; ++k) {
      for (std::size_t n = 0; n < kChannels; ++n) {
        dct[k][n] = std::sqrt(2.0 / static_cast<double>(kChannels)) *
                    std::cos(step * static_cast<double>(k) * (static_cast<double>(n) + 0.5));
      }
    }
  }

  FilterBank bank;
  std::array<double, kWindow> window = {};
  std::array<std::array<double, kChannels>, kCoefficients> dct = {};
};

}  // namespace

std::vector<double> mfcc(const std::vector<float>& audio) {
  static const Tables tables;
  const std::size_t samples = std::min(audio.size(), kClipSamples);
  Eigen::FFT<double> fft;
  std::vector<double> frame(kFftLength, 0.0);
  std::vector<std::complex<double>> spectrum;
  std::vector<double> result;
  result.reserve(kFeatures);
  for (std::size_t t = 0; t < kFrames; ++t) {
    const std::size_t begin = t * kStride;
    for (std::size_t i = 0; i < kWindow; ++i) {
      const std::size_t at = begin + i;
      frame[i] = at < samples ? static_cast<double>(audio[at]) * tables.window[i] : 0.0;
    }
    fft.fwd(spectrum, frame);
    std::array<double, kChannels> energy = {};
    std::size_t bin = tables.bank.first_bin;
    for (const auto& share : tables.bank.shares) {
      const double magnitude = std::abs(spectrum[bin++]);
      if (share.above > 0) {
        energy[share.above - 1] += magnitude * share.below;
      }
      if (share.above < kChannels) {
        energy[share.above] += magnitude * (1.0 - share.below);
      }
    }
    std::transform(energy.begin(), energy.end(), energy.begin(),
                   [](double value) { return std::log(std::max(value, kLogFloor)); });
    for (const auto& row : tables.dct) {
      double sum = 0.0;
      for (std::size_t n = 0; n < kChannels; ++n) {
        sum += row[n] * energy[n];
      }
      result.push_back(sum);
    }
  }
  return result;
}

std::vector<double> standardise(const std::vector<double>& features, const std::vector<float>& mean,
                                const std::vector<float>& std, const std::vector<std::size_t>& selected) {
  std::vector<double> inputs;
  inputs.reserve(selected.size());
  for (const std::size_t i : selected) {
    const double deviations = (features.at(i) - static_cast<double>(mean.at(i))) / static_cast<double>(std.at(i));
    inputs.push_back(std::clamp(deviations / (2.0 * kSigmas) + 0.5, 0.0, 1.0));
  }
  return inputs;
}

}  // namespace chronotile::kws
