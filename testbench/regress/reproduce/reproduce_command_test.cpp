// `chronotile reproduce` as a user meets it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "testbench/support/program.hpp"

namespace chronotile {
namespace {

using nlohmann::json;
using support::Outcome;
using support::run_chronotile;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

double value_of(const json& experiment, const std::string& quantity) {
  for (const json& row : experiment["rows"]) {
    if (row["quantity"] == quantity) {
      return row["platform"];
    }
  }
  ADD_FAILURE() << "there is no row '" << quantity << "'";
  return 0;
}

TEST(Reproduce, TransportKeepsThePublishedBoundsWithoutAClamp) {
  const std::filesystem::path out = std::filesystem::path(testing::TempDir()) / "chronotile_reproduce_transport";
  std::filesystem::remove_all(out);
  const Outcome outcome = run_chronotile({"reproduce", "transport", "--quick", "--json", "--out", out.string()});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json report = json::parse(outcome.out);
  ASSERT_EQ(report["experiments"].size(), 1U);
  const json& transport = report["experiments"][0];
  EXPECT_EQ(transport["name"], "transport");
  EXPECT_EQ(transport["runs"], 1);
  for (const std::string quantity : {"largest error", "largest error, pad to pad"}) {
    EXPECT_LT(value_of(transport, quantity), 5);
    EXPECT_GT(value_of(transport, quantity), 2.5) << "there is an error";
  }
  for (const std::string quantity : {"largest error of durations below 100 ns", "the same, pad to pad"}) {
    EXPECT_LT(value_of(transport, quantity), 3);
    EXPECT_GT(value_of(transport, quantity), 1.5);
  }
  EXPECT_LT(value_of(transport, "errors in the last tenth below the bound"), 0.001) << "%: no clamp";
  for (const json& row : transport["rows"]) {
    EXPECT_GE(row["samples"], 20000) << row["quantity"];
  }

  // The histogram falls towards the bound and holds every duration.
  const json& histogram = transport["plots"][0]["series"];
  double durations = 0;
  for (const json& series : histogram) {
    const auto x = series["x"].get<std::vector<double>>();
    const auto y = series["y"].get<std::vector<double>>();
    durations = std::accumulate(y.begin(), y.end(), durations);
    double middle = 0;
    for (std::size_t bin = 0; bin < x.size(); ++bin) {
      middle = std::abs(x[bin]) < 0.25 ? std::max(middle, y[bin]) : middle;
      if (std::abs(x[bin]) > 4.5) {
        EXPECT_LT(y[bin], 1e-4 * durations) << x[bin] << " ns";
      }
    }
    EXPECT_GT(middle, 1000);
  }
  EXPECT_EQ(durations, transport["rows"][0]["samples"].get<double>());

  // The simulated chip has the model's deviation wherever both know it: 0.231 * 5 ns * sqrt(hops / 12), skews included.
  const json& hops = transport["plots"][1]["series"];
  std::map<double, double> model;
  for (std::size_t point = 0; point < hops[0]["x"].size(); ++point) {
    model[hops[0]["x"][point]] = hops[0]["y"][point];
    const double expected = 0.2313 * 5 * std::sqrt(std::min(1.0, hops[0]["x"][point].get<double>() / 12));
    EXPECT_NEAR(hops[0]["y"][point].get<double>() / expected, 1, 0.1) << hops[0]["x"][point] << " hops";
  }
  EXPECT_GE(hops[1]["x"].size(), 3U);
  for (std::size_t point = 0; point < hops[1]["x"].size(); ++point) {
    EXPECT_NEAR(hops[1]["y"][point].get<double>() / model.at(hops[1]["x"][point]), 1, 0.15)
        << hops[1]["x"][point] << " hops";
  }

  for (const std::string file : {"reproduction.md", "reproduction.json", "reproduction/transport_histogram.svg",
                                 "reproduction/transport_hops.svg"}) {
    EXPECT_TRUE(std::filesystem::exists(out / file)) << file;
  }
  std::filesystem::remove_all(out);
}

TEST(Reproduce, TransportIsTheSameForTheSameSeed) {
  const std::vector<std::string> arguments{"reproduce", "transport", "--quick", "--json", "--here", "--seed"};
  const auto run = [&](const std::string& seed) {
    std::vector<std::string> all = arguments;
    all.push_back(seed);
    return run_chronotile(all).out;
  };
  const std::string one = run("1");
  EXPECT_FALSE(one.empty());
  EXPECT_EQ(one, run("1"));
  EXPECT_NE(one, run("2"));
}

TEST(Reproduce, RefusesWhatItDoesNotKnow) {
  Outcome outcome = run_chronotile({"reproduce", "transprot"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, HasSubstr("reproduce transprot: no such experiment. Did you mean 'transport'?"));
  outcome = run_chronotile({"reproduce", "everything"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("no such experiment"), HasSubstr("sensitivity, power, all")));
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {"--threads", "0"}, {"--lanes", "x"}, {"--seed", "-1"}, {"--here"}, {"--loud"}}) {
    std::vector<std::string> arguments{"reproduce", "kws"};
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    outcome = run_chronotile(arguments);
    EXPECT_EQ(outcome.status, 2) << testing::PrintToString(wrong);
    EXPECT_THAT(outcome.out, IsEmpty());
  }
  outcome = run_chronotile({"reproduce", "transport", "--out", "/dev/null/report"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("/dev/null/report"));
}

TEST(Reproduce, InterruptEndsItAndItsRuns) {
  const auto start = std::chrono::steady_clock::now();
  const Outcome outcome = support::interrupt_chronotile({"reproduce", "power"}, [&] {
    return std::chrono::steady_clock::now() - start > std::chrono::milliseconds(300);
  });
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, HasSubstr("interrupted: "));
}

}  // namespace
}  // namespace chronotile
