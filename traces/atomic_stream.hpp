#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>

#include <fmt/format.h>

namespace chronotile::traces {

/// A file too large to be kept in memory that appears under its name only when it is complete: bytes go to `path`.part
/// until commit() renames it. Without commit() nothing stays behind. A path that exists and is no regular file (a
/// pipe, /dev/stdout) is written directly.
class AtomicStream {
 public:
  /// Creates the temporary file. Throws UserError.
  explicit AtomicStream(std::filesystem::path path);
  AtomicStream(const AtomicStream&) = delete;
  AtomicStream& operator=(const AtomicStream&) = delete;
  ~AtomicStream();

  /// Append here, then call drain(): it writes once a good amount has gathered.
  [[nodiscard]] fmt::memory_buffer& buffer() { return buffer_; }
  void drain() {
    if (buffer_.size() >= kBlock) {
      write();
    }
  }

  /// A write has failed (disk full): what follows is dropped, and commit() throws. Nothing throws in between, since
  /// an exception inside a simulation process would become a kernel report.
  [[nodiscard]] bool failed() const { return !failure_.empty(); }

  /// Writes the rest and gives the file its name. Throws UserError, after which nothing is left.
  void commit();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 20U;

  void write();
  void abandon();

  std::filesystem::path path_;
  std::filesystem::path temporary_;  ///< empty: written directly
  std::FILE* file_ = nullptr;
  fmt::memory_buffer buffer_;
  std::string failure_;
};

}  // namespace chronotile::traces
