// A step of a whole chip at one lane, without the arithmetic: 32 tiles in 16 pairs, twelve pads, four slots of
// integration and three of read-out under hand-written programs; one wire of each input has a pulse. What is measured
// is what a step costs outside matrix work: controllers, reactions of tiles and pads, nodes, the simulation kernel.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "firmware/toolchain/assembler.hpp"
#include "models/bus/bus_initiator.hpp"
#include "platform/chip/chip.hpp"

namespace chronotile {
namespace {

constexpr int kIntegrationSlots = 4;
constexpr int kReadOutSlots = 3;
constexpr int kSlots = kIntegrationSlots + kReadOutSlots;
constexpr double kSlot_ns = 300;
/// From one start trigger to the next: the slots of a step and 300 ns for the host, as in the published pipeline.
constexpr double kStep_ns = (kSlots + 1) * kSlot_ns;

/// Text of one controller's program: batches of writes, each committed at a cycle of a slot.
class Program {
 public:
  /// The last write commits at `cycle`; the ones before take the cycles before it.
  void batch(int slot, int cycle, const std::vector<std::string>& writes) {
    batches_[slot][cycle].insert(batches_[slot][cycle].end(), writes.begin(), writes.end());
  }

  void interrupt(int slot, int cycle) { interrupts_[slot] = cycle; }

  [[nodiscard]] std::string text() const {
    std::string text = "start: trig trig.start\n";
    int slot = 0;
    for (const auto& [batch_slot, cycles] : batches_) {
      if (batch_slot != slot) {
        text += fmt::format("slot {}\n", batch_slot - slot);
        slot = batch_slot;
      }
      for (const auto& [cycle, writes] : cycles) {
        text += fmt::format("at {}\n", cycle + 1 - static_cast<int>(writes.size()));
        for (const std::string& write : writes) {
          text += fmt::format("{} {}\n", &write == &writes.back() ? "set.c" : "set", write);
        }
      }
      if (const auto raised = interrupts_.find(slot); raised != interrupts_.end()) {
        text += fmt::format("at {}\nirq 1\n", raised->second);
      }
    }
    return text + "jmp start\n";
  }

  [[nodiscard]] int commits() const {
    int count = 0;
    for (const auto& [slot, cycles] : batches_) {
      count += static_cast<int>(cycles.size());
    }
    return count;
  }

 private:
  std::map<int, std::map<int, std::vector<std::string>>> batches_;
  std::map<int, int> interrupts_;
};

std::string in(int groups) { return fmt::format("0x{:02x}00", groups); }
std::string out(int groups) { return fmt::format("0x00{:02x}", groups); }

/// The programs of all controllers, by name. Rows of the grid form pairs (0, 1), (2, 3), (4, 5); each row has an input
/// pad at one of its ends and an output pad at the other, as in the default floor plan.
std::map<std::string, Program> programs(const chip::Floorplan& floorplan) {
  std::map<std::string, Program> all;
  const auto tile = [&](int row, int column) -> Program& { return all[fmt::format("tile_{}_{}", row, column)]; };
  const auto exists = [&](int row, int column) {
    return floorplan.is_tile(floorplan.site(static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(column)));
  };
  const auto paired = [&](int row, int column) { return exists(row, column) && exists(row ^ 1, column); };
  const auto from_east = [](int row) { return row % 2 == 1; };  // rows 1, 3, 5: the input pad stands in the east

  // Integration. Slots 0 and 1: a vector of 512 along each row. Slots 2 and 3: one of 256 to both rows of a pair,
  // turned onto the south-north wires at every node.
  for (int slot = 0; slot < kIntegrationSlots; ++slot) {
    const bool both = slot >= 2;
    for (int row = 0; row < 6; ++row) {
      const int own = !both ? 0xff : row % 2 == 0 ? 0x0f : 0xf0;
      const int other = 0xff ^ own;
      for (int column = 0; column < 6; ++column) {
        if (!exists(row, column)) {
          continue;
        }
        Program& program = tile(row, column);
        const bool integrates = paired(row, column);
        std::vector<std::string> setup;
        std::vector<std::string> release;
        const auto set = [&](const std::string& group, const std::string& value) {
          setup.push_back(group + ", " + value);
          release.push_back(group + ", 0");
        };
        set(from_east(row) ? "bge" : "bgw", in(own));
        const int last = from_east(row) ? 0 : 5;
        if (column != last) {
          set(from_east(row) ? "bgw" : "bge", out(own));
        }
        if (both && integrates) {
          set("turn", in(own));  // west-east wires drive the south-north wires
          set(row % 2 == 0 ? "bgs" : "bgn", fmt::format("0x{:02x}{:02x}", other, own));
          set("rowsrc", fmt::format("0x{:02x}", other));
        }
        if (integrates) {
          program.batch(slot, 2, {"pre, 0xff"});
          set("rowgate", "0xff");
          set(slot % 2 == 0 ? "wp1" : "wp2", "0xff");
          set("pol", slot % 2 == 0 ? "0" : "0xff");
          program.batch(slot, 14, {"pre, 0"});
          program.batch(slot, 18, {"integ, 0xff"});
          program.batch(slot, 285, {"integ, 0"});
        }
        program.batch(slot, 12, setup);
        program.batch(slot, 298, release);
      }
    }
  }
  for (int pad = 0; pad < 6; ++pad) {
    Program& input = all[floorplan.input_pad_name(static_cast<std::uint32_t>(pad))];
    for (int slot = 0; slot < kIntegrationSlots; ++slot) {
      const char* const groups = slot < 2 ? "0xff" : pad % 2 == 0 ? "0x0f" : "0xf0";
      input.batch(slot, 10, {fmt::format("psendv, {}", slot)});
      input.batch(slot, 20, {fmt::format("psend, {}", groups)});
      input.batch(slot, 275, {"psend, 0"});
    }
  }

  // Read-out: in each slot the pair at this distance from the output pad, through the row of the pad.
  for (std::uint32_t pad = 0; pad < floorplan.pads(); ++pad) {
    const config::PadSite& where = floorplan.pad(pad);
    const int row = static_cast<int>(where.output_row);
    Program& output = all[floorplan.output_pad_name(pad)];
    for (int distance = 0; distance < kReadOutSlots; ++distance) {
      const int slot = kIntegrationSlots + distance;
      const int column = where.east ? 5 - distance : distance;
      if (!paired(row, column)) {
        continue;
      }
      const std::string outwards = where.east ? "bge" : "bgw";
      const std::string inwards = where.east ? "bgw" : "bge";
      const char* const share = row % 2 == 1 ? "sharen" : "shares";
      const char* const other_share = row % 2 == 1 ? "shares" : "sharen";
      Program& emitter = tile(row, column);
      emitter.batch(slot, 4, {"rslope, 128", "rstart, -1024", fmt::format("{}, 0xff", share)});
      emitter.batch(slot, 12, {"turn, " + out(0xff), outwards + ", " + out(0xff), "colout, 0xff"});
      emitter.batch(slot, 20, {"ramp, 1", "en, 0xff"});
      emitter.batch(slot, 275, {"en, 0"});
      emitter.batch(slot, 285, {"ramp, 0"});
      emitter.batch(slot, 298, {"turn, 0", outwards + ", 0", "colout, 0", fmt::format("{}, 0", share)});
      Program& neighbour = tile(row ^ 1, column);
      neighbour.batch(slot, 4, {fmt::format("{}, 0xff", other_share)});
      neighbour.batch(slot, 298, {fmt::format("{}, 0", other_share)});
      for (int step = 0; step < distance; ++step) {
        Program& passed = tile(row, where.east ? 5 - step : step);
        passed.batch(slot, 12, {inwards + ", " + in(0xff), outwards + ", " + out(0xff)});
        passed.batch(slot, 298, {inwards + ", 0", outwards + ", 0"});
      }
      output.batch(slot, 10, {fmt::format("pcapv, {}", distance)});
      output.batch(slot, 18, {"pcap, 0xff"});
      output.batch(slot, 285, {"pcap, 0"});
      output.interrupt(slot, 290);
    }
  }
  return all;
}

/// SystemC elaborates once per process: one chip for all benchmarks.
struct Bench {
  explicit Bench(const config::PlatformConfig& config) : chip("chip0", config, services) {
    host.socket.bind(chip.bus());
  }

