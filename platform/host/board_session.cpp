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
        summaries(plan.chips.size()) {
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

  /// Asks the item for its inputs of a step of `chip`; true if it has work.
  bool prepare(std::uint32_t chip, std::size_t lane, Item& item, double item_time_ns) {
    std::vector<double>& inputs = buffer(chip);
    std::fill(inputs.begin(), inputs.end(), 0.0);
    if (!item.stream->prepare(chip, item_time_ns, inputs.data())) {
      return false;
    }
    drivers[chip]->write_inputs(lane, inputs.data());
    board.services(chip).lanes.set_key(lane, {item.index, item.result.steps[chip]});
    return true;
  }
  [[nodiscard]] std::vector<double>& buffer(std::uint32_t chip) {
    buffers[chip].resize(std::max(drivers[chip]->plan().input_count, drivers[chip]->plan().output_count));
    return buffers[chip];
  }
  void silence(std::uint32_t chip, std::size_t lane) {
    std::vector<double>& inputs = buffer(chip);
    std::fill(inputs.begin(), inputs.end(), 0.0);
    drivers[chip]->write_inputs(lane, inputs.data());
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
    std::vector<double>& outputs = buffer(chip);
    for (std::size_t lane = 0; lane < items.size(); ++lane) {
      if (items[lane] != nullptr) {
        driver.read_outputs(lane, outputs.data());
        items[lane]->energy_aJ += std::llround(energy_nJ[lane] * 1e9);
        ++items[lane]->result.steps[chip];
        items[lane]->result.conversions += driver.conversions_per_step();
        summary.chip_energy_nJ += energy_nJ[lane];
        ++summary.lane_steps;
        items[lane]->stream->complete(chip, nanoseconds(begin[lane] + length), outputs.data());
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
  std::map<std::uint32_t, std::vector<double>> buffers;  ///< inputs or outputs of one lane, by chip
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
  for (Cycles time = 0; items_left > 0 && !stopped();) {
    wait_until(time);
    bool any = false;
    for (std::size_t lane = 0; lane < pipeline.size(); ++lane) {
      PipelineLane& state = pipeline[lane];
      const bool due = state.item != nullptr && state.start <= time;
      const bool works = due && prepare(chip, lane, *state.item, nanoseconds(time - state.start));
      if (due && !works && through(*state.item->stream)) {
        end_item(lane, time);
      }
      items[lane] = works ? state.item.get() : nullptr;
      any = any || works;
      if (!works && !silent[lane]) {
        silence(chip, lane);
      }
      silent[lane] = !works;
      begin[lane] = time - state.start;
    }
    if (!any) {
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
  std::size_t next = 0;
  while (!stopped()) {
    bool any = false;
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      LaneState& state = lanes[lane];
      while (state.item == nullptr && next < items.size()) {
        Item* candidate = items[next++].get();
        if (!candidate->stream->finished(chip)) {
          state = {candidate, 0};
        }
      }
      working[lane] = nullptr;
      if (state.item != nullptr) {
        const double ready_ns = state.item->stream->ready_ns(chip);
        const Cycles time = ready_ns < kNever_ns ? grid(std::max(ready_ns, nanoseconds(state.clock)), cadence) : 0;
        if (ready_ns == kNever_ns || !prepare(chip, lane, *state.item, nanoseconds(time))) {
          failure = fmt::format("item {} has no work for chip {} at {} ns, for which it said it was ready",
                                state.item->index, chip, nanoseconds(time));
          return;
        }
        working[lane] = state.item;
        begin[lane] = time;
        any = true;
      } else if (!silent[lane]) {
        silence(chip, lane);
      }
      silent[lane] = state.item == nullptr;
    }
    if (!any) {
      return;
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
