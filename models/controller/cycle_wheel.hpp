#pragma once

#include <cstddef>
#include <cstdint>
#include <systemc>
#include <vector>

namespace chronotile::controller {

/// Wakes the controllers of a clock in the cycles that they ask for: all that are due in a cycle by one event of the
/// kernel, in the first delta of the cycle's time stamp, in the order in which they were added.
class CycleWheel {
 public:
  class Client {
   public:
    Client() = default;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    virtual ~Client() = default;
    virtual void on_due(std::uint64_t cycle) = 0;
  };

  /// Cycle n is at n times `period`. Constructed before simulation starts.
  explicit CycleWheel(const sc_core::sc_time& period);
  CycleWheel(const CycleWheel&) = delete;
  CycleWheel& operator=(const CycleWheel&) = delete;
  ~CycleWheel() = default;

  /// Returns the client's number.
  std::size_t add(Client& client);
  /// Wakes a client in `cycle`, a delta from now if that is not in the future. Replaces what it asked for before.
  void schedule(std::size_t client, std::uint64_t cycle);
  void cancel(std::size_t client) { due_[client] = kNever; }

 private:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  void turn();
  void arm(std::uint64_t cycle);

  std::uint64_t period_;  ///< in units of the kernel's resolution
  std::vector<Client*> clients_;
  std::vector<std::uint64_t> due_;  ///< per client
  std::uint64_t armed_ = kNever;    ///< cycle for which the event is notified
  bool turning_ = false;
  sc_core::sc_event event_{"due"};
};

}  // namespace chronotile::controller
