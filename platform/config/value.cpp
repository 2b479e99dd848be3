#include "platform/config/value.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "common/nearest.hpp"
#include "common/user_error.hpp"
#include "platform/config/config.hpp"

namespace chronotile::config {
namespace {

/// What stands for a value of an enumeration.
template <typename Enumeration>
std::string_view word(const Value& value, Enumeration choice) {
  return value.limits.choices.at(static_cast<std::size_t>(choice));
}

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

/// What to write instead.
std::string default_hint(const Value& value) {
  const Key* key = find_key(value.name);
  PlatformConfig defaults = default_config();
  const std::string text = key == nullptr ? "" : to_toml(*key, key->field(defaults));
  if (text.empty() || text.find('\n') != std::string::npos) {
    return std::string(value.doc);
  }
  return "The default is " + text;
}

[[noreturn]] void wrong_type(const Value& value, const Field& field, const std::string& place, std::string_view got) {
  throw UserError(place, fmt::format("'{}' expects {}, got {}", value.name, expectation(value, field), got),
                  default_hint(value));
}

[[noreturn]] void out_of_range(const Value& value, const std::string& place, const std::string& got) {
  throw UserError(place,
                  fmt::format("'{}' must be {}{}{}, got {}", value.name, range_text(value.limits),
                              value.unit.empty() ? "" : " ", value.unit, got),
                  default_hint(value));
}

std::string absolute(const std::string& file, const std::string& folder) {
  return file.empty() ? file
                      : std::filesystem::absolute(std::filesystem::path(folder) / file).lexically_normal().string();
}

std::string quoted(const std::string& text) {
  constexpr unsigned char kFirstPrintable = 0x20;
  constexpr unsigned char kDelete = 0x7f;
  std::string result = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (code < kFirstPrintable || code == kDelete) {
      result += fmt::format("\\u{:04X}", code);
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string number_text(double number) {
  std::string text = fmt::format("{}", number);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

template <typename Integer>
Integer whole_number(const Value& value, const Field& field, const toml::node& node, const std::string& place) {
  if (!node.is_integer()) {
    wrong_type(value, field, place, kind_of(node));
  }
  const std::int64_t number = node.as_integer()->get();
  if (!within(value.limits, static_cast<double>(number)) || number < 0 ||
      static_cast<std::uint64_t>(number) > std::numeric_limits<Integer>::max()) {
    out_of_range(value, place, fmt::format("{}", number));
  }
  return static_cast<Integer>(number);
}

PadSite pad_site(const Value& list, const toml::node& node, const PlaceOf& place_of, const std::string& folder) {
  const toml::table* table = node.as_table();
  if (table == nullptr) {
    throw UserError(place_of(node),
                    fmt::format("'{}' expects a list of tables, got {} in it", list.name, kind_of(node)),
                    "Write each pair as { domain = \"NW\", input_row = 0, output_row = 1, east = false }");
  }
  PadSite site;
  for (const auto& [key, member] : *table) {
    const std::string_view name = key.str();
    const auto found = std::find_if(pad_members().begin(), pad_members().end(),
                                    [&](const PadMember& candidate) { return candidate.name == name; });
    if (found == pad_members().end()) {
      std::vector<std::string_view> names;
      for (const PadMember& candidate : pad_members()) {
        names.push_back(candidate.name);
      }
      const std::string_view near = nearest(name, names);
      throw UserError(place_of(member), fmt::format("unknown key '{}' in '{}'", name, list.name),
                      near.empty() ? fmt::format("A pair has {}", fmt::join(names, ", "))
                                   : fmt::format("Did you mean '{}'?", near));
    }
    const std::string full_name = fmt::format("{}.{}", list.name, name);
    Value named = *found;
    named.name = full_name;
    assign(named, found->field(site), member, place_of, folder);
  }
  for (const PadMember& member : pad_members()) {
    if (member.required && !table->contains(member.name)) {
      throw UserError(place_of(node), fmt::format("'{}' lacks '{}' in a pair", list.name, member.name),
                      fmt::format("Add it: {}", member.doc));
    }
  }
  return site;
}

}  // namespace

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

void assign_text(const Value& value, const Field& field, const std::string& text, const std::string& place,
                 const std::string& folder) {
  const auto& choices = value.limits.choices;
  if (!choices.front().empty()) {
    const auto* const found = std::find(choices.begin(), choices.end(), text);
    if (text.empty() || found == choices.end()) {
      const std::string_view near = nearest(text, choices);
      throw UserError(place, fmt::format("'{}' must be {}, got '{}'", value.name, expectation(value, field), text),
                      near.empty() ? default_hint(value) : fmt::format("Did you mean '{}'?", near));
    }
    const bool is_enumeration = std::visit(
        [&](auto* target) {
          using Target = std::remove_pointer_t<decltype(target)>;
          if constexpr (std::is_enum_v<Target>) {
            *target = static_cast<Target>(found - choices.begin());
          }
          return std::is_enum_v<Target>;
        },
        field);
    if (is_enumeration) {
      return;
    }
  }
  *std::get<std::string*>(field) = value.limits.path ? absolute(text, folder) : text;
}

void assign(const Value& value, const Field& field, const toml::node& node, const PlaceOf& place_of,
            const std::string& folder) {
  const std::string place = place_of(node);
  const auto text = [&](auto*) {
    if (!node.is_string()) {
      wrong_type(value, field, place, kind_of(node));
    }
    assign_text(value, field, node.as_string()->get(), place, folder);
  };
  std::visit(Overloaded{
                 [&](bool* flag) {
                   if (!node.is_boolean()) {
                     wrong_type(value, field, place, kind_of(node));
                   }
                   *flag = node.as_boolean()->get();
                 },
                 [&](std::uint32_t* number) { *number = whole_number<std::uint32_t>(value, field, node, place); },
                 [&](std::uint64_t* number) { *number = whole_number<std::uint64_t>(value, field, node, place); },
                 [&](double* number) {
                   if (!node.is_number()) {
                     wrong_type(value, field, place, kind_of(node));
                   }
                   const double read = node.is_integer() ? static_cast<double>(node.as_integer()->get())
                                                         : node.as_floating_point()->get();
                   if (!std::isfinite(read)) {
                     wrong_type(value, field, place, fmt::format("{}", read));
                   }
                   if (!within(value.limits, read)) {
                     out_of_range(value, place, fmt::format("{}", read));
                   }
                   *number = read;
                 },
                 [&](std::string* string) { text(string); },
                 [&](mesh::TransportErrorMode* mode) { text(mode); },
                 [&](pcm::Technology* technology) { text(technology); },
                 [&](tile::Saturation* saturation) { text(saturation); },
                 [&](std::vector<std::uint32_t>* list) {
                   const toml::array* array = node.as_array();
                   if (array == nullptr) {
                     wrong_type(value, field, place, kind_of(node));
                   }
                   std::vector<std::uint32_t> read;
                   for (const toml::node& element : *array) {
                     read.push_back(whole_number<std::uint32_t>(value, field, element, place_of(element)));
                   }
                   *list = std::move(read);
                 },
                 [&](std::vector<PadSite>* list) {
                   const toml::array* array = node.as_array();
                   if (array == nullptr) {
                     wrong_type(value, field, place, kind_of(node));
                   }
                   std::vector<PadSite> read;
                   for (const toml::node& element : *array) {
                     read.push_back(pad_site(value, element, place_of, folder));
                   }
                   *list = std::move(read);
                 },
             },
             field);
}

void check_limits(const Value& value, const Field& field, const std::string& place) {
  const auto number = [&](auto read) {
    if (!within(value.limits, static_cast<double>(read))) {
      out_of_range(value, place, fmt::format("{}", read));
    }
  };
  std::visit(Overloaded{
                 [](const bool*) {},
                 [&](const std::uint32_t* read) { number(*read); },
                 [&](const std::uint64_t* read) { number(*read); },
                 [&](const double* read) { number(*read); },
                 [&](const std::string* read) {
                   std::string scratch;
                   assign_text(value, &scratch, *read, place, "");
                 },
                 [](const mesh::TransportErrorMode*) {},
                 [](const pcm::Technology*) {},
                 [](const tile::Saturation*) {},
                 [&](const std::vector<std::uint32_t>* list) { std::for_each(list->begin(), list->end(), number); },
                 [](const std::vector<PadSite>*) {},
             },
             field);
}

std::string to_toml(const Value& value, const Field& field) {
  return std::visit(
      Overloaded{
          [](const bool* flag) -> std::string { return *flag ? "true" : "false"; },
          [](const std::uint32_t* number) { return fmt::format("{}", *number); },
          [](const std::uint64_t* number) { return fmt::format("{}", *number); },
          [](const double* number) { return number_text(*number); },
          [&](const std::string* text) { return quoted(value.limits.path ? absolute(*text, "") : *text); },
          [&](const mesh::TransportErrorMode* mode) { return quoted(std::string(word(value, *mode))); },
          [&](const pcm::Technology* technology) { return quoted(std::string(word(value, *technology))); },
          [&](const tile::Saturation* saturation) { return quoted(std::string(word(value, *saturation))); },
          [](const std::vector<std::uint32_t>* list) { return fmt::format("[{}]", fmt::join(*list, ", ")); },
          [](const std::vector<PadSite>* list) {
            std::string text = "[";
            for (PadSite site : *list) {
              std::vector<std::string> members;
              for (const PadMember& member : pad_members()) {
                members.push_back(fmt::format("{} = {}", member.name, to_toml(member, member.field(site))));
              }
              text += fmt::format("\n  {{ {} }},", fmt::join(members, ", "));
            }
            return text + (list->empty() ? "]" : "\n]");
          },
      },
      field);
}

nlohmann::ordered_json to_json(const Value& value, const Field& field) {
  return std::visit(
      Overloaded{
          [](const auto* plain) -> nlohmann::ordered_json { return *plain; },
          [&](const std::string* text) -> nlohmann::ordered_json {
            return value.limits.path ? absolute(*text, "") : *text;
          },
          [&](const mesh::TransportErrorMode* mode) -> nlohmann::ordered_json { return word(value, *mode); },
          [&](const pcm::Technology* technology) -> nlohmann::ordered_json { return word(value, *technology); },
          [&](const tile::Saturation* saturation) -> nlohmann::ordered_json { return word(value, *saturation); },
          [](const std::vector<PadSite>* list) {
            nlohmann::ordered_json sites = nlohmann::ordered_json::array();
            for (PadSite site : *list) {
              nlohmann::ordered_json& entry = sites.emplace_back(nlohmann::ordered_json::object());
              for (const PadMember& member : pad_members()) {
                entry[std::string(member.name)] = to_json(member, member.field(site));
              }
            }
            return sites;
          },
      },
      field);
}

}  // namespace chronotile::config
