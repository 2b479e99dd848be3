#pragma once

#include <gmock/gmock.h>

#include <ostream>
#include <string>

#include "models/base/violation.hpp"

namespace chronotile {

/// Readable failures of tests.
void PrintTo(const Violation& violation, std::ostream* out);  // NOLINT(readability-identifier-naming): gtest's name
void PrintTo(const ViolationKind& kind, std::ostream* out);   // NOLINT(readability-identifier-naming): gtest's name

namespace support {

/// EXPECT_THAT(log.kept(), ElementsAre(is_violation(ViolationKind::kContention, "mesh", 12.0))): kind, end of the
/// place's full name, time in ns (to 1 fs).
[[nodiscard]] testing::Matcher<const Violation&> is_violation(ViolationKind kind);
[[nodiscard]] testing::Matcher<const Violation&> is_violation(ViolationKind kind, const std::string& place);
[[nodiscard]] testing::Matcher<const Violation&> is_violation(ViolationKind kind, const std::string& place,
                                                              double time_ns);
/// Also the address of the instruction that the controller executed last.
[[nodiscard]] testing::Matcher<const Violation&> is_violation(ViolationKind kind, const std::string& place,
                                                              double time_ns, std::uint32_t pc);

}  // namespace support
}  // namespace chronotile
