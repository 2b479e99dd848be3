#include "models/tile/duration_generator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/every_isa.hpp"
#include "models/base/noise.hpp"
#include "models/duration/time.hpp"
#include "models/tile/groups.hpp"
#include "models/tile/root_kernels.hpp"

namespace chronotile::tile {
namespace {

using duration::Block;
using isa::Group;

/// Times of the kernel are whole picoseconds.
constexpr double kTolerance_ns = 1e-3;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// durations = max(0, (voltages - start) * inverse_slope - from_ns); returns the largest. `size` is a multiple of 16.
CHRONOTILE_EVERY_ISA
double cross(const double* voltages, double* durations, std::size_t size, double start, double inverse_slope,
             double from_ns) {
  constexpr std::size_t kSide = 16;  // largest so far, side by side, so that it goes in vectors
  double high[kSide] = {};
  for (std::size_t k = 0; k < size; k += kSide) {
    for (std::size_t i = 0; i < kSide; ++i) {
      const double time = (voltages[k + i] - start) * inverse_slope - from_ns;
      const double duration = time > 0.0 ? time : 0.0;
      durations[k + i] = duration;
      high[i] = duration > high[i] ? duration : high[i];
    }
  }
  return *std::max_element(high, high + kSide);
}

CHRONOTILE_EVERY_ISA
void add_noise(double* voltages, const float* normals, std::size_t size, double sigma) {
  for (std::size_t k = 0; k < size; ++k) {
    voltages[k] += sigma * static_cast<double>(normals[k]);
  }
}

}  // namespace

void DurationGenerator::start_ramp(double now, ChargeParts parts) {
  drop_prepared();
  slope_code_ = context_.level(Group::kRampSlope);
  start_code_ = context_.level(Group::kRampStart);
  falling_ = (context_.level(Group::kRamp) & 2U) != 0;
  start_ns_ = now;
  start_level_ = static_cast<double>(static_cast<std::int16_t>(start_code_)) * context_.config.start_per_code;
  slope_ = static_cast<double>(slope_code_) * context_.config.slope_per_code * periphery_.ramp_gain() *
           (falling_ ? -1.0 : 1.0);
  parts_ = std::move(parts);
  lane_keys_ = context_.services.lanes.keys();
  noise_event_ = static_cast<std::uint32_t>(std::llround((now - context_.services.lanes.epoch_ns()) * 16.0));
  normals_known_ = false;
  running_ = true;
  if (voltage_probe_.watched()) {
    join();
    double largest = -kInfinity;
    for (int group = 0; group < kWireGroups; ++group) {
      const std::vector<double>& voltages = voltages_of(group);
      largest = std::max(largest, *std::max_element(voltages.begin(), voltages.end()));
    }
    voltage_probe_.real(largest);
  }
  const GroupMask passing = context_.mask(Group::kEnable) & context_.mask(Group::kColumnOut);
  if (passing != 0 && slope_ != 0) {
    prepare(passing);
  }
}

/// The gates of `groups` are open as the ramp starts, and in a moment their comparators will be asked when they fall: a
/// job finds out meanwhile.
void DurationGenerator::prepare(GroupMask groups) {
  for (int group = 0; group < kWireGroups; ++group) {
    if (contains(groups, group) && mismatched(group)) {
      return;
    }
  }
  std::vector<const WorkPool::Ticket*> charges;
  for (const ChargePart& part : parts_) {
    if (part.charge) {
      charges.push_back(&part.charge->job());
    }
  }
  prepared_.emission = new_emission();
  prepared_.groups = groups;
  prepared_.ticket = context_.services.workers.submit(
      [this] {
        Block& durations = prepared_.emission->durations_ns;
        for (int group = 0; group < kWireGroups; ++group) {
          if (contains(prepared_.groups, group)) {
            prepared_.longest_ns[static_cast<std::size_t>(group)] = cross_group(group, 0.0, durations);
          } else {
            rows_of(durations, group).setZero();
          }
        }
      },
      charges);
}

void DurationGenerator::drop_prepared() {
  context_.services.workers.drop(prepared_.ticket);
  prepared_.emission.reset();
}

/// Charges and their energy are there, and no job works on this ramp.
void DurationGenerator::join() {
  context_.services.workers.wait(prepared_.ticket);
  for (const ChargePart& part : parts_) {
    if (part.charge) {
      part.charge->join();
    }
  }
}

/// Capacitor voltages of one column group as the comparators see them: sum of charges over number of capacitors,
/// saturation, offsets and noise. The parts must be joined, or their jobs done. Valid until the thread's next call.
const std::vector<double>& DurationGenerator::voltages_of(int group) {
  thread_local std::vector<double> voltages;
  const std::size_t lanes = context_.lanes();
  const std::size_t size = kWiresPerGroup * lanes;
  const auto first = static_cast<std::size_t>(group) * kWiresPerGroup;
  voltages.resize(size);
  average(parts_, group, size, voltages.data());
  const PeripheryConfig& errors = periphery_.config();
  if (errors.saturation == Saturation::kSoft) {
    saturate(voltages.data(), size, 1.0 / errors.saturation_weight_ns);
  }
  if (errors.comparator_offset_sigma_weight_ns != 0) {
    for (std::size_t column = 0; column < kWiresPerGroup; ++column) {
      const double offset = periphery_.comparator_offset()[first + column];
      std::for_each_n(voltages.data() + column * lanes, lanes, [offset](double& voltage) { voltage += offset; });
    }
  }
  if (errors.comparator_noise_sigma_weight_ns != 0) {
    if (!normals_known_) {
      normals_known_ = true;
      draw_normals();
    }
    add_noise(voltages.data(), normals_.data() + first * lanes, size, errors.comparator_noise_sigma_weight_ns);
  }
  return voltages;
}

/// Of all comparators, for this ramp.
void DurationGenerator::draw_normals() {
  thread_local std::vector<std::int16_t> bits;
  const Services& services = context_.services;
  const std::size_t lanes = context_.lanes();
  bits.resize(kWires * lanes);
  normals_.resize(kWires * lanes);
  noise::vector_bits(
      {services.seed, services.chip, context_.config.index, noise::Purpose::kComparator, 0, 0, noise_event_},
      lane_keys_->data(), lanes, bits.data());
  noise::vector_normals(bits.data(), lanes, normals_.data());
}

/// Of a ramp with a slope; see fill_durations.
double DurationGenerator::cross_group(int group, double from_ns, Block& durations) {
  const std::vector<double>& voltages = voltages_of(group);
  return cross(voltages.data(), rows_of(durations, group).data(), voltages.size(), start_level_, 1.0 / slope_, from_ns);
}

bool DurationGenerator::mismatched(int group) const {
  return slope_ != 0 && contains(context_.level(Group::kComparator), group) != falling_;
}

double DurationGenerator::fill_durations(int group, double from_ns, Block& durations) {
  join();
  if (slope_ != 0) {
    return cross_group(group, from_ns, durations);
  }
  const std::vector<double>& voltages = voltages_of(group);
  const bool below = contains(context_.level(Group::kComparator), group);
  double* result = rows_of(durations, group).data();
  double longest = 0;
  for (std::size_t k = 0; k < voltages.size(); ++k) {
    const bool high = below ? voltages[k] < start_level_ : voltages[k] > start_level_;
    result[k] = high ? kInfinity : 0.0;
    longest = std::max(longest, result[k]);
  }
  return longest;
}

void DurationGenerator::follow_gates(double now) {
  if (!running_) {
    return;
  }
  const bool run = (context_.level(Group::kRamp) & 1U) != 0;
  const GroupMask enable = run ? context_.mask(Group::kEnable) : GroupMask{0};
  const GroupMask pass = enable & context_.mask(Group::kColumnOut);
  const auto undriven = static_cast<GroupMask>(enable & ~pass);
  const auto newly_undriven = static_cast<GroupMask>(undriven & ~undriven_);
  const auto falling = static_cast<GroupMask>(passing_ & ~pass);
  const auto rising = static_cast<GroupMask>(pass & ~passing_);
  passing_ = pass;
  undriven_ = undriven;
  if (falling != 0) {
    cut(falling, now);
  }
  if (newly_undriven != 0 && passes_pulses(newly_undriven, now)) {
    context_.report(
        ViolationKind::kEmissionNotDriven,
        fmt::format("EN passes pulses of column groups 0x{:02x} that colout 0x{:02x} does not drive onto the "
                    "wires",
                    newly_undriven, context_.mask(Group::kColumnOut)));
  }
  if (rising != 0) {
    begin(rising, now);
  }
  if (!run) {
    running_ = false;
    drop_prepared();
    for (const ChargePart& part : parts_) {  // needed or not, it is worked out: its energy is booked
      if (part.charge) {
        part.charge->wait();
      }
    }
    parts_.clear();
  }
}

bool DurationGenerator::passes_pulses(GroupMask groups, double now) {
  Block durations(kWires, static_cast<Eigen::Index>(context_.lanes()));
  for (int group = 0; group < kWireGroups; ++group) {
    if (contains(groups, group) && (fill_durations(group, now - start_ns_, durations) > 0 || mismatched(group))) {
      return true;
    }
  }
  return false;
}

std::shared_ptr<duration::Emission> DurationGenerator::new_emission() {
  std::shared_ptr<duration::Emission> emission = emissions_.take();
  emission->durations_ns.resize(kWires, static_cast<Eigen::Index>(context_.lanes()));
  return emission;
}

void DurationGenerator::begin(GroupMask groups, double now) {
  const bool prepared = prepared_.emission && now == start_ns_ && groups == prepared_.groups;
  if (prepared) {
    join();
  }
  drives_.emplace_back();
  Drive& drive = drives_.back();
  std::shared_ptr<duration::Emission> emission = prepared ? std::move(prepared_.emission) : new_emission();
  emission->source = context_.config.index;
  emission->groups = groups;
  emission->lead_ns = now;
  emission->longest_ns = 0;
  emission->heard = 0;
  emission->rising = 0;
  emission->final = false;
  if (groups != kAllGroups && !prepared) {
    emission->durations_ns.setZero();
  }
  drive.pulses.emission = emission;
  drive.pulses.groups = groups;
  drive.lead_ns = now - start_ns_;
  drive.live = groups;
  drive.begun_delta = sc_core::sc_delta_count();
  for (int group = 0; group < kWireGroups; ++group) {
    if (!contains(groups, group)) {
      continue;
    }
    double& longest = drive.longest_ns[static_cast<std::size_t>(group)];
    longest = prepared ? prepared_.longest_ns[static_cast<std::size_t>(group)]
                       : fill_durations(group, drive.lead_ns, emission->durations_ns);
    if (mismatched(group)) {
      emission->rising = static_cast<GroupMask>(emission->rising | (1U << static_cast<unsigned>(group)));
      longest = kInfinity;
    }
  }
  if (emission->rising != 0) {
    context_.report(
        ViolationKind::kComparatorMismatch,
        fmt::format("the ramp {} but the comparators of column groups 0x{:02x} are high {} it: their pulses "
                    "share no leading edge",
                    falling_ ? "falls" : "rises", emission->rising, falling_ ? "above" : "below"));
  }
  context_.services.energy.charge(
      context_.energy_place, energy::Account::kPeriphery,
      1e-3 * context_.config.energy_per_conversion_pJ * kWiresPerGroup * static_cast<double>(count(groups)));
  columns_.begin(drive.pulses);
  schedule(now);
}

void DurationGenerator::cut(GroupMask groups, double now) {
  for (Drive& drive : drives_) {
    const GroupMask mine = drive.live & groups;
    if (mine == 0) {
      continue;
    }
    drive.live = static_cast<GroupMask>(drive.live & ~mine);
    const double limit = now - start_ns_ - drive.lead_ns;
    GroupMask short_groups = 0;
    double longest = 0;
    for (int group = 0; group < kWireGroups; ++group) {
      if (!contains(mine, group)) {
        continue;
      }
      auto durations = rows_of(drive.pulses.emission->durations_ns, group);
      if (contains(drive.pulses.emission->rising, group)) {
        durations = (durations < limit).select(Block::Constant(durations.rows(), durations.cols(), limit), 0.0);
      } else {
        const double group_longest = drive.longest_ns[static_cast<std::size_t>(group)];
        if (group_longest <= limit) {
          continue;
        }
        if (limit < context_.config.full_scale_ns - kTolerance_ns) {
          short_groups = static_cast<GroupMask>(short_groups | (1U << static_cast<unsigned>(group)));
          longest = std::max(longest, group_longest);
        }
        durations = durations.min(limit);
      }
      drive.longest_ns[static_cast<std::size_t>(group)] = durations.maxCoeff();
    }
    drive.pulses.emission->rising = static_cast<GroupMask>(drive.pulses.emission->rising & ~mine);
    if (short_groups != 0) {
      context_.report(
          ViolationKind::kPulseCutShort,
          fmt::format("pulses of column groups 0x{:02x} end {:.3f} ns after their leading edge, where EN, "
                      "column outputs or ramp end; they would last up to {:.3f} ns, full scale is {:.3f} ns",
                      short_groups, limit, longest, context_.config.full_scale_ns));
    }
  }
  finish(now);
}

void DurationGenerator::finish(double now) {
  for (auto drive = drives_.begin(); drive != drives_.end();) {
    const double longest = *std::max_element(drive->longest_ns.begin(), drive->longest_ns.end());
    const double end = drive->pulses.emission->lead_ns + longest;
    const bool later = sc_core::sc_delta_count() != drive->begun_delta;
    if (later && (drive->live == 0 || (end < kInfinity && duration::ceil_time(end) <= sc_core::sc_time_stamp()))) {
      close(*drive);
      drive = drives_.erase(drive);
    } else {
      ++drive;
    }
  }
  schedule(now);
}

/// Comes back at the first representable time at which a drive is over, at the earliest a delta from now.
void DurationGenerator::schedule(double now) {
  double earliest = kInfinity;
  for (const Drive& drive : drives_) {
    const double longest = *std::max_element(drive.longest_ns.begin(), drive.longest_ns.end());
    earliest = std::min(earliest, drive.live == 0 ? now : drive.pulses.emission->lead_ns + longest);
  }
  end_due_.cancel();
  if (earliest < kInfinity) {
    const sc_core::sc_time due = duration::ceil_time(earliest);
    if (due > sc_core::sc_time_stamp()) {
      end_due_.notify(due - sc_core::sc_time_stamp());
    } else {
      end_due_.notify(sc_core::SC_ZERO_TIME);
    }
  }
}

void DurationGenerator::close(Drive& drive) {
  duration::Emission& emission = *drive.pulses.emission;
  emission.longest_ns = *std::max_element(drive.longest_ns.begin(), drive.longest_ns.end());
  emission.final = true;
  columns_.end(drive.pulses);
  pulses_probe_.pulses(emission.lead_ns, emission.durations_ns.data(), context_.lanes(), kWires);
  const auto lost = static_cast<GroupMask>(emission.groups & ~emission.heard);
  if (lost != 0) {
    context_.report(
        ViolationKind::kPulseLost,
        fmt::format("nobody listened to wire groups 0x{:02x} of the pulses that left at {:.3f} ns and lasted up "
                    "to {:.3f} ns",
                    lost, emission.lead_ns, emission.longest_ns));
  }
}

void DurationGenerator::check(double /*now*/) {
  const bool run = (context_.level(Group::kRamp) & 1U) != 0;
  const GroupMask idle = run ? GroupMask{0} : context_.mask(Group::kEnable);
  const auto newly_idle = static_cast<GroupMask>(idle & ~idle_);
  idle_ = idle;
  if (newly_idle != 0) {
    context_.report(
        ViolationKind::kEnableWithoutRamp,
        fmt::format("EN of column groups 0x{:02x} is 1 while the ramp does not run: nothing leaves", newly_idle));
  }
  if (running_ && run) {
    const bool falling = (context_.level(Group::kRamp) & 2U) != 0;
    const std::uint32_t slope = context_.level(Group::kRampSlope);
    const std::uint32_t start = context_.level(Group::kRampStart);
    if (falling != falling_ || slope != slope_code_ || start != start_code_) {
      context_.report(
          ViolationKind::kRampReprogrammed,
          fmt::format(
              "rslope {} -> {}, rstart {} -> {}, fall {} -> {} while the ramp runs: it keeps what it started with",
              slope_code_, slope, static_cast<std::int16_t>(start_code_), static_cast<std::int16_t>(start),
              falling_ ? 1 : 0, falling ? 1 : 0));
      slope_code_ = slope;  // the codes last seen; slope_ and start_level_ are the latched ramp
      start_code_ = start;
    }
  }
}

void DurationGenerator::attach(probe::Observer& observer) {
  pulses_probe_.declare(observer, {context_.module.name(), "columns", probe::Kind::kBits, kWires,
                                   probe::Detail::kScoped, "pulses that the columns drive"});
  voltage_probe_.declare(observer, {context_.module.name(), "v_max", probe::Kind::kReal, 1, probe::Detail::kScoped,
                                    "largest capacitor voltage at the ramp's start, weight-ns"});
  voltage_probe_.real(0);
}

}  // namespace chronotile::tile
