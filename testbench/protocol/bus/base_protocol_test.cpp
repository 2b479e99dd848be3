#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tlm_utils/simple_target_socket.h>

#include <functional>

#include "models/bus/bus_initiator.hpp"
#include "models/bus/memory.hpp"
#include "models/bus/router.hpp"
#include "models/controller/local_controller.hpp"
#include "testbench/protocol/bus/storm.hpp"
#include "testbench/support/base_protocol_checker.hpp"
#include "testbench/support/linear_test.hpp"
#include "testbench/support/services_fixture.hpp"
#include "testbench/support/test_clock.hpp"

namespace chronotile::bus {
namespace {

using support::BaseProtocolChecker;
using support::simulate;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(BaseProtocol, MemoryBehindARouter) {
  BusInitiator host("host");
  BaseProtocolChecker before("before");
  BaseProtocolChecker behind("behind");
  Router router("router", {});
  Memory memory("memory", {});
  host.socket.bind(before.from_initiator);
  before.to_target.bind(router.input());
  router.map("memory", 0x8000, 0x1000).bind(behind.from_initiator);
  behind.to_target.bind(memory.socket);
  ReferenceMemory reference(0x8000, 0x1000);
  simulate([&] { storm(host, 0x7f00, 0x1200, 2000, &reference); });
  EXPECT_EQ(before.transactions(), 2000U);
  EXPECT_GT(behind.transactions(), 1000U);
}

TEST(BaseProtocol, LocalController) {
  support::TestServices services;
  support::TestClock clock("clock");
  BusInitiator host("host");
  BaseProtocolChecker checker("checker");
  controller::LocalController lc("lc", {}, services.services, services.energy.add_place("lc", "test"));
  lc.clock(clock);
  host.socket.bind(checker.from_initiator);
  checker.to_target.bind(lc.bus());
  simulate([&] {
    ReferenceMemory reference(controller::map::kSram, 0x8000);
    storm(host, controller::map::kSram + 0x7f00, 0x200, 1000, &reference);
    storm(host, controller::map::kRegisters, 0x240, 3000);
  });
  EXPECT_EQ(checker.transactions(), 4000U);
}

TEST(BaseProtocol, NonBlockingTransportReachesTheTargets) {
  struct Initiator : sc_core::sc_module {
    explicit Initiator(const sc_core::sc_module_name& name) : sc_module(name) {
      socket.register_nb_transport_bw(this, &Initiator::nb_transport_bw);
    }
    tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload&, tlm::tlm_phase& phase, sc_core::sc_time&) {
      if (phase == tlm::BEGIN_RESP) {
        done.notify(sc_core::SC_ZERO_TIME);
        return tlm::TLM_COMPLETED;
      }
      return tlm::TLM_ACCEPTED;
    }
    tlm_utils::simple_initiator_socket<Initiator, 32> socket{"socket"};
    sc_core::sc_event done;
  };
  Initiator initiator("initiator");
  Router router("router", {});
  Memory memory("memory", {});
  initiator.socket.bind(router.input());
  router.map("memory", 0, 0x1000).bind(memory.socket);
  simulate([&] {
    std::array<unsigned char, 4> data{1, 2, 3, 4};
    tlm::tlm_generic_payload payload;
    payload.set_write();
    payload.set_address(0x10);
    payload.set_data_ptr(data.data());
    payload.set_data_length(4);
    payload.set_streaming_width(4);
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay;
    if (initiator.socket->nb_transport_fw(payload, phase, delay) != tlm::TLM_COMPLETED) {
      sc_core::wait(initiator.done);
    }
    EXPECT_TRUE(payload.is_response_ok());
    EXPECT_EQ(memory.bytes()[0x13], 4);
  });
}

/// A target that breaks one rule at a time.
class BadTarget : public sc_core::sc_module {
 public:
  explicit BadTarget(const sc_core::sc_module_name& name) : sc_module(name) {
    socket.register_b_transport(this, &BadTarget::b_transport);
  }
  tlm_utils::simple_target_socket<BadTarget, 32> socket{"socket"};
  std::function<void(tlm::tlm_generic_payload&)> act;

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& /*delay*/) { act(payload); }
};

TEST(BaseProtocolChecker, FindsBrokenRules) {
  BusInitiator host("host");
  BaseProtocolChecker checker("checker");
  BadTarget target("target");
  checker.collect();
  host.socket.bind(checker.from_initiator);
  checker.to_target.bind(target.socket);
  simulate([&] {
    target.act = [](tlm::tlm_generic_payload&) {};
    (void)host.write32(0, 1);
    target.act = [](tlm::tlm_generic_payload& payload) {
      payload.set_address(4);
      payload.set_response_status(tlm::TLM_OK_RESPONSE);
    };
    (void)host.write32(0, 1);
    target.act = [](tlm::tlm_generic_payload& payload) {
      payload.get_data_ptr()[0] = 9;
      payload.set_response_status(tlm::TLM_OK_RESPONSE);
    };
    (void)host.write32(0, 1);
    std::uint32_t value = 0;
    (void)host.read32(0, value);  // a read may change its data
  });
  EXPECT_THAT(checker.problems(),
              ElementsAre(HasSubstr("did not set the response status"), HasSubstr("the address was modified"),
                          HasSubstr("byte 0 of the data was modified")));
}

}  // namespace
}  // namespace chronotile::bus
