// `chronotile run kws` as a user meets it: same bits whatever the lanes, threads and traces, and clear refusals.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
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

const std::filesystem::path kData = CHRONOTILE_DATA;

class RunCommand : public testing::Test {
 protected:
  RunCommand() : folder(std::filesystem::path(testing::TempDir()) / ("chronotile_run_" + test_name())) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    std::ifstream all(kData / "data/test.tsv");
    std::ofstream some(folder / "some.tsv");
    int line_number = 0;
    for (std::string line; std::getline(all, line);) {
      if (!line.empty() && line.front() != '#' && ++line_number % 12 == 0) {
        some << (kData / "data").string() << '/' << line << '\n';
      }
    }
  }
  ~RunCommand() override { std::filesystem::remove_all(folder); }

  static std::string test_name() { return testing::UnitTest::GetInstance()->current_test_info()->name(); }

  [[nodiscard]] std::string path(const std::string& name) const { return (folder / name).string(); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder / name) << text; }

  /// A run over a dozen recordings with timing and programming errors.
  [[nodiscard]] json noisy_run(const std::vector<std::string>& more, const char* seed = "3") const {
    std::vector<std::string> arguments{"run",
                                       "kws",
                                       "--manifest",
                                       path("some.tsv"),
                                       "--json",
                                       "--preset",
                                       "quantized",
                                       "--timing-error",
                                       "5",
                                       "--seed",
                                       seed,
                                       "--set",
                                       "tile.array.programming_sigma=0.02"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_chronotile(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return json::parse(outcome.out);
  }

  void expect_refused(const std::vector<std::string>& more, const testing::Matcher<std::string>& message) const {
    std::vector<std::string> arguments{"run", "kws", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_chronotile(arguments);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_THAT(outcome.err, message);
  }
  [[nodiscard]] std::string recording() const {
    std::ifstream some(folder / "some.tsv");
    std::string line;
    std::getline(some, line);
    return line.substr(0, line.find('\t'));
  }

  std::filesystem::path folder;
};

TEST_F(RunCommand, SameBitsWhateverTheLanesThreadsAndTraces) {
  const json alone = noisy_run({});
  EXPECT_EQ(alone.at("violations"), 0);
  EXPECT_EQ(alone.at("results").size(), 12U);
  EXPECT_EQ(noisy_run({"--threads", "2"}).at("results"), alone.at("results"));
  EXPECT_EQ(noisy_run({"--lanes", "16"}).at("results"), alone.at("results"));
  EXPECT_EQ(noisy_run({"--lanes", "5", "--threads", "2"}).at("results"), alone.at("results"));
  EXPECT_EQ(noisy_run({"--vcd", path("all.vcd"), "--vcd-scope", "tile_0_"}).at("results"), alone.at("results"));
  EXPECT_EQ(noisy_run({"--lanes", "16", "--timeline", path("all.json")}).at("results"), alone.at("results"));
  EXPECT_EQ(noisy_run({"--lanes", "16"}).at("energy_nj"), alone.at("energy_nj"));
  EXPECT_EQ(noisy_run({"--vcd", path("all.vcd")}).at("energy_nj"), alone.at("energy_nj"));
  EXPECT_NE(noisy_run({}, "4").at("results"), alone.at("results"));
}

TEST_F(RunCommand, TheJsonHasEveryKeyOfTheContract) {
  const json run = noisy_run({});
  for (const char* key : {"workload", "preset", "seed", "lanes", "threads", "results", "accuracy_percent",
                          "simulated_ns", "wall_s", "audio_s", "violations", "energy_nj", "chips"}) {
    EXPECT_TRUE(run.contains(key)) << key;
  }
  for (const char* key : {"file", "hypothesis", "reference", "scores", "latency_ns", "energy_nj"}) {
    EXPECT_TRUE(run.at("results").at(0).contains(key)) << key;
  }
  for (const char* key : {"index", "tiles_used", "steps", "slots_per_step", "tops", "tops_per_watt"}) {
    EXPECT_TRUE(run.at("chips").at(0).contains(key)) << key;
  }
  double accounts_nJ = 0;
  for (const auto& account : run.at("energy_nj").items()) {
    accounts_nJ += account.value().get<double>();
  }
  double results_nJ = 0;
  for (const json& result : run.at("results")) {
    results_nJ += result.at("energy_nj").get<double>();
  }
  EXPECT_NEAR(results_nJ, accounts_nJ, 1e-9 * accounts_nJ);
}

TEST_F(RunCommand, LargeTimingErrorsAreVisible) {
  const std::vector<std::string> base{"run",    "kws",      "--manifest", (kData / "data/test.tsv").string(),
                                      "--json", "--preset", "quantized"};
  const auto accuracy = [&](const char* error_ns) {
    std::vector<std::string> arguments = base;
    arguments.insert(arguments.end(), {"--timing-error", error_ns, "--lanes", "16"});
    return json::parse(run_chronotile(arguments).out).at("accuracy_percent").get<double>();
  };
  const double undisturbed = accuracy("0");
  EXPECT_GT(undisturbed, 80.0);
  EXPECT_NEAR(accuracy("5"), undisturbed, 1.5);  // one recording is 0.7 %
  EXPECT_LT(accuracy("100"), undisturbed - 20.0);
}

TEST_F(RunCommand, MovedEnableWindowOfEditedFirmwareIsReported) {
  const std::string firmware = path("fw");
  ASSERT_EQ(run_chronotile({"map", "kws", "--asm", firmware}).status, 0);
  const json right = noisy_run({"--firmware", firmware});
  EXPECT_EQ(right.at("results"), noisy_run({}).at("results"));

  std::stringstream text;
  text << std::ifstream(firmware + "/tile_0_0.lcs").rdbuf();
  const std::string original = text.str();
  const auto run_with = [&](const std::vector<std::pair<std::string, std::string>>& edits) {
    std::string program = original;
    for (const auto& [from, to] : edits) {
      const std::size_t at = program.find(from);
      EXPECT_NE(at, std::string::npos) << from;
      program.replace(at, from.size(), to);
    }
    write("fw/tile_0_0.lcs", program);
    const json moved = noisy_run({"--firmware", firmware});
    EXPECT_NE(moved.at("results"), right.at("results"));
    EXPECT_GT(moved.at("violations").get<int>(), 0);
    return moved.at("violations_by_kind");
  };
  const std::string open = ".equ EN_OPEN, 20";
  const std::string close = ".equ EN_CLOSE, 275";
  EXPECT_TRUE(run_with({{open, ".equ EN_OPEN, 70"}}).contains("window_early"));
  EXPECT_TRUE(run_with({{close, ".equ EN_CLOSE, 225"}}).contains("pulse_cut_short"));
  // 50 ns later as a whole does not fit into the slot: the controller stops there
  EXPECT_TRUE(run_with({{open, ".equ EN_OPEN, 70"}, {close, ".equ EN_CLOSE, 325"}}).contains("illegal_instruction"));
  // one pass of the two only
  EXPECT_TRUE(run_with({{"  at      EN_CLOSE", "  at      EN_CLOSE - 50"}}).contains("pulse_cut_short"));
}

TEST_F(RunCommand, FaultOfTheLastControllerFailsTheRun) {
  const std::string firmware = path("fw");
  ASSERT_EQ(run_chronotile({"map", "kws", "--asm", firmware}).status, 0);
  write("fw/olp_NW.lcs", "start: trig 1\n slot 6\n at 10\n .word 0\n");
  const Outcome outcome = run_chronotile({"run", "kws", "--audio", recording(), "--firmware", firmware});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("olp_NW"), HasSubstr("illegal_instruction"), HasSubstr("0x3")));
}

