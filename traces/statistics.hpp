#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>

#include <nlohmann/json_fwd.hpp>

namespace chronotile::traces {

/// What a statistic measures; its unit follows: none, ns, nJ, none.
enum class Quantity : std::uint8_t { kCount, kTime, kEnergy, kRatio };

/// One number with a name, a description and a unit.
class Statistic {
 public:
  Statistic(std::string name, std::string description, Quantity quantity, std::function<double()> source);

  Statistic& operator+=(double amount) {
    value_ += amount;
    return *this;
  }
  void set(double value) { value_ = value; }

  [[nodiscard]] double value() const { return source_ ? source_() : value_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& description() const { return description_; }
  [[nodiscard]] Quantity quantity() const { return quantity_; }

 private:
  std::string name_;
  std::string description_;
  Quantity quantity_;
  std::function<double()> source_;
  double value_ = 0;
};

/// The statistics of a run, in order of registration. Names are hierarchical ("chip0.tile03.macs") and unique:
/// registering one twice throws std::logic_error.
class Statistics {
 public:
  /// A number that its owner adds to or sets. The reference stays valid as long as the registry.
  Statistic& add(std::string name, std::string description, Quantity quantity);
  /// A number that is asked for when it is printed.
  void add(std::string name, std::string description, Quantity quantity, std::function<double()> source);

  [[nodiscard]] const Statistic* find(std::string_view name) const;
  [[nodiscard]] auto begin() const { return statistics_.begin(); }
  [[nodiscard]] auto end() const { return statistics_.end(); }

  /// A table of name, value, unit and description.
  [[nodiscard]] std::string text() const;
  /// {NAME: {"KEY": value, "description": ...}}, KEY one of count, time_ns, energy_nj, ratio; null where the number is
  /// not finite.
  [[nodiscard]] nlohmann::ordered_json json() const;

 private:
  std::deque<Statistic> statistics_;
  std::unordered_set<std::string> names_;
};

}  // namespace chronotile::traces
