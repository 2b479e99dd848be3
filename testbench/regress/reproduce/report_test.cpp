// Tables, JSON, Markdown and plots of a report.

#include "platform/cli/reproduce/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "platform/cli/reproduce/plot.hpp"

namespace chronotile::cli::reproduce {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Section section() {
  Section result{"transport", "Durations", {"How it was done."}, {}, {}, 3, 90};
  Row row;
  row.quantity = "largest error";
  row.unit = "ns";
  row.published = 5;
  row.relation = "<";
  row.source = "Nature";
  row.platform = 4.2125;
  row.interval = Interval{4, 4.5};
  row.samples = 1000;
  row.sampled = "durations";
  row.origin = Origin::kInput;
  row.remark = "a | b";
  result.rows.push_back(row);
  Row bare;
  bare.quantity = "nothing";
  bare.origin = Origin::kFitted;
  result.rows.push_back(bare);
  result.plots.push_back(
      {"errors",
       "Errors <of> durations",
       "error in ns",
       "count",
       true,
       {{"long", Series::Style::kBars, {-1, 0, 1}, {10, 1000, 0}, {}},
        {"short", Series::Style::kLine, {-1, 0, 1}, {20, 500, 30}, {{10, 30}, {400, 600}, {20, 40}}}},
       {{true, 5, "bound"}, {false, 100, "level"}},
       {}});
  return result;
}

Report report() { return {"chronotile reproduce transport", true, 7, 16, 12.5, {section()}}; }

TEST(ReproduceReport, TextHasAllColumns) {
  EXPECT_EQ(text(report()),
            "Durations (3 simulations, 1.5 min one after the other)\n\n"
            "quantity       unit  published  platform  95 %      n               origin  source; what differs\n"
            "largest error  ns          < 5     4.213  4 to 4.5  1000 durations  input   Nature; a | b\n"
            "nothing                      -         -  -         -               fitted\n"
            "\n`chronotile reproduce transport`: seed 7, lanes 16, reduced samples (--quick), 12.5 s in all.\n");
}

TEST(ReproduceReport, JsonComesBack) {
  const nlohmann::ordered_json json = to_json(section());
  EXPECT_EQ(to_json(section_of(json)), json);
  EXPECT_EQ(json["rows"][0]["published"], 5);
  EXPECT_EQ(json["rows"][0]["interval_95"], nlohmann::ordered_json::parse("[4.0, 4.5]"));
  EXPECT_EQ(json["rows"][0]["origin"], "input");
  EXPECT_TRUE(json["rows"][1]["published"].is_null());
  EXPECT_TRUE(json["rows"][1]["platform"].is_null());
  EXPECT_EQ(reproduce::json(report())["experiments"][0], json);
  nlohmann::ordered_json bad = json;
  bad["rows"][0]["origin"] = "guessed";
  EXPECT_THROW((void)section_of(bad), std::runtime_error);
}

TEST(ReproduceReport, MarkdownHasIntroductionTablesAndPlots) {
  EXPECT_THAT(
      markdown(report()),
      AllOf(HasSubstr("# The publication, reproduced"), HasSubstr("How it was done."),
            HasSubstr("| largest error | ns | < 5 | 4.213 | 4 to 4.5 | 1000 durations | input | Nature; a \\| b |"),
            HasSubstr("![Errors <of> durations](reproduction/errors.svg)")));
}

TEST(ReproduceReport, PlotIsWellFormed) {
  const std::string drawing = svg(section().plots.front());
  EXPECT_THAT(drawing, AllOf(HasSubstr("Errors &lt;of&gt; durations"), HasSubstr("error in ns"), HasSubstr("bound"),
                             HasSubstr(">long<"), HasSubstr("polyline"), Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
  // The bar of 0 is not there on a logarithmic axis.
  const std::regex bar("<rect [^>]*fill-opacity=\"0.55\"");
  EXPECT_EQ(std::distance(std::sregex_iterator(drawing.begin(), drawing.end(), bar), std::sregex_iterator()), 3)
      << "two bars and their mark in the legend";
  std::size_t open = 0;
  for (const char c : drawing) {
    open += c == '<' ? 1U : 0U;
    open -= c == '>' ? 1U : 0U;
    ASSERT_LE(open, 1U);
  }
  EXPECT_THAT(svg(Plot{"empty", "Empty", "x", "y", false, {}, {}, {}}),
              AllOf(HasSubstr("</svg>"), Not(HasSubstr("nan"))));
}

}  // namespace
}  // namespace chronotile::cli::reproduce
