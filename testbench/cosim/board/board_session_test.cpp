// Two chips and their host: a recurrent matrix on the first, one on the second that takes what the first gives. Numbers
// against the formula, times in whole periods, both orders alike.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <vector>

#include "firmware/toolchain/assembler.hpp"
#include "platform/config/config.hpp"
#include "platform/host/board_session.hpp"
#include "platform/mapping/matrices.hpp"

namespace chronotile {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

constexpr std::uint32_t kInputs = 70;
constexpr std::uint32_t kState = 30;
constexpr std::uint32_t kOutputs = 90;

double first_weight(std::uint32_t output, std::uint32_t input) { return std::sin(1.0 + output + 0.37 * input) / 40; }
double second_weight(std::uint32_t output, std::uint32_t input) { return std::cos(2.0 + 0.7 * output * input) / 20; }

mapping::MatrixNetwork network() {
  mapping::Matrix first;
  first.name = "first";
  first.chip = 0;
  first.mode = "ab";
  first.rows = kInputs + kState;
  first.columns = kState;
  first.column_blocks = {kState};
  first.groups = {{{kInputs}, {}}, {{kState}, {}}};  // summed by the host
  first.weight = first_weight;
  mapping::Matrix second;
  second.name = "second";
  second.chip = 1;
  second.mode = "wp1wp2";
  second.rows = kState;
  second.columns = kOutputs;
  second.column_blocks = {64, kOutputs - 64};
  second.groups = {{{kState}, {}}};
  second.weight = second_weight;
  return {"two matrices", {first, second}};
}

/// h = W [x_t; h], then y_t = V h, for a few frames.
class Recurrence final : public host::Stream {
 public:
  Recurrence(const host::MatrixPorts& ports, std::size_t frames, double phase)
      : first_(ports.at("first")), second_(ports.at("second")), frames_(frames), phase_(phase) {}

  [[nodiscard]] double x(std::size_t frame, std::size_t input) const {
    return std::sin(phase_ + 0.3 * static_cast<double>(frame) + static_cast<double>(input));
  }

  [[nodiscard]] bool prepare(std::uint32_t chip, double now_ns, double* inputs) override {
    prepared_ns[chip].push_back(now_ns);
    if (!(ready_ns(chip) <= now_ns)) {
      return false;
    }
    if (chip == 0) {
      for (std::size_t input = 0; input < kInputs; ++input) {
        inputs[first_.first_input + input] = x(states.size(), input);
      }
      for (std::size_t unit = 0; !states.empty() && unit < kState; ++unit) {
        inputs[first_.first_input + kInputs + unit] = states.back()[unit];
      }
    } else {
      const std::vector<double>& state = states[outputs.size()];
      std::copy(state.begin(), state.end(), inputs + second_.first_input);
    }
    steps_ns[chip].push_back(now_ns);
    return true;
  }
  void complete(std::uint32_t chip, double available_ns, const double* values) override {
    const host::MatrixPort& port = chip == 0 ? first_ : second_;
    std::vector<double> copy(values + port.first_output, values + port.first_output + port.outputs);
    (chip == 0 ? states : outputs).push_back(std::move(copy));
    available_[chip].push_back(available_ns);
  }
  [[nodiscard]] double ready_ns(std::uint32_t chip) const override {
    if (finished(chip)) {
      return host::kNever_ns;
    }
    if (chip == 0) {
      return available_[0].empty() ? 0 : available_[0].back();
    }
    if (outputs.size() >= states.size()) {
      return host::kNever_ns;
    }
    const double mine = available_[1].empty() ? 0 : available_[1].back();
    return std::max(mine, available_[0][outputs.size()]);
  }
  [[nodiscard]] bool finished(std::uint32_t chip) const override {
    return (chip == 0 ? states : outputs).size() == frames_;
  }
  [[nodiscard]] double end_ns() const override { return available_[1].back(); }
  [[nodiscard]] std::uint64_t digital_operations() const override { return 0; }

