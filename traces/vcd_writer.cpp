#include "traces/vcd_writer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <systemc>
#include <utility>

#include "traces/labels.hpp"
#include "traces/scope_filter.hpp"

namespace chronotile::traces {
namespace {

constexpr std::size_t kBatch = 8192;  // changes that gather before some are written
constexpr std::size_t kTrains = 128;  // vectors of pulses, likewise
constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr std::uint64_t kPsPerNs = 1000;

std::uint64_t pattern(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

double number(std::uint64_t bits) {
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

std::uint64_t ps(double ns) {
  return ns > 0 ? static_cast<std::uint64_t>(std::llround(ns * static_cast<double>(kPsPerNs))) : 0;
}

void append(fmt::memory_buffer& out, std::string_view text) { out.append(text.data(), text.data() + text.size()); }

using ByteDigits = std::array<char, 8>;

constexpr std::array<ByteDigits, 256> byte_digits() {
  std::array<ByteDigits, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (unsigned digit = 0; digit < 8; ++digit) {
      table[byte][digit] = static_cast<char>('0' + (byte >> (7U - digit) & 1U));
    }
  }
  return table;
}

/// Writes the binary digits without leading zeros, at most 64 a word, and returns their end.
char* write_binary(char* to, const std::uint64_t* words, std::size_t count) {
  static constexpr std::array<ByteDigits, 256> kDigits = byte_digits();
  std::size_t byte = count * 8;
  const auto value_of = [words](std::size_t index) { return words[index / 8] >> index % 8 * 8 & 0xffU; };
  do {
    --byte;
  } while (byte > 0 && value_of(byte) == 0);
  const ByteDigits& leading = kDigits[value_of(byte)];
  std::size_t skip = 0;
  while (skip < 7 && leading[skip] == '0') {
    ++skip;
  }
  to = std::copy(leading.begin() + skip, leading.end(), to);
  while (byte-- > 0) {
    const ByteDigits& digits = kDigits[value_of(byte)];
    std::memcpy(to, digits.data(), digits.size());
    to += digits.size();
  }
  return to;
}

/// A string value must not contain white space; GTKWave decodes C escapes.
void append_escaped(fmt::memory_buffer& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || c == '\\') {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    } else {
      out.push_back(c);
    }
  }
}

std::string without_spaces(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c <= 0x20 || c == 0x7f; }, '_');
  return text;
}

}  // namespace

struct VcdWriter::Scope {
  std::vector<std::pair<std::string, std::unique_ptr<Scope>>> children;  // in order of appearance
  std::unordered_map<std::string, Scope*> index;
  std::vector<std::uint32_t> variables;

  Scope& child(const std::string& name) {
    Scope*& found = index[name];
    if (found == nullptr) {
      children.emplace_back(name, std::make_unique<Scope>());
      found = children.back().second.get();
    }
    return *found;
  }
};

VcdWriter::VcdWriter(VcdConfig config)
    : config_(std::move(config)),
      clock_(config_.now_ps),
      stream_(config_.path),
      selected_(scope_filter(config_.scope)),
      flush_changes_(kBatch),
      flush_trains_(kTrains),
      start_ps_(clock_.now_ps()),
      flushed_until_(start_ps_) {
  changes_.reserve(kBatch + 1);
}

