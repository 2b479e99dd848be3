#include "models/base/violation.hpp"

#include <gtest/gtest.h>

#include <set>

#include "testbench/support/violations.hpp"

namespace chronotile {
namespace {

using support::is_violation;
using testing::ElementsAre;

TEST(Violation, TextNamesTimePlaceRuleAndProgramCounter) {
  const Violation violation{2045, ViolationKind::kPulseNotCovered, "chip0.tile_0_1", "chip0.tile_0_1.lc",
                            0x1f, "12.5 ns of 64 ns lie outside"};
  EXPECT_EQ(violation.text(),
            "2045.000 ns chip0.tile_0_1 pulse_not_covered (chip0.tile_0_1.lc pc 0x1f): 12.5 ns of 64 ns lie outside");
}

TEST(Violation, TextWithoutController) {
  EXPECT_EQ((Violation{0.5, ViolationKind::kContention, "chip0", "", 0, "two drivers"}).text(),
            "0.500 ns chip0 contention: two drivers");
}

TEST(Violation, EveryKindHasItsOwnName) {
  std::set<std::string_view> names;
  for (int kind = 0; kind <= static_cast<int>(ViolationKind::kSendOverrun); ++kind) {
    names.insert(name(static_cast<ViolationKind>(kind)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ViolationKind::kSendOverrun) + 1);
  EXPECT_EQ(names.count("unknown"), 0U);
}

TEST(ViolationLog, KeepsTheFirstAndCountsAll) {
  ViolationLog log(2);
  log.report({1, ViolationKind::kContention, "a", "", 0, ""});
  log.report({2, ViolationKind::kPulseLost, "b", "", 0, ""});
  log.report({3, ViolationKind::kContention, "c", "", 0, ""});
  EXPECT_EQ(log.count(), 3U);
  EXPECT_EQ(log.count(ViolationKind::kContention), 2U);
  EXPECT_EQ(log.count(ViolationKind::kPulseLost), 1U);
  EXPECT_EQ(log.count(ViolationKind::kSendOverrun), 0U);
  EXPECT_THAT(log.kept(), ElementsAre(is_violation(ViolationKind::kContention, "a", 1),
                                      is_violation(ViolationKind::kPulseLost, "b", 2)));
}

}  // namespace
}  // namespace chronotile
