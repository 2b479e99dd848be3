#include "models/pcm/pulse.hpp"

#include <gtest/gtest.h>
TEST(Pulse, X) {}
