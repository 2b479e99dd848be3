#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "testbench/unit/workloads/support.hpp"
#include "workloads/rnnt/network.hpp"
#include "workloads/rnnt/reference.hpp"

namespace chronotile::rnnt {
namespace {

using testing::user_error;

constexpr std::size_t kUnits = 3;
constexpr std::size_t kEmbedded = 2;
constexpr std::size_t kJoint = 5;

/// Tensors of a small network; element i of tensor t is t + i / 1024.
struct Tensors {
  struct Entry {
    std::string key;
    std::vector<std::size_t> shape;
    std::string dtype = "F32";
  };

  Tensors() {
    const auto lstm = [this](const std::string& prefix, std::size_t layer, std::size_t inputs, std::size_t units) {
      const auto key = [&](const char* kind) { return fmt::format("{}.lstm.{}_l{}", prefix, kind, layer); };
      entries.push_back({key("weight_ih"), {4 * units, inputs}});
      entries.push_back({key("weight_hh"), {4 * units, units}});
      entries.push_back({key("bias_ih"), {4 * units}});
      entries.push_back({key("bias_hh"), {4 * units}});
    };
    lstm("encoder.pre_rnn", 0, 240, kUnits);
    lstm("encoder.pre_rnn", 1, kUnits, kUnits);
    lstm("encoder.post_rnn", 0, 2 * kUnits, kUnits);
    lstm("encoder.post_rnn", 1, kUnits, kUnits);
    lstm("encoder.post_rnn", 2, kUnits, kUnits);
    entries.push_back({"prediction.embed.weight", {28, kEmbedded}});
    lstm("prediction.dec_rnn", 0, kEmbedded, kEmbedded);
    lstm("prediction.dec_rnn", 1, kEmbedded, kEmbedded);
    entries.push_back({"joint.net.0.weight", {kJoint, kUnits + kEmbedded}});
    entries.push_back({"joint.net.0.bias", {kJoint}});
    entries.push_back({"joint.net.3.weight", {29, kJoint}});
    entries.push_back({"joint.net.3.bias", {29}});
  }

  Entry& at(const std::string& key) {
    for (Entry& entry : entries) {
      if (entry.key == key) {
        return entry;
      }
    }
    throw std::out_of_range(key);
  }

  void remove(const std::string& key) { entries.erase(entries.begin() + (&at(key) - entries.data())); }

  [[nodiscard]] std::string file() const {
    std::string header = metadata.empty() ? "{" : "{\"__metadata__\":" + metadata + ",";
    std::string data;
    for (std::size_t t = 0; t < entries.size(); ++t) {
      const Entry& entry = entries[t];
      std::size_t count = 1;
      for (const std::size_t size : entry.shape) {
        count *= size;
      }
      const std::size_t begin = data.size();
      if (entry.dtype == "F16") {
        data += testing::raw(std::vector<std::uint16_t>(count, 0x3E00));  // 1.5
      } else {
        std::vector<float> values(count);
        for (std::size_t i = 0; i < count; ++i) {
          values[i] = static_cast<float>(t) + static_cast<float>(i) / 1024.0F;
        }
        if (entry.key == spoilt.first) {
          values.back() = spoilt.second;
        }
        data += testing::raw(values);
      }
      header += fmt::format("{}\"{}\":{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", t == 0 ? "" : ",",
                            entry.key, entry.dtype, fmt::join(entry.shape, ","), begin, data.size());
    }
    return testing::safetensors(header + "}", data);
  }

