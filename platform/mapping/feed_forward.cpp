#include "platform/mapping/feed_forward.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/user_error.hpp"
#include "platform/mapping/blocks.hpp"
#include "platform/mapping/chip_builder.hpp"
#include "platform/mapping/modes.hpp"
#include "platform/mapping/placement.hpp"
#include "platform/mapping/router.hpp"
#include "platform/mapping/scale.hpp"
#include "platform/mapping/schedule.hpp"
#include "platform/mapping/timing.hpp"

namespace chronotile::mapping {
namespace {

using isa::Group;
using tile::WeightMatrix;

constexpr int kPlacementTrials = 4000;

/// A layer in blocks of tiles.
struct Shape {
  const Layer* layer = nullptr;
  std::uint32_t inputs = 0;
  std::uint32_t outputs = 0;
  std::uint32_t row_blocks = 0;     ///< tiles of a chain
  std::uint32_t column_blocks = 0;  ///< chains
  std::vector<Pass> passes;
  bool halves = false;
  Scale scale;

  [[nodiscard]] std::uint32_t rows_per_tile() const { return halves ? 2 * kBlock : kBlock; }
  /// Block of 512 inputs that row block `row` integrates in `pass`; nothing if it rests.
  [[nodiscard]] std::optional<std::uint32_t> input_block(std::size_t pass, std::uint32_t row) const {
    const std::uint32_t block = halves ? 2 * row + static_cast<std::uint32_t>(pass) : row;
    return block * kBlock < inputs ? std::optional{block} : std::nullopt;
  }
  [[nodiscard]] std::uint32_t block_rows(std::uint32_t block) const {
    return std::min(kBlock, inputs - block * kBlock);
  }
  [[nodiscard]] std::uint32_t block_columns(std::uint32_t block) const {
    return std::min(kBlock, outputs - block * kBlock);
  }
  [[nodiscard]] std::uint32_t tiles() const { return row_blocks * column_blocks; }
};

/// The vectors that travel in one slot.
struct SlotRoutes {
  std::vector<std::uint32_t> blocks;  ///< 512-blocks of inputs or outputs, one per tree
  std::vector<std::uint32_t> rows;    ///< row block of the receiving layer that hears it
  std::vector<Tree> trees;
};

class Mapper {
 public:
  Mapper(const Network& network, const config::PlatformConfig& config)
      : network_(network),
        config_(config),
        mode_(find_mode(config.mapping.weight_mode, "mapping.weight_mode")),
        timing_(slot_timing(config)),
        floorplan_(config.floorplan),
        mesh_(floorplan_),
        free_(floorplan_),
        builder_(config, timing_, mesh_) {}

  Plan run() {
    take_shapes();
    check_limits();
    if (!place(0)) {
      refuse_routes();
    }
    ChipPlan chip;
    assign_tiles(chip);
    build_schedule(chip);
    builder_.finish(chip);
    return finish(std::move(chip));
  }

 private:
  [[nodiscard]] std::string place_text() const { return fmt::format("mapping of '{}'", network_.name); }

  // ---- the network in blocks ----------------------------------------------------------------------------------------

  void take_shapes() {
    if (network_.layers.empty()) {
      throw UserError(place_text(), "the network has no layers", "Give a network with at least one layer");
    }
    for (const Layer& layer : network_.layers) {
      const std::string where = fmt::format("{}: layer '{}'", place_text(), layer.name);
      Shape shape;
      shape.layer = &layer;
      shape.inputs = static_cast<std::uint32_t>(layer.weights.cols());
      shape.outputs = static_cast<std::uint32_t>(layer.weights.rows());
      if (layer.weights.size() == 0 || !layer.weights.allFinite()) {
        throw UserError(where, layer.weights.size() == 0 ? "it has no weights" : "a weight is not a finite number",
                        "Give a matrix of outputs x inputs");
      }
      if (!shapes_.empty() && shapes_.back().outputs != shape.inputs) {
        throw UserError(
            where,
            fmt::format("it has {} inputs, but the layer before has {} outputs", shape.inputs, shapes_.back().outputs),
            "Make the sizes of neighbouring layers agree");
      }
      shape.passes = unsigned_passes(mode_, shape.inputs > kBlock);
      shape.halves = mode_.halves;
      shape.row_blocks = blocks_of(shape.inputs, shape.rows_per_tile());
      shape.column_blocks = blocks_of(shape.outputs, kBlock);
      const double input_ns = shapes_.empty() ? timing_.input_ns : timing_.emission_ns;
      const double largest = layer.weights.cwiseAbs().maxCoeff() / config_.mapping.max_weight;
      const ScaleInput scale{layer.name, largest, mode_.factor, shape.row_blocks, input_ns};
      const bool last = &layer == &network_.layers.back();
      shape.scale = last ? signed_scale(scale, timing_, config_.tile) : relu_scale(scale, timing_, config_.tile);
      shapes_.push_back(std::move(shape));
    }
    placements_.resize(shapes_.size());
    transfers_.resize(shapes_.size());
  }

