#pragma once

#include <cstdint>
#include <vector>

#include "firmware/isa/instructions.hpp"
#include "models/bus/bus_initiator.hpp"
#include "platform/config/platform_config.hpp"

namespace chronotile::host {

/// What the host does with one chip over the control bus. For threads; each call throws bus::BusError, naming address
/// and response, if the bus refuses.
class ChipAccess {
 public:
  /// `chip`: index of the chip, whose window of the bus begins at chip * chip::map::kChipStride.
  ChipAccess(bus::BusInitiator& initiator, std::uint32_t chip, const config::PlatformConfig& config);

  void load_firmware(std::uint32_t controller, const std::vector<isa::Word>& words);
  void start_controller(std::uint32_t controller);
  void stop_controller(std::uint32_t controller);
  /// A register of a controller's bank, `offset` as in controller::map.
  [[nodiscard]] std::uint32_t read_controller(std::uint32_t controller, std::uint64_t offset);

  /// Register r`index` (0..15) of a controller.
  void write_register(std::uint32_t controller, std::uint32_t index, std::uint32_t value);

  /// Raises triggers of the chip in the next cycle.
  void trigger(std::uint32_t mask);
  /// Interrupt state as the chip control block shows it; clear_interrupts clears exactly these.
  [[nodiscard]] std::uint64_t pending_interrupts();
  [[nodiscard]] std::uint64_t faults();
  void clear_interrupts(std::uint64_t controllers);

  /// Writes words 0.. of lane `lane` of vector `vector` in a pad's data window (chip::map::pad). Values in counts;
  /// rounded to words of 8 bits where the pads quantise.
  void write_vector(std::uint32_t pad_window, std::uint32_t vector, std::size_t lane,
                    const std::vector<double>& counts);
  /// Words `first`..`first + count - 1` of a vector, in counts.
  [[nodiscard]] std::vector<double> read_vector(std::uint32_t pad_window, std::uint32_t vector, std::size_t lane,
                                                std::uint32_t first, std::uint32_t count);

  // The same without simulated time, for a host whose transfers overlap with the chip's work and whose time is charged
  // as one figure: in place where a pad grants a pointer (DMI), else by debug transport.
  /// The 512 words of a vector in the pad's memory, lane 0; nullptr where the pads hold real numbers. Valid until
  /// simulated time goes on.
  [[nodiscard]] std::uint8_t* words(std::uint32_t pad_window, std::uint32_t vector);
  /// From the words of a lane to those of the next.
  [[nodiscard]] std::size_t lane_stride() const { return pad_.vectors * landing_pad::map::kVectorBytes; }
  void poke_reals(std::uint32_t pad_window, std::uint32_t vector, std::size_t lane, const double* counts);
  void peek_reals(std::uint32_t pad_window, std::uint32_t vector, std::size_t lane, double* counts);

 private:
  [[nodiscard]] std::uint64_t read_bits(std::uint64_t offset);
  [[nodiscard]] std::uint64_t window(std::uint32_t pad_window) const;
  [[nodiscard]] std::uint64_t index(std::uint32_t vector, std::size_t lane) const;

  bus::BusInitiator& initiator_;
  std::uint64_t base_;
  landing_pad::PadConfig pad_;
};

}  // namespace chronotile::host
