#include "platform/mapping/router.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <boost/graph/filtered_graph.hpp>
#include <boost/property_map/function_property_map.hpp>
#include <functional>
#include <iterator>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace chronotile::mapping {
namespace {

constexpr int kHop = 10;  ///< from site to site; a turn costs less, but is not free: straight ways are preferred
constexpr int kTurn = 1;
constexpr int kNowhere = std::numeric_limits<int>::max();

struct FreeVertex {
  const Occupancy* occupied = nullptr;
  GroupMask groups = 0;
  bool operator()(MeshGraph::Vertex vertex) const { return ((*occupied)[vertex] & groups) == 0; }
};

/// Searches over choices of sources, net by net.
class SlotRouter {
 public:
  SlotRouter(const MeshGraph& mesh, int attempts) : mesh_(mesh), attempts_(attempts) {}

  /// Routes the nets behind those that have their tree already.
  bool route(const std::vector<Net>& nets, const Occupancy& occupied, std::vector<Tree>& trees) {
    const std::size_t index = trees.size();
    if (index == nets.size()) {
      return true;
    }
    std::vector<Tree> candidates;
    for (const MeshGraph::Vertex source : nets[index].sources) {
      if (attempts_-- <= 0) {
        return false;
      }
      if (auto tree = grow_tree(mesh_, occupied, source, nets[index])) {
        candidates.push_back(std::move(*tree));
      }
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Tree& a, const Tree& b) { return a.cost < b.cost; });
    for (Tree& tree : candidates) {
      Occupancy next = occupied;
      occupy(mesh_, tree, next);
      trees.push_back(std::move(tree));
      if (route(nets, next, trees)) {
        return true;
      }
      trees.pop_back();
    }
    return false;
  }

 private:
  const MeshGraph& mesh_;
  int attempts_;
};

/// Guards that a pulse passes from a site to its neighbour: group of the one, group of the other.
std::pair<isa::Group, isa::Group> border(std::uint32_t from, std::uint32_t to, bool west_east) {
  if (west_east) {
    return to > from ? std::pair{isa::Group::kBorderEast, isa::Group::kBorderWest}
                     : std::pair{isa::Group::kBorderWest, isa::Group::kBorderEast};
  }
  return to > from ? std::pair{isa::Group::kBorderSouth, isa::Group::kBorderNorth}
                   : std::pair{isa::Group::kBorderNorth, isa::Group::kBorderSouth};
}

}  // namespace

MeshGraph::MeshGraph(const chip::Floorplan& floorplan)
    : floorplan_(floorplan), graph_(2 * floorplan.sites() + 2 * floorplan.pads()) {
  const std::uint32_t columns = floorplan.columns();
  for (std::uint32_t site = 0; site < floorplan.sites(); ++site) {
    if (site % columns + 1 < columns) {
      connect_both(west_east(site), west_east(site + 1), kHop);
    }
    if (site / columns + 1 < floorplan.rows()) {
      connect_both(south_north(site), south_north(site + columns), kHop);
    }
    if (floorplan.is_tile(site)) {
      connect_both(south_north(site), west_east(site), kTurn);
    }
  }
  for (std::uint32_t pad = 0; pad < floorplan.pads(); ++pad) {
    connect(input_pad(pad), west_east(site_of(input_pad(pad))), kHop);
    connect(west_east(site_of(output_pad(pad))), output_pad(pad), kHop);
  }
}

void MeshGraph::connect(Vertex from, Vertex to, int weight) { boost::add_edge(from, to, weight, graph_); }

void MeshGraph::connect_both(Vertex a, Vertex b, int weight) {
  connect(a, b, weight);
  connect(b, a, weight);
}

std::uint32_t MeshGraph::site_of(Vertex vertex) const {
  if (!is_pad(vertex)) {
    return vertex / 2;
  }
  const config::PadSite& pad = floorplan_.pad(pad_of(vertex));
  const bool output = vertex % 2 != 0;
  return floorplan_.site(output ? pad.output_row : pad.input_row, pad.east ? floorplan_.columns() - 1 : 0);
}

std::optional<Tree> grow_tree(const MeshGraph& mesh, const Occupancy& occupied, MeshGraph::Vertex source,
                              const Net& net) {
  const Net one{{source}, net.sinks, net.groups};
  auto forest = grow_forest(mesh, occupied, one, {});
  if (!forest || forest->trees.empty()) {
    return std::nullopt;
  }
  Tree tree = std::move(forest->trees.front());
  tree.reached = std::move(forest->reached);
  tree.cost = forest->cost;
  return tree;
}

