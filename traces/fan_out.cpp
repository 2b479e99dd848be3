#include "traces/fan_out.hpp"

namespace chronotile::traces {

probe::Id FanOut::declare(const probe::Signal& signal) {
  std::vector<std::pair<probe::Observer*, probe::Id>> takers;
  for (probe::Observer* observer : observers_) {
    const probe::Id id = observer->declare(signal);
    if (id != probe::kUnwatched) {
      takers.emplace_back(observer, id);
    }
  }
  if (takers.empty()) {
    return probe::kUnwatched;
  }
  takers_.push_back(std::move(takers));
  return static_cast<probe::Id>(takers_.size() - 1);
}

void FanOut::bits(probe::Id id, std::uint64_t value) {
  for (const auto& [observer, own] : takers_[id]) {
    observer->bits(own, value);
  }
}

void FanOut::real(probe::Id id, double value) {
  for (const auto& [observer, own] : takers_[id]) {
    observer->real(own, value);
  }
}

void FanOut::text(probe::Id id, const char* value) {
  for (const auto& [observer, own] : takers_[id]) {
    observer->text(own, value);
  }
}

void FanOut::pulses(probe::Id id, double lead_ns, const double* durations_ns, std::size_t stride, int wires) {
  for (const auto& [observer, own] : takers_[id]) {
    observer->pulses(own, lead_ns, durations_ns, stride, wires);
  }
}

}  // namespace chronotile::traces
