#include "traces/atomic_stream.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include "common/user_error.hpp"

namespace chronotile::traces {
namespace fs = std::filesystem;

AtomicStream::AtomicStream(fs::path path) : path_(std::move(path)) {
  std::error_code ignored;
  if (fs::is_directory(path_, ignored)) {
    throw UserError(path_.string(), "is a folder", "Give the name of a file");
  }
  const bool special = fs::exists(path_, ignored) && !fs::is_regular_file(path_, ignored);
  if (!special) {
    temporary_ = path_;
    temporary_ += ".part";
  }
  file_ = std::fopen((special ? path_ : temporary_).c_str(), "wb");
  if (file_ == nullptr) {
    const std::string reason = std::generic_category().message(errno);
    throw UserError(path_.string(), "cannot be created (" + reason + ")", "Check that the folder exists and is yours");
  }
  (void)std::setvbuf(file_, nullptr, _IONBF, 0);
  buffer_.reserve(kBlock + kBlock / 4);
}

AtomicStream::~AtomicStream() { abandon(); }

void AtomicStream::abandon() {
  if (file_ != nullptr) {
    (void)std::fclose(file_);
    file_ = nullptr;
    if (!temporary_.empty()) {
      std::error_code ignored;
      fs::remove(temporary_, ignored);
    }
  }
}

void AtomicStream::write() {
  if (!failed() && file_ != nullptr && buffer_.size() > 0 &&
      std::fwrite(buffer_.data(), 1, buffer_.size(), file_) != buffer_.size()) {
    failure_ = std::generic_category().message(errno);
    abandon();  // a full disk gets its room back at once
  }
  buffer_.clear();
}

void AtomicStream::commit() {
  write();
  if (file_ != nullptr) {
    const bool closed = std::fclose(file_) == 0;
    const int reason = errno;
    file_ = nullptr;
    std::error_code failure;
    if (!closed) {
      failure = std::error_code(reason, std::generic_category());
    } else if (!temporary_.empty()) {
      fs::rename(temporary_, path_, failure);
    }
    if (failure) {
      failure_ = failure.message();
      std::error_code ignored;
      if (!temporary_.empty()) {
        fs::remove(temporary_, ignored);
      }
    }
  }
  if (failed()) {
    throw UserError(path_.string(), "cannot be written (" + failure_ + ")",
                    "Make room on the disk, give another file, or trace fewer signals");
  }
}

}  // namespace chronotile::traces
