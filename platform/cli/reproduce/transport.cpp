#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <stdexcept>
#include <utility>

#include "models/base/noise.hpp"
#include "models/mesh/transport_error.hpp"
#include "platform/cli/firmware_source.hpp"
#include "platform/cli/reproduce/experiment.hpp"
#include "platform/config/config.hpp"
#include "platform/host/feed_forward_session.hpp"
#include "platform/mapping/chip_builder.hpp"
#include "platform/mapping/router.hpp"

// One million random durations over every source-destination pair. Only landing pads measure durations, so the real
// path (pads, firmware, nodes) is taken between all pairs of pads; pairs with tiles are drawn from the same error model
// with the hops that the router gives them.
namespace chronotile::cli::reproduce {
namespace {

// Real-valued pads, so that rounding hides nothing; the bounds of the error are those of the configuration.
const Setup kSetup{"per hop", "ideal", {"transport.mode=per_hop"}};

constexpr std::uint64_t kDurations = 1'000'000;

constexpr double kBin_ns = 0.25;
constexpr double kTedBound_ns = 1.2;
constexpr std::size_t kTedTiles = 6;

config::PlatformConfig configuration(const Scale& scale) {
  config::Sources sources;
  sources.preset = kSetup.preset;
  sources.sets = kSetup.keys;
  config::PlatformConfig config = config::load(sources);
  config.seed = scale.seed;
  return config;
}

/// Random durations of whole counts, as an input pad has them; never 0, which is no pulse.
class Durations {
 public:
  explicit Durations(const config::PlatformConfig& config)
      : stream_{config.seed, 0, 0, noise::Purpose::kWorkload, 0, 0, 0},
        full_scale_(config.pad.full_scale),
        count_ns_(config.pad.ns_per_count) {}

  [[nodiscard]] double full_scale_ns() const { return full_scale_ * count_ns_; }
  void next(double* durations_ns, std::size_t count) {
    noise::uniform(stream_, taken_, durations_ns, count);
    taken_ += count;
    std::transform(durations_ns, durations_ns + count, durations_ns, [this](double draw) {
      return (1 + std::floor((draw + 1) / 2 * full_scale_)) * count_ns_;  // draw: [-1, 1)
    });
  }

 private:
  noise::Stream stream_;
  double full_scale_;
  double count_ns_;
  std::uint64_t taken_ = 0;
};

/// What is kept of the errors.
class Errors {
 public:
  explicit Errors(const mesh::TransportErrorConfig& config)
      : config_(config),
        bins_(static_cast<std::size_t>(std::ceil(2 * (config.bound_ns + 1) / kBin_ns))),
        short_bins_(bins_.size()) {}

  void add(double sent_ns, double received_ns, std::size_t hops) {
    const double error = received_ns - sent_ns;
    const bool is_short = sent_ns < config_.short_below_ns;
    const double bound = is_short ? config_.short_bound_ns : config_.bound_ns;
    const double magnitude = std::abs(error);
    (is_short ? short_bins_ : bins_)[bin(error)] += 1;
    (is_short ? largest_short_ns_ : largest_long_ns_) =
        std::max(is_short ? largest_short_ns_ : largest_long_ns_, magnitude);
    (is_short ? short_count_ : long_count_) += 1;
    near_bound_ += magnitude > kNearBound * bound ? 1 : 0;
    if (hops <= kTedTiles) {
      ++few_hops_;
      few_hops_within_ += magnitude <= kTedBound_ns ? 1 : 0;
    }
    if (!is_short && sent_ns >= 2 * config_.short_below_ns) {  // where the full bound holds
      Moments& moments = by_hops_[hops];
      ++moments.count;
      moments.squares += error * error;
    }
    squares_ += error * error;
  }

  [[nodiscard]] std::uint64_t count() const { return short_count_ + long_count_; }
  [[nodiscard]] std::uint64_t short_count() const { return short_count_; }
  [[nodiscard]] double largest_ns() const { return std::max(largest_long_ns_, largest_short_ns_); }
  [[nodiscard]] double largest_short_ns() const { return largest_short_ns_; }
  [[nodiscard]] double deviation_ns() const { return std::sqrt(squares_ / static_cast<double>(count())); }
  [[nodiscard]] std::uint64_t near_bound() const { return near_bound_; }
  [[nodiscard]] std::uint64_t few_hops() const { return few_hops_; }
  [[nodiscard]] std::uint64_t few_hops_within() const { return few_hops_within_; }

