"""The RNN-T of MLPerf Inference, in any width: parameters under MLPerf's state_dict keys, forward pass, greedy decoder.

Encoder: 2 LSTM layers, two frames stacked, 3 LSTM layers. Prediction: embedding, 2 LSTM layers. Joint: ReLU(W0 [f, g])
then W3. The forward pass can imitate the chip (`Chip`): activations and read-outs of 8 bits, noise in weights and
outputs. Inputs are features in standard deviations, clipped at +-INPUT_FULL_SCALE.
"""

import dataclasses
import math

import torch
import torch.nn.functional as functional

LABELS = " abcdefghijklmnopqrstuvwxyz'"
BLANK = len(LABELS)  # 28
OUTPUTS = BLANK + 1
MAX_SYMBOLS = 30  # per encoder frame
INPUT_FULL_SCALE = 3.0
MATRICES = ["enc_lstm0", "enc_lstm1", "enc_lstm2", "enc_lstm3", "enc_lstm4", "dec_lstm0", "dec_lstm1", "joint"]


@dataclasses.dataclass(frozen=True)
class Sizes:
    inputs: int = 240
    encoder: int = 192
    prediction: int = 96
    joint: int = 128


FULL_SIZE = Sizes(240, 1024, 320, 512)


def shapes(sizes):
    """{state_dict key: shape}, in the state_dict's order."""
    result = {}

    def lstm(prefix, inputs, hidden, layers):
        for index in range(layers):
            n_in = inputs if index == 0 else hidden
            result[f"{prefix}.weight_ih_l{index}"] = (4 * hidden, n_in)
            result[f"{prefix}.weight_hh_l{index}"] = (4 * hidden, hidden)
            result[f"{prefix}.bias_ih_l{index}"] = (4 * hidden,)
            result[f"{prefix}.bias_hh_l{index}"] = (4 * hidden,)

    lstm("encoder.pre_rnn.lstm", sizes.inputs, sizes.encoder, 2)
    lstm("encoder.post_rnn.lstm", 2 * sizes.encoder, sizes.encoder, 3)
    result["prediction.embed.weight"] = (BLANK, sizes.prediction)
    lstm("prediction.dec_rnn.lstm", sizes.prediction, sizes.prediction, 2)
    result["joint.net.0.weight"] = (sizes.joint, sizes.encoder + sizes.prediction)
    result["joint.net.0.bias"] = (sizes.joint,)
    result["joint.net.3.weight"] = (OUTPUTS, sizes.joint)
    result["joint.net.3.bias"] = (OUTPUTS,)
    return result


