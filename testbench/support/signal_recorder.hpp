#pragma once

#include <array>
#include <ostream>
#include <systemc>
#include <tuple>
#include <vector>

#include "models/controller/control_lines.hpp"

namespace chronotile::support {

/// A control signal group took a level at a time.
struct Change {
  double time_ns;
  isa::Group group;
  std::uint32_t level;

  friend bool operator==(const Change& left, const Change& right) {
    return std::tie(left.time_ns, left.group, left.level) == std::tie(right.time_ns, right.group, right.level);
  }
};
void PrintTo(const Change& change, std::ostream* out);  // NOLINT(readability-identifier-naming): gtest's name

/// Records every change of a controller's signals, in order of time, and of groups within a time stamp. Construct it
/// before simulation starts. EXPECT_THAT(recorder.changes(), ElementsAre(Change{12, isa::Group::kRamp, 1}, ...)).
class SignalRecorder : public sc_core::sc_module {
 public:
  SignalRecorder(const sc_core::sc_module_name& name, const controller::ControlLines& lines);

  [[nodiscard]] const std::vector<Change>& changes() const { return changes_; }
  void clear() { changes_.clear(); }

 private:
  void record(isa::Circuit circuit);

  const controller::ControlLines& lines_;
  std::array<std::uint32_t, isa::kGroupCount> last_{};
  std::vector<Change> changes_;
};

}  // namespace chronotile::support