  [[nodiscard]] Series histogram(const std::string& name, bool of_short) const {
    Series series{name, Series::Style::kBars, {}, {}, {}};
    const std::vector<std::uint64_t>& bins = of_short ? short_bins_ : bins_;
    for (std::size_t index = 0; index < bins.size(); ++index) {
      series.x.push_back((static_cast<double>(index) + 0.5) * kBin_ns - config_.bound_ns - 1);
      series.y.push_back(static_cast<double>(bins[index]));
    }
    return series;
  }

  [[nodiscard]] Series deviation_by_hops(const std::string& name, Series::Style style) const {
    Series series{name, style, {}, {}, {}};
    for (const auto& [hops, moments] : by_hops_) {
      series.x.push_back(static_cast<double>(hops));
      series.y.push_back(std::sqrt(moments.squares / static_cast<double>(moments.count)));
    }
    return series;
  }

 private:
  static constexpr double kNearBound = 0.9;
  struct Moments {
    std::uint64_t count = 0;
    double squares = 0;
  };

  [[nodiscard]] std::size_t bin(double error) const {
    const double place = std::floor((error + config_.bound_ns + 1) / kBin_ns);
    return static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(bins_.size() - 1)));
  }

  mesh::TransportErrorConfig config_;
  std::vector<std::uint64_t> bins_;
  std::vector<std::uint64_t> short_bins_;
  std::map<std::size_t, Moments> by_hops_;
  double largest_long_ns_ = 0;
  double largest_short_ns_ = 0;
  double squares_ = 0;
  std::uint64_t long_count_ = 0;
  std::uint64_t short_count_ = 0;
  std::uint64_t near_bound_ = 0;
  std::uint64_t few_hops_ = 0;
  std::uint64_t few_hops_within_ = 0;
};

/// Hops of the first branch of `tree` that reaches its sink, as nodes number them (duration::HopId).
boost::container::small_vector<duration::HopId, 12> hops_of(const mapping::MeshGraph& mesh, const mapping::Tree& tree) {
  enum Way : std::uint32_t { kNorth, kEast, kSouth, kWest, kColumns, kFromSouthNorth, kFromWestEast };
  const std::uint32_t columns = mesh.floorplan().columns();
  std::vector<duration::HopId> hops;
  auto branch = static_cast<std::int32_t>(
      std::find_if(tree.branches.begin(), tree.branches.end(),
                   [&](const mapping::Tree::Branch& other) { return other.vertex == tree.reached.front(); }) -
      tree.branches.begin());
  for (; branch >= 0; branch = tree.branches[static_cast<std::size_t>(branch)].parent) {
    const mapping::Tree::Branch& here = tree.branches[static_cast<std::size_t>(branch)];
    if (mesh.is_pad(here.vertex)) {
      continue;
    }
    const std::uint32_t site = mesh.site_of(here.vertex);
    Way way = kColumns;
    if (here.parent >= 0) {
      const mapping::MeshGraph::Vertex from = tree.branches[static_cast<std::size_t>(here.parent)].vertex;
      const std::uint32_t from_site = mesh.site_of(from);
      if (mesh.is_pad(from)) {
        way = mesh.floorplan().pad(mesh.pad_of(from)).east ? kEast : kWest;
      } else if (from_site == site) {
        way = from == mapping::MeshGraph::south_north(site) ? kFromSouthNorth : kFromWestEast;
      } else if (from_site / columns == site / columns) {
        way = from_site > site ? kEast : kWest;
      } else {
        way = from_site > site ? kSouth : kNorth;
      }
    }
    hops.push_back(static_cast<duration::HopId>(site * 8 + way));
  }
  return {hops.rbegin(), hops.rend()};
}

/// A source or a destination of durations.
struct End {
  std::string name;
  duration::SourceId id = 0;  ///< as duration::SourceId
  std::vector<mapping::MeshGraph::Vertex> vertices;
};

constexpr duration::SourceId kFirstPadSource = 64;

