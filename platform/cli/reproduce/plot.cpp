#include "platform/cli/reproduce/plot.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

namespace chronotile::cli::reproduce {
namespace {

// Pixels.
constexpr double kWidth = 760;
constexpr double kHeight = 440;
constexpr double kLeft = 76;
constexpr double kRight = 20;
constexpr double kTop = 44;
constexpr double kBottom = 58;
constexpr double kLegendLine = 18;
constexpr double kAside = 9;
constexpr double kLegendWidth = 200;

// Told apart on white and by most colour-blind readers (Okabe and Ito's palette without its yellow).
constexpr std::array<std::string_view, 9> kColours{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9",
                                                   "#e69f00", "#000000", "#7f7f7f", "#8c564b"};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// One axis: from values to pixels, and its ticks.
class Axis {
 public:
  Axis(double least, double most, bool log, double from, double to) : log_(log), from_(from), to_(to) {
    if (!(least <= most)) {
      least = log ? 1 : 0;
      most = log ? 10 : 1;
    }
    if (log) {
      least_ = std::floor(std::log10(least));
      most_ = std::max(least_ + 1, std::ceil(std::log10(most)));
      step_ = std::ceil((most_ - least_) / 8);
    } else {
      constexpr double kTicks = 6;
      const double span = most > least ? most - least : std::max(1.0, std::abs(most));
      const double rough = span / kTicks;
      const double power = std::pow(10, std::floor(std::log10(rough)));
      step_ = power;
      for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
        step_ = factor * power;
        if (step_ >= rough) {
          break;
        }
      }
      constexpr double kSlack = 1e-9;
      least_ = std::floor(least / step_ + kSlack) * step_;
      most_ = std::ceil((most > least ? most : least + span) / step_ - kSlack) * step_;
    }
  }

  [[nodiscard]] bool shows(double value) const { return !log_ || value > 0; }
  [[nodiscard]] double pixel(double value) const {
    const double inner = log_ ? std::log10(std::max(value, std::numeric_limits<double>::min())) : value;
    return from_ + (std::clamp(inner, least_, most_) - least_) / (most_ - least_) * (to_ - from_);
  }
  [[nodiscard]] std::vector<std::pair<double, std::string>> ticks() const {
    std::vector<std::pair<double, std::string>> out;
    const auto count = static_cast<int>(std::lround((most_ - least_) / step_));
    for (int index = 0; index <= count; ++index) {
      const double inner = least_ + index * step_;
      const double value = std::abs(inner) < step_ * 1e-9 ? 0 : inner;
      if (!log_) {
        out.emplace_back(value, fmt::format("{:g}", value));
      } else {
        const bool plain = std::abs(value) <= 3;
        out.emplace_back(std::pow(10, value),
                         plain ? fmt::format("{:g}", std::pow(10, value))
                               : fmt::format("10<tspan dy=\"-5\" font-size=\"9\">{:g}</tspan>", value));
      }
    }
    return out;
  }

 private:
  bool log_;
  double from_;
  double to_;
  double least_ = 0;  ///< with a logarithmic axis: the exponent
  double most_ = 1;
  double step_ = 1;
};

struct Range {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();
  void take(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

/// Half the distance of neighbouring bars.
double half_bar(const Series& series) {
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t index = 1; index < series.x.size(); ++index) {
    least = std::min(least, series.x[index] - series.x[index - 1]);
  }
  return std::isfinite(least) ? least / 2 : 0.5;
}

class Drawing {
 public:
  explicit Drawing(const Plot& plot)
      : plot_(plot),
        legend_(plot.series.size() > 1 || std::any_of(plot.references.begin(), plot.references.end(),
                                                      [](const Reference& reference) { return !reference.vertical; })),
        right_(kWidth - kRight - (legend_ ? kLegendWidth : 0)),
        x_(x_axis(plot, right_)),
        y_(y_axis(plot)) {}

  std::string run() {
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:g}\" height=\"{1:g}\" viewBox=\"0 0 {0:g} {1:g}\" "
        "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#222\">\n"
        "<title>{2}</title>\n<rect width=\"{0:g}\" height=\"{1:g}\" fill=\"#fff\"/>\n"
        "<text x=\"{3:g}\" y=\"24\" font-size=\"15\" font-weight=\"bold\">{2}</text>\n",
        kWidth, kHeight, escaped(plot_.title), kLeft);
    axes();
    std::size_t colour = 0;
    for (const Series& series : plot_.series) {
      draw(series, kColours.at(colour % kColours.size()), colour);
      ++colour;
    }
    references();
    return out_ + "</svg>\n";
  }

 private:
  static Axis x_axis(const Plot& plot, double right) {
    Range range;
    for (const Series& series : plot.series) {
      const double half = series.style == Series::Style::kBars ? half_bar(series) : 0;
      for (const double x : series.x) {
        range.take(x - half);
        range.take(x + half);
      }
    }
    for (const Reference& reference : plot.references) {
      if (reference.vertical) {
        range.take(reference.at);
      }
    }
    if (!plot.x_names.empty()) {
      range.take(-0.5);
      range.take(static_cast<double>(plot.x_names.size()) - 0.5);
    }
    return {range.least, range.most, false, kLeft, right};
  }