# matrix -> (weights from the layer's input, weights from its own last output, bias or biases)
LSTM_KEYS = {name: tuple(f"{prefix}.{kind}_l{index}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
             for name, prefix, index in [("enc_lstm0", "encoder.pre_rnn.lstm", 0), ("enc_lstm1", "encoder.pre_rnn.lstm", 1),
                                         ("enc_lstm2", "encoder.post_rnn.lstm", 0), ("enc_lstm3", "encoder.post_rnn.lstm", 1),
                                         ("enc_lstm4", "encoder.post_rnn.lstm", 2), ("dec_lstm0", "prediction.dec_rnn.lstm", 0),
                                         ("dec_lstm1", "prediction.dec_rnn.lstm", 1)]}
# Matrices on the chip's tiles; the joint's last layer and the biases are digital.
ON_TILES = [key for keys in LSTM_KEYS.values() for key in keys[:2]] + ["prediction.embed.weight", "joint.net.0.weight"]


def sizes_of(tensors):
    """Sizes of a network from its tensors; raises ValueError when keys or shapes are not those of an RNN-T."""
    def shape(key):
        if key not in tensors:
            raise ValueError(f"no tensor {key}")
        if len(tensors[key].shape) != 2:
            raise ValueError(f"{key} has shape {tuple(tensors[key].shape)}, not two dimensions")
        return tensors[key].shape

    sizes = Sizes(int(shape("encoder.pre_rnn.lstm.weight_ih_l0")[1]), int(shape("encoder.pre_rnn.lstm.weight_hh_l0")[1]),
                  int(shape("prediction.embed.weight")[1]), int(shape("joint.net.0.weight")[0]))
    expected = shapes(sizes)
    for key in sorted(set(expected) | set(tensors)):
        if key not in tensors:
            raise ValueError(f"no tensor {key}")
        if key not in expected:
            raise ValueError(f"unexpected tensor {key}")
        if tuple(tensors[key].shape) != expected[key]:
            raise ValueError(f"{key} has shape {tuple(tensors[key].shape)}, not {expected[key]}")
    return sizes


@dataclasses.dataclass
class Chip:
    """Imperfections of the tiles. full_scale: {matrix: largest magnitude that its read-out can tell}."""

    full_scale: dict
    bits8: bool = True  # inputs 8 bits for each sign; outputs 127 levels for each sign
    output_noise: float = 0.0  # deviation, of full scale
    weight_noise: float = 0.0  # deviation, of the matrix's largest weight

    def noisy(self, weights):
        """A draw of programmed weights: {key: tensor}, noise added to what is on tiles."""
        if self.weight_noise <= 0.0:
            return weights
        return {key: value + self.weight_noise * value.detach().abs().max() * torch.randn_like(value)
                if key in ON_TILES else value for key, value in weights.items()}


def _round_through(x, levels):
    """Rounds to 1/levels; the gradient passes unchanged."""
    return x + (torch.round(x.detach() * levels) / levels - x.detach())


class _Recurrence(torch.autograd.Function):
    """h_t of one LSTM layer from W_ih x_t, [time, batch, 4 * hidden]; the recurrent gradient is a single product."""

    @staticmethod
    def forward(context, pre, weight, bias, h, c, full_scale, bits8, output_noise):
        frames, batch, width = pre.shape
        hidden = width // 4
        if full_scale is None:
            gates = pre + bias
        else:
            gates = pre.clone()
            if output_noise > 0.0:
                gates += output_noise * full_scale * torch.randn_like(gates)
        transposed = weight.t()
        inputs = torch.empty(frames, batch, hidden, dtype=pre.dtype)
        outputs, cells, tanhs = (torch.empty_like(inputs) for _ in range(3))
        c0 = c
        for gate, h_in, h_out, c_out, tanh_c in zip(gates, inputs, outputs, cells, tanhs):
            if bits8:
                torch.mul(h, 255.0, out=h_in).round_().mul_(1.0 / 255.0)
            else:
                h_in.copy_(h)
            gate.addmm_(h_in, transposed)
            if full_scale is not None:
                if bits8:
                    gate.mul_(127.0 / full_scale).round_().clamp_(-127.0, 127.0).mul_(full_scale / 127.0)
                gate += bias
            i_f, g, o = gate[:, :2 * hidden].sigmoid_(), gate[:, 2 * hidden:3 * hidden].tanh_(), gate[:, 3 * hidden:].sigmoid_()
            torch.mul(i_f[:, hidden:], c, out=c_out).addcmul_(i_f[:, :hidden], g)
            torch.tanh(c_out, out=tanh_c)
            torch.mul(o, tanh_c, out=h_out)
            h, c = h_out, c_out
        context.save_for_backward(weight, gates, inputs, cells, tanhs, c0)
        context.mark_non_differentiable(cells)
        return outputs, cells

    @staticmethod
    def backward(context, gradient, _):
        weight, gates, inputs, cells, tanhs, c0 = context.saved_tensors
        frames, batch, width = gates.shape
        hidden = width // 4
        i, f, g, o = gates.view(frames, batch, 4, hidden).unbind(2)
        before = torch.cat((c0.unsqueeze(0), cells[:-1]))
        d_gates = torch.stack((g * i * (1.0 - i), before * f * (1.0 - f), i * (1.0 - g * g), tanhs * o * (1.0 - o)), 2)
        to_cell = o * (1.0 - tanhs * tanhs)
        d_h, d_c = torch.zeros(batch, hidden, dtype=gates.dtype), torch.zeros(batch, 1, hidden, dtype=gates.dtype)
        for t in range(frames - 1, -1, -1):
            d_h = d_h + gradient[t]
            d_c[:, 0].addcmul_(d_h, to_cell[t])
            gate = d_gates[t]
            gate[:, :3].mul_(d_c)
            gate[:, 3].mul_(d_h)
            d_h = gate.view(batch, width) @ weight
            d_c[:, 0].mul_(f[t])
        d_gates = d_gates.view(frames, batch, width)
        flat = d_gates.view(-1, width)
        return d_gates, flat.t() @ inputs.view(-1, hidden), flat.sum(0), None, None, None, None, None


class Probe:
    """Collects |W_ih x|, |W_hh h| and their sum, without biases, for every matrix: {matrix: [tensors]}."""

    def __init__(self):
        self.seen = {name: [[], [], []] for name in MATRICES}

    def add(self, name, first, second):
        for store, value in zip(self.seen[name], (first, second, first + second)):
            store.append(value.detach().abs().flatten()[::4])

    def full_scales(self, quantile=0.9999, margin=1.1):
        def percentile(values):
            values = torch.cat(values)
            return float(values.kthvalue(max(1, math.ceil(quantile * len(values)))).values)
        return {name: margin * max(percentile(store) for store in stores) for name, stores in self.seen.items()}


class Network:
    """A network with the weights {state_dict key: tensor} (MLPerf's convention: inputs in standard deviations)."""

    def __init__(self, weights, chip=None, dropout=0.0, probe=None):
        self.chip, self.dropout, self.probe = chip, dropout, probe
        self.w = chip.noisy(weights) if chip else weights
        self.bits8 = bool(chip and chip.bits8)

    def _activations(self, x, full_scale=1.0):
        """What enters a tile: |x| <= full_scale in 8 bits for each sign."""
        return _round_through(x.clamp(-full_scale, full_scale) / full_scale, 255.0) * full_scale if self.bits8 else x

    def _lstm(self, name, x, state=None, full_scale=1.0):
        """Outputs [time, batch, hidden] of one layer and its last (h, c)."""
        w_ih, w_hh, b_ih, b_hh = (self.w[key] for key in LSTM_KEYS[name])
        pre = functional.linear(self._activations(x, full_scale), w_ih)
        if state is None:
            zero = torch.zeros(x.shape[1], w_hh.shape[1], dtype=x.dtype)
            state = (zero, zero)
        chip = self.chip
        outputs, cells = _Recurrence.apply(pre, w_hh, b_ih + b_hh, *state, chip.full_scale[name] if chip else None,
                                           self.bits8, chip.output_noise if chip else 0.0)
        if self.probe:
            self.probe.add(name, pre, functional.linear(torch.cat((state[0].unsqueeze(0), outputs[:-1])), w_hh))
        return outputs, (outputs[-1], cells[-1])

    def _drop(self, x):
        return functional.dropout(x, self.dropout) if self.dropout > 0.0 else x

    def pre_encode(self, x, frames):
        """First two layers on features [T, batch, inputs]; outputs after a recording's end are zeroed."""
        x = x.clamp(-INPUT_FULL_SCALE, INPUT_FULL_SCALE)
        x, _ = self._lstm("enc_lstm0", x, full_scale=INPUT_FULL_SCALE)
        x, _ = self._lstm("enc_lstm1", self._drop(x))
        inside = torch.arange(x.shape[0])[:, None] < frames[None, :]
        return x * inside.unsqueeze(2).to(x.dtype)

    def post_layers(self, x):
        """Stacks two frames (an odd last one with zeros) and applies the other three layers: the outputs of each."""
        if x.shape[0] % 2:
            x = torch.cat((x, torch.zeros_like(x[:1])))
        x = x.view(x.shape[0] // 2, 2, x.shape[1], x.shape[2]).transpose(1, 2).flatten(2)
        outputs = []
        for name in ("enc_lstm2", "enc_lstm3", "enc_lstm4"):
            x, _ = self._lstm(name, self._drop(x))
            outputs.append(x)
        return outputs

    def encode(self, x, frames):
        """f [ceil(T / 2), batch, hidden] of features [T, batch, inputs], `frames` of them valid."""
        return self.post_layers(self.pre_encode(x, frames))[-1]

    def embed(self, symbols):
        """Embeddings of symbols; the start (BLANK) is zero."""
        table = self.w["prediction.embed.weight"]
        return functional.embedding(symbols, torch.cat((table, torch.zeros_like(table[:1]))))

    def predict(self, symbols, states=(None, None)):
        """g [U, batch, hidden] after each of symbols [U, batch], and the states of both layers."""
        full_scale = max(1.0, float(self.w["prediction.embed.weight"].detach().abs().max()))
        x, first = self._lstm("dec_lstm0", self._drop(self.embed(symbols)), states[0], full_scale)
        x, second = self._lstm("dec_lstm1", self._drop(x), states[1])
        return x, (first, second)

    def joint_parts(self, f, g):
        """The parts of the joint's first layer that f and g contribute, without its bias."""
        weight, split = self.w["joint.net.0.weight"], f.shape[-1]
        return (functional.linear(self._activations(f), weight[:, :split]),
                functional.linear(self._activations(g), weight[:, split:]))

    def joint_sum(self, from_f, from_g):
        """Logits of the sum of both parts, which must broadcast."""
        total = from_f + from_g
        if self.chip:
            full_scale = self.chip.full_scale["joint"]
            if self.chip.output_noise > 0.0:
                total = total + self.chip.output_noise * full_scale * torch.randn_like(total)
            if self.bits8:
                total = _round_through(total.clamp(-full_scale, full_scale), 127.0 / full_scale)
        hidden = torch.relu(total + self.w["joint.net.0.bias"])
        return functional.linear(hidden, self.w["joint.net.3.weight"], self.w["joint.net.3.bias"])

    @torch.no_grad()
    def greedy(self, x, frames, max_symbols=MAX_SYMBOLS):
        """Transcripts of a batch: features [T, batch, inputs], lengths [batch]."""
        f = self.encode(x, frames)
        steps = (frames + 1) // 2
        batch = x.shape[1]
        rows = torch.arange(batch)
        t, emitted = torch.zeros(batch, dtype=torch.long), torch.zeros(batch, dtype=torch.long)
        g, states = self.predict(torch.full((1, batch), BLANK))
        from_f, from_g = self.joint_parts(f, g[0])
        texts = [[] for _ in range(batch)]
        while bool((t < steps).any()):
            best = self.joint_sum(from_f[t.clamp(max=f.shape[0] - 1), rows], from_g).argmax(1)
            active = t < steps
            new = active & (best != BLANK)
            for row in torch.nonzero(new)[:, 0].tolist():
                texts[row].append(LABELS[best[row]])
            if bool(new.any()):
                chosen = torch.nonzero(new)[:, 0]
                advanced, moved = self.predict(best[chosen].unsqueeze(0),
                                               tuple((h[chosen], c[chosen]) for h, c in states))
                for (h, c), (h_new, c_new) in zip(states, moved):
                    h[chosen], c[chosen] = h_new, c_new
                from_g[chosen] = self.joint_parts(f[0, :1], advanced[0])[1]
            emitted[new] += 1
            done = active & ((best == BLANK) | (emitted >= max_symbols))
            t[done] += 1
            emitted[done] = 0
        return ["".join(text) for text in texts]


def edits(reference, hypothesis):
    """(substitutions, deletions, insertions) of a least alignment of two lists of words."""
    row = [(j, 0, 0, j) for j in range(len(hypothesis) + 1)]
    for i, word in enumerate(reference, 1):
        last, row = row, [(i, 0, i, 0)]
        for j, other in enumerate(hypothesis, 1):
            total, subs, dels, ins = last[j - 1]
            best = (total, subs, dels, ins) if word == other else (total + 1, subs + 1, dels, ins)
            total, subs, dels, ins = last[j]
            best = min(best, (total + 1, subs, dels + 1, ins), key=lambda cost: cost[0])
            total, subs, dels, ins = row[j - 1]
            row.append(min(best, (total + 1, subs, dels, ins + 1), key=lambda cost: cost[0]))
    return row[-1][1:]


def word_errors(references, hypotheses):
    """(words, substitutions, deletions, insertions) of a corpus; lower case, split at white space."""
    counts = [0, 0, 0, 0]
    for reference, hypothesis in zip(references, hypotheses):
        reference = reference.lower().split()
        for index, value in enumerate((len(reference),) + edits(reference, hypothesis.lower().split())):
            counts[index] += value
    return tuple(counts)


def wer_percent(references, hypotheses):
    words, *errors = word_errors(references, hypotheses)
    return 100.0 * sum(errors) / max(1, words)
