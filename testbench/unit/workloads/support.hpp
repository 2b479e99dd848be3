#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "common/user_error.hpp"

namespace chronotile::testing {

/// A directory of its own for each test, removed afterwards.
class InTemporaryDirectory : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* const info = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::path(::testing::TempDir()) /
                 ("chronotile-" + std::to_string(getpid()) + "-" + info->test_suite_name() + "-" + info->name());
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return directory_ / name; }

  [[nodiscard]] std::filesystem::path write(const std::string& name, const std::string& content) const {
    auto file = path(name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file;
  }

 private:
  std::filesystem::path directory_;
};

/// Runs `action`, which must throw UserError, and returns its message; each of `parts` must occur in it.
inline std::string user_error(const std::function<void()>& action, const std::vector<std::string>& parts) {
  try {
    action();
  } catch (const UserError& error) {
    std::string message = error.what();
    for (const auto& part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << "'" << part << "' is not in: " << message;
    }
    EXPECT_FALSE(error.remedy().empty());
    return message;
  }
  ADD_FAILURE() << "no UserError";
  return {};
}

inline std::vector<double> read_doubles(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  EXPECT_TRUE(in) << file;
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::vector<double> values(bytes.size() / sizeof(double));
  bytes.copy(reinterpret_cast<char*>(values.data()), values.size() * sizeof(double));
  return values;
}

template <typename T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A safetensors file of the given header text and data.
inline std::string safetensors(const std::string& header, const std::string& data) {
  return raw(std::vector<std::uint64_t>{header.size()}) + header + data;
}

}  // namespace chronotile::testing
