#include "models/mesh/node.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "testbench/protocol/duration/duration_checker.hpp"
#include "testbench/protocol/duration/pulse_ends.hpp"
#include "testbench/support/control_driver.hpp"
#include "testbench/support/linear_test.hpp"
#include "testbench/support/services_fixture.hpp"
#include "testbench/support/violations.hpp"

namespace chronotile::mesh {
namespace {

using isa::Group;
using support::ControlDriver;
using support::DurationChecker;
using support::is_violation;
using support::PulseLog;
using support::PulseSource;
using support::TestServices;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr std::uint32_t kIn = 0xff00;
constexpr std::uint32_t kOut = 0x00ff;

template <typename Vector>
auto& at(Vector& vector, int index) {
  return vector[static_cast<std::size_t>(index)];
}

/// A row of nodes with everything that can be observed: sources at the west edge and at each node's columns, logs at
/// the rows of each node and at its northern and southern edge, a checker and a log at the east edge.
struct Row {
  Row(const std::string& prefix, int count, bool reversed = false) {
    const auto each = [&](const auto& make) {
      for (int i = 0; i < count; ++i) {
        make(reversed ? count - 1 - i : i);
      }
    };
    const auto size = static_cast<std::size_t>(count);
    controls.resize(size);
    nodes.resize(size);
    columns.resize(size);
    rows_we.resize(size);
    rows_sn.resize(size);
    north.resize(size);
    south.resize(size);
    const auto make_controls = [&] { each([&](int i) { at(controls, i) = make<ControlDriver>(prefix + "lc", i); }); };
    const auto make_sources = [&] {
      west = std::make_unique<PulseSource>((prefix + "west").c_str(), 64);
      each([&](int i) { at(columns, i) = make<PulseSource>(prefix + "columns", i, static_cast<unsigned>(i)); });
    };
    const auto make_nodes = [&] {
      each([&](int i) {
        NodeConfig config;
        config.index = static_cast<std::uint32_t>(i);
        config.hop_delay_ns = 0.125;
        at(nodes, i) =
            std::make_unique<Node>(fmt::format("{}node_{}", prefix, i).c_str(), config, services.services, place);
      });
    };
    const auto make_ends = [&] {
      checker = std::make_unique<DurationChecker>((prefix + "checker").c_str());
      east = std::make_unique<PulseLog>((prefix + "east").c_str());
      each([&](int i) {
        at(rows_we, i) = make<PulseLog>(prefix + "rows_we", i);
        at(rows_sn, i) = make<PulseLog>(prefix + "rows_sn", i);
        at(north, i) = make<PulseLog>(prefix + "north", i);
        at(south, i) = make<PulseLog>(prefix + "south", i);
      });
    };
    if (reversed) {
      make_ends();
      make_nodes();
      make_sources();
      make_controls();
    } else {
      make_controls();
      make_sources();
      make_nodes();
      make_ends();
    }
    for (int i = 0; i < count; ++i) {
      Node& node = *at(nodes, i);
      node.control.bind(at(controls, i)->lines);
      node.rows_west_east().bind(at(rows_we, i)->in);
      node.rows_south_north().bind(at(rows_sn, i)->in);
      node.out(Edge::kNorth).bind(at(north, i)->in);
      node.out(Edge::kSouth).bind(at(south, i)->in);
      at(columns, i)->out.bind(node.columns());
      if (i > 0) {
        at(nodes, i - 1)->out(Edge::kEast).bind(node.in(Edge::kWest));
        node.out(Edge::kWest).bind(at(nodes, i - 1)->in(Edge::kEast));
      }
    }
    west->out.bind(nodes.front()->in(Edge::kWest));
    nodes.back()->out(Edge::kEast).bind(checker->in);
    checker->out.bind(east->in);
  }

  template <typename Module, typename... Args>
  static std::unique_ptr<Module> make(const std::string& name, int index, Args... args) {
    return std::make_unique<Module>(fmt::format("{}_{}", name, index).c_str(), args...);
  }
  /// Guards of all nodes open from west to east for `groups` from time 0 on.
  void open_eastwards(unsigned groups = 0xff) {
    for (const auto& control : controls) {
      control->at(0, {{Group::kBorderWest, groups << 8U}, {Group::kBorderEast, groups}});
    }
  }

