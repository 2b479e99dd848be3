#include "traces/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace chronotile::traces {
namespace {

struct Printing {
  const char* key;
  const char* unit;
};

Printing printing(Quantity quantity) {
  switch (quantity) {
    case Quantity::kCount:
      return {"count", ""};
    case Quantity::kTime:
      return {"time_ns", "ns"};
    case Quantity::kEnergy:
      return {"energy_nj", "nJ"};
    case Quantity::kRatio:
      return {"ratio", ""};
  }
  return {"value", ""};
}

std::string format_value(const Statistic& statistic) {
  switch (statistic.quantity()) {
    case Quantity::kCount:
      return fmt::format("{:.0f}", statistic.value());
    case Quantity::kRatio:
      return fmt::format("{:.4f}", statistic.value());
    default:
      return fmt::format("{:.3f}", statistic.value());
  }
}

}  // namespace

Statistic::Statistic(std::string name, std::string description, Quantity quantity, std::function<double()> source)
    : name_(std::move(name)), description_(std::move(description)), quantity_(quantity), source_(std::move(source)) {}

Statistic& Statistics::add(std::string name, std::string description, Quantity quantity) {
  add(std::move(name), std::move(description), quantity, {});
  return statistics_.back();
}

void Statistics::add(std::string name, std::string description, Quantity quantity, std::function<double()> source) {
  if (!names_.insert(name).second) {
    throw std::logic_error("statistic '" + name + "' is registered twice");
  }
  statistics_.emplace_back(std::move(name), std::move(description), quantity, std::move(source));
}

const Statistic* Statistics::find(std::string_view name) const {
  const auto found =
      std::find_if(statistics_.begin(), statistics_.end(), [&](const Statistic& s) { return s.name() == name; });
  return found == statistics_.end() ? nullptr : &*found;
}

std::string Statistics::text() const {
  std::vector<std::string> values;
  std::size_t name_width = 0;
  std::size_t value_width = 0;
  for (const Statistic& statistic : statistics_) {
    values.push_back(format_value(statistic));
    name_width = std::max(name_width, statistic.name().size());
    value_width = std::max(value_width, values.back().size());
  }
  std::string text;
  auto value = values.begin();
  for (const Statistic& statistic : statistics_) {
    text += fmt::format("{:<{}}  {:>{}} {:<2}  {}\n", statistic.name(), name_width, *value++, value_width,
                        printing(statistic.quantity()).unit, statistic.description());
  }
  return text;
}

nlohmann::ordered_json Statistics::json() const {
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  for (const Statistic& statistic : statistics_) {
    const double value = statistic.value();
    nlohmann::ordered_json number;
    if (statistic.quantity() == Quantity::kCount && std::abs(value) < 9.0e15) {
      number = static_cast<std::int64_t>(std::llround(value));
    } else if (std::isfinite(value)) {
      number = value;
    }
    nlohmann::ordered_json& entry = all[statistic.name()];
    entry[printing(statistic.quantity()).key] = number;
    entry["description"] = statistic.description();
  }
  return all;
}

}  // namespace chronotile::traces
