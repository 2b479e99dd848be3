#include "models/pcm/programming_error.hpp"

#include <algorithm>

#include "models/base/noise.hpp"

namespace chronotile::pcm {

void ProgrammingError::row(const Services& services, std::uint32_t tile, std::uint32_t set, int row,
                           double* errors) const {
  if (sigma_ == 0) {
    std::fill_n(errors, kWires, 0.0);
    return;
  }
  noise::Stream stream;
  stream.seed = services.seed;
  stream.chip = services.chip;
  stream.place = tile;
  stream.purpose = noise::Purpose::kProgramming;
  stream.event = set;
  noise::gaussian(stream, static_cast<std::uint64_t>(row) * kWires, errors, kWires);
  std::for_each(errors, errors + kWires, [this](double& error) { error *= sigma_; });
}

}  // namespace chronotile::pcm
