#pragma once

#include <string>

#include "platform/cli/reproduce/section.hpp"

namespace chronotile::cli::reproduce {

/// The plot as a self-contained SVG on white: axes with ticks and labels, a legend where there are several series. With
/// a logarithmic axis values of 0 or less are left out. A plot without points has axes from 0 to 1.
[[nodiscard]] std::string svg(const Plot& plot);

}  // namespace chronotile::cli::reproduce
