#pragma once

#include <toml++/toml.h>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "platform/config/schema.hpp"

namespace chronotile::config {

/// Where a node stands, for messages: "FILE:LINE:COLUMN" or an option's text.
using PlaceOf = std::function<std::string(const toml::node&)>;

/// Reads `node` into `field`. `folder`: what relative file names are relative to, "" for the current folder. Throws
/// UserError on a wrong type or a value outside the limits.
void assign(const Value& value, const Field& field, const toml::node& node, const PlaceOf& place_of,
            const std::string& folder);
/// Reads the text of a choice or string. Throws UserError.
void assign_text(const Value& value, const Field& field, const std::string& text, const std::string& place,
                 const std::string& folder);
/// Throws UserError if the value is outside its limits.
void check_limits(const Value& value, const Field& field, const std::string& place);

/// The value as TOML; assign() reads it back exactly.
[[nodiscard]] std::string to_toml(const Value& value, const Field& field);
[[nodiscard]] nlohmann::ordered_json to_json(const Value& value, const Field& field);

/// The kind of a TOML value with its article: "a string".
[[nodiscard]] std::string_view kind_of(const toml::node& node);

}  // namespace chronotile::config
