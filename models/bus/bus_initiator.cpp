#include "models/bus/bus_initiator.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <utility>

#include "models/bus/transaction.hpp"

namespace chronotile::bus {
namespace {

using WordBytes = std::array<unsigned char, 4>;

WordBytes to_bytes(std::uint32_t value) {
  return {static_cast<unsigned char>(value), static_cast<unsigned char>(value >> 8U),
          static_cast<unsigned char>(value >> 16U), static_cast<unsigned char>(value >> 24U)};
}

std::uint32_t from_bytes(const WordBytes& bytes) {
  return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8U |
         static_cast<std::uint32_t>(bytes[2]) << 16U | static_cast<std::uint32_t>(bytes[3]) << 24U;
}

/// A write payload never writes to its data, but its type has one pointer for both directions.
unsigned char* payload_data(const void* data) {
  return const_cast<unsigned char*>(static_cast<const unsigned char*>(data));
}

void fill(tlm::tlm_generic_payload& payload, tlm::tlm_command command, std::uint64_t address, unsigned char* data,
          std::size_t bytes) {
  payload.set_command(command);
  payload.set_address(address);
  payload.set_data_ptr(data);
  payload.set_data_length(static_cast<unsigned int>(bytes));
  payload.set_streaming_width(static_cast<unsigned int>(bytes));
}

}  // namespace

BusInitiator::BusInitiator(const sc_core::sc_module_name& name) : sc_module(name) {
  socket.register_invalidate_direct_mem_ptr(this, &BusInitiator::invalidate_direct_mem_ptr);
}

tlm::tlm_response_status BusInitiator::transport(tlm::tlm_generic_payload& payload) {
  payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  payload.set_dmi_allowed(false);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket->b_transport(payload, delay);
  const sc_core::sc_process_handle process = sc_core::sc_get_current_process_handle();
  const bool thread = process.valid() && process.proc_kind() != sc_core::SC_METHOD_PROC_;
  if (thread && delay != sc_core::SC_ZERO_TIME) {
    sc_core::wait(delay);
  }
  return payload.get_response_status();
}

tlm::tlm_response_status BusInitiator::access(tlm::tlm_command command, std::uint64_t address, unsigned char* data,
                                              std::size_t bytes) {
  tlm::tlm_generic_payload payload;
  fill(payload, command, address, data, bytes);
  return transport(payload);
}

std::size_t BusInitiator::debug(tlm::tlm_command command, std::uint64_t address, unsigned char* data,
                                std::size_t bytes) {
  tlm::tlm_generic_payload payload;
  fill(payload, command, address, data, bytes);
  return socket->transport_dbg(payload);
}

tlm::tlm_response_status BusInitiator::write(std::uint64_t address, const void* data, std::size_t bytes) {
  return access(tlm::TLM_WRITE_COMMAND, address, payload_data(data), bytes);
}

tlm::tlm_response_status BusInitiator::read(std::uint64_t address, void* data, std::size_t bytes) {
  return access(tlm::TLM_READ_COMMAND, address, static_cast<unsigned char*>(data), bytes);
}

tlm::tlm_response_status BusInitiator::write32(std::uint64_t address, std::uint32_t value) {
  WordBytes bytes = to_bytes(value);
  return write(address, bytes.data(), bytes.size());
}

tlm::tlm_response_status BusInitiator::read32(std::uint64_t address, std::uint32_t& value) {
  WordBytes bytes{};
  const tlm::tlm_response_status status = read(address, bytes.data(), bytes.size());
  value = from_bytes(bytes);
  return status;
}

void BusInitiator::expect_ok(tlm::tlm_response_status status, const char* command, std::uint64_t address) const {
  if (status != tlm::TLM_OK_RESPONSE) {
    throw BusError(fmt::format("{}: {} at 0x{:x}: {}", sc_module::name(), command, address, bus::name(status)), address,
                   status);
  }
}

void BusInitiator::expect_write(std::uint64_t address, const void* data, std::size_t bytes) {
  expect_ok(write(address, data, bytes), "write", address);
}

void BusInitiator::expect_read(std::uint64_t address, void* data, std::size_t bytes) {
  expect_ok(read(address, data, bytes), "read", address);
}

void BusInitiator::expect_write32(std::uint64_t address, std::uint32_t value) {
  expect_ok(write32(address, value), "write", address);
}

std::uint32_t BusInitiator::expect_read32(std::uint64_t address) {
  std::uint32_t value = 0;
  expect_ok(read32(address, value), "read", address);
  return value;
}

std::size_t BusInitiator::debug_write(std::uint64_t address, const void* data, std::size_t bytes) {
  return debug(tlm::TLM_WRITE_COMMAND, address, payload_data(data), bytes);
}

std::size_t BusInitiator::debug_read(std::uint64_t address, void* data, std::size_t bytes) {
  return debug(tlm::TLM_READ_COMMAND, address, static_cast<unsigned char*>(data), bytes);
}

void BusInitiator::on_invalidate(std::function<void(std::uint64_t, std::uint64_t)> callback) {
  invalidate_ = std::move(callback);
}

unsigned char* BusInitiator::direct(std::uint64_t address, std::size_t bytes) {
  const auto within = [&](const tlm::tlm_dmi& region) {
    return address >= region.get_start_address() && address + bytes - 1 <= region.get_end_address();
  };
  auto next = regions_.upper_bound(address);
  if (next == regions_.begin() || !within(std::prev(next)->second)) {
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_WRITE_COMMAND);
    payload.set_address(address);
    tlm::tlm_dmi region;
    if (!socket->get_direct_mem_ptr(payload, region) || !region.is_read_write_allowed() || !within(region)) {
      return nullptr;
    }
    next = std::next(regions_.insert_or_assign(region.get_start_address(), region).first);
  }
  const tlm::tlm_dmi& region = std::prev(next)->second;
  return region.get_dmi_ptr() + (address - region.get_start_address());
}

void BusInitiator::invalidate_direct_mem_ptr(sc_dt::uint64 start, sc_dt::uint64 end) {
  for (auto region = regions_.begin(); region != regions_.end();) {
    const bool meets = region->second.get_start_address() <= end && start <= region->second.get_end_address();
    region = meets ? regions_.erase(region) : std::next(region);
  }
  if (invalidate_) {
    invalidate_(start, end);
  }
}

}  // namespace chronotile::bus
