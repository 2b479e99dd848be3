#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "models/bus/bus_initiator.hpp"

namespace chronotile::bus {

/// What a memory on the bus must hold: a model of its own, byte by byte, of the rules for byte enables, streaming
/// width, ignored commands and addresses outside.
class ReferenceMemory {
 public:
  /// `size` bytes from `base` on; all that lies around them is a hole.
  ReferenceMemory(std::uint64_t base, std::uint64_t size) : base_(base), bytes_(size) {}

  [[nodiscard]] std::uint64_t base() const { return base_; }
  [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }
  [[nodiscard]] bool has(std::uint64_t address) const { return address >= base_ && address - base_ < bytes_.size(); }
  [[nodiscard]] unsigned char& at(std::uint64_t address) { return bytes_.at(address - base_); }

  /// Acts like the target; `data` becomes what the payload's data must become.
  tlm::tlm_response_status act(const tlm::tlm_generic_payload& payload, std::vector<unsigned char>& data) {
    const std::uint64_t width = std::min<std::uint64_t>(payload.get_streaming_width(), data.size());
    for (std::uint64_t offset = 0; offset < width; ++offset) {
      if (!has(payload.get_address() + offset)) {
        return tlm::TLM_ADDRESS_ERROR_RESPONSE;
      }
    }
    const unsigned char* enables = payload.get_byte_enable_ptr();
    for (std::size_t index = 0; index < data.size(); ++index) {
      if (enables != nullptr && enables[index % payload.get_byte_enable_length()] != 0xff) {
        continue;
      }
      unsigned char& cell = at(payload.get_address() + index % width);
      if (payload.is_write()) {
        cell = data[index];
      } else if (payload.is_read()) {
        data[index] = cell;
      }
    }
    return tlm::TLM_OK_RESPONSE;
  }

  /// Number of bytes from `address` on, at most `count`.
  [[nodiscard]] std::size_t room(std::uint64_t address, std::size_t count) const {
    return has(address) ? std::min<std::size_t>(count, base_ + bytes_.size() - address) : 0;
  }

 private:
  std::uint64_t base_;
  std::vector<unsigned char> bytes_;
};

/// Well-formed accesses of every shape that begin within [base, base + size): bursts at any alignment, byte enables,
/// streaming widths, ignored commands, debug accesses and questions for DMI. With a reference, status and data of all
/// of them are compared with it (it begins with what the memory holds); without, only a protocol checker judges.
inline void storm(BusInitiator& host, std::uint64_t base, std::uint64_t size, int count,
                  ReferenceMemory* reference = nullptr) {
  std::mt19937_64 random(size);
  if (reference != nullptr) {
    for (std::uint64_t address = reference->base(); address < reference->base() + reference->size(); ++address) {
      ASSERT_EQ(host.debug_read(address, &reference->at(address), 1), 1U) << std::hex << address;
    }
  }
  for (int access = 0; access < count && !testing::Test::HasFailure(); ++access) {
    std::vector<unsigned char> data(1 + random() % 40);
    for (unsigned char& byte : data) {
      byte = static_cast<unsigned char>(random());
    }
    std::vector<unsigned char> enables(1 + random() % 8);
    for (unsigned char& enable : enables) {
      enable = random() % 2 == 0 ? TLM_BYTE_ENABLED : TLM_BYTE_DISABLED;
    }
    const auto length = static_cast<unsigned>(data.size());
    tlm::tlm_generic_payload payload;
    payload.set_command(static_cast<tlm::tlm_command>(random() % 3));
    payload.set_address(base + random() % size);
    payload.set_data_ptr(data.data());
    payload.set_data_length(length);
    payload.set_streaming_width(random() % 2 == 0 ? length : static_cast<unsigned>(1 + random() % 8));
    if (random() % 2 == 0) {
      payload.set_byte_enable_ptr(enables.data());
      payload.set_byte_enable_length(static_cast<unsigned>(enables.size()));
    }
    const std::uint64_t address = payload.get_address();
    std::vector<unsigned char> expected = data;
    std::optional<tlm::tlm_response_status> status;
    if (reference != nullptr) {
      status = reference->act(payload, expected);
    }
    const tlm::tlm_response_status answer = host.transport(payload);
    if (reference != nullptr) {
      EXPECT_EQ(answer, *status) << std::hex << address;
      EXPECT_EQ(data, expected) << std::hex << address;
    }
    const std::size_t read = host.debug_read(address, data.data(), data.size());
    if (reference != nullptr) {
      EXPECT_EQ(read, reference->room(address, data.size())) << std::hex << address;
      for (std::size_t index = 0; index < read; ++index) {
        EXPECT_EQ(data[index], reference->at(address + index)) << std::hex << address + index;
      }
    }
    for (unsigned char& byte : data) {
      byte = static_cast<unsigned char>(byte + 1);
    }
    const std::size_t written = host.debug_write(address, data.data(), data.size());
    if (reference != nullptr) {
      EXPECT_EQ(written, reference->room(address, data.size())) << std::hex << address;
      for (std::size_t index = 0; index < written; ++index) {
        reference->at(address + index) = data[index];
      }
    }
    tlm::tlm_generic_payload question;
    tlm::tlm_dmi dmi;
    question.set_command(random() % 2 == 0 ? tlm::TLM_READ_COMMAND : tlm::TLM_WRITE_COMMAND);
    question.set_address(address);
    const bool granted = host.socket->get_direct_mem_ptr(question, dmi);
    if (reference != nullptr && granted) {
      ASSERT_TRUE(reference->has(dmi.get_start_address()) && reference->has(dmi.get_end_address()))
          << std::hex << dmi.get_start_address() << ".." << dmi.get_end_address();
      EXPECT_EQ(dmi.get_dmi_ptr()[address - dmi.get_start_address()], reference->at(address)) << std::hex << address;
      if (dmi.is_write_allowed()) {
        dmi.get_dmi_ptr()[address - dmi.get_start_address()] ^= 0x5a;
        reference->at(address) ^= 0x5a;
      }
    }
  }
  if (reference != nullptr) {
    std::vector<unsigned char> all(reference->size());
    ASSERT_EQ(host.debug_read(reference->base(), all.data(), all.size()), all.size());
    for (std::size_t index = 0; index < all.size(); ++index) {
      ASSERT_EQ(all[index], reference->at(reference->base() + index)) << std::hex << reference->base() + index;
    }
  }
}

}  // namespace chronotile::bus
