#include "models/tile/tile.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "models/duration/time.hpp"
#include "models/tile/context.hpp"
#include "models/tile/duration_generator.hpp"
#include "models/tile/groups.hpp"
#include "models/tile/integrator.hpp"
#include "models/tile/programmer.hpp"

namespace chronotile::tile {

using isa::Group;

namespace {

/// A set of signal groups.
using Signals = std::uint32_t;
static_assert(isa::kGroupCount <= 32);

template <typename... Groups>
constexpr Signals signals(Groups... groups) {
  return ((Signals{1} << static_cast<unsigned>(groups)) | ...);
}

/// Levels that a tile acts on when they change; it reads the others when it needs them.
constexpr std::array kWatched{Group::kRowGate,       Group::kRowSource,  Group::kWp1,
                              Group::kWp2,           Group::kPrecharge,  Group::kIntegrate,
                              Group::kPolarity,      Group::kShareNorth, Group::kShareSouth,
                              Group::kRamp,          Group::kRampSlope,  Group::kRampStart,
                              Group::kEnable,        Group::kColumnOut,  Group::kHighVoltage,
                              Group::kProgramDevice, Group::kProgramRow, Group::kProgramAmplitude,
                              Group::kProgramColumns};

constexpr Signals kRows = signals(Group::kRowGate, Group::kRowSource);
constexpr Signals kSelects = kRows | signals(Group::kPolarity, Group::kWp1, Group::kWp2);
constexpr Signals kWindows = signals(Group::kIntegrate);
constexpr Signals kConnections = signals(Group::kShareNorth, Group::kShareSouth, Group::kPrecharge);
constexpr Signals kRun = signals(Group::kRamp);
constexpr Signals kGates = signals(Group::kRamp, Group::kEnable, Group::kColumnOut);
constexpr Signals kCodes = signals(Group::kRampSlope, Group::kRampStart);
constexpr Signals kSupply = signals(Group::kHighVoltage, Group::kProgramDevice);
constexpr Signals kWrites = kSupply | signals(Group::kProgramRow, Group::kProgramAmplitude, Group::kProgramColumns);

}  // namespace

struct Tile::Impl {
  Impl(Tile& tile, const TileConfig& config, const mesh::TransportErrorConfig& transport, Services& services,
       energy::Place place)
      : owner(tile),
        context{tile, config, services, place, tile.control},
        periphery(config.periphery, services, config.index),
        array(config.array, &periphery),
        integrator(context, array, periphery, transport),
        programmer(context, array, periphery, integrator, transport),
        generator(context, periphery, columns, end_due) {
    const auto receive = [this](duration::TargetSocket& socket, Plane plane) {
      socket.on_begin([this, plane](duration::Pulses& pulses) {
        integrator.begin(plane, pulses);
        if (plane == Plane::kSouthNorth) {
          programmer.begin(pulses);
        }
      });
      socket.on_end([this, plane](duration::Pulses& pulses) {
        if (plane == Plane::kSouthNorth) {
          programmer.end(pulses);
        }
        schedule_judgement(integrator.end(plane, pulses));
      });
    };
    receive(west_east, Plane::kWestEast);
    receive(south_north, Plane::kSouthNorth);
  }

  void schedule_judgement(double end_ns) {
    if (end_ns == std::numeric_limits<double>::infinity()) {
      return;
    }
    const sc_core::sc_time due = duration::ceil_time(end_ns);
    const sc_core::sc_time& now = sc_core::sc_time_stamp();
    if (due > now) {
      judge_due.notify(due - now);
    } else {
      judge_due.notify(sc_core::SC_ZERO_TIME);
    }
  }

  /// Reads the levels. Returns those that have changed since the last time.
  Signals read_levels() {
    Signals changed = 0;
    const std::uint16_t* const all = owner.control->levels();
    for (const Group group : kWatched) {
      const std::uint32_t level = all != nullptr ? all[static_cast<std::size_t>(group)] : context.level(group);
      std::uint32_t& last = levels[static_cast<std::size_t>(group)];
      if (level != last) {
        last = level;
        changed |= signals(group);
      }
    }
    return changed;
  }

  /// As read last.
  [[nodiscard]] std::uint32_t level(Group group) const { return levels[static_cast<std::size_t>(group)]; }
  [[nodiscard]] GroupMask mask(Group group) const { return static_cast<GroupMask>(level(group)); }

