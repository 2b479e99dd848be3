#include "platform/config/validate.hpp"

#include <fmt/format.h>
#include <initializer_list>
#include <set>
#include <string_view>
#include <utility>

#include "common/user_error.hpp"
#include "platform/config/config.hpp"
#include "platform/config/schema.hpp"
#include "platform/config/value.hpp"

namespace chronotile::config {
namespace {

/// Pads' source identifiers begin there (models/duration/pulses.hpp).
constexpr std::uint64_t kMostSites = 64;
/// Interrupt registers of the chip control block have a bit for each.
constexpr std::uint64_t kMostControllers = 64;
/// Sums of products of decimal fractions are not exact.
constexpr double kTolerance_ns = 1e-9;

class Validator {
 public:
  Validator(const PlatformConfig& config, const Origins& origins) : config_(config), origins_(origins) {}

  void run() const {
    ranges();
    grid();
    processing_elements();
    pads();
    controllers();
    slot();
    transport();
    devices();
    calibration();
  }

 private:
  /// The place at which the first of `keys` that was set at all was set.
  [[nodiscard]] std::string place(std::initializer_list<std::string_view> keys) const {
    for (const std::string_view key : keys) {
      const auto found = origins_.find(key);
      if (found != origins_.end()) {
        return found->second;
      }
    }
    return "configuration";
  }

  void ranges() const {
    PlatformConfig copy = config_;
    for (const Key& key : keys()) {
      check_limits(key, key.field(copy), place({key.name}));
    }
  }

  [[nodiscard]] std::uint64_t sites() const {
    return std::uint64_t{config_.floorplan.rows} * config_.floorplan.columns;
  }

  void grid() const {
    if (sites() > kMostSites) {
      throw UserError(
          place({"floorplan.rows", "floorplan.columns"}),
          fmt::format("floorplan.rows * floorplan.columns is {}, a chip has at most {} sites", sites(), kMostSites),
          "Make one of them smaller");
    }
    if (config_.mapping.first_site >= sites()) {
      throw UserError(place({"mapping.first_site", "floorplan.rows", "floorplan.columns"}),
                      fmt::format("mapping.first_site {} is outside the grid", config_.mapping.first_site),
                      fmt::format("Sites go from 0 to {}, floorplan.rows * floorplan.columns - 1", sites() - 1));
    }
  }

  void processing_elements() const {
    constexpr std::string_view kKey = "floorplan.processing_elements";
    std::set<std::uint32_t> seen;
    for (const std::uint32_t site : config_.floorplan.processing_elements) {
      if (site >= sites()) {
        throw UserError(place({kKey, "floorplan.rows", "floorplan.columns"}),
                        fmt::format("{}: site {} is outside the grid of {} x {}", kKey, site, config_.floorplan.rows,
                                    config_.floorplan.columns),
                        fmt::format("Sites go from 0 to {}, row * floorplan.columns + column", sites() - 1));
      }
      if (!seen.insert(site).second) {
        throw UserError(place({kKey}), fmt::format("{}: site {} stands there twice", kKey, site), "Remove one");
      }
    }
    if (seen.size() == sites()) {
      throw UserError(place({kKey, "floorplan.rows", "floorplan.columns"}), fmt::format("{} leaves no tile", kKey),
                      "Leave at least one site free");
    }
  }

  void controllers() const {
    const std::uint64_t tiles = sites() - config_.floorplan.processing_elements.size();
    const std::uint64_t controllers = tiles + 2 * config_.floorplan.pads.size();
    if (controllers > kMostControllers) {
      throw UserError(place({"floorplan.rows", "floorplan.columns", "floorplan.pads"}),
                      fmt::format("{} tiles and {} pairs of pads make {} local controllers, a chip has at most {}",
                                  tiles, config_.floorplan.pads.size(), controllers, kMostControllers),
                      "Make the grid smaller or take pads away");
    }
  }

  void pads() const {
    const auto& list = config_.floorplan.pads;
    if (list.empty()) {
      throw UserError(place({"floorplan.pads"}), "floorplan.pads is empty",
                      "A chip needs a pair of landing pads to get data in and out");
    }
    std::set<std::string> domains;
    std::set<std::pair<bool, std::uint32_t>> taken;
    for (std::size_t index = 0; index < list.size(); ++index) {
      const PadSite& pad = list[index];
      if (pad.domain.empty() || !domains.insert(pad.domain).second) {
        throw UserError(place({"floorplan.pads"}),
                        fmt::format("floorplan.pads[{}].domain '{}' is {}", index, pad.domain,
                                    pad.domain.empty() ? "empty" : "taken by another pair"),
                        "Give each pair a domain of its own");
      }
      edge_row(index, "input_row", pad.input_row, pad.east, taken);
      edge_row(index, "output_row", pad.output_row, pad.east, taken);
    }
  }

