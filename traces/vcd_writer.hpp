#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "models/base/probe.hpp"
#include "traces/atomic_stream.hpp"
#include "traces/clock.hpp"

namespace chronotile::traces {

struct VcdConfig {
  std::filesystem::path path;
  /// Regular expression (ECMAScript), searched for in "scope.name": adds the signals of Detail::kScoped that it finds.
  std::string scope;
  std::string title;  ///< goes into the header; no date does: the same run gives the same bytes
  /// Pulses become known when they are over: changes wait this long before they are written, so that pulses find their
  /// place in time. Longer than the longest time between a leading edge and the report. Only where pulses are traced.
  double reorder_ns = 600.0;
  Clock::Source now_ps;  ///< empty: the simulation kernel
};

enum class VcdType : std::uint8_t { kWire, kReal, kString, kEvent };

/// A variable of the file.
struct VcdVariable {
  std::string scope;
  std::string name;  ///< without range
  VcdType type = VcdType::kWire;
  int bits = 1;
  std::uint64_t changes = 0;  ///< written so far, initial values not counted
  std::string doc;
};

/// Writes a value change dump (IEEE 1364) with a time unit of 1 ps, scopes as in the module tree.
///
/// Cost is per change; an idle signal costs nothing. All changes of a signal at one time become one, the last, and
/// those of one time are written in the order of declaration: bytes do not depend on the order of processes.
///
/// Signals become variables as follows. kBits: a wire; kReal: real; kText: string (GTKWave's extension); kEvent: an
/// event NAME and a string NAME_label with the last label (those of one time joined by commas, sorted).
/// A kBits signal of more than 64 bits is one of pulses(): NAME_busy, high while any wire is; where the scope selects
/// it also NAME, bit w = wire w, and NAME_active, the number of wires that are high. It starts low; bits() does not
/// touch it. A value that is wider than its signal loses its upper bits.
///
/// Values set at the time of construction are the initial ones ($dumpvars). Declaring after time has advanced, or
/// twice, throws std::logic_error.
class VcdWriter final : public probe::Observer {
 public:
  /// Creates path.part. Throws UserError (file, regular expression).
  explicit VcdWriter(VcdConfig config);

  probe::Id declare(const probe::Signal& signal) override;
  void bits(probe::Id id, std::uint64_t value) override;
  void real(probe::Id id, double value) override;
  void text(probe::Id id, const char* value) override;
  void pulses(probe::Id id, double lead_ns, const double* durations_ns, std::size_t stride, int wires) override;

  /// Writes the rest and gives the file its name; what comes later is ignored. Throws UserError, and then leaves no
  /// file. A writer that is destroyed without it leaves none either.
  void close();

  /// A write has failed; close() will say so. Simulation may as well end.
  [[nodiscard]] bool failed() const { return stream_.failed(); }

  [[nodiscard]] const std::filesystem::path& path() const { return stream_.path(); }
  [[nodiscard]] const std::vector<VcdVariable>& variables() const { return variables_; }
  [[nodiscard]] std::size_t scope_matches() const { return scope_matches_; }  ///< signals that `scope` found
  [[nodiscard]] std::uint64_t end_ps() const { return written_until_; }       ///< after close: last time in the file
  /// Vectors of pulses that were reported more than reorder_ns after their leading edge, when that time had been
  /// written: their edges move to the earliest time that has not, and a kernel warning is given once.
  [[nodiscard]] std::uint64_t late() const { return late_; }

 private:
  static constexpr std::size_t kNoPulses = ~std::size_t{0};
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  static constexpr int kMaxWires = 512;
  using Words = std::array<std::uint64_t, kMaxWires / 64>;

  struct Change {
    std::uint64_t time;
    std::uint64_t payload;  ///< bits, the pattern of a double, or an index into texts_
    std::uint32_t variable;
  };
  struct State {
    std::uint64_t latest = 0;  ///< payload last recorded
    std::uint64_t latest_time = kNever;
    std::uint64_t latest_number = 0;  ///< its place among all changes recorded
    std::uint64_t written = 0;
    bool has_written = false;
    std::array<char, 5> code{};
    std::uint8_t code_length = 0;
    std::size_t pulses = kNoPulses;
  };
  struct PulseState {
    std::uint32_t variable;  ///< NAME_busy; where expanded NAME and NAME_active follow
    bool expanded;
    int wires;
    int active = 0;
    bool touched = false;
    Words high{};
    Words written{};
    std::uint64_t version = 0;  ///< of `written`
    std::array<std::uint16_t, kMaxWires> drivers{};
  };
  /// The pulses of one vector: leading edge, then falling edges in order, each (time << 9) | wire.
  struct Train {
    std::size_t pulses = 0;
    std::uint64_t lead = 0;
    bool risen = false;
    std::size_t next_fall = 0;
    std::vector<std::uint64_t> falls;
    [[nodiscard]] std::uint64_t time() const { return risen ? falls[next_fall] >> 9U : lead; }
  };
  struct Scope;

  std::uint32_t add_variable(const probe::Signal& signal, const std::string& suffix, VcdType type, int bits);
  void record(std::uint32_t variable, std::uint64_t payload);
  std::uint64_t intern(std::string_view text);
  void flush_later(std::uint64_t now);
  void flush(std::uint64_t bound);
  void advance_trains(std::uint64_t time);
  void collect_pulse_changes();
  void write_header();
  void write_scope(const Scope& scope);
  void write_change(std::uint64_t time, std::uint32_t variable, std::uint64_t payload);
  void write_value(std::uint32_t variable, std::uint64_t payload);
  void write_code(std::uint32_t variable);

  VcdConfig config_;
  Clock clock_;
  AtomicStream stream_;
  std::function<bool(const std::string&)> selected_;
  std::size_t scope_matches_ = 0;

  std::vector<VcdVariable> variables_;
  std::vector<State> states_;
  std::unordered_set<std::string> names_;
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, std::uint64_t> text_index_;

  std::vector<Change> changes_;  ///< recorded and not yet written, in order of time
  std::uint64_t first_number_ = 0;
  std::size_t flush_changes_;  ///< how many of them make a flush worth while
  std::size_t flush_trains_;
  std::vector<PulseState> pulse_states_;
  std::vector<Train> trains_;
  std::vector<std::size_t> free_trains_;
  std::vector<std::size_t> heap_;  ///< of trains, earliest first
  std::vector<std::size_t> touched_;
  std::vector<Change> merged_;

  std::uint64_t start_ps_;
  std::uint64_t horizon_ps_ = 0;     ///< 0 while no pulses are traced
  std::uint64_t flushed_until_;      ///< all before it has been written
  std::uint64_t written_until_ = 0;  ///< last time stamp in the file
  std::uint64_t late_ = 0;
  bool header_written_ = false;
  bool closed_ = false;
};

}  // namespace chronotile::traces
