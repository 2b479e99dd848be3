// A chip that answers with gains and offsets of its own, and a host that finds them out by sending known vectors.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "firmware/toolchain/assembler.hpp"
#include "platform/config/config.hpp"
#include "platform/host/board_session.hpp"
#include "platform/host/feed_forward_session.hpp"
#include "platform/mapping/feed_forward.hpp"
#include "platform/mapping/matrices.hpp"

namespace chronotile {
namespace {

constexpr std::uint32_t kRows = 130;
constexpr std::uint32_t kColumns = 90;

double weight(std::uint32_t output, std::uint32_t input) { return std::sin(1.0 + output + 0.37 * input) / 20; }

double input(std::size_t item, std::size_t index) {
  return 0.7 * std::sin(0.7 + static_cast<double>(item) + 1.7 * static_cast<double>(index * index));
}

mapping::MatrixNetwork network(const std::string& mode) {
  mapping::Matrix matrix;
  matrix.name = "matrix";
  matrix.mode = mode;
  matrix.rows = kRows;
  matrix.columns = kColumns;
  matrix.column_blocks = {64, kColumns - 64};
  matrix.groups = {{{70}, {}}, {{60}, {}}};  // summed by the host
  matrix.weight = weight;
  return {"a matrix", {matrix}};
}

/// One step: what comes out for x.
class OneStep final : public host::Stream {
 public:
  explicit OneStep(std::size_t item) : item_(item) {}
  [[nodiscard]] bool prepare(std::uint32_t /*chip*/, double /*now_ns*/, double* inputs) override {
    if (end_ns_ > 0) {
      return false;
    }
    for (std::size_t index = 0; index < kRows; ++index) {
      inputs[index] = input(item_, index);
    }
    return true;
  }
  void complete(std::uint32_t /*chip*/, double available_ns, const double* values) override {
    outputs.assign(values, values + kColumns);
    end_ns_ = available_ns;
  }
  [[nodiscard]] double ready_ns(std::uint32_t /*chip*/) const override { return end_ns_ > 0 ? host::kNever_ns : 0; }
  [[nodiscard]] bool finished(std::uint32_t /*chip*/) const override { return end_ns_ > 0; }
  [[nodiscard]] double end_ns() const override { return end_ns_; }
  [[nodiscard]] std::uint64_t digital_operations() const override { return 0; }

  std::vector<double> outputs;

 private:
  std::size_t item_;
  double end_ns_ = 0;
};

using Edit = std::function<std::string(const std::string& name, std::string text)>;

/// What a chip gives over what it should: over all outputs of 40 items, slope and offset of the line through them and
/// the largest and the quadratic mean error.
struct Answer {
  double slope = 0;
  double largest = 0;
  double rms = 0;
};

/// One elaboration.
class Calibration : public testing::Test {
 protected:
  static constexpr std::size_t kItems = 40;

  void configure(const std::string& preset, const std::vector<std::string>& sets) {
    config::Sources sources;
    sources.preset = preset;
    sources.sets = sets;
    configuration = config::load(sources);
  }

  Answer run(const std::string& mode, std::size_t lanes, const Edit& edit = {}) {
    mapping::Plan plan = mapping::map_matrices(network(mode), 1, configuration);
    slots = plan.chips[0].slots_per_step;
    host::Images programs;
    for (const auto& [name, text] : plan.chips[0].assembly) {
      programs[name] = toolchain::assemble_text(edit ? edit(name, text) : text, name).words;
    }
    session = std::make_unique<host::BoardSession>(configuration, std::move(plan), std::vector<host::Images>{programs},
                                                   host::BoardSessionOptions{lanes, 1, host::Order::kPipeline});
    std::vector<std::size_t> numbers(kItems);
    for (std::size_t item = 0; item < kItems; ++item) {
      numbers[item] = item;
    }
    std::vector<double> expected;
    std::vector<double> outputs;
    session->run(
        numbers, [](std::size_t item) { return std::make_unique<OneStep>(item); },
        [&](std::size_t item, std::unique_ptr<host::Stream> stream, const host::ItemResult& result) {
          const auto& step = static_cast<const OneStep&>(*stream);
          for (std::uint32_t output = 0; output < kColumns; ++output) {
            double sum = 0;
            for (std::uint32_t index = 0; index < kRows; ++index) {
              sum += weight(output, index) * input(item, index);
            }
            expected.push_back(sum);
            outputs.push_back(step.outputs[output]);
          }
          EXPECT_DOUBLE_EQ(result.latency_ns, slots * 300.0 + 300.0);
        });
    EXPECT_EQ(session->failure(), "");
    EXPECT_EQ(session->board().violations().count(), 0U);
    EXPECT_EQ(expected.size(), kItems * kColumns);
    return compare(expected, outputs);
  }