std::optional<Forest> grow_forest(const MeshGraph& mesh, const Occupancy& occupied, const Net& net,
                                  const GrowthCosts& costs) {
  struct Place {
    std::int32_t tree = -1;  ///< index into Forest::trees; -1: on none
    std::int32_t branch = -1;
  };
  const FreeVertex free{&occupied, net.groups};
  std::vector<MeshGraph::Graph::vertex_descriptor> sources;
  std::copy_if(net.sources.begin(), net.sources.end(), std::back_inserter(sources), free);
  Forest forest;
  forest.reached.assign(net.sinks.size(), 0);
  std::vector<Place> place_of(mesh.size());
  std::vector<bool> is_source(mesh.size(), false);
  for (const auto source : sources) {
    is_source[source] = true;
  }

  // A way that leaves a tree anywhere costs nothing up to there: the trees' own edges get weight 0.
  const boost::filtered_graph<MeshGraph::Graph, boost::keep_all, FreeVertex> wires(mesh.graph(), boost::keep_all{},
                                                                                   free);
  const auto base_weight = boost::get(boost::edge_weight, mesh.graph());
  const auto weight = boost::make_function_property_map<MeshGraph::Graph::edge_descriptor>(
      [&](const MeshGraph::Graph::edge_descriptor& edge) {
        const auto from = boost::source(edge, mesh.graph());
        const auto to = boost::target(edge, mesh.graph());
        const Place& tail = place_of[from];
        const Place& head = place_of[to];
        if (head.tree >= 0 && head.tree == tail.tree &&
            forest.trees[static_cast<std::size_t>(head.tree)].branches[static_cast<std::size_t>(head.branch)].parent ==
                tail.branch) {
          return 0;
        }
        const bool turns = from / 2 == to / 2 && !mesh.is_pad(static_cast<MeshGraph::Vertex>(from));
        return boost::get(base_weight, edge) + (turns ? costs.turn : 0) +
               (is_source[from] && tail.tree < 0 ? costs.new_source : 0);
      });

  std::vector<std::size_t> waiting(net.sinks.size());
  std::iota(waiting.begin(), waiting.end(), 0U);
  while (!waiting.empty()) {
    std::vector<MeshGraph::Graph::vertex_descriptor> before(mesh.size());
    std::vector<int> distance(mesh.size(), kNowhere);
    if (!sources.empty()) {
      boost::dijkstra_shortest_paths(wires, sources.begin(), sources.end(), before.data(), distance.data(), weight,
                                     boost::get(boost::vertex_index, mesh.graph()), std::less<>{},
                                     boost::closed_plus<int>{}, kNowhere, 0, boost::default_dijkstra_visitor{});
    }
    std::tuple<int, std::size_t, MeshGraph::Vertex> best{kNowhere, 0, 0};
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      for (const MeshGraph::Vertex vertex : net.sinks[waiting[i]]) {
        best = std::min(best, {free(vertex) ? distance[vertex] : kNowhere, i, vertex});
      }
    }
    const auto [cost, index, sink] = best;
    if (cost == kNowhere) {
      return std::nullopt;
    }
    std::vector<MeshGraph::Vertex> way;
    auto vertex = sink;
    for (; place_of[vertex].tree < 0 && before[vertex] != vertex;
         vertex = static_cast<MeshGraph::Vertex>(before[vertex])) {
      way.push_back(vertex);
    }
    if (place_of[vertex].tree < 0) {
      place_of[vertex] = {static_cast<std::int32_t>(forest.trees.size()), 0};
      forest.trees.emplace_back();
      forest.trees.back().groups = net.groups;
      forest.trees.back().branches.push_back({vertex, -1});
    }
    const std::int32_t grown = place_of[vertex].tree;
    Tree& tree = forest.trees[static_cast<std::size_t>(grown)];
    for (auto step = way.rbegin(); step != way.rend(); ++step) {
      place_of[*step] = {grown, static_cast<std::int32_t>(tree.branches.size())};
      tree.branches.push_back({*step, place_of[before[*step]].branch});
    }
    tree.cost += cost;
    tree.reached.push_back(sink);
    forest.cost += cost;
    forest.reached[waiting[index]] = sink;
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(index));
  }
  return forest;
}

