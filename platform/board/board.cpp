#include "platform/board/board.hpp"

#include <fmt/format.h>
#include <vector>

#include "models/bus/router.hpp"

namespace chronotile::board {
namespace {

/// A chip with what its models share.
struct Place {
  Place(const config::PlatformConfig& config, std::uint32_t index, std::size_t lane_count, ViolationLog& violations,
        WorkPool& workers)
      : lanes(lane_count),
        meter(lane_count),
        services{violations, meter, lanes, workers, config.seed, index, config.chip_seed},
        chip(fmt::format("chip{}", index).c_str(), config, services) {}

  Lanes lanes;
  energy::Meter meter;
  Services services;
  chip::Chip chip;
};

}  // namespace

struct Board::Impl {
  Impl(const config::PlatformConfig& config, std::uint32_t chips, std::size_t lane_count, int threads)
      : lanes(lane_count), workers(threads), bus("bus", {}) {
    for (std::uint32_t index = 0; index < chips; ++index) {
      places.push_back(std::make_unique<Place>(config, index, lane_count, violations, workers));
      bus.map(fmt::format("chip{}", index), index * chip::map::kChipStride, chip::map::kChipStride)
          .bind(places.back()->chip.bus());
    }
  }

  std::size_t lanes;
  ViolationLog violations;
  WorkPool workers;
  bus::Router bus;
  std::vector<std::unique_ptr<Place>> places;
};

Board::Board(const config::PlatformConfig& config, std::uint32_t chips, std::size_t lanes, int threads)
    : impl_(std::make_unique<Impl>(config, chips, lanes, threads)) {}

Board::~Board() = default;

std::uint32_t Board::chips() const { return static_cast<std::uint32_t>(impl_->places.size()); }
std::size_t Board::lanes() const { return impl_->lanes; }
tlm::tlm_base_target_socket<32>& Board::bus() { return impl_->bus.input(); }
chip::Chip& Board::chip(std::uint32_t index) { return impl_->places.at(index)->chip; }
Services& Board::services(std::uint32_t index) { return impl_->places.at(index)->services; }
energy::Meter& Board::meter(std::uint32_t index) { return impl_->places.at(index)->meter; }
const energy::Meter& Board::meter(std::uint32_t index) const { return impl_->places.at(index)->meter; }
const ViolationLog& Board::violations() const { return impl_->violations; }
std::uint64_t Board::forget_violations() { return impl_->violations.forget(); }

double Board::energy_nJ(energy::Account account) const {
  double sum = 0;
  for (const auto& place : impl_->places) {
    sum += place->meter.total_nJ(account);
  }
  return sum;
}

}  // namespace chronotile::board
