#include "models/duration/receiver.hpp"

#include <gmock/gmock.h>

#include <functional>

namespace chronotile::duration {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Pulses vector_of(SourceId source, double lead_ns, GroupMask groups, const std::function<double(int, int)>& durations,
                 int lanes = 1) {
  Pulses pulses;
  pulses.emission = std::make_shared<Emission>();
  pulses.emission->source = source;
  pulses.emission->groups = groups;
  pulses.emission->lead_ns = lead_ns;
  pulses.emission->durations_ns = Block::Zero(kWires, lanes);
  for (int wire = 0; wire < kWires; ++wire) {
    for (int lane = 0; lane < lanes; ++lane) {
      if (((groups >> (wire / kWiresPerGroup)) & 1U) != 0) {
        pulses.emission->durations_ns(wire, lane) = durations(wire, lane);
      }
    }
  }
  pulses.emission->longest_ns = pulses.emission->durations_ns.maxCoeff();
  pulses.groups = groups;
  return pulses;
}

Pulses vector_of(SourceId source, double lead_ns, GroupMask groups, double duration_ns) {
  return vector_of(source, lead_ns, groups, [=](int, int) { return duration_ns; });
}

void add(Arrivals& arrivals, Pulses pulses) {
  arrivals.begin(pulses);
  pulses.emission->final = true;
  arrivals.end(pulses);
}

struct Result {
  Block sum;
  Coverage coverage;
};

Result count(const Arrivals& arrivals, const std::vector<Window>& windows, int lanes = 1) {
  Result result{Block::Zero(kWires, lanes), {}};
  result.coverage = overlap(arrivals.entries(), windows.data(), windows.size(), nullptr, sum_into(result.sum));
  return result;
}

TEST(Arrivals, WindowThatCoversAVectorCountsItsDurationsExactly) {
  Arrivals arrivals;
  Pulses pulses = vector_of(1, 123456789.0, kAllGroups, [](int wire, int) { return wire * 0.37; });
  pulses.delay_ns = 0.3;
  add(arrivals, pulses);
  const Result result = count(arrivals, {{123456780.0, 123457100.0}});
  EXPECT_TRUE((result.sum == pulses.emission->durations_ns).all());
  EXPECT_EQ(result.coverage.heard, kAllGroups);
  EXPECT_EQ(result.coverage.partial, 0);
  EXPECT_EQ(result.coverage.missed_ns, 0);
  EXPECT_NEAR(result.coverage.lead_in_ns, 9.3, 1e-9);
}

TEST(Arrivals, WindowEdgesCutPulses) {
  Arrivals arrivals;
  add(arrivals, vector_of(1, 100, kAllGroups, [](int wire, int) { return wire < 64 ? 30.0 : 80.0; }));
  const Result late = count(arrivals, {{120, 300}});
  EXPECT_EQ(late.sum(0, 0), 10);
  EXPECT_EQ(late.sum(64, 0), 60);
  EXPECT_EQ(late.coverage.partial, kAllGroups);
  EXPECT_EQ(late.coverage.missed_ns, 20);
  EXPECT_EQ(late.coverage.lead_in_ns, -20);
  const Result short_window = count(arrivals, {{100, 140}});
  EXPECT_EQ(short_window.sum(0, 0), 30);
  EXPECT_EQ(short_window.sum(64, 0), 40);
  EXPECT_EQ(short_window.coverage.partial, 0xfe);
  EXPECT_EQ(short_window.coverage.missed_ns, 40);
  EXPECT_EQ(short_window.coverage.lead_in_ns, 0);
}

TEST(Arrivals, IntervalsAreHalfOpen) {
  Arrivals arrivals;
  add(arrivals, vector_of(1, 100, kAllGroups, 50));
  for (const Window& window : {Window{50, 100}, Window{150, 200}}) {
    const Result result = count(arrivals, {window});
    EXPECT_EQ(result.coverage.heard, 0);
    EXPECT_EQ(result.coverage.partial, 0);
    EXPECT_TRUE((result.sum == 0).all());
    EXPECT_EQ(result.coverage.lead_in_ns, -kInfinity);
  }
}

TEST(Arrivals, VectorWithoutPulsesIsHeard) {
  Arrivals arrivals;
  add(arrivals, vector_of(1, 100, 0x0f, 0.0));
  EXPECT_EQ(count(arrivals, {{90, 110}}).coverage.heard, 0x0f);
  EXPECT_EQ(count(arrivals, {{100, 110}}).coverage.heard, 0x0f);
  EXPECT_EQ(count(arrivals, {{101, 110}}).coverage.heard, 0);
  EXPECT_EQ(count(arrivals, {{90, 100}}).coverage.heard, 0);
}

TEST(Arrivals, AdjacentWindowsWithWeightsCoverAPulseTogether) {
  Arrivals arrivals;
  add(arrivals, vector_of(1, 100, kAllGroups, 50));
  const Result result = count(arrivals, {{100, 120, kAllGroups, 1.0}, {120, 200, kAllGroups, -1.0}});
  EXPECT_EQ(result.sum(7, 0), 20 - 30);
  EXPECT_EQ(result.coverage.partial, 0);
}

TEST(Arrivals, WindowsListenToTheirGroupsOnly) {
  Arrivals arrivals;
  add(arrivals, vector_of(1, 100, kAllGroups, 50));
  const Result result = count(arrivals, {{100, 200, 0x01}, {110, 200, 0x02}});
  EXPECT_EQ(result.sum(0, 0), 50);
  EXPECT_EQ(result.sum(64, 0), 40);
  EXPECT_EQ(result.sum(128, 0), 0);
  EXPECT_EQ(result.coverage.heard, 0x03);
  EXPECT_EQ(result.coverage.partial, 0x02);
}

TEST(Arrivals, DisjointGroupsStandSideBySide) {
  Arrivals arrivals;
  add(arrivals, vector_of(1, 100, 0x0f, 50));
  add(arrivals, vector_of(2, 103, 0xf0, 70));
  const Result result = count(arrivals, {{95, 200}});
  EXPECT_EQ(result.sum(255, 0), 50);
  EXPECT_EQ(result.sum(256, 0), 70);
  EXPECT_EQ(result.coverage.heard, kAllGroups);
  EXPECT_EQ(result.coverage.lead_in_ns, 5);
}

TEST(Arrivals, PulsesThatMeetAreJoinedWhateverTheOrder) {
  for (const bool swapped : {false, true}) {
    Arrivals arrivals;
    const Pulses a = vector_of(1, 100, kAllGroups, 50);
    const Pulses b = vector_of(2, 130, 0x01, 60);  // [130, 190) and [100, 150): 90 ns
    add(arrivals, swapped ? b : a);
    add(arrivals, swapped ? a : b);
    const Result result = count(arrivals, {{90, 300}});
    EXPECT_EQ(result.sum(0, 0), 90);
    EXPECT_EQ(result.sum(64, 0), 50);
    const Result cut = count(arrivals, {{140, 160}});
    EXPECT_EQ(cut.sum(0, 0), 20);
    EXPECT_EQ(cut.coverage.missed_ns, 70);
  }
}

TEST(Arrivals, LongerOfTwoEqualLeadsWins) {
  Arrivals arrivals;
  add(arrivals, vector_of(1, 100, kAllGroups, [](int wire, int) { return wire % 2 == 0 ? 10.0 : 90.0; }));
  add(arrivals, vector_of(2, 100, kAllGroups, [](int, int) { return 40.0; }));
  const Result result = count(arrivals, {{100, 300}});
  EXPECT_EQ(result.sum(0, 0), 40);
  EXPECT_EQ(result.sum(1, 0), 90);
}

TEST(Arrivals, BackToBackPulsesAddUp) {
  Arrivals arrivals;
  add(arrivals, vector_of(1, 100, kAllGroups, 50));
  add(arrivals, vector_of(2, 150, kAllGroups, 30));
  EXPECT_EQ(count(arrivals, {{100, 300}}).sum(3, 0), 80);
  EXPECT_EQ(count(arrivals, {{100, 150}}).sum(3, 0), 50);
  EXPECT_EQ(count(arrivals, {{150, 300}}).sum(3, 0), 30);
}

TEST(Arrivals, CutsOfSwitchesApply) {
  Arrivals arrivals;
  Pulses head = vector_of(1, 100, kAllGroups, 50);
  head.head_cut_ns = 20;
  add(arrivals, head);
  Pulses tail = vector_of(2, 200, kAllGroups, 50);
  arrivals.begin(tail);
  tail.tail_cut_ns = 15;
  arrivals.end(tail);
  tail.emission->final = true;
  EXPECT_EQ(count(arrivals, {{90, 190}}).sum(0, 0), 30);
  EXPECT_EQ(count(arrivals, {{190, 290}}).sum(0, 0), 15);
}

TEST(Arrivals, HalvesOfASplitBranchAddUpExactly) {
  Arrivals arrivals;
  const Pulses whole = vector_of(1, 1000, kAllGroups, [](int wire, int) { return 0.3 * wire; });
  Pulses first = whole;
  arrivals.begin(first);
  first.tail_cut_ns = 40;
  arrivals.end(first);
  Pulses second = whole;
  second.head_cut_ns = 40;
  arrivals.begin(second);
  whole.emission->final = true;
  arrivals.end(second);
  const Result result = count(arrivals, {{1000, 1300}});
  EXPECT_LT((result.sum - whole.emission->durations_ns).abs().maxCoeff(), 1e-12);
  EXPECT_EQ(result.coverage.partial, 0);
}

TEST(Arrivals, LanesAreIndependent) {
  Arrivals arrivals;
  add(arrivals, vector_of(
                    1, 100, kAllGroups, [](int wire, int lane) { return wire + 1000.0 * lane; }, 3));
  const Result result = count(arrivals, {{100, 1300}}, 3);
  EXPECT_EQ(result.sum(5, 0), 5);
  EXPECT_EQ(result.sum(5, 1), 1005);
  EXPECT_EQ(result.sum(5, 2), 1200);
  EXPECT_EQ(result.coverage.missed_ns, 2511 - 1200);
}

/// Adds 3 ns to each pulse; counts how often durations were worked out before they were added.
class Lengthening : public Reception {
 public:
  [[nodiscard]] double bound_ns() const override { return 3; }
  void receive(const Pulses& pulses, Block& durations_ns) const override {
    ++received;
    durations_ns = pulses.emission->durations_ns;
    durations_ns = (durations_ns > 0).select(durations_ns + 3, durations_ns);
  }
  void add(const Pulses& pulses, GroupMask groups, double weight, const Sum<double>& sum) const override {
    add_to(pulses, groups, weight, sum);
  }
  void add(const Pulses& pulses, GroupMask groups, double weight, const Sum<float>& sum) const override {
    add_to(pulses, groups, weight, sum);
  }
  mutable int received = 0;