Tree prune(const Tree& tree, const std::vector<MeshGraph::Vertex>& keep) {
  std::vector<bool> needed(tree.branches.size(), false);
  Tree result;
  result.groups = tree.groups;
  result.cost = tree.cost;
  for (const MeshGraph::Vertex vertex : tree.reached) {
    if (std::find(keep.begin(), keep.end(), vertex) != keep.end()) {
      result.reached.push_back(vertex);
    }
  }
  for (std::size_t i = tree.branches.size(); i-- > 0;) {
    const Tree::Branch& branch = tree.branches[i];
    needed[i] =
        needed[i] || std::find(result.reached.begin(), result.reached.end(), branch.vertex) != result.reached.end();
    if (needed[i] && branch.parent >= 0) {
      needed[static_cast<std::size_t>(branch.parent)] = true;
    }
  }
  std::vector<std::int32_t> index(tree.branches.size(), -1);
  for (std::size_t i = 0; i < tree.branches.size(); ++i) {
    if (needed[i]) {
      const Tree::Branch& branch = tree.branches[i];
      index[i] = static_cast<std::int32_t>(result.branches.size());
      result.branches.push_back(
          {branch.vertex, branch.parent < 0 ? -1 : index[static_cast<std::size_t>(branch.parent)]});
    }
  }
  return result;
}

void occupy(const MeshGraph& mesh, const Tree& tree, Occupancy& occupied) {
  for (const Tree::Branch& branch : tree.branches) {
    const bool sends = mesh.is_pad(branch.vertex) && branch.parent < 0;
    GroupMask& groups = occupied[branch.vertex];
    groups = static_cast<GroupMask>(groups | (sends ? kAllGroups : tree.groups));
  }
}

std::optional<std::vector<Tree>> route_slot(const MeshGraph& mesh, const std::vector<Net>& nets, Occupancy occupied,
                                            int attempts) {
  occupied.resize(mesh.size(), 0);
  SlotRouter router(mesh, attempts);
  for (std::size_t first = 0; first < std::max<std::size_t>(nets.size(), 1); ++first) {
    std::vector<Net> order = nets;
    std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(first), order.end());
    std::vector<Tree> trees;
    if (router.route(order, occupied, trees)) {
      std::rotate(trees.begin(), trees.end() - static_cast<std::ptrdiff_t>(first), trees.end());
      return trees;
    }
  }
  return std::nullopt;
}

Switches switches_of(const MeshGraph& mesh, const Tree& tree) {
  constexpr unsigned kInShift = kWireGroups;
  const std::uint32_t out = tree.groups;
  const std::uint32_t in = out << kInShift;
  Switches switches;
  const auto set = [&](std::uint32_t site, isa::Group group, std::uint32_t bits) {
    if (mesh.floorplan().is_tile(site)) {
      switches[site][group] |= bits;
    }
  };
  for (const Tree::Branch& branch : tree.branches) {
    if (branch.parent < 0) {
      continue;
    }
    const MeshGraph::Vertex from = tree.branches[static_cast<std::size_t>(branch.parent)].vertex;
    const MeshGraph::Vertex to = branch.vertex;
    const std::uint32_t from_site = mesh.site_of(from);
    const std::uint32_t to_site = mesh.site_of(to);
    if (mesh.is_pad(from) || mesh.is_pad(to)) {
      const MeshGraph::Vertex pad = mesh.is_pad(from) ? from : to;
      const bool east = mesh.floorplan().pad(mesh.pad_of(pad)).east;
      set(to_site, east ? isa::Group::kBorderEast : isa::Group::kBorderWest, mesh.is_pad(from) ? in : out);
    } else if (from_site == to_site) {
      set(from_site, isa::Group::kTurn, from == MeshGraph::south_north(from_site) ? out : in);
    } else {
      const auto [leaves, enters] = border(from_site, to_site, from == MeshGraph::west_east(from_site));
      set(from_site, leaves, out);
      set(to_site, enters, in);
    }
  }
  return switches;
}

void prove_disjoint(const std::vector<Route>& routes) {
  struct Use {
    GroupMask groups;
    const Route* route;
  };
  std::map<std::tuple<std::uint32_t, std::uint32_t, bool>, std::vector<Use>> uses;
  for (const Route& route : routes) {
    for (const Route::Segment& segment : route.segments) {
      std::vector<Use>& here = uses[{route.slot, segment.site, segment.west_east}];
      for (const Use& other : here) {
        if ((other.groups & route.groups) != 0) {
          throw std::logic_error(fmt::format(
              "slot {}: the routes from {} and from {} share wire groups {:#04x} of the {} wires at site {}",
              route.slot, other.route->from, route.from, other.groups & route.groups,
              segment.west_east ? "west-east" : "south-north", segment.site));
        }
      }
      here.push_back({route.groups, &route});
    }
  }
}

}  // namespace chronotile::mapping
