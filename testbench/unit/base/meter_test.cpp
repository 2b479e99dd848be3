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

TEST(Meter, AccountNames) {
  EXPECT_EQ(name(Account::kArray), "array");
  EXPECT_EQ(name(Account::kHost), "host");
}

}  // namespace
}  // namespace chronotile::energy
