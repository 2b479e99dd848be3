// Column sums of one tile against the limits of the machine: 1 MiB of weights read once (single precision, one lane),
// or one fused multiply-add a weight and lane. Reference machine (Zen 4, AVX-512, one core): 11 us in cache, 52 us
// from memory.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <tlm_utils/simple_initiator_socket.h>

#include <array>
#include <boost/align/aligned_allocator.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <regex>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "models/base/services.hpp"
#include "models/duration/time.hpp"
#include "models/landing_pad/landing_pad.hpp"
#include "models/tile/mac_kernel.hpp"
#include "models/tile/tile.hpp"

namespace {

using chronotile::kWires;
namespace mac = chronotile::tile::mac;

template <typename Real>
using Aligned = std::vector<Real, boost::alignment::aligned_allocator<Real, 64>>;

template <typename Real>
void multiply(benchmark::State& state) {
  const auto isa = static_cast<mac::Isa>(state.range(0));
  const auto lanes = static_cast<std::size_t>(state.range(1));
  const auto arrays = static_cast<std::size_t>(state.range(2));
  if (!mac::supported(isa)) {
    state.SkipWithError("not on this machine");
    return;
  }
  constexpr auto kRows = static_cast<std::size_t>(kWires);
  std::vector<Aligned<Real>> weights(arrays);
  for (Aligned<Real>& array : weights) {
    array.resize(kRows * kRows);
    for (std::size_t index = 0; index < array.size(); ++index) {
      array[index] = static_cast<Real>(static_cast<int>(index * 2654435761U % 2001U) - 1000) / Real{1000};
    }
  }
  std::vector<double> x(kRows * lanes);
  for (std::size_t index = 0; index < x.size(); ++index) {
    x[index] = 1.0 + static_cast<double>(index * 40503U % 255U);
  }
  std::vector<double> out(kRows * lanes);
  std::size_t turn = 0;
  for ([[maybe_unused]] auto iteration : state) {
    mac::multiply(weights[turn].data(), x.data(), out.data(), lanes, 0, kWires, isa);
    benchmark::DoNotOptimize(out.data());
    turn = turn + 1 == arrays ? 0 : turn + 1;
  }
  const auto weight_count = static_cast<double>(state.iterations()) * static_cast<double>(kRows * kRows);
  state.counters["bytes"] =
      benchmark::Counter(weight_count * static_cast<double>(sizeof(Real)), benchmark::Counter::kIsRate);
  state.counters["macs"] = benchmark::Counter(weight_count * static_cast<double>(lanes), benchmark::Counter::kIsRate);
}

void cases(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"isa", "lanes", "arrays"})->Unit(benchmark::kMicrosecond);
  bench->Args({0, 1, 1});
  for (const std::int64_t isa : {1, 2}) {
    for (const std::int64_t lanes : {1, 16, 64}) {
      bench->Args({isa, lanes, 1});   // weights in cache
      bench->Args({isa, lanes, 96});  // from memory
    }
  }
}

BENCHMARK_TEMPLATE(multiply, float)->Apply(cases);
BENCHMARK_TEMPLATE(multiply, double)->Apply(cases);

// ---- a step of tiles that share capacitors in pairs ----

using chronotile::controller::ControlLines;
using chronotile::isa::Group;
namespace duration = chronotile::duration;
namespace mesh = chronotile::mesh;
namespace tile = chronotile::tile;

constexpr double kStep_ns = 1600;

/// Levels that the schedule sets by hand.
class Levels : public ControlLines {
 public:
  [[nodiscard]] std::uint32_t level(Group group) const override { return levels_.at(static_cast<std::size_t>(group)); }
  [[nodiscard]] const sc_core::sc_event& changed(chronotile::isa::Circuit circuit) const override {
    return changed_.at(static_cast<std::size_t>(circuit));
  }
  [[nodiscard]] std::string controller_name() const override { return "levels"; }
  [[nodiscard]] std::uint32_t pc() const override { return 0; }
  void set(std::initializer_list<std::pair<Group, std::uint32_t>> settings) {
    for (const auto& [group, level] : settings) {
      levels_.at(static_cast<std::size_t>(group)) = level;
    }
    for (sc_core::sc_event& event : changed_) {
      event.notify(sc_core::SC_ZERO_TIME);
    }
  }

 private:
  std::array<std::uint32_t, chronotile::isa::kGroupCount> levels_{};
  std::array<sc_core::sc_event, chronotile::isa::kCircuitCount> changed_;
};

struct StepShape {
  std::size_t pairs;
  std::size_t lanes;
  mesh::TransportErrorMode mode;
  int threads;
};

