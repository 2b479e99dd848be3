#pragma once

#include <functional>
#include <string>

namespace chronotile::traces {

/// Whether the regular expression (ECMAScript) is found in a full name; an empty one never is. Throws UserError where
/// it is none.
[[nodiscard]] std::function<bool(const std::string&)> scope_filter(const std::string& expression);

}  // namespace chronotile::traces
