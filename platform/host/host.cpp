#include "platform/host/host.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <stdexcept>

#include "models/bus/bus_initiator.hpp"
#include "platform/chip/chip.hpp"

namespace chronotile::host {

struct Host::Impl {
  Impl(const config::PlatformConfig& configuration, Services& shared)
      : config(configuration), services(shared), place(shared.energy.add_place("host", "host")), initiator("bus") {}

  [[nodiscard]] std::uint64_t base() const { return services.chip * chip::map::kChipStride; }

  config::PlatformConfig config;
  Services& services;
  energy::Place place;
  bus::BusInitiator initiator;
  std::function<void()> program;
  std::exception_ptr failure;
  bool ended = false;
};

Host::Host(sc_core::sc_module_name name, const config::PlatformConfig& config, Services& services)
    : sc_module(name), impl_(std::make_unique<Impl>(config, services)) {
  SC_HAS_PROCESS(Host);
  SC_THREAD(run);
}

Host::~Host() = default;

tlm::tlm_base_initiator_socket<32>& Host::bus() { return impl_->initiator.socket; }

void Host::set_program(std::function<void()> program) { impl_->program = std::move(program); }

void Host::run() {
  try {
    if (impl_->program) {
      impl_->program();
    }
    impl_->ended = true;
  } catch (const sc_core::sc_unwind_exception&) {
    throw;  // the kernel ends this thread
  } catch (...) {
    impl_->failure = std::current_exception();
  }
  sc_core::sc_pause();
}

void Host::finish() const {
  if (impl_->failure) {
    std::rethrow_exception(impl_->failure);
  }
  if (!impl_->ended) {
    throw std::logic_error("the simulation ended before the host's program did");
  }
}

void Host::load_firmware(std::uint32_t controller, const std::vector<isa::Word>& words) {
  if (!words.empty()) {
    impl_->initiator.expect_write(impl_->base() + chip::map::controller(controller) + controller::map::kSram,
                                  words.data(), words.size() * sizeof(isa::Word));
  }
}

void Host::start_controller(std::uint32_t controller) {
  constexpr std::uint32_t kStart = 1;
  impl_->initiator.expect_write32(
      impl_->base() + chip::map::controller(controller) + controller::map::kRegisters + controller::map::kControl,
      kStart);
}

std::uint32_t Host::read_controller(std::uint32_t controller, std::uint64_t offset) {
  return impl_->initiator.expect_read32(impl_->base() + chip::map::controller(controller) +
                                        controller::map::kRegisters + offset);
}

void Host::write_vector(std::uint32_t pad_window, std::uint32_t vector, std::size_t lane,
                        const std::vector<double>& counts) {
  using namespace landing_pad::map;
  const std::uint64_t window = impl_->base() + chip::map::pad(pad_window);
  const std::uint64_t index = lane * impl_->config.pad.vectors + vector;
  if (!impl_->config.pad.quantise) {
    impl_->initiator.expect_write(window + kReal + index * kRealBytes, counts.data(), counts.size() * sizeof(double));
    return;
  }
  std::vector<std::uint8_t> words(counts.size());
  std::transform(counts.begin(), counts.end(), words.begin(), [this](double count) {
    return static_cast<std::uint8_t>(
        std::clamp(std::round(count), 0.0, static_cast<double>(impl_->config.pad.full_scale)));
  });
  impl_->initiator.expect_write(window + kBytes + index * kVectorBytes, words.data(), words.size());
}

std::vector<double> Host::read_vector(std::uint32_t pad_window, std::uint32_t vector, std::size_t lane,
                                      std::uint32_t first, std::uint32_t count) {
  using namespace landing_pad::map;
  const std::uint64_t window = impl_->base() + chip::map::pad(pad_window);
  const std::uint64_t index = lane * impl_->config.pad.vectors + vector;
  std::vector<double> counts(count);
  if (!impl_->config.pad.quantise) {
    impl_->initiator.expect_read(window + kReal + index * kRealBytes + first * sizeof(double), counts.data(),
                                 counts.size() * sizeof(double));
    return counts;
  }
  std::vector<std::uint8_t> words(count);
  impl_->initiator.expect_read(window + kBytes + index * kVectorBytes + first, words.data(), words.size());
  std::copy(words.begin(), words.end(), counts.begin());
  return counts;
}

void Host::trigger(std::uint32_t mask) {
  impl_->initiator.expect_write32(impl_->base() + chip::map::kControl + chip::control_map::kTrigger, mask);
}

std::uint64_t Host::read_bits(std::uint64_t offset) {
  const std::uint64_t address = impl_->base() + chip::map::kControl + offset;
  const std::uint64_t low = impl_->initiator.expect_read32(address);
  return std::uint64_t{impl_->initiator.expect_read32(address + 4)} << 32U | low;
}

std::uint64_t Host::pending_interrupts() { return read_bits(chip::control_map::kPending0); }
std::uint64_t Host::faults() { return read_bits(chip::control_map::kFault0); }

void Host::clear_interrupts(std::uint64_t controllers) {
  impl_->initiator.expect_write(impl_->base() + chip::map::kControl + chip::control_map::kPending0, &controllers,
                                sizeof(controllers));
}

void Host::work_between_steps() {
  impl_->services.energy.charge(impl_->place, energy::Account::kHost, impl_->config.host.energy_per_step_nJ);
  wait(impl_->config.host.step_overhead_ns, sc_core::SC_NS);
}

void Host::attach(probe::Observer& observer) {
  activity_probe_.declare(observer, {name(), "activity", probe::Kind::kText, 1, probe::Detail::kDefault,
                                     "what the off-chip digital unit does"});
  activity_probe_.text("idle");
}

}  // namespace chronotile::host
