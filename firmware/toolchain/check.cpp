#include "firmware/toolchain/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "firmware/toolchain/disassembler.hpp"

namespace chronotile::toolchain {
namespace {

using isa::Decoded;
using isa::Format;
using isa::Opcode;

/// A point of the program with the depths of the controller's stacks.
struct State {
  std::uint32_t address;
  int loops;
  int calls;
};

class Checker {
 public:
  Checker(const Program& program, const CheckOptions& options) : program_(program), options_(options) {
    decoded_.reserve(program.words.size());
    for (const isa::Word word : program.words) {
      decoded_.push_back(isa::decode(word));
    }
    reached_.assign(decoded_.size(), false);
    before_.resize(decoded_.size());
  }

  std::vector<Finding> run() {
    if (decoded_.empty()) {
      add(Severity::kError, 0, "the program is empty");
      return findings_;
    }
    follow();
    report_unreached();
    report_uncommitted();
    report_words();
    std::stable_sort(findings_.begin(), findings_.end(),
                     [](const Finding& a, const Finding& b) { return a.address < b.address; });
    return std::move(findings_);
  }

 private:
  void add(Severity severity, std::uint32_t address, const std::string& message) {
    if (known_.emplace(address, message).second) {
      findings_.push_back({severity, address, program_.place_of(address), message});
    }
  }

  [[nodiscard]] bool inside(std::uint32_t address) const { return address < decoded_.size(); }

  void go(const State& from, std::uint32_t to, int loops, int calls, bool jump) {
    if (!inside(to)) {
      add(Severity::kError, from.address,
          jump ? fmt::format("the target 0x{:04x} is outside of the program, which ends at 0x{:04x}", to,
                             decoded_.size() - 1)
               : std::string("the program runs on past its last word; end it with halt or a jump"));
      return;
    }
    before_[to].push_back(from.address);
    if (seen_.emplace(to, loops, calls).second) {
      waiting_.push_back({to, loops, calls});
    }
  }

  /// Walks through every state that can be reached.
  void follow() {
    seen_.emplace(0, 0, 0);
    waiting_.push_back({0, 0, 0});
    while (!waiting_.empty()) {
      const State state = waiting_.back();
      waiting_.pop_back();
      reached_[state.address] = true;
      if (const auto& decoded = decoded_[state.address]) {
        step(state, *decoded);
      } else {
        add(Severity::kError, state.address,
            fmt::format("an illegal word is executed: {}", why_illegal(program_.words[state.address])));
      }
    }
  }

  void step(const State& state, const Decoded& decoded) {
    const std::uint32_t next = state.address + 1;
    switch (decoded.opcode) {
      case Opcode::kHalt:
        return;
      case Opcode::kJmp:
        go(state, decoded.target, state.loops, state.calls, true);
        return;
      case Opcode::kBeq:
      case Opcode::kBne:
      case Opcode::kBlt:
      case Opcode::kBge:
        go(state, decoded.target, state.loops, state.calls, true);
        break;
      case Opcode::kCall:
        if (state.calls >= isa::kCallDepth) {
          add(Severity::kError, state.address,
              fmt::format("calls are nested deeper than {} (call_overflow)", isa::kCallDepth));
        } else {
          go(state, decoded.target, state.loops, state.calls + 1, true);
        }
        break;
      case Opcode::kRet:
        if (state.calls == 0) {
          add(Severity::kError, state.address, "ret without a call (call_underflow)");
        }
        return;
      case Opcode::kLoop:
      case Opcode::kLoopR:
        step_loop(state, decoded);
        return;
      case Opcode::kEndLoop:
        if (state.loops == 0) {
          add(Severity::kError, state.address, "endloop without a loop (loop_underflow)");
          return;
        }
        go(state, next, state.loops - 1, state.calls, false);
        return;
      default:
        break;
    }
    go(state, next, state.loops, state.calls, false);
  }

  void step_loop(const State& state, const Decoded& decoded) {
    const bool may_skip = decoded.opcode == Opcode::kLoopR || decoded.number == 0;
    const bool may_run = decoded.opcode == Opcode::kLoopR || decoded.number != 0;
    const auto& last = decoded.target > 0 && inside(decoded.target - 1U) ? decoded_[decoded.target - 1U] : std::nullopt;
    if (!last || last->opcode != Opcode::kEndLoop) {
      add(Severity::kWarning, state.address,
          fmt::format("the address behind this loop, 0x{:04x}, is not behind an endloop", decoded.target));
    }
    if (may_skip) {
      go(state, decoded.target, state.loops, state.calls, true);
    }
    if (may_run && state.loops >= isa::kLoopDepth) {
      add(Severity::kError, state.address,
          fmt::format("loops are nested deeper than {} (loop_overflow)", isa::kLoopDepth));
    } else if (may_run) {
      go(state, state.address + 1, state.loops + 1, state.calls, false);
    }
  }

