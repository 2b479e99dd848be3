#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "firmware/isa/signals.hpp"

/// The instructions of a local controller: ONE table from which encoder, decoder, assembler, disassembler and the
/// programmer's manual come.
///
/// A word has 64 bits. [63:58] opcode, [57] commit (signal instructions only), the other fields as `Format` says; all
/// remaining bits are zero. A word with an unknown opcode, a non-zero unused bit, or an operand outside its range is
/// illegal. Each instruction takes one cycle (1 ns at 1 GHz) unless it waits.
namespace chronotile::isa {

using Word = std::uint64_t;

/// Opcode 0 is illegal on purpose: erased memory does not run.
enum class Opcode : std::uint8_t {
  kNop = 1,
  kHalt,
  kSet,
  kOn,
  kOff,
  kSetR,
  kCommit,
  kWait,
  kWaitR,
  kSlot,
  kAt,
  kTrig,
  kLoop,
  kLoopR,
  kEndLoop,
  kLdi,
  kMov,
  kAddi,
  kAdd,
  kSub,
  kRdSlot,
  kBeq,
  kBne,
  kBlt,
  kBge,
  kJmp,
  kCall,
  kRet,
  kMark,
  kIrq,
};

/// Operands and where they stand in the word.
enum class Format : std::uint8_t {
  kNone,
  kGroupValue,     ///< group [55:48], value [31:0] within the group's bits; optional commit
  kGroupRegister,  ///< group [55:48], source register [35:32]; optional commit
  kImmediate,      ///< number [31:0]
  kRegister,       ///< register [35:32]
  kRegisterImm,    ///< register [35:32], number [31:0]
  kRegisterPair,   ///< destination [35:32], source [39:36]
  kTarget,         ///< program address [15:0]
  kBranch,         ///< left register [35:32], right register [39:36], program address [15:0]
  kLoop,           ///< count [31:0], program address behind the loop [47:32]
  kLoopRegister,   ///< register [35:32], program address behind the loop [15:0]
};

struct Instruction {
  Opcode opcode;
  std::string_view mnemonic;
  Format format;
  std::uint32_t min;  ///< smallest legal number (formats with a number)
  std::uint32_t max;  ///< largest legal number
  std::string_view cycles;
  std::string_view effect;
  std::string_view faults;  ///< "" if none
};

inline constexpr std::uint32_t kAnyNumber = 0xffffffffU;
inline constexpr int kRegisterCount = 16;
inline constexpr int kLoopDepth = 8;
inline constexpr int kCallDepth = 8;

inline constexpr std::array<Instruction, 30> kInstructions{{
    {Opcode::kNop, "nop", Format::kNone, 0, 0, "1", "nothing", ""},
    {Opcode::kHalt, "halt", Format::kImmediate, 0, 0xff, "-", "stops the controller with this exit code", ""},
    {Opcode::kSet, "set", Format::kGroupValue, 0, kAnyNumber, "1",
     "shadow[group] = value; with .c every shadow value is committed to the signals in this cycle", ""},
    {Opcode::kOn, "on", Format::kGroupValue, 0, kAnyNumber, "1", "shadow[group] |= value; .c commits", ""},
    {Opcode::kOff, "off", Format::kGroupValue, 0, kAnyNumber, "1", "shadow[group] &= ~value; .c commits", ""},
    {Opcode::kSetR, "setr", Format::kGroupRegister, 0, 0, "1",
     "shadow[group] = register, cut to the group's bits; .c commits", ""},
    {Opcode::kCommit, "commit", Format::kNone, 0, 0, "1", "all shadow values become the signals' levels", ""},
    {Opcode::kWait, "wait", Format::kImmediate, 1, kAnyNumber, "n", "the next instruction runs n cycles later", ""},
    {Opcode::kWaitR, "waitr", Format::kRegister, 0, 0, "r", "as wait, from a register; 0 counts as 1", ""},
    {Opcode::kSlot, "slot", Format::kImmediate, 1, 0xffff, "to the boundary",
     "the next instruction runs at the n-th slot boundary from now", ""},
    {Opcode::kAt, "at", Format::kImmediate, 0, 0xffff, "to the cycle",
     "the next instruction runs when the cycle counter of the slot reads n",
     "schedule_missed (a violation, not a stop) when n has passed: the wait goes into the next slot; "
     "illegal_instruction "
     "when a slot has no cycle n"},
    {Opcode::kTrig, "trig", Format::kImmediate, 1, 0xff, "to the trigger",
     "waits for one of the triggers in the mask (bit 0: the chip's start); the next instruction runs in its cycle", ""},
    {Opcode::kLoop, "loop", Format::kLoop, 0, kAnyNumber, "1",
     "runs the body up to endloop count times; 0 goes to the address behind it", "loop_overflow"},
    {Opcode::kLoopR, "loopr", Format::kLoopRegister, 0, 0, "1", "as loop, count from a register", "loop_overflow"},
    {Opcode::kEndLoop, "endloop", Format::kNone, 0, 0, "1", "back to the body's first word, or on after the last pass",
     "loop_underflow"},
    {Opcode::kLdi, "ldi", Format::kRegisterImm, 0, kAnyNumber, "1", "register = number", ""},
    {Opcode::kMov, "mov", Format::kRegisterPair, 0, 0, "1", "destination = source", ""},
    {Opcode::kAddi, "addi", Format::kRegisterImm, 0, kAnyNumber, "1", "register += number, modulo 2^32", ""},
    {Opcode::kAdd, "add", Format::kRegisterPair, 0, 0, "1", "destination += source, modulo 2^32", ""},
    {Opcode::kSub, "sub", Format::kRegisterPair, 0, 0, "1", "destination -= source, modulo 2^32", ""},
    {Opcode::kRdSlot, "rdslot", Format::kRegister, 0, 0, "1", "register = slots since the trigger", ""},
    {Opcode::kBeq, "beq", Format::kBranch, 0, 0, "1", "jumps if left == right", ""},
    {Opcode::kBne, "bne", Format::kBranch, 0, 0, "1", "jumps if left != right", ""},
    {Opcode::kBlt, "blt", Format::kBranch, 0, 0, "1", "jumps if left < right, unsigned", ""},
    {Opcode::kBge, "bge", Format::kBranch, 0, 0, "1", "jumps if left >= right, unsigned", ""},
    {Opcode::kJmp, "jmp", Format::kTarget, 0, 0, "1", "goes to the address", ""},
    {Opcode::kCall, "call", Format::kTarget, 0, 0, "1", "goes to the address; ret comes back behind it",
     "call_overflow"},
    {Opcode::kRet, "ret", Format::kNone, 0, 0, "1", "back to the word behind the last call", "call_underflow"},
    {Opcode::kMark, "mark", Format::kImmediate, 0, 0xffff, "1", "shows the number in traces at once", ""},
    {Opcode::kIrq, "irq", Format::kImmediate, 1, 0xff, "1", "raises these interrupt causes at the host at once", ""},
}};

/// A legal word, taken apart. Fields that the format does not have are zero.
struct Decoded {
  Opcode opcode = Opcode::kNop;
  bool commit = false;
  Group group = Group::kRowGate;
  std::uint8_t left = 0;     ///< destination or left register
  std::uint8_t right = 0;    ///< source or right register
  std::uint32_t number = 0;  ///< value, count or number
  std::uint16_t target = 0;
};

/// The table's entry of `opcode`.
[[nodiscard]] const Instruction& instruction(Opcode opcode);
/// The table's entry called `mnemonic` (without ".c"), or nullptr.
[[nodiscard]] const Instruction* find_instruction(std::string_view mnemonic);

/// The word of a legal instruction; fields that its format does not have must be zero, numbers within range.
[[nodiscard]] Word encode(const Decoded& instruction);

/// The instruction in `word`, or nothing if it is illegal. encode(*decode(w)) == w for every legal w. Called once per
/// executed instruction: a few nanoseconds.
[[nodiscard]] std::optional<Decoded> decode(Word word);

}  // namespace chronotile::isa
