#include "models/controller/local_controller.hpp"

#include <fmt/format.h>
#include <tlm_utils/simple_target_socket.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "models/bus/register_bank.hpp"
#include "models/bus/transaction.hpp"
#include "models/controller/cycle_wheel.hpp"

namespace chronotile::controller {

const char* name(State state) {
  switch (state) {
    case State::kIdle:
      return "idle";
    case State::kRunning:
      return "running";
    case State::kWaiting:
      return "waiting";
    case State::kWaitingTrigger:
      return "trigger";
    case State::kHalted:
      return "halted";
    case State::kFaulted:
      return "faulted";
    case State::kStopped:
      return "stopped";
  }
  return "?";
}

const char* name(Cause cause) {
  switch (cause) {
    case Cause::kNone:
      return "none";
    case Cause::kHalt:
      return "halt";
    case Cause::kBreakpoint:
      return "breakpoint";
    case Cause::kWatchpoint:
      return "watchpoint";
    case Cause::kStep:
      return "step";
    case Cause::kStopRequest:
      return "stop_request";
    case Cause::kIllegalInstruction:
      return "illegal_instruction";
    case Cause::kFetchPastEnd:
      return "fetch_past_end";
    case Cause::kLoopOverflow:
      return "loop_overflow";
    case Cause::kLoopUnderflow:
      return "loop_underflow";
    case Cause::kCallOverflow:
      return "call_overflow";
    case Cause::kCallUnderflow:
      return "call_underflow";
  }
  return "?";
}

namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the SRAM's words are used as the bus stores their bytes");

constexpr std::uint64_t kRunAheadCycles = 300;
constexpr int kRunAheadInstructions = 1000;
constexpr int kBreakpointCount = 4;
constexpr std::uint32_t kEnableBit = 1U << 31U;
constexpr std::uint32_t kNeverTriggered = 0;

enum ControlBit : std::uint32_t { kStart = 1, kStop = 2, kResume = 4, kSingleStep = 8, kReset = 16 };

constexpr double kAttojoulesPerPicojoule = 1e6;

constexpr std::size_t index_of(isa::Group group) { return static_cast<std::size_t>(group); }
constexpr std::uint32_t bit_of(isa::Group group) { return 1U << static_cast<unsigned>(group); }

constexpr std::uint32_t circuit_bit(isa::Circuit circuit) { return 1U << static_cast<unsigned>(circuit); }

constexpr std::uint32_t kOwnInstruction = bit_of(isa::Group::kInterrupt) | bit_of(isa::Group::kMarker);

/// Groups that set, on, off and setr may write: the kind's own, less those that have an instruction of their own.
constexpr std::uint32_t writable_groups(Kind kind) {
  std::uint32_t groups = 0;
  for (const isa::SignalGroup& entry : isa::kSignalGroups) {
    if (kind == Kind::kTile ? entry.on_tiles : entry.on_pads) {
      groups |= bit_of(entry.group);
    }
  }
  return groups & ~kOwnInstruction;
}

ViolationKind violation_of(Cause cause) {
  switch (cause) {
    case Cause::kFetchPastEnd:
      return ViolationKind::kFetchPastEnd;
    case Cause::kLoopOverflow:
      return ViolationKind::kLoopOverflow;
    case Cause::kLoopUnderflow:
      return ViolationKind::kLoopUnderflow;
    case Cause::kCallOverflow:
      return ViolationKind::kCallOverflow;
    case Cause::kCallUnderflow:
      return ViolationKind::kCallUnderflow;
    default:
      return ViolationKind::kIllegalInstruction;
  }
}

using Fetched = std::optional<isa::Decoded>;

struct Loop {
  std::uint32_t remaining;
  std::uint16_t body;
};

/// What an instruction changes inside the controller: small, so that run-ahead can be taken back.
struct Core {
  std::uint64_t cycle = 0;     ///< in which the instruction at `pc` runs
  std::uint64_t executed = 0;  ///< instructions
  std::uint32_t dirty = 0;     ///< groups whose shadow is not their level
  std::uint32_t pc = 0;
  std::uint32_t last_pc = 0;
  bool waiting = false;  ///< the last instruction was a wait
  std::uint8_t loop_depth = 0;
  std::uint8_t call_depth = 0;
  std::array<std::uint32_t, isa::kRegisterCount> registers{};
  std::array<Loop, isa::kLoopDepth> loops{};
  std::array<std::uint16_t, isa::kCallDepth> calls{};
  std::array<std::uint16_t, isa::kGroupCount> shadow{};
};

/// Value of `set`, `on`, `off`, `setr` for the group's shadow.
std::uint16_t shadow_value(const Core& core, const isa::Decoded& in) {
  const std::uint16_t old = core.shadow[index_of(in.group)];
  switch (in.opcode) {
    case isa::Opcode::kOn:
      return static_cast<std::uint16_t>(old | in.number);
    case isa::Opcode::kOff:
      return static_cast<std::uint16_t>(old & ~in.number);
    case isa::Opcode::kSetR:
      return static_cast<std::uint16_t>(core.registers[in.left] & isa::group_mask(in.group));
    default:
      return static_cast<std::uint16_t>(in.number);
  }
}

void advance(Core& core, std::uint64_t cycles = 1) {
  core.last_pc = core.pc;
  ++core.pc;
  ++core.executed;
  core.cycle += cycles;
  core.waiting = cycles > 1;
}

void go_to(Core& core, std::uint32_t target) {
  core.last_pc = core.pc;
  core.pc = target;
  ++core.executed;
  ++core.cycle;
  core.waiting = false;
}

void branch(Core& core, bool taken, std::uint32_t target) { go_to(core, taken ? target : core.pc + 1); }

}  // namespace

