#include "models/bus/memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/bus/bus_initiator.hpp"
#include "testbench/support/linear_test.hpp"

namespace chronotile::bus {
namespace {

using support::simulate;
using testing::ElementsAre;
using testing::Pair;

class MemoryTest : public testing::Test {
 protected:
  MemoryTest() { host.socket.bind(memory.socket); }
  static MemoryConfig config() {
    MemoryConfig config;
    config.bytes = 64;
    config.access_latency_ns = 5;
    return config;
  }
  Memory memory{"memory", config()};
  BusInitiator host{"host"};
};

TEST_F(MemoryTest, BlocksAndLatency) {
  simulate([this] {
    const std::vector<unsigned char> data{1, 2, 3, 4, 5};
    host.expect_write(10, data.data(), data.size());
    EXPECT_EQ(support::now_ns(), 5);
    std::vector<unsigned char> back(5);
    host.expect_read(10, back.data(), back.size());
    EXPECT_EQ(back, data);
    EXPECT_EQ(support::now_ns(), 10);
    EXPECT_EQ(host.expect_read32(11), 0x05040302U);
  });
}

TEST_F(MemoryTest, OutsideIsAnAddressErrorWithoutEffect) {
  simulate([this] {
    EXPECT_EQ(host.write32(62, 0xffffffff), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(host.write32(~std::uint64_t{0} - 1, 1), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(memory.bytes()[62], 0);
  });
}

TEST_F(MemoryTest, ByteEnablesAndStreaming) {
  simulate([this] {
    std::vector<unsigned char> data{1, 2, 3, 4, 5, 6};
    std::vector<unsigned char> enables{0xff, 0xff, 0};
    tlm::tlm_generic_payload payload;
    payload.set_write();
    payload.set_data_ptr(data.data());
    payload.set_data_length(6);
    payload.set_streaming_width(6);
    payload.set_byte_enable_ptr(enables.data());
    payload.set_byte_enable_length(3);
    EXPECT_EQ(host.transport(payload), tlm::TLM_OK_RESPONSE);
    EXPECT_THAT(std::vector<int>(memory.bytes().begin(), memory.bytes().begin() + 6), ElementsAre(1, 2, 0, 4, 5, 0));
    payload.set_byte_enable_ptr(nullptr);
    payload.set_byte_enable_length(0);
    payload.set_streaming_width(2);
    payload.set_address(62);
    EXPECT_EQ(host.transport(payload), tlm::TLM_OK_RESPONSE) << "touches two bytes only";
    EXPECT_EQ(memory.bytes()[62], 5);
    EXPECT_EQ(memory.bytes()[63], 6);
    payload.set_read();
    EXPECT_EQ(host.transport(payload), tlm::TLM_OK_RESPONSE);
    EXPECT_THAT(data, ElementsAre(5, 6, 5, 6, 5, 6));
    payload.set_streaming_width(0);
    EXPECT_EQ(host.transport(payload), tlm::TLM_BURST_ERROR_RESPONSE);
  });
}

TEST_F(MemoryTest, DebugCutsAtTheEnd) {
  std::vector<unsigned char> data(8, 9);
  EXPECT_EQ(host.debug_write(60, data.data(), 8), 4U);
  EXPECT_EQ(host.debug_read(63, data.data(), 8), 1U);
  EXPECT_EQ(host.debug_read(64, data.data(), 8), 0U);
}

TEST_F(MemoryTest, DmiIsGrantedUntilItIsWithdrawn) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> withdrawn;
  host.on_invalidate([&](std::uint64_t start, std::uint64_t end) { withdrawn.emplace_back(start, end); });
  simulate([&] {
    tlm::tlm_generic_payload payload;
    tlm::tlm_dmi dmi;
    payload.set_address(20);
    ASSERT_TRUE(host.socket->get_direct_mem_ptr(payload, dmi));
    dmi.get_dmi_ptr()[20] = 77;
    EXPECT_EQ(host.expect_read32(20), 77U);
    memory.allow_dmi(false);
    EXPECT_THAT(withdrawn, ElementsAre(Pair(0U, 63U)));
    EXPECT_FALSE(host.socket->get_direct_mem_ptr(payload, dmi));
  });
}

}  // namespace
}  // namespace chronotile::bus
