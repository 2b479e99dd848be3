#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "platform/chip/floorplan.hpp"
#include "platform/config/platform_config.hpp"
#include "platform/mapping/plan.hpp"
#include "testbench/unit/mapping/program_interpreter.hpp"

namespace chronotile::testing {

/// Runs one step of a chip from nothing but its assembly, weights and the host's plan, ideally: switches, polarity,
/// joined capacitors, ramps and captures as the programs set them. Knows nothing of the mapper. Broken rules (a wire
/// driven twice, a row that hears nobody, a captured wire without a driver) are reported as test failures.
class StepEmulator {
 public:
  StepEmulator(const mapping::ChipPlan& chip, const config::PlatformConfig& config);

  /// Outputs of the chip, in the network's units, for its inputs -1..1. Not clipped.
  [[nodiscard]] std::vector<double> run(const std::vector<double>& inputs);
  /// Slots of the programs, from their last commit.
  [[nodiscard]] std::uint32_t slots() const { return slots_; }
  /// Times that each output was captured, summed over partial sums.
  [[nodiscard]] const std::vector<int>& captures() const { return captures_; }

 private:
  using Wire = std::tuple<std::uint32_t, bool, int>;  ///< site, west-east, group
  struct Reached {
    std::vector<Wire> wires;
    std::set<std::uint32_t> output_pads;
  };

  [[nodiscard]] std::uint32_t level(const std::string& name, isa::Group group, std::uint32_t slot) const;
  [[nodiscard]] bool bit(std::uint32_t site, isa::Group group, int wire, bool in, std::uint32_t slot) const;
  [[nodiscard]] Reached flood(std::uint32_t site, bool west_east, isa::Group came, int group, std::uint32_t slot);
  void send(std::uint32_t slot, const std::vector<double>& inputs);
  void integrate(std::uint32_t slot);
  void read(std::uint32_t slot, std::vector<double>& outputs);
  [[nodiscard]] double voltage(std::uint32_t site, int column, std::uint32_t slot) const;

  const mapping::ChipPlan& chip_;
  const config::PlatformConfig& config_;
  chip::Floorplan floorplan_;
  std::map<std::string, std::vector<Change>> changes_;
  std::map<std::string, std::map<isa::Group, std::vector<std::uint32_t>>> levels_;  ///< at kCycle of each slot
  std::uint32_t slots_ = 0;
  std::map<Wire, std::vector<double>> on_wire_;          ///< 64 values of what is on a wire group, of one slot
  std::map<std::uint32_t, std::vector<double>> charge_;  ///< by site, 512 columns
  std::vector<int> captures_;
};

}  // namespace chronotile::testing
