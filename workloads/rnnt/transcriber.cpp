#include "workloads/rnnt/transcriber.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "platform/host/digital_unit.hpp"

namespace chronotile::rnnt {
namespace {

using Vector = std::vector<double>;
using host::kNever_ns;
using host::MatrixPort;

[[noreturn]] void refuse(const std::string& problem) {
  throw std::invalid_argument("chronotile::rnnt::Transcriber: " + problem);
}

const MatrixPort& port_of(const host::MatrixPorts& ports, const std::string& name) {
  const auto found = ports.find(name);
  if (found == ports.end()) {
    refuse(fmt::format("there is no port of matrix {}", name));
  }
  return found->second;
}

void require(const std::string& name, const MatrixPort& port, std::size_t inputs, std::size_t outputs) {
  if (port.inputs != inputs || port.outputs != outputs) {
    refuse(
        fmt::format("the port of {} is {} x {}, the matrix {} x {}", name, port.inputs, port.outputs, inputs, outputs));
  }
}

/// State of an LSTM layer.
struct Cell {
  explicit Cell(const LstmLayer& weights) : layer(&weights), c(weights.units, 0.0), h(weights.units, 0.0) {}

  void advance(host::DigitalUnit& digital, const double* gates) {
    digital.lstm_cell(gates, layer->bias.data(), layer->units, c.data(), h.data());
  }

  const LstmLayer* layer;
  Vector c;
  Vector h;
};

}  // namespace

/// The five layers, each at a frame of its own.
class Transcriber::Encoder {
 public:
  Encoder(const Network& network, const host::MatrixPorts& ports, Vector features, bool keep_outputs)
      : network_(network), features_(std::move(features)), keep_outputs_(keep_outputs) {
    if (features_.size() % network.sizes.inputs != 0) {
      refuse(fmt::format("{} features are no whole frames of {}", features_.size(), network.sizes.inputs));
    }
    frames_ = features_.size() / network.sizes.inputs;
    for (std::size_t k = 0; k < kEncoderLayers; ++k) {
      const std::string name = fmt::format("enc_lstm{}", k);
      const LstmLayer& layer = network.encoder[k];
      const MatrixPort& port = port_of(ports, name);
      require(name, port, layer.inputs + layer.units, layer.gates());
      layers_.emplace_back(layer, port, k < 2 ? frames_ : stacked_frames(frames_));
    }
  }

  [[nodiscard]] std::size_t frames() const noexcept { return frames_; }
  [[nodiscard]] std::size_t output_frames() const noexcept { return layers_.back().available_ns.size(); }
  [[nodiscard]] double output_available_ns(std::size_t frame) const { return layers_.back().available_ns[frame]; }
  [[nodiscard]] const std::vector<Vector>& outputs() const noexcept { return layers_.back().outputs; }

  /// Output `frame` of the last layer into `out`; nobody asks for it again.
  void take_output(std::size_t frame, double* out) {
    Vector& output = layers_.back().outputs[frame];
    std::copy(output.begin(), output.end(), out);
    if (!keep_outputs_) {
      Vector().swap(output);
    }
  }

  bool prepare(std::uint32_t chip, double now_ns, double* inputs) {
    std::array<bool, kEncoderLayers> works{};  // all of them before any begins: one may wait for another
    for (std::size_t k = 0; k < layers_.size(); ++k) {
      works[k] = layers_[k].port.chip == chip && ready_ns(k) <= now_ns;
    }
    for (std::size_t k = 0; k < layers_.size(); ++k) {
      if (works[k]) {
        Layer& layer = layers_[k];
        double* const x = inputs + layer.port.first_input;
        write_input(k, layer.next, x);
        std::copy(layer.cell.h.begin(), layer.cell.h.end(), x + layer.cell.layer->inputs);
        layer.busy = true;
      }
    }
    return std::any_of(works.begin(), works.end(), [](bool work) { return work; });
  }

