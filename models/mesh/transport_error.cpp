#include "models/mesh/transport_error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <boost/lexical_cast/try_lexical_convert.hpp>

#include "common/user_error.hpp"

// One source, several instruction sets, the same bits: only IEEE operations that round alike everywhere, and no
// contraction (see CMakeLists.txt).
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CHRONOTILE_EVERY_ISA __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define CHRONOTILE_EVERY_ISA
#endif

namespace chronotile::mesh {
namespace {

using duration::Block;
using duration::Pulses;

constexpr double kSaturation = 4.0;  ///< standard deviations at which the bounded shape bends

struct Bounds {
  double short_ns;
  double long_ns;
  double below_ns;

  [[nodiscard]] double step(double duration) const { return duration < below_ns ? short_ns : long_ns; }
};

/// durations += error where there is a pulse; in one place so that all modes treat absent pulses alike.
inline double received(double duration, double error) {
  const double sum = std::max(0.0, duration + error);
  return duration > 0.0 ? sum : duration;
}

CHRONOTILE_EVERY_ISA
void add_per_hop(double* durations, const double* jitter, const double* skew, std::size_t wires, std::size_t lanes,
                 double amplitude, double skew_factor, double jitter_factor, const Bounds& bounds) {
  const double range = bounds.long_ns - bounds.short_ns;
  const double inverse_below = bounds.below_ns > 0 ? 1.0 / bounds.below_ns : 0.0;
  const double offset = bounds.below_ns > 0 ? 1.0 : -1.0;  // no shorter durations: the long bound for all
  const auto one = [&](double duration, double z_skew, double z_jitter) {
    const double x = skew_factor * z_skew + jitter_factor * z_jitter;
    const double shape = x / std::sqrt(1.0 + x * x);
    const double rise = std::min(1.0, std::max(0.0, duration * inverse_below - offset));
    const double bound = bounds.short_ns + range * rise;
    return received(duration, amplitude * bound * shape);
  };
  if (lanes == 1) {
    for (std::size_t wire = 0; wire < wires; ++wire) {
      durations[wire] = one(durations[wire], skew[wire], jitter[wire]);
    }
    return;
  }
  for (std::size_t wire = 0; wire < wires; ++wire) {
    const double z_skew = skew[wire];
    double* row = durations + wire * lanes;
    const double* draw = jitter + wire * lanes;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      row[lane] = one(row[lane], z_skew, draw[lane]);
    }
  }
}

std::vector<double> read_errors(const std::string& file) {
  std::ifstream in(file);
  if (!in) {
    throw UserError(file, "cannot be read", "Name a text file with one transport error in ns a line");
  }
  std::vector<double> errors;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') {
      continue;
    }
    const auto last = line.find_last_not_of(" \t\r");
    double value = 0;
    if (!boost::conversion::try_lexical_convert(line.substr(first, last - first + 1), value) || !std::isfinite(value)) {
      throw UserError(fmt::format("{}:{}", file, number), "is not a number: '" + line + "'",
                      "Write one transport error in ns a line");
    }
    errors.push_back(value);
  }
  if (errors.empty()) {
    throw UserError(file, "holds no transport error", "Write one transport error in ns a line");
  }
  return errors;
}

}  // namespace

/// Sum of the skews along a route over the square root of its hops, per wire. References stay valid.
class TransportError::SkewCache {
 public:
  using Skews = std::array<double, kWires>;

  const Skews& along(const Services& services, const duration::Pulses& pulses) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto [entry, fresh] = routes_.try_emplace(Route(pulses.hops.begin(), pulses.hops.end()));
    if (fresh) {
      entry->second = std::make_unique<Skews>();
      Skews& sum = *entry->second;
      sum.fill(0.0);
      Skews one{};
      for (const duration::HopId hop : pulses.hops) {
        noise::gaussian({services.seed, services.chip, hop, noise::Purpose::kTransportSkew, 0, 0, 0}, 0, one.data(),
                        one.size());
        std::transform(sum.begin(), sum.end(), one.begin(), sum.begin(), std::plus<>());
      }
      const double scale = pulses.hops.empty() ? 0.0 : 1.0 / std::sqrt(static_cast<double>(pulses.hops.size()));
      std::transform(sum.begin(), sum.end(), sum.begin(), [scale](double value) { return value * scale; });
    }
    return *entry->second;
  }

 private:
  using Route = std::vector<duration::HopId>;
  std::mutex mutex_;
  std::map<Route, std::unique_ptr<Skews>> routes_;
};

