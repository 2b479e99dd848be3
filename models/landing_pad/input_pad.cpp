#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "models/duration/emission_pool.hpp"
#include "models/duration/time.hpp"
#include "models/landing_pad/landing_pad.hpp"
#include "models/landing_pad/pad_memory.hpp"

namespace chronotile::landing_pad {
namespace {

using duration::Emission;
using duration::Pulses;

/// One emission on its way; the address identifies the transaction.
struct Send {
  Pulses pulses;
  sc_core::sc_time end;
  bool active = false;
};

}  // namespace

struct InputPad::Impl {
  Impl(InputPad& module, const PadConfig& pad_config, Services& pad_services, energy::Place energy_place)
      : self(module),
        config(pad_config),
        services(pad_services),
        place(energy_place),
        memory(module.name(), pad_config, pad_services.lanes.count()) {}

  InputPad& self;
  PadConfig config;
  Services& services;
  energy::Place place;
  PadMemory memory;
  duration::InitiatorSocket out{"out"};
  sc_core::sc_event finish{"finish"};

  GroupMask level = 0;
  std::array<double, kWireGroups> risen_ns{};
  std::deque<Send> sends;  ///< a pool: elements never move
  duration::EmissionPool emissions;

  probe::Probe state_probe;
  probe::Probe vector_probe;
  probe::Probe wires_probe;

  void report(ViolationKind kind, std::string detail) const {
    services.violations.report({duration::now_ns(), kind, self.name(), self.control->controller_name(),
                                self.control->pc(), std::move(detail)});
  }

  Send& new_send() {
    const auto unused = std::find_if(sends.begin(), sends.end(), [](const Send& send) { return !send.active; });
    return unused != sends.end() ? *unused : sends.emplace_back();
  }

  void on_control() {
    const auto now_level = static_cast<GroupMask>(self.control->level(isa::Group::kPadSend));
    const auto rising = static_cast<GroupMask>(now_level & ~level);
    const auto falling = static_cast<GroupMask>(level & ~now_level);
    level = now_level;
    if (falling != 0) {
      cut(falling);
    }
    if (rising != 0) {
      send(rising);
    }
  }

  void send(GroupMask groups) {
    const double now = duration::now_ns();
    for (std::size_t group = 0; group < kWireGroups; ++group) {
      if (((groups >> group) & 1U) != 0) {
        risen_ns[group] = now;
      }
    }
    for (const Send& other : sends) {
      if (other.active && (other.pulses.groups & groups) != 0) {
        report(ViolationKind::kSendOverrun,
               fmt::format("psend of wire groups 0x{:02x} rose again {:.3f} ns after the vector that they belong to, "
                           "before its last pulse ended",
                           other.pulses.groups & groups, now - other.pulses.emission->lead_ns));
      }
    }
    const std::uint32_t vector = self.control->level(isa::Group::kPadSendVector);
    if (vector >= config.vectors) {
      report(ViolationKind::kVectorAddress,
             fmt::format("psendv {} is beyond the {} vectors of the pad: nothing is sent", vector, config.vectors));
      return;
    }
    vector_probe.bits(vector);
    state_probe.text("send");
    services.energy.charge(place, energy::Account::kPads,
                           1e-3 * config.energy_per_word_pJ * kWiresPerGroup * __builtin_popcount(groups));

    Send& send = new_send();
    std::shared_ptr<Emission> emission = emissions.take();
    emission->source = config.source_id;
    emission->groups = groups;
    emission->lead_ns = now;
    emission->heard = 0;
    emission->final = false;
    memory.load(vector, groups, *emission);
    send.active = true;
    send.pulses = Pulses{};
    send.pulses.emission = std::move(emission);
    send.pulses.groups = groups;
    schedule(send);
    out.begin(send.pulses);
  }

  void schedule(Send& send) {
    send.end = duration::ceil_time(send.pulses.emission->lead_ns + send.pulses.emission->longest_ns);
    wake_at(send.end);
  }

  void wake_at(const sc_core::sc_time& time) {
    const sc_core::sc_time now = sc_core::sc_time_stamp();
    finish.notify(time > now ? time - now : sc_core::SC_ZERO_TIME);
  }

