#include "platform/cli/terminal.hpp"

#include <unistd.h>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

namespace chronotile::cli {
namespace {

constexpr std::string_view kGap = "  ";

/// Characters on the terminal: bytes of UTF-8 that do not continue one.
std::size_t width(std::string_view text) {
  constexpr unsigned kMask = 0xC0;
  constexpr unsigned kContinuation = 0x80;
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & kMask) != kContinuation; }));
}

std::vector<std::string_view> lines(std::string_view text) {
  std::vector<std::string_view> result;
  for (std::size_t from = 0;;) {
    const std::size_t end = text.find('\n', from);
    result.push_back(text.substr(from, end - from));
    if (end == std::string_view::npos) {
      return result;
    }
    from = end + 1;
  }
}

std::string duration_text(double seconds) {
  constexpr double kMinute = 60;
  const double rounded = std::ceil(seconds);
  return rounded < kMinute
             ? fmt::format("{:.0f} s", rounded)
             : fmt::format("{:.0f} min {:.0f} s", std::floor(rounded / kMinute), std::fmod(rounded, kMinute));
}

}  // namespace

bool stdout_is_terminal() { return isatty(STDOUT_FILENO) != 0; }
bool stderr_is_terminal() { return isatty(STDERR_FILENO) != 0; }

bool styled_output() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return stdout_is_terminal() && (no_color == nullptr || *no_color == '\0') && terminal != nullptr &&
         std::string_view(terminal) != "dumb";
}

void warn(std::string_view message) { std::cerr << fmt::format("chronotile: warning: {}\n", message); }

void Table::add(std::vector<std::string> cells) {
  if (cells.size() > columns_.size()) {
    throw std::invalid_argument(fmt::format("Table::add: {} cells for {} columns", cells.size(), columns_.size()));
  }
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text(bool styled) const {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    std::size_t widest = width(columns_[column].title);
    for (const auto& row : rows_) {
      for (const std::string_view line : lines(row[column])) {
        widest = std::max(widest, width(line));
      }
    }
    widths.push_back(widest);
  }
  std::string text;
  const auto add_line = [&](const std::vector<std::string_view>& cells) {
    std::string line;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      const std::string padding(widths[column] - width(cells[column]), ' ');
      line += column == 0 ? "" : kGap;
      line += columns_[column].align == Align::kRight ? padding : "";
      line += cells[column];
      line += columns_[column].align == Align::kLeft ? padding : "";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line;
  };

  std::vector<std::string_view> titles;
  for (const Column& column : columns_) {
    titles.emplace_back(column.title);
  }
  text += styled ? "\x1b[1m" : "";
  add_line(titles);
  text += styled ? "\x1b[0m\n" : "\n";
  for (const auto& row : rows_) {
    std::vector<std::vector<std::string_view>> cells;
    std::size_t height = 0;
    for (const std::string& cell : row) {
      cells.push_back(lines(cell));
      height = std::max(height, cells.back().size());
    }
    for (std::size_t line = 0; line < height; ++line) {
      std::vector<std::string_view> parts;
      for (const auto& cell : cells) {
        parts.push_back(line < cell.size() ? cell[line] : std::string_view());
      }
      add_line(parts);
      text += '\n';
    }
  }
  return text;
}

void Table::print(std::ostream& out) const { out << text(&out == &std::cout && styled_output()); }

std::string progress_text(std::string_view label, std::uint64_t done, std::uint64_t total, double elapsed_s) {
  constexpr std::size_t kBar = 24;
  constexpr double kPercent = 100;
  constexpr double kFirstEstimate_s = 1;
  const double share = total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto filled = static_cast<std::size_t>(share * kBar);
  std::string text = fmt::format("{} [{}{}] {}/{} {:.0f} %", label, std::string(filled, '#'),
                                 std::string(kBar - filled, '.'), done, total, std::floor(share * kPercent));
  if (share > 0 && share < 1 && elapsed_s >= kFirstEstimate_s) {
    text += fmt::format(" {} left", duration_text(elapsed_s * (1 - share) / share));
  }
  return text;
}

Progress::Progress(std::string label, std::uint64_t total)
    : label_(std::move(label)), total_(total), shown_(stderr_is_terminal()) {}

Progress::~Progress() {
  if (shown_) {
    std::cerr << "\r\x1b[K" << std::flush;
  }
}

void Progress::update(std::uint64_t done) {
  constexpr auto kPeriod = std::chrono::milliseconds(100);
  const Clock::time_point now = Clock::now();
  if (!shown_ || now < next_) {
    return;
  }
  next_ = now + kPeriod;
  const double elapsed_s = std::chrono::duration<double>(now - start_).count();
  std::cerr << '\r' << progress_text(label_, done, total_, elapsed_s) << "\x1b[K" << std::flush;
}

}  // namespace chronotile::cli
