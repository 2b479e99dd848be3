#include "platform/cli/run_traces.hpp"

#include <filesystem>
#include <utility>
#include <vector>

#include "common/user_error.hpp"
#include "traces/attach.hpp"
#include "traces/gtkwave_save.hpp"

namespace chronotile::cli {
namespace {

void mark_partial(const std::filesystem::path& file) {
  if (!file.empty()) {
    std::filesystem::rename(file, partial_name(file));
  }
}

}  // namespace

std::filesystem::path partial_name(const std::filesystem::path& file) {
  return std::filesystem::path(file).replace_extension(".partial" + file.extension().string());
}

RunTraces::RunTraces(const RunOptions& options, std::string title)
    : vcd_file_(options.vcd), timeline_file_(options.timeline) {
  std::vector<probe::Observer*> observers;
  if (!options.vcd.empty()) {
    traces::VcdConfig config;
    config.path = options.vcd;
    config.scope = options.vcd_scope;
    config.title = std::move(title);
    vcd_ = std::make_unique<traces::VcdWriter>(std::move(config));
    observers.push_back(vcd_.get());
  }
  if (!options.timeline.empty()) {
    timeline_ = std::make_unique<traces::Timeline>(traces::TimelineConfig{options.timeline, {}});
    observers.push_back(timeline_.get());
  }
  if (!observers.empty()) {
    fan_out_ = std::make_unique<traces::FanOut>(observers);
    traces::attach_all(*fan_out_);
  }
  if (vcd_ && !options.vcd_scope.empty() && vcd_->scope_matches() == 0) {
    throw UserError("--vcd-scope " + options.vcd_scope, "matches no signal",
                    "Signals are named as in the VCD's scopes, for example chip0.tile_0_0.lc.en");
  }
}

void RunTraces::close(bool partial) {
  if (vcd_) {
    vcd_->close();
    traces::write_gtkwave_save(*vcd_);
  }
  if (timeline_) {
    timeline_->close();
  }
  if (partial) {
    mark_partial(vcd_file_);
    mark_partial(timeline_file_);
    if (vcd_) {  // its view names the dump, which has another name now
      std::filesystem::remove(std::filesystem::path(vcd_file_).replace_extension(".gtkw"));
    }
  }
}

}  // namespace chronotile::cli