  void complete(std::uint32_t chip, double available_ns, const double* outputs) {
    for (Layer& layer : layers_) {
      if (layer.port.chip == chip && layer.busy) {
        layer.cell.advance(digital_, outputs + layer.port.first_output);
        layer.outputs[layer.next] = layer.cell.h;
        layer.available_ns[layer.next] = available_ns;
        layer.free_ns = available_ns;
        layer.busy = false;
        ++layer.next;
      }
    }
  }

  [[nodiscard]] double ready_ns(std::uint32_t chip) const {
    double earliest = kNever_ns;
    for (std::size_t k = 0; k < layers_.size(); ++k) {
      if (layers_[k].port.chip == chip) {
        earliest = std::min(earliest, ready_ns(k));
      }
    }
    return earliest;
  }

  [[nodiscard]] bool finished(std::uint32_t chip) const {
    return std::all_of(layers_.begin(), layers_.end(), [chip](const Layer& layer) {
      return layer.port.chip != chip || layer.next == layer.outputs.size();
    });
  }

  [[nodiscard]] std::uint64_t operations() const noexcept { return digital_.operations(); }

 private:
  struct Layer {
    Layer(const LstmLayer& weights, const MatrixPort& at, std::size_t frames)
        : port(at), cell(weights), outputs(frames), available_ns(frames, kNever_ns) {}

    MatrixPort port;
    Cell cell;
    std::vector<Vector> outputs;  ///< by frame; emptied when the next layer has taken them
    Vector available_ns;          ///< by frame
    std::size_t next = 0;         ///< frame in the step, or to go in next
    bool busy = false;            ///< a step is under way
    double free_ns = 0;           ///< when h of the last frame was back
  };

  /// When layer `k` can start its next frame. A layer on the chip of the one before goes into the steps of that one's
  /// next frames, as long as there are any: a step with both costs the chip no more than one with either.
  [[nodiscard]] double ready_ns(std::size_t k) const {
    const bool together = k > 0 && layers_[k - 1].port.chip == layers_[k].port.chip &&
                          layers_[k - 1].next < layers_[k - 1].outputs.size();
    return together ? std::max(able_ns(k), ready_ns(k - 1)) : able_ns(k);
  }

  /// When the inputs of layer `k`'s next frame are there.
  [[nodiscard]] double able_ns(std::size_t k) const {
    const Layer& layer = layers_[k];
    const std::size_t t = layer.next;
    if (layer.busy || t == layer.outputs.size()) {
      return kNever_ns;
    }
    double input_ns = 0;
    if (k == 2) {
      const Vector& before = layers_[1].available_ns;
      input_ns = std::max(before[2 * t], before[std::min(2 * t + 1, before.size() - 1)]);
    } else if (k > 0) {
      input_ns = layers_[k - 1].available_ns[t];
    }
    return std::max(input_ns, layer.free_ns);
  }

  void write_input(std::size_t k, std::size_t t, double* x) {
    if (k == 0) {
      write_features(t, x);
    } else if (k == 2) {
      move_output(1, 2 * t, x);
      if (2 * t + 1 < frames_) {
        move_output(1, 2 * t + 1, x + network_.sizes.encoder);
      }
    } else {
      move_output(k - 1, t, x);
    }
  }

  void write_features(std::size_t t, double* x) {
    const double* const frame = features_.data() + t * network_.sizes.inputs;
    const std::size_t count = network_.encoder_inputs();
    if (network_.expanded_inputs > 0) {
      digital_.multiply(network_.expansion.data(), count, network_.sizes.inputs, frame, x);
    } else {
      std::copy(frame, frame + count, x);
    }
    std::transform(x, x + count, x, [this](double value) { return value / network_.input_full_scale; });
  }

  void move_output(std::size_t k, std::size_t t, double* x) {
    Vector& output = layers_[k].outputs[t];
    std::copy(output.begin(), output.end(), x);
    Vector().swap(output);
  }

