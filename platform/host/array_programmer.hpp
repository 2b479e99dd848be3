#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/tile/array.hpp"
#include "platform/chip/chip.hpp"
#include "platform/config/platform_config.hpp"
#include "platform/host/chip_access.hpp"
#include "platform/host/row_writer.hpp"
#include "platform/mapping/timing.hpp"

namespace chronotile::host {

/// What closed-loop programming of some rows came to. Errors: of the largest weight, as the reads showed them.
struct ProgrammingReport {
  std::uint64_t rows = 0;
  std::uint64_t weights = 0;
  std::uint64_t pulses = 0;            ///< that add conductance; every device was erased once besides
  std::uint64_t most_pulses = 0;       ///< of one weight
  std::uint64_t rounds = 0;            ///< triggers: pulses and a read
  std::uint64_t out_of_tolerance = 0;  ///< weights, when the budget was spent
  /// By number of pulses that a weight could have had so far (0: after erasing): mean |error|, and weights that are not
  /// yet within tolerance. A row that is done counts on as it was.
  std::vector<double> mean_error;
  std::vector<double> open_share;
  std::vector<std::uint64_t> weights_by_pulses;  ///< how many weights took so many pulses
  double simulated_ns = 0;
  tile::WeightMatrix read;  ///< 512 x 512: the weights of the programmed rows by their last read, 0 elsewhere
};

/// Programs the weights of one tile in closed loop, a row at a time: host software on the control bus, with firmware on
/// an input pad, an output pad, the tile and the tiles on the way.
///
/// A round: the host writes widths, a vector for each device, to the input pad and raises the trigger; the pulses write
/// the row's devices, one device a slot (and one of each weight at most); then the row is read through the same path as
/// an inference: its pulse of full length from the input pad, integration, signed ramp, output pad. The host waits for
/// the interrupt, reads 512 words and computes the next widths (RowWriter). The first round of a row erases its
/// devices; the last one is followed by no pulse. The columns' zeros are read once, without any input.
///
/// The tile's program is firmware/programs/program_row.lcs; row and amplitude go to registers of its controller. Other
/// controllers' programs are generated with the routes.
///
/// For a thread of simulation, one lane; no other controller may wait for the start trigger. Reads happen right after
/// pulses: weights relax afterwards (tile::Tile::relax).
class ArrayProgrammer {
 public:
  /// For the tile at `site`; `lanes`: of the chip, whose first gets a step for each round. Throws UserError if there is
  /// no way from an input pad to the tile's columns and rows or from there to an output pad, if the slot's timing is
  /// not that of the firmware, or if pads hold real numbers.
  ArrayProgrammer(chip::Chip& chip, ChipAccess access, Lanes& lanes, const config::PlatformConfig& config,
                  std::uint32_t site, WeightDevices devices);

  /// Programs of all controllers by name, as text.
  [[nodiscard]] const std::map<std::string, std::string>& assembly() const { return assembly_; }
  [[nodiscard]] const std::string& input_pad() const { return input_name_; }
  [[nodiscard]] const std::string& output_pad() const { return output_name_; }

  /// Loads and starts the programs; reads the columns' zeros.
  [[nodiscard]] bool begin();
  /// Stops the controllers that begin() started, so that another tile can be programmed.
  void end();
  /// Programs rows `first`..`last` - 1 to `targets` (512 x 512, -1..1). False: see failure().
  [[nodiscard]] bool program(const tile::WeightMatrix& targets, int first, int last, ProgrammingReport& report);
  /// Reads the weights of a row, `reads` times on average: kWires weights.
  [[nodiscard]] bool read_row(int row, std::uint32_t reads, std::vector<double>& weights);
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  struct Routes;
  void plan();
  [[nodiscard]] bool round(int row, std::uint32_t amplitude);
  [[nodiscard]] bool read_zeros();
  void write_widths(std::size_t device, const double* widths_ns);
  void select_row(int row);
  [[nodiscard]] std::vector<double> counts();
  [[nodiscard]] std::vector<double> read_weights();

  chip::Chip& chip_;
  ChipAccess access_;
  Lanes& lanes_;
  std::uint64_t steps_ = 0;  ///< rounds so far: a step of lane 0 each, so that noise is drawn anew
  config::PlatformConfig config_;
  mapping::SlotTiming timing_;
  std::uint32_t site_;
  WeightDevices devices_;
  RowWriter writer_;
  std::size_t writes_;  ///< slots with pulses
  std::uint32_t slope_code_ = 0;
  double counts_per_weight_ = 0;
  std::uint32_t tile_controller_ = 0;
  std::uint32_t output_controller_ = 0;
  std::uint32_t input_pad_ = 0;
  std::uint32_t output_pad_ = 0;
  std::string input_name_;
  std::string output_name_;
  std::map<std::string, std::string> assembly_;
  std::vector<std::pair<std::string, std::int64_t>> constants_;  ///< of the tile's program
  std::vector<double> zeros_;
  std::vector<double> written_[4];  ///< what the input pad holds
  int selected_ = -1;
  std::uint32_t amplitude_ = 0;
  bool amplitude_known_ = false;
  std::string failure_;
};

}  // namespace chronotile::host
