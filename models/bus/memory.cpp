#include "models/bus/memory.hpp"

#include "models/bus/transaction.hpp"

namespace chronotile::bus {

Memory::Memory(const sc_core::sc_module_name& name, const MemoryConfig& config)
    : sc_module(name), latency_(config.access_latency_ns, sc_core::SC_NS), dmi_(config.dmi), bytes_(config.bytes) {
  socket.register_b_transport(this, &Memory::b_transport);
  socket.register_transport_dbg(this, &Memory::transport_dbg);
  socket.register_get_direct_mem_ptr(this, &Memory::get_direct_mem_ptr);
}

void Memory::allow_dmi(bool allowed) {
  if (dmi_ && !allowed) {
    socket->invalidate_direct_mem_ptr(0, bytes_.size() - 1);
  }
  dmi_ = allowed;
}

void Memory::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  delay += latency_;
  const auto status = access_bytes(payload, payload.get_address(), bytes_.data(), bytes_.size());
  payload.set_dmi_allowed(dmi_ && status == tlm::TLM_OK_RESPONSE);
  payload.set_response_status(status);
}

unsigned int Memory::transport_dbg(tlm::tlm_generic_payload& payload) {
  return debug_bytes(payload, payload.get_address(), bytes_.data(), bytes_.size());
}

bool Memory::get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) {
  dmi.init();
  if (payload.get_address() >= bytes_.size()) {
    dmi.set_start_address(bytes_.size());
    return false;
  }
  dmi.set_start_address(0);
  dmi.set_end_address(bytes_.size() - 1);
  if (!dmi_) {
    return false;
  }
  dmi.set_dmi_ptr(bytes_.data());
  dmi.set_read_latency(latency_);
  dmi.set_write_latency(latency_);
  dmi.allow_read_write();
  return true;
}

}  // namespace chronotile::bus
