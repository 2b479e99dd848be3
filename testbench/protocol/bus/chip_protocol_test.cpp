#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "firmware/toolchain/assembler.hpp"
#include "platform/chip/chip.hpp"
#include "testbench/protocol/bus/storm.hpp"
#include "testbench/support/base_protocol_checker.hpp"
#include "testbench/support/linear_test.hpp"
#include "testbench/support/services_fixture.hpp"

namespace chronotile::bus {
namespace {

using support::simulate;
using testing::Each;
using testing::ElementsAre;

namespace lc_map = controller::map;
namespace pad_map = landing_pad::map;
using chip::control_map::kFault1;
using chip::control_map::kIdentity;
using chip::control_map::kPending0;
using chip::control_map::kTrigger;

/// A whole chip behind the checker, at address 0.
class ChipProtocol : public testing::Test, public support::TestServices {
 protected:
  ChipProtocol() {
    host.socket.bind(checker.from_initiator);
    checker.to_target.bind(chip.bus());
  }
  [[nodiscard]] std::uint64_t window(const std::string& controller) const {
    return chip::map::controller(static_cast<std::uint32_t>(chip.floorplan().find_controller(controller)));
  }
  [[nodiscard]] std::uint64_t sram_bytes() const { return config.controller.sram_words * sizeof(isa::Word); }
  [[nodiscard]] std::uint64_t pad_bytes() const { return config.pad.vectors * pad_map::kVectorBytes; }

  tlm::tlm_response_status access(tlm::tlm_command command, std::uint64_t address, unsigned char* data, unsigned length,
                                  unsigned width, unsigned char* enables = nullptr, unsigned enable_length = 0) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(data);
    payload.set_data_length(length);
    payload.set_streaming_width(width);
    payload.set_byte_enable_ptr(enables);
    payload.set_byte_enable_length(enable_length);
    return host.transport(payload);
  }
  /// Everything up to `margin` beyond both ends of a memory, most of it near the ends.
  void memory_storm(std::uint64_t base, std::uint64_t size, std::uint64_t margin, bool below) {
    SCOPED_TRACE(fmt::format("0x{:x}", base));
    ReferenceMemory memory(base, size);
    const std::uint64_t low = below ? base - margin : base;
    storm(host, low, base + size + margin - low, 300, &memory);
    storm(host, low, 2 * margin, 300, &memory);
    storm(host, base + size - margin, 2 * margin, 300, &memory);
  }
  void expect_hole(std::uint64_t address, std::uint64_t bytes) {
    SCOPED_TRACE(fmt::format("0x{:x}", address));
    ReferenceMemory nothing(address, 0);
    storm(host, address, bytes, 50, &nothing);
  }

