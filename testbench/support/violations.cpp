#include "testbench/support/violations.hpp"

namespace chronotile {

void PrintTo(const Violation& violation, std::ostream* out) {  // NOLINT(readability-identifier-naming): gtest's name
  *out << violation.text();
}

void PrintTo(const ViolationKind& kind, std::ostream* out) {  // NOLINT(readability-identifier-naming): gtest's name
  *out << name(kind);
}

namespace support {

using testing::AllOf;
using testing::DoubleNear;
using testing::EndsWith;
using testing::Field;
using testing::Matcher;

Matcher<const Violation&> is_violation(ViolationKind kind) { return Field("kind", &Violation::kind, kind); }

Matcher<const Violation&> is_violation(ViolationKind kind, const std::string& place) {
  return AllOf(is_violation(kind), Field("place", &Violation::place, EndsWith(place)));
}

Matcher<const Violation&> is_violation(ViolationKind kind, const std::string& place, double time_ns) {
  return AllOf(is_violation(kind, place), Field("time_ns", &Violation::time_ns, DoubleNear(time_ns, 1e-6)));
}

Matcher<const Violation&> is_violation(ViolationKind kind, const std::string& place, double time_ns, std::uint32_t pc) {
  return AllOf(is_violation(kind, place, time_ns), Field("pc", &Violation::pc, pc));
}

}  // namespace support
}  // namespace chronotile
