#include "models/bus/register_bank.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace chronotile::bus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RegisterBankTest : public testing::Test {
 protected:
  RegisterBankTest() {
    bank.add("control", 0x00).write_only().on_write([this](std::uint32_t value) { written.push_back(value); });
    bank.add("status", 0x04).read_only().reset_value(0x44332211).doc("what it does");
    bank.add("data", 0x08).reset_value(0xaabbccdd);
    bank.add("mask", 0x0c).reset_value(0x0f).write_mask(0xff00);
    bank.add("flags", 0x10).write_one_to_clear().reset_value(0xff).on_write([this](std::uint32_t ones) {
      cleared.push_back(ones);
    });
    bank.add("locked", 0x14).writable_when([this] { return !locked; });
    bank.add("far", 0x20).on_read([this] { return ++reads; });
  }

  tlm::tlm_response_status access(tlm::tlm_command command, std::uint64_t address, std::vector<unsigned char>& data,
                                  unsigned width = 0, std::vector<unsigned char> enables = {}) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_data_ptr(data.data());
    payload.set_data_length(static_cast<unsigned>(data.size()));
    payload.set_streaming_width(width == 0 ? static_cast<unsigned>(data.size()) : width);
    if (!enables.empty()) {
      payload.set_byte_enable_ptr(enables.data());
      payload.set_byte_enable_length(static_cast<unsigned>(enables.size()));
    }
    bank.transport(payload, address);
    return payload.get_response_status();
  }
  tlm::tlm_response_status write(std::uint64_t address, std::vector<unsigned char> data, unsigned width = 0,
                                 const std::vector<unsigned char>& enables = {}) {
    return access(tlm::TLM_WRITE_COMMAND, address, data, width, enables);
  }
  std::vector<unsigned char> read(std::uint64_t address, std::size_t bytes) {
    std::vector<unsigned char> data(bytes);
    EXPECT_EQ(access(tlm::TLM_READ_COMMAND, address, data), tlm::TLM_OK_RESPONSE);
    return data;
  }

  RegisterBank bank{"bank"};
  std::vector<std::uint32_t> written;
  std::vector<std::uint32_t> cleared;
  std::uint32_t reads = 0;
  bool locked = true;
};

TEST_F(RegisterBankTest, ReadsAndWritesWords) {
  EXPECT_THAT(read(0x04, 4), ElementsAre(0x11, 0x22, 0x33, 0x44));
  EXPECT_EQ(write(0x08, {1, 2, 3, 4}), tlm::TLM_OK_RESPONSE);
  EXPECT_EQ(bank.find("data")->value(), 0x04030201U);
  EXPECT_EQ(write(0x00, {5, 0, 0, 0}), tlm::TLM_OK_RESPONSE);
  EXPECT_THAT(written, ElementsAre(5U));
}

TEST_F(RegisterBankTest, PartsAndUnalignedBurstsKeepTheOtherBytes) {
  EXPECT_EQ(write(0x09, {0x55}), tlm::TLM_OK_RESPONSE);
  EXPECT_EQ(bank.find("data")->value(), 0xaabb55ddU);
  EXPECT_THAT(read(0x06, 4), ElementsAre(0x33, 0x44, 0xdd, 0x55));
  EXPECT_EQ(write(0x0a, {1, 2, 3, 4}), tlm::TLM_OK_RESPONSE);
  EXPECT_EQ(bank.find("data")->value(), 0x020155ddU);
  EXPECT_EQ(bank.find("mask")->value(), 0x040fU) << "the write mask lets byte 1 through";
}