  config::PlatformConfig config;
  chip::Chip chip{"chip0", config, services};
  BusInitiator host{"host"};
  support::BaseProtocolChecker checker{"checker"};
};

TEST_F(ChipProtocol, MemoriesHoldWhatWasWritten) {
  simulate([this] {
    memory_storm(window("tile_0_0") + lc_map::kSram, sram_bytes(), 64, false);
    memory_storm(window("ilp_NW") + lc_map::kSram, sram_bytes(), 64, false);
    memory_storm(window("olp_SE") + lc_map::kSram, sram_bytes(), 64, false);
    memory_storm(chip::map::pad(0) + pad_map::kBytes, pad_bytes(), 64, true);
    memory_storm(chip::map::pad(chip.floorplan().pads() - 1) + pad_map::kBytes, pad_bytes(), 64, true);
    memory_storm(chip::map::pad(chip.floorplan().pads()) + pad_map::kBytes, pad_bytes(), 64, true);
    memory_storm(chip::map::pad(2 * chip.floorplan().pads() - 1) + pad_map::kBytes, pad_bytes(), 64, true);
  });
  EXPECT_EQ(checker.transactions(), 7U * 900U);
}

/// The upper half of a running controller's SRAM: the run-ahead lives with every write, and DMI is read-only.
TEST_F(ChipProtocol, SramOfARunningController) {
  simulate([this] {
    const std::uint64_t base = window("tile_3_1");
    const auto words = toolchain::assemble_text("loop: addi r1, 1\n jmp loop\n", "test").words;
    host.expect_write(base + lc_map::kSram, words.data(), words.size() * sizeof(isa::Word));
    host.expect_write32(base + lc_map::kRegisters + lc_map::kControl, 1);
    ReferenceMemory memory(base + lc_map::kSram, sram_bytes());
    storm(host, base + lc_map::kSram + sram_bytes() / 2, sram_bytes() / 2, 500, &memory);
    const std::uint32_t status = host.expect_read32(base + lc_map::kRegisters + lc_map::kStatus);
    EXPECT_EQ(status & 0xffU, static_cast<std::uint32_t>(controller::State::kRunning));
    tlm::tlm_generic_payload question;
    tlm::tlm_dmi dmi;
    question.set_write();
    question.set_address(base + lc_map::kSram);
    EXPECT_FALSE(host.socket->get_direct_mem_ptr(question, dmi));
    question.set_read();
    ASSERT_TRUE(host.socket->get_direct_mem_ptr(question, dmi));
    EXPECT_FALSE(dmi.is_write_allowed());
  });
}

TEST_F(ChipProtocol, NothingStandsInTheHoles) {
  simulate([this] {
    expect_hole(chip::map::kControl + 0x1000, 0x100);
    expect_hole(chip::map::kControllers - 64, 24);
    expect_hole(chip::map::controller(chip.floorplan().controllers()), 0x100000);
    expect_hole(window("tile_0_0") + lc_map::kSram + sram_bytes(), lc_map::kRegisters - sram_bytes() - 64);
    expect_hole(window("tile_0_0") + lc_map::kRegisters + 0x400, 0x1000);
    expect_hole(chip::map::kPads - 64, 24);
    expect_hole(chip::map::pad(0) + pad_map::kReal, 0x1000);  // the real window of a pad that quantises
    expect_hole(chip::map::pad(2 * chip.floorplan().pads()), 0x1000);
    expect_hole(chip::map::kChipStride, 0x1000);
    expect_hole(~std::uint64_t{0} - 0x1000, 0xf00);
  });
}

TEST_F(ChipProtocol, ControlBlockDirected) {
  simulate([this] {
    constexpr std::uint64_t kBase = chip::map::kControl;
    std::array<unsigned char, 16> data{};
    // aligned, unaligned, and by byte enables
    EXPECT_EQ(host.expect_read32(kBase + kIdentity), 0x43540000U);
    EXPECT_EQ(access(tlm::TLM_READ_COMMAND, kBase + kIdentity + 2, data.data(), 2, 2), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(data[0], 0x54);
    EXPECT_EQ(data[1], 0x43);
    std::array<unsigned char, 2> enables{TLM_BYTE_DISABLED, TLM_BYTE_ENABLED};
    data.fill(0xee);
    EXPECT_EQ(access(tlm::TLM_READ_COMMAND, kBase + kIdentity, data.data(), 4, 4, enables.data(), 2),
              tlm::TLM_OK_RESPONSE);
    EXPECT_THAT((std::array<unsigned char, 4>{data[0], data[1], data[2], data[3]}), ElementsAre(0xee, 0, 0xee, 0x43));
    // streaming: the same register again and again
    EXPECT_EQ(access(tlm::TLM_READ_COMMAND, kBase + kIdentity, data.data(), 8, 4), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(data[6], 0x54);
    // a burst over four registers; one that touches a register which does not allow it does nothing at all
    EXPECT_EQ(access(tlm::TLM_READ_COMMAND, kBase + kPending0, data.data(), 16, 16), tlm::TLM_OK_RESPONSE);
    EXPECT_THAT(data, Each(0));
    EXPECT_EQ(access(tlm::TLM_READ_COMMAND, kBase + kIdentity, data.data(), 16, 16), tlm::TLM_COMMAND_ERROR_RESPONSE);
    EXPECT_EQ(access(tlm::TLM_WRITE_COMMAND, kBase + kIdentity, data.data(), 8, 8), tlm::TLM_COMMAND_ERROR_RESPONSE);
    EXPECT_EQ(access(tlm::TLM_READ_COMMAND, kBase + kFault1, data.data(), 8, 8), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    // a fault arrives, debug shows it, and one byte at a time clears it
    const std::uint64_t lc = window("olp_SE");
    const auto index = static_cast<std::uint32_t>(chip.floorplan().find_controller("olp_SE"));
    ASSERT_GE(index, 32U);
    const isa::Word wrong = ~isa::Word{0};
    host.expect_write(lc + lc_map::kSram, &wrong, sizeof wrong);
    host.expect_write32(lc + lc_map::kRegisters + lc_map::kControl, 1);
    support::wait_ns(10);
    std::uint32_t fault = 0;
    EXPECT_EQ(host.debug_read(kBase + kFault1, &fault, sizeof fault), sizeof fault);
    EXPECT_EQ(fault, 1U << (index - 32));
    std::array<unsigned char, 4> ones{0xff, 0xff, 0xff, 0xff};
    std::array<unsigned char, 4> one{TLM_BYTE_DISABLED, TLM_BYTE_DISABLED, TLM_BYTE_DISABLED, TLM_BYTE_DISABLED};
    const unsigned byte = (index - 32) / 8;
    one.at((byte + 1) % 4) = TLM_BYTE_ENABLED;
    EXPECT_EQ(access(tlm::TLM_WRITE_COMMAND, kBase + kFault1, ones.data(), 4, 4, one.data(), 4), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(host.expect_read32(kBase + kFault1), fault);
    one.at(byte) = TLM_BYTE_ENABLED;
    EXPECT_EQ(access(tlm::TLM_WRITE_COMMAND, kBase + kFault1, ones.data(), 4, 4, one.data(), 4), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(host.expect_read32(kBase + kFault1), 0U);
    // registers have no DMI
    tlm::tlm_generic_payload question;
    tlm::tlm_dmi dmi;
    question.set_read();
    question.set_address(kBase + kTrigger);
    EXPECT_FALSE(host.socket->get_direct_mem_ptr(question, dmi));
    EXPECT_LE(dmi.get_end_address(), kBase + 0xfff);
  });
}

/// Registers of every kind under everything that is well formed; controllers start, stop and fault as they like.
TEST_F(ChipProtocol, RegistersKeepTheRules) {
  simulate([this] {
    storm(host, chip::map::kControl, 0x20, 1500);
    storm(host, chip::map::kControl + 0xfc0, 0x80, 200);
    for (const char* name : {"tile_0_0", "tile_2_3", "ilp_NW", "olp_SE"}) {
      storm(host, window(name) + lc_map::kRegisters, 0x240, 700);
      storm(host, window(name) + lc_map::kRegisters - 0x40, 0x80, 200);
    }
  });
  EXPECT_EQ(checker.transactions(), 1700U + 4U * 900U);
}

}  // namespace
}  // namespace chronotile::bus
