#pragma once

#include <filesystem>
#include <string>

#include "traces/vcd_writer.hpp"

namespace chronotile::traces {

/// A GTKWave save file for what has been written: the signals that changed after the beginning, in foldable parts
/// (host and chip, controllers, tiles, links, pads, power; long ones folded), each in a readable format, and the whole
/// run in the window. All others remain in GTKWave's tree. Call after VcdWriter::close().
[[nodiscard]] std::string gtkwave_save(const VcdWriter& vcd);

/// Writes it beside the dump, with the extension .gtkw, and returns its path; view with `gtkwave FILE.gtkw`. Throws
/// UserError.
std::filesystem::path write_gtkwave_save(const VcdWriter& vcd);

}  // namespace chronotile::traces
