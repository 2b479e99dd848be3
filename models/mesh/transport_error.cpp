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

#include "common/every_isa.hpp"
#include "common/user_error.hpp"

#if defined(__GNUC__)
#define CHRONOTILE_INLINE inline __attribute__((always_inline))
#else
#define CHRONOTILE_INLINE inline
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

  [[nodiscard]] CHRONOTILE_INLINE double step(double duration) const {
    return duration < below_ns ? short_ns : long_ns;
  }
};

/// Where there is a pulse, with its error; in one place so that all modes treat absent pulses alike.
CHRONOTILE_INLINE double received(double duration, double error) {
  const double sum = std::max(0.0, duration + error);
  return duration > 0.0 ? sum : duration;
}

/// Writes received durations or adds them to a sum.
struct Sink {
  double* out;
  double weight;
  bool add;
};

template <typename Received>
CHRONOTILE_INLINE void each(std::size_t size, const Sink& sink, const Received& received_at) {
  double* out = sink.out;
  if (sink.add) {
    const double weight = sink.weight;
    for (std::size_t k = 0; k < size; ++k) {
      out[k] += weight * received_at(k);
    }
  } else {
    for (std::size_t k = 0; k < size; ++k) {
      out[k] = received_at(k);
    }
  }
}

constexpr double kHalfRange = 32768.0;  ///< of 16 bits

CHRONOTILE_EVERY_ISA
void exact(const double* durations, std::size_t size, const Sink& sink) {
  each(size, sink, [=](std::size_t k) { return durations[k]; });
}

CHRONOTILE_EVERY_ISA
void uniform(const double* durations, const std::int16_t* bits, std::size_t size, const Bounds& bounds,
             const Sink& sink) {
  const Bounds scaled{bounds.short_ns / kHalfRange, bounds.long_ns / kHalfRange, bounds.below_ns};
  each(size, sink, [=](std::size_t k) {
    const double draw = static_cast<double>(static_cast<std::int32_t>(bits[k])) + 0.5;
    return received(durations[k], scaled.step(durations[k]) * draw);
  });
}

CHRONOTILE_EVERY_ISA
void worst_case(const double* durations, const std::int16_t* bits, std::size_t size, const Bounds& bounds,
                const Sink& sink) {
  each(size, sink, [=](std::size_t k) {
    const double bound = bounds.step(durations[k]);
    return received(durations[k], bits[k] < 0 ? -bound : bound);
  });
}

/// Constants of add_per_hop, in single precision: what it rounds is an error of some ns, not a duration.
struct PerHop {
  PerHop(const Bounds& bounds, double hop_amplitude, double skew_share)
      : amplitude(static_cast<float>(hop_amplitude)),
        skew_factor(static_cast<float>(std::sqrt(skew_share) / kSaturation)),
        jitter_factor(static_cast<float>(std::sqrt(1.0 - skew_share) / kSaturation)),
        short_ns(static_cast<float>(bounds.short_ns)),
        range(static_cast<float>(bounds.long_ns - bounds.short_ns)),
        inverse_below(bounds.below_ns > 0 ? static_cast<float>(1.0 / bounds.below_ns) : 0.0F),
        offset(bounds.below_ns > 0 ? 1.0F : -1.0F) {}  // no shorter durations: the long bound for all

  float amplitude, skew_factor, jitter_factor, short_ns, range, inverse_below, offset;

  [[nodiscard]] CHRONOTILE_INLINE double at(double duration, float z_skew, float z_jitter) const {
    const float x = skew_factor * z_skew + jitter_factor * z_jitter;
    const float shape = x / std::sqrt(1.0F + x * x);
    const float rise = std::min(1.0F, std::max(0.0F, static_cast<float>(duration) * inverse_below - offset));
    return received(duration, static_cast<double>(amplitude * (short_ns + range * rise) * shape));
  }
};

CHRONOTILE_EVERY_ISA
void per_hop(const double* durations, const float* jitter, const float* skew, std::size_t wires, std::size_t lanes,
             const PerHop& constants, const Sink& sink) {
  const PerHop shape = constants;
  if (lanes == 1) {
    each(wires, sink, [=](std::size_t k) { return shape.at(durations[k], skew[k], jitter[k]); });
    return;
  }
  for (std::size_t wire = 0; wire < wires; ++wire) {
    const float z_skew = skew[wire];
    const double* row = durations + wire * lanes;
    const float* draws = jitter + wire * lanes;
    each(lanes, {sink.out + wire * lanes, sink.weight, sink.add},
         [=](std::size_t k) { return shape.at(row[k], z_skew, draws[k]); });
  }
}

/// Memory of a thread that lives on from call to call.
struct Scratch {
  std::vector<std::int16_t> bits;
  std::vector<float> normals;
  std::vector<double> draws;
};

