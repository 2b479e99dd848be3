#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "models/duration/pulses.hpp"

namespace chronotile::duration {

/// Emissions of one driver, used again when nobody else holds them any more: receivers and their jobs keep an emission
/// for as long as they need it.
class EmissionPool {
 public:
  /// One that only the caller holds; what an earlier use left in it is still there.
  [[nodiscard]] std::shared_ptr<Emission> take() {
    for (const std::shared_ptr<Emission>& emission : emissions_) {
      if (emission.use_count() == 1) {
        std::atomic_thread_fence(std::memory_order_acquire);  // a worker thread may have dropped it
        return emission;
      }
    }
    return emissions_.emplace_back(std::make_shared<Emission>());
  }

 private:
  std::vector<std::shared_ptr<Emission>> emissions_;
};

}  // namespace chronotile::duration