TEST_F(RunCommand, StepThatNeverEndsFailsTheRun) {
  const std::string firmware = path("fw");
  ASSERT_EQ(run_chronotile({"map", "kws", "--asm", firmware}).status, 0);
  write("fw/olp_NW.lcs", "start: trig 1\n here: wait 100\n jmp here\n");
  const Outcome outcome = run_chronotile({"run", "kws", "--audio", recording(), "--firmware", firmware});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("olp_NW"), HasSubstr("64 slots")));
}

TEST_F(RunCommand, StrictRunsFailOnViolations) {
  const std::vector<std::string> arguments{"run",      "kws",       "--audio",        recording(),
                                           "--preset", "quantized", "--timing-error", "100"};
  const Outcome lenient = run_chronotile(arguments);
  EXPECT_EQ(lenient.status, 0);
  EXPECT_THAT(lenient.err, HasSubstr("pulse_not_covered"));
  std::vector<std::string> strict = arguments;
  strict.emplace_back("--strict");
  EXPECT_EQ(run_chronotile(strict).status, 1);
}

TEST_F(RunCommand, RefusesRecordingsThatAreNone) {
  expect_refused({"--audio", path("absent.wav")}, HasSubstr(path("absent.wav")));
  write("text.wav", "this is not sound\n");
  expect_refused({"--audio", path("text.wav")}, HasSubstr(path("text.wav")));
  write("empty.wav", "");
  expect_refused({"--audio", path("empty.wav")}, HasSubstr(path("empty.wav")));
  expect_refused({}, HasSubstr("--manifest"));
}

