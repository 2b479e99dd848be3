#!/usr/bin/python3
"""Trains the small RNN-T on synthetic sentences (synthesise.py), first in float, then hardware-aware.

Training sees features / 3, clipped to +-1; the exported weights follow MLPerf's convention and multiply features in
standard deviations, so W_ih of the first layer is written as a third of what was trained. Fine-tuning injects noise
into weights and outputs, rounds activations and read-outs to 8 bits and clips the weights at 2.5 deviations.
"""

import argparse
import json
import math
import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before torch
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
import torch.nn.functional as functional
import torchaudio.functional as audio_functional

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../training"))
import evaluate
import features
import model
import safetensors_io

SEED = 3
RATE, TUNE_RATE = 2e-3, 1.5e-3
WARM_UP, TUNE_WARM_UP = 200, 50
BATCH = 16
SHORT_STEPS, SHORT_CHARACTERS = 500, 18  # the first steps see short sentences only
CTC_WEIGHT, CTC_SHARE = 0.5, 0.6  # auxiliary loss on the encoder; gone after this share of the RNN-T's steps
DROPOUT = 0.1  # without noise; the noise takes its place in tuning
WARP = 1.2  # largest factor of a random vocal tract length
WEIGHT_NOISE, OUTPUT_NOISE = 0.04, 0.01
CLIP_SIGMAS = 2.5
# Auxiliary outputs of encoder layers 1 to 4 and their symbols a frame: behind layer 2 a frame lasts 60 ms, too long for one.
CTC_HEADS = {"ctc.1": 1, "ctc.2": 2, "ctc.3": 2, "ctc.4": 2}
FIRST = "encoder.pre_rnn.lstm.weight_ih_l0"


class Data:
    """One split of synthesise.py --arrays."""

    def __init__(self, path):
        with np.load(path) as file:
            self.x, self.frames, self.text = file["x"], file["frames"], [str(text) for text in file["text"]]
        self.begin = np.cumsum(self.frames) - self.frames
        self.labels = [np.array([model.LABELS.index(letter) for letter in text]) for text in self.text]
        self.characters = np.array([len(text) for text in self.text])

    def batch(self, rows):
        """Features [T, batch, 240], frames [batch], labels [batch, U], label counts [batch]."""
        frames, counts = self.frames[rows], self.characters[rows]
        x = np.zeros((frames.max(), len(rows), self.x.shape[1]), np.float32)
        labels = np.zeros((len(rows), counts.max()), np.int32)
        for k, row in enumerate(rows):
            x[:frames[k], k] = self.x[self.begin[row]:self.begin[row] + frames[k]]
            labels[k, :counts[k]] = self.labels[row]
        return torch.from_numpy(x), torch.from_numpy(frames), torch.from_numpy(labels), torch.from_numpy(counts)

    def recordings(self):
        """[features [T, 240]] of the whole split."""
        return [self.x[begin:begin + count] for begin, count in zip(self.begin, self.frames)]

    def batches(self, rng, size, max_characters=None):
        """Endless batches of row numbers, of recordings of similar length, in random order."""
        rows = np.arange(len(self.text)) if max_characters is None else np.flatnonzero(self.characters <= max_characters)
        size = min(size, len(rows))
        while True:
            order = rng.permutation(rows)
            groups = []
            for begin in range(0, len(order), 64 * size):
                part = order[begin:begin + 64 * size]
                part = part[np.argsort(self.frames[part], kind="stable")]
                groups += [part[k:k + size] for k in range(0, len(part) - size + 1, size)]
            for k in rng.permutation(len(groups)):
                yield groups[k]


