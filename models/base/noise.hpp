#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "models/base/lanes.hpp"

/// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
/// doi 10.1145/2063384.2063405). A draw is a pure function of its key and counter, so the bits do not depend on the
/// order of events, threads, lanes or tracing.
namespace chronotile::noise {

/// What a draw is for; part of the key.
enum class Purpose : std::uint32_t {
  kProgramming = 1,
  kTransportSkew,
  kTransportJitter,
  kReadNoise,
  kDrift,
  kPeriphery,
  kComparator,
  kWorkload,
  kDefect,       ///< dead and stuck devices
  kCalibration,  ///< the host's known vectors
  kPulse,        ///< programming pulses on single devices
};

/// Identifies a family of draws.
struct Stream {
  std::uint64_t seed = 0;
  std::uint32_t chip = 0;
  std::uint32_t place = 0;  ///< tile, pad or node index within the chip
  Purpose purpose{};
  std::uint64_t stream = 0;  ///< LaneKey::stream; 0 for what belongs to the chip
  std::uint64_t step = 0;    ///< LaneKey::step
  std::uint32_t event = 0;   ///< tells draws of one step apart, for example source and slot cycle of an emission
};

/// Ten rounds of Philox4x32.
[[nodiscard]] std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                                  std::array<std::uint32_t, 2> key);

/// Uniform on [-1, 1), element `index` of `stream` for each of `count` consecutive indices from `first`.
void uniform(const Stream& stream, std::uint64_t first, double* out, std::size_t count, std::size_t stride = 1);

/// Standard normal (Box-Muller).
void gaussian(const Stream& stream, std::uint64_t first, double* out, std::size_t count, std::size_t stride = 1);

/// A vector's wires, each of which takes 16 bits of randomness: an eighth of a Philox block.
inline constexpr std::size_t kVectorWires = 512;

/// Sixteen random bits for each of the 512 wires of a vector, in `count` lanes at once: out[wire * count + lane].
/// `stream` without its fields stream and step, which come from the lanes' keys. Wire w takes half (w / 64) % 2 of word
/// w / 128 of block w % 64, so that neighbouring wires, or lanes, are neighbours in vector registers.
void vector_bits(const Stream& stream, const LaneKey* lanes, std::size_t count, std::int16_t* out);

/// The same bits as standard normal numbers (Box-Muller in single precision; wires w and w + 64 of each pair of groups
/// are radius and angle). Sixteen bits: the largest of 65,536 equally likely radii is 4.85.
void vector_normals(const std::int16_t* bits, std::size_t count, float* out);

}  // namespace chronotile::noise
