#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "platform/config/platform_config.hpp"

namespace chronotile::chip {

/// Names and numbers of what stands on a chip, derived from its floor plan. Controllers are numbered: tiles in the
/// order of their sites, then the input pads, then the output pads.
class Floorplan {
 public:
  explicit Floorplan(const config::FloorplanConfig& config);

  [[nodiscard]] std::uint32_t rows() const { return config_.rows; }
  [[nodiscard]] std::uint32_t columns() const { return config_.columns; }
  [[nodiscard]] std::uint32_t sites() const { return config_.rows * config_.columns; }
  [[nodiscard]] std::uint32_t site(std::uint32_t row, std::uint32_t column) const {
    return row * config_.columns + column;
  }
  [[nodiscard]] bool is_tile(std::uint32_t site) const { return tile_of_site_[site] >= 0; }
  /// Index of the tile at `site`, which must be one.
  [[nodiscard]] std::uint32_t tile_index(std::uint32_t site) const {
    return static_cast<std::uint32_t>(tile_of_site_[site]);
  }
  [[nodiscard]] std::uint32_t tiles() const { return tiles_; }
  [[nodiscard]] std::uint32_t pads() const { return static_cast<std::uint32_t>(config_.pads.size()); }
  [[nodiscard]] const config::PadSite& pad(std::uint32_t index) const { return config_.pads[index]; }
  [[nodiscard]] std::uint32_t controllers() const { return tiles_ + 2 * pads(); }

  /// "tile_ROW_COLUMN", or "pe_ROW_COLUMN" for a processing element.
  [[nodiscard]] std::string site_name(std::uint32_t site) const;
  [[nodiscard]] std::string input_pad_name(std::uint32_t pad) const { return "ilp_" + config_.pads[pad].domain; }
  [[nodiscard]] std::string output_pad_name(std::uint32_t pad) const { return "olp_" + config_.pads[pad].domain; }
  [[nodiscard]] std::string controller_name(std::uint32_t controller) const;
  /// Number of the controller called `name`; -1 if there is none.
  [[nodiscard]] int find_controller(const std::string& name) const;

  /// "NW", "NE", "CW", "CE", "SW", "SE": thirds of the rows, halves of the columns.
  [[nodiscard]] std::string domain(std::uint32_t site) const;

 private:
  config::FloorplanConfig config_;
  std::vector<int> tile_of_site_;
  std::uint32_t tiles_ = 0;
};

}  // namespace chronotile::chip
