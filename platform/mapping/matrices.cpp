#include "platform/mapping/matrices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "common/user_error.hpp"
#include "platform/mapping/blocks.hpp"
#include "platform/mapping/chip_builder.hpp"
#include "platform/mapping/modes.hpp"
#include "platform/mapping/placement.hpp"
#include "platform/mapping/read_out.hpp"
#include "platform/mapping/router.hpp"
#include "platform/mapping/scale.hpp"
#include "platform/mapping/schedule.hpp"
#include "platform/mapping/timing.hpp"

namespace chronotile::mapping {
namespace {

using isa::Group;

/// Straight ways are preferred, and a pad of the own row to a long way from another one.
constexpr GrowthCosts kInputCosts{14, 5};
constexpr int kForests = 1500;  ///< grown before the routes of the inputs are given up

/// Inputs on the tiles of a grid of chains with the same rows: a row block of a summation group.
struct Block {
  std::size_t shape = 0;
  std::size_t group = 0;
  std::uint32_t row = 0;                    ///< within the group, from north
  std::uint32_t number = 0;                 ///< within the matrix
  std::uint32_t first_input = 0;            ///< of the matrix
  std::array<std::uint32_t, 2> rows{0, 0};  ///< on WP1 (in modes without halves: on both), on WP2
  std::size_t vector = 0;
  std::uint32_t first_group = 0;  ///< wire group of its first input
};

struct Chain {
  std::size_t shape = 0;
  std::size_t group = 0;
  std::uint32_t block = 0;         ///< column block
  std::uint32_t first_output = 0;  ///< of the matrix
  std::uint32_t columns = 0;
  std::vector<std::uint32_t> sites;
  std::uint32_t first_group = 0;  ///< column group of its first output
  std::uint32_t read_slot = 0;
  /// Tile column of output `output` of the chain.
  [[nodiscard]] std::uint32_t column_of(std::uint32_t output) const {
    return (first_group * kWiresPerGroup + output) % kBlock;
  }
  [[nodiscard]] GroupMask groups() const {
    const unsigned mask = unsigned{groups_for(columns)} << first_group;
    return static_cast<GroupMask>(mask | mask >> unsigned{kWireGroups});
  }
};

/// A matrix in blocks of tiles.
struct Shape {
  const Matrix* matrix = nullptr;
  const Mode* mode = nullptr;
  std::vector<Pass> passes;
  std::uint32_t first_input = 0;  ///< of the chip
  std::uint32_t first_output = 0;
  std::vector<std::vector<std::size_t>> blocks;  ///< by group
  std::vector<std::vector<std::size_t>> chains;  ///< by group and column block
  std::vector<Scale> scales;                     ///< by group
};

/// What travels together from input pads in one slot.
struct Vector {
  std::vector<std::size_t> blocks;
  std::uint32_t used = 0;  ///< wire groups
  std::vector<MeshGraph::Vertex> sinks;
  std::vector<std::uint32_t> sink_sites;
  Forest forest;
};

class ChipMapper {
 public:
  ChipMapper(const std::string& network, std::uint32_t chip, const std::vector<const Matrix*>& matrices,
             const config::PlatformConfig& config)
      : network_(network),
        config_(config),
        timing_(slot_timing(config)),
        floorplan_(config.floorplan),
        mesh_(floorplan_),
        free_(floorplan_),
        builder_(config, timing_, mesh_) {
    chip_.index = chip;
    for (const Matrix* matrix : matrices) {
      take(*matrix);
    }
  }

  ChipPlan run() {
    if (shapes_.empty()) {
      return std::move(chip_);
    }
    place_and_route();
    assign_tiles();
    integrate();
    read_out();
    share();
    builder_.finish(chip_);
    return std::move(chip_);
  }

 private:
  [[nodiscard]] std::string place_text() const {
    return fmt::format("mapping of '{}': chip {}", network_, chip_.index);
  }
  [[nodiscard]] std::string place_text(const Matrix& matrix) const {
    return fmt::format("mapping of '{}': matrix '{}'", network_, matrix.name);
  }
  [[nodiscard]] std::string dotted(std::uint32_t site) const {
    return fmt::format("{}.{}", site / floorplan_.columns(), site % floorplan_.columns());
  }

  // ---- the matrices in blocks ---------------------------------------------------------------------------------------