probe::Id VcdWriter::declare(const probe::Signal& signal) {
  if (header_written_ || clock_.now_ps() > start_ps_) {
    throw std::logic_error(signal.scope + "." + signal.name + ": declared to the VCD writer after simulation began");
  }
  const bool selected = selected_(signal.scope + "." + signal.name);
  scope_matches_ += selected ? 1U : 0U;
  if (signal.detail == probe::Detail::kScoped && !selected) {
    return probe::kUnwatched;
  }
  switch (signal.kind) {
    case probe::Kind::kReal:
      return add_variable(signal, "", VcdType::kReal, 64);
    case probe::Kind::kText:
      return add_variable(signal, "", VcdType::kString, 1);
    case probe::Kind::kEvent: {
      const std::uint32_t event = add_variable(signal, "", VcdType::kEvent, 1);
      add_variable(signal, "_label", VcdType::kString, 1);
      return event;
    }
    case probe::Kind::kBits:
      break;
  }
  if (signal.bits < 1 || signal.bits > kMaxWires) {
    throw std::logic_error(
        fmt::format("{}.{}: {} bits, but 1 to {} can be traced", signal.scope, signal.name, signal.bits, kMaxWires));
  }
  if (signal.bits <= 64) {
    return add_variable(signal, "", VcdType::kWire, signal.bits);
  }
  const std::uint32_t busy = add_variable(signal, "_busy", VcdType::kWire, 1);
  if (selected) {
    add_variable(signal, "", VcdType::kWire, signal.bits);
    add_variable(signal, "_active", VcdType::kWire, 10);
  }
  states_[busy].pulses = pulse_states_.size();
  if (selected) {
    states_[busy + 1].pulses = pulse_states_.size();
  }
  PulseState state{};
  state.variable = busy;
  state.expanded = selected;
  state.wires = signal.bits;
  pulse_states_.push_back(state);
  horizon_ps_ = ps(config_.reorder_ns);
  return busy;
}

std::uint32_t VcdWriter::add_variable(const probe::Signal& signal, const std::string& suffix, VcdType type, int bits) {
  VcdVariable variable;
  variable.scope = without_spaces(signal.scope);
  variable.name = without_spaces(signal.name) + suffix;
  variable.type = type;
  variable.bits = bits;
  variable.doc = signal.doc;
  if (!names_.insert(variable.scope + "." + variable.name).second) {
    throw std::logic_error(variable.scope + "." + variable.name + ": declared twice to the VCD writer");
  }
  constexpr std::size_t kBase = 94;  // printable characters, from '!'
  State state;
  std::size_t rest = variables_.size();
  do {
    state.code.at(state.code_length++) = static_cast<char>('!' + rest % kBase);
    rest /= kBase;
  } while (rest-- > 0);
  states_.push_back(state);
  variables_.push_back(std::move(variable));
  return static_cast<std::uint32_t>(variables_.size() - 1);
}

void VcdWriter::bits(probe::Id id, std::uint64_t value) {
  if (states_[id].pulses == kNoPulses) {
    const int bits = variables_[id].bits;
    record(id, bits < 64 ? value & ((std::uint64_t{1} << static_cast<unsigned>(bits)) - 1) : value);
  }
}

void VcdWriter::real(probe::Id id, double value) { record(id, pattern(value)); }

void VcdWriter::text(probe::Id id, const char* value) {
  std::uint64_t index = intern(value);
  if (variables_[id].type == VcdType::kEvent) {
    const State& state = states_[id];
    const std::uint64_t now = clock_.now_ps();
    if (state.latest_time == now) {
      index = intern(with_label(texts_[state.latest], value));
    } else if (now == start_ps_ && *value == '\0') {
      return;  // an initial value, no event
    }
  }
  record(id, index);
}

std::uint64_t VcdWriter::intern(std::string_view text) {
  const auto found = text_index_.find(text);
  if (found != text_index_.end()) {
    return found->second;
  }
  texts_.emplace_back(text);
  text_index_.emplace(texts_.back(), texts_.size() - 1);
  return texts_.size() - 1;
}

void VcdWriter::record(std::uint32_t variable, std::uint64_t payload) {
  if (closed_) {
    return;
  }
  const std::uint64_t now = clock_.now_ps();
  State& state = states_[variable];
  if (state.latest_time == now) {
    changes_[state.latest_number - first_number_].payload = payload;
    state.latest = payload;
    return;
  }
  if (state.latest_time != kNever && state.latest == payload && variables_[variable].type != VcdType::kEvent) {
    return;
  }
  if (changes_.size() >= flush_changes_) {
    flush_later(now);
  }
  state.latest = payload;
  state.latest_time = now;
  state.latest_number = first_number_ + changes_.size();
  changes_.push_back({now, payload, variable});
}

void VcdWriter::flush_later(std::uint64_t now) {
  flush(now > horizon_ps_ ? now - horizon_ps_ : 0);
  flush_changes_ = std::max(kBatch, 2 * changes_.size());  // what has to wait is not looked at again and again
  flush_trains_ = std::max(kTrains, 2 * heap_.size());
}