std::vector<End> ends(const mapping::MeshGraph& mesh, bool sources) {
  const chip::Floorplan& floorplan = mesh.floorplan();
  std::vector<End> list;
  for (std::uint32_t pad = 0; pad < floorplan.pads(); ++pad) {
    list.push_back({sources ? floorplan.input_pad_name(pad) : floorplan.output_pad_name(pad),
                    kFirstPadSource + pad,
                    {sources ? mesh.input_pad(pad) : mesh.output_pad(pad)}});
  }
  for (std::uint32_t site = 0; site < floorplan.sites(); ++site) {
    if (floorplan.is_tile(site)) {
      End end{floorplan.site_name(site), floorplan.tile_index(site), {mapping::MeshGraph::south_north(site)}};
      if (!sources) {
        end.vertices.push_back(mapping::MeshGraph::west_east(site));  // rows hear either plane
      }
      list.push_back(end);
    }
  }
  return list;
}

mapping::Tree route(const mapping::MeshGraph& mesh, const End& from, const End& to) {
  const mapping::Net net{from.vertices, {to.vertices}, kAllGroups};
  const auto tree = mapping::grow_tree(mesh, mapping::Occupancy(mesh.size(), 0), from.vertices.front(), net);
  if (!tree) {
    throw std::logic_error(fmt::format("no way leads from {} to {}", from.name, to.name));
  }
  return *tree;
}

/// What the model of the error needs around it.
struct Surroundings {
  explicit Surroundings(const config::PlatformConfig& config)
      : services{violations, energy, lanes, workers, config.seed, 0, config.chip_seed} {}
  ViolationLog violations;
  energy::Meter energy{1};
  Lanes lanes{1};
  WorkPool workers{1};
  Services services;
};

struct Pairs {
  std::size_t pairs = 0;
  std::size_t most_hops = 0;
};

/// Every source to every destination, through the model of the error.
Pairs all_pairs(const config::PlatformConfig& config, std::uint64_t durations, Errors& errors) {
  const mapping::MeshGraph mesh{chip::Floorplan(config.floorplan)};
  Surroundings around(config);
  const mesh::TransportError error(config.transport, around.services);
  Durations draw(config);
  std::vector<std::pair<duration::Pulses, std::uint32_t>> ways;
  Pairs result;
  const std::vector<End> destinations = ends(mesh, false);
  for (const End& from : ends(mesh, true)) {
    for (const End& to : destinations) {
      if (from.name == to.name) {
        continue;
      }
      duration::Pulses pulses;
      pulses.groups = kAllGroups;
      pulses.hops = hops_of(mesh, route(mesh, from, to));
      pulses.emission = std::make_shared<duration::Emission>();
      pulses.emission->source = from.id;
      pulses.emission->groups = kAllGroups;
      result.most_hops = std::max(result.most_hops, pulses.hops.size());
      ways.emplace_back(std::move(pulses), to.id);
    }
  }
  result.pairs = ways.size();
  duration::Block received(kWires, 1);
  for (std::uint64_t repeat = 0; errors.count() < durations; ++repeat) {
    around.lanes.set_key(0, {0, repeat});
    for (auto& [pulses, receiver] : ways) {
      pulses.emission->durations_ns.resize(kWires, 1);
      draw.next(pulses.emission->durations_ns.data(), kWires);
      received = pulses.emission->durations_ns;
      error.apply(pulses, receiver, received);
      for (int wire = 0; wire < kWires; ++wire) {
        errors.add(pulses.emission->durations_ns(wire, 0), received(wire, 0), pulses.hops.size());
      }
    }
  }
  return result;
}

/// A chip on which every input pad sends a vector to every output pad, one pair a slot.
struct PadPlan {
  mapping::Plan plan;
  std::vector<std::size_t> hops;  ///< by pair
};

