#include "traces/attach.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <systemc>

#include "testbench/support/vcd_reader.hpp"
#include "testbench/unit/traces/support.hpp"
#include "traces/vcd_writer.hpp"

namespace chronotile::traces {
namespace {

using testing::ElementsAre;
using Change = support::VcdReader::Change;

class Counter final : public sc_core::sc_module, public probe::Traceable {
 public:
  explicit Counter(sc_core::sc_module_name name) : sc_module(name) {
    SC_METHOD(tick);
    sensitive << tick_;
  }

  void attach(probe::Observer& observer) override {
    count_.declare(observer, signal(name(), "count", probe::Kind::kBits, 8));
    count_.bits(value_);
  }

 private:
  SC_HAS_PROCESS(Counter);
  void tick() {
    count_.bits(value_++);
    tick_.notify(sc_core::sc_time(2, sc_core::SC_NS));
  }

  sc_core::sc_event tick_;
  probe::Probe count_;
  std::uint64_t value_ = 0;
};

SC_MODULE(Pair) {
  Counter first{"first"};
  Counter second{"second"};
  explicit Pair(sc_core::sc_module_name name) : sc_module(name) {}
};

using Attach = TraceTest;

TEST_F(Attach, WalksTheModuleTreeAndUsesTheKernelsTime) {
  Pair pair("pair");
  VcdConfig config;
  config.path = file("all.vcd");
  VcdWriter vcd(config);
  attach_all(vcd);
  sc_core::sc_start(5, sc_core::SC_NS);
  vcd.close();
  const support::VcdReader back(file("all.vcd"));
  EXPECT_THAT(back.names(), ElementsAre("pair.first.count", "pair.second.count"));
  EXPECT_THAT(back.changes("pair.second.count"), ElementsAre(Change{0, "0"}, Change{2000, "1"}, Change{4000, "10"}));
  EXPECT_EQ(back.end_ps(), 5000U);
}

TEST_F(Attach, StaysBelowTheRoot) {
  Pair pair("pair");
  VcdConfig config;
  config.path = file("some.vcd");
  VcdWriter vcd(config);
  attach_all(vcd, "pair.second");
  vcd.close();
  EXPECT_THAT(support::VcdReader(file("some.vcd")).names(), ElementsAre("pair.second.count"));
  EXPECT_THROW(attach_all(vcd, "pair.third"), std::invalid_argument);
}

}  // namespace
}  // namespace chronotile::traces