  /// Of the signals that have changed, those that `settle` and `act` are to look at; 0: nothing is left for them.
  [[nodiscard]] Signals left_to_do(Signals changed) const {
    Signals left = changed & (kWindows | kConnections | kRun | kWrites);
    if (integrator.windows_open()) {
      left |= changed & kSelects;
    }
    if (integrator.hears()) {
      left |= changed & kRows;
    }
    if (integrator.conflicts()) {
      left |= kConnections;  // of the neighbours: look whether the conflict is over
    }
    return left != 0 ? left | changed : 0;
  }

  /// Visits all capacitors that are connected to this tile's, from north to south.
  template <typename Visit>
  void walk_all(GroupMask groups, Moment moment, const Visit& visit) {
    const GroupMask northern = groups & joined(true, moment);
    if (northern != 0) {
      owner.north->walk(false, northern, moment, std::cref(visit));
    }
    visit_own(groups, moment, visit);
    const GroupMask southern = groups & joined(false, moment);
    if (southern != 0) {
      owner.south->walk(true, southern, moment, std::cref(visit));
    }
  }

  template <typename Visit>
  void visit_own(GroupMask groups, Moment moment, const Visit& visit) {
    const GroupMask precharging = moment == Moment::kNow ? context.mask(Group::kPrecharge) : precharge_before;
    if ((groups & precharging) != 0) {
      visit(integrator, groups & precharging, true);
    }
    if ((groups & ~precharging) != 0) {
      visit(integrator, static_cast<GroupMask>(groups & ~precharging), false);
    }
  }

  /// Column groups whose capacitors are joined over an edge.
  [[nodiscard]] GroupMask joined(bool northern_edge, Moment moment) const {
    const auto& port = northern_edge ? owner.north : owner.south;
    const GroupMask own = owner.share_closed(northern_edge, moment);
    return own == 0 || port.size() == 0 ? GroupMask{0} : own & port->share_closed(!northern_edge, moment);
  }

  /// Capacitors that are connected to one that is precharged lose their charge. Returns the groups of this tile that
  /// they are.
  GroupMask ground(GroupMask groups, Moment moment, double now) {
    GroupMask grounded = 0;
    walk_all(groups, moment, [&](Integrator& /*capacitors*/, GroupMask visited, bool precharging) {
      grounded |= precharging ? visited : GroupMask{0};
    });
    if (grounded != 0) {
      walk_all(grounded, moment, [&](Integrator& capacitors, GroupMask visited, bool /*precharging*/) {
        capacitors.reset(visited, now);
      });
    }
    return grounded;
  }

  /// Capacitors that integrate while they, or some that are connected to them, are precharged.
  void check_grounded() {
    GroupMask grounded = 0;
    bool conflicts = false;
    walk_all(kAllGroups, Moment::kNow, [&](const Integrator& capacitors, GroupMask visited, bool precharging) {
      grounded |= precharging ? visited : GroupMask{0};
      conflicts |= capacitors.conflicts();
    });
    if (grounded == 0 && !conflicts) {
      return;
    }
    walk_all(kAllGroups, Moment::kNow, [&](Integrator& capacitors, GroupMask visited, bool /*precharging*/) {
      capacitors.check_grounded(visited, visited & grounded);
    });
  }

  /// Connections that open leave equal voltages behind.
  void equalise(GroupMask opening, double now) {
    ground(opening, Moment::kBefore, now);
    GroupMask groups = opening;
    walk_all(groups, Moment::kBefore, [&](Integrator& capacitors, GroupMask visited, bool /*precharging*/) {
      const GroupMask fresh = capacitors.not_yet_equalised(visited, now);
      groups = static_cast<GroupMask>(groups & ~(visited & ~fresh));
    });
    if (groups == 0) {
      return;
    }
    const auto spread = std::make_shared<SpreadCharge>();
    spread->groups = groups;
    GroupMask charged = 0;
    walk_all(groups, Moment::kBefore, [&](Integrator& capacitors, GroupMask visited, bool /*precharging*/) {
      ChargePart part = capacitors.freeze(now);
      part.groups = visited;
      part.charged &= visited;
      charged |= part.charged;
      spread->parts.push_back(std::move(part));
    });
    if (charged == 0) {
      return;  // all of them are zero
    }
    for (ChargePart& part : spread->parts) {
      if (part.charged != 0) {
        part.charge->join();
      } else {
        part.charge.reset();
      }
    }
    walk_all(groups, Moment::kBefore, [&](Integrator& capacitors, GroupMask visited, bool /*precharging*/) {
      capacitors.assign(visited, spread);
    });
  }