void VcdWriter::pulses(probe::Id id, double lead_ns, const double* durations_ns, std::size_t stride, int wires) {
  if (closed_) {
    return;
  }
  const std::size_t index = states_[id].pulses;
  if (index == kNoPulses) {
    throw std::logic_error(variables_[id].scope + "." + variables_[id].name +
                           ": pulses need a signal of more than 64 bits");
  }
  const PulseState& state = pulse_states_[index];
  if (heap_.size() >= flush_trains_) {
    flush_later(clock_.now_ps());
  }
  if (free_trains_.empty()) {
    free_trains_.push_back(trains_.size());
    trains_.emplace_back();
  }
  Train& train = trains_[free_trains_.back()];
  train.pulses = index;
  train.risen = false;
  train.next_fall = 0;
  train.falls.clear();
  const std::uint64_t lead = ps(lead_ns);
  train.lead = std::max(lead, flushed_until_);
  bool late = false;
  std::uint64_t last = 0;
  for (int wire = 0; wire < std::min(wires, state.wires); ++wire) {
    const double duration = durations_ns[static_cast<std::size_t>(wire) * stride];
    const std::uint64_t fall = duration > 0 ? ps(lead_ns + duration) : 0;
    if (fall <= lead) {
      continue;  // no pulse
    }
    late = late || lead < flushed_until_;
    if (fall <= train.lead) {
      continue;  // all of it lies in what has been written
    }
    last = std::max(last, fall);
    if (state.expanded) {
      train.falls.push_back(fall << 9U | static_cast<std::uint64_t>(wire));
    }
  }
  if (late && late_++ == 0) {
    SC_REPORT_WARNING("/chronotile/traces/vcd",
                      fmt::format("{}.{}: pulses were reported more than {} ns after their leading edge and appear too "
                                  "late, or not, in {}; set a longer reorder_ns",
                                  variables_[id].scope, variables_[id].name, config_.reorder_ns, path().string())
                          .c_str());
  }
  if (last == 0) {
    return;
  }
  if (state.expanded) {
    std::sort(train.falls.begin(), train.falls.end());
  } else {
    train.falls.push_back(last << 9U);
  }
  heap_.push_back(free_trains_.back());
  free_trains_.pop_back();
  std::push_heap(heap_.begin(), heap_.end(),
                 [this](std::size_t a, std::size_t b) { return trains_[a].time() > trains_[b].time(); });
}

void VcdWriter::advance_trains(std::uint64_t time) {
  const auto later = [this](std::size_t a, std::size_t b) { return trains_[a].time() > trains_[b].time(); };
  while (!heap_.empty() && trains_[heap_.front()].time() == time) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const std::size_t index = heap_.back();
    Train& train = trains_[index];
    PulseState& state = pulse_states_[train.pulses];
    if (!state.touched) {
      state.touched = true;
      touched_.push_back(train.pulses);
    }
    if (!train.risen) {
      train.risen = true;
      for (const std::uint64_t fall : train.falls) {
        const std::size_t wire = fall & 511U;
        if (state.drivers.at(wire)++ == 0) {
          state.high.at(wire / 64) |= std::uint64_t{1} << wire % 64;
          ++state.active;
        }
      }
    } else {
      for (; train.next_fall < train.falls.size() && train.falls[train.next_fall] >> 9U == time; ++train.next_fall) {
        const std::size_t wire = train.falls[train.next_fall] & 511U;
        if (--state.drivers.at(wire) == 0) {
          state.high.at(wire / 64) &= ~(std::uint64_t{1} << wire % 64);
          --state.active;
        }
      }
    }
    if (train.next_fall == train.falls.size()) {
      heap_.pop_back();
      free_trains_.push_back(index);
    } else {
      std::push_heap(heap_.begin(), heap_.end(), later);
    }
  }
}

