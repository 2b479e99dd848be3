#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <vector>

#include "models/base/probe.hpp"
#include "models/duration/emission_pool.hpp"
#include "models/duration/protocol.hpp"
#include "models/tile/integrator.hpp"

namespace chronotile::tile {

/// Ramp, comparators and EN gates of a tile: from capacitor voltage to durations on the column wires.
class DurationGenerator {
 public:
  DurationGenerator(const Context& context, const Periphery& periphery, duration::InitiatorSocket& columns,
                    sc_core::sc_event& end_due)
      : context_(context), periphery_(periphery), columns_(columns), end_due_(end_due) {}
  DurationGenerator(const DurationGenerator&) = delete;
  DurationGenerator& operator=(const DurationGenerator&) = delete;
  ~DurationGenerator() { drop_prepared(); }

  /// Latches the ramp and starts it from the frozen charge of all capacitors that are connected (north to south).
  void start_ramp(double now, ChargeParts parts);
  /// Acts on the levels of en, colout and ramp of this time stamp while the ramp runs.
  void follow_gates(double now);
  /// Checks levels once the ramp's own edges are through.
  void check(double now);
  /// Ends emissions whose last pulse is over.
  void finish(double now);

  [[nodiscard]] bool running() const { return running_; }
  [[nodiscard]] bool emitting() const { return !drives_.empty(); }
  void attach(probe::Observer& observer);

 private:
  /// One emission: wire groups whose gate opened together.
  struct Drive {
    duration::Pulses pulses;
    double lead_ns = 0;  ///< relative to the ramp's start
    GroupMask live = 0;  ///< gates still open
    std::array<double, kWireGroups> longest_ns{};
    std::uint64_t begun_delta = 0;
  };

  /// An emission whose gates open as the ramp starts, its durations on their way in a job.
  struct Prepared {
    std::shared_ptr<duration::Emission> emission;  ///< null: none
    GroupMask groups = 0;
    std::array<double, kWireGroups> longest_ns{};
    WorkPool::Ticket ticket;
  };

  void prepare(GroupMask groups);
  void drop_prepared();
  void join();
  [[nodiscard]] const std::vector<double>& voltages_of(int group);
  void draw_normals();
  double cross_group(int group, double from_ns, duration::Block& durations);
  /// Time from `from_ns` (relative to the ramp's start) that each comparator of `group` stays high, or, mismatched,
  /// time until it rises. Returns the largest.
  double fill_durations(int group, double from_ns, duration::Block& durations);
  [[nodiscard]] bool mismatched(int group) const;
  [[nodiscard]] bool passes_pulses(GroupMask groups, double now);
  [[nodiscard]] std::shared_ptr<duration::Emission> new_emission();
  void begin(GroupMask groups, double now);
  void cut(GroupMask groups, double now);
  void schedule(double now);
  void close(Drive& drive);

  const Context& context_;
  const Periphery& periphery_;
  duration::InitiatorSocket& columns_;
  sc_core::sc_event& end_due_;

  bool running_ = false;
  double start_ns_ = 0;
  double start_level_ = 0;
  double slope_ = 0;  ///< signed
  std::uint32_t slope_code_ = 0;
  std::uint32_t start_code_ = 0;
  bool falling_ = false;
  ChargeParts parts_;
  std::shared_ptr<const Lanes::Keys> lane_keys_;  ///< of the comparators' noise
  std::uint32_t noise_event_ = 0;
  std::vector<float> normals_;
  bool normals_known_ = false;
  Prepared prepared_;
  duration::EmissionPool emissions_;

  GroupMask passing_ = 0;
  GroupMask undriven_ = 0;  ///< reported, until the condition ends
  GroupMask idle_ = 0;
  std::list<Drive> drives_;
  probe::Probe pulses_probe_;
  probe::Probe voltage_probe_;
};

}  // namespace chronotile::tile
