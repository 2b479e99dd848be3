#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "models/base/violation.hpp"

namespace chronotile::cli {

inline constexpr int kJsonIndent = 2;

/// The first violations as warnings on stderr, and how many more there are.
void report_violations(const ViolationLog& log);

/// Number of violations of each kind that occurred.
[[nodiscard]] std::map<std::string, std::uint64_t> violations_by_kind(const ViolationLog& log);

/// All violations kept, a line each.
[[nodiscard]] std::string violation_list(const ViolationLog& log);

/// Makes a directory to write into. Throws UserError if it cannot.
void make_report_directory(const std::filesystem::path& directory);

}  // namespace chronotile::cli
