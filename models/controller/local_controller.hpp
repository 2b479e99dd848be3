#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <systemc>
#include <tlm>

#include "firmware/isa/instructions.hpp"
#include "models/base/probe.hpp"
#include "models/base/services.hpp"
#include "models/controller/control_lines.hpp"

namespace chronotile::controller {

/// Which signal groups a controller drives; a write to another group is an illegal instruction.
enum class Kind : std::uint8_t { kTile, kPad };

struct ControllerConfig {
  Kind kind = Kind::kTile;
  std::uint32_t sram_words = 4096;         ///< depth of the instruction SRAM (assumed; nothing is published)
  double energy_per_cycle_pJ = 1.0;        ///< while running (assumed); rounded to whole attojoules, as is the next
  double energy_per_instruction_pJ = 2.0;  ///< fetch and decode (assumed)
};

enum class State : std::uint8_t { kIdle, kRunning, kWaiting, kWaitingTrigger, kHalted, kFaulted, kStopped };
enum class Cause : std::uint8_t {
  kNone,
  kHalt,
  kBreakpoint,
  kWatchpoint,
  kStep,
  kStopRequest,
  kIllegalInstruction,
  kFetchPastEnd,
  kLoopOverflow,
  kLoopUnderflow,
  kCallOverflow,
  kCallUnderflow,
};

/// "idle", "running", ... and "none", "halt", ...: as in traces and messages.
[[nodiscard]] const char* name(State state);
[[nodiscard]] const char* name(Cause cause);

/// Receives the interrupts of a controller.
class InterruptLines : public virtual sc_core::sc_interface {
 public:
  /// `causes` as given to the instruction irq, in the cycle of that instruction; a fault raises bit 31.
  virtual void raise(std::uint32_t causes) = 0;
};
inline constexpr std::uint32_t kFaultInterrupt = 1U << 31U;

/// Byte offsets within a controller's window of the control bus.
namespace map {
inline constexpr std::uint64_t kSram =
    0x000000;  ///< sram_words x 8 bytes, little endian; DMI (writes: while not running)
inline constexpr std::uint64_t kRegisters = 0x080000;  ///< register bank, 32-bit registers
// register bank, offsets from kRegisters
inline constexpr std::uint64_t kControl =
    0x00;  ///< W: bit 0 start at kPcStart, 1 stop, 2 resume, 3 single step, 4 reset
inline constexpr std::uint64_t kStatus = 0x04;     ///< R: state [7:0], cause [15:8], exit code of halt [23:16]
inline constexpr std::uint64_t kPc = 0x08;         ///< RW while not running: next instruction
inline constexpr std::uint64_t kPcStart = 0x0c;    ///< RW: where start begins, reset 0
inline constexpr std::uint64_t kInterrupt = 0x10;  ///< R: causes raised; W: 1 clears
inline constexpr std::uint64_t kSlot = 0x14;       ///< R: slots since the trigger
inline constexpr std::uint64_t kCyclesLow = 0x18;  ///< R: cycles since the controller left reset
inline constexpr std::uint64_t kCyclesHigh = 0x1c;
inline constexpr std::uint64_t kExecutedLow = 0x20;  ///< R: instructions executed
inline constexpr std::uint64_t kExecutedHigh = 0x24;
inline constexpr std::uint64_t kBreakpoint0 = 0x30;  ///< RW x4: bit 31 enable, [15:0] address; stops before it
inline constexpr std::uint64_t kWatchpoint = 0x40;   ///< RW: bit 31 enable, [7:0] signal group; stops after a change
inline constexpr std::uint64_t kRegister0 = 0x80;    ///< RW x16: r0..r15
inline constexpr std::uint64_t kLevel0 = 0x100;      ///< R x31: level of each signal group
inline constexpr std::uint64_t kShadow0 = 0x180;     ///< RW x31: shadow of each signal group
}  // namespace map

/// The local controller of a tile or pad: fetches 64-bit instructions from its SRAM, one per cycle, and so is the time
/// sequence of all control signals (that much is published; the instruction set is this project's own:
/// docs/lc-manual.md).
///
/// Timing: an instruction that runs in cycle n commits at n times the period; `wait k` in cycle n lets the next one run
/// in cycle n + k. A controller that is started (register or at power-on reset: kIdle until the host starts it) runs
/// its first instruction in the next cycle. Faults stop this controller with cause, PC and interrupt, and are reported
/// as violations; the simulator goes on.
///
/// Temporal decoupling: instructions with no effect outside the controller run ahead of simulated time up to the next
/// one that has an effect (commit, irq, mark, wait, trig, halt); with a breakpoint, watchpoint, single step or a
/// watched program counter every instruction runs in its own cycle. Both give the same signals at the same times, and
/// the same energy.
///
/// DMI: the SRAM may be read at any time, and written while the controller does not run (idle, halted, faulted,
/// stopped). A start invalidates all pointers that were granted for writing; while it runs, also while it waits for a
/// trigger, DMI is read-only and programs are changed by transactions, which the run-ahead takes into account.
class LocalController final : public sc_core::sc_module, public ControlLines, public probe::Traceable {
 public:
  LocalController(sc_core::sc_module_name name, const ControllerConfig& config, Services& services,
                  energy::Place energy_place);
  ~LocalController() override;

  sc_core::sc_port<ClockLines> clock;
  sc_core::sc_port<InterruptLines, 1, sc_core::SC_ZERO_OR_MORE_BOUND> interrupts;
  sc_core::sc_export<ControlLines> lines;  ///< bound to this
  tlm::tlm_base_target_socket<32>& bus();  ///< control bus: SRAM and register bank, base protocol

  [[nodiscard]] std::uint32_t level(isa::Group group) const override;
  [[nodiscard]] const std::uint16_t* levels() const override;
  [[nodiscard]] const sc_core::sc_event& changed(isa::Circuit circuit) const override;
  bool listen(isa::Circuit circuit, LevelListener& listener) override;
  [[nodiscard]] std::string controller_name() const override { return name(); }
  [[nodiscard]] std::uint32_t pc() const override;

  [[nodiscard]] State state() const;
  [[nodiscard]] Cause cause() const;
  /// Charges what has been used up to now; between two instants, call it off the clock's edges.
  void settle_energy();
  [[nodiscard]] std::uint64_t executed() const;  ///< instructions since construction

  void attach(probe::Observer& observer) override;

 private:
  void end_of_elaboration() override;

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chronotile::controller
