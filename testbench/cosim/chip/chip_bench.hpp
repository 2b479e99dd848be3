#pragma once

#include <map>
#include <string>
#include <systemc>
#include <vector>

#include "firmware/toolchain/assembler.hpp"
#include "models/energy/meter.hpp"
#include "platform/chip/chip.hpp"
#include "platform/host/host.hpp"

namespace chronotile::cosim {

/// A whole chip and its host under hand-written programs, one lane.
class ChipBench {
 public:
  explicit ChipBench(const config::PlatformConfig& configuration = {})
      : config(configuration),
        meter(1),
        lanes(1),
        workers(1),
        services{violations, meter, lanes, workers, config.seed, 0},
        chip("chip0", config, services),
        host("host", config),
        access(host.chip()) {
    host.bus().bind(chip.bus());
  }

  [[nodiscard]] std::uint32_t controller(const std::string& name) const {
    return static_cast<std::uint32_t>(chip.floorplan().find_controller(name));
  }

  /// Assembles and loads the programs, runs `before` (fill the pads), starts a step at `kStart_ns`, runs for `slots`
  /// slots and then `after` (read the pads).
  void run(const std::map<std::string, std::string>& programs, int slots, const std::function<void()>& before,
           const std::function<void()>& after) {
    host.set_program([&] {
      for (const auto& [name, text] : programs) {
        access.load_firmware(controller(name), toolchain::assemble_text(text, name).words);
        access.start_controller(controller(name));
      }
      before();
      sc_core::wait(sc_core::sc_time(kStart_ns - 1.0, sc_core::SC_NS) - sc_core::sc_time_stamp());
      access.trigger(1);
      sc_core::wait(sc_core::sc_time(kStart_ns + slots * kSlot_ns, sc_core::SC_NS) - sc_core::sc_time_stamp());
      after();
    });
    sc_core::sc_start();
    host.finish();
  }

  static constexpr double kSlot_ns = 300;
  /// Of the start trigger: long after loading.
  static constexpr double kStart_ns = 30000;

  config::PlatformConfig config;
  ViolationLog violations;
  energy::Meter meter;
  Lanes lanes;
  WorkPool workers;
  Services services;
  chip::Chip chip;
  host::Host host;
  host::ChipAccess access;
};

}  // namespace chronotile::cosim
