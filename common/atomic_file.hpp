#pragma once

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "common/user_error.hpp"

namespace chronotile {

/// Writes `bytes` to `path` through a temporary file beside it and a rename: `path` holds either what it held before or
/// all of `bytes`, and nothing else stays behind. Throws UserError.
inline void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path)) {  // /dev/stdout, a pipe
    std::ofstream stream(path, std::ios::binary);
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!stream.flush()) {
      throw UserError(path.string(), "cannot be written", "Give a file that you may write");
    }
    return;
  }
  std::filesystem::path temporary = path;
  temporary += ".part";
  {
    std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    stream.close();
    if (!stream) {
      const std::string reason = std::generic_category().message(errno);
      std::error_code ignored;
      std::filesystem::remove(temporary, ignored);
      throw UserError(path.string(), "cannot be written (" + reason + ")", "Check that the folder exists and is yours");
    }
  }
  std::error_code failure;
  std::filesystem::rename(temporary, path, failure);
  if (failure) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw UserError(path.string(), "cannot be replaced (" + failure.message() + ")",
                    "Check the permissions of the folder");
  }
}

}  // namespace chronotile
