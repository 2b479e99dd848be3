#include "platform/config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fmt/format.h>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/user_error.hpp"

namespace chronotile::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string write(const std::string& text) const {
    const std::string path = (folder_ / "file.toml").string();
    std::ofstream(path) << text;
    return path;
  }

  [[nodiscard]] PlatformConfig load_file(const std::string& text) const {
    Sources sources;
    sources.file = write(text);
    return load(sources);
  }

  /// What load() complains about, "" if nothing; the folder of the file is left out.
  [[nodiscard]] std::string complaint(const Sources& sources) const {
    try {
      (void)load(sources);
    } catch (const UserError& error) {
      std::string text = error.what();
      const std::string folder = folder_.string() + "/";
      if (const std::size_t at = text.find(folder); at != std::string::npos) {
        text.erase(at, folder.size());
      }
      return text;
    }
    return "";
  }
  [[nodiscard]] std::string file_complaint(const std::string& text) const {
    Sources sources;
    sources.file = write(text);
    return complaint(sources);
  }
  [[nodiscard]] std::string set_complaint(const std::vector<std::string>& sets) const {
    Sources sources;
    sources.sets = sets;
    return complaint(sources);
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("chronotile_config_test_{}", getpid());
};

std::string dump(const PlatformConfig& config) {
  std::ostringstream out;
  dump_toml(out, config);
  return out.str();
}

PlatformConfig load_sets(const std::vector<std::string>& sets) {
  Sources sources;
  sources.sets = sets;
  return load(sources);
}

TEST_F(ConfigTest, PublishedIsTheDefault) {
  const PlatformConfig config = load({});
  EXPECT_EQ(config.preset, "published");
  EXPECT_EQ(dump(config), dump(default_config()));
  EXPECT_EQ(config.transport.mode, mesh::TransportErrorMode::kPerHop);
  EXPECT_TRUE(config.tile.array.devices.enabled);
  EXPECT_GT(config.tile.periphery.gain_sigma, 0.0);
  EXPECT_GT(config.host.calibration_steps, 0U);
}

TEST_F(ConfigTest, QuantizedHasNoErrorsButThoseOfThePads) {
  Sources sources;
  sources.preset = "quantized";
  const PlatformConfig config = load(sources);
  EXPECT_EQ(config.preset, "quantized");
  EXPECT_EQ(dump(config), dump(PlatformConfig{}));
  EXPECT_TRUE(config.pad.quantise);
  EXPECT_EQ(config.pad.full_scale, 255U);
  EXPECT_EQ(config.transport.mode, mesh::TransportErrorMode::kOff);
  EXPECT_EQ(config.tile.array.programming_sigma, 0.0);
  EXPECT_FALSE(config.tile.array.double_precision);
}

TEST_F(ConfigTest, IdealComputesWithRealNumbers) {
  Sources sources;
  sources.preset = "ideal";
  const PlatformConfig config = load(sources);
  EXPECT_EQ(config.preset, "ideal");
  EXPECT_FALSE(config.pad.quantise);
  EXPECT_EQ(config.transport.mode, mesh::TransportErrorMode::kOff);
  EXPECT_EQ(config.tile.array.programming_sigma, 0.0);
  EXPECT_TRUE(config.tile.array.double_precision);
  EXPECT_EQ(dump(config), dump(preset_config("ideal")));
}

TEST_F(ConfigTest, AgeIsATimeWithItsUnit) {
  const auto age_s = [](const std::string& age) {
    Sources sources;
    sources.age = age;
    return load(sources).tile.array.devices.age_s;
  };
  EXPECT_EQ(age_s("7d"), 7 * 86400.0);
  EXPECT_EQ(age_s("1.5h"), 5400.0);
  EXPECT_EQ(age_s("90"), 90.0);
  EXPECT_EQ(age_s("2min"), 120.0);
  EXPECT_EQ(age_s(""), 0.0);
  Sources exact;
  exact.preset = "ideal";
  exact.age = "7d";
  EXPECT_EQ(complaint(exact),
            "--age 7d: nothing drifts: pcm.enabled or pcm.drift is false. Use preset published, or --set "
            "pcm.enabled=true");
  for (const char* const wrong : {"7 days", "d", "-1h", "nand", "1e400s"}) {
    Sources sources;
    sources.age = wrong;
    EXPECT_EQ(complaint(sources), fmt::format("--age {}: is not a time. Write a number and s, min, h, d or w, for "
                                              "example --age 7d",
                                              wrong));
  }
}