  void check(const Matrix& matrix, const Mode& mode) const {
    const std::uint32_t most = mode.rows_per_tile();
    std::uint64_t rows = 0;
    for (const SummationGroup& group : matrix.groups) {
      for (const std::uint32_t count : group.rows) {
        if (count == 0 || count > most) {
          throw UserError(place_text(matrix), fmt::format("a tile would hold {} rows in mode {}", count, mode.name),
                          fmt::format("Give row blocks of 1 to {}", most));
        }
        rows += count;
      }
      if (group.rows.empty()) {
        throw UserError(place_text(matrix), "a summation group has no rows", "Give each group at least one row block");
      }
      if (group.rows.size() > free_.longest_chain()) {
        throw UserError(place_text(matrix),
                        fmt::format("tiles: {} tiles shall share capacitors below each other; at most {} stand so",
                                    group.rows.size(), free_.longest_chain()),
                        "Split the summation group; the host adds what they give");
      }
    }
    std::uint64_t columns = 0;
    for (const std::uint32_t count : matrix.column_blocks) {
      if (count == 0 || count > kBlock) {
        throw UserError(place_text(matrix), fmt::format("a chain would have {} outputs", count),
                        fmt::format("Give column blocks of 1 to {}", kBlock));
      }
      columns += count;
    }
    if (rows == 0 || rows != matrix.rows || columns == 0 || columns != matrix.columns) {
      throw UserError(place_text(matrix),
                      fmt::format("its blocks have {} rows and {} columns, but it has {} and {}", rows, columns,
                                  matrix.rows, matrix.columns),
                      "Make the sums of the blocks agree with the matrix");
    }
    if (!(matrix.output_full_scale > 0) || !std::isfinite(matrix.output_full_scale)) {
      throw UserError(place_text(matrix), fmt::format("its full scale is {:g}", matrix.output_full_scale),
                      "Give a positive number");
    }
  }

  void take(const Matrix& matrix) {
    Shape shape;
    shape.matrix = &matrix;
    shape.mode = &find_mode(matrix.mode, place_text(matrix));
    check(matrix, *shape.mode);
    shape.first_input = chip_.input_count;
    shape.first_output = chip_.output_count;
    chip_.input_count += matrix.rows;
    chip_.output_count += matrix.columns;
    chip_.matrices.push_back(
        {matrix.name, matrix.mode, matrix.rows, matrix.columns, shape.first_input, shape.first_output,
         matrix.network_weights != 0 ? matrix.network_weights : std::uint64_t{matrix.rows} * matrix.columns});
    bool second = false;
    std::uint32_t first_input = 0;
    std::uint32_t number = 0;
    for (std::size_t group = 0; group < matrix.groups.size(); ++group) {
      shape.blocks.emplace_back();
      for (const std::uint32_t rows : matrix.groups[group].rows) {
        Block block;
        block.shape = shapes_.size();
        block.group = group;
        block.row = static_cast<std::uint32_t>(shape.blocks.back().size());
        block.number = number++;
        block.first_input = first_input;
        block.rows = {std::min(rows, kBlock), rows - std::min(rows, kBlock)};
        second = second || rows > kBlock;
        first_input += rows;
        shape.blocks.back().push_back(blocks_.size());
        blocks_.push_back(block);
      }
      shape.chains.emplace_back();
      std::uint32_t first_output = 0;
      for (std::uint32_t column = 0; column < matrix.column_blocks.size(); ++column) {
        Chain chain;
        chain.shape = shapes_.size();
        chain.group = group;
        chain.block = column;
        chain.first_output = first_output;
        chain.columns = matrix.column_blocks[column];
        first_output += chain.columns;
        shape.chains.back().push_back(chains_.size());
        chains_.push_back(std::move(chain));
      }
    }
    shape.passes = signed_passes(*shape.mode, second);
    shapes_.push_back(std::move(shape));
  }

  [[nodiscard]] std::size_t tiles_of(const Block& block) const {
    return shapes_[block.shape].matrix->column_blocks.size();
  }
  [[nodiscard]] std::size_t passes() const {
    std::size_t most = 0;
    for (const Shape& shape : shapes_) {
      most = std::max(most, shape.passes.size());
    }
    return most;
  }

  // ---- placement ----------------------------------------------------------------------------------------------------

  void place_and_route() {
    std::size_t tiles = 0;
    for (const Block& block : blocks_) {
      tiles += tiles_of(block);
    }
    if (tiles > floorplan_.tiles()) {
      throw UserError(place_text(), fmt::format("tiles: its matrices need {}, it has {}", tiles, floorplan_.tiles()),
                      "Move a matrix to another chip, or use a weight mode that needs fewer tiles (wp1wp2)");
    }
    if (floorplan_.pads() == 0) {
      throw UserError(place_text(), "pads: it has no landing pads", "Change floorplan.pads");
    }
    bool automatic = false;
    for (const Shape& shape : shapes_) {
      for (std::size_t group = 0; group < shape.chains.size(); ++group) {
        if (shape.matrix->groups[group].anchors.empty()) {
          automatic = true;
        } else {
          place_at_anchors(shape, group);
        }
      }
    }
    const FreeSites anchored = free_;
    std::string reason;
    for (std::uint32_t trial = 0; trial < (automatic ? floorplan_.sites() : 1U); ++trial) {
      free_ = anchored;
      if (place_the_rest((config_.mapping.first_site + trial) % floorplan_.sites(), reason) && route(reason)) {
        return;
      }
    }
    throw UserError(place_text(), reason,
                    automatic ? "Move a matrix to another chip, or give placements"
                              : "Change the placement, or move a matrix to another chip");
  }

