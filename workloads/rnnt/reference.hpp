#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "workloads/rnnt/network.hpp"

namespace chronotile::rnnt {

/// What the network says of an utterance when every operation is exact.
struct Reference {
  std::string transcript;
  std::vector<std::vector<double>> encoder_outputs;  ///< f of each frame of the last layer
  std::vector<std::vector<double>> logits;           ///< of each joint evaluation, in order
};

/// Forward pass and greedy decoding in plain double precision, as MLPerf's reference does it: at each frame the first
/// arg max; a non-blank is emitted and advances the prediction state, at most kMostSymbolsPerFrame times; a blank goes
/// on to the next frame. `features` are row-major [frames][sizes.inputs]; as on the chip, what exceeds
/// input_full_scale is clipped. `symbols`: decisions forced as by TranscriberOptions. Written without any of the code
/// that the platform runs; what is simulated is compared with it.
[[nodiscard]] Reference reference(const Network& network, const std::vector<double>& features,
                                  std::optional<std::size_t> symbols = std::nullopt);

}  // namespace chronotile::rnnt
