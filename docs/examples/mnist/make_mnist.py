#!/usr/bin/python3
"""Trains the 512-252-10 network of mnist.toml and writes mnist.safetensors and digits.safetensors beside it.

    make_mnist.py                 drawn digits: a 5 x 7 font, shifted, sheared, smeared, with noise (MNIST cannot be
                                  shipped here); what they give says nothing about handwriting
    make_mnist.py --mnist DIR     your own MNIST: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-*, plain or .gz

The images' 784 pixels are pruned to the 512 in the middle that vary most. No biases; between the layers outputs are
clipped to 0..1, as the chip does it; weights are clipped at 2.5 deviations and trained with noise on them.
"""

import argparse
import gzip
import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../../workloads/training"))
import safetensors_io

FONT = ["01110100011001110101110011000101110", "00100011000010000100001000010001110",
        "01110100010000100010001000100011111", "11111000100010000010000011000101110",
        "00010001100101010010111110001000010", "11111100001111000001000011000101110",
        "00110010001000011110100011000101110", "11111000010001000100010000100001000",
        "01110100011000101110100011000101110", "01110100011000101111000010001001100"]
INPUTS, HIDDEN, TEST = 512, 252, 500


def drawn(count, rng):
    """(images [count, 784] in 0..1, labels)."""
    glyphs = np.array([[int(bit) for bit in digit] for digit in FONT], dtype=np.float64).reshape(10, 7, 5)
    labels = rng.integers(10, size=count)
    y, x = np.mgrid[0:28, 0:28].astype(np.float64)
    images = np.empty((count, 784))
    for k, label in enumerate(labels):
        height, width = rng.uniform(15, 21), rng.uniform(10, 15)
        cy, cx = 13.5 + rng.uniform(-2, 2), 13.5 + rng.uniform(-2, 2)
        shear = rng.uniform(-0.35, 0.35)
        v = (y - cy) / height * 7 + 3.5
        u = (x - cx + shear * (y - cy)) / width * 5 + 2.5
        v += 0.35 * np.sin(u * rng.uniform(0.5, 1.5) + rng.uniform(0, 6))
        inside = (u >= 0) & (u < 5) & (v >= 0) & (v < 7)
        image = np.where(inside, glyphs[label][np.clip(v, 0, 6.99).astype(int), np.clip(u, 0, 4.99).astype(int)], 0.0)
        kernel = np.array([1.0, rng.uniform(1, 2), 1.0])
        for axis in (0, 1):
            image = np.apply_along_axis(np.convolve, axis, image, kernel / kernel.sum(), "same")
        images[k] = np.clip(image + rng.normal(0, rng.uniform(0.1, 0.9), (28, 28)), 0, 1).reshape(-1)
    return images, labels


def idx(folder, name):
    for path in (os.path.join(folder, name), os.path.join(folder, name + ".gz")):
        if os.path.exists(path):
            with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
                data = file.read()
            dimensions = data[3]
            shape = np.frombuffer(data, ">i4", dimensions, 4)
            return np.frombuffer(data, np.uint8, -1, 4 + 4 * dimensions).reshape(shape)
    raise SystemExit(f"make_mnist.py: {folder} has no {name}: get MNIST's four idx files and give their folder")


def scores(layers, x, noise=0.0):
    for index, weight in enumerate(layers):
        if noise:
            weight = weight + noise * weight.detach().abs().max() * torch.randn_like(weight)
        x = x @ weight.T
        x = x.clamp(0, 1) if index + 1 < len(layers) else x
    return x


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", help="folder of MNIST's idx files")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--count", type=int, default=12000, help="drawn digits to train with")
    parser.add_argument("--out", default=HERE)
    options = parser.parse_args()
    torch.manual_seed(1)
    if options.mnist:
        x, y = idx(options.mnist, "train-images-idx3-ubyte").reshape(-1, 784) / 255.0, idx(options.mnist, "train-labels-idx1-ubyte")
        tx, ty = idx(options.mnist, "t10k-images-idx3-ubyte").reshape(-1, 784) / 255.0, idx(options.mnist, "t10k-labels-idx1-ubyte")
    else:
        x, y = drawn(options.count, np.random.default_rng(1))
        tx, ty = drawn(TEST, np.random.default_rng(2))
    pixels = np.sort(np.argsort(-x.std(0), kind="stable")[:INPUTS])
    train = torch.tensor(x[:, pixels], dtype=torch.float32), torch.tensor(y.astype(np.int64))
    codes = np.round(tx[:, pixels] * 255).astype(np.uint8)
    test = torch.tensor(codes / 255.0, dtype=torch.float32), torch.tensor(ty.astype(np.int64))
    layers = [torch.nn.Parameter(torch.randn(HIDDEN, INPUTS) * 0.05), torch.nn.Parameter(torch.randn(10, HIDDEN) * 0.06)]
    optimiser = torch.optim.Adam(layers, lr=1e-3)
    for epoch in range(options.epochs):
        for batch in torch.randperm(len(train[0])).split(64):
            logits = 6.0 * scores(layers, train[0][batch], noise=0.02)
            loss = torch.nn.functional.cross_entropy(logits, train[1][batch])
            # The read-out has a range of one: scores beyond it would be cut.
            loss = loss + 10.0 * (logits.abs() / 6.0 - 0.95).clamp(min=0).square().sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            with torch.no_grad():
                for weight in layers:
                    limit = 2.5 * weight.std()
                    weight.clamp_(-limit, limit)
    with torch.no_grad():
        right = (scores(layers, test[0]).argmax(1) == test[1]).float().mean().item()
    print(f"float accuracy {100 * right:.2f} % of {len(test[1])}")
    safetensors_io.save(os.path.join(options.out, "mnist.safetensors"),
                        {"fc1.weight": layers[0].detach().numpy().astype(np.float16),
                         "fc2.weight": layers[1].detach().numpy().astype(np.float16)},
                        {"data": options.mnist or "drawn digits", "float_accuracy_percent": f"{100 * right:.2f}"})
    safetensors_io.save(os.path.join(options.out, "digits.safetensors"),
                        {"inputs": codes, "labels": ty.astype(np.int64)}, {"data": options.mnist or "drawn digits"})


if __name__ == "__main__":
    main()
