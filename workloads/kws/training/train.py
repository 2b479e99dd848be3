#!/usr/bin/python3
"""Hardware-aware training of the keyword-spotting network, and the figures the platform's are compared with.

The chip computes, without biases and with unsigned activations (workloads/kws/README.md):
    x in [0, 1]^1024,  a1 = clip(W1 x, 0, 1),  a2 = clip(W2 a1, 0, 1),  score = W3 a2 in [-1, 1).
Noise is injected into weights and outputs, activations are rounded to 8 bits in the loop, and the weights are clipped
at 2.5 deviations after every step: the clip gives nearly all of the robustness to programming errors.
"""

import argparse
import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before torch

import numpy as np
import torch
import torch.nn.functional as functional

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../training"))
import features
import safetensors_io

SEED = 14
HIDDEN = [512, 512]
INPUTS = 1024
WEIGHT_NOISE = 0.04  # deviation, of the layer's largest weight
OUTPUT_NOISE = 0.01  # deviation, of full scale
CLIP_SIGMAS = 2.5
LOGIT_SCALE = 12.0  # cross entropy sees LOGIT_SCALE * score
SCORE_LIMIT = 0.8  # of the read-out's range, on the training set
FULL_SCALE_NS = 255.0


class Rounded(torch.autograd.Function):
    """Rounds to 8 bits of [0, 1]; the gradient passes unchanged."""

    @staticmethod
    def forward(_context, x):
        return torch.round(x * 255.0) / 255.0

    @staticmethod
    def backward(_context, gradient):
        return gradient


class Clipped(torch.autograd.Function):
    """clip(x, 0, 1); outside, a `leak` of the gradient passes, so that no unit stays dead."""

    @staticmethod
    def forward(context, x, leak):
        context.save_for_backward((x > 0.0) & (x < 1.0))
        context.leak = leak
        return x.clamp(0.0, 1.0)

    @staticmethod
    def backward(context, gradient):
        (inside,) = context.saved_tensors
        return torch.where(inside, gradient, context.leak * gradient), None


class Layer:
    """A weight matrix, trained as rows without mean plus each row's sum.

    Inputs are unsigned: their common level would dominate the gradients of plain weights. The row's sum takes the place
    of the bias that the chip does not have.
    """

    def __init__(self, n_in, n_out, deviation):
        self.shape = torch.randn(n_out, n_in).mul_(deviation).requires_grad_(True)
        self.sum = torch.zeros(n_out, 1, requires_grad=True)

    def weight(self):
        return self.shape - self.shape.mean(1, keepdim=True) + self.sum / self.shape.shape[1]

    @torch.no_grad()
    def clip(self):
        weight = self.weight()
        limit = CLIP_SIGMAS * weight.std().item()
        weight.clamp_(-limit, limit)
        self.sum.copy_(weight.sum(1, keepdim=True))
        self.shape.copy_(weight)


def forward_noisy(weights, x, dropout, leak):
    """Scores of one training batch."""
    x = Rounded.apply(x)
    for index, weight in enumerate(weights):
        noisy = weight + WEIGHT_NOISE * weight.detach().abs().max() * torch.randn_like(weight)
        y = x @ noisy.T
        y = y + OUTPUT_NOISE * torch.randn_like(y)
        if index + 1 == len(weights):
            return y
        x = functional.dropout(Rounded.apply(Clipped.apply(y, leak)), dropout)
    return x


def initial_layers(sizes):
    layers = []
    for index, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
        last = index + 2 == len(sizes)
        layers.append(Layer(n_in, n_out, (2.0 if index == 0 else 0.5 if last else 1.5) / np.sqrt(n_in)))
    return layers


