#pragma once

#include <cmath>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "models/duration/protocol.hpp"
#include "models/duration/time.hpp"
#include "models/tile/tile.hpp"
#include "testbench/support/control_driver.hpp"
#include "testbench/support/services_fixture.hpp"

namespace chronotile::tile {

using duration::Block;

/// Drives pulses onto one wire segment as a pad would: begins in the delta cycle behind the controllers', ends at the
/// first representable time that is not before the last falling edge.
class PulseSource : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(PulseSource);
  explicit PulseSource(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
    SC_METHOD(play);
    sensitive << due_;
  }

  duration::InitiatorSocket out{"out"};

  /// Pulses with the leading edge at `lead_ns`; before simulation starts.
  std::shared_ptr<duration::Emission> at(double lead_ns, const Block& durations_ns, GroupMask groups = kAllGroups,
                                         double delay_ns = 0) {
    Drive& drive = drives_.emplace_back();
    drive.pulses.emission = std::make_shared<duration::Emission>();
    drive.pulses.emission->source = 100;
    drive.pulses.emission->groups = groups;
    drive.pulses.emission->lead_ns = lead_ns;
    drive.pulses.groups = groups;
    drive.pulses.delay_ns = delay_ns;
    drive.pulses.emission->durations_ns = durations_ns;
    drive.durations_ns = durations_ns;
    drive.begin = duration::ceil_time(lead_ns);
    drive.end = duration::ceil_time(lead_ns + durations_ns.maxCoeff());
    return drive.pulses.emission;
  }
  /// Wires that rise at `rise_ns` after the lead and whose end nobody knows before all of them are cut at `cut_ns`.
  void rising_at(double lead_ns, const Block& rise_ns, double cut_ns) {
    const double limit = cut_ns - lead_ns;
    const Block lengths = (rise_ns < limit).select(Block::Constant(rise_ns.rows(), rise_ns.cols(), limit), 0.0);
    duration::Emission& emission = *at(lead_ns, lengths);
    emission.durations_ns = rise_ns;
    emission.rising = kAllGroups;
  }

 private:
  struct Drive {
    duration::Pulses pulses;
    Block durations_ns;
    sc_core::sc_time begin;
    sc_core::sc_time end;
    int phase = 0;
  };

  void play() {
    const sc_core::sc_time now = sc_core::sc_time_stamp();
    if (!second_) {  // one delta later, as circuits that react to controllers do
      second_ = true;
      due_.notify(sc_core::SC_ZERO_TIME);
      return;
    }
    second_ = false;
    sc_core::sc_time next = sc_core::sc_max_time();
    for (Drive& drive : drives_) {
      if (drive.phase == 0 && drive.begin == now) {
        drive.phase = 1;
        out.begin(drive.pulses);
      } else if (drive.phase == 1 && drive.end <= now) {
        drive.phase = 2;
        drive.pulses.emission->durations_ns = drive.durations_ns;
        drive.pulses.emission->longest_ns = drive.durations_ns.maxCoeff();
        drive.pulses.emission->rising = 0;
        drive.pulses.emission->final = true;
        out.end(drive.pulses);
      }
      if (drive.phase < 2) {
        next = std::min(next, drive.phase == 0 ? drive.begin : std::max(drive.end, now));
      }
    }
    if (next < sc_core::sc_max_time()) {
      if (next == now) {
        due_.notify(sc_core::SC_ZERO_TIME);
      } else {
        due_.notify(next - now);
      }
    }
  }

  std::list<Drive> drives_;
  sc_core::sc_event due_{"due"};
  bool second_ = false;
};

/// Keeps what a tile emits.
class Recorder : public sc_core::sc_module {
 public:
  explicit Recorder(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
    in.on_begin([this](duration::Pulses& pulses) {
      pulses.emission->heard |= listening;
      begun.push_back(sc_core::sc_time_stamp());
    });
    in.on_end([this](duration::Pulses& pulses) {
      ended.push_back(sc_core::sc_time_stamp());
      emissions.push_back(pulses.emission);
    });
  }

  duration::TargetSocket in{"in"};
  GroupMask listening = kAllGroups;
  std::vector<sc_core::sc_time> begun;
  std::vector<sc_core::sc_time> ended;
  std::vector<std::shared_ptr<duration::Emission>> emissions;  ///< in order of their ends
};

/// A tile with its controller, a source on each plane and a recorder on its columns.
struct Site {
  Site(const std::string& name, Services& services, const TileConfig& config,
       const mesh::TransportErrorConfig& transport = {})
      : tile((name + "_tile").c_str(), config, transport, services, services.energy.add_place(name, "test")),
        lc((name + "_lc").c_str()),
        rows((name + "_rows").c_str()),
        verticals((name + "_verticals").c_str()),
        out((name + "_out").c_str()) {
    tile.control.bind(lc.lines);
    rows.out.bind(tile.west_east());
    verticals.out.bind(tile.south_north());
    tile.columns().bind(out.in);
  }

  Tile tile;
  support::ControlDriver lc;
  PulseSource rows;
  PulseSource verticals;
  Recorder out;
};

inline void join_north_south(Tile& northern, Tile& southern) {
  northern.south.bind(southern.capacitors);
  southern.north.bind(northern.capacitors);
}

inline void run_until(double time_ns) {
  sc_core::sc_start(sc_core::sc_time(time_ns, sc_core::SC_NS) - sc_core::sc_time_stamp());
}

}  // namespace chronotile::tile
