#include "models/duration/pulses.hpp"

#include <algorithm>
#include <cmath>

namespace chronotile::duration {

void Emission::copy_durations(Block& copy) const {
  if (counts.empty()) {
    copy = durations_ns;
    return;
  }
  copy.resize(kWires, static_cast<Eigen::Index>(lanes()));
  std::transform(counts.begin(), counts.end(), copy.data(),
                 [this](std::uint8_t count) { return static_cast<double>(count) * ns_per_count; });
}

double Emission::longest() const {
  return counts.empty() ? durations_ns.maxCoeff()
                        : static_cast<double>(*std::max_element(counts.begin(), counts.end())) * ns_per_count;
}

double Emission::cut(int group, double limit_ns) {
  const std::size_t size = kWiresPerGroup * lanes();
  const std::size_t first = static_cast<std::size_t>(group) * size;
  double longest_was = 0;
  if (!counts.empty()) {
    std::uint8_t* const begin = counts.data() + first;
    longest_was = static_cast<double>(*std::max_element(begin, begin + size)) * ns_per_count;
    if (longest_was <= limit_ns) {
      return longest_was;
    }
    const double limit = limit_ns / ns_per_count;
    if (limit == std::floor(limit)) {
      std::for_each(begin, begin + size,
                    [most = static_cast<std::uint8_t>(limit)](std::uint8_t& count) { count = std::min(count, most); });
      durations_ns.resize(0, 0);
      return longest_was;
    }
    (void)durations();
    counts.clear();
  }
  double* const begin = durations_ns.data() + first;
  longest_was = *std::max_element(begin, begin + size);
  std::for_each(begin, begin + size, [limit_ns](double& duration) { duration = std::min(duration, limit_ns); });
  return longest_was;
}

}  // namespace chronotile::duration
