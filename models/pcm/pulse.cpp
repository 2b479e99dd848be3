#include "models/pcm/pulse.hpp"

#include <algorithm>
#include <cmath>

#include "models/base/noise.hpp"

namespace chronotile::pcm {
namespace {

constexpr std::size_t kRow = kWires;

/// What is drawn for a device; part of the key.
enum class Draw : std::uint64_t { kSpeed = 1, kFullSet, kIncrement, kRelaxation };

using Columns = std::array<double, kRow>;

/// Standard normal numbers for the columns of a row.
void draw(const Place& place, std::uint64_t seed, std::uint32_t device, int row, Draw what, std::uint32_t writes,
          Columns& out) {
  const noise::Stream stream{seed,
                             place.chip,
                             place.tile,
                             noise::Purpose::kPulse,
                             static_cast<std::uint64_t>(what),
                             writes,
                             place.set * PulsedDevices::kDevices + device};
  noise::gaussian(stream, static_cast<std::uint64_t>(row) * kRow, out.data(), kRow);
}

}  // namespace

PulsedDevices::PulsedDevices(const DeviceConfig& devices, const PulseConfig& pulse, const Place& place,
                             std::uint64_t chip_seed)
    : devices_(devices), pulse_(pulse), model_(devices.technology), place_(place), chip_seed_(chip_seed) {
  place_.chip_seed = chip_seed;
}

Place PulsedDevices::place(std::uint32_t set) const {
  Place result = place_;
  result.set = set;
  return result;
}

void PulsedDevices::prepare(Set& set) {
  for (std::size_t device = 0; device < kDevices; ++device) {
    set.conductance[device].resize(kRow * kRow);
    set.writes[device].resize(kRow);
    set.relaxed[device].resize(kRow * kRow, 1);
  }
}

void PulsedDevices::load(std::uint32_t set, const std::vector<double>& plus, const std::vector<double>& minus) {
  Set& target = sets_[set];
  prepare(target);
  const auto copy = [](const std::vector<double>& from, std::vector<float>& to) {
    std::transform(from.begin(), from.end(), to.begin(), [](double g) { return static_cast<float>(g); });
  };
  copy(plus, target.conductance[0]);
  copy(minus, target.conductance[1]);
}

void PulsedDevices::pulse(std::uint32_t set, std::uint32_t device, int row, double amplitude, const double* widths_ns) {
  Set& target = sets_[set];
  if (target.conductance[0].empty()) {
    prepare(target);
  }
  const Place here = place(set);
  if (amplitude < pulse_.set_amplitude) {
    return;
  }
  const std::size_t first = static_cast<std::size_t>(row) * kRow;
  const std::uint32_t writes = ++target.writes[device][static_cast<std::size_t>(row)];
  float* const conductance = target.conductance[device].data() + first;
  for (std::size_t column = 0; column < kRow; ++column) {
    if (widths_ns[column] > 0) {
      target.relaxed[device][first + column] = 0;
    }
  }
  Columns fixed;
  broken_devices(devices_, here, row, device, fixed.data());
  Columns chance;
  draw(here, here.seed, device, row, Draw::kIncrement, writes, chance);
  if (amplitude >= pulse_.melt_amplitude) {
    for (std::size_t column = 0; column < kRow; ++column) {
      if (widths_ns[column] > 0) {
        const double share = std::min(1.0, widths_ns[column] / pulse_.reset_ns);
        const double residue = pulse_.reset_residue * std::abs(chance[column]);
        conductance[column] += static_cast<float>(share * (residue - static_cast<double>(conductance[column])));
      }
    }
  } else {
    Columns speed;
    Columns full_set;
    draw(here, chip_seed_, device, row, Draw::kSpeed, 0, speed);
    draw(here, chip_seed_, device, row, Draw::kFullSet, 0, full_set);
    const double rate =
        (amplitude - pulse_.set_amplitude) / (pulse_.melt_amplitude - pulse_.set_amplitude) / pulse_.set_time_ns;
    const double mean_shift = 0.5 * pulse_.increment_sigma * pulse_.increment_sigma;
    for (std::size_t column = 0; column < kRow; ++column) {
      if (widths_ns[column] > 0) {
        const double goal = pulse_.full_set * (1.0 + pulse_.full_set_sigma * full_set[column]);
        const double factor =
            std::exp(pulse_.speed_sigma * speed[column] + pulse_.increment_sigma * chance[column] - mean_shift);
        const double left = std::max(0.0, goal - static_cast<double>(conductance[column]));
        conductance[column] -= static_cast<float>(left * std::expm1(-rate * widths_ns[column] * factor));
      }
    }
  }
  for (std::size_t column = 0; column < kRow; ++column) {
    if (fixed[column] >= 0) {
      conductance[column] = static_cast<float>(fixed[column]);
    }
  }
}

void PulsedDevices::relax() {
  for (std::uint32_t set = 0; set < sets_.size(); ++set) {
    Set& target = sets_[set];
    const Place here = place(set);
    for (std::uint32_t device = 0; device < kDevices; ++device) {
      for (std::size_t row = 0; row < target.writes[device].size(); ++row) {
        std::uint8_t* const relaxed = target.relaxed[device].data() + row * kRow;
        if (std::all_of(relaxed, relaxed + kRow, [](std::uint8_t done) { return done != 0; })) {
          continue;
        }
        Columns fixed;
        broken_devices(devices_, here, static_cast<int>(row), device, fixed.data());
        Columns chance;
        draw(here, here.seed, device, static_cast<int>(row), Draw::kRelaxation, target.writes[device][row], chance);
        float* const conductance = target.conductance[device].data() + row * kRow;
        for (std::size_t column = 0; column < kRow; ++column) {
          if (relaxed[column] != 0 || fixed[column] >= 0) {
            continue;
          }
          relaxed[column] = 1;
          const double g = static_cast<double>(conductance[column]);
          const double sigma =
              pulse_.relaxation * devices_.programming_scale * model_.programming_sigma(std::min(g, 1.0));
          conductance[column] = static_cast<float>(std::max(0.0, g + sigma * chance[column]));
        }
      }
    }
  }
}

void PulsedDevices::row(std::uint32_t set, int row, RowOfPairs& pairs) const {
  const Set& source = sets_[set];
  const double white = std::log(10.0) * devices_.white_decades;
  const std::size_t first = static_cast<std::size_t>(row) * kRow;
  for (std::size_t column = 0; column < kRow; ++column) {
    const auto variance = [&](double g) {
      const double noise = g * model_.noise_q(std::min(g, 1.0));
      return noise * noise * white;
    };
    pairs.plus[column] = static_cast<double>(source.conductance[0][first + column]);
    pairs.minus[column] = static_cast<double>(source.conductance[1][first + column]);
    pairs.variance[column] = variance(pairs.plus[column]) + variance(pairs.minus[column]);
  }
}

}  // namespace chronotile::pcm
