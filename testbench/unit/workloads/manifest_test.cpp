#include "workloads/manifest/manifest.hpp"

#include <gtest/gtest.h>

#include "testbench/unit/workloads/support.hpp"

namespace chronotile::manifest {
namespace {

using testing::user_error;

const std::vector<std::string> kClasses = {"yes", "no", "silence", "unknown"};

class Manifest : public testing::InTemporaryDirectory {
 protected:
  void SetUp() override {
    InTemporaryDirectory::SetUp();
    (void)write("data/a.wav", "");
    (void)write("data/sub/b c.flac", "");
  }
  [[nodiscard]] std::vector<std::string> names(const std::vector<Entry>& entries) const {
    std::vector<std::string> result;
    result.reserve(entries.size());
    for (const Entry& entry : entries) {
      result.push_back(entry.file.lexically_relative(path("")).string() + "=" + entry.label);
    }
    return result;
  }
};

using Names = std::vector<std::string>;

TEST_F(Manifest, PathsAreRelativeToTheManifest) {
  const auto entries = read_tsv(write("data/m.tsv", "a.wav\tyes\nsub/b c.flac\tturn on the\tlight\n"));
  EXPECT_EQ(names(entries), (Names{"data/a.wav=yes", "data/sub/b c.flac=turn on the\tlight"}));
}

TEST_F(Manifest, AbsolutePathStays) {
  const auto entries = read_tsv(write("m.tsv", path("data/a.wav").string() + "\tyes"));
  EXPECT_EQ(entries.at(0).file, path("data/a.wav"));
}

TEST_F(Manifest, CommentsEmptyLinesCarriageReturnsAndByteOrderMark) {
  const auto entries = read_tsv(write("data/m.tsv", "\xEF\xBB\xBF# recordings\r\n\r\na.wav\tyes\r\n\n"));
  EXPECT_EQ(names(entries), Names{"data/a.wav=yes"});
}

TEST_F(Manifest, LineWithoutTabNamesFileAndLine) {
  const auto file = write("data/m.tsv", "a.wav\tyes\na.wav no\n");
  user_error([&] { (void)read_tsv(file); }, {"m.tsv:2", "a.wav no", "no tab"});
}

TEST_F(Manifest, MissingPathOrLabel) {
  const auto no_path = write("data/m.tsv", "\tyes\n");
  user_error([&] { (void)read_tsv(no_path); }, {"m.tsv:1", "no path"});
  const auto no_label = write("data/n.tsv", "#\na.wav\t\r\n");
  user_error([&] { (void)read_tsv(no_label); }, {"n.tsv:2", "no label"});
}

TEST_F(Manifest, RecordingThatDoesNotExist) {
  const auto file = write("data/m.tsv", "a.wav\tyes\nabsent.wav\tno\n");
  user_error([&] { (void)read_tsv(file); }, {"m.tsv:2", "absent.wav"});
}

TEST_F(Manifest, AbsentOrEmptyManifestOrDirectory) {
  user_error([&] { (void)read_tsv(path("absent.tsv")); }, {"absent.tsv", "no such"});
  user_error([&] { (void)read_tsv(path("data")); }, {"data", "directory"});
  const auto empty = write("empty.tsv", "# nothing\n");
  user_error([&] { (void)read_tsv(empty); }, {"empty.tsv", "no recordings"});
}

TEST_F(Manifest, ClassFolders) {
  for (const auto* name : {"yes/2.wav", "yes/1.WAV", "yes/notes.txt", "bed/1.wav", "_silence_/1.wav", "_unknown_/1.wav",
                           "_background_noise_/hum.wav", ".hidden/1.wav", "README.md"}) {
    (void)write(std::string("sc/") + name, "");
  }
  const Names expected = {"sc/_silence_/1.wav=silence", "sc/_unknown_/1.wav=unknown", "sc/bed/1.wav=unknown",
                          "sc/yes/1.WAV=yes", "sc/yes/2.wav=yes"};
  EXPECT_EQ(names(read_class_folders(path("sc"), kClasses)), expected);
  EXPECT_EQ(names(read(path("sc"), kClasses)), expected);
}

TEST_F(Manifest, TestingListSelects) {
  (void)write("sc/yes/1.wav", "");
  (void)write("sc/yes/2.wav", "");
  (void)write("sc/bed/1.wav", "");
  (void)write("sc/testing_list.txt", "yes/2.wav\nbed/1.wav\n");
  EXPECT_EQ(names(read(path("sc"), kClasses)), (Names{"sc/yes/2.wav=yes", "sc/bed/1.wav=unknown"}));
  (void)write("sc/testing_list.txt", "yes/2.wav\nyes/3.wav\n");
  user_error([&] { (void)read(path("sc"), kClasses); }, {"testing_list.txt:2", "yes/3.wav"});
}

TEST_F(Manifest, ClassFoldersThatAreNone) {
  user_error([&] { (void)read_class_folders(path("absent"), kClasses); }, {"absent", "no such"});
  std::filesystem::create_directory(path("bare"));
  user_error([&] { (void)read_class_folders(path("bare"), kClasses); }, {"bare", "yes, no"});
  (void)write("sc/bed/1.wav", "");
  user_error([&] { (void)read_class_folders(path("sc"), {"yes", "no"}); }, {"bed", "no class", "yes, no"});
}

TEST_F(Manifest, ReadTakesAFileToo) {
  EXPECT_EQ(names(read(write("data/m.tsv", "a.wav\tyes\n"), kClasses)), Names{"data/a.wav=yes"});
}

TEST_F(Manifest, LibrispeechDirectory) {
  for (const auto* name : {"ls/84/121123/84-121123-0000.flac", "ls/84/121123/84-121123-0001.wav",
                           "ls/174/50561/174-50561-0000.flac", "ls/README.TXT"}) {
    (void)write(name, "");
  }
  (void)write("ls/84/121123/84-121123.trans.txt", "84-121123-0000 GO DO YOU HEAR\r\n84-121123-0001 IT'S\n\n");
  (void)write("ls/174/50561/174-50561.trans.txt", "174-50561-0000 FORGOTTEN TOO\n");
  const Names expected = {"ls/174/50561/174-50561-0000.flac=FORGOTTEN TOO",
                          "ls/84/121123/84-121123-0000.flac=GO DO YOU HEAR", "ls/84/121123/84-121123-0001.wav=IT'S"};
  EXPECT_EQ(names(read_librispeech(path("ls"))), expected);
  EXPECT_EQ(names(read_transcripts(path("ls"))), expected);
  EXPECT_EQ(read_transcripts(path("ls")).at(1).place, path("ls/84/121123/84-121123.trans.txt").string() + ":1");
}

TEST_F(Manifest, LibrispeechThatIsNone) {
  user_error([&] { (void)read_librispeech(path("absent")); }, {"absent", "no such"});
  user_error([&] { (void)read_transcripts(path("data")); }, {"data", "no transcripts", "LibriSpeech"});
  (void)write("ls/1.flac", "");
  (void)write("ls/a.trans.txt", "1 ONE\n2\n");
  user_error([&] { (void)read_transcripts(path("ls")); }, {"a.trans.txt:2", "'2'", "ID TEXT"});
  (void)write("ls/a.trans.txt", "1 ONE\n2 TWO\n");
  user_error([&] { (void)read_transcripts(path("ls")); }, {"a.trans.txt:2", "2.flac"});
}

TEST_F(Manifest, MlperfManifest) {
  const auto file = write("data/m.json", R"([
    {"transcript": "turn on", "files": [{"fname": "a.wav", "speed": 1}], "original_duration": 2.5},
    {"files": [{"fname": "sub/b c.flac"}, {"fname": "absent.wav"}], "transcript": " it's "}])");
  const auto entries = read_transcripts(file);
  EXPECT_EQ(names(entries), (Names{"data/a.wav=turn on", "data/sub/b c.flac=it's"}));
  EXPECT_EQ(entries[0].seconds, 2.5);
  EXPECT_EQ(entries[1].seconds, 0.0);
}

TEST_F(Manifest, MlperfManifestThatIsNone) {
  const auto refused = [&](const std::string& text, std::vector<std::string> parts) {
    const auto file = write("data/bad.json", text);
    parts.emplace_back("bad.json");
    user_error([&] { (void)read_mlperf(file); }, parts);
  };
  refused("[\n{\"transcript\": }]", {"bad.json:2", "no JSON"});
  refused("[", {"bad.json:1", "no JSON"});
  refused("{}", {"no list"});
  refused("[]", {"no list"});
  refused("[3]", {"entry 0", "files"});
  refused(R"([{"transcript": "a", "files": []}])", {"entry 0", "files"});
  refused(R"([{"transcript": "a", "files": [{"name": "a.wav"}]}])", {"entry 0", "fname"});
  refused(R"([{"files": [{"fname": "a.wav"}]}])", {"entry 0", "transcript"});
  refused(R"([{"transcript": 7, "files": [{"fname": "a.wav"}]}])", {"entry 0", "transcript", "7"});
  refused(R"([{"transcript": "a", "files": [{"fname": "a.wav"}]}, {"transcript": "b", "files": [{"fname": "c.wav"}]}])",
          {"entry 1", "c.wav"});
  refused(R"([{"transcript": "a", "files": [{"fname": "a.wav"}], "original_duration": "long"}])",
          {"entry 0", "original_duration", "long"});
  user_error([&] { (void)read_transcripts(path("absent.json")); }, {"absent.json", "no such"});
}

TEST_F(Manifest, TranscriptsFromATsv) {
  EXPECT_EQ(names(read_transcripts(write("data/m.tsv", "a.wav\tturn on\n"))), Names{"data/a.wav=turn on"});
}

}  // namespace
}  // namespace chronotile::manifest