  const Network& network_;
  Vector features_;
  bool keep_outputs_;
  std::size_t frames_ = 0;
  std::vector<Layer> layers_;
  host::DigitalUnit digital_;
};

/// Prediction network, joint and greedy decisions. Decisions are worked out as soon as all they need is known, with the
/// time at which they happen, which may lie ahead; only times decide what happens when.
class Transcriber::Decoder {
 public:
  Decoder(const Network& network, const host::MatrixPorts& ports, Encoder& encoder, const TranscriberOptions& options)
      : network_(network),
        encoder_(encoder),
        options_(options),
        lstm0_(port_of(ports, "dec_lstm0")),
        lstm1_(port_of(ports, "dec_lstm1")),
        joint_(port_of(ports, "joint")),
        first_(network.prediction[0]),
        second_(network.prediction[1]),
        frames_(encoder.output_frames()),
        from_encoder_(frames_),
        from_encoder_ns_(frames_, kNever_ns),
        logits_(kOutputs) {
    if (!(options.decoder_step_ns > 0.0) || options.evaluations_per_step == 0) {
      refuse("the decoder needs a step of more than 0 ns and at least one evaluation in each");
    }
    const std::size_t units = network.sizes.prediction;
    copies_ = lstm0_.inputs < units ? 0 : (lstm0_.inputs - units) / kSymbols;
    require("dec_lstm0", lstm0_, std::max<std::size_t>(copies_, 1) * kSymbols + units, 4 * units);
    require("dec_lstm1", lstm1_, 2 * units, 4 * units);
    require("joint", joint_, network.joint_first.inputs, network.joint_first.outputs);
    if (lstm0_.chip != lstm1_.chip || lstm0_.chip != joint_.chip) {
      refuse("dec_lstm0, dec_lstm1 and joint must stand on one chip");
    }
    if (frames_ == 0) {
      wait_for(Phase::kDone, 0.0);
    }
  }

  [[nodiscard]] std::uint32_t chip() const noexcept { return joint_.chip; }

  bool prepare(double now_ns, double* inputs) {
    const bool joint_wanted = phase_ == Phase::kJoint && phase_ready_ns_ <= now_ns;
    const bool frame_waits = frame_ready_ns() <= now_ns;
    const bool frame_needed = next_frame_ == frame_;  // it is the one being decoded
    encoding_ = frame_waits && (!joint_wanted || frame_needed);
    predicting_ = phase_ready_ns_ <= now_ns && !(encoding_ && phase_ == Phase::kJoint);
    if (encoding_) {
      encoder_.take_output(next_frame_, inputs + joint_.first_input);
    }
    if (predicting_) {
      write_prediction(inputs);
    }
    return encoding_ || predicting_;
  }

  void complete(double available_ns, const double* outputs) {
    if (encoding_) {
      const double* const y = outputs + joint_.first_output;
      from_encoder_[next_frame_].assign(y, y + joint_.outputs);
      from_encoder_ns_[next_frame_] = available_ns;
      ++next_frame_;
    }
    if (predicting_) {
      take_prediction(available_ns, outputs);
    }
    encoding_ = false;
    predicting_ = false;
    decide();
  }

  [[nodiscard]] double ready_ns() const {
    if (encoding_ || predicting_) {
      return kNever_ns;
    }
    return std::min(phase_ready_ns_, frame_ready_ns());
  }
  [[nodiscard]] bool finished() const noexcept { return phase_ == Phase::kDone; }
  [[nodiscard]] double end_ns() const noexcept { return end_ns_; }
  [[nodiscard]] std::uint64_t operations() const noexcept { return digital_.operations(); }
  [[nodiscard]] const std::string& transcript() const noexcept { return transcript_; }
  [[nodiscard]] const Vector& symbol_times_ns() const noexcept { return symbol_times_ns_; }
  [[nodiscard]] std::size_t evaluations() const noexcept { return evaluations_; }
  [[nodiscard]] const std::vector<Vector>& kept_logits() const noexcept { return kept_logits_; }

 private:
  /// What the decoder waits for: a step of dec_lstm0 (A), of dec_lstm1 (B), of the joint (C), or an encoder part.
  enum class Phase { kLstm0, kLstm1, kJoint, kDeciding, kDone };

