#pragma once

#include <boost/graph/adjacency_list.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "firmware/isa/signals.hpp"
#include "models/duration/geometry.hpp"
#include "platform/chip/floorplan.hpp"
#include "platform/mapping/plan.hpp"

namespace chronotile::mapping {

/// The mesh of a chip as a directed graph: a vertex for the south-north and one for the west-east wires of each site,
/// one for each input and output pad; an edge for each borderguard passage, corner switch and pad connection. The site
/// of a processing element has no corner switch: its wires go straight through.
class MeshGraph {
 public:
  using Vertex = std::uint32_t;
  using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property,
                                      boost::property<boost::edge_weight_t, int>>;

  explicit MeshGraph(const chip::Floorplan& floorplan);

  [[nodiscard]] static Vertex south_north(std::uint32_t site) { return 2 * site; }
  [[nodiscard]] static Vertex west_east(std::uint32_t site) { return 2 * site + 1; }
  [[nodiscard]] Vertex input_pad(std::uint32_t pad) const { return 2 * floorplan_.sites() + 2 * pad; }
  [[nodiscard]] Vertex output_pad(std::uint32_t pad) const { return 2 * floorplan_.sites() + 2 * pad + 1; }
  [[nodiscard]] bool is_pad(Vertex vertex) const { return vertex >= 2 * floorplan_.sites(); }
  /// Site of a vertex; for a pad the edge site that it is connected to.
  [[nodiscard]] std::uint32_t site_of(Vertex vertex) const;
  [[nodiscard]] std::uint32_t pad_of(Vertex vertex) const { return (vertex - 2 * floorplan_.sites()) / 2; }

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(boost::num_vertices(graph_)); }
  [[nodiscard]] const Graph& graph() const { return graph_; }
  [[nodiscard]] const chip::Floorplan& floorplan() const { return floorplan_; }

 private:
  void connect(Vertex from, Vertex to, int weight);
  void connect_both(Vertex a, Vertex b, int weight);

  chip::Floorplan floorplan_;
  Graph graph_;
};

/// Wire groups in use, per vertex, in one slot.
using Occupancy = std::vector<GroupMask>;

/// A vector to be routed in a slot.
struct Net {
  std::vector<MeshGraph::Vertex> sources;             ///< it may be driven from any one of these
  std::vector<std::vector<MeshGraph::Vertex>> sinks;  ///< each sink hears it at any one of its vertices
  GroupMask groups = kAllGroups;
};

/// A routed net: vertices in the order of growth, the source first.
struct Tree {
  struct Branch {
    MeshGraph::Vertex vertex = 0;
    std::int32_t parent = -1;  ///< index of the branch before; -1: the source
  };
  std::vector<Branch> branches;
  std::vector<MeshGraph::Vertex> reached;  ///< one per sink
  GroupMask groups = kAllGroups;
  int cost = 0;

  [[nodiscard]] MeshGraph::Vertex source() const { return branches.front().vertex; }
};

/// A multicast tree from `source` to all sinks over wires that are free in `occupied`, grown sink by sink along the
/// shortest way; nothing if there is none.
[[nodiscard]] std::optional<Tree> grow_tree(const MeshGraph& mesh, const Occupancy& occupied, MeshGraph::Vertex source,
                                            const Net& net);

/// What ways cost beyond their hops.
struct GrowthCosts {
  int turn = 0;        ///< of a corner switch, on top of its small cost
  int new_source = 0;  ///< of a source that drives nothing yet
};

/// Trees from several sources that together reach all sinks of a net: a vector that several pads send.
struct Forest {
  std::vector<Tree> trees;                 ///< their `reached` are those of the sinks that hear them
  std::vector<MeshGraph::Vertex> reached;  ///< one per sink
  int cost = 0;
};

/// Grown sink by sink along the shortest way from any vertex of the trees that are there or from any free source of
/// `net`; nothing if a sink is not reached.
[[nodiscard]] std::optional<Forest> grow_forest(const MeshGraph& mesh, const Occupancy& occupied, const Net& net,
                                                const GrowthCosts& costs);

/// The part of a tree that leads to the receivers in `keep`; nothing (no branches) if it has none of them.
[[nodiscard]] Tree prune(const Tree& tree, const std::vector<MeshGraph::Vertex>& keep);

/// Marks the wires of `tree`. An input pad sends one vector a slot, whatever its groups; an output pad captures
/// disjoint wire groups of several.
void occupy(const MeshGraph& mesh, const Tree& tree, Occupancy& occupied);

/// Routes all nets in one slot, on wires that no other uses: cheapest sources first, taken back when a later net does
/// not find its way; then the same with another net first. Nothing if that fails too or `attempts` trees were tried.
/// (Not an exhaustive search: a net's tree is the shortest one that is free, no detours are tried.)
[[nodiscard]] std::optional<std::vector<Tree>> route_slot(const MeshGraph& mesh, const std::vector<Net>& nets,
                                                          Occupancy occupied, int attempts = 2000);

/// Levels of the switches that `tree` needs: site -> group (borderguards and corner switch) -> bits. Sites of
/// processing elements have none.
using Switches = std::map<std::uint32_t, std::map<isa::Group, std::uint32_t>>;
[[nodiscard]] Switches switches_of(const MeshGraph& mesh, const Tree& tree);

/// Checks that no two routes of a slot share a wire group of a plane and that no route crosses itself; throws
/// std::logic_error naming both otherwise.
void prove_disjoint(const std::vector<Route>& routes);

}  // namespace chronotile::mapping
