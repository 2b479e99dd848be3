#include "platform/host/chip_driver.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "platform/host/calibration.hpp"
#include "platform/host/words.hpp"

namespace chronotile::host {
namespace {

constexpr double kAttojoulesPerPicojoule = 1e6;

double nanoseconds(const sc_core::sc_time& time) { return time / sc_core::sc_time(1, sc_core::SC_NS); }

}  // namespace

ChipDriver::ChipDriver(chip::Chip& chip, ChipAccess access, Services& services, energy::Meter& meter,
                       mapping::ChipPlan plan, Images images, const config::PlatformConfig& config)
    : chip_(chip),
      access_(std::move(access)),
      meter_(meter),
      workers_(services.workers),
      host_place_(meter.add_place("host", "host")),
      plan_(std::move(plan)),
      images_(std::move(images)),
      lanes_(services.lanes.count()),
      slot_ns_(config.clock.slot_cycles * config.clock.period_ns),
      timeout_slots_(config.host.step_timeout_slots),
      slot_cycles_(config.clock.slot_cycles),
      operation_aJ_(std::llround(config.host.energy_per_operation_pJ * kAttojoulesPerPicojoule)),
      full_scale_(config.pad.full_scale),
      period_(config.clock.period_ns, sc_core::SC_NS),
      reals_(kWires, 0.0),
      age_s_(config.tile.array.devices.age_s) {
  const bool apart = config.host.calibration_steps > 0 && config.host.calibration_age_s > 0;
  program(apart ? config.host.calibration_age_s : age_s_, calibrates(config.host));
  for (const std::string& name : plan_.finishers) {
    finishers_ |= std::uint64_t{1} << controller(name);
  }
}

void ChipDriver::program(double age_s, bool keep_weights) {
  const auto write = [&](mapping::TileAssignment& assignment) {
    const std::pair<tile::WeightSet, tile::WeightMatrix*> sets[] = {{tile::WeightSet::kWp1, &assignment.wp1},
                                                                    {tile::WeightSet::kWp2, &assignment.wp2}};
    for (const auto& [set, weights] : sets) {
      if (weights->size() != 0) {
        chip_.tile(assignment.site).program(set, *weights, age_s);
        if (!keep_weights) {
          weights->resize(0, 0);
        }
      }
    }
  };
  for (const mapping::TileAssignment& assignment : plan_.tiles) {
    chip_.tile(assignment.site).join();
  }
  workers_.for_each(plan_.tiles.size(), [&](std::size_t tile) { write(plan_.tiles[tile]); });
  programmed_age_s_ = age_s;
}

void ChipDriver::age() {
  if (programmed_age_s_ != age_s_) {
    program(age_s_, true);
  }
}

void ChipDriver::begin_items() {
  for (mapping::TileAssignment& assignment : plan_.tiles) {
    assignment.wp1.resize(0, 0);
    assignment.wp2.resize(0, 0);
  }
  steps_before_ = steps_;
  executed_before_ = executed();
}

std::uint32_t ChipDriver::controller(const std::string& name) const {
  const int index = chip_.floorplan().find_controller(name);
  if (index < 0) {
    throw std::logic_error(fmt::format("the plan names a controller {} that the chip does not have", name));
  }
  return static_cast<std::uint32_t>(index);
}

void ChipDriver::load_firmware() {
  for (const auto& [name, words] : images_) {
    access_.load_firmware(controller(name), words);
  }
  for (const auto& entry : images_) {
    access_.start_controller(controller(entry.first));
  }
  sc_core::wait(100, sc_core::SC_NS);
}

void ChipDriver::write_inputs(const LanesIn& inputs) {
  std::vector<std::uint8_t*> words;  // of lane 0, by input vector
  for (const mapping::InputVector& vector : plan_.inputs) {
    words.push_back(access_.words(vector.pad, vector.vector));
  }
  const auto write = [&](std::size_t lane) {
    if (lane >= inputs.size() || inputs[lane] == nullptr) {
      return;
    }
    for (std::size_t first = 0; first < plan_.inputs.size();) {
      // All entries of one vector of a pad stand behind each other.
      const mapping::InputVector& vector = plan_.inputs[first];
      std::uint8_t* const bytes = words[first] != nullptr ? words[first] + lane * access_.lane_stride() : nullptr;
      if (bytes != nullptr) {
        std::memset(bytes, 0, kWires);
      } else {
        std::fill(reals_.begin(), reals_.end(), 0.0);
      }
      for (; first < plan_.inputs.size() && plan_.inputs[first].pad == vector.pad &&
             plan_.inputs[first].vector == vector.vector;
           ++first) {
        const mapping::InputVector& part = plan_.inputs[first];
        const double* const in = inputs[lane] + part.first;
        const double scale = part.part == mapping::InputPart::kNegative ? -full_scale_ : full_scale_;
        if (bytes != nullptr) {
          to_words(in, part.count, scale, full_scale_, bytes + part.wire);
        } else {
          std::transform(in, in + part.count, reals_.begin() + part.wire,
                         [scale, this](double value) { return std::min(std::max(value * scale, 0.0), full_scale_); });
        }
      }
      if (bytes == nullptr) {
        access_.poke_reals(vector.pad, vector.vector, lane, reals_.data());
      }
    }
  };
  for_each_lane(!words.empty() && words.front() != nullptr, write);
}

void ChipDriver::forget_outputs() {
  std::fill(reals_.begin(), reals_.end(), 0.0);
  for (const mapping::OutputVector& vector : plan_.outputs) {
    const std::uint32_t window = chip_.floorplan().pads() + vector.pad;
    std::uint8_t* const words = access_.words(window, vector.vector);
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      if (words != nullptr) {
        std::memset(words + lane * access_.lane_stride(), 0, kWires);
      } else {
        access_.poke_reals(window, vector.vector, lane, reals_.data());
      }
    }
  }
}

