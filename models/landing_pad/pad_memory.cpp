#include "models/landing_pad/pad_memory.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "common/every_isa.hpp"
#include "models/bus/transaction.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace chronotile::landing_pad {
namespace {

/// Rounds to nearest. Truncation is the floor, because no duration is negative.
CHRONOTILE_EVERY_ISA
void round_to_counts(const double* durations_ns, std::size_t size, double ns_per_count, double full_scale,
                     std::uint8_t* words) {
  for (std::size_t k = 0; k < size; ++k) {
    const double counts = durations_ns[k] / ns_per_count + 0.5;
    words[k] = static_cast<std::uint8_t>(static_cast<std::int32_t>(counts < full_scale ? counts : full_scale));
  }
}

/// Words beyond full scale become full scale. Returns the largest.
CHRONOTILE_EVERY_ISA
std::uint8_t limit(std::uint8_t* words, std::size_t size, std::uint8_t full_scale) {
  std::uint8_t largest = 0;
  for (std::size_t k = 0; k < size; ++k) {
    words[k] = words[k] < full_scale ? words[k] : full_scale;
    largest = words[k] > largest ? words[k] : largest;
  }
  return largest;
}

#if defined(__SSE2__)

constexpr std::size_t kSide = 16;  ///< bytes that are turned round at once

/// Turns a square of bytes round: byte j of row i becomes byte i of row j. Each of four turns interleaves row i with
/// row i + 8, which rotates the bits of all bytes' places by one.
void turn_square(const std::uint8_t* from, std::size_t from_stride, std::uint8_t* to, std::size_t to_stride) {
  __m128i rows[kSide];
  for (std::size_t row = 0; row < kSide; ++row) {
    rows[row] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + row * from_stride));
  }
  for (int turn = 0; turn < 4; ++turn) {
    __m128i next[kSide];
    for (std::size_t row = 0; row < kSide / 2; ++row) {
      next[2 * row] = _mm_unpacklo_epi8(rows[row], rows[row + kSide / 2]);
      next[2 * row + 1] = _mm_unpackhi_epi8(rows[row], rows[row + kSide / 2]);
    }
    std::copy_n(next, kSide, rows);
  }
  for (std::size_t row = 0; row < kSide; ++row) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + row * to_stride), rows[row]);
  }
}

#else

constexpr std::size_t kSide = 8;  ///< bytes that are turned round at once, in eight registers

/// Turns a square of bytes round: byte j of row i becomes byte i of row j.
void turn_square(const std::uint8_t* from, std::size_t from_stride, std::uint8_t* to, std::size_t to_stride) {
  std::array<std::uint64_t, kSide> rows;
  for (std::size_t row = 0; row < kSide; ++row) {
    std::memcpy(&rows[row], from + row * from_stride, kSide);
  }
  const auto swap = [&](std::size_t upper, std::size_t lower, unsigned bits, std::uint64_t mask) {
    const std::uint64_t change = ((rows[upper] >> bits) ^ rows[lower]) & mask;
    rows[lower] ^= change;
    rows[upper] ^= change << bits;
  };
  for (const std::size_t row : {0U, 1U, 2U, 3U}) {
    swap(row, row + 4, 32, 0x00000000ffffffffU);
  }
  for (const std::size_t row : {0U, 1U, 4U, 5U}) {
    swap(row, row + 2, 16, 0x0000ffff0000ffffU);
  }
  for (const std::size_t row : {0U, 2U, 4U, 6U}) {
    swap(row, row + 1, 8, 0x00ff00ff00ff00ffU);
  }
  for (std::size_t row = 0; row < kSide; ++row) {
    std::memcpy(to + row * to_stride, &rows[row], kSide);
  }
}

#endif

/// to[column][row] = from[row][column]
void turn(const std::uint8_t* from, std::size_t from_stride, std::size_t rows, std::size_t columns, std::uint8_t* to,
          std::size_t to_stride) {
  const std::size_t square_rows = rows - rows % kSide;
  const std::size_t square_columns = columns - columns % kSide;
  for (std::size_t row = 0; row < square_rows; row += kSide) {
    for (std::size_t column = 0; column < square_columns; column += kSide) {
      turn_square(from + row * from_stride + column, from_stride, to + column * to_stride + row, to_stride);
    }
  }
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = row < square_rows ? square_columns : 0; column < columns; ++column) {
      to[column * to_stride + row] = from[row * from_stride + column];
    }
  }
}

}  // namespace

