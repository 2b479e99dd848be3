#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "platform/chip/floorplan.hpp"

namespace chronotile::mapping {

/// Tiles of one layer: chains[c][r] is the site of column block c and row block r. The row blocks of a column block
/// stand below each other and share capacitors.
struct LayerPlacement {
  std::vector<std::vector<std::uint32_t>> chains;
};

/// Sites of a chip that are still free.
class FreeSites {
 public:
  explicit FreeSites(const chip::Floorplan& floorplan);
  [[nodiscard]] bool is_free(std::uint32_t site) const { return free_[site]; }
  [[nodiscard]] std::uint32_t count() const;
  void take(const LayerPlacement& placement) { set(placement, false); }
  void give_back(const LayerPlacement& placement) { set(placement, true); }
  /// Length of the longest run of free tiles below each other.
  [[nodiscard]] std::uint32_t longest_chain() const;
  /// Whether a chain of `length` fits with its northern end at `site`.
  [[nodiscard]] bool chain_fits(std::uint32_t site, std::uint32_t length) const;
  [[nodiscard]] const chip::Floorplan& floorplan() const { return floorplan_; }

 private:
  void set(const LayerPlacement& placement, bool free);

  chip::Floorplan floorplan_;
  std::vector<bool> free_;
};

/// Where a layer may stand, in the order in which to try: for each anchor site from `first_site` on (row by row, around
/// the end), the chains that fit nearest behind it. Chains side by side come first, so that a row block's tiles stand
/// in one grid row, along which its inputs are multicast.
[[nodiscard]] std::vector<LayerPlacement> candidate_placements(const FreeSites& free, std::uint32_t row_blocks,
                                                               std::uint32_t column_blocks, std::uint32_t first_site);

/// "0.0-0.3 4.1": sites as ROW.COLUMN, runs within a row as one, in the order of the grid.
[[nodiscard]] std::string sites_text(std::vector<std::uint32_t> sites, std::uint32_t columns);

}  // namespace chronotile::mapping