class Data:
    """One split: standardised inputs [n, 49, 40] (before clipping) and labels."""

    def __init__(self, path, mean=None, std=None):
        with np.load(path) as file:
            x, self.y = file["x"], torch.from_numpy(file["y"])
        self.mean = x.mean(0, dtype=np.float64).astype(np.float32) if mean is None else mean
        self.std = np.maximum(x.std(0, dtype=np.float64), 1e-6).astype(np.float32) if std is None else std
        scaled = (x - self.mean) / self.std / (2.0 * features.SIGMAS) + 0.5
        self.x = torch.from_numpy(scaled.astype(np.float32, copy=False))

    def inputs(self, selected):
        return self.x[:, selected].clamp(0.0, 1.0)

    def batch(self, rows, selected, shift):
        """Inputs of `rows`, each moved by up to +-shift frames; frames moved in repeat the edge."""
        frames = torch.arange(features.FRAMES)[None, :] + torch.randint(-shift, shift + 1, (len(rows), 1))
        frames = frames.clamp(0, features.FRAMES - 1)
        moved = self.x[rows].reshape(len(rows), features.FRAMES, features.COEFFICIENTS)
        moved = torch.gather(moved, 1, frames[:, :, None].expand(-1, -1, features.COEFFICIENTS))
        return moved.reshape(len(rows), -1)[:, selected].clamp(0.0, 1.0)


def train(data, validation, selected, epochs, label, batch=256, rate=1e-3, dropout=0.15, shift=2):
    """Trains from scratch on the inputs `selected`; returns the weights."""
    layers = initial_layers([len(selected)] + HIDDEN + [len(features.CLASSES)])
    parameters = [parameter for layer in layers for parameter in (layer.shape, layer.sum)]
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=1e-3)
    steps_per_epoch = max(1, len(data.y) // batch)
    steps = epochs * steps_per_epoch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    for epoch in range(epochs):
        begin, total = time.monotonic(), 0.0
        order = torch.randperm(len(data.y))
        leak = 0.1 * (1.0 - epoch / epochs)
        for k in range(steps_per_epoch):
            rows = order[k * batch:(k + 1) * batch]
            weights = [layer.weight() for layer in layers]
            scores = forward_noisy(weights, data.batch(rows, selected, shift), dropout, leak)
            loss = functional.cross_entropy(LOGIT_SCALE * scores, data.y[rows], label_smoothing=0.05)
            loss = loss + 10.0 * (scores.abs() - SCORE_LIMIT).clamp(min=0.0).square().mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 2.0)
            optimiser.step()
            schedule.step()
            for layer in layers:
                layer.clip()
            total += loss.item()
        weights = [layer.weight().detach() for layer in layers]
        print(f"{label} epoch {epoch + 1}/{epochs}: loss {total / steps_per_epoch:.3f}, validation "
              f"{accuracy(weights, validation.inputs(selected), validation.y):.2f} %, "
              f"{time.monotonic() - begin:.1f} s", file=sys.stderr, flush=True)
    return weights


@torch.no_grad()
def scores_of(weights, x, bits8=False, weight_noise=0.0, error_ns=0.0):
    """Scores [n, classes], as the chip would compute them with the given imperfections.

    weight_noise: deviation, of each layer's largest weight. error_ns: every duration of every transport (pads to
    layer 1, layer to layer, last layer to pads) is off by a uniform error of +-error_ns, of 255 ns full scale; a
    duration is never negative. bits8: inputs and activations rounded to 1/255, scores to 1/127.
    """
    def transport(a):
        if error_ns <= 0.0:
            return a
        return (a + (2.0 * torch.rand_like(a) - 1.0) * (error_ns / FULL_SCALE_NS)).clamp(min=0.0)

    for index, weight in enumerate(weights):
        x = transport(torch.round(x * 255.0) / 255.0 if bits8 else x)
        if weight_noise > 0.0:
            weight = weight + weight_noise * weight.abs().max() * torch.randn_like(weight)
        y = x @ weight.T
        if index + 1 < len(weights):
            x = y.clamp(0.0, 1.0)
    # The last layer's durations carry [-1, 1) as offset code, zero at 128/255 of full scale.
    if error_ns > 0.0:
        y = 2.0 * transport((y + 1.0).clamp(0.0, 2.0) / 2.0) - 1.0
    return torch.round(127.0 * y).clamp(-128.0, 127.0) / 127.0 if bits8 else y


def accuracy(weights, x, y, **imperfections):
    """Percent right; ties go to the first class."""
    scores = scores_of(weights, x, **imperfections)
    return 100.0 * float((torch.argmax(scores, 1) == y).double().mean())


def over_draws(weights, x, y, draws, **imperfections):
    values = [accuracy(weights, x, y, **imperfections) for _ in range(draws)]
    return float(np.mean(values)), float(np.std(values, ddof=1))


