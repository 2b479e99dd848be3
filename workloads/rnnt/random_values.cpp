#include <algorithm>
#include <array>

#include "workloads/rnnt/network.hpp"

#include "common/every_isa.hpp"

namespace chronotile::rnnt {
namespace {

constexpr std::uint32_t kMark = 0x524E4E54U;  // "RNNT"
constexpr std::size_t kBlocks = 64;           ///< of one batch; four values each

struct Batch {
  alignas(64) std::uint32_t words[4][kBlocks];
};

/// noise::philox() of consecutive blocks side by side: word w of block `first` + b at words[w][b].
CHRONOTILE_EVERY_ISA
void philox_batch(std::uint64_t first, std::uint32_t tensor, std::uint64_t seed, Batch& batch) {
  for (std::uint32_t b = 0; b < kBlocks; ++b) {
    const std::uint64_t number = first + b;
    auto word0 = static_cast<std::uint32_t>(number);
    auto word1 = static_cast<std::uint32_t>(number >> 32U);
    std::uint32_t word2 = tensor;
    std::uint32_t word3 = kMark;
    auto key0 = static_cast<std::uint32_t>(seed);
    auto key1 = static_cast<std::uint32_t>(seed >> 32U);
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t product0 = std::uint64_t{0xd2511f53U} * word0;
      const std::uint64_t product1 = std::uint64_t{0xcd9e8d57U} * word2;
      word0 = static_cast<std::uint32_t>(product1 >> 32U) ^ word1 ^ key0;
      word1 = static_cast<std::uint32_t>(product1);
      word2 = static_cast<std::uint32_t>(product0 >> 32U) ^ word3 ^ key1;
      word3 = static_cast<std::uint32_t>(product0);
      key0 += 0x9e3779b9U;
      key1 += 0xbb67ae85U;
    }
    batch.words[0][b] = word0;
    batch.words[1][b] = word1;
    batch.words[2][b] = word2;
    batch.words[3][b] = word3;
  }
}

CHRONOTILE_EVERY_ISA
void to_values(const Batch& batch, double bound, float* __restrict out) {
  for (std::size_t b = 0; b < kBlocks; ++b) {
    for (std::size_t w = 0; w < 4; ++w) {
      const double unit = (static_cast<double>(batch.words[w][b]) + 0.5) * 0x1p-32;
      out[4 * b + w] = static_cast<float>((2.0 * unit - 1.0) * bound);
    }
  }
}

}  // namespace

std::vector<float> random_values(std::uint64_t seed, std::uint32_t tensor, std::size_t count, double bound) {
  std::vector<float> values(count);
  Batch batch;
  std::array<float, 4 * kBlocks> last = {};
  for (std::size_t first = 0; first < count; first += last.size()) {
    const bool whole = count - first >= last.size();
    philox_batch(first / 4, tensor, seed, batch);
    to_values(batch, bound, whole ? values.data() + first : last.data());
    if (!whole) {
      std::copy_n(last.begin(), count - first, values.begin() + static_cast<std::ptrdiff_t>(first));
    }
  }
  return values;
}

}  // namespace chronotile::rnnt
