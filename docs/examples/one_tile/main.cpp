// One tile with its controller and mesh node in a SystemC design of one's own, without the platform's chip: see
// docs/user-guide.md, section 10. Prints what leaves the tile's south edge.

#include <fmt/format.h>

#include <memory>

#include "firmware/toolchain/assembler.hpp"
#include "models/base/services.hpp"
#include "models/bus/bus_initiator.hpp"
#include "models/controller/local_controller.hpp"
#include "models/duration/protocol.hpp"
#include "models/duration/time.hpp"
#include "models/mesh/node.hpp"
#include "models/tile/tile.hpp"
#include "platform/chip/chip_clock.hpp"

using namespace chronotile;

// integrate and emit_signed: macros of the built-in common.inc, one slot each
constexpr const char* kProgram = R"(
.include "common.inc"
start:  trig    trig.start
        integrate wp1=all, bgw=in(all)
        emit_signed 64, bgs=out(all)
        irq     1
        halt    0
)";

SC_MODULE(Bench) {
  duration::InitiatorSocket west{"west"};
  duration::TargetSocket south{"south"};
  bus::BusInitiator loader{"loader"};
  chip::ChipClock& clock;

  SC_HAS_PROCESS(Bench);
  Bench(sc_core::sc_module_name name, chip::ChipClock & chip_clock) : sc_module(name), clock(chip_clock) {
    south.on_begin([](duration::Pulses& pulses) { pulses.emission->heard |= pulses.groups; });  // else: pulse_lost
    south.on_end([](duration::Pulses& pulses) {
      fmt::print("{:.3f} ns: column 0 {:.3f} ns, column 1 {:.3f} ns\n", pulses.lead_ns(),
                 pulses.emission->durations_ns(0, 0), pulses.emission->durations_ns(1, 0));
    });
    SC_THREAD(run);
  }

  void run() {
    const auto program = toolchain::assemble_text(kProgram, "bench.lcs");
    loader.expect_write(controller::map::kSram, program.words.data(), program.words.size() * sizeof(isa::Word));
    loader.expect_write32(controller::map::kRegisters + controller::map::kControl, 1);  // start at pc_start
    wait(10, sc_core::SC_NS);
    clock.trigger(1);  // the next cycle is cycle 0 of slot 0
    wait(1 + 20, sc_core::SC_NS);
    wait(sc_core::SC_ZERO_TIME);  // drivers act one delta after the control levels

    duration::Pulses pulses;  // ours from begin to the return of end
    pulses.emission = std::make_shared<duration::Emission>();
    pulses.emission->source = 64;
    pulses.emission->groups = pulses.groups = 0x01;  // wires 0..63
    pulses.emission->lead_ns = duration::now_ns();
    pulses.emission->durations_ns = duration::Block::Zero(kWires, 1);
    pulses.emission->durations_ns(0, 0) = pulses.emission->longest_ns = 100;
    west.begin(pulses);
    wait(100, sc_core::SC_NS);
    pulses.emission->final = true;
    west.end(pulses);
    wait(1000, sc_core::SC_NS);
    sc_core::sc_stop();
  }
};

int sc_main(int, char**) {
  ViolationLog violations;
  energy::Meter meter(1);  // lanes
  Lanes lanes(1);
  WorkPool workers(1);
  Services services{violations, meter, lanes, workers};
  const energy::Place place = meter.add_place("site", "mine");

  chip::ChipClock clock("clock", {}, lanes);
  controller::LocalController lc("lc", {}, services, place);
  tile::Tile array("array", {}, {}, services, place);  // {}: no transport error
  mesh::Node node("node", {}, services, place);
  Bench bench("bench", clock);

  lc.clock.bind(clock.lines);
  bench.loader.socket.bind(lc.bus());
  array.control.bind(lc.lines);
  node.control.bind(lc.lines);
  array.columns().bind(node.columns());
  node.rows_west_east().bind(array.west_east());
  node.rows_south_north().bind(array.south_north());
  bench.west.bind(node.in(mesh::Edge::kWest));
  node.out(mesh::Edge::kSouth).bind(bench.south);

  tile::WeightMatrix weights = tile::WeightMatrix::Zero(kWires, kWires);
  weights(0, 0) = 0.5;
  array.program(tile::WeightSet::kWp1, weights);

  sc_core::sc_start();
  for (const Violation& violation : violations.kept()) {
    fmt::print("{}\n", violation.text());
  }
  return violations.count() == 0 ? 0 : 1;
}

int main(int argc, char** argv) { return sc_core::sc_elab_and_sim(argc, argv); }
