#include "platform/host/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <systemc>

namespace chronotile::host {
namespace {

using Matrix = CalibrationSummary::Matrix;

constexpr double kMostSlopeError = 0.1;              ///< of a slope
constexpr std::size_t kLeastSamples = 4;             ///< of a column, else it is not fitted
constexpr double kLeastFactor = 0.05;                ///< drift that leaves less than this cannot be compensated
constexpr std::uint64_t kNoiseStream = 1ULL << 63U;  ///< streams of known vectors; items' are small numbers
constexpr std::uint64_t kSlopes = 0;                 ///< rounds of known vectors
constexpr std::uint64_t kDrift = 1;

/// Mean and standard deviation.
struct Spread {
  double mean = 0;
  double sigma = 0;
};

Spread spread(const std::vector<double>& values) {
  Spread result;
  if (values.empty()) {
    return result;
  }
  for (const double value : values) {
    result.mean += value;
  }
  result.mean /= static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) {
    squares += (value - result.mean) * (value - result.mean);
  }
  result.sigma = std::sqrt(squares / static_cast<double>(values.size()));
  return result;
}

/// Calls visit(output, index of the first word, matrix) for what the host reads.
template <typename Visit>
void for_each_output(const mapping::ChipPlan& plan, std::vector<Matrix>& matrices, const Visit& visit) {
  std::size_t first = 0;
  for (const mapping::OutputVector& output : plan.outputs) {
    auto matrix =
        std::find_if(matrices.begin(), matrices.end(), [&](const Matrix& other) { return other.name == output.layer; });
    if (matrix == matrices.end()) {
      matrices.emplace_back();
      matrix = matrices.end() - 1;
      matrix->name = output.layer;
    }
    visit(output, first, *matrix);
    first += output.count;
  }
}

}  // namespace

bool calibrates(const config::HostConfig& config) {
  return config.calibration_steps > 0 || config.drift_compensation != "none";
}

LineFit fit_line(const double* x, const double* y, std::size_t count, std::size_t stride, double least, double most) {
  LineFit fit;
  const auto used = [&](std::size_t k) { return y[k * stride] > least && y[k * stride] < most; };
  for (std::size_t k = 0; k < count; ++k) {
    if (used(k)) {
      ++fit.samples;
      fit.mean_x += x[k * stride];
      fit.mean_y += y[k * stride];
    }
  }
  if (fit.samples == 0) {
    return fit;
  }
  const auto samples = static_cast<double>(fit.samples);
  fit.mean_x /= samples;
  fit.mean_y /= samples;
  double sum_yy = 0;
  for (std::size_t k = 0; k < count; ++k) {
    if (used(k)) {
      const double dx = x[k * stride] - fit.mean_x;
      const double dy = y[k * stride] - fit.mean_y;
      fit.sum_xx += dx * dx;
      fit.sum_xy += dx * dy;
      sum_yy += dy * dy;
    }
  }
  if (fit.sum_xx > 0) {
    fit.slope = fit.sum_xy / fit.sum_xx;
    if (fit.samples > 2) {
      fit.slope_error = std::sqrt(std::max(0.0, sum_yy - fit.slope * fit.sum_xy) / (samples - 2) / fit.sum_xx);
    }
  }
  fit.offset = fit.mean_y - fit.slope * fit.mean_x;
  return fit;
}

double Calibrator::most_counts() const { return config_.pad.full_scale; }

void Calibrator::run(CalibrationSummary& summary, const std::function<bool()>& stopped) {
  const mapping::ChipPlan& plan = driver_.plan();
  for (const mapping::OutputVector& output : plan.outputs) {
    zeros_.insert(zeros_.end(), output.count, output.zero_count);
    counts_per_unit_.insert(counts_per_unit_.end(), output.count, output.counts_per_unit);
  }
  std::vector<Matrix> found;
  std::vector<double> words;
  const auto learn = [&](std::size_t steps, std::uint64_t round, auto take) {
    const KnownVectors known = known_vectors(plan, config_, steps, round);
    if (!measure(known, round, words, summary, stopped)) {
      return false;
    }
    (this->*take)(known, words, found);
    return true;
  };
  const config::HostConfig& host = config_.host;
  summary.done = true;
  summary.steps = 0;
  bool whole = true;
  if (!plan.outputs.empty() && host.calibration_steps > 0) {
    summary.steps += host.calibration_steps;
    whole = learn(host.calibration_steps, kSlopes, &Calibrator::fit);
  }
  driver_.age();
  if (whole && !plan.outputs.empty() && host.drift_compensation == "global") {
    summary.steps += host.drift_compensation_steps;
    whole = learn(host.drift_compensation_steps, kDrift, &Calibrator::compensate);
  }
  summary.matrices.insert(summary.matrices.end(), found.begin(), found.end());
  std::vector<double> units(counts_per_unit_.size());
  std::transform(counts_per_unit_.begin(), counts_per_unit_.end(), units.begin(),
                 [](double count) { return 1 / count; });
  driver_.set_read_out(std::move(zeros_), std::move(units));
  driver_.begin_items();
}

