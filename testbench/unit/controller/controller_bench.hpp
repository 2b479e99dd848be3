#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "firmware/toolchain/assembler.hpp"
#include "models/bus/bus_initiator.hpp"
#include "models/controller/local_controller.hpp"
#include "testbench/support/base_protocol_checker.hpp"
#include "testbench/support/linear_test.hpp"
#include "testbench/support/services_fixture.hpp"
#include "testbench/support/signal_recorder.hpp"
#include "testbench/support/test_clock.hpp"
#include "testbench/support/violations.hpp"

namespace chronotile::controller {

struct Raised {
  double time_ns;
  std::uint32_t causes;
  friend bool operator==(const Raised& left, const Raised& right) {
    return left.time_ns == right.time_ns && left.causes == right.causes;
  }
};

class InterruptRecorder : public sc_core::sc_module, public InterruptLines {
 public:
  explicit InterruptRecorder(const sc_core::sc_module_name& name) : sc_module(name) {}
  void raise(std::uint32_t causes) override { raised.push_back({support::now_ns(), causes}); }
  std::vector<Raised> raised;
};

/// A controller with its bus, clock and observers.
class ControllerBench : public support::TestServices {
 public:
  explicit ControllerBench(Kind kind = Kind::kTile, const std::string& prefix = "")
      : ControllerBench(make_config(kind), prefix) {}
  ControllerBench(const ControllerConfig& config, const std::string& prefix)
      : place(energy.add_place("lc", "test")),
        clock((prefix + "clock").c_str()),
        interrupts((prefix + "interrupts").c_str()),
        lc((prefix + "lc").c_str(), config, services, place),
        host((prefix + "host").c_str()),
        checker((prefix + "checker").c_str()),
        recorder((prefix + "recorder").c_str(), lc) {
    lc.clock(clock);
    lc.interrupts(interrupts);
    host.socket.bind(checker.from_initiator);
    checker.to_target.bind(lc.bus());
  }

  static ControllerConfig make_config(Kind kind) {
    ControllerConfig config;
    config.kind = kind;
    return config;
  }

  void load(const std::vector<isa::Word>& words) {
    ASSERT_EQ(host.debug_write(map::kSram, words.data(), words.size() * sizeof(isa::Word)),
              words.size() * sizeof(isa::Word));
  }
  void load(const std::string& source) { load(toolchain::assemble_text(source, "test.lcs").words); }

  void poke(std::uint64_t offset, std::uint32_t value) {
    ASSERT_EQ(host.debug_write(map::kRegisters + offset, &value, sizeof value), sizeof value) << "offset " << offset;
  }
  std::uint32_t peek(std::uint64_t offset) {
    std::uint32_t value = 0;
    EXPECT_EQ(host.debug_read(map::kRegisters + offset, &value, sizeof value), sizeof value) << "offset " << offset;
    return value;
  }
  /// The first instruction runs in the cycle after this.
  void start() { poke(map::kControl, 1); }

  /// Runs `source` from cycle 1 (start at time 0) for `ns`.
  void run(const std::string& source, double ns) {
    load(source);
    start();
    sc_core::sc_start(sc_core::sc_time(ns, sc_core::SC_NS));
  }

  energy::Place place;
  support::TestClock clock;
  InterruptRecorder interrupts;
  LocalController lc;
  bus::BusInitiator host;
  support::BaseProtocolChecker checker;
  support::SignalRecorder recorder;
};

}  // namespace chronotile::controller
