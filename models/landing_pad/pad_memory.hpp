#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <tlm>
#include <vector>

#include "models/base/work_pool.hpp"
#include "models/duration/pulses.hpp"
#include "models/landing_pad/landing_pad.hpp"

namespace chronotile::landing_pad {

/// SRAM of a pad on the control bus: lanes x vectors x 512 words, 8 bits each or (quantise = false) real numbers.
class PadMemory {
 public:
  /// `owner`: full name of the pad, for messages.
  PadMemory(const std::string& owner, const PadConfig& config, std::size_t lanes);
  PadMemory(const PadMemory&) = delete;
  PadMemory& operator=(const PadMemory&) = delete;
  ~PadMemory();

  tlm_utils::simple_target_socket<PadMemory, 32> socket{"bus"};

  /// Durations of the wires in `groups`; the others become 0. Fills in the emission's counts (durations_ns, if the pad
  /// does not quantise) and longest_ns.
  void load(std::uint32_t vector, GroupMask groups, duration::Emission& emission) const;
  /// Stores the durations of the wires in `groups` as words; the others keep theirs.
  void store(std::uint32_t vector, GroupMask groups, const duration::Block& durations_ns);
  /// The same in a job: `add` adds the durations to a block of zeros. Accesses on the bus wait for it, and pointers for
  /// direct access become invalid.
  void store_later(WorkPool& workers, std::uint32_t vector, GroupMask groups,
                   std::function<void(duration::Block& durations_ns)> add);

 private:
  struct Region {
    std::uint64_t base;
    unsigned char* bytes;
    std::uint64_t size;
  };
  /// A job that stores.
  struct Storing {
    std::uint32_t vector;
    WorkPool* workers;
    WorkPool::Ticket ticket;
  };

  void write(std::uint32_t vector, GroupMask groups, const duration::Block& durations_ns);
  /// Waits for jobs that store.
  void join();
  /// The window that is there.
  [[nodiscard]] Region region();
  [[nodiscard]] std::size_t at(std::size_t lane, std::uint32_t vector) const {
    return (lane * config_.vectors + vector) * kWires;
  }

  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned int transport_dbg(tlm::tlm_generic_payload& payload);
  bool get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);

  PadConfig config_;
  std::size_t lanes_;
  sc_core::sc_time latency_{1, sc_core::SC_NS};
  std::vector<std::uint8_t> words_;
  std::vector<double> reals_;
  std::vector<Storing> storing_;
  bool direct_access_ = false;  ///< somebody holds a pointer
};

}  // namespace chronotile::landing_pad
