#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <systemc>
#include <vector>

#include "models/duration/protocol.hpp"
#include "models/duration/time.hpp"

namespace chronotile::support {

/// Sits on a wire segment and fails the test when the driver of the segment breaks a rule of the duration protocol
/// (models/duration/protocol.hpp): order of phases, immutable payload, cuts, finality.
class DurationChecker : public sc_core::sc_module {
 public:
  explicit DurationChecker(const sc_core::sc_module_name& name, std::size_t lanes = 1)
      : sc_module(name), lanes_(lanes) {
    in.on_begin([this](duration::Pulses& pulses) { on_begin(pulses); });
    in.on_end([this](duration::Pulses& pulses) { on_end(pulses); });
  }

  duration::TargetSocket in{"in"};
  duration::InitiatorSocket out{"out"};

  /// Keep problems for problems() instead of failing the test: for tests of the checker itself.
  void collect() { collecting_ = true; }
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  /// Transactions that began and have not ended: 0 when a test is over.
  [[nodiscard]] std::size_t open() const { return open_.size(); }
  [[nodiscard]] std::uint64_t transactions() const { return transactions_; }

 private:
  struct Begun {
    duration::Pulses pulses;
    sc_dt::uint64 delta;
  };

  void require(bool rule, const char* text) {
    if (!rule) {
      problems_.push_back(fmt::format("{} at {}: {}", name(), sc_core::sc_time_stamp().to_string(), text));
      if (!collecting_) {
        ADD_FAILURE() << problems_.back();
      }
    }
  }

  void on_begin(duration::Pulses& pulses) {
    ++transactions_;
    require(pulses.emission != nullptr, "begin_pulses without an emission");
    if (pulses.emission == nullptr) {
      return;
    }
    const double now = duration::now_ns();
    require(open_.count(&pulses) == 0, "begin_pulses of a transaction that has not ended");
    require(pulses.groups != 0, "begin_pulses without a wire group");
    require((pulses.groups & ~pulses.emission->groups) == 0, "wire groups that the emission does not drive");
    require(!pulses.emission->final, "begin_pulses of an emission that is final");
    require(std::isinf(pulses.tail_cut_ns), "begin_pulses with a tail cut");
    require(pulses.delay_ns >= 0 && pulses.head_cut_ns >= 0, "negative delay or head cut");
    require(pulses.emission->lead_ns <= now + 1e-9, "begin_pulses before the leading edge");
    require(pulses.head_cut_ns > 0 || now - pulses.emission->lead_ns <= pulses.delay_ns + 1e-3,
            "begin_pulses after the leading edge, without a head cut");
    for (const auto& [address, begun] : open_) {
      require(
          address == &pulses || begun.pulses.emission != pulses.emission || (begun.pulses.groups & pulses.groups) == 0,
          "the emission is on these wires already");
    }
    open_.insert_or_assign(&pulses, Begun{pulses, sc_core::sc_delta_count()});
    out.begin(pulses);
  }

  void on_end(duration::Pulses& pulses) {
    const auto found = open_.find(&pulses);
    require(found != open_.end(), "end_pulses of a transaction that was not begun");
    if (found == open_.end()) {
      return;
    }
    const Begun begun = found->second;
    require(begun.pulses.emission == pulses.emission && begun.pulses.groups == pulses.groups &&
                begun.pulses.delay_ns == pulses.delay_ns && begun.pulses.head_cut_ns == pulses.head_cut_ns &&
                begun.pulses.hops == pulses.hops,
            "the payload changed during the transaction");
    require(pulses.tail_cut_ns >= 0, "negative tail cut");
    const duration::Emission& emission = *pulses.emission;
    if (emission.final) {
      check_final(emission);
      require(duration::ceil_time(emission.lead_ns + emission.longest_ns) <= sc_core::sc_time_stamp(),
              "end_pulses before the last falling edge");
      require(begun.delta != sc_core::sc_delta_count(), "end_pulses in the delta cycle of begin_pulses");
    } else {
      require(std::isfinite(pulses.tail_cut_ns), "end_pulses of an emission that is neither final nor cut");
      require(pulses.tail_cut_ns <= duration::now_ns() - emission.lead_ns + 1e-9 || std::isinf(pulses.tail_cut_ns),
              "a tail cut in the future");
    }
    open_.erase(found);
    out.end(pulses);
  }

  void check_final(const duration::Emission& emission) {
    const duration::Block& block = emission.durations();
    const bool shape = block.rows() == kWires && static_cast<std::size_t>(block.cols()) == lanes_;
    require(shape, "final durations are not 512 x lanes");
    if (!shape) {
      return;
    }
    require((block >= 0).all() && block.isFinite().all(), "a duration is negative or not finite");
    require(block.maxCoeff() == emission.longest_ns, "longest_ns is not the largest duration");
    bool silent = true;
    for (int group = 0; group < kWireGroups; ++group) {
      silent = silent && (((emission.groups >> group) & 1U) != 0 ||
                          (block.middleRows(group * kWiresPerGroup, kWiresPerGroup) == 0).all());
    }
    require(silent, "a duration on a wire group that is not driven");
  }

  std::size_t lanes_;
  bool collecting_ = false;
  std::vector<std::string> problems_;
  std::map<const duration::Pulses*, Begun> open_;
  std::uint64_t transactions_ = 0;
};

}  // namespace chronotile::support