  void check_shares() const {
    for (const bool northern_edge : {true, false}) {
      const auto& port = northern_edge ? owner.north : owner.south;
      const GroupMask own = owner.share_closed(northern_edge, Moment::kNow);
      const GroupMask other = port.size() == 0 ? GroupMask{0} : port->share_closed(!northern_edge, Moment::kNow);
      const auto half = static_cast<GroupMask>(own ^ other);
      if (half != 0) {
        context.report(
            ViolationKind::kShareHalfOpen,
            fmt::format("a ramp reads column groups 0x{:02x} while only one side of the {} capacitor share is "
                        "closed (own 0x{:02x}, neighbour 0x{:02x})",
                        half, northern_edge ? "northern" : "southern", own, other));
      }
    }
  }

  void start_ramp(double now) {
    check_shares();
    GroupMask integrating = 0;
    GroupMask pulsed = 0;
    const GroupMask grounded = ground(kAllGroups, Moment::kNow, now);
    walk_all(kAllGroups, Moment::kNow, [&](Integrator& capacitors, GroupMask visited, bool /*precharging*/) {
      const GroupMask own_windows = capacitors.integrating() & visited;
      const GroupMask own_pulses = capacitors.pulsed(now) & visited;
      integrating |= own_windows;
      pulsed |= own_pulses;
    });
    ChargeParts parts;
    walk_all(kAllGroups, Moment::kNow, [&](Integrator& capacitors, GroupMask visited, bool /*precharging*/) {
      ChargePart part = capacitors.freeze(now);
      part.groups = visited;
      parts.push_back(std::move(part));
      capacitors.mark_read(static_cast<GroupMask>(visited & ~grounded));
    });
    if (grounded != 0) {
      context.report(ViolationKind::kRampDuringPrecharge,
                     fmt::format("a ramp starts while capacitors that it reads in column groups 0x{:02x} are "
                                 "precharged: it reads zero",
                                 grounded));
    }
    if (integrating != 0) {
      context.report(
          ViolationKind::kRampDuringIntegration,
          fmt::format("a ramp starts while column groups 0x{:02x} of the capacitors that it reads integrate: "
                      "what comes later is not read",
                      integrating));
    }
    if (pulsed != 0) {
      context.report(
          ViolationKind::kRampDuringPulse,
          fmt::format("a ramp starts while pulses that count for column groups 0x{:02x} still last: what comes "
                      "later is not read",
                      pulsed));
    }
    generator.start_ramp(now, std::move(parts));
  }

  void check_programming() {
    const bool high_voltage = level(Group::kHighVoltage) != 0;
    const GroupMask integrate = mask(Group::kIntegrate);
    const bool ramp = (level(Group::kRamp) & 1U) != 0;
    const bool conflict = high_voltage && (integrate != 0 || ramp);
    const std::uint32_t device = level(Group::kProgramDevice);
    const bool ambiguous = high_voltage && (device == 0 || (device & (device - 1)) != 0);
    if (conflict && !programming_conflict) {
      context.report(ViolationKind::kProgramConflict,
                     fmt::format("the programming supply is on while the array reads (integ 0x{:02x}, ramp {})",
                                 integrate, ramp ? 1 : 0));
    }
    if (ambiguous && !programming_ambiguous) {
      context.report(
          ViolationKind::kProgramConflict,
          fmt::format("the programming supply is on with pdev 0x{:x}: not exactly one device is selected", device));
    }
    programming_conflict = conflict;
    programming_ambiguous = ambiguous;
  }

  void show_phase() {
    const char* now = "idle";
    if (level(Group::kHighVoltage) != 0) {
      now = "program";
    } else if (generator.emitting()) {
      now = "emit";
    } else if ((level(Group::kRamp) & 1U) != 0) {
      now = "ramp";
    } else if (level(Group::kIntegrate) != 0) {
      now = "integrate";
    } else if (level(Group::kPrecharge) != 0) {
      now = "precharge";
    }
    if (now != phase) {
      phase = now;
      phase_probe.text(now);
    }
    window_probe.bits(level(Group::kIntegrate));
  }

