#include "platform/host/board_session.hpp"

#include <sysc/kernel/sc_dynamic_processes.h>

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "platform/host/host.hpp"

namespace chronotile::host {

MatrixPorts ports_of(const mapping::Plan& plan) {
  MatrixPorts ports;
  for (const mapping::ChipPlan& chip : plan.chips) {
    for (const mapping::MatrixUse& matrix : chip.matrices) {
      ports[matrix.name] = {chip.index, matrix.first_input, matrix.rows, matrix.first_output, matrix.columns};
    }
  }
  return ports;
}

namespace {

/// Lanes take their next items at even multiples of all cadences, so that layers which work on every second frame keep
/// in step.
constexpr std::int64_t kAlignment = 2;

/// Simulated time in controller cycles, counted from the origin of the grids.
using Cycles = std::int64_t;

struct Item {
  std::size_t index = 0;
  std::unique_ptr<Stream> stream;
  ItemResult result;
  std::int64_t energy_aJ = 0;            ///< whole, so that the sum does not depend on the order of the chips' steps
  std::uint64_t charged_operations = 0;  ///< of the digital unit
};

/// A lane of a chip in chip-by-chip order.
struct LaneState {
  Item* item = nullptr;
  Cycles clock = 0;  ///< earliest time of the item's next step, in the item's time
};

}  // namespace

struct BoardSession::Impl {
  Impl(const config::PlatformConfig& configuration, mapping::Plan plan, std::vector<Images> images,
       const BoardSessionOptions& session_options)
      : begun(std::chrono::steady_clock::now()),
        config(configuration),
        options(session_options),
        period_ns(config.clock.period_ns),
        board(config, static_cast<std::uint32_t>(plan.chips.size()), options.lanes, options.threads),
        host("host", config),
        summaries(plan.chips.size()),
        buffers(options.lanes) {
    host.bus().bind(board.bus());
    const auto overhead = static_cast<Cycles>(std::ceil(config.host.step_overhead_ns / period_ns - 1e-9));
    for (std::uint32_t chip = 0; chip < board.chips(); ++chip) {
      cadences.push_back(
          std::max(Cycles{1}, Cycles{plan.chips[chip].slots_per_step} * config.clock.slot_cycles + overhead));
      drivers.push_back(std::make_unique<ChipDriver>(board.chip(chip), host.chip(chip), board.services(chip),
                                                     board.meter(chip), std::move(plan.chips[chip]),
                                                     std::move(images.at(chip)), config));
      board.meter(chip).set_active_lanes(0);
    }
    for (const Cycles cadence : cadences) {
      alignment = std::lcm(alignment, kAlignment * cadence);
    }
  }

  // ---- both orders --------------------------------------------------------------------------------------------------

  [[nodiscard]] double nanoseconds(Cycles cycles) const { return static_cast<double>(cycles) * period_ns; }
  /// First multiple of `cadence` not before `time_ns`.
  [[nodiscard]] Cycles grid(double time_ns, Cycles cadence) const {
    const auto cycles = static_cast<Cycles>(std::ceil(time_ns / period_ns - 1e-6));
    return (std::max(cycles, Cycles{0}) + cadence - 1) / cadence * cadence;
  }
  [[nodiscard]] bool stopped() const { return !failure.empty() || (stop != nullptr && stop->load()); }
  [[nodiscard]] Cycles now() const {
    return static_cast<Cycles>((sc_core::sc_time_stamp() - origin) / sc_core::sc_time(period_ns, sc_core::SC_NS) + 0.5);
  }
  void wait_until(Cycles time) const {
    const sc_core::sc_time at = origin + sc_core::sc_time(nanoseconds(time), sc_core::SC_NS);
    if (at > sc_core::sc_time_stamp()) {
      sc_core::wait(at - sc_core::sc_time_stamp());
    }
  }