TEST_F(ConfigTest, RefusesDevicesAndCalibrationsThatCannotBe) {
  EXPECT_THAT(set_complaint({"pcm.dead_share=0.7", "pcm.stuck_share=0.7"}), HasSubstr("more than all devices"));
  EXPECT_THAT(set_complaint({"host.calibration_steps=3"}), HasSubstr("too few to fit a line"));
  EXPECT_THAT(set_complaint({"periphery.gain_sigma=0.5"}), HasSubstr("0 to 0.3"));
}

TEST_F(ConfigTest, UnknownPresetSuggestsTheNearest) {
  EXPECT_EQ(set_complaint({"preset=quantised"}),
            "--set preset=quantised: unknown preset 'quantised'. Did you mean 'quantized'?");
  EXPECT_EQ(set_complaint({"preset=xyz"}),
            "--set preset=xyz: unknown preset 'xyz'. Available presets: ideal, quantized, published");
}

TEST_F(ConfigTest, LaterSourcesWin) {
  Sources sources;
  sources.file = write("preset = \"quantized\"\nseed = 5\n[transport]\nmode = \"per_hop\"\nbound_ns = 9\n");
  EXPECT_EQ(load(sources).transport.mode, mesh::TransportErrorMode::kPerHop);
  EXPECT_EQ(load(sources).transport.bound_ns, 9.0);
  sources.preset = "ideal";
  EXPECT_TRUE(load(sources).tile.array.double_precision);
  EXPECT_EQ(load(sources).transport.mode, mesh::TransportErrorMode::kPerHop);
  sources.timing_error_ns = 2;
  EXPECT_EQ(load(sources).transport.mode, mesh::TransportErrorMode::kUniform);
  EXPECT_EQ(load(sources).transport.bound_ns, 2.0);
  sources.sets = {"transport.bound_ns=4", "seed=6", "transport.bound_ns = 4.5"};
  EXPECT_EQ(load(sources).transport.bound_ns, 4.5);
  EXPECT_EQ(load(sources).seed, 6U);
  sources.sets.emplace_back("preset=quantized");
  EXPECT_FALSE(load(sources).tile.array.double_precision);
}

TEST_F(ConfigTest, TimingErrorIsUniformWithThePublishedRatio) {
  Sources sources;
  sources.timing_error_ns = 5;
  const PlatformConfig config = load(sources);
  EXPECT_EQ(config.transport.mode, mesh::TransportErrorMode::kUniform);
  EXPECT_EQ(config.transport.bound_ns, 5.0);
  EXPECT_EQ(config.transport.short_bound_ns, 3.0);
  sources.sets = {"transport.mode=per_hop"};
  EXPECT_EQ(load(sources).transport.mode, mesh::TransportErrorMode::kPerHop);
}

TEST_F(ConfigTest, TimingErrorZeroIsOff) {
  Sources sources;
  sources.file = write("transport.mode = \"worst_case\"");
  sources.timing_error_ns = 0;
  EXPECT_EQ(load(sources).transport.mode, mesh::TransportErrorMode::kOff);
  sources.timing_error_ns = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(complaint(sources), "--timing-error nan: is not a time in ns. Give a number, 0 for no error");
}

TEST_F(ConfigTest, ReadsEveryKindOfValue) {
  const PlatformConfig config = load_file(R"(
seed = 9223372036854775807
[clock]
period_ns = 2
slot_cycles = 300
[floorplan]
rows = 2
columns = 3
processing_elements = [5]
[[floorplan.pads]]
domain = "W"
input_row = 0
output_row = 1
[[floorplan.pads]]
domain = "E"
input_row = 1
output_row = 0
east = true
[tile.array]
double_precision = true
[transport]
mode = "worst_case"
[mapping]
weight_mode = "quad"
)");
  EXPECT_EQ(config.seed, 9223372036854775807U);
  EXPECT_EQ(config.clock.period_ns, 2.0);
  EXPECT_THAT(config.floorplan.processing_elements, ElementsAre(5U));
  ASSERT_EQ(config.floorplan.pads.size(), 2U);
  EXPECT_EQ(config.floorplan.pads[0].domain, "W");
  EXPECT_FALSE(config.floorplan.pads[0].east);
  EXPECT_EQ(config.floorplan.pads[1].input_row, 1U);
  EXPECT_TRUE(config.floorplan.pads[1].east);
  EXPECT_TRUE(config.tile.array.double_precision);
  EXPECT_EQ(config.transport.mode, mesh::TransportErrorMode::kWorstCase);
  EXPECT_EQ(config.mapping.weight_mode, "quad");
}

