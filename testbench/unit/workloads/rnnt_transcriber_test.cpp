#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "workloads/rnnt/reference.hpp"
#include "workloads/rnnt/transcriber.hpp"

namespace chronotile::rnnt {
namespace {

using Vector = std::vector<double>;

constexpr std::uint32_t kChips = 5;
constexpr std::size_t kCopies = 9;
const Sizes kSizes{24, 16, 10, 14};

/// What went into a step and when.
struct Step {
  double now_ns;
  double available_ns;
  Vector inputs;

  bool operator==(const Step& other) const {
    return std::tie(now_ns, available_ns, inputs) == std::tie(other.now_ns, other.available_ns, other.inputs);
  }
};

/// Chips that multiply exactly, with the published map of matrices; a step begins at multiples of the chip's cadence.
class Board {
 public:
  explicit Board(const Network& network, Vector cadence_ns = {2400, 2400, 2400, 2400, 1800})
      : cadence_ns_(std::move(cadence_ns)) {
    for (std::uint32_t k = 0; k < kEncoderLayers; ++k) {
      const LstmLayer& layer = network.encoder[k];
      const double scale = k == 0 ? network.input_full_scale : 1.0;
      place(fmt::format("enc_lstm{}", k), std::min(k, 3U), layer.inputs + layer.units, layer.gates(),
            [&layer, scale](std::size_t o, std::size_t i) {
              return static_cast<double>(layer.weight(o, i)) * (i < layer.inputs ? scale : 1.0);
            });
    }
    const LstmLayer& first = network.prediction[0];
    const Vector merged = network.merged_decoder_input();
    place("dec_lstm0", 4, kCopies * kSymbols + first.units, first.gates(),
          [&first, &merged](std::size_t o, std::size_t i) {
            return i < kCopies * kSymbols
                       ? merged[i % kSymbols * first.gates() + o] / static_cast<double>(kCopies)
                       : static_cast<double>(first.recurrent_weights[o * first.units + i - kCopies * kSymbols]);
          });
    const LstmLayer& second = network.prediction[1];
    place("dec_lstm1", 4, second.inputs + second.units, second.gates(),
          [&second](std::size_t o, std::size_t i) { return static_cast<double>(second.weight(o, i)); });
    const LinearLayer& joint = network.joint_first;
    place("joint", 4, joint.inputs, joint.outputs,
          [&joint](std::size_t o, std::size_t i) { return static_cast<double>(joint.weight(o, i)); });
  }

  [[nodiscard]] const host::MatrixPorts& ports() const { return ports_; }
  [[nodiscard]] const std::vector<std::vector<Step>>& log() const { return log_; }

  /// All chips side by side: outputs arrive when they are available, before the steps of that moment.
  void run_together(host::Stream& stream) {
    log_.assign(kChips, {});
    std::vector<double> next(kChips, 0.0);
    std::vector<bool> busy(kChips, false);
    while (!finished(stream)) {
      const double now = *std::min_element(next.begin(), next.end());
      ASSERT_LT(now, 1e9) << "it never ends";
      for (std::uint32_t chip = 0; chip < kChips; ++chip) {
        if (busy[chip] && next[chip] == now) {
          complete(stream, chip);
          busy[chip] = false;
        }
      }
      for (std::uint32_t chip = 0; chip < kChips; ++chip) {
        if (next[chip] == now) {
          const double ready = stream.ready_ns(chip);
          busy[chip] = prepare(stream, chip, now);
          EXPECT_EQ(busy[chip], ready <= now) << "ready_ns() tells what prepare() does";
          next[chip] += cadence_ns_[chip];
        }
      }
    }
  }

  /// Each chip through all its steps before the next one begins; idle steps are left out.
  void run_chip_by_chip(host::Stream& stream) {
    log_.assign(kChips, {});
    for (std::uint32_t chip = 0; chip < kChips; ++chip) {
      double slot = 0;
      while (!stream.finished(chip)) {
        const double ready = stream.ready_ns(chip);
        ASSERT_LT(ready, 1e9) << "chip " << chip << " waits for another";
        slot = std::max(slot, std::ceil(ready / cadence_ns_[chip]));
        ASSERT_TRUE(prepare(stream, chip, slot * cadence_ns_[chip]));
        complete(stream, chip);
        ++slot;
      }
    }
    EXPECT_TRUE(finished(stream));
  }

