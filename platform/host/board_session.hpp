#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/board/board.hpp"
#include "platform/host/calibration.hpp"
#include "platform/host/chip_driver.hpp"
#include "platform/host/stream.hpp"
#include "platform/mapping/plan.hpp"

namespace chronotile::host {

/// Ports of the matrices of a plan.
[[nodiscard]] MatrixPorts ports_of(const mapping::Plan& plan);

/// How items pass the chips of a board.
enum class Order : std::uint8_t {
  kPipeline,    ///< all chips at once: a chip works on an item as soon as what it needs is there
  kChipByChip,  ///< all items through the first chip, then through the second, ... (as in the paper's experiment)
};

struct BoardSessionOptions {
  std::size_t lanes = 1;
  int threads = 1;
  Order order = Order::kPipeline;
};

/// What an item took; its stream holds the result itself.
struct ItemResult {
  double latency_ns = 0;             ///< Stream::end_ns
  double energy_nJ = 0;              ///< of the steps in which it had work, on one copy of the board, host included
  std::uint64_t conversions = 0;     ///< operations of the digital unit on words of output pads, see ChipDriver
  std::vector<std::uint64_t> steps;  ///< of each chip in which it had work
};

/// What one chip did in a run.
struct ChipSummary {
  std::uint64_t steps = 0;           ///< of the chip, whatever the lanes
  std::uint64_t lane_steps = 0;      ///< sum over the lanes that had work
  std::uint32_t slots_per_step = 0;  ///< of the firmware that ran
  double chip_energy_nJ = 0;         ///< of lane_steps, without the host
};

/// A board and its host, running streams: an item's number is that of its noise stream. Construct one per process,
/// attach observers, run.
///
/// Cadence: steps of a chip start on a grid, whose period is the chip's schedule and HostConfig::step_overhead_ns; a
/// chip without work at a grid point rests until the next. A lane takes its next item where the grids of all chips meet
/// (a multiple of `alignment` periods), so an item meets the same times whatever ran before it or runs beside it. In
/// chip-by-chip order each lane keeps the time that the pipeline would show: results, times and energies are the same.
///
/// Calibration, if the configuration asks for it, stands before all items, chip after chip: see Calibrator. Its steps,
/// time, energy, instructions and violations are those of calibration() and of nothing else here.
class BoardSession {
 public:
  using Factory = std::function<std::unique_ptr<Stream>(std::size_t item)>;
  /// An item is through; the stream is the session's no more.
  using Done = std::function<void(std::size_t item, std::unique_ptr<Stream> stream, const ItemResult& result)>;

  /// `images`: by chip. The plan's weights are programmed and not kept.
  BoardSession(const config::PlatformConfig& config, mapping::Plan plan, std::vector<Images> images,
               const BoardSessionOptions& options);
  ~BoardSession();

  /// Simulates the items with these numbers, in this order. `make` is called when a lane is free for the item (in
  /// chip-by-chip order all streams live until the end) and must not throw. Ends early at a step boundary if `*stop`
  /// becomes true, or, with failure() set, if a step does not end; items that are not through are then never done.
  void run(const std::vector<std::size_t>& items, const Factory& make, const Done& done,
           const std::atomic<bool>* stop = nullptr);

  /// Why the run was given up; empty if it was not.
  [[nodiscard]] const std::string& failure() const;
  [[nodiscard]] const board::Board& board() const;
  /// Without calibration.
  [[nodiscard]] double simulated_ns() const;
  [[nodiscard]] const CalibrationSummary& calibration() const;
  [[nodiscard]] const std::vector<ChipSummary>& chips() const;
  [[nodiscard]] std::uint64_t instructions() const;
  /// Period of the grid of a chip's steps.
  [[nodiscard]] double cadence_ns(std::uint32_t chip) const;
  /// Wall time from construction to the end of the first step, s; 0 if there was none.
  [[nodiscard]] double first_step_wall_s() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chronotile::host
