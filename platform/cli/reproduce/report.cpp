#include "platform/cli/reproduce/report.hpp"

#include <fmt/format.h>

#include "common/atomic_file.hpp"
#include "platform/cli/reproduce/plot.hpp"
#include "platform/cli/run_summary.hpp"
#include "platform/cli/terminal.hpp"

namespace chronotile::cli::reproduce {
namespace {

constexpr const char* kPlots = "reproduction";  ///< folder beside the page

constexpr const char* kIntroduction = R"(# The publication, reproduced

The experiments of Ambrogio et al., "An analog-AI chip for energy-efficient speech recognition and transcription",
Nature 620, 768-775 (2023), doi 10.1038/s41586-023-06337-5, on the platform. "TED 2021" is Narayanan et al., IEEE
Transactions on Electron Devices, doi 10.1109/TED.2021.3115993, on the chip before it. This page is the output of
`chronotile reproduce`; the figures are also in reproduction.json, which it writes
beside this page.

How to read it:

- **Published** and **platform** stand side by side, in the same unit. "<" and "about" are the publication's own words.
- **95 %** is a confidence interval: Wilson's for a single rate; a bootstrap over recordings and simulated chips for
  rates and for differences of rates. It covers this sample of recordings and chips; it does not cover what the data
  have in common: synthetic voices, a small network.
- **n** is the number of samples behind a value.
- **fitted**: a parameter of the platform was chosen so that this value agrees; agreement shows nothing. **predicted**:
  follows from other parameters, and could have come out differently. **input**: stands in the configuration or in the
  workload, and is shown for comparison.
- Accuracies and word error rates belong to networks that were trained on synthetic voices, since the published ones and
  their data cannot be shipped. Compare what the hardware *costs*, that is differences; the rates themselves say nothing
  about human speech.

What is published, derived or assumed in the models stands in docs/modelling.md; each assumption is a configuration key.
)";

constexpr const char* kNone = "-";

std::string number(double value) {
  constexpr double kSmall = 1e-12;
  return fmt::format("{:.4g}", std::abs(value) < kSmall ? 0.0 : value);
}

std::string interval_text(const Row& row) {
  return row.interval ? fmt::format("{} to {}", number(row.interval->low), number(row.interval->high)) : kNone;
}

std::string samples_text(const Row& row) {
  return row.samples == 0 ? kNone : fmt::format("{} {}", row.samples, row.sampled);
}

std::string platform_text(const Row& row) { return row.platform ? number(*row.platform) : kNone; }

/// With the source, unless that is only words.
std::string comment(const Row& row) {
  if (row.source.empty()) {
    return row.remark;
  }
  return row.remark.empty() ? row.source : row.source + "; " + row.remark;
}

std::string duration_text(double seconds) {
  constexpr double kMinute = 60;
  return seconds < kMinute ? fmt::format("{:.1f} s", seconds) : fmt::format("{:.1f} min", seconds / kMinute);
}

std::string effort(const Section& section) {
  return fmt::format("{} simulation{}, {} one after the other", section.runs, section.runs == 1 ? "" : "s",
                     duration_text(section.wall_s));
}

/// In a cell of a table.
std::string cell(std::string text) {
  for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) {
    text.replace(at, 1, "\\|");
  }
  return text;
}

std::string settings(const Report& report) {
  return fmt::format("`{}`: seed {}, lanes {}{}, {} in all.", report.command, report.seed, report.lanes,
                     report.quick ? ", reduced samples (--quick)" : "", duration_text(report.wall_s));
}

}  // namespace

std::string published_text(const Row& row) {
  if (!row.published) {
    return kNone;
  }
  return row.relation.empty() ? number(*row.published) : row.relation + " " + number(*row.published);
}

std::string text(const Report& report) {
  std::string out;
  for (const Section& section : report.sections) {
    out += fmt::format("{}{} ({})\n\n", out.empty() ? "" : "\n", section.title, effort(section));
    Table table({{"quantity"},
                 {"unit"},
                 {"published", Align::kRight},
                 {"platform", Align::kRight},
                 {"95 %"},
                 {"n"},
                 {"origin"},
                 {"source; what differs"}});
    for (const Row& row : section.rows) {
      table.add({row.quantity, row.unit, published_text(row), platform_text(row), interval_text(row), samples_text(row),
                 std::string(name(row.origin)), comment(row)});
    }
    out += table.text();
  }
  return out + fmt::format("\n{}\n", settings(report));
}

nlohmann::ordered_json json(const Report& report) {
  nlohmann::ordered_json out;
  out["command"] = report.command;
  out["quick"] = report.quick;
  out["seed"] = report.seed;
  out["lanes"] = report.lanes;
  out["wall_s"] = report.wall_s;
  out["experiments"] = nlohmann::ordered_json::array();
  for (const Section& section : report.sections) {
    out["experiments"].push_back(to_json(section));
  }
  return out;
}

std::string markdown(const Report& report) {
  std::string out = kIntroduction;
  out += "\n" + settings(report) + "\n";
  for (const Section& section : report.sections) {
    out += fmt::format("\n## {}\n\n", section.title);
    for (const std::string& paragraph : section.text) {
      out += paragraph + "\n\n";
    }
    out +=
        "| quantity | unit | published | platform | 95 % | n | origin | source; what differs |\n"
        "|---|---|---:|---:|---|---|---|---|\n";
    for (const Row& row : section.rows) {
      out += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", cell(row.quantity), cell(row.unit),
                         published_text(row), platform_text(row), interval_text(row), cell(samples_text(row)),
                         name(row.origin), cell(comment(row)));
    }
    for (const Plot& plot : section.plots) {
      out += fmt::format("\n![{}]({}/{}.svg)\n", plot.title, kPlots, plot.name);
    }
    out += fmt::format("\n{}.\n", effort(section));
  }
  return out;
}

void write(const Report& report, const std::filesystem::path& directory) {
  make_report_directory(directory);
  make_report_directory(directory / kPlots);
  for (const Section& section : report.sections) {
    for (const Plot& plot : section.plots) {
      write_file_atomically(directory / kPlots / (plot.name + ".svg"), svg(plot));
    }
  }
  write_file_atomically(directory / "reproduction.json", json(report).dump(kJsonIndent) + "\n");
  write_file_atomically(directory / "reproduction.md", markdown(report));
}

}  // namespace chronotile::cli::reproduce
