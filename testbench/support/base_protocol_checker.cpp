#include "testbench/support/base_protocol_checker.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace chronotile::support {
namespace {

/// The attributes that belong to the initiator, and the bytes that a target must leave alone.
class Snapshot {
 public:
  explicit Snapshot(const tlm::tlm_generic_payload& payload)
      : command_(payload.get_command()),
        address_(payload.get_address()),
        data_(payload.get_data_ptr()),
        length_(payload.get_data_length()),
        enables_(payload.get_byte_enable_ptr()),
        enable_length_(payload.get_byte_enable_length()),
        width_(payload.get_streaming_width()) {
    if (data_ != nullptr) {
      bytes_.assign(data_, data_ + length_);
    }
  }

  /// What differs, or "".
  [[nodiscard]] std::string difference(const tlm::tlm_generic_payload& payload) const {
    if (payload.get_command() != command_) {
      return "the command was modified";
    }
    if (payload.get_address() != address_) {
      return "the address was modified";
    }
    if (payload.get_data_ptr() != data_ || payload.get_data_length() != length_) {
      return "data pointer or length was modified";
    }
    if (payload.get_byte_enable_ptr() != enables_ || payload.get_byte_enable_length() != enable_length_) {
      return "byte enable pointer or length was modified";
    }
    if (payload.get_streaming_width() != width_) {
      return "the streaming width was modified";
    }
    for (std::size_t index = 0; index < bytes_.size(); ++index) {
      const bool may_change =
          command_ == tlm::TLM_READ_COMMAND &&
          (enables_ == nullptr || enable_length_ == 0 || enables_[index % enable_length_] == TLM_BYTE_ENABLED);
      if (!may_change && data_[index] != bytes_[index]) {
        return fmt::format("byte {} of the data was modified", index);
      }
    }
    return "";
  }

 private:
  tlm::tlm_command command_;
  sc_dt::uint64 address_;
  const unsigned char* data_;
  unsigned length_;
  const unsigned char* enables_;
  unsigned enable_length_;
  unsigned width_;
  std::vector<unsigned char> bytes_;
};

}  // namespace

BaseProtocolChecker::BaseProtocolChecker(const sc_core::sc_module_name& name) : sc_module(name) {
  from_initiator.register_b_transport(this, &BaseProtocolChecker::b_transport);
  from_initiator.register_transport_dbg(this, &BaseProtocolChecker::transport_dbg);
  from_initiator.register_get_direct_mem_ptr(this, &BaseProtocolChecker::get_direct_mem_ptr);
  to_target.register_invalidate_direct_mem_ptr(this, &BaseProtocolChecker::invalidate_direct_mem_ptr);
}

void BaseProtocolChecker::problem(const char* call, const tlm::tlm_generic_payload& payload, const std::string& text) {
  const std::string line = fmt::format("{}: {} {} 0x{:x}: {}", name(), call, payload.is_read() ? "read" : "write",
                                       payload.get_address(), text);
  problems_.push_back(line);
  if (!collecting_) {
    ADD_FAILURE() << line;
  }
}

void BaseProtocolChecker::check_request(const tlm::tlm_generic_payload& payload, const char* call) {
  if (payload.get_response_status() != tlm::TLM_INCOMPLETE_RESPONSE) {
    problem(call, payload, "the initiator did not set the response status to incomplete");
  }
  if (payload.is_dmi_allowed()) {
    problem(call, payload, "the initiator did not clear the DMI hint");
  }
  if (payload.get_data_ptr() == nullptr) {
    problem(call, payload, "no data pointer");
  }
}

void BaseProtocolChecker::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const char* call = "b_transport";
  ++transactions_;
  check_request(payload, call);
  if (payload.get_data_length() == 0) {
    problem(call, payload, "data length 0");
  }
  if (payload.get_streaming_width() == 0) {
    problem(call, payload, "streaming width 0");
  }
  if (payload.get_byte_enable_ptr() != nullptr && payload.get_byte_enable_length() == 0) {
    problem(call, payload, "byte enables of length 0");
  }
  const Snapshot before(payload);
  const sc_core::sc_time until = sc_core::sc_time_stamp() + delay;
  to_target->b_transport(payload, delay);
  if (const std::string difference = before.difference(payload); !difference.empty()) {
    problem(call, payload, difference);
  }
  if (payload.get_response_status() == tlm::TLM_INCOMPLETE_RESPONSE) {
    problem(call, payload, "the target did not set the response status");
  }
  if (sc_core::sc_time_stamp() + delay < until) {
    problem(call, payload, "the delay went back in time");
  }
}

unsigned int BaseProtocolChecker::transport_dbg(tlm::tlm_generic_payload& payload) {
  const char* call = "transport_dbg";
  const Snapshot before(payload);
  const sc_core::sc_time time = sc_core::sc_time_stamp();
  const unsigned int count = to_target->transport_dbg(payload);
  if (count > payload.get_data_length()) {
    problem(call, payload, fmt::format("{} bytes of {}", count, payload.get_data_length()));
  }
  if (const std::string difference = before.difference(payload); !difference.empty()) {
    problem(call, payload, difference);
  }
  if (sc_core::sc_time_stamp() != time) {
    problem(call, payload, "took simulated time");
  }
  return count;
}

bool BaseProtocolChecker::get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) {
  const char* call = "get_direct_mem_ptr";
  const sc_dt::uint64 address = payload.get_address();
  const bool granted = to_target->get_direct_mem_ptr(payload, dmi);
  if (dmi.get_start_address() > address || dmi.get_end_address() < address) {
    problem(call, payload,
            fmt::format("region 0x{:x}..0x{:x} lacks the address 0x{:x}", dmi.get_start_address(),
                        dmi.get_end_address(), address));
  }
  if (!granted) {
    return false;
  }
  if (dmi.get_dmi_ptr() == nullptr) {
    problem(call, payload, "granted without a pointer");
    return true;
  }
  if (payload.is_read() ? !dmi.is_read_allowed() : !dmi.is_write_allowed()) {
    problem(call, payload, "granted, but not for this command");
  }
  if (dmi.is_read_allowed()) {
    unsigned char byte = 0;
    tlm::tlm_generic_payload peek;
    peek.set_read();
    peek.set_address(address);
    peek.set_data_ptr(&byte);
    peek.set_data_length(1);
    peek.set_streaming_width(1);
    if (to_target->transport_dbg(peek) == 1 && byte != dmi.get_dmi_ptr()[address - dmi.get_start_address()]) {
      problem(call, payload, "the pointer shows another byte than debug transport");
    }
  }
  return true;
}

void BaseProtocolChecker::invalidate_direct_mem_ptr(sc_dt::uint64 start, sc_dt::uint64 end) {
  if (start > end) {
    problem("invalidate_direct_mem_ptr", tlm::tlm_generic_payload(), fmt::format("0x{:x}..0x{:x}", start, end));
  }
  from_initiator->invalidate_direct_mem_ptr(start, end);
}

}  // namespace chronotile::support