  void check_limits() const {
    std::uint32_t tiles = 0;
    for (const Shape& shape : shapes_) {
      tiles += shape.tiles();
      if (shape.row_blocks > free_.longest_chain()) {
        throw UserError(
            fmt::format("{}: layer '{}'", place_text(), shape.layer->name),
            fmt::format("tiles: its {} inputs need {} tiles that share capacitors below each other; at most "
                        "{} stand so",
                        shape.inputs, shape.row_blocks, free_.longest_chain()),
            "Use mapping.weight_mode = wp1wp2 (1,024 rows a tile), or split the layer");
      }
    }
    if (tiles > free_.count()) {
      throw UserError(place_text(), fmt::format("tiles: it needs {}, the chip has {}", tiles, free_.count()),
                      "Use a smaller network, or a weight mode that needs fewer tiles (wp1wp2)");
    }
    if (config_.mapping.first_site >= floorplan_.sites()) {
      throw UserError("mapping.first_site",
                      fmt::format("{} is not one of the {} sites", config_.mapping.first_site, floorplan_.sites()),
                      fmt::format("Give a number from 0 to {}", floorplan_.sites() - 1));
    }
    const Shape& first = shapes_.front();
    if (first.row_blocks > floorplan_.pads()) {
      throw UserError(place_text(),
                      fmt::format("pads: {} vectors of 512 inputs must be sent in one slot; the chip has {} input pads",
                                  first.row_blocks, floorplan_.pads()),
                      "Use fewer inputs, or mapping.weight_mode = wp1wp2");
    }
    if (floorplan_.pads() == 0 || config_.pad.vectors == 0) {
      throw UserError(place_text(), "pads: the chip has no landing pads with memory",
                      "Change floorplan.pads, pad.vectors");
    }
  }

  // ---- placement and routes -----------------------------------------------------------------------------------------

  /// Places layer `index` and all behind it.
  bool place(std::size_t index) {
    if (index == shapes_.size()) {
      return route_read_out();
    }
    const Shape& shape = shapes_[index];
    const auto candidates =
        candidate_placements(free_, shape.row_blocks, shape.column_blocks, config_.mapping.first_site);
    deepest_ = std::max(deepest_, index);
    any_candidate_[index] = any_candidate_[index] || !candidates.empty();
    for (const LayerPlacement& candidate : candidates) {
      if (++trials_ > kPlacementTrials) {
        return false;
      }
      placements_[index] = candidate;
      if (!route_transfer(index)) {
        continue;
      }
      free_.take(candidate);
      if (place(index + 1)) {
        return true;
      }
      free_.give_back(candidate);
    }
    return false;
  }

  /// Routes what layer `index` integrates, pass by pass; passes with the same vectors take the same ways.
  bool route_transfer(std::size_t index) {
    const Shape& shape = shapes_[index];
    transfers_[index].clear();
    for (std::size_t pass = 0; pass < shape.passes.size(); ++pass) {
      if (pass > 0 && !shape.halves) {
        transfers_[index].push_back(transfers_[index].front());
        continue;
      }
      SlotRoutes slot;
      std::vector<Net> nets;
      for (std::uint32_t row = 0; row < shape.row_blocks; ++row) {
        const auto block = shape.input_block(pass, row);
        if (!block) {
          continue;
        }
        Net net{sources_of(index, *block), {}, groups_for(shape.block_rows(*block))};
        for (const auto& chain : placements_[index].chains) {
          net.sinks.push_back({MeshGraph::west_east(chain[row]), MeshGraph::south_north(chain[row])});
        }
        slot.blocks.push_back(*block);
        slot.rows.push_back(row);
        nets.push_back(std::move(net));
      }
      auto trees = route_slot(mesh_, nets, {});
      if (!trees) {
        return false;
      }
      slot.trees = std::move(*trees);
      transfers_[index].push_back(std::move(slot));
    }
    return true;
  }