  /// psend of `groups` fell.
  void cut(GroupMask groups) {
    const double now = duration::now_ns();
    for (std::size_t group = 0; group < kWireGroups; ++group) {
      if (((groups >> group) & 1U) != 0) {
        services.energy.charge(place, energy::Account::kPads,
                               1e-3 * config.energy_per_ns_pJ / kWireGroups * (now - risen_ns[group]));
      }
    }
    for (Send& send : sends) {
      if (!send.active || (send.pulses.groups & groups) == 0) {
        continue;
      }
      Emission& emission = *send.pulses.emission;
      const double since = now - emission.lead_ns;
      double longest = 0;
      GroupMask overrun = 0;
      for (int group = 0; group < kWireGroups; ++group) {
        if (((send.pulses.groups & groups) >> group & 1U) == 0) {
          continue;
        }
        const double group_longest = emission.cut(group, since);
        if (group_longest > since) {
          overrun = static_cast<GroupMask>(overrun | (1U << group));
          longest = std::max(longest, group_longest);
        }
      }
      if (overrun == 0) {
        continue;
      }
      report(
          ViolationKind::kSendOverrun,
          fmt::format("psend of wire groups 0x{:02x} fell {:.3f} ns after the leading edge, pulses of up to {:.3f} ns "
                      "were cut",
                      overrun, since, longest));
      emission.longest_ns = emission.longest();
      send.end = duration::ceil_time(emission.lead_ns + emission.longest_ns);
      if (send.end <= sc_core::sc_time_stamp()) {
        complete(send);
      } else {
        wake_at(send.end);
      }
    }
    show_idle();
  }

  void on_finish() {
    const sc_core::sc_time now = sc_core::sc_time_stamp();
    sc_core::sc_time next = sc_core::sc_max_time();
    for (Send& send : sends) {
      if (!send.active) {
        continue;
      }
      if (send.end <= now) {
        complete(send);
      } else {
        next = std::min(next, send.end);
      }
    }
    if (next < sc_core::sc_max_time()) {
      wake_at(next);
    }
    show_idle();
  }

  void complete(Send& send) {
    Emission& emission = *send.pulses.emission;
    emission.final = true;
    out.end(send.pulses);
    const auto lost = static_cast<GroupMask>(emission.groups & ~emission.heard);
    if (lost != 0) {
      report(ViolationKind::kPulseLost,
             fmt::format("no receiver listened to wire groups 0x{:02x} of the vector sent at {:.3f} ns", lost,
                         emission.lead_ns));
    }
    if (wires_probe.watched()) {
      wires_probe.pulses(emission.lead_ns, emission.durations().data(), services.lanes.count(), kWires);
    }
    send.active = false;
    send.pulses.emission.reset();
  }

  void show_idle() {
    if (std::none_of(sends.begin(), sends.end(), [](const Send& send) { return send.active; })) {
      state_probe.text("idle");
    }
  }
};

InputPad::InputPad(sc_core::sc_module_name name, const PadConfig& config, Services& services,
                   energy::Place energy_place)
    : sc_module(name), control("control"), impl_(std::make_unique<Impl>(*this, config, services, energy_place)) {}

InputPad::~InputPad() = default;

void InputPad::end_of_elaboration() {
  SC_HAS_PROCESS(InputPad);
  SC_METHOD(on_control);
  sensitive << control->changed(isa::Circuit::kPad);
  dont_initialize();
  SC_METHOD(on_finish);
  sensitive << impl_->finish;
  dont_initialize();
}

void InputPad::on_control() { impl_->on_control(); }
void InputPad::on_finish() { impl_->on_finish(); }

duration::InitiatorSocket& InputPad::out() { return impl_->out; }
tlm::tlm_base_target_socket<32>& InputPad::bus() { return impl_->memory.socket; }

void InputPad::attach(probe::Observer& observer) {
  using probe::Detail;
  using probe::Kind;
  impl_->state_probe.declare(observer, {name(), "state", Kind::kText, 1, Detail::kDefault, "idle or send"});
  impl_->vector_probe.declare(observer,
                              {name(), "vector", Kind::kBits, 12, Detail::kDefault, "address of the vector sent"});
  impl_->wires_probe.declare(observer, {name(), "wires", Kind::kBits, kWires, Detail::kScoped, "the wires driven"});
  impl_->state_probe.text("idle");
  impl_->vector_probe.bits(0);
}

}  // namespace chronotile::landing_pad