  TestServices services;
  energy::Place place = services.energy.add_place("mesh", "NW");
  std::vector<std::unique_ptr<ControlDriver>> controls;
  std::unique_ptr<PulseSource> west;
  std::vector<std::unique_ptr<PulseSource>> columns;
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::unique_ptr<PulseLog>> rows_we, rows_sn, north, south;
  std::unique_ptr<DurationChecker> checker;
  std::unique_ptr<PulseLog> east;
};

void run_until(double time_ns) {
  support::simulate([=] { support::wait_until_ns(time_ns); });
}

TEST(Node, PulsesCrossARowWithAnnotatedDelay) {
  Row row("", 6);
  row.open_eastwards();
  row.west->emit(100, kAllGroups, 50);
  run_until(300);
  EXPECT_THAT(row.east->calls(),
              ElementsAre(PulseLog::Call{100, true, 64, 0xff, 0.75, 0, kNever, {3, 11, 19, 27, 35, 43}},
                          PulseLog::Call{150, false, 64, 0xff, 0.75, 0, kNever, {3, 11, 19, 27, 35, 43}}));
  EXPECT_THAT(row.rows_we[2]->calls(),
              ElementsAre(PulseLog::Call{100, true, 64, 0xff, 0.375, 0, kNever, {3, 11, 19}},
                          PulseLog::Call{150, false, 64, 0xff, 0.375, 0, kNever, {3, 11, 19}}));
  EXPECT_THAT(row.rows_sn[2]->calls(), IsEmpty());
  EXPECT_THAT(row.services.violations.kept(), IsEmpty());
  EXPECT_EQ(row.checker->open(), 0U);
  EXPECT_NEAR(row.services.energy.total_nJ(energy::Account::kMesh), 6 * 512 * 0.05e-3, 1e-12);
}

TEST(Node, ClosedGuardsBlock) {
  Row row("", 3);
  row.open_eastwards();
  row.controls[1]->at(0, Group::kBorderEast, 0x0f);
  row.controls[2]->at(0, Group::kBorderWest, 0x0300);
  row.west->emit(100, kAllGroups, 50);
  run_until(300);
  EXPECT_EQ(row.rows_we[1]->calls()[0].groups, 0xffU);
  EXPECT_EQ(row.rows_we[2]->calls()[0].groups, 0x03U);
  EXPECT_EQ(row.east->calls()[0].groups, 0x03U);
  EXPECT_THAT(row.services.violations.kept(), IsEmpty());
  EXPECT_NEAR(row.services.energy.total_nJ(), (512 + 512 + 128) * 0.05e-3, 1e-12);
}

TEST(Node, ColumnsForkNorthSouthAndOntoTheRow) {
  Row row("", 2);
  row.open_eastwards();
  row.controls[0]->at(0, {{Group::kBorderNorth, kOut}, {Group::kBorderSouth, 0x00f0}, {Group::kTurn, 0x00ff}});
  row.columns[0]->emit(100, kAllGroups, 50);
  run_until(300);
  EXPECT_THAT(row.north[0]->calls()[0], (PulseLog::Call{100, true, 0, 0xff, 0.125, 0, kNever, {4}}));
  EXPECT_THAT(row.south[0]->calls()[0], (PulseLog::Call{100, true, 0, 0xf0, 0.125, 0, kNever, {4}}));
  EXPECT_THAT(row.rows_sn[0]->calls()[0], (PulseLog::Call{100, true, 0, 0xff, 0.125, 0, kNever, {4}}));
  EXPECT_THAT(row.rows_we[0]->calls()[0], (PulseLog::Call{100, true, 0, 0xff, 0.25, 0, kNever, {4, 5}}));  // own rows
  EXPECT_THAT(row.rows_we[1]->calls()[0], (PulseLog::Call{100, true, 0, 0xff, 0.375, 0, kNever, {4, 5, 11}}));
  EXPECT_THAT(row.east->calls(), testing::SizeIs(2));
  EXPECT_THAT(row.services.violations.kept(), IsEmpty());
}

TEST(Node, RowsTurnOntoColumnWiresAndDoNotComeBack) {
  Row row("", 1);
  row.controls[0]->at(0, {{Group::kBorderWest, kIn}, {Group::kTurn, 0xffff}, {Group::kBorderNorth, kOut}});
  row.west->emit(100, 0x0f, 50);
  run_until(300);
  EXPECT_THAT(row.rows_sn[0]->calls()[0], (PulseLog::Call{100, true, 64, 0x0f, 0.25, 0, kNever, {3, 6}}));
  EXPECT_EQ(row.north[0]->calls().size(), 2U);
  EXPECT_EQ(row.rows_we[0]->calls().size(), 2U);
  EXPECT_THAT(row.services.violations.kept(), IsEmpty());
}

TEST(Node, NothingLeavesByTheEdgeByWhichItCame) {
  Row row("", 2);
  for (const auto& control : row.controls) {
    control->at(0, {{Group::kBorderWest, 0xffff}, {Group::kBorderEast, 0xffff}});
  }
  row.west->emit(100, kAllGroups, 50);
  run_until(300);
  EXPECT_EQ(row.rows_we[0]->calls().size(), 2U);
  EXPECT_EQ(row.east->calls().size(), 2U);
  EXPECT_THAT(row.services.violations.kept(), IsEmpty());
}

TEST(Node, PassThroughSitesAreStraightWires) {
  TestServices services;
  const energy::Place place = services.energy.add_place("mesh", "CW");
  NodeConfig config;
  config.pass_through = true;
  Node node("pe", config, services.services, place);
  PulseSource west("west", 1);
  PulseSource south("south", 2);
  PulseLog east("east");
  PulseLog north("north");
  west.out.bind(node.in(Edge::kWest));
  south.out.bind(node.in(Edge::kSouth));
  node.out(Edge::kEast).bind(east.in);
  node.out(Edge::kNorth).bind(north.in);
  west.emit(100, kAllGroups, 50);
  south.emit(100, kAllGroups, 60);
  run_until(300);
  EXPECT_EQ(east.counted(90, 200)(0, 0), 50);
  EXPECT_EQ(north.counted(90, 200)(0, 0), 60);
  EXPECT_EQ(east.calls().size(), 2U);
  EXPECT_THAT(services.violations.kept(), IsEmpty());
}

TEST(Node, DisjointGroupsOfTwoDriversAreConcatenated) {
  Row row("", 3);
  row.open_eastwards();
  row.controls[0]->at(0, Group::kTurn, 0x000f);
  row.controls[1]->at(0, Group::kTurn, 0x00f0);
  row.columns[0]->emit(100, kAllGroups, 50);
  row.columns[1]->emit(100, kAllGroups, 70);
  run_until(300);
  const duration::Block counted = row.east->counted(90, 200);
  EXPECT_EQ(counted(0, 0), 50);
  EXPECT_EQ(counted(511, 0), 70);
  EXPECT_EQ(row.east->calls().size(), 4U);
  EXPECT_THAT(row.services.violations.kept(), IsEmpty());
}

TEST(Node, ContentionIsReportedOnceAndReceiversJoin) {
  for (const bool swapped : {false, true}) {
    static std::vector<std::unique_ptr<Row>> rows;
    rows.push_back(std::make_unique<Row>(swapped ? "swapped_" : "plain_", 2));
    Row& row = *rows.back();
    row.open_eastwards();
    row.controls[1]->at(0, Group::kTurn, 0x0003);
    row.west->emit(swapped ? 120 : 100, kAllGroups, 50);
    row.columns[1]->emit(swapped ? 100 : 120, kAllGroups, 50);
    if (swapped) {
      run_until(300);
      for (const auto& done : rows) {
        EXPECT_THAT(done->services.violations.kept(),
                    ElementsAre(is_violation(ViolationKind::kContention, "node_1", 120)));
        EXPECT_THAT(done->services.violations.kept()[0].detail,
                    "sources 1 and 64 both drive wire groups 0x03 of the west-east wires");
        EXPECT_EQ(done->east->counted(90, 250)(0, 0), 70);
        EXPECT_EQ(done->east->counted(90, 250)(128, 0), 50);
      }
      rows.clear();
    }
  }
}

TEST(Node, SimultaneousDriversContendOnceForEachOverlap) {
  Row row("", 2);
  row.open_eastwards();
  row.controls[1]->at(0, Group::kTurn, 0x00ff);
  row.west->emit(100, kAllGroups, 50);
  row.columns[1]->emit(100, kAllGroups, 20);
  row.columns[1]->emit(130, kAllGroups, 10);
  run_until(300);
  EXPECT_THAT(row.services.violations.kept(), ElementsAre(is_violation(ViolationKind::kContention, "node_1", 100),
                                                          is_violation(ViolationKind::kContention, "node_1", 130)));
  EXPECT_EQ(row.east->counted(90, 250)(7, 0), 50);
}

TEST(Node, PulsesThatOnlyTouchDoNotContend) {
  Row row("", 2);
  row.open_eastwards();
  row.controls[1]->at(0, Group::kTurn, 0x00ff);
  row.west->emit(100, kAllGroups, 50);
  row.columns[1]->emit(150, kAllGroups, 30);
  row.west->emit(180, kAllGroups, 0.0);  // nothing at all touches as well
  row.west->emit(180, kAllGroups, 20);
  row.columns[1]->emit(200, kAllGroups, 30);
  run_until(300);
  EXPECT_THAT(row.services.violations.kept(), IsEmpty());
  EXPECT_NEAR(row.east->counted(90, 250)(7, 0), 50 + 30 + 20 + 30, 0.3);  // other delays
}

/// Four nodes in a ring: 0 -E-> 1 -N-> 2 -W-> 3 -S-> 0.
TEST(Node, RouteLoopIsReportedAndEnds) {
  TestServices services;
  const energy::Place place = services.energy.add_place("mesh", "NW");
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::unique_ptr<ControlDriver>> controls;
  for (int i = 0; i < 4; ++i) {
    NodeConfig config;
    config.index = static_cast<std::uint32_t>(i);
    nodes.push_back(std::make_unique<Node>(fmt::format("node_{}", i).c_str(), config, services.services, place));
    controls.push_back(std::make_unique<ControlDriver>(fmt::format("lc_{}", i).c_str()));
    nodes.back()->control.bind(controls.back()->lines);
  }
  nodes[0]->out(Edge::kEast).bind(nodes[1]->in(Edge::kWest));
  nodes[1]->out(Edge::kNorth).bind(nodes[2]->in(Edge::kSouth));
  nodes[2]->out(Edge::kWest).bind(nodes[3]->in(Edge::kEast));
  nodes[3]->out(Edge::kSouth).bind(nodes[0]->in(Edge::kNorth));
  PulseSource source("source", 0);
  source.out.bind(nodes[0]->columns());
  PulseLog rows("rows");
  nodes[3]->rows_south_north().bind(rows.in);
  controls[0]->at(0, {{Group::kTurn, 0x00ff}, {Group::kBorderEast, kOut}, {Group::kBorderNorth, 0x0f00}});
  controls[1]->at(0, {{Group::kBorderWest, kIn}, {Group::kTurn, 0xff00}, {Group::kBorderNorth, kOut}});
  controls[2]->at(0, {{Group::kBorderSouth, kIn}, {Group::kTurn, 0x00ff}, {Group::kBorderWest, kOut}});
  controls[3]->at(0, {{Group::kBorderEast, kIn}, {Group::kTurn, 0xff00}, {Group::kBorderSouth, kOut}});
  source.emit(100, kAllGroups, 50);
  run_until(300);
  EXPECT_THAT(services.violations.kept(), ElementsAre(is_violation(ViolationKind::kRouteLoop, "node_0", 100)));
  EXPECT_THAT(services.violations.kept()[0].detail, testing::HasSubstr("0x0f of source 0"));
  EXPECT_EQ(rows.calls().size(), 2U);
}

TEST(Node, GuardThatClosesCutsTheTail) {
  Row row("", 3);
  row.open_eastwards();
  row.controls[1]->set_pc(0x1f);
  row.controls[1]->at(120, Group::kBorderEast, 0x0f);
  row.west->emit(100, kAllGroups, [](int wire, int) { return wire % 2 == 0 ? 50.0 : 10.0; });
  run_until(300);
  EXPECT_THAT(row.services.violations.kept(),
              ElementsAre(is_violation(ViolationKind::kGuardMoved, "node_1", 120, 0x1f)));
  EXPECT_EQ(row.services.violations.kept()[0].detail,
            "bge closed wire groups 0xf0 19.750 ns after the leading edge of source 64 on the west-east wires");
  EXPECT_EQ(row.services.violations.kept()[0].controller, "lc_1");
  const duration::Block here = row.rows_we[1]->counted(90, 250);
  const duration::Block beyond = row.rows_we[2]->counted(90, 250);
  EXPECT_EQ(here(256, 0), 50);
  EXPECT_EQ(beyond(256, 0), 19.75);  // the edge came to the switch at 100.25
  EXPECT_EQ(beyond(257, 0), 10);
  EXPECT_EQ(beyond(0, 0), 50);
  EXPECT_EQ(row.checker->open(), 0U);
}

TEST(Node, GuardThatOpensCutsTheHead) {
  Row row("", 3);
  row.open_eastwards();
  row.controls[1]->at(0, Group::kBorderWest, 0);
  row.controls[1]->at(120, Group::kBorderWest, 0xff00);
  row.west->emit(100, kAllGroups, [](int wire, int) { return wire % 2 == 0 ? 50.0 : 10.0; });
  run_until(300);
  EXPECT_THAT(row.services.violations.kept(), ElementsAre(is_violation(ViolationKind::kGuardMoved, "node_1", 120)));
  const duration::Block beyond = row.east->counted(90, 250);
  EXPECT_EQ(beyond(0, 0), 50 - 19.75);
  EXPECT_EQ(beyond(1, 0), 0);
  EXPECT_EQ(row.rows_we[0]->counted(90, 250)(0, 0), 50);
}

TEST(Node, TurnThatMovesCutsBothWays) {
  Row row("", 1);
  row.controls[0]->at(0, Group::kTurn, 0x000f);
  row.controls[0]->at(120, Group::kTurn, 0x00f0);
  row.columns[0]->emit(100, kAllGroups, 50);
  run_until(300);
  EXPECT_THAT(row.services.violations.kept(), ElementsAre(is_violation(ViolationKind::kGuardMoved, "node_0", 120)));
  const duration::Block rows = row.rows_we[0]->counted(90, 250);
  EXPECT_EQ(rows(0, 0), 19.875);
  EXPECT_EQ(rows(511, 0), 50 - 19.875);
}

TEST(Node, GuardThatClosesAndOpensAgainLeavesAGap) {
  Row row("", 2);
  row.open_eastwards();
  row.controls[0]->at(110, Group::kBorderEast, 0);
  row.controls[0]->at(130, Group::kBorderEast, 0xff);
  row.west->emit(100, kAllGroups, 50);
  run_until(300);
  EXPECT_EQ(row.services.violations.count(ViolationKind::kGuardMoved), 2U);
  EXPECT_EQ(row.east->counted(90, 250)(0, 0), 30);
}

TEST(Node, GuardsThatMoveAtTheEndsOfAPulseDoNotDisturb) {
  Row row("", 2);
  for (const auto& control : row.controls) {
    control->at(100, {{Group::kBorderWest, kIn}, {Group::kBorderEast, kOut}});
    control->at(150, {{Group::kBorderWest, 0}, {Group::kBorderEast, 0}});
  }
  row.west->emit(100, kAllGroups, 50);
  run_until(300);
  EXPECT_THAT(row.services.violations.kept(), IsEmpty());
  EXPECT_EQ(row.east->counted(90, 250)(0, 0), 50);
}

/// A stimulus with everything that happens at one time stamp.
void disturb(Row& row) {
  row.open_eastwards();
  row.controls[2]->at(0, Group::kTurn, 0x00f0);
  row.west->emit(100, kAllGroups, [](int wire, int) { return 0.25 * wire; });
  row.columns[2]->emit(110, kAllGroups, 40);
  // two switches of one way close at the same time; one opens where another closes
  row.controls[0]->at(120, Group::kBorderEast, 0x0f);
  row.controls[1]->at(120, {{Group::kBorderWest, 0x3c00}, {Group::kTurn, 0xff00}});
  row.controls[3]->at(120, Group::kBorderEast, 0x81);
  row.controls[2]->at(130, {{Group::kTurn, 0x000f}, {Group::kBorderEast, 0x7f}});
  row.controls[0]->at(130, Group::kBorderEast, 0xf0);
  row.controls[1]->at(130, Group::kBorderWest, 0xff00);
  row.west->emit(300, kAllGroups, 50);
  row.columns[2]->emit(350, kAllGroups, 50);
  row.controls[3]->at(350, Group::kBorderEast, 0xff);
  row.columns[2]->emit(400, 0x0f, 0.0);
  row.controls[2]->at(400, Group::kTurn, 0x00ff);
}

TEST(Node, ResultsDoNotDependOnTheOrderOfProcesses) {
  Row forwards("f_", 4);
  Row backwards("b_", 4, true);
  disturb(forwards);
  disturb(backwards);
  run_until(600);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE((forwards.rows_we[i]->counted(0, 600) == backwards.rows_we[i]->counted(0, 600)).all()) << i;
    EXPECT_TRUE((forwards.rows_sn[i]->counted(0, 600) == backwards.rows_sn[i]->counted(0, 600)).all()) << i;
  }
  EXPECT_TRUE((forwards.east->counted(0, 600) == backwards.east->counted(0, 600)).all());
  const auto texts = [](const Row& row) {
    std::vector<std::string> list;
    for (const Violation& violation : row.services.violations.kept()) {
      list.push_back(fmt::format("{} {} {} {}", violation.time_ns, static_cast<int>(violation.kind),
                                 violation.place.substr(2), violation.detail));
    }
    return list;
  };
  EXPECT_THAT(texts(forwards), testing::UnorderedElementsAreArray(texts(backwards)));
  EXPECT_GT(forwards.services.violations.count(), 5U);
  EXPECT_DOUBLE_EQ(forwards.services.energy.total_nJ(), backwards.services.energy.total_nJ());
  EXPECT_EQ(forwards.checker->open(), 0U);
}

/// Control lines that call listeners and show their levels, as those of the local controller do. No event is ever
/// notified.
class ListenedLines : public sc_core::sc_module, public controller::ControlLines {
 public:
  explicit ListenedLines(const sc_core::sc_module_name& name) : sc_module(name) {}
  void set(Group group, std::uint16_t level) {
    levels_.at(static_cast<std::size_t>(group)) = level;
    for (controller::LevelListener* listener : listeners_) {
      listener->on_levels(isa::Circuit::kMesh);
    }
  }
  [[nodiscard]] std::uint32_t level(Group group) const override { return levels_.at(static_cast<std::size_t>(group)); }
  [[nodiscard]] const std::uint16_t* levels() const override { return levels_.data(); }
  [[nodiscard]] const sc_core::sc_event& changed(isa::Circuit /*circuit*/) const override { return never_; }
  bool listen(isa::Circuit circuit, controller::LevelListener& listener) override {
    EXPECT_EQ(circuit, isa::Circuit::kMesh);
    listeners_.push_back(&listener);
    return true;
  }
  [[nodiscard]] std::string controller_name() const override { return name(); }
  [[nodiscard]] std::uint32_t pc() const override { return 0x2a; }