def normalise_scores(weights, x):
    """Scales the last layer so that the training set's largest |score| is SCORE_LIMIT; returns its factor."""
    factor = SCORE_LIMIT / float(scores_of(weights, x).abs().max())
    weights[-1] *= factor
    return factor


def measure(weights, x, y, draws):
    """{name: text}: what is stored in the weight file and printed in the README, in percent."""
    result = {"float": f"{accuracy(weights, x, y):.2f}", "8_bit": f"{accuracy(weights, x, y, bits8=True):.2f}"}
    for name, options in {
            "8_bit_weight_noise_3_percent": {"weight_noise": 0.03},
            "8_bit_weight_noise_5_percent": {"weight_noise": 0.05},
            "8_bit_weight_noise_12_percent": {"weight_noise": 0.12},
            "8_bit_timing_error_5_ns": {"error_ns": 5.0},
            "8_bit_timing_error_25_ns": {"error_ns": 25.0},
            "8_bit_timing_error_50_ns": {"error_ns": 50.0},
            "8_bit_timing_error_100_ns": {"error_ns": 100.0},
            "8_bit_weight_noise_3_percent_timing_error_5_ns": {"weight_noise": 0.03, "error_ns": 5.0}}.items():
        mean, deviation = over_draws(weights, x, y, draws, bits8=True, **options)
        result[name] = f"{mean:.2f} +- {deviation:.2f}"
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arrays", metavar="DIR", required=True, help="what synthesise.py --arrays wrote")
    parser.add_argument("--out", metavar="FILE", required=True, help="the weight file, kws.safetensors")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="two epochs: to see that the script works")
    options = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    begin = time.monotonic()
    data = Data(os.path.join(options.arrays, "train.npz"))
    validation = Data(os.path.join(options.arrays, "validation.npz"), data.mean, data.std)
    test = Data(os.path.join(options.arrays, "test.npz"), data.mean, data.std)
    epochs = 2 if options.quick else options.epochs
    batch = 64 if options.quick else 256

    # Inputs by importance: the first layer's weight on each of 1,960, in a network that sees all of them.
    every = torch.arange(features.FEATURES)
    first = train(data, validation, every, 2 if options.quick else 6, "pruning", batch=batch)[0]
    selected = torch.sort(torch.argsort(first.square().sum(0), descending=True, stable=True)[:INPUTS]).values

    weights = train(data, validation, selected, epochs, "training", batch=batch)
    x_train = data.inputs(selected)
    normalise_scores(weights, x_train)
    weights = [weight.half().float() for weight in weights]  # what is stored is what is measured
    for index in range(len(weights) - 1):
        with torch.no_grad():
            a = x_train
            for weight in weights[:index + 1]:
                y = a @ weight.T
                a = y.clamp(0.0, 1.0)
        print(f"layer {index}: {100 * float((y <= 0).float().mean()):.0f} % at 0, "
              f"{100 * float((y >= 1).float().mean()):.0f} % clipped at 1, mean {float(a.mean()):.2f}, "
              f"99.9 % of sums below {float(torch.quantile(y.flatten()[:2000000], 0.999)):.2f}", file=sys.stderr)
    measured = measure(weights, test.inputs(selected), test.y, 3 if options.quick else 10)
    measured["validation_8_bit"] = f"{accuracy(weights, validation.inputs(selected), validation.y, bits8=True):.2f}"
    for name, value in measured.items():
        print(f"{name}: {value} %", file=sys.stderr)
    tensors = {f"layers.{i}.weight": weight.half().numpy() for i, weight in enumerate(weights)}
    tensors.update({"features.mean": data.mean, "features.std": data.std,
                    "features.selected": selected.numpy().astype(np.int32)})
    metadata = {"format": "chronotile-kws", "version": "1", "classes": ",".join(features.CLASSES),
                "torch": torch.__version__, "numpy": np.__version__, "seed": str(SEED),
                "epochs": str(epochs), "train_clips": str(len(data.y)), "test_clips": str(len(test.y)),
                "logit_scale": str(LOGIT_SCALE)}
    metadata.update({"accuracy_percent." + name: value for name, value in measured.items()})
    safetensors_io.save(options.out, tensors, metadata)
    print(f"{options.out}: {os.path.getsize(options.out)} bytes, {time.monotonic() - begin:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
