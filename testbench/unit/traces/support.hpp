#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>

#include "models/base/probe.hpp"

namespace chronotile::traces {

/// A folder of its own for a test, and a time that the test sets.
class TraceTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder = std::filesystem::path(testing::TempDir()) /
             (std::string("chronotile_") + test->test_suite_name() + "_" + test->name());
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  [[nodiscard]] std::function<std::uint64_t()> test_clock() {
    return [this] { return now_ps; };
  }
  [[nodiscard]] std::filesystem::path file(const std::string& name) const { return folder / name; }

  std::filesystem::path folder;
  std::uint64_t now_ps = 0;
};

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream) << path;
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

inline probe::Signal signal(std::string scope, std::string name, probe::Kind kind, int bits = 1,
                            probe::Detail detail = probe::Detail::kDefault) {
  return {std::move(scope), std::move(name), kind, bits, detail, ""};
}

}  // namespace chronotile::traces
