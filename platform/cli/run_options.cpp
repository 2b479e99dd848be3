#include "platform/cli/run_options.hpp"

#include <fmt/format.h>
#include <filesystem>
#include <limits>
#include <set>

#include "common/user_error.hpp"
#include "platform/cli/options.hpp"

namespace chronotile::cli {

void add_run_options(CLI::App& command, RunOptions& options, const RunOptionTexts& texts) {
  constexpr std::size_t kMostLanes = 128;
  constexpr int kMostThreads = 256;
  constexpr std::uint64_t kLargestSeed = std::numeric_limits<std::int64_t>::max();  // TOML has no larger numbers

  if (texts.manifest != nullptr) {
    command.add_option("--audio", options.audio, "Recordings (any format, rate and channels that libsndfile reads)")
        ->type_name("FILE...");
    command.add_option("--manifest", options.manifest, texts.manifest)->type_name("FILE");
  }
  if (texts.weights != nullptr) {
    command.add_option("--weights", options.weights, texts.weights)->type_name("FILE");
    command.add_option("--chips", options.chips, "Chips on the board")
        ->type_name("N")
        ->check(CLI::Range(std::uint32_t{1}, std::uint32_t{64}));
    command.add_option("--report", options.report, "Write results, table and floor plan into a directory")
        ->type_name("DIR");
  }
  command.add_option("--firmware", options.firmware, texts.firmware)->type_name("DIR");
  command.add_option("--lanes", options.lanes, "Recordings simulated side by side")
      ->type_name("L")
      ->check(CLI::Range(std::size_t{1}, kMostLanes));
  command.add_option("--threads", options.threads, "Threads for matrix work")
      ->type_name("N")
      ->check(CLI::Range(1, kMostThreads));
  command
      .add_option_function<std::uint64_t>(
          "--seed",
          [&options](std::uint64_t seed) {
            options.seed = seed;
            options.seed_given = true;
          },
          "Seed of all noise")
      ->type_name("S")
      ->check(CLI::Range(std::uint64_t{0}, kLargestSeed));
  add_configuration_options(command, options.sources);
  command.add_option("--vcd", options.vcd, "Write waveforms, and a GTKWave save file beside them")->type_name("FILE");
  command.add_option("--vcd-scope", options.vcd_scope, "Also trace signals whose full name matches (regex)")
      ->type_name("RE");
  command.add_option("--timeline", options.timeline, "Write a timeline for ui.perfetto.dev")->type_name("FILE");
  command.add_option("--stats", options.stats, "Write statistics as JSON")->type_name("FILE");
  command.add_flag("--strict", options.strict, "Exit status 1 if the hardware's rules were broken");
  command.add_flag("--json", options.json, "Machine-readable result");
}

void check_run_options(const RunOptions& options) {
  std::set<std::filesystem::path> taken;
  const auto check_file = [&taken](const char* option, const std::filesystem::path& file) {
    if (!taken.insert(file.lexically_normal()).second) {
      throw UserError(fmt::format("{} {}", option, file.string()), "another output goes to the same file",
                      "Give each a file of its own");
    }
    const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
    if (!std::filesystem::is_directory(folder)) {
      throw UserError(fmt::format("{} {}", option, file.string()), "its folder does not exist",
                      "Make the folder first");
    }
  };
  if (!options.vcd.empty()) {
    check_file("--vcd", options.vcd);
    check_file("--vcd", std::filesystem::path(options.vcd).replace_extension(".gtkw"));
  }
  if (!options.timeline.empty()) {
    check_file("--timeline", options.timeline);
  }
  if (!options.stats.empty()) {
    check_file("--stats", options.stats);
  }
  if (!options.vcd_scope.empty() && options.vcd.empty()) {
    throw UserError("--vcd-scope", "there is no VCD to add to", "Give --vcd FILE as well");
  }
}

config::PlatformConfig effective_config(const RunOptions& options) {
  config::PlatformConfig config = config::load(options.sources);
  if (options.seed_given) {
    config.seed = options.seed;
  }
  return config;
}

}  // namespace chronotile::cli
