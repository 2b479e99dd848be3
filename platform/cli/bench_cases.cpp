#include "platform/cli/bench_cases.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <systemc>

#include "firmware/toolchain/assembler.hpp"
#include "models/bus/bus_initiator.hpp"
#include "models/controller/local_controller.hpp"
#include "platform/chip/chip.hpp"
#include "platform/chip/chip_clock.hpp"
#include "platform/cli/firmware_source.hpp"
#include "platform/cli/kws_run.hpp"
#include "platform/host/feed_forward_session.hpp"
#include "platform/host/host.hpp"
#include "platform/mapping/feed_forward.hpp"

namespace chronotile::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// What the modules of a bench share when no session provides it.
struct BenchServices {
  explicit BenchServices(std::size_t lane_count = 1) : meter(lane_count), lanes(lane_count), workers(1) {}
  ViolationLog violations;
  energy::Meter meter;
  Lanes lanes;
  WorkPool workers;
  Services services{violations, meter, lanes, workers};
};

std::vector<std::vector<double>> random_inputs(std::size_t items, std::size_t size) {
  std::mt19937_64 generator(1);  // the same inputs in every run
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  std::vector<std::vector<double>> inputs(items, std::vector<double>(size));
  for (auto& input : inputs) {
    for (double& value : input) {
      value = uniform(generator);
    }
  }
  return inputs;
}

double recordings_per_second(const config::PlatformConfig& config, double seconds, std::size_t lanes) {
  const kws::Model model = kws::Model::load(default_kws_weights());
  const mapping::Plan plan = mapping::map_feed_forward(kws_network(model), config);
  const auto images = assemble_plan(plan.chips.front(), config.controller.sram_words);
  host::FeedForwardSession session(config, plan, images, {lanes, 1});
  constexpr std::size_t kDistinct = 64;
  const auto some = random_inputs(kDistinct, plan.network_inputs);
  std::vector<std::vector<double>> inputs;
  const std::size_t items =
      std::max<std::size_t>(lanes * 8, static_cast<std::size_t>(seconds * (lanes == 1 ? 3000 : 12000)));
  for (std::size_t item = 0; item < items; ++item) {
    inputs.push_back(some[item % kDistinct]);
  }
  const Clock::time_point start = Clock::now();
  (void)session.run(inputs, [](std::size_t) {});
  return static_cast<double>(items) / seconds_since(start);
}

double kws_one_lane(const config::PlatformConfig& config, double seconds) {
  return recordings_per_second(config, seconds, 1);
}

double kws_sixteen_lanes(const config::PlatformConfig& config, double seconds) {
  return recordings_per_second(config, seconds, 16);
}

/// The matrix work of the keyword chip in a bare loop: the same weight arrays, each set once per recording, no chip.
double bare_loop(const config::PlatformConfig& config, double seconds, std::size_t lanes) {
  const kws::Model model = kws::Model::load(default_kws_weights());
  const mapping::Plan plan = mapping::map_feed_forward(kws_network(model), config);
  BenchServices shared(lanes);
  std::vector<tile::WeightArray> arrays;
  for (const mapping::TileAssignment& tile : plan.chips.front().tiles) {
    arrays.emplace_back(config.tile.array);
    arrays.back().program(tile::WeightSet::kWp1, tile.wp1, shared.services, 0);
    if (tile.wp2.size() != 0) {
      arrays.back().program(tile::WeightSet::kWp2, tile.wp2, shared.services, 0);
    }
  }
  const std::vector<double> x(kWires * lanes, 100.0);
  std::vector<double> out(kWires * lanes);
  std::size_t items = 0;
  const Clock::time_point start = Clock::now();
  while (seconds_since(start) < seconds) {
    for (std::size_t index = 0; index < arrays.size(); ++index) {
      const auto columns = static_cast<int>(plan.chips.front().tiles[index].columns);
      const int last = (columns + kWiresPerGroup - 1) / kWiresPerGroup * kWiresPerGroup;
      for (const tile::WeightSet set : {tile::WeightSet::kWp1, tile::WeightSet::kWp2}) {
        if (arrays[index].programmed(set)) {
          arrays[index].multiply(set, x.data(), out.data(), lanes, 0, last);
        }
      }
    }
    items += lanes;
  }
  return static_cast<double>(items) / seconds_since(start);
}

double bare_one_lane(const config::PlatformConfig& config, double seconds) { return bare_loop(config, seconds, 1); }

double bare_sixteen_lanes(const config::PlatformConfig& config, double seconds) {
  return bare_loop(config, seconds, 16);
}