TEST_F(RunCommand, RefusesManifestsWithThePlace) {
  write("bad.tsv", "one.flac without a tab\n");
  expect_refused({"--manifest", path("bad.tsv")}, HasSubstr(path("bad.tsv") + ":1"));
  write("class.tsv", recording() + "\tperhaps\n");
  expect_refused({"--manifest", path("class.tsv")}, HasSubstr("perhaps"));
}

TEST_F(RunCommand, RefusesConfigurationWithTheNearestKeyAndThePlace) {
  expect_refused({"--audio", recording(), "--set", "transport.bound_nss=4"}, HasSubstr("transport.bound_ns"));
  write("bad.toml", "[transport]\nbound_ns = \"five\"\n");
  expect_refused({"--audio", recording(), "--config", path("bad.toml")}, HasSubstr(path("bad.toml") + ":2"));
  expect_refused({"--audio", recording(), "--preset", "publish"}, HasSubstr("Did you mean 'published'?"));
}

TEST_F(RunCommand, RefusesTruncatedWeights) {
  std::stringstream bytes;
  bytes << std::ifstream(kData / "weights/kws.safetensors", std::ios::binary).rdbuf();
  std::ofstream(folder / "short.safetensors", std::ios::binary) << bytes.str().substr(0, bytes.str().size() / 2);
  expect_refused({"--audio", recording(), "--weights", path("short.safetensors")},
                 HasSubstr(path("short.safetensors")));
}

TEST_F(RunCommand, RefusesFirmwareWithFileLineAndColumn) {
  const std::string firmware = path("fw");
  ASSERT_EQ(run_chronotile({"map", "kws", "--asm", firmware}).status, 0);
  write("fw/olp_NW.lcs", "start: trig 1\n  sett pcap, 1\n");
  expect_refused({"--audio", recording(), "--firmware", firmware},
                 AllOf(HasSubstr("olp_NW.lcs:2:3"), HasSubstr("sett pcap, 1")));
  std::filesystem::remove(folder / "fw/olp_NW.lcs");
  expect_refused({"--audio", recording(), "--firmware", firmware}, HasSubstr("olp_NW.lcs"));
  expect_refused({"--audio", recording(), "--firmware", path("nowhere")}, HasSubstr("nowhere"));
}

TEST_F(RunCommand, LeavesNothingHalfWritten) {
  expect_refused({"--audio", recording(), "--vcd", path("no/such/folder.vcd")}, HasSubstr("no/such/folder.vcd"));
  expect_refused({"--audio", recording(), "--vcd", path("x.vcd"), "--vcd-scope", "no_such_signal"},
                 HasSubstr("no_such_signal"));
  EXPECT_FALSE(std::filesystem::exists(path("x.vcd")));
  EXPECT_FALSE(std::filesystem::exists(path("x.vcd.part")));
}

}  // namespace
}  // namespace chronotile
