#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <systemc>
#include <tlm>

namespace chronotile::bus {

/// An access that was expected to succeed did not: what() names initiator, command, address and status.
class BusError : public std::runtime_error {
 public:
  BusError(const std::string& what, std::uint64_t address, tlm::tlm_response_status status)
      : std::runtime_error(what), address_(address), status_(status) {}
  [[nodiscard]] std::uint64_t address() const { return address_; }
  [[nodiscard]] tlm::tlm_response_status status() const { return status_; }

 private:
  std::uint64_t address_;
  tlm::tlm_response_status status_;
};

/// A convenient initiator on the control bus. Words are little endian.
///
/// The calls that return a status never throw; `expect_` forms throw BusError unless the status is ok. The time that a
/// target annotates is waited for when the caller is a thread (SC_THREAD), and dropped otherwise.
class BusInitiator : public sc_core::sc_module {
 public:
  explicit BusInitiator(const sc_core::sc_module_name& name);

  tlm_utils::simple_initiator_socket<BusInitiator, 32> socket{"socket"};

  tlm::tlm_response_status write(std::uint64_t address, const void* data, std::size_t bytes);
  tlm::tlm_response_status read(std::uint64_t address, void* data, std::size_t bytes);
  tlm::tlm_response_status write32(std::uint64_t address, std::uint32_t value);
  tlm::tlm_response_status read32(std::uint64_t address, std::uint32_t& value);

  void expect_write(std::uint64_t address, const void* data, std::size_t bytes);
  void expect_read(std::uint64_t address, void* data, std::size_t bytes);
  void expect_write32(std::uint64_t address, std::uint32_t value);
  [[nodiscard]] std::uint32_t expect_read32(std::uint64_t address);

  /// Debug transport: no time, any process, also before simulation starts. Number of bytes that were transferred.
  std::size_t debug_write(std::uint64_t address, const void* data, std::size_t bytes);
  std::size_t debug_read(std::uint64_t address, void* data, std::size_t bytes);

  /// Any payload (byte enables, streaming width); the response status is prepared here.
  tlm::tlm_response_status transport(tlm::tlm_generic_payload& payload);

  /// The memory behind `bytes` bytes from `address`, to read and write without time, if the target grants direct access
  /// (DMI); else nullptr. Regions are remembered until the target takes them back, so ask each time.
  [[nodiscard]] unsigned char* direct(std::uint64_t address, std::size_t bytes);

  /// Called with each region whose DMI pointers have become invalid.
  void on_invalidate(std::function<void(std::uint64_t start, std::uint64_t end)> callback);

 private:
  tlm::tlm_response_status access(tlm::tlm_command command, std::uint64_t address, unsigned char* data,
                                  std::size_t bytes);
  std::size_t debug(tlm::tlm_command command, std::uint64_t address, unsigned char* data, std::size_t bytes);
  void expect_ok(tlm::tlm_response_status status, const char* command, std::uint64_t address) const;
  void invalidate_direct_mem_ptr(sc_dt::uint64 start, sc_dt::uint64 end);

  std::function<void(std::uint64_t, std::uint64_t)> invalidate_;
  std::map<std::uint64_t, tlm::tlm_dmi> regions_;  ///< that may be read and written, by their first address
};

}  // namespace chronotile::bus