/// Two ways to run, with the same signals at the same times:
/// - per cycle: each instruction in its own cycle;
/// - run-ahead: at each wake-up the instructions of this cycle, then those without an effect outside up to the next one
///   with an effect, whose cycle is the next wake-up. `checkpoint_` is the core at the beginning of that stretch:
///   whoever looks at the core meanwhile (bus, violations) sees a copy that is replayed up to now, and whoever changes
///   it (bus, trigger) continues from that copy.
class LocalController::Impl final : public CycleWheel::Client {
 public:
  Impl(LocalController& owner, const ControllerConfig& config, Services& services, energy::Place energy_place)
      : owner_(owner),
        config_(config),
        services_(services),
        energy_place_(energy_place),
        cycle_aJ_(std::llround(config.energy_per_cycle_pJ * kAttojoulesPerPicojoule)),
        instruction_aJ_(std::llround(config.energy_per_instruction_pJ * kAttojoulesPerPicojoule)),
        writable_(writable_groups(config.kind)),
        sram_(config.sram_words) {
    if (config.sram_words == 0 || config.sram_words > map::kRegisters / sizeof(isa::Word) ||
        config.sram_words > 0x10000) {
      throw std::invalid_argument(
          fmt::format("{}: sram_words = {}: must be 1 to 65536", owner.name(), config.sram_words));
    }
    bus.register_b_transport(this, &Impl::b_transport);
    bus.register_transport_dbg(this, &Impl::transport_dbg);
    bus.register_get_direct_mem_ptr(this, &Impl::get_direct_mem_ptr);
    describe_registers();
  }

  void end_of_elaboration() {
    period_ = sc_core::sc_time(owner_.clock->period_ns(), sc_core::SC_NS);
    slot_cycles_ = owner_.clock->slot_cycles();
    if (period_ == sc_core::SC_ZERO_TIME || slot_cycles_ == 0) {
      throw std::invalid_argument(
          fmt::format("{}: clock period {} ns and {} cycles per slot must be above the time "
                      "resolution and above 0",
                      owner_.name(), owner_.clock->period_ns(), slot_cycles_));
    }
    read_epoch();
    wheel_ = owner_.clock->wheel();
    if (wheel_ == nullptr) {
      wheel_ = &own_wheel_.emplace(period_);
    }
    wheel_client_ = wheel_->add(*this);
    if (state_ == State::kRunning || reset_pending_) {
      schedule();  // the bus has started it already
    }
    spawn(&Impl::end_interrupt, "end_interrupt", interrupt_over_);
    spawn(&Impl::on_triggered, "on_triggered", owner_.clock->triggered());
  }

  // -- what others see ------------------------------------------------------------------------------------------------

  [[nodiscard]] std::uint32_t level(isa::Group group) const { return levels_[index_of(group)]; }
  [[nodiscard]] const std::uint16_t* levels() const { return levels_.data(); }
  [[nodiscard]] const sc_core::sc_event& changed(isa::Circuit circuit) const {
    wanted_ |= circuit_bit(circuit);
    return changed_[static_cast<std::size_t>(circuit)];
  }
  void listen(isa::Circuit circuit, LevelListener& listener) { listeners_.emplace_back(circuit, &listener); }
  [[nodiscard]] State state() const { return state_of(view()); }
  [[nodiscard]] Cause cause() const { return cause_; }
  /// The core as it is in the current cycle.
  [[nodiscard]] Core view() const {
    if (!ahead_ || state_ != State::kRunning) {
      return core_;
    }
    return replayed(now() + 1).value_or(core_);
  }
  void settle_energy() { charge(now(), view().executed); }

  void attach(probe::Observer& observer) {
    const std::string scope = owner_.name();
    state_probe_.declare(observer, {scope, "state", probe::Kind::kText, 1, probe::Detail::kDefault,
                                    "state of the controller: idle, running, waiting, trigger, halted, faulted, "
                                    "stopped"});
    pc_probe_.declare(observer, {scope, "pc", probe::Kind::kBits, 16, probe::Detail::kDefault,
                                 "address of the instruction that runs in this cycle"});
    for (const isa::SignalGroup& entry : isa::kSignalGroups) {
      if (config_.kind == Kind::kTile ? entry.on_tiles : entry.on_pads) {
        probe::Probe& group_probe = level_probes_[index_of(entry.group)];
        group_probe.declare(observer, {scope, std::string(entry.name), probe::Kind::kBits, entry.bits,
                                       probe::Detail::kScoped, std::string(entry.doc)});
        group_probe.bits(level(entry.group));
      }
    }
    pc_probe_.bits(core_.pc);
    show_state();
    choose_mode();
  }

  tlm_utils::simple_target_socket<Impl, 32> bus{"bus"};

 private:
  // -- time -----------------------------------------------------------------------------------------------------------

  [[nodiscard]] std::uint64_t now() const {
    return period_ == sc_core::SC_ZERO_TIME ? 0 : sc_core::sc_time_stamp().value() / period_.value();
  }
  void read_epoch() { epoch_ = owner_.clock->epoch().value() / period_.value(); }

