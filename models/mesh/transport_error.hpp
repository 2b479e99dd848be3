#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/base/noise.hpp"
#include "models/base/services.hpp"
#include "models/duration/pulses.hpp"
#include "models/duration/receiver.hpp"

namespace chronotile::mesh {

/// Error of a duration on its way over the mesh. Published: at most 5 ns over the whole chip, at most 3 ns for shorter
/// durations (docs/modelling.md). What "shorter" means, the shape and the growth with hops are assumed:
///
/// kPerHop: error = bound(duration) * amplitude(hops) * f(z / 4), f(x) = x / sqrt(1 + x^2), z standard normal,
///   z = sqrt(skew_share) * (sum over the hops of skew[hop][wire]) / sqrt(hops) + sqrt(1 - skew_share) * jitter.
///   Skews and jitter are standard normal; pulses that share hops share their skews. f keeps |error| below the bound
///   without piling up probability there: the standard deviation is 0.231 of bound * amplitude, 1.2 ns at the full
///   bound, and a million draws reach 0.78 of it. amplitude = min(1, sqrt(hops / full_hops)). bound(d) is
///   short_bound_ns up to short_below_ns, bound_ns from twice that on, linear in between.
/// kUniform, kWorstCase: the bound is short_bound_ns for durations below short_below_ns, else bound_ns, whatever the
///   hops.
/// Draws of these three have 16 random bits: a uniform error is one of 65,536 equally likely ones in the middle of as
/// many equal steps (of bound / 32,768) over the bounds, a jitter is at most 4.85 (noise::vector_normals).
/// kRecorded: drawn with replacement, whatever the duration and the hops; the bounds do not apply.
/// Durations that an emission has as counts of 1 ns are received in single precision (but in modes that reach their
/// bounds), real ones in double.
enum class TransportErrorMode : std::uint8_t {
  kOff,
  kPerHop,     ///< systematic skew per wire and hop (the chip's own, the same in every run) plus jitter
  kUniform,    ///< uniform within the bound, independent for each pulse
  kWorstCase,  ///< the full bound, random sign
  kRecorded,   ///< drawn from the values in `recorded_file`
};

struct TransportErrorConfig {
  TransportErrorMode mode = TransportErrorMode::kOff;
  double bound_ns = 5.0;          ///< published; may be exceeded on purpose
  double short_bound_ns = 3.0;    ///< published
  double short_below_ns = 100.0;  ///< assumed: what counts as a shorter duration
  double skew_share = 0.5;        ///< assumed: share of the systematic part in the variance (kPerHop)
  double full_hops = 12;          ///< assumed: hops at which the bound is reached (kPerHop)
  std::string recorded_file;      ///< one error in ns a line
};

/// Applies the error where pulses are received. The sum over a route is formed here, once: a vector has no error of
/// its own on the way.
class TransportError {
 public:
  /// Throws UserError if recorded_file cannot be read, holds no value or a line that is not a number (empty lines and
  /// lines that begin with # are skipped).
  TransportError(const TransportErrorConfig& config, const Services& services);
  [[nodiscard]] bool off() const;
  /// Largest error of either sign; 0 when off.
  [[nodiscard]] double bound_ns() const;
  /// What keys the errors of a branch besides its route and receiver: the lanes' streams and steps and the emission, as
  /// they are at the call. One without lanes stands for no error: the durations are those received.
  struct Key {
    std::shared_ptr<const Lanes::Keys> lanes;
    std::uint32_t event = 0;
  };
  [[nodiscard]] Key key(const duration::Pulses& pulses) const;

  /// Durations of `pulses.emission` (kWires x lanes) with their error in the groups of the branch, as sent in others;
  /// never makes a duration negative and leaves absent pulses (0) absent. `receiver` as noise::Stream::place. Keyed by
  /// seed, chip, the lanes' stream and step, receiver, source and leading edge relative to Lanes::epoch_ns() (in 1/16
  /// ns). May be called from worker threads.
  void receive(const duration::Pulses& pulses, std::uint32_t receiver, const Key& key,
               duration::Block& durations_ns) const;
  /// Adds the same error to `durations_ns`, in place, whatever stands in it.
  void apply(const duration::Pulses& pulses, std::uint32_t receiver, const Key& key,
             duration::Block& durations_ns) const;
  void apply(const duration::Pulses& pulses, std::uint32_t receiver, duration::Block& durations_ns) const {
    apply(pulses, receiver, key(pulses), durations_ns);
  }
  /// sum += weight * (durations of the emission with their error) for the wires of `groups`, in one pass: the numbers
  /// of receive(), rounded to the sum's precision. Also when off.
  void add(const duration::Pulses& pulses, std::uint32_t receiver, const Key& key, GroupMask groups, double weight,
           const duration::Sum<double>& sum) const;
  void add(const duration::Pulses& pulses, std::uint32_t receiver, const Key& key, GroupMask groups, double weight,
           const duration::Sum<float>& sum) const;

 private:
  class SkewCache;
  struct Target;
  /// `durations`: instead of the emission's own, or null.
  void receive(const duration::Pulses& pulses, const duration::Block* durations, std::uint32_t receiver, const Key& key,
               const Target& target) const;
  TransportErrorConfig config_;
  const Services* services_;
  std::vector<double> recorded_;
  std::shared_ptr<SkewCache> skews_;  ///< filled on demand; does not change results
};

/// What arrives at a receiver.
class AtReceiver final : public duration::Reception {
 public:
  /// With the lanes' keys as they are when durations are asked for.
  AtReceiver(const TransportError& error, std::uint32_t receiver) : error_(error), receiver_(receiver) {}
  /// For worker threads: with `keys`, one to each of `entries`, whose pulses are asked for by address.
  AtReceiver(const TransportError& error, std::uint32_t receiver, const std::vector<duration::Arrivals::Entry>& entries,
             const std::vector<TransportError::Key>& keys)
      : error_(error), receiver_(receiver), entries_(&entries), keys_(&keys) {}
  [[nodiscard]] double bound_ns() const override { return error_.bound_ns(); }
  void receive(const duration::Pulses& pulses, duration::Block& durations_ns) const override {
    error_.receive(pulses, receiver_, key(pulses), durations_ns);
  }
  void add(const duration::Pulses& pulses, GroupMask groups, double weight,
           const duration::Sum<double>& sum) const override {
    error_.add(pulses, receiver_, key(pulses), groups, weight, sum);
  }
  void add(const duration::Pulses& pulses, GroupMask groups, double weight,
           const duration::Sum<float>& sum) const override {
    error_.add(pulses, receiver_, key(pulses), groups, weight, sum);
  }

 private:
  [[nodiscard]] TransportError::Key key(const duration::Pulses& pulses) const;

  const TransportError& error_;
  std::uint32_t receiver_;
  const std::vector<duration::Arrivals::Entry>* entries_ = nullptr;
  const std::vector<TransportError::Key>* keys_ = nullptr;
};

}  // namespace chronotile::mesh
