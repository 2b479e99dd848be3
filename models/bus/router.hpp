#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

namespace chronotile::bus {

struct RouterConfig {
  int inputs = 1;
  double latency_ns = 1.0;  ///< added to every transaction
};

/// Memory-mapped router of the control bus: 64-bit addresses, any number of initiators and targets. A target sees
/// addresses from its own base. An address that nothing is mapped to is an address error, as is an access that leaves
/// its target's window. DMI regions are translated and cut to the window; invalidations go to every initiator.
class Router : public sc_core::sc_module {
 public:
  using Input = tlm_utils::simple_target_socket_tagged<Router, 32>;
  using Output = tlm_utils::simple_initiator_socket_tagged<Router, 32>;

  Router(const sc_core::sc_module_name& name, const RouterConfig& config);

  [[nodiscard]] Input& input(int index = 0) { return *inputs_.at(static_cast<std::size_t>(index)); }
  /// Maps `size` bytes from `base` to a new output, to be bound to the target. std::logic_error if the window is empty,
  /// wraps around or overlaps another.
  Output& map(const std::string& target, std::uint64_t base, std::uint64_t size);

  /// One line per window: base, size, target.
  [[nodiscard]] std::string describe() const;

 private:
  /// A module of its own, so that windows can be mapped behind the router's constructor.
  struct Exit : sc_core::sc_module {
    explicit Exit(const sc_core::sc_module_name& name) : sc_module(name) {}
    Output socket{"socket"};
  };
  struct Window {
    std::string target;
    std::uint64_t base;
    std::uint64_t size;
    std::unique_ptr<Exit> exit;
  };

  [[nodiscard]] const Window* find(std::uint64_t address) const;
  void b_transport(int input, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned int transport_dbg(int input, tlm::tlm_generic_payload& payload);
  bool get_direct_mem_ptr(int input, tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);
  void invalidate_direct_mem_ptr(int window, sc_dt::uint64 start, sc_dt::uint64 end);

  sc_core::sc_time latency_;
  std::vector<std::unique_ptr<Input>> inputs_;
  std::vector<Window> windows_;     ///< in the order of their tags
  std::vector<std::size_t> order_;  ///< windows by base
};

}  // namespace chronotile::bus
