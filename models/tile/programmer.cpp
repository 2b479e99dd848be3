#include "models/tile/programmer.hpp"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "models/tile/integrator.hpp"

namespace chronotile::tile {
namespace {

using isa::Group;

constexpr double kFullAmplitude = 255;

/// Set of a device of pdev, and which of the set's two it is.
WeightSet set_of(std::uint32_t device) { return device < 2 ? WeightSet::kWp1 : WeightSet::kWp2; }

}  // namespace

Programmer::Programmer(const Context& context, WeightArray& array, const Periphery& periphery, Integrator& integrator,
                       const mesh::TransportErrorConfig& transport)
    : context_(context),
      array_(array),
      periphery_(periphery),
      integrator_(integrator),
      transport_(transport, context.services) {}

Programmer::Levels Programmer::levels() const {
  const std::uint32_t device = context_.level(Group::kProgramDevice);
  if (context_.level(Group::kHighVoltage) == 0 || device == 0 || (device & (device - 1)) != 0) {
    return {};
  }
  Levels result;
  result.columns = context_.mask(Group::kProgramColumns);
  while ((device >> result.device & 1U) == 0) {
    ++result.device;
  }
  result.row = context_.level(Group::kProgramRow);
  result.amplitude = context_.level(Group::kProgramAmplitude);
  return result.columns != 0 ? result : Levels{};
}

void Programmer::begin(const duration::Pulses& pulses) {
  arrivals_.begin(pulses);
  const GroupMask open = context_.mask(Group::kProgramColumns) & pulses.groups;
  const bool unsupplied = open != 0 && context_.level(Group::kHighVoltage) == 0;
  if (unsupplied && !unsupplied_) {
    context_.report(ViolationKind::kProgramConflict,
                    fmt::format("pulses arrive at column groups 0x{:02x} that pcol opens while the programming supply "
                                "is off: nothing is written",
                                open));
  }
  unsupplied_ = unsupplied;
}

void Programmer::end(const duration::Pulses& pulses) {
  arrivals_.end(pulses);
  if (open_.columns == 0 && levels().columns == 0) {
    arrivals_.forget(Context::now_ns());
  }
}

void Programmer::act(double now) {
  const Levels next = levels();
  if (next == open_) {
    return;
  }
  if (open_.columns != 0) {
    write(now);
  }
  open_ = next;
  open_ns_ = now;
}

void Programmer::write(double now) {
  widths_.setZero(kWires, static_cast<Eigen::Index>(context_.lanes()));
  const mesh::AtReceiver reception(transport_, context_.config.index);
  const duration::Window window{open_ns_, now, open_.columns, 1.0};
  const duration::Coverage coverage =
      duration::overlap(arrivals_.entries(), &window, 1, &reception, duration::sum_into(widths_), now);
  arrivals_.forget(now);
  if (coverage.partial != 0) {
    context_.report(ViolationKind::kPulseNotCovered,
                    fmt::format("programming pulses on column groups 0x{:02x} are high for up to {:.3f} ns outside the "
                                "time [{:.3f}, {:.3f}) ns in which they write",
                                coverage.partial, coverage.missed_ns, open_ns_, now));
  }
  std::vector<double> widths_ns(kWires);
  double sum_ns = 0;
  for (int column = 0; column < kWires; ++column) {
    const double width_ns = widths_(column, 0);
    widths_ns[static_cast<std::size_t>(column)] = width_ns;
    sum_ns += width_ns;
  }
  if (sum_ns == 0) {
    return;
  }
  const double amplitude = open_.amplitude / kFullAmplitude;
  context_.services.energy.charge(context_.energy_place, energy::Account::kArray,
                                  1e-6 * context_.config.energy_per_write_ns_fJ * amplitude * amplitude * sum_ns);
  const WeightSet set = set_of(open_.device);
  integrator_.settle_weights();
  prepare(set);
  devices_->pulse(static_cast<std::uint32_t>(set), open_.device % 2, static_cast<int>(open_.row), amplitude,
                  widths_ns.data());
  show(set, static_cast<int>(open_.row));
}

/// Devices of a set that was written statistically begin with what the columns read of it.
void Programmer::prepare(WeightSet set) {
  if (!devices_) {
    const Services& services = context_.services;
    const ArrayConfig& array = context_.config.array;
    devices_ = std::make_unique<pcm::PulsedDevices>(
        array.devices, array.pulse,
        pcm::Place{services.seed, services.chip, context_.config.index, 0, services.chip_seed}, services.chip_seed);
  }
  if (devices_->loaded(static_cast<std::uint32_t>(set))) {
    return;
  }
  constexpr auto kWeights = static_cast<std::size_t>(kWires) * kWires;
  std::vector<double> plus(kWeights);
  std::vector<double> minus(kWeights);
  if (array_.programmed(set)) {
    const WeightMatrix weights = array_.weights(set);
    for (std::size_t index = 0; index < kWeights; ++index) {
      const std::size_t column = index % kWires;
      const double weight = weights.data()[index];
      plus[index] = std::max(weight, 0.0) / periphery_.plus_gain()[column];
      minus[index] = std::max(-weight, 0.0) / periphery_.minus_gain()[column];
    }
  }
  devices_->load(static_cast<std::uint32_t>(set), plus, minus);
}

void Programmer::show(WeightSet set, int row) {
  pcm::RowOfPairs pairs;
  devices_->row(static_cast<std::uint32_t>(set), row, pairs);
  array_.write_devices(set, row, pairs);
}

void Programmer::relax() {
  if (!devices_) {
    return;
  }
  integrator_.settle_weights();
  devices_->relax();
  for (const WeightSet set : {WeightSet::kWp1, WeightSet::kWp2}) {
    if (devices_->loaded(static_cast<std::uint32_t>(set))) {
      for (int row = 0; row < kWires; ++row) {
        show(set, row);
      }
    }
  }
}

void Programmer::forget(WeightSet set) {
  if (devices_) {
    devices_->unload(static_cast<std::uint32_t>(set));
  }
}

}  // namespace chronotile::tile