  std::vector<std::vector<double>> states;
  std::vector<std::vector<double>> outputs;
  std::map<std::uint32_t, std::vector<double>> steps_ns;
  std::map<std::uint32_t, std::vector<double>> prepared_ns;

 private:
  host::MatrixPort first_;
  host::MatrixPort second_;
  std::size_t frames_;
  double phase_;
  std::vector<double> available_[2];
};

/// One elaboration.
class TwoChips : public testing::Test {
 protected:
  void load(const std::string& preset, const host::BoardSessionOptions& options,
            const std::map<std::string, std::string>& edits = {}) {
    config::Sources sources;
    sources.preset = preset;
    configuration = config::load(sources);
    mapping::Plan plan = mapping::map_matrices(network(), 2, configuration);
    ports = host::ports_of(plan);
    slots = {plan.chips[0].slots_per_step, plan.chips[1].slots_per_step};
    std::vector<host::Images> images;
    for (mapping::ChipPlan& chip : plan.chips) {
      host::Images& programs = images.emplace_back();
      for (const auto& [name, text] : chip.assembly) {
        const auto edit = edits.find(name);
        programs[name] = toolchain::assemble_text(edit == edits.end() ? text : edit->second, name).words;
      }
    }
    session = std::make_unique<host::BoardSession>(configuration, std::move(plan), std::move(images), options);
  }

  void run(const std::vector<std::size_t>& frames) {
    std::vector<std::size_t> numbers(frames.size());
    for (std::size_t item = 0; item < frames.size(); ++item) {
      numbers[item] = item;
    }
    session->run(
        numbers,
        [&](std::size_t item) { return std::make_unique<Recurrence>(ports, frames[item], static_cast<double>(item)); },
        [&](std::size_t item, std::unique_ptr<host::Stream> stream, const host::ItemResult& result) {
          streams[item].reset(static_cast<Recurrence*>(stream.release()));
          results[item] = result;
        });
    EXPECT_EQ(session->failure(), "");
    EXPECT_EQ(session->board().violations().count(), 0U);
    EXPECT_EQ(streams.size(), frames.size());
  }

  /// States and outputs are those of the formula.
  void expect_formula(double tolerance) {
    for (const auto& [item, stream] : streams) {
      std::vector<double> state(kState, 0.0);
      for (std::size_t frame = 0; frame < stream->outputs.size(); ++frame) {
        std::vector<double> next(kState);
        for (std::uint32_t unit = 0; unit < kState; ++unit) {
          for (std::uint32_t input = 0; input < kInputs; ++input) {
            next[unit] += first_weight(unit, input) * stream->x(frame, input);
          }
          for (std::uint32_t other = 0; other < kState; ++other) {
            next[unit] += first_weight(unit, kInputs + other) * state[other];
          }
        }
        state = next;
        std::vector<double> output(kOutputs);
        for (std::uint32_t index = 0; index < kOutputs; ++index) {
          for (std::uint32_t unit = 0; unit < kState; ++unit) {
            output[index] += second_weight(index, unit) * state[unit];
          }
        }
        EXPECT_THAT(stream->states[frame], Pointwise(DoubleNear(tolerance), state)) << item << " " << frame;
        EXPECT_THAT(stream->outputs[frame], Pointwise(DoubleNear(tolerance), output)) << item << " " << frame;
      }
    }
  }

