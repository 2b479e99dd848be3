#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "platform/cli/run_options.hpp"
#include "traces/fan_out.hpp"
#include "traces/timeline.hpp"
#include "traces/vcd_writer.hpp"

namespace chronotile::cli {

/// Name of an output that an interrupted run leaves: out.vcd -> out.partial.vcd
[[nodiscard]] std::filesystem::path partial_name(const std::filesystem::path& file);

/// The observers that the command line asks for, attached to all modules that exist.
class RunTraces {
 public:
  /// Throws UserError if --vcd-scope matches nothing.
  RunTraces(const RunOptions& options, std::string title);

  /// Completes the files. `partial`: the run was interrupted; then they are called NAME.partial.EXT instead.
  void close(bool partial = false);

 private:
  std::unique_ptr<traces::VcdWriter> vcd_;
  std::unique_ptr<traces::Timeline> timeline_;
  std::unique_ptr<traces::FanOut> fan_out_;
  std::string vcd_file_;
  std::string timeline_file_;
};

}  // namespace chronotile::cli
