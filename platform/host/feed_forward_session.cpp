#include "platform/host/feed_forward_session.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "platform/chip/chip.hpp"
#include "platform/host/host.hpp"

namespace chronotile::host {
namespace {

double nanoseconds(const sc_core::sc_time& time) { return time / sc_core::sc_time(1, sc_core::SC_NS); }

}  // namespace

struct FeedForwardSession::Impl {
  Impl(const config::PlatformConfig& configuration, const mapping::Plan& mapped,
       const std::map<std::string, std::vector<isa::Word>>& programs, const SessionOptions& options)
      : config(configuration),
        plan(mapped.chips.at(0)),
        network_outputs(mapped.network_outputs),
        images(programs),
        meter(options.lanes),
        period(configuration.clock.period_ns, sc_core::SC_NS),
        lanes(options.lanes),
        workers(options.threads),
        services{violations, meter, lanes, workers, configuration.seed, 0},
        chip("chip0", configuration, services),
        host("host", configuration, services) {
    host.bus().bind(chip.bus());
    for (const mapping::TileAssignment& assignment : plan.tiles) {
      if (assignment.wp1.size() != 0) {
        chip.tile(assignment.site).program(tile::WeightSet::kWp1, assignment.wp1);
      }
      if (assignment.wp2.size() != 0) {
        chip.tile(assignment.site).program(tile::WeightSet::kWp2, assignment.wp2);
      }
    }
    for (const std::string& name : plan.finishers) {
      finishers |= std::uint64_t{1} << controller(name);
    }
  }

  [[nodiscard]] std::uint32_t controller(const std::string& name) const {
    const int index = chip.floorplan().find_controller(name);
    if (index < 0) {
      throw std::logic_error(fmt::format("the plan names a controller {} that the chip does not have", name));
    }
    return static_cast<std::uint32_t>(index);
  }

  void load_firmware();
  void program(const std::vector<std::vector<double>>& inputs, const std::function<void(std::size_t)>& done);
  /// False: it had to be given up, `failure` says why. (No exception: AddressSanitizer loses
  /// track of the stack where one is thrown in or behind a simulation with SystemC threads.)
  [[nodiscard]] bool step(const std::vector<std::vector<double>>& inputs, std::size_t first, std::size_t count);
  void write_inputs(const std::vector<double>& input, std::size_t lane);
  [[nodiscard]] bool wait_for_finishers();
  std::vector<double> take_energy();
  void give_up_step(const std::string& why);
  void forget_outputs();
  [[nodiscard]] std::vector<double> read_outputs(std::size_t lane);

  config::PlatformConfig config;
  mapping::ChipPlan plan;
  std::uint32_t network_outputs;
  std::map<std::string, std::vector<isa::Word>> images;

  ViolationLog violations;
  energy::Meter meter;
  sc_core::sc_time period;  ///< of the controller clock
  Lanes lanes;
  WorkPool workers;
  Services services;
  chip::Chip chip;
  Host host;

