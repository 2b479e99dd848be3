#pragma once

#include <cstdint>
#include <functional>
#include <utility>

namespace chronotile::traces {

/// Where an observer takes the time from: the simulation kernel, unless a source is given (tools without a simulation).
class Clock {
 public:
  using Source = std::function<std::uint64_t()>;

  explicit Clock(Source source = {}) : source_(std::move(source)) {}

  [[nodiscard]] std::uint64_t now_ps() const { return source_ ? source_() : kernel_ps(); }

 private:
  /// Time of the kernel whatever its resolution; a finer one than 1 ps is cut off.
  [[nodiscard]] static std::uint64_t kernel_ps();

  Source source_;
};

}  // namespace chronotile::traces