  void load() {
    const chip::Floorplan& floorplan = chip.floorplan();
    for (const auto& [name, program] : programs(floorplan)) {
      const auto words = toolchain::assemble_text(program.text(), name + ".lcs").words;
      const std::uint64_t window = chip::map::controller(static_cast<std::uint32_t>(floorplan.find_controller(name)));
      const std::uint32_t start = 1;
      host.debug_write(window, words.data(), words.size() * sizeof(isa::Word));
      host.debug_write(window + controller::map::kRegisters + controller::map::kControl, &start, sizeof start);
      commits += program.commits();
    }
    for (std::uint32_t pad = 0; pad < floorplan.pads(); ++pad) {
      for (std::uint32_t vector = 0; vector < kIntegrationSlots; ++vector) {
        const std::uint32_t wire = vector < 2 || pad % 2 == 0 ? 17 : 300;
        const std::uint8_t duration = static_cast<std::uint8_t>(100 + 10 * pad + vector);
        host.debug_write(chip::map::pad(pad) + vector * kWires + wire, &duration, 1);
      }
    }
    sc_core::sc_start(sc_core::sc_time(kSlot_ns, sc_core::SC_NS));
  }

  void step() {
    const std::uint32_t trigger = 1;
    host.debug_write(chip::map::kControl + chip::control_map::kTrigger, &trigger, sizeof trigger);
    sc_core::sc_start(sc_core::sc_time(kStep_ns, sc_core::SC_NS));
  }

  [[nodiscard]] std::uint64_t executed() {
    std::uint64_t sum = 0;
    for (std::uint32_t index = 0; index < chip.floorplan().controllers(); ++index) {
      sum += chip.local_controller(index).executed();
    }
    return sum;
  }

  ViolationLog violations;
  energy::Meter energy;
  Lanes lanes{1};
  WorkPool workers{1};
  Services services{violations, energy, lanes, workers};
  chip::Chip chip;
  bus::BusInitiator host{"host"};
  int commits = 0;
};

void chip_step(benchmark::State& state, Bench* bench) {
  bench->step();
  const std::uint64_t executed = bench->executed();
  const std::uint64_t deltas = sc_core::sc_delta_count();
  for (auto _ : state) {
    bench->step();
  }
  const auto steps = static_cast<double>(state.iterations());
  state.counters["instructions"] = static_cast<double>(bench->executed() - executed) / steps;
  state.counters["deltas"] = static_cast<double>(sc_core::sc_delta_count() - deltas) / steps;
  state.counters["commits"] = bench->commits;
  if (bench->violations.count() != 0) {
    state.SkipWithError(bench->violations.kept().front().text().c_str());
  }
}

}  // namespace
}  // namespace chronotile

int sc_main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  chronotile::config::PlatformConfig config;
  chronotile::Bench bench(config);
  bench.load();
  benchmark::RegisterBenchmark("chip_step", chronotile::chip_step, &bench)->Unit(benchmark::kMicrosecond);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

int main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);
  return sc_core::sc_elab_and_sim(argc, argv);
}