  /// Asks those of `items` (null: none) for their inputs of a step of `chip` at `times_ns`, each in its item's time,
  /// and writes them. Lanes go side by side. Items that have no work become null; lanes without work, silent.
  void prepare(std::uint32_t chip, std::vector<Item*>& items, const std::vector<double>& times_ns,
               std::vector<bool>& silent) {
    ChipDriver& driver = *drivers[chip];
    board.services(chip).workers.for_each(items.size(), [&](std::size_t lane) {
      std::vector<double>& inputs = buffer(chip, lane);
      std::fill(inputs.begin(), inputs.end(), 0.0);
      if (items[lane] != nullptr && !items[lane]->stream->prepare(chip, times_ns[lane], inputs.data())) {
        items[lane] = nullptr;
        std::fill(inputs.begin(), inputs.end(), 0.0);
      }
    });
    ChipDriver::LanesIn inputs(items.size(), nullptr);
    for (std::size_t lane = 0; lane < items.size(); ++lane) {
      if (items[lane] != nullptr || !silent[lane]) {
        inputs[lane] = buffers[lane].data();
      }
      if (items[lane] != nullptr) {
        board.services(chip).lanes.set_key(lane, {items[lane]->index, items[lane]->result.steps[chip]});
      }
      silent[lane] = items[lane] == nullptr;
    }
    driver.write_inputs(inputs);
  }
  /// Inputs or outputs of a lane.
  [[nodiscard]] std::vector<double>& buffer(std::uint32_t chip, std::size_t lane) {
    buffers[lane].resize(std::max(drivers[chip]->plan().input_count, drivers[chip]->plan().output_count));
    return buffers[lane];
  }

  /// One step of a chip for the lanes in `items` (null: the lane rests), for whose items it begins at `begin`. Returns
  /// its length: one period of the chip's grid, or more if the program takes longer than its plan said; 0: given up.
  [[nodiscard]] Cycles step(std::uint32_t chip, const std::vector<Item*>& items, const std::vector<Cycles>& begin) {
    ChipDriver& driver = *drivers[chip];
    const Cycles from = now();
    ++chips_in_step;
    std::vector<bool> active(items.size());
    std::transform(items.begin(), items.end(), active.begin(), [](const Item* item) { return item != nullptr; });
    driver.forget_outputs();
    energy::Meter& meter = board.meter(chip);
    (void)driver.take_energy();
    meter.set_active_lanes(active);
    if (!driver.step()) {
      failure = driver.failure();
      return 0;
    }
    const std::vector<double> energy_nJ = driver.take_energy();
    const Cycles length = std::max(Cycles{1}, (now() - from + cadences[chip] - 1) / cadences[chip]) * cadences[chip];
    meter.set_active_lanes(0);
    ChipSummary& summary = summaries[chip];
    summary.steps = driver.steps();
    summary.slots_per_step = driver.slots_per_step();
    if (first_step_wall_s == 0) {
      first_step_wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    }
    ChipDriver::LanesOut outputs(items.size(), nullptr);
    for (std::size_t lane = 0; lane < items.size(); ++lane) {
      outputs[lane] = items[lane] != nullptr ? buffer(chip, lane).data() : nullptr;
    }
    driver.read_outputs(outputs);
    board.services(chip).workers.for_each(items.size(), [&](std::size_t lane) {
      if (items[lane] != nullptr) {
        items[lane]->stream->complete(chip, nanoseconds(begin[lane] + length), outputs[lane]);
      }
    });
    for (std::size_t lane = 0; lane < items.size(); ++lane) {
      if (items[lane] != nullptr) {
        items[lane]->energy_aJ += std::llround(energy_nJ[lane] * 1e9);
        ++items[lane]->result.steps[chip];
        items[lane]->result.conversions += driver.conversions_per_step();
        summary.chip_energy_nJ += energy_nJ[lane];
        ++summary.lane_steps;
        charge_host(driver, *items[lane]);
      }
    }
    --chips_in_step;  // not before the streams know: until then another chip's idle point may take them for stuck
    return length;
  }

