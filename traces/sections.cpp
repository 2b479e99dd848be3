#include "traces/sections.hpp"

#include <algorithm>
#include <initializer_list>

namespace chronotile::traces {
namespace {

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

}  // namespace

Section section_of(std::string_view scope, std::string_view name, bool is_real) {
  if (is_real) {
    return Section::kPower;
  }
  const std::string_view module = scope.substr(std::min(scope.rfind('.') + 1, scope.size()));
  if (contains_any(module, {"host", "board"})) {
    return Section::kChip;
  }
  if (contains_any(module, {"lc", "controller"}) || name == "pc") {
    return Section::kControllers;
  }
  if (contains_any(module, {"node", "mesh", "link", "hop"}) || contains_any(name, {"guard", "link"})) {
    return Section::kLinks;
  }
  if (contains_any(scope, {"ilp", "olp", "pad"})) {
    return Section::kPads;
  }
  if (contains_any(scope, {"tile"})) {
    return Section::kTiles;
  }
  return Section::kChip;
}

}  // namespace chronotile::traces
