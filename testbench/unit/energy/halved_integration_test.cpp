// A small keyword-like network with the integration in the usual time and in shares of it: results, times, energy.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "firmware/toolchain/assembler.hpp"
#include "platform/config/config.hpp"
#include "platform/host/feed_forward_session.hpp"
#include "platform/mapping/feed_forward.hpp"
#include "testbench/unit/mapping/program_interpreter.hpp"

namespace chronotile {
namespace {

using energy::Account;
using testing::Change;

constexpr int kInputs = 600;
constexpr int kHidden = 70;
constexpr int kOutputs = 12;
constexpr std::size_t kItems = 3;
constexpr double kLead_ns = 2;
constexpr double kTail_ns = 10;

Eigen::MatrixXd weights(int outputs, int inputs, double scale) {
  Eigen::MatrixXd matrix(outputs, inputs);
  for (int row = 0; row < outputs; ++row) {
    for (int column = 0; column < inputs; ++column) {
      matrix(row, column) = scale * std::sin(1.0 + 0.7 * row * column + column + 0.1 * row);
    }
  }
  return matrix;
}

/// One elaboration.
class EnergyHalved : public ::testing::TestWithParam<double> {
 protected:
  void build(const std::string& preset, const std::vector<std::string>& sets = {}) {
    config::Sources sources;
    sources.preset = preset;
    sources.sets = sets;
    sources.sets.push_back("mapping.integration_share=" + std::to_string(GetParam()));
    configuration = config::load(sources);
    network.name = "small";
    network.layers = {{"first", weights(kHidden, kInputs, 0.8)}, {"second", weights(kOutputs, kHidden, 0.05)}};
    plan = mapping::map_feed_forward(network, configuration);
    host::Images images;
    for (const auto& [name, text] : plan.chips.front().assembly) {
      images[name] = toolchain::assemble_text(text, name).words;
    }
    session = std::make_unique<host::FeedForwardSession>(configuration, plan, images, host::SessionOptions{2, 1});
    for (std::size_t item = 0; item < kItems; ++item) {
      inputs.emplace_back(kInputs);
      for (int i = 0; i < kInputs; ++i) {
        inputs.back()[static_cast<std::size_t>(i)] =
            std::round(255 * std::pow(std::sin(0.3 * i + static_cast<double>(item)), 2)) / 255;
      }
    }
  }
  std::vector<host::StepResult> run() {
    return session->run(inputs, [](std::size_t) {});
  }
  [[nodiscard]] Eigen::VectorXd hidden(std::size_t item) const {
    const Eigen::VectorXd x = Eigen::Map<const Eigen::VectorXd>(inputs[item].data(), kInputs);
    return (network.layers[0].weights * x).cwiseMax(0.0).cwiseMin(1.0);
  }
  void expect_results(const std::vector<host::StepResult>& results, double tolerance) const {
    ASSERT_EQ(results.size(), kItems);
    int full = 0;
    for (std::size_t item = 0; item < kItems; ++item) {
      const Eigen::VectorXd h = hidden(item);
      full += static_cast<int>((h.array() == 1.0).count());
      const Eigen::VectorXd expected = network.layers[1].weights * h;
      for (int output = 0; output < kOutputs; ++output) {
        EXPECT_NEAR(results[item].outputs[static_cast<std::size_t>(output)], expected[output], tolerance) << output;
      }
    }
    EXPECT_GT(full, 3) << "some hidden units are to be clipped";
    EXPECT_EQ(session->violations().count(), 0U);
  }
  /// Cycles between the rise and the fall of a group in the programs of the controllers called `prefix`..., with the
  /// number of wire or column groups.
  [[nodiscard]] std::vector<std::pair<std::uint32_t, int>> lengths(const std::string& prefix, isa::Group group) const {
    std::vector<std::pair<std::uint32_t, int>> all;
    for (const auto& [name, text] : plan.chips.front().assembly) {
      if (name.compare(0, prefix.size(), prefix) != 0) {
        continue;
      }
      const Change* risen = nullptr;
      const std::vector<Change> changes = testing::run_program(text, name);
      for (const Change& change : changes) {
        if (change.group == group && change.value != 0) {
          risen = &change;
        } else if (change.group == group && risen != nullptr) {
          EXPECT_EQ(change.slot, risen->slot);
          all.emplace_back(change.cycle - risen->cycle, __builtin_popcount(static_cast<unsigned>(risen->value)));
          risen = nullptr;
        }
      }
    }
    return all;
  }

  [[nodiscard]] static double pulse_ns() { return std::ceil(255 * GetParam()); }

