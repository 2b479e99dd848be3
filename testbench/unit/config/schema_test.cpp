#include "platform/config/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace chronotile::config {
namespace {

/// Number of members of an aggregate: the most initialisers that it takes.
struct Anything {
  template <typename T>
  operator T() const;  // NOLINT(google-explicit-constructor): that is the point
};
template <typename T, std::size_t... kIndex>
auto takes(std::index_sequence<kIndex...> /*count*/) -> decltype(T{(void(kIndex), Anything{})...}, std::true_type{});
template <typename T, typename... Other>
std::false_type takes(Other... count);

template <typename T, std::size_t kCount = 0>
constexpr std::size_t member_count() {
  if constexpr (decltype(takes<T>(std::make_index_sequence<kCount + 1>{}))::value) {
    return member_count<T, kCount + 1>();
  } else {
    return kCount;
  }
}

std::size_t keys_directly_in(std::string_view section) {
  return static_cast<std::size_t>(std::count_if(keys().begin(), keys().end(), [&](const Key& key) {
    const std::size_t dot = key.name.rfind('.');
    return (dot == std::string_view::npos ? std::string_view() : key.name.substr(0, dot)) == section;
  }));
}

TEST(Schema, EveryMemberOfTheStructuresHasAKey) {
  constexpr std::size_t kSections = 12;  // members of PlatformConfig that are structures
  EXPECT_EQ(keys_directly_in(""), member_count<PlatformConfig>() - kSections);
  EXPECT_EQ(keys_directly_in("clock"), member_count<ClockConfig>());
  EXPECT_EQ(keys_directly_in("floorplan"), member_count<FloorplanConfig>());
  EXPECT_EQ(keys_directly_in("controller"), member_count<controller::ControllerConfig>() - 1);  // kind
  EXPECT_EQ(keys_directly_in("tile"), member_count<tile::TileConfig>() - 3);         // index, array, periphery
  EXPECT_EQ(keys_directly_in("tile.array"), member_count<tile::ArrayConfig>() - 2);  // devices, pulse
  EXPECT_EQ(keys_directly_in("pcm"), member_count<pcm::DeviceConfig>());
  EXPECT_EQ(keys_directly_in("pcm.pulse"), member_count<pcm::PulseConfig>());
  EXPECT_EQ(keys_directly_in("programming"), member_count<ProgrammingConfig>());
  EXPECT_EQ(keys_directly_in("periphery"), member_count<tile::PeripheryConfig>());
  EXPECT_EQ(keys_directly_in("node"), member_count<mesh::NodeConfig>() - 2);  // index, pass_through
  EXPECT_EQ(keys_directly_in("transport"), member_count<mesh::TransportErrorConfig>());
  EXPECT_EQ(keys_directly_in("pad"), member_count<landing_pad::PadConfig>() - 1);  // source_id
  EXPECT_EQ(keys_directly_in("energy"), member_count<EnergyConfig>());
  EXPECT_EQ(keys_directly_in("host"), member_count<HostConfig>());
  EXPECT_EQ(keys_directly_in("mapping"), member_count<MappingConfig>());
  EXPECT_EQ(keys_directly_in("rnnt"), member_count<RnntConfig>() - 8);  // layers
  for (const std::string layer :
       {"enc_lstm0", "enc_lstm1", "enc_lstm2", "enc_lstm3", "enc_lstm4", "dec_lstm0", "dec_lstm1", "joint"}) {
    EXPECT_EQ(keys_directly_in("rnnt." + layer), member_count<RnntLayerConfig>());
  }
  EXPECT_EQ(pad_members().size(), member_count<PadSite>());
}

TEST(Schema, KeysAreUniqueAndSectionsStandTogether) {
  std::set<std::string_view> names;
  std::set<std::string_view> sections;
  std::set<const void*> fields;
  PlatformConfig config;
  std::string_view section;
  for (const Key& key : keys()) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_TRUE(
        fields.insert(std::visit([](const auto* field) { return static_cast<const void*>(field); }, key.field(config)))
            .second)
        << key.name << " is the place of another key";
    const std::size_t dot = key.name.rfind('.');
    const std::string_view own = dot == std::string_view::npos ? std::string_view() : key.name.substr(0, dot);
    if (own != section) {
      EXPECT_TRUE(sections.insert(own).second) << own << " is in two places";
      section = own;
    }
  }
}

TEST(Schema, KeysHaveTextsAndUnitsThatAgreeWithTheirNames) {
  for (const Key& key : keys()) {
    EXPECT_FALSE(key.doc.empty()) << key.name;
    EXPECT_NE(key.doc.back(), '.') << key.name;
    for (const auto& [ending, unit] : {std::pair{"_ns", "ns"}, {"_nJ", "nJ"}, {"_pJ", "pJ"}, {"_cycles", "cycles"}}) {
      const std::string_view end(ending);
      if (key.name.size() > end.size() && key.name.substr(key.name.size() - end.size()) == end) {
        const bool charge = key.name.find("_weight_ns") != std::string_view::npos;
        EXPECT_EQ(key.unit, charge ? "weight-ns" : unit) << key.name;
      }
    }
  }
}

TEST(Schema, ChoicesOfTheTransportErrorFollowTheEnumeration) {
  const Key* key = find_key("transport.mode");
  ASSERT_NE(key, nullptr);
  const auto word = [&](mesh::TransportErrorMode mode) {
    return key->limits.choices.at(static_cast<std::size_t>(mode));
  };
  EXPECT_EQ(word(mesh::TransportErrorMode::kOff), "off");
  EXPECT_EQ(word(mesh::TransportErrorMode::kPerHop), "per_hop");
  EXPECT_EQ(word(mesh::TransportErrorMode::kUniform), "uniform");
  EXPECT_EQ(word(mesh::TransportErrorMode::kWorstCase), "worst_case");
  EXPECT_EQ(word(mesh::TransportErrorMode::kRecorded), "recorded");
}

TEST(Schema, NearestKeyPrefersTheSameLastPart) {
  EXPECT_EQ(nearest_key("tile.lead_in"), "tile.lead_in_ns");
  EXPECT_EQ(nearest_key("sram_words"), "controller.sram_words");
  EXPECT_EQ(nearest_key("sram_word"), "controller.sram_words");
  EXPECT_EQ(nearest_key("array.double_precision"), "tile.array.double_precision");
  EXPECT_EQ(nearest_key("qqqqqqqq"), "");
}

TEST(Schema, RangesReadWell) {
  EXPECT_EQ(range_text({0, 1, false, {}, false}), "0 to 1");
  EXPECT_EQ(range_text({0, 1, true, {}, false}), "above 0, at most 1");
  EXPECT_EQ(range_text({0, std::numeric_limits<double>::infinity(), true, {}, false}), "above 0");
  EXPECT_EQ(range_text({-std::numeric_limits<double>::infinity(), 2.5, false, {}, false}), "at most 2.5");
  EXPECT_EQ(range_text({}), "");
}

}  // namespace
}  // namespace chronotile::config
