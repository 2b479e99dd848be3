#pragma once

#include <CLI/CLI.hpp>

namespace chronotile::cli {

/// `chronotile bench rnnt`: the full-size RNN-T network (random weights, utterances as long as Librispeech dev-clean's)
/// on five chips under their firmware, against a bare loop over the same matrices in the same process.
void add_bench_rnnt(CLI::App& bench);

}  // namespace chronotile::cli
