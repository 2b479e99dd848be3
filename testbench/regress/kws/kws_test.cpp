// The whole keyword chip, from recordings to scores: against the network in double precision, in time, bit for bit.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "platform/cli/firmware_source.hpp"
#include "platform/cli/kws_run.hpp"
#include "platform/config/config.hpp"
#include "platform/host/feed_forward_session.hpp"
#include "platform/mapping/feed_forward.hpp"
#include "testbench/support/vcd_reader.hpp"
#include "traces/attach.hpp"
#include "traces/vcd_writer.hpp"
#include "workloads/kws/scoring.hpp"
#include "workloads/manifest/manifest.hpp"

namespace chronotile {
namespace {

using testing::DoubleEq;
using testing::Each;
using testing::Field;

/// One elaboration: a chip with the shipped network and every n-th shipped recording.
class KeywordChip : public testing::Test {
 protected:
  void load(const config::Sources& sources, const host::SessionOptions& options, std::size_t every = 12) {
    configuration = config::load(sources);
    const auto data = cli::default_kws_weights().parent_path().parent_path() / "data/test.tsv";
    const auto entries = manifest::read_tsv(data);
    std::vector<cli::KwsItem> items;
    for (std::size_t index = 0; index < entries.size(); index += every) {
      items.push_back({entries[index].file, entries[index].label});
    }
    inputs = cli::read_kws_inputs(model, items, [](std::size_t) {}).inputs;
    plan = mapping::map_feed_forward(cli::kws_network(model), configuration);
    const auto images = cli::assemble_plan(plan.chips.front(), configuration.controller.sram_words);
    session = std::make_unique<host::FeedForwardSession>(configuration, plan, images, options);
  }
  std::vector<host::StepResult> run() {
    return session->run(inputs, [](std::size_t) {});
  }

  /// Every score is that of the network in double precision, to 1e-5 relative.
  void expect_reference_scores(const std::vector<host::StepResult>& results) const {
    ASSERT_EQ(results.size(), inputs.size());
    for (std::size_t item = 0; item < results.size(); ++item) {
      const auto expected = model.reference_scores(inputs[item]);
      ASSERT_EQ(results[item].outputs.size(), expected.size());
      for (std::size_t index = 0; index < expected.size(); ++index) {
        EXPECT_NEAR(results[item].outputs[index], expected[index], 1e-5 * std::abs(expected[index]) + 1e-12)
            << "recording " << item << ", score " << index;
      }
    }
  }

  static config::Sources preset(const std::string& name) {
    config::Sources sources;
    sources.preset = name;
    return sources;
  }

  kws::Model model = kws::Model::load(cli::default_kws_weights());
  config::PlatformConfig configuration;
  std::vector<std::vector<double>> inputs;
  mapping::Plan plan;
  std::unique_ptr<host::FeedForwardSession> session;
};

TEST_F(KeywordChip, IdealScoresEqualTheReferenceNetwork) {
  load(preset("ideal"), {4, 1}, 1);
  const auto results = run();
  expect_reference_scores(results);
  EXPECT_EQ(session->violations().count(), 0U);
}

TEST_F(KeywordChip, QuantizedScoresStayWithinTheirCounts) {
  load(preset("quantized"), {});
  const auto results = run();
  for (std::size_t item = 0; item < results.size(); ++item) {
    const auto expected = model.reference_scores(inputs[item]);
    for (std::size_t index = 0; index < expected.size(); ++index) {
      // half a count at the output, and inputs rounded to 1/255
      EXPECT_NEAR(results[item].outputs[index], expected[index], 0.06) << "recording " << item << ", score " << index;
    }
  }
  EXPECT_EQ(session->violations().count(), 0U);
}

TEST_F(KeywordChip, TakesSevenSlotsAndAStepShowsInTheVcd) {
  load(preset("quantized"), {});
  const auto path = std::filesystem::path(testing::TempDir()) / "chronotile_kws_latency.vcd";
  traces::VcdConfig config;
  config.path = path;
  traces::VcdWriter vcd(config);
  traces::attach_all(vcd);
  const auto results = run();
  vcd.close();
  EXPECT_EQ(session->slots_per_step(), 7U);
  EXPECT_THAT(results, Each(Field(&host::StepResult::latency_ns, DoubleEq(2086.0))));

  const support::VcdReader reader(path);
  const auto& trigger = reader.changes("chip0.clock.trigger");
  const auto& interrupt = reader.changes("chip0.control.irq");
  std::vector<double> latencies_ns;
  for (std::size_t index = 0; index < trigger.size(); ++index) {
    if (trigger[index].value != "1") {
      continue;
    }
    const auto answer = std::find_if(interrupt.begin(), interrupt.end(), [&](const auto& change) {
      return change.time_ps > trigger[index].time_ps && change.value != "0";
    });
    ASSERT_NE(answer, interrupt.end());
    latencies_ns.push_back(static_cast<double>(answer->time_ps - trigger[index].time_ps) * 1e-3);
  }
  EXPECT_EQ(latencies_ns.size(), results.size());
  EXPECT_THAT(latencies_ns, Each(DoubleEq(2086.0)));
  std::filesystem::remove(path);
}

TEST_F(KeywordChip, OtherWeightModesComputeTheSameNetwork) {
  config::Sources sources = preset("ideal");
  sources.sets = {"mapping.weight_mode=wp1wp2"};
  load(sources, {});
  const auto results = run();
  EXPECT_EQ(session->violations().count(), 0U);
  EXPECT_EQ(session->slots_per_step(), 5U);
  expect_reference_scores(results);
}

TEST_F(KeywordChip, FourPcmWeightsComputeTheSameNetwork) {
  config::Sources sources = preset("ideal");
  sources.sets = {"mapping.weight_mode=quad"};
  load(sources, {});
  const auto results = run();
  EXPECT_EQ(session->violations().count(), 0U);
  EXPECT_EQ(session->slots_per_step(), 4U);
  expect_reference_scores(results);
}

}  // namespace
}  // namespace chronotile