  void place_at_anchors(const Shape& shape, std::size_t group) {
    const Matrix& matrix = *shape.matrix;
    const std::vector<Anchor>& anchors = matrix.groups[group].anchors;
    const std::vector<std::size_t>& chains = shape.chains[group];
    const std::string remedy = "Give another placement";
    if (chains.size() > anchors.size()) {
      throw UserError(place_text(matrix),
                      fmt::format("summation group {} has {} column blocks, but places for {} chains", group,
                                  chains.size(), anchors.size()),
                      "Give a place for each column block, or none for an automatic placement");
    }
    for (std::size_t column = 0; column < chains.size(); ++column) {
      const Anchor& anchor = anchors[column];
      Chain& chain = chains_[chains[column]];
      for (std::uint32_t row = anchor.row; row < anchor.row + shape.blocks[group].size(); ++row) {
        const std::string what =
            fmt::format("column block {} of summation group {} at {}.{}", column, group, anchor.row, anchor.column);
        if (row >= floorplan_.rows() || anchor.column >= floorplan_.columns()) {
          throw UserError(place_text(matrix), fmt::format("{}: {}.{} is outside the grid", what, row, anchor.column),
                          remedy);
        }
        const std::uint32_t site = floorplan_.site(row, anchor.column);
        if (!floorplan_.is_tile(site)) {
          throw UserError(place_text(matrix), fmt::format("{}: {} is a processing element", what, dotted(site)),
                          remedy);
        }
        if (!free_.is_free(site)) {
          throw UserError(place_text(matrix), fmt::format("{}: {} is taken by {}", what, dotted(site), owner(site)),
                          remedy);
        }
        chain.sites.push_back(site);
        free_.take({{{site}}});
      }
    }
  }

  [[nodiscard]] std::string owner(std::uint32_t site) const {
    for (const Chain& chain : chains_) {
      if (std::find(chain.sites.begin(), chain.sites.end(), site) != chain.sites.end()) {
        return fmt::format("'{}'", shapes_[chain.shape].matrix->name);
      }
    }
    return "another";
  }

  bool place_the_rest(std::uint32_t first_site, std::string& reason) {
    for (const Shape& shape : shapes_) {
      for (std::size_t group = 0; group < shape.chains.size(); ++group) {
        if (!shape.matrix->groups[group].anchors.empty()) {
          continue;
        }
        const std::vector<std::size_t>& chains = shape.chains[group];
        const auto candidates = candidate_placements(free_, static_cast<std::uint32_t>(shape.blocks[group].size()),
                                                     static_cast<std::uint32_t>(chains.size()), first_site);
        if (candidates.empty()) {
          if (reason.empty()) {
            reason = fmt::format("tiles: no {} free chains of {} tiles below each other are left for '{}'",
                                 chains.size(), shape.blocks[group].size(), shape.matrix->name);
          }
          return false;
        }
        for (std::size_t column = 0; column < chains.size(); ++column) {
          chains_[chains[column]].sites = candidates.front().chains[column];
        }
        free_.take(candidates.front());
      }
    }
    return true;
  }

  // ---- routes -------------------------------------------------------------------------------------------------------

  bool route(std::string& reason) {
    const std::size_t pads = floorplan_.pads();
    for (const bool shared : {false, true}) {
      pack(shared);
      if (vectors_.size() > pads) {
        if (shared) {
          reason = fmt::format("pads: its inputs are {} vectors of 512 wires a slot; it has {} input pads",
                               vectors_.size(), pads);
        }
        continue;
      }
      if (!route_inputs()) {
        reason = fmt::format(
            "wires: no way was found by which all {} input vectors reach their tiles in one slot "
            "without sharing a wire group",
            vectors_.size());
        continue;
      }
      std::vector<Emitter> emitters;
      for (const Chain& chain : chains_) {
        emitters.push_back({chain.sites, group_count(chain.columns)});
      }
      auto slots = route_read_out(mesh_, emitters);
      if (!slots) {
        reason = "wires: some chain of tiles finds no way to an output pad";
        return false;
      }
      emissions_ = std::move(*slots);
      return true;
    }
    return false;
  }

  /// Distributes the row blocks over vectors: each its own, or those of fewer than eight wire groups together.
  void pack(bool shared) {
    vectors_.clear();
    std::vector<std::size_t> order(blocks_.size());
    std::iota(order.begin(), order.end(), 0U);
    const auto size = [&](std::size_t block) { return group_count(blocks_[block].rows[0]); };
    if (shared) {
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return size(a) > size(b); });
    }
    for (const std::size_t index : order) {
      auto vector = vectors_.end();
      if (shared) {
        vector = std::find_if(vectors_.begin(), vectors_.end(),
                              [&](const Vector& other) { return other.used + size(index) <= kWireGroups; });
      }
      if (vector == vectors_.end()) {
        vectors_.emplace_back();
        vector = vectors_.end() - 1;
      }
      Block& block = blocks_[index];
      block.vector = static_cast<std::size_t>(vector - vectors_.begin());
      block.first_group = vector->used;
      vector->used += size(index);
      vector->blocks.push_back(index);
      for (const std::size_t chain : shapes_[block.shape].chains[block.group]) {
        vector->sink_sites.push_back(chains_[chain].sites[block.row]);
      }
    }
  }