bool Calibrator::measure(const KnownVectors& known, std::uint64_t round, std::vector<double>& words,
                         CalibrationSummary& summary, const std::function<bool()>& stopped) {
  const std::size_t inputs = driver_.plan().input_count;
  const std::size_t width = counts_per_unit_.size();
  const std::vector<double> silence(inputs, 0.0);
  Lanes& lanes = services_.lanes;
  const ChipDriver::LanesIn silent(lanes.count(), silence.data());
  words.assign(known.count * width, 0.0);
  for (std::size_t first = 0; first < known.count; first += lanes.count()) {
    if (stopped()) {
      return false;
    }
    const std::size_t count = std::min(lanes.count(), known.count - first);
    ChipDriver::LanesIn lane_inputs = silent;
    for (std::size_t lane = 0; lane < lanes.count(); ++lane) {
      lanes.set_key(lane, {kNoiseStream | (first + lane), round});
      if (lane < count) {
        lane_inputs[lane] = known.inputs.data() + (first + lane) * inputs;
      }
    }
    driver_.write_inputs(lane_inputs);
    driver_.forget_outputs();
    (void)driver_.take_energy();
    if (!driver_.step()) {
      return false;
    }
    const std::vector<double> energy_nJ = driver_.take_energy();
    ChipDriver::LanesOut lane_words;
    for (std::size_t lane = 0; lane < count; ++lane) {
      lane_words.push_back(words.data() + (first + lane) * width);
      summary.energy_nJ += energy_nJ[lane];
      summary.time_ns += driver_.latency_ns() + config_.host.step_overhead_ns;
    }
    driver_.read_words(lane_words);
    sc_core::wait(config_.host.step_overhead_ns, sc_core::SC_NS);
  }
  driver_.write_inputs(silent);
  return true;
}

void Calibrator::fit(const KnownVectors& known, const std::vector<double>& words, std::vector<Matrix>& found) {
  const std::size_t width = counts_per_unit_.size();
  std::vector<LineFit> fits(width);
  std::map<std::string, std::pair<double, double>> sums;  // xx and xy of a matrix's fitted columns, x in counts
  std::map<std::string, std::vector<double>> slopes;
  std::map<std::string, std::vector<double>> offsets;
  const auto good = [](const LineFit& fit) {
    return fit.samples >= kLeastSamples && fit.slope > 0 && fit.slope_error <= kMostSlopeError * fit.slope;
  };
  for_each_output(driver_.plan(), found, [&](const mapping::OutputVector& output, std::size_t first, Matrix& matrix) {
    matrix.columns += output.count;
    const double scale = output.counts_per_unit;
    for (std::size_t word = first; word < first + output.count; ++word) {
      fits[word] = fit_line(&known.expected[word], &words[word], known.count, width, 0, most_counts());
      if (!good(fits[word])) {
        ++matrix.unfitted;
        continue;
      }
      auto& [xx, xy] = sums[matrix.name];
      xx += fits[word].sum_xx * scale * scale;
      xy += fits[word].sum_xy * scale;
      slopes[matrix.name].push_back(fits[word].slope / scale);
      offsets[matrix.name].push_back(fits[word].offset - output.zero_count);
    }
  });
  for_each_output(driver_.plan(), found, [&](const mapping::OutputVector& output, std::size_t first, Matrix& matrix) {
    const auto& [xx, xy] = sums[matrix.name];
    const double common = xx > 0 ? xy / xx : 1.0;
    for (std::size_t word = first; word < first + output.count; ++word) {
      const LineFit& fit = fits[word];
      const double slope = good(fit) ? fit.slope : common * output.counts_per_unit;
      counts_per_unit_[word] = slope;
      if (fit.samples > 0) {
        zeros_[word] = fit.mean_y - slope * fit.mean_x;
      }
    }
  });
  for (Matrix& matrix : found) {
    if (!slopes[matrix.name].empty()) {
      const Spread slope = spread(slopes[matrix.name]);
      const Spread offset = spread(offsets[matrix.name]);
      matrix.slope_mean = slope.mean;
      matrix.slope_sigma = slope.sigma;
      matrix.offset_mean = offset.mean;
      matrix.offset_sigma = offset.sigma;
    }
  }
}

void Calibrator::compensate(const KnownVectors& known, const std::vector<double>& words, std::vector<Matrix>& found) {
  const std::size_t width = counts_per_unit_.size();
  const bool first_time = found.empty();
  std::map<std::string, std::pair<double, double>> sums;
  for_each_output(driver_.plan(), found, [&](const mapping::OutputVector& output, std::size_t first, Matrix& matrix) {
    matrix.columns += first_time ? output.count : 0;
    auto& [xx, xy] = sums[matrix.name];
    for (std::size_t word = first; word < first + output.count; ++word) {
      for (std::size_t vector = 0; vector < known.count; ++vector) {
        const double count = words[vector * width + word];
        if (count > 0 && count < most_counts()) {
          const double x = known.expected[vector * width + word] * counts_per_unit_[word];
          xx += x * x;
          xy += x * (count - zeros_[word]);
        }
      }
    }
  });
  for_each_output(driver_.plan(), found, [&](const mapping::OutputVector& output, std::size_t first, Matrix& matrix) {
    const auto& [xx, xy] = sums[matrix.name];
    if (xy > kLeastFactor * xx) {
      matrix.drift_factor = xy / xx;
      for (std::size_t word = first; word < first + output.count; ++word) {
        counts_per_unit_[word] *= matrix.drift_factor;
      }
    }
  });
}

}  // namespace chronotile::host