  static Answer compare(const std::vector<double>& expected, const std::vector<double>& outputs) {
    Answer answer;
    double xx = 0;
    double xy = 0;
    for (std::size_t k = 0; k < expected.size(); ++k) {
      xx += expected[k] * expected[k];
      xy += expected[k] * outputs[k];
      const double error = outputs[k] - expected[k];
      answer.largest = std::max(answer.largest, std::abs(error));
      answer.rms += error * error / static_cast<double>(expected.size());
    }
    answer.rms = std::sqrt(answer.rms);
    answer.slope = xy / xx;
    return answer;
  }

  [[nodiscard]] const host::CalibrationSummary::Matrix& found() const { return session->calibration().matrices.at(0); }

  config::PlatformConfig configuration;
  std::uint32_t slots = 0;
  std::unique_ptr<host::BoardSession> session;
};

/// Every `.equ NAME, VALUE` in `text` with VALUE changed.
std::string with_codes(const std::string& text, const std::string& name, const std::function<long(long)>& change) {
  const std::regex code("(\\.equ +" + name + ", *)(-?[0-9]+)");
  std::string result;
  auto last = text.cbegin();
  for (std::sregex_iterator match(text.begin(), text.end(), code), end; match != end; ++match) {
    result.append(last, (*match)[2].first);
    result += std::to_string(change(std::stol((*match)[2])));
    last = (*match)[2].second;
  }
  result.append(last, text.cend());
  return result;
}

// The ramp of every tile is less steep by 1/8 and starts higher by 1/5 of its way to zero: a voltage V is reached
// (V + 0.8 s) / 0.875 after the start instead of V + s: slope 1 / 0.875, zero at 128 * 0.8 / 0.875 counts.
TEST_F(Calibration, FindsTheSlopeAndOffsetOfAnotherRamp) {
  configure("quantized", {"host.calibration_steps=256"});
  double slope = 0;
  double start = 0;
  const Answer answer = run("ab", 4, [&](const std::string& /*name*/, const std::string& text) {
    return with_codes(with_codes(text, "SLOPE",
                                 [&](long code) {
                                   const long changed = std::lround(0.875 * static_cast<double>(code));
                                   slope = static_cast<double>(changed) / static_cast<double>(code);
                                   return changed;
                                 }),
                      "START", [&](long code) {
                        const long changed = std::lround(0.8 * static_cast<double>(code));
                        start = static_cast<double>(changed) / static_cast<double>(code);
                        return changed;
                      });
  });
  ASSERT_NEAR(slope, 0.875, 0.01);
  ASSERT_NEAR(start, 0.8, 0.01);
  // Words are rounded: sigma sqrt(1/12) of a count. Expected outputs have a sigma of about 14 counts (weights of 1/20,
  // half of 65 inputs uniform), so a slope from 256 words is known to 0.29 / 14 / 16 = 0.13 %, the mean of 180 columns
  // to a 13th of it.
  const host::CalibrationSummary::Matrix& matrix = found();
  EXPECT_EQ(matrix.columns, 2 * kColumns);
  EXPECT_EQ(matrix.unfitted, 0U);
  EXPECT_NEAR(matrix.slope_mean, 1 / slope, 0.001);
  EXPECT_LT(matrix.slope_sigma, 0.004);
  EXPECT_GT(matrix.slope_sigma, 0.0003);
  EXPECT_NEAR(matrix.offset_mean, 128 * start / slope - 128, 0.1);
  EXPECT_LT(matrix.offset_sigma, 0.1);
  // Two words rounded to a half of a count, inputs rounded to 1/510, calibration errors.
  const double count = slope / 127;
  EXPECT_LT(answer.largest, 2 * 0.5 * count + 130 * 0.05 / 510 + 0.01);
  EXPECT_LT(answer.rms, 2 * 0.35 * count);
  EXPECT_NEAR(answer.slope, 1, 0.003);
  EXPECT_EQ(session->calibration().steps, 256U);
  EXPECT_DOUBLE_EQ(session->calibration().time_ns, 256 * (std::ceil((slots - 1) * 300.0 + 286) + 300));
  EXPECT_EQ(session->chips()[0].lane_steps, kItems);
  EXPECT_EQ(session->chips()[0].steps, kItems / 4);
}

TEST_F(Calibration, IsMissedOnAnotherRamp) {
  configure("quantized", {});
  const Answer answer = run("ab", 4, [&](const std::string& /*name*/, const std::string& text) {
    return with_codes(text, "SLOPE", [](long code) { return std::lround(0.875 * static_cast<double>(code)); });
  });
  EXPECT_FALSE(session->calibration().done);
  EXPECT_GT(answer.rms, 0.1) << "the zero is off by 18 counts, twice";
}

// With asymmetry balance and real numbers, a column answers with (b+ + b-) / 2 times what it should and nothing else.
TEST_F(Calibration, TakesOutEveryColumnsGainExactly) {
  configure("ideal", {"periphery.gain_sigma=0.05", "host.calibration_steps=32"});
  const Answer answer = run("ab", 1);
  EXPECT_LT(answer.largest, 1e-9);
  // Mean of two gains: sigma 0.05 / sqrt(2), from 180 columns known to 5 %.
  EXPECT_NEAR(found().slope_sigma, 0.05 / std::sqrt(2.0), 4 * 0.05 * 0.05 / std::sqrt(2.0));
  EXPECT_NEAR(found().slope_mean, 1, 5 * 0.035 / std::sqrt(180.0));
}

TEST_F(Calibration, IsMissedWithColumnGains) {
  configure("ideal", {"periphery.gain_sigma=0.05"});
  const Answer answer = run("ab", 1);
  EXPECT_GT(answer.rms, 1e-3);
}

TEST_F(Calibration, TakesOutEveryColumnsOffsetExactly) {
  configure("ideal", {"periphery.offset_sigma=0.05", "periphery.comparator_offset_sigma_weight_ns=5",
                      "host.calibration_steps=32"});
  const Answer answer = run("single", 1);
  EXPECT_LT(answer.largest, 1e-9);
  EXPECT_GT(found().offset_sigma, 0.01);
}

// Without asymmetry balance positive and negative weights of a column have gains of their own: a line through random
// inputs takes out the mean of the two, the difference stays.
TEST_F(Calibration, LeavesTheAsymmetryWithoutBalance) {
  configure("ideal", {"periphery.gain_sigma=0.05", "host.calibration_steps=256"});
  const Answer answer = run("single", 16);
  EXPECT_GT(answer.rms, 1e-4);
  EXPECT_NEAR(answer.slope, 1, 0.01);
}

const std::vector<std::string> kDevices{"pcm.enabled=true", "pcm.read_noise=false", "pcm.programming_scale=0",
                                        "periphery.gain_sigma=0.02"};

std::vector<std::string> with_devices(std::vector<std::string> more) {
  more.insert(more.end(), kDevices.begin(), kDevices.end());
  return more;
}

TEST_F(Calibration, OfFreshDevicesIsOffAfterAWeek) {
  configure("ideal", with_devices({"host.calibration_steps=64", "host.calibration_age_s=1", "pcm.age_s=604800"}));
  const Answer answer = run("ab", 4);
  EXPECT_NEAR(found().slope_mean, 1, 0.01) << "measured before the drift";
  EXPECT_LT(answer.slope, 0.7) << "nu of 0.05 and more over four and a half decades";
  EXPECT_GT(answer.slope, 0.3);
}

TEST_F(Calibration, GlobalCompensationTakesTheMeanDriftOut) {
  configure("ideal", with_devices({"host.calibration_steps=64", "host.calibration_age_s=1", "pcm.age_s=604800",
                                   "host.drift_compensation=global"}));
  const Answer answer = run("ab", 4);
  EXPECT_NEAR(answer.slope, 1, 0.02);
  EXPECT_LT(found().drift_factor, 0.7);
  EXPECT_GT(found().drift_factor, 0.3);
  EXPECT_EQ(session->calibration().steps, 64U + 8U);
}

TEST_F(Calibration, AfterAWeekTakesTheMeanDriftOut) {
  configure("ideal", with_devices({"host.calibration_steps=64", "pcm.age_s=604800"}));
  const Answer answer = run("ab", 4);
  EXPECT_NEAR(answer.slope, 1, 0.02);
  EXPECT_LT(found().slope_mean, 0.7);
}

TEST_F(Calibration, DriftCompensationWorksAlone) {
  configure("ideal", with_devices({"host.drift_compensation=global", "pcm.age_s=604800"}));
  const Answer answer = run("ab", 4);
  EXPECT_NEAR(answer.slope, 1, 0.02);
  EXPECT_EQ(found().columns, 2 * kColumns);
}

// Columns without weights have no slope to find: they take their matrix's, and the offset that is measured.
TEST_F(Calibration, LeavesColumnsWithoutSignalToTheirMatrix) {
  configure("quantized", {"host.calibration_steps=64"});
  mapping::MatrixNetwork empty = network("ab");
  empty.matrices[0].weight = [](std::uint32_t output, std::uint32_t index) {
    return output < 8 ? 0.0 : weight(output, index);
  };
  mapping::Plan plan = mapping::map_matrices(empty, 1, configuration);
  host::Images programs;
  for (const auto& [name, text] : plan.chips[0].assembly) {
    programs[name] = toolchain::assemble_text(text, name).words;
  }
  host::BoardSession board(configuration, std::move(plan), {programs}, {2, 1, host::Order::kPipeline});
  std::vector<double> outputs;
  board.run(
      {0}, [](std::size_t item) { return std::make_unique<OneStep>(item); },
      [&](std::size_t, std::unique_ptr<host::Stream> stream, const host::ItemResult&) {
        outputs = static_cast<const OneStep&>(*stream).outputs;
      });
  ASSERT_EQ(board.failure(), "");
  EXPECT_EQ(board.calibration().matrices.at(0).unfitted, 16U) << "eight columns in each of two groups";
  for (std::size_t column = 0; column < 8; ++column) {
    EXPECT_NEAR(outputs.at(column), 0, 1e-12);
  }
}

TEST_F(Calibration, GivesUpWithAStepThatDoesNotEnd) {
  configure("quantized", {"host.calibration_steps=16"});
  mapping::Plan plan = mapping::map_matrices(network("ab"), 1, configuration);
  host::Images programs;
  for (const auto& [name, text] : plan.chips[0].assembly) {
    const bool finisher = name == plan.chips[0].finishers.front();
    programs[name] = toolchain::assemble_text(finisher ? "  halt 0\n" : text, name).words;
  }
  host::BoardSession board(configuration, std::move(plan), {programs}, {2, 1, host::Order::kPipeline});
  std::size_t done = 0;
  board.run(
      {0}, [](std::size_t item) { return std::make_unique<OneStep>(item); },
      [&](std::size_t, std::unique_ptr<host::Stream>, const host::ItemResult&) { ++done; });
  EXPECT_EQ(done, 0U);
  EXPECT_THAT(board.failure(), testing::HasSubstr("did not end"));
}

// The last layer of a chain is read: its columns' gains and offsets can be taken out, those of the layer before cannot.
TEST_F(Calibration, OfAChainCorrectsItsLastLayer) {
  configure("ideal", {"periphery.comparator_offset_sigma_weight_ns=20", "host.calibration_steps=64"});
  Eigen::MatrixXd only(12, 100);
  for (Eigen::Index row = 0; row < only.rows(); ++row) {
    for (Eigen::Index column = 0; column < only.cols(); ++column) {
      only(row, column) = weight(static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(column));
    }
  }
  const mapping::Plan plan = mapping::map_feed_forward({"net", {{"only", only}}}, configuration);
  host::Images programs;
  for (const auto& [name, text] : plan.chips[0].assembly) {
    programs[name] = toolchain::assemble_text(text, name).words;
  }
  host::FeedForwardSession chain(configuration, plan, programs, {3, 1});
  std::vector<double> x(100);
  for (std::size_t index = 0; index < x.size(); ++index) {
    x[index] = 0.5 + 0.5 * input(0, index);
  }
  const auto results = chain.run({x}, [](std::size_t) {});
  ASSERT_EQ(chain.failure(), "");
  const Eigen::VectorXd y = only * Eigen::Map<const Eigen::VectorXd>(x.data(), 100);
  for (Eigen::Index output = 0; output < 12; ++output) {
    EXPECT_NEAR(results.at(0).outputs[static_cast<std::size_t>(output)], y(output), 1e-9);
  }
  EXPECT_EQ(chain.steps(), 1U);
  EXPECT_GT(chain.calibration().matrices.at(0).offset_sigma, 0);
}

}  // namespace
}  // namespace chronotile