  void notify_at(sc_core::sc_event& event, std::uint64_t cycle) const {
    const sc_core::sc_time time = sc_core::sc_time::from_value(cycle * period_.value());
    const sc_core::sc_time current = sc_core::sc_time_stamp();
    event.cancel();
    event.notify(time > current ? time - current : sc_core::SC_ZERO_TIME);
  }
  void schedule() {
    if (wheel_ != nullptr) {
      wheel_->schedule(wheel_client_, core_.cycle);
    }
  }

  void spawn(void (Impl::*method)(), const char* name, const sc_core::sc_event& event) {
    sc_core::sc_spawn_options options;
    options.spawn_method();
    options.dont_initialize();
    options.set_sensitivity(&event);
    sc_core::sc_spawn([this, method] { (this->*method)(); }, name, &options);
  }

  // -- instructions ---------------------------------------------------------------------------------------------------

  [[nodiscard]] Fetched fetch(const Core& core) const {
    return core.pc < sram_.size() ? isa::decode(sram_[core.pc]) : std::nullopt;
  }
  [[nodiscard]] std::uint32_t dirty_with(const Core& core, isa::Group group, std::uint16_t value) const {
    const std::uint32_t bit = bit_of(group);
    return value != levels_[index_of(group)] ? core.dirty | bit : core.dirty & ~bit;
  }
  [[nodiscard]] std::uint64_t phase(const Core& core) const { return (core.cycle - epoch_) % slot_cycles_; }

  bool run_pure(Core& core, const Fetched& fetched) const;
  void run_effect(const Fetched& fetched);
  void write_shadow(isa::Group group, std::uint16_t value) {
    core_.dirty = dirty_with(core_, group, value);
    core_.shadow[index_of(group)] = value;
  }
  void commit();
  void set_level(isa::Group group, std::uint32_t level);
  void tell_changes();
  void wait_for_trigger(std::uint32_t mask);
  void pass_trigger();
  void raise(std::uint32_t causes);
  void fault(Cause cause, const std::string& detail);
  void missed(const isa::Decoded& in);

  // -- running --------------------------------------------------------------------------------------------------------

  void on_due(std::uint64_t /*cycle*/) override { step(); }
  void step();
  void run_this_cycle(std::uint64_t cycle);
  void run_ahead(std::uint64_t cycle);
  void on_triggered();
  void end_interrupt();
  void enter(State state, Cause cause);
  void apply_reset();
  void charge(std::uint64_t cycle, std::uint64_t executed);
  [[nodiscard]] std::optional<Core> replayed(std::uint64_t end) const;
  void settle();
  void choose_mode();
  void show_state() {
    const State state = state_of(core_);
    if (state_probe_.watched() && shown_ != state) {
      shown_ = state;
      state_probe_.text(controller::name(state));
    }
  }
  [[nodiscard]] State state_of(const Core& core) const {
    return state_ == State::kRunning && core.waiting && core.cycle > now() ? State::kWaiting : state_;
  }
  [[nodiscard]] bool running() const { return state_ == State::kRunning || state_ == State::kWaitingTrigger; }
  [[nodiscard]] bool breakpoint_at(std::uint32_t pc) const {
    return std::find(breakpoints_.begin(), breakpoints_.end(), kEnableBit | pc) != breakpoints_.end();
  }

  // -- bus ------------------------------------------------------------------------------------------------------------

  void describe_registers();
  void control(std::uint32_t bits);
  void begin(std::uint32_t bits);
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned int transport_dbg(tlm::tlm_generic_payload& payload);
  bool get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);
  [[nodiscard]] std::uint64_t sram_bytes() const { return sram_.size() * sizeof(isa::Word); }
  [[nodiscard]] unsigned char* sram_data() { return reinterpret_cast<unsigned char*>(sram_.data()); }

  LocalController& owner_;
  ControllerConfig config_;
  Services& services_;
  energy::Place energy_place_;
  std::int64_t cycle_aJ_;  ///< whole: energy must not depend on how many charges it is divided into
  std::int64_t instruction_aJ_;
  std::uint32_t writable_;
  std::vector<isa::Word> sram_;
  bus::RegisterBank bank_{"local controller"};

  sc_core::sc_time period_;
  std::uint64_t slot_cycles_ = 1;
  std::uint64_t epoch_ = 0;  ///< cycle of the last start trigger
  std::uint64_t trigger_cycle_ = 0;
  std::uint32_t triggers_ = kNeverTriggered;  ///< raised in trigger_cycle_
  std::uint32_t awaited_ = 0;

  State state_ = State::kIdle;
  Cause cause_ = Cause::kNone;
  std::uint32_t exit_code_ = 0;
  Core core_;
  Core checkpoint_;
  bool ahead_ = false;  ///< core_ may be ahead of time, checkpoint_ is valid
  bool per_cycle_ = false;
  bool stepping_ = false;
  bool watch_hit_ = false;
  bool pass_breakpoint_ = false;
  bool reset_pending_ = false;
  bool write_dmi_granted_ = false;  ///< since the last invalidation
  std::uint64_t reset_cycle_ = 0;
  std::uint64_t charged_cycle_ = 0;
  std::uint64_t charged_instructions_ = 0;

  std::array<std::uint16_t, isa::kGroupCount> levels_{};
  std::uint32_t touched_ = 0;         ///< circuits with changes that nobody was told of yet
  mutable std::uint32_t wanted_ = 0;  ///< circuits whose event someone has asked for
  std::vector<std::pair<isa::Circuit, LevelListener*>> listeners_;
  std::array<sc_core::sc_event, isa::kCircuitCount> changed_;
  std::optional<CycleWheel> own_wheel_;
  CycleWheel* wheel_ = nullptr;  ///< null until elaboration has ended
  std::size_t wheel_client_ = 0;
  sc_core::sc_event interrupt_over_{"interrupt_over"};
  std::uint64_t interrupt_cycle_ = 0;
  std::uint32_t interrupt_causes_ = 0;

  std::uint32_t pc_start_ = 0;
  std::array<std::uint32_t, kBreakpointCount> breakpoints_{};
  std::uint32_t watchpoint_ = 0;

  std::optional<State> shown_;
  probe::Probe state_probe_;
  probe::Probe pc_probe_;
  std::array<probe::Probe, isa::kGroupCount> level_probes_;
};

