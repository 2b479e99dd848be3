#include "platform/chip/chip.hpp"

#include <fmt/format.h>
#include <string>

#include "models/bus/router.hpp"
#include "models/mesh/node.hpp"
#include "platform/chip/chip_clock.hpp"
#include "platform/chip/chip_control.hpp"
#include "platform/chip/power_monitor.hpp"
#include "platform/chip/site.hpp"

namespace chronotile::chip {
namespace {

/// A landing pad with its controller.
template <typename Pad>
class PadSiteModule final : public sc_core::sc_module {
 public:
  template <typename... Arguments>
  PadSiteModule(sc_core::sc_module_name name, controller::ControllerConfig controller, Services& services,
                energy::Place place, Arguments&&... arguments)
      : sc_module(name),
        lc("lc", pad_controller(controller), services, place),
        pad("pad", std::forward<Arguments>(arguments)..., services, place) {
    pad.control.bind(lc.lines);
  }

  controller::LocalController lc;
  Pad pad;

 private:
  static controller::ControllerConfig pad_controller(controller::ControllerConfig config) {
    config.kind = controller::Kind::kPad;
    return config;
  }
};

using InputPadSite = PadSiteModule<landing_pad::InputPad>;
using OutputPadSite = PadSiteModule<landing_pad::OutputPad>;

/// Noise places and source identities of pads stand behind those of tiles.
constexpr std::uint32_t kFirstPadSource = 64;

landing_pad::PadConfig indexed(landing_pad::PadConfig config, std::uint32_t pad) {
  config.source_id = kFirstPadSource + pad;
  return config;
}

/// Input pads count faster where integration takes a share of the time.
landing_pad::PadConfig input(landing_pad::PadConfig config, double integration_share) {
  config.ns_per_count *= integration_share;
  return config;
}

mesh::NodeConfig pass_through(mesh::NodeConfig config, std::uint32_t site) {
  config.index = site;
  config.pass_through = true;
  return config;
}

}  // namespace

struct Chip::Impl {
  Impl(Chip& module, const config::PlatformConfig& configuration, Services& shared);

  void build_tiles();
  void build_processing_elements();
  void build_pads();
  void connect_mesh();
  void connect_controllers();
  void map_bus();
  mesh::Node& node(std::uint32_t site) { return *nodes[site]; }
  [[nodiscard]] std::string domain_name(const std::string& domain) const {
    return fmt::format("chip{}.{}", services.chip, domain);
  }
  [[nodiscard]] std::vector<std::string> domains() const {
    std::vector<std::string> names{domain_name("chip")};
    for (std::uint32_t pad = 0; pad < floorplan.pads(); ++pad) {
      names.push_back(domain_name(floorplan.pad(pad).domain));
    }
    return names;
  }
  energy::Place place(const std::string& name, const std::string& domain) {
    return services.energy.add_place(fmt::format("chip{}.{}", services.chip, name), domain_name(domain));
  }

  Chip& self;
  config::PlatformConfig config;
  Services& services;
  Floorplan floorplan;
  ChipClock clock;
  bus::Router router;
  ChipControl control;
  energy::Place leakage_place;
  PowerMonitor power;

  std::vector<std::unique_ptr<Site>> tiles;  // by tile index
  std::vector<energy::Place> tile_places;
  std::vector<std::unique_ptr<mesh::Node>> processing_elements;
  std::vector<mesh::Node*> nodes;  // by site
  std::vector<std::unique_ptr<InputPadSite>> inputs;
  std::vector<std::unique_ptr<OutputPadSite>> outputs;
  std::vector<controller::LocalController*> controllers;

