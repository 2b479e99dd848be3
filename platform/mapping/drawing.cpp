#include "platform/mapping/report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/chip/floorplan.hpp"

namespace chronotile::mapping {
namespace {

constexpr double kTileWidth = 132;
constexpr double kTileHeight = 108;
constexpr double kGap = 16;
constexpr double kDomainGap = 14;  ///< on top of kGap, between domains
constexpr double kPadWidth = 64;
constexpr double kPadHeight = 34;
constexpr double kMargin = 28;
constexpr double kTitleHeight = 84;
constexpr double kLegendWidth = 530;
constexpr double kLine = 17;   ///< of text
constexpr double kLaneX = 86;  ///< lanes of south-north routes within a tile, right of its text
constexpr double kLaneY = 64;  ///< lanes of west-east routes, below its text
constexpr double kLaneRoom = 36;
constexpr double kLaneStep = 9;
constexpr std::size_t kLegendColumns = 74;  ///< characters of a line in the legend

constexpr std::array<std::string_view, 8> kLayerFill{"#cfe3f5", "#d8ecd0", "#fbe3c4", "#ead7ee",
                                                     "#f9d5d3", "#d3ece9", "#f3eebd", "#e0dcd2"};
constexpr std::array<std::string_view, 8> kLayerEdge{"#3b78ad", "#4d8a3d", "#c07a1a", "#8a4f96",
                                                     "#b8443c", "#2c8279", "#97891a", "#7a705a"};
constexpr std::array<std::string_view, 8> kRouteColour{"#0b5cad", "#2b8a1f", "#d26a00", "#8a2d9b",
                                                       "#c4281b", "#00857a", "#7d6b00", "#5b4636"};

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += static_cast<unsigned char>(c) < 0x20U ? ' ' : c;  // XML allows no control characters
    }
  }
  return safe;
}

std::vector<std::string> wrapped(const std::string& text, std::size_t columns) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  while (text.size() - begin > columns) {
    std::size_t end = text.rfind(' ', begin + columns);
    if (end == std::string::npos || end <= begin) {
      end = begin + columns;
    }
    lines.push_back(text.substr(begin, end - begin));
    begin = end + (end < text.size() && text[end] == ' ' ? 1 : 0);
  }
  lines.push_back(text.substr(begin));
  return lines;
}

/// Consecutive slots whose vectors take the same ways are drawn once.
struct SlotGroup {
  std::vector<std::uint32_t> slots;
  std::vector<const Route*> routes;
};

bool same_way(const Route& a, const Route& b) {
  return a.from == b.from && a.to == b.to && a.groups == b.groups &&
         std::equal(a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(),
                    [](const Route::Segment& x, const Route::Segment& y) {
                      return x.site == y.site && x.west_east == y.west_east && x.parent == y.parent;
                    });
}

std::vector<SlotGroup> groups_of(const ChipPlan& chip) {
  std::vector<SlotGroup> groups;
  for (const SlotUse& slot : chip.slots) {
    SlotGroup group{{slot.slot}, {}};
    for (const Route& route : chip.routes) {
      if (route.slot == slot.slot) {
        group.routes.push_back(&route);
      }
    }
    const bool same = !groups.empty() && std::equal(group.routes.begin(), group.routes.end(),
                                                    groups.back().routes.begin(), groups.back().routes.end(),
                                                    [](const Route* a, const Route* b) { return same_way(*a, *b); });
    if (same) {
      groups.back().slots.push_back(slot.slot);
    } else {
      groups.push_back(std::move(group));
    }
  }
  return groups;
}

class Picture {
 public:
  Picture(const ChipPlan& chip, const config::FloorplanConfig& config)
      : chip_(chip), floorplan_(config), groups_(groups_of(chip)) {
    for (const TileAssignment& tile : chip.tiles) {
      if (std::find(layers_.begin(), layers_.end(), tile.layer) == layers_.end()) {
        layers_.push_back(tile.layer);
      }
    }
    lane_step_ = std::min(kLaneStep, groups_.empty() ? kLaneStep : kLaneRoom / static_cast<double>(groups_.size()));
  }

  std::string draw() {
    const double legend_x = chip_right() + kPadWidth + 2 * kMargin;
    std::string body = heading() + domains() + sites() + pads() + routes();
    const double legend_bottom = legend(body, legend_x, kTitleHeight);
    const double width = legend_x + kLegendWidth;
    const double height = std::max(legend_bottom, y_of(floorplan_.rows() - 1) + kTileHeight + kMargin) + kMargin;
    return fmt::format(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
               "viewBox=\"0 0 {0:.0f} {1:.0f}\" font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\" "
               "font-size=\"12\" fill=\"#22272e\">\n"
               "<title>{2}</title>\n<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"#ffffff\"/>\n",
               width, height, fmt::format("chip {}", chip_.index)) +
           body + "</svg>\n";
  }

