#pragma once

#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace chronotile::traces {

/// The labels of events at one time as one text, "a,b": in alphabetical order and each once, so that the order in which
/// they came does not show.
[[nodiscard]] inline std::string with_label(std::string_view labels, std::string_view label) {
  std::set<std::string_view> all;
  if (!label.empty()) {
    all.insert(label);
  }
  while (!labels.empty()) {
    const std::size_t comma = labels.find(',');
    all.insert(labels.substr(0, comma));
    labels = comma == std::string_view::npos ? std::string_view() : labels.substr(comma + 1);
  }
  return fmt::format("{}", fmt::join(all, ","));
}

}  // namespace chronotile::traces
