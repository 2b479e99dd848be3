// `chronotile run net`: the example network of docs/examples/mnist, described in TOML, without any C++ of its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "testbench/support/program.hpp"
#include "workloads/weights/safetensors.hpp"

namespace chronotile {
namespace {

using nlohmann::json;
using support::Outcome;
using support::run_chronotile;
using testing::HasSubstr;

const std::filesystem::path kExample = CHRONOTILE_EXAMPLE;

std::vector<std::string> run_example(const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"run",
                                     "net",
                                     (kExample / "mnist.toml").string(),
                                     "--inputs",
                                     (kExample / "digits.safetensors").string(),
                                     "--json",
                                     "--lanes",
                                     "16"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// W2 clip(W1 x) in double precision.
std::vector<double> reference(const weights::SafetensorsFile& tensors, std::vector<double> x) {
  for (const char* name : {"fc1.weight", "fc2.weight"}) {
    const weights::Tensor& tensor = tensors.tensor(name);
    const std::vector<float> values = tensor.to_floats();
    std::vector<double> y(tensor.shape()[0]);
    for (std::size_t output = 0; output < y.size(); ++output) {
      for (std::size_t input = 0; input < x.size(); ++input) {
        y[output] += std::clamp(x[input], 0.0, 1.0) * values[output * x.size() + input];
      }
    }
    x = y;
  }
  return x;
}

TEST(RunNet, IdealIsTheNetworkItself) {
  const Outcome outcome = run_chronotile(run_example({"--preset", "ideal"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json report = json::parse(outcome.out);
  const weights::SafetensorsFile tensors(kExample / "mnist.safetensors");
  const weights::SafetensorsFile digits(kExample / "digits.safetensors");
  const std::vector<std::int64_t> codes = digits.tensor("inputs").to_integers();
  ASSERT_EQ(report["results"].size(), digits.tensor("labels").elements());
  for (std::size_t item = 0; item < 5; ++item) {
    std::vector<double> x;
    for (std::size_t input = 0; input < 512; ++input) {
      x.push_back(static_cast<double>(codes[item * 512 + input]) / 255);
    }
    const std::vector<double> expected = reference(tensors, x);
    for (std::size_t output = 0; output < expected.size(); ++output) {
      EXPECT_NEAR(report["results"][item]["outputs"][output], expected[output], 1e-5);
    }
  }
}

TEST(RunNet, StandsOnTwoTilesAndRecognises) {
  const Outcome outcome = run_chronotile(run_example({}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report["chips"][0]["tiles_used"], 2);
  EXPECT_EQ(report["violations"], 0);
  EXPECT_GT(report["accuracy_percent"], 70);
}

TEST(RunNet, RefusesAWrongDescription) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / "chronotile_net_refuses_a_wrong_description";
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file(kExample / "mnist.safetensors", folder / "mnist.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  const auto expect_refused = [&](const std::string& text, const std::string& message) {
    const std::filesystem::path file = folder / "net.toml";
    std::ofstream(file) << text;
    const Outcome outcome =
        run_chronotile({"run", "net", file.string(), "--inputs", (kExample / "digits.safetensors").string()});
    EXPECT_EQ(outcome.status, 2) << text;
    EXPECT_THAT(outcome.err, HasSubstr(message));
  };
  const std::string head = "name = \"n\"\nweights = \"mnist.safetensors\"\n";
  expect_refused(head, "[[layers]]");
  expect_refused(head + "layer = 1\n", "net.toml:3");
  expect_refused(head + "[[layers]]\nname = \"a\"\nweights = \"fc3.weight\"\n", "fc3.weight");
  expect_refused(head + "[[layers]]\nname = \"a\"\n", "'weights' is missing");
  expect_refused(head +
                     "[[layers]]\nname = \"a\"\nweights = \"fc2.weight\"\n[[layers]]\nname = \"b\"\nweights = "
                     "\"fc1.weight\"\n",
                 "layer 'b' has 512 inputs, the one before 10 outputs");
  expect_refused(head + "[[layers]]\nname = \"a\"\nweights = \"fc2.weight\"\n", "inputs");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace chronotile
