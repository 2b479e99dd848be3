#include "platform/mapping/report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "platform/chip/floorplan.hpp"
#include "platform/mapping/placement.hpp"

namespace chronotile::mapping {
namespace {

/// The tiles of one layer together.
struct LayerUse {
  std::string name;
  std::string mode;
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
  std::vector<const TileAssignment*> tiles;
};

std::vector<LayerUse> layers_of(const ChipPlan& chip) {
  std::vector<LayerUse> layers;
  for (const TileAssignment& tile : chip.tiles) {
    if (layers.empty() || layers.back().name != tile.layer) {
      layers.push_back({tile.layer, tile.mode, 0, 0, {}});
    }
    LayerUse& layer = layers.back();
    layer.rows += tile.column_block == 0 ? tile.rows : 0;
    layer.columns += tile.row_block == 0 ? tile.columns : 0;
    layer.tiles.push_back(&tile);
  }
  return layers;
}

std::size_t tiles_of(const Plan& plan) {
  std::size_t tiles = 0;
  for (const ChipPlan& chip : plan.chips) {
    tiles += chip.tiles.size();
  }
  return tiles;
}

/// 1234567 -> "1,234,567".
std::string with_commas(std::uint64_t number) {
  std::string text = fmt::format("{}", number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

/// Rows of text in columns as wide as their widest cell; the first row is the heading.
std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 == row.size() ? " " + row[i] : fmt::format(" {:<{}} ", row[i], widths[i]);
    }
    text += line + "\n";
    if (&row == &rows.front()) {
      std::size_t width = 0;
      for (const std::size_t cell : widths) {
        width += cell + 2;
      }
      text += "  " + std::string(width - 2, '-') + "\n";
    }
  }
  return text;
}

std::string_view part_name(InputPart part) {
  switch (part) {
    case InputPart::kPositive:
      return "positive";
    case InputPart::kNegative:
      return "negative";
    default:
      return "whole";
  }
}

nlohmann::ordered_json slots_json(const ChipPlan& chip) {
  auto slots = nlohmann::ordered_json::array();
  for (const SlotUse& slot : chip.slots) {
    slots.push_back({{"slot", slot.slot}, {"what", slot.what}});
  }
  return slots;
}

nlohmann::ordered_json routes_json(const ChipPlan& chip, const chip::Floorplan& floorplan) {
  auto routes = nlohmann::ordered_json::array();
  for (const Route& route : chip.routes) {
    auto segments = nlohmann::ordered_json::array();
    for (const Route::Segment& segment : route.segments) {
      segments.push_back({{"site", floorplan.site_name(segment.site)},
                          {"plane", segment.west_east ? "west-east" : "south-north"},
                          {"parent", segment.parent}});
    }
    routes.push_back({{"slot", route.slot},
                      {"from", route.from},
                      {"to", route.to},
                      {"wire_groups", route.groups},
                      {"segments", std::move(segments)}});
  }
  return routes;
}

}  // namespace

nlohmann::ordered_json to_json(const Plan& plan, const config::FloorplanConfig& config) {
  const chip::Floorplan floorplan(config);
  nlohmann::ordered_json json{{"workload", plan.workload},
                              {"network_inputs", plan.network_inputs},
                              {"network_outputs", plan.network_outputs},
                              {"weights_on_tiles", plan.weights_on_tiles},
                              {"cells_programmed", plan.cells_programmed},
                              {"tiles", tiles_of(plan)},
                              {"chips", nlohmann::ordered_json::array()}};
  for (const ChipPlan& chip : plan.chips) {
    auto layers = nlohmann::ordered_json::array();
    for (const LayerUse& layer : layers_of(chip)) {
      auto tiles = nlohmann::ordered_json::array();
      for (const TileAssignment* tile : layer.tiles) {
        tiles.push_back({{"name", floorplan.site_name(tile->site)},
                         {"site", tile->site},
                         {"row_block", tile->row_block},
                         {"column_block", tile->column_block},
                         {"rows", tile->rows},
                         {"columns", tile->columns}});
      }
      layers.push_back({{"name", layer.name},
                        {"rows", layer.rows},
                        {"columns", layer.columns},
                        {"mode", layer.mode},
                        {"tiles", std::move(tiles)}});
    }
    auto inputs = nlohmann::ordered_json::array();
    for (const InputVector& input : chip.inputs) {
      inputs.push_back({{"pad", floorplan.input_pad_name(input.pad)},
                        {"vector", input.vector},
                        {"wire", input.wire},
                        {"first", input.first},
                        {"count", input.count},
                        {"part", part_name(input.part)}});
    }
    auto outputs = nlohmann::ordered_json::array();
    for (const OutputVector& output : chip.outputs) {
      outputs.push_back({{"pad", floorplan.output_pad_name(output.pad)},
                         {"vector", output.vector},
                         {"wire", output.wire},
                         {"first", output.first},
                         {"count", output.count},
                         {"zero_count", output.zero_count},
                         {"counts_per_unit", output.counts_per_unit}});
    }
    auto programs = nlohmann::ordered_json::array();
    for (const auto& [name, text] : chip.assembly) {
      programs.push_back(name);
    }
    json["chips"].push_back({{"index", chip.index},
                             {"tiles", chip.tiles.size()},
                             {"layers", std::move(layers)},
                             {"slots_per_step", chip.slots.size()},
                             {"slots", slots_json(chip)},
                             {"routes", routes_json(chip, floorplan)},
                             {"inputs", std::move(inputs)},
                             {"outputs", std::move(outputs)},
                             {"finishers", chip.finishers},
                             {"programs", std::move(programs)}});
  }
  return json;
}

