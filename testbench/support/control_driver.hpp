#pragma once

#include <array>
#include <initializer_list>
#include <map>
#include <string>
#include <systemc>
#include <vector>

#include "models/controller/control_lines.hpp"

namespace chronotile::support {

/// Stands in for a local controller: test code decides when which control signals change. Keeps the order that
/// ControlLines promises: levels change in the first delta cycle of a time stamp, `changed` fires a delta later.
class ControlDriver : public sc_core::sc_module, public controller::ControlLines {
 public:
  struct Setting {
    isa::Group group;
    std::uint32_t level;
  };

  explicit ControlDriver(const sc_core::sc_module_name& name);

  sc_core::sc_export<controller::ControlLines> lines{"lines"};  ///< bound to this

  /// Commits these levels together at `time_ns` (absolute, not in the past).
  void at(double time_ns, std::initializer_list<Setting> settings);
  void at(double time_ns, isa::Group group, std::uint32_t level) { at(time_ns, {{group, level}}); }
  /// Commits now; call it in the first delta cycle of a time stamp, that is right behind a wait for a time.
  void set(std::initializer_list<Setting> settings);
  void set(isa::Group group, std::uint32_t level) { set({{group, level}}); }
  /// What pc() returns from now on.
  void set_pc(std::uint32_t pc) { pc_ = pc; }

  [[nodiscard]] std::uint32_t level(isa::Group group) const override {
    return levels_.at(static_cast<std::size_t>(group));
  }
  [[nodiscard]] const sc_core::sc_event& changed(isa::Circuit circuit) const override {
    return changed_.at(static_cast<std::size_t>(circuit));
  }
  [[nodiscard]] std::string controller_name() const override { return name(); }
  [[nodiscard]] std::uint32_t pc() const override { return pc_; }

 private:
  void play();
  void commit(const Setting& setting);

  std::array<std::uint32_t, isa::kGroupCount> levels_{};
  std::array<sc_core::sc_event, isa::kCircuitCount> changed_;
  std::uint32_t pc_ = 0;
  std::map<sc_core::sc_time, std::vector<Setting>> schedule_;
  sc_core::sc_event due_{"due"};
};

}  // namespace chronotile::support
