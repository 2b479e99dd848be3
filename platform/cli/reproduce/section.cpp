#include "platform/cli/reproduce/section.hpp"

#include <array>
#include <stdexcept>
#include <string_view>

namespace chronotile::cli::reproduce {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 3> kOrigins{"fitted", "predicted", "input"};
constexpr std::array<std::string_view, 3> kStyles{"line", "points", "bars"};

template <std::size_t kCount>
std::size_t index_in(const std::array<std::string_view, kCount>& words, const std::string& word) {
  for (std::size_t index = 0; index < kCount; ++index) {
    if (words[index] == word) {
      return index;
    }
  }
  throw std::runtime_error("'" + word + "' is no word of a report");
}

Json json_of(const std::optional<double>& value) { return value ? Json(*value) : Json(); }
Json json_of(const Interval& interval) { return Json::array({interval.low, interval.high}); }

std::optional<double> number_of(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional<double>(json.get<double>());
}
Interval interval_of(const Json& json) { return {json.at(0), json.at(1)}; }

Json json_of(const Row& row) {
  Json out;
  out["quantity"] = row.quantity;
  out["unit"] = row.unit;
  out["published"] = json_of(row.published);
  out["relation"] = row.relation;
  out["source"] = row.source;
  out["platform"] = json_of(row.platform);
  out["interval_95"] = row.interval ? json_of(*row.interval) : Json();
  out["samples"] = row.samples;
  out["sampled"] = row.sampled;
  out["origin"] = name(row.origin);
  out["remark"] = row.remark;
  return out;
}

Row row_of(const Json& json) {
  Row row;
  row.quantity = json.at("quantity");
  row.unit = json.at("unit");
  row.published = number_of(json.at("published"));
  row.relation = json.at("relation");
  row.source = json.at("source");
  row.platform = number_of(json.at("platform"));
  if (!json.at("interval_95").is_null()) {
    row.interval = interval_of(json.at("interval_95"));
  }
  row.samples = json.at("samples");
  row.sampled = json.at("sampled");
  row.origin = static_cast<Origin>(index_in(kOrigins, json.at("origin")));
  row.remark = json.at("remark");
  return row;
}

Json json_of(const Series& series) {
  Json out;
  out["name"] = series.name;
  out["style"] = kStyles.at(static_cast<std::size_t>(series.style));
  out["x"] = series.x;
  out["y"] = series.y;
  out["intervals_95"] = Json::array();
  for (const Interval& interval : series.intervals) {
    out["intervals_95"].push_back(json_of(interval));
  }
  return out;
}

Series series_of(const Json& json) {
  Series series;
  series.name = json.at("name");
  series.style = static_cast<Series::Style>(index_in(kStyles, json.at("style")));
  series.x = json.at("x").get<std::vector<double>>();
  series.y = json.at("y").get<std::vector<double>>();
  for (const Json& interval : json.at("intervals_95")) {
    series.intervals.push_back(interval_of(interval));
  }
  return series;
}

Json json_of(const Plot& plot) {
  Json out;
  out["name"] = plot.name;
  out["title"] = plot.title;
  out["x_label"] = plot.x_label;
  out["y_label"] = plot.y_label;
  out["log_y"] = plot.log_y;
  out["series"] = Json::array();
  for (const Series& series : plot.series) {
    out["series"].push_back(json_of(series));
  }
  out["references"] = Json::array();
  for (const Reference& reference : plot.references) {
    out["references"].push_back({{"vertical", reference.vertical}, {"at", reference.at}, {"label", reference.label}});
  }
  out["x_names"] = plot.x_names;
  return out;
}

Plot plot_of(const Json& json) {
  Plot plot;
  plot.name = json.at("name");
  plot.title = json.at("title");
  plot.x_label = json.at("x_label");
  plot.y_label = json.at("y_label");
  plot.log_y = json.at("log_y");
  for (const Json& series : json.at("series")) {
    plot.series.push_back(series_of(series));
  }
  for (const Json& reference : json.at("references")) {
    plot.references.push_back({reference.at("vertical"), reference.at("at"), reference.at("label")});
  }
  plot.x_names = json.at("x_names").get<std::vector<std::string>>();
  return plot;
}

}  // namespace

std::string_view name(Origin origin) { return kOrigins.at(static_cast<std::size_t>(origin)); }

Json to_json(const Section& section) {
  Json out;
  out["name"] = section.name;
  out["title"] = section.title;
  out["text"] = section.text;
  out["rows"] = Json::array();
  for (const Row& row : section.rows) {
    out["rows"].push_back(json_of(row));
  }
  out["plots"] = Json::array();
  for (const Plot& plot : section.plots) {
    out["plots"].push_back(json_of(plot));
  }
  out["runs"] = section.runs;
  out["wall_s"] = section.wall_s;
  return out;
}

Section section_of(const Json& json) {
  Section section;
  section.name = json.at("name");
  section.title = json.at("title");
  section.text = json.at("text").get<std::vector<std::string>>();
  for (const Json& row : json.at("rows")) {
    section.rows.push_back(row_of(row));
  }
  for (const Json& plot : json.at("plots")) {
    section.plots.push_back(plot_of(plot));
  }
  section.runs = json.at("runs");
  section.wall_s = json.at("wall_s");
  return section;
}

}  // namespace chronotile::cli::reproduce
