#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "models/duration/receiver.hpp"
#include "models/duration/time.hpp"
#include "models/landing_pad/landing_pad.hpp"
#include "models/landing_pad/pad_memory.hpp"

namespace chronotile::landing_pad {
namespace {

using duration::Arrivals;
using duration::Block;
using duration::Pulses;

/// Wire groups whose window opened together and closed together.
struct Capture {
  duration::Window window;
  std::uint32_t vector = 0;
};

}  // namespace

struct OutputPad::Impl {
  Impl(OutputPad& module, const PadConfig& pad_config, const mesh::TransportErrorConfig& transport,
       Services& pad_services, energy::Place energy_place)
      : self(module),
        config(pad_config),
        services(pad_services),
        place(energy_place),
        error(transport, pad_services),
        memory(module.name(), pad_config, pad_services.lanes.count()) {
    in.on_begin([this](Pulses& pulses) { on_begin(pulses); });
    in.on_end([this](Pulses& pulses) { on_end(pulses); });
    counted.resize(kWires, static_cast<Eigen::Index>(services.lanes.count()));
  }

  OutputPad& self;
  PadConfig config;
  Services& services;
  energy::Place place;
  mesh::TransportError error;
  mesh::AtReceiver reception{error, config.source_id};
  PadMemory memory;
  duration::TargetSocket in{"in"};
  sc_core::sc_event act{"act"};

  GroupMask level = 0;  ///< as acted upon
  std::array<double, kWireGroups> open_ns{};
  std::array<std::uint32_t, kWireGroups> vector{};
  Arrivals arrivals;
  std::vector<Capture> closed;  ///< not stored yet
  Block counted;

  probe::Probe state_probe;
  probe::Probe vector_probe;
  probe::Probe wires_probe;

  [[nodiscard]] GroupMask capture_level() const {
    return static_cast<GroupMask>(self.control->level(isa::Group::kPadCapture));
  }

  void report(ViolationKind kind, std::string detail) const {
    services.violations.report({duration::now_ns(), kind, self.name(), self.control->controller_name(),
                                self.control->pc(), std::move(detail)});
  }

  static void hear(const Pulses& pulses, GroupMask groups) {
    pulses.emission->heard = static_cast<GroupMask>(pulses.emission->heard | (pulses.groups & groups));
  }

  void on_begin(const Pulses& pulses) {
    if (level == 0 && closed.empty()) {
      arrivals.forget(duration::now_ns() - error.bound_ns());
    }
    arrivals.begin(pulses);
    hear(pulses, capture_level());
  }

  void on_end(const Pulses& pulses) {
    arrivals.end(pulses);
    const double now = duration::now_ns();
    GroupMask listening = 0;  // without windows that open now, whether acted upon already or not
    for (std::size_t group = 0; group < kWireGroups; ++group) {
      if (((level >> group) & 1U) != 0 && open_ns[group] < now) {
        listening = static_cast<GroupMask>(listening | (1U << group));
      }
    }
    hear(pulses, listening);
    if (!closed.empty()) {
      act.notify(sc_core::SC_ZERO_TIME);
    }
  }

  /// Delta 1: whatever arrives in this delta is to be recorded first.
  void on_control() { act.notify(sc_core::SC_ZERO_TIME); }

  void on_act() {
    const GroupMask now_level = capture_level();
    const auto rising = static_cast<GroupMask>(now_level & ~level);
    const auto falling = static_cast<GroupMask>(level & ~now_level);
    if (falling != 0) {
      close(falling);
    }
    level = now_level;
    if (rising != 0) {
      open(rising);
    }
    if (!closed.empty()) {
      store_settled();
    }
    if (falling != 0) {
      state_probe.text(level != 0 ? "capture" : "idle");
    }
  }

  void open(GroupMask groups) {
    for (std::size_t group = 0; group < kWireGroups; ++group) {
      if (((groups >> group) & 1U) != 0) {
        open_ns[group] = duration::now_ns();
        vector[group] = self.control->level(isa::Group::kPadCaptureVector);
        vector_probe.bits(vector[group]);
      }
    }
    state_probe.text("capture");
  }

  void close(GroupMask groups) {
    const double now = duration::now_ns();
    for (const Arrivals::Entry& entry : arrivals.entries()) {
      if (!entry.over && entry.pulses.lead_ns() + entry.pulses.head_cut_ns < now) {
        hear(entry.pulses, groups);
      }
    }
    const std::size_t first = closed.size();
    for (std::size_t group = 0; group < kWireGroups; ++group) {
      if (((groups >> group) & 1U) == 0) {
        continue;
      }
      services.energy.charge(place, energy::Account::kPads,
                             1e-3 * config.energy_per_ns_pJ / kWireGroups * (now - open_ns[group]));
      const auto together =
          std::find_if(closed.begin() + static_cast<std::ptrdiff_t>(first), closed.end(), [&](const Capture& capture) {
            return capture.window.open_ns == open_ns[group] && capture.vector == vector[group];
          });
      const auto bit = static_cast<GroupMask>(1U << group);
      if (together != closed.end()) {
        together->window.groups = static_cast<GroupMask>(together->window.groups | bit);
      } else {
        closed.push_back({{open_ns[group], now, bit, 1.0}, vector[group]});
      }
    }
  }

  enum class Readiness : std::uint8_t { kReady, kPulsesLast, kDriverLasts };

  [[nodiscard]] Readiness readiness(const duration::Window& window) const {
    Readiness ready = Readiness::kReady;
    for (const Arrivals::Entry& entry : arrivals.entries()) {
      const Pulses& pulses = entry.pulses;
      if ((pulses.groups & window.groups) == 0 || pulses.lead_ns() + pulses.head_cut_ns >= window.close_ns) {
        continue;
      }
      if (!entry.over) {
        return Readiness::kPulsesLast;
      }
      if (!pulses.emission->final) {
        ready = Readiness::kDriverLasts;
      }
    }
    return ready;
  }

