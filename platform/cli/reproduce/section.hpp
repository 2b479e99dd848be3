#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

/// What an experiment of `chronotile reproduce` gives: data only, so that an experiment may run in a process of its
/// own. Texts, files and plots are made from it in report.hpp and plot.hpp.
namespace chronotile::cli::reproduce {

/// 95 % confidence.
struct Interval {
  double low = 0;
  double high = 0;
};

/// Where a platform's value comes from.
enum class Origin : std::uint8_t {
  kFitted,     ///< a parameter was chosen so that this value agrees
  kPredicted,  ///< follows from other parameters; nothing was chosen by it
  kInput,      ///< stands in the configuration (or in the workload) and is shown for comparison
};
[[nodiscard]] std::string_view name(Origin origin);

/// One quantity, published and on the platform.
struct Row {
  std::string quantity;
  std::string unit;
  std::optional<double> published;
  std::string relation;  ///< of the published value: "", "<", ">" or "about"
  std::string source;    ///< of the published value; also for words that stand for a number ("several points")
  std::optional<double> platform;
  std::optional<Interval> interval;
  std::uint64_t samples = 0;
  std::string sampled;  ///< what they are: "durations", "words x 5 chips"; "" if none
  Origin origin = Origin::kPredicted;
  std::string remark;  ///< what differs from the publication, and why
};

/// Points with optional intervals, or bars.
struct Series {
  enum class Style : std::uint8_t { kLine, kPoints, kBars };
  std::string name;
  Style style = Style::kLine;
  std::vector<double> x;
  std::vector<double> y;
  std::vector<Interval> intervals;  ///< of y; empty or one each
};

/// A straight line across the plot.
struct Reference {
  bool vertical = false;
  double at = 0;
  std::string label;
};

struct Plot {
  std::string name;  ///< of the file, without extension
  std::string title;
  std::string x_label;  ///< with the unit
  std::string y_label;
  bool log_y = false;
  std::vector<Series> series;
  std::vector<Reference> references;
  std::vector<std::string> x_names = {};  ///< of x = 0, 1, ...: the axis shows these instead of numbers; empty: numbers
};

struct Section {
  std::string name;  ///< of the experiment
  std::string title;
  std::vector<std::string> text;  ///< paragraphs: how it was done
  std::vector<Row> rows;
  std::vector<Plot> plots;
  std::uint64_t runs = 0;  ///< simulations
  double wall_s = 0;       ///< of these, one after the other
};

[[nodiscard]] nlohmann::ordered_json to_json(const Section& section);
/// The inverse; throws nlohmann::json::exception for anything else.
[[nodiscard]] Section section_of(const nlohmann::ordered_json& json);

}  // namespace chronotile::cli::reproduce
