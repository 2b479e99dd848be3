#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/nearest.hpp"

namespace chronotile {
namespace {

TEST(Nearest, CountsEdits) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("wiat", "wait"), 1U);
  EXPECT_EQ(edit_distance("WAIT", "wait"), 0U);
}

TEST(Nearest, TakesTheFirstOfTheClosest) {
  const std::vector<std::string> names{"seed", "lanes", "lines", "threads"};
  EXPECT_EQ(nearest("lones", names), "lanes");
  EXPECT_EQ(nearest("thread", names), "threads");
  EXPECT_EQ(nearest("voltage", names), "");
  EXPECT_EQ(nearest("x", std::vector<std::string>{"y"}), "");
  EXPECT_EQ(did_you_mean("sead", names), "did you mean 'seed'");
  EXPECT_EQ(did_you_mean("voltage", names, "none"), "none");
}

}  // namespace
}  // namespace chronotile
