#include "models/landing_pad/pad_memory.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

#include "models/bus/transaction.hpp"

namespace chronotile::landing_pad {

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

void PadMemory::load(std::uint32_t vector, GroupMask groups, duration::Block& durations_ns) const {
  const std::uint32_t full_scale = config_.full_scale;
  for (std::size_t lane = 0; lane < lanes_; ++lane) {
    double* out = durations_ns.data() + lane;
    for (std::size_t wire = 0; wire < kWires; ++wire) {
      double counts = 0;
      if (((groups >> (wire / kWiresPerGroup)) & 1U) != 0) {
        const std::size_t index = at(lane, vector) + wire;
        counts = config_.quantise ? std::min<std::uint32_t>(words_[index], full_scale) : std::fmax(0.0, reals_[index]);
      }
      out[wire * lanes_] = counts * config_.ns_per_count;
    }
  }
}

void PadMemory::store(std::uint32_t vector, GroupMask groups, const duration::Block& durations_ns) {
  const double full_scale = config_.full_scale;
  for (std::size_t lane = 0; lane < lanes_; ++lane) {
    const double* in = durations_ns.data() + lane;
    for (std::size_t wire = 0; wire < kWires; ++wire) {
      if (((groups >> (wire / kWiresPerGroup)) & 1U) != 0) {
        const double counts = in[wire * lanes_] / config_.ns_per_count;
        const std::size_t index = at(lane, vector) + wire;
        if (config_.quantise) {
          words_[index] = static_cast<std::uint8_t>(std::min(full_scale, std::floor(counts + 0.5)));
        } else {
          reals_[index] = counts;
        }
      }
    }
  }
}

PadMemory::Region PadMemory::region() {
  if (config_.quantise) {
    return {map::kBytes, words_.data(), words_.size()};
  }
  return {map::kReal, reinterpret_cast<unsigned char*>(reals_.data()), reals_.size() * sizeof(double)};
}

void PadMemory::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
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
  dmi.set_dmi_ptr(window.bytes);
  dmi.set_read_latency(latency_);
  dmi.set_write_latency(latency_);
  dmi.allow_read_write();
  return true;
}

}  // namespace chronotile::landing_pad
