#include "platform/mapping/router.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <stdexcept>
#include <vector>

namespace chronotile::mapping {
namespace {

using Vertices = std::vector<MeshGraph::Vertex>;

class Router : public ::testing::Test {
 protected:
  [[nodiscard]] Vertices tile(std::uint32_t row, std::uint32_t column) const {
    const std::uint32_t site = floorplan.site(row, column);
    return {MeshGraph::west_east(site), MeshGraph::south_north(site)};
  }
  [[nodiscard]] Vertices driver(std::uint32_t row, std::uint32_t column) const {
    return {MeshGraph::south_north(floorplan.site(row, column))};
  }
  chip::Floorplan floorplan{config::FloorplanConfig{}};
  MeshGraph mesh{floorplan};
};

TEST_F(Router, goes_straight_through_processing_elements_and_never_turns_there) {
  const auto trees = route_slot(mesh, {{driver(1, 2), {tile(3, 2)}, kAllGroups}}, {});
  ASSERT_TRUE(trees);
  EXPECT_EQ(trees->front().branches.size(), 3U);
  EXPECT_EQ(switches_of(mesh, trees->front()).count(floorplan.site(2, 2)), 0U);

  Occupancy occupied(mesh.size(), 0);
  const Vertices target = driver(2, 2);  // the element's own south-north wires, from the west: only by a detour
  const auto tree = grow_tree(mesh, occupied, driver(2, 1).front(), {{}, {target}, kAllGroups});
  ASSERT_TRUE(tree);
  for (const Tree::Branch& branch : tree->branches) {
    EXPECT_FALSE(branch.vertex == MeshGraph::west_east(floorplan.site(2, 2)));
  }
}

TEST_F(Router, multicast_shares_its_stem) {
  const auto trees = route_slot(mesh, {{driver(0, 0), {tile(0, 2), tile(0, 5), tile(2, 4)}, 0x0f}}, {});
  ASSERT_TRUE(trees);
  const Tree& tree = trees->front();
  EXPECT_EQ(tree.branches.size(), 10U);  // 1 + 6 along row 0, 3 down column 4
  const Switches switches = switches_of(mesh, tree);
  EXPECT_EQ(switches.at(0).at(isa::Group::kTurn), 0x000fU);
  EXPECT_EQ(switches.at(0).at(isa::Group::kBorderEast), 0x000fU);
  EXPECT_EQ(switches.at(4).at(isa::Group::kTurn), 0x0f00U);
  EXPECT_EQ(switches.at(4).at(isa::Group::kBorderEast), 0x000fU);
  EXPECT_EQ(switches.at(5).size(), 1U) << "the last receiver lets nothing out";
}

TEST_F(Router, takes_a_source_back_when_a_later_net_needs_the_wires) {
  // Both could leave from (0,1); the cheapest for the first is the only one for the second.
  const Vertices either{driver(0, 1).front(), driver(3, 2).front()};
  const std::vector<Net> nets{{either, {tile(0, 2)}, kAllGroups}, {driver(0, 1), {tile(0, 0)}, kAllGroups}};
  const auto trees = route_slot(mesh, nets, {});
  ASSERT_TRUE(trees);
  EXPECT_EQ((*trees)[0].source(), driver(3, 2).front());
}

TEST_F(Router, disjoint_wire_groups_share_a_plane) {
  const std::vector<Net> halves{{driver(0, 0), {tile(0, 5)}, 0x0f}, {driver(0, 0), {tile(0, 5)}, 0xf0}};
  EXPECT_TRUE(route_slot(mesh, halves, {}));
  const std::vector<Net> clash{{driver(0, 0), {tile(0, 5)}, 0x0f}, {driver(0, 0), {tile(0, 5)}, 0x18}};
  EXPECT_FALSE(route_slot(mesh, clash, {})) << "a tile drives a wire group once a slot";
}

TEST_F(Router, refuses_more_vectors_than_wires_leave_a_corner) {
  // Site (0,0) has two planes; a third vector finds none free.
  const std::vector<Net> nets{{driver(1, 0), {{MeshGraph::south_north(0)}}, kAllGroups},
                              {{mesh.input_pad(0)}, {{MeshGraph::west_east(0)}}, kAllGroups},
                              {driver(0, 3), {tile(0, 0)}, kAllGroups}};
  EXPECT_TRUE(route_slot(mesh, {nets[0], nets[1]}, {}));
  EXPECT_FALSE(route_slot(mesh, nets, {}));
}

TEST_F(Router, gives_up_when_its_attempts_are_used) {
  EXPECT_FALSE(route_slot(mesh, {{driver(0, 0), {tile(0, 1)}, kAllGroups}}, {}, 0));
}

TEST(RouteProof, finds_a_shared_wire_group_only_in_the_same_slot_and_plane) {
  Route a;
  a.from = "tile_0_0";
  a.groups = 0x0f;
  a.slot = 3;
  a.segments = {{0, false, -1}, {0, true, 0}, {1, true, 1}};
  Route b = a;
  b.from = "tile_0_1";
  b.segments = {{1, false, -1}, {2, false, 0}};
  EXPECT_NO_THROW(prove_disjoint({a, b})) << "other plane";
  b.segments.push_back({1, true, 0});
  EXPECT_THROW(prove_disjoint({a, b}), std::logic_error);
  b.groups = 0xf0;
  EXPECT_NO_THROW(prove_disjoint({a, b})) << "other wire groups";
  b.groups = 0x08;
  EXPECT_THROW(prove_disjoint({a, b}), std::logic_error);
  b.slot = 4;
  EXPECT_NO_THROW(prove_disjoint({a, b})) << "other slot";
  a.segments.push_back({0, true, 2});
  EXPECT_THROW(prove_disjoint({a}), std::logic_error) << "a route that crosses itself";
}

}  // namespace
}  // namespace chronotile::mapping