/// Runs an instruction that has no effect outside the core; false: it has one (or is a fault), and nothing was done.
bool LocalController::Impl::run_pure(Core& core, const Fetched& fetched) const {
  if (!fetched) {
    return false;
  }
  const isa::Decoded& in = *fetched;
  auto& registers = core.registers;
  switch (in.opcode) {
    case isa::Opcode::kSet:
    case isa::Opcode::kOn:
    case isa::Opcode::kOff:
    case isa::Opcode::kSetR: {
      const std::uint16_t value = shadow_value(core, in);
      const std::uint32_t dirty = dirty_with(core, in.group, value);
      if ((writable_ & bit_of(in.group)) == 0 || (in.commit && dirty != 0)) {
        return false;
      }
      core.shadow[index_of(in.group)] = value;
      core.dirty = dirty;
      advance(core);
      return true;
    }
    case isa::Opcode::kCommit:
      if (core.dirty != 0) {
        return false;
      }
      advance(core);
      return true;
    case isa::Opcode::kNop:
      advance(core);
      return true;
    case isa::Opcode::kWait:
      advance(core, in.number);
      return true;
    case isa::Opcode::kWaitR:
      advance(core, std::max(registers[in.left], 1U));
      return true;
    case isa::Opcode::kSlot:
      advance(core, in.number * slot_cycles_ - phase(core));
      return true;
    case isa::Opcode::kAt:
      if (in.number <= phase(core) || in.number >= slot_cycles_) {
        return false;
      }
      advance(core, in.number - phase(core));
      return true;
    case isa::Opcode::kLoop:
    case isa::Opcode::kLoopR: {
      const std::uint32_t count = in.opcode == isa::Opcode::kLoop ? in.number : registers[in.left];
      if (count == 0) {
        go_to(core, in.target);
        return true;
      }
      if (core.loop_depth == isa::kLoopDepth) {
        return false;
      }
      core.loops[core.loop_depth++] = {count, static_cast<std::uint16_t>(core.pc + 1)};
      advance(core);
      return true;
    }
    case isa::Opcode::kEndLoop: {
      if (core.loop_depth == 0) {
        return false;
      }
      Loop& loop = core.loops[core.loop_depth - 1U];
      if (--loop.remaining > 0) {
        go_to(core, loop.body);
      } else {
        --core.loop_depth;
        advance(core);
      }
      return true;
    }
    case isa::Opcode::kLdi:
      registers[in.left] = in.number;
      advance(core);
      return true;
    case isa::Opcode::kMov:
      registers[in.left] = registers[in.right];
      advance(core);
      return true;
    case isa::Opcode::kAddi:
      registers[in.left] += in.number;
      advance(core);
      return true;
    case isa::Opcode::kAdd:
      registers[in.left] += registers[in.right];
      advance(core);
      return true;
    case isa::Opcode::kSub:
      registers[in.left] -= registers[in.right];
      advance(core);
      return true;
    case isa::Opcode::kRdSlot:
      registers[in.left] = static_cast<std::uint32_t>((core.cycle - epoch_) / slot_cycles_);
      advance(core);
      return true;
    case isa::Opcode::kBeq:
      branch(core, registers[in.left] == registers[in.right], in.target);
      return true;
    case isa::Opcode::kBne:
      branch(core, registers[in.left] != registers[in.right], in.target);
      return true;
    case isa::Opcode::kBlt:
      branch(core, registers[in.left] < registers[in.right], in.target);
      return true;
    case isa::Opcode::kBge:
      branch(core, registers[in.left] >= registers[in.right], in.target);
      return true;
    case isa::Opcode::kJmp:
      go_to(core, in.target);
      return true;
    case isa::Opcode::kCall:
      if (core.call_depth == isa::kCallDepth) {
        return false;
      }
      core.calls[core.call_depth++] = static_cast<std::uint16_t>(core.pc + 1);
      go_to(core, in.target);
      return true;
    case isa::Opcode::kRet:
      if (core.call_depth == 0) {
        return false;
      }
      go_to(core, core.calls[--core.call_depth]);
      return true;
    case isa::Opcode::kHalt:
    case isa::Opcode::kTrig:
    case isa::Opcode::kMark:
    case isa::Opcode::kIrq:
      return false;
  }
  return false;
}