  config::PlatformConfig configuration;
  mapping::Network network;
  mapping::Plan plan;
  std::unique_ptr<host::FeedForwardSession> session;
  std::vector<std::vector<double>> inputs;
};

TEST_P(EnergyHalved, IdealResultsAreThoseOfTheNetwork) {
  build("ideal");
  expect_results(run(), 1e-6);
  EXPECT_EQ(session->slots_per_step(), 5U);
}

TEST_P(EnergyHalved, QuantisedResultsStayWithinTheirCounts) {
  build("quantized", {"tile.array.half_precision_weights=false"});  // leaves half a count of the read-out
  expect_results(run(), 0.5 / 127 + 1e-6);
}

/// With a femtojoule a nanosecond and column, and nothing else, the periphery's account measures the windows.
TEST_P(EnergyHalved, WindowsAreAsLongAsThePulsesAsk) {
  build("quantized", {"tile.energy_per_column_ns_fJ=1", "tile.energy_per_conversion_pJ=0"});
  const double window_ns = kLead_ns + pulse_ns() + kTail_ns;
  double columns_ns = 0;
  for (const auto& [cycles, groups] : lengths("tile_", isa::Group::kIntegrate)) {
    EXPECT_EQ(cycles, window_ns);
    columns_ns += 64.0 * groups * cycles;
  }
  EXPECT_GT(columns_ns, 0);
  for (const auto& [cycles, groups] : lengths("ilp_", isa::Group::kPadSend)) {
    EXPECT_EQ(cycles, pulse_ns());
  }
  int read_outs = 0;
  for (const auto& [cycles, groups] : lengths("tile_", isa::Group::kEnable)) {
    EXPECT_TRUE(cycles == pulse_ns() || cycles == 255) << cycles;
    read_outs += cycles == 255 ? 1 : 0;
  }
  EXPECT_GT(read_outs, 0) << "read-outs keep their time";
  for (const auto& [cycles, groups] : lengths("olp_", isa::Group::kPadCapture)) {
    EXPECT_EQ(cycles, kLead_ns + 255 + kTail_ns);
  }
  (void)run();
  EXPECT_NEAR(session->energy().total_nJ(Account::kPeriphery), 1e-6 * columns_ns * kItems, 1e-12);
}

/// Pulses cost for as long as they last: x through both sets, on the columns of the layer's tiles.
TEST_P(EnergyHalved, PulsesCostTheirShare) {
  build("ideal", {"tile.energy_per_cell_ns_fJ=1"});
  (void)run();
  double expected_nJ = 0;
  for (std::size_t item = 0; item < kItems; ++item) {
    double x = 0;
    for (const double value : inputs[item]) {
      x += value;
    }
    expected_nJ += 1e-6 * 2 * (128 * x * 255 * GetParam() + 64 * hidden(item).sum() * pulse_ns());
  }
  EXPECT_NEAR(session->energy().total_nJ(Account::kArray), expected_nJ, 1e-4 * expected_nJ);
}

TEST_P(EnergyHalved, AccountsPlacesDomainsAndItemsAddUp) {
  build("quantized");
  const std::vector<host::StepResult> results = run();
  const energy::Meter& meter = session->energy();
  double accounts = 0;
  for (int account = 0; account < energy::kAccountCount; ++account) {
    EXPECT_GT(meter.total_nJ(static_cast<Account>(account)), 0) << account;
    accounts += meter.total_nJ(static_cast<Account>(account));
  }
  double places = 0;
  std::map<std::string, double> domains;
  std::size_t tiles_with_power = 0;
  for (energy::Place place = 0; place < meter.place_count(); ++place) {
    places += meter.place_nJ(place);
    domains[meter.place_domain(place)] = meter.domain_nJ(meter.place_domain(place));
    double kinds = 0;
    for (int account = 0; account < energy::kAccountCount; ++account) {
      kinds += meter.place_nJ(place, static_cast<Account>(account));
    }
    EXPECT_NEAR(kinds, meter.place_nJ(place), 1e-9);
    const bool tile = meter.place_name(place).find("tile_") != std::string::npos;
    tiles_with_power += tile && meter.place_nJ(place, Account::kLeakage) > 0 ? 1 : 0;
  }
  double domain_sum = 0;
  for (const auto& entry : domains) {
    domain_sum += entry.second;
  }
  double items = 0;
  for (const host::StepResult& result : results) {
    EXPECT_GT(result.energy_nJ, result.chip_energy_nJ);
    items += result.energy_nJ;
  }
  const double total = meter.total_nJ();
  EXPECT_NEAR(accounts, total, 1e-9 * total);
  EXPECT_NEAR(places, total, 1e-9 * total);
  EXPECT_NEAR(domain_sum, total, 1e-9 * total);
  EXPECT_NEAR(items, total, 1e-9 * total);
  EXPECT_GE(tiles_with_power, plan.chips.front().tiles.size()) << "and those that a vector only passes";
  EXPECT_LT(tiles_with_power, 34U) << "the others are off";
}

INSTANTIATE_TEST_SUITE_P(Share, EnergyHalved, ::testing::Values(1.0, 0.5, 0.3), [](const auto& instance) {
  return "Percent" + std::to_string(std::lround(100 * instance.param));
});

}  // namespace
}  // namespace chronotile