  /// Where block `block` of the inputs of layer `index` can come from.
  [[nodiscard]] std::vector<MeshGraph::Vertex> sources_of(std::size_t index, std::uint32_t block) const {
    std::vector<MeshGraph::Vertex> sources;
    if (index == 0) {
      for (std::uint32_t pad = 0; pad < floorplan_.pads(); ++pad) {
        sources.push_back(mesh_.input_pad(pad));
      }
    } else {
      for (const std::uint32_t site : placements_[index - 1].chains[block]) {
        sources.push_back(MeshGraph::south_north(site));
      }
    }
    return sources;
  }

  /// Each column block of the last layer to an output pad, in as few slots as this order gives.
  bool route_read_out() {
    deepest_ = shapes_.size();
    const Shape& shape = shapes_.back();
    read_outs_.clear();
    std::vector<MeshGraph::Vertex> pads;
    for (std::uint32_t pad = 0; pad < floorplan_.pads(); ++pad) {
      pads.push_back(mesh_.output_pad(pad));
    }
    std::vector<std::uint32_t> waiting;
    for (std::uint32_t block = 0; block < shape.column_blocks; ++block) {
      waiting.push_back(block);
    }
    while (!waiting.empty()) {
      SlotRoutes slot;
      Occupancy occupied(mesh_.size(), 0);
      std::vector<std::uint32_t> later;
      for (const std::uint32_t block : waiting) {
        const Net net{sources_of(shapes_.size(), block), {pads}, groups_for(shape.block_columns(block))};
        auto trees = route_slot(mesh_, {net}, occupied);
        if (!trees) {
          later.push_back(block);
          continue;
        }
        occupy(mesh_, trees->front(), occupied);
        slot.blocks.push_back(block);
        slot.rows.push_back(0);
        slot.trees.push_back(std::move(trees->front()));
      }
      if (slot.trees.empty()) {
        return false;
      }
      read_outs_.push_back(std::move(slot));
      waiting = std::move(later);
    }
    return true;
  }

  [[noreturn]] void refuse_routes() const {
    if (deepest_ < shapes_.size() && !any_candidate_.at(deepest_)) {
      const Shape& shape = shapes_[deepest_];
      throw UserError(fmt::format("{}: layer '{}'", place_text(), shape.layer->name),
                      fmt::format("tiles: no {} free chains of {} tiles below each other are left for it",
                                  shape.column_blocks, shape.row_blocks),
                      "Use another mapping.first_site or a weight mode that needs fewer tiles");
    }
    const std::string what = deepest_ == shapes_.size() ? std::string("the read-out")
                                                        : fmt::format("layer '{}'", shapes_[deepest_].layer->name);
    throw UserError(
        fmt::format("{}: {}", place_text(), what),
        fmt::format("wires: no placement was found whose vectors reach it in one slot without sharing a wire "
                    "group ({} placements tried)",
                    trials_),
        "Use another mapping.first_site, or a weight mode that needs fewer tiles");
  }

  // ---- weights ------------------------------------------------------------------------------------------------------

  /// `rows` x `columns` of alpha * W, transposed onto rows = inputs.
  static WeightMatrix cells(const Shape& shape, std::uint32_t first_row, std::uint32_t first_column) {
    WeightMatrix cells = WeightMatrix::Zero(kWires, kWires);
    if (first_row >= shape.inputs) {
      return cells;
    }
    const std::uint32_t rows = std::min(kBlock, shape.inputs - first_row);
    const std::uint32_t columns = std::min(kBlock, shape.outputs - first_column);
    cells.topLeftCorner(rows, columns) =
        (shape.scale.alpha * shape.layer->weights.block(first_column, first_row, columns, rows).transpose())
            .cwiseMax(-1.0)
            .cwiseMin(1.0)
            .cast<WeightMatrix::Scalar>();
    return cells;
  }