/// Runs, in its cycle, an instruction that run_pure declined.
void LocalController::Impl::run_effect(const Fetched& fetched) {
  if (core_.pc >= sram_.size()) {
    fault(Cause::kFetchPastEnd, fmt::format("fetch from 0x{:x}, the SRAM has {} words", core_.pc, sram_.size()));
    return;
  }
  if (!fetched) {
    fault(Cause::kIllegalInstruction, fmt::format("0x{:016x} is no instruction", sram_[core_.pc]));
    return;
  }
  const isa::Decoded& in = *fetched;
  switch (in.opcode) {
    case isa::Opcode::kSet:
    case isa::Opcode::kOn:
    case isa::Opcode::kOff:
    case isa::Opcode::kSetR:
      if ((writable_ & bit_of(in.group)) == 0) {
        const bool own = (kOwnInstruction & bit_of(in.group)) != 0;
        fault(Cause::kIllegalInstruction,
              fmt::format("signal group {} {}", isa::signal_group(in.group).name,
                          own ? "is written by the instruction of its name only"
                              : fmt::format("does not exist at a {}", config_.kind == Kind::kTile ? "tile" : "pad")));
        return;
      }
      write_shadow(in.group, shadow_value(core_, in));
      commit();
      advance(core_);
      return;
    case isa::Opcode::kCommit:
      commit();
      advance(core_);
      return;
    case isa::Opcode::kAt:
      missed(in);
      return;
    case isa::Opcode::kTrig:
      wait_for_trigger(in.number);
      return;
    case isa::Opcode::kMark:
      set_level(isa::Group::kMarker, in.number);
      tell_changes();
      advance(core_);
      return;
    case isa::Opcode::kIrq:
      interrupt_cycle_ = core_.cycle;
      notify_at(interrupt_over_, core_.cycle + 1);
      set_level(isa::Group::kInterrupt, in.number);
      tell_changes();
      advance(core_);
      raise(in.number);
      return;
    case isa::Opcode::kHalt:
      exit_code_ = in.number;
      advance(core_);
      core_.waiting = false;
      enter(State::kHalted, Cause::kHalt);
      return;
    case isa::Opcode::kLoop:
    case isa::Opcode::kLoopR:
      fault(Cause::kLoopOverflow, fmt::format("more than {} nested loops", isa::kLoopDepth));
      return;
    case isa::Opcode::kEndLoop:
      fault(Cause::kLoopUnderflow, "endloop outside of a loop");
      return;
    case isa::Opcode::kCall:
      fault(Cause::kCallOverflow, fmt::format("more than {} nested calls", isa::kCallDepth));
      return;
    case isa::Opcode::kRet:
      fault(Cause::kCallUnderflow, "ret without a call");
      return;
    default:
      throw std::logic_error(fmt::format("{}: instruction at 0x{:x} has no effect", owner_.name(), core_.pc));
  }
}

/// Sets one signal group's level in its cycle; tell_changes() must follow.
void LocalController::Impl::set_level(isa::Group group, std::uint32_t level) {
  std::uint16_t& current = levels_[index_of(group)];
  if (current == level) {
    return;
  }
  current = static_cast<std::uint16_t>(level);
  level_probes_[index_of(group)].bits(level);
  watch_hit_ = watch_hit_ || watchpoint_ == (kEnableBit | static_cast<std::uint32_t>(group));
  touched_ |= circuit_bit(isa::signal_group(group).circuit);
}

void LocalController::Impl::tell_changes() {
  const std::uint32_t touched = std::exchange(touched_, 0U);
  for (std::uint32_t told = touched & wanted_; told != 0; told &= told - 1) {
    changed_[static_cast<std::size_t>(__builtin_ctz(told))].notify(sc_core::SC_ZERO_TIME);
  }
  for (const auto& [circuit, listener] : listeners_) {
    if ((touched & circuit_bit(circuit)) != 0) {
      listener->on_levels(circuit);
    }
  }
}

void LocalController::Impl::commit() {
  for (std::uint32_t dirty = core_.dirty; dirty != 0; dirty &= dirty - 1) {
    const auto group = static_cast<isa::Group>(__builtin_ctz(dirty));
    set_level(group, core_.shadow[index_of(group)]);
  }
  core_.dirty = 0;
  tell_changes();
}

void LocalController::Impl::wait_for_trigger(std::uint32_t mask) {
  if (trigger_cycle_ == core_.cycle && (triggers_ & mask) != 0) {
    pass_trigger();
    return;
  }
  awaited_ = mask;
  enter(State::kWaitingTrigger, Cause::kNone);
}

/// The instruction behind trig runs in this very cycle.
void LocalController::Impl::pass_trigger() {
  const std::uint64_t cycle = now();
  advance(core_);
  core_.cycle = cycle;
}

void LocalController::Impl::missed(const isa::Decoded& in) {
  if (in.number >= slot_cycles_) {
    fault(Cause::kIllegalInstruction, fmt::format("at {}: a slot has {} cycles", in.number, slot_cycles_));
    return;
  }
  const std::uint64_t current = phase(core_);
  services_.violations.report(
      {sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_NS), ViolationKind::kScheduleMissed, owner_.name(),
       owner_.name(), core_.pc,
       fmt::format("at {} runs in cycle {} of its slot: waits for the next slot", in.number, current)});
  advance(core_, slot_cycles_ - current + in.number);
}

