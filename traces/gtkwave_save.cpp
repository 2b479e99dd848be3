#include "traces/gtkwave_save.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "common/atomic_file.hpp"
#include "traces/sections.hpp"

namespace chronotile::traces {
namespace {

// Flags of a trace in GTKWave's save file (analyzer.h).
constexpr unsigned kHex = 0x2;
constexpr unsigned kDecimal = 0x4;
constexpr unsigned kBinary = 0x8;
constexpr unsigned kRightJustify = 0x20;
constexpr unsigned kBlank = 0x200;
constexpr unsigned kAscii = 0x800;
constexpr unsigned kAnalogStep = 0x8000;
constexpr unsigned kAnalogExtension = 0x20000;
constexpr unsigned kAnalogFullScale = 0x80000;
constexpr unsigned kClosed = 0x400000;
constexpr unsigned kGroupBegin = 0x800000;
constexpr unsigned kGroupEnd = 0x1000000;

constexpr std::size_t kFoldedFrom = 24;  // rows that a part may have and still be shown open
constexpr int kAnalogRows = 3;
constexpr int kWindowWidth = 1600;
constexpr int kWindowHeight = 900;
constexpr int kWavePixels = 950;         // of the width, what is left for waves
constexpr double kPixelsPerFrame = 200;  // GTKWave's zoom counts in frames

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_count(const VcdVariable& variable) {
  return ends_with(variable.name, "_active") || ends_with(variable.name, "slot") || ends_with(variable.name, "count");
}

void append_variable(std::string& out, const VcdVariable& variable) {
  unsigned flags = kRightJustify;
  bool analog = false;
  switch (variable.type) {
    case VcdType::kString:
      flags |= kAscii;
      break;
    case VcdType::kReal:
      analog = true;
      break;
    case VcdType::kEvent:
      flags |= kBinary;
      break;
    case VcdType::kWire:
      analog = ends_with(variable.name, "_active");
      flags |= variable.bits == 1 ? kBinary : is_count(variable) ? kDecimal : kHex;
      break;
  }
  if (analog) {
    flags |= kAnalogStep | kAnalogFullScale;
  }
  const std::string name = variable.scope + "." + variable.name;
  std::string alias = name;  // of a name GTKWave shows what follows the last dot
  std::replace(alias.begin(), alias.end(), '.', '/');
  out += fmt::format("@{:x}\n+{{{}}} {}", flags, alias, name);
  if (variable.type == VcdType::kWire && variable.bits > 1) {
    out += fmt::format("[{}:0]", variable.bits - 1);
  }
  out += '\n';
  if (analog) {
    out += fmt::format("@{:x}\n", kAnalogExtension | kBlank);
    for (int row = 1; row < kAnalogRows; ++row) {
      out += "-\n";
    }
  }
}

}  // namespace

std::string gtkwave_save(const VcdWriter& vcd) {
  namespace fs = std::filesystem;
  const fs::path dump = fs::absolute(vcd.path()).lexically_normal();
  fs::path save = dump;
  save.replace_extension(".gtkw");
  std::string out = "[*]\n[*] Written by Chronotile\n[*]\n";
  out += fmt::format("[dumpfile] \"{}\"\n[savefile] \"{}\"\n", dump.string(), save.string());
  out += "[timestart] 0\n";
  out += fmt::format("[size] {} {}\n[pos] -1 -1\n", kWindowWidth, kWindowHeight);
  const double ps_per_frame =
      std::max(1.0, static_cast<double>(vcd.end_ps()) / static_cast<double>(kWavePixels) * kPixelsPerFrame);
  out += fmt::format("*{:.6f} -1", -std::log2(ps_per_frame));  // zoom, no marker set
  for (int marker = 0; marker < 26; ++marker) {
    out += " -1";
  }
  out += "\n[sst_width] 230\n[signals_width] 330\n[sst_expanded] 1\n[sst_vpaned_height] 280\n";

  std::vector<std::vector<const VcdVariable*>> parts(kSectionTitles.size());
  for (const VcdVariable& variable : vcd.variables()) {
    if (variable.changes > 0) {
      const Section section = section_of(variable.scope, variable.name, variable.type == VcdType::kReal);
      parts.at(static_cast<std::size_t>(section)).push_back(&variable);
    }
  }
  for (std::size_t part = 0; part < parts.size(); ++part) {
    if (parts[part].empty()) {
      continue;
    }
    const unsigned folded = parts[part].size() >= kFoldedFrom ? kClosed : 0;
    out += fmt::format("@{:x}\n-{}\n", kGroupBegin | kBlank | folded, kSectionTitles.at(part));
    for (const VcdVariable* variable : parts[part]) {
      append_variable(out, *variable);
    }
    out += fmt::format("@{:x}\n-{}\n", kGroupEnd | kBlank | folded, kSectionTitles.at(part));
  }
  out += "[pattern_trace] 1\n[pattern_trace] 0\n";
  return out;
}

std::filesystem::path write_gtkwave_save(const VcdWriter& vcd) {
  std::filesystem::path save = vcd.path();
  save.replace_extension(".gtkw");
  write_file_atomically(save, gtkwave_save(vcd));
  return save;
}

}  // namespace chronotile::traces
