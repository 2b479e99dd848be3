// The speech network on five chips against the reference in PyTorch (golden files of
// workloads/rnnt/training/make_golden.py) and, where these say nothing, against the plain C++ reference.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "platform/cli/firmware_source.hpp"
#include "platform/cli/rnnt_run.hpp"
#include "platform/config/config.hpp"
#include "workloads/audio/audio.hpp"
#include "workloads/manifest/manifest.hpp"
#include "workloads/rnnt/features.hpp"
#include "workloads/rnnt/reference.hpp"

namespace chronotile {
namespace {

const std::filesystem::path kGolden = CHRONOTILE_GOLDEN_DIR;
constexpr double kTolerance = 1e-4;

std::vector<double> golden(const std::string& name) {
  std::ifstream in(kGolden / (name + ".f64"), std::ios::binary | std::ios::ate);
  EXPECT_TRUE(in) << name;
  std::vector<double> values(static_cast<std::size_t>(in.tellg()) / sizeof(double));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(double)));
  return values;
}

/// Largest difference of rows one after the other from `expected`.
double largest_difference(const std::vector<std::vector<double>>& rows, const std::vector<double>& expected) {
  double largest = 0;
  std::size_t next = 0;
  for (const std::vector<double>& row : rows) {
    for (const double value : row) {
      largest = std::max(largest, next < expected.size() ? std::abs(value - expected[next]) : INFINITY);
      ++next;
    }
  }
  return next == expected.size() ? largest : INFINITY;
}

double largest_difference(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b) {
  std::vector<double> flat;
  for (const std::vector<double>& row : b) {
    flat.insert(flat.end(), row.begin(), row.end());
  }
  return largest_difference(a, flat);
}

/// One elaboration: a board with a network.
class SpeechBoard : public testing::Test {
 protected:
  void load(const std::string& weights, const std::string& preset, std::size_t lanes = 1) {
    config::Sources sources;
    sources.preset = preset;
    sources.sets = {"rnnt.input_full_scale=3"};
    configuration = config::load(sources);
    network = cli::load_rnnt_network(weights, configuration);
    mapping::Plan plan = cli::map_rnnt(network, 0, configuration);
    ports = host::ports_of(plan);
    std::vector<host::Images> images;
    for (const mapping::ChipPlan& chip : plan.chips) {
      images.push_back(cli::assemble_plan(chip, configuration.controller.sram_words));
    }
    session = std::make_unique<host::BoardSession>(configuration, std::move(plan), std::move(images),
                                                   host::BoardSessionOptions{lanes, 1, host::Order::kPipeline});
  }

  void run(const std::vector<std::vector<double>>& features) {
    rnnt::TranscriberOptions options = cli::transcriber_options(*session, ports, configuration);
    options.keep_encoder_outputs = true;
    options.keep_logits = true;
    std::vector<std::size_t> numbers(features.size());
    std::iota(numbers.begin(), numbers.end(), std::size_t{0});
    utterances.resize(features.size());
    results.resize(features.size());
    session->run(
        numbers,
        [&](std::size_t item) { return std::make_unique<rnnt::Transcriber>(network, ports, features[item], options); },
        [&](std::size_t item, std::unique_ptr<host::Stream> stream, const host::ItemResult& result) {
          utterances[item].reset(static_cast<rnnt::Transcriber*>(stream.release()));
          results[item] = result;
        });
    ASSERT_EQ(session->failure(), "");
    EXPECT_EQ(session->board().violations().count(), 0U);
  }

  [[nodiscard]] static std::vector<manifest::Entry> shipped() {
    return manifest::read_tsv(cli::shipped_rnnt_weights().parent_path().parent_path() / "data/test.tsv");
  }

  config::PlatformConfig configuration;
  rnnt::Network network;
  host::MatrixPorts ports;
  std::unique_ptr<host::BoardSession> session;
  std::vector<std::unique_ptr<rnnt::Transcriber>> utterances;
  std::vector<host::ItemResult> results;
};

TEST_F(SpeechBoard, IdealEqualsTheGoldenFiles) {
  load("", "ideal", 4);
  std::vector<std::vector<double>> features;
  std::vector<std::string> expected;
  std::ifstream transcripts(kGolden / "transcripts.tsv");
  for (std::size_t item = 0; item < 4; ++item) {
    const manifest::Entry entry = shipped()[item];
    features.push_back(rnnt::features(audio::read_mono_16k(entry.file), entry.file.string()));
    const std::vector<double> reference = golden("features_" + std::to_string(item));
    EXPECT_LT(largest_difference({features.back()}, reference), 1e-9);
    std::string line;
    std::getline(transcripts, line);
    expected.push_back(line.substr(line.find('\t') + 1));
    EXPECT_EQ(line.substr(0, line.find('\t')), entry.file.filename().string());
  }
  run(features);
  for (std::size_t item = 0; item < 4; ++item) {
    const std::string number = std::to_string(item);
    EXPECT_EQ(utterances[item]->transcript(), expected[item]);
    EXPECT_LT(largest_difference(utterances[item]->encoder_outputs(), golden("encoder_" + number)), kTolerance);
    EXPECT_LT(largest_difference(utterances[item]->logits(), golden("logits_" + number)), kTolerance);
  }
}

TEST_F(SpeechBoard, FullSizeIdealEqualsTheGoldenFiles) {
  load("random:1", "ideal");
  const std::vector<double> features = golden("full_size.features");
  run({features});
  EXPECT_LT(largest_difference(utterances[0]->encoder_outputs(), golden("full_size.encoder")), kTolerance);
  // The first evaluation is that of the first frame after no symbol.
  const std::vector<double> logits = golden("full_size.logits");
  EXPECT_LT(largest_difference({utterances[0]->logits().front()},
                               std::vector<double>(logits.begin(), logits.begin() + rnnt::kOutputs)),
            kTolerance);
  const rnnt::Reference reference = rnnt::reference(network, features);
  EXPECT_EQ(utterances[0]->transcript(), reference.transcript);
  EXPECT_LT(largest_difference(utterances[0]->logits(), reference.logits), kTolerance);
}

TEST_F(SpeechBoard, TimesAreThoseOfTheSchedules) {
  load("", "quantized");
  const manifest::Entry entry = shipped()[0];
  run({rnnt::features(audio::read_mono_16k(entry.file), entry.file.string())});
  const rnnt::Transcriber& utterance = *utterances[0];
  const double frame_ns = session->cadence_ns(0);
  const double decoder_ns = session->cadence_ns(4);
  EXPECT_DOUBLE_EQ(frame_ns, session->chips()[0].slots_per_step * 300.0 + 300.0);
  EXPECT_DOUBLE_EQ(decoder_ns, session->chips()[4].slots_per_step * 300.0 + 300.0);
  const auto frames = static_cast<double>(utterance.frames());
  const auto symbols = static_cast<double>(utterance.transcript().size());
  // No sooner than the encoder's frames and the decoder's three steps a symbol allow; a few steps to fill the pipeline.
  EXPECT_GE(utterance.end_ns(), std::max(frames * frame_ns, symbols * 3 * decoder_ns));
  EXPECT_LE(utterance.end_ns(), frames * frame_ns + symbols * 3 * decoder_ns);
  EXPECT_EQ(results[0].steps[0], utterance.frames());
  EXPECT_EQ(results[0].steps[1], utterance.frames());
  EXPECT_EQ(results[0].steps[2], rnnt::stacked_frames(utterance.frames()));
  EXPECT_EQ(results[0].steps[3], rnnt::stacked_frames(utterance.frames()) + 1) << "both layers in one step";
}

}  // namespace
}  // namespace chronotile
