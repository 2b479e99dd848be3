#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

namespace chronotile::bus {

struct MemoryConfig {
  std::uint64_t bytes = 4096;
  double access_latency_ns = 1.0;  ///< per transaction, reads and writes
  bool dmi = true;
};

/// SRAM on the control bus: blocking and debug transport, DMI, byte enables, streaming width.
class Memory : public sc_core::sc_module {
 public:
  Memory(const sc_core::sc_module_name& name, const MemoryConfig& config);

  tlm_utils::simple_target_socket<Memory, 32> socket{"socket"};

  /// Withdraws DMI (for all of the memory) and refuses it from now on, or allows it again.
  void allow_dmi(bool allowed);
  [[nodiscard]] std::vector<unsigned char>& bytes() { return bytes_; }

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned int transport_dbg(tlm::tlm_generic_payload& payload);
  bool get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);

  sc_core::sc_time latency_;
  bool dmi_;
  std::vector<unsigned char> bytes_;
};

}  // namespace chronotile::bus
