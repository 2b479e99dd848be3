#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
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
  using Keys = std::vector<LaneKey>;

  explicit Lanes(std::size_t count) : count_(count), keys_(std::make_shared<Keys>(count)) {}
  /// May be asked by any thread.
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] const LaneKey& key(std::size_t lane) const { return (*keys_)[lane]; }
  /// The keys as they are now; what is returned never changes, so work of this step may use it whenever it runs.
  [[nodiscard]] std::shared_ptr<const Keys> keys() const { return keys_; }
  void set_key(std::size_t lane, LaneKey key) {
    if (keys_.use_count() > 1) {
      keys_ = std::make_shared<Keys>(*keys_);
    }
    std::atomic_thread_fence(std::memory_order_acquire);  // a worker thread may have dropped it
    (*keys_)[lane] = key;
  }
  /// Time of the step's start trigger; noise is keyed by times relative to it.
  [[nodiscard]] double epoch_ns() const { return epoch_ns_; }
  void set_epoch_ns(double epoch_ns) { epoch_ns_ = epoch_ns; }

 private:
  const std::size_t count_;
  std::shared_ptr<Keys> keys_;
  double epoch_ns_ = 0;
};

}  // namespace chronotile
