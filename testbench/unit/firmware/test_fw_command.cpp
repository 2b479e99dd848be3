#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/user_error.hpp"
#include "firmware/toolchain/assembler.hpp"
#include "firmware/toolchain/image.hpp"
#include "platform/cli/fw_command.hpp"

namespace chronotile::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class FwCommand : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("fw_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return path(name);
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream stream(folder_ / name);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
  }
  [[nodiscard]] std::size_t file_count() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator()));
  }

  /// Standard output.
  std::string run(std::vector<std::string> arguments) {
    CLI::App app("test", "chronotile");
    cli_ = {};
    add_fw_command(app, cli_);
    arguments.insert(arguments.begin(), "fw");
    testing::internal::CaptureStdout();
    try {
      app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (...) {
      static_cast<void>(testing::internal::GetCapturedStdout());
      throw;
    }
    std::cout.flush();
    return testing::internal::GetCapturedStdout();
  }

  Cli cli_;

 private:
  std::filesystem::path folder_;
};

TEST_F(FwCommand, AssemblesToStandardOutput) {
  const std::string source = file("a.lcs", "wait N\n.if defined(B)\nhalt B\n.endif\n");
  const auto words = toolchain::assemble_text("wait 16\nhalt 1\n", "x").words;
  EXPECT_EQ(run({"asm", source, "-D", "N=0x10", "-D", "B"}), toolchain::hex_text(words));
}

TEST_F(FwCommand, WritesImageListingAndSymbols) {
  const std::string source = file("a.lcs", "start: halt 0\n");
  EXPECT_THAT(run({"asm", source, "-o", path("a.hex"), "--listing", path("a.lst"), "--symbols", path("a.sym")}),
              IsEmpty());
  EXPECT_EQ(toolchain::read_hex(path("a.hex")), toolchain::assemble_text("halt 0", "x").words);
  EXPECT_THAT(content("a.lst"), HasSubstr("start: halt 0"));
  EXPECT_EQ(toolchain::read_symbol_map(path("a.sym")).symbols.at("start"), 0U);
}

TEST_F(FwCommand, NothingIsWrittenWhenOneProgramIsWrong) {
  const std::string good = file("a.lcs", "halt 0\n");
  const std::string bad = file("b.lcs", "hlat 0\n");
  EXPECT_THROW(run({"asm", good, bad, "-o", path("")}), UserError);
  EXPECT_THROW(run({"asm", bad, "-o", path("x.hex")}), UserError);
  EXPECT_EQ(file_count(), 2U);
  file("b.lcs", "halt 1\n");
  run({"asm", good, bad, "-o", path("")});
  EXPECT_EQ(file_count(), 4U);
  EXPECT_EQ(toolchain::read_hex(path("b.hex")), toolchain::assemble_text("halt 1", "x").words);
}

TEST_F(FwCommand, RefusesWhatCannotBeMeant) {
  const std::string source = file("a.lcs", "halt 0\n");
  EXPECT_THROW(run({"asm", source, source, "-o", path("x.hex")}), UserError);
  EXPECT_THROW(run({"asm", source, "-o", source}), UserError);
  EXPECT_THROW(run({"asm", source, "-D", "N=x"}), UserError);
  EXPECT_THROW(run({"asm", source, "--words", "0"}), CLI::ParseError);
  EXPECT_THROW(run({"asm"}), CLI::ParseError);
  EXPECT_THROW(run({"asm", path("none.lcs")}), UserError);
  EXPECT_EQ(content("a.lcs"), "halt 0\n");
}

TEST_F(FwCommand, IncludeFolders) {
  file("a.inc", "halt 0\n");
  const std::string source = file("a.lcs", ".include \"a.inc\"\n");
  std::filesystem::create_directories(path("sub"));
  std::filesystem::rename(source, path("sub/a.lcs"));
  EXPECT_THROW(run({"asm", path("sub/a.lcs")}), UserError);
  EXPECT_NO_THROW(run({"asm", path("sub/a.lcs"), "-I", path("")}));
}

TEST_F(FwCommand, DisassemblesWhatReassembles) {
  const std::string source = file("a.lcs", "s: set.c en, all\n jmp s\n.word 5\n");
  run({"asm", source, "-o", path("a.hex")});
  const std::string text = run({"disasm", path("a.hex")});
  EXPECT_EQ(toolchain::assemble_text(text, "x").words, toolchain::read_hex(path("a.hex")));
  EXPECT_THAT(text, HasSubstr("L0000:"));
  EXPECT_THAT(run({"disasm", path("a.hex"), "--no-labels", "--plain"}), HasSubstr("jmp     0x0000\n"));
}

TEST_F(FwCommand, CheckReportsAndSetsTheStatus) {
  const std::string warning = file("a.lcs", "halt 0\nnop\n");
  const std::string wrong = file("b.lcs", "set.c psend, 1\nhalt 0\n");
  EXPECT_EQ(run({"check", warning}), warning + ":2: warning: this word is never reached (address 0x0001)\n");
  EXPECT_EQ(cli_.status, kSuccess);
  EXPECT_THAT(run({"check", wrong, "--kind", "pad"}), IsEmpty());
  EXPECT_EQ(cli_.status, kSuccess);
  EXPECT_THAT(run({"check", wrong, "--kind", "tile"}), HasSubstr("no signal group 'psend'"));
  EXPECT_EQ(cli_.status, kFailed);
  EXPECT_THROW(run({"check", wrong, "--kind", "tlie"}), CLI::ParseError);
  const auto json = nlohmann::json::parse(run({"check", warning, wrong, "--kind", "tile", "--json"}));
  ASSERT_EQ(json["findings"].size(), 2U);
  EXPECT_EQ(json["findings"][0]["severity"], "warning");
  EXPECT_EQ(json["findings"][1]["severity"], "error");
  EXPECT_EQ(json["findings"][1]["place"], wrong + ":1");
}

TEST_F(FwCommand, CheckReadsImages) {
  const std::string image = file("a.hex", "0\n");
  EXPECT_EQ(run({"check", image}), image + ": error: an illegal word is executed: erased (address 0x0000)\n");
  EXPECT_EQ(cli_.status, kFailed);
}

TEST_F(FwCommand, TablesUpdateAManual) {
  const std::string manual = file("m.md",
                                  "a\n<!-- generated by 'chronotile fw tables': begin -->\nold\n"
                                  "<!-- generated by 'chronotile fw tables': end -->\nz\n");
  run({"tables", "--update", manual});
  EXPECT_THAT(content("m.md"), HasSubstr("| `set` |"));
  EXPECT_THAT(content("m.md"), testing::StartsWith("a\n"));
  EXPECT_THAT(content("m.md"), testing::EndsWith("\nz\n"));
  EXPECT_THAT(run({"tables"}), HasSubstr("### Control signals"));
  EXPECT_THROW(run({"tables", "--update", file("n.md", "nothing\n")}), UserError);
}

}  // namespace
}  // namespace chronotile::cli
