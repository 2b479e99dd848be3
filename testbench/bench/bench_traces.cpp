// What tracing costs: per change, per time step with many idle signals (against SystemC's own VCD writer, which scans
// them all), and per probe that nobody watches.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "models/base/probe.hpp"
#include "traces/timeline.hpp"
#include "traces/vcd_writer.hpp"

namespace {

using chronotile::probe::Detail;
using chronotile::probe::Kind;
using chronotile::probe::Probe;
using chronotile::traces::Timeline;
using chronotile::traces::VcdConfig;
using chronotile::traces::VcdWriter;

constexpr int kIdleSignals = 70'000;

std::filesystem::path scratch(const std::string& name) {
  return std::filesystem::temp_directory_path() / ("chronotile_bench_" + name);
}

/// Time that a benchmark sets, or the kernel's.
VcdConfig config(std::uint64_t* now_ps, const std::string& scope = {}) {
  VcdConfig config;
  config.path = scratch("traces.vcd");
  config.scope = scope;
  if (now_ps != nullptr) {
    config.now_ps = [now_ps] { return *now_ps; };
  }
  return config;
}

std::vector<Probe> declare(VcdWriter& vcd, int count) {
  std::vector<Probe> probes(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const std::string tile = "chip.tile" + std::to_string(i / 512);
    probes[static_cast<std::size_t>(i)].declare(
        vcd, {tile, "s" + std::to_string(i % 512), Kind::kBits, 16, Detail::kDefault, ""});
    probes[static_cast<std::size_t>(i)].bits(0);
  }
  return probes;
}

void unwatched_probe(benchmark::State& state) {
  Probe probe;
  std::uint64_t value = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(probe);
    probe.bits(++value);
  }
}
BENCHMARK(unwatched_probe);

void vcd_change(benchmark::State& state) {
  std::uint64_t now_ps = 0;
  const int per_step = static_cast<int>(state.range(0));
  VcdWriter vcd(config(&now_ps));
  std::vector<Probe> probes = declare(vcd, per_step);
  std::uint64_t value = 0;
  for (auto _ : state) {
    now_ps += 1000;
    ++value;
    for (Probe& probe : probes) {
      probe.bits(value);
    }
  }
  state.SetItemsProcessed(state.iterations() * per_step);
}
BENCHMARK(vcd_change)->Arg(1)->Arg(16)->Arg(512);

void vcd_text_change(benchmark::State& state) {
  std::uint64_t now_ps = 0;
  VcdWriter vcd(config(&now_ps));
  Probe probe;
  probe.declare(vcd, {"chip", "phase", Kind::kText, 1, Detail::kDefault, ""});
  bool integrate = false;
  for (auto _ : state) {
    now_ps += 1000;
    integrate = !integrate;
    probe.text(integrate ? "integrate" : "precharge");
  }
}
BENCHMARK(vcd_text_change);

void timeline_text_change(benchmark::State& state) {
  std::uint64_t now_ps = 0;
  Timeline timeline({scratch("timeline.json"), [&now_ps] { return now_ps; }});
  Probe probe;
  probe.declare(timeline, {"chip", "phase", Kind::kText, 1, Detail::kDefault, ""});
  bool integrate = false;
  for (auto _ : state) {
    now_ps += 1000;
    integrate = !integrate;
    probe.text(integrate ? "integrate" : "precharge");
  }
}
BENCHMARK(timeline_text_change);

/// One vector of 512 pulses, expanded into all its edges (1) or as one busy wire (0).
void vcd_pulses(benchmark::State& state) {
  std::uint64_t now_ps = 0;
  VcdWriter vcd(config(&now_ps, state.range(0) == 0 ? "" : "wires"));
  Probe probe;
  probe.declare(vcd, {"chip.node", "wires", Kind::kBits, 512, Detail::kDefault, ""});
  std::vector<double> durations(512);
  for (std::size_t wire = 0; wire < durations.size(); ++wire) {
    durations[wire] = static_cast<double>(wire * 7919 % 2550) / 10;
  }
  for (auto _ : state) {
    now_ps += 300'000;
    probe.pulses(static_cast<double>(now_ps) / 1000 - 290, durations.data(), 1, 512);
  }
}
BENCHMARK(vcd_pulses)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

/// 70,000 signals of which one changes: a time step, without the kernel.
void vcd_step_with_idle_signals(benchmark::State& state) {
  std::uint64_t now_ps = 0;
  VcdWriter vcd(config(&now_ps));
  std::vector<Probe> probes = declare(vcd, kIdleSignals);
  std::uint64_t value = 0;
  for (auto _ : state) {
    now_ps += 1000;
    probes[0].bits(++value);
  }
}
BENCHMARK(vcd_step_with_idle_signals);

/// A process that changes one value each nanosecond.
class Ticker final : public sc_core::sc_module {
 public:
  explicit Ticker(sc_core::sc_module_name name) : sc_module(name), idle("idle", kIdleSignals) {
    SC_METHOD(tick);
    sensitive << tick_;
  }

  sc_core::sc_signal<bool> toggling;
  sc_core::sc_vector<sc_core::sc_signal<bool>> idle;
  Probe probe;

 private:
  SC_HAS_PROCESS(Ticker);
  void tick() {
    toggling.write(!toggling.read());
    probe.bits(++value_);
    tick_.notify(sc_core::sc_time(1, sc_core::SC_NS));
  }

  sc_core::sc_event tick_;
  std::uint64_t value_ = 0;
};

void step(benchmark::State& state) {
  const sc_core::sc_time time(1, sc_core::SC_NS);
  for (auto _ : state) {
    sc_core::sc_start(time);
  }
}

}  // namespace

int sc_main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  // The kernel elaborates once: its own writer traces first, is closed, and ours follows.
  Ticker ticker("ticker");
  const std::string stock = scratch("stock").string();
  sc_core::sc_trace_file* file = sc_core::sc_create_vcd_trace_file(stock.c_str());
  file->set_time_unit(1, sc_core::SC_PS);
  sc_core::sc_trace(file, ticker.toggling, "toggling");
  for (const auto& signal : ticker.idle) {
    sc_core::sc_trace(file, signal, signal.name());
  }
  auto vcd = std::make_unique<VcdWriter>(config(nullptr));
  std::vector<Probe> idle = declare(*vcd, kIdleSignals);
  Probe ours;
  ours.declare(*vcd, {"ticker", "value", Kind::kBits, 16, Detail::kDefault, ""});

  benchmark::RegisterBenchmark("kernel_step/stock_vcd_70000_signals", step)->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("kernel_step/no_trace", [file, done = false](benchmark::State& state) mutable {
    if (!done) {
      sc_core::sc_close_vcd_trace_file(file);
      done = true;
    }
    step(state);
  })->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("kernel_step/vcd_writer_70000_signals", [&](benchmark::State& state) {
    ticker.probe = ours;
    step(state);
  })->Unit(benchmark::kMicrosecond);
  benchmark::RunSpecifiedBenchmarks();
  ticker.probe = Probe();
  vcd.reset();
  std::error_code ignored;
  std::filesystem::remove(stock + ".vcd", ignored);
  return 0;
}

int main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);
  return sc_core::sc_elab_and_sim(argc, argv);
}
