#pragma once

#include <atomic>

namespace chronotile::cli {

/// While it lives, the first SIGINT or SIGTERM sets a flag instead of ending the program; a second one ends it. One at
/// a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard(InterruptGuard&&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  InterruptGuard& operator=(InterruptGuard&&) = delete;

  [[nodiscard]] static const std::atomic<bool>& flag();
};

}  // namespace chronotile::cli
