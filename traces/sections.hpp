#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace chronotile::traces {

/// Parts in which viewers show the signals, in this order.
enum class Section : std::uint8_t { kChip, kControllers, kTiles, kLinks, kPads, kPower };
inline constexpr std::array<const char*, 6> kSectionTitles = {"host and chip", "controllers", "tiles",
                                                              "links",         "pads",        "power"};

/// By the names of modules and signals; what is in no other part belongs to the chip. Real numbers are power.
[[nodiscard]] Section section_of(std::string_view scope, std::string_view name, bool is_real);

}  // namespace chronotile::traces
