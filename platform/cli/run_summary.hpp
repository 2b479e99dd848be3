#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "models/base/violation.hpp"
#include "models/energy/meter.hpp"
#include "platform/host/calibration.hpp"
#include "traces/statistics.hpp"

namespace chronotile::cli {

inline constexpr int kJsonIndent = 2;

/// The first violations as warnings on stderr, and how many more there are.
void report_violations(const ViolationLog& log);

/// Number of violations of each kind that occurred.
[[nodiscard]] std::map<std::string, std::uint64_t> violations_by_kind(const ViolationLog& log);

/// All violations kept, a line each.
[[nodiscard]] std::string violation_list(const ViolationLog& log);

/// Where the energy of one chip and its host went, nJ over all active lanes; what is zero is left out. Each map's sum
/// is the meter's total.
struct EnergySplit {
  std::map<std::string, double> accounts;  ///< all of them, zero or not
  std::map<std::string, double> domains;   ///< "NW", ..., "chip" (leakage), "host"
  std::map<std::string, double> places;    ///< a tile with its node and controller, a pad with its controller, ...
};

/// Names of domains and places without their "chipN.".
[[nodiscard]] EnergySplit energy_split(const energy::Meter& meter);

/// Adds energy.place.PLACE, energy.place.PLACE.ACCOUNT and energy.domain.DOMAIN of one chip to `all`, where not zero.
/// `host`: what the names of the host begin with, for example "chip0.".
void add_energy(const energy::Meter& meter, const std::string& host, traces::Statistics& all);

/// "calibration_steps", "calibration_ns", "calibration_energy_nj", "calibration_violations" and "calibration" with the
/// matrices, added to `out`; nothing if there was none.
void add_calibration(nlohmann::ordered_json& out, const host::CalibrationSummary& calibration);

/// The same as lines of text.
[[nodiscard]] std::string calibration_text(const host::CalibrationSummary& calibration);

/// Makes a directory to write into. Throws UserError if it cannot.
void make_report_directory(const std::filesystem::path& directory);

}  // namespace chronotile::cli