 private:
  struct Matrix {
    host::MatrixPort port;
    Vector weights;
  };

  void place(const std::string& name, std::uint32_t chip, std::size_t inputs, std::size_t outputs,
             const std::function<double(std::size_t, std::size_t)>& weight) {
    Matrix matrix;
    matrix.port = {chip, inputs_[chip], inputs, outputs_[chip], outputs};
    for (std::size_t o = 0; o < outputs; ++o) {
      for (std::size_t i = 0; i < inputs; ++i) {
        matrix.weights.push_back(weight(o, i));
      }
    }
    inputs_[chip] += inputs;
    outputs_[chip] += outputs;
    ports_[name] = matrix.port;
    matrices_.push_back(std::move(matrix));
  }

  [[nodiscard]] static bool finished(const host::Stream& stream) {
    for (std::uint32_t chip = 0; chip < kChips; ++chip) {
      if (!stream.finished(chip)) {
        return false;
      }
    }
    return true;
  }

  bool prepare(host::Stream& stream, std::uint32_t chip, double now_ns) {
    Vector inputs(inputs_[chip], 0.0);
    if (!stream.prepare(chip, now_ns, inputs.data())) {
      EXPECT_EQ(inputs, Vector(inputs.size(), 0.0));
      return false;
    }
    log_[chip].push_back({now_ns, now_ns + cadence_ns_[chip], inputs});
    return true;
  }

  void complete(host::Stream& stream, std::uint32_t chip) {
    const Step& step = log_[chip].back();
    Vector outputs(outputs_[chip], 0.0);
    for (const Matrix& matrix : matrices_) {
      if (matrix.port.chip == chip) {
        for (std::size_t o = 0; o < matrix.port.outputs; ++o) {
          for (std::size_t i = 0; i < matrix.port.inputs; ++i) {
            outputs[matrix.port.first_output + o] += matrix.weights[o * matrix.port.inputs + i] *
                                                     std::clamp(step.inputs[matrix.port.first_input + i], -1.0, 1.0);
          }
        }
      }
    }
    stream.complete(chip, step.available_ns, outputs.data());
  }

  Vector cadence_ns_;
  std::vector<Matrix> matrices_;
  host::MatrixPorts ports_;
  std::vector<std::size_t> inputs_ = std::vector<std::size_t>(kChips, 0);
  std::vector<std::size_t> outputs_ = std::vector<std::size_t>(kChips, 0);
  std::vector<std::vector<Step>> log_;
};

void scale(std::vector<float>& weights, float factor) {
  for (float& weight : weights) {
    weight *= factor;
  }
}

/// A random network of strong weights, which speaks now and then, with the blank's logit raised by `blank`.
Network talkative(std::uint64_t seed, double blank = 4.0) {
  Network network = Network::random(seed, kSizes);
  for (LstmLayer& layer : network.encoder) {
    scale(layer.input_weights, 5.0F);
    scale(layer.recurrent_weights, 5.0F);
  }
  for (LstmLayer& layer : network.prediction) {
    scale(layer.input_weights, 12.0F);
    scale(layer.recurrent_weights, 12.0F);
  }
  scale(network.joint_first.weights, 8.0F);
  scale(network.joint_last.weights, 6.0F);
  network.joint_last.bias[kBlank] += static_cast<float>(blank);
  return network;
}

TranscriberOptions keeping() {
  TranscriberOptions options;
  options.keep_encoder_outputs = true;
  options.keep_logits = true;
  return options;
}

void expect_near(const std::vector<Vector>& actual, const std::vector<Vector>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t t = 0; t < actual.size(); ++t) {
    ASSERT_EQ(actual[t].size(), expected[t].size());
    for (std::size_t i = 0; i < actual[t].size(); ++i) {
      ASSERT_NEAR(actual[t][i], expected[t][i], 1e-9) << t << ", " << i;
    }
  }
}

TEST(Transcriber, EqualsTheReference) {
  std::size_t symbols = 0;
  std::size_t blanks = 0;
  std::set<char> distinct;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const Network network = talkative(seed);
    Board board(network);
    const std::size_t frames = 19 + seed;  // odd and even
    const auto features = random_features(seed, frames, kSizes.inputs);
    const Reference expected = reference(network, features);
    Transcriber stream(network, board.ports(), features, keeping());
    board.run_together(stream);
    EXPECT_EQ(stream.transcript(), expected.transcript);
    EXPECT_EQ(stream.frames(), frames);
    EXPECT_EQ(stream.joint_evaluations(), expected.logits.size());
    EXPECT_EQ(stream.symbol_times_ns().size(), expected.transcript.size());
    expect_near(stream.encoder_outputs(), expected.encoder_outputs);
    expect_near(stream.logits(), expected.logits);
    symbols += expected.transcript.size();
    distinct.insert(expected.transcript.begin(), expected.transcript.end());
    blanks += expected.logits.size() - expected.transcript.size();
  }
  EXPECT_GT(symbols, 50U) << "the networks say something";
  EXPECT_GT(distinct.size(), 10U);
  EXPECT_GT(blanks, 50U) << "and not all the time";
}

