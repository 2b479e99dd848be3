#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Broken rules of the hardware: reported with time, place, controller and program counter; simulation goes on.
namespace chronotile {

enum class ViolationKind : std::uint8_t {
  // local controller
  kIllegalInstruction,
  kFetchPastEnd,
  kLoopOverflow,
  kLoopUnderflow,
  kCallOverflow,
  kCallUnderflow,
  kScheduleMissed,
  // tile
  kIntegrateWithoutPrecharge,   ///< window opens on a capacitor that was read, or never precharged, since
  kPrechargeDuringIntegration,  ///< also by a neighbour that shares the capacitor
  kIntegrateIdle,               ///< a window in which no pulse arrived at an open row gate
  kIntegrateNoWeights,          ///< a window with neither WP1 nor WP2 biased
  kWindowEarly,                 ///< a window opened more than the allowed lead-in before the pulses
  kPulseNotCovered,             ///< a pulse at an open row gate lies partly or wholly outside every window
  kSelectDuringIntegration,     ///< row gates, row source, polarity or weight set changed within a window
  kRampDuringIntegration,       ///< a ramp starts while a window is open
  kRampDuringPulse,             ///< a ramp starts while a pulse that counts still lasts
  kRampDuringPrecharge,         ///< a ramp starts while a capacitor that it reads is precharged
  kRampReprogrammed,            ///< slope, start, direction changed while the ramp runs
  kEnableWithoutRamp,           ///< EN is 1 while the ramp does not run
  kPulseCutShort,               ///< EN, column outputs or the ramp ended a pulse before the tile's full scale
  kComparatorMismatch,          ///< comparator polarity and ramp direction disagree: pulses share no leading edge
  kShareHalfOpen,               ///< one side of a capacitor share is closed and the other is not, when it matters
  kEmissionNotDriven,           ///< EN passes pulses that no column output drives onto the wires
  kProgramConflict,  ///< programming supply on during integration or ramp, or not exactly one device selected
  // mesh
  kContention,  ///< two drivers on one wire
  kRouteLoop,   ///< a pulse comes back to wires that it already drives
  kGuardMoved,  ///< a borderguard or corner switch on a pulse's way changed while it passed
  kPulseLost,   ///< no receiver listened to a driven wire group
  // pads
  kCaptureIdle,    ///< a capture window in which no pulse arrived
  kVectorAddress,  ///< vector address beyond the pad's memory
  kSendOverrun,    ///< psend fell while a pulse was still high, or rose again before the last ended
};

inline constexpr int kViolationKinds = static_cast<int>(ViolationKind::kSendOverrun) + 1;

/// Name in reports, for example "pulse_not_covered".
[[nodiscard]] std::string_view name(ViolationKind kind);

struct Violation {
  double time_ns = 0;
  ViolationKind kind{};
  std::string place;       ///< full name of the module in which the rule was broken
  std::string controller;  ///< full name of the local controller whose signals govern the place; "" if none
  std::uint32_t pc = 0;    ///< of the instruction that the controller executed last
  std::string detail;      ///< one sentence with the numbers

  /// "2045.000 ns chip0.tile_0_1 pulse_not_covered (chip0.tile_0_1.lc pc 0x1f): detail"
  [[nodiscard]] std::string text() const;
};

class ViolationSink {
 public:
  ViolationSink() = default;
  ViolationSink(const ViolationSink&) = delete;
  ViolationSink& operator=(const ViolationSink&) = delete;
  virtual ~ViolationSink() = default;
  virtual void report(Violation violation) = 0;
};

/// Keeps the first `keep` violations and counts all of them.
class ViolationLog final : public ViolationSink {
 public:
  explicit ViolationLog(std::size_t keep = 1000) : keep_(keep) {}
  void report(Violation violation) override;
  /// Starts anew; returns how many there were.
  std::uint64_t forget();
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t count(ViolationKind kind) const;
  [[nodiscard]] const std::vector<Violation>& kept() const { return kept_; }

 private:
  std::size_t keep_;
  std::uint64_t count_ = 0;
  std::vector<std::uint64_t> by_kind_;
  std::vector<Violation> kept_;
};

}  // namespace chronotile