TransportError::TransportError(const TransportErrorConfig& config, const Services& services)
    : config_(config), services_(&services), skews_(std::make_shared<SkewCache>()) {
  if (config_.mode == TransportErrorMode::kRecorded) {
    recorded_ = read_errors(config_.recorded_file);
  }
}

bool TransportError::off() const { return config_.mode == TransportErrorMode::kOff || bound_ns() == 0.0; }

double TransportError::bound_ns() const {
  switch (config_.mode) {
    case TransportErrorMode::kOff:
      return 0;
    case TransportErrorMode::kRecorded:
      return std::abs(*std::max_element(recorded_.begin(), recorded_.end(),
                                        [](double a, double b) { return std::abs(a) < std::abs(b); }));
    default:
      return std::max(std::abs(config_.bound_ns), std::abs(config_.short_bound_ns));
  }
}

noise::Stream TransportError::stream(const Pulses& pulses, std::uint32_t receiver, std::size_t lane) const {
  const LaneKey& key = services_->lanes.key(lane);
  const auto ticks =
      static_cast<std::uint64_t>(std::llround((pulses.emission->lead_ns - services_->lanes.epoch_ns()) * 16.0));
  const auto event = static_cast<std::uint32_t>((ticks & 0xff'ffffU) | (std::uint64_t{pulses.emission->source} << 24U));
  return {services_->seed, services_->chip, receiver, noise::Purpose::kTransportJitter, key.stream, key.step, event};
}

void TransportError::apply(const Pulses& pulses, std::uint32_t receiver, Block& durations_ns) const {
  if (off()) {
    return;
  }
  const auto lanes = static_cast<std::size_t>(durations_ns.cols());
  Block draws(kWires, static_cast<Eigen::Index>(lanes));
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const noise::Stream keyed = stream(pulses, receiver, lane);
    for_each_run(pulses.groups, [&](int first_wire, int last_wire) {
      const auto first = static_cast<std::size_t>(first_wire);
      const auto count = static_cast<std::size_t>(last_wire - first_wire);
      double* out = draws.data() + first * lanes + lane;
      if (config_.mode == TransportErrorMode::kPerHop) {
        noise::gaussian(keyed, first, out, count, lanes);
      } else {
        noise::uniform(keyed, first, out, count, lanes);
      }
    });
  }

  const Bounds bounds{config_.short_bound_ns, config_.bound_ns, config_.short_below_ns};
  for_each_run(pulses.groups, [&](int first_wire, int last_wire) {
    const auto first = static_cast<std::size_t>(first_wire);
    const auto count = static_cast<std::size_t>(last_wire - first_wire);
    double* durations = durations_ns.data() + first * lanes;
    const double* draw = draws.data() + first * lanes;
    const std::size_t size = count * lanes;
    switch (config_.mode) {
      case TransportErrorMode::kOff:
        break;
      case TransportErrorMode::kPerHop: {
        const auto hops = static_cast<double>(pulses.hops.size());
        const double amplitude = std::min(1.0, std::sqrt(hops / config_.full_hops));
        const double* skew = skews_->along(*services_, pulses).data() + first;
        add_per_hop(durations, draw, skew, count, lanes, amplitude, std::sqrt(config_.skew_share) / kSaturation,
                    std::sqrt(1.0 - config_.skew_share) / kSaturation, bounds);
        break;
      }
      case TransportErrorMode::kUniform:
        for (std::size_t k = 0; k < size; ++k) {
          durations[k] = received(durations[k], bounds.step(durations[k]) * draw[k]);
        }
        break;
      case TransportErrorMode::kWorstCase:
        for (std::size_t k = 0; k < size; ++k) {
          durations[k] = received(durations[k], std::copysign(bounds.step(durations[k]), draw[k]));
        }
        break;
      case TransportErrorMode::kRecorded:
        for (std::size_t k = 0; k < size; ++k) {
          const auto index = static_cast<std::size_t>((draw[k] + 1.0) * 0.5 * static_cast<double>(recorded_.size()));
          durations[k] = received(durations[k], recorded_[std::min(index, recorded_.size() - 1)]);
        }
        break;
    }
  });
}

}  // namespace chronotile::mesh