 private:
  struct Point {
    double x = 0;
    double y = 0;
  };

  /// Number of domain borders west of a column and north of a row.
  [[nodiscard]] std::uint32_t borders_before(std::uint32_t row, std::uint32_t column, bool rows) const {
    std::uint32_t borders = 0;
    for (std::uint32_t i = 1; i <= (rows ? row : column); ++i) {
      const std::uint32_t here = rows ? floorplan_.site(i, column) : floorplan_.site(row, i);
      const std::uint32_t before = rows ? floorplan_.site(i - 1, column) : floorplan_.site(row, i - 1);
      borders += floorplan_.domain(here) == floorplan_.domain(before) ? 0U : 1U;
    }
    return borders;
  }
  [[nodiscard]] double x_of(std::uint32_t column) const {
    return 2 * kMargin + kPadWidth + column * (kTileWidth + kGap) + borders_before(0, column, false) * kDomainGap;
  }
  [[nodiscard]] double y_of(std::uint32_t row) const {
    return kTitleHeight + kMargin / 2 + row * (kTileHeight + kGap) + borders_before(row, 0, true) * kDomainGap;
  }
  [[nodiscard]] double chip_right() const { return x_of(floorplan_.columns() - 1) + kTileWidth; }
  [[nodiscard]] Point corner(std::uint32_t site) const {
    return {x_of(site % floorplan_.columns()), y_of(site / floorplan_.columns())};
  }
  [[nodiscard]] Point lane_point(std::uint32_t site, std::size_t lane) const {
    const Point at = corner(site);
    const double shift = static_cast<double>(lane) * lane_step_;
    return {at.x + kLaneX + shift, at.y + kLaneY + shift};
  }
  [[nodiscard]] std::size_t layer_index(const std::string& name) const {
    return static_cast<std::size_t>(std::find(layers_.begin(), layers_.end(), name) - layers_.begin());
  }