TEST_F(ConfigTest, SetTakesTomlValuesAndBareWords) {
  const PlatformConfig config =
      load_sets({"transport.mode=uniform", "mapping.weight_mode=\"single\"", "pad.quantise=false",
                 " tile.lead_in_ns = 1e1 ", "floorplan.processing_elements=[0, 35]", "seed=0x10"});
  EXPECT_EQ(config.transport.mode, mesh::TransportErrorMode::kUniform);
  EXPECT_EQ(config.mapping.weight_mode, "single");
  EXPECT_FALSE(config.pad.quantise);
  EXPECT_EQ(config.tile.lead_in_ns, 10.0);
  EXPECT_THAT(config.floorplan.processing_elements, ElementsAre(0U, 35U));
  EXPECT_EQ(config.seed, 16U);
  EXPECT_EQ(load_sets({"floorplan.pads=[{domain='X', input_row=0, output_row=3}]"}).floorplan.pads.size(), 1U);
}

TEST_F(ConfigTest, RecordedFileIsRelativeToTheFileThatNamesIt) {
  const PlatformConfig config = load_file("transport.mode = 'recorded'\ntransport.recorded_file = 'errors.txt'");
  EXPECT_EQ(config.transport.recorded_file, (folder_ / "errors.txt").string());
  EXPECT_EQ(load_sets({"transport.recorded_file=errors.txt"}).transport.recorded_file,
            (std::filesystem::current_path() / "errors.txt").string());
}

TEST_F(ConfigTest, SyntaxErrorsNameLineAndColumn) {
  EXPECT_THAT(file_complaint("seed = 1\n[clock\nperiod_ns = 1\n"),
              AllOf(StartsWith("file.toml:2:7: "), HasSubstr("expected ']'")));
  EXPECT_THAT(file_complaint("seed = 1\nseed = 2\n"), StartsWith("file.toml:2:"));
}

TEST_F(ConfigTest, UnknownKeysNameTheirPlaceAndTheNearestKey) {
  EXPECT_EQ(file_complaint("seed = 1\n\n[tile]\nlead_in = 3\n"),
            "file.toml:4:1: unknown key 'tile.lead_in'. Did you mean 'tile.lead_in_ns'?");
  EXPECT_EQ(file_complaint("[transprot]\nbound_ns = 3\n"),
            "file.toml:2:1: unknown key 'transprot.bound_ns'. Did you mean 'transport.bound_ns'?");
  EXPECT_EQ(file_complaint("[tile]\nprogramming_sigma = 0.1\n"),
            "file.toml:2:1: unknown key 'tile.programming_sigma'. Did you mean 'tile.array.programming_sigma'?");
  EXPECT_EQ(file_complaint("qqqqqqqq = 3\n"),
            "file.toml:1:1: unknown key 'qqqqqqqq'. 'chronotile config --dump' lists all keys");
  EXPECT_EQ(set_complaint({"clock.period=3"}),
            "--set clock.period=3: unknown key 'clock.period'. Did you mean 'clock.period_ns'?");
}

TEST_F(ConfigTest, KeysThatTheAssemblySetsAreNotTheUsers) {
  for (const char* key : {"tile.index", "node.index", "node.pass_through", "pad.source_id", "controller.kind"}) {
    EXPECT_THAT(set_complaint({std::string(key) + "=0"}), HasSubstr(fmt::format("unknown key '{}'", key)));
  }
}

TEST_F(ConfigTest, TheFirstMistakeInTheFileIsReported) {
  EXPECT_THAT(file_complaint("zzzzzz = 1\naaaaaa = 1\n"), StartsWith("file.toml:1:1: unknown key 'zzzzzz'"));
}

