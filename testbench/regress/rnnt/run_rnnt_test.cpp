// `chronotile run rnnt` and `map rnnt` as a user meets them: same bits whatever the lanes, threads and order, results
// that a later run goes on from, clear refusals.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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

class RunRnnt : public testing::Test {
 protected:
  RunRnnt() : folder(std::filesystem::path(testing::TempDir()) / ("chronotile_rnnt_" + test_name())) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    std::ifstream all(kData / "data/test.tsv");
    for (std::string line; std::getline(all, line) && lines.size() < 5;) {
      if (!line.empty() && line.front() != '#') {
        lines.push_back((kData / "data").string() + "/" + line);
      }
    }
    write("some.tsv", lines[0] + "\n" + lines[1] + "\n" + lines[2] + "\n" + lines[3] + "\n" + lines[4] + "\n");
  }
  ~RunRnnt() override { std::filesystem::remove_all(folder); }

  static std::string test_name() { return testing::UnitTest::GetInstance()->current_test_info()->name(); }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder / name).string(); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder / name) << text; }
  [[nodiscard]] std::vector<std::string> read_lines(const std::string& name) const {
    std::vector<std::string> found;
    std::ifstream in(folder / name);
    for (std::string line; std::getline(in, line);) {
      found.push_back(line);
    }
    return found;
  }

  [[nodiscard]] static Outcome run(const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"run", "rnnt",   "--json", "--preset", "quantized", "--timing-error",
                                       "5",   "--seed", "3"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_chronotile(arguments);
  }
  [[nodiscard]] json noisy_run(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{"--manifest", path("some.tsv")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return json::parse(outcome.out);
  }
  static void expect_refused(const std::vector<std::string>& arguments, const testing::Matcher<std::string>& message) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_THAT(outcome.err, message);
  }

  std::filesystem::path folder;
  std::vector<std::string> lines;  ///< of a manifest
};

TEST_F(RunRnnt, SameBitsWhateverTheLanesThreadsAndOrder) {
  const json one = noisy_run({});
  EXPECT_EQ(one["results"].size(), 5U);
  EXPECT_EQ(one["violations"], 0);
  EXPECT_EQ(one["chips"].size(), 5U);
  EXPECT_LT(one["wer_percent"], 60);
  for (const std::vector<std::string>& other :
       std::vector<std::vector<std::string>>{{"--lanes", "3"},
                                             {"--lanes", "16", "--threads", "2"},
                                             {"--chip-by-chip"},
                                             {"--lanes", "2", "--chip-by-chip"}}) {
    EXPECT_EQ(noisy_run(other)["results"], one["results"]) << testing::PrintToString(other);
  }
}

TEST_F(RunRnnt, CalibratesAlikeWhateverTheLanesThreadsAndOrder) {
  const std::vector<std::string> asked{"--set", "host.calibration_steps=20",
                                       "--set", "host.calibration_age_s=1",
                                       "--set", "host.drift_compensation=global",
                                       "--set", "pcm.enabled=true",
                                       "--set", "pcm.age_s=86400",
                                       "--set", "periphery.gain_sigma=0.05",
                                       "--set", "periphery.comparator_noise_sigma_weight_ns=10"};
  const json one = noisy_run(asked);
  EXPECT_EQ(one["violations"], 0);
  EXPECT_EQ(one["calibration_violations"], 0);
  EXPECT_EQ(one["calibration_steps"], 28);
  EXPECT_EQ(one["calibration"].size(), 8U);
  for (const json& matrix : one["calibration"]) {
    EXPECT_NEAR(matrix["slope_mean"].get<double>(), 1, 0.1) << matrix << " before the drift";
    EXPECT_LT(matrix["drift_factor"].get<double>(), 0.8) << matrix;
    EXPECT_GT(matrix["drift_factor"].get<double>(), 0.3) << matrix;
  }
  for (const std::vector<std::string>& other :
       std::vector<std::vector<std::string>>{{"--lanes", "16", "--threads", "2"}, {"--lanes", "3", "--chip-by-chip"}}) {
    std::vector<std::string> arguments = asked;
    arguments.insert(arguments.end(), other.begin(), other.end());
    const json run = noisy_run(arguments);
    for (const char* key : {"results", "calibration", "calibration_ns", "energy_nj"}) {
      EXPECT_EQ(run[key], one[key]) << testing::PrintToString(other) << " " << key;
    }
    EXPECT_DOUBLE_EQ(run["calibration_energy_nj"], one["calibration_energy_nj"].get<double>());
  }
}

TEST_F(RunRnnt, GoesOnWhereAResultsFileEnds) {
  const json whole = noisy_run({"--results", path("r.jsonl")});
  std::vector<std::string> written = read_lines("r.jsonl");
  ASSERT_EQ(written.size(), 6U);
  // As if it had been killed while it wrote the fourth utterance.
  write("r.jsonl",
        written[0] + "\n" + written[1] + "\n" + written[2] + "\n" + written[3] + "\n" + written[4].substr(0, 20));
  const json rest = noisy_run({"--results", path("r.jsonl"), "--lanes", "2"});
  EXPECT_EQ(rest["results"], whole["results"]);
  EXPECT_LT(rest["simulated_audio_s"], whole["simulated_audio_s"]);
  std::vector<std::string> again = read_lines("r.jsonl");
  std::sort(written.begin(), written.end());
  std::sort(again.begin(), again.end());
  EXPECT_EQ(again, written);
}

