#include "models/landing_pad/landing_pad.hpp"

#include <gmock/gmock.h>

#include <array>
#include <memory>
#include <numeric>
#include <vector>

#include "models/bus/bus_initiator.hpp"
#include "models/mesh/node.hpp"
#include "testbench/protocol/duration/duration_checker.hpp"
#include "testbench/protocol/duration/pulse_ends.hpp"
#include "testbench/support/base_protocol_checker.hpp"
#include "testbench/support/control_driver.hpp"
#include "testbench/support/linear_test.hpp"
#include "testbench/support/services_fixture.hpp"
#include "testbench/support/violations.hpp"

namespace chronotile::landing_pad {
namespace {

using isa::Group;
using support::is_violation;
using testing::ElementsAre;
using testing::IsEmpty;

using Words = std::array<std::uint8_t, kWires>;

Words ramp_words(int factor = 1) {
  Words words{};
  for (std::size_t wire = 0; wire < kWires; ++wire) {
    words[wire] = static_cast<std::uint8_t>(static_cast<int>(wire) * factor);
  }
  return words;
}

/// An input pad wired to an output pad, both with a controller and a bus with checkers.
struct Pads {
  explicit Pads(const PadConfig& config = {}, std::size_t lanes = 1, const mesh::TransportErrorConfig& transport = {})
      : services(lanes),
        place(services.energy.add_place("pads", "NW")),
        checker("checker", lanes),
        ilp("ilp", config, services.services, place),
        olp("olp", with_source(config, 65), transport, services.services, place) {
    ilp.control.bind(ilp_lc.lines);
    olp.control.bind(olp_lc.lines);
    ilp.out().bind(checker.in);
    checker.out.bind(olp.in());
    ilp_bus.socket.bind(ilp_rules.from_initiator);
    ilp_rules.to_target.bind(ilp.bus());
    olp_bus.socket.bind(olp_rules.from_initiator);
    olp_rules.to_target.bind(olp.bus());
  }
  static PadConfig with_source(PadConfig config, std::uint32_t source) {
    config.source_id = source;
    return config;
  }

  void load(std::uint32_t vector, const Words& words, std::uint64_t lane_offset = 0) {
    ilp_bus.expect_write(lane_offset + vector * map::kVectorBytes, words.data(), words.size());
  }
  Words stored(std::uint32_t vector, std::uint64_t lane_offset = 0) {
    Words words{};
    olp_bus.expect_read(lane_offset + vector * map::kVectorBytes, words.data(), words.size());
    return words;
  }