TEST_F(ConfigTest, SectionsAreNotValues) {
  EXPECT_THAT(file_complaint("tile = 3"), StartsWith("file.toml:1:1: 'tile' is a section, not a value. Set the keys in "
                                                     "it, for example 'tile.lead_in_ns'"));
  EXPECT_THAT(file_complaint("[[tile]]\nlead_in_ns = 1"), HasSubstr("'tile' is a section, not a value"));
  EXPECT_THAT(set_complaint({"tile.array=3"}), HasSubstr("for example 'tile.array.programming_sigma'"));
  EXPECT_EQ(file_complaint("[tile]\n"), "");
  EXPECT_EQ(file_complaint("[seed]\na = 1\n"),
            "file.toml:1:1: 'seed' expects a whole number, got a table. The default is 1");
}

TEST_F(ConfigTest, WrongTypesNamePlaceTypeAndUnit) {
  EXPECT_EQ(file_complaint("[clock]\nperiod_ns = \"fast\"\n"),
            "file.toml:2:13: 'clock.period_ns' expects a number in ns, got a string. The default is 1.0");
  EXPECT_EQ(file_complaint("[clock]\nslot_cycles = 300.0\n"),
            "file.toml:2:15: 'clock.slot_cycles' expects a whole number in cycles, got a number with a fraction. The "
            "default is 300");
  EXPECT_EQ(file_complaint("pad.quantise = 1\n"),
            "file.toml:1:16: 'pad.quantise' expects true or false, got a whole number. The default is true");
  EXPECT_EQ(file_complaint("mapping.weight_mode = [1]\n"),
            "file.toml:1:23: 'mapping.weight_mode' expects one of ab, single, wp1wp2, quad, got an array. The default "
            "is \"ab\"");
  EXPECT_EQ(file_complaint("tile.lead_in_ns = 1979-05-27\n"),
            "file.toml:1:19: 'tile.lead_in_ns' expects a number in ns, got a date or time. The default is 10.0");
  EXPECT_THAT(file_complaint("floorplan.processing_elements = 3\n"), HasSubstr("expects a list of whole numbers, got"));
  EXPECT_THAT(file_complaint("floorplan.processing_elements = [1,\n 'a']\n"), StartsWith("file.toml:2:2: "));
  EXPECT_THAT(file_complaint("floorplan.pads = 3\n"), HasSubstr("expects a list of tables, got a whole number"));
  EXPECT_THAT(file_complaint("floorplan.pads = [3]\n"),
              HasSubstr("expects a list of tables, got a whole number in it"));
  EXPECT_EQ(set_complaint({"seed=abc"}),
            "--set seed=abc: 'seed' expects a whole number, got 'abc'. Write the value as in TOML");
  EXPECT_THAT(file_complaint("tile.lead_in_ns = nan\n"), HasSubstr("expects a number in ns, got nan"));
  EXPECT_THAT(file_complaint("tile.lead_in_ns = inf\n"), HasSubstr("expects a number in ns, got inf"));
  EXPECT_THAT(file_complaint("preset = 3\n"), HasSubstr("file.toml:1:10: 'preset' expects a string, got"));
}

TEST_F(ConfigTest, ValuesOutOfRangeNamePlaceAndRange) {
  EXPECT_EQ(file_complaint("[clock]\nperiod_ns = 0\n"),
            "file.toml:2:13: 'clock.period_ns' must be above 0 ns, got 0. The default is 1.0");
  EXPECT_EQ(file_complaint("[controller]\nsram_words = 65537\n"),
            "file.toml:2:14: 'controller.sram_words' must be 1 to 65536 words, got 65537. The default is 4096");
  EXPECT_EQ(set_complaint({"seed=-1"}), "--set seed=-1: 'seed' must be at least 0, got -1. The default is 1");
  EXPECT_THAT(set_complaint({"mapping.first_site=4294967296"}), HasSubstr("must be 0 to 63, got 4294967296"));
  EXPECT_THAT(set_complaint({"transport.bound_ns=-0.5"}), HasSubstr("must be at least 0 ns, got -0.5"));
  EXPECT_THAT(set_complaint({"transport.skew_share=1.01"}), HasSubstr("must be 0 to 1, got 1.01"));
  EXPECT_EQ(set_complaint({"transport.bound_ns=1000"}), "");  // may be exceeded on purpose
}

TEST_F(ConfigTest, ChoicesSuggestTheNearest) {
  EXPECT_EQ(file_complaint("[transport]\nmode = \"perhop\"\n"),
            "file.toml:2:8: 'transport.mode' must be one of off, per_hop, uniform, worst_case, recorded, got 'perhop'. "
            "Did you mean 'per_hop'?");
  EXPECT_THAT(set_complaint({"mapping.weight_mode="}), HasSubstr("must be one of ab, single, wp1wp2, quad, got ''"));
}

