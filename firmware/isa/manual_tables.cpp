#include "firmware/isa/manual_tables.hpp"

#include <fmt/format.h>

#include <array>
#include <stdexcept>

namespace chronotile::isa {
namespace {

struct FormatText {
  Format format;
  std::string_view name;
  std::string_view operands;
  std::string_view diagram;
};

constexpr std::array<FormatText, 11> kFormats{{
    {Format::kNone, "none", "",
     "63    58 57                                                           0\n"
     "+--------+-------------------------------------------------------------+\n"
     "| opcode |                              0                              |\n"
     "+--------+-------------------------------------------------------------+"},
    {Format::kGroupValue, "group-value", "GROUP, VALUE",
     "63    58 57 56 55      48 47           32 31                           0\n"
     "+--------+--+--+----------+---------------+-----------------------------+\n"
     "| opcode | c| 0|  group   |       0       |            value            |\n"
     "+--------+--+--+----------+---------------+-----------------------------+"},
    {Format::kGroupRegister, "group-register", "GROUP, rS",
     "63    58 57 56 55      48 47    36 35  32 31                           0\n"
     "+--------+--+--+----------+--------+------+-----------------------------+\n"
     "| opcode | c| 0|  group   |   0    |  rS  |              0              |\n"
     "+--------+--+--+----------+--------+------+-----------------------------+"},
    {Format::kImmediate, "number", "NUMBER",
     "63    58 57                            32 31                           0\n"
     "+--------+--------------------------------+-----------------------------+\n"
     "| opcode |               0                |           number            |\n"
     "+--------+--------------------------------+-----------------------------+"},
    {Format::kRegister, "register", "rD",
     "63    58 57                   36 35    32 31                           0\n"
     "+--------+-----------------------+--------+-----------------------------+\n"
     "| opcode |           0           |   rD   |              0              |\n"
     "+--------+-----------------------+--------+-----------------------------+"},
    {Format::kRegisterImm, "register-number", "rD, NUMBER",
     "63    58 57                   36 35    32 31                           0\n"
     "+--------+-----------------------+--------+-----------------------------+\n"
     "| opcode |           0           |   rD   |           number            |\n"
     "+--------+-----------------------+--------+-----------------------------+"},
    {Format::kRegisterPair, "register-pair", "rD, rS",
     "63    58 57         40 39    36 35     32 31                           0\n"
     "+--------+-------------+--------+---------+-----------------------------+\n"
     "| opcode |      0      |   rS   |   rD    |              0              |\n"
     "+--------+-------------+--------+---------+-----------------------------+"},
    {Format::kTarget, "target", "ADDRESS",
     "63    58 57                                   16 15                    0\n"
     "+--------+---------------------------------------+----------------------+\n"
     "| opcode |                   0                   |       address        |\n"
     "+--------+---------------------------------------+----------------------+"},
    {Format::kBranch, "branch", "rL, rR, ADDRESS",
     "63    58 57       40 39  36 35  32 31         16 15                    0\n"
     "+--------+-----------+------+------+-------------+----------------------+\n"
     "| opcode |     0     |  rR  |  rL  |      0      |       address        |\n"
     "+--------+-----------+------+------+-------------+----------------------+"},
    {Format::kLoop, "loop", "COUNT [, BEHIND]",
     "63    58 57         48 47              32 31                           0\n"
     "+--------+-------------+------------------+-----------------------------+\n"
     "| opcode |      0      |      behind      |            count            |\n"
     "+--------+-------------+------------------+-----------------------------+"},
    {Format::kLoopRegister, "loop-register", "rC [, BEHIND]",
     "63    58 57               36 35        32 31  16 15                    0\n"
     "+--------+-------------------+------------+------+----------------------+\n"
     "| opcode |         0         |     rC     |  0   |        behind        |\n"
     "+--------+-------------------+------------+------+----------------------+"},
}};

const FormatText& format_text(Format format) { return kFormats.at(static_cast<std::size_t>(format)); }

std::string_view circuit_name(Circuit circuit) {
  constexpr std::array<std::string_view, kCircuitCount> kNames{"rows", "columns", "mesh", "programming", "pad", "host"};
  return kNames.at(static_cast<std::size_t>(circuit));
}

std::string_view layout_name(Layout layout) {
  switch (layout) {
    case Layout::kFlag:
      return "flag";
    case Layout::kPerWireGroup:
      return "per wire group";
    case Layout::kOutIn:
      return "out, in";
    case Layout::kFields:
      return "named bits";
    case Layout::kUnsigned:
      return "code";
    case Layout::kSigned:
      return "signed code";
  }
  return "";
}

/// `text` in a cell of a table.
std::string cell(std::string_view text) {
  std::string result;
  for (const char c : text) {
    result += c == '|' ? "\\|" : std::string(1, c);
  }
  return result;
}

bool has_number(Format format) {
  return format == Format::kImmediate || format == Format::kRegisterImm || format == Format::kLoop;
}

bool has_commit(Format format) { return format == Format::kGroupValue || format == Format::kGroupRegister; }

std::string instruction_entry(const Instruction& row) {
  const FormatText& format = format_text(row.format);
  std::string text = fmt::format("#### `{}{}{}{}`\n\n", row.mnemonic, has_commit(row.format) ? "[.c]" : "",
                                 format.operands.empty() ? "" : " ", format.operands);
  text += fmt::format("- Encoding: opcode {} (0x{:02x}), format *{}*", static_cast<int>(row.opcode),
                      static_cast<int>(row.opcode), format.name);
  if (has_number(row.format)) {
    text += fmt::format("; {} {}..{}", row.format == Format::kLoop ? "count" : "number", row.min, row.max);
  }
  text += fmt::format("\n- Cycles: {}\n- Effect: {}\n", row.cycles, row.effect);
  text += fmt::format("- Faults: {}\n", row.faults.empty() ? "none" : row.faults);
  text += fmt::format("- Example: `{}`\n\n", example(row.opcode));
  return text;
}

}  // namespace

std::string_view example(Opcode opcode) {
  constexpr std::array<std::string_view, kInstructions.size()> kExamples{
      "nop",
      "halt 0",
      "set.c en, all",
      "on bgs, out(g(0, 3))",
      "off.c integ, g(7)",
      "setr.c psendv, r0",
      "commit",
      "wait 12",
      "waitr r1",
      "slot 1",
      "at 20",
      "trig trig.start",
      "loop 4, 0x0012",
      "loopr r2, 0x0012",
      "endloop",
      "ldi r0, 0x100",
      "mov r1, r0",
      "addi r0, -1",
      "add r1, r0",
      "sub r1, r0",
      "rdslot r3",
      "beq r0, r1, 0x0008",
      "bne r0, r1, 0x0008",
      "blt r0, r1, 0x0008",
      "bge r0, r1, 0x0008",
      "jmp 0x0008",
      "call 0x0040",
      "ret",
      "mark 7",
      "irq 1",
  };
  return kExamples.at(static_cast<std::size_t>(opcode) - 1);
}

std::string manual_tables() {
  std::string text = "### Formats\n\n";
  for (const FormatText& format : kFormats) {
    text += fmt::format("*{}*{}{}\n\n```\n{}\n```\n\n", format.name, format.operands.empty() ? "" : ": ",
                        format.operands, format.diagram);
  }
  text += "### Instructions\n\n| opcode | mnemonic | format | cycles | effect |\n|---|---|---|---|---|\n";
  for (const Instruction& row : kInstructions) {
    text += fmt::format("| {} | `{}` | {} | {} | {} |\n", static_cast<int>(row.opcode), row.mnemonic,
                        format_text(row.format).name, row.cycles, cell(row.effect));
  }
  text += "\n";
  for (const Instruction& row : kInstructions) {
    text += instruction_entry(row);
  }
  text +=
      "### Control signals\n\n| index | group | bits | range | circuit | layout | tile | pad | meaning |\n"
      "|---|---|---|---|---|---|---|---|---|\n";
  int total = 0;
  int tile_total = 0;
  for (const SignalGroup& row : kSignalGroups) {
    const bool is_signed = row.layout == Layout::kSigned;
    const int half = 1 << (row.bits - 1);
    const std::string range =
        is_signed ? fmt::format("{}..{}", -half, half - 1) : fmt::format("0..{}", group_mask(row.group));
    text += fmt::format("| {} | `{}` | {} | {} | {} | {} | {} | {} | {} |\n", static_cast<int>(row.group), row.name,
                        row.bits, range, circuit_name(row.circuit), layout_name(row.layout), row.on_tiles ? "yes" : "-",
                        row.on_pads ? "yes" : "-", cell(row.doc));
    total += row.bits;
    tile_total += row.on_tiles ? row.bits : 0;
  }
  text += fmt::format("\n{} groups with {} signals; a tile's controller drives {} of them.\n", kGroupCount, total,
                      tile_total);
  return text;
}

std::string update_manual(std::string_view manual) {
  const std::size_t begin = manual.find(kManualBegin);
  const std::size_t end = manual.find(kManualEnd);
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    throw std::invalid_argument("the markers of the generated section are missing");
  }
  return fmt::format("{}\n\n{}\n{}", manual.substr(0, begin + kManualBegin.size()), manual_tables(),
                     manual.substr(end));
}

}  // namespace chronotile::isa
