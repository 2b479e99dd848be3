#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tlm>
#include <vector>

namespace chronotile::bus {

enum class Access : std::uint8_t { kReadWrite, kReadOnly, kWriteOnly, kWriteOneToClear };
[[nodiscard]] std::string_view name(Access access);  ///< "RW", "RO", "WO", "W1C"

/// One 32-bit register of a bank: made by RegisterBank::add and wired with verbs.
///
///     bank_.add("status", 0x04).read_only().on_read([this] { return status(); }).doc("state and cause");
class Register {
 public:
  Register(std::string name, std::uint64_t offset) : name_(std::move(name)), offset_(offset) {}

  Register& read_only() { return set_access(Access::kReadOnly); }
  Register& write_only() { return set_access(Access::kWriteOnly); }
  Register& write_one_to_clear() { return set_access(Access::kWriteOneToClear); }
  Register& reset_value(std::uint32_t value);
  /// Bits that a write changes; the others keep their value. Default all.
  Register& write_mask(std::uint32_t mask);
  Register& doc(std::string text);
  /// Value seen by a read, instead of the stored one; must have no side effect (debug reads call it, too).
  Register& on_read(std::function<std::uint32_t()> callback);
  /// Called with the new value after it was stored (write one to clear: with the bits that were written as 1).
  Register& on_write(std::function<void(std::uint32_t)> callback);
  /// While this is false writes are refused with a generic error.
  Register& writable_when(std::function<bool()> condition);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] Access access() const { return access_; }
  [[nodiscard]] std::uint32_t reset_value() const { return reset_; }
  [[nodiscard]] const std::string& doc() const { return doc_; }

  /// What a read returns.
  [[nodiscard]] std::uint32_t value() const { return read_ ? read_() : value_; }
  /// Sets the stored value; no callback.
  void store(std::uint32_t value) { value_ = value; }

 private:
  friend class RegisterBank;
  Register& set_access(Access access);
  void write(std::uint32_t value, std::uint32_t enabled);

  std::string name_;
  std::uint64_t offset_;
  Access access_ = Access::kReadWrite;
  std::uint32_t reset_ = 0;
  std::uint32_t value_ = 0;
  std::uint32_t mask_ = 0xffffffffU;
  std::string doc_;
  std::function<std::uint32_t()> read_;
  std::function<void(std::uint32_t)> write_;
  std::function<bool()> writable_;
};

/// A declarative bank of 32-bit little-endian registers.
///
/// Any access that lies within registers is handled: parts of a register (the other bytes keep their value), unaligned
/// ones, bursts across registers (in the order of addresses), byte enables, a streaming width (the registers are
/// accessed once per repetition). What is refused has no effect at all:
/// - a byte that no register has: address error;
/// - a write to a read-only or a read of a write-only register: command error;
/// - a write to a register that refuses it now (writable_when): generic error;
/// - malformed payloads: see check_attributes.
class RegisterBank {
 public:
  /// `name` stands in error messages.
  explicit RegisterBank(std::string name) : name_(std::move(name)) {}

  /// A new register; std::logic_error if `offset` is not a multiple of 4 or taken.
  Register& add(std::string name, std::uint64_t offset);

  /// Sets the response status, `address` counts from the bank's start.
  void transport(tlm::tlm_generic_payload& payload, std::uint64_t address);
  /// Same registers, same callbacks; stops at the first byte that cannot be accessed and returns the bytes before it.
  /// Reads of write-only registers give the stored value.
  unsigned int transport_dbg(tlm::tlm_generic_payload& payload, std::uint64_t address);

  /// Stored values to their reset values; no callbacks.
  void reset();
  /// The register at `offset`, or nullptr.
  [[nodiscard]] Register* find(std::uint64_t offset);
  [[nodiscard]] Register* find(std::string_view name);
  /// In the order of offsets.
  [[nodiscard]] std::vector<const Register*> registers() const;
  /// A text table with offset, name, access, reset value and meaning.
  [[nodiscard]] std::string describe() const;

 private:
  [[nodiscard]] tlm::tlm_response_status check(const tlm::tlm_generic_payload& payload, std::uint64_t address) const;

  std::string name_;
  std::map<std::uint64_t, std::unique_ptr<Register>> registers_;
};

}  // namespace chronotile::bus
