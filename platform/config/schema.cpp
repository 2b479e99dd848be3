#include "platform/config/schema.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <tuple>

#include "common/nearest.hpp"

namespace chronotile::config {
namespace {

using P = PlatformConfig;

/// Follows pointers to members from the root.
template <auto... kPath>
Field at(PlatformConfig& config) {
  return &(config.*....*kPath);
}

template <auto kMember>
Field in_site(PadSite& site) {
  return &(site.*kMember);
}

constexpr Limits any() { return {}; }
constexpr Limits between(double least, double most) {
  Limits limits;
  limits.least = least;
  limits.most = most;
  return limits;
}
constexpr Limits at_least(double least) { return between(least, std::numeric_limits<double>::infinity()); }
constexpr Limits above(double least) {
  Limits limits = at_least(least);
  limits.above = true;
  return limits;
}
template <typename... Words>
constexpr Limits one_of(Words... words) {
  Limits limits;
  static_assert(sizeof...(words) <= std::tuple_size_v<decltype(limits.choices)>);
  limits.choices = {words...};
  return limits;
}
constexpr Limits file() {
  Limits limits;
  limits.path = true;
  return limits;
}

// Bounds that come from elsewhere: [15:0] of the instructions' addresses, 12 bits of psendv and pcapv, pads' source
// identifiers that begin at 64, 8-bit words of the pads.
constexpr double kMostSramWords = 65536;
constexpr double kMostPadVectors = 4096;
constexpr double kMostSites = 64;
constexpr double kMostCount = 255;
constexpr double kMostCycles = 1e6;
constexpr double kMostColumns = 512;  // outputs of a tile
constexpr double kMostInputs = 65536;

// clang-format off
// One line per key: name, unit, limits, description, tag, place in PlatformConfig.
const std::vector<Key> kKeys{
    {{"preset", "", any(), "Preset that this configuration starts from"}, Tag::kModel, at<&P::preset>},
    {{"seed", "", at_least(0), "Seed of all noise: the same seed gives the same bits"}, Tag::kModel, at<&P::seed>},

    {{"clock.period_ns", "ns", above(0), "Period of the controllers' clock"}, Tag::kPublished, at<&P::clock, &ClockConfig::period_ns>},
    {{"clock.slot_cycles", "cycles", between(1, kMostCycles), "Length of a slot of the schedule"}, Tag::kPublished, at<&P::clock, &ClockConfig::slot_cycles>},

    {{"floorplan.rows", "", between(1, kMostSites), "Rows of the grid of sites"}, Tag::kAssumed, at<&P::floorplan, &FloorplanConfig::rows>},
    {{"floorplan.columns", "", between(1, kMostSites), "Columns of the grid of sites"}, Tag::kAssumed, at<&P::floorplan, &FloorplanConfig::columns>},
    {{"floorplan.processing_elements", "", between(0, kMostSites - 1), "Sites (row * columns + column) without a tile, whose wires run straight through"}, Tag::kAssumed, at<&P::floorplan, &FloorplanConfig::processing_elements>},
    {{"floorplan.pads", "", any(), "Pairs of an input and an output landing pad and the grid rows whose edge wires they are connected to"}, Tag::kAssumed, at<&P::floorplan, &FloorplanConfig::pads>},

    {{"controller.sram_words", "words", between(1, kMostSramWords), "Depth of a local controller's instruction SRAM, words of 64 bits"}, Tag::kAssumed, at<&P::controller, &controller::ControllerConfig::sram_words>},
    {{"controller.energy_per_cycle_pJ", "pJ", at_least(0), "Energy of a controller per cycle while it runs"}, Tag::kAssumed, at<&P::controller, &controller::ControllerConfig::energy_per_cycle_pJ>},
    {{"controller.energy_per_instruction_pJ", "pJ", at_least(0), "Energy of fetching and decoding an instruction"}, Tag::kAssumed, at<&P::controller, &controller::ControllerConfig::energy_per_instruction_pJ>},

    {{"tile.lead_in_ns", "ns", at_least(0), "An integration window may open this long before the pulses without a violation"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::lead_in_ns>},
    {{"tile.slope_per_code", "weight-ns per ns", above(0), "Slope of the ramp per unit of its code"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::slope_per_code>},
    {{"tile.start_per_code", "weight-ns", above(0), "Start level of the ramp per unit of its code"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::start_per_code>},
    {{"tile.energy_full_mac_nJ", "nJ", at_least(0), "Energy of array and periphery for 512 x 512 weights at full scale"}, Tag::kDerived, at<&P::tile, &tile::TileConfig::energy_full_mac_nJ>},
    {{"tile.full_scale_ns", "ns", above(0), "Pulse length that tile.energy_full_mac_nJ is meant for"}, Tag::kDerived, at<&P::tile, &tile::TileConfig::full_scale_ns>},
    {{"tile.array_share", "", between(0, 1), "Share of tile.energy_full_mac_nJ that goes to the array's account"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array_share>},
    {{"tile.array.programming_sigma", "of the largest weight", between(0, 1), "Standard deviation of the programming error"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::programming_sigma>},
    {{"tile.array.double_precision", "", any(), "Column sums in double instead of single precision"}, Tag::kModel, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::double_precision>},
    {{"tile.array.half_precision_weights", "", any(), "Weights kept in 16 bits (rounded by at most 2^-11 of each) instead of 32; sums stay in single precision. No effect in double precision"}, Tag::kModel, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::half_precision_weights>},
    {{"tile.array.fold_negated_set", "", any(), "Where WP2 holds exactly the negative of WP1, one pass over the weights serves both"}, Tag::kModel, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::fold_negated_set>},

    {{"node.hop_delay_ns", "ns", at_least(0), "Propagation delay of a hop of the mesh"}, Tag::kAssumed, at<&P::node, &mesh::NodeConfig::hop_delay_ns>},
    {{"node.energy_per_wire_hop_pJ", "pJ", at_least(0), "Energy of a pulse on a wire, per hop"}, Tag::kAssumed, at<&P::node, &mesh::NodeConfig::energy_per_wire_hop_pJ>},

    {{"transport.mode", "", one_of("off", "per_hop", "uniform", "worst_case", "recorded"), "Shape of the error of durations on the mesh"}, Tag::kAssumed, at<&P::transport, &mesh::TransportErrorConfig::mode>},
    {{"transport.bound_ns", "ns", at_least(0), "Largest error of a duration over the whole chip"}, Tag::kPublished, at<&P::transport, &mesh::TransportErrorConfig::bound_ns>},
    {{"transport.short_bound_ns", "ns", at_least(0), "Largest error of a shorter duration"}, Tag::kPublished, at<&P::transport, &mesh::TransportErrorConfig::short_bound_ns>},
    {{"transport.short_below_ns", "ns", at_least(0), "Durations below this are the shorter ones"}, Tag::kAssumed, at<&P::transport, &mesh::TransportErrorConfig::short_below_ns>},
    {{"transport.skew_share", "", between(0, 1), "Share of the systematic part in the variance (mode per_hop)"}, Tag::kAssumed, at<&P::transport, &mesh::TransportErrorConfig::skew_share>},
    {{"transport.full_hops", "hops", above(0), "Hops at which the bound is reached (mode per_hop)"}, Tag::kAssumed, at<&P::transport, &mesh::TransportErrorConfig::full_hops>},
    {{"transport.recorded_file", "", file(), "Recorded errors in ns, one a line (mode recorded)"}, Tag::kModel, at<&P::transport, &mesh::TransportErrorConfig::recorded_file>},

    {{"pad.vectors", "vectors", between(1, kMostPadVectors), "Depth of a landing pad's SRAM, vectors of 512 words"}, Tag::kAssumed, at<&P::pad, &landing_pad::PadConfig::vectors>},
    {{"pad.ns_per_count", "ns", above(0), "Duration of a count of the landing pads' counters"}, Tag::kDerived, at<&P::pad, &landing_pad::PadConfig::ns_per_count>},
    {{"pad.full_scale", "counts", between(1, kMostCount), "Largest count: words have 8 bits, unsigned"}, Tag::kPublished, at<&P::pad, &landing_pad::PadConfig::full_scale>},
    {{"pad.quantise", "", any(), "Landing pads round to counts; false: real numbers pass"}, Tag::kPublished, at<&P::pad, &landing_pad::PadConfig::quantise>},
    {{"pad.lead_in_ns", "ns", at_least(0), "A capture window may open this long before the pulses without a violation"}, Tag::kAssumed, at<&P::pad, &landing_pad::PadConfig::lead_in_ns>},
    {{"pad.energy_per_word_pJ", "pJ", at_least(0), "Energy of converting a word"}, Tag::kAssumed, at<&P::pad, &landing_pad::PadConfig::energy_per_word_pJ>},
    {{"pad.energy_per_ns_pJ", "pJ", at_least(0), "Energy of 512 running counters, per ns"}, Tag::kAssumed, at<&P::pad, &landing_pad::PadConfig::energy_per_ns_pJ>},

    {{"energy.leakage_mW_per_chip", "mW", at_least(0), "Leakage of a chip"}, Tag::kAssumed, at<&P::energy, &EnergyConfig::leakage_mW_per_chip>},

    {{"host.step_overhead_ns", "ns", at_least(0), "From a chip's interrupt to its next start trigger"}, Tag::kAssumed, at<&P::host, &HostConfig::step_overhead_ns>},
    {{"host.energy_per_step_nJ", "nJ", at_least(0), "Energy of the digital work of a step"}, Tag::kAssumed, at<&P::host, &HostConfig::energy_per_step_nJ>},
    {{"host.joint_evaluations_per_step", "", between(1, kMostSites), "Evaluations of an RNN-T's last joint layer that fit into host.step_overhead_ns"}, Tag::kAssumed, at<&P::host, &HostConfig::joint_evaluations_per_step>},
    {{"host.step_timeout_slots", "slots", at_least(1), "A step without an interrupt for so long is given up"}, Tag::kModel, at<&P::host, &HostConfig::step_timeout_slots>},

    {{"mapping.weight_mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of a tile's weight sets: ab asymmetry balance, single WP1 only, wp1wp2 1,024 rows, quad 4 PCM per weight"}, Tag::kPublished, at<&P::mapping, &MappingConfig::weight_mode>},
    {{"mapping.relu_lead_ns", "ns", between(0, kMostCycles), "Time of the ramp below zero before EN opens"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::relu_lead_ns>},
    {{"mapping.lead_cycle", "cycles", between(0, kMostCycles), "Cycle of the slot at which pulses start"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::lead_cycle>},
    {{"mapping.precharge_cycle", "cycles", between(0, kMostCycles), "Cycle of the slot at which the precharge starts"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::precharge_cycle>},
    {{"mapping.precharge_cycles", "cycles", between(0, kMostCycles), "Length of the precharge"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::precharge_cycles>},
    {{"mapping.setup_cycle", "cycles", between(0, kMostCycles), "Cycle of the slot by which guards, row gates and weight selects are set"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::setup_cycle>},
    {{"mapping.window_lead_cycles", "cycles", between(0, kMostCycles), "Receivers open this long before the pulses start"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::window_lead_cycles>},
    {{"mapping.output_full_scale", "", between(1e-6, 1e6), "Output of the last layer, in the network's units, that fills the signed read-out; larger ones are cut off"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::output_full_scale>},
    {{"mapping.window_tail_cycles", "cycles", between(0, kMostCycles), "Receivers close this long after full scale"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::window_tail_cycles>},
    {{"mapping.first_site", "", between(0, kMostSites - 1), "Site at which placement starts"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::first_site>},

    {{"rnnt.encoder_chain_columns", "", between(1, kMostColumns), "Outputs of a chain of tiles of an encoder layer"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::encoder_chain_columns>},
    {{"rnnt.joint_chains", "", between(1, kMostSites), "Chains of tiles that the outputs of the joint's first layer are split over"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::joint_chains>},
    {{"rnnt.embedding_copies", "", between(1, kMostSites), "Copies on tiles of the embedding merged with the input weights, each of that share of the weight"}, Tag::kPublished, at<&P::rnnt, &RnntConfig::embedding_copies>},
    {{"rnnt.weight_expansion", "", any(), "Enc-LSTM0 works on more inputs, mixed by a random matrix"}, Tag::kPublished, at<&P::rnnt, &RnntConfig::weight_expansion>},
    {{"rnnt.expanded_inputs", "", between(1, kMostInputs), "Number of these inputs"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::expanded_inputs>},
    {{"rnnt.input_full_scale", "", above(0), "Normalised feature that makes a pulse of full scale, in standard deviations, where the weights file does not say; larger ones are cut off"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::input_full_scale>},
    {{"rnnt.gate_full_scale", "", above(0), "Partial sum of an LSTM gate that fills the read-out, where the weights file has no measured one"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::gate_full_scale>},
    {{"rnnt.joint_full_scale", "", above(0), "Partial sum of the joint's first layer that fills the read-out, where the weights file has no measured one"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::joint_full_scale>},
    {{"rnnt.enc_lstm0.chip", "", between(0, kMostSites - 1), "Chip of Enc-LSTM0, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm0, &RnntLayerConfig::chip>},
    {{"rnnt.enc_lstm0.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm0, &RnntLayerConfig::mode>},
    {{"rnnt.enc_lstm0.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::enc_lstm0, &RnntLayerConfig::place>},
    {{"rnnt.enc_lstm1.chip", "", between(0, kMostSites - 1), "Chip of Enc-LSTM1, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm1, &RnntLayerConfig::chip>},
    {{"rnnt.enc_lstm1.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm1, &RnntLayerConfig::mode>},
    {{"rnnt.enc_lstm1.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::enc_lstm1, &RnntLayerConfig::place>},
    {{"rnnt.enc_lstm2.chip", "", between(0, kMostSites - 1), "Chip of Enc-LSTM2, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm2, &RnntLayerConfig::chip>},
    {{"rnnt.enc_lstm2.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm2, &RnntLayerConfig::mode>},
    {{"rnnt.enc_lstm2.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::enc_lstm2, &RnntLayerConfig::place>},
    {{"rnnt.enc_lstm3.chip", "", between(0, kMostSites - 1), "Chip of Enc-LSTM3, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm3, &RnntLayerConfig::chip>},
    {{"rnnt.enc_lstm3.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm3, &RnntLayerConfig::mode>},
    {{"rnnt.enc_lstm3.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::enc_lstm3, &RnntLayerConfig::place>},
    {{"rnnt.enc_lstm4.chip", "", between(0, kMostSites - 1), "Chip of Enc-LSTM4, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm4, &RnntLayerConfig::chip>},
    {{"rnnt.enc_lstm4.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm4, &RnntLayerConfig::mode>},
    {{"rnnt.enc_lstm4.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::enc_lstm4, &RnntLayerConfig::place>},
    {{"rnnt.dec_lstm0.chip", "", between(0, kMostSites - 1), "Chip of Emb * Wx and Dec-LSTM0, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::dec_lstm0, &RnntLayerConfig::chip>},
    {{"rnnt.dec_lstm0.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::dec_lstm0, &RnntLayerConfig::mode>},
    {{"rnnt.dec_lstm0.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::dec_lstm0, &RnntLayerConfig::place>},
    {{"rnnt.dec_lstm1.chip", "", between(0, kMostSites - 1), "Chip of Dec-LSTM1, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::dec_lstm1, &RnntLayerConfig::chip>},
    {{"rnnt.dec_lstm1.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::dec_lstm1, &RnntLayerConfig::mode>},
    {{"rnnt.dec_lstm1.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::dec_lstm1, &RnntLayerConfig::place>},
    {{"rnnt.joint.chip", "", between(0, kMostSites - 1), "Chip of the joint's first layer, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::joint, &RnntLayerConfig::chip>},
    {{"rnnt.joint.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::joint, &RnntLayerConfig::mode>},
    {{"rnnt.joint.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::joint, &RnntLayerConfig::place>},
};

const std::vector<PadMember> kPadMembers{
    {{"domain", "", any(), "Name of the domain that the pair belongs to"}, true, in_site<&PadSite::domain>},
    {{"input_row", "", between(0, kMostSites - 1), "Grid row of the input pad"}, true, in_site<&PadSite::input_row>},
    {{"output_row", "", between(0, kMostSites - 1), "Grid row of the output pad"}, true, in_site<&PadSite::output_row>},
    {{"east", "", any(), "At the eastern edge of the grid instead of the western"}, false, in_site<&PadSite::east>},
};
// clang-format on

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('.') + 1); }

std::string words(const Limits& limits) {
  std::string text;
  for (const std::string_view choice : limits.choices) {
    if (!choice.empty()) {
      text += text.empty() ? "" : ", ";
      text += choice;
    }
  }
  return text;
}

/// 3 as "3", 0.5 as "0.5", 1e6 as "1000000".
std::string plain(double number) {
  constexpr double kExact = 1e15;
  return number == std::floor(number) && std::abs(number) < kExact ? fmt::format("{:.0f}", number)
                                                                   : fmt::format("{}", number);
}

}  // namespace

const std::vector<Key>& keys() { return kKeys; }

const Key* find_key(std::string_view name) {
  const auto found = std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& key) { return key.name == name; });
  return found == kKeys.end() ? nullptr : &*found;
}

bool is_section(std::string_view name) {
  return std::any_of(kKeys.begin(), kKeys.end(), [&](const Key& key) {
    return key.name.size() > name.size() && key.name.substr(0, name.size()) == name && key.name[name.size()] == '.';
  });
}

std::string_view nearest_key(std::string_view name) {
  std::vector<std::string_view> names;
  std::vector<std::string_view> last_parts;
  for (const Key& key : kKeys) {
    names.push_back(key.name);
    last_parts.push_back(last_part(key.name));
  }
  const auto same_end = std::find(last_parts.begin(), last_parts.end(), last_part(name));
  const std::string_view whole = nearest(name, names);
  if (!whole.empty() && (last_part(whole) == last_part(name) || same_end == last_parts.end())) {
    return whole;
  }
  if (same_end != last_parts.end()) {
    return names[static_cast<std::size_t>(same_end - last_parts.begin())];
  }
  const std::string_view part = nearest(last_part(name), last_parts);
  if (part.empty()) {
    return {};
  }
  return names[static_cast<std::size_t>(std::find(last_parts.begin(), last_parts.end(), part) - last_parts.begin())];
}

const std::vector<PadMember>& pad_members() { return kPadMembers; }

std::string expectation(const Value& value, const Field& field) {
  const auto with_unit = [&](std::string_view what) {
    return value.unit.empty() ? std::string(what) : fmt::format("{} in {}", what, value.unit);
  };
  if (!value.limits.choices.front().empty()) {
    return "one of " + words(value.limits);
  }
  if (std::holds_alternative<bool*>(field)) {
    return "true or false";
  }
  if (std::holds_alternative<double*>(field)) {
    return with_unit("a number");
  }
  if (std::holds_alternative<std::uint32_t*>(field) || std::holds_alternative<std::uint64_t*>(field)) {
    return with_unit("a whole number");
  }
  if (std::holds_alternative<std::vector<std::uint32_t>*>(field)) {
    return "a list of whole numbers";
  }
  if (std::holds_alternative<std::vector<PadSite>*>(field)) {
    return "a list of tables";
  }
  return "a string";
}

std::string range_text(const Limits& limits) {
  if (!limits.choices.front().empty()) {
    return words(limits);
  }
  const bool least = std::isfinite(limits.least);
  const bool most = std::isfinite(limits.most);
  const std::string_view from = limits.above ? "above " : "at least ";
  if (least && most && !limits.above) {
    return plain(limits.least) + " to " + plain(limits.most);
  }
  if (least && most) {
    return fmt::format("{}{}, at most {}", from, plain(limits.least), plain(limits.most));
  }
  if (least) {
    return fmt::format("{}{}", from, plain(limits.least));
  }
  return most ? "at most " + plain(limits.most) : "";
}

bool within(const Limits& limits, double number) {
  return std::isfinite(number) && number <= limits.most &&
         (limits.above ? number > limits.least : number >= limits.least);
}

}  // namespace chronotile::config