PadPlan pad_to_pad(const config::PlatformConfig& config) {
  const mapping::MeshGraph mesh{chip::Floorplan(config.floorplan)};
  const chip::Floorplan& floorplan = mesh.floorplan();
  const mapping::SlotTiming timing = mapping::slot_timing(config);
  mapping::ChipBuilder builder(config, timing, mesh);
  PadPlan result;
  mapping::ChipPlan chip;
  std::uint32_t slot = 0;
  for (std::uint32_t from = 0; from < floorplan.pads(); ++from) {
    for (std::uint32_t to = 0; to < floorplan.pads(); ++to, ++slot) {
      const End source{floorplan.input_pad_name(from), kFirstPadSource + from, {mesh.input_pad(from)}};
      const End sink{floorplan.output_pad_name(to), kFirstPadSource + to, {mesh.output_pad(to)}};
      const mapping::Tree tree = route(mesh, source, sink);
      result.hops.push_back(hops_of(mesh, tree).size());
      builder.add_route(tree, slot);
      mapping::ScheduleBuilder& sends = builder.controller(source.name);
      sends.latch(isa::Group::kPadSendVector, static_cast<std::int32_t>(to), slot, mapping::Phase::kPulseStart);
      sends.pulse(isa::Group::kPadSend, kAllGroups, slot, mapping::Phase::kPulseStart, mapping::Phase::kPulseEnd);
      mapping::ScheduleBuilder& captures = builder.controller(sink.name);
      captures.latch(isa::Group::kPadCaptureVector, static_cast<std::int32_t>(from), slot, mapping::Phase::kWindowOpen);
      captures.pulse(isa::Group::kPadCapture, kAllGroups, slot, mapping::Phase::kWindowOpen,
                     mapping::Phase::kWindowClose);
      chip.inputs.push_back({from, to, slot * kWires, kWires});
      mapping::OutputVector& output = chip.outputs.emplace_back();
      output.pad = to;
      output.vector = from;
      output.first = slot * kWires;
      output.count = kWires;
      output.zero_count = 0;  // outputs in counts
      output.counts_per_unit = 1;
    }
  }
  chip.input_count = slot * kWires;
  chip.output_count = slot * kWires;
  chip.slots_per_step = slot;
  const std::string last = floorplan.output_pad_name(floorplan.pads() - 1);
  builder.controller(last).interrupt(slot - 1);
  chip.finishers = {last};
  builder.finish(chip);
  result.plan.workload = "transport";
  result.plan.chips.push_back(std::move(chip));
  return result;
}

/// Every input pad to every output pad, on the chip. Returns the violations.
std::uint64_t over_the_chip(const config::PlatformConfig& config, std::uint64_t durations, Errors& errors) {
  const PadPlan pads = pad_to_pad(config);
  const mapping::ChipPlan& chip = pads.plan.chips.front();
  Durations draw(config);
  const std::size_t lanes = (durations + chip.input_count - 1) / chip.input_count;
  std::vector<std::vector<double>> sent_ns(lanes, std::vector<double>(chip.input_count));
  std::vector<std::vector<double>> inputs(lanes, std::vector<double>(chip.input_count));
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    draw.next(sent_ns[lane].data(), chip.input_count);
    std::transform(sent_ns[lane].begin(), sent_ns[lane].end(), inputs[lane].begin(),
                   [&](double duration_ns) { return duration_ns / draw.full_scale_ns(); });
  }
  host::FeedForwardSession session(config, pads.plan, {assemble_plan(chip, config.controller.sram_words)}, {lanes, 1});
  const std::vector<host::StepResult> results = session.run(inputs, [](std::size_t) {});
  if (!session.failure().empty()) {
    throw std::runtime_error(session.failure());
  }
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    for (std::size_t index = 0; index < chip.input_count; ++index) {
      errors.add(sent_ns[lane][index], results[lane].outputs[index] * config.pad.ns_per_count,
                 pads.hops[index / kWires]);
    }
  }
  return session.violations().count();
}

constexpr const char* kPublication = "Nature 620, 768";
constexpr const char* kOverAll = "all source-destination pairs; model of the error, hops as routed";
constexpr const char* kOverPads = "the real path: firmware, input pads, nodes, output pads";

Row bound_row(const std::string& quantity, double published, double platform, std::uint64_t samples,
              const std::string& remark) {
  Row row;
  row.quantity = quantity;
  row.unit = "ns";
  row.published = published;
  row.relation = "<";
  row.source = kPublication;
  row.platform = platform;
  row.samples = samples;
  row.sampled = "durations";
  row.origin = Origin::kInput;
  row.remark = remark;
  return row;
}

}  // namespace

std::vector<Run> transport_runs(const Scale& scale) { return {run_here("transport", scale)}; }

Section transport_result(const Scale& scale, const Results& results) {
  return section_of(results.at(run_here("transport", scale)).json);
}