  /// A forest for each vector, all in one slot; orders in which they are routed are tried until one works.
  bool route_inputs() {
    std::vector<std::size_t> order(vectors_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return vectors_[a].sink_sites.size() > vectors_[b].sink_sites.size();
    });
    int budget = kForests;
    return route_inputs(order, Occupancy(mesh_.size(), 0), budget);
  }

  bool route_inputs(const std::vector<std::size_t>& waiting, const Occupancy& occupied, int& budget) {
    if (waiting.empty()) {
      return true;
    }
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (budget-- <= 0) {
        return false;
      }
      Vector& vector = vectors_[waiting[i]];
      Net net;
      for (std::uint32_t pad = 0; pad < floorplan_.pads(); ++pad) {
        net.sources.push_back(mesh_.input_pad(pad));
      }
      for (const std::uint32_t site : vector.sink_sites) {
        net.sinks.push_back({MeshGraph::west_east(site), MeshGraph::south_north(site)});
      }
      net.groups = groups_for(vector.used * kWiresPerGroup);
      auto forest = grow_forest(mesh_, occupied, net, kInputCosts);
      if (!forest) {
        return false;  // with more wires taken it will not be found either
      }
      Occupancy next = occupied;
      for (const Tree& tree : forest->trees) {
        occupy(mesh_, tree, next);
      }
      vector.forest = std::move(*forest);
      std::vector<std::size_t> rest = waiting;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
      if (route_inputs(rest, next, budget)) {
        return true;
      }
    }
    return false;
  }

  // ---- weights ------------------------------------------------------------------------------------------------------

  void assign_tiles() {
    for (const std::vector<Emission>& slot : emissions_) {
      for (const Emission& emission : slot) {
        chains_[emission.emitter].first_group = emission.first_group;
      }
    }
    for (Shape& shape : shapes_) {
      assign_tiles(shape);
    }
  }

  void assign_tiles(Shape& shape) {
    const Matrix& matrix = *shape.matrix;
    const std::size_t first_tile = chip_.tiles.size();
    std::vector<const Block*> block_of;
    double largest = matrix.weight ? 0 : 1;
    for (std::size_t column = 0; column < matrix.column_blocks.size(); ++column) {
      for (std::size_t group = 0; group < shape.chains.size(); ++group) {
        const Chain& chain = chains_[shape.chains[group][column]];
        for (const std::size_t index : shape.blocks[group]) {
          const Block& block = blocks_[index];
          TileAssignment tile;
          tile.site = chain.sites[block.row];
          tile.layer = matrix.name;
          tile.row_block = block.number;
          tile.column_block = chain.block;
          tile.rows = block.rows[0] + block.rows[1];
          tile.columns = chain.columns;
          tile.mode = matrix.mode;
          tile.group = static_cast<std::uint32_t>(group);
          tile.first_input = shape.first_input + block.first_input;
          tile.first_row = block.first_group * kWiresPerGroup;
          if (matrix.weight) {
            fill(matrix, block, chain, 0, tile.wp1, largest);
            if (block.rows[1] > 0) {
              fill(matrix, block, chain, 1, tile.wp2, largest);
            }
          }
          builder_.controller(floorplan_.site_name(tile.site))
              .set_title(fmt::format("{}, {} rows x {} columns, {}", matrix.name, tile.rows, tile.columns,
                                     shape.mode->remark));
          chip_.tiles.push_back(std::move(tile));
          block_of.push_back(&block);
        }
      }
    }
    for (std::size_t group = 0; group < shape.chains.size(); ++group) {
      const ScaleInput input{matrix.name, largest / matrix.max_weight, shape.mode->factor,
                             static_cast<std::uint32_t>(shape.blocks[group].size()), timing_.input_ns};
      shape.scales.push_back(signed_scale(input, read_out_timing(matrix), config_.tile));
    }
    for (std::size_t i = 0; matrix.weight && i < block_of.size(); ++i) {
      scale(*shape.mode, shape.scales[block_of[i]->group].alpha, chip_.tiles[first_tile + i]);
    }
  }

  /// W transposed onto rows = inputs, in the network's units.
  void fill(const Matrix& matrix, const Block& block, const Chain& chain, std::uint32_t half, tile::WeightMatrix& cells,
            double& largest) const {
    constexpr std::uint32_t kPatch =
        8;  // outputs: a cache line of cells, few rows of weights that may lie a power of 2 apart
    cells = tile::WeightMatrix::Zero(kWires, kWires);
    const std::uint32_t first_input = block.first_input + half * kBlock;
    for (std::uint32_t from = 0; from < chain.columns; from += kPatch) {
      const std::uint32_t to = std::min(chain.columns, from + kPatch);
      for (std::uint32_t row = 0; row < block.rows[half]; ++row) {
        double* const line = &cells(block.first_group * kWiresPerGroup + row, 0);
        for (std::uint32_t output = from; output < to; ++output) {
          const double weight = matrix.weight(chain.first_output + output, first_input + row);
          if (!(std::abs(weight) <= largest)) {
            if (!std::isfinite(weight)) {
              throw UserError(place_text(matrix),
                              fmt::format("the weight of output {} for input {} is not a finite number",
                                          chain.first_output + output, first_input + row),
                              "Give finite weights");
            }
            largest = std::abs(weight);
          }
          line[chain.column_of(output)] = weight;
        }
      }
    }
  }

  static void scale(const Mode& mode, double alpha, TileAssignment& tile) {
    tile.scale = alpha;
    tile.wp1 = (alpha * tile.wp1).cwiseMax(-1.0).cwiseMin(1.0);
    if (tile.wp2.size() != 0) {
      tile.wp2 = (alpha * tile.wp2).cwiseMax(-1.0).cwiseMin(1.0);
    } else if (mode.name == "ab") {
      tile.wp2 = -tile.wp1;
    } else if (mode.name == "quad") {
      tile.wp2 = tile.wp1;
    }
  }

  /// Timing of a read-out whose codes reach the full scale of `matrix`.
  [[nodiscard]] SlotTiming read_out_timing(const Matrix& matrix) const {
    SlotTiming timing = timing_;
    timing.counts_per_unit = (config_.pad.full_scale - timing.zero_count) / matrix.output_full_scale;
    timing.unit_ns = timing.counts_per_unit * config_.pad.ns_per_count;
    return timing;
  }

  // ---- schedule -----------------------------------------------------------------------------------------------------

  ScheduleBuilder& tile_at(std::uint32_t site) { return builder_.controller(floorplan_.site_name(site)); }

  /// Pass of `shape` in slot `slot`; nothing if it rests.
  static const Pass* pass_of(const Shape& shape, std::size_t slot) {
    return slot < shape.passes.size() ? &shape.passes[slot] : nullptr;
  }
  /// Rows of `block` that are integrated in a pass.
  static std::uint32_t rows_in(const Block& block, const Pass& pass) { return block.rows[pass.second ? 1 : 0]; }
  static GroupMask row_groups(const Block& block, std::uint32_t rows) {
    return static_cast<GroupMask>(unsigned{groups_for(rows)} << block.first_group);
  }

  void integrate() {
    for (std::uint32_t slot = 0; slot < passes(); ++slot) {
      for (Vector& vector : vectors_) {
        send(vector, slot);
      }
      for (const Shape& shape : shapes_) {
        if (const Pass* pass = pass_of(shape, slot)) {
          integrate(shape, *pass, slot);
        }
      }
    }
  }

  /// What a block integrates in a slot, and where its tiles hear it.
  struct Part {
    InputVector input;
    GroupMask groups = 0;
    std::string what;
    std::vector<MeshGraph::Vertex> sinks;
  };

  [[nodiscard]] std::vector<Part> parts_of(const Vector& vector, std::uint32_t slot) const {
    std::vector<Part> parts;
    std::size_t sink = 0;
    for (const std::size_t index : vector.blocks) {
      const Block& block = blocks_[index];
      const Shape& shape = shapes_[block.shape];
      const Pass* pass = pass_of(shape, slot);
      const std::uint32_t rows = pass == nullptr ? 0 : rows_in(block, *pass);
      const std::size_t first_sink = sink;
      sink += tiles_of(block);
      if (rows == 0) {
        continue;
      }
      Part& part = parts.emplace_back();
      const std::uint32_t first = block.first_input + (pass->second ? kBlock : 0);
      part.input.first = shape.first_input + first;
      part.input.count = rows;
      part.input.wire = block.first_group * kWiresPerGroup;
      part.input.part = pass->negative ? InputPart::kNegative : InputPart::kPositive;
      part.groups = row_groups(block, rows);
      part.what = fmt::format("{} inputs {}..{} of {}", pass->negative ? "negative" : "positive", first,
                              first + rows - 1, shape.matrix->name);
      part.sinks.assign(vector.forest.reached.begin() + static_cast<std::ptrdiff_t>(first_sink),
                        vector.forest.reached.begin() + static_cast<std::ptrdiff_t>(sink));
    }
    return parts;
  }

  /// The vector's pads send what its blocks integrate in `slot`: each pad only what the tiles on its tree hear.
  void send(const Vector& vector, std::uint32_t slot) {
    const std::vector<Part> parts = parts_of(vector, slot);
    for (const Tree& whole : vector.forest.trees) {
      std::vector<MeshGraph::Vertex> keep;
      std::vector<InputVector> inputs;
      std::vector<std::string> what;
      GroupMask groups = 0;
      for (const Part& part : parts) {
        const std::size_t kept = keep.size();
        std::copy_if(part.sinks.begin(), part.sinks.end(), std::back_inserter(keep), [&](MeshGraph::Vertex vertex) {
          return std::find(whole.reached.begin(), whole.reached.end(), vertex) != whole.reached.end();
        });
        if (keep.size() > kept) {
          inputs.push_back(part.input);
          what.push_back(part.what);
          groups = static_cast<GroupMask>(groups | part.groups);
        }
      }
      if (keep.empty()) {
        continue;
      }
      Tree tree = prune(whole, keep);
      tree.groups = groups;
      builder_.add_route(tree, slot);
      const std::uint32_t pad = mesh_.pad_of(tree.source());
      const std::string name = floorplan_.input_pad_name(pad);
      const std::uint32_t address = input_address(pad, inputs);
      ScheduleBuilder& ilp = builder_.controller(name);
      ilp.set_title("input pad");
      ilp.latch(Group::kPadSendVector, static_cast<std::int32_t>(address), slot, Phase::kPulseStart);
      ilp.pulse(Group::kPadSend, groups, slot, Phase::kPulseStart, Phase::kInputEnd);
      std::vector<std::uint32_t> sites;
      for (const MeshGraph::Vertex vertex : tree.reached) {
        sites.push_back(mesh_.site_of(vertex));
      }
      const std::string text =
          fmt::format("sends {} to tiles {}", fmt::join(what, ", "), sites_text(sites, floorplan_.columns()));
      ilp.note(slot, text);
      builder_.say(slot, fmt::format("{} {}", name, text));
    }
  }

  /// Address in the SRAM of `pad` at which the host writes `inputs`.
  std::uint32_t input_address(std::uint32_t pad, std::vector<InputVector>& inputs) {
    std::uint32_t next = 0;
    for (const InputVector& other : chip_.inputs) {
      if (other.pad != pad) {
        continue;
      }
      next = std::max(next, other.vector + 1);
      const InputVector& first = inputs.front();
      if (other.first == first.first && other.count == first.count && other.wire == first.wire &&
          other.part == first.part && same_as(pad, other.vector, inputs)) {
        return other.vector;
      }
    }
    check_address(floorplan_.input_pad_name(pad), next);
    for (InputVector input : inputs) {
      input.pad = pad;
      input.vector = next;
      chip_.inputs.push_back(input);
    }
    return next;
  }

  /// Whether a vector of a pad holds `inputs` and nothing else.
  [[nodiscard]] bool same_as(std::uint32_t pad, std::uint32_t address, const std::vector<InputVector>& inputs) const {
    std::size_t held = 0;
    for (const InputVector& other : chip_.inputs) {
      if (other.pad == pad && other.vector == address) {
        if (held == inputs.size() || inputs[held].first != other.first || inputs[held].count != other.count ||
            inputs[held].wire != other.wire || inputs[held].part != other.part) {
          return false;
        }
        ++held;
      }
    }
    return held == inputs.size();
  }

  void check_address(const std::string& pad, std::uint32_t address) const {
    if (address >= config_.pad.vectors) {
      throw UserError(place_text(), fmt::format("pads: {} holds only {} vectors", pad, config_.pad.vectors),
                      "Raise pad.vectors");
    }
  }

  void integrate(const Shape& shape, const Pass& pass, std::uint32_t slot) {
    for (std::size_t group = 0; group < shape.chains.size(); ++group) {
      for (const std::size_t index : shape.blocks[group]) {
        const Block& block = blocks_[index];
        const std::uint32_t rows = rows_in(block, pass);
        for (const std::size_t column : shape.chains[group]) {
          const Chain& chain = chains_[column];
          const GroupMask columns = chain.groups();
          const std::uint32_t site = chain.sites[block.row];
          ScheduleBuilder& tile = tile_at(site);
          if (slot == 0) {
            tile.pulse(Group::kPrecharge, columns, slot, Phase::kPrechargeOn, Phase::kPrechargeOff);
          }
          if (rows == 0) {
            continue;
          }
          const GroupMask gates = row_groups(block, rows);
          tile.hold(Group::kRowGate, gates, slot);
          if (heard_at(block, chain) == MeshGraph::south_north(site)) {
            tile.hold(Group::kRowSource, gates, slot);
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
                    fmt::format("integrates {} inputs on {}", pass.negative ? "negative" : "positive", pass.text()));
        }
      }
    }
    builder_.say(slot,
                 fmt::format("{}{} integrates {} inputs on {}", shape.matrix->name, slot == 0 ? " precharges and" : "",
                             pass.negative ? "negative" : "positive", pass.text()));
  }

  /// Wires on which a tile hears its inputs.
  [[nodiscard]] MeshGraph::Vertex heard_at(const Block& block, const Chain& chain) const {
    const Vector& vector = vectors_[block.vector];
    const auto sink = std::find(vector.sink_sites.begin(), vector.sink_sites.end(), chain.sites[block.row]);
    return vector.forest.reached[static_cast<std::size_t>(sink - vector.sink_sites.begin())];
  }

  void read_out() {
    auto slot = static_cast<std::uint32_t>(passes());
    for (const std::vector<Emission>& emissions : emissions_) {
      std::map<std::uint32_t, GroupMask> captured;  // by pad
      std::set<std::size_t> ramps;
      for (const Emission& emission : emissions) {
        GroupMask& groups = captured[mesh_.pad_of(emission.tree.reached.front())];
        groups = static_cast<GroupMask>(groups | emission.tree.groups);
      }
      std::map<std::uint32_t, std::uint32_t> address;
      for (const auto& [pad, groups] : captured) {
        address[pad] = captures_[pad]++;
        const std::string name = floorplan_.output_pad_name(pad);
        check_address(name, address[pad]);
        ScheduleBuilder& olp = builder_.controller(name);
        olp.set_title("output pad");
        olp.latch(Group::kPadCaptureVector, static_cast<std::int32_t>(address[pad]), slot, Phase::kWindowOpen);
        olp.pulse(Group::kPadCapture, groups, slot, Phase::kWindowOpen, Phase::kWindowClose);
      }
      for (const Emission& emission : emissions) {
        emit(emission, slot, address, ramps.insert(emission.emitter).second);
      }
      ++slot;
      if (&emissions == &emissions_.back()) {
        finish(captured, slot - 1);
      }
    }
  }

  void emit(const Emission& emission, std::uint32_t slot, const std::map<std::uint32_t, std::uint32_t>& address,
            bool first_part) {
    Chain& chain = chains_[emission.emitter];
    const Shape& shape = shapes_[chain.shape];
    const Scale& scale = shape.scales[chain.group];
    builder_.add_route(emission.tree, slot);
    const std::string name = builder_.vertex_name(emission.tree.source());
    ScheduleBuilder& tile = builder_.controller(name);
    if (first_part) {
      chain.read_slot = slot;
      tile.hold(Group::kColumnOut, chain.groups(), slot);
      tile.latch(Group::kRampSlope, static_cast<std::int32_t>(scale.slope_code), slot, Phase::kPulseStart);
      tile.latch(Group::kRampStart, scale.start_code, slot, Phase::kPulseStart);
      tile.pulse(Group::kRamp, 1, slot, Phase::kPulseStart, Phase::kRampStop);
      tile.pulse(Group::kEnable, chain.groups(), slot, Phase::kPulseStart, Phase::kPulseEnd);
    }
    const std::uint32_t begin = emission.part_first * kWiresPerGroup;
    const SlotTiming timing = read_out_timing(*shape.matrix);
    OutputVector output;
    output.pad = mesh_.pad_of(emission.tree.reached.front());
    output.vector = address.at(output.pad);
    output.wire = chain.column_of(begin);
    output.first = shape.first_output + chain.first_output + begin;
    output.count = std::min(emission.part_groups * kWiresPerGroup, chain.columns - begin);
    output.zero_count = timing.zero_count;
    output.counts_per_unit = timing.counts_per_unit;
    output.layer = shape.matrix->name;
    output.group = static_cast<std::uint32_t>(chain.group);
    output.column_block = chain.block;
    const std::string pad = floorplan_.output_pad_name(output.pad);
    const std::uint32_t first = chain.first_output + begin;
    const std::string what =
        fmt::format("outputs {}..{} of {}{}", first, first + output.count - 1, shape.matrix->name,
                    shape.chains.size() > 1 ? fmt::format(" (rows {})", rows_text(shape, chain.group)) : "");
    tile.note(slot, fmt::format("emits {} to {}, signed (ramp through zero)", what, pad));
    builder_.controller(pad).note(slot, fmt::format("captures {} from {}", what, name));
    builder_.say(slot, fmt::format("{} emits {} to {}", name, what, pad));
    chip_.outputs.push_back(output);
  }

  [[nodiscard]] std::string rows_text(const Shape& shape, std::size_t group) const {
    const Block& last = blocks_[shape.blocks[group].back()];
    return fmt::format("{}..{}", blocks_[shape.blocks[group].front()].first_input,
                       last.first_input + last.rows[0] + last.rows[1] - 1);
  }

  void finish(const std::map<std::uint32_t, GroupMask>& captured, std::uint32_t slot) {
    for (const auto& [pad, groups] : captured) {
      const std::string name = floorplan_.output_pad_name(pad);
      builder_.controller(name).interrupt(slot);
      chip_.finishers.push_back(name);
    }
    builder_.say(slot, fmt::format("interrupt to the host: {}", fmt::join(chip_.finishers, ", ")));
  }

  /// Capacitors of a chain stay joined from the precharge to the chain's read-out.
  void share() {
    for (const Chain& chain : chains_) {
      for (std::size_t row = 0; row < chain.sites.size(); ++row) {
        ScheduleBuilder& tile = tile_at(chain.sites[row]);
        for (std::uint32_t slot = 0; slot <= chain.read_slot; ++slot) {
          if (row > 0) {
            tile.hold(Group::kShareNorth, chain.groups(), slot, Phase::kPrechargeOn);
          }
          if (row + 1 < chain.sites.size()) {
            tile.hold(Group::kShareSouth, chain.groups(), slot, Phase::kPrechargeOn);
          }
        }
      }
    }
  }

  const std::string& network_;
  const config::PlatformConfig& config_;
  SlotTiming timing_;
  chip::Floorplan floorplan_;
  MeshGraph mesh_;
  FreeSites free_;
  ChipBuilder builder_;

  std::vector<Shape> shapes_;
  std::vector<Block> blocks_;
  std::vector<Chain> chains_;
  std::vector<Vector> vectors_;
  std::vector<std::vector<Emission>> emissions_;     ///< by slot of the read-out
  std::map<std::uint32_t, std::uint32_t> captures_;  ///< vectors of each output pad so far
  ChipPlan chip_;
};