void LocalController::Impl::raise(std::uint32_t causes) {
  interrupt_causes_ |= causes;
  if (owner_.interrupts.size() > 0) {
    owner_.interrupts->raise(causes);
  }
}

void LocalController::Impl::fault(Cause cause, const std::string& detail) {
  core_.last_pc = core_.pc;
  core_.waiting = false;
  enter(State::kFaulted, cause);
  services_.violations.report({sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_NS), violation_of(cause),
                               owner_.name(), owner_.name(), core_.pc, detail});
  raise(kFaultInterrupt);
}

/// Wakes up when the instruction at core_.pc is due.
void LocalController::Impl::step() {
  apply_reset();
  if (state_ != State::kRunning) {
    return;
  }
  const std::uint64_t cycle = now();
  if (core_.cycle > cycle) {
    schedule();
    return;
  }
  core_.cycle = cycle;
  read_epoch();  // a trigger of this cycle counts, whether or not on_triggered has run
  charge(cycle, core_.executed);
  ahead_ = false;
  run_this_cycle(cycle);
  if (state_ != State::kRunning) {
    return;
  }
  if (!per_cycle_ && !(state_probe_.watched() && core_.waiting)) {
    run_ahead(cycle);
  }
  schedule();
}

/// One instruction; more only behind trig, which hands its cycle on.
void LocalController::Impl::run_this_cycle(std::uint64_t cycle) {
  while (state_ == State::kRunning && core_.cycle == cycle) {
    if (per_cycle_) {
      if (breakpoint_at(core_.pc) && !std::exchange(pass_breakpoint_, false)) {
        enter(State::kStopped, Cause::kBreakpoint);
        return;
      }
      pass_breakpoint_ = false;
      pc_probe_.bits(core_.pc);
    }
    watch_hit_ = false;
    const Fetched fetched = fetch(core_);
    const bool reads_epoch = fetched && (fetched->opcode == isa::Opcode::kSlot || fetched->opcode == isa::Opcode::kAt ||
                                         fetched->opcode == isa::Opcode::kRdSlot);
    if (reads_epoch) {
      checkpoint_ = core_;
      ahead_ = true;
    }
    if (!run_pure(core_, fetched)) {
      ahead_ = false;  // an effect cannot be taken back
      run_effect(fetched);
    }
    if (state_ == State::kRunning && (watch_hit_ || stepping_)) {
      enter(State::kStopped, watch_hit_ ? Cause::kWatchpoint : Cause::kStep);
    }
  }
  if (state_probe_.watched() && state_ == State::kRunning) {
    show_state();
  }
}

void LocalController::Impl::run_ahead(std::uint64_t cycle) {
  if (!ahead_) {
    checkpoint_ = core_;
    ahead_ = true;
  }
  const std::uint64_t limit = cycle + kRunAheadCycles;
  for (int budget = kRunAheadInstructions; budget > 0 && core_.cycle < limit; --budget) {
    const Fetched fetched = fetch(core_);
    const bool shows_wait = state_probe_.watched() && fetched &&
                            (fetched->opcode == isa::Opcode::kWait || fetched->opcode == isa::Opcode::kWaitR ||
                             fetched->opcode == isa::Opcode::kSlot || fetched->opcode == isa::Opcode::kAt);
    if (shows_wait || !run_pure(core_, fetched)) {
      return;
    }
  }
}

/// The core with all instructions of cycles before `end`; nothing if the SRAM behind it was changed by an expired DMI
/// pointer.
std::optional<Core> LocalController::Impl::replayed(std::uint64_t end) const {
  Core core = checkpoint_;
  while (core.cycle < end) {
    if (!run_pure(core, fetch(core))) {
      return std::nullopt;
    }
  }
  return core;
}

/// Takes back what has run ahead of the current cycle. schedule() must follow.
void LocalController::Impl::settle() {
  core_ = view();
  ahead_ = false;
}

void LocalController::Impl::choose_mode() {
  const auto enabled = [](std::uint32_t value) { return (value & kEnableBit) != 0; };
  per_cycle_ = pc_probe_.watched() || stepping_ || enabled(watchpoint_) ||
               std::any_of(breakpoints_.begin(), breakpoints_.end(), enabled);
}

void LocalController::Impl::on_triggered() {
  const std::uint64_t cycle = now();
  if (state_ == State::kRunning && ahead_) {
    // Instructions from this cycle on count from the new epoch.
    core_ = replayed(cycle).value_or(core_);
    ahead_ = false;
  }
  read_epoch();
  triggers_ = owner_.clock->triggers() | (trigger_cycle_ == cycle ? triggers_ : 0U);
  trigger_cycle_ = cycle;
  if (state_ == State::kWaitingTrigger && (triggers_ & awaited_) != 0) {
    state_ = State::kRunning;
    charged_cycle_ = cycle;
    pass_trigger();
    show_state();
    if (stepping_) {
      enter(State::kStopped, Cause::kStep);
      return;
    }
  }
  step();
}

void LocalController::Impl::end_interrupt() {
  if (now() > interrupt_cycle_) {
    set_level(isa::Group::kInterrupt, 0);
    tell_changes();
  }
}