  /// Charges what the digital unit has done for the item since the last time.
  static void charge_host(ChipDriver& driver, Item& item) {
    const std::uint64_t operations = item.stream->digital_operations() + item.result.conversions;
    item.energy_aJ += driver.charge_host_aJ(operations - item.charged_operations);
    item.charged_operations = operations;
  }

  [[nodiscard]] std::unique_ptr<Item> make_item(std::size_t index) const {
    auto item = std::make_unique<Item>();
    item->index = index;
    item->stream = (*make)(index);
    item->result.steps.assign(board.chips(), 0);
    return item;
  }
  void finish(Item& item) const {
    charge_host(*drivers.back(), item);
    item.result.latency_ns = item.stream->end_ns();
    item.result.energy_nJ = static_cast<double>(item.energy_aJ) * 1e-9;
    (*done)(item.index, std::move(item.stream), item.result);
  }
  [[nodiscard]] bool through(const Stream& stream) const {
    for (std::uint32_t chip = 0; chip < board.chips(); ++chip) {
      if (!stream.finished(chip)) {
        return false;
      }
    }
    return true;
  }

  void program();
  void calibrate();

  // ---- pipeline -----------------------------------------------------------------------------------------------------

  void run_pipeline();
  void drive_chip(std::uint32_t chip);
  void refill(std::size_t lane, Cycles from);
  void end_item(std::size_t lane, Cycles time);
  void check_progress();

  struct PipelineLane {
    std::unique_ptr<Item> item;
    Cycles start = 0;
  };
  std::vector<PipelineLane> pipeline;
  std::size_t next_item = 0;
  std::size_t items_left = 0;
  sc_core::sc_event channel_ended{"channel_ended"};
  std::size_t channels = 0;
  std::size_t chips_in_step = 0;

  // ---- chip by chip -------------------------------------------------------------------------------------------------

  void run_chip_by_chip();
  void run_chip(std::uint32_t chip, std::vector<std::unique_ptr<Item>>& items);

  std::chrono::steady_clock::time_point begun;
  config::PlatformConfig config;
  BoardSessionOptions options;
  double period_ns;
  board::Board board;
  Host host;
  std::vector<std::unique_ptr<ChipDriver>> drivers;
  std::vector<Cycles> cadences;
  Cycles alignment = 1;
  std::vector<ChipSummary> summaries;
  std::vector<std::vector<double>> buffers;  ///< inputs or outputs, by lane
  CalibrationSummary calibration;
  sc_core::sc_time calibration_time;  ///< simulated, on these lanes
  std::string failure;
  double first_step_wall_s = 0;