  void assign_tiles(ChipPlan& chip) const {
    for (std::size_t index = 0; index < shapes_.size(); ++index) {
      const Shape& shape = shapes_[index];
      for (std::uint32_t column = 0; column < shape.column_blocks; ++column) {
        for (std::uint32_t row = 0; row < shape.row_blocks; ++row) {
          TileAssignment tile;
          tile.site = placements_[index].chains[column][row];
          tile.layer = shape.layer->name;
          tile.row_block = row;
          tile.column_block = column;
          tile.rows = std::min(shape.rows_per_tile(), shape.inputs - row * shape.rows_per_tile());
          tile.columns = shape.block_columns(column);
          tile.mode = mode_.name;
          tile.first_input = row * shape.rows_per_tile();
          tile.scale = shape.scale.alpha;
          tile.wp1 = cells(shape, row * shape.rows_per_tile(), column * kBlock);
          if (mode_.halves) {
            if (tile.rows > kBlock) {
              tile.wp2 = cells(shape, row * shape.rows_per_tile() + kBlock, column * kBlock);
            }
          } else if (mode_.name == "ab") {
            tile.wp2 = -tile.wp1;
          } else if (mode_.second_set) {
            tile.wp2 = tile.wp1;
          }
          chip.tiles.push_back(std::move(tile));
        }
      }
    }
  }

  // ---- schedule -----------------------------------------------------------------------------------------------------

  ScheduleBuilder& controller(const std::string& name) { return builder_.controller(name); }
  [[nodiscard]] std::string tile_name(std::uint32_t site) const { return floorplan_.site_name(site); }
  [[nodiscard]] std::string vertex_name(MeshGraph::Vertex vertex) const { return builder_.vertex_name(vertex); }
  void say(std::uint32_t slot, std::string what) { builder_.say(slot, std::move(what)); }

  static std::string range(std::uint32_t block, std::uint32_t count) {
    return fmt::format("{}..{}", block * kBlock, block * kBlock + count - 1);
  }

  void build_schedule(ChipPlan& chip) {
    std::uint32_t slot = 0;
    for (std::size_t index = 0; index < shapes_.size(); ++index) {
      first_slot_.push_back(slot);
      for (std::size_t pass = 0; pass < shapes_[index].passes.size(); ++pass, ++slot) {
        const SlotRoutes& routes = transfers_[index][pass];
        for (std::size_t i = 0; i < routes.trees.size(); ++i) {
          builder_.add_route(routes.trees[i], slot);
          if (index == 0) {
            send(chip, routes, i, slot);
          } else {
            emit_block(index - 1, routes.blocks[i], routes.trees[i], slot);
          }
        }
        integrate(index, pass, routes, slot);
      }
    }
    first_slot_.push_back(slot);
    for (const SlotRoutes& routes : read_outs_) {
      for (std::size_t i = 0; i < routes.trees.size(); ++i) {
        builder_.add_route(routes.trees[i], slot);
        emit_block(shapes_.size() - 1, routes.blocks[i], routes.trees[i], slot);
        capture(chip, routes, i, slot);
      }
      ++slot;
    }
    share();
    for (const Tree& tree : read_outs_.back().trees) {
      const std::string pad = vertex_name(tree.reached.front());
      controller(pad).interrupt(slot - 1);
      chip.finishers.push_back(pad);
    }
    say(slot - 1, fmt::format("interrupt to the host: {}", fmt::join(chip.finishers, ", ")));
  }

  /// An input pad sends a block of the network's inputs.
  void send(ChipPlan& chip, const SlotRoutes& routes, std::size_t i, std::uint32_t slot) {
    const Tree& tree = routes.trees[i];
    const std::uint32_t block = routes.blocks[i];
    const std::uint32_t pad = mesh_.pad_of(tree.source());
    const std::uint32_t count = shapes_.front().block_rows(block);
    auto input = std::find_if(chip.inputs.begin(), chip.inputs.end(), [&](const InputVector& vector) {
      return vector.pad == pad && vector.first == block * kBlock;
    });
    if (input == chip.inputs.end()) {
      const auto vector = static_cast<std::uint32_t>(std::count_if(
          chip.inputs.begin(), chip.inputs.end(), [&](const InputVector& other) { return other.pad == pad; }));
      if (vector >= config_.pad.vectors) {
        throw UserError(
            place_text(),
            fmt::format("pads: {} holds only {} vectors", floorplan_.input_pad_name(pad), config_.pad.vectors),
            "Raise pad.vectors");
      }
      chip.inputs.push_back({pad, vector, block * kBlock, count});
      input = chip.inputs.end() - 1;
    }
    ScheduleBuilder& ilp = controller(floorplan_.input_pad_name(pad));
    ilp.latch(Group::kPadSendVector, static_cast<std::int32_t>(input->vector), slot, Phase::kPulseStart);
    ilp.pulse(Group::kPadSend, tree.groups, slot, Phase::kPulseStart, Phase::kInputEnd);
    ilp.set_title("input pad");
    const std::string what = fmt::format("inputs {} to {}", range(block, count), receivers(tree));
    ilp.note(slot, "sends " + what);
    say(slot, fmt::format("{} sends {}", floorplan_.input_pad_name(pad), what));
  }

