#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "platform/config/platform_config.hpp"

/// The one declarative table of configuration keys; reader, checks, dumps and error messages come from it.
namespace chronotile::config {

/// Where a key's default comes from (docs/modelling.md). kModel: a matter of the model or of the run, not of the chip.
enum class Tag : char { kPublished = 'P', kDerived = 'D', kAssumed = 'A', kModel = '-' };

/// A value of a configuration, to be read or written in place.
using Field = std::variant<bool*, std::uint32_t*, std::uint64_t*, double*, std::string*, mesh::TransportErrorMode*,
                           pcm::Technology*, tile::Saturation*, std::vector<std::uint32_t>*, std::vector<PadSite>*>;

/// What a value must be. For lists: each element.
struct Limits {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool above = false;  ///< `least` itself is excluded
  /// The words allowed, up to the first empty one; in the order of the enumeration where the field is one.
  std::array<std::string_view, 6> choices{};
  bool path = false;  ///< a file name: relative to the configuration file it stands in
};

/// One value: in its own right or as a member of a list's tables.
struct Value {
  std::string_view name;  ///< dotted key, or the member's name
  std::string_view unit;  ///< "" : none
  Limits limits;
  std::string_view doc;  ///< one phrase, no full stop
};

struct Key : Value {
  Tag tag = Tag::kModel;
  Field (*field)(PlatformConfig& config) = nullptr;
};

/// All keys; those of a section stand together, those without a section first.
[[nodiscard]] const std::vector<Key>& keys();
/// The key of that name, or nullptr.
[[nodiscard]] const Key* find_key(std::string_view name);
/// Whether some key begins with `name` and a dot.
[[nodiscard]] bool is_section(std::string_view name);
/// The key that `name` was most likely meant to be ("" : none is near): the nearest one, or one whose last part is.
[[nodiscard]] std::string_view nearest_key(std::string_view name);

/// A member of the tables of `floorplan.pads`.
struct PadMember : Value {
  bool required = true;
  Field (*field)(PadSite& site) = nullptr;
};
[[nodiscard]] const std::vector<PadMember>& pad_members();

/// "a number in ns", "a whole number", "true or false", "one of off, per_hop", ... : what the user is to write.
[[nodiscard]] std::string expectation(const Value& value, const Field& field);
/// "above 0", "at least 1", "0 to 255"; "" if anything goes.
[[nodiscard]] std::string range_text(const Limits& limits);
[[nodiscard]] bool within(const Limits& limits, double number);

}  // namespace chronotile::config
