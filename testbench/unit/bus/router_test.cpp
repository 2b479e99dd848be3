#include "models/bus/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "models/bus/bus_initiator.hpp"
#include "models/bus/memory.hpp"
#include "testbench/support/linear_test.hpp"

namespace chronotile::bus {
namespace {

using support::simulate;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr std::uint64_t kHigh = 0xffff'ffff'ffff'ff00ULL;

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    host.socket.bind(router.input(0));
    debugger.socket.bind(router.input(1));
    router.map("low", 0x1000, 0x40).bind(low.socket);
    router.map("high", kHigh, 0x100).bind(high.socket);
  }
  static RouterConfig config() {
    RouterConfig config;
    config.inputs = 2;
    config.latency_ns = 2;
    return config;
  }
  static MemoryConfig memory_config(std::uint64_t bytes) {
    MemoryConfig config;
    config.bytes = bytes;
    config.access_latency_ns = 5;
    return config;
  }
  Router router{"router", config()};
  Memory low{"low", memory_config(0x40)};
  Memory high{"high", memory_config(0x200)};
  BusInitiator host{"host"};
  BusInitiator debugger{"debugger"};
};

TEST_F(RouterTest, ForwardsWithTheTargetsAddressesAndAddsLatency) {
  simulate([this] {
    host.expect_write32(0x1010, 1);
    EXPECT_EQ(support::now_ns(), 7);
    debugger.expect_write32(kHigh + 0xfc, 2);
    EXPECT_EQ(low.bytes()[0x10], 1);
    EXPECT_EQ(high.bytes()[0xfc], 2);
    EXPECT_EQ(host.expect_read32(kHigh + 0xfc), 2U);
  });
}

TEST_F(RouterTest, UnmappedAndBoundaryAccessesAreAddressErrors) {
  simulate([this] {
    EXPECT_EQ(host.write32(0, 1), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(host.write32(0x1040, 1), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(host.write32(0x103e, 1), tlm::TLM_ADDRESS_ERROR_RESPONSE) << "crosses the end of a window";
    EXPECT_EQ(host.write32(kHigh + 0xfe, 1), tlm::TLM_ADDRESS_ERROR_RESPONSE) << "the memory is larger than its window";
    EXPECT_EQ(low.bytes()[0x3e], 0);
  });
}

TEST_F(RouterTest, DebugTransportStaysInTheWindow) {
  std::vector<unsigned char> data(0x40, 3);
  EXPECT_EQ(host.debug_write(0x1030, data.data(), data.size()), 0x10U);
  EXPECT_EQ(host.debug_write(kHigh + 0xf0, data.data(), data.size()), 0x10U);
  EXPECT_EQ(host.debug_write(0x2000, data.data(), data.size()), 0U);
  EXPECT_EQ(high.bytes()[0xff], 3);
  EXPECT_EQ(high.bytes()[0x100], 0);
}

TEST_F(RouterTest, DmiRegionsAreTranslatedAndCut) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> host_lost;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> debugger_lost;
  host.on_invalidate([&](std::uint64_t start, std::uint64_t end) { host_lost.emplace_back(start, end); });
  debugger.on_invalidate([&](std::uint64_t start, std::uint64_t end) { debugger_lost.emplace_back(start, end); });
  simulate([&] {
    tlm::tlm_generic_payload payload;
    tlm::tlm_dmi dmi;
    payload.set_address(kHigh + 8);
    ASSERT_TRUE(host.socket->get_direct_mem_ptr(payload, dmi));
    EXPECT_EQ(dmi.get_start_address(), kHigh);
    EXPECT_EQ(dmi.get_end_address(), kHigh + 0xff);
    EXPECT_EQ(dmi.get_dmi_ptr(), high.bytes().data());
    EXPECT_EQ(dmi.get_read_latency(), sc_core::sc_time(7, sc_core::SC_NS));
    payload.set_address(0);
    EXPECT_FALSE(host.socket->get_direct_mem_ptr(payload, dmi));
    high.allow_dmi(false);
    EXPECT_THAT(host_lost, ElementsAre(Pair(kHigh, kHigh + 0xff)));
    EXPECT_EQ(debugger_lost, host_lost);
    payload.set_address(kHigh + 8);
    EXPECT_FALSE(host.socket->get_direct_mem_ptr(payload, dmi));
  });
}

TEST_F(RouterTest, OverlapsAndEmptyWindowsAreTheModellersMistake) {
  EXPECT_THROW(router.map("a", 0x103f, 1), std::logic_error);
  EXPECT_THROW(router.map("b", 0x0, 0x1001), std::logic_error);
  EXPECT_THROW(router.map("c", 0x2000, 0), std::logic_error);
  EXPECT_THROW(router.map("d", kHigh, 0x101), std::logic_error);
  EXPECT_THAT(router.describe(), HasSubstr("0x000000001000 0x00000040 low\n"));
}

}  // namespace
}  // namespace chronotile::bus