  std::vector<Entry> entries;
  std::string metadata;
  std::pair<std::string, float> spoilt;
};

class RnntNetwork : public testing::InTemporaryDirectory {
 protected:
  [[nodiscard]] Network load(const Tensors& tensors) const {
    return Network::load(write("w.safetensors", tensors.file()));
  }
  void expect_refused(const Tensors& tensors, std::vector<std::string> parts) {
    parts.emplace_back("w.safetensors");
    user_error([&] { (void)load(tensors); }, parts);
  }
};

TEST_F(RnntNetwork, TensorsGoToTheirPlaces) {
  Tensors tensors;
  tensors.metadata =
      R"({"input_full_scale":"2.5","output_full_scale":"{\"enc_lstm0\": 4, \"joint\": 7.5}","who":"me"})";
  const Network network = load(tensors);
  EXPECT_EQ(network.sizes.inputs, 240U);
  EXPECT_EQ(network.sizes.encoder, kUnits);
  EXPECT_EQ(network.sizes.prediction, kEmbedded);
  EXPECT_EQ(network.sizes.joint, kJoint);
  EXPECT_EQ(network.input_full_scale, 2.5);
  EXPECT_EQ(network.output_full_scale.at("enc_lstm0"), 4.0);
  EXPECT_EQ(network.output_full_scale.at("joint"), 7.5);
  EXPECT_EQ(network.metadata.at("who"), "me");
  EXPECT_EQ(network.encoder[0].inputs, 240U);
  EXPECT_EQ(network.encoder[2].inputs, 2 * kUnits);
  EXPECT_EQ(network.encoder[0].weight(1, 2), 0.0F + 242.0F / 1024.0F);
  EXPECT_EQ(network.encoder[0].weight(1, 241), 1.0F + 4.0F / 1024.0F);
  EXPECT_EQ(network.encoder[1].bias[5], 6.0F + 7.0F + 10.0F / 1024.0F) << "both biases";
  EXPECT_EQ(network.encoder[4].weight(11, 5), 17.0F + 35.0F / 1024.0F);
  EXPECT_EQ(network.embedding[55], 20.0F + 55.0F / 1024.0F);
  EXPECT_EQ(network.prediction[1].weight(7, 0), 25.0F + 14.0F / 1024.0F);
  EXPECT_EQ(network.joint_first.weight(4, 1), 29.0F + 21.0F / 1024.0F);
  EXPECT_EQ(network.joint_last.bias[28], 32.0F + 28.0F / 1024.0F);
  EXPECT_EQ(network.encoder_inputs(), 240U);
}

TEST_F(RnntNetwork, HalvesOlderKeysAndNoMetadata) {
  Tensors tensors;
  for (auto& entry : tensors.entries) {
    entry.dtype = "F16";
    if (entry.key.rfind("joint.net", 0) == 0) {
      entry.key.replace(0, 9, "joint_net");
    }
  }
  const Network network = load(tensors);
  EXPECT_EQ(network.joint_last.bias[28], 1.5F);
  EXPECT_EQ(network.encoder[3].bias[0], 3.0F);
  EXPECT_EQ(network.input_full_scale, 3.0);
  EXPECT_TRUE(network.output_full_scale.empty());
}

TEST_F(RnntNetwork, MissingTensorIsNamed) {
  for (const auto& entry : Tensors().entries) {
    Tensors tensors;
    tensors.remove(entry.key);
    expect_refused(tensors, {"no tensor '" + entry.key + "'"});
  }
}

TEST_F(RnntNetwork, ExtraTensorIsNamed) {
  Tensors tensors;
  tensors.entries.push_back({"encoder.pre_rnn.lstm.weight_ih_l2", {1}});
  expect_refused(tensors, {"'encoder.pre_rnn.lstm.weight_ih_l2'", "none of the network's"});
}

TEST_F(RnntNetwork, MisshapenTensorIsNamed) {
  Tensors narrow;
  narrow.at("encoder.pre_rnn.lstm.weight_ih_l0").shape = {12, 80};
  expect_refused(narrow, {"'encoder.pre_rnn.lstm.weight_ih_l0'", "[12, 80]", "[12, 240]"});
  Tensors flat;
  flat.at("encoder.pre_rnn.lstm.weight_hh_l0").shape = {36};
  expect_refused(flat, {"'encoder.pre_rnn.lstm.weight_hh_l0'", "[36]"});
  Tensors outputs;
  outputs.at("joint.net.3.bias").shape = {28};
  expect_refused(outputs, {"'joint.net.3.bias'", "[28]", "[29]"});
}

TEST_F(RnntNetwork, NotANumberInfinityAndIntegersAreRefused) {
  Tensors tensors;
  tensors.spoilt = {"joint.net.0.weight", std::nanf("")};
  expect_refused(tensors, {"'joint.net.0.weight'", "[4, 4]", "nan"});
  tensors.spoilt = {"prediction.dec_rnn.lstm.bias_hh_l1", std::numeric_limits<float>::infinity()};
  expect_refused(tensors, {"'prediction.dec_rnn.lstm.bias_hh_l1'", "inf"});
  Tensors integers;
  integers.at("joint.net.0.bias").dtype = "I32";
  expect_refused(integers, {"'joint.net.0.bias'", "integers"});
}

TEST_F(RnntNetwork, MetadataThatMakeNoSense) {
  const auto refused = [this](const char* metadata, std::vector<std::string> parts) {
    Tensors tensors;
    tensors.metadata = metadata;
    expect_refused(tensors, std::move(parts));
  };
  refused(R"({"input_full_scale":"wide"})", {"input_full_scale", "wide"});
  refused(R"({"input_full_scale":"-1"})", {"input_full_scale", "-1"});
  refused(R"({"output_full_scale":"[1]"})", {"output_full_scale"});
  refused(R"({"output_full_scale":"{\"enc_lstm5\": 1}"})", {"enc_lstm5", "enc_lstm4"});
  refused(R"({"output_full_scale":"{\"joint\": 0}"})", {"joint", "0"});
}

TEST(RnntRandomNetwork, CountsAreThePublishedOnes) {
  const auto start = std::chrono::steady_clock::now();
  const Network network = Network::random(0x123456789abcdef0);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  RecordProperty("seconds", fmt::format("{:.3f}", elapsed.count()));
  EXPECT_EQ(network.parameters(), 45'323'037U);
  std::size_t on_tiles = network.embedding.size() + network.joint_first.weights.size();
  for (const auto* layers : {&network.encoder, &network.prediction}) {
    for (const LstmLayer& layer : *layers) {
      on_tiles += layer.input_weights.size() + layer.recurrent_weights.size();
    }
  }
  EXPECT_EQ(on_tiles, 45'261'568U);
  // Worked out by a Philox of its own (Python).
  EXPECT_EQ(network.encoder[0].input_weights.front(), 0x1.701f040000000p-7F);
  EXPECT_EQ(network.encoder[0].input_weights.back(), -0x1.bd09dc0000000p-9F);
  EXPECT_EQ(network.encoder[2].weight(17, 2047), 0x1.d74a060000000p-6F);
  EXPECT_EQ(network.encoder[4].weight(4095, 1024 + 3), -0x1.7c3e140000000p-6F);
  EXPECT_EQ(network.encoder[1].bias[5], 0x1.6a3b3e0000000p-6F + 0x1.4d70c00000000p-7F);
  EXPECT_EQ(network.embedding.back(), 0x1.b06cfc0000000p+0F);
  EXPECT_EQ(network.prediction[1].weight(1, 320 + 2), 0x1.552b660000000p-5F);
  EXPECT_EQ(network.joint_first.weights.back(), -0x1.643e420000000p-7F);
  EXPECT_EQ(network.joint_last.bias[28], 0x1.f4a0700000000p-6F);
  EXPECT_EQ(random_features(0x123456789abcdef0, 1, 6)[5], 0x1.f6f3fa0000000p-1);
}

TEST(RnntRandomNetwork, SeedsDiffer) {
  const Sizes small{240, 8, 4, 4};
  EXPECT_EQ(Network::random(1, small).embedding, Network::random(1, small).embedding);
  EXPECT_NE(Network::random(1, small).embedding, Network::random(2, small).embedding);
  EXPECT_NE(Network::random(1, small).embedding, Network::random(1ULL << 32U, small).embedding);
}

TEST(RnntExpansion, ComputesTheSame) {
  Network network = Network::random(3, {30, 8, 4, 6});
  network.input_full_scale = 10.0;  // nothing is clipped
  const Network expanded = expand(network, 64, 7);
  EXPECT_EQ(expanded.encoder_inputs(), 64U);
  EXPECT_EQ(expanded.encoder[0].inputs, 64U);
  EXPECT_EQ(expanded.expansion.size(), 64U * 30U);
  EXPECT_EQ(expanded.parameters(), network.parameters());
  const auto features = random_features(3, 7, 30);
  const Reference plain = reference(network, features);
  const Reference wide = reference(expanded, features);
  EXPECT_EQ(plain.transcript, wide.transcript);
  for (std::size_t t = 0; t < plain.encoder_outputs.size(); ++t) {
    for (std::size_t i = 0; i < plain.encoder_outputs[t].size(); ++i) {
      EXPECT_NEAR(plain.encoder_outputs[t][i], wide.encoder_outputs[t][i], 1e-6);
    }
  }
  EXPECT_NE(expand(network, 64, 8).expansion, expanded.expansion);
}

TEST(RnntExpansion, ExpandedInputsSpreadLikeTheFeatures) {
  const Network expanded = expand(Network::random(3, {30, 4, 4, 4}), 1024, 1);
  double squares = 0.0;
  for (const float value : expanded.expansion) {
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  EXPECT_NEAR(squares / 1024.0, 1.0, 0.03);
}

TEST(RnntExpansion, RefusesTooFewRowsAndASecondTime) {
  const Network network = Network::random(3, {30, 4, 4, 4});
  user_error([&] { (void)expand(network, 29); }, {"29 rows", "30"});
  EXPECT_THROW((void)expand(expand(network, 30), 40), std::invalid_argument);
}

TEST(RnntReference, MergedDecoderInputIsTheProduct) {
  const Network network = Network::random(5, {30, 4, 6, 4});
  const auto merged = network.merged_decoder_input();
  ASSERT_EQ(merged.size(), kSymbols * 24);
  double expected = 0.0;
  for (std::size_t i = 0; i < 6; ++i) {
    expected +=
        static_cast<double>(network.embedding[9 * 6 + i]) * static_cast<double>(network.prediction[0].weight(23, i));
  }
  EXPECT_DOUBLE_EQ(merged[9 * 24 + 23], expected);
}

}  // namespace
}  // namespace chronotile::rnnt