std::string to_text(const Plan& plan, const config::FloorplanConfig& config) {
  const chip::Floorplan floorplan(config);
  std::string text = fmt::format(
      "{}: {} inputs, {} outputs, {} weights on {} tiles of {} chip{} ({} cells programmed)\n", plan.workload,
      plan.network_inputs, plan.network_outputs, with_commas(plan.weights_on_tiles), tiles_of(plan), plan.chips.size(),
      plan.chips.size() == 1 ? "" : "s", with_commas(plan.cells_programmed));
  for (const ChipPlan& chip : plan.chips) {
    text += fmt::format("\nChip {}: {} tiles, {} slots a step\n\n", chip.index, chip.tiles.size(), chip.slots.size());
    std::vector<std::vector<std::string>> rows{{"layer", "rows", "columns", "mode", "tiles"}};
    for (const LayerUse& layer : layers_of(chip)) {
      std::vector<std::uint32_t> sites;
      for (const TileAssignment* tile : layer.tiles) {
        sites.push_back(tile->site);
      }
      rows.push_back({layer.name, fmt::format("{}", layer.rows), fmt::format("{}", layer.columns), layer.mode,
                      sites_text(sites, floorplan.columns())});
    }
    text += table(rows) + "\n";
    rows = {{"slot", "what happens"}};
    for (const SlotUse& slot : chip.slots) {
      for (std::size_t i = 0; i < slot.what.size(); ++i) {
        rows.push_back({i == 0 ? fmt::format("{}", slot.slot) : "", slot.what[i]});
      }
    }
    text += table(rows) + "\n";
    rows = {{"slot", "route", "groups", "wires (we: west-east, sn: south-north)"}};
    for (const Route& route : chip.routes) {
      std::string way;
      for (std::size_t i = 0; i < route.segments.size(); ++i) {
        const Route::Segment& segment = route.segments[i];
        const bool branch = i > 0 && segment.parent + 1 != static_cast<std::int32_t>(i);
        way += fmt::format("{}{}.{}",
                           i == 0   ? ""
                           : branch ? "; "
                                    : " > ",
                           floorplan.site_name(segment.site), segment.west_east ? "we" : "sn");
      }
      rows.push_back({fmt::format("{}", route.slot), fmt::format("{} -> {}", route.from, fmt::join(route.to, ", ")),
                      fmt::format("{:#04x}", route.groups), way});
    }
    text += table(rows) + "\n";
    rows = {{"pad", "vector", "wires", "network"}};
    for (const InputVector& input : chip.inputs) {
      rows.push_back(
          {floorplan.input_pad_name(input.pad), fmt::format("{}", input.vector),
           fmt::format("{}..{}", input.wire, input.wire + input.count - 1),
           fmt::format("inputs {}..{}{}", input.first, input.first + input.count - 1,
                       input.part == InputPart::kWhole ? "" : fmt::format(", {} part", part_name(input.part)))});
    }
    for (const OutputVector& output : chip.outputs) {
      rows.push_back({floorplan.output_pad_name(output.pad), fmt::format("{}", output.vector),
                      fmt::format("{}..{}", output.wire, output.wire + output.count - 1),
                      fmt::format("outputs {}..{} = (count - {:g}) / {:g}", output.first,
                                  output.first + output.count - 1, output.zero_count, output.counts_per_unit)});
    }
    text += table(rows);
  }
  return text;
}

}  // namespace chronotile::mapping