/// Pairs of tiles in which each row has an input in x+ or in x-; both go through WP1, then through WP2 = -WP1. The
/// northern tile of each pair reads both capacitors into an output pad.
class Chip : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Chip);
  Chip(const sc_core::sc_module_name& module_name, const StepShape& shape, bool independent_sets)
      : sc_module(module_name), energy_(shape.lanes), lanes_(shape.lanes), workers_(shape.threads) {
    SC_METHOD(play);
    sensitive << due_;
    dont_initialize();
    mesh::TransportErrorConfig transport;
    transport.mode = shape.mode;
    const auto columns = static_cast<Eigen::Index>(shape.lanes);
    for (std::size_t lane = 0; lane < shape.lanes; ++lane) {
      lanes_.set_key(lane, {lane, 0});
    }
    tile::WeightMatrix weights = tile::WeightMatrix::Random(chronotile::kWires, chronotile::kWires);
    for (std::size_t index = 0; index < 2 * shape.pairs; ++index) {
      tile::TileConfig config;
      config.index = static_cast<std::uint32_t>(index);
      config.array.programming_sigma = independent_sets ? 0.03 : 0.0;
      tiles_.push_back(std::make_unique<tile::Tile>(sc_core::sc_gen_unique_name("tile"), config, transport, services_,
                                                    energy_.add_place("tile", "bench")));
      tile::Tile& added = *tiles_.back();
      added.program(tile::WeightSet::kWp1, weights);
      added.program(tile::WeightSet::kWp2, -weights);
      weights(0, 0) *= 0.5;
      added.control.bind(index % 2 == 0 ? northern_ : southern_);
      rows_.push_back(std::make_unique<duration::InitiatorSocket>(sc_core::sc_gen_unique_name("rows")));
      rows_.back()->bind(added.west_east());
      const duration::Block values = duration::Block::Random(chronotile::kWires, columns) * 255.0;
      for (const bool positive : {true, false, true, false}) {  // by slot
        auto emission = std::make_shared<duration::Emission>();
        emission->source = static_cast<duration::SourceId>(index);
        emission->groups = chronotile::kAllGroups;
        emission->durations_ns = duration::Block::Zero(chronotile::kWires, columns);
        emission->durations_ns = (positive ? values : duration::Block(-values)).max(0.0).round();
        emission->longest_ns = emission->durations_ns.maxCoeff();
        auto& pulses = pulses_.emplace_back();
        pulses.emission = emission;
        pulses.groups = chronotile::kAllGroups;
        for (duration::HopId hop = 0; hop < 6; ++hop) {
          pulses.hops.push_back(hop);
        }
      }
      if (index % 2 == 1) {
        tile::Tile& north = *tiles_[index - 1];
        north.south.bind(added.capacitors);
        added.north.bind(north.capacitors);
        chronotile::landing_pad::PadConfig pad;
        pad.source_id = static_cast<std::uint32_t>(64 + index / 2);
        pads_.push_back(std::make_unique<chronotile::landing_pad::OutputPad>(
            sc_core::sc_gen_unique_name("pad"), pad, transport, services_, energy_.add_place("pad", "bench")));
        pads_.back()->control.bind(northern_);
        north.columns().bind(pads_.back()->in());
        buses_.push_back(
            std::make_unique<tlm_utils::simple_initiator_socket<Chip>>(sc_core::sc_gen_unique_name("bus")));
        buses_.back()->bind(pads_.back()->bus());
      }
    }
    build_schedule();
  }

  void step() {
    next_ = 0;
    start_ns_ = duration::now_ns();
    lanes_.set_epoch_ns(start_ns_);
    due_.notify(sc_core::sc_time(1, sc_core::SC_NS));
    sc_core::sc_start(sc_core::sc_time(kStep_ns, sc_core::SC_NS));
  }
  [[nodiscard]] std::uint64_t violations() const { return violations_.count(); }

 private:
  void at(double time_ns, std::function<void()> action) { schedule_.emplace_back(time_ns, std::move(action)); }
  void both(std::initializer_list<std::pair<Group, std::uint32_t>> settings) {
    northern_.set(settings);
    southern_.set(settings);
  }
  void build_schedule() {
    at(1, [this] { both({{Group::kRowGate, 0xff}, {Group::kPrecharge, 0xff}, {Group::kIntegrate, 0}}); });
    at(13, [this] { both({{Group::kPrecharge, 0}, {Group::kShareNorth, 0}, {Group::kShareSouth, 0}}); });
    for (int slot = 0; slot < 4; ++slot) {
      const double open = 20 + 300.0 * slot;
      at(open, [this, slot] {
        both({{Group::kWp1, slot < 2 ? 0xffU : 0U},
              {Group::kWp2, slot < 2 ? 0U : 0xffU},
              {Group::kPolarity, slot == 1 || slot == 2 ? 0xffU : 0U},
              {Group::kIntegrate, 0xff}});
      });
      at(open + 5, [this, slot] {
        for (std::size_t index = 0; index < tiles_.size(); ++index) {
          duration::Pulses& pulses = pulses_[4 * index + static_cast<std::size_t>(slot)];
          pulses.emission->lead_ns = duration::now_ns();
          pulses.emission->final = false;
          rows_[index]->begin(pulses);
        }
      });
      at(open + 265, [this, slot] {
        for (std::size_t index = 0; index < tiles_.size(); ++index) {
          duration::Pulses& pulses = pulses_[4 * index + static_cast<std::size_t>(slot)];
          pulses.emission->final = true;
          rows_[index]->end(pulses);
        }
      });
      at(open + 280, [this] { both({{Group::kIntegrate, 0}}); });
    }
    at(1225, [this] {
      northern_.set({{Group::kShareSouth, 0xff}, {Group::kPadCapture, 0xff}});
      southern_.set({{Group::kShareNorth, 0xff}});
    });
    at(1230, [this] {
      northern_.set({{Group::kRampSlope, 640},
                     {Group::kRampStart, static_cast<std::uint16_t>(-5120)},
                     {Group::kRamp, 1},
                     {Group::kEnable, 0xff},
                     {Group::kColumnOut, 0xff}});
    });
    at(1490, [this] { northern_.set({{Group::kRamp, 0}, {Group::kEnable, 0}, {Group::kColumnOut, 0}}); });
    at(1500, [this] { northern_.set({{Group::kPadCapture, 0}}); });
  }
  void play() {
    schedule_[next_].second();
    if (++next_ < schedule_.size()) {
      due_.notify(sc_core::sc_time(schedule_[next_].first - schedule_[next_ - 1].first, sc_core::SC_NS));
    }
  }

  chronotile::ViolationLog violations_;
  chronotile::energy::Meter energy_;
  chronotile::Lanes lanes_;
  chronotile::WorkPool workers_;
  chronotile::Services services_{violations_, energy_, lanes_, workers_};
  Levels northern_;
  Levels southern_;
  std::vector<std::unique_ptr<tile::Tile>> tiles_;
  std::vector<std::unique_ptr<chronotile::landing_pad::OutputPad>> pads_;
  std::vector<std::unique_ptr<duration::InitiatorSocket>> rows_;
  std::vector<std::unique_ptr<tlm_utils::simple_initiator_socket<Chip>>> buses_;
  std::deque<duration::Pulses> pulses_;
  std::vector<std::pair<double, std::function<void()>>> schedule_;
  std::size_t next_ = 0;
  double start_ns_ = 0;
  sc_core::sc_event due_{"due"};
};

