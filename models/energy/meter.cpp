#include "models/energy/meter.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace chronotile::energy {
namespace {

constexpr double kNanojoulesPerAttojoule = 1e-9;

double nanojoules(std::int64_t amount_aJ) { return static_cast<double>(amount_aJ) * kNanojoulesPerAttojoule; }

}  // namespace

std::string_view name(Account account) {
  constexpr std::array<std::string_view, kAccountCount> kNames{"array",      "periphery", "mesh", "pads",
                                                               "controller", "leakage",   "host"};
  return kNames[static_cast<std::size_t>(account)];
}

void Meter::set_active_lanes(const std::vector<bool>& active) {
  if (active.size() != lanes_.size()) {
    throw std::invalid_argument("Meter::set_active_lanes: not one flag per lane");
  }
  std::transform(active.begin(), active.end(), active_.begin(), [](bool flag) { return flag ? 1 : 0; });
  active_lanes_ = static_cast<std::size_t>(std::count(active.begin(), active.end(), true));
}

void Meter::set_active_lanes(std::size_t count) {
  for (std::size_t lane = 0; lane < active_.size(); ++lane) {
    active_[lane] = lane < count ? 1 : 0;
  }
  active_lanes_ = count;
}

Place Meter::add_place(std::string name, std::string domain) {
  places_.push_back({std::move(name), std::move(domain), {}});
  return static_cast<Place>(places_.size() - 1);
}

std::vector<double> Meter::take_lanes() {
  std::vector<double> taken(lanes_.size());
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    taken[lane] = nanojoules(lanes_[lane] + common_aJ_);
    lanes_[lane] = 0;
  }
  common_aJ_ = 0;
  return taken;
}

double Meter::total_nJ() const {
  double sum = 0;
  for (int account = 0; account < kAccountCount; ++account) {
    sum += total_nJ(static_cast<Account>(account));
  }
  return sum;
}

double Meter::total_nJ(Account account) const {
  std::int64_t sum = 0;
  for (const Entry& place : places_) {
    sum += place.energy_aJ[static_cast<std::size_t>(account)];
  }
  return nanojoules(sum);
}

double Meter::place_nJ(Place place) const {
  const auto& amounts = places_[place].energy_aJ;
  return nanojoules(std::accumulate(amounts.begin(), amounts.end(), std::int64_t{0}));
}

double Meter::place_nJ(Place place, Account account) const {
  return nanojoules(places_[place].energy_aJ[static_cast<std::size_t>(account)]);
}

double Meter::domain_nJ(std::string_view domain) const {
  double sum = 0;
  for (Place place = 0; place < places_.size(); ++place) {
    if (places_[place].domain == domain) {
      sum += place_nJ(place);
    }
  }
  return sum;
}

}  // namespace chronotile::energy
