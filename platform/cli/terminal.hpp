#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

/// What the program shows on a terminal. Results go to stdout, everything else to stderr.
namespace chronotile::cli {

[[nodiscard]] bool stdout_is_terminal();
[[nodiscard]] bool stderr_is_terminal();
/// Whether results on stdout may be styled: a terminal, and neither NO_COLOR nor TERM=dumb asks for plain text.
[[nodiscard]] bool styled_output();

/// "chronotile: warning: ..." on stderr.
void warn(std::string_view message);

enum class Align : std::uint8_t { kLeft, kRight };
struct Column {
  std::string title;
  Align align = Align::kLeft;
};

/// Rows of text in aligned columns. Cells may have several lines.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// Missing cells at the end are empty. Throws std::invalid_argument if there are more cells than columns.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// The text; no blanks at the ends of lines. `styled`: titles in bold.
  [[nodiscard]] std::string text(bool styled = false) const;
  /// text(), styled where `out` is std::cout and styled_output().
  void print(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// "label [#####.....] 12/24 50 % 3 s left"; without the rest as long as it cannot be estimated.
[[nodiscard]] std::string progress_text(std::string_view label, std::uint64_t done, std::uint64_t total,
                                        double elapsed_s);

/// A progress bar on stderr; shows nothing unless stderr is a terminal. Gone when destroyed.
class Progress {
 public:
  Progress(std::string label, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress(Progress&&) = delete;
  Progress& operator=(const Progress&) = delete;
  Progress& operator=(Progress&&) = delete;

  /// Cheap: draws at most ten times a second. Not thread-safe.
  void update(std::uint64_t done);

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  std::uint64_t total_;
  bool shown_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_;
};

}  // namespace chronotile::cli