  std::vector<std::size_t> numbers;  ///< of the items
  const Factory* make = nullptr;
  const Done* done = nullptr;
  const std::atomic<bool>* stop = nullptr;
  sc_core::sc_time origin;
};

void BoardSession::Impl::program() {
  host.show("load firmware");
  for (const auto& driver : drivers) {
    driver->load_firmware();
  }
  calibrate();
  host.show("run");
  // Grids begin on a cycle, behind everything that loading has set off.
  origin = sc_core::sc_time(
      (std::floor(sc_core::sc_time_stamp() / sc_core::sc_time(period_ns, sc_core::SC_NS)) + 1) * period_ns,
      sc_core::SC_NS);
  wait_until(0);
  if (options.order == Order::kPipeline) {
    run_pipeline();
  } else {
    run_chip_by_chip();
  }
  host.show("idle");
}

void BoardSession::Impl::calibrate() {
  if (!calibrates(config.host)) {
    return;
  }
  host.show("calibrate");
  const sc_core::sc_time from = sc_core::sc_time_stamp();
  for (std::uint32_t chip = 0; chip < board.chips() && !stopped(); ++chip) {
    Calibrator(*drivers[chip], board.services(chip), config).run(calibration, [this] { return stopped(); });
    failure = drivers[chip]->failure();
  }
  calibration.violations = board.forget_violations();
  calibration_time = sc_core::sc_time_stamp() - from;
}

void BoardSession::Impl::run_pipeline() {
  items_left = numbers.size();
  pipeline.resize(options.lanes);
  for (std::size_t lane = 0; lane < pipeline.size(); ++lane) {
    refill(lane, 0);
  }
  channels = drivers.size();
  for (std::uint32_t chip = 0; chip < drivers.size(); ++chip) {
    sc_core::sc_spawn([this, chip] { drive_chip(chip); }, fmt::format("host_channel{}", chip).c_str());
  }
  while (channels > 0) {
    sc_core::wait(channel_ended);
  }
}

/// Gives the lane its next item, whose time begins at the first meeting of all grids not before `from`.
void BoardSession::Impl::refill(std::size_t lane, Cycles from) {
  PipelineLane& state = pipeline[lane];
  state.item.reset();
  if (next_item < numbers.size() && !stopped()) {
    state.item = make_item(numbers[next_item++]);
    state.start = (from + alignment - 1) / alignment * alignment;
  }
}

void BoardSession::Impl::end_item(std::size_t lane, Cycles time) {
  finish(*pipeline[lane].item);
  --items_left;
  refill(lane, time);
}

/// The host's side of one chip: at each point of its grid a step, if any lane has work.
void BoardSession::Impl::drive_chip(std::uint32_t chip) {
  const Cycles cadence = cadences[chip];
  std::vector<Item*> items(pipeline.size());
  std::vector<bool> silent(pipeline.size(), true);
  std::vector<Cycles> begin(pipeline.size());
  std::vector<double> times_ns(pipeline.size());
  for (Cycles time = 0; items_left > 0 && !stopped();) {
    wait_until(time);
    for (std::size_t lane = 0; lane < pipeline.size(); ++lane) {
      const PipelineLane& state = pipeline[lane];
      items[lane] = state.item != nullptr && state.start <= time ? state.item.get() : nullptr;
      begin[lane] = time - state.start;
      times_ns[lane] = nanoseconds(begin[lane]);
    }
    const std::vector<Item*> due = items;
    prepare(chip, items, times_ns, silent);
    for (std::size_t lane = 0; lane < pipeline.size(); ++lane) {
      if (due[lane] != nullptr && items[lane] == nullptr && through(*due[lane]->stream)) {
        end_item(lane, time);
      }
    }
    if (std::all_of(items.begin(), items.end(), [](const Item* item) { return item == nullptr; })) {
      check_progress();
      time += cadence;
      continue;
    }
    const Cycles length = step(chip, items, begin);
    if (length == 0) {
      break;
    }
    time += length;
    for (std::size_t lane = 0; lane < pipeline.size(); ++lane) {
      if (items[lane] != nullptr && through(*items[lane]->stream)) {
        end_item(lane, time);
      }
    }
  }
  --channels;
  channel_ended.notify(sc_core::SC_ZERO_TIME);
}

/// Gives up when every item waits for what no chip will do.
void BoardSession::Impl::check_progress() {
  if (chips_in_step > 0 || stopped()) {
    return;
  }
  for (const PipelineLane& state : pipeline) {
    if (state.item == nullptr) {
      continue;
    }
    for (std::uint32_t chip = 0; chip < drivers.size(); ++chip) {
      if (state.item->stream->ready_ns(chip) < kNever_ns) {
        return;
      }
    }
  }
  const auto waiting =
      std::find_if(pipeline.begin(), pipeline.end(), [](const PipelineLane& state) { return state.item != nullptr; });
  if (waiting != pipeline.end()) {
    failure = fmt::format("item {} waits for a step that no chip has to do", waiting->item->index);
  }
}

void BoardSession::Impl::run_chip_by_chip() {
  std::vector<std::unique_ptr<Item>> items;
  for (auto number = numbers.begin(); number != numbers.end() && !stopped(); ++number) {
    items.push_back(make_item(*number));
  }
  for (std::uint32_t chip = 0; chip < drivers.size() && !stopped(); ++chip) {
    run_chip(chip, items);
  }
  for (const auto& item : items) {
    if (item->stream != nullptr && through(*item->stream)) {
      finish(*item);
    }
  }
}

void BoardSession::Impl::run_chip(std::uint32_t chip, std::vector<std::unique_ptr<Item>>& items) {
  const Cycles cadence = cadences[chip];
  const bool last = chip + 1 == drivers.size();
  std::vector<LaneState> lanes(options.lanes);
  std::vector<Item*> working(options.lanes);
  std::vector<bool> silent(options.lanes, true);
  std::vector<Cycles> begin(options.lanes);
  std::vector<double> times_ns(options.lanes);
  std::size_t next = 0;
  while (!stopped()) {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      LaneState& state = lanes[lane];
      while (state.item == nullptr && next < items.size()) {
        Item* candidate = items[next++].get();
        if (!candidate->stream->finished(chip)) {
          state = {candidate, 0};
        }
      }
      if (state.item != nullptr) {
        const double ready_ns = state.item->stream->ready_ns(chip);
        if (ready_ns == kNever_ns) {
          failure = fmt::format("item {} waits for a step that chip {} has not to do", state.item->index, chip);
          return;
        }
        begin[lane] = grid(std::max(ready_ns, nanoseconds(state.clock)), cadence);
        times_ns[lane] = nanoseconds(begin[lane]);
      }
      working[lane] = state.item;
    }
    if (std::all_of(working.begin(), working.end(), [](const Item* item) { return item == nullptr; })) {
      return;
    }
    prepare(chip, working, times_ns, silent);
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      if (lanes[lane].item != working[lane]) {
        failure = fmt::format("item {} has no work for chip {} at {} ns, for which it said it was ready",
                              lanes[lane].item->index, chip, times_ns[lane]);
        return;
      }
    }
    const Cycles from = now();
    const Cycles length = step(chip, working, begin);
    if (length == 0) {
      return;
    }
    wait_until(from + length);
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      lanes[lane].clock = begin[lane] + length;
      if (lanes[lane].item != nullptr && lanes[lane].item->stream->finished(chip)) {
        if (last && through(*lanes[lane].item->stream)) {
          finish(*lanes[lane].item);
        }
        lanes[lane].item = nullptr;
      }
    }
  }
}