def initial(sizes):
    """What is trained: {key: tensor}, one bias for each LSTM layer (b_hh stays zero), and a CTC head."""
    result = {}
    for key, shape in model.shapes(sizes).items():
        if "weight_ih" in key:
            value = torch.randn(shape) * (2.0 / math.sqrt(shape[1]))
        elif "weight_hh" in key:
            value = torch.cat([torch.nn.init.orthogonal_(torch.empty(shape[1], shape[1])) for _ in range(4)])
        elif "bias_ih" in key:
            value = torch.zeros(shape)
            value[shape[0] // 4:shape[0] // 2] = 1.0  # forget gates
        elif key == "prediction.embed.weight":
            value = (0.5 * torch.randn(shape)).clamp(-1.0, 1.0)
        elif key == "joint.net.0.weight":
            value = torch.randn(shape) * (1.5 / math.sqrt(shape[1]))
        elif key == "joint.net.3.weight":
            value = torch.randn(shape) * (1.0 / math.sqrt(shape[1]))
        else:
            value = torch.zeros(shape)
        result[key] = value.requires_grad_("bias_hh" not in key)
    for name, symbols in CTC_HEADS.items():
        result[name + ".weight"] = torch.randn(symbols * model.OUTPUTS, sizes.encoder) / math.sqrt(sizes.encoder)
        result[name + ".bias"] = torch.zeros(symbols * model.OUTPUTS)
        for kind in (".weight", ".bias"):
            result[name + kind].requires_grad_(True)
    return result


def weights_of(parameters):
    """The network's weights in MLPerf's convention; differentiable."""
    weights = {key: value for key, value in parameters.items() if not key.startswith("ctc.")}
    weights[FIRST] = weights[FIRST] / model.INPUT_FULL_SCALE
    return weights


def mel_warp(rng):
    """Vocal tract length perturbation (Jaitly and Hinton, 2013) of the 80 mel channels: for each channel, the channel below
    and the share of the one above from which a speaker whose formants lie by a random factor higher or lower takes it."""
    centres = features.filter_points()[1:-1]
    factor = math.exp(rng.uniform(-1.0, 1.0) * math.log(WARP))
    knee = min(4800.0, 4800.0 / factor)  # above, the axis is compressed so that 8 kHz stays where it is
    source = np.where(centres <= knee, factor * centres, 8000.0 - (8000.0 - factor * knee) / (8000.0 - knee) * (8000.0 - centres))
    position = np.clip(np.interp(source, centres, np.arange(80.0)), 0.0, 79.0)
    low = np.minimum(position.astype(np.int64), 78)
    return torch.from_numpy(low), torch.from_numpy((position - low).astype(np.float32))


def warp(x, rng):
    """Another vocal tract for each recording of a batch, in place: unheard voices are what the network finds hardest."""
    bands = x.view(x.shape[0], x.shape[1], 3, 80)
    for k in range(x.shape[1]):
        low, share = mel_warp(rng)
        one = bands[:, k]
        bands[:, k] = torch.lerp(one[..., low], one[..., low + 1], share)


def mask(x, rng):
    """Light masking, in place: up to two bands of up to 8 mel channels, up to two spans of up to 5 frames."""
    frames, batch, _ = x.shape
    bands = x.view(frames, batch, 3, 80)
    for k in range(batch):
        for _ in range(rng.integers(0, 3)):
            width, low = rng.integers(1, 9), rng.integers(0, 72)
            bands[:, k, :, low:low + width] = 0.0
        for _ in range(rng.integers(0, 3)):
            length, begin = rng.integers(1, 6), rng.integers(0, max(1, frames - 6))
            x[begin:begin + length, k] = 0.0


def ctc_loss(parameters, name, x, batch):
    """CTC loss a character of encoder outputs [T, batch, hidden] through a head that emits CTC_HEADS[name] symbols each."""
    _, frames, labels, counts = batch
    symbols = CTC_HEADS[name]
    scores = functional.linear(x, parameters[name + ".weight"], parameters[name + ".bias"])
    scores = scores.view(x.shape[0], x.shape[1], symbols, model.OUTPUTS).transpose(1, 2).flatten(0, 1)
    lengths = (frames + symbols - 1) // symbols * symbols
    return functional.ctc_loss(functional.log_softmax(scores, 2), labels.long(), lengths, counts, blank=model.BLANK,
                               reduction="sum", zero_infinity=True) / counts.sum()


def loss_of(network, parameters, batch, rnnt_weight=1.0, ctc_weight=0.0):
    """Loss a character: RNN-T, and CTC averaged over the encoder's layers."""
    x, frames, labels, counts = batch
    early = network.pre_encode(x, frames)
    late = network.post_layers(early)
    loss = 0.0
    if rnnt_weight > 0.0:
        symbols = torch.cat((torch.full((1, len(counts)), model.BLANK), labels.t().long()))
        g, _ = network.predict(symbols)
        from_f, from_g = network.joint_parts(late[-1].transpose(0, 1), g.transpose(0, 1))
        logits = network.joint_sum(from_f.unsqueeze(2), from_g.unsqueeze(1))
        loss = rnnt_weight * audio_functional.rnnt_loss(logits.contiguous(), labels, ((frames + 1) // 2).int(),
                                                        counts.int(), blank=model.BLANK, reduction="sum") / counts.sum()
    if ctc_weight > 0.0:
        losses = [ctc_loss(parameters, name, outputs, batch) for name, outputs in zip(CTC_HEADS, [early] + late)]
        loss = loss + ctc_weight * sum(losses) / len(losses)
    return loss


def wer(weights, data, chip=None):
    """Percent of word errors on a split."""
    return model.wer_percent(data.text, evaluate.transcripts(model.Network(weights, chip), data.recordings()))


@torch.no_grad()
def full_scales(weights, data, rng, batches=30, batch=32):
    """{matrix: read-out full scale} over training recordings, as the weight file's metadata define it."""
    probe = model.Probe()
    network = model.Network(weights, probe=probe)
    for _, rows in zip(range(batches), data.batches(rng, batch)):
        x, frames, labels, counts = data.batch(rows)
        f = network.encode(x, frames)
        g, _ = network.predict(torch.cat((torch.full((1, len(counts)), model.BLANK), labels.t().long())))
        from_f, from_g = network.joint_parts(f, g)
        some = torch.randint(g.shape[0], (f.shape[0],))  # any symbol with any frame
        probe.add("joint", from_f, from_g[some])
    return probe.full_scales()


def export(path, weights, full_scale, notes):
    """Writes F16 matrices and F32 vectors; returns the weights as they can be read back."""
    tensors = {key: (value.half() if value.dim() == 2 else value.float()).detach().numpy()
               for key, value in weights.items()}
    metadata = {"format": "chronotile-rnnt-1", "input_full_scale": f"{model.INPUT_FULL_SCALE:g}",
                "output_full_scale": json.dumps({key: round(value, 4) for key, value in full_scale.items()})}
    metadata.update(notes)
    safetensors_io.save(path + ".part", tensors, metadata)
    os.replace(path + ".part", path)


def stored(weights):
    """The weights after rounding as `export` rounds them."""
    return {key: value.detach().half().float() if value.dim() == 2 else value.detach() for key, value in weights.items()}


@torch.no_grad()
def clip_weights(parameters):
    for key in model.ON_TILES:
        value = parameters[key]
        limit = CLIP_SIGMAS * float(value.std())
        value.clamp_(-limit, limit)


class Run:
    """Training state, its checkpoint and its reports."""

    def __init__(self, options, sizes):
        self.options, self.sizes = options, sizes
        self.data = Data(os.path.join(options.arrays, "train.npz"))
        self.validation = Data(os.path.join(options.arrays, "validation.npz"))
        torch.manual_seed(SEED)
        self.rng = np.random.default_rng(SEED)
        self.parameters = initial(sizes)
        self.progress = []
        if options.start:
            checkpoint = torch.load(options.start)
            self.parameters, self.progress = checkpoint["parameters"], checkpoint["progress"]
        if options.start_early:
            early = torch.load(options.start_early)["parameters"]
            self.parameters.update({key: value for key, value in early.items()
                                    if key.startswith(("encoder.pre_rnn.", "ctc.1."))})
            self.progress = ["first two layers of an earlier run"]

    def phase(self, label, steps, rate, warm_up):
        """`steps` of AdamW with warm-up and cosine decay. label: "ctc" (encoder alone), "training" or "tuning"."""
        hardware = label == "tuning"
        parameters, options = self.parameters, self.options
        trained = [value for key, value in parameters.items()
                   if value.requires_grad and not (hardware and key.startswith("ctc.")) and not (
                       label == "ctc" and key.startswith(("prediction.", "joint.")))]
        optimiser = torch.optim.AdamW(trained, lr=rate, weight_decay=1e-3)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(
            (step + 1) / warm_up, 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / steps)))))
        warm_up = min(warm_up, max(1, steps // 10))
        short_steps = 0 if hardware else min(SHORT_STEPS, steps // 4)
        every, short = self.data.batches(self.rng, BATCH), self.data.batches(self.rng, BATCH, SHORT_CHARACTERS)
        scales = full_scales(weights_of(parameters), self.data, self.rng) if hardware else None
        total, seen, begin = 0.0, 0, time.monotonic()
        for step in range(steps):
            batch = self.data.batch(next(short if step < short_steps else every))
            warp(batch[0], self.rng)
            mask(batch[0], self.rng)
            weights, chip = weights_of(parameters), None
            if hardware:
                if step % 250 == 249:
                    scales = full_scales(weights, self.data, self.rng, batches=10)
                chip = model.Chip(scales, True, OUTPUT_NOISE, WEIGHT_NOISE)
            network = model.Network(weights, chip, 0.0 if hardware else DROPOUT)
            if label == "ctc":
                loss = loss_of(network, parameters, batch, rnnt_weight=0.0, ctc_weight=2.0)
            else:
                ctc_weight = 0.0 if hardware else CTC_WEIGHT * max(0.0, 1.0 - step / (CTC_SHARE * steps))
                loss = loss_of(network, parameters, batch, ctc_weight=ctc_weight)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_([value for value in trained if value.grad is not None], 5.0)
            optimiser.step()
            schedule.step()
            with torch.no_grad():
                parameters["prediction.embed.weight"].clamp_(-1.0, 1.0)
            if hardware:
                clip_weights(parameters)
            total, seen = total + loss.item(), seen + 1
            if (step + 1) % 100 == 0 or step + 1 == steps:
                text = f"{label} {step + 1}/{steps}: loss {total / seen:.3f}, {1e3 * (time.monotonic() - begin) / seen:.0f} ms a step"
                total, seen = 0.0, 0
                if (step + 1) % 500 == 0 or step + 1 == steps:
                    if label != "ctc":
                        chip = model.Chip(scales) if hardware else None
                        text += f", validation WER {wer(weights_of(parameters), self.validation, chip):.2f} %"
                    self.save(f"{label} {step + 1} of {steps} steps")
                print(text, file=sys.stderr, flush=True)
                begin = time.monotonic()
        self.progress.append(f"{label} {steps} of {steps} steps")

    def save(self, progress):
        if self.options.checkpoint:
            torch.save({"parameters": self.parameters, "progress": self.progress + [progress]}, self.options.checkpoint)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arrays", metavar="DIR", required=True, help="what synthesise.py --arrays wrote")
    parser.add_argument("--out", metavar="FILE", required=True, help="the weight file, rnnt_small.safetensors")
    parser.add_argument("--ctc-steps", type=int, default=2000, help="of the encoder alone, with CTC")
    parser.add_argument("--steps", type=int, default=6000, help="of float training")
    parser.add_argument("--tune-steps", type=int, default=2000, help="of hardware-aware fine-tuning")
    parser.add_argument("--checkpoint", metavar="FILE", help="write the training state here every 500 steps")
    parser.add_argument("--rate", type=float, default=RATE, help="largest learning rate of float training")
    parser.add_argument("--start", metavar="FILE", help="begin with this checkpoint; steps of 0 skip what it has had")
    parser.add_argument("--start-early", metavar="FILE", help="take the encoder's first two layers from this checkpoint")
    parser.add_argument("--draws", type=int, default=5, help="of each noise, when measuring")
    parser.add_argument("--quick", action="store_true", help="a few steps of a narrow network: to see that the script works")
    options = parser.parse_args()
    sizes = model.Sizes()
    if options.quick:
        sizes, options.draws = model.Sizes(240, 32, 16, 24), 2
        options.ctc_steps, options.steps, options.tune_steps = 4, 60, 4
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    run = Run(options, sizes)
    for label, steps, rate, warm_up in (("ctc", options.ctc_steps, RATE, WARM_UP),
                                        ("training", options.steps, options.rate, WARM_UP),
                                        ("tuning", options.tune_steps, TUNE_RATE, TUNE_WARM_UP)):
        if steps > 0:
            run.phase(label, steps, rate, warm_up)
    minutes = time.process_time() / 60.0
    weights = stored(weights_of(run.parameters))  # what is stored is what is measured
    full_scale = full_scales(weights, run.data, np.random.default_rng(SEED), batches=100)
    test = Data(os.path.join(options.arrays, "test.npz"))
    measured = evaluate.measure(weights, full_scale, test.recordings(), test.text, options.draws)
    measured["validation_float"] = f"{wer(weights, run.validation):.2f}"
    for name, value in measured.items():
        print(f"WER {name}: {value} %", file=sys.stderr)
    notes = {"training": "; ".join(run.progress), "seed": str(SEED), "torch": torch.__version__, "train_sentences": str(len(run.data.text)),
             "test_sentences": str(len(test.text))}
    notes.update({"wer_percent." + name: value for name, value in measured.items()})
    export(options.out, weights, full_scale, notes)
    print(f"{options.out}: {os.path.getsize(options.out)} bytes, {minutes:.1f} CPU minutes", file=sys.stderr)


if __name__ == "__main__":
    main()
