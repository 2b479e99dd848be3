#include "traces/scope_filter.hpp"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // wrong inside g++ 12's <regex> with sanitizers
#endif
#include <regex>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include "common/user_error.hpp"

namespace chronotile::traces {

std::function<bool(const std::string&)> scope_filter(const std::string& expression) {
  if (expression.empty()) {
    return [](const std::string&) { return false; };
  }
  try {
    return [compiled = std::regex(expression, std::regex::ECMAScript | std::regex::optimize)](const std::string& name) {
      return std::regex_search(name, compiled);
    };
  } catch (const std::regex_error& error) {
    throw UserError("VCD scope '" + expression + "'", std::string("is no regular expression (") + error.what() + ")",
                    "Write one as in grep -E, for example 'tile_1[0-9]\\..*wires'");
  }
}

}  // namespace chronotile::traces
