#include "platform/cli/map_output.hpp"

#include <fmt/format.h>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "common/atomic_file.hpp"
#include "common/user_error.hpp"
#include "platform/cli/run_summary.hpp"
#include "platform/mapping/report.hpp"

namespace chronotile::cli {
namespace {

/// One .lcs file per controller. Programs of an earlier plan that this one does not have would be refused by
/// `run --firmware`, so they are not left among them.
void write_programs(const mapping::ChipPlan& chip, const std::filesystem::path& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure || !std::filesystem::is_directory(directory)) {
    throw UserError(directory.string(), fmt::format("cannot be made a directory ({})", failure.message()),
                    "Give --asm a directory that you may write");
  }
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    if (file.path().extension() == ".lcs" && chip.assembly.count(file.path().stem().string()) == 0) {
      throw UserError(file.path().string(), "stands where the programs go, but belongs to no controller of this plan",
                      "Remove it, or give --asm an empty directory");
    }
  }
  for (const auto& [name, text] : chip.assembly) {
    write_file_atomically(directory / (name + ".lcs"), text);
  }
}

}  // namespace

void add_map_output_options(CLI::App& command, MapOutput& output, bool many) {
  command
      .add_option("--asm", output.assembly,
                  many ? "Write a program chipK/NAME.lcs for each controller into this directory"
                       : "Write a program NAME.lcs for each controller into this directory")
      ->type_name("DIR");
  command
      .add_option("--svg", output.svg,
                  many ? "Write a drawing chipK.svg of each chip into this directory" : "Write a drawing of the chip")
      ->type_name(many ? "DIR" : "FILE");
  command.add_flag("--json", output.json, "Machine-readable result");
}

void write_map(const mapping::Plan& plan, const config::PlatformConfig& config, const MapOutput& output, bool many) {
  for (const mapping::ChipPlan& chip : plan.chips) {
    const std::string name = fmt::format("chip{}", chip.index);
    if (!output.assembly.empty()) {
      const std::filesystem::path folder = output.assembly;
      write_programs(chip, many ? folder / name : folder);
    }
    if (!output.svg.empty()) {
      const std::filesystem::path svg = output.svg;
      if (many) {
        make_report_directory(svg);
      }
      write_file_atomically(many ? svg / (name + ".svg") : svg, mapping::chip_svg(chip, config));
    }
  }
  if (output.json) {
    std::cout << mapping::to_json(plan, config.floorplan).dump(kJsonIndent) << '\n';
  } else {
    std::cout << mapping::to_text(plan, config.floorplan);
  }
}

}  // namespace chronotile::cli
