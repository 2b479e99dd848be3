#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "platform/config/config.hpp"

namespace chronotile::cli {

/// Options that every `run` subcommand has.
struct RunOptions {
  config::Sources sources;
  std::vector<std::string> audio;
  std::string manifest;
  std::string weights;
  std::string firmware;
  std::uint64_t seed = 0;
  bool seed_given = false;
  std::uint32_t chips = 0;  ///< 0: not given
  std::size_t lanes = 1;
  int threads = 1;
  std::string vcd;
  std::string vcd_scope;
  std::string timeline;
  std::string stats;
  std::string report;
  bool strict = false;
  bool json = false;
};

/// Help texts that differ from network to network; null: there is no such option.
struct RunOptionTexts {
  const char* manifest;  ///< of --manifest; also decides on --audio
  const char* weights;   ///< of --weights; also decides on --chips and --report
  const char* firmware;
};

void add_run_options(CLI::App& command, RunOptions& options, const RunOptionTexts& texts);

/// Before any work: every file that will be written can be, and none stands for two. Throws UserError.
void check_run_options(const RunOptions& options);

/// The configuration with the seed of the command line.
[[nodiscard]] config::PlatformConfig effective_config(const RunOptions& options);

}  // namespace chronotile::cli
