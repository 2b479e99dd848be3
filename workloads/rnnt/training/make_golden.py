#!/usr/bin/python3
"""Writes the golden files of testbench/regress/rnnt, computed in double precision from the shipped F16 weights.

For the first four recordings of data/test.tsv, k = 0..3:
    features_<k>.f64    [T, 240]              features, before the clip at +-3
    encoder_<k>.f64     [ceil(T / 2), hidden] encoder outputs
    logits_<k>.f64      [n, 29]               every joint evaluation of greedy decoding, in order
For all recordings:
    transcripts.tsv     path<TAB>greedy transcript
With --random SEED (a full-size network with the weights of random_weights.py; see there for features and weights):
    full_size.features.f64  [N, 240]
    full_size.encoder.f64   [ceil(N / 2), 1024]
    full_size.logits.f64    [ceil(N / 2), 4, 29]   encoder frame t with the prediction after u of the symbols 7, 4, 11
Raw little-endian doubles. Run it again after the weights or the recordings have changed.
"""

import argparse
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before torch
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

import evaluate
import model
import random_weights

HERE = os.path.dirname(os.path.abspath(__file__))
FULL_RECORDINGS = 4
SYMBOLS = [7, 4, 11]  # "hel", shifted by the space


def write(folder, name, values):
    np.asarray(values, dtype="<f8").tofile(os.path.join(folder, name + ".f64"))


@torch.no_grad()
def decode(network, x):
    """(encoder outputs [T', hidden], logits [n, 29] of every joint evaluation, transcript) of features [T, 240]."""
    f = network.encode(torch.from_numpy(x).unsqueeze(1), torch.tensor([len(x)]))
    g, states = network.predict(torch.full((1, 1), model.BLANK))
    logits, text = [], ""
    for frame in f:
        for _ in range(model.MAX_SYMBOLS):
            logits.append(network.joint_sum(*network.joint_parts(frame, g[0]))[0].numpy())
            best = int(np.argmax(logits[-1]))  # the first of equals
            if best == model.BLANK:
                break
            text += model.LABELS[best]
            g, states = network.predict(torch.full((1, 1), best), states)
    return f[:, 0].numpy(), np.stack(logits), text


@torch.no_grad()
def full_size(seed, frames, out):
    weights = {key: torch.from_numpy(value).double() for key, value in random_weights.weights(seed).items()}
    network = model.Network(weights)
    x = random_weights.features(seed, frames, model.FULL_SIZE.inputs).astype(np.float64)
    f = network.encode(torch.from_numpy(x).unsqueeze(1), torch.tensor([frames]))[:, 0]
    g, _ = network.predict(torch.tensor([model.BLANK] + SYMBOLS)[:, None])
    from_f, from_g = network.joint_parts(f, g[:, 0])
    write(out, "full_size.features", x)
    write(out, "full_size.encoder", f)
    write(out, "full_size.logits", network.joint_sum(from_f[:, None], from_g[None]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", metavar="FILE", default=os.path.join(HERE, "../data/test.tsv"))
    parser.add_argument("--weights", metavar="FILE", default=os.path.join(HERE, "../weights/rnnt_small.safetensors"))
    parser.add_argument("--out", metavar="DIR", default=os.path.join(HERE, "../../../testbench/regress/rnnt/golden"))
    parser.add_argument("--random", type=int, metavar="SEED", help="write the full-size network's files instead")
    parser.add_argument("--frames", type=int, default=6, help="of random features")
    options = parser.parse_args()
    torch.set_num_threads(1)
    os.makedirs(options.out, exist_ok=True)
    if options.random is not None:
        full_size(options.random, options.frames, options.out)
        return
    weights, _ = evaluate.load_weights(options.weights, torch.float64)
    network = model.Network(weights)
    rows = evaluate.read_manifest(options.manifest)
    texts = []
    for k, (path, _) in enumerate(rows):
        x = evaluate.features_of(path)
        f, logits, text = decode(network, x)
        texts.append(text)
        if k < FULL_RECORDINGS:
            write(options.out, f"features_{k}", x)
            write(options.out, f"encoder_{k}", f)
            write(options.out, f"logits_{k}", logits)
    with open(os.path.join(options.out, "transcripts.tsv"), "w", encoding="utf-8") as file:
        file.writelines(f"{os.path.basename(path)}\t{text}\n" for (path, _), text in zip(rows, texts))
    words, substitutions, deletions, insertions = model.word_errors([text for _, text in rows], texts)
    print(f"{len(rows)} recordings: WER {100.0 * (substitutions + deletions + insertions) / words:.2f} % of {words} words",
          file=sys.stderr)


if __name__ == "__main__":
    main()
