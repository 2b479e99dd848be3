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

}  // namespace
}  // namespace chronotile::manifest