TEST_F(ConfigTest, PairsOfPadsAreChecked) {
  EXPECT_EQ(file_complaint("[[floorplan.pads]]\ndomain = 'A'\ninput_row = 0\noutput_rwo = 1\n"),
            "file.toml:4:14: unknown key 'output_rwo' in 'floorplan.pads'. Did you mean 'output_row'?");
  EXPECT_THAT(file_complaint("[[floorplan.pads]]\ndomain = 'A'\ninput_row = 0\n"),
              StartsWith("file.toml:1:1: 'floorplan.pads' lacks 'output_row' in a pair"));
  EXPECT_THAT(file_complaint("[[floorplan.pads]]\ndomain = 'A'\ninput_row = 'N'\noutput_row = 1\n"),
              StartsWith("file.toml:3:13: 'floorplan.pads.input_row' expects a whole number, got a string"));
}

TEST_F(ConfigTest, UnreadableFilesAreNamed) {
  Sources sources;
  sources.file = (folder_ / "missing.toml").string();
  EXPECT_THAT(complaint(sources), StartsWith("missing.toml: cannot be read (No such file or directory)"));
  sources.file = folder_.string();
  EXPECT_THAT(complaint(sources), HasSubstr("is a folder, not a configuration file"));
  EXPECT_EQ(file_complaint(""), "");
}

TEST_F(ConfigTest, SettingsNeedKeyAndValue) {
  EXPECT_EQ(set_complaint({"seed"}), "--set seed: is not of the form KEY=VALUE. Write for example --set seed=2");
  EXPECT_THAT(set_complaint({"=3"}), HasSubstr("is not of the form KEY=VALUE"));
  EXPECT_THAT(set_complaint({""}), HasSubstr("is not of the form KEY=VALUE"));
  EXPECT_THAT(set_complaint({"seed=1\nclock.period_ns=2"}), HasSubstr("sets more than one key"));
}

TEST_F(ConfigTest, ContradictionsNameTheKeys) {
  EXPECT_THAT(set_complaint({"clock.slot_cycles=284"}),
              AllOf(StartsWith("--set clock.slot_cycles=284: a slot of 284 ns"), HasSubstr("clock.slot_cycles"),
                    HasSubstr("mapping.lead_cycle 20 ns"), HasSubstr("pad.full_scale 255 ns"),
                    HasSubstr("mapping.window_tail_cycles 10 ns")));
  EXPECT_EQ(set_complaint({"clock.slot_cycles=285"}), "");
  EXPECT_EQ(set_complaint({"clock.slot_cycles=157", "pad.full_scale=127"}), "");
  EXPECT_THAT(file_complaint("[clock]\nperiod_ns = 0.5\n"), StartsWith("file.toml:2:13: a slot of 150 ns"));
  EXPECT_THAT(set_complaint({"mapping.window_lead_cycles=21"}), HasSubstr("mapping.lead_cycle is 20"));
  EXPECT_THAT(set_complaint({"mapping.relu_lead_ns=21"}), HasSubstr("mapping.lead_cycle is 20 ns"));
  EXPECT_THAT(set_complaint({"transport.mode=recorded"}), HasSubstr("needs transport.recorded_file"));
}

TEST_F(ConfigTest, FloorplanStaysInsideTheGrid) {
  EXPECT_THAT(set_complaint({"floorplan.rows=9", "floorplan.columns=9"}),
              HasSubstr("floorplan.rows * floorplan.columns is 81, a chip has at most 64 sites"));
  EXPECT_THAT(set_complaint({"floorplan.processing_elements=[14, 36]"}),
              HasSubstr("floorplan.processing_elements: site 36 is outside the grid of 6 x 6"));
  EXPECT_THAT(set_complaint({"floorplan.processing_elements=[14, 14]"}), HasSubstr("site 14 stands there twice"));
  EXPECT_THAT(set_complaint({"floorplan.rows=5"}),
              StartsWith("--set floorplan.rows=5: floorplan.pads[4].output_row 5 is outside the grid"));
  EXPECT_THAT(set_complaint({"mapping.first_site=36"}), HasSubstr("mapping.first_site 36 is outside the grid"));
  EXPECT_THAT(set_complaint({"floorplan.pads=[]"}), HasSubstr("floorplan.pads is empty"));
  EXPECT_THAT(set_complaint({"floorplan.pads=[{domain='A', input_row=1, output_row=1}]"}),
              HasSubstr("floorplan.pads[0].output_row: row 1 of the western edge has a pad already"));
  EXPECT_THAT(set_complaint({"floorplan.pads=[{domain='A', input_row=0, output_row=1}, {domain='A', input_row=0, "
                             "output_row=1, east=true}]"}),
              HasSubstr("floorplan.pads[1].domain 'A' is taken by another pair"));
  EXPECT_THAT(set_complaint({"floorplan.rows=1", "floorplan.columns=1", "floorplan.processing_elements=[0]"}),
              HasSubstr("floorplan.processing_elements leaves no tile"));
}

