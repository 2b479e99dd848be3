#include "traces/timeline.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "traces/labels.hpp"

namespace chronotile::traces {
namespace {

/// The format counts in microseconds.
struct Micros {
  std::uint64_t ps;
};

std::string json_text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_idle(std::string_view label) { return label == "idle" || label == "none" || label == "off"; }

int pid(Section section) { return static_cast<int>(section) + 1; }

}  // namespace
}  // namespace chronotile::traces

template <>
struct fmt::formatter<chronotile::traces::Micros> {
  static constexpr auto parse(format_parse_context& context) { return context.begin(); }
  template <typename Context>
  auto format(const chronotile::traces::Micros& time, Context& context) const {
    return fmt::format_to(context.out(), "{}.{:06}", time.ps / 1'000'000, time.ps % 1'000'000);
  }
};

namespace chronotile::traces {

Timeline::Timeline(TimelineConfig config) : clock_(std::move(config.now_ps)), stream_(std::move(config.path)) {
  fmt::format_to(std::back_inserter(stream_.buffer()), "{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
}

probe::Id Timeline::declare(const probe::Signal& signal) {
  if (signal.detail != probe::Detail::kDefault) {
    return probe::kUnwatched;
  }
  Track track;
  switch (signal.kind) {
    case probe::Kind::kText:
      track.form = Form::kSlices;
      break;
    case probe::Kind::kReal:
      track.form = Form::kCounter;
      break;
    case probe::Kind::kEvent:
      track.form = Form::kInstants;
      break;
    case probe::Kind::kBits:
      if (signal.bits > 64) {
        track.form = Form::kPulses;
      } else if (signal.bits == 1) {
        track.form = Form::kWire;
      } else if (signal.name.find("busy") != std::string::npos) {
        track.form = Form::kMask;
      } else {
        return probe::kUnwatched;
      }
      break;
  }
  track.name = signal.scope + "." + signal.name;
  track.short_name = signal.name;
  track.section = section_of(signal.scope, signal.name, signal.kind == probe::Kind::kReal);
  tracks_.push_back(std::move(track));
  return static_cast<probe::Id>(tracks_.size() - 1);
}

Timeline::Track& Timeline::touch(probe::Id id) {
  const std::uint64_t now = clock_.now_ps();
  if (now != step_) {
    settle();
    step_ = now;
  }
  Track& track = tracks_[id];
  if (!track.dirty) {
    track.dirty = true;
    dirty_.push_back(id);
  }
  return track;
}

void Timeline::bits(probe::Id id, std::uint64_t value) {
  if (!closed_ && (tracks_[id].form == Form::kWire || tracks_[id].form == Form::kMask)) {
    Track& track = touch(id);
    if (value == 0) {
      track.next_label.clear();
    } else if (track.form == Form::kMask) {
      track.next_label = fmt::format("{:#x}", value);
    } else {
      track.next_label = track.short_name;
    }
  }
}

void Timeline::real(probe::Id id, double value) {
  if (!closed_) {
    touch(id).next_value = value;
  }
}

void Timeline::text(probe::Id id, const char* value) {
  if (closed_ || (tracks_[id].form == Form::kInstants && *value == '\0')) {
    return;
  }
  Track& track = touch(id);
  if (track.form == Form::kInstants) {
    track.next_label = with_label(track.next_label, value);
  } else {
    track.next_label = is_idle(value) ? "" : value;
  }
}

void Timeline::pulses(probe::Id id, double lead_ns, const double* durations_ns, std::size_t stride, int wires) {
  if (closed_) {
    return;
  }
  double longest = 0;
  int count = 0;
  for (int wire = 0; wire < wires; ++wire) {
    const double duration = durations_ns[static_cast<std::size_t>(wire) * stride];
    longest = std::max(longest, duration);
    count += duration > 0 ? 1 : 0;
  }
  if (count == 0) {
    return;
  }
  const auto lead = static_cast<std::uint64_t>(std::llround(std::max(0.0, lead_ns) * 1000));
  const auto last = static_cast<std::uint64_t>(std::llround(std::max(0.0, lead_ns + longest) * 1000));
  Track& track = tracks_[id];
  const std::uint64_t from = std::max(lead, track.since);  // slices of one track must not overlap
  if (last > from) {
    write_slice(id, fmt::format("{} pulses", count), from, last);
    track.since = last;
  }
}

void Timeline::settle() {
  std::sort(dirty_.begin(), dirty_.end());
  for (const std::size_t index : dirty_) {
    Track& track = tracks_[index];
    track.dirty = false;
    switch (track.form) {
      case Form::kCounter:
        if (!track.has_value || track.value != track.next_value) {
          track.has_value = true;
          track.value = track.next_value;
          if (std::isfinite(track.value)) {
            begin_event();
            fmt::format_to(std::back_inserter(stream_.buffer()),
                           R"({{"ph":"C","pid":{},"name":{},"ts":{},"args":{{"value":{}}}}})", pid(track.section),
                           json_text(track.name), Micros{step_}, track.value);
          }
        }
        break;
      case Form::kInstants:
        begin_event();
        fmt::format_to(std::back_inserter(stream_.buffer()),
                       R"({{"ph":"i","s":"t","pid":{},"tid":{},"name":{},"ts":{}}})", pid(track.section), index + 1,
                       json_text(track.next_label), Micros{step_});
        track.next_label.clear();
        break;
      case Form::kSlices:
      case Form::kWire:
      case Form::kMask:
        if (track.label != track.next_label) {
          if (!track.label.empty()) {
            write_slice(index, track.label, track.since, step_);
          }
          track.label = track.next_label;
          track.since = step_;
        }
        break;
      case Form::kPulses:
        break;
    }
  }
  dirty_.clear();
  stream_.drain();
}

void Timeline::begin_event() {
  fmt::format_to(std::back_inserter(stream_.buffer()), "{}", first_event_ ? "\n" : ",\n");
  first_event_ = false;
}

void Timeline::write_slice(std::size_t track, const std::string& label, std::uint64_t from, std::uint64_t to) {
  begin_event();
  fmt::format_to(std::back_inserter(stream_.buffer()), R"({{"ph":"X","pid":{},"tid":{},"name":{},"ts":{},"dur":{}}})",
                 pid(tracks_[track].section), track + 1, json_text(label), Micros{from}, Micros{to - from});
  stream_.drain();
}

void Timeline::write_tracks() {
  const auto out = std::back_inserter(stream_.buffer());
  std::vector<bool> used(kSectionTitles.size(), false);
  for (std::size_t index = 0; index < tracks_.size(); ++index) {
    const Track& track = tracks_[index];
    used.at(static_cast<std::size_t>(track.section)) = true;
    if (track.form == Form::kCounter) {
      continue;  // a counter is a track of its process by its name
    }
    begin_event();
    fmt::format_to(out, R"({{"ph":"M","pid":{},"tid":{},"name":"thread_name","args":{{"name":{}}}}})",
                   pid(track.section), index + 1, json_text(track.name));
    begin_event();
    fmt::format_to(out, R"({{"ph":"M","pid":{},"tid":{},"name":"thread_sort_index","args":{{"sort_index":{}}}}})",
                   pid(track.section), index + 1, index + 1);
    stream_.drain();
  }
  for (std::size_t section = 0; section < used.size(); ++section) {
    if (used[section]) {
      begin_event();
      fmt::format_to(out, R"({{"ph":"M","pid":{},"name":"process_name","args":{{"name":{}}}}})", section + 1,
                     json_text(kSectionTitles.at(section)));
      begin_event();
      fmt::format_to(out, R"({{"ph":"M","pid":{},"name":"process_sort_index","args":{{"sort_index":{}}}}})",
                     section + 1, section + 1);
    }
  }
}

void Timeline::close() {
  if (closed_) {
    return;
  }
  settle();
  closed_ = true;
  const std::uint64_t now = std::max(clock_.now_ps(), step_);
  for (std::size_t index = 0; index < tracks_.size(); ++index) {
    const Track& track = tracks_[index];
    if (!track.label.empty() && track.since < now) {
      write_slice(index, track.label, track.since, now);
    }
  }
  write_tracks();
  fmt::format_to(std::back_inserter(stream_.buffer()), "\n]}}\n");
  stream_.commit();
}

}  // namespace chronotile::traces