/// Leaves kRunning or comes out of reset; core_ is that of the current cycle.
void LocalController::Impl::enter(State state, Cause cause) {
  charge(now(), core_.executed);
  if (wheel_ != nullptr) {
    wheel_->cancel(wheel_client_);
  }
  state_ = state;
  cause_ = cause;
  ahead_ = false;
  if (state != State::kWaitingTrigger) {
    stepping_ = false;
    choose_mode();
  }
  show_state();
}

/// Levels fall in the cycle behind the write to the control register, like every change of levels in its first delta.
void LocalController::Impl::apply_reset() {
  if (!reset_pending_ || now() < reset_cycle_) {
    return;
  }
  reset_pending_ = false;
  for (const isa::SignalGroup& entry : isa::kSignalGroups) {
    set_level(entry.group, 0);
  }
  tell_changes();
}

/// Energy up to `cycle` and `executed` instructions, since the last call; never takes back what was charged.
void LocalController::Impl::charge(std::uint64_t cycle, std::uint64_t executed) {
  const std::uint64_t cycles = state_ == State::kRunning ? cycle - std::min(cycle, charged_cycle_) : 0;
  const std::uint64_t instructions = executed - std::min(executed, charged_instructions_);
  charged_cycle_ = std::max(charged_cycle_, cycle);
  charged_instructions_ += instructions;
  services_.energy.charge_aJ(
      energy_place_, energy::Account::kController,
      static_cast<std::int64_t>(cycles) * cycle_aJ_ + static_cast<std::int64_t>(instructions) * instruction_aJ_);
}

// -- bus --------------------------------------------------------------------------------------------------------------

void LocalController::Impl::describe_registers() {
  const auto add = [this](const char* name, std::uint64_t offset) -> bus::Register& { return bank_.add(name, offset); };
  const auto not_running = [this] { return !running(); };
  const auto low = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  const auto high = [](std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32U); };

  add("control", map::kControl)
      .write_only()
      .doc("1 start at pc_start, 2 stop, 4 resume, 8 single step, 16 reset")
      .on_write([this](std::uint32_t bits) { control(bits); });
  add("status", map::kStatus).read_only().doc("state [7:0], cause [15:8], exit code [23:16]").on_read([this] {
    return static_cast<std::uint32_t>(state()) | static_cast<std::uint32_t>(cause_) << 8U | exit_code_ << 16U;
  });
  add("pc", map::kPc)
      .doc("next instruction; writable while not running")
      .writable_when(not_running)
      .write_mask(0xffff)
      .on_read([this] { return view().pc; })
      .on_write([this](std::uint32_t value) { core_.pc = value; });
  add("pc_start", map::kPcStart)
      .doc("where start begins")
      .write_mask(0xffff)
      .on_read([this] { return pc_start_; })
      .on_write([this](std::uint32_t value) { pc_start_ = value; });
  add("interrupt", map::kInterrupt)
      .write_one_to_clear()
      .doc("causes raised; bit 31 a fault")
      .on_read([this] { return interrupt_causes_; })
      .on_write([this](std::uint32_t ones) { interrupt_causes_ &= ~ones; });
  add("slot", map::kSlot).read_only().doc("slots since the start trigger").on_read([this, low] {
    return low((now() - epoch_) / slot_cycles_);
  });
  const auto cycles = [this] { return now() - std::min(now(), reset_cycle_); };
  add("cycles_low", map::kCyclesLow).read_only().doc("cycles since reset").on_read([cycles, low] {
    return low(cycles());
  });
  add("cycles_high", map::kCyclesHigh).read_only().doc("cycles since reset").on_read([cycles, high] {
    return high(cycles());
  });
  add("executed_low", map::kExecutedLow).read_only().doc("instructions executed").on_read([this, low] {
    return low(view().executed);
  });
  add("executed_high", map::kExecutedHigh).read_only().doc("instructions executed").on_read([this, high] {
    return high(view().executed);
  });
  for (std::size_t index = 0; index < breakpoints_.size(); ++index) {
    add(fmt::format("breakpoint{}", index).c_str(), map::kBreakpoint0 + 4 * index)
        .doc("31 enable, [15:0] address: stops before it")
        .write_mask(kEnableBit | 0xffffU)
        .on_read([this, index] { return breakpoints_[index]; })
        .on_write([this, index](std::uint32_t value) {
          breakpoints_[index] = value;
          choose_mode();
        });
  }
  add("watchpoint", map::kWatchpoint)
      .doc("31 enable, [7:0] signal group: stops after a change")
      .write_mask(kEnableBit | 0xffU)
      .on_read([this] { return watchpoint_; })
      .on_write([this](std::uint32_t value) {
        watchpoint_ = value;
        choose_mode();
      });
  for (std::size_t index = 0; index < isa::kRegisterCount; ++index) {
    add(fmt::format("r{}", index).c_str(), map::kRegister0 + 4 * index)
        .doc("register of the controller")
        .on_read([this, index] { return view().registers[index]; })
        .on_write([this, index](std::uint32_t value) { core_.registers[index] = value; });
  }
  for (const isa::SignalGroup& entry : isa::kSignalGroups) {
    const isa::Group group = entry.group;
    const std::uint64_t offset = 4 * index_of(group);
    add(fmt::format("level_{}", entry.name).c_str(), map::kLevel0 + offset)
        .read_only()
        .doc("level of the signal group")
        .on_read([this, group] { return level(group); });
    bus::Register& shadow = add(fmt::format("shadow_{}", entry.name).c_str(), map::kShadow0 + offset)
                                .doc("shadow of the signal group, committed by the next commit")
                                .on_read([this, group] { return std::uint32_t{view().shadow[index_of(group)]}; });
    if ((writable_ & bit_of(group)) == 0) {
      shadow.read_only();
    } else {
      shadow.write_mask(isa::group_mask(group)).on_write([this, group](std::uint32_t value) {
        write_shadow(group, static_cast<std::uint16_t>(value));
      });
    }
  }
}