  Tile& owner;
  Context context;
  Periphery periphery;
  WeightArray array;
  duration::TargetSocket west_east{"west_east"};
  duration::TargetSocket south_north{"south_north"};
  duration::InitiatorSocket columns{"columns"};
  sc_core::sc_event settle_due{"settle_due"};
  sc_core::sc_event act_due{"act_due"};
  sc_core::sc_event emit_due{"emit_due"};
  sc_core::sc_event end_due{"end_due"};
  sc_core::sc_event judge_due{"judge_due"};
  Integrator integrator;
  Programmer programmer;
  DurationGenerator generator;

  std::array<std::uint32_t, isa::kGroupCount> levels{};  ///< as read last
  Signals to_settle = 0;                                 ///< signals that have changed
  Signals to_act = 0;

  // levels before the current time stamp
  GroupMask share_north_before = 0;
  GroupMask share_south_before = 0;
  GroupMask precharge_before = 0;
  bool ramp_before = false;
  bool programming_conflict = false;
  bool programming_ambiguous = false;

  const char* phase = "idle";
  probe::Probe phase_probe;
  probe::Probe window_probe;
};

Tile::Tile(const sc_core::sc_module_name& name, const TileConfig& config, const mesh::TransportErrorConfig& transport,
           Services& services, energy::Place energy_place)
    : sc_core::sc_module(name),
      control("control"),
      north("north"),
      south("south"),
      capacitors("capacitors"),
      impl_(std::make_unique<Impl>(*this, config, transport, services, energy_place)) {
  capacitors.bind(*this);
}

Tile::~Tile() = default;

duration::TargetSocket& Tile::west_east() { return impl_->west_east; }
duration::TargetSocket& Tile::south_north() { return impl_->south_north; }
duration::InitiatorSocket& Tile::columns() { return impl_->columns; }

void Tile::program(WeightSet set, const WeightMatrix& target) {
  impl_->integrator.settle_weights();
  impl_->programmer.forget(set);
  impl_->array.program(set, target, impl_->context.services, impl_->context.config.index);
}

void Tile::program(WeightSet set, const WeightMatrix& target, double age_s) {
  impl_->integrator.settle_weights();
  impl_->array.set_age(age_s);
  program(set, target);
}

void Tile::relax() { impl_->programmer.relax(); }

void Tile::join() { impl_->integrator.settle_weights(); }

const WeightArray& Tile::array() const { return impl_->array; }

void Tile::end_of_elaboration() {
  using Self = Tile;
  SC_HAS_PROCESS(Self);
  SC_METHOD(react);
  sensitive << control->changed(isa::Circuit::kRows) << control->changed(isa::Circuit::kColumns)
            << control->changed(isa::Circuit::kProgramming);
  dont_initialize();
  SC_METHOD(settle);
  sensitive << impl_->settle_due;
  dont_initialize();
  SC_METHOD(act);
  sensitive << impl_->act_due;
  dont_initialize();
  SC_METHOD(emit);
  sensitive << impl_->emit_due;
  dont_initialize();
  SC_METHOD(finish);
  sensitive << impl_->end_due;
  dont_initialize();
  SC_METHOD(judge);
  sensitive << impl_->judge_due;
  dont_initialize();
}

/// First delta after the levels: gates of a running ramp.
void Tile::react() {
  const double now = duration::now_ns();
  const Signals changed = impl_->read_levels();
  if ((changed & kGates) != 0) {
    impl_->generator.follow_gates(now);
  }
  const Signals left = impl_->left_to_do(changed);
  if (left != 0) {
    impl_->to_settle |= left;
    impl_->settle_due.notify(sc_core::SC_ZERO_TIME);
    return;
  }
  if ((changed & kSelects) != 0) {
    impl_->integrator.settle(now);
  }
  if ((changed & (kGates | kCodes)) != 0) {
    impl_->generator.check(now);
    impl_->show_phase();
  }
}

/// Second: windows, and connections of capacitors that end.
void Tile::settle() {
  const double now = duration::now_ns();
  const Signals changed = impl_->to_settle;
  impl_->to_settle = 0;
  if ((changed & (kWindows | kSelects)) != 0) {
    impl_->integrator.settle(now);
  }
  if ((changed & kConnections) != 0) {
    const auto precharge_ends =
        static_cast<GroupMask>(impl_->precharge_before & ~impl_->context.mask(Group::kPrecharge));
    if (precharge_ends != 0) {
      impl_->ground(precharge_ends, Moment::kBefore, now);
    }
    const auto opening =
        static_cast<GroupMask>((impl_->joined(true, Moment::kBefore) & ~share_closed(true, Moment::kNow)) |
                               (impl_->joined(false, Moment::kBefore) & ~share_closed(false, Moment::kNow)));
    if (opening != 0) {
      impl_->equalise(opening, now);
    }
  }
  impl_->to_act |= changed;
  impl_->act_due.notify(sc_core::SC_ZERO_TIME);
}

/// Third: what row gates hear, connections and precharge of this time stamp, then the ramp's start.
void Tile::act() {
  const double now = duration::now_ns();
  const Signals changed = impl_->to_act;
  impl_->to_act = 0;
  GroupMask joining = 0;
  if ((changed & kConnections) != 0) {
    const GroupMask share_north = share_closed(true, Moment::kNow);
    const GroupMask share_south = share_closed(false, Moment::kNow);
    const GroupMask precharge = impl_->context.mask(Group::kPrecharge);
    joining =
        static_cast<GroupMask>((share_north & ~impl_->share_north_before) | (share_south & ~impl_->share_south_before) |
                               (precharge & ~impl_->precharge_before));
    impl_->share_north_before = share_north;
    impl_->share_south_before = share_south;
    impl_->precharge_before = precharge;
  }
  if ((changed & kRows) != 0) {
    impl_->integrator.hear();
  }
  if ((changed & (kWindows | kConnections)) != 0) {
    impl_->check_grounded();
  }
  if (joining != 0) {
    impl_->ground(joining, Moment::kNow, now);
  }
  if ((changed & kRun) != 0) {
    const bool ramp = (impl_->level(Group::kRamp) & 1U) != 0;
    if (ramp && !impl_->ramp_before) {
      impl_->start_ramp(now);
      impl_->emit_due.notify(sc_core::SC_ZERO_TIME);
    }
    impl_->ramp_before = ramp;
  }
  if ((changed & (kGates | kCodes)) != 0) {
    impl_->generator.check(now);
  }
  if ((changed & kWrites) != 0) {
    impl_->programmer.act(now);
  }
  if ((changed & (kSupply | kWindows | kRun)) != 0) {
    impl_->check_programming();
  }
  impl_->show_phase();
}

/// Fourth: gates that were open when the ramp started.
void Tile::emit() {
  impl_->generator.follow_gates(duration::now_ns());
  impl_->show_phase();
}

void Tile::finish() {
  impl_->generator.finish(duration::now_ns());
  impl_->show_phase();
}

void Tile::judge() { impl_->schedule_judgement(impl_->integrator.judge(duration::now_ns())); }

GroupMask Tile::share_closed(bool northern_edge, Moment moment) const {
  if (moment == Moment::kBefore) {
    return northern_edge ? impl_->share_north_before : impl_->share_south_before;
  }
  return impl_->context.mask(northern_edge ? Group::kShareNorth : Group::kShareSouth);
}

void Tile::walk(bool southwards, GroupMask groups, Moment moment, const CapacitorVisitor& visit) {
  const auto further = static_cast<GroupMask>(groups & impl_->joined(!southwards, moment));
  if (!southwards && further != 0) {
    north->walk(false, further, moment, visit);
  }
  impl_->visit_own(groups, moment, visit);
  if (southwards && further != 0) {
    south->walk(true, further, moment, visit);
  }
}

void Tile::attach(probe::Observer& observer) {
  impl_->phase_probe.declare(observer, {name(), "phase", probe::Kind::kText, 1, probe::Detail::kDefault,
                                        "idle, precharge, integrate, ramp, emit or program"});
  impl_->phase_probe.text(impl_->phase);
  impl_->window_probe.declare(observer, {name(), "window", probe::Kind::kBits, kWireGroups, probe::Detail::kScoped,
                                         "column groups that integrate"});
  impl_->window_probe.bits(0);
  impl_->generator.attach(observer);
}

}  // namespace chronotile::tile
