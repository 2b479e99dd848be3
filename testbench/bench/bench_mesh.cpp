// Duration vectors per second through a row of six nodes: cost of the mesh, and of receiving them with and
// without transport error.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>
#include <systemc>
#include <vector>

#include "models/base/services.hpp"
#include "models/duration/receiver.hpp"
#include "models/mesh/node.hpp"
#include "models/mesh/transport_error.hpp"

namespace chronotile {
namespace {

constexpr int kNodes = 6;

/// Guards that are open from west to east.
class OpenGuards : public controller::ControlLines {
 public:
  [[nodiscard]] std::uint32_t level(isa::Group group) const override {
    return group == isa::Group::kBorderWest ? 0xff00U : group == isa::Group::kBorderEast ? 0x00ffU : 0U;
  }
  [[nodiscard]] const sc_core::sc_event& changed(isa::Circuit /*circuit*/) const override { return changed_; }
  [[nodiscard]] std::string controller_name() const override { return "open"; }
  [[nodiscard]] std::uint32_t pc() const override { return 0; }

 private:
  sc_core::sc_event changed_;
};

/// A row of nodes; each has a tap that records arrivals, as a tile does.
struct Row : sc_core::sc_module {
  Row(const sc_core::sc_module_name& module_name, std::size_t lane_count) : sc_module(module_name), lanes(lane_count) {
    for (int i = 0; i < kNodes; ++i) {
      mesh::NodeConfig config;
      config.index = static_cast<std::uint32_t>(i);
      nodes.push_back(std::make_unique<mesh::Node>(sc_core::sc_gen_unique_name("node"), config, services, place));
      nodes.back()->control.bind(guards);
      taps.push_back(std::make_unique<duration::TargetSocket>(sc_core::sc_gen_unique_name("tap")));
      nodes.back()->rows_west_east().bind(*taps.back());
      listen(*taps.back());
      if (i > 0) {
        nodes[nodes.size() - 2]->out(mesh::Edge::kEast).bind(nodes.back()->in(mesh::Edge::kWest));
      }
    }
    out.bind(nodes.front()->in(mesh::Edge::kWest));
    emission->groups = kAllGroups;
    emission->durations_ns = duration::Block::Random(kWires, static_cast<Eigen::Index>(lane_count)).abs() * 255.0 + 1.0;
    emission->longest_ns = emission->durations_ns.maxCoeff();
    pulses.emission = emission;
    pulses.groups = kAllGroups;
  }

  void listen(duration::TargetSocket& tap) {
    arrivals.push_back(std::make_unique<duration::Arrivals>());
    duration::Arrivals& record = *arrivals.back();
    tap.on_begin([&record](duration::Pulses& passing) {
      record.entries().clear();
      record.begin(passing);
    });
    tap.on_end([&record](duration::Pulses& passing) { record.end(passing); });
  }

  void send() {
    emission->final = false;
    out.begin(pulses);
    emission->final = true;
    out.end(pulses);
  }

  ViolationLog violations;
  energy::Meter energy;
  Lanes lanes;
  WorkPool workers{1};
  Services services{violations, energy, lanes, workers};
  energy::Place place = energy.add_place("mesh", "NW");
  OpenGuards guards;
  duration::InitiatorSocket out{"out"};
  std::vector<std::unique_ptr<mesh::Node>> nodes;
  std::vector<std::unique_ptr<duration::TargetSocket>> taps;
  std::vector<std::unique_ptr<duration::Arrivals>> arrivals;
  std::shared_ptr<duration::Emission> emission = std::make_shared<duration::Emission>();
  duration::Pulses pulses;
};

/// All designs of a process are elaborated together.
struct Design {
  Row one{"one", 1};
  Row sixteen{"sixteen", 16};
};

Row& row_of(const benchmark::State& state, Design& design) { return state.range(0) == 1 ? design.one : design.sixteen; }

void vectors_through_six_nodes(benchmark::State& state, Design* design) {
  Row& row = row_of(state, *design);
  for (auto _ : state) {
    row.send();
  }
  state.SetItemsProcessed(state.iterations());
}

void receive(benchmark::State& state, Design* design, mesh::TransportErrorMode mode) {
  Row& row = row_of(state, *design);
  mesh::TransportErrorConfig config;
  config.mode = mode;
  const mesh::TransportError error(config, row.services);
  const mesh::AtReceiver reception(error, 5);
  row.send();
  duration::Block sum = duration::Block::Zero(kWires, static_cast<Eigen::Index>(row.lanes.count()));
  for (auto _ : state) {
    duration::overlap(row.arrivals.back()->entries(), duration::Window{0, 500}, &reception, sum);
    benchmark::DoNotOptimize(sum.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(row.lanes.count()) * kWires);
}

}  // namespace
}  // namespace chronotile

int sc_main(int argc, char** argv) {
  using chronotile::mesh::TransportErrorMode;
  chronotile::Design design;
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  benchmark::Initialize(&argc, argv);
  const auto lanes = [](benchmark::internal::Benchmark* bench) { bench->Arg(1)->Arg(16)->ArgName("lanes"); };
  benchmark::RegisterBenchmark("vectors_through_six_nodes", chronotile::vectors_through_six_nodes, &design)
      ->Apply(lanes);
  benchmark::RegisterBenchmark("receive/exact", chronotile::receive, &design, TransportErrorMode::kOff)->Apply(lanes);
  benchmark::RegisterBenchmark("receive/per_hop", chronotile::receive, &design, TransportErrorMode::kPerHop)
      ->Apply(lanes);
  benchmark::RegisterBenchmark("receive/uniform", chronotile::receive, &design, TransportErrorMode::kUniform)
      ->Apply(lanes);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

int main(int argc, char** argv) { return sc_core::sc_elab_and_sim(argc, argv); }