/// A write to the control register; core_ is settled. Bits act in the order reset, stop, then one of the others.
void LocalController::Impl::control(std::uint32_t bits) {
  const std::uint64_t next = now() + 1;
  if ((bits & kReset) != 0) {
    enter(State::kIdle, Cause::kNone);
    const std::uint64_t executed = core_.executed;
    core_ = Core{};
    core_.executed = executed;
    exit_code_ = 0;
    interrupt_causes_ = 0;
    reset_cycle_ = next;
    reset_pending_ = true;
    core_.cycle = next;
    schedule();
  }
  if ((bits & kStop) != 0 && running()) {
    enter(State::kStopped, Cause::kStopRequest);
  }
  if ((bits & kStart) != 0) {
    core_.pc = pc_start_;
    core_.loop_depth = 0;
    core_.call_depth = 0;
    core_.waiting = false;
    core_.cycle = next;
    pass_breakpoint_ = false;
    begin(bits);
  } else if ((bits & (kResume | kSingleStep)) != 0 && !running()) {
    core_.cycle = std::max(core_.cycle, next);
    pass_breakpoint_ = true;
    begin(bits);
  }
}

void LocalController::Impl::begin(std::uint32_t bits) {
  charge(now(), core_.executed);
  if (std::exchange(write_dmi_granted_, false)) {
    bus->invalidate_direct_mem_ptr(0, sram_bytes() - 1);
  }
  state_ = State::kRunning;
  cause_ = Cause::kNone;
  stepping_ = (bits & kSingleStep) != 0;
  choose_mode();
  show_state();
}

void LocalController::Impl::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const std::uint64_t address = payload.get_address();
  delay += period_;
  if (address < map::kRegisters) {
    if (payload.is_write()) {
      settle();
    }
    const auto status = bus::access_bytes(payload, address, sram_data(), sram_bytes());
    payload.set_dmi_allowed(status == tlm::TLM_OK_RESPONSE && !(payload.is_write() && running()));
    payload.set_response_status(status);
  } else {
    if (payload.is_write()) {
      settle();
    }
    bank_.transport(payload, address - map::kRegisters);
  }
  if (payload.is_write() && state_ == State::kRunning) {
    schedule();
  }
}

unsigned int LocalController::Impl::transport_dbg(tlm::tlm_generic_payload& payload) {
  const std::uint64_t address = payload.get_address();
  const bool write = payload.is_write();
  if (write) {
    settle();
  }
  const unsigned int count = address < map::kRegisters ? bus::debug_bytes(payload, address, sram_data(), sram_bytes())
                                                       : bank_.transport_dbg(payload, address - map::kRegisters);
  if (write && state_ == State::kRunning) {
    schedule();
  }
  return count;
}

/// A write past the bus would not be seen by what has run ahead of it: none while the controller runs.
bool LocalController::Impl::get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) {
  dmi.init();
  if (payload.get_address() >= sram_bytes()) {
    dmi.set_start_address(sram_bytes());
    return false;
  }
  dmi.set_start_address(0);
  dmi.set_end_address(sram_bytes() - 1);
  if (payload.is_write() && running()) {
    return false;
  }
  dmi.set_dmi_ptr(sram_data());
  dmi.set_read_latency(period_);
  dmi.set_write_latency(period_);
  if (running()) {
    dmi.allow_read();
  } else {
    dmi.allow_read_write();
    write_dmi_granted_ = true;
  }
  return true;
}

// -- the module -------------------------------------------------------------------------------------------------------

LocalController::LocalController(sc_core::sc_module_name name, const ControllerConfig& config, Services& services,
                                 energy::Place energy_place)
    : sc_module(name),
      clock("clock"),
      interrupts("interrupts"),
      lines("lines"),
      impl_(std::make_unique<Impl>(*this, config, services, energy_place)) {
  lines.bind(*this);
}

LocalController::~LocalController() = default;

void LocalController::end_of_elaboration() { impl_->end_of_elaboration(); }

tlm::tlm_base_target_socket<32>& LocalController::bus() { return impl_->bus; }

std::uint32_t LocalController::level(isa::Group group) const { return impl_->level(group); }

const std::uint16_t* LocalController::levels() const { return impl_->levels(); }

const sc_core::sc_event& LocalController::changed(isa::Circuit circuit) const { return impl_->changed(circuit); }

bool LocalController::listen(isa::Circuit circuit, LevelListener& listener) {
  impl_->listen(circuit, listener);
  return true;
}

std::uint32_t LocalController::pc() const { return impl_->view().last_pc; }

State LocalController::state() const { return impl_->state(); }

Cause LocalController::cause() const { return impl_->cause(); }

void LocalController::settle_energy() { impl_->settle_energy(); }
std::uint64_t LocalController::executed() const { return impl_->view().executed; }

void LocalController::attach(probe::Observer& observer) { impl_->attach(observer); }

}  // namespace chronotile::controller
