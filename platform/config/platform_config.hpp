#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/controller/local_controller.hpp"
#include "models/landing_pad/landing_pad.hpp"
#include "models/mesh/node.hpp"
#include "models/mesh/transport_error.hpp"
#include "models/tile/tile.hpp"

/// The platform's typed configuration. Defaults are the preset `quantized`. How keys, units, ranges, descriptions and
/// tags (P published, D derived, A assumed) are attached stands in platform/config/schema.cpp, the one place to add a
/// key to.
namespace chronotile::config {

struct ClockConfig {
  double period_ns = 1.0;           ///< controller clock (P: about 1 GHz)
  std::uint32_t slot_cycles = 300;  ///< schedule slot (P: 300 ns)
};

/// One landing-pad site: which edge wires of which grid row a pad is connected to.
struct PadSite {
  std::string domain;            ///< "NW", "NE", "CW", "CE", "SW", "SE"
  std::uint32_t input_row = 0;   ///< grid row of the input pad
  std::uint32_t output_row = 0;  ///< grid row of the output pad
  bool east = false;             ///< at the eastern edge of the grid instead of the western
};

/// Where things stand on the die (A, but for the counts: 34 tiles, 2 processing elements, 6 pad pairs, 6 domains: P).
struct FloorplanConfig {
  std::uint32_t rows = 6;
  std::uint32_t columns = 6;
  /// Sites (row * columns + column) of the processing elements, which are pass-through nodes.
  std::vector<std::uint32_t> processing_elements{2 * 6 + 2, 2 * 6 + 3};
  std::vector<PadSite> pads{{"NW", 0, 1, false}, {"NE", 1, 0, true},  {"CW", 2, 3, false},
                            {"CE", 3, 2, true},  {"SW", 4, 5, false}, {"SE", 5, 4, true}};
};

struct HostConfig {
  double step_overhead_ns = 300.0;       ///< from a chip's interrupt to its next start trigger (A)
  double energy_per_operation_pJ = 1.0;  ///< of the digital unit (A)
  /// Evaluations of an RNN-T's last joint layer that fit into step_overhead_ns (A).
  std::uint32_t joint_evaluations_per_step = 4;
  std::uint32_t step_timeout_slots = 64;  ///< a step without interrupt for so long is given up
  // Calibration of the read-out, see platform/host/calibration.hpp.
  std::uint32_t calibration_steps = 0;         ///< known vectors through each chip before the first item; 0: none
  double calibration_input_share = 0.5;        ///< of the inputs of a known vector that are not 0 (A)
  double calibration_fill = 0.8;               ///< of the read-out's range that the largest expected output takes (A)
  double calibration_age_s = 0;                ///< age of the devices then; 0: pcm.age_s
  std::string drift_compensation = "none";     ///< "none", "global": one factor per matrix, measured at pcm.age_s
  std::uint32_t drift_compensation_steps = 8;  ///< known vectors for it (A)
};

/// Closed-loop programming by the host (platform/host/array_programmer.hpp); all of it A.
struct ProgrammingConfig {
  std::uint32_t pulse_budget = 20;      ///< pulses of a weight after the erasing one; then it stays as it is
  double tolerance = 0.4;               ///< times the technology's programming error at the target
  double least_tolerance = 0.005;       ///< of the largest weight
  double approach = 0.7;                ///< share of a large error that a pulse is to take away
  std::uint32_t set_amplitude = 180;    ///< code of pamp for pulses that add conductance
  std::uint32_t reset_amplitude = 255;  ///< code of pamp for erasing
  double full_set = 1.25;               ///< conductance at which pulses are taken to saturate
  double first_time_ns = 500.0;         ///< time constant taken for the first pulses, learnt from then on
  double read_uncertainty = 0.015;      ///< of a read, in units of the largest weight
  double longest_pulse_ns = 255;        ///< what an input pad can send
  double counts_per_weight = 102;       ///< of the read-out, for the largest weight
  std::uint32_t zero_reads = 8;         ///< reads without input that find the columns' zero
};

struct EnergyConfig {
  double leakage_mW_per_chip = 20.0;    ///< A
  double standing_mW_per_tile = 19.36;  ///< bias, references, clock of a tile in use (D: fitted to 12.40 TOPS/W)
};

struct MappingConfig {
  std::string weight_mode = "ab";         ///< "ab" (asymmetry balance), "single" (WP1 only), "wp1wp2", "quad" (4-PCM)
  std::uint32_t relu_lead_ns = 16;        ///< ramp time below zero before EN opens (A)
  std::uint32_t lead_cycle = 20;          ///< cycle of the slot at which pulses start (A)
  std::uint32_t precharge_cycle = 2;      ///< cycle at which the precharge of a slot starts (A)
  std::uint32_t precharge_cycles = 12;    ///< its length (A)
  std::uint32_t setup_cycle = 12;         ///< guards, row gates and weight selects of a slot are set by then (A)
  std::uint32_t window_lead_cycles = 2;   ///< receivers open this long before (A)
  std::uint32_t window_tail_cycles = 10;  ///< and close this long after full scale (A)
  double max_weight = 1.0;         ///< "Max W": conductance of the largest weight, of the largest one (P: some 0.8)
  double integration_share = 1.0;  ///< of the time that inputs take; 0.5: halved integration time (A)
  double output_full_scale = 1.0;  ///< output that fills the signed read-out; larger ones are cut (A)
  std::uint32_t first_site = 0;    ///< where placement starts
};

/// Where a matrix of the RNN-T network stands.
struct RnntLayerConfig {
  std::uint32_t chip = 0;  ///< index on the board
  std::string mode;        ///< as MappingConfig::weight_mode
  /// Northern tiles of the chains of each summation group, ROW.COLUMN or ranges within a row, groups separated by ';';
  /// a group without any is placed automatically.
  std::string place;
  double max_weight = 1.0;  ///< times MappingConfig::max_weight: a smaller range of conductances (P: some tiles)
  /// Experiments on one layer alone (mapping::degrade): weights on 2^bits even levels (0: not), and noise added to
  /// them, of the layer's largest weight.
  double weight_bits = 0;
  double weight_noise_sigma = 0;
};

/// Map of the RNN-T network onto the board. The defaults are the published map of five chips.
struct RnntConfig {
  RnntLayerConfig enc_lstm0{0, "ab", "0.0-0.5 2.0-2.1; 4.0-4.5 2.4-2.5"};
  RnntLayerConfig enc_lstm1{1, "ab", "0.0-0.5 2.0-2.1; 4.0-4.5 2.4-2.5"};
  RnntLayerConfig enc_lstm2{2, "wp1wp2", "0.0-0.5 2.0-2.1; 4.0-4.5 3.4-3.5"};
  RnntLayerConfig enc_lstm3{3, "wp1wp2", "0.0-0.5 2.0-2.1"};
  RnntLayerConfig enc_lstm4{3, "wp1wp2", "4.0-4.5 2.4-2.5"};
  RnntLayerConfig dec_lstm0{4, "ab", "0.0-0.3"};
  RnntLayerConfig dec_lstm1{4, "ab", "4.0-4.3"};
  RnntLayerConfig joint{4, "ab", "3.4-3.5"};
  std::uint32_t encoder_chain_columns = 512;  ///< outputs of a chain of an encoder layer
  std::uint32_t joint_chains = 2;             ///< chains that the joint's outputs are split over (A)
  std::uint32_t embedding_copies = 9;         ///< copies of the merged embedding on tiles (P)
  bool weight_expansion = false;              ///< Enc-LSTM0 on expanded inputs (P, as an option)
  std::uint32_t expanded_inputs = 1024;       ///< their number (D)
  double input_full_scale = 3.0;              ///< feature, in standard deviations, of a full pulse (A)
  double gate_full_scale = 8.0;               ///< partial gate sum that fills the read-out, unless measured (A)
  double joint_full_scale = 8.0;              ///< the same of the joint (A)
};

struct PlatformConfig {
  std::string preset = "quantized";
  std::uint64_t seed = 1;
  std::uint64_t chip_seed = 1;  ///< which chips: what fabrication made of periphery and wires
  ClockConfig clock;
  FloorplanConfig floorplan;
  controller::ControllerConfig controller;
  tile::TileConfig tile;
  mesh::NodeConfig node;
  mesh::TransportErrorConfig transport;
  landing_pad::PadConfig pad;
  EnergyConfig energy;
  HostConfig host;
  ProgrammingConfig programming;
  MappingConfig mapping;
  RnntConfig rnnt;
};

}  // namespace chronotile::config
