#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tlm>

/// What every target of the control bus does with a base-protocol payload, in one place.
namespace chronotile::bus {

/// Short name, for example "address error".
[[nodiscard]] std::string_view name(tlm::tlm_response_status status);

/// TLM_OK_RESPONSE if the attributes are well formed: data pointer and length (else burst error), streaming width not 0
/// (burst error), byte enables with a length, each 0x00 or 0xff (byte enable error).
[[nodiscard]] tlm::tlm_response_status check_attributes(const tlm::tlm_generic_payload& payload);

[[nodiscard]] inline bool byte_enabled(const tlm::tlm_generic_payload& payload, std::size_t index) {
  return payload.get_byte_enable_ptr() == nullptr ||
         payload.get_byte_enable_ptr()[index % payload.get_byte_enable_length()] == TLM_BYTE_ENABLED;
}

/// Bytes of address space that the payload touches: the streaming width, or the length if that is less.
[[nodiscard]] inline std::uint64_t touched_bytes(const tlm::tlm_generic_payload& payload) {
  const std::uint64_t width = payload.get_streaming_width();
  const std::uint64_t length = payload.get_data_length();
  return width < length ? width : length;
}

/// Reads or writes a byte array that stands at address 0: byte enables and streaming width handled, ignore commands
/// do nothing, what lies wholly or partly outside is an address error and leaves the array untouched. Sets no
/// response.
[[nodiscard]] tlm::tlm_response_status access_bytes(const tlm::tlm_generic_payload& payload, std::uint64_t address,
                                                    unsigned char* bytes, std::uint64_t size);

/// Debug transport on the same array: as many bytes as there are from `address` on; byte enables and streaming width
/// are ignored, as the base protocol wants.
[[nodiscard]] unsigned int debug_bytes(const tlm::tlm_generic_payload& payload, std::uint64_t address,
                                       unsigned char* bytes, std::uint64_t size);

}  // namespace chronotile::bus
