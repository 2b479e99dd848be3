#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Energy accounting: each event of a model charges an account at a place.
namespace chronotile::energy {

enum class Account : std::uint8_t { kArray, kPeriphery, kMesh, kPads, kController, kLeakage, kHost };
inline constexpr int kAccountCount = 7;

/// "array", "periphery", "mesh", "pads", "controller", "leakage", "host".
[[nodiscard]] std::string_view name(Account account);

/// Index of a place that was registered.
using Place = std::uint32_t;

/// Sums per account and place, and per lane since the last take_lanes(). Each lane is one whole chip: its energy is
/// what the chip would use for that copy of the data alone. Sums are kept in whole attojoules, so they depend neither
/// on the order of charges nor on the lanes beside.
class Meter {
 public:
  explicit Meter(std::size_t lanes = 1) : lanes_(lanes), active_(lanes, 1), active_lanes_(lanes) {}

  /// Lanes that carry data and count in the totals from now on; at first all do. Throws std::invalid_argument unless
  /// there is one flag per lane.
  void set_active_lanes(const std::vector<bool>& active);
  /// The first `count` lanes.
  void set_active_lanes(std::size_t count);
  [[nodiscard]] std::size_t active_lanes() const { return active_lanes_; }
  [[nodiscard]] bool active(std::size_t lane) const { return active_[lane] != 0; }

  /// `domain` groups places in traces, for example "NW" or "host".
  Place add_place(std::string name, std::string domain);

  /// Energy that does not depend on the data: the same for every lane.
  void charge(Place place, Account account, double energy_nJ) { charge_aJ(place, account, attojoules(energy_nJ)); }
  void charge_aJ(Place place, Account account, std::int64_t energy_aJ) {
    common_aJ_ += energy_aJ;
    places_[place].energy_aJ[static_cast<std::size_t>(account)] += energy_aJ * static_cast<std::int64_t>(active_lanes_);
  }
  /// Energy that depends on the data: one number per lane, `stride` apart.
  void charge_lanes(Place place, Account account, const double* energy_nJ, std::size_t stride = 1) {
    std::int64_t sum = 0;
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
      const std::int64_t amount = attojoules(energy_nJ[lane * stride]);
      lanes_[lane] += amount;
      sum += active_[lane] * amount;
    }
    places_[place].energy_aJ[static_cast<std::size_t>(account)] += sum;
  }

  /// Energy of one copy of the data that the caller keeps itself: counts in the totals, not in take_lanes().
  void charge_apart_aJ(Place place, Account account, std::int64_t energy_aJ) {
    places_[place].energy_aJ[static_cast<std::size_t>(account)] += energy_aJ;
  }

  /// Energy of each lane since the last call (or construction), in nJ; starts anew.
  [[nodiscard]] std::vector<double> take_lanes();

  // Totals over the active lanes since construction.
  [[nodiscard]] double total_nJ() const;
  [[nodiscard]] double total_nJ(Account account) const;
  [[nodiscard]] double place_nJ(Place place) const;
  [[nodiscard]] double place_nJ(Place place, Account account) const;
  [[nodiscard]] double domain_nJ(std::string_view domain) const;

  [[nodiscard]] std::size_t lanes() const { return lanes_.size(); }
  [[nodiscard]] std::size_t place_count() const { return places_.size(); }
  [[nodiscard]] const std::string& place_name(Place place) const { return places_[place].name; }
  [[nodiscard]] const std::string& place_domain(Place place) const { return places_[place].domain; }

 private:
  [[nodiscard]] static std::int64_t attojoules(double energy_nJ) { return std::llround(energy_nJ * 1e9); }

  struct Entry {
    std::string name;
    std::string domain;
    std::array<std::int64_t, kAccountCount> energy_aJ{};
  };
  std::vector<Entry> places_;
  std::vector<std::int64_t> lanes_;   ///< since the last take, without what is common
  std::vector<std::int64_t> active_;  ///< per lane 1 or 0
  std::size_t active_lanes_;          ///< their sum
  std::int64_t common_aJ_ = 0;        ///< since the last take, of each lane
};

}  // namespace chronotile::energy