void tile_step(benchmark::State& state, Chip* chip, std::size_t tiles) {
  for ([[maybe_unused]] auto iteration : state) {
    chip->step();
  }
  state.counters["us_per_tile"] = benchmark::Counter(static_cast<double>(state.iterations() * tiles) * 1e-6,
                                                     benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["violations"] = static_cast<double>(chip->violations());
}

}  // namespace

int sc_main(int argc, char* argv[]) {
  using mesh::TransportErrorMode;
  std::regex wanted(".*");  // chips take a while to build
  for (int index = 1; index < argc; ++index) {
    const std::string argument = argv[index];
    const std::string option = "--benchmark_filter=";
    if (argument.rfind(option, 0) == 0) {
      wanted = argument.substr(option.size());
    }
  }
  std::vector<std::unique_ptr<Chip>> chips;  // all designs of a process are elaborated together
  const std::vector<std::pair<const char*, TransportErrorMode>> modes{{"exact", TransportErrorMode::kOff},
                                                                      {"uniform", TransportErrorMode::kUniform},
                                                                      {"per_hop", TransportErrorMode::kPerHop}};
  for (const auto& [name, mode] : modes) {
    for (const std::size_t lanes : {1U, 16U}) {
      for (const std::size_t pairs : {1U, 12U}) {
        for (const int threads : {1, 2}) {
          for (const bool independent : {false, true}) {
            if ((pairs == 1 || mode != TransportErrorMode::kUniform) && (threads == 2 || independent)) {
              continue;
            }
            const std::string label = fmt::format("tile_step/{}/lanes:{}/tiles:{}/threads:{}{}", name, lanes, 2 * pairs,
                                                  threads, independent ? "/sets_differ" : "");
            if (!std::regex_search(label, wanted)) {
              continue;
            }
            chips.push_back(std::make_unique<Chip>(sc_core::sc_gen_unique_name("chip"),
                                                   StepShape{pairs, lanes, mode, threads}, independent));
            benchmark::RegisterBenchmark(label.c_str(), tile_step, chips.back().get(), 2 * pairs)
                ->Unit(benchmark::kMicrosecond)
                ->MeasureProcessCPUTime()
                ->UseRealTime();
          }
        }
      }
    }
  }
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
