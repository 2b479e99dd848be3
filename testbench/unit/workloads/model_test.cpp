#include "workloads/kws/model.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "testbench/unit/workloads/support.hpp"
#include "workloads/audio/audio.hpp"
#include "workloads/kws/features.hpp"
#include "workloads/kws/scoring.hpp"
#include "workloads/manifest/manifest.hpp"

namespace chronotile::kws {
namespace {

using testing::raw;
using testing::user_error;

constexpr const char* kWeights = CHRONOTILE_KWS_DIR "/weights/kws.safetensors";

/// A file of the network's format with parts that a test can spoil: inputs 2, layers 2 -> 3 -> 2, all F32.
struct TinyNetwork {
  std::string format = "chronotile-kws";
  std::string classes = "yes,no";
  std::vector<std::int32_t> selected = {40, 3};
  std::vector<float> std = std::vector<float>(kFeatures, 1.0F);
  std::vector<std::vector<std::size_t>> shapes = {{3, 2}, {2, 3}};
  std::vector<std::vector<float>> layers = {{1.0F, 0.5F, -1.0F, 1.0F, 4.0F, 0.0F},
                                            {1.0F, -1.0F, 0.25F, 0.5F, 0.5F, 0.5F}};
  std::string extra_name;  ///< one more tensor, a single byte
  std::string left_out;    ///< a tensor that is not written

