#include <gmock/gmock.h>

#include <cstdlib>
#include <systemc>

#include "testbench/support/reports.hpp"

int sc_main(int /*argc*/, char** /*argv*/) {
  chronotile::support::turn_kernel_reports_into_failures();
  return RUN_ALL_TESTS();
}

int main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);
  testing::InitGoogleMock(&argc, argv);
  return sc_core::sc_elab_and_sim(argc, argv);
}