  [[nodiscard]] std::string receivers(const Tree& tree) const {
    return fmt::format("{}", fmt::join(builder_.receivers(tree), ", "));
  }

  /// A tile of layer `index` turns the voltages of column block `block` into pulses.
  void emit_block(std::size_t index, std::uint32_t block, const Tree& tree, std::uint32_t slot) {
    const Shape& shape = shapes_[index];
    const bool read_out = index + 1 == shapes_.size();
    const std::string name = vertex_name(tree.source());
    ScheduleBuilder& tile = controller(name);
    const Phase start = read_out ? Phase::kPulseStart : Phase::kRampStart;
    tile.hold(Group::kColumnOut, tree.groups, slot);
    tile.latch(Group::kRampSlope, static_cast<std::int32_t>(shape.scale.slope_code), slot, start);
    tile.latch(Group::kRampStart, shape.scale.start_code, slot, start);
    tile.pulse(Group::kRamp, 1, slot, start, read_out ? Phase::kRampStop : Phase::kInputRampStop);
    tile.pulse(Group::kEnable, tree.groups, slot, Phase::kPulseStart, read_out ? Phase::kPulseEnd : Phase::kInputEnd);
    const std::string what =
        fmt::format("outputs {} of {} to {}{}", range(block, shape.block_columns(block)), shape.layer->name,
                    receivers(tree), read_out ? ", signed (ramp through zero)" : ", clipped to 0..1");
    tile.note(slot, "emits " + what);
    say(slot, fmt::format("{} emits {}", name, what));
    last_emission_[{index, block}] = slot;
  }

  void integrate(std::size_t index, std::size_t pass_index, const SlotRoutes& routes, std::uint32_t slot) {
    const Shape& shape = shapes_[index];
    const Pass& pass = shape.passes[pass_index];
    for (std::uint32_t column = 0; column < shape.column_blocks; ++column) {
      const GroupMask columns = groups_for(shape.block_columns(column));
      for (std::uint32_t row = 0; row < shape.row_blocks; ++row) {
        const std::uint32_t site = placements_[index].chains[column][row];
        ScheduleBuilder& tile = controller(tile_name(site));
        if (pass_index == 0) {
          tile.pulse(Group::kPrecharge, columns, slot, Phase::kPrechargeOn, Phase::kPrechargeOff);
          const std::uint32_t inputs = std::min(shape.rows_per_tile(), shape.inputs - row * shape.rows_per_tile());
          tile.set_title(fmt::format("layer {}, {} rows x {} columns, {}", shape.layer->name, inputs,
                                     shape.block_columns(column), mode_.remark));
        }
        const auto heard = std::find(routes.rows.begin(), routes.rows.end(), row);
        if (heard == routes.rows.end()) {
          continue;  // no rows in this pass
        }
        const Tree& tree = routes.trees[static_cast<std::size_t>(heard - routes.rows.begin())];
        tile.hold(Group::kRowGate, tree.groups, slot);
        if (tree.reached[column] == MeshGraph::south_north(site)) {
          tile.hold(Group::kRowSource, tree.groups, slot);
        }
        if (pass.wp1) {
          tile.hold(Group::kWp1, columns, slot);
        }
        if (pass.wp2) {
          tile.hold(Group::kWp2, columns, slot);
        }
        if (pass.swapped) {
          tile.hold(Group::kPolarity, columns, slot);
        }
        tile.pulse(Group::kIntegrate, columns, slot, Phase::kWindowOpen, Phase::kInputWindowClose);
        tile.note(slot,
                  fmt::format("integrates on {} (pass {} of {})", pass.text(), pass_index + 1, shape.passes.size()));
      }
    }
    say(slot, fmt::format("{}{} integrates on {} (pass {} of {})", shape.layer->name,
                          pass_index == 0 ? " precharges and" : "", pass.text(), pass_index + 1, shape.passes.size()));
  }

