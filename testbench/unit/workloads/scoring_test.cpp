#include "workloads/kws/scoring.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace chronotile::kws {
namespace {

TEST(KwsScoring, ArgMaxTakesTheFirstOfEquals) {
  EXPECT_EQ(arg_max({-1.0, 0.5, 0.25}), 1U);
  EXPECT_EQ(arg_max({0.5, 0.5}), 0U);
  EXPECT_EQ(arg_max({-3.0}), 0U);
}

TEST(KwsScoring, ConfusionCounts) {
  Confusion confusion(3);
  EXPECT_EQ(confusion.accuracy_percent(), 0.0);
  confusion.add(0, 0);
  confusion.add(0, 2);
  confusion.add(1, 1);
  confusion.add(2, 2);
  EXPECT_EQ(confusion.total(), 4U);
  EXPECT_EQ(confusion.correct(), 3U);
  EXPECT_EQ(confusion.count(0, 2), 1U);
  EXPECT_EQ(confusion.count(2, 0), 0U);
  EXPECT_EQ(confusion.accuracy_percent(), 75.0);
  EXPECT_THROW(confusion.add(3, 0), std::out_of_range);
  EXPECT_THROW((void)confusion.count(0, 3), std::out_of_range);
}

}  // namespace
}  // namespace chronotile::kws
