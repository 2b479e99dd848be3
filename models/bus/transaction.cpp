#include "models/bus/transaction.hpp"

#include <algorithm>
#include <cstring>

namespace chronotile::bus {

std::string_view name(tlm::tlm_response_status status) {
  switch (status) {
    case tlm::TLM_OK_RESPONSE:
      return "ok";
    case tlm::TLM_INCOMPLETE_RESPONSE:
      return "incomplete";
    case tlm::TLM_GENERIC_ERROR_RESPONSE:
      return "generic error";
    case tlm::TLM_ADDRESS_ERROR_RESPONSE:
      return "address error";
    case tlm::TLM_COMMAND_ERROR_RESPONSE:
      return "command error";
    case tlm::TLM_BURST_ERROR_RESPONSE:
      return "burst error";
    case tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE:
      return "byte enable error";
  }
  return "unknown";
}

tlm::tlm_response_status check_attributes(const tlm::tlm_generic_payload& payload) {
  if (payload.get_data_ptr() == nullptr || payload.get_data_length() == 0 || payload.get_streaming_width() == 0) {
    return tlm::TLM_BURST_ERROR_RESPONSE;
  }
  const unsigned char* enables = payload.get_byte_enable_ptr();
  if (enables != nullptr) {
    const unsigned length = payload.get_byte_enable_length();
    const auto legal = [](unsigned char enable) { return enable == TLM_BYTE_ENABLED || enable == TLM_BYTE_DISABLED; };
    if (length == 0 || !std::all_of(enables, enables + length, legal)) {
      return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
    }
  }
  return tlm::TLM_OK_RESPONSE;
}

tlm::tlm_response_status access_bytes(const tlm::tlm_generic_payload& payload, std::uint64_t address,
                                      unsigned char* bytes, std::uint64_t size) {
  if (const auto status = check_attributes(payload); status != tlm::TLM_OK_RESPONSE) {
    return status;
  }
  const std::uint64_t touched = touched_bytes(payload);
  if (address >= size || touched > size - address) {
    return tlm::TLM_ADDRESS_ERROR_RESPONSE;
  }
  unsigned char* const data = payload.get_data_ptr();
  unsigned char* const place = bytes + address;
  const std::size_t length = payload.get_data_length();
  const bool plain = touched == length && payload.get_byte_enable_ptr() == nullptr;
  if (payload.is_write()) {
    if (plain) {
      std::memcpy(place, data, length);
    } else {
      for (std::size_t index = 0; index < length; ++index) {
        if (byte_enabled(payload, index)) {
          place[index % touched] = data[index];
        }
      }
    }
  } else if (payload.is_read()) {
    if (plain) {
      std::memcpy(data, place, length);
    } else {
      for (std::size_t index = 0; index < length; ++index) {
        if (byte_enabled(payload, index)) {
          data[index] = place[index % touched];
        }
      }
    }
  }
  return tlm::TLM_OK_RESPONSE;
}

unsigned int debug_bytes(const tlm::tlm_generic_payload& payload, std::uint64_t address, unsigned char* bytes,
                         std::uint64_t size) {
  if (address >= size || payload.get_data_ptr() == nullptr) {
    return 0;
  }
  const std::uint64_t count = std::min<std::uint64_t>(payload.get_data_length(), size - address);
  if (payload.is_read()) {
    std::memcpy(payload.get_data_ptr(), bytes + address, count);
  } else if (payload.is_write()) {
    std::memcpy(bytes + address, payload.get_data_ptr(), count);
  } else {
    return 0;
  }
  return static_cast<unsigned int>(count);
}

}  // namespace chronotile::bus
