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
#define CHRONOTILE_INLINED __attribute__((always_inline))
#else
#define CHRONOTILE_INLINE inline
#define CHRONOTILE_INLINED
#endif

namespace chronotile::mesh {
namespace {

using duration::Block;
using duration::Pulses;

constexpr double kSaturation = 4.0;  ///< standard deviations at which the bounded shape bends

/// Where durations come from: whole numbers of ns or real ones, and the arithmetic that is exact enough for them.
struct Counts {
  using Real = float;  // a count is exact; an error of some ns has 24 bits
  const std::uint8_t* from;
  [[nodiscard]] CHRONOTILE_INLINE Real operator[](std::size_t k) const {
    return static_cast<Real>(static_cast<std::int32_t>(from[k]));
  }
};
struct Durations {
  using Real = double;
  const double* from;
  [[nodiscard]] CHRONOTILE_INLINE Real operator[](std::size_t k) const { return from[k]; }
};

/// One of them.
struct Source {
  const std::uint8_t* counts;
  const double* durations;

  [[nodiscard]] Source from(std::size_t k) const {
    return counts != nullptr ? Source{counts + k, nullptr} : Source{nullptr, durations + k};
  }
};

/// Where received durations go: written to `set`, or added to one of the sums.
struct Sink {
  double* set;
  duration::Sum<double> sum;
  duration::Sum<float> single;
  double weight;

  /// From a group's first wire on.
  [[nodiscard]] Sink from(std::size_t wire) const {
    Sink rest = *this;
    rest.set = set != nullptr ? set + wire * sum.lanes : nullptr;
    rest.sum = sum.from(wire);
    rest.single = single.from(wire);
    return rest;
  }
};

struct Bounds {
  double short_ns;
  double long_ns;
  double below_ns;
};

/// The bound of a duration.
template <typename Real>
struct Step {
  explicit Step(const Bounds& bounds, double scale = 1.0)
      : short_ns(static_cast<Real>(bounds.short_ns * scale)),
        long_ns(static_cast<Real>(bounds.long_ns * scale)),
        below_ns(static_cast<Real>(bounds.below_ns)) {}
  Real short_ns, long_ns, below_ns;
  [[nodiscard]] CHRONOTILE_INLINE Real operator()(Real duration) const {
    return duration < below_ns ? short_ns : long_ns;
  }
};

/// Where there is a pulse, with its error; in one place so that all modes treat absent pulses alike.
template <typename Real>
CHRONOTILE_INLINE Real received(Real duration, Real error) {
  const Real sum = duration + error;
  const Real positive = sum > Real{0} ? sum : Real{0};
  return duration > Real{0} ? positive : duration;
}

template <typename Out, typename Received>
CHRONOTILE_INLINE void add_each(std::size_t size, const duration::Sum<Out>& sum, Out weight,
                                const Received& received_at) {
  Out* const out = sum.values;
  const std::size_t stride = duration::kMagnitudeRows * sum.lanes;
  const std::size_t group = kWiresPerGroup * sum.lanes;
  for (std::size_t first = 0; first < size; first += stride) {
    Out* const magnitudes = sum.magnitudes + first / group * stride;
#pragma GCC ivdep
    for (std::size_t k = 0; k < stride; ++k) {
      const Out value = static_cast<Out>(received_at(first + k));
      out[first + k] += weight * value;
      magnitudes[k] += value;
    }
  }
}

template <typename Received>
CHRONOTILE_INLINE void each(std::size_t size, const Sink& sink, const Received& received_at) {
  if (sink.set != nullptr) {
    double* const out = sink.set;
#pragma GCC ivdep
    for (std::size_t k = 0; k < size; ++k) {
      out[k] = static_cast<double>(received_at(k));
    }
  } else if (sink.single.values != nullptr) {
    add_each(size, sink.single, static_cast<float>(sink.weight), received_at);
  } else {
    add_each(size, sink.sum, sink.weight, received_at);
  }
}

template <typename Visit>
CHRONOTILE_INLINE void with(const Source& source, const Visit& visit) {
  if (source.counts != nullptr) {
    visit(Counts{source.counts});
  } else {
    visit(Durations{source.durations});
  }
}

constexpr double kHalfRange = 32768.0;  ///< of 16 bits

CHRONOTILE_EVERY_ISA
void exact(const Source& source, std::size_t size, const Sink& sink) {
  with(source, [&](const auto& durations) CHRONOTILE_INLINED {
    each(size, sink, [=](std::size_t k) CHRONOTILE_INLINED { return durations[k]; });
  });
}

CHRONOTILE_EVERY_ISA
void uniform(const Source& source, const std::int16_t* bits, std::size_t size, const Bounds& bounds, const Sink& sink) {
  with(source, [&](const auto& durations) CHRONOTILE_INLINED {
    using Real = typename std::decay_t<decltype(durations)>::Real;
    const Step<Real> step(bounds, 1.0 / kHalfRange);
    each(size, sink, [=](std::size_t k) CHRONOTILE_INLINED {
      const Real draw = static_cast<Real>(static_cast<std::int32_t>(bits[k])) + Real{0.5};
      const Real duration = durations[k];
      return received(duration, step(duration) * draw);
    });
  });
}

CHRONOTILE_EVERY_ISA
void worst_case(const Source& source, const std::int16_t* bits, std::size_t size, const Bounds& bounds,
                const Sink& sink) {
  with(source, [&](const auto& durations) CHRONOTILE_INLINED {
    using Real = typename std::decay_t<decltype(durations)>::Real;
    const Step<Real> step(bounds);
    each(size, sink, [=](std::size_t k) CHRONOTILE_INLINED {
      const Real duration = durations[k];
      const Real bound = step(duration);
      return received(duration, bits[k] < 0 ? -bound : bound);
    });
  });
}

/// Constants of per_hop, in single precision: what it rounds is an error of some ns, not a duration.
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

