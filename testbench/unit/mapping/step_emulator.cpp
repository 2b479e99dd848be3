#include "testbench/unit/mapping/step_emulator.hpp"

#include <gtest/gtest.h>
#include <algorithm>

namespace chronotile::testing {
namespace {

using isa::Group;

constexpr std::uint32_t kCycle = 100;  ///< of a slot: pulses are on the wires, halved ones too

}  // namespace

StepEmulator::StepEmulator(const mapping::ChipPlan& chip, const config::PlatformConfig& config)
    : chip_(chip), config_(config), floorplan_(config.floorplan) {
  for (const auto& [name, text] : chip.assembly) {
    changes_[name] = run_program(text, name, config.clock.slot_cycles);
    for (const Change& change : changes_[name]) {
      slots_ = std::max(slots_, change.slot + 1);
    }
  }
  for (const auto& [name, changes] : changes_) {
    for (const isa::SignalGroup& group : isa::kSignalGroups) {
      std::vector<std::uint32_t>& levels = levels_[name][group.group];
      std::uint32_t value = 0;
      auto next = changes.begin();
      for (std::uint32_t slot = 0; slot < slots_; ++slot) {
        for (; next != changes.end() && std::tie(next->slot, next->cycle) <= std::tie(slot, kCycle); ++next) {
          value = next->group == group.group ? static_cast<std::uint32_t>(next->value) : value;
        }
        levels.push_back(value);
      }
    }
  }
}

std::uint32_t StepEmulator::level(const std::string& name, Group group, std::uint32_t slot) const {
  const auto found = levels_.find(name);
  return found == levels_.end() ? 0 : found->second.at(group).at(slot);
}

bool StepEmulator::bit(std::uint32_t site, Group group, int wire, bool in, std::uint32_t slot) const {
  return (level(floorplan_.site_name(site), group, slot) >> static_cast<unsigned>(wire + (in ? kWireGroups : 0)) &
          1U) != 0;
}

StepEmulator::Reached StepEmulator::flood(std::uint32_t site, bool west_east, Group came, int group,
                                          std::uint32_t slot) {
  struct At {
    std::uint32_t site;
    bool west_east;
    Group came;
  };
  const std::uint32_t columns = floorplan_.columns();
  Reached reached;
  std::vector<At> open{{site, west_east, came}};
  while (!open.empty()) {
    const At at = open.back();
    open.pop_back();
    const Wire wire{at.site, at.west_east, group};
    const bool fresh = on_wire_.try_emplace(wire).second;
    EXPECT_TRUE(fresh) << "slot " << slot << ": two drivers at site " << at.site << ", group " << group;
    if (!fresh) {
      continue;
    }
    reached.wires.push_back(wire);
    const bool tile = floorplan_.is_tile(at.site);
    if (tile && bit(at.site, Group::kTurn, group, at.west_east, slot)) {
      open.push_back({at.site, !at.west_east, Group::kTurn});
    }
    const auto leave = [&](Group out, Group in, bool inside, std::uint32_t next) {
      if (out == at.came || (tile && !bit(at.site, out, group, false, slot))) {
        return;
      }
      if (inside) {
        if (!floorplan_.is_tile(next) || bit(next, in, group, true, slot)) {
          open.push_back({next, at.west_east, in});
        }
        return;
      }
      for (std::uint32_t pad = 0; pad < floorplan_.pads(); ++pad) {
        if (at.west_east && floorplan_.pad(pad).output_row == at.site / columns &&
            floorplan_.pad(pad).east == (out == Group::kBorderEast)) {
          reached.output_pads.insert(pad);
        }
      }
    };
    if (at.west_east) {
      leave(Group::kBorderEast, Group::kBorderWest, at.site % columns + 1 < columns, at.site + 1);
      leave(Group::kBorderWest, Group::kBorderEast, at.site % columns > 0, at.site - 1);
    } else {
      leave(Group::kBorderSouth, Group::kBorderNorth, at.site / columns + 1 < floorplan_.rows(), at.site + columns);
      leave(Group::kBorderNorth, Group::kBorderSouth, at.site >= columns, at.site - columns);
    }
  }
  return reached;
}

std::vector<double> StepEmulator::run(const std::vector<double>& inputs) {
  std::vector<double> outputs(chip_.output_count, 0.0);
  captures_.assign(chip_.output_count, 0);
  charge_.clear();
  for (const mapping::TileAssignment& tile : chip_.tiles) {
    charge_[tile.site].assign(kWires, 0.0);
  }
  for (std::uint32_t slot = 0; slot < slots_; ++slot) {
    on_wire_.clear();
    send(slot, inputs);
    integrate(slot);
    read(slot, outputs);
  }
  return outputs;
}

void StepEmulator::send(std::uint32_t slot, const std::vector<double>& inputs) {
  for (std::uint32_t pad = 0; pad < floorplan_.pads(); ++pad) {
    const std::string name = floorplan_.input_pad_name(pad);
    const std::uint32_t groups = level(name, Group::kPadSend, slot);
    const std::uint32_t address = level(name, Group::kPadSendVector, slot);
    std::vector<double> vector(kWires, 0.0);
    for (const mapping::InputVector& input : chip_.inputs) {
      for (std::uint32_t i = 0; input.pad == pad && input.vector == address && i < input.count; ++i) {
        const double x = inputs.at(input.first + i);
        EXPECT_NE(input.part, mapping::InputPart::kWhole);
        vector.at(input.wire + i) = std::max(input.part == mapping::InputPart::kNegative ? -x : x, 0.0);
      }
    }
    const config::PadSite& place = floorplan_.pad(pad);
    const std::uint32_t site = floorplan_.site(place.input_row, place.east ? floorplan_.columns() - 1 : 0);
    const Group guard = place.east ? Group::kBorderEast : Group::kBorderWest;
    for (int group = 0; group < kWireGroups; ++group) {
      if ((groups >> static_cast<unsigned>(group) & 1U) == 0) {
        continue;
      }
      EXPECT_TRUE(bit(site, guard, group, true, slot)) << name << " is not let in";
      const auto from = vector.begin() + std::ptrdiff_t{group} * kWiresPerGroup;
      for (const Wire& wire : flood(site, true, guard, group, slot).wires) {
        on_wire_[wire].assign(from, from + kWiresPerGroup);
      }
    }
  }
}

void StepEmulator::integrate(std::uint32_t slot) {
  for (const mapping::TileAssignment& tile : chip_.tiles) {
    const std::string name = floorplan_.site_name(tile.site);
    const std::uint32_t columns = level(name, Group::kIntegrate, slot);
    if (columns == 0) {
      continue;
    }
    std::vector<double>& charge = charge_.at(tile.site);
    const bool first = level(name, Group::kWp1, slot) != 0;
    const bool second = level(name, Group::kWp2, slot) != 0;
    EXPECT_TRUE(first || second);
    EXPECT_EQ(level(name, Group::kWp1, slot) | level(name, Group::kWp2, slot), columns);
    EXPECT_TRUE(level(name, Group::kPolarity, slot) == 0 || level(name, Group::kPolarity, slot) == columns);
    const double sign = level(name, Group::kPolarity, slot) == 0 ? 1 : -1;
    for (int row = 0; row < kWires; ++row) {
      const int group = row / kWiresPerGroup;
      if (!bit(tile.site, Group::kRowGate, group, false, slot)) {
        continue;
      }
      const auto wire = on_wire_.find({tile.site, !bit(tile.site, Group::kRowSource, group, false, slot), group});
      if (wire == on_wire_.end()) {
        ADD_FAILURE() << name << " hears nobody in slot " << slot << ", group " << group;
        continue;
      }
      const double x = sign * wire->second[static_cast<std::size_t>(row % kWiresPerGroup)];
      if (x == 0) {
        continue;
      }
      for (const bool wp1 : {true, false}) {
        const tile::WeightMatrix& weights = wp1 ? tile.wp1 : tile.wp2;
        if (!(wp1 ? first : second) || weights.size() == 0) {
          continue;
        }
        const double* const line = weights.data() + std::ptrdiff_t{row} * kWires;
        for (std::size_t column = 0; column < kWires; ++column) {
          charge[column] += (columns >> (column / kWiresPerGroup) & 1U) != 0 ? x * line[column] : 0;
        }
      }
    }
  }
}

double StepEmulator::voltage(std::uint32_t site, int column, std::uint32_t slot) const {
  const int group = column / kWiresPerGroup;
  const std::uint32_t step = floorplan_.columns();
  const auto joined = [&](std::uint32_t north) {
    return north + step < floorplan_.sites() && bit(north, Group::kShareSouth, group, false, slot) &&
           bit(north + step, Group::kShareNorth, group, false, slot);
  };
  std::uint32_t top = site;
  while (top >= step && joined(top - step)) {
    top -= step;
  }
  double sum = 0;
  int count = 0;
  for (std::uint32_t at = top;; at += step) {
    sum += charge_.at(at).at(static_cast<std::size_t>(column));
    ++count;
    if (!joined(at)) {
      return sum * config_.pad.full_scale * config_.pad.ns_per_count * config_.mapping.integration_share / count;
    }
  }
}

void StepEmulator::read(std::uint32_t slot, std::vector<double>& outputs) {
  std::map<std::pair<std::uint32_t, int>, std::vector<double>> heard;  // counts, by pad and wire group
  for (const mapping::TileAssignment& tile : chip_.tiles) {
    const std::string name = floorplan_.site_name(tile.site);
    const std::uint32_t groups = level(name, Group::kColumnOut, slot);
    EXPECT_EQ(groups, level(name, Group::kEnable, slot));
    for (int group = 0; group < kWireGroups; ++group) {
      if ((groups >> static_cast<unsigned>(group) & 1U) == 0) {
        continue;
      }
      EXPECT_EQ(level(name, Group::kRamp, slot), 1U);
      const double slope = level(name, Group::kRampSlope, slot) * config_.tile.slope_per_code;
      const double start =
          static_cast<std::int32_t>(level(name, Group::kRampStart, slot)) * config_.tile.start_per_code;
      std::vector<double> counts;
      for (int column = group * kWiresPerGroup; column < (group + 1) * kWiresPerGroup; ++column) {
        counts.push_back((voltage(tile.site, column, slot) - start) / slope / config_.pad.ns_per_count);
      }
      const Reached reached = flood(tile.site, false, Group::kColumnOut, group, slot);
      EXPECT_EQ(reached.output_pads.size(), 1U) << name << " in slot " << slot << ", group " << group;
      for (const std::uint32_t pad : reached.output_pads) {
        EXPECT_TRUE(heard.try_emplace({pad, group}, counts).second) << "two emissions on a pad's wire group";
      }
    }
  }
  for (std::uint32_t pad = 0; pad < floorplan_.pads(); ++pad) {
    const std::string name = floorplan_.output_pad_name(pad);
    const std::uint32_t groups = level(name, Group::kPadCapture, slot);
    const std::uint32_t address = level(name, Group::kPadCaptureVector, slot);
    for (int group = 0; group < kWireGroups; ++group) {
      EXPECT_EQ(heard.count({pad, group}), groups >> static_cast<unsigned>(group) & 1U)
          << name << " in slot " << slot << ", group " << group;
    }
    for (const mapping::OutputVector& output : chip_.outputs) {
      for (std::uint32_t i = 0; groups != 0 && output.pad == pad && output.vector == address && i < output.count; ++i) {
        const auto wire = static_cast<int>(output.wire + i);
        const auto counts = heard.find({pad, wire / kWiresPerGroup});
        if (counts != heard.end()) {
          const double count = counts->second.at(static_cast<std::size_t>(wire % kWiresPerGroup));
          outputs.at(output.first + i) += (count - output.zero_count) / output.counts_per_unit;
          ++captures_.at(output.first + i);
        }
      }
    }
  }
}

}  // namespace chronotile::testing
