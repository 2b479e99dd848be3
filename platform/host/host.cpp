#include "platform/host/host.hpp"

#include <exception>
#include <stdexcept>

namespace chronotile::host {

struct Host::Impl {
  explicit Impl(const config::PlatformConfig& configuration) : config(configuration) {}

  config::PlatformConfig config;
  bus::BusInitiator initiator{"bus"};
  std::function<void()> program;
  std::exception_ptr failure;
  bool ended = false;
};

Host::Host(sc_core::sc_module_name name, const config::PlatformConfig& config)
    : sc_module(name), impl_(std::make_unique<Impl>(config)) {
  SC_HAS_PROCESS(Host);
  SC_THREAD(run);
}

Host::~Host() = default;

tlm::tlm_base_initiator_socket<32>& Host::bus() { return impl_->initiator.socket; }

ChipAccess Host::chip(std::uint32_t index) { return {impl_->initiator, index, impl_->config}; }

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

void Host::attach(probe::Observer& observer) {
  activity_probe_.declare(observer, {name(), "activity", probe::Kind::kText, 1, probe::Detail::kDefault,
                                     "what the off-chip digital unit does"});
  activity_probe_.text("idle");
}

}  // namespace chronotile::host