TEST_F(ConfigTest, ValidateChecksConfigurationsOfPrograms) {
  PlatformConfig config;
  EXPECT_NO_THROW(validate(config));
  config.transport.skew_share = 2;
  EXPECT_THROW(validate(config), UserError);
  config = PlatformConfig{};
  config.mapping.weight_mode = "triple";
  EXPECT_THROW(validate(config), UserError);
}

TEST_F(ConfigTest, DumpsOfPresetsComeBack) {
  for (const Preset& preset : presets()) {
    const PlatformConfig config = preset_config(preset.name);
    EXPECT_EQ(dump(load_file(dump(config))), dump(config)) << preset.name;
    EXPECT_TRUE(differences(load_file(dump(config)), config).empty());
  }
}

TEST_F(ConfigTest, DumpedNumbersComeBackBitByBit) {
  for (const double number : {0.1, 1.0 / 3.0, 5e-324, 1e22, 123456789.125, std::numeric_limits<double>::max(),
                              std::numeric_limits<double>::min(), 1e-7, 3.0}) {
    PlatformConfig config;
    config.tile.lead_in_ns = number;
    EXPECT_EQ(load_file(dump(config)).tile.lead_in_ns, number);
  }
}

TEST_F(ConfigTest, DumpedTextComesBack) {
  PlatformConfig config;
  config.transport.recorded_file = "/a \"quoted\" \\ path\twith\nanything é";
  config.floorplan.pads = {{"q\"", 0, 1, false}, {"e", 5, 2, true}};
  config.floorplan.processing_elements = {};
  const PlatformConfig back = load_file(dump(config));
  EXPECT_EQ(back.transport.recorded_file, config.transport.recorded_file);
  EXPECT_EQ(back.floorplan.pads[0].domain, "q\"");
  EXPECT_EQ(back.floorplan.pads[1].input_row, 5U);
  EXPECT_TRUE(back.floorplan.processing_elements.empty());
}

TEST_F(ConfigTest, DumpExplainsKeys) {
  PlatformConfig config;
  config.transport.bound_ns = 7;
  EXPECT_THAT(dump(config), HasSubstr("# Largest error of a duration over the whole chip [P; ns; at least 0; default "
                                      "5.0]\nbound_ns = 7.0\n"));
}

TEST_F(ConfigTest, JsonHasValueDefaultUnitTagAndText) {
  std::ostringstream out;
  dump_json(out, load_sets({"transport.bound_ns=7", "transport.mode=uniform"}));
  const auto json = nlohmann::json::parse(out.str());
  EXPECT_EQ(json["transport.bound_ns"]["value"], 7.0);
  EXPECT_EQ(json["transport.bound_ns"]["default"], 5.0);
  EXPECT_EQ(json["transport.bound_ns"]["unit"], "ns");
  EXPECT_EQ(json["transport.bound_ns"]["tag"], "P");
  EXPECT_EQ(json["transport.bound_ns"]["doc"], "Largest error of a duration over the whole chip");
  EXPECT_EQ(json["transport.mode"]["value"], "uniform");
  EXPECT_EQ(json["floorplan.processing_elements"]["value"], nlohmann::json({14, 15}));
  EXPECT_EQ(json["floorplan.pads"]["value"][1]["domain"], "NE");
}

TEST_F(ConfigTest, DifferencesListChangedKeys) {
  const auto changed = differences(load_sets({"seed=7", "preset=ideal"}), preset_config("ideal"));
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].key, "seed");
  EXPECT_EQ(changed[0].value, "7");
  EXPECT_EQ(changed[0].base, "1");
}

}  // namespace
}  // namespace chronotile::config