TEST(Transcriber, WeightExpansionEqualsTheReference) {
  Network network = talkative(4);
  network.input_full_scale = 2.0;  // some of what M gives is clipped
  network = expand(network, 40, 5);
  Board board(network);
  const auto features = random_features(4, 12, kSizes.inputs);
  Transcriber stream(network, board.ports(), features, keeping());
  board.run_together(stream);
  const Reference expected = reference(network, features);
  EXPECT_EQ(stream.transcript(), expected.transcript);
  expect_near(stream.logits(), expected.logits);
}

/// The paper's order: the whole set through chip 1, then through chip 2, ...
TEST(Transcriber, ChipByChipIsTheSameToTheBit) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const Network network = talkative(seed);
    const Vector cadence = seed % 2 == 0 ? Vector{2400, 2400, 2400, 2400, 1800} : Vector{500, 700, 600, 400, 1900};
    Board together(network, cadence);
    Board one_by_one(network, cadence);
    const auto features = random_features(seed, 15 + seed, kSizes.inputs);
    TranscriberOptions options = keeping();
    options.evaluations_per_step = 1 + seed % 3;
    options.decoder_step_ns = cadence.back();
    Transcriber first(network, together.ports(), features, options);
    Transcriber second(network, one_by_one.ports(), features, options);
    together.run_together(first);
    one_by_one.run_chip_by_chip(second);
    EXPECT_EQ(first.transcript(), second.transcript());
    EXPECT_EQ(first.symbol_times_ns(), second.symbol_times_ns());
    EXPECT_EQ(first.end_ns(), second.end_ns());
    EXPECT_EQ(first.encoder_outputs(), second.encoder_outputs());
    EXPECT_EQ(first.logits(), second.logits());
    EXPECT_EQ(first.digital_operations(), second.digital_operations());
    for (std::uint32_t chip = 0; chip < kChips; ++chip) {
      EXPECT_TRUE(together.log()[chip] == one_by_one.log()[chip]) << "chip " << chip << ", seed " << seed;
    }
  }
}

TEST(Transcriber, OddTailIsPaddedWithZeros) {
  const Network network = talkative(2);
  Board board(network);
  Transcriber stream(network, board.ports(), random_features(2, 5, kSizes.inputs));
  board.run_together(stream);
  const auto& steps = board.log()[2];
  ASSERT_EQ(steps.size(), 3U);
  const auto half = static_cast<std::ptrdiff_t>(kSizes.encoder);
  const Vector tail(steps[2].inputs.begin() + half, steps[2].inputs.begin() + 2 * half);
  EXPECT_EQ(tail, Vector(kSizes.encoder, 0.0));
  const Vector full(steps[1].inputs.begin() + half, steps[1].inputs.begin() + 2 * half);
  EXPECT_NE(full, tail);
}