 private:
  template <typename Real>
  void add_to(const Pulses& pulses, GroupMask groups, double weight, const Sum<Real>& sum) const {
    Block durations_ns;
    receive(pulses, durations_ns);
    --received;
    for_each_run(groups, [&](int first, int last) {
      const auto begin = static_cast<Eigen::Index>(static_cast<std::size_t>(first) * sum.lanes);
      const auto end = static_cast<Eigen::Index>(static_cast<std::size_t>(last) * sum.lanes);
      for (Eigen::Index k = begin; k < end; ++k) {
        sum.values[k] += static_cast<Real>(weight * durations_ns.data()[k]);
      }
    });
  }
};

TEST(Arrivals, ReceptionMayLengthenAPulse) {
  Arrivals arrivals;
  add(arrivals, vector_of(1, 100, kAllGroups, 50));
  Block sum = Block::Zero(kWires, 1);
  const Lengthening reception;
  const Coverage coverage = overlap(arrivals.entries(), Window{100, 152}, &reception, sum);
  EXPECT_EQ(sum(0, 0), 52);
  EXPECT_EQ(coverage.missed_ns, 1);
  Block tail = Block::Zero(kWires, 1);
  EXPECT_EQ(overlap(arrivals.entries(), Window{151, 200}, &reception, tail).heard, kAllGroups);
  EXPECT_EQ(tail(0, 0), 2);
}

TEST(Emission, ACutLeavesCountsWhereItIsAWholeNumberOfThem) {
  Emission emission;
  emission.counts.assign(kWires, 40);
  emission.counts[70] = 200;
  EXPECT_EQ(emission.longest(), 200);
  EXPECT_EQ(emission.durations()(70, 0), 200);
  EXPECT_EQ(emission.cut(0, 50), 40) << "nothing to cut";
  EXPECT_EQ(emission.cut(1, 50), 200);
  EXPECT_EQ(emission.counts.size(), static_cast<std::size_t>(kWires));
  EXPECT_EQ(emission.longest(), 50);
  EXPECT_EQ(emission.durations()(70, 0), 50);
  EXPECT_EQ(emission.cut(0, 30.5), 40);
  EXPECT_TRUE(emission.counts.empty());
  EXPECT_EQ(emission.durations()(0, 0), 30.5);
  EXPECT_EQ(emission.longest(), 50);
  EXPECT_EQ(emission.cut(1, 45.25), 50);
  EXPECT_EQ(emission.longest(), 45.25);
}

// The second branch begins where the first has ended in lane 0, but not in lane 1.
TEST(Arrivals, MagnitudesHaveOneOrderWhetherBranchesMeetInOtherLanesOrNot) {
  const auto first = [](int wire, int lane) { return 20.0 + 0.001 * wire + 0.37 + 10.0 * lane; };
  const auto second = [](int wire, int /*lane*/) { return 30.0 - 0.0017 * wire; };
  std::vector<float> sums[2];
  for (const int lanes : {1, 2}) {
    Arrivals arrivals;
    add(arrivals, vector_of(1, 100, kAllGroups, first, lanes));
    add(arrivals, vector_of(2, 125, kAllGroups, second, lanes));
    const std::vector<Window> windows{{95, 130, kAllGroups, 1}, {130, 200, kAllGroups, -1}};
    const auto count = static_cast<std::size_t>(lanes);
    std::vector<float> sum(kWires * count, 0.0F);
    std::vector<float> magnitudes(magnitude_size(count), 0.0F);
    (void)overlap<float>(arrivals.entries(), windows.data(), windows.size(), nullptr,
                         {sum.data(), count, magnitudes.data()});
    for (std::size_t k = 0; k < magnitudes.size(); k += count) {
      sums[lanes - 1].push_back(magnitudes[k]);
    }
    for (std::size_t k = 0; k < sum.size(); k += count) {
      sums[lanes - 1].push_back(sum[k]);
    }
  }
  EXPECT_GT(sums[0].front(), 0);
  EXPECT_EQ(sums[0], sums[1]);
}

TEST(Arrivals, CoverageIsKnownByBoundsOnlyWhereTheyLeaveNoDoubt) {
  Arrivals arrivals;
  add(arrivals, vector_of(1, 100, 0x0f, 50));
  add(arrivals, vector_of(2, 100, 0xf0, 20));
  const Lengthening reception;
  const auto known = [&](const Window& window) { return coverage_by_bounds(arrivals.entries(), window, &reception); };
  const std::optional<Coverage> sure = known({95, 153, kAllGroups, 1});
  ASSERT_TRUE(sure);
  Block sum = Block::Zero(kWires, 1);
  const Coverage looked = overlap(arrivals.entries(), Window{95, 153}, &reception, sum);
  EXPECT_EQ(sure->heard, looked.heard);
  EXPECT_EQ(sure->partial, 0);
  EXPECT_EQ(sure->lead_in_ns, looked.lead_in_ns);
  EXPECT_FALSE(known({95, 152, kAllGroups, 1})) << "the window may close too early";
  EXPECT_TRUE(known({95, 152, 0xf0, 1}));
  EXPECT_FALSE(known({101, 153, 0xf0, 1})) << "the window opens too late";
  EXPECT_EQ(known({200, 300, kAllGroups, 1})->heard, 0);
  add(arrivals, vector_of(3, 110, 0x01, 5));
  EXPECT_FALSE(known({95, 153, kAllGroups, 1})) << "two on a wire";
  EXPECT_EQ(reception.received, 0) << "nobody asked for the durations";
}

TEST(Arrivals, ReceivedDurationsAreWorkedOutFirstOnlyWhereTheBoundLeavesADoubt) {
  Arrivals arrivals;
  add(arrivals, vector_of(1, 100, kAllGroups, [](int wire, int) { return wire < 64 ? 50.0 : 20.0; }));
  add(arrivals, vector_of(2, 400, kAllGroups, 40));
  const Lengthening reception;
  const std::vector<Window> sure{{95, 153, kAllGroups, 1}, {395, 443, 0x0f, -1}, {395, 450, 0xf0, 2}};
  Block sum = Block::Zero(kWires, 1);
  const Coverage coverage = overlap(arrivals.entries(), sure.data(), sure.size(), &reception, sum_into(sum));
  EXPECT_EQ(reception.received, 0);
  EXPECT_EQ(coverage.heard, kAllGroups);
  EXPECT_EQ(coverage.partial, 0);
  EXPECT_EQ(sum(0, 0), 53 - 43);
  EXPECT_EQ(sum(64, 0), 23 - 43);
  EXPECT_EQ(sum(511, 0), 23 + 2 * 43);
  const std::vector<Window> doubtful{{95, 152, kAllGroups, 1}, {395, 443, 0x0f, -1}, {395, 450, 0xf0, 2}};
  Block other = Block::Zero(kWires, 1);
  EXPECT_EQ(overlap(arrivals.entries(), doubtful.data(), doubtful.size(), &reception, sum_into(other)).partial, 0x01);
  EXPECT_EQ(reception.received, 1);
  EXPECT_EQ(other(0, 0), 52 - 43);
  EXPECT_TRUE((other.bottomRows(448) == sum.bottomRows(448)).all());
}

TEST(Arrivals, ForgetsWhatHasEnded) {
  Arrivals arrivals;
  add(arrivals, vector_of(1, 100, kAllGroups, 50));
  arrivals.begin(vector_of(2, 100, kAllGroups, 50));
  arrivals.forget(149);
  EXPECT_EQ(arrivals.entries().size(), 2U);
  arrivals.forget(150);
  ASSERT_EQ(arrivals.entries().size(), 1U);
  EXPECT_EQ(arrivals.entries()[0].pulses.emission->source, 2U);
}

TEST(Arrivals, MistakesOfAModelAreThrown) {
  Arrivals arrivals;
  const Pulses pulses = vector_of(1, 100, kAllGroups, 50);
  EXPECT_THROW(arrivals.end(pulses), std::logic_error);
  arrivals.begin(pulses);
  Block sum = Block::Zero(kWires, 1);
  EXPECT_THROW(overlap(arrivals.entries(), Window{100, 200}, {}, sum), std::logic_error);
  EXPECT_NO_THROW(overlap(arrivals.entries(), Window{50, 100}, {}, sum));
}

TEST(Arrivals, APulseThatLastsIsKnownUpToNow) {
  Arrivals arrivals;
  arrivals.begin(vector_of(1, 100, kAllGroups, 50));
  Block sum = Block::Zero(kWires, 1);
  const Window window{90, 130};
  EXPECT_THROW(overlap(arrivals.entries(), &window, 1, nullptr, sum_into(sum), 129), std::logic_error);
  overlap(arrivals.entries(), &window, 1, nullptr, sum_into(sum), 130);
  EXPECT_EQ(sum(0, 0), 30);
}

TEST(Arrivals, PulsesThatMeetInOneLaneLeaveTheBitsOfTheOthers) {
  const auto first = [](int wire, int lane) { return lane == 0 ? 12.3 + wire / 7.0 : 300.0; };
  const auto second = [](int wire, int lane) { return 20.1 + wire / 11.0 + lane; };
  const std::vector<Window> windows{{95.7, 190.3}, {190.3, 203.9}, {210.1, 400}};
  const auto counted = [&](bool both_lanes, bool keep_first) {
    Arrivals arrivals;
    Pulses pulses = vector_of(1, 100.1, kAllGroups, first, both_lanes ? 2 : 1);
    pulses.delay_ns = 0.05;
    if (keep_first) {
      add(arrivals, pulses);
    }
    add(arrivals, vector_of(2, 190.7, kAllGroups, second, both_lanes ? 2 : 1));
    return count(arrivals, windows, both_lanes ? 2 : 1).sum;
  };
  EXPECT_TRUE((counted(true, true).col(0) == counted(false, true).col(0)).all());

  // one that ended before the windows leaves no trace, even if another one met it
  const std::vector<Window> late{{205.3, 207.9}, {208.1, 400}};
  Arrivals with;
  Arrivals without;
  add(with, vector_of(1, 100.1, kAllGroups, 95.0));
  for (Arrivals* arrivals : {&with, &without}) {
    add(*arrivals, vector_of(2, 190.7, kAllGroups, [&](int wire, int) { return second(wire, 0); }));
  }
  EXPECT_TRUE((count(with, late).sum == count(without, late).sum).all());
}

}  // namespace
}  // namespace chronotile::duration
