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
constexpr double kMostWeightBits = 16;

// clang-format off
// One line per key: name, unit, limits, description, tag, place in PlatformConfig.
const std::vector<Key> kKeys{
    {{"preset", "", any(), "Preset that this configuration starts from"}, Tag::kModel, at<&P::preset>},
    {{"seed", "", at_least(0), "Seed of all noise: the same seed gives the same bits"}, Tag::kModel, at<&P::seed>},
    {{"chip_seed", "", at_least(0), "Which chips: what fabrication made of each column's periphery and each wire, whatever the run"}, Tag::kModel, at<&P::chip_seed>},

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
    {{"tile.full_scale_ns", "ns", above(0), "Longest pulse that carries data, before mapping.integration_share: EN that ends earlier cuts it"}, Tag::kDerived, at<&P::tile, &tile::TileConfig::full_scale_ns>},
    {{"tile.energy_per_cell_ns_fJ", "fJ", at_least(0), "Energy of a cell per ns of its row's pulse; fitted to 20 TOPS/W with the next two, a third each (A)"}, Tag::kDerived, at<&P::tile, &tile::TileConfig::energy_per_cell_ns_fJ>},
    {{"tile.energy_per_column_ns_fJ", "fJ", at_least(0), "Energy of a column's amplifier and mirror per ns of an integration window; fitted as the cell's"}, Tag::kDerived, at<&P::tile, &tile::TileConfig::energy_per_column_ns_fJ>},
    {{"tile.energy_per_conversion_pJ", "pJ", at_least(0), "Energy of a column's ramp and comparator per emission; fitted as the cell's"}, Tag::kDerived, at<&P::tile, &tile::TileConfig::energy_per_conversion_pJ>},
    {{"tile.energy_per_write_ns_fJ", "fJ", at_least(0), "Energy of a programming pulse at full amplitude, a device for 1 ns"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::energy_per_write_ns_fJ>},
    {{"tile.array.programming_sigma", "of the largest weight", between(0, 1), "Standard deviation of the programming error"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::programming_sigma>},
    {{"tile.array.double_precision", "", any(), "Column sums in double instead of single precision"}, Tag::kModel, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::double_precision>},
    {{"tile.array.half_precision_weights", "", any(), "Weights kept in 16 bits (rounded by at most 2^-11 of each) instead of 32; sums stay in single precision. No effect in double precision"}, Tag::kModel, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::half_precision_weights>},
    {{"tile.array.fold_negated_set", "", any(), "Where WP2 holds exactly the negative of WP1, one pass over the weights serves both"}, Tag::kModel, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::fold_negated_set>},

    {{"pcm.enabled", "", any(), "Weights are pairs of devices with programming error, drift, noise and defects instead of ideal ones"}, Tag::kModel, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::devices, &pcm::DeviceConfig::enabled>},
    {{"pcm.technology", "", one_of("90nm", "14nm"), "Public device model: 90nm (aihwkit PCMLikeNoiseModel) or 14nm (HermesNoiseModel); this chip's own is not published"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::devices, &pcm::DeviceConfig::technology>},
    {{"pcm.programming_scale", "", at_least(0), "Times the programming error of the technology"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::devices, &pcm::DeviceConfig::programming_scale>},
    {{"pcm.age_s", "s", at_least(0), "Time since programming; up to 20 s (90nm) or 200 s (14nm) nothing has drifted"}, Tag::kModel, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::devices, &pcm::DeviceConfig::age_s>},
    {{"pcm.time_lapse", "", at_least(0), "Devices age by so many seconds in a simulated second; 0: they stay at pcm.age_s"}, Tag::kModel, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::devices, &pcm::DeviceConfig::time_lapse>},
    {{"pcm.drift", "", any(), "Conductances drift with the age"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::devices, &pcm::DeviceConfig::drift>},
    {{"pcm.read_noise", "", any(), "Devices have 1/f noise"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::devices, &pcm::DeviceConfig::read_noise>},
    {{"pcm.white_decades", "decades", between(0, 6), "Decades of 1/f noise that are drawn anew in each integration; the slower ones once for each device"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::devices, &pcm::DeviceConfig::white_decades>},
    {{"pcm.dead_share", "", between(0, 1), "Devices without conductance"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::devices, &pcm::DeviceConfig::dead_share>},
    {{"pcm.stuck_share", "", between(0, 1), "Devices stuck at a random conductance"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::devices, &pcm::DeviceConfig::stuck_share>},

    {{"pcm.pulse.set_amplitude", "of the full voltage", between(0, 1), "Programming pulses below this amplitude do nothing"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::pulse, &pcm::PulseConfig::set_amplitude>},
    {{"pcm.pulse.melt_amplitude", "of the full voltage", between(0, 1), "Programming pulses from this amplitude on erase (RESET), below it they add conductance (SET)"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::pulse, &pcm::PulseConfig::melt_amplitude>},
    {{"pcm.pulse.set_time_ns", "ns", above(0), "Time constant of SET pulses just below the melting amplitude"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::pulse, &pcm::PulseConfig::set_time_ns>},
    {{"pcm.pulse.full_set", "of the largest", above(0), "Conductance that SET pulses tend to"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::pulse, &pcm::PulseConfig::full_set>},
    {{"pcm.pulse.full_set_sigma", "", between(0, 1), "Its relative standard deviation from device to device"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::pulse, &pcm::PulseConfig::full_set_sigma>},
    {{"pcm.pulse.speed_sigma", "", at_least(0), "Standard deviation of the logarithm of a device's speed"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::pulse, &pcm::PulseConfig::speed_sigma>},
    {{"pcm.pulse.increment_sigma", "", at_least(0), "Standard deviation of the logarithm of what a pulse adds, from pulse to pulse"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::pulse, &pcm::PulseConfig::increment_sigma>},
    {{"pcm.pulse.reset_ns", "ns", above(0), "Shortest pulse that erases wholly"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::pulse, &pcm::PulseConfig::reset_ns>},
    {{"pcm.pulse.reset_residue", "of the largest", at_least(0), "Standard deviation of the conductance that erasing leaves"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::pulse, &pcm::PulseConfig::reset_residue>},
    {{"pcm.pulse.relaxation", "", at_least(0), "Change of a device after writing, as a share of the technology's programming error"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::array, &tile::ArrayConfig::pulse, &pcm::PulseConfig::relaxation>},

    {{"periphery.gain_sigma", "", between(0, 0.3), "Standard deviation of the gains b+ and b- of a column's two lines around 1"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::periphery, &tile::PeripheryConfig::gain_sigma>},
    {{"periphery.offset_sigma", "of the largest weight", between(0, 1), "Standard deviation of a column's offset o+ - o-, a current while it integrates"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::periphery, &tile::PeripheryConfig::offset_sigma>},
    {{"periphery.saturation", "", one_of("off", "soft", "hard"), "How capacitors saturate"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::periphery, &tile::PeripheryConfig::saturation>},
    {{"periphery.saturation_weight_ns", "weight-ns", above(0), "Charge at which a capacitor is full"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::periphery, &tile::PeripheryConfig::saturation_weight_ns>},
    {{"periphery.ramp_slope_sigma", "", between(0, 0.2), "Standard deviation of the slope of a tile's ramp, relative"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::periphery, &tile::PeripheryConfig::ramp_slope_sigma>},
    {{"periphery.comparator_offset_sigma_weight_ns", "weight-ns", at_least(0), "Standard deviation of a comparator's offset"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::periphery, &tile::PeripheryConfig::comparator_offset_sigma_weight_ns>},
    {{"periphery.comparator_noise_sigma_weight_ns", "weight-ns", at_least(0), "Standard deviation of a comparator's noise, drawn in each conversion"}, Tag::kAssumed, at<&P::tile, &tile::TileConfig::periphery, &tile::PeripheryConfig::comparator_noise_sigma_weight_ns>},

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
    {{"energy.standing_mW_per_tile", "mW", at_least(0), "Bias, references and clock of a tile in use, while its chip works; fitted to 12.40 TOPS/W of chip 4"}, Tag::kDerived, at<&P::energy, &EnergyConfig::standing_mW_per_tile>},

    {{"host.step_overhead_ns", "ns", at_least(0), "From a chip's interrupt to its next start trigger"}, Tag::kAssumed, at<&P::host, &HostConfig::step_overhead_ns>},
    {{"host.energy_per_operation_pJ", "pJ", at_least(0), "Energy of an operation of the digital unit"}, Tag::kAssumed, at<&P::host, &HostConfig::energy_per_operation_pJ>},
    {{"host.joint_evaluations_per_step", "", between(1, kMostSites), "Evaluations of an RNN-T's last joint layer that fit into host.step_overhead_ns"}, Tag::kAssumed, at<&P::host, &HostConfig::joint_evaluations_per_step>},
    {{"host.step_timeout_slots", "slots", at_least(1), "A step without an interrupt for so long is given up"}, Tag::kModel, at<&P::host, &HostConfig::step_timeout_slots>},
    {{"host.calibration_steps", "", between(0, kMostCycles), "Calibration: steps with known inputs through each chip before the first item, from which the host fits slope and offset of each output column; 0: none"}, Tag::kModel, at<&P::host, &HostConfig::calibration_steps>},
    {{"host.calibration_input_share", "", between(0.01, 1), "Share of the known inputs that are not 0"}, Tag::kAssumed, at<&P::host, &HostConfig::calibration_input_share>},
    {{"host.calibration_fill", "", between(0.01, 1), "Share of the read-out's range that the largest expected output of the known inputs takes, as far as pulses of full scale reach it"}, Tag::kAssumed, at<&P::host, &HostConfig::calibration_fill>},
    {{"host.calibration_age_s", "s", at_least(0), "Age of the devices when calibration is done; 0: pcm.age_s, as for the items"}, Tag::kModel, at<&P::host, &HostConfig::calibration_age_s>},
    {{"host.drift_compensation", "", one_of("none", "global"), "At pcm.age_s, behind calibration: none, or global, one factor per matrix from a few known inputs"}, Tag::kAssumed, at<&P::host, &HostConfig::drift_compensation>},
    {{"host.drift_compensation_steps", "", between(1, kMostCycles), "Steps with known inputs that measure the factor of the drift compensation"}, Tag::kAssumed, at<&P::host, &HostConfig::drift_compensation_steps>},

    {{"programming.pulse_budget", "", between(0, kMostCycles), "Pulses of a weight in closed-loop programming, after the erasing one; then it stays as it is"}, Tag::kAssumed, at<&P::programming, &ProgrammingConfig::pulse_budget>},
    {{"programming.tolerance", "", at_least(0), "Error at which a weight is left alone, times the technology's programming error at its target"}, Tag::kAssumed, at<&P::programming, &ProgrammingConfig::tolerance>},
    {{"programming.least_tolerance", "of the largest weight", at_least(0), "The same at least"}, Tag::kAssumed, at<&P::programming, &ProgrammingConfig::least_tolerance>},
    {{"programming.approach", "", between(0.01, 1), "Share of a large error that a pulse is to take away"}, Tag::kAssumed, at<&P::programming, &ProgrammingConfig::approach>},
    {{"programming.set_amplitude", "code", between(0, 255), "Code of pamp for pulses that add conductance"}, Tag::kAssumed, at<&P::programming, &ProgrammingConfig::set_amplitude>},
    {{"programming.reset_amplitude", "code", between(0, 255), "Code of pamp for erasing"}, Tag::kAssumed, at<&P::programming, &ProgrammingConfig::reset_amplitude>},
    {{"programming.full_set", "of the largest", above(0), "Conductance at which the host takes SET pulses to saturate"}, Tag::kAssumed, at<&P::programming, &ProgrammingConfig::full_set>},
    {{"programming.first_time_ns", "ns", above(0), "Time constant of the devices that the host takes for the first pulses; it learns from then on"}, Tag::kAssumed, at<&P::programming, &ProgrammingConfig::first_time_ns>},
    {{"programming.read_uncertainty", "of the largest weight", above(0), "Uncertainty of a read, as the host takes it when it learns speeds"}, Tag::kAssumed, at<&P::programming, &ProgrammingConfig::read_uncertainty>},
    {{"programming.longest_pulse_ns", "ns", between(1, kMostCount), "Longest programming pulse"}, Tag::kAssumed, at<&P::programming, &ProgrammingConfig::longest_pulse_ns>},
    {{"programming.counts_per_weight", "counts", between(1, kMostCount), "Read-out of the largest weight in read-verify"}, Tag::kAssumed, at<&P::programming, &ProgrammingConfig::counts_per_weight>},
    {{"programming.zero_reads", "", between(1, 64), "Reads without input that find the columns' zero before a tile is programmed"}, Tag::kAssumed, at<&P::programming, &ProgrammingConfig::zero_reads>},

    {{"mapping.weight_mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of a tile's weight sets: ab asymmetry balance, single WP1 only, wp1wp2 1,024 rows, quad 4 PCM per weight"}, Tag::kPublished, at<&P::mapping, &MappingConfig::weight_mode>},
    {{"mapping.relu_lead_ns", "ns", between(0, kMostCycles), "Time of the ramp below zero before EN opens"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::relu_lead_ns>},
    {{"mapping.lead_cycle", "cycles", between(0, kMostCycles), "Cycle of the slot at which pulses start"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::lead_cycle>},
    {{"mapping.precharge_cycle", "cycles", between(0, kMostCycles), "Cycle of the slot at which the precharge starts"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::precharge_cycle>},
    {{"mapping.precharge_cycles", "cycles", between(0, kMostCycles), "Length of the precharge"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::precharge_cycles>},
    {{"mapping.setup_cycle", "cycles", between(0, kMostCycles), "Cycle of the slot by which guards, row gates and weight selects are set"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::setup_cycle>},
    {{"mapping.window_lead_cycles", "cycles", between(0, kMostCycles), "Receivers open this long before the pulses start"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::window_lead_cycles>},
    {{"mapping.output_full_scale", "", between(1e-6, 1e6), "Output of the last layer, in the network's units, that fills the signed read-out; larger ones are cut off"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::output_full_scale>},
    {{"mapping.window_tail_cycles", "cycles", between(0, kMostCycles), "Receivers close this long after full scale"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::window_tail_cycles>},
    {{"mapping.max_weight", "of the largest conductance", between(0.01, 1), "Max W: what the largest weight of a layer becomes; some tiles have 0.8 of the normal range"}, Tag::kPublished, at<&P::mapping, &MappingConfig::max_weight>},
    {{"mapping.integration_share", "", between(0.1, 1), "Time of an input pulse, relative to pad.ns_per_count a count; 0.5: halved integration time"}, Tag::kAssumed, at<&P::mapping, &MappingConfig::integration_share>},
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
    {{"rnnt.enc_lstm0.max_weight", "", between(0.01, 1), "Times mapping.max_weight: a smaller range of conductances"}, Tag::kPublished, at<&P::rnnt, &RnntConfig::enc_lstm0, &RnntLayerConfig::max_weight>},
    {{"rnnt.enc_lstm0.weight_bits", "bits", between(0, kMostWeightBits), "Experiment: its weights rounded to 2^bits even levels, not necessarily a whole number of bits; 0: not rounded"}, Tag::kModel, at<&P::rnnt, &RnntConfig::enc_lstm0, &RnntLayerConfig::weight_bits>},
    {{"rnnt.enc_lstm0.weight_noise_sigma", "of the layer's largest weight", between(0, 1), "Experiment: standard deviation of noise added to its weights before they are written"}, Tag::kModel, at<&P::rnnt, &RnntConfig::enc_lstm0, &RnntLayerConfig::weight_noise_sigma>},
    {{"rnnt.enc_lstm1.chip", "", between(0, kMostSites - 1), "Chip of Enc-LSTM1, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm1, &RnntLayerConfig::chip>},
    {{"rnnt.enc_lstm1.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm1, &RnntLayerConfig::mode>},
    {{"rnnt.enc_lstm1.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::enc_lstm1, &RnntLayerConfig::place>},
    {{"rnnt.enc_lstm1.max_weight", "", between(0.01, 1), "Times mapping.max_weight: a smaller range of conductances"}, Tag::kPublished, at<&P::rnnt, &RnntConfig::enc_lstm1, &RnntLayerConfig::max_weight>},
    {{"rnnt.enc_lstm1.weight_bits", "bits", between(0, kMostWeightBits), "Experiment: its weights rounded to 2^bits even levels, not necessarily a whole number of bits; 0: not rounded"}, Tag::kModel, at<&P::rnnt, &RnntConfig::enc_lstm1, &RnntLayerConfig::weight_bits>},
    {{"rnnt.enc_lstm1.weight_noise_sigma", "of the layer's largest weight", between(0, 1), "Experiment: standard deviation of noise added to its weights before they are written"}, Tag::kModel, at<&P::rnnt, &RnntConfig::enc_lstm1, &RnntLayerConfig::weight_noise_sigma>},
    {{"rnnt.enc_lstm2.chip", "", between(0, kMostSites - 1), "Chip of Enc-LSTM2, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm2, &RnntLayerConfig::chip>},
    {{"rnnt.enc_lstm2.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm2, &RnntLayerConfig::mode>},
    {{"rnnt.enc_lstm2.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::enc_lstm2, &RnntLayerConfig::place>},
    {{"rnnt.enc_lstm2.max_weight", "", between(0.01, 1), "Times mapping.max_weight: a smaller range of conductances"}, Tag::kPublished, at<&P::rnnt, &RnntConfig::enc_lstm2, &RnntLayerConfig::max_weight>},
    {{"rnnt.enc_lstm2.weight_bits", "bits", between(0, kMostWeightBits), "Experiment: its weights rounded to 2^bits even levels, not necessarily a whole number of bits; 0: not rounded"}, Tag::kModel, at<&P::rnnt, &RnntConfig::enc_lstm2, &RnntLayerConfig::weight_bits>},
    {{"rnnt.enc_lstm2.weight_noise_sigma", "of the layer's largest weight", between(0, 1), "Experiment: standard deviation of noise added to its weights before they are written"}, Tag::kModel, at<&P::rnnt, &RnntConfig::enc_lstm2, &RnntLayerConfig::weight_noise_sigma>},
    {{"rnnt.enc_lstm3.chip", "", between(0, kMostSites - 1), "Chip of Enc-LSTM3, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm3, &RnntLayerConfig::chip>},
    {{"rnnt.enc_lstm3.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm3, &RnntLayerConfig::mode>},
    {{"rnnt.enc_lstm3.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::enc_lstm3, &RnntLayerConfig::place>},
    {{"rnnt.enc_lstm3.max_weight", "", between(0.01, 1), "Times mapping.max_weight: a smaller range of conductances"}, Tag::kPublished, at<&P::rnnt, &RnntConfig::enc_lstm3, &RnntLayerConfig::max_weight>},
    {{"rnnt.enc_lstm3.weight_bits", "bits", between(0, kMostWeightBits), "Experiment: its weights rounded to 2^bits even levels, not necessarily a whole number of bits; 0: not rounded"}, Tag::kModel, at<&P::rnnt, &RnntConfig::enc_lstm3, &RnntLayerConfig::weight_bits>},
    {{"rnnt.enc_lstm3.weight_noise_sigma", "of the layer's largest weight", between(0, 1), "Experiment: standard deviation of noise added to its weights before they are written"}, Tag::kModel, at<&P::rnnt, &RnntConfig::enc_lstm3, &RnntLayerConfig::weight_noise_sigma>},
    {{"rnnt.enc_lstm4.chip", "", between(0, kMostSites - 1), "Chip of Enc-LSTM4, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm4, &RnntLayerConfig::chip>},
    {{"rnnt.enc_lstm4.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::enc_lstm4, &RnntLayerConfig::mode>},
    {{"rnnt.enc_lstm4.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::enc_lstm4, &RnntLayerConfig::place>},
    {{"rnnt.enc_lstm4.max_weight", "", between(0.01, 1), "Times mapping.max_weight: a smaller range of conductances"}, Tag::kPublished, at<&P::rnnt, &RnntConfig::enc_lstm4, &RnntLayerConfig::max_weight>},
    {{"rnnt.enc_lstm4.weight_bits", "bits", between(0, kMostWeightBits), "Experiment: its weights rounded to 2^bits even levels, not necessarily a whole number of bits; 0: not rounded"}, Tag::kModel, at<&P::rnnt, &RnntConfig::enc_lstm4, &RnntLayerConfig::weight_bits>},
    {{"rnnt.enc_lstm4.weight_noise_sigma", "of the layer's largest weight", between(0, 1), "Experiment: standard deviation of noise added to its weights before they are written"}, Tag::kModel, at<&P::rnnt, &RnntConfig::enc_lstm4, &RnntLayerConfig::weight_noise_sigma>},
    {{"rnnt.dec_lstm0.chip", "", between(0, kMostSites - 1), "Chip of Emb * Wx and Dec-LSTM0, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::dec_lstm0, &RnntLayerConfig::chip>},
    {{"rnnt.dec_lstm0.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::dec_lstm0, &RnntLayerConfig::mode>},
    {{"rnnt.dec_lstm0.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::dec_lstm0, &RnntLayerConfig::place>},
    {{"rnnt.dec_lstm0.max_weight", "", between(0.01, 1), "Times mapping.max_weight: a smaller range of conductances"}, Tag::kPublished, at<&P::rnnt, &RnntConfig::dec_lstm0, &RnntLayerConfig::max_weight>},
    {{"rnnt.dec_lstm0.weight_bits", "bits", between(0, kMostWeightBits), "Experiment: its weights rounded to 2^bits even levels, not necessarily a whole number of bits; 0: not rounded"}, Tag::kModel, at<&P::rnnt, &RnntConfig::dec_lstm0, &RnntLayerConfig::weight_bits>},
    {{"rnnt.dec_lstm0.weight_noise_sigma", "of the layer's largest weight", between(0, 1), "Experiment: standard deviation of noise added to its weights before they are written"}, Tag::kModel, at<&P::rnnt, &RnntConfig::dec_lstm0, &RnntLayerConfig::weight_noise_sigma>},
    {{"rnnt.dec_lstm1.chip", "", between(0, kMostSites - 1), "Chip of Dec-LSTM1, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::dec_lstm1, &RnntLayerConfig::chip>},
    {{"rnnt.dec_lstm1.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::dec_lstm1, &RnntLayerConfig::mode>},
    {{"rnnt.dec_lstm1.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::dec_lstm1, &RnntLayerConfig::place>},
    {{"rnnt.dec_lstm1.max_weight", "", between(0.01, 1), "Times mapping.max_weight: a smaller range of conductances"}, Tag::kPublished, at<&P::rnnt, &RnntConfig::dec_lstm1, &RnntLayerConfig::max_weight>},
    {{"rnnt.dec_lstm1.weight_bits", "bits", between(0, kMostWeightBits), "Experiment: its weights rounded to 2^bits even levels, not necessarily a whole number of bits; 0: not rounded"}, Tag::kModel, at<&P::rnnt, &RnntConfig::dec_lstm1, &RnntLayerConfig::weight_bits>},
    {{"rnnt.dec_lstm1.weight_noise_sigma", "of the layer's largest weight", between(0, 1), "Experiment: standard deviation of noise added to its weights before they are written"}, Tag::kModel, at<&P::rnnt, &RnntConfig::dec_lstm1, &RnntLayerConfig::weight_noise_sigma>},
    {{"rnnt.joint.chip", "", between(0, kMostSites - 1), "Chip of the joint's first layer, counted from 0"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::joint, &RnntLayerConfig::chip>},
    {{"rnnt.joint.mode", "", one_of("ab", "single", "wp1wp2", "quad"), "Use of its tiles' weight sets, as mapping.weight_mode"}, Tag::kDerived, at<&P::rnnt, &RnntConfig::joint, &RnntLayerConfig::mode>},
    {{"rnnt.joint.place", "", any(), "Northern tiles of its chains, ROW.COLUMN or ranges in a row; ';' between summation groups; none: placed automatically"}, Tag::kAssumed, at<&P::rnnt, &RnntConfig::joint, &RnntLayerConfig::place>},
    {{"rnnt.joint.max_weight", "", between(0.01, 1), "Times mapping.max_weight: a smaller range of conductances"}, Tag::kPublished, at<&P::rnnt, &RnntConfig::joint, &RnntLayerConfig::max_weight>},
    {{"rnnt.joint.weight_bits", "bits", between(0, kMostWeightBits), "Experiment: its weights rounded to 2^bits even levels, not necessarily a whole number of bits; 0: not rounded"}, Tag::kModel, at<&P::rnnt, &RnntConfig::joint, &RnntLayerConfig::weight_bits>},
    {{"rnnt.joint.weight_noise_sigma", "of the layer's largest weight", between(0, 1), "Experiment: standard deviation of noise added to its weights before they are written"}, Tag::kModel, at<&P::rnnt, &RnntConfig::joint, &RnntLayerConfig::weight_noise_sigma>},
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