/// A tile's typical program: groups written, committed together, waits, a loop.
constexpr const char* kTypicalProgram = R"(
again:  loop 1000, again_end
        set rowgate, 0xff
        set wp1, 0xff
        set.c integ, 0xff
        wait 20
        set integ, 0
        set.c rowgate, 0
        addi r1, 1
        wait 10
        endloop
again_end:
        jmp again
)";

double controller_instructions(const config::PlatformConfig& config, double seconds) {
  BenchServices shared;
  chip::ChipClock clock("clock", config.clock, shared.lanes);
  controller::LocalController lc("lc", config.controller, shared.services, shared.meter.add_place("lc", "bench"));
  lc.clock.bind(clock.lines);
  bus::BusInitiator loader("loader");
  loader.socket.bind(lc.bus());
  const auto program = toolchain::assemble_text(kTypicalProgram, "bench.lcs");
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  loader.expect_write(controller::map::kSram, program.words.data(), program.words.size() * sizeof(isa::Word));
  loader.expect_write32(controller::map::kRegisters + controller::map::kControl, 1);
  const std::uint64_t before = lc.executed();
  const Clock::time_point start = Clock::now();
  while (seconds_since(start) < seconds) {
    sc_core::sc_start(1, sc_core::SC_MS);
  }
  return static_cast<double>(lc.executed() - before) / seconds_since(start);
}

/// An input pad sends a vector in every slot through a row of six nodes to an output pad at the other edge.
double vectors_per_second(const config::PlatformConfig& config, double seconds) {
  BenchServices shared;
  chip::Chip chip("chip0", config, shared.services);
  host::Host host("host", config);
  host.bus().bind(chip.bus());
  std::map<std::string, std::string> programs{
      {"ilp_NW", "again: at 19\n set psendv, 0\n set.c psend, 0xff\n at 276\n set.c psend, 0\n slot 1\n jmp again\n"},
      {"olp_NE", "again: at 17\n set pcapv, 0\n set.c pcap, 0xff\n at 285\n set.c pcap, 0\n slot 1\n jmp again\n"}};
  const chip::Floorplan& plan = chip.floorplan();
  for (std::uint32_t column = 0; column < plan.columns(); ++column) {
    programs[plan.site_name(column)] = "set bgw, 0xff00\n set.c bge, 0x00ff\n halt 0\n";
  }
  host::ChipAccess access = host.chip();
  host.set_program([&] {
    access.write_vector(0, 0, 0, std::vector<double>(kWires, 100.0));
    for (const auto& [name, text] : programs) {
      const auto index = static_cast<std::uint32_t>(plan.find_controller(name));
      access.load_firmware(index, toolchain::assemble_text(text, name).words);
      access.start_controller(index);
    }
  });
  sc_core::sc_start(10, sc_core::SC_US);
  host.finish();
  const double slot_ns = config.clock.slot_cycles * config.clock.period_ns;
  constexpr int kSlots = 100;
  std::uint64_t vectors = 0;
  const Clock::time_point start = Clock::now();
  while (seconds_since(start) < seconds) {
    sc_core::sc_start(kSlots * slot_ns, sc_core::SC_NS);
    vectors += kSlots;
  }
  return static_cast<double>(vectors) / seconds_since(start);
}

double elaboration_milliseconds(const config::PlatformConfig& config, double /*seconds*/) {
  const Clock::time_point start = Clock::now();
  BenchServices shared;
  chip::Chip chip("chip0", config, shared.services);
  host::Host host("host", config);
  host.bus().bind(chip.bus());
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  return seconds_since(start) * 1e3;
}

}  // namespace

const std::vector<BenchCase>& bench_cases() {
  static const std::vector<BenchCase> kCases{
      {"kws_lanes_1", "recordings through the keyword chip, one lane, one thread", "recordings/s", kws_one_lane},
      {"kws_lanes_16", "the same, 16 lanes", "recordings/s", kws_sixteen_lanes},
      {"kws_bare_loop_lanes_1", "the chip's matrix work alone, in a bare loop", "recordings/s", bare_one_lane},
      {"kws_bare_loop_lanes_16", "the same, 16 lanes", "recordings/s", bare_sixteen_lanes},
      {"lc_instructions", "instructions of one local controller, nothing traced", "instructions/s",
       controller_instructions},
      {"duration_vectors", "vectors from an input pad through six nodes to an output pad", "vectors/s",
       vectors_per_second},
      {"elaboration", "building one chip and its host", "ms", elaboration_milliseconds},
  };
  return kCases;
}

}  // namespace chronotile::cli
