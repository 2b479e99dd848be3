#include "platform/mapping/modes.hpp"

#include <fmt/format.h>
#include <array>

#include "common/nearest.hpp"
#include "common/user_error.hpp"
#include "platform/mapping/blocks.hpp"

namespace chronotile::mapping {
namespace {

constexpr std::array<Mode, 4> kModes{{
    {"ab", "asymmetry balance: W on WP1, -W on WP2", true, false, 2},
    {"single", "W on WP1", false, false, 1},
    {"wp1wp2", "rows 0..511 on WP1, 512..1023 on WP2", true, true, 1},
    {"quad", "W on both sets: four devices a weight", true, false, 2},
}};

Pass pass(bool wp1, bool wp2, bool swapped, bool negative = false, bool second = false) {
  return {wp1, wp2, swapped, negative, second};
}

}  // namespace

std::uint32_t Mode::rows_per_tile() const { return halves ? 2 * kBlock : kBlock; }

const Mode& find_mode(const std::string& name, const std::string& place) {
  std::vector<std::string_view> names;
  for (const Mode& mode : kModes) {
    if (mode.name == name) {
      return mode;
    }
    names.push_back(mode.name);
  }
  const std::string hint = did_you_mean(name, names);
  throw UserError(place, fmt::format("there is no mode '{}'{}", name, hint.empty() ? "" : "; " + hint),
                  "Give ab, single, wp1wp2 or quad");
}

std::string Pass::text() const {
  return fmt::format("{}{}", wp1 && wp2 ? "WP1 and WP2" : wp1 ? "WP1" : "WP2", swapped ? ", polarity swapped" : "");
}

std::vector<Pass> unsigned_passes(const Mode& mode, bool second_half) {
  if (mode.name == "ab") {
    return {pass(true, false, false), pass(false, true, true)};
  }
  if (mode.name == "quad") {
    return {pass(true, true, false)};
  }
  if (mode.halves && second_half) {
    return {pass(true, false, false), pass(false, true, false, false, true)};
  }
  return {pass(true, false, false)};
}

std::vector<Pass> signed_passes(const Mode& mode, bool second_half) {
  if (mode.name == "ab") {
    return {pass(true, false, false), pass(true, false, true, true), pass(false, true, true),
            pass(false, true, false, true)};
  }
  const bool both = mode.name == "quad";
  std::vector<Pass> passes{pass(true, both, false), pass(true, both, true, true)};
  if (mode.halves && second_half) {
    passes.push_back(pass(false, true, false, false, true));
    passes.push_back(pass(false, true, true, true, true));
  }
  return passes;
}

}  // namespace chronotile::mapping
