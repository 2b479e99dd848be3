#include "models/bus/bus_initiator.hpp"

#include <gtest/gtest.h>

#include "models/bus/memory.hpp"
#include "testbench/support/linear_test.hpp"

namespace chronotile::bus {
namespace {

TEST(BusInitiator, ExpectNamesAddressAndStatus) {
  Memory memory("memory", {});
  BusInitiator host("host");
  host.socket.bind(memory.socket);
  support::simulate([&host] {
    try {
      host.expect_write32(0x12345, 1);
      FAIL() << "no exception";
    } catch (const BusError& error) {
      EXPECT_STREQ(error.what(), "host: write at 0x12345: address error");
      EXPECT_EQ(error.address(), 0x12345U);
      EXPECT_EQ(error.status(), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    }
  });
}

}  // namespace
}  // namespace chronotile::bus