void VcdWriter::flush(std::uint64_t bound) {
  if (bound <= start_ps_) {
    return;
  }
  if (!header_written_) {
    write_header();
  }
  const auto by_variable = [](const Change& a, const Change& b) { return a.variable < b.variable; };
  std::size_t first = 0;
  while (!changes_.empty() || !heap_.empty()) {
    const std::uint64_t change_time = first < changes_.size() ? changes_[first].time : kNever;
    const std::uint64_t pulse_time = heap_.empty() ? kNever : trains_[heap_.front()].time();
    const std::uint64_t time = std::min(change_time, pulse_time);
    if (time >= bound || time == kNever) {
      break;
    }
    std::size_t last = first;
    while (last < changes_.size() && changes_[last].time == time) {
      ++last;
    }
    if (pulse_time != time) {
      if (last - first > 1) {
        std::sort(changes_.begin() + static_cast<std::ptrdiff_t>(first),
                  changes_.begin() + static_cast<std::ptrdiff_t>(last), by_variable);
      }
      for (; first < last; ++first) {
        write_change(time, changes_[first].variable, changes_[first].payload);
      }
    } else {
      merged_.assign(changes_.begin() + static_cast<std::ptrdiff_t>(first),
                     changes_.begin() + static_cast<std::ptrdiff_t>(last));
      first = last;
      advance_trains(time);
      collect_pulse_changes();
      std::sort(merged_.begin(), merged_.end(), by_variable);
      for (const Change& change : merged_) {
        write_change(time, change.variable, change.payload);
      }
    }
    stream_.drain();
  }
  if (first > 0) {
    changes_.erase(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(first));
    first_number_ += first;
  }
  flushed_until_ = std::max(flushed_until_, bound);
}

void VcdWriter::collect_pulse_changes() {
  for (const std::size_t index : touched_) {
    PulseState& state = pulse_states_[index];
    state.touched = false;
    merged_.push_back({0, state.active > 0 ? 1U : 0U, state.variable});
    if (state.expanded) {
      if (state.high != state.written) {
        state.written = state.high;
        ++state.version;
      }
      merged_.push_back({0, state.version, state.variable + 1});
      merged_.push_back({0, static_cast<std::uint64_t>(state.active), state.variable + 2});
    }
  }
  touched_.clear();
}

void VcdWriter::write_header() {
  header_written_ = true;
  fmt::memory_buffer& out = stream_.buffer();
  append(out, "$version Chronotile $end\n");
  if (!config_.title.empty()) {
    std::string title = config_.title;
    for (std::size_t at = title.find("$end"); at != std::string::npos; at = title.find("$end")) {
      title.erase(at, 1);
    }
    fmt::format_to(std::back_inserter(out), "$comment {} $end\n", title);
  }
  append(out, "$timescale 1 ps $end\n");

  Scope root;
  for (std::uint32_t variable = 0; variable < variables_.size(); ++variable) {
    Scope* scope = &root;
    std::string_view rest = variables_[variable].scope;
    while (!rest.empty()) {
      const std::size_t dot = std::min(rest.find('.'), rest.size());
      scope = &scope->child(std::string(rest.substr(0, dot)));
      rest.remove_prefix(std::min(dot + 1, rest.size()));
    }
    scope->variables.push_back(variable);
  }
  write_scope(root);
  append(out, "$enddefinitions $end\n");

  std::size_t initial = 0;
  while (initial < changes_.size() && changes_[initial].time == start_ps_) {
    State& state = states_[changes_[initial].variable];
    state.written = changes_[initial].payload;
    state.has_written = true;
    ++initial;
  }
  fmt::format_to(std::back_inserter(out), "#{}\n$dumpvars\n", start_ps_);
  written_until_ = start_ps_;
  for (const PulseState& pulse : pulse_states_) {
    for (std::uint32_t variable = pulse.variable; variable < pulse.variable + (pulse.expanded ? 3U : 1U); ++variable) {
      states_[variable].has_written = true;
    }
  }
  std::vector<std::uint32_t> events;
  for (std::uint32_t variable = 0; variable < variables_.size(); ++variable) {
    const VcdVariable& description = variables_[variable];
    const State& state = states_[variable];
    if (description.type == VcdType::kEvent) {
      if (state.has_written) {
        events.push_back(variable);
        states_[variable + 1].written = state.written;
        states_[variable + 1].has_written = true;
      }
    } else if (state.has_written) {
      write_value(variable, state.written);
    } else if (description.type == VcdType::kWire) {
      append(out, description.bits == 1 ? "x" : "bx ");
      write_code(variable);
    } else if (description.type == VcdType::kString) {
      append(out, "s ");  // GTKWave shows a string without a value in red
      write_code(variable);
    }
  }
  append(out, "$end\n");
  for (const std::uint32_t variable : events) {
    append(out, "1");
    write_code(variable);
  }
  changes_.erase(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(initial));
  first_number_ += initial;
}