TEST_F(RunRnnt, InterruptEndsItWithTheResultsSoFar) {
  const std::vector<std::string> arguments{
      "run",       "rnnt",          "--json",  "--manifest",      (kData / "data/test.tsv").string(),
      "--results", path("r.jsonl"), "--stats", path("stats.json")};
  const Outcome outcome = support::interrupt_chronotile(arguments, [this] { return read_lines("r.jsonl").size() > 2; });
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("interrupted"));
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report["interrupted"], true);
  EXPECT_EQ(report["results"].size(), read_lines("r.jsonl").size() - 1);
  EXPECT_LT(report["results"].size(), 48U);
  EXPECT_FALSE(std::filesystem::exists(folder / "stats.json"));
  EXPECT_TRUE(std::filesystem::exists(folder / "stats.partial.json"));
}

TEST_F(RunRnnt, RefusesResultsOfAnotherRun) {
  write("r.jsonl", "{\"workload\":\"rnnt\",\"preset\":\"ideal\"}\n");
  expect_refused({"--manifest", path("some.tsv"), "--results", path("r.jsonl")},
                 AllOf(HasSubstr("r.jsonl:1"), HasSubstr("another run"), HasSubstr("preset")));
  write("other.txt", "no results\n");
  expect_refused({"--manifest", path("some.tsv"), "--results", path("other.txt")}, HasSubstr("other.txt:1"));
  EXPECT_EQ(read_lines("other.txt"), std::vector<std::string>{"no results"});
}

TEST_F(RunRnnt, UnreadableRecordingStopsItUnlessToldToKeepGoing) {
  write("bad.flac", "this is no recording");
  write("mixed.tsv", lines[0] + "\n" + path("bad.flac") + "\tanything\n" + lines[1] + "\n");
  expect_refused({"--manifest", path("mixed.tsv")}, HasSubstr("bad.flac"));
  const Outcome outcome = run({"--manifest", path("mixed.tsv"), "--keep-going"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("bad.flac"));
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report["results"].size(), 2U);
  EXPECT_EQ(report["failed"].size(), 1U);
  // Noise belongs to an utterance's place in the list, whatever became of the others.
  write("good.tsv", lines[0] + "\n" + lines[3] + "\n" + lines[1] + "\n");
  const json good = json::parse(run({"--manifest", path("good.tsv")}).out);
  EXPECT_EQ(report["results"][1], good["results"][2]);
}

TEST_F(RunRnnt, RefusesBadInput) {
  write("no_tab.tsv", lines[0] + "\nno tab in here\n");
  expect_refused({"--manifest", path("no_tab.tsv")}, HasSubstr("no_tab.tsv:2"));
  expect_refused({"--manifest", path("some.tsv"), "--chips", "3"}, HasSubstr("chips"));
  expect_refused({}, HasSubstr("--audio"));
  expect_refused({"--weights", "random:x"}, HasSubstr("random:SEED"));
  write("broken.safetensors", "12345678{}");
  expect_refused({"--manifest", path("some.tsv"), "--weights", path("broken.safetensors")},
                 HasSubstr("broken.safetensors"));
  write("lengths.tsv", "# table\n1.5\t7\nno number\n");
  expect_refused({"--lengths", path("lengths.tsv")}, HasSubstr("lengths.tsv:3"));
  expect_refused({"--manifest", path("some.tsv"), "--set", "rnnt.enc_lstm0.place=2.1-2.2"}, HasSubstr("2.2"));
}

TEST_F(RunRnnt, ProgramsOfAMapRunInsteadOfTheGenerated) {
  const std::string weights = (kData / "weights/rnnt_small.safetensors").string();
  const Outcome map = run_chronotile({"map", "rnnt", "--weights", weights, "--asm", path("asm"), "--svg", path("svg")});
  ASSERT_EQ(map.status, 0) << map.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "svg/chip4.svg"));
  const json generated = noisy_run({"--most", "1"});
  const json loaded = noisy_run({"--most", "1", "--firmware", path("asm")});
  EXPECT_EQ(loaded["results"], generated["results"]);
}

TEST(MapRnnt, CountsComeOutAsPublished) {
  const Outcome outcome = run_chronotile({"map", "rnnt", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json map = json::parse(outcome.out);
  EXPECT_EQ(map["weights_on_tiles"], 45261568);
  EXPECT_GE(map["cells_programmed"], 45261568);
  EXPECT_EQ(map["tiles"], 142);
  const std::vector<int> tiles{32, 32, 24, 32, 22};
  ASSERT_EQ(map["chips"].size(), tiles.size());
  for (std::size_t chip = 0; chip < tiles.size(); ++chip) {
    EXPECT_EQ(map["chips"][chip]["tiles"], tiles[chip]) << chip;
  }
}

TEST(MapRnnt, RefusesABoardThatIsTooSmall) {
  const Outcome outcome = run_chronotile({"map", "rnnt", "--chips", "3"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("chip"));
}

}  // namespace
}  // namespace chronotile
