#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "models/base/probe.hpp"

namespace chronotile::traces {

/// One observer that forwards to several, each with ids of its own. They must outlive it.
class FanOut final : public probe::Observer {
 public:
  explicit FanOut(std::vector<probe::Observer*> observers) : observers_(std::move(observers)) {}

  probe::Id declare(const probe::Signal& signal) override;
  void bits(probe::Id id, std::uint64_t value) override;
  void real(probe::Id id, double value) override;
  void text(probe::Id id, const char* value) override;
  void pulses(probe::Id id, double lead_ns, const double* durations_ns, std::size_t stride, int wires) override;

 private:
  std::vector<probe::Observer*> observers_;
  std::vector<std::vector<std::pair<probe::Observer*, probe::Id>>> takers_;
};

}  // namespace chronotile::traces
