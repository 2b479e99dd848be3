#include "platform/cli/terminal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <stdexcept>

namespace chronotile::cli {
namespace {

TEST(Table, AlignsColumns) {
  Table table({{"name"}, {"energy", Align::kRight}, {"unit"}});
  table.add({"array", "1.5", "nJ"});
  table.add({"périphérie", "120.25", "nJ"});
  table.add({"x"});
  EXPECT_EQ(table.text(),
            "name        energy  unit\n"
            "array          1.5  nJ\n"
            "périphérie  120.25  nJ\n"
            "x\n");
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), table.text());
}

TEST(Table, StylesTitlesOnly) {
  Table table({{"a"}});
  table.add({"b"});
  EXPECT_EQ(table.text(true), "\x1b[1ma\x1b[0m\nb\n");
}

TEST(Table, CellsMayHaveLines) {
  Table table({{"a"}, {"b"}});
  table.add({"1\n22", "x"});
  EXPECT_EQ(table.text(), "a   b\n1   x\n22\n");
}

TEST(Table, RefusesMoreCellsThanColumns) {
  Table table({{"a"}});
  EXPECT_THROW(table.add({"1", "2"}), std::invalid_argument);
}

TEST(Progress, ShowsShareAndEstimate) {
  EXPECT_EQ(progress_text("run", 12, 24, 3), "run [############............] 12/24 50 % 3 s left");
  EXPECT_EQ(progress_text("run", 1, 4, 30), "run [######..................] 1/4 25 % 1 min 30 s left");
  EXPECT_EQ(progress_text("run", 0, 24, 3), "run [........................] 0/24 0 %");
  EXPECT_EQ(progress_text("run", 24, 24, 3), "run [########################] 24/24 100 %");
  EXPECT_EQ(progress_text("run", 1, 0, 3), "run [########################] 1/0 100 %");
}

}  // namespace
}  // namespace chronotile::cli