  std::uint64_t finishers = 0;
  std::uint64_t steps = 0;
  std::string failure;
  std::uint32_t slots_per_step = 0;
  std::vector<StepResult> results;
};

void FeedForwardSession::Impl::load_firmware() {
  host.show("load firmware");
  for (const auto& [name, words] : images) {
    host.load_firmware(controller(name), words);
  }
  for (const auto& entry : images) {
    host.start_controller(controller(entry.first));
  }
  wait(100, sc_core::SC_NS);
}

void FeedForwardSession::Impl::program(const std::vector<std::vector<double>>& inputs,
                                       const std::function<void(std::size_t)>& done) {
  meter.set_active_lanes(0);
  load_firmware();
  results.resize(inputs.size());
  for (std::size_t first = 0; first < inputs.size(); first += lanes.count()) {
    const std::size_t count = std::min(lanes.count(), inputs.size() - first);
    if (!step(inputs, first, count)) {
      return;
    }
    done(first + count);
  }
  host.show("idle");
}

bool FeedForwardSession::Impl::step(const std::vector<std::vector<double>>& inputs, std::size_t first,
                                    std::size_t count) {
  host.show("write inputs");
  const std::vector<double> silence(inputs[first].size(), 0.0);
  for (std::size_t lane = 0; lane < lanes.count(); ++lane) {
    lanes.set_key(lane, {first + lane, 0});
    write_inputs(lane < count ? inputs[first + lane] : silence, lane);
  }
  forget_outputs();
  take_energy();
  meter.set_active_lanes(count);
  host.work_between_steps();
  host.show("wait for chip");
  host.clear_interrupts(~std::uint64_t{0});  // what was raised before does not end this step
  host.trigger(1);
  if (!wait_for_finishers()) {
    return false;
  }

  const double start_ns = nanoseconds(chip.epoch());
  const double latency_ns = nanoseconds(chip.last_interrupt() - chip.epoch());
  const auto cycles = static_cast<std::uint32_t>((chip.last_interrupt() - chip.epoch()).value() / period.value());
  slots_per_step = std::max({1U, slots_per_step, (cycles + config.clock.slot_cycles - 1) / config.clock.slot_cycles});
  ++steps;

  host.show("read outputs");
  const std::vector<double> energy_nJ = take_energy();
  meter.set_active_lanes(0);
  for (std::size_t lane = 0; lane < count; ++lane) {
    results[first + lane] = {read_outputs(lane), start_ns, latency_ns, energy_nJ[lane]};
  }
  return true;
}

/// Energy of each lane since the last call. Taken between two clock edges; returns on the next one.
std::vector<double> FeedForwardSession::Impl::take_energy() {
  const auto half = sc_core::sc_time::from_value(period.value() / 2);
  const auto cycles = sc_core::sc_time_stamp().value() / period.value() + 1;
  wait(sc_core::sc_time::from_value(cycles * period.value()) + half - sc_core::sc_time_stamp());
  chip.settle_energy();
  std::vector<double> taken = meter.take_lanes();
  wait(period - half);
  return taken;
}

/// What a step does not capture must not be read as the result of an earlier one.
void FeedForwardSession::Impl::forget_outputs() {
  const std::vector<double> silence(kWires, 0.0);
  for (const mapping::OutputVector& vector : plan.outputs) {
    for (std::size_t lane = 0; lane < lanes.count(); ++lane) {
      host.write_vector(chip.floorplan().pads() + vector.pad, vector.vector, lane, silence);
    }
  }
}

void FeedForwardSession::Impl::write_inputs(const std::vector<double>& input, std::size_t lane) {
  for (const mapping::InputVector& vector : plan.inputs) {
    std::vector<double> counts(kWires, 0.0);
    for (std::uint32_t wire = 0; wire < vector.count; ++wire) {
      counts[wire] = input[vector.first + wire] * config.pad.full_scale;
    }
    host.write_vector(vector.pad, vector.vector, lane, counts);
  }
}

/// A finisher that has faulted interrupts as well: that ends no step.
bool FeedForwardSession::Impl::wait_for_finishers() {
  const sc_core::sc_time timeout(config.host.step_timeout_slots * config.clock.slot_cycles * config.clock.period_ns,
                                 sc_core::SC_NS);
  const sc_core::sc_time give_up = sc_core::sc_time_stamp() + timeout;
  std::uint64_t answered = 0;
  while ((answered & finishers) != finishers || chip.last_interrupt() < chip.epoch()) {
    if (sc_core::sc_time_stamp() >= give_up) {
      give_up_step(fmt::format("did not end within {} slots", config.host.step_timeout_slots));
      return false;
    }
    if (chip.pending() == 0) {
      wait(give_up - sc_core::sc_time_stamp(), chip.interrupt());
    }
    const std::uint64_t raised = host.pending_interrupts();
    if ((host.faults() & finishers) != 0) {
      give_up_step("stopped by a fault");
      return false;
    }
    answered |= raised;
    host.clear_interrupts(raised);
  }
  return true;
}

void FeedForwardSession::Impl::give_up_step(const std::string& why) {
  std::vector<std::string> silent;
  for (const auto& entry : images) {
    const std::uint32_t index = controller(entry.first);
    const bool faulted = (host.faults() >> index & 1U) != 0;
    if (faulted || (finishers >> index & 1U) != 0) {
      const std::uint32_t status = host.read_controller(index, controller::map::kStatus);
      silent.push_back(fmt::format("{} ({}, cause {}, pc {:#x})", entry.first,
                                   name(static_cast<controller::State>(status & 0xffU)),
                                   name(static_cast<controller::Cause>(status >> 8U & 0xffU)),
                                   host.read_controller(index, controller::map::kPc)));
    }
  }
  failure = fmt::format("step {} {}: {}", steps, why, fmt::join(silent, ", "));
}

std::vector<double> FeedForwardSession::Impl::read_outputs(std::size_t lane) {
  std::vector<double> outputs(network_outputs, 0.0);
  for (const mapping::OutputVector& vector : plan.outputs) {
    const std::vector<double> counts =
        host.read_vector(chip.floorplan().pads() + vector.pad, vector.vector, lane, vector.wire, vector.count);
    for (std::uint32_t wire = 0; wire < vector.count; ++wire) {
      outputs[vector.first + wire] = (counts[wire] - vector.zero_count) / vector.counts_per_unit;
    }
  }
  return outputs;
}

FeedForwardSession::FeedForwardSession(const config::PlatformConfig& config, const mapping::Plan& plan,
                                       const std::map<std::string, std::vector<isa::Word>>& images,
                                       const SessionOptions& options)
    : impl_(std::make_unique<Impl>(config, plan, images, options)) {}

FeedForwardSession::~FeedForwardSession() = default;

std::vector<StepResult> FeedForwardSession::run(const std::vector<std::vector<double>>& inputs,
                                                const std::function<void(std::size_t)>& done) {
  impl_->host.set_program([&] { impl_->program(inputs, done); });
  sc_core::sc_start();
  impl_->host.finish();
  return std::move(impl_->results);
}

const std::string& FeedForwardSession::failure() const { return impl_->failure; }
const ViolationLog& FeedForwardSession::violations() const { return impl_->violations; }
const energy::Meter& FeedForwardSession::energy() const { return impl_->meter; }
double FeedForwardSession::simulated_ns() const { return nanoseconds(sc_core::sc_time_stamp()); }
std::uint64_t FeedForwardSession::steps() const { return impl_->steps; }
std::uint32_t FeedForwardSession::slots_per_step() const { return impl_->slots_per_step; }

std::uint64_t FeedForwardSession::instructions() const {
  std::uint64_t sum = 0;
  for (std::uint32_t index = 0; index < impl_->chip.floorplan().controllers(); ++index) {
    sum += impl_->chip.local_controller(index).executed();
  }
  return sum;
}

}  // namespace chronotile::host
