#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

/// The control signals of a local controller: ONE table from which the assembler's names, the models' levels, the
/// traces and the programmer's manual come. Everything about it is this project's own design (nothing is published
/// but that there are several hundred signals).
namespace chronotile::isa {

/// The circuit that a group of signals drives.
enum class Circuit : std::uint8_t { kRows, kColumns, kMesh, kProgramming, kPad, kHost };
inline constexpr int kCircuitCount = 6;

/// Index of a group of signals: the operand of `set`, and the index of its level in the controller.
enum class Group : std::uint8_t {
  kRowGate,
  kRowSource,
  kWp1,
  kWp2,
  kPrecharge,
  kIntegrate,
  kPolarity,
  kShareNorth,
  kShareSouth,
  kRamp,
  kRampSlope,
  kRampStart,
  kComparator,
  kEnable,
  kColumnOut,
  kBorderNorth,
  kBorderEast,
  kBorderSouth,
  kBorderWest,
  kTurn,
  kHighVoltage,
  kProgramAmplitude,
  kProgramDevice,
  kProgramRow,
  kProgramColumns,
  kPadSend,
  kPadSendVector,
  kPadCapture,
  kPadCaptureVector,
  kInterrupt,
  kMarker,
};
inline constexpr int kGroupCount = 31;

/// What stands behind the bits of a group.
enum class Layout : std::uint8_t {
  kFlag,          ///< one signal
  kPerWireGroup,  ///< eight signals, bit g for rows, columns or wires 64 g .. 64 g + 63
  kOutIn,         ///< bits 7..0: wire group g may leave; bits 15..8: may enter (`kTurn`: leave SN wires for WE; back)
  kFields,        ///< named single bits, see `doc`
  kUnsigned,      ///< a code
  kSigned,        ///< a two's complement code
};

struct SignalGroup {
  Group group;
  std::string_view name;  ///< as written in assembly and as the trace's signal name
  int bits;               ///< 1..16
  Circuit circuit;
  Layout layout;
  bool on_tiles;  ///< driven by a tile's controller
  bool on_pads;   ///< driven by a pad's controller
  std::string_view doc;
};

/// In the order of `Group`.
inline constexpr std::array<SignalGroup, kGroupCount> kSignalGroups{{
    {Group::kRowGate, "rowgate", 8, Circuit::kRows, Layout::kPerWireGroup, true, false,
     "connects 64 rows of unit cells to their wires; a closed gate (0) keeps the rows silent"},
    {Group::kRowSource, "rowsrc", 8, Circuit::kRows, Layout::kPerWireGroup, true, false,
     "wires that feed the rows: 0 the west-east wires, 1 the south-north wires"},
    {Group::kWp1, "wp1", 8, Circuit::kColumns, Layout::kPerWireGroup, true, false,
     "biases VSIG1 of 64 columns at the read voltage: weight set WP1 takes part in the integration"},
    {Group::kWp2, "wp2", 8, Circuit::kColumns, Layout::kPerWireGroup, true, false,
     "biases VSIG2 of 64 columns at the read voltage: weight set WP2 takes part; with wp1 a 4-PCM weight"},
    {Group::kPrecharge, "pre", 8, Circuit::kColumns, Layout::kPerWireGroup, true, false,
     "ties the capacitors of 64 columns to the reference voltage: charge is zero while 1"},
    {Group::kIntegrate, "integ", 8, Circuit::kColumns, Layout::kPerWireGroup, true, false,
     "mirrors the column currents of 64 columns into their capacitors while 1"},
    {Group::kPolarity, "pol", 8, Circuit::kColumns, Layout::kPerWireGroup, true, false,
     "which line adds: 0 G+ adds and G- subtracts, 1 swapped"},
    {Group::kShareNorth, "sharen", 8, Circuit::kColumns, Layout::kPerWireGroup, true, false,
     "connects the capacitors of 64 columns to those of the northern neighbour, if its shares is 1 as well"},
    {Group::kShareSouth, "shares", 8, Circuit::kColumns, Layout::kPerWireGroup, true, false,
     "connects the capacitors of 64 columns to those of the southern neighbour, if its sharen is 1 as well"},
    {Group::kRamp, "ramp", 2, Circuit::kColumns, Layout::kFields, true, false,
     "bit 0 run: the ramp leaves its start level; bit 1 fall: it falls instead of rising"},
    {Group::kRampSlope, "rslope", 12, Circuit::kColumns, Layout::kUnsigned, true, false,
     "slope of the ramp: code / 64 weight-ns of capacitor voltage per ns; latched when the ramp starts"},
    {Group::kRampStart, "rstart", 16, Circuit::kColumns, Layout::kSigned, true, false,
     "start level of the ramp: code / 4 weight-ns of capacitor voltage; latched when the ramp starts"},
    {Group::kComparator, "cmp", 8, Circuit::kColumns, Layout::kPerWireGroup, true, false,
     "comparator polarity of 64 columns: 0 high while the voltage is above the ramp, 1 while below"},
    {Group::kEnable, "en", 8, Circuit::kColumns, Layout::kPerWireGroup, true, false,
     "AND gate behind the comparators of 64 columns: pulses leave while 1 (ReLU, hard sigmoid, full scale)"},
    {Group::kColumnOut, "colout", 8, Circuit::kColumns, Layout::kPerWireGroup, true, false,
     "drives the comparator outputs of 64 columns onto the south-north wires"},
    {Group::kBorderNorth, "bgn", 16, Circuit::kMesh, Layout::kOutIn, true, false,
     "northern borderguard, south-north wires: out[7:0], in[15:8]"},
    {Group::kBorderEast, "bge", 16, Circuit::kMesh, Layout::kOutIn, true, false,
     "eastern borderguard, west-east wires: out[7:0], in[15:8]"},
    {Group::kBorderSouth, "bgs", 16, Circuit::kMesh, Layout::kOutIn, true, false,
     "southern borderguard, south-north wires: out[7:0], in[15:8]"},
    {Group::kBorderWest, "bgw", 16, Circuit::kMesh, Layout::kOutIn, true, false,
     "western borderguard, west-east wires: out[7:0], in[15:8]"},
    {Group::kTurn, "turn", 16, Circuit::kMesh, Layout::kOutIn, true, false,
     "corner switch of the node: [7:0] south-north wires drive the west-east wires, [15:8] the reverse"},
    {Group::kHighVoltage, "hv", 1, Circuit::kProgramming, Layout::kFlag, true, false,
     "programming supply on the return lines; the selected device of every column whose pulse is high is written"},
    {Group::kProgramAmplitude, "pamp", 8, Circuit::kProgramming, Layout::kUnsigned, true, false,
     "programming amplitude shared by the row: code / 255 of the full programming voltage"},
    {Group::kProgramDevice, "pdev", 4, Circuit::kProgramming, Layout::kFields, true, false,
     "device of the unit cell that is written, one-hot: bit 0 G+, 1 G-, 2 g+, 3 g-"},
    {Group::kProgramRow, "prow", 9, Circuit::kProgramming, Layout::kUnsigned, true, false, "row that is written"},
    {Group::kProgramColumns, "pcol", 8, Circuit::kProgramming, Layout::kPerWireGroup, true, false,
     "lets pulses on the south-north wires onto 64 columns"},
    {Group::kPadSend, "psend", 8, Circuit::kPad, Layout::kPerWireGroup, false, true,
     "input pad: rising edge starts the counters of 64 wires; falling edge ends every pulse still high"},
    {Group::kPadSendVector, "psendv", 12, Circuit::kPad, Layout::kUnsigned, false, true,
     "input pad: address of the vector to send, latched at the rising edge of psend"},
    {Group::kPadCapture, "pcap", 8, Circuit::kPad, Layout::kPerWireGroup, false, true,
     "output pad: counters of 64 wires run while 1 and the wire is high; the vector is stored at the falling edge"},
    {Group::kPadCaptureVector, "pcapv", 12, Circuit::kPad, Layout::kUnsigned, false, true,
     "output pad: address of the vector to store, latched at the rising edge of pcap"},
    {Group::kInterrupt, "irq", 8, Circuit::kHost, Layout::kFields, true, true,
     "interrupt lines to the host: each rising bit raises its cause; written by the instruction irq"},
    {Group::kMarker, "mark", 16, Circuit::kHost, Layout::kUnsigned, true, true,
     "number shown in traces; written by the instruction mark"},
}};

[[nodiscard]] constexpr const SignalGroup& signal_group(Group group) {
  return kSignalGroups[static_cast<std::size_t>(group)];
}

/// The group called `name`, or nothing.
[[nodiscard]] constexpr std::optional<Group> find_group(std::string_view name) {
  for (const SignalGroup& entry : kSignalGroups) {
    if (entry.name == name) {
      return entry.group;
    }
  }
  return std::nullopt;
}

/// Bits of `group` that exist.
[[nodiscard]] constexpr std::uint32_t group_mask(Group group) { return (1U << signal_group(group).bits) - 1U; }

}  // namespace chronotile::isa
