#include "platform/cli/run_summary.hpp"

#include <fmt/format.h>
#include <algorithm>

#include "common/user_error.hpp"
#include "platform/cli/terminal.hpp"

namespace chronotile::cli {

void report_violations(const ViolationLog& log) {
  constexpr std::size_t kShown = 10;
  for (std::size_t index = 0; index < std::min(kShown, log.kept().size()); ++index) {
    warn("violation: " + log.kept()[index].text());
  }
  if (log.count() > kShown) {
    warn(fmt::format("{} more violations", log.count() - kShown));
  }
}

std::map<std::string, std::uint64_t> violations_by_kind(const ViolationLog& log) {
  std::map<std::string, std::uint64_t> counts;
  for (int index = 0; index < kViolationKinds; ++index) {
    const auto kind = static_cast<ViolationKind>(index);
    if (log.count(kind) > 0) {
      counts[std::string(name(kind))] = log.count(kind);
    }
  }
  return counts;
}

std::string violation_list(const ViolationLog& log) {
  std::string list;
  for (const Violation& violation : log.kept()) {
    list += violation.text() + '\n';
  }
  return list;
}

EnergySplit energy_split(const energy::Meter& meter) {
  const auto short_name = [](const std::string& name) { return name.substr(name.find('.') + 1); };
  EnergySplit split;
  for (int index = 0; index < energy::kAccountCount; ++index) {
    const auto account = static_cast<energy::Account>(index);
    split.accounts[std::string(energy::name(account))] = meter.total_nJ(account);
  }
  for (energy::Place place = 0; place < meter.place_count(); ++place) {
    if (meter.place_nJ(place) > 0) {
      split.domains[short_name(meter.place_domain(place))] += meter.place_nJ(place);
      split.places[short_name(meter.place_name(place))] += meter.place_nJ(place);
    }
  }
  return split;
}

void add_energy(const energy::Meter& meter, const std::string& host, traces::Statistics& all) {
  std::map<std::string, double> domains;
  for (energy::Place place = 0; place < meter.place_count(); ++place) {
    if (meter.place_nJ(place) <= 0) {
      continue;
    }
    const std::string prefix = meter.place_domain(place) == "host" ? host : "";
    const std::string name = "energy.place." + prefix + meter.place_name(place);
    all.add(name, "energy of this place, all lanes", traces::Quantity::kEnergy).set(meter.place_nJ(place));
    for (int index = 0; index < energy::kAccountCount; ++index) {
      const auto account = static_cast<energy::Account>(index);
      if (meter.place_nJ(place, account) > 0) {
        all.add(fmt::format("{}.{}", name, energy::name(account)), "energy of the account at this place, all lanes",
                traces::Quantity::kEnergy)
            .set(meter.place_nJ(place, account));
      }
    }
    domains[prefix + meter.place_domain(place)] += meter.place_nJ(place);
  }
  for (const auto& [domain, energy_nJ] : domains) {
    all.add("energy.domain." + domain, "energy of this domain, all lanes", traces::Quantity::kEnergy).set(energy_nJ);
  }
}

void add_calibration(nlohmann::ordered_json& out, const host::CalibrationSummary& calibration) {
  if (!calibration.done) {
    return;
  }
  out["calibration_steps"] = calibration.steps;
  out["calibration_ns"] = calibration.time_ns;
  out["calibration_energy_nj"] = calibration.energy_nJ;
  out["calibration_violations"] = calibration.violations;
  auto& matrices = out["calibration"] = nlohmann::ordered_json::array();
  for (const host::CalibrationSummary::Matrix& matrix : calibration.matrices) {
    matrices.push_back({{"matrix", matrix.name},
                        {"columns", matrix.columns},
                        {"unfitted", matrix.unfitted},
                        {"slope_mean", matrix.slope_mean},
                        {"slope_sigma", matrix.slope_sigma},
                        {"offset_mean_counts", matrix.offset_mean},
                        {"offset_sigma_counts", matrix.offset_sigma},
                        {"drift_factor", matrix.drift_factor}});
  }
}

std::string calibration_text(const host::CalibrationSummary& calibration) {
  if (!calibration.done) {
    return "";
  }
  std::string text = fmt::format("calibration     {} steps a chip, {:.3f} us, {:.2f} uJ\n", calibration.steps,
                                 calibration.time_ns * 1e-3, calibration.energy_nJ * 1e-3);
  for (const host::CalibrationSummary::Matrix& matrix : calibration.matrices) {
    text += fmt::format(
        "  {:<13} slope {:.4f} +- {:.4f}, offset {:.2f} +- {:.2f} counts, drift {:.4f}, {} of {} not fitted\n",
        matrix.name, matrix.slope_mean, matrix.slope_sigma, matrix.offset_mean, matrix.offset_sigma,
        matrix.drift_factor, matrix.unfitted, matrix.columns);
  }
  return text;
}

void make_report_directory(const std::filesystem::path& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) {
    throw UserError(directory.string(), "cannot be made a directory (" + failure.message() + ")",
                    "Give a directory that you may write");
  }
}

}  // namespace chronotile::cli