PadMemory::PadMemory(const std::string& owner, const PadConfig& config, std::size_t lanes)
    : config_(config), lanes_(lanes) {
  const std::uint64_t stride = config.quantise ? map::kVectorBytes : map::kRealBytes;
  const std::uint64_t room = config.quantise ? map::kReal - map::kBytes : map::kSize - map::kReal;
  if (lanes * config.vectors * stride > room) {
    throw std::invalid_argument(fmt::format("{}: {} vectors for {} lanes do not fit into the pad's window of {} bytes",
                                            owner, config.vectors, lanes, room));
  }
  if (config.full_scale > 255) {
    throw std::invalid_argument(fmt::format("{}: full_scale {} does not fit into 8 bits", owner, config.full_scale));
  }
  const std::size_t words = lanes * config.vectors * kWires;
  if (config.quantise) {
    words_.resize(words);
  } else {
    reals_.resize(words);
  }
  socket.register_b_transport(this, &PadMemory::b_transport);
  socket.register_transport_dbg(this, &PadMemory::transport_dbg);
  socket.register_get_direct_mem_ptr(this, &PadMemory::get_direct_mem_ptr);
}

PadMemory::~PadMemory() {
  for (Storing& storing : storing_) {
    storing.workers->drop(storing.ticket);
  }
}

void PadMemory::load(std::uint32_t vector, GroupMask groups, duration::Emission& emission) const {
  const std::size_t size = kWires * lanes_;
  if (!config_.quantise) {
    duration::Block& durations_ns = emission.durations_ns;
    emission.counts.clear();
    durations_ns.setZero(kWires, static_cast<Eigen::Index>(lanes_));
    for_each_run(groups, [&](int first, int last) {
      for (std::size_t lane = 0; lane < lanes_; ++lane) {
        double* out = durations_ns.data() + lane;
        const std::size_t index = at(lane, vector);
        for (auto wire = static_cast<std::size_t>(first); wire < static_cast<std::size_t>(last); ++wire) {
          out[wire * lanes_] = std::fmax(0.0, reals_[index + wire]) * config_.ns_per_count;
        }
      }
    });
    emission.longest_ns = durations_ns.maxCoeff();
    return;
  }
  // As in write(), the other way round.
  emission.durations_ns.resize(0, 0);
  emission.ns_per_count = config_.ns_per_count;
  std::vector<std::uint8_t>& counts = emission.counts;
  counts.resize(size);
  if (groups != kAllGroups) {
    std::fill(counts.begin(), counts.end(), std::uint8_t{0});
  }
  std::uint8_t most = 0;
  for_each_run(groups, [&](int first, int last) {
    const auto wires = static_cast<std::size_t>(last - first);
    const std::uint8_t* words = words_.data() + at(0, vector) + first;
    std::uint8_t* const out = counts.data() + static_cast<std::size_t>(first) * lanes_;
    if (lanes_ > 1) {
      turn(words, at(1, 0), lanes_, wires, out, lanes_);
    } else {
      std::copy_n(words, wires, out);
    }
    most = std::max(most, limit(out, wires * lanes_, static_cast<std::uint8_t>(config_.full_scale)));
  });
  emission.longest_ns = static_cast<double>(most) * config_.ns_per_count;
}

void PadMemory::store(std::uint32_t vector, GroupMask groups, const duration::Block& durations_ns) {
  join();
  write(vector, groups, durations_ns);
}