void VcdWriter::write_scope(const Scope& scope) {
  const auto out = std::back_inserter(stream_.buffer());
  for (const std::uint32_t variable : scope.variables) {
    const VcdVariable& v = variables_[variable];
    const State& state = states_[variable];
    const std::string_view code(state.code.data(), state.code_length);
    switch (v.type) {
      case VcdType::kWire:
        if (v.bits == 1) {
          fmt::format_to(out, "$var wire 1 {} {} $end\n", code, v.name);
        } else {
          fmt::format_to(out, "$var wire {} {} {} [{}:0] $end\n", v.bits, code, v.name, v.bits - 1);
        }
        break;
      case VcdType::kReal:
        fmt::format_to(out, "$var real 64 {} {} $end\n", code, v.name);
        break;
      case VcdType::kString:
        fmt::format_to(out, "$var string 1 {} {} $end\n", code, v.name);
        break;
      case VcdType::kEvent:
        fmt::format_to(out, "$var event 1 {} {} $end\n", code, v.name);
        break;
    }
  }
  for (const auto& [name, child] : scope.children) {
    fmt::format_to(out, "$scope module {} $end\n", name);
    write_scope(*child);
    fmt::format_to(out, "$upscope $end\n");
  }
}

void VcdWriter::write_change(std::uint64_t time, std::uint32_t variable, std::uint64_t payload) {
  State& state = states_[variable];
  VcdVariable& description = variables_[variable];
  const bool event = description.type == VcdType::kEvent;
  if (!event && state.has_written && state.written == payload) {
    return;
  }
  if (time != written_until_) {
    fmt::memory_buffer& out = stream_.buffer();
    const fmt::format_int digits(time);
    out.push_back('#');
    out.append(digits.data(), digits.data() + digits.size());
    out.push_back('\n');
    written_until_ = time;
  }
  state.written = payload;
  state.has_written = true;
  ++description.changes;
  if (event) {
    append(stream_.buffer(), "1");
    write_code(variable);
    write_change(time, variable + 1, payload);
  } else {
    write_value(variable, payload);
  }
}

void VcdWriter::write_value(std::uint32_t variable, std::uint64_t payload) {
  fmt::memory_buffer& out = stream_.buffer();
  const VcdVariable& description = variables_[variable];
  switch (description.type) {
    case VcdType::kReal:
      fmt::format_to(std::back_inserter(out), "r{} ", number(payload));
      break;
    case VcdType::kString:
      out.push_back('s');
      append_escaped(out, texts_[payload]);
      out.push_back(' ');
      break;
    case VcdType::kEvent:
      break;
    case VcdType::kWire:
      if (description.bits == 1) {
        out.push_back(static_cast<char>('0' + (payload & 1U)));
      } else {
        const State& state = states_[variable];
        const std::size_t start = out.size();
        out.resize(start + kMaxWires + 8);
        char* to = out.data() + start;
        *to++ = 'b';
        if (state.pulses != kNoPulses) {
          const Words& high = pulse_states_[state.pulses].high;
          to = write_binary(to, high.data(), high.size());
        } else {
          to = write_binary(to, &payload, 1);
        }
        *to++ = ' ';
        to = std::copy_n(state.code.data(), state.code_length, to);
        *to++ = '\n';
        out.resize(static_cast<std::size_t>(to - out.data()));
        return;
      }
      break;
  }
  write_code(variable);
}

void VcdWriter::write_code(std::uint32_t variable) {
  const State& state = states_[variable];
  fmt::memory_buffer& out = stream_.buffer();
  append(out, std::string_view(state.code.data(), state.code_length));
  out.push_back('\n');
}

void VcdWriter::close() {
  if (closed_) {
    return;
  }
  const std::uint64_t now = clock_.now_ps();
  flush(kAll);
  closed_ = true;
  if (now > written_until_) {
    fmt::format_to(std::back_inserter(stream_.buffer()), "#{}\n", now);
    written_until_ = now;
  }
  stream_.commit();
}

}  // namespace chronotile::traces
