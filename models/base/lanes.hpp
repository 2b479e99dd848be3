#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chronotile {

/// Whose data a lane carries: keys the noise, so that a lane's bits do not depend on the lanes beside it.
struct LaneKey {
  std::uint64_t stream = 0;  ///< place of the utterance in the list
  std::uint64_t step = 0;    ///< the stream's own step on this chip
};

/// The lanes of one chip: independent copies of the data that share every control signal. The host sets the keys at a
/// step boundary; the count never changes during a simulation.
class Lanes {
 public:
  explicit Lanes(std::size_t count) : keys_(count) {}
  [[nodiscard]] std::size_t count() const { return keys_.size(); }
  [[nodiscard]] const LaneKey& key(std::size_t lane) const { return keys_[lane]; }
  void set_key(std::size_t lane, LaneKey key) { keys_[lane] = key; }
  /// Time of the step's start trigger; noise is keyed by times relative to it.
  [[nodiscard]] double epoch_ns() const { return epoch_ns_; }
  void set_epoch_ns(double epoch_ns) { epoch_ns_ = epoch_ns; }

 private:
  std::vector<LaneKey> keys_;
  double epoch_ns_ = 0;
};

}  // namespace chronotile
