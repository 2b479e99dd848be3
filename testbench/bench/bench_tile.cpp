// Column sums of one tile against the limits of the machine: 1 MiB of weights read once (single precision, one lane),
// or one fused multiply-add a weight and lane. Reference machine (Zen 4, AVX-512, one core): 11 us in cache, 52 us
// from memory.
#include <benchmark/benchmark.h>

#include <boost/align/aligned_allocator.hpp>
#include <cstddef>
#include <cstdint>
#include <systemc>
#include <vector>

#include "models/tile/mac_kernel.hpp"

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

}  // namespace

int sc_main(int argc, char* argv[]) {
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
