#include "testbench/support/linear_test.hpp"

#include <gtest/gtest.h>

#include <exception>

namespace chronotile::support {
namespace {

constexpr int kStackBytes = 1 << 20;

void run_and_pause(const std::function<void()>& body, bool& finished) {
  try {
    body();
  } catch (const sc_core::sc_unwind_exception&) {
    throw;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "exception out of the test's body: " << error.what();
  }
  finished = true;
  sc_core::sc_pause();
}

}  // namespace

void simulate(const std::function<void()>& body) {
  bool finished = false;
  sc_core::sc_spawn_options options;
  options.set_stack_size(kStackBytes);
  const sc_core::sc_process_handle thread =
      sc_core::sc_spawn([&body, &finished] { run_and_pause(body, finished); }, nullptr, &options);
  sc_core::sc_start();
  EXPECT_TRUE(finished) << "nothing was left to happen before the test's body came to its end";
  if (!finished && thread.valid()) {
    sc_core::sc_process_handle(thread).kill();
  }
}

double now_ns() { return sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_NS); }

void wait_until_ns(double time_ns) {
  const sc_core::sc_time time(time_ns, sc_core::SC_NS);
  ASSERT_LE(sc_core::sc_time_stamp(), time) << "wait_until_ns: the time has passed";
  sc_core::wait(time - sc_core::sc_time_stamp());
}

void wait_ns(double delay_ns) { sc_core::wait(delay_ns, sc_core::SC_NS); }

TestBench::TestBench(const sc_core::sc_module_name& name) : sc_module(name) {}

void TestBench::start() {
  simulate([this] { run(); });
}

}  // namespace chronotile::support
