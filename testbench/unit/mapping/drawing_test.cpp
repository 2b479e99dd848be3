#include <gtest/gtest.h>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <sstream>
#include <string>

#include "platform/mapping/feed_forward.hpp"
#include "platform/mapping/report.hpp"

namespace chronotile::mapping {
namespace {

Plan small_plan(const std::string& layer) {
  const Network network{
      "a <b> & \"c\"",
      {{layer, Eigen::MatrixXd::Constant(600, 700, 0.01)}, {"out", Eigen::MatrixXd::Constant(12, 600, 0.01)}}};
  return map_feed_forward(network, config::PlatformConfig{});
}

TEST(Drawing, is_well_formed_whatever_the_names) {
  const Plan plan = small_plan("fc <1> & \"2\"\x01");
  std::istringstream text(chip_svg(plan.chips.front(), config::PlatformConfig{}));
  boost::property_tree::ptree tree;
  ASSERT_NO_THROW(boost::property_tree::read_xml(text, tree));
  EXPECT_EQ(tree.get<std::string>("svg.<xmlattr>.xmlns"), "http://www.w3.org/2000/svg");
  EXPECT_GT(tree.get_child("svg").count("rect"), 36U);
}

TEST(Drawing, draws_a_line_for_every_branch) {
  const Plan plan = small_plan("fc");
  const std::string svg = chip_svg(plan.chips.front(), config::PlatformConfig{});
  std::size_t lines = 0;
  for (auto at = svg.find("<polyline"); at != std::string::npos; at = svg.find("<polyline", at + 1)) {
    ++lines;
  }
  EXPECT_GE(lines, 5U);  // two inputs, two emissions between the layers, one read-out
}

TEST(Report, names_what_the_command_line_promises) {
  const config::PlatformConfig config;
  const Plan plan = small_plan("fc");
  const auto json = to_json(plan, config.floorplan);
  EXPECT_EQ(json["weights_on_tiles"], 700 * 600 + 600 * 12);
  EXPECT_EQ(json["cells_programmed"], 2 * (700 * 600 + 600 * 12));
  EXPECT_EQ(json["tiles"], 6);
  const auto& chip = json["chips"][0];
  EXPECT_EQ(chip["index"], 0);
  EXPECT_EQ(chip["tiles"], 6);
  EXPECT_EQ(chip["layers"][0]["name"], "fc");
  EXPECT_EQ(chip["layers"][0]["rows"], 700);
  EXPECT_EQ(chip["layers"][0]["columns"], 600);
  EXPECT_EQ(chip["layers"][0]["mode"], "ab");
  EXPECT_EQ(chip["layers"][0]["tiles"].size(), 4U);
  EXPECT_EQ(chip["slots"].size(), 5U);
  const std::string text = to_text(plan, config.floorplan);
  EXPECT_NE(text.find("427,200 weights on 6 tiles"), std::string::npos) << text;
}

}  // namespace
}  // namespace chronotile::mapping