void ChipDriver::read(const LanesOut& lanes, const Visit& visit) {
  struct Place {
    std::uint32_t window;
    const std::uint8_t* words;  // of lane 0
    std::size_t first_word;
  };
  std::vector<Place> places;
  std::size_t first_word = 0;
  for (const mapping::OutputVector& vector : plan_.outputs) {
    const std::uint32_t window = chip_.floorplan().pads() + vector.pad;
    places.push_back({window, access_.words(window, vector.vector), first_word});
    first_word += vector.count;
  }
  const auto read_lane = [&](std::size_t lane) {
    if (lane >= lanes.size() || lanes[lane] == nullptr) {
      return;
    }
    for (std::size_t index = 0; index < places.size(); ++index) {
      const mapping::OutputVector& vector = plan_.outputs[index];
      const Place& place = places[index];
      if (place.words != nullptr) {
        visit(lanes[lane], index, place.first_word,
              {place.words + lane * access_.lane_stride() + vector.wire, nullptr});
      } else {
        access_.peek_reals(place.window, vector.vector, lane, reals_.data());
        visit(lanes[lane], index, place.first_word, {nullptr, reals_.data() + vector.wire});
      }
    }
  };
  for_each_lane(!places.empty() && places.front().words != nullptr, read_lane);
}

/// Lanes go side by side where pads are accessed directly, one after the other over the bus.
void ChipDriver::for_each_lane(bool direct, const std::function<void(std::size_t lane)>& visit) {
  if (direct) {
    workers_.for_each(lanes_, visit);
    return;
  }
  for (std::size_t lane = 0; lane < lanes_; ++lane) {
    visit(lane);
  }
}

void ChipDriver::read_outputs(const LanesOut& outputs) {
  for (double* lane : outputs) {
    if (lane != nullptr) {
      std::fill(lane, lane + plan_.output_count, 0.0);
    }
  }
  read(outputs, [this](double* lane, std::size_t index, std::size_t first_word, const Words& words) {
    const mapping::OutputVector& vector = plan_.outputs[index];
    double* const out = lane + vector.first;
    const double unit = 1.0 / vector.counts_per_unit;
    const bool calibrated = !units_.empty();
    const double* const zeros = calibrated ? &zeros_[first_word] : nullptr;
    const double* const units = calibrated ? &units_[first_word] : nullptr;
    if (words.bytes != nullptr && calibrated) {
      add_words(words.bytes, vector.count, zeros, units, out);
    } else if (words.bytes != nullptr) {
      add_words(words.bytes, vector.count, vector.zero_count, unit, out);
    } else {
      for (std::uint32_t k = 0; k < vector.count; ++k) {
        out[k] += calibrated ? (words.reals[k] - zeros[k]) * units[k] : (words.reals[k] - vector.zero_count) * unit;
      }
    }
  });
}