Section simulate_transport(const Scale& scale) {
  constexpr double kPublished_ns = 5;
  constexpr double kPublishedShort_ns = 3;
  const config::PlatformConfig config = configuration(scale);
  const std::uint64_t durations = kDurations;
  Errors model(config.transport);
  Errors chip(config.transport);
  const Pairs pairs = all_pairs(config, durations, model);
  const std::uint64_t violations = over_the_chip(config, durations, chip);

  Section section;
  section.text.push_back(fmt::format(
      "Random durations of 1 to {} counts of {:g} ns. First over all {} pairs of a source (six input pads, the "
      "columns of 34 tiles) and another destination (six output pads, the rows of 34 tiles), each over the shortest "
      "way "
      "that the router finds, {} hops at most: these pass the model of the error only, since nothing on a chip could "
      "measure what a tile's row hears. Then, on the simulated chip, from every input pad to every output pad: "
      "firmware "
      "sets the nodes, pads send and capture, and the pads hold real numbers here, so that rounding hides nothing ({} "
      "violations).",
      config.pad.full_scale, config.pad.ns_per_count, pairs.pairs, pairs.most_hops, violations));
  section.text.push_back(
      "The bound is in the configuration and published; the shape of the distribution below it is assumed. The error "
      "is "
      "not clamped: it bends towards the bound without reaching it, so that no mass stands there.");
  section.rows.push_back(bound_row("largest error", kPublished_ns, model.largest_ns(), model.count(), kOverAll));
  section.rows.push_back(
      bound_row("largest error, pad to pad", kPublished_ns, chip.largest_ns(), chip.count(), kOverPads));
  const std::string shorter = fmt::format("below {:g} ns", config.transport.short_below_ns);
  const std::string defined = "; what counts as a shorter duration is assumed";
  section.rows.push_back(bound_row("largest error of durations " + shorter, kPublishedShort_ns,
                                   model.largest_short_ns(), model.short_count(), kOverAll + defined));
  section.rows.push_back(bound_row("the same, pad to pad", kPublishedShort_ns, chip.largest_short_ns(),
                                   chip.short_count(), kOverPads + defined));
  Row piled = bound_row("errors in the last tenth below the bound", 0, 0, model.count() + chip.count(),
                        "nothing piles up at the bound: it is no clamp");
  piled.unit = "%";
  piled.published.reset();
  piled.relation.clear();
  piled.source.clear();
  piled.platform =
      100 * static_cast<double>(model.near_bound() + chip.near_bound()) / static_cast<double>(piled.samples);
  piled.interval = wilson_percent(model.near_bound() + chip.near_bound(), piled.samples);
  piled.origin = Origin::kPredicted;
  section.rows.push_back(piled);
  Row within = piled;
  within.quantity = fmt::format("errors within {:g} ns over at most {} tiles", kTedBound_ns, kTedTiles);
  within.published = 100;
  within.relation = "about";
  within.source = "TED 2021";
  within.samples = model.few_hops() + chip.few_hops();
  within.platform =
      100 * static_cast<double>(model.few_hops_within() + chip.few_hops_within()) / static_cast<double>(within.samples);
  within.interval = wilson_percent(model.few_hops_within() + chip.few_hops_within(), within.samples);
  within.remark = "TED measured an earlier chip; hops stand for tiles";
  section.rows.push_back(within);
  Row deviation = bound_row("standard deviation of the error", 0, model.deviation_ns(), model.count(), kOverAll);
  deviation.published.reset();
  deviation.relation.clear();
  deviation.source.clear();
  deviation.origin = Origin::kPredicted;
  section.rows.push_back(deviation);

  const auto bounds = [&](bool upper_only) {
    std::vector<Reference> references{
        {true, config.transport.bound_ns, fmt::format("bound {:g} ns", config.transport.bound_ns)}};
    if (!upper_only) {
      references.push_back({true, -config.transport.bound_ns, fmt::format("{:g} ns", -config.transport.bound_ns)});
    }
    return references;
  };
  section.plots.push_back({"transport_histogram",
                           fmt::format("Transport error of {} durations", model.count()),
                           "error in ns",
                           fmt::format("durations per {:g} ns", kBin_ns),
                           true,
                           {model.histogram(fmt::format("from {:g} ns on", config.transport.short_below_ns), false),
                            model.histogram(shorter, true)},
                           bounds(false)});
  section.plots.push_back(
      {"transport_hops",
       "Transport error against the length of the way",
       "hops",
       fmt::format("standard deviation in ns (durations from {:g} ns on)", 2 * config.transport.short_below_ns),
       false,
       {model.deviation_by_hops("all pairs, model", Series::Style::kLine),
        chip.deviation_by_hops("pad to pad, chip", Series::Style::kPoints)},
       {}});
  return section;
}

}  // namespace chronotile::cli::reproduce