/// Number at the front of `text`, which is taken off.
std::optional<std::uint32_t> take_number(std::string_view& text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::optional<Anchor> take_anchor(std::string_view& text) {
  const auto row = take_number(text);
  if (!row || text.empty() || text.front() != '.') {
    return std::nullopt;
  }
  text.remove_prefix(1);
  const auto column = take_number(text);
  return column ? std::optional{Anchor{*row, *column}} : std::nullopt;
}

/// "0.0" or "0.0-0.5".
bool take_range(std::string_view word, std::vector<Anchor>& anchors) {
  constexpr std::uint32_t kMostSites = 64;
  const auto first = take_anchor(word);
  if (!first) {
    return false;
  }
  Anchor last = *first;
  if (!word.empty() && word.front() == '-') {
    word.remove_prefix(1);
    const auto end = take_anchor(word);
    if (!end || end->row != first->row || end->column < first->column || end->column - first->column >= kMostSites) {
      return false;
    }
    last = *end;
  }
  for (std::uint32_t column = first->column; column <= last.column; ++column) {
    anchors.push_back({first->row, column});
  }
  return word.empty();
}

}  // namespace

std::vector<Anchor> parse_anchors(const std::string& text, const std::string& place) {
  constexpr std::string_view kBlanks = " \t\n";
  std::vector<Anchor> anchors;
  std::string_view rest = text;
  for (auto at = rest.find_first_not_of(kBlanks); at != std::string_view::npos; at = rest.find_first_not_of(kBlanks)) {
    rest.remove_prefix(at);
    const std::string_view word = rest.substr(0, rest.find_first_of(kBlanks));
    if (!take_range(word, anchors)) {
      throw UserError(place, fmt::format("'{}' is not a place on the grid", word),
                      "Write ROW.COLUMN or a range within a row, for example 0.0-0.5 2.0");
    }
    rest.remove_prefix(word.size());
  }
  return anchors;
}