  template <typename Real>
  [[nodiscard]] CHRONOTILE_INLINE Real at(Real duration, float z_skew, float z_jitter) const {
    const float x = skew_factor * z_skew + jitter_factor * z_jitter;
    const float shape = x / std::sqrt(1.0F + x * x);
    const float rise = std::min(1.0F, std::max(0.0F, static_cast<float>(duration) * inverse_below - offset));
    return received(duration, static_cast<Real>(amplitude * (short_ns + range * rise) * shape));
  }
};

/// skew: of each wire and lane (kWires x lanes) like the jitter.
CHRONOTILE_EVERY_ISA
void per_hop(const Source& source, const float* jitter, const float* skew, std::size_t size, const PerHop& constants,
             const Sink& sink) {
  const PerHop shape = constants;
  with(source, [&](const auto& durations) CHRONOTILE_INLINED {
    each(size, sink, [=](std::size_t k) CHRONOTILE_INLINED { return shape.at(durations[k], skew[k], jitter[k]); });
  });
}

/// Memory of a thread that lives on from call to call.
struct Scratch {
  std::vector<std::int16_t> bits;
  std::vector<float> normals;
  std::vector<float> skews;
  std::vector<double> draws;
  std::vector<double> magnitudes;  ///< sums without weights that nobody asked for
  std::vector<float> magnitudes_single;
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
  Sink sink;
};

void TransportError::receive(const Pulses& pulses, const Block* durations, std::uint32_t receiver, const Key& key,
                             const Target& target) const {
  const duration::Emission& emission = *pulses.emission;
  const std::size_t lanes = durations != nullptr ? static_cast<std::size_t>(durations->cols()) : emission.lanes();
  const std::size_t size = kWires * lanes;
  const TransportErrorMode mode = off() || !key.lanes ? TransportErrorMode::kOff : config_.mode;
  // Another unit than 1 ns may need more digits than single precision has, and where errors reach the bound itself,
  // rounding might pass it.
  const bool counted = durations == nullptr && !emission.counts.empty() && emission.ns_per_count == 1.0 &&
                       mode != TransportErrorMode::kWorstCase && mode != TransportErrorMode::kRecorded;
  Block converted;
  if (!counted && durations == nullptr) {
    durations = &emission.durations_ns;
    if (!emission.counts.empty()) {
      emission.copy_durations(converted);
      durations = &converted;
    }
  }
  const Source source = counted ? Source{emission.counts.data(), nullptr} : Source{nullptr, durations->data()};
  Scratch& memory = scratch();
  noise::Stream stream{services_->seed, services_->chip, receiver, noise::Purpose::kTransportJitter, 0, 0, key.event};
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
  Sink sink = target.sink;
  sink.sum.lanes = sink.single.lanes = lanes;
  if (sink.sum.values != nullptr && sink.sum.magnitudes == nullptr) {
    memory.magnitudes.resize(duration::magnitude_size(lanes));
    sink.sum.magnitudes = memory.magnitudes.data();
  }
  if (sink.single.values != nullptr && sink.single.magnitudes == nullptr) {
    memory.magnitudes_single.resize(duration::magnitude_size(lanes));
    sink.single.magnitudes = memory.magnitudes_single.data();
  }

  const Bounds bounds{config_.short_bound_ns, config_.bound_ns, config_.short_below_ns};
  for_each_run(target.groups, [&](int first_wire, int last_wire) {
    const auto first = static_cast<std::size_t>(first_wire);
    const auto wires = static_cast<std::size_t>(last_wire - first_wire);
    const Source from = source.from(first * lanes);
    const Sink into = sink.from(first);
    switch (mode) {
      case TransportErrorMode::kOff:
        exact(from, wires * lanes, into);
        break;
      case TransportErrorMode::kPerHop: {
        const auto hops = static_cast<double>(pulses.hops.size());
        const double amplitude = std::min(1.0, std::sqrt(hops / config_.full_hops));
        const SkewCache::Skews& skews = skews_->along(*services_, pulses);
        memory.skews.resize(wires * lanes);
        for (std::size_t wire = 0; wire < wires; ++wire) {
          std::fill_n(memory.skews.data() + wire * lanes, lanes, skews[first + wire]);
        }
        per_hop(from, memory.normals.data() + first * lanes, memory.skews.data(), wires * lanes,
                PerHop(bounds, amplitude, config_.skew_share), into);
        break;
      }
      case TransportErrorMode::kUniform:
        uniform(from, memory.bits.data() + first * lanes, wires * lanes, bounds, into);
        break;
      case TransportErrorMode::kWorstCase:
        worst_case(from, memory.bits.data() + first * lanes, wires * lanes, bounds, into);
        break;
      case TransportErrorMode::kRecorded: {
        const double* draws = memory.draws.data() + first * lanes;
        const auto choices = static_cast<double>(recorded_.size());
        with(from, [&](const auto& sent) {
          using Real = typename std::decay_t<decltype(sent)>::Real;
          each(wires * lanes, into, [&](std::size_t k) {
            const auto index = static_cast<std::size_t>((draws[k] + 1.0) * 0.5 * choices);
            return received(sent[k], static_cast<Real>(recorded_[std::min(index, recorded_.size() - 1)]));
          });
        });
        break;
      }
    }
  });
}

void TransportError::apply(const Pulses& pulses, std::uint32_t receiver, const Key& key, Block& durations_ns) const {
  if (!off()) {
    receive(pulses, &durations_ns, receiver, key, {pulses.groups, {durations_ns.data(), {}, {}, 1.0}});
  }
}

void TransportError::receive(const Pulses& pulses, std::uint32_t receiver, const Key& key, Block& durations_ns) const {
  if (pulses.groups != kAllGroups || off()) {
    pulses.emission->copy_durations(durations_ns);
  } else {
    durations_ns.resize(kWires, static_cast<Eigen::Index>(pulses.emission->lanes()));
  }
  if (!off()) {
    receive(pulses, nullptr, receiver, key, {pulses.groups, {durations_ns.data(), {}, {}, 1.0}});
  }
}

void TransportError::add(const Pulses& pulses, std::uint32_t receiver, const Key& key, GroupMask groups, double weight,
                         const duration::Sum<double>& sum) const {
  receive(pulses, nullptr, receiver, key, {static_cast<GroupMask>(groups & pulses.groups), {nullptr, sum, {}, weight}});
}

void TransportError::add(const Pulses& pulses, std::uint32_t receiver, const Key& key, GroupMask groups, double weight,
                         const duration::Sum<float>& sum) const {
  receive(pulses, nullptr, receiver, key, {static_cast<GroupMask>(groups & pulses.groups), {nullptr, {}, sum, weight}});
}

TransportError::Key AtReceiver::key(const Pulses& pulses) const {
  if (entries_ == nullptr) {
    return error_.key(pulses);
  }
  const auto found = std::find_if(entries_->begin(), entries_->end(),
                                  [&](const duration::Arrivals::Entry& entry) { return &entry.pulses == &pulses; });
  return keys_->at(static_cast<std::size_t>(found - entries_->begin()));
}

}  // namespace chronotile::mesh