  void wait_for(Phase phase, double ready_ns) {
    phase_ = phase;
    phase_ready_ns_ = ready_ns;
    if (phase == Phase::kDeciding || phase == Phase::kDone) {
      phase_ready_ns_ = kNever_ns;
    }
  }

  [[nodiscard]] double frame_ready_ns() const {
    return next_frame_ < frames_ ? encoder_.output_available_ns(next_frame_) : kNever_ns;
  }

  void write_prediction(double* inputs) const {
    if (phase_ == Phase::kLstm0) {
      double* const x = inputs + lstm0_.first_input;
      if (!transcript_.empty()) {
        for (std::size_t copy = 0; copy < copies_; ++copy) {
          x[copy * kSymbols + last_symbol_] = 1.0;
        }
      }
      std::copy(first_.h.begin(), first_.h.end(), x + copies_ * kSymbols);
    } else if (phase_ == Phase::kLstm1) {
      double* const x = inputs + lstm1_.first_input;
      std::copy(second_.h.begin(), second_.h.end(), std::copy(first_.h.begin(), first_.h.end(), x));
    } else {
      std::copy(second_.h.begin(), second_.h.end(), inputs + joint_.first_input + network_.sizes.encoder);
    }
  }

  void take_prediction(double available_ns, const double* outputs) {
    if (phase_ == Phase::kLstm0) {
      first_.advance(digital_, outputs + lstm0_.first_output);
      wait_for(Phase::kLstm1, available_ns);
    } else if (phase_ == Phase::kLstm1) {
      second_.advance(digital_, outputs + lstm1_.first_output);
      wait_for(Phase::kJoint, available_ns);
    } else {
      const double* const y = outputs + joint_.first_output;
      from_prediction_.assign(y, y + joint_.outputs);
      digital_.add(from_prediction_.data(), network_.joint_first.bias.data(), joint_.outputs);
      from_prediction_ns_ = available_ns;
      wait_for(Phase::kDeciding, available_ns);
    }
  }

  /// Time of the next evaluation, which needs the prediction's part, the encoder's part and a place among those that
  /// are made at one time.
  double evaluation_ns() {
    double time_ns = std::max(from_prediction_ns_, from_encoder_ns_[frame_]);
    time_ns = std::max(time_ns, turn_ns_);
    if (time_ns == turn_ns_ && made_in_turn_ == options_.evaluations_per_step) {
      time_ns += options_.decoder_step_ns;
    }
    made_in_turn_ = time_ns == turn_ns_ ? made_in_turn_ + 1 : 1;
    turn_ns_ = time_ns;
    return time_ns;
  }

  void decide() {
    while (phase_ == Phase::kDeciding && from_encoder_ns_[frame_] < kNever_ns) {
      const double now_ns = evaluation_ns();
      const std::size_t symbol = evaluate();
      const bool blank = symbol == kBlank;
      if (!blank) {
        last_symbol_ = symbol;
        transcript_.push_back(kAlphabet[symbol]);
        symbol_times_ns_.push_back(now_ns);
        ++emitted_at_frame_;
        wait_for(Phase::kLstm0, now_ns);
      }
      if (blank || emitted_at_frame_ == kMostSymbolsPerFrame) {
        Vector().swap(from_encoder_[frame_]);
        ++frame_;
        emitted_at_frame_ = 0;
      }
      if (frame_ == frames_) {
        end_ns_ = now_ns;
        wait_for(Phase::kDone, now_ns);
      }
    }
  }

  /// The decision at the current frame.
  std::size_t evaluate() {
    const LinearLayer& last = network_.joint_last;
    hidden_.resize(joint_.outputs);
    digital_.add_relu(from_encoder_[frame_].data(), from_prediction_.data(), hidden_.size(), hidden_.data());
    digital_.multiply(last.weights.data(), last.outputs, last.inputs, hidden_.data(), logits_.data());
    digital_.add(logits_.data(), last.bias.data(), logits_.size());
    ++evaluations_;
    if (options_.keep_logits) {
      kept_logits_.push_back(logits_);
    }
    if (!options_.symbols) {
      return digital_.arg_max(logits_.data(), kOutputs);
    }
    const std::size_t symbol = digital_.arg_max(logits_.data(), kSymbols);
    return transcript_.size() * frames_ < *options_.symbols * (frame_ + 1) ? symbol : kBlank;
  }

