#include "platform/mapping/placement.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace chronotile::mapping {

FreeSites::FreeSites(const chip::Floorplan& floorplan) : floorplan_(floorplan) {
  for (std::uint32_t site = 0; site < floorplan.sites(); ++site) {
    free_.push_back(floorplan.is_tile(site));
  }
}

std::uint32_t FreeSites::count() const {
  return static_cast<std::uint32_t>(std::count(free_.begin(), free_.end(), true));
}

bool FreeSites::chain_fits(std::uint32_t site, std::uint32_t length) const {
  for (std::uint32_t i = 0; i < length; ++i, site += floorplan_.columns()) {
    if (site >= floorplan_.sites() || !free_[site]) {
      return false;
    }
  }
  return true;
}

std::uint32_t FreeSites::longest_chain() const {
  std::uint32_t length = 0;
  for (std::uint32_t site = 0; site < floorplan_.sites(); ++site) {
    while (chain_fits(site, length + 1)) {
      ++length;
    }
  }
  return length;
}

void FreeSites::set(const LayerPlacement& placement, bool free) {
  for (const auto& chain : placement.chains) {
    for (const std::uint32_t site : chain) {
      free_[site] = free;
    }
  }
}

std::vector<LayerPlacement> candidate_placements(const FreeSites& free, std::uint32_t row_blocks,
                                                 std::uint32_t column_blocks, std::uint32_t first_site) {
  const std::uint32_t sites = free.floorplan().sites();
  const std::uint32_t columns = free.floorplan().columns();
  std::vector<LayerPlacement> candidates;
  for (std::uint32_t offset = 0; offset < sites; ++offset) {
    const std::uint32_t anchor = (first_site + offset) % sites;
    if (!free.chain_fits(anchor, row_blocks)) {
      continue;
    }
    FreeSites left = free;
    LayerPlacement placement;
    for (std::uint32_t step = 0; step < sites && placement.chains.size() < column_blocks; ++step) {
      const std::uint32_t top = (anchor + step) % sites;
      if (!left.chain_fits(top, row_blocks)) {
        continue;
      }
      std::vector<std::uint32_t> chain;
      for (std::uint32_t block = 0; block < row_blocks; ++block) {
        chain.push_back(top + block * columns);
      }
      left.take({{chain}});
      placement.chains.push_back(std::move(chain));
    }
    if (placement.chains.size() == column_blocks) {
      candidates.push_back(std::move(placement));
    }
  }
  return candidates;
}

std::string sites_text(std::vector<std::uint32_t> sites, std::uint32_t columns) {
  std::sort(sites.begin(), sites.end());
  std::string text;
  for (std::size_t first = 0, last = 0; first < sites.size(); first = last + 1) {
    last = first;
    while (last + 1 < sites.size() && sites[last + 1] == sites[last] + 1 && sites[last + 1] % columns != 0) {
      ++last;
    }
    text += fmt::format("{}{}.{}", text.empty() ? "" : " ", sites[first] / columns, sites[first] % columns);
    if (last > first) {
      text += fmt::format("-{}.{}", sites[last] / columns, sites[last] % columns);
    }
  }
  return text;
}

}  // namespace chronotile::mapping