  /// Frame t begins at period t of the first chip, and on the second as soon as that chip's grid allows.
  void expect_times() {
    const double first = slots[0] * 300.0 + 300.0;
    const double second = slots[1] * 300.0 + 300.0;
    EXPECT_DOUBLE_EQ(session->cadence_ns(0), first);
    EXPECT_DOUBLE_EQ(session->cadence_ns(1), second);
    for (const auto& [item, stream] : streams) {
      double free_ns = 0;
      for (std::size_t frame = 0; frame < stream->outputs.size(); ++frame) {
        const double there_ns = static_cast<double>(frame + 1) * first;
        EXPECT_DOUBLE_EQ(stream->steps_ns[0][frame], there_ns - first);
        const double begin_ns = std::ceil(std::max(there_ns, free_ns) / second) * second;
        EXPECT_DOUBLE_EQ(stream->steps_ns[1][frame], begin_ns);
        free_ns = begin_ns + second;
      }
      EXPECT_DOUBLE_EQ(results[item].latency_ns, free_ns);
      EXPECT_THAT(results[item].steps, ElementsAre(stream->outputs.size(), stream->outputs.size()));
      EXPECT_GT(results[item].energy_nJ, 0);
    }
  }

  config::PlatformConfig configuration;
  host::MatrixPorts ports;
  std::vector<std::uint32_t> slots;
  std::unique_ptr<host::BoardSession> session;
  std::map<std::size_t, std::unique_ptr<Recurrence>> streams;
  std::map<std::size_t, host::ItemResult> results;
};

TEST_F(TwoChips, ComputeWithRealNumbersWhatTheFormulaSays) {
  load("ideal", {1, 1, host::Order::kPipeline});
  run({3, 1});
  expect_formula(1e-9);
  expect_times();
}

TEST_F(TwoChips, GiveTheSameChipByChip) {
  load("ideal", {2, 1, host::Order::kChipByChip});
  run({3, 1, 2});
  expect_formula(1e-9);
  expect_times();
}

TEST_F(TwoChips, RefillLanesWithoutChangingAnItemsTime) {
  load("ideal", {2, 1, host::Order::kPipeline});
  run({5, 1, 2, 1, 3});
  expect_formula(1e-9);
  expect_times();
  EXPECT_EQ(session->chips()[0].lane_steps, 12U);
  EXPECT_LT(session->chips()[0].steps, 12U) << "lanes step together";
}

TEST_F(TwoChips, QuantiseInputsAndPartialSumsOnly) {
  load("quantized", {1, 1, host::Order::kPipeline});
  run({2});
  // Two partial sums of 1/127 each, half a step off; inputs of 1/255 over 70 weights of at most 1/40.
  expect_formula(2 * 0.5 / 127 + 0.5 / 255 * 70 / 40 + 0.01);
  expect_times();
}

TEST_F(TwoChips, StopAtAStepBoundary) {
  load("quantized", {1, 1, host::Order::kPipeline});
  std::atomic<bool> stop{false};
  std::size_t done = 0;
  session->run(
      {0, 1, 2}, [&](std::size_t item) { return std::make_unique<Recurrence>(ports, 2, static_cast<double>(item)); },
      [&](std::size_t, std::unique_ptr<host::Stream>, const host::ItemResult&) {
        ++done;
        stop = true;
      },
      &stop);
  EXPECT_EQ(done, 1U);
  EXPECT_EQ(session->failure(), "");
}

TEST_F(TwoChips, GiveUpAStepThatDoesNotEnd) {
  const config::PlatformConfig quantized = config::preset_config("quantized");
  const mapping::Plan plan = mapping::map_matrices(network(), 2, quantized);
  const std::string finisher = plan.chips[1].finishers.front();
  load("quantized", {1, 1, host::Order::kPipeline}, {{finisher, "  halt 0\n"}});
  std::size_t done = 0;
  session->run(
      {0}, [&](std::size_t) { return std::make_unique<Recurrence>(ports, 2, 0.0); },
      [&](std::size_t, std::unique_ptr<host::Stream>, const host::ItemResult&) { ++done; });
  EXPECT_EQ(done, 0U);
  EXPECT_THAT(session->failure(), testing::AllOf(testing::HasSubstr("did not end"), testing::HasSubstr(finisher)));
}

}  // namespace
}  // namespace chronotile
