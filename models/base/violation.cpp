#include "models/base/violation.hpp"

#include <fmt/format.h>

#include <utility>

namespace chronotile {

std::string_view name(ViolationKind kind) {
  switch (kind) {
    case ViolationKind::kIllegalInstruction:
      return "illegal_instruction";
    case ViolationKind::kFetchPastEnd:
      return "fetch_past_end";
    case ViolationKind::kLoopOverflow:
      return "loop_overflow";
    case ViolationKind::kLoopUnderflow:
      return "loop_underflow";
    case ViolationKind::kCallOverflow:
      return "call_overflow";
    case ViolationKind::kCallUnderflow:
      return "call_underflow";
    case ViolationKind::kScheduleMissed:
      return "schedule_missed";
    case ViolationKind::kIntegrateWithoutPrecharge:
      return "integrate_without_precharge";
    case ViolationKind::kPrechargeDuringIntegration:
      return "precharge_during_integration";
    case ViolationKind::kIntegrateIdle:
      return "integrate_idle";
    case ViolationKind::kIntegrateNoWeights:
      return "integrate_no_weights";
    case ViolationKind::kWindowEarly:
      return "window_early";
    case ViolationKind::kPulseNotCovered:
      return "pulse_not_covered";
    case ViolationKind::kSelectDuringIntegration:
      return "select_during_integration";
    case ViolationKind::kRampDuringIntegration:
      return "ramp_during_integration";
    case ViolationKind::kRampDuringPulse:
      return "ramp_during_pulse";
    case ViolationKind::kRampDuringPrecharge:
      return "ramp_during_precharge";
    case ViolationKind::kRampReprogrammed:
      return "ramp_reprogrammed";
    case ViolationKind::kEnableWithoutRamp:
      return "enable_without_ramp";
    case ViolationKind::kPulseCutShort:
      return "pulse_cut_short";
    case ViolationKind::kComparatorMismatch:
      return "comparator_mismatch";
    case ViolationKind::kShareHalfOpen:
      return "share_half_open";
    case ViolationKind::kEmissionNotDriven:
      return "emission_not_driven";
    case ViolationKind::kProgramConflict:
      return "program_conflict";
    case ViolationKind::kContention:
      return "contention";
    case ViolationKind::kRouteLoop:
      return "route_loop";
    case ViolationKind::kGuardMoved:
      return "guard_moved";
    case ViolationKind::kPulseLost:
      return "pulse_lost";
    case ViolationKind::kCaptureIdle:
      return "capture_idle";
    case ViolationKind::kVectorAddress:
      return "vector_address";
    case ViolationKind::kSendOverrun:
      return "send_overrun";
  }
  return "unknown";
}

std::string Violation::text() const {
  const std::string governor = controller.empty() ? "" : fmt::format(" ({} pc 0x{:x})", controller, pc);
  return fmt::format("{:.3f} ns {} {}{}: {}", time_ns, place, name(kind), governor, detail);
}

void ViolationLog::report(Violation violation) {
  ++count_;
  const auto index = static_cast<std::size_t>(violation.kind);
  if (by_kind_.size() <= index) {
    by_kind_.resize(index + 1);
  }
  ++by_kind_[index];
  if (kept_.size() < keep_) {
    kept_.push_back(std::move(violation));
  }
}

std::uint64_t ViolationLog::forget() {
  by_kind_.clear();
  kept_.clear();
  return std::exchange(count_, 0);
}

std::uint64_t ViolationLog::count(ViolationKind kind) const {
  const auto index = static_cast<std::size_t>(kind);
  return index < by_kind_.size() ? by_kind_[index] : 0;
}

}  // namespace chronotile