  const Network& network_;
  Encoder& encoder_;
  TranscriberOptions options_;
  MatrixPort lstm0_;
  MatrixPort lstm1_;
  MatrixPort joint_;
  std::size_t copies_ = 0;  ///< of the one-hot symbol
  host::DigitalUnit digital_;

  Cell first_;
  Cell second_;
  Phase phase_ = Phase::kLstm0;
  double phase_ready_ns_ = 0;  ///< when the step that the phase waits for can start; kNever_ns if it waits for none
  Vector from_prediction_;     ///< G + b1
  double from_prediction_ns_ = 0;

  std::size_t frames_;
  std::vector<Vector> from_encoder_;  ///< F by frame; emptied when decoded
  Vector from_encoder_ns_;            ///< by frame
  std::size_t next_frame_ = 0;        ///< whose F is in the step, or to go in next
  bool encoding_ = false;             ///< the step under way holds an F
  bool predicting_ = false;           ///< the step under way holds the phase's

  std::size_t frame_ = 0;  ///< being decoded
  std::size_t emitted_at_frame_ = 0;
  std::size_t last_symbol_ = 0;
  double turn_ns_ = 0;  ///< time of the last evaluation, and how many were made then
  std::size_t made_in_turn_ = 0;
  Vector hidden_;
  Vector logits_;
  std::size_t evaluations_ = 0;
  std::vector<Vector> kept_logits_;
  std::string transcript_;
  Vector symbol_times_ns_;
  double end_ns_ = 0;
};

Transcriber::Transcriber(const Network& network, const host::MatrixPorts& ports, std::vector<double> features,
                         const TranscriberOptions& options)
    : encoder_(std::make_unique<Encoder>(network, ports, std::move(features), options.keep_encoder_outputs)),
      decoder_(std::make_unique<Decoder>(network, ports, *encoder_, options)) {}

Transcriber::~Transcriber() = default;

bool Transcriber::prepare(std::uint32_t chip, double now_ns, double* inputs) {
  const bool encoder = encoder_->prepare(chip, now_ns, inputs);
  const bool decoder = chip == decoder_->chip() && decoder_->prepare(now_ns, inputs);
  return encoder || decoder;
}

void Transcriber::complete(std::uint32_t chip, double available_ns, const double* outputs) {
  encoder_->complete(chip, available_ns, outputs);
  if (chip == decoder_->chip()) {
    decoder_->complete(available_ns, outputs);
  }
}

double Transcriber::ready_ns(std::uint32_t chip) const {
  const double encoder = encoder_->ready_ns(chip);
  return chip == decoder_->chip() ? std::min(encoder, decoder_->ready_ns()) : encoder;
}

bool Transcriber::finished(std::uint32_t chip) const {
  return encoder_->finished(chip) && (chip != decoder_->chip() || decoder_->finished());
}

double Transcriber::end_ns() const { return decoder_->end_ns(); }

std::uint64_t Transcriber::digital_operations() const { return encoder_->operations() + decoder_->operations(); }

const std::string& Transcriber::transcript() const noexcept { return decoder_->transcript(); }

const std::vector<double>& Transcriber::symbol_times_ns() const noexcept { return decoder_->symbol_times_ns(); }

std::size_t Transcriber::frames() const noexcept { return encoder_->frames(); }

std::size_t Transcriber::joint_evaluations() const noexcept { return decoder_->evaluations(); }

const std::vector<std::vector<double>>& Transcriber::encoder_outputs() const noexcept { return encoder_->outputs(); }

const std::vector<std::vector<double>>& Transcriber::logits() const noexcept { return decoder_->kept_logits(); }

}  // namespace chronotile::rnnt
