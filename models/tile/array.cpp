#include "models/tile/array.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <vector>

#include "models/pcm/programming_error.hpp"

namespace chronotile::tile {
namespace {

constexpr auto kWeights = static_cast<std::size_t>(kWires) * kWires;

void check(const WeightMatrix& target) {
  if (target.rows() != kWires || target.cols() != kWires) {
    throw std::invalid_argument(fmt::format("WeightArray::program: the target is {} x {}, not {} x {}", target.rows(),
                                            target.cols(), kWires, kWires));
  }
  for (Eigen::Index row = 0; row < kWires; ++row) {
    for (Eigen::Index column = 0; column < kWires; ++column) {
      if (!(target(row, column) >= -1.0F && target(row, column) <= 1.0F)) {
        throw std::invalid_argument(
            fmt::format("WeightArray::program: target weight {} at row {}, column {} is not within -1..1",
                        target(row, column), row, column));
      }
    }
  }
}

/// Variances down to 1e-9 of the largest weight's square stay normal numbers of 16 bits.
constexpr double kVarianceScale = 4096.0;

std::size_t at(WeightSet set) { return static_cast<std::size_t>(set); }

void store(double value, mac::Half& weight) { weight = mac::to_half(value); }
void store(double value, float& weight) { weight = static_cast<float>(value); }
void store(double value, double& weight) { weight = value; }

double number(mac::Half weight) { return static_cast<double>(mac::from_half(weight)); }
double number(float weight) { return static_cast<double>(weight); }
double number(double weight) { return weight; }

}  // namespace

/// Calls `visit` with the two packed sets of the type that is used.
template <typename Visit>
void WeightArray::with_storage(const Visit& visit) {
  if (config_.double_precision) {
    visit(double_);
  } else if (config_.half_precision_weights) {
    visit(half_);
  } else {
    visit(single_);
  }
}

template <typename Visit>
void WeightArray::with_storage(const Visit& visit) const {
  if (config_.double_precision) {
    visit(double_);
  } else if (config_.half_precision_weights) {
    visit(half_);
  } else {
    visit(single_);
  }
}

WeightArray::WeightArray(const ArrayConfig& config, const Periphery* periphery)
    : config_(config), isa_(mac::best_isa()), periphery_(periphery), first_age_s_(config.devices.age_s) {}

/// What the columns read of one row after writing, and the variances of its weights.
void WeightArray::write_row(WeightSet set, const WeightMatrix& target, const Services& services, std::uint32_t tile,
                            int row, double* written) {
  const double* const targets = target.data() + static_cast<Eigen::Index>(row) * kWires;
  pcm::RowOfPairs pairs;
  if (config_.devices.enabled) {
    devices_->row({services.seed, services.chip, tile, static_cast<std::uint32_t>(set), services.chip_seed}, row,
                  targets, pairs);
  } else {
    pcm::ProgrammingError(config_.programming_sigma).row(services, tile, static_cast<std::uint32_t>(set), row, written);
    for (std::size_t column = 0; column < kWires; ++column) {
      const double weight = targets[column] + written[column];
      pairs.plus[column] = std::max(weight, 0.0);
      pairs.minus[column] = std::max(-weight, 0.0);
    }
  }
  take_pairs(set, row, pairs, written);
}

void WeightArray::take_pairs(WeightSet set, int row, const pcm::RowOfPairs& pairs, double* written) {
  for (std::size_t column = 0; column < kWires; ++column) {
    const double plus_gain = periphery_ != nullptr ? periphery_->plus_gain()[column] : 1.0;
    const double minus_gain = periphery_ != nullptr ? periphery_->minus_gain()[column] : 1.0;
    written[column] = plus_gain * std::min(pairs.plus[column], kLargestWritten) -
                      minus_gain * std::min(pairs.minus[column], kLargestWritten);
  }
  if (noisy()) {
    for (int column = 0; column < kWires; ++column) {
      double gain = 1.0;  // the same for both sets, so that those of W and -W stay equal
      if (periphery_ != nullptr) {
        const double plus = periphery_->plus_gain()[static_cast<std::size_t>(column)];
        const double minus = periphery_->minus_gain()[static_cast<std::size_t>(column)];
        gain = 0.5 * (plus * plus + minus * minus);
      }
      variance_[at(set)][mac::packed_index(row, column)] = mac::to_half(gain * pairs.variance[column] * kVarianceScale);
    }
  }
}

void WeightArray::begin_writing(WeightSet set) {
  unfold();
  with_storage([&](auto& sets) { sets[at(set)].resize(kWeights); });
  if (noisy()) {
    if (same_variance_) {
      same_variance_ = false;
      variance_[1] = variance_[0];
    }
    variance_[at(set)].resize(kWeights);
  }
}

void WeightArray::write_devices(WeightSet set, int row, const pcm::RowOfPairs& pairs) {
  begin_writing(set);
  targets_[at(set)].resize(Eigen::NoChange, 0);  // does not age from targets any more
  std::vector<double> written(kWires);
  take_pairs(set, row, pairs, written.data());
  with_storage([&](auto& sets) {
    for (int column = 0; column < kWires; ++column) {
      store(written[static_cast<std::size_t>(column)], sets[at(set)][mac::packed_index(row, column)]);
    }
  });
}

void WeightArray::program(WeightSet set, const WeightMatrix& target, const Services& services, std::uint32_t tile) {
  check(target);
  if (config_.devices.enabled && (!devices_ || devices_->age_s() != config_.devices.age_s)) {
    devices_ = std::make_shared<pcm::DevicePairs>(config_.devices);
  }
  begin_writing(set);
  std::vector<double> written(kWires);
  with_storage([&](auto& sets) {
    auto& packed = sets[at(set)];
    for (int row = 0; row < kWires; ++row) {
      write_row(set, target, services, tile, row, written.data());
      for (int column = 0; column < kWires; ++column) {
        store(written[static_cast<std::size_t>(column)], packed[mac::packed_index(row, column)]);
      }
    }
  });
  fold();
  compare_variances();
  if (ages()) {
    targets_[at(set)] = target.cast<float>();
  }
}

bool WeightArray::aged(double simulated_s) const {
  const pcm::DeviceConfig& devices = config_.devices;
  if (!ages()) {
    return false;
  }
  const double age_s = first_age_s_ + devices.time_lapse * simulated_s;
  return age_s > (1.0 + kAgeStep) * std::max(devices.age_s, 1.0);
}

void WeightArray::advance(double simulated_s, const Services& services, std::uint32_t tile) {
  config_.devices.age_s = first_age_s_ + config_.devices.time_lapse * simulated_s;
  for (const WeightSet set : {WeightSet::kWp1, WeightSet::kWp2}) {
    if (targets_[at(set)].size() != 0) {
      program(set, targets_[at(set)].cast<double>(), services, tile);
    }
  }
}

void WeightArray::compare_variances() {
  const auto same = [](mac::Half first, mac::Half second) { return first.bits == second.bits; };
  same_variance_ = !variance_[0].empty() && !variance_[1].empty() &&
                   std::equal(variance_[0].begin(), variance_[0].end(), variance_[1].begin(), same);
  if (same_variance_) {
    variance_[1].clear();
    variance_[1].shrink_to_fit();
  }
}

void WeightArray::fold() {
  with_storage([&](auto& sets) {
    folded_ = config_.fold_negated_set && !sets[0].empty() && !sets[1].empty() &&
              std::equal(sets[0].begin(), sets[0].end(), sets[1].begin(),
                         [](auto first, auto second) { return number(first) == -number(second); });
    if (folded_) {
      sets[1].clear();
      sets[1].shrink_to_fit();
    }
  });
}

void WeightArray::unfold() {
  if (!folded_) {
    return;
  }
  folded_ = false;
  with_storage([](auto& sets) {
    sets[1] = sets[0];
    for (auto& weight : sets[1]) {
      store(-number(weight), weight);
    }
  });
}

bool WeightArray::programmed(WeightSet set) const {
  bool result = folded_;
  with_storage([&](const auto& sets) { result = result || !sets[at(set)].empty(); });
  return result;
}

WeightMatrix WeightArray::weights(WeightSet set) const {
  WeightMatrix result = WeightMatrix::Zero(kWires, kWires);
  if (!programmed(set)) {
    return result;
  }
  const bool negated = folded_ && set == WeightSet::kWp2;
  with_storage([&](const auto& sets) {
    const auto& packed = sets[negated ? 0 : at(set)];
    for (int row = 0; row < kWires; ++row) {
      for (int column = 0; column < kWires; ++column) {
        const double weight = number(packed[mac::packed_index(row, column)]);
        result(row, column) = negated ? 0.0 - weight : weight;
      }
    }
  });
  return result;
}

template <typename Real>
void WeightArray::multiply(WeightSet set, const Real* x, double* out, std::size_t lanes, int first, int last,
                           mac::Into into) const {
  const auto begin = static_cast<std::size_t>(first) * lanes;
  const auto end = static_cast<std::size_t>(last) * lanes;
  if (!programmed(set)) {
    if (into == mac::Into::kReplace) {
      std::fill(out + begin, out + end, 0.0);
    }
    return;
  }
  if (folded_ && set == WeightSet::kWp2) {
    std::vector<Real> negated(static_cast<std::size_t>(kWires) * lanes);
    std::transform(x, x + negated.size(), negated.begin(), [](Real value) { return -value; });
    multiply(WeightSet::kWp1, negated.data(), out, lanes, first, last, into);
    return;
  }
  with_storage([&](const auto& sets) { mac::multiply(sets[at(set)].data(), x, out, lanes, first, last, isa_, into); });
}

template void WeightArray::multiply<float>(WeightSet, const float*, double*, std::size_t, int, int, mac::Into) const;
template void WeightArray::multiply<double>(WeightSet, const double*, double*, std::size_t, int, int, mac::Into) const;

template <typename Real>
void WeightArray::noise_variance(const Real* const (&squares)[2], double* out, std::size_t lanes, int first,
                                 int last) const {
  const auto begin = static_cast<std::size_t>(first) * lanes;
  const auto end = static_cast<std::size_t>(last) * lanes;
  mac::Into into = mac::Into::kReplace;
  const auto add = [&](const Packed<mac::Half>& variance, const Real* inputs) {
    mac::multiply(variance.data(), inputs, out, lanes, first, last, isa_, into);
    into = mac::Into::kAdd;
  };
  if (same_variance_ && squares[0] != nullptr && squares[1] != nullptr) {
    thread_local std::vector<Real> sum;
    sum.resize(static_cast<std::size_t>(kWires) * lanes);
    std::transform(squares[0], squares[0] + sum.size(), squares[1], sum.begin(), std::plus<>());
    add(variance_[0], sum.data());
  } else {
    for (std::size_t set = 0; set < 2; ++set) {
      const Packed<mac::Half>& variance = variance_[same_variance_ ? 0 : set];
      if (squares[set] != nullptr && !variance.empty()) {
        add(variance, squares[set]);
      }
    }
  }
  if (into == mac::Into::kReplace) {
    std::fill(out + begin, out + end, 0.0);
    return;
  }
  std::for_each(out + begin, out + end, [](double& value) { value *= 1.0 / kVarianceScale; });
}

template void WeightArray::noise_variance<float>(const float* const (&)[2], double*, std::size_t, int, int) const;
template void WeightArray::noise_variance<double>(const double* const (&)[2], double*, std::size_t, int, int) const;

}  // namespace chronotile::tile