void PadMemory::store_later(WorkPool& workers, std::uint32_t vector, GroupMask groups,
                            std::function<void(duration::Block& durations_ns)> add) {
  if (std::exchange(direct_access_, false)) {
    const Region window = region();
    socket->invalidate_direct_mem_ptr(window.base, window.base + window.size - 1);
  }
  constexpr std::size_t kMostStoring = 32;  // if nobody ever asks for the words
  if (storing_.size() == kMostStoring) {
    join();
  }
  std::vector<const WorkPool::Ticket*> before;  // one after the other at each address
  for (const Storing& other : storing_) {
    if (other.vector == vector) {
      before.push_back(&other.ticket);
    }
  }
  storing_.push_back({vector, &workers,
                      workers.submit(
                          [this, vector, groups, add = std::move(add)] {
                            thread_local duration::Block durations_ns;
                            durations_ns.setZero(kWires, static_cast<Eigen::Index>(lanes_));
                            add(durations_ns);
                            write(vector, groups, durations_ns);
                          },
                          before)});
}

void PadMemory::join() {
  for (Storing& storing : storing_) {
    storing.workers->wait(storing.ticket);
  }
  storing_.clear();
}

void PadMemory::write(std::uint32_t vector, GroupMask groups, const duration::Block& durations_ns) {
  const double full_scale = config_.full_scale;
  if (!config_.quantise) {
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      const double* in = durations_ns.data() + lane;
      for_each_run(groups, [&](int first, int last) {
        for (auto wire = static_cast<std::size_t>(first); wire < static_cast<std::size_t>(last); ++wire) {
          reals_[at(lane, vector) + wire] = in[wire * lanes_] / config_.ns_per_count;
        }
      });
    }
    return;
  }
  // Durations stand lane beside lane, words wire beside wire: a group is rounded as it stands, then turned round.
  constexpr auto kGroup = static_cast<std::size_t>(kWiresPerGroup);
  thread_local std::vector<std::uint8_t> words;
  words.resize(kGroup * lanes_);
  std::uint8_t* rounded = words.data();
  for_each_run(groups, [&](int first_wire, int last_wire) {
    for (auto first = static_cast<std::size_t>(first_wire); first < static_cast<std::size_t>(last_wire);
         first += kGroup) {
      const double* in = durations_ns.data() + first * lanes_;
      round_to_counts(in, kGroup * lanes_, config_.ns_per_count, full_scale, rounded);
      turn(rounded, lanes_, kGroup, lanes_, words_.data() + at(0, vector) + first, at(1, 0));
    }
  });
}

PadMemory::Region PadMemory::region() {
  if (config_.quantise) {
    return {map::kBytes, words_.data(), words_.size()};
  }
  return {map::kReal, reinterpret_cast<unsigned char*>(reals_.data()), reals_.size() * sizeof(double)};
}

void PadMemory::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  join();
  delay += latency_;
  const Region window = region();
  tlm::tlm_response_status status = bus::check_attributes(payload);
  if (status == tlm::TLM_OK_RESPONSE) {
    status = payload.get_address() < window.base
                 ? tlm::TLM_ADDRESS_ERROR_RESPONSE
                 : bus::access_bytes(payload, payload.get_address() - window.base, window.bytes, window.size);
  }
  payload.set_dmi_allowed(config_.quantise && status == tlm::TLM_OK_RESPONSE);
  payload.set_response_status(status);
}

unsigned int PadMemory::transport_dbg(tlm::tlm_generic_payload& payload) {
  join();
  const Region window = region();
  return payload.get_address() < window.base
             ? 0
             : bus::debug_bytes(payload, payload.get_address() - window.base, window.bytes, window.size);
}

bool PadMemory::get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) {
  dmi.init();
  const Region window = region();
  const std::uint64_t end = window.base + window.size;
  const std::uint64_t address = payload.get_address();
  if (address < window.base || address >= end) {
    dmi.set_start_address(address < window.base ? 0 : end);
    dmi.set_end_address(address < window.base ? window.base - 1 : ~sc_dt::uint64{0});
    return false;
  }
  dmi.set_start_address(window.base);
  dmi.set_end_address(end - 1);
  if (!config_.quantise) {
    return false;
  }
  join();
  direct_access_ = true;
  dmi.set_dmi_ptr(window.bytes);
  dmi.set_read_latency(latency_);
  dmi.set_write_latency(latency_);
  dmi.allow_read_write();
  return true;
}

}  // namespace chronotile::landing_pad
