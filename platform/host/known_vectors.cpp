#include "platform/host/known_vectors.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "models/base/noise.hpp"
#include "platform/host/products.hpp"

namespace chronotile::host {
namespace {

using mapping::ChipPlan;
using mapping::OutputVector;
using mapping::TileAssignment;

constexpr std::size_t kProbes = 8;  ///< vectors that decide how far the inputs are scaled down

bool unsigned_inputs(const ChipPlan& plan) {
  return std::any_of(plan.inputs.begin(), plan.inputs.end(),
                     [](const mapping::InputVector& input) { return input.part == mapping::InputPart::kWhole; });
}

/// `count` vectors of `width` numbers.
struct Block {
  Block(std::size_t rows, std::size_t columns) : count(rows), width(columns), values(rows * columns, 0.0) {}
  [[nodiscard]] double* at(std::size_t vector, std::size_t index) { return &values[vector * width + index]; }

  std::size_t count;
  std::size_t width;
  std::vector<double> values;
};

/// Adds what the columns of a tile from `column` on give, before scaling.
void add_tile(const TileAssignment& tile, std::size_t column, std::size_t columns, const Block& x, Block& y,
              std::size_t first_output) {
  const bool halves = tile.mode == "wp1wp2";  // the other modes write the same weights twice
  std::size_t done = 0;
  for (const tile::WeightMatrix* cells : {&tile.wp1, &tile.wp2}) {
    if (cells->size() == 0 || done == tile.rows || (done > 0 && !halves)) {
      continue;
    }
    const std::size_t rows = std::min<std::size_t>(tile.rows - done, kWires);
    add_products(cells->data() + tile.first_row * kWires + column, kWires, rows, columns,
                 x.values.data() + tile.first_input + done, x.width, x.count, y.at(0, first_output), y.width);
    done += rows;
  }
}

/// Outputs of all layers of a chain, the last one's not clipped.
Block chain(const ChipPlan& plan, Block x) {
  for (auto tile = plan.tiles.begin(); tile != plan.tiles.end();) {
    const auto next =
        std::find_if(tile, plan.tiles.end(), [&](const TileAssignment& other) { return other.layer != tile->layer; });
    std::size_t outputs = 0;
    for (auto other = tile; other != next; ++other) {
      outputs = std::max<std::size_t>(outputs, other->column_block * kWires + other->columns);
    }
    Block y(x.count, outputs);
    for (auto other = tile; other != next; ++other) {
      add_tile(*other, 0, other->columns, x, y, other->column_block * kWires);
    }
    const bool last = next == plan.tiles.end();
    for (double& value : y.values) {
      value /= tile->scale;
      value = last ? value : std::min(std::max(value, 0.0), 1.0);
    }
    x = std::move(y);
    tile = next;
  }
  return x;
}

/// What each word read should hold, in the network's units.
Block expected(const ChipPlan& plan, const Block& x) {
  Block y(x.count, words_read(plan));
  std::size_t first = 0;
  if (plan.chained) {
    Block outputs = chain(plan, x);
    for (const OutputVector& output : plan.outputs) {
      for (std::size_t vector = 0; vector < y.count; ++vector) {
        std::copy_n(outputs.at(vector, output.first), output.count, y.at(vector, first));
      }
      first += output.count;
    }
    return y;
  }
  for (const OutputVector& output : plan.outputs) {
    double scale = 1;
    for (const TileAssignment& tile : plan.tiles) {
      if (tile.layer == output.layer && tile.group == output.group && tile.column_block == output.column_block) {
        add_tile(tile, output.wire, output.count, x, y, first);
        scale = tile.scale;
      }
    }
    for (std::size_t vector = 0; vector < y.count; ++vector) {
      double* const sums = y.at(vector, first);
      std::transform(sums, sums + output.count, sums, [scale](double sum) { return sum / scale; });
    }
    first += output.count;
  }
  return y;
}

/// Factor for each input of the chip such that outputs stay within the read-out.
std::vector<double> reductions(const ChipPlan& plan, const config::PlatformConfig& config, const Block& x) {
  std::vector<double> factors(plan.input_count, 1.0);
  if (plan.chained) {
    return factors;
  }
  Block probes(std::min(kProbes, x.count), x.width);
  std::copy_n(x.values.begin(), probes.values.size(), probes.values.begin());
  Block y = expected(plan, probes);
  std::map<std::pair<std::string, std::uint32_t>, double> largest;  // |output| as a share of the range, by group
  std::size_t first = 0;
  for (const OutputVector& output : plan.outputs) {
    const double range = std::min(output.zero_count, config.pad.full_scale - output.zero_count);
    double& most = largest[{output.layer, output.group}];
    for (std::size_t vector = 0; vector < y.count; ++vector) {
      for (std::size_t k = 0; k < output.count; ++k) {
        most = std::max(most, std::abs(*y.at(vector, first + k)) * output.counts_per_unit / range);
      }
    }
    first += output.count;
  }
  for (const TileAssignment& tile : plan.tiles) {
    const double most = largest[{tile.layer, tile.group}];
    if (most > config.host.calibration_fill) {
      std::fill_n(factors.begin() + tile.first_input, tile.rows, config.host.calibration_fill / most);
    }
  }
  return factors;
}

}  // namespace

std::size_t words_read(const ChipPlan& plan) {
  std::size_t words = 0;
  for (const OutputVector& output : plan.outputs) {
    words += output.count;
  }
  return words;
}

KnownVectors known_vectors(const ChipPlan& plan, const config::PlatformConfig& config, std::size_t count,
                           std::uint64_t round) {
  const bool positive = unsigned_inputs(plan);
  Block x(count, plan.input_count);
  std::vector<double> chosen(plan.input_count);
  for (std::size_t vector = 0; vector < count; ++vector) {
    noise::Stream draws{config.seed, plan.index, 0, noise::Purpose::kCalibration, vector, round, 0};
    noise::uniform(draws, 0, chosen.data(), chosen.size());
    draws.event = 1;
    double* const line = x.at(vector, 0);
    noise::uniform(draws, 0, line, x.width);
    for (std::size_t input = 0; input < x.width; ++input) {
      const bool is_zero = (chosen[input] + 1) / 2 >= config.host.calibration_input_share;
      line[input] = is_zero ? 0.0 : positive ? std::abs(line[input]) : line[input];
    }
  }
  const std::vector<double> factors = reductions(plan, config, x);
  const double full_scale = config.pad.full_scale;
  for (std::size_t vector = 0; vector < count; ++vector) {
    double* const line = x.at(vector, 0);
    for (std::size_t input = 0; input < x.width; ++input) {
      line[input] = std::round(line[input] * factors[input] * full_scale) / full_scale;
    }
  }
  KnownVectors known{count, {}, expected(plan, x).values};
  known.inputs = std::move(x.values);
  return known;
}

}  // namespace chronotile::host
