#include "models/bus/register_bank.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "models/bus/transaction.hpp"

namespace chronotile::bus {
namespace {

constexpr std::uint64_t kBytes = 4;

/// Bytes of one register within an access.
struct Piece {
  std::uint64_t offset;  ///< of the register
  unsigned first;        ///< byte within the register
  std::size_t index;     ///< of the first byte within the data
  std::size_t count;
};

/// Calls `visit(piece)` for each register that `count` bytes from `address` touch, until it returns false.
template <typename Visit>
void for_each_piece(std::uint64_t address, std::size_t index, std::size_t count, const Visit& visit) {
  while (count > 0) {
    const auto first = static_cast<unsigned>(address % kBytes);
    const std::size_t here = std::min<std::size_t>(count, kBytes - first);
    if (!visit(Piece{address - first, first, index, here})) {
      return;
    }
    address += here;
    index += here;
    count -= here;
  }
}

}  // namespace

std::string_view name(Access access) {
  switch (access) {
    case Access::kReadWrite:
      return "RW";
    case Access::kReadOnly:
      return "RO";
    case Access::kWriteOnly:
      return "WO";
    case Access::kWriteOneToClear:
      return "W1C";
  }
  return "?";
}

Register& Register::set_access(Access access) {
  access_ = access;
  return *this;
}

Register& Register::reset_value(std::uint32_t value) {
  reset_ = value;
  value_ = value;
  return *this;
}

Register& Register::write_mask(std::uint32_t mask) {
  mask_ = mask;
  return *this;
}

Register& Register::doc(std::string text) {
  doc_ = std::move(text);
  return *this;
}

Register& Register::on_read(std::function<std::uint32_t()> callback) {
  read_ = std::move(callback);
  return *this;
}

Register& Register::on_write(std::function<void(std::uint32_t)> callback) {
  write_ = std::move(callback);
  return *this;
}

Register& Register::writable_when(std::function<bool()> condition) {
  writable_ = std::move(condition);
  return *this;
}

void Register::write(std::uint32_t value, std::uint32_t enabled) {
  const std::uint32_t changed = enabled & mask_;
  if (access_ == Access::kWriteOneToClear) {
    value_ &= ~(value & changed);
    if (write_) {
      write_(value & changed);
    }
    return;
  }
  const std::uint32_t old = access_ == Access::kWriteOnly ? 0 : this->value();
  value_ = (old & ~changed) | (value & changed);
  if (write_) {
    write_(value_);
  }
}

Register& RegisterBank::add(std::string name, std::uint64_t offset) {
  if (offset % kBytes != 0) {
    throw std::logic_error(fmt::format("{}: offset 0x{:x} of register {} is not a multiple of 4", name_, offset, name));
  }
  if (const Register* other = find(offset); other != nullptr) {
    throw std::logic_error(
        fmt::format("{}: registers {} and {} share offset 0x{:x}", name_, other->name(), name, offset));
  }
  auto& entry = registers_[offset];
  entry = std::make_unique<Register>(std::move(name), offset);
  return *entry;
}

tlm::tlm_response_status RegisterBank::check(const tlm::tlm_generic_payload& payload, std::uint64_t address) const {
  tlm::tlm_response_status status = check_attributes(payload);
  if (status != tlm::TLM_OK_RESPONSE) {
    return status;
  }
  for_each_piece(address, 0, touched_bytes(payload), [&](const Piece& piece) {
    const auto entry = registers_.find(piece.offset);
    if (entry == registers_.end()) {
      status = tlm::TLM_ADDRESS_ERROR_RESPONSE;
      return false;
    }
    const Register& target = *entry->second;
    if ((payload.is_write() && target.access_ == Access::kReadOnly) ||
        (payload.is_read() && target.access_ == Access::kWriteOnly)) {
      status = tlm::TLM_COMMAND_ERROR_RESPONSE;
      return false;
    }
    if (payload.is_write() && target.writable_ && !target.writable_()) {
      status = tlm::TLM_GENERIC_ERROR_RESPONSE;
      return false;
    }
    return true;
  });
  return status;
}

void RegisterBank::transport(tlm::tlm_generic_payload& payload, std::uint64_t address) {
  const tlm::tlm_response_status status = check(payload, address);
  payload.set_response_status(status);
  if (status != tlm::TLM_OK_RESPONSE || payload.get_command() == tlm::TLM_IGNORE_COMMAND) {
    return;
  }
  unsigned char* const data = payload.get_data_ptr();
  const std::size_t length = payload.get_data_length();
  const std::size_t width = touched_bytes(payload);
  const auto access = [&](const Piece& piece) {
    Register& target = *registers_.at(piece.offset);
    std::uint32_t value = payload.is_read() ? target.value() : 0;
    std::uint32_t enabled = 0;
    for (std::size_t byte = 0; byte < piece.count; ++byte) {
      if (!byte_enabled(payload, piece.index + byte)) {
        continue;
      }
      const auto shift = static_cast<unsigned>(8 * (piece.first + byte));
      unsigned char& place = data[piece.index + byte];
      if (payload.is_read()) {
        place = static_cast<unsigned char>(value >> shift);
      } else {
        value |= static_cast<std::uint32_t>(place) << shift;
        enabled |= 0xffU << shift;
      }
    }
    if (enabled != 0) {
      target.write(value, enabled);
    }
    return true;
  };
  for (std::size_t index = 0; index < length; index += width) {
    for_each_piece(address, index, std::min(width, length - index), access);
  }
}

unsigned int RegisterBank::transport_dbg(tlm::tlm_generic_payload& payload, std::uint64_t address) {
  unsigned char* const data = payload.get_data_ptr();
  if (data == nullptr || payload.get_command() == tlm::TLM_IGNORE_COMMAND) {
    return 0;
  }
  unsigned int done = 0;
  for_each_piece(address, 0, payload.get_data_length(), [&](const Piece& piece) {
    Register* const target = find(piece.offset);
    if (target == nullptr) {
      return false;
    }
    if (payload.is_write() && (target->access_ == Access::kReadOnly || (target->writable_ && !target->writable_()))) {
      return false;
    }
    std::uint32_t value = payload.is_read() ? target->value() : 0;
    std::uint32_t enabled = 0;
    for (std::size_t byte = 0; byte < piece.count; ++byte) {
      const auto shift = static_cast<unsigned>(8 * (piece.first + byte));
      if (payload.is_read()) {
        data[piece.index + byte] = static_cast<unsigned char>(value >> shift);
      } else {
        value |= static_cast<std::uint32_t>(data[piece.index + byte]) << shift;
        enabled |= 0xffU << shift;
      }
    }
    if (enabled != 0) {
      target->write(value, enabled);
    }
    done += static_cast<unsigned int>(piece.count);
    return true;
  });
  return done;
}

void RegisterBank::reset() {
  for (const auto& [offset, entry] : registers_) {
    entry->value_ = entry->reset_;
  }
}

Register* RegisterBank::find(std::uint64_t offset) {
  const auto entry = registers_.find(offset);
  return entry == registers_.end() ? nullptr : entry->second.get();
}

Register* RegisterBank::find(std::string_view name) {
  for (const auto& [offset, entry] : registers_) {
    if (entry->name() == name) {
      return entry.get();
    }
  }
  return nullptr;
}

std::vector<const Register*> RegisterBank::registers() const {
  std::vector<const Register*> list;
  list.reserve(registers_.size());
  for (const auto& [offset, entry] : registers_) {
    list.push_back(entry.get());
  }
  return list;
}

std::string RegisterBank::describe() const {
  std::string text = fmt::format("{:8} {:16} {:6} {:10} {}\n", "offset", "register", "access", "reset", "meaning");
  for (const auto& [offset, entry] : registers_) {
    text += fmt::format("0x{:<6x} {:16} {:6} 0x{:<8x} {}\n", offset, entry->name(), bus::name(entry->access()),
                        entry->reset_value(), entry->doc());
  }
  return text;
}

}  // namespace chronotile::bus