  void edge_row(std::size_t index, std::string_view member, std::uint32_t row, bool east,
                std::set<std::pair<bool, std::uint32_t>>& taken) const {
    if (row >= config_.floorplan.rows) {
      throw UserError(place({"floorplan.pads", "floorplan.rows"}),
                      fmt::format("floorplan.pads[{}].{} {} is outside the grid", index, member, row),
                      fmt::format("floorplan.rows is {}: rows go from 0 to {}", config_.floorplan.rows,
                                  config_.floorplan.rows - 1));
    }
    if (!taken.emplace(east, row).second) {
      throw UserError(place({"floorplan.pads"}),
                      fmt::format("floorplan.pads[{}].{}: row {} of the {} edge has a pad already", index, member, row,
                                  east ? "eastern" : "western"),
                      "Give each pad an edge row of its own");
    }
  }

  void slot() const {
    const MappingConfig& mapping = config_.mapping;
    const double period_ns = config_.clock.period_ns;
    const double slot_ns = config_.clock.slot_cycles * period_ns;
    const double lead_ns = mapping.lead_cycle * period_ns;
    const double full_scale_ns = config_.pad.full_scale * config_.pad.ns_per_count;
    const double tail_ns = mapping.window_tail_cycles * period_ns;
    if (lead_ns + full_scale_ns + tail_ns > slot_ns + kTolerance_ns) {
      throw UserError(
          place({"clock.slot_cycles", "mapping.lead_cycle", "mapping.window_tail_cycles", "pad.full_scale",
                 "pad.ns_per_count", "clock.period_ns"}),
          fmt::format("a slot of {} ns (clock.slot_cycles) is too short for mapping.lead_cycle {} ns + pad.full_scale "
                      "{} ns + mapping.window_tail_cycles {} ns",
                      slot_ns, lead_ns, full_scale_ns, tail_ns),
          "Make clock.slot_cycles larger or one of the others smaller");
    }
    if (mapping.window_lead_cycles > mapping.lead_cycle) {
      throw UserError(place({"mapping.window_lead_cycles", "mapping.lead_cycle"}),
                      fmt::format("mapping.window_lead_cycles {} opens windows before the slot begins: "
                                  "mapping.lead_cycle is {}",
                                  mapping.window_lead_cycles, mapping.lead_cycle),
                      "Make mapping.lead_cycle larger");
    }
    if (mapping.relu_lead_ns > lead_ns + kTolerance_ns) {
      throw UserError(place({"mapping.relu_lead_ns", "mapping.lead_cycle", "clock.period_ns"}),
                      fmt::format("mapping.relu_lead_ns {} starts the ramp before the slot begins: mapping.lead_cycle "
                                  "is {} ns",
                                  mapping.relu_lead_ns, lead_ns),
                      "Make mapping.lead_cycle larger");
    }
  }

  void transport() const {
    if (config_.transport.mode == mesh::TransportErrorMode::kRecorded && config_.transport.recorded_file.empty()) {
      throw UserError(place({"transport.mode"}), "transport.mode 'recorded' needs transport.recorded_file",
                      "Name a file with one error in ns a line");
    }
  }

  void devices() const {
    const pcm::DeviceConfig& devices = config_.tile.array.devices;
    if (devices.dead_share + devices.stuck_share > 1) {
      throw UserError(place({"pcm.dead_share", "pcm.stuck_share"}),
                      fmt::format("pcm.dead_share {} and pcm.stuck_share {} are more than all devices",
                                  devices.dead_share, devices.stuck_share),
                      "Make their sum at most 1");
    }
  }

  void calibration() const {
    constexpr std::uint32_t kLeast = 4;  // a line and its error
    const std::uint32_t steps = config_.host.calibration_steps;
    if (steps > 0 && steps < kLeast) {
      throw UserError(place({"host.calibration_steps"}),
                      fmt::format("host.calibration_steps {} is too few to fit a line", steps),
                      fmt::format("Give 0 for none, or at least {}", kLeast));
    }
  }

  const PlatformConfig& config_;
  const Origins& origins_;
};

}  // namespace

void validate(const PlatformConfig& config, const Origins& origins) { Validator(config, origins).run(); }

void validate(const PlatformConfig& config) { validate(config, {}); }

}  // namespace chronotile::config
