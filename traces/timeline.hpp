#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "models/base/probe.hpp"
#include "traces/atomic_stream.hpp"
#include "traces/clock.hpp"
#include "traces/sections.hpp"

namespace chronotile::traces {

struct TimelineConfig {
  std::filesystem::path path;
  Clock::Source now_ps;  ///< empty: the simulation kernel
};

/// Writes a trace in the trace-event JSON format, which Perfetto (ui.perfetto.dev) and chrome://tracing open. A process
/// per part (controllers, tiles, links, ...), a track per signal in order of declaration, and of these the signals of
/// Detail::kDefault: texts are slices ("", idle, none and off show as gaps), so is a wire of one bit while it is 1 and
/// a vector of pulses from its leading edge to its last falling one; real numbers are counters, events are instants. Of
/// wider kBits signals only masks with "busy" in their name are taken, as slices while they are not 0; the others
/// (program counters) are left to the VCD. Several changes at one time become the last.
class Timeline final : public probe::Observer {
 public:
  /// Creates path.part. Throws UserError.
  explicit Timeline(TimelineConfig config);

  probe::Id declare(const probe::Signal& signal) override;
  void bits(probe::Id id, std::uint64_t value) override;
  void real(probe::Id id, double value) override;
  void text(probe::Id id, const char* value) override;
  void pulses(probe::Id id, double lead_ns, const double* durations_ns, std::size_t stride, int wires) override;

  /// Ends what is open, and gives the file its name; what comes later is ignored. Throws UserError, and then leaves no
  /// file. A timeline that is destroyed without it leaves none either.
  void close();
  [[nodiscard]] bool failed() const { return stream_.failed(); }

 private:
  enum class Form : std::uint8_t { kSlices, kWire, kMask, kCounter, kInstants, kPulses };
  struct Track {
    std::string name;
    std::string short_name;
    Section section = Section::kChip;
    Form form = Form::kSlices;
    bool dirty = false;
    bool has_value = false;
    std::string label;  ///< of the slice that is open; empty: none is
    std::uint64_t since = 0;
    std::string next_label;
    double value = 0;
    double next_value = 0;
  };

  Track& touch(probe::Id id);
  void settle();
  void begin_event();
  void write_slice(std::size_t track, const std::string& label, std::uint64_t from, std::uint64_t to);
  void write_tracks();

  Clock clock_;
  AtomicStream stream_;
  std::vector<Track> tracks_;
  std::vector<std::size_t> dirty_;
  std::uint64_t step_ = 0;  ///< time of what is in dirty_
  bool first_event_ = true;
  bool closed_ = false;
};

}  // namespace chronotile::traces