  support::TestServices services;
  energy::Place place;
  support::ControlDriver ilp_lc{"ilp_lc"};
  support::ControlDriver olp_lc{"olp_lc"};
  bus::BusInitiator ilp_bus{"ilp_bus"};
  bus::BusInitiator olp_bus{"olp_bus"};
  support::BaseProtocolChecker ilp_rules{"ilp_rules"};
  support::BaseProtocolChecker olp_rules{"olp_rules"};
  support::DurationChecker checker;
  InputPad ilp;
  OutputPad olp;
};

TEST(Pads, WordsTravelUnchanged) {
  Pads pads;
  pads.ilp_lc.at(100, {{Group::kPadSendVector, 5}, {Group::kPadSend, 0xff}});
  pads.ilp_lc.at(400, Group::kPadSend, 0);
  pads.olp_lc.at(98, {{Group::kPadCaptureVector, 9}, {Group::kPadCapture, 0xff}});
  pads.olp_lc.at(360, Group::kPadCapture, 0);
  const Words words = ramp_words();
  support::simulate([&] {
    pads.load(5, words);
    support::wait_until_ns(500);
    EXPECT_EQ(pads.stored(9), words);
    EXPECT_EQ(pads.stored(8), Words{});
  });
  EXPECT_THAT(pads.services.violations.kept(), IsEmpty());
  EXPECT_EQ(pads.checker.open(), 0U);
  EXPECT_EQ(pads.checker.transactions(), 1U);
  const double words_nJ = 2 * 512 * 0.5e-3;
  const double counters_nJ = (300 + 262) * 0.05e-3;
  EXPECT_NEAR(pads.services.energy.total_nJ(energy::Account::kPads), words_nJ + counters_nJ, 1e-12);
}

TEST(Pads, ResolutionAndFullScaleAreConfigurable) {
  PadConfig config;
  config.ns_per_count = 1.2;
  config.full_scale = 63;
  Pads pads(config);
  pads.ilp_lc.at(100, Group::kPadSend, 0xff);
  pads.olp_lc.at(100, Group::kPadCapture, 0xff);
  pads.olp_lc.at(200, Group::kPadCapture, 0);
  support::simulate([&] {
    pads.load(0, ramp_words());
    support::wait_until_ns(300);
    const Words stored = pads.stored(0);
    EXPECT_EQ(stored[40], 40);
    EXPECT_EQ(stored[63], 63);
    EXPECT_EQ(stored[200], 63);
  });
  EXPECT_THAT(pads.services.violations.kept(), IsEmpty());
}

TEST(Pads, SendEndsAtTheLastFallingEdge) {
  Pads pads;
  support::simulate([&] {
    Words words{};
    words[3] = 77;
    pads.load(0, words);
    pads.ilp_lc.at(100, Group::kPadSend, 0xff);
    pads.olp_lc.at(100, Group::kPadCapture, 0xff);
    pads.olp_lc.at(177, Group::kPadCapture, 0);  // closes exactly at the end
    pads.ilp_lc.at(177, Group::kPadSend, 0);
    pads.ilp_lc.at(178, Group::kPadSend, 0x01);
    pads.olp_lc.at(178, Group::kPadCapture, 0x01);
    pads.olp_lc.at(255, Group::kPadCapture, 0x00);
    support::wait_until_ns(300);
    EXPECT_EQ(pads.stored(0)[3], 77);
  });
  EXPECT_THAT(pads.services.violations.kept(), IsEmpty());
}

TEST(Pads, FallingSendCutsPulses) {
  Pads pads;
  pads.ilp_lc.set_pc(12);
  pads.ilp_lc.at(100, Group::kPadSend, 0xff);
  pads.ilp_lc.at(150, Group::kPadSend, 0xfe);
  pads.ilp_lc.at(180, Group::kPadSend, 0x00);
  pads.olp_lc.at(100, Group::kPadCapture, 0xff);
  pads.olp_lc.at(400, Group::kPadCapture, 0);
  support::simulate([&] {
    pads.load(0, ramp_words());
    support::wait_until_ns(500);
    const Words stored = pads.stored(0);
    EXPECT_EQ(stored[40], 40);
    EXPECT_EQ(stored[60], 50);
    EXPECT_EQ(stored[70], 70);
    EXPECT_EQ(stored[90], 80);
    EXPECT_EQ(stored[255], 80);
  });
  EXPECT_THAT(pads.services.violations.kept(), ElementsAre(is_violation(ViolationKind::kSendOverrun, "ilp", 150, 12),
                                                           is_violation(ViolationKind::kSendOverrun, "ilp", 180, 12)));
  EXPECT_EQ(pads.checker.open(), 0U);
}

TEST(Pads, GroupsThatRiseLaterAreAnEmissionOfTheirOwn) {
  Pads pads;
  pads.ilp_lc.at(100, {{Group::kPadSendVector, 1}, {Group::kPadSend, 0x0f}});
  pads.ilp_lc.at(120, {{Group::kPadSendVector, 2}, {Group::kPadSend, 0xff}});
  pads.olp_lc.at(95, Group::kPadCapture, 0xff);
  pads.olp_lc.at(400, Group::kPadCapture, 0);
  support::simulate([&] {
    Words first{};
    first.fill(30);
    pads.load(1, first);
    Words second{};
    second.fill(60);
    pads.load(2, second);
    support::wait_until_ns(500);
    EXPECT_EQ(pads.stored(0)[0], 30);
    EXPECT_EQ(pads.stored(0)[511], 60);
  });
  EXPECT_EQ(pads.checker.transactions(), 2U);
  EXPECT_THAT(pads.services.violations.kept(), IsEmpty());
}

TEST(Pads, SendThatRisesAgainTooEarlyIsAnOverrun) {
  Pads pads;
  pads.ilp_lc.at(100, Group::kPadSend, 0xff);
  pads.ilp_lc.at(150, Group::kPadSend, 0xfe);
  pads.ilp_lc.at(160, Group::kPadSend, 0xff);
  pads.olp_lc.at(95, Group::kPadCapture, 0xff);
  pads.olp_lc.at(450, Group::kPadCapture, 0);
  support::simulate([&] {
    pads.load(0, ramp_words());
    support::wait_until_ns(500);
  });
  EXPECT_THAT(pads.services.violations.kept(), ElementsAre(is_violation(ViolationKind::kSendOverrun, "ilp", 150),
                                                           is_violation(ViolationKind::kSendOverrun, "ilp", 160)));
}

TEST(Pads, CaptureMaskKeepsTheOtherWords) {
  Pads pads;
  pads.ilp_lc.at(100, Group::kPadSend, 0xff);
  pads.olp_lc.at(100, Group::kPadCapture, 0x81);
  pads.olp_lc.at(400, Group::kPadCapture, 0);
  support::simulate([&] {
    Words words{};
    words.fill(9);
    pads.load(0, words);
    Words old{};
    old.fill(200);
    pads.olp_bus.expect_write(0, old.data(), old.size());
    support::wait_until_ns(500);
    const Words stored = pads.stored(0);
    EXPECT_EQ(stored[63], 9);
    EXPECT_EQ(stored[64], 200);
    EXPECT_EQ(stored[447], 200);
    EXPECT_EQ(stored[448], 9);
  });
  EXPECT_THAT(pads.services.violations.kept(), ElementsAre(is_violation(ViolationKind::kPulseLost, "ilp", 109)));
  EXPECT_THAT(pads.services.violations.kept()[0].detail, testing::HasSubstr("0x7e"));
}

TEST(Pads, CaptureOfAWordSaturatesAndRounds) {
  PadConfig config;
  support::TestServices services;
  const energy::Place place = services.energy.add_place("pads", "NW");
  support::PulseSource source("source", 3);
  support::ControlDriver lc("lc");
  bus::BusInitiator initiator("initiator");
  OutputPad olp("olp", config, {}, services.services, place);
  source.out.bind(olp.in());
  olp.control.bind(lc.lines);
  initiator.socket.bind(olp.bus());
  const std::array<double, 6> durations{0.0, 0.49, 0.5, 99.49, 99.51, 400.0};
  source.emit(100, kAllGroups,
              [&](int wire, int) { return wire < 6 ? durations[static_cast<std::size_t>(wire)] : 1.0; });
  lc.at(100, Group::kPadCapture, 0xff);
  lc.at(600, Group::kPadCapture, 0);
  support::simulate([&] {
    support::wait_until_ns(700);
    Words words{};
    initiator.expect_read(0, words.data(), words.size());
    EXPECT_THAT(std::vector<int>(words.begin(), words.begin() + 7), ElementsAre(0, 0, 1, 99, 100, 255, 1));
  });
  EXPECT_THAT(services.violations.kept(), IsEmpty());
}

TEST(Pads, WindowsThatCutPulses) {
  Pads pads;
  support::simulate([&] {
    Words words{};
    words.fill(100);
    words[0] = 20;
    pads.load(0, words);
    // late window
    pads.ilp_lc.at(100, Group::kPadSend, 0xff);
    pads.olp_lc.at(130, Group::kPadCapture, 0xff);
    pads.olp_lc.at(250, Group::kPadCapture, 0);
    support::wait_until_ns(300);
    EXPECT_EQ(pads.stored(0)[0], 0);
    EXPECT_EQ(pads.stored(0)[1], 70);
    // a window that closes early: the words are stored when the pulses are over
    pads.ilp_lc.at(350, Group::kPadSend, 0);
    pads.ilp_lc.at(400, Group::kPadSend, 0xff);
    pads.olp_lc.at(400, {{Group::kPadCaptureVector, 1}, {Group::kPadCapture, 0xff}});
    pads.olp_lc.at(440, Group::kPadCapture, 0);
    support::wait_until_ns(450);
    EXPECT_EQ(pads.stored(1)[1], 0);
    support::wait_until_ns(600);
    EXPECT_EQ(pads.stored(1)[0], 20);
    EXPECT_EQ(pads.stored(1)[1], 40);
    // an early window
    pads.ilp_lc.at(650, Group::kPadSend, 0);
    pads.olp_lc.at(680, {{Group::kPadCaptureVector, 2}, {Group::kPadCapture, 0xff}});
    pads.ilp_lc.at(700, Group::kPadSend, 0xff);
    pads.olp_lc.at(900, Group::kPadCapture, 0);
    // an idle window, one that only touches the pulses
    pads.olp_lc.at(920, {{Group::kPadCaptureVector, 2}, {Group::kPadCapture, 0x03}});
    pads.olp_lc.at(950, Group::kPadCapture, 0);
    support::wait_until_ns(1000);
    EXPECT_EQ(pads.stored(2)[1], 0);  // overwritten by the idle window
    EXPECT_EQ(pads.stored(2)[200], 100);
  });
  const auto& kept = pads.services.violations.kept();
  ASSERT_THAT(kept, ElementsAre(is_violation(ViolationKind::kPulseNotCovered, "olp", 250),
                                is_violation(ViolationKind::kPulseNotCovered, "olp", 500),
                                is_violation(ViolationKind::kWindowEarly, "olp", 900),
                                is_violation(ViolationKind::kCaptureIdle, "olp", 950)));
  EXPECT_THAT(kept[0].detail, testing::HasSubstr("up to 30.000 ns outside the window [130.000, 250.000) ns"));
  EXPECT_THAT(kept[1].detail, testing::HasSubstr("up to 60.000 ns"));
  EXPECT_THAT(kept[2].detail, testing::HasSubstr("20.000 ns before the pulses"));
}

TEST(Pads, NobodyListens) {
  Pads pads;
  pads.ilp_lc.at(100, Group::kPadSend, 0x03);
  pads.olp_lc.at(90, Group::kPadCapture, 0x01);
  pads.olp_lc.at(100, Group::kPadCapture, 0x00);  // closes before the first edge
  pads.olp_lc.at(150, Group::kPadCapture, 0xff);  // opens behind the last
  pads.olp_lc.at(160, Group::kPadCapture, 0x00);
  support::simulate([&] {
    Words words{};
    words.fill(50);
    pads.load(0, words);
    support::wait_until_ns(300);
  });
  EXPECT_THAT(pads.services.violations.kept(), ElementsAre(is_violation(ViolationKind::kCaptureIdle, "olp", 100),
                                                           is_violation(ViolationKind::kPulseLost, "ilp", 150),
                                                           is_violation(ViolationKind::kCaptureIdle, "olp", 160)));
}

TEST(Pads, AWindowInTheMiddleOfAPulseHears) {
  Pads pads;
  pads.ilp_lc.at(100, Group::kPadSend, 0xff);
  pads.olp_lc.at(120, Group::kPadCapture, 0xff);
  pads.olp_lc.at(130, Group::kPadCapture, 0x00);
  support::simulate([&] {
    Words words{};
    words.fill(50);
    pads.load(0, words);
    support::wait_until_ns(300);
    EXPECT_EQ(pads.stored(0)[77], 10);
  });
  EXPECT_THAT(pads.services.violations.kept(), ElementsAre(is_violation(ViolationKind::kPulseNotCovered, "olp", 150)));
}

TEST(Pads, VectorAddressBeyondTheMemory) {
  PadConfig config;
  config.vectors = 4;
  Pads pads(config);
  pads.ilp_lc.at(100, {{Group::kPadSendVector, 4}, {Group::kPadSend, 0xff}});
  pads.ilp_lc.at(110, Group::kPadSend, 0);
  pads.ilp_lc.at(120, {{Group::kPadSendVector, 3}, {Group::kPadSend, 0xff}});
  pads.olp_lc.at(120, {{Group::kPadCaptureVector, 4}, {Group::kPadCapture, 0xff}});
  pads.olp_lc.at(200, Group::kPadCapture, 0);
  support::simulate([&] { support::wait_until_ns(300); });
  EXPECT_EQ(pads.checker.transactions(), 1U);
  EXPECT_THAT(pads.services.violations.kept(), ElementsAre(is_violation(ViolationKind::kVectorAddress, "ilp", 100),
                                                           is_violation(ViolationKind::kVectorAddress, "olp", 200)));
}

TEST(Pads, RealNumbersThroughTheRealWindow) {
  PadConfig config;
  config.quantise = false;
  Pads pads(config);
  pads.ilp_lc.at(100, Group::kPadSend, 0xff);
  pads.olp_lc.at(100, Group::kPadCapture, 0xff);
  pads.olp_lc.at(600, Group::kPadCapture, 0);
  support::simulate([&] {
    std::vector<double> reals(kWires, 0.0);
    reals[0] = 0.1;
    reals[1] = 300.7;
    reals[2] = -4;
    pads.ilp_bus.expect_write(map::kReal, reals.data(), map::kRealBytes);
    support::wait_until_ns(700);
    std::vector<double> stored(kWires, -1.0);
    pads.olp_bus.expect_read(map::kReal, stored.data(), map::kRealBytes);
    EXPECT_EQ(stored[0], 0.1);
    EXPECT_EQ(stored[1], 300.7);
    EXPECT_EQ(stored[2], 0);
    std::uint32_t word = 0;
    EXPECT_EQ(pads.olp_bus.read32(map::kBytes, word), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(pads.olp_bus.read32(map::kReal + 64 * map::kRealBytes, word), tlm::TLM_ADDRESS_ERROR_RESPONSE);
  });
  EXPECT_THAT(pads.services.violations.kept(), IsEmpty());
}

TEST(Pads, BusEndsWithTheLastLane) {
  PadConfig config;
  config.vectors = 8;
  Pads pads(config, 3);
  support::simulate([&] {
    const std::uint64_t size = 3 * 8 * map::kVectorBytes;
    EXPECT_EQ(pads.ilp_bus.write32(size - 4, 1), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(pads.ilp_bus.write32(size, 1), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(pads.ilp_bus.write32(size - 2, 1), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(pads.ilp_bus.write32(map::kReal, 1), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    std::uint32_t word = 0x04030201;
    EXPECT_EQ(pads.ilp_bus.debug_write(8, &word, 4), 4U);
    EXPECT_EQ(pads.ilp_bus.debug_read(size - 2, &word, 4), 2U);
    EXPECT_EQ(pads.ilp_bus.debug_read(size, &word, 4), 0U);
    EXPECT_EQ(pads.ilp_bus.expect_read32(8), 0x04030201U);

    std::array<unsigned char, 4> data{9, 9, 9, 9};
    std::array<unsigned char, 2> enables{0xff, 0x00};
    tlm::tlm_generic_payload payload;
    payload.set_write();
    payload.set_address(8);
    payload.set_data_ptr(data.data());
    payload.set_data_length(4);
    payload.set_streaming_width(4);
    payload.set_byte_enable_ptr(enables.data());
    payload.set_byte_enable_length(2);
    EXPECT_EQ(pads.ilp_bus.transport(payload), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(pads.ilp_bus.expect_read32(8), 0x04090209U);
  });
}

TEST(Pads, CapturesOfOneAddressAreStoredInTheirOrder) {
  Pads pads;
  for (const int capture : {0, 1, 2}) {
    const double from = 100 + 300 * capture;
    pads.ilp_lc.at(from, {{Group::kPadSendVector, static_cast<std::uint32_t>(capture)}, {Group::kPadSend, 0xff}});
    pads.ilp_lc.at(from + 270, Group::kPadSend, 0);
    pads.olp_lc.at(from - 2, Group::kPadCapture, 0xff);
    pads.olp_lc.at(from + 260, Group::kPadCapture, 0);
  }
  support::simulate([&] {
    for (const std::uint32_t capture : {0U, 1U, 2U}) {
      pads.load(capture, ramp_words(static_cast<int>(capture) + 1));
    }
    support::wait_until_ns(700);
    EXPECT_EQ(pads.stored(0), ramp_words(2));
    support::wait_until_ns(1000);
    const std::uint32_t own = 0x01020304;
    pads.olp_bus.expect_write(0, &own, sizeof own);  // behind what was captured
    Words words = ramp_words(3);
    std::copy_n(std::initializer_list<std::uint8_t>{4, 3, 2, 1}.begin(), 4, words.begin());
    EXPECT_EQ(pads.stored(0), words);
  });
}

TEST(Pads, DirectMemoryIsTheByteWindow) {
  Pads pads;
  pads.ilp_lc.at(100, Group::kPadSend, 0xff);
  pads.olp_lc.at(100, Group::kPadCapture, 0xff);
  pads.olp_lc.at(400, Group::kPadCapture, 0);
  support::simulate([&] {
    tlm::tlm_generic_payload payload;
    payload.set_address(0);
    tlm::tlm_dmi in;
    ASSERT_TRUE(pads.ilp_bus.socket->get_direct_mem_ptr(payload, in));
    EXPECT_EQ(in.get_end_address(), 64 * map::kVectorBytes - 1);
    tlm::tlm_dmi out;
    ASSERT_TRUE(pads.olp_bus.socket->get_direct_mem_ptr(payload, out));
    double invalidated_ns = 0;
    pads.olp_bus.on_invalidate([&](std::uint64_t start, std::uint64_t end) {
      invalidated_ns = duration::now_ns();
      EXPECT_EQ(start, 0U);
      EXPECT_EQ(end, 64 * map::kVectorBytes - 1);
    });
    std::fill_n(in.get_dmi_ptr(), 512, static_cast<unsigned char>(42));
    support::wait_until_ns(500);
    EXPECT_EQ(invalidated_ns, 400) << "words are stored in the background: pointers are asked for anew";
    ASSERT_TRUE(pads.olp_bus.socket->get_direct_mem_ptr(payload, out));
    EXPECT_EQ(out.get_dmi_ptr()[511], 42);
    payload.set_address(map::kReal);
    EXPECT_FALSE(pads.ilp_bus.socket->get_direct_mem_ptr(payload, in));
  });
}

TEST(Pads, LanesCarryTheirOwnWords) {
  constexpr int kLanes = 11;
  Pads pads({}, kLanes);
  pads.ilp_lc.at(100, {{Group::kPadSendVector, 2}, {Group::kPadSend, 0xff}});
  pads.olp_lc.at(100, Group::kPadCapture, 0xff);
  pads.olp_lc.at(400, Group::kPadCapture, 0);
  support::simulate([&] {
    const std::uint64_t stride = 64 * map::kVectorBytes;
    for (int lane = 0; lane < kLanes; ++lane) {
      pads.load(2, ramp_words(lane + 1), static_cast<std::uint64_t>(lane) * stride);
    }
    support::wait_until_ns(500);
    for (int lane = 0; lane < kLanes; ++lane) {
      EXPECT_EQ(pads.stored(0, static_cast<std::uint64_t>(lane) * stride), ramp_words(lane + 1)) << lane;
    }
  });
  EXPECT_THAT(pads.services.violations.kept(), IsEmpty());
}

TEST(Pads, TransportErrorIsAppliedWherePulsesAreReceived) {
  mesh::TransportErrorConfig transport;
  transport.mode = mesh::TransportErrorMode::kWorstCase;
  Pads pads({}, 1, transport);
  pads.ilp_lc.at(100, Group::kPadSend, 0xff);
  pads.olp_lc.at(100, Group::kPadCapture, 0xff);
  pads.olp_lc.at(400, Group::kPadCapture, 0);
  support::simulate([&] {
    Words words{};
    words.fill(120);
    pads.load(0, words);
    support::wait_until_ns(500);
    const Words stored = pads.stored(0);
    EXPECT_THAT(stored, testing::Each(testing::AnyOf(115, 125)));
    EXPECT_THAT(stored, testing::Contains(115));
    EXPECT_THAT(stored, testing::Contains(125));
  });
}

TEST(Pads, SwitchThatClosesDuringACapture) {
  support::TestServices services;
  const energy::Place place = services.energy.add_place("pads", "NW");
  support::PulseSource source("source", 3);
  support::ControlDriver lc("lc");
  support::ControlDriver node_lc("node_lc");
  bus::BusInitiator initiator("initiator");
  mesh::Node node("node", {}, services.services, place);
  OutputPad olp("olp", {}, {}, services.services, place);
  source.out.bind(node.in(mesh::Edge::kWest));
  node.out(mesh::Edge::kEast).bind(olp.in());
  node.control.bind(node_lc.lines);
  olp.control.bind(lc.lines);
  initiator.socket.bind(olp.bus());
  node_lc.at(0, {{Group::kBorderWest, 0xff00}, {Group::kBorderEast, 0x00ff}});
  node_lc.at(130, Group::kBorderEast, 0);
  source.emit(100, kAllGroups, [](int wire, int) { return wire == 0 ? 90.0 : 20.0; });
  lc.at(100, Group::kPadCapture, 0xff);
  lc.at(140, Group::kPadCapture, 0);
  support::simulate([&] {
    support::wait_until_ns(300);
    Words words{};
    initiator.expect_read(0, words.data(), words.size());
    EXPECT_EQ(words[0], 30);
    EXPECT_EQ(words[1], 20);
  });
  EXPECT_THAT(services.violations.kept(), ElementsAre(is_violation(ViolationKind::kGuardMoved, "node", 130)));
}

TEST(Pads, AMemoryThatDoesNotFitIsAModellersMistake) {
  support::TestServices services(1000);
  const energy::Place place = services.energy.add_place("pads", "NW");
  PadConfig config;
  config.vectors = 256;
  EXPECT_THROW(InputPad("ilp", config, services.services, place), std::invalid_argument);
}

}  // namespace
}  // namespace chronotile::landing_pad
