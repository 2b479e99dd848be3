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

TEST(BusInitiator, DirectAccessLastsUntilTheTargetTakesItBack) {
  Memory memory("memory", {});
  BusInitiator host("host");
  host.socket.bind(memory.socket);
  support::simulate([&] {
    unsigned char* const word = host.direct(8, 4);
    ASSERT_NE(word, nullptr);
    EXPECT_EQ(word, memory.bytes().data() + 8);
    EXPECT_EQ(host.direct(12, 4), word + 4);
    EXPECT_EQ(host.direct(4094, 4), nullptr) << "beyond the end";
    memory.allow_dmi(false);
    EXPECT_EQ(host.direct(8, 4), nullptr);
    memory.allow_dmi(true);
    EXPECT_EQ(host.direct(8, 4), word);
  });
}

}  // namespace
}  // namespace chronotile::bus