BoardSession::BoardSession(const config::PlatformConfig& config, mapping::Plan plan, std::vector<Images> images,
                           const BoardSessionOptions& options)
    : impl_(std::make_unique<Impl>(config, std::move(plan), std::move(images), options)) {}

BoardSession::~BoardSession() = default;

void BoardSession::run(const std::vector<std::size_t>& items, const Factory& make, const Done& done,
                       const std::atomic<bool>* stop) {
  impl_->numbers = items;
  impl_->make = &make;
  impl_->done = &done;
  impl_->stop = stop;
  impl_->host.set_program([this] { impl_->program(); });
  sc_core::sc_start();
  impl_->host.finish();
}

const std::string& BoardSession::failure() const { return impl_->failure; }
const board::Board& BoardSession::board() const { return impl_->board; }
const CalibrationSummary& BoardSession::calibration() const { return impl_->calibration; }
double BoardSession::simulated_ns() const {
  return (sc_core::sc_time_stamp() - impl_->calibration_time) / sc_core::sc_time(1, sc_core::SC_NS);
}
const std::vector<ChipSummary>& BoardSession::chips() const { return impl_->summaries; }
double BoardSession::cadence_ns(std::uint32_t chip) const { return impl_->nanoseconds(impl_->cadences.at(chip)); }
double BoardSession::first_step_wall_s() const { return impl_->first_step_wall_s; }

std::uint64_t BoardSession::instructions() const {
  std::uint64_t sum = 0;
  for (const auto& driver : impl_->drivers) {
    sum += driver->instructions();
  }
  return sum;
}

}  // namespace chronotile::host
