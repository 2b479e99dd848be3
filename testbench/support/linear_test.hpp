#pragma once

#include <functional>
#include <systemc>

namespace chronotile::support {

/// Runs `body` in a SystemC thread from the current time on and returns when it has come to its end; the simulation is
/// then paused and may be continued. Fails the test if nothing is left to happen before. The body may call wait().
/// Elaborates on the first call, so every module must exist by then.
void simulate(const std::function<void()>& body);

/// Current simulation time in ns.
[[nodiscard]] double now_ns();
/// Waits, inside simulate(), until `time_ns` (absolute); its time must not have passed.
void wait_until_ns(double time_ns);
void wait_ns(double delay_ns);

/// A test written as a module: members are the device under test, run() is the test. Call start().
class TestBench : public sc_core::sc_module {
 public:
  explicit TestBench(const sc_core::sc_module_name& name);
  virtual void run() = 0;
  void start();
};

}  // namespace chronotile::support
