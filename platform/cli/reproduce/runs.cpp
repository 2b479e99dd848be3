#include "platform/cli/reproduce/runs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/prctl.h>

#include <algorithm>
#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <list>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>

#include "platform/cli/interrupt.hpp"
#include "platform/cli/terminal.hpp"

namespace chronotile::cli::reproduce {
namespace {

namespace process = boost::process;
using Clock = std::chrono::steady_clock;

/// A file without a name, gone when closed. What children print goes here, so that nobody has to read while they run.
class Scratch {
 public:
  Scratch() : file_(std::tmpfile(), &std::fclose) {
    if (file_ == nullptr) {
      throw std::system_error(errno, std::generic_category(), "a temporary file cannot be made");
    }
  }
  [[nodiscard]] FILE* get() const { return file_.get(); }
  [[nodiscard]] std::string text() const {
    constexpr std::size_t kPiece = 65536;
    std::string all;
    std::rewind(file_.get());
    for (std::size_t taken = kPiece; taken == kPiece;) {
      const std::size_t before = all.size();
      all.resize(before + kPiece);
      taken = std::fread(all.data() + before, 1, kPiece, file_.get());
      all.resize(before + taken);
    }
    return all;
  }

 private:
  std::unique_ptr<FILE, int (*)(FILE*)> file_;
};

/// Ended by its destructor if it still runs.
class Child {
 public:
  Child(const std::string& program, const Run& run)
      : run_(run),
        child_(program, process::args = run.arguments, process::std_in<process::null, process::std_out> out_.get(),
               process::std_err > err_.get(), process::extend::on_exec_setup([](auto& /*executor*/) {
                 ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // not outlive the program if that is killed
               })) {}

  [[nodiscard]] const Run& run() const { return run_; }
  [[nodiscard]] bool running() { return child_.running(); }
  /// When it has ended.
  [[nodiscard]] Outcome outcome() {
    child_.wait();
    const double wall_s = std::chrono::duration<double>(Clock::now() - start_).count();
    if (child_.exit_code() != 0) {
      throw std::runtime_error(failure(fmt::format("ended with status {}", child_.exit_code())));
    }
    auto json = nlohmann::ordered_json::parse(out_.text(), nullptr, false);
    if (!json.is_object()) {
      throw std::runtime_error(failure("printed no JSON object"));
    }
    return {std::move(json), wall_s};
  }

 private:
  [[nodiscard]] std::string failure(const std::string& what) const {
    constexpr std::size_t kLines = 5;
    const std::string text = err_.text();
    std::vector<std::string> lines;
    for (std::size_t from = 0; from < text.size();) {
      const std::size_t end = std::min(text.find('\n', from), text.size());
      lines.push_back("  " + text.substr(from, end - from));
      from = end + 1;
    }
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(std::min(kLines, lines.size())));
    return fmt::format("{}: the run {}\n  chronotile {}\n{}", run_.label, what, fmt::join(run_.arguments, " "),
                       fmt::join(lines, "\n"));
  }

  Run run_;
  Scratch out_;
  Scratch err_;
  Clock::time_point start_ = Clock::now();
  process::child child_;
};

}  // namespace

const Outcome& Results::at(const Run& run) const {
  const auto found = outcomes_.find(run.arguments);
  if (found == outcomes_.end()) {
    throw std::out_of_range(run.label + ": this run was not asked for");
  }
  return found->second;
}

Results make(const std::vector<Run>& runs, std::size_t at_once) {
  constexpr auto kPause = std::chrono::milliseconds(5);
  std::list<Run> waiting;
  for (const Run& run : runs) {
    if (std::none_of(waiting.begin(), waiting.end(),
                     [&](const Run& other) { return other.arguments == run.arguments; })) {
      waiting.push_back(run);
    }
  }
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  const InterruptGuard interrupt;
  Progress progress("reproducing", waiting.size());
  std::uint64_t done = 0;
  Results results;
  std::list<Child> children;
  while (!waiting.empty() || !children.empty()) {
    if (InterruptGuard::flag()) {
      throw std::runtime_error(
          fmt::format("interrupted: {} of {} runs were done", done, done + children.size() + waiting.size()));
    }
    while (!waiting.empty() && children.size() < at_once) {
      children.emplace_back(program, waiting.front());
      waiting.pop_front();
    }
    bool ended = false;
    for (auto child = children.begin(); child != children.end();) {
      if (child->running()) {
        ++child;
        continue;
      }
      results.add(child->run(), child->outcome());
      child = children.erase(child);
      ended = true;
      progress.update(++done);
    }
    if (!ended) {
      std::this_thread::sleep_for(kPause);
    }
  }
  return results;
}

}  // namespace chronotile::cli::reproduce