/// Frame t of layer 0 starts at 2400 t; each layer adds a step; layers 3 and 4 share steps of chip 3.
TEST(Transcriber, LayersFollowEachOtherAStepApart) {
  const Network network = talkative(3);
  Board board(network);
  TranscriberOptions silent;
  silent.symbols = 0;
  Transcriber stream(network, board.ports(), random_features(3, 20, kSizes.inputs), silent);
  board.run_together(stream);
  const auto& log = board.log();
  ASSERT_EQ(log[0].size(), 20U);
  ASSERT_EQ(log[1].size(), 20U);
  ASSERT_EQ(log[2].size(), 10U);
  for (std::size_t t = 0; t < 20; ++t) {
    EXPECT_EQ(log[0][t].now_ns, 2400.0 * static_cast<double>(t));
    EXPECT_EQ(log[1][t].now_ns, 2400.0 * static_cast<double>(t + 1));
  }
  for (std::size_t t = 0; t < 10; ++t) {
    EXPECT_EQ(log[2][t].now_ns, 2400.0 * static_cast<double>(2 * t + 3));
  }
  // Layer 4 works on a frame in the step of layer 3's next one; its last frame has a step of its own.
  ASSERT_EQ(log[3].size(), 11U);
  for (std::size_t t = 0; t < 10; ++t) {
    EXPECT_EQ(log[3][t].now_ns, 2400.0 * static_cast<double>(2 * t + 4));
  }
  EXPECT_EQ(log[3].back().now_ns, 23 * 2400.0);
  // f of the last frame: 24 steps. Its F: the decoder's next step, 57600 = 32 * 1800.
  EXPECT_EQ(log[3].back().available_ns, 24 * 2400.0);
  EXPECT_EQ(stream.end_ns(), 57600.0 + 1800.0);
  EXPECT_EQ(log[4].size(), 3U + 10U) << "A, B and C of the start; F of each frame";
  EXPECT_EQ(stream.transcript(), "");
  EXPECT_EQ(stream.joint_evaluations(), 10U);
}

/// When layer 3 has its next frame as layer 4 has the last one, both work in one step of their chip.
TEST(Transcriber, MatricesOfAChipShareAStep) {
  const Network network = talkative(3);
  Board board(network, {100, 100, 100, 2400, 1800});
  Transcriber stream(network, board.ports(), random_features(3, 20, kSizes.inputs));
  board.run_together(stream);
  EXPECT_EQ(board.log()[3].size(), 11U);
}

TEST(Transcriber, ThirtySymbolsAtMostAtAFrameEachThreeDecoderSteps) {
  const Network network = talkative(5, -1000.0);  // never a blank
  Board board(network);
  const auto features = random_features(5, 1, kSizes.inputs);
  Transcriber stream(network, board.ports(), features);
  board.run_together(stream);
  EXPECT_EQ(stream.transcript().size(), kMostSymbolsPerFrame);
  EXPECT_EQ(stream.transcript(), reference(network, features).transcript);
  // f after five encoder steps, 12000; F in the decoder's step at 12600
  for (std::size_t i = 0; i < kMostSymbolsPerFrame; ++i) {
    EXPECT_EQ(stream.symbol_times_ns()[i], 14400.0 + 5400.0 * static_cast<double>(i));
  }
  EXPECT_EQ(stream.end_ns(), stream.symbol_times_ns().back());
  EXPECT_EQ(stream.joint_evaluations(), kMostSymbolsPerFrame);
}

TEST(Transcriber, LimitCarriesOverToTheNextFrame) {
  const Network network = talkative(5, -1000.0);
  Board board(network);
  const auto features = random_features(6, 5, kSizes.inputs);
  Transcriber stream(network, board.ports(), features);
  board.run_together(stream);
  EXPECT_EQ(stream.transcript().size(), 3 * kMostSymbolsPerFrame);
  EXPECT_EQ(stream.transcript(), reference(network, features).transcript);
}

TEST(Transcriber, UtteranceWithoutFrames) {
  const Network network = talkative(1);
  Board board(network);
  Transcriber stream(network, board.ports(), {});
  board.run_together(stream);
  for (std::uint32_t chip = 0; chip < kChips; ++chip) {
    EXPECT_TRUE(stream.finished(chip));
    EXPECT_TRUE(board.log()[chip].empty());
    EXPECT_EQ(stream.ready_ns(chip), host::kNever_ns);
  }
  EXPECT_EQ(stream.transcript(), "");
  EXPECT_EQ(stream.end_ns(), 0.0);
  EXPECT_EQ(stream.digital_operations(), 0U);
}