Scratch& scratch() {
  thread_local Scratch memory;
  return memory;
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
  using Skews = std::array<float, kWires>;

  const Skews& along(const Services& services, const duration::Pulses& pulses) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto [entry, fresh] = routes_.try_emplace(Route(pulses.hops.begin(), pulses.hops.end()));
    if (fresh) {
      entry->second = std::make_unique<Skews>();
      std::array<double, kWires> sum{};
      std::array<double, kWires> one{};
      for (const duration::HopId hop : pulses.hops) {
        noise::gaussian({services.chip_seed, services.chip, hop, noise::Purpose::kTransportSkew, 0, 0, 0}, 0,
                        one.data(), one.size());
        std::transform(sum.begin(), sum.end(), one.begin(), sum.begin(), std::plus<>());
      }
      const double scale = pulses.hops.empty() ? 0.0 : 1.0 / std::sqrt(static_cast<double>(pulses.hops.size()));
      std::transform(sum.begin(), sum.end(), entry->second->begin(),
                     [scale](double value) { return static_cast<float>(value * scale); });
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

TransportError::Key TransportError::key(const Pulses& pulses) const {
  const auto ticks =
      static_cast<std::uint64_t>(std::llround((pulses.emission->lead_ns - services_->lanes.epoch_ns()) * 16.0));
  return {services_->lanes.keys(),
          static_cast<std::uint32_t>((ticks & 0xff'ffffU) | (std::uint64_t{pulses.emission->source} << 24U))};
}

struct TransportError::Target {
  GroupMask groups;
  Block& block;
  double weight;
  bool add;

  /// From `wire` on.
  [[nodiscard]] Sink sink(std::size_t wire) const {
    return {block.data() + wire * static_cast<std::size_t>(block.cols()), weight, add};
  }
};

void TransportError::receive(const Pulses& pulses, std::uint32_t receiver, const Key& key, const Block& durations,
                             const Target& target) const {
  const auto lanes = static_cast<std::size_t>(durations.cols());
  const std::size_t size = kWires * lanes;
  Scratch& memory = scratch();
  noise::Stream stream{services_->seed, services_->chip, receiver, noise::Purpose::kTransportJitter, 0, 0, key.event};
  const TransportErrorMode mode = off() ? TransportErrorMode::kOff : config_.mode;
  if (mode == TransportErrorMode::kRecorded) {
    memory.draws.resize(size);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      stream.stream = (*key.lanes)[lane].stream;
      stream.step = (*key.lanes)[lane].step;
      noise::uniform(stream, 0, memory.draws.data() + lane, kWires, lanes);
    }
  } else if (mode != TransportErrorMode::kOff) {
    memory.bits.resize(size);
    noise::vector_bits(stream, key.lanes->data(), lanes, memory.bits.data());
    if (mode == TransportErrorMode::kPerHop) {
      memory.normals.resize(size);
      noise::vector_normals(memory.bits.data(), lanes, memory.normals.data());
    }
  }

  const Bounds bounds{config_.short_bound_ns, config_.bound_ns, config_.short_below_ns};
  for_each_run(target.groups, [&](int first_wire, int last_wire) {
    const auto first = static_cast<std::size_t>(first_wire);
    const auto wires = static_cast<std::size_t>(last_wire - first_wire);
    const double* from = durations.data() + first * lanes;
    const Sink sink = target.sink(first);
    switch (mode) {
      case TransportErrorMode::kOff:
        exact(from, wires * lanes, sink);
        break;
      case TransportErrorMode::kPerHop: {
        const auto hops = static_cast<double>(pulses.hops.size());
        const double amplitude = std::min(1.0, std::sqrt(hops / config_.full_hops));
        per_hop(from, memory.normals.data() + first * lanes, skews_->along(*services_, pulses).data() + first, wires,
                lanes, PerHop(bounds, amplitude, config_.skew_share), sink);
        break;
      }
      case TransportErrorMode::kUniform:
        uniform(from, memory.bits.data() + first * lanes, wires * lanes, bounds, sink);
        break;
      case TransportErrorMode::kWorstCase:
        worst_case(from, memory.bits.data() + first * lanes, wires * lanes, bounds, sink);
        break;
      case TransportErrorMode::kRecorded: {
        const double* draws = memory.draws.data() + first * lanes;
        const auto choices = static_cast<double>(recorded_.size());
        each(wires * lanes, sink, [&](std::size_t k) {
          const auto index = static_cast<std::size_t>((draws[k] + 1.0) * 0.5 * choices);
          return received(from[k], recorded_[std::min(index, recorded_.size() - 1)]);
        });
        break;
      }
    }
  });
}

void TransportError::apply(const Pulses& pulses, std::uint32_t receiver, const Key& key, Block& durations_ns) const {
  if (!off()) {
    receive(pulses, receiver, key, durations_ns, {pulses.groups, durations_ns, 1.0, false});
  }
}

void TransportError::add(const Pulses& pulses, std::uint32_t receiver, const Key& key, GroupMask groups, double weight,
                         Block& sum) const {
  receive(pulses, receiver, key, pulses.emission->durations_ns,
          {static_cast<GroupMask>(groups & pulses.groups), sum, weight, true});
}

}  // namespace chronotile::mesh