  [[nodiscard]] std::string bytes() const {
    std::string header = fmt::format(R"({{"__metadata__":{{"format":"{}","classes":"{}"}})", format, classes);
    std::string data;
    const auto add = [&](const std::string& name, const char* dtype, const std::vector<std::size_t>& shape,
                         const std::string& content) {
      if (name == left_out) {
        return;
      }
      std::string sizes;
      for (const std::size_t size : shape) {
        sizes += (sizes.empty() ? "" : ",") + std::to_string(size);
      }
      header += fmt::format(R"(,"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", name, dtype, sizes,
                            data.size(), data.size() + content.size());
      data += content;
    };
    add("features.mean", "F32", {kFeatures}, raw(std::vector<float>(kFeatures, 0.0F)));
    add("features.std", "F32", {std.size()}, raw(std));
    add("features.selected", "I32", {selected.size()}, raw(selected));
    for (std::size_t i = 0; i < layers.size(); ++i) {
      add(fmt::format("layers.{}.weight", i), "F32", shapes[i], raw(layers[i]));
    }
    if (!extra_name.empty()) {
      add(extra_name, "U8", {1}, "x");
    }
    return testing::safetensors(header + "}", data);
  }
};

class KwsModel : public testing::InTemporaryDirectory {
 protected:
  [[nodiscard]] Model load(const TinyNetwork& network) const {
    return Model::load(write("tiny.safetensors", network.bytes()));
  }
  void expect_refused(const TinyNetwork& network, std::vector<std::string> parts) const {
    parts.emplace_back("tiny.safetensors");
    user_error([&] { (void)load(network); }, parts);
  }
};

TEST_F(KwsModel, ScoresFollowTheFormula) {
  const Model model = load({});
  EXPECT_EQ(model.classes, (std::vector<std::string>{"yes", "no"}));
  EXPECT_EQ(model.selected, (std::vector<std::size_t>{40, 3}));
  ASSERT_EQ(model.layers.size(), 2U);
  EXPECT_EQ(model.layers[0].inputs, 2U);
  EXPECT_EQ(model.layers[0].outputs, 3U);
  EXPECT_EQ(model.layers[0].weight(1, 0), -1.0F);
  // W1 x = [0.75, -0.25, 2] -> [0.75, 0, 1]; W2 a = [0.75 + 0.25, 0.375 + 0.5]
  EXPECT_EQ(model.reference_scores({0.5, 0.5}), (std::vector<double>{1.0, 0.875}));
  // W1 x = [0.5, 1, 0] -> W2 a = [0.5 - 1, 0.75]: the last layer is not clipped
  EXPECT_EQ(model.reference_scores({0.0, 1.0}), (std::vector<double>{-0.5, 0.75}));
  EXPECT_THROW((void)model.reference_scores({0.5}), std::invalid_argument);
}

TEST_F(KwsModel, LayersAreADescription) {
  TinyNetwork one;
  one.shapes = {{2, 2}};
  one.layers = {{1.0F, 0.0F, 0.0F, 1.0F}};
  EXPECT_EQ(load(one).reference_scores({0.25, 0.75}), (std::vector<double>{0.25, 0.75}));
  TinyNetwork three;
  three.shapes = {{1, 2}, {4, 1}, {2, 4}};
  three.layers = {{1.0F, 1.0F}, {1.0F, 1.0F, 1.0F, 1.0F}, {0.25F, 0.25F, 0.25F, 0.25F, 0.0F, 0.0F, 0.0F, 0.0F}};
  EXPECT_EQ(load(three).reference_scores({0.5, 0.25}), (std::vector<double>{0.75, 0.0}));
}

TEST_F(KwsModel, ClassIndex) {
  const Model model = load({});
  EXPECT_EQ(model.class_index("no", "here"), 1U);
  user_error([&] { (void)model.class_index("maybe", "m.tsv:3"); }, {"m.tsv:3", "maybe", "yes, no"});
}

TEST_F(KwsModel, WrongFormatOrClasses) {
  TinyNetwork network;
  network.format = "chronotile-rnnt";
  expect_refused(network, {"chronotile-rnnt", "chronotile-kws"});
  network = {};
  network.classes = "yes,yes";
  expect_refused(network, {"classes"});
  network.classes = "";
  expect_refused(network, {"classes"});
  network.classes = "yes,no,maybe";
  expect_refused(network, {"layers.1.weight", "2 outputs", "3 classes"});
}

TEST_F(KwsModel, MissingTensorIsNamed) {
  for (const auto* name : {"features.mean", "features.std", "features.selected", "layers.0.weight"}) {
    TinyNetwork network;
    network.left_out = name;
    expect_refused(network, {name});
  }
}

TEST_F(KwsModel, ShapesThatDisagreeNameTheTensor) {
  TinyNetwork network;
  network.shapes[1] = {3, 2};
  expect_refused(network, {"layers.1.weight", "[3, 2]", "[outputs, 3]", "layers.0.weight"});
  network = {};
  network.shapes[0] = {6};
  expect_refused(network, {"layers.0.weight", "[6]"});
  network = {};
  network.selected = {1, 2, 3};
  expect_refused(network, {"layers.0.weight", "features.selected", "3 values"});
  network = {};
  network.std.resize(10);
  expect_refused(network, {"features.std", "[10]", "[1960]"});
}

TEST_F(KwsModel, ValuesThatCannotBe) {
  TinyNetwork network;
  network.layers[1][4] = std::numeric_limits<float>::quiet_NaN();
  expect_refused(network, {"layers.1.weight", "[1, 1]", "nan"});
  network = {};
  network.std[7] = 0.0F;
  expect_refused(network, {"features.std", "[7]", "positive"});
  network.std[7] = std::numeric_limits<float>::infinity();
  expect_refused(network, {"features.std", "[7]", "inf"});
  network = {};
  network.selected = {0, 1960};
  expect_refused(network, {"features.selected", "1960"});
  network.selected = {-1, 0};
  expect_refused(network, {"features.selected", "-1"});
}

TEST_F(KwsModel, NothingIsLeftOutSilently) {
  for (const auto* name : {"layers.0.bias", "layers.3.weight"}) {
    TinyNetwork network;
    network.extra_name = name;
    expect_refused(network, {name});
  }
  TinyNetwork network;
  network.extra_name = "comment";
  EXPECT_EQ(load(network).layers.size(), 2U);
}

TEST(KwsShippedModel, HasThePapersSizes) {
  const Model model = Model::load(kWeights);
  EXPECT_EQ(model.classes.size(), 12U);
  EXPECT_EQ(model.classes.front(), "down");
  EXPECT_EQ(model.classes.back(), "unknown");
  ASSERT_EQ(model.layers.size(), 3U);
  EXPECT_EQ(model.layers[0].inputs, 1024U);
  EXPECT_EQ(model.layers[0].outputs, 512U);
  EXPECT_EQ(model.layers[1].outputs, 512U);
  EXPECT_EQ(model.layers[2].outputs, 12U);
}

TEST(KwsShippedModel, AgreesWithThePythonReferenceOnEveryRecording) {
  const Model model = Model::load(kWeights);
  const auto entries = manifest::read_tsv(CHRONOTILE_KWS_DIR "/data/test.tsv");
  const auto inputs = testing::read_doubles(CHRONOTILE_GOLDEN_DIR "/inputs.f64");
  const auto scores = testing::read_doubles(CHRONOTILE_GOLDEN_DIR "/scores.f64");
  const std::size_t width = model.selected.size();
  const std::size_t classes = model.classes.size();
  ASSERT_EQ(inputs.size(), 4 * width);
  ASSERT_EQ(scores.size(), entries.size() * classes);
  Confusion confusion(classes);
  for (std::size_t clip = 0; clip < entries.size(); ++clip) {
    const auto x = model.inputs(audio::read_mono_16k(entries[clip].file));
    for (std::size_t i = 0; clip < 4 && i < width; ++i) {
      ASSERT_NEAR(x[i], inputs[clip * width + i], 1e-9) << entries[clip].file << ", input " << i;
    }
    const auto result = model.reference_scores(x);
    for (std::size_t c = 0; c < classes; ++c) {
      ASSERT_NEAR(result[c], scores[clip * classes + c], 1e-8) << entries[clip].file << ", class " << c;
      ASSERT_LT(std::abs(result[c]), 1.0) << "must fit the read-out";
    }
    confusion.add(model.class_index(entries[clip].label, entries[clip].file.string()), arg_max(result));
  }
  // 5,760 test recordings: 87 %; a sample of 144 has a binomial deviation of 3 points.
  EXPECT_GT(confusion.accuracy_percent(), 77.0);
  RecordProperty("accuracy_percent", std::to_string(confusion.accuracy_percent()));
}

}  // namespace
}  // namespace chronotile::kws
