#include "platform/host/array_programmer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "common/user_error.hpp"
#include "firmware/toolchain/assembler.hpp"
#include "platform/mapping/chip_builder.hpp"
#include "platform/mapping/router.hpp"

namespace chronotile::host {
namespace {

constexpr double kCodesPerUnit = 64;  ///< of rslope, times tile.slope_per_code is a weight-ns per ns
constexpr std::uint32_t kLargestSlope = 4095;
constexpr const char* kProgram = "program_row.lcs";

/// Slot timing that firmware/programs/common.inc has.
bool is_timing_of_firmware(const mapping::SlotTiming& timing) {
  return timing.slot_cycles == 300 && timing.precharge_on == 2 && timing.precharge_off == 14 &&
         timing.window_open == 18 && timing.pulse_start == 20 && timing.pulse_end == 275 && timing.window_close == 285;
}

struct Way {
  std::uint32_t pad = 0;
  mapping::Tree tree;
};

/// The shortest way between the site's wires and any pad.
std::optional<Way> to_site(const mapping::MeshGraph& mesh, mapping::MeshGraph::Vertex vertex, std::uint32_t pad) {
  const mapping::Net net{{mesh.input_pad(pad)}, {{vertex}}, kAllGroups};
  const auto tree = mapping::grow_tree(mesh, mapping::Occupancy(mesh.size(), 0), mesh.input_pad(pad), net);
  return tree ? std::optional<Way>({pad, *tree}) : std::nullopt;
}

std::optional<Way> from_site(const mapping::MeshGraph& mesh, mapping::MeshGraph::Vertex vertex) {
  std::optional<Way> best;
  for (std::uint32_t pad = 0; pad < mesh.floorplan().pads(); ++pad) {
    const mapping::Net net{{vertex}, {{mesh.output_pad(pad)}}, kAllGroups};
    const auto tree = mapping::grow_tree(mesh, mapping::Occupancy(mesh.size(), 0), vertex, net);
    if (tree && (!best || tree->cost < best->tree.cost)) {
      best = Way{pad, *tree};
    }
  }
  return best;
}

}  // namespace

struct ArrayProgrammer::Routes {
  Way write;
  Way row;
  Way out;
};

ArrayProgrammer::ArrayProgrammer(chip::Chip& chip, ChipAccess access, Lanes& lanes,
                                 const config::PlatformConfig& config, std::uint32_t site, WeightDevices devices)
    : chip_(chip),
      access_(access),
      lanes_(lanes),
      config_(config),
      timing_(mapping::slot_timing(config)),
      site_(site),
      devices_(devices),
      writer_(config.programming, pcm::DeviceModel(config.tile.array.devices.technology), devices),
      writes_(device_count(devices)) {
  if (!is_timing_of_firmware(timing_)) {
    throw UserError("programming", "the timing of the slot is not that of firmware/programs/common.inc",
                    "Leave clock.slot_cycles and the cycles in mapping at their defaults");
  }
  if (!config.pad.quantise) {
    throw UserError("programming", "closed-loop programming needs pads that hold words of 8 bits",
                    "Set pad.quantise=true");
  }
  plan();
}

void ArrayProgrammer::plan() {
  const mapping::MeshGraph mesh{chip_.floorplan()};
  const chip::Floorplan& floorplan = mesh.floorplan();
  const std::string tile = floorplan.site_name(site_);
  const auto columns = mapping::MeshGraph::south_north(site_);
  std::optional<Routes> best;
  const std::optional<Way> out = from_site(mesh, columns);
  for (std::uint32_t pad = 0; pad < floorplan.pads() && out; ++pad) {
    const auto write = to_site(mesh, columns, pad);
    const auto row = to_site(mesh, mapping::MeshGraph::west_east(site_), pad);
    if (write && row && (!best || write->tree.cost + row->tree.cost < best->write.tree.cost + best->row.tree.cost)) {
      best = Routes{*write, *row, *out};
    }
  }
  if (!best) {
    throw UserError("programming", fmt::format("no way leads from an input pad to {} and on to an output pad", tile),
                    "Program a tile that the mesh reaches");
  }
  input_pad_ = best->write.pad;
  output_pad_ = best->out.pad;
  input_name_ = floorplan.input_pad_name(input_pad_);
  output_name_ = floorplan.output_pad_name(output_pad_);

  const auto writes = static_cast<std::uint32_t>(writes_);
  mapping::ChipBuilder builder(config_, timing_, mesh);
  for (std::uint32_t slot = 0; slot < writes; ++slot) {
    builder.add_route(best->write.tree, slot);
  }
  builder.add_route(best->row.tree, writes);
  builder.add_route(best->out.tree, writes + 1);
  mapping::ScheduleBuilder& sends = builder.controller(input_name_);
  for (std::uint32_t slot = 0; slot <= writes; ++slot) {
    sends.latch(isa::Group::kPadSendVector, static_cast<std::int32_t>(slot), slot, mapping::Phase::kPulseStart);
    sends.pulse(isa::Group::kPadSend, kAllGroups, slot, mapping::Phase::kPulseStart, mapping::Phase::kPulseEnd);
  }
  mapping::ScheduleBuilder& captures = builder.controller(output_name_);
  captures.latch(isa::Group::kPadCaptureVector, 0, writes + 1, mapping::Phase::kWindowOpen);
  captures.pulse(isa::Group::kPadCapture, kAllGroups, writes + 1, mapping::Phase::kWindowOpen,
                 mapping::Phase::kWindowClose);
  captures.interrupt(writes + 1);
  mapping::ChipPlan plan;
  mapping::TileAssignment assignment;
  assignment.site = site_;
  assignment.layer = "programming";
  plan.tiles.push_back(assignment);
  plan.slots_per_step = writes + 2;
  builder.finish(plan);
  assembly_ = std::move(plan.assembly);

  // The tile itself: the same switches as constants of its program.
  slope_code_ = static_cast<std::uint32_t>(
      std::lround(timing_.input_ns * (writes_ == 4 ? 2.0 : 1.0) /
                  (config_.programming.counts_per_weight * config_.pad.ns_per_count) / config_.tile.slope_per_code));
  slope_code_ = std::clamp(slope_code_, 1U, kLargestSlope);
  counts_per_weight_ = timing_.input_ns * (writes_ == 4 ? 2.0 : 1.0) /
                       (slope_code_ * config_.tile.slope_per_code * config_.pad.ns_per_count);
  const bool second = devices_ == WeightDevices::kWp2;
  constants_ = {{"WRITES", static_cast<std::int64_t>(writes_)},
                {"DEVICE", second ? 2 : 0},
                {"READ1", second ? 0 : kAllGroups},
                {"READ2", devices_ == WeightDevices::kWp1 ? 0 : kAllGroups},
                {"SLOPE", slope_code_}};
  const std::array<std::pair<const char*, const mapping::Tree*>, 3> ways{
      {{"W", &best->write.tree}, {"R", &best->row.tree}, {"E", &best->out.tree}}};
  const std::array<std::pair<const char*, isa::Group>, 5> switches{{{"BGN", isa::Group::kBorderNorth},
                                                                    {"BGE", isa::Group::kBorderEast},
                                                                    {"BGS", isa::Group::kBorderSouth},
                                                                    {"BGW", isa::Group::kBorderWest},
                                                                    {"TURN", isa::Group::kTurn}}};
  for (const auto& [way, tree] : ways) {
    mapping::Switches levels = mapping::switches_of(mesh, *tree);
    for (const auto& [name, group] : switches) {
      constants_.emplace_back(fmt::format("{}_{}", way, name), levels[site_][group]);
    }
  }
  assembly_[tile] = toolchain::builtin_include(kProgram);
  tile_controller_ = static_cast<std::uint32_t>(floorplan.find_controller(tile));
  output_controller_ = static_cast<std::uint32_t>(floorplan.find_controller(output_name_));
}

bool ArrayProgrammer::begin() {
  const std::string tile = chip_.floorplan().site_name(site_);
  for (const auto& [name, text] : assembly_) {
    toolchain::AssemblerOptions options;
    options.word_limit = config_.controller.sram_words;
    if (name == tile) {
      options.constants = constants_;
    }
    const auto controller = static_cast<std::uint32_t>(chip_.floorplan().find_controller(name));
    access_.load_firmware(controller, toolchain::assemble_text(text, name + ".lcs", options).words);
    access_.start_controller(controller);
  }
  const std::vector<double> none(kWires, 0.0);
  for (std::size_t device = 0; device < writes_; ++device) {
    access_.write_vector(input_pad_, static_cast<std::uint32_t>(device), 0, none);
    written_[device] = none;
  }
  selected_ = -1;
  amplitude_known_ = false;
  return read_zeros();
}

void ArrayProgrammer::end() {
  sc_core::wait(sc_core::sc_time(config_.host.step_overhead_ns, sc_core::SC_NS));  // they are through their round
  for (const auto& entry : assembly_) {
    access_.stop_controller(static_cast<std::uint32_t>(chip_.floorplan().find_controller(entry.first)));
  }
}

bool ArrayProgrammer::read_zeros() {
  access_.write_vector(input_pad_, static_cast<std::uint32_t>(writes_), 0, std::vector<double>(kWires, 0.0));
  zeros_.assign(kWires, 0.0);
  for (std::uint32_t read = 0; read < config_.programming.zero_reads; ++read) {
    if (!round(0, 0)) {
      return false;
    }
    const std::vector<double> words = counts();
    for (std::size_t column = 0; column < kWires; ++column) {
      zeros_[column] += words[column] / config_.programming.zero_reads;
    }
  }
  return true;
}

void ArrayProgrammer::write_widths(std::size_t device, const double* widths_ns) {
  const double ns_per_count = timing_.input_ns / config_.pad.full_scale;
  std::vector<double> words(kWires);
  std::transform(widths_ns, widths_ns + kWires, words.begin(),
                 [&](double width_ns) { return std::round(width_ns / ns_per_count); });
  if (words != written_[device]) {
    access_.write_vector(input_pad_, static_cast<std::uint32_t>(device), 0, words);
    written_[device] = std::move(words);
  }
}

void ArrayProgrammer::select_row(int row) {
  if (row == selected_) {
    return;
  }
  std::vector<double> words(kWires, 0.0);
  words[static_cast<std::size_t>(row)] = config_.pad.full_scale;
  access_.write_vector(input_pad_, static_cast<std::uint32_t>(writes_), 0, words);
  access_.write_register(tile_controller_, 0, static_cast<std::uint32_t>(row));
  selected_ = row;
}

std::vector<double> ArrayProgrammer::counts() {
  const auto window = static_cast<std::uint32_t>(config_.floorplan.pads.size()) + output_pad_;
  return access_.read_vector(window, 0, 0, 0, kWires);
}

std::vector<double> ArrayProgrammer::read_weights() {
  std::vector<double> weights = counts();
  for (std::size_t column = 0; column < kWires; ++column) {
    weights[column] = (weights[column] - zeros_[column]) / counts_per_weight_;
  }
  return weights;
}

/// One trigger: pulses by what the input pad holds, and a read.
bool ArrayProgrammer::round(int row, std::uint32_t amplitude) {
  if (!amplitude_known_ || amplitude != amplitude_) {
    access_.write_register(tile_controller_, 1, amplitude);
    amplitude_ = amplitude;
    amplitude_known_ = true;
  }
  const sc_core::sc_time slot(config_.clock.period_ns * config_.clock.slot_cycles, sc_core::SC_NS);
  sc_core::wait(sc_core::sc_time(config_.host.step_overhead_ns, sc_core::SC_NS));  // the programs are at their trigger
  lanes_.set_key(0, {lanes_.key(0).stream, ++steps_});
  access_.clear_interrupts(~std::uint64_t{0});
  access_.trigger(1);
  const sc_core::sc_time give_up = sc_core::sc_time_stamp() + config_.host.step_timeout_slots * slot;
  const std::uint64_t bit = std::uint64_t{1} << output_controller_;
  while ((chip_.pending() & bit) == 0) {
    if (sc_core::sc_time_stamp() >= give_up) {
      failure_ = fmt::format("programming row {} of {}: {} did not interrupt within {} slots (faults {:#x})", row,
                             chip_.floorplan().site_name(site_), output_name_, config_.host.step_timeout_slots,
                             access_.faults());
      return false;
    }
    sc_core::wait(give_up - sc_core::sc_time_stamp(), chip_.interrupt());
  }
  return true;
}

bool ArrayProgrammer::program(const tile::WeightMatrix& targets, int first, int last, ProgrammingReport& report) {
  const sc_core::sc_time started = sc_core::sc_time_stamp();
  const config::ProgrammingConfig& how = config_.programming;
  report.mean_error.resize(how.pulse_budget + 1, 0.0);
  report.open_share.resize(how.pulse_budget + 1, 0.0);
  report.weights_by_pulses.resize(how.pulse_budget + 1, 0);
  if (report.read.size() == 0) {
    report.read.setZero(kWires, kWires);
  }
  std::vector<double> row_targets(kWires);
  const std::vector<double> erase(kWires, timing_.input_ns);
  // Sums over rows until the end; earlier rows of the same report count with their weights.
  const auto before = static_cast<double>(report.rows);
  const auto add = [&](std::size_t pulse, double error, double open) {
    report.mean_error[pulse] += error;
    report.open_share[pulse] += open;
  };
  for (double& value : report.mean_error) {
    value *= before;
  }
  for (double& value : report.open_share) {
    value *= before;
  }
  for (int row = first; row < last; ++row) {
    for (std::size_t column = 0; column < kWires; ++column) {
      row_targets[column] = targets(row, static_cast<Eigen::Index>(column));
    }
    select_row(row);
    for (std::size_t device = 0; device < writes_; ++device) {
      write_widths(device, erase.data());
    }
    writer_.begin(row_targets.data());
    if (!round(row, how.reset_amplitude)) {
      return false;
    }
    for (std::uint32_t pulse = 0;; ++pulse) {
      ++report.rounds;
      const bool spent = pulse == how.pulse_budget;
      writer_.read(read_weights().data(), spent);
      double error = 0;
      for (std::size_t column = 0; column < kWires; ++column) {
        error += std::abs(writer_.weights()[column] - row_targets[column]) / kWires;
      }
      const double open = static_cast<double>(writer_.open()) / kWires;
      add(pulse, error, open);
      if (writer_.open() == 0 || spent) {
        for (std::uint32_t later = pulse + 1; later <= how.pulse_budget; ++later) {
          add(later, error, open);
        }
        break;
      }
      for (std::size_t device = 0; device < writes_; ++device) {
        write_widths(device, writer_.widths_ns(device).data());
      }
      if (!round(row, how.set_amplitude)) {
        return false;
      }
    }
    ++report.rows;
    report.weights += kWires;
    report.out_of_tolerance += writer_.open();
    for (std::size_t column = 0; column < kWires; ++column) {
      const std::uint32_t pulses = writer_.pulses()[column];
      report.pulses += pulses;
      report.most_pulses = std::max<std::uint64_t>(report.most_pulses, pulses);
      ++report.weights_by_pulses[pulses];
      report.read(row, static_cast<Eigen::Index>(column)) = writer_.weights()[column];
    }
  }
  if (report.rows > 0) {
    const auto rows = static_cast<double>(report.rows);
    for (double& value : report.mean_error) {
      value /= rows;
    }
    for (double& value : report.open_share) {
      value /= rows;
    }
  }
  report.simulated_ns += (sc_core::sc_time_stamp() - started).to_seconds() * 1e9;
  return true;
}

bool ArrayProgrammer::read_row(int row, std::uint32_t reads, std::vector<double>& weights) {
  select_row(row);
  const std::vector<double> none(kWires, 0.0);
  for (std::size_t device = 0; device < writes_; ++device) {
    write_widths(device, none.data());
  }
  weights.assign(kWires, 0.0);
  for (std::uint32_t read = 0; read < reads; ++read) {
    if (!round(row, 0)) {
      return false;
    }
    const std::vector<double> once = read_weights();
    for (std::size_t column = 0; column < kWires; ++column) {
      weights[column] += once[column] / reads;
    }
  }
  return true;
}

}  // namespace chronotile::host
