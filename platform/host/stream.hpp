#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>

/// What the off-chip digital unit computes for one item (an utterance) on its way through the chips of a board. The
/// session that drives the chips knows nothing of networks; a stream knows nothing of simulation.
namespace chronotile::host {

/// Where a matrix of the network stands among the inputs and outputs of its chip.
struct MatrixPort {
  std::uint32_t chip = 0;
  std::size_t first_input = 0;
  std::size_t inputs = 0;
  std::size_t first_output = 0;
  std::size_t outputs = 0;
};

/// Ports by name of the matrix, for example "enc_lstm0".
using MatrixPorts = std::map<std::string, MatrixPort>;

inline constexpr double kNever_ns = std::numeric_limits<double>::infinity();

/// One item in one lane. Each chip evaluates, in every one of its steps, y = W x of each of its matrices; the stream
/// says what goes in and takes what comes out. Times are counted from the stream's own start, so a stream behaves alike
/// whatever runs beside it; what it does may depend on nothing but these calls.
///
/// For each chip calls alternate: prepare() that returned true, then complete() with the outputs of that step, then the
/// next prepare(). Calls for different chips interleave in any order in which `available_ns` of a complete() that
/// matters is not later than the `now_ns` of the prepare() that uses it: a stream compares these times, not the order
/// of calls (a session may run one chip through all its steps before the next one begins).
///
/// prepare() and complete() of different streams are called at the same time by different threads, and not by the
/// simulation's own: they may share what nobody changes, and know nothing of the simulation kernel.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Whether `chip` has work in a step that starts at `now_ns`; if so, writes its inputs. `inputs`: all inputs of the
  /// chip, -1..1 (1 = a pulse of full scale; larger ones are clipped), zero at the call; what has nothing to do in this
  /// step stays zero.
  [[nodiscard]] virtual bool prepare(std::uint32_t chip, double now_ns, double* inputs) = 0;

  /// Outputs of the step prepared last for `chip`, in the network's units; `available_ns`: time at which the digital
  /// unit has worked on them (step and host overhead), from which other steps may use what follows from them.
  virtual void complete(std::uint32_t chip, double available_ns, const double* outputs) = 0;

  /// Earliest time at which prepare() for `chip` would return true as far as is known now; kNever_ns if that depends
  /// on steps of other chips that are not complete, or if the chip has no more work.
  [[nodiscard]] virtual double ready_ns(std::uint32_t chip) const = 0;

  /// Whether `chip` has done all its work for this stream.
  [[nodiscard]] virtual bool finished(std::uint32_t chip) const = 0;

  /// Time at which the result was complete; meaningful once all chips have finished.
  [[nodiscard]] virtual double end_ns() const = 0;

  /// Arithmetic operations of the digital unit so far.
  [[nodiscard]] virtual std::uint64_t digital_operations() const = 0;
};

}  // namespace chronotile::host
