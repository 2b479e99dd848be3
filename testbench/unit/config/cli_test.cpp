#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fmt/format.h>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "testbench/support/program.hpp"

namespace chronotile::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

using support::Outcome;

Outcome chronotile(const std::vector<std::string>& arguments) { return support::run_chronotile(arguments); }

void expect_bad_usage(const std::vector<std::string>& arguments, const std::string& part) {
  const Outcome outcome = chronotile(arguments);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, AllOf(StartsWith("chronotile: error: "), HasSubstr(part)));
}

TEST(Program, HelpAndVersionSucceed) {
  const Outcome help = chronotile({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out, HasSubstr("config"));
  EXPECT_THAT(help.err, IsEmpty());
  EXPECT_EQ(chronotile({"config", "--help"}).status, 0);
  const Outcome version = chronotile({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_EQ(version.out, "chronotile " CHRONOTILE_VERSION "\n");
}

TEST(Program, BadUsageHasStatusTwo) {
  expect_bad_usage({}, "A subcommand is required");
  expect_bad_usage({"confg"}, "confg: no such subcommand. Did you mean 'config'?");
  expect_bad_usage({"zzzzzz"}, "zzzzzz: no such subcommand. See 'chronotile --help'");
  expect_bad_usage({"config", "--prest", "ideal"}, "--prest: no such option. Did you mean '--preset'?");
  expect_bad_usage({"config", "--zzzzzzzz=1"}, "--zzzzzzzz: no such option. See 'chronotile config --help'");
  expect_bad_usage({"config", "extra"}, "extra");
  expect_bad_usage({"config", "--preset"}, "--preset");
  expect_bad_usage({"config", "--timing-error", "-1"}, "'-1' is not a time in ns");
  expect_bad_usage({"config", "--timing-error", "nan"}, "'nan' is not a time in ns");
  expect_bad_usage({"config", "--timing-error", "soon"}, "'soon' is not a time in ns");
}

TEST(Program, LaterVersionsSubcommandsAreUnknown) {
  for (const char* name : {"debug", "sweep"}) {
    expect_bad_usage({name}, "no such subcommand");
  }
}

TEST(ConfigCommand, BadInputHasStatusTwo) {
  expect_bad_usage({"config", "--set", "tile.lead_in=3"},
                   "--set tile.lead_in=3: unknown key 'tile.lead_in'. Did you mean 'tile.lead_in_ns'?");
  expect_bad_usage({"config", "--config", "/nonexistent.toml"}, "/nonexistent.toml: cannot be read");
}

TEST(ConfigCommand, SummaryShowsWhatDiffers) {
  const Outcome plain = chronotile({"config"});
  EXPECT_EQ(plain.status, 0);
  EXPECT_THAT(plain.out, AllOf(HasSubstr("ideal"), HasSubstr("The configuration is preset published."),
                               Not(HasSubstr("SystemC")), Not(HasSubstr("\x1b"))));
  const Outcome changed = chronotile({"config", "--timing-error", "2.5", "--set", "seed=7"});
  EXPECT_EQ(changed.status, 0);
  EXPECT_THAT(changed.out, AllOf(HasSubstr("transport.short_bound_ns  1.5"), HasSubstr("seed")));
  const auto json = nlohmann::json::parse(chronotile({"config", "--json", "--set", "seed=7"}).out);
  EXPECT_EQ(json["preset"], "published");
  EXPECT_EQ(json["changed"], nlohmann::json({"seed"}));
}

TEST(ConfigCommand, DumpComesBack) {
  const Outcome first =
      chronotile({"config", "--dump", "--preset", "ideal", "--set", "seed=7", "--set", "tile.lead_in_ns=0.1"});
  EXPECT_EQ(first.status, 0);
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / fmt::format("chronotile_cli_test_{}.toml", getpid());
  std::ofstream(file) << first.out;
  const Outcome second = chronotile({"config", "--dump", "--config", file.string()});
  EXPECT_EQ(second.status, 0);
  EXPECT_EQ(second.out, first.out);
  const auto json = nlohmann::json::parse(chronotile({"config", "--dump", "--json", "--config", file.string()}).out);
  EXPECT_EQ(json["seed"]["value"], 7);
  EXPECT_EQ(json["pad.quantise"]["value"], false);
  std::filesystem::remove(file);
}

TEST(ConfigCommand, SetTakesOneValueEach) { expect_bad_usage({"config", "--set", "seed=1", "seed=2"}, "seed=2"); }

}  // namespace
}  // namespace chronotile::cli
