#pragma once

namespace chronotile::cli {

/// What the subcommands share. A subcommand `name` lives in platform/cli/name_command.{hpp,cpp} as
///   void add_name_command(CLI::App& app, Cli& cli);
/// which adds the subcommand and its options to `app` and sets a callback that does the work. A callback throws
/// UserError for bad usage or input (exit status 2) and anything else for a failed run (1); a run that ends but failed
/// (violations, a wrong result) sets `status` to kFailed.
struct Cli {
  int status = 0;  ///< exit status of the program
};

inline constexpr int kSuccess = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadUsage = 2;

}  // namespace chronotile::cli