  sc_core::sc_time leakage_since;
};

Chip::Impl::Impl(Chip& module, const config::PlatformConfig& configuration, Services& shared)
    : self(module),
      config(configuration),
      services(shared),
      floorplan(config.floorplan),
      clock("clock", config.clock, services.lanes),
      router("router", {}),
      control("control", services.chip, floorplan.controllers(), clock),
      leakage_place(place("leakage", "chip")),
      power("power", config.clock, domains(), services),
      nodes(floorplan.sites(), nullptr) {
  build_tiles();
  build_processing_elements();
  build_pads();
  connect_mesh();
  connect_controllers();
  map_bus();
}

void Chip::Impl::build_tiles() {
  for (std::uint32_t site = 0; site < floorplan.sites(); ++site) {
    if (!floorplan.is_tile(site)) {
      continue;
    }
    const std::string name = floorplan.site_name(site);
    tile_places.push_back(place(name, floorplan.domain(site)));
    tiles.push_back(
        std::make_unique<Site>(name.c_str(), config, floorplan.tile_index(site), site, services, tile_places.back()));
    nodes[site] = &tiles.back()->node;
    controllers.push_back(&tiles.back()->lc);
  }
  for (std::uint32_t site = floorplan.columns(); site < floorplan.sites(); ++site) {
    const std::uint32_t above = site - floorplan.columns();
    if (floorplan.is_tile(site) && floorplan.is_tile(above)) {
      tile::Tile& south = tiles[floorplan.tile_index(site)]->array;
      tile::Tile& north = tiles[floorplan.tile_index(above)]->array;
      south.north.bind(north.capacitors);
      north.south.bind(south.capacitors);
    }
  }
}

void Chip::Impl::build_processing_elements() {
  for (std::uint32_t site = 0; site < floorplan.sites(); ++site) {
    if (nodes[site] == nullptr) {
      const std::string name = floorplan.site_name(site);
      processing_elements.push_back(std::make_unique<mesh::Node>(name.c_str(), pass_through(config.node, site),
                                                                 services, place(name, floorplan.domain(site))));
      nodes[site] = processing_elements.back().get();
    }
  }
}

void Chip::Impl::build_pads() {
  for (std::uint32_t pad = 0; pad < floorplan.pads(); ++pad) {
    const std::string name = floorplan.input_pad_name(pad);
    inputs.push_back(std::make_unique<InputPadSite>(name.c_str(), config.controller, services,
                                                    place(name, floorplan.pad(pad).domain),
                                                    input(indexed(config.pad, pad), config.mapping.integration_share)));
    controllers.push_back(&inputs.back()->lc);
  }
  for (std::uint32_t pad = 0; pad < floorplan.pads(); ++pad) {
    const std::string name = floorplan.output_pad_name(pad);
    outputs.push_back(std::make_unique<OutputPadSite>(name.c_str(), config.controller, services,
                                                      place(name, floorplan.pad(pad).domain),
                                                      indexed(config.pad, floorplan.pads() + pad), config.transport));
    controllers.push_back(&outputs.back()->lc);
  }
}

void Chip::Impl::connect_mesh() {
  using mesh::Edge;
  for (std::uint32_t row = 0; row < floorplan.rows(); ++row) {
    for (std::uint32_t column = 0; column < floorplan.columns(); ++column) {
      mesh::Node& here = node(floorplan.site(row, column));
      if (column + 1 < floorplan.columns()) {
        mesh::Node& east = node(floorplan.site(row, column + 1));
        here.out(Edge::kEast).bind(east.in(Edge::kWest));
        east.out(Edge::kWest).bind(here.in(Edge::kEast));
      }
      if (row + 1 < floorplan.rows()) {
        mesh::Node& south = node(floorplan.site(row + 1, column));
        here.out(Edge::kSouth).bind(south.in(Edge::kNorth));
        south.out(Edge::kNorth).bind(here.in(Edge::kSouth));
      }
    }
  }
  for (std::uint32_t pad = 0; pad < floorplan.pads(); ++pad) {
    const config::PadSite& where = floorplan.pad(pad);
    const Edge edge = where.east ? Edge::kEast : Edge::kWest;
    const std::uint32_t column = where.east ? floorplan.columns() - 1 : 0;
    inputs[pad]->pad.out().bind(node(floorplan.site(where.input_row, column)).in(edge));
    node(floorplan.site(where.output_row, column)).out(edge).bind(outputs[pad]->pad.in());
  }
}

void Chip::Impl::connect_controllers() {
  for (std::uint32_t index = 0; index < controllers.size(); ++index) {
    controllers[index]->clock.bind(clock.lines);
    controllers[index]->interrupts.bind(control.line(index));
  }
}

void Chip::Impl::map_bus() {
  constexpr std::uint64_t kControlSize = 0x1000;
  router.map("control", map::kControl, kControlSize).bind(control.socket);
  for (std::uint32_t index = 0; index < controllers.size(); ++index) {
    router.map(floorplan.controller_name(index), map::controller(index), map::kControllerStride)
        .bind(controllers[index]->bus());
  }
  for (std::uint32_t pad = 0; pad < floorplan.pads(); ++pad) {
    router.map(floorplan.input_pad_name(pad) + "_data", map::pad(pad), landing_pad::map::kSize)
        .bind(inputs[pad]->pad.bus());
  }
  for (std::uint32_t pad = 0; pad < floorplan.pads(); ++pad) {
    router.map(floorplan.output_pad_name(pad) + "_data", map::pad(floorplan.pads() + pad), landing_pad::map::kSize)
        .bind(outputs[pad]->pad.bus());
  }
}

Chip::Chip(sc_core::sc_module_name name, const config::PlatformConfig& config, Services& services)
    : sc_module(name), impl_(std::make_unique<Impl>(*this, config, services)) {}

Chip::~Chip() = default;

tlm::tlm_base_target_socket<32>& Chip::bus() { return impl_->router.input(); }
const Floorplan& Chip::floorplan() const { return impl_->floorplan; }
const sc_core::sc_event& Chip::interrupt() const { return impl_->control.interrupt(); }
std::uint64_t Chip::pending() const { return impl_->control.pending(); }
sc_core::sc_time Chip::epoch() const { return impl_->clock.epoch(); }
sc_core::sc_time Chip::last_interrupt() const { return impl_->control.last_interrupt(); }

tile::Tile& Chip::tile(std::uint32_t site) { return impl_->tiles[impl_->floorplan.tile_index(site)]->array; }

controller::LocalController& Chip::local_controller(std::uint32_t index) { return *impl_->controllers[index]; }

void Chip::settle_energy() {
  for (controller::LocalController* lc : impl_->controllers) {
    lc->settle_energy();
  }
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  const double elapsed_ns = (now - impl_->leakage_since) / sc_core::sc_time(1, sc_core::SC_NS);
  impl_->leakage_since = now;
  const config::EnergyConfig& power = impl_->config.energy;
  impl_->services.energy.charge(impl_->leakage_place, energy::Account::kLeakage,
                                power.leakage_mW_per_chip * elapsed_ns * 1e-3);
  for (std::size_t tile = 0; tile < impl_->tiles.size(); ++tile) {
    if (impl_->tiles[tile]->lc.state() != controller::State::kIdle) {
      impl_->services.energy.charge(impl_->tile_places[tile], energy::Account::kLeakage,
                                    power.standing_mW_per_tile * elapsed_ns * 1e-3);
    }
  }
}

}  // namespace chronotile::chip
