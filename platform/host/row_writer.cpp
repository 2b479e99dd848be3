#include "platform/host/row_writer.hpp"

#include <algorithm>
#include <cmath>

namespace chronotile::host {
namespace {

constexpr double kMostOfWhatIsLeft = 0.95;  ///< a pulse is never meant to saturate a device
constexpr double kLeastLeft = 0.15;         ///< of a device that seems full
constexpr double kSmallError = 3;           ///< times the tolerance
constexpr double kWidestSpeed = 8;          ///< a device is not taken to be faster or slower than the mean by more
constexpr double kTooLittle = 0.5;          ///< of what a pulse was to add
constexpr double kSlower = 0.7;             ///< factor of a device's speed then
constexpr double kTelling = 10;             ///< times the reads' uncertainty
constexpr double kMeanShare = 1.0 / 256;    ///< of a new pulse in the mean speed

}  // namespace

RowWriter::RowWriter(const config::ProgrammingConfig& config, const pcm::DeviceModel& model, WeightDevices devices)
    : config_(config),
      model_(model),
      devices_(device_count(devices)),
      device_weight_(devices == WeightDevices::kBoth ? 0.5 : 1.0),
      speed_(1.0 / config.first_time_ns) {}

double RowWriter::tolerance(double target) const {
  const double half_a_count = 0.5 / config_.counts_per_weight;
  return std::max(
      {config_.least_tolerance, half_a_count, config_.tolerance * model_.programming_sigma(std::abs(target))});
}

void RowWriter::begin(const double* targets) {
  std::copy(targets, targets + kWires, targets_.begin());
  weights_.fill(0);
  pulsed_.fill(kNone);
  done_.fill(false);
  pulses_.fill(0);
  open_ = kWires;
  for (std::size_t device = 0; device < devices_; ++device) {
    widths_[device].fill(0);
    speeds_[device].fill(speed_);
    conductances_[device].fill(0);
  }
}

/// Conductance that SET pulses can still add.
double RowWriter::left(std::size_t device, std::size_t column) const {
  return std::max(kLeastLeft, config_.full_set - conductances_[device][column]);
}

/// What the last pulse did: the change of the weight is that of one device.
void RowWriter::learn(std::size_t column, double weight) {
  const std::size_t device = pulsed_[column];
  if (device == kNone) {
    return;
  }
  const double sign = device % 2 == 0 ? 1.0 : -1.0;
  const double gained = sign * (weight - weights_[column]) / device_weight_;
  const double share = std::clamp(gained / left(device, column), 0.0, kMostOfWhatIsLeft);
  const double seen = -std::log1p(-share) / widths_[device][column];
  // As far as the change stands out of the reads' uncertainty.
  const double ratio = gained / config_.read_uncertainty;
  const double trust = gained > 0 ? ratio * ratio / (1.0 + ratio * ratio) : 0.0;
  double& own = speeds_[device][column];
  if (gained < kTooLittle * wanted_[column]) {
    own *= kSlower;  // also where the change does not stand out: widths grow until it does
  } else {
    own += trust * (seen - own);
  }
  own = std::clamp(own, speed_ / kWidestSpeed, speed_ * kWidestSpeed);
  if (wanted_[column] > kTelling * config_.read_uncertainty) {  // the mean only from pulses whose gain stands out
    speed_ += kMeanShare * (seen - speed_);
  }
  conductances_[device][column] = std::clamp(conductances_[device][column] + gained, 0.0, config_.full_set);
}

std::size_t RowWriter::choose(std::size_t column, double error) const {
  const std::size_t first = error > 0 ? 0 : 1;
  if (devices_ == 2) {
    return first;
  }
  const double target = targets_[column];
  if (error * target < 0) {
    return first + 2;  // overshoot: the secondary pair takes it back
  }
  // (G + g) / 2 = |target|: both have the target of their own
  return conductances_[first][column] <= conductances_[first + 2][column] ? first : first + 2;
}

void RowWriter::read(const double* weights, bool last) {
  for (std::size_t column = 0; column < kWires; ++column) {
    learn(column, weights[column]);
  }
  std::copy(weights, weights + kWires, weights_.begin());
  for (std::size_t device = 0; device < devices_; ++device) {
    widths_[device].fill(0);
  }
  open_ = 0;
  for (std::size_t column = 0; column < kWires; ++column) {
    pulsed_[column] = kNone;
    const double error = targets_[column] - weights_[column];
    const double tolerance_here = tolerance(targets_[column]);
    done_[column] = done_[column] || std::abs(error) <= tolerance_here;
    if (done_[column]) {
      continue;
    }
    ++open_;
    if (last) {
      continue;
    }
    const std::size_t device = choose(column, error);
    double wanted = std::abs(error) / device_weight_;
    if (devices_ == 4 && error * targets_[column] > 0) {
      // Up to this device's half; the other one gets the rest.
      const double half = std::abs(targets_[column]) - conductances_[device][column];
      wanted = half > 0.1 ? std::min(wanted, half) : wanted;
    }
    wanted *= std::abs(error) > kSmallError * tolerance_here ? config_.approach : 1.0;
    wanted_[column] = wanted;
    const double share = std::min(kMostOfWhatIsLeft, wanted / left(device, column));
    const double width = -std::log1p(-share) / speeds_[device][column];
    widths_[device][column] = std::clamp(std::round(width), 1.0, config_.longest_pulse_ns);
    pulsed_[column] = device;
    ++pulses_[column];
  }
}

}  // namespace chronotile::host
