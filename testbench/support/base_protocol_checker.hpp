#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

namespace chronotile::support {

/// Sits between an initiator and a target and fails the test when one of them breaks a rule of the TLM-2.0 base
/// protocol (IEEE 1666-2011, clauses 11 and 14) in blocking transport, debug transport or DMI.
class BaseProtocolChecker : public sc_core::sc_module {
 public:
  explicit BaseProtocolChecker(const sc_core::sc_module_name& name);

  tlm_utils::simple_target_socket<BaseProtocolChecker, 32> from_initiator{"from_initiator"};
  tlm_utils::simple_initiator_socket<BaseProtocolChecker, 32> to_target{"to_target"};

  /// Keep problems for problems() instead of failing the test: for tests of the checker itself.
  void collect() { collecting_ = true; }
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  [[nodiscard]] std::uint64_t transactions() const { return transactions_; }

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned int transport_dbg(tlm::tlm_generic_payload& payload);
  bool get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);
  void invalidate_direct_mem_ptr(sc_dt::uint64 start, sc_dt::uint64 end);
  void check_request(const tlm::tlm_generic_payload& payload, const char* call);
  void problem(const char* call, const tlm::tlm_generic_payload& payload, const std::string& text);

  bool collecting_ = false;
  std::vector<std::string> problems_;
  std::uint64_t transactions_ = 0;
};

}  // namespace chronotile::support