void ChipDriver::read_words(const LanesOut& counts) {
  read(counts, [this](double* lane, std::size_t index, std::size_t first_word, const Words& words) {
    const std::uint32_t count = plan_.outputs[index].count;
    if (words.bytes != nullptr) {
      std::copy_n(words.bytes, count, lane + first_word);
    } else {
      std::copy_n(words.reals, count, lane + first_word);
    }
  });
}

void ChipDriver::set_read_out(std::vector<double> zeros, std::vector<double> units) {
  zeros_ = std::move(zeros);
  units_ = std::move(units);
}

std::uint64_t ChipDriver::conversions_per_step() const {
  std::uint64_t words = 0;
  for (const mapping::OutputVector& vector : plan_.outputs) {
    words += vector.count;
  }
  return 2 * words + (words - plan_.output_count);
}

bool ChipDriver::step() {
  access_.clear_interrupts(~std::uint64_t{0});  // what was raised before does not end this step
  access_.trigger(1);
  if (!wait_for_finishers()) {
    return false;
  }
  const sc_core::sc_time taken = chip_.last_interrupt() - chip_.epoch();
  const auto cycles = static_cast<std::uint32_t>(taken.value() / period_.value());
  slots_per_step_ = std::max({1U, slots_per_step_, (cycles + slot_cycles_ - 1) / slot_cycles_});
  ++steps_;
  return true;
}

double ChipDriver::start_ns() const { return nanoseconds(chip_.epoch()); }
double ChipDriver::latency_ns() const { return nanoseconds(chip_.last_interrupt() - chip_.epoch()); }

/// A finisher that has faulted interrupts as well: that ends no step.
bool ChipDriver::wait_for_finishers() {
  const sc_core::sc_time give_up =
      sc_core::sc_time_stamp() + sc_core::sc_time(timeout_slots_ * slot_ns_, sc_core::SC_NS);
  std::uint64_t answered = 0;
  while ((answered & finishers_) != finishers_ || chip_.last_interrupt() < chip_.epoch()) {
    if (sc_core::sc_time_stamp() >= give_up) {
      give_up_step(fmt::format("did not end within {} slots", timeout_slots_));
      return false;
    }
    if (chip_.pending() == 0) {
      sc_core::wait(give_up - sc_core::sc_time_stamp(), chip_.interrupt());
    }
    const std::uint64_t raised = access_.pending_interrupts();
    if ((access_.faults() & finishers_) != 0) {
      give_up_step("stopped by a fault");
      return false;
    }
    answered |= raised;
    access_.clear_interrupts(raised);
  }
  return true;
}

void ChipDriver::give_up_step(const std::string& why) {
  std::vector<std::string> silent;
  for (const auto& entry : images_) {
    const std::uint32_t index = controller(entry.first);
    const bool faulted = (access_.faults() >> index & 1U) != 0;
    if (faulted || (finishers_ >> index & 1U) != 0) {
      const std::uint32_t status = access_.read_controller(index, controller::map::kStatus);
      silent.push_back(fmt::format("{} ({}, cause {}, pc {:#x})", entry.first,
                                   name(static_cast<controller::State>(status & 0xffU)),
                                   name(static_cast<controller::Cause>(status >> 8U & 0xffU)),
                                   access_.read_controller(index, controller::map::kPc)));
    }
  }
  failure_ = fmt::format("step {} of chip {} {}: {}", steps_, plan_.index, why, fmt::join(silent, ", "));
}

std::uint64_t ChipDriver::instructions() const { return executed() - executed_before_; }

std::uint64_t ChipDriver::executed() const {
  std::uint64_t sum = 0;
  for (std::uint32_t index = 0; index < chip_.floorplan().controllers(); ++index) {
    sum += chip_.local_controller(index).executed();
  }
  return sum;
}

std::int64_t ChipDriver::charge_host_aJ(std::uint64_t operations) {
  const std::int64_t energy_aJ = static_cast<std::int64_t>(operations) * operation_aJ_;
  meter_.charge_apart_aJ(host_place_, energy::Account::kHost, energy_aJ);
  return energy_aJ;
}

std::vector<double> ChipDriver::take_energy() {
  const auto half = sc_core::sc_time::from_value(period_.value() / 2);
  const auto cycles = sc_core::sc_time_stamp().value() / period_.value() + 1;
  sc_core::wait(sc_core::sc_time::from_value(cycles * period_.value()) + half - sc_core::sc_time_stamp());
  chip_.settle_energy();
  std::vector<double> taken = meter_.take_lanes();
  sc_core::wait(period_ - half);
  return taken;
}

}  // namespace chronotile::host
