#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// The interface through which observers (VCD, timeline, statistics) see the models. Models own it; they never
/// include the observers. Without an observer a probe costs one test of a pointer per change, and nothing per idle
/// signal; built with CHRONOTILE_TRACING=OFF it costs nothing.
namespace chronotile::probe {

enum class Kind : std::uint8_t { kBits, kReal, kText, kEvent };

/// In which traces a signal appears unless a scope asks for it by name.
enum class Detail : std::uint8_t { kDefault, kScoped };

struct Signal {
  std::string scope;  ///< full name of the module
  std::string name;   ///< within the module
  Kind kind = Kind::kBits;
  int bits = 1;  ///< kBits: 1..512
  Detail detail = Detail::kDefault;
  std::string doc;  ///< meaning and unit
};

using Id = std::uint32_t;
inline constexpr Id kUnwatched = 0xffffffffU;

/// What an observer implements. Times are those of the simulation kernel at the call.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;
  /// Called before simulation starts; kUnwatched declines.
  virtual Id declare(const Signal& signal) = 0;
  virtual void bits(Id id, std::uint64_t value) = 0;
  virtual void real(Id id, double value) = 0;
  virtual void text(Id id, const char* value) = 0;  ///< short names, for example a phase; kEvent: the event's label
  /// Pulses of one vector on `wires` wires, known when they are over: leading edge and durations (lane 0), both in ns.
  virtual void pulses(Id id, double lead_ns, const double* durations_ns, std::size_t stride, int wires) = 0;
};

/// One traced value of a model. Keeps its last value so that only changes are passed on.
class Probe {
 public:
  void declare(Observer& observer, const Signal& signal) {
#ifdef CHRONOTILE_TRACING
    const Id id = observer.declare(signal);
    if (id != kUnwatched) {
      observer_ = &observer;
      id_ = id;
    }
#else
    (void)observer, (void)signal;
#endif
  }

#ifdef CHRONOTILE_TRACING
  [[nodiscard]] bool watched() const { return observer_ != nullptr; }
#else
  [[nodiscard]] static constexpr bool watched() { return false; }
#endif

  void bits([[maybe_unused]] std::uint64_t value) {
#ifdef CHRONOTILE_TRACING
    if (observer_ != nullptr && value != last_) {
      last_ = value;
      observer_->bits(id_, value);
    }
#endif
  }
  void real([[maybe_unused]] double value) {
#ifdef CHRONOTILE_TRACING
    if (observer_ != nullptr) {
      observer_->real(id_, value);
    }
#endif
  }
  void text([[maybe_unused]] const char* value) {
#ifdef CHRONOTILE_TRACING
    if (observer_ != nullptr) {
      observer_->text(id_, value);
    }
#endif
  }
  void pulses([[maybe_unused]] double lead_ns, [[maybe_unused]] const double* durations_ns,
              [[maybe_unused]] std::size_t stride, [[maybe_unused]] int wires) {
#ifdef CHRONOTILE_TRACING
    if (observer_ != nullptr) {
      observer_->pulses(id_, lead_ns, durations_ns, stride, wires);
    }
#endif
  }

 private:
#ifdef CHRONOTILE_TRACING
  Observer* observer_ = nullptr;
  Id id_ = kUnwatched;
  std::uint64_t last_ = ~std::uint64_t{0};
#endif
};

/// A module with probes. `attach` declares them; several observers are combined by the caller (one observer that
/// forwards). Called once, after elaboration and before simulation; must declare initial values by setting them.
class Traceable {
 public:
  Traceable() = default;
  Traceable(const Traceable&) = delete;
  Traceable& operator=(const Traceable&) = delete;
  virtual ~Traceable() = default;
  virtual void attach(Observer& observer) = 0;
};

}  // namespace chronotile::probe