  void store_settled() {
    bool look_again = false;
    std::vector<Capture> waiting;
    for (const Capture& capture : std::exchange(closed, {})) {
      switch (readiness(capture.window)) {
        case Readiness::kReady:
          store(capture);
          break;
        case Readiness::kDriverLasts:  // a switch on the way cut the branch: nobody tells when lengths are known
          look_again = true;
          waiting.push_back(capture);
          break;
        case Readiness::kPulsesLast:
          waiting.push_back(capture);
          break;
      }
    }
    closed = std::move(waiting);
    if (look_again) {
      act.notify(sc_core::sc_time(1, sc_core::SC_NS));
    }
    double needed = duration::now_ns();
    for (const Capture& capture : closed) {
      needed = std::min(needed, capture.window.open_ns);
    }
    for (std::size_t group = 0; group < kWireGroups; ++group) {
      if (((level >> group) & 1U) != 0) {
        needed = std::min(needed, open_ns[group]);
      }
    }
    arrivals.forget(needed - error.bound_ns());
  }

  /// Where the bounds tell that the window covers what it hears, a job counts.
  void store(const Capture& capture) {
    const duration::Window& window = capture.window;
    const std::optional<duration::Coverage> sure =
        wires_probe.watched() ? std::nullopt : duration::coverage_by_bounds(arrivals.entries(), window, &reception);
    duration::Coverage coverage;
    if (sure) {
      coverage = *sure;
    } else {
      counted.setZero();
      coverage = duration::overlap(arrivals.entries(), window, &reception, counted);
    }
    const double length = window.close_ns - window.open_ns;
    if (coverage.heard == 0) {
      report(ViolationKind::kCaptureIdle,
             fmt::format("no vector arrived on wire groups 0x{:02x} during the window of {:.3f} ns that closed at "
                         "{:.3f} ns",
                         window.groups, length, window.close_ns));
    }
    if (coverage.lead_in_ns > config.lead_in_ns) {
      report(ViolationKind::kWindowEarly,
             fmt::format("the window opened at {:.3f} ns, {:.3f} ns before the pulses (allowed: {:.3f})",
                         window.open_ns, coverage.lead_in_ns, config.lead_in_ns));
    }
    if (coverage.partial != 0) {
      report(ViolationKind::kPulseNotCovered,
             fmt::format("pulses on wire groups 0x{:02x} are high for up to {:.3f} ns outside the window "
                         "[{:.3f}, {:.3f}) ns",
                         coverage.partial, coverage.missed_ns, window.open_ns, window.close_ns));
    }
    if (wires_probe.watched()) {
      wires_probe.pulses(window.open_ns + (coverage.heard != 0 ? std::max(0.0, coverage.lead_in_ns) : 0.0),
                         counted.data(), services.lanes.count(), kWires);
    }
    if (capture.vector >= config.vectors) {
      report(ViolationKind::kVectorAddress,
             fmt::format("pcapv {} is beyond the {} vectors of the pad: nothing is stored", capture.vector,
                         config.vectors));
      return;
    }
    if (sure) {
      count_later(capture);
    } else {
      memory.store(capture.vector, window.groups, counted);
    }
    services.energy.charge(place, energy::Account::kPads,
                           1e-3 * config.energy_per_word_pJ * kWiresPerGroup * __builtin_popcount(window.groups));
  }

  void count_later(const Capture& capture) {
    std::vector<mesh::TransportError::Key> keys;
    for (const Arrivals::Entry& entry : arrivals.entries()) {
      keys.push_back(error.key(entry.pulses));
    }
    memory.store_later(
        services.workers, capture.vector, capture.window.groups,
        [this, window = capture.window, entries = arrivals.entries(), keys = std::move(keys)](Block& durations_ns) {
          const mesh::AtReceiver then(error, config.source_id, entries, keys);
          duration::overlap(entries, window, &then, durations_ns);
        });
  }
};

OutputPad::OutputPad(sc_core::sc_module_name name, const PadConfig& config, const mesh::TransportErrorConfig& transport,
                     Services& services, energy::Place energy_place)
    : sc_module(name),
      control("control"),
      impl_(std::make_unique<Impl>(*this, config, transport, services, energy_place)) {}

OutputPad::~OutputPad() = default;

void OutputPad::end_of_elaboration() {
  SC_HAS_PROCESS(OutputPad);
  SC_METHOD(on_control);
  sensitive << control->changed(isa::Circuit::kPad);
  dont_initialize();
  SC_METHOD(on_act);
  sensitive << impl_->act;
  dont_initialize();
}

void OutputPad::on_control() { impl_->on_control(); }
void OutputPad::on_act() { impl_->on_act(); }

duration::TargetSocket& OutputPad::in() { return impl_->in; }
tlm::tlm_base_target_socket<32>& OutputPad::bus() { return impl_->memory.socket; }

void OutputPad::attach(probe::Observer& observer) {
  using probe::Detail;
  using probe::Kind;
  impl_->state_probe.declare(observer, {name(), "state", Kind::kText, 1, Detail::kDefault, "idle or capture"});
  impl_->vector_probe.declare(
      observer, {name(), "vector", Kind::kBits, 12, Detail::kDefault, "address at which the open window is stored"});
  impl_->wires_probe.declare(observer,
                             {name(), "wires", Kind::kBits, kWires, Detail::kScoped, "what the counters counted"});
  impl_->state_probe.text("idle");
  impl_->vector_probe.bits(0);
}

}  // namespace chronotile::landing_pad
