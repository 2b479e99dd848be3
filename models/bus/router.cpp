#include "models/bus/router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "models/bus/transaction.hpp"

namespace chronotile::bus {

Router::Router(const sc_core::sc_module_name& name, const RouterConfig& config)
    : sc_module(name), latency_(config.latency_ns, sc_core::SC_NS) {
  for (int index = 0; index < config.inputs; ++index) {
    auto& socket = inputs_.emplace_back(std::make_unique<Input>(fmt::format("input_{}", index).c_str()));
    socket->register_b_transport(this, &Router::b_transport, index);
    socket->register_transport_dbg(this, &Router::transport_dbg, index);
    socket->register_get_direct_mem_ptr(this, &Router::get_direct_mem_ptr, index);
  }
}

Router::Output& Router::map(const std::string& target, std::uint64_t base, std::uint64_t size) {
  if (size == 0 || base > std::numeric_limits<std::uint64_t>::max() - (size - 1)) {
    throw std::logic_error(
        fmt::format("{}: {} cannot be mapped to 0x{:x} bytes at 0x{:x}", name(), target, size, base));
  }
  for (const Window& other : windows_) {
    if (base <= other.base + (other.size - 1) && other.base <= base + (size - 1)) {
      throw std::logic_error(
          fmt::format("{}: {} at 0x{:x} overlaps {} at 0x{:x}", name(), target, base, other.target, other.base));
    }
  }
  const std::size_t tag = windows_.size();
  auto exit = std::make_unique<Exit>(fmt::format("{}_to_{}", basename(), target).c_str());
  exit->socket.register_invalidate_direct_mem_ptr(this, &Router::invalidate_direct_mem_ptr, static_cast<int>(tag));
  windows_.push_back({target, base, size, std::move(exit)});
  const auto place = std::lower_bound(order_.begin(), order_.end(), base, [this](std::size_t index, std::uint64_t key) {
    return windows_[index].base < key;
  });
  order_.insert(place, tag);
  return windows_.back().exit->socket;
}

const Router::Window* Router::find(std::uint64_t address) const {
  const auto next =
      std::upper_bound(order_.begin(), order_.end(), address,
                       [this](std::uint64_t key, std::size_t index) { return key < windows_[index].base; });
  if (next == order_.begin()) {
    return nullptr;
  }
  const Window& window = windows_[*(next - 1)];
  return address - window.base < window.size ? &window : nullptr;
}

void Router::b_transport(int /*input*/, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const std::uint64_t address = payload.get_address();
  const Window* window = find(address);
  if (const auto status = check_attributes(payload); status != tlm::TLM_OK_RESPONSE) {
    payload.set_response_status(status);
    return;
  }
  if (window == nullptr || touched_bytes(payload) > window->size - (address - window->base)) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  delay += latency_;
  payload.set_address(address - window->base);
  window->exit->socket->b_transport(payload, delay);
  payload.set_address(address);
}

unsigned int Router::transport_dbg(int /*input*/, tlm::tlm_generic_payload& payload) {
  const std::uint64_t address = payload.get_address();
  const Window* window = find(address);
  if (window == nullptr) {
    return 0;
  }
  const std::uint64_t room = window->size - (address - window->base);
  const unsigned int length = payload.get_data_length();
  if (length > room) {
    payload.set_data_length(static_cast<unsigned int>(room));
  }
  payload.set_address(address - window->base);
  const unsigned int count = window->exit->socket->transport_dbg(payload);
  payload.set_address(address);
  payload.set_data_length(length);
  return count;
}

bool Router::get_direct_mem_ptr(int /*input*/, tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) {
  const std::uint64_t address = payload.get_address();
  const Window* window = find(address);
  dmi.init();
  if (window == nullptr) {
    dmi.set_start_address(address);
    dmi.set_end_address(address);
    return false;
  }
  payload.set_address(address - window->base);
  const bool granted = window->exit->socket->get_direct_mem_ptr(payload, dmi);
  payload.set_address(address);
  dmi.set_end_address(window->base + std::min<std::uint64_t>(dmi.get_end_address(), window->size - 1));
  dmi.set_start_address(window->base + dmi.get_start_address());
  dmi.set_read_latency(dmi.get_read_latency() + latency_);
  dmi.set_write_latency(dmi.get_write_latency() + latency_);
  return granted;
}

void Router::invalidate_direct_mem_ptr(int window, sc_dt::uint64 start, sc_dt::uint64 end) {
  const Window& entry = windows_.at(static_cast<std::size_t>(window));
  if (start >= entry.size) {
    return;
  }
  const std::uint64_t last = entry.base + std::min<std::uint64_t>(end, entry.size - 1);
  for (const auto& socket : inputs_) {
    (*socket)->invalidate_direct_mem_ptr(entry.base + start, last);
  }
}

std::string Router::describe() const {
  std::string text;
  for (const std::size_t index : order_) {
    text += fmt::format("0x{:012x} 0x{:08x} {}\n", windows_[index].base, windows_[index].size, windows_[index].target);
  }
  return text;
}

}  // namespace chronotile::bus
