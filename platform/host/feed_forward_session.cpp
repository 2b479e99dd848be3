#include "platform/host/feed_forward_session.hpp"

#include <algorithm>

#include "platform/board/board.hpp"
#include "platform/host/chip_driver.hpp"
#include "platform/host/host.hpp"

namespace chronotile::host {

struct FeedForwardSession::Impl {
  Impl(const config::PlatformConfig& configuration, const mapping::Plan& mapped, const Images& images,
       const SessionOptions& options)
      : config(configuration),
        board(configuration, 1, options.lanes, options.threads),
        meter(board.meter(0)),
        lanes(board.services(0).lanes),
        host("host", configuration),
        driver(board.chip(0), host.chip(), board.services(0), meter, mapped.chips.at(0), images, configuration) {
    host.bus().bind(board.bus());
  }

  void program(const std::vector<std::vector<double>>& inputs, const std::function<void(std::size_t)>& done);
  [[nodiscard]] bool step(const std::vector<std::vector<double>>& inputs, std::size_t first, std::size_t count);

  config::PlatformConfig config;
  board::Board board;
  energy::Meter& meter;
  Lanes& lanes;
  Host host;
  ChipDriver driver;
  std::vector<StepResult> results;
  CalibrationSummary calibration;
  sc_core::sc_time calibration_time;  ///< simulated, on these lanes
};

void FeedForwardSession::Impl::program(const std::vector<std::vector<double>>& inputs,
                                       const std::function<void(std::size_t)>& done) {
  meter.set_active_lanes(0);
  host.show("load firmware");
  driver.load_firmware();
  if (calibrates(config.host)) {
    host.show("calibrate");
    const sc_core::sc_time from = sc_core::sc_time_stamp();
    Calibrator(driver, board.services(0), config).run(calibration, [] { return false; });
    calibration.violations = board.forget_violations();
    calibration_time = sc_core::sc_time_stamp() - from;
    if (!driver.failure().empty()) {
      return;
    }
  }
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
  ChipDriver::LanesIn lane_inputs(lanes.count(), silence.data());
  for (std::size_t lane = 0; lane < lanes.count(); ++lane) {
    lanes.set_key(lane, {first + lane, 0});
    if (lane < count) {
      lane_inputs[lane] = inputs[first + lane].data();
    }
  }
  driver.write_inputs(lane_inputs);
  driver.forget_outputs();
  (void)driver.take_energy();
  meter.set_active_lanes(count);
  wait(config.host.step_overhead_ns, sc_core::SC_NS);
  host.show("wait for chip");
  if (!driver.step()) {
    return false;
  }

  host.show("read outputs");
  const std::vector<double> energy_nJ = driver.take_energy();
  meter.set_active_lanes(0);
  ChipDriver::LanesOut lane_outputs;
  for (std::size_t lane = 0; lane < count; ++lane) {
    StepResult& result = results[first + lane];
    const double host_nJ = static_cast<double>(driver.charge_host_aJ(driver.conversions_per_step())) * 1e-9;
    result = {std::vector<double>(driver.plan().output_count), driver.start_ns(), driver.latency_ns(),
              energy_nJ[lane] + host_nJ, energy_nJ[lane]};
    lane_outputs.push_back(result.outputs.data());
  }
  driver.read_outputs(lane_outputs);
  return true;
}

FeedForwardSession::FeedForwardSession(const config::PlatformConfig& config, const mapping::Plan& plan,
                                       const Images& images, const SessionOptions& options)
    : impl_(std::make_unique<Impl>(config, plan, images, options)) {}

FeedForwardSession::~FeedForwardSession() = default;

std::vector<StepResult> FeedForwardSession::run(const std::vector<std::vector<double>>& inputs,
                                                const std::function<void(std::size_t)>& done) {
  impl_->host.set_program([&] { impl_->program(inputs, done); });
  sc_core::sc_start();
  impl_->host.finish();
  return std::move(impl_->results);
}

const std::string& FeedForwardSession::failure() const { return impl_->driver.failure(); }
const ViolationLog& FeedForwardSession::violations() const { return impl_->board.violations(); }
const energy::Meter& FeedForwardSession::energy() const { return impl_->meter; }
const CalibrationSummary& FeedForwardSession::calibration() const { return impl_->calibration; }
double FeedForwardSession::simulated_ns() const {
  return (sc_core::sc_time_stamp() - impl_->calibration_time) / sc_core::sc_time(1, sc_core::SC_NS);
}
std::uint64_t FeedForwardSession::steps() const { return impl_->driver.steps(); }
std::uint32_t FeedForwardSession::slots_per_step() const { return impl_->driver.slots_per_step(); }
std::uint64_t FeedForwardSession::instructions() const { return impl_->driver.instructions(); }

}  // namespace chronotile::host