Plan map_matrices(const MatrixNetwork& network, std::uint32_t chips, const config::PlatformConfig& config) {
  const std::string place = fmt::format("mapping of '{}'", network.name);
  std::vector<std::vector<const Matrix*>> on_chip(chips);
  std::uint32_t needed = 0;
  for (const Matrix& matrix : network.matrices) {
    needed = std::max(needed, matrix.chip + 1);
  }
  if (network.matrices.empty()) {
    throw UserError(place, "the network has no matrices", "Give a network with at least one matrix");
  }
  if (needed > chips) {
    throw UserError(place, fmt::format("chips: it needs {}, the board has {}", needed, chips),
                    "Use a board with more chips, or move matrices to other chips");
  }
  Plan plan;
  plan.workload = network.name;
  std::set<std::string> names;
  for (const Matrix& matrix : network.matrices) {
    if (!names.insert(matrix.name).second) {
      throw UserError(place, fmt::format("two matrices are called '{}'", matrix.name), "Give each a name of its own");
    }
    on_chip[matrix.chip].push_back(&matrix);
    const Mode& mode = find_mode(matrix.mode, fmt::format("{}: matrix '{}'", place, matrix.name));
    plan.cells_programmed += std::uint64_t{matrix.rows} * matrix.columns * (mode.second_set && !mode.halves ? 2U : 1U);
  }
  for (std::uint32_t chip = 0; chip < chips; ++chip) {
    plan.chips.push_back(ChipMapper(network.name, chip, on_chip[chip], config).run());
    plan.network_inputs += plan.chips.back().input_count;
    plan.network_outputs += plan.chips.back().output_count;
    for (const MatrixUse& use : plan.chips.back().matrices) {
      plan.weights_on_tiles += use.network_weights;
    }
  }
  return plan;
}

}  // namespace chronotile::mapping
