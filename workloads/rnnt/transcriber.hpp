#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/host/stream.hpp"
#include "workloads/rnnt/network.hpp"

namespace chronotile::rnnt {

struct TranscriberOptions {
  /// Time between steps of the decoder's chip, host included.
  double decoder_step_ns = 1800;
  /// Joint evaluations that the digital unit fits in after one step (an assumption: in its 0.3 us).
  std::size_t evaluations_per_step = 4;
  /// Decisions are forced, for speed runs with random weights: after frame t of T', ceil(symbols * (t + 1) / T')
  /// symbols have been emitted (as far as the limit per frame allows); which ones, the logits say.
  std::optional<std::size_t> symbols;
  bool keep_encoder_outputs = false;
  bool keep_logits = false;
};

/// One utterance on its way through the network: features in, transcript out. The chips multiply; everything else
/// happens in here, in the digital unit.
///
/// Inputs of the matrices: enc_lstm0 [x or M x, over input_full_scale; h]; enc_lstm1 [h of 0; h]; enc_lstm2 [two
/// successive h of 1, zeros past an odd end; h]; enc_lstm3 and 4 [h of the layer before; h]; dec_lstm0 [copies of a
/// one-hot of 28, as many as the port has room for; h], where the matrix holds the merged decoder input, each copy a
/// share; dec_lstm1 [h of 0; h]; joint [f; g]. Outputs are W x without biases.
///
/// A frame of a layer can start when its input and the layer's own previous frame are available; a layer on the chip of
/// the one before waits for that one's next frame, so that both share a step. All matrices of a chip that are ready
/// work in the same step. The prediction network takes three steps for each symbol and once at the
/// start: A (dec_lstm0), B (dec_lstm1), C (joint with [0; g], G = Wg g). The joint being linear before its ReLU, its
/// encoder part F = Wf f is evaluated once for each frame, ahead, in steps in which the joint has no C; C waits for F
/// only if F is the one of the frame being decoded. Logits are then W2 relu(F + G + b1) + b2, so a blank costs no step;
/// but of the evaluations that become possible at one time, at most evaluations_per_step are made, and further ones one
/// step of the decoder's chip later.
class Transcriber final : public host::Stream {
 public:
  /// `network` must outlive the transcriber. `features`: row-major [frames][sizes.inputs]; no frame is a valid
  /// utterance that says nothing. Throws std::invalid_argument if a port is missing or does not fit the network, if the
  /// three matrices of the decoder stand on different chips, or if an option is out of range.
  Transcriber(const Network& network, const host::MatrixPorts& ports, std::vector<double> features,
              const TranscriberOptions& options = {});
  ~Transcriber() override;
  Transcriber(const Transcriber&) = delete;
  Transcriber& operator=(const Transcriber&) = delete;
  Transcriber(Transcriber&&) = delete;
  Transcriber& operator=(Transcriber&&) = delete;

  [[nodiscard]] bool prepare(std::uint32_t chip, double now_ns, double* inputs) override;
  void complete(std::uint32_t chip, double available_ns, const double* outputs) override;
  [[nodiscard]] double ready_ns(std::uint32_t chip) const override;
  [[nodiscard]] bool finished(std::uint32_t chip) const override;
  [[nodiscard]] double end_ns() const override;
  [[nodiscard]] std::uint64_t digital_operations() const override;

  /// What has been decoded so far.
  [[nodiscard]] const std::string& transcript() const noexcept;
  /// Time at which each symbol of the transcript was decided.
  [[nodiscard]] const std::vector<double>& symbol_times_ns() const noexcept;
  /// Feature frames (30 ms each) of the utterance.
  [[nodiscard]] std::size_t frames() const noexcept;
  [[nodiscard]] std::size_t joint_evaluations() const noexcept;
  /// Outputs of the last encoder layer by frame, and the logits of each joint evaluation in order: if kept.
  [[nodiscard]] const std::vector<std::vector<double>>& encoder_outputs() const noexcept;
  [[nodiscard]] const std::vector<std::vector<double>>& logits() const noexcept;

 private:
  class Encoder;
  class Decoder;
  std::unique_ptr<Encoder> encoder_;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace chronotile::rnnt