  static std::string text(double x, double y, std::string_view what, std::string_view more = "") {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\"{}{}>{}</text>\n", x, y, more.empty() ? "" : " ", more,
                       escaped(what));
  }
  static std::string box(double x, double y, double width, double height, double radius, std::string_view style) {
    return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"{:.0f}\" {}/>\n", x, y,
                       width, height, radius, style);
  }

  [[nodiscard]] std::string heading() const {
    return text(kMargin, 38, fmt::format("Chip {}", chip_.index), "font-size=\"22\" font-weight=\"bold\"") +
           text(kMargin, 60,
                fmt::format("{} tiles of {} in use, {} slots a step", chip_.tiles.size(), floorplan_.tiles(),
                            chip_.slots.size()),
                "font-size=\"13\" fill=\"#57606a\"");
  }

  [[nodiscard]] std::string domains() const {
    struct Frame {
      std::string name;
      Point from;
      Point to;
    };
    std::vector<Frame> frames;
    for (std::uint32_t site = 0; site < floorplan_.sites(); ++site) {
      const Point at = corner(site);
      const std::string name = floorplan_.domain(site);
      auto found = std::find_if(frames.begin(), frames.end(), [&](const Frame& frame) { return frame.name == name; });
      if (found == frames.end()) {
        frames.push_back({name, at, at});
      } else {
        found->to = at;
      }
    }
    std::string body;
    constexpr double kFrame = 9;
    for (const Frame& frame : frames) {
      body += box(frame.from.x - kFrame, frame.from.y - kFrame, frame.to.x - frame.from.x + kTileWidth + 2 * kFrame,
                  frame.to.y - frame.from.y + kTileHeight + 2 * kFrame, 12, "fill=\"#f4f6f8\" stroke=\"#d0d7de\"");
    }
    return body;
  }

  [[nodiscard]] std::string sites() const {
    std::string body;
    for (std::uint32_t site = 0; site < floorplan_.sites(); ++site) {
      const Point at = corner(site);
      const auto tile = std::find_if(chip_.tiles.begin(), chip_.tiles.end(),
                                     [&](const TileAssignment& assignment) { return assignment.site == site; });
      if (!floorplan_.is_tile(site)) {
        body += box(at.x, at.y, kTileWidth, kTileHeight, 8,
                    "fill=\"#e6e8eb\" stroke=\"#a8afb7\" stroke-dasharray=\"5 4\"") +
                text(at.x + 10, at.y + 20, "processing", "fill=\"#6e7781\"") +
                text(at.x + 10, at.y + 36, "element", "fill=\"#6e7781\"");
      } else if (tile == chip_.tiles.end()) {
        body += box(at.x, at.y, kTileWidth, kTileHeight, 8, "fill=\"#ffffff\" stroke=\"#c9d0d7\"") +
                text(at.x + 10, at.y + 20, floorplan_.site_name(site), "fill=\"#9aa2ab\"");
      } else {
        const std::size_t colour = layer_index(tile->layer) % kLayerFill.size();
        body +=
            box(at.x, at.y, kTileWidth, kTileHeight, 8,
                fmt::format("fill=\"{}\" stroke=\"{}\" stroke-width=\"1.6\"", kLayerFill[colour], kLayerEdge[colour])) +
            text(at.x + 10, at.y + 20, floorplan_.site_name(site), "font-weight=\"bold\"") +
            text(at.x + 10, at.y + 36, shortened(tile->layer)) +
            text(at.x + 10, at.y + 52, fmt::format("{}×{}", tile->rows, tile->columns), "fill=\"#57606a\"");
      }
    }
    return body;
  }

  static std::string shortened(const std::string& name) {
    constexpr std::size_t kLetters = 10;
    return name.size() <= kLetters ? name : name.substr(0, kLetters - 1) + "…";
  }

  [[nodiscard]] double pad_x(const config::PadSite& pad) const { return pad.east ? chip_right() + kMargin : kMargin; }
  [[nodiscard]] double pad_y(std::uint32_t row) const { return y_of(row) + kLaneY + kLaneRoom / 2 - kPadHeight / 2; }

  [[nodiscard]] std::string pads() const {
    std::set<std::string> used;
    for (const Route& route : chip_.routes) {
      used.insert(route.from);
      used.insert(route.to.begin(), route.to.end());
    }
    std::string body;
    for (std::uint32_t pad = 0; pad < floorplan_.pads(); ++pad) {
      const config::PadSite& site = floorplan_.pad(pad);
      for (const bool output : {false, true}) {
        const std::string name = output ? floorplan_.output_pad_name(pad) : floorplan_.input_pad_name(pad);
        const bool on = used.count(name) != 0;
        const double x = pad_x(site);
        const double y = pad_y(output ? site.output_row : site.input_row);
        body += box(x, y, kPadWidth, kPadHeight, output ? 17 : 4,
                    fmt::format("fill=\"{}\" stroke=\"{}\" stroke-width=\"1.4\"", on ? "#2f3b4a" : "#ffffff",
                                on ? "#2f3b4a" : "#b4bcc5"));
        body += text(x + kPadWidth / 2, y + kPadHeight / 2 + 4, name,
                     fmt::format("text-anchor=\"middle\" fill=\"{}\"", on ? "#ffffff" : "#9aa2ab"));
      }
    }
    return body;
  }

  /// Where a pad's line begins or ends; nothing for tiles.
  [[nodiscard]] bool pad_point(const std::string& name, double y, Point& point) const {
    for (std::uint32_t pad = 0; pad < floorplan_.pads(); ++pad) {
      if (name == floorplan_.input_pad_name(pad) || name == floorplan_.output_pad_name(pad)) {
        const config::PadSite& site = floorplan_.pad(pad);
        point = {pad_x(site) + (site.east ? 0 : kPadWidth), y};
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] std::string routes() const {
    std::string body;
    for (std::size_t lane = 0; lane < groups_.size(); ++lane) {
      const std::string_view colour = kRouteColour[lane % kRouteColour.size()];
      body += fmt::format(
          "<g stroke=\"{0}\" stroke-width=\"2.6\" fill=\"none\" stroke-linecap=\"round\" "
          "stroke-linejoin=\"round\">\n<title>slots {1}</title>\n",
          colour, fmt::join(groups_[lane].slots, ", "));
      for (const Route* route : groups_[lane].routes) {
        body += draw_route(*route, lane, colour);
      }
      body += "</g>\n";
    }
    return body;
  }

  /// A polyline for each branch of the tree, a dot at the driver, an arrow head at each receiver.
  [[nodiscard]] std::string draw_route(const Route& route, std::size_t lane, std::string_view colour) const {
    std::string body;
    Point end;
    std::vector<bool> drawn(route.segments.size(), false);
    for (std::size_t leaf = route.segments.size(); leaf-- > 0;) {
      if (drawn[leaf]) {
        continue;
      }
      std::vector<Point> way;
      if (const Point at = lane_point(route.segments[leaf].site, lane); leaves_to_pad(route, leaf, at, end)) {
        way.push_back(end);
      }
      for (auto i = static_cast<std::int32_t>(leaf); i >= 0; i = route.segments[static_cast<std::size_t>(i)].parent) {
        const auto index = static_cast<std::size_t>(i);
        way.push_back(lane_point(route.segments[index].site, lane));
        if (drawn[index]) {
          break;
        }
        drawn[index] = true;
      }
      if (pad_point(route.from, lane_point(route.segments.front().site, lane).y, end) &&
          reaches_root(way, lane, route)) {
        way.push_back(end);
      }
      std::string points;
      for (const Point& point : way) {
        points += fmt::format("{}{:.1f},{:.1f}", points.empty() ? "" : " ", point.x, point.y);
      }
      body += fmt::format("<polyline points=\"{}\"/>\n", points);
    }
    if (!route.segments.empty() && !pad_point(route.from, 0, end)) {
      const Point at = lane_point(route.segments.front().site, lane);
      body += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n", at.x, at.y, colour);
    }
    for (const Route::Segment& segment : route.segments) {
      if (const std::string name = floorplan_.site_name(segment.site);
          name != route.from && std::find(route.to.begin(), route.to.end(), name) != route.to.end()) {
        const Point at = lane_point(segment.site, lane);
        body += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.2\" fill=\"#ffffff\"/>\n", at.x, at.y);
      }
    }
    return body;
  }

  [[nodiscard]] bool reaches_root(const std::vector<Point>& way, std::size_t lane, const Route& route) const {
    const Point root = lane_point(route.segments.front().site, lane);
    return !way.empty() && way.back().x == root.x && way.back().y == root.y;
  }

  /// Whether a route goes on from segment `index` into an output pad, and where its line ends.
  [[nodiscard]] bool leaves_to_pad(const Route& route, std::size_t index, Point at, Point& end) const {
    const std::uint32_t site = route.segments[index].site;
    for (std::uint32_t pad = 0; pad < floorplan_.pads(); ++pad) {
      const config::PadSite& place = floorplan_.pad(pad);
      const std::uint32_t edge = floorplan_.site(place.output_row, place.east ? floorplan_.columns() - 1 : 0);
      const std::string name = floorplan_.output_pad_name(pad);
      if (edge == site && std::find(route.to.begin(), route.to.end(), name) != route.to.end()) {
        return pad_point(name, at.y, end);
      }
    }
    return false;
  }

  /// Layers and slots in words; returns where it ends.
  double legend(std::string& body, double x, double y) const {
    body += text(x, y, "Layers", "font-size=\"14\" font-weight=\"bold\"");
    y += kLine + 4;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const std::size_t colour = i % kLayerFill.size();
      const auto tile = std::find_if(chip_.tiles.begin(), chip_.tiles.end(),
                                     [&](const TileAssignment& assignment) { return assignment.layer == layers_[i]; });
      const auto tiles = std::count_if(chip_.tiles.begin(), chip_.tiles.end(), [&](const TileAssignment& assignment) {
        return assignment.layer == layers_[i];
      });
      body +=
          box(x, y - 11, 22, 13, 3, fmt::format("fill=\"{}\" stroke=\"{}\"", kLayerFill[colour], kLayerEdge[colour]));
      body +=
          text(x + 32, y, fmt::format("{}: {} tile{}, mode {}", layers_[i], tiles, tiles == 1 ? "" : "s", tile->mode));
      y += kLine + 2;
    }
    y += kLine;
    body += text(x, y, "Slots", "font-size=\"14\" font-weight=\"bold\"");
    y += kLine + 4;
    for (std::size_t lane = 0; lane < groups_.size(); ++lane) {
      for (const std::uint32_t slot : groups_[lane].slots) {
        body += fmt::format(
            "<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{2:.1f}\" y2=\"{1:.1f}\" stroke=\"{3}\" "
            "stroke-width=\"3\" stroke-linecap=\"round\"/>\n",
            x + 1, y - 4, x + 21, kRouteColour[lane % kRouteColour.size()]);
        body += text(x + 32, y, fmt::format("{}", slot), "font-weight=\"bold\"");
        for (const std::string& what : chip_.slots[slot].what) {
          for (const std::string& line : wrapped(what, kLegendColumns)) {
            body += text(x + 54, y, line, "font-size=\"11.5\"");
            y += kLine - 2;
          }
        }
        y += 6;
      }
    }
    y += 6;
    body += fmt::format("<circle cx=\"{0:.1f}\" cy=\"{1:.1f}\" r=\"4\" fill=\"#57606a\"/>\n", x + 11, y - 4);
    body += text(x + 32, y, "a tile emits", "fill=\"#57606a\"");
    y += kLine;
    body += fmt::format(
        "<circle cx=\"{0:.1f}\" cy=\"{1:.1f}\" r=\"4.2\" fill=\"#ffffff\" stroke=\"#57606a\" stroke-width=\"2.6\"/>\n",
        x + 11, y - 4);
    body += text(x + 32, y, "a tile's rows listen", "fill=\"#57606a\"");
    return y;
  }

  const ChipPlan& chip_;
  chip::Floorplan floorplan_;
  std::vector<SlotGroup> groups_;
  std::vector<std::string> layers_;
  double lane_step_ = kLaneStep;
};

}  // namespace

std::string chip_svg(const ChipPlan& chip, const config::PlatformConfig& config) {
  return Picture(chip, config.floorplan).draw();
}

}  // namespace chronotile::mapping
