#pragma once

#include <cstddef>
#include <cstdint>

/// Conversions between numbers and the 8-bit words of landing pads. The bits do not depend on the machine's instruction
/// set.
namespace chronotile::host {

/// words[k] = values[k] * scale, rounded to nearest (halves up) within 0..full_scale (at most 255). A negative scale
/// takes the negative part.
void to_words(const double* values, std::size_t count, double scale, double full_scale, std::uint8_t* words);

/// sums[k] += (words[k] - zero) * unit
void add_words(const std::uint8_t* words, std::size_t count, double zero, double unit, double* sums);
/// The same with a zero and a unit for each word.
void add_words(const std::uint8_t* words, std::size_t count, const double* zeros, const double* units, double* sums);

}  // namespace chronotile::host