TEST_F(RegisterBankTest, ByteEnables) {
  EXPECT_EQ(write(0x08, {1, 2, 3, 4}, 0, {0xff, 0}), tlm::TLM_OK_RESPONSE);
  EXPECT_EQ(bank.find("data")->value(), 0xaa03cc01U);
  EXPECT_EQ(write(0x08, {1, 2, 3, 4}, 0, {0x80}), tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
  EXPECT_EQ(write(0x00, {1, 2, 3, 4}, 0, {0}), tlm::TLM_OK_RESPONSE);
  EXPECT_THAT(written, ElementsAre()) << "no byte, no write";
}

TEST_F(RegisterBankTest, StreamingWritesTheSameRegister) {
  EXPECT_EQ(write(0x00, {1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0}, 4), tlm::TLM_OK_RESPONSE);
  EXPECT_THAT(written, ElementsAre(1U, 2U, 3U));
}

TEST_F(RegisterBankTest, RefusedAccessesHaveNoEffect) {
  EXPECT_EQ(write(0x00, {1, 0, 0, 0, 2, 0, 0, 0}), tlm::TLM_COMMAND_ERROR_RESPONSE) << "status is read-only";
  EXPECT_EQ(write(0x08, std::vector<unsigned char>(16)), tlm::TLM_GENERIC_ERROR_RESPONSE) << "locked";
  EXPECT_EQ(write(0x18, {1, 0, 0, 0}), tlm::TLM_ADDRESS_ERROR_RESPONSE) << "a hole";
  EXPECT_EQ(write(0x20, {1, 0, 0, 0, 0}), tlm::TLM_ADDRESS_ERROR_RESPONSE) << "leaves the bank";
  std::vector<unsigned char> data(4);
  EXPECT_EQ(access(tlm::TLM_READ_COMMAND, 0x00, data), tlm::TLM_COMMAND_ERROR_RESPONSE) << "write-only";
  EXPECT_EQ(write(0x08, {}), tlm::TLM_BURST_ERROR_RESPONSE);
  EXPECT_THAT(written, ElementsAre());
  EXPECT_EQ(bank.find("data")->value(), 0xaabbccddU);
  locked = false;
  EXPECT_EQ(write(0x14, {9, 0, 0, 0}), tlm::TLM_OK_RESPONSE);
}

TEST_F(RegisterBankTest, WriteOneToClear) {
  EXPECT_EQ(write(0x10, {0x0f, 0, 0, 0}), tlm::TLM_OK_RESPONSE);
  EXPECT_EQ(bank.find("flags")->value(), 0xf0U);
  EXPECT_THAT(cleared, ElementsAre(0x0fU));
}

TEST_F(RegisterBankTest, IgnoreCommandDoesNothing) {
  std::vector<unsigned char> data{1, 2, 3, 4};
  EXPECT_EQ(access(tlm::TLM_IGNORE_COMMAND, 0x08, data), tlm::TLM_OK_RESPONSE);
  EXPECT_EQ(bank.find("data")->value(), 0xaabbccddU);
}

TEST_F(RegisterBankTest, DebugStopsAtTheFirstRefusedByte) {
  std::vector<unsigned char> data(8, 7);
  tlm::tlm_generic_payload payload;
  payload.set_write();
  payload.set_data_ptr(data.data());
  payload.set_data_length(8);
  EXPECT_EQ(bank.transport_dbg(payload, 0x00), 4U);
  EXPECT_THAT(written, ElementsAre(0x07070707U));
  payload.set_read();
  EXPECT_EQ(bank.transport_dbg(payload, 0x14), 4U) << "0x18 is a hole";
  EXPECT_EQ(bank.transport_dbg(payload, 0x30), 0U);
}

TEST_F(RegisterBankTest, ResetAndDescription) {
  bank.find("data")->store(1);
  bank.reset();
  EXPECT_EQ(bank.find("data")->value(), 0xaabbccddU);
  EXPECT_THAT(bank.describe(), HasSubstr("0x4      status           RO     0x44332211 what it does"));
  EXPECT_EQ(bank.registers().size(), 7U);
  EXPECT_EQ(bank.find("nothing"), nullptr);
}

TEST_F(RegisterBankTest, ClashesAreTheModellersMistake) {
  EXPECT_THROW(bank.add("other", 0x08), std::logic_error);
  EXPECT_THROW(bank.add("odd", 0x0a), std::logic_error);
}

}  // namespace
}  // namespace chronotile::bus