  static Axis y_axis(const Plot& plot) {
    Range range;
    const auto take = [&](double y) {
      if (!plot.log_y || y > 0) {
        range.take(y);
      }
    };
    for (const Series& series : plot.series) {
      std::for_each(series.y.begin(), series.y.end(), take);
      for (const Interval& interval : series.intervals) {
        take(interval.low);
        take(interval.high);
      }
    }
    for (const Reference& reference : plot.references) {
      if (!reference.vertical) {
        take(reference.at);
      }
    }
    take(0);  // no effect on a logarithmic axis
    return {range.least, range.most, plot.log_y, kHeight - kBottom, kTop};
  }

  void line(double x1, double y1, double x2, double y2, std::string_view style) {
    out_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1, x2, y2, style);
  }

  void axes() {
    const double bottom = kHeight - kBottom;
    for (const auto& [value, text] : y_.ticks()) {
      const double y = y_.pixel(value);
      line(kLeft, y, right_, y, "stroke=\"#e2e2e2\"");
      out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", kLeft - 8, y + 4, text);
    }
    std::vector<std::pair<double, std::string>> ticks = x_.ticks();
    if (!plot_.x_names.empty()) {
      ticks.clear();
      for (const std::string& text : plot_.x_names) {
        ticks.emplace_back(static_cast<double>(ticks.size()), escaped(text));
      }
    }
    for (const auto& [value, text] : ticks) {
      const double x = x_.pixel(value);
      line(x, bottom, x, bottom + 5, "stroke=\"#444\"");
      out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", x, bottom + 19, text);
    }
    line(kLeft, bottom, right_, bottom, "stroke=\"#444\"");
    line(kLeft, kTop, kLeft, bottom, "stroke=\"#444\"");
    out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", (kLeft + right_) / 2,
                        kHeight - 16, escaped(plot_.x_label));
    const double middle = (kTop + bottom) / 2;
    out_ += fmt::format(
        "<text x=\"20\" y=\"{0:.1f}\" text-anchor=\"middle\" transform=\"rotate(-90 20 {0:.1f})\">{1}</text>\n", middle,
        escaped(plot_.y_label));
  }

  void draw(const Series& series, std::string_view colour, std::size_t place) {
    const std::size_t points = std::min(series.x.size(), series.y.size());
    const bool bars = series.style == Series::Style::kBars;
    std::string path;
    for (std::size_t index = 0; index < points; ++index) {
      if (!y_.shows(series.y[index])) {
        continue;
      }
      // Named places: series beside each other.
      const double aside =
          plot_.x_names.empty()
              ? 0
              : kAside * (static_cast<double>(place) - static_cast<double>(plot_.series.size() - 1) / 2);
      const double x = x_.pixel(series.x[index]) + aside;
      const double y = y_.pixel(series.y[index]);
      if (bars) {
        const double half = half_bar(series);
        const double from = x_.pixel(series.x[index] - half);
        out_ += fmt::format(
            "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"{}\" fill-opacity=\"0.55\"/>\n",
            from, y, x_.pixel(series.x[index] + half) - from, kHeight - kBottom - y, colour);
        continue;
      }
      path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "" : " ", x, y);
      if (index < series.intervals.size()) {
        line(x, y_.pixel(series.intervals[index].low), x, y_.pixel(series.intervals[index].high),
             fmt::format("stroke=\"{}\" stroke-opacity=\"0.6\"", colour));
      }
      out_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", x, y, colour);
    }
    if (series.style == Series::Style::kLine && !path.empty()) {
      out_ += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\"/>\n", path, colour);
    }
    if (legend_) {
      const double y = kTop + 8 + static_cast<double>(place) * kLegendLine;
      const double x = right_ + 16;
      out_ += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"12\" height=\"{}\" fill=\"{}\"{}/>\n", x,
                          bars ? y - 9 : y - 5, bars ? 10 : 3, colour, bars ? " fill-opacity=\"0.55\"" : "");
      out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x + 18, y, escaped(series.name));
    }
  }

  void references() {
    constexpr std::array<std::string_view, 3> kDashes{"5 4", "2 3", "9 4"};
    const double bottom = kHeight - kBottom;
    std::size_t place = plot_.series.size();  // in the legend
    std::size_t horizontal = 0;
    for (const Reference& reference : plot_.references) {
      const std::string style =
          fmt::format("stroke=\"#c00\" stroke-dasharray=\"{}\"", kDashes.at(horizontal % kDashes.size()));
      if (reference.vertical) {
        const double x = x_.pixel(reference.at);
        line(x, kTop, x, bottom, style);
        const bool at_right = x > (kLeft + right_) / 2;
        out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" fill=\"#c00\" text-anchor=\"{}\">{}</text>\n",
                            x + (at_right ? -5 : 5), kTop + 12, at_right ? "end" : "start", escaped(reference.label));
      } else {
        const double y = y_.pixel(reference.at);
        line(kLeft, y, right_, y, style);
        const double legend_y = kTop + 8 + static_cast<double>(place) * kLegendLine;
        line(right_ + 16, legend_y - 4, right_ + 28, legend_y - 4, style);
        out_ +=
            fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", right_ + 34, legend_y, escaped(reference.label));
        ++place;
        ++horizontal;
      }
    }
  }

  const Plot& plot_;
  bool legend_;
  double right_;
  Axis x_;
  Axis y_;
  std::string out_;
};

}  // namespace

std::string svg(const Plot& plot) { return Drawing(plot).run(); }

}  // namespace chronotile::cli::reproduce