  void report_unreached() {
    const auto count = static_cast<std::uint32_t>(decoded_.size());
    const auto dead = [&](std::uint32_t address) { return !reached_[address] && program_.words[address] != 0; };
    for (std::uint32_t first = 0; first < count; ++first) {
      if (!dead(first)) {
        continue;
      }
      std::uint32_t end = first;
      while (end < count && dead(end)) {
        ++end;
      }
      add(Severity::kWarning, first,
          end - first == 1 ? std::string("this word is never reached")
                           : fmt::format("these {} words are never reached", end - first));
      first = end;
    }
  }

  static bool writes_shadow(const Decoded& decoded) {
    const Format format = isa::instruction(decoded.opcode).format;
    return format == Format::kGroupValue || format == Format::kGroupRegister;
  }

  /// Goes backwards from every commit: a shadow write that is not met has none behind it.
  void report_uncommitted() {
    // A return can lead behind any call that is reached, an endloop back into its loop (which is before it anyway).
    std::vector<std::uint32_t> returns;
    for (std::uint32_t i = 0; i < decoded_.size(); ++i) {
      if (reached_[i] && decoded_[i] && decoded_[i]->opcode == Opcode::kRet) {
        returns.push_back(i);
      }
    }
    for (std::uint32_t i = 0; i + 1 < decoded_.size(); ++i) {
      if (!reached_[i] || !decoded_[i]) {
        continue;
      }
      const Opcode opcode = decoded_[i]->opcode;
      if (opcode == Opcode::kCall) {
        before_[i + 1].insert(before_[i + 1].end(), returns.begin(), returns.end());
      } else if ((opcode == Opcode::kLoop || opcode == Opcode::kLoopR) && decoded_[i]->target > i + 1 &&
                 inside(decoded_[i]->target - 1U)) {
        before_[i + 1].push_back(decoded_[i]->target - 1U);
      }
    }
    std::vector<bool> committed(decoded_.size(), false);
    std::vector<std::uint32_t> waiting;
    const auto mark = [&](std::uint32_t address) {
      if (!committed[address]) {
        committed[address] = true;
        waiting.push_back(address);
      }
    };
    for (std::uint32_t i = 0; i < decoded_.size(); ++i) {
      if (decoded_[i] && (decoded_[i]->commit || decoded_[i]->opcode == Opcode::kCommit)) {
        mark(i);
      }
    }
    while (!waiting.empty()) {
      const std::uint32_t address = waiting.back();
      waiting.pop_back();
      for (const std::uint32_t earlier : before_[address]) {
        mark(earlier);
      }
    }
    for (std::uint32_t i = 0; i < decoded_.size(); ++i) {
      if (reached_[i] && decoded_[i] && writes_shadow(*decoded_[i]) && !committed[i]) {
        add(Severity::kWarning, i,
            fmt::format("no commit follows this write to '{}': the signal keeps its level",
                        isa::signal_group(decoded_[i]->group).name));
      }
    }
  }

  void report_words() {
    for (std::uint32_t i = 0; i < decoded_.size(); ++i) {
      if (!reached_[i] || !decoded_[i]) {
        continue;
      }
      const Decoded& decoded = *decoded_[i];
      if (writes_shadow(decoded)) {
        const isa::SignalGroup& group = isa::signal_group(decoded.group);
        if (options_.kind == ControllerKind::kTile && !group.on_tiles) {
          add(Severity::kError, i, fmt::format("a tile's controller has no signal group '{}'", group.name));
        } else if (options_.kind == ControllerKind::kPad && !group.on_pads) {
          add(Severity::kError, i, fmt::format("a pad's controller has no signal group '{}'", group.name));
        }
      }
      if (decoded.opcode == Opcode::kAt && decoded.number >= options_.slot_cycles) {
        add(Severity::kError, i,
            fmt::format("cycle {} never comes: a slot has cycles 0..{}", decoded.number, options_.slot_cycles - 1));
      }
    }
  }

  const Program& program_;
  CheckOptions options_;
  std::vector<std::optional<Decoded>> decoded_;
  std::vector<bool> reached_;
  std::vector<std::vector<std::uint32_t>> before_;  ///< where a word can be reached from
  std::set<std::tuple<std::uint32_t, int, int>> seen_;
  std::vector<State> waiting_;
  std::set<std::pair<std::uint32_t, std::string>> known_;
  std::vector<Finding> findings_;
};

}  // namespace

std::string Finding::text() const {
  return fmt::format("{}{}: {} (address 0x{:04x})", place.empty() ? std::string() : place + ": ",
                     severity == Severity::kError ? "error" : "warning", message, address);
}

std::vector<Finding> check(const Program& program, const CheckOptions& options) {
  return Checker(program, options).run();
}

std::vector<Finding> check(const std::vector<isa::Word>& words, const CheckOptions& options) {
  Program program;
  program.words = words;
  return check(program, options);
}

bool has_errors(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.severity == Severity::kError; });
}

}  // namespace chronotile::toolchain
