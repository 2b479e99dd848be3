#include "platform/host/words.hpp"

#include <algorithm>

#include "common/every_isa.hpp"

namespace chronotile::host {

CHRONOTILE_EVERY_ISA
void to_words(const double* values, std::size_t count, double scale, double full_scale, std::uint8_t* words) {
  for (std::size_t k = 0; k < count; ++k) {
    const double value = std::min(std::max(values[k] * scale, 0.0), full_scale) + 0.5;
    words[k] = static_cast<std::uint8_t>(static_cast<std::int32_t>(value));
  }
}

CHRONOTILE_EVERY_ISA
void add_words(const std::uint8_t* words, std::size_t count, double zero, double unit, double* sums) {
  for (std::size_t k = 0; k < count; ++k) {
    sums[k] += (static_cast<double>(static_cast<std::int32_t>(words[k])) - zero) * unit;
  }
}

CHRONOTILE_EVERY_ISA
void add_words(const std::uint8_t* words, std::size_t count, const double* zeros, const double* units, double* sums) {
  for (std::size_t k = 0; k < count; ++k) {
    sums[k] += (static_cast<double>(static_cast<std::int32_t>(words[k])) - zeros[k]) * units[k];
  }
}

}  // namespace chronotile::host
