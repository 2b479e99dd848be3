// What a tile charges, against the formulas of docs/energy.md and the published 20 TOPS/W of a full MAC.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "testbench/unit/tile/tile_bench.hpp"

namespace chronotile::tile {
namespace {

using energy::Account;
using isa::Group;

constexpr double kCell_fJ = 0.25;
constexpr double kColumn_fJ = 40.0;
constexpr double kConversion_pJ = 8.0;

class EnergyTile : public support::ServicesFixture {
 protected:
  EnergyTile() : ServicesFixture(2) { energy = energy::Meter(2); }

  static TileConfig simple() {
    TileConfig config;
    config.energy_per_cell_ns_fJ = kCell_fJ;
    config.energy_per_column_ns_fJ = kColumn_fJ;
    config.energy_per_conversion_pJ = kConversion_pJ;
    return config;
  }
  Site& add(const TileConfig& config) {
    site_ = std::make_unique<Site>("t", services, config);
    site_->tile.program(WeightSet::kWp1, WeightMatrix::Constant(kWires, kWires, 1.0 / 512));
    site_->lc.at(0, {{Group::kRowGate, 0xff}, {Group::kWp1, 0xff}, {Group::kPrecharge, 0xff}, {Group::kRampSlope, 64}});
    site_->lc.at(5, Group::kPrecharge, 0);
    return *site_;
  }
  static void window(Site& site, double open_ns, double length_ns, std::uint32_t columns = 0xff) {
    site.lc.at(open_ns, Group::kIntegrate, columns);
    site.lc.at(open_ns + length_ns, Group::kIntegrate, 0);
  }
  static void read(Site& site, double start_ns, std::uint32_t columns = 0xff) {
    site.lc.at(start_ns, {{Group::kRamp, 1}, {Group::kEnable, columns}, {Group::kColumnOut, columns}});
    site.lc.at(start_ns + 256, {{Group::kRamp, 0}, {Group::kEnable, 0}, {Group::kColumnOut, 0}});
  }

  std::unique_ptr<Site> site_;
};

TEST_F(EnergyTile, AFullMacCostsWhatIsPublished) {
  Site& site = add({});
  window(site, 10, 2 + 255 + 10);  // as generated programs open it
  site.rows.at(12, Block::Constant(kWires, 2, 255.0));
  read(site, 300);
  run_until(600);
  constexpr double kOperations = 2.0 * kWires * kWires;
  const double mac_nJ = energy.total_nJ() / 2;
  EXPECT_NEAR(mac_nJ, 26.2, 0.01);
  EXPECT_NEAR(kOperations / mac_nJ * 1e-3, 20.0, 0.02) << "TOPS/W";
  EXPECT_NEAR(energy.total_nJ(Account::kArray) / 2, 26.2 / 3, 0.01);
  EXPECT_EQ(violations.count(), 0U);
}

TEST_F(EnergyTile, TheArrayPaysForPulsesAndThePeripheryForWindows) {
  Site& site = add(simple());
  window(site, 10, 100, 0x0f);
  Block pulses = Block::Zero(kWires, 2);
  pulses.col(0).head(100) = 40;
  pulses.col(1).head(50) = 60.5;
  site.rows.at(12, pulses);
  window(site, 200, 37, 0x30);
  site.rows.at(202, Block::Constant(kWires, 2, 10.0));
  read(site, 300, 0x03);
  run_until(600);
  EXPECT_NEAR(energy.total_nJ(Account::kPeriphery) / 2,
              1e-6 * kColumn_fJ * 64 * (4 * 100 + 2 * 37) + 1e-3 * kConversion_pJ * 2 * 64, 1e-9);
  const double second_ns = 512.0 * 10 * 2;
  const std::vector<double> taken_nJ = energy.take_lanes();
  EXPECT_NEAR(taken_nJ[0] - taken_nJ[1], 1e-6 * kCell_fJ * 64 * 4 * (100 * 40.0 - 50 * 60.5), 1e-8);
  EXPECT_NEAR(energy.total_nJ(Account::kArray), 1e-6 * kCell_fJ * 64 * (4 * (100 * 40.0 + 50 * 60.5) + 2 * second_ns),
              1e-8);
}

TEST_F(EnergyTile, AWindowCostsInProportionToItsLengthWhateverHappensInIt) {
  Site& site = add(simple());
  window(site, 10, 100);  // nobody sends
  window(site, 150, 1);
  window(site, 200, 199);
  site.lc.at(220, Group::kPrecharge, 0xff);  // what it integrated is lost, the current was not saved
  site.lc.at(240, Group::kPrecharge, 0);
  run_until(600);
  EXPECT_NEAR(energy.total_nJ(Account::kPeriphery) / 2, 1e-6 * kColumn_fJ * kWires * 300, 1e-9);
  EXPECT_EQ(energy.total_nJ(Account::kArray), 0);
}

TEST_F(EnergyTile, ColumnsThatCloseApartPayEachForItself) {
  Site& site = add(simple());
  site.lc.at(10, Group::kIntegrate, 0xff);
  site.lc.at(30, Group::kIntegrate, 0x0f);
  site.lc.at(80, Group::kIntegrate, 0);
  site.rows.at(12, Block::Constant(kWires, 2, 5.0));
  run_until(200);
  EXPECT_NEAR(energy.total_nJ(Account::kPeriphery) / 2, 1e-6 * kColumn_fJ * 64 * (4 * 20 + 4 * 70), 1e-9);
}

}  // namespace
}  // namespace chronotile::tile
