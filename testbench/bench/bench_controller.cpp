#include <benchmark/benchmark.h>

#include <systemc>
#include <vector>

#include "firmware/toolchain/assembler.hpp"
#include "models/base/noise.hpp"
#include "models/bus/bus_initiator.hpp"
#include "models/controller/local_controller.hpp"

namespace chronotile::controller {
namespace {

class FreeClock : public sc_core::sc_module, public ClockLines {
 public:
  explicit FreeClock(const sc_core::sc_module_name& name) : sc_module(name) {}
  [[nodiscard]] double period_ns() const override { return 1; }
  [[nodiscard]] std::uint32_t slot_cycles() const override { return 300; }
  [[nodiscard]] sc_core::sc_time epoch() const override { return sc_core::SC_ZERO_TIME; }
  [[nodiscard]] std::uint32_t triggers() const override { return 0; }
  [[nodiscard]] const sc_core::sc_event& triggered() const override { return triggered_; }

 private:
  sc_core::sc_event triggered_{"triggered"};
};

/// SystemC elaborates once per process: one controller, whose program each benchmark replaces.
struct Platform {
  ViolationLog violations;
  energy::Meter energy;
  Lanes lanes{1};
  WorkPool workers{1};
  Services services{violations, energy, lanes, workers};
  FreeClock clock{"clock"};
  LocalController lc{"lc", {}, services, energy.add_place("lc", "bench")};
  bus::BusInitiator host{"host"};

  Platform() {
    lc.clock(clock);
    host.socket.bind(lc.bus());
  }
};

Platform* platform = nullptr;

void run(benchmark::State& state, const char* source) {
  const auto words = toolchain::assemble_text(source, "bench.lcs").words;
  const std::uint32_t start = 1;
  const std::uint32_t reset = 16;
  platform->host.debug_write(map::kRegisters + map::kControl, &reset, sizeof reset);
  platform->host.debug_write(map::kSram, words.data(), words.size() * sizeof(isa::Word));
  platform->host.debug_write(map::kRegisters + map::kControl, &start, sizeof start);
  const std::uint64_t before = platform->lc.executed();
  for (auto _ : state) {
    sc_core::sc_start(100, sc_core::SC_US);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(platform->lc.executed() - before));
}

/// A slot's worth of control: groups of set, set, set.c, wait.
void set_set_commit_wait(benchmark::State& state) {
  run(state, R"(
  again:
    set rowgate, 0xff
    set wp1, 0xff
    set.c pre, 0xff
    wait 20
    set rowgate, 0
    set wp1, 0
    set.c pre, 0
    wait 100
    jmp again
  )");
}
BENCHMARK(set_set_commit_wait);

void commit_every_cycle(benchmark::State& state) { run(state, "again: set.c pre, 1\n set.c pre, 0\n jmp again\n"); }
BENCHMARK(commit_every_cycle);

void registers_and_loops(benchmark::State& state) {
  run(state, R"(
  again:
    loop 100, done
    addi r1, 1
    add r2, r1
    endloop
  done:
    jmp again
  )");
}
BENCHMARK(registers_and_loops);

void gaussian_512(benchmark::State& state) {
  std::vector<double> draws(512);
  noise::Stream stream;
  stream.purpose = noise::Purpose::kReadNoise;
  for (auto _ : state) {
    ++stream.event;
    noise::gaussian(stream, 0, draws.data(), draws.size());
    benchmark::DoNotOptimize(draws.data());
  }
  state.SetItemsProcessed(state.iterations() * 512);
}
BENCHMARK(gaussian_512);

}  // namespace
}  // namespace chronotile::controller

int sc_main(int argc, char** argv) {
  chronotile::controller::Platform platform;
  chronotile::controller::platform = &platform;
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

int main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);
  return sc_core::sc_elab_and_sim(argc, argv);
}