 private:
  std::array<std::uint16_t, isa::kGroupCount> levels_{};
  std::vector<controller::LevelListener*> listeners_;
  sc_core::sc_event never_{"never"};
};

/// One node under ListenedLines: pulses come from the west and leave at the east.
struct ListeningNode {
  ListeningNode() {
    node.control.bind(lines);
    west.out.bind(node.in(Edge::kWest));
    node.out(Edge::kEast).bind(east.in);
    node.out(Edge::kNorth).bind(north.in);
    node.out(Edge::kSouth).bind(south.in);
    node.rows_west_east().bind(rows_we.in);
    node.rows_south_north().bind(rows_sn.in);
    columns.out.bind(node.columns());
  }
  TestServices services;
  energy::Place place = services.energy.add_place("mesh", "NW");
  ListenedLines lines{"lc"};
  PulseSource west{"west", 64};
  PulseSource columns{"columns", 0};
  Node node{"node", NodeConfig{}, services.services, place};
  PulseLog east{"east"};
  PulseLog north{"north"};
  PulseLog south{"south"};
  PulseLog rows_we{"rows_we"};
  PulseLog rows_sn{"rows_sn"};
};

TEST(NodeListens, SwitchesThatMoveOnEmptyWiresCostNoDelta) {
  ListeningNode bench;
  bench.west.emit(100, kAllGroups, 50);
  support::simulate([&] {
    support::wait_until_ns(10);
    bench.lines.set(Group::kBorderWest, kIn);
    const auto deltas = sc_core::sc_delta_count();
    support::wait_until_ns(20);
    EXPECT_EQ(sc_core::sc_delta_count(), deltas + 1);  // that of 20 ns
    support::wait_until_ns(100);
    bench.lines.set(Group::kBorderEast, kOut);  // before or behind the source, in the first delta of its time stamp
    support::wait_until_ns(150);
    bench.lines.set(Group::kBorderEast, 0);  // at the end of the pulses
    support::wait_until_ns(200);
  });
  ASSERT_EQ(bench.east.calls().size(), 2U);
  EXPECT_EQ(bench.east.calls()[0].groups, kAllGroups);
  EXPECT_EQ(bench.east.calls()[0].time_ns, 100);
  EXPECT_EQ(bench.east.calls()[1].time_ns, 150);
  EXPECT_THAT(bench.services.violations.kept(), IsEmpty());
}

TEST(NodeListens, SwitchesThatMoveDuringPulsesCutThem) {
  ListeningNode bench;
  bench.west.emit(100, kAllGroups, 50);
  support::simulate([&] {
    support::wait_until_ns(10);
    bench.lines.set(Group::kBorderWest, kIn);
    bench.lines.set(Group::kBorderEast, kOut);
    support::wait_until_ns(120);
    bench.lines.set(Group::kBorderEast, 0x0f);
    support::wait_until_ns(200);
  });
  EXPECT_THAT(bench.services.violations.kept(),
              ElementsAre(is_violation(ViolationKind::kGuardMoved, "node", 120, 0x2a)));
  EXPECT_THAT(bench.rows_we.calls(), testing::SizeIs(2));
  EXPECT_GT(bench.east.calls().size(), 2U);
}

/// Keeps what was declared and set.
struct Recorder : probe::Observer {
  struct Value {
    std::string name;
    double time_ns;
    std::string value;
  };
  std::vector<probe::Signal> signals;
  std::vector<std::string> values;
  bool all = true;
  probe::Id declare(const probe::Signal& signal) override {
    signals.push_back(signal);
    return static_cast<probe::Id>(signals.size() - 1);
  }
  void bits(probe::Id id, std::uint64_t value) override { add(id, fmt::format("{:x}", value)); }
  void real(probe::Id id, double value) override { add(id, fmt::format("{}", value)); }
  void text(probe::Id id, const char* value) override { add(id, value); }
  void pulses(probe::Id id, double lead_ns, const double* durations_ns, std::size_t stride, int wires) override {
    add(id, fmt::format("lead {} first {} last {}", lead_ns, durations_ns[0],
                        durations_ns[static_cast<std::size_t>(wires - 1) * stride]));
  }
  void add(probe::Id id, const std::string& value) {
    values.push_back(fmt::format("{} {}={}", duration::now_ns(), signals[id].name, value));
  }
};

#ifdef CHRONOTILE_TRACING
TEST(Node, ProbesShowGuardsOccupationAndWires) {
  Row row("", 1);
  Recorder recorder;
  row.controls[0]->at(50, {{Group::kBorderWest, kIn}, {Group::kTurn, 0x0300}});
  row.controls[0]->at(120, Group::kTurn, 0);
  row.west->emit(100, kAllGroups, [](int wire, int) { return wire == 0 ? 30.0 : 40.0; });
  support::simulate([&] {
    row.nodes[0]->attach(recorder);
    support::wait_until_ns(200);
  });
  EXPECT_EQ(recorder.signals.size(), 9U);
  EXPECT_EQ(recorder.signals[0].scope, "node_0");
  EXPECT_THAT(recorder.values,
              ElementsAre("0 busy_we=0", "0 busy_sn=0", "0 bgn=0", "0 bge=0", "0 bgs=0", "0 bgw=0", "0 turn=0",
                          "50 bgw=ff00", "50 turn=300", "100 busy_we=ff", "100 busy_sn=3", "120 turn=0",
                          "120 busy_sn=0", "140 wires_sn=lead 100.25 first 19.875 last 0",
                          "140 wires_we=lead 100.125 first 30 last 40", "140 busy_we=0"));
}
#endif

}  // namespace
}  // namespace chronotile::mesh
