#include "platform/cli/run_summary.hpp"

#include <fmt/format.h>
#include <algorithm>

#include "common/user_error.hpp"
#include "platform/cli/terminal.hpp"

namespace chronotile::cli {

void report_violations(const ViolationLog& log) {
  constexpr std::size_t kShown = 10;
  for (std::size_t index = 0; index < std::min(kShown, log.kept().size()); ++index) {
    warn("violation: " + log.kept()[index].text());
  }
  if (log.count() > kShown) {
    warn(fmt::format("{} more violations", log.count() - kShown));
  }
}

std::map<std::string, std::uint64_t> violations_by_kind(const ViolationLog& log) {
  std::map<std::string, std::uint64_t> counts;
  for (int index = 0; index < kViolationKinds; ++index) {
    const auto kind = static_cast<ViolationKind>(index);
    if (log.count(kind) > 0) {
      counts[std::string(name(kind))] = log.count(kind);
    }
  }
  return counts;
}

std::string violation_list(const ViolationLog& log) {
  std::string list;
  for (const Violation& violation : log.kept()) {
    list += violation.text() + '\n';
  }
  return list;
}

void make_report_directory(const std::filesystem::path& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) {
    throw UserError(directory.string(), "cannot be made a directory (" + failure.message() + ")",
                    "Give a directory that you may write");
  }
}

}  // namespace chronotile::cli
