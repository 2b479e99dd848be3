#pragma once

#include <gtest/gtest.h>

#include "models/base/services.hpp"

namespace chronotile::support {

/// What the models of one chip share, for tests: one lane, one thread, seed 1, chip 0 unless told otherwise.
struct TestServices {
  explicit TestServices(std::size_t lane_count = 1, int threads = 1)
      : lanes(lane_count), workers(threads), services{violations, energy, lanes, workers} {}

  ViolationLog violations;
  energy::Meter energy;
  Lanes lanes;
  WorkPool workers;
  Services services;
};

/// Base of a test fixture with services.
class ServicesFixture : public testing::Test, public TestServices {
 protected:
  explicit ServicesFixture(std::size_t lane_count = 1, int threads = 1) : TestServices(lane_count, threads) {}
};

}  // namespace chronotile::support
