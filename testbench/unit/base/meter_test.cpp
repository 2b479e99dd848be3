#include "models/energy/meter.hpp"

#include <gtest/gtest.h>

namespace chronotile::energy {
namespace {

TEST(Meter, SumsByAccountPlaceAndDomain) {
  Meter meter;
  const Place tile = meter.add_place("tile_0_0", "NW");
  const Place pad = meter.add_place("pad_0", "NW");
  const Place host = meter.add_place("host", "host");
  meter.charge(tile, Account::kArray, 1);
  meter.charge(tile, Account::kArray, 2);
  meter.charge(pad, Account::kPads, 4);
  meter.charge(host, Account::kHost, 8);
  EXPECT_DOUBLE_EQ(meter.total_nJ(), 15);
  EXPECT_DOUBLE_EQ(meter.total_nJ(Account::kArray), 3);
  EXPECT_DOUBLE_EQ(meter.place_nJ(pad), 4);
  EXPECT_DOUBLE_EQ(meter.domain_nJ("NW"), 7);
  EXPECT_EQ(meter.place_count(), 3U);
  EXPECT_EQ(meter.place_name(tile), "tile_0_0");
  EXPECT_EQ(meter.place_domain(host), "host");
}

TEST(Meter, ActiveLanesNeedNotBeTheFirst) {
  Meter meter(3);
  const Place place = meter.add_place("tile_0_0", "NW");
  const double lanes_nJ[3] = {1, 2, 4};
  meter.set_active_lanes(std::vector<bool>{true, false, true});
  EXPECT_EQ(meter.active_lanes(), 2U);
  EXPECT_TRUE(meter.active(0) && !meter.active(1) && meter.active(2));
  meter.charge_lanes(place, Account::kArray, lanes_nJ);
  meter.charge(place, Account::kPads, 10);
  EXPECT_DOUBLE_EQ(meter.total_nJ(Account::kArray), 5);
  EXPECT_DOUBLE_EQ(meter.total_nJ(Account::kPads), 20);
  meter.set_active_lanes(2);
  meter.charge_lanes(place, Account::kArray, lanes_nJ);
  EXPECT_DOUBLE_EQ(meter.total_nJ(Account::kArray), 8);
  EXPECT_EQ(meter.take_lanes(), (std::vector<double>{12, 14, 18}));
  EXPECT_THROW(meter.set_active_lanes(std::vector<bool>(2)), std::invalid_argument);
}

TEST(Meter, EnergyKeptApartCountsInTheTotalsOnly) {
  Meter meter(2);
  const Place host = meter.add_place("host", "host");
  meter.charge_apart_aJ(host, Account::kHost, 3'000'000'000);
  meter.charge(host, Account::kLeakage, 1);
  EXPECT_DOUBLE_EQ(meter.total_nJ(Account::kHost), 3);
  EXPECT_DOUBLE_EQ(meter.place_nJ(host, Account::kHost), 3);
  EXPECT_DOUBLE_EQ(meter.place_nJ(host, Account::kLeakage), 2);
  EXPECT_DOUBLE_EQ(meter.place_nJ(host), 5);
  EXPECT_EQ(meter.take_lanes(), (std::vector<double>{1, 1}));
}

TEST(Meter, AccountNames) {
  EXPECT_EQ(name(Account::kArray), "array");
  EXPECT_EQ(name(Account::kHost), "host");
}

}  // namespace
}  // namespace chronotile::energy