  /// Capacitors of a chain stay joined from the precharge to the chain's last emission.
  void share() {
    for (std::size_t index = 0; index < shapes_.size(); ++index) {
      const Shape& shape = shapes_[index];
      for (std::uint32_t column = 0; column < shape.column_blocks; ++column) {
        const GroupMask columns = groups_for(shape.block_columns(column));
        for (std::uint32_t row = 0; row < shape.row_blocks; ++row) {
          ScheduleBuilder& tile = controller(tile_name(placements_[index].chains[column][row]));
          const std::uint32_t last = last_emission_.at({index, column});
          for (std::uint32_t slot = first_slot_[index]; slot <= last; ++slot) {
            if (row > 0) {
              tile.hold(Group::kShareNorth, columns, slot, Phase::kPrechargeOn);
            }
            if (row + 1 < shape.row_blocks) {
              tile.hold(Group::kShareSouth, columns, slot, Phase::kPrechargeOn);
            }
          }
        }
      }
    }
  }

  void capture(ChipPlan& chip, const SlotRoutes& routes, std::size_t i, std::uint32_t slot) {
    const Tree& tree = routes.trees[i];
    const std::uint32_t block = routes.blocks[i];
    const std::uint32_t pad = mesh_.pad_of(tree.reached.front());
    const auto vector = static_cast<std::uint32_t>(std::count_if(
        chip.outputs.begin(), chip.outputs.end(), [&](const OutputVector& other) { return other.pad == pad; }));
    if (vector >= config_.pad.vectors) {
      throw UserError(
          place_text(),
          fmt::format("pads: {} holds only {} vectors", floorplan_.output_pad_name(pad), config_.pad.vectors),
          "Raise pad.vectors");
    }
    OutputVector output;
    output.pad = pad;
    output.vector = vector;
    output.first = block * kBlock;
    output.count = shapes_.back().block_columns(block);
    output.zero_count = timing_.zero_count;
    output.counts_per_unit = timing_.counts_per_unit;
    output.layer = shapes_.back().layer->name;
    output.column_block = block;
    ScheduleBuilder& olp = controller(floorplan_.output_pad_name(pad));
    olp.latch(Group::kPadCaptureVector, static_cast<std::int32_t>(vector), slot, Phase::kWindowOpen);
    olp.pulse(Group::kPadCapture, tree.groups, slot, Phase::kWindowOpen, Phase::kWindowClose);
    olp.set_title("output pad");
    const std::string what =
        fmt::format("captures outputs {} from {}", range(block, output.count), vertex_name(tree.source()));
    olp.note(slot, what);
    say(slot, fmt::format("{} {}", floorplan_.output_pad_name(pad), what));
    chip.outputs.push_back(output);
  }

  Plan finish(ChipPlan chip) const {
    Plan plan;
    plan.workload = network_.name;
    plan.network_inputs = shapes_.front().inputs;
    plan.network_outputs = shapes_.back().outputs;
    for (const Shape& shape : shapes_) {
      plan.weights_on_tiles += std::uint64_t{shape.inputs} * shape.outputs;
    }
    plan.cells_programmed = plan.weights_on_tiles * (mode_.second_set && !mode_.halves ? 2U : 1U);
    chip.chained = true;
    chip.input_count = plan.network_inputs;
    chip.output_count = plan.network_outputs;
    chip.matrices.push_back({network_.name, std::string(mode_.name), plan.network_inputs, plan.network_outputs, 0, 0,
                             plan.weights_on_tiles});
    plan.chips.push_back(std::move(chip));
    return plan;
  }

  const Network& network_;
  const config::PlatformConfig& config_;
  const Mode& mode_;
  SlotTiming timing_;
  chip::Floorplan floorplan_;
  MeshGraph mesh_;
  FreeSites free_;

  std::vector<Shape> shapes_;
  std::vector<LayerPlacement> placements_;
  std::vector<std::vector<SlotRoutes>> transfers_;  ///< what layer k integrates, by pass
  std::vector<SlotRoutes> read_outs_;               ///< by slot of the read-out
  std::size_t deepest_ = 0;
  std::map<std::size_t, bool> any_candidate_;
  int trials_ = 0;

  std::vector<std::uint32_t> first_slot_;  ///< of each layer's integration; last: of the read-out
  std::map<std::pair<std::size_t, std::uint32_t>, std::uint32_t> last_emission_;  ///< (layer, column block) -> slot
  ChipBuilder builder_;
};

}  // namespace

Plan map_feed_forward(const Network& network, const config::PlatformConfig& config) {
  return Mapper(network, config).run();
}

}  // namespace chronotile::mapping
