#include "platform/host/chip_access.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "platform/chip/chip.hpp"

namespace chronotile::host {

using namespace landing_pad::map;

ChipAccess::ChipAccess(bus::BusInitiator& initiator, std::uint32_t chip, const config::PlatformConfig& config)
    : initiator_(initiator), base_(chip * chip::map::kChipStride), pad_(config.pad) {}

std::uint64_t ChipAccess::window(std::uint32_t pad_window) const { return base_ + chip::map::pad(pad_window); }

std::uint64_t ChipAccess::index(std::uint32_t vector, std::size_t lane) const {
  return static_cast<std::uint64_t>(lane) * pad_.vectors + vector;
}

void ChipAccess::load_firmware(std::uint32_t controller, const std::vector<isa::Word>& words) {
  if (!words.empty()) {
    initiator_.expect_write(base_ + chip::map::controller(controller) + controller::map::kSram, words.data(),
                            words.size() * sizeof(isa::Word));
  }
}

void ChipAccess::start_controller(std::uint32_t controller) {
  constexpr std::uint32_t kStart = 1;
  initiator_.expect_write32(
      base_ + chip::map::controller(controller) + controller::map::kRegisters + controller::map::kControl, kStart);
}

void ChipAccess::stop_controller(std::uint32_t controller) {
  constexpr std::uint32_t kStop = 2;
  initiator_.expect_write32(
      base_ + chip::map::controller(controller) + controller::map::kRegisters + controller::map::kControl, kStop);
}

std::uint32_t ChipAccess::read_controller(std::uint32_t controller, std::uint64_t offset) {
  return initiator_.expect_read32(base_ + chip::map::controller(controller) + controller::map::kRegisters + offset);
}

void ChipAccess::write_vector(std::uint32_t pad_window, std::uint32_t vector, std::size_t lane,
                              const std::vector<double>& counts) {
  if (!pad_.quantise) {
    initiator_.expect_write(window(pad_window) + kReal + index(vector, lane) * kRealBytes, counts.data(),
                            counts.size() * sizeof(double));
    return;
  }
  std::vector<std::uint8_t> words(counts.size());
  std::transform(counts.begin(), counts.end(), words.begin(), [this](double count) {
    return static_cast<std::uint8_t>(std::clamp(std::round(count), 0.0, static_cast<double>(pad_.full_scale)));
  });
  initiator_.expect_write(window(pad_window) + kBytes + index(vector, lane) * kVectorBytes, words.data(), words.size());
}

std::vector<double> ChipAccess::read_vector(std::uint32_t pad_window, std::uint32_t vector, std::size_t lane,
                                            std::uint32_t first, std::uint32_t count) {
  std::vector<double> counts(count);
  if (!pad_.quantise) {
    initiator_.expect_read(window(pad_window) + kReal + index(vector, lane) * kRealBytes + first * sizeof(double),
                           counts.data(), counts.size() * sizeof(double));
    return counts;
  }
  std::vector<std::uint8_t> words(count);
  initiator_.expect_read(window(pad_window) + kBytes + index(vector, lane) * kVectorBytes + first, words.data(),
                         words.size());
  std::copy(words.begin(), words.end(), counts.begin());
  return counts;
}

std::uint8_t* ChipAccess::words(std::uint32_t pad_window, std::uint32_t vector) {
  if (!pad_.quantise) {
    return nullptr;
  }
  const std::uint64_t address = window(pad_window) + kBytes + index(vector, 0) * kVectorBytes;
  std::uint8_t* const words = initiator_.direct(address, kVectorBytes);
  if (words == nullptr) {
    throw std::logic_error(fmt::format("{}: no direct access to the pad at 0x{:x}", initiator_.name(), address));
  }
  return words;
}

void ChipAccess::poke_reals(std::uint32_t pad_window, std::uint32_t vector, std::size_t lane, const double* counts) {
  (void)initiator_.debug_write(window(pad_window) + kReal + index(vector, lane) * kRealBytes, counts, kRealBytes);
}

void ChipAccess::peek_reals(std::uint32_t pad_window, std::uint32_t vector, std::size_t lane, double* counts) {
  (void)initiator_.debug_read(window(pad_window) + kReal + index(vector, lane) * kRealBytes, counts, kRealBytes);
}

void ChipAccess::write_register(std::uint32_t controller, std::uint32_t index, std::uint32_t value) {
  initiator_.expect_write32(base_ + chip::map::controller(controller) + controller::map::kRegisters +
                                controller::map::kRegister0 + 4 * std::uint64_t{index},
                            value);
}

void ChipAccess::trigger(std::uint32_t mask) {
  initiator_.expect_write32(base_ + chip::map::kControl + chip::control_map::kTrigger, mask);
}

std::uint64_t ChipAccess::read_bits(std::uint64_t offset) {
  const std::uint64_t address = base_ + chip::map::kControl + offset;
  const std::uint64_t low = initiator_.expect_read32(address);
  return std::uint64_t{initiator_.expect_read32(address + 4)} << 32U | low;
}

std::uint64_t ChipAccess::pending_interrupts() { return read_bits(chip::control_map::kPending0); }
std::uint64_t ChipAccess::faults() { return read_bits(chip::control_map::kFault0); }

void ChipAccess::clear_interrupts(std::uint64_t controllers) {
  initiator_.expect_write(base_ + chip::map::kControl + chip::control_map::kPending0, &controllers,
                          sizeof(controllers));
}

}  // namespace chronotile::host
