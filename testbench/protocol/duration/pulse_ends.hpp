#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <ostream>
#include <systemc>
#include <vector>

#include "models/duration/protocol.hpp"
#include "models/duration/receiver.hpp"
#include "models/duration/time.hpp"

/// The two ends of a wire segment for tests: a driver with a schedule and a receiver that writes a log.
namespace chronotile::support {

/// Drives emissions as a pad or a tile would: begins in delta 1 of a time stamp, ends at ceil_time(lead + longest).
class PulseSource : public sc_core::sc_module {
 public:
  PulseSource(const sc_core::sc_module_name& name, duration::SourceId source, std::size_t lanes = 1)
      : sc_module(name), source_(source), lanes_(lanes) {
    SC_HAS_PROCESS(PulseSource);
    SC_METHOD(on_due);
    sensitive << due_;
    dont_initialize();
    SC_METHOD(on_act);
    sensitive << act_;
    dont_initialize();
  }

  duration::InitiatorSocket out{"out"};

  /// Schedules `durations(wire, lane)` in ns on the wires of `groups` from `lead_ns` on (not in the past).
  std::shared_ptr<duration::Emission> emit(double lead_ns, GroupMask groups,
                                           const std::function<double(int, int)>& durations) {
    auto emission = std::make_shared<duration::Emission>();
    emission->source = source_;
    emission->groups = groups;
    emission->lead_ns = lead_ns;
    emission->durations_ns = duration::Block::Zero(kWires, static_cast<Eigen::Index>(lanes_));
    for (int wire = 0; wire < kWires; ++wire) {
      if (((groups >> (wire / kWiresPerGroup)) & 1U) != 0) {
        for (int lane = 0; lane < static_cast<int>(lanes_); ++lane) {
          emission->durations_ns(wire, lane) = durations(wire, lane);
        }
      }
    }
    emission->longest_ns = emission->durations_ns.maxCoeff();
    Transaction& transaction = transactions_.emplace_back();
    transaction.pulses.emission = emission;
    transaction.pulses.groups = groups;
    transaction.begin = duration::ceil_time(lead_ns);
    transaction.end = duration::ceil_time(lead_ns + emission->longest_ns);
    wake_at(transaction.begin);
    return emission;
  }
  std::shared_ptr<duration::Emission> emit(double lead_ns, GroupMask groups, double duration_ns) {
    return emit(lead_ns, groups, [duration_ns](int, int) { return duration_ns; });
  }

 private:
  enum class State { kWaiting, kHigh, kOver };
  struct Transaction {
    duration::Pulses pulses;
    sc_core::sc_time begin;
    sc_core::sc_time end;
    State state = State::kWaiting;
  };

  void wake_at(const sc_core::sc_time& time) {
    const sc_core::sc_time now = sc_core::sc_time_stamp();
    due_.notify(time > now ? time - now : sc_core::SC_ZERO_TIME);
  }

  void on_due() {
    const sc_core::sc_time now = sc_core::sc_time_stamp();
    for (Transaction& transaction : transactions_) {
      if (transaction.state == State::kHigh && transaction.end <= now) {
        transaction.state = State::kOver;
        transaction.pulses.emission->final = true;
        out.end(transaction.pulses);
      } else if (transaction.state == State::kWaiting && transaction.begin <= now) {
        act_.notify(sc_core::SC_ZERO_TIME);
      }
    }
    for (const Transaction& transaction : transactions_) {
      if (transaction.state == State::kWaiting && transaction.begin > now) {
        wake_at(transaction.begin);
      } else if (transaction.state == State::kHigh) {
        wake_at(transaction.end);
      }
    }
  }

  void on_act() {
    const sc_core::sc_time now = sc_core::sc_time_stamp();
    for (Transaction& transaction : transactions_) {
      if (transaction.state == State::kWaiting && transaction.begin <= now) {
        transaction.state = State::kHigh;
        wake_at(transaction.end);
        out.begin(transaction.pulses);
      }
    }
  }

  duration::SourceId source_;
  std::size_t lanes_;
  std::deque<Transaction> transactions_;
  sc_core::sc_event due_{"due"};
  sc_core::sc_event act_{"act"};
};

/// Receives and remembers.
class PulseLog : public sc_core::sc_module {
 public:
  struct Call {
    double time_ns = 0;
    bool begin = true;
    duration::SourceId source = 0;
    unsigned groups = 0;
    double delay_ns = 0;
    double head_cut_ns = 0;
    double tail_cut_ns = 0;
    std::vector<int> hops;

    friend bool operator==(const Call& a, const Call& b) {
      return a.time_ns == b.time_ns && a.begin == b.begin && a.source == b.source && a.groups == b.groups &&
             a.delay_ns == b.delay_ns && a.head_cut_ns == b.head_cut_ns && a.tail_cut_ns == b.tail_cut_ns &&
             a.hops == b.hops;
    }
    friend std::ostream& operator<<(std::ostream& out, const Call& call) {
      out << call.time_ns << (call.begin ? " begin" : " end") << " source " << call.source << " groups " << call.groups
          << " delay " << call.delay_ns << " head " << call.head_cut_ns << " tail " << call.tail_cut_ns << " hops";
      for (const int hop : call.hops) {
        out << ' ' << hop;
      }
      return out;
    }
  };

  explicit PulseLog(const sc_core::sc_module_name& name) : sc_module(name) {
    in.on_begin([this](duration::Pulses& pulses) {
      log(pulses, true);
      arrivals_.begin(pulses);
    });
    in.on_end([this](duration::Pulses& pulses) {
      log(pulses, false);
      arrivals_.end(pulses);
    });
  }

  duration::TargetSocket in{"in"};

  [[nodiscard]] const std::vector<Call>& calls() const { return calls_; }
  [[nodiscard]] const duration::Arrivals& arrivals() const { return arrivals_; }
  /// Overlap with a window of everything that has arrived, 512 x lanes.
  [[nodiscard]] duration::Block counted(double open_ns, double close_ns, std::size_t lanes = 1) const {
    duration::Block sum = duration::Block::Zero(kWires, static_cast<Eigen::Index>(lanes));
    duration::overlap(arrivals_.entries(), duration::Window{open_ns, close_ns}, {}, sum);
    return sum;
  }

 private:
  void log(const duration::Pulses& pulses, bool begin) {
    calls_.push_back({duration::now_ns(),
                      begin,
                      pulses.emission->source,
                      pulses.groups,
                      pulses.delay_ns,
                      pulses.head_cut_ns,
                      pulses.tail_cut_ns,
                      {pulses.hops.begin(), pulses.hops.end()}});
  }
  std::vector<Call> calls_;
  duration::Arrivals arrivals_;
};

}  // namespace chronotile::support