TEST(Transcriber, ForcedSymbolsAreSpreadEvenly) {
  const Network network = talkative(7, 1000.0);  // left alone, it says nothing
  const auto features = random_features(7, 16, kSizes.inputs);
  for (const std::size_t symbols : {0U, 1U, 7U, 8U, 9U, 50U, 240U}) {
    TranscriberOptions options;
    options.symbols = symbols;
    Board board(network);
    Transcriber stream(network, board.ports(), features, options);
    board.run_together(stream);
    EXPECT_EQ(stream.transcript().size(), symbols);
    EXPECT_EQ(stream.transcript(), reference(network, features, symbols).transcript);
    EXPECT_EQ(stream.joint_evaluations(), symbols + (symbols == 240 ? 0 : 8)) << "a blank at each of eight frames";
  }
}

/// The decoder's serial chain is what limits a talkative utterance.
TEST(Transcriber, SymbolsTakeThreeStepsEach) {
  const Network network = talkative(7);
  TranscriberOptions options;
  options.symbols = 60;
  Board board(network);
  Transcriber stream(network, board.ports(), random_features(7, 40, kSizes.inputs), options);
  board.run_together(stream);
  EXPECT_GT(stream.end_ns(), 60 * 5400.0);
  EXPECT_LT(stream.end_ns(), 14400.0 + 2 * 2400.0 + 61 * 5400.0);
}

/// Encoder chips are fast here: F of frames 1 and 2 is there when the symbol at frame 0 is through, so two blanks
/// follow at once, or a step apart if one evaluation fits in.
TEST(Transcriber, EvaluationsAtOneTimeAreLimited) {
  const Network network = talkative(8);
  const auto end_ns = [&](std::size_t evaluations) {
    TranscriberOptions options;
    options.symbols = 1;
    options.evaluations_per_step = evaluations;
    Board board(network, {300, 300, 300, 300, 1800});
    Transcriber stream(network, board.ports(), random_features(8, 6, kSizes.inputs), options);
    board.run_together(stream);
    return stream.end_ns();
  };
  EXPECT_EQ(end_ns(4), end_ns(3)) << "blanks at frames 0, 1, 2";
  EXPECT_EQ(end_ns(2), end_ns(3) + 1800.0);
  EXPECT_EQ(end_ns(1), end_ns(3) + 3600.0);
}

TEST(Transcriber, OperationsAreCounted) {
  const Network network = talkative(7);
  TranscriberOptions options;
  options.symbols = 3;
  Board board(network);
  Transcriber stream(network, board.ports(), random_features(7, 4, kSizes.inputs), options);
  board.run_together(stream);
  const std::size_t cells = (2 * 4 + 3 * 2) * kSizes.encoder + (3 + 1) * 2 * kSizes.prediction;
  const std::size_t evaluation = 2 * kSizes.joint + 2 * 29 * kSizes.joint + 29 + 27;
  EXPECT_EQ(stream.joint_evaluations(), 5U);
  EXPECT_EQ(stream.digital_operations(), 18 * cells + 5 * evaluation + (3 + 1) * kSizes.joint);
}

TEST(Transcriber, PortsMustFitTheNetwork) {
  const Network network = talkative(1);
  const host::MatrixPorts good = Board(network).ports();
  const auto refused = [&](const std::function<void(host::MatrixPorts&)>& spoil, const std::string& part) {
    host::MatrixPorts ports = good;
    spoil(ports);
    try {
      Transcriber stream(network, ports, {});
      ADD_FAILURE() << "not refused: " << part;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  refused([](auto& ports) { ports.erase("enc_lstm3"); }, "enc_lstm3");
  refused([](auto& ports) { ports.erase("joint"); }, "joint");
  refused([](auto& ports) { ++ports.at("enc_lstm0").inputs; }, "enc_lstm0");
  refused([](auto& ports) { --ports.at("dec_lstm1").outputs; }, "dec_lstm1");
  refused([](auto& ports) { ports.at("dec_lstm0").inputs -= 9 * 28; }, "dec_lstm0");
  refused([](auto& ports) { ++ports.at("dec_lstm0").inputs; }, "dec_lstm0");
  refused([](auto& ports) { ports.at("dec_lstm1").chip = 2; }, "one chip");
  EXPECT_THROW(Transcriber(network, good, Vector(kSizes.inputs + 1)), std::invalid_argument);
  TranscriberOptions options;
  options.evaluations_per_step = 0;
  EXPECT_THROW(Transcriber(network, good, {}, options), std::invalid_argument);
}

}  // namespace
}  // namespace chronotile::rnnt
