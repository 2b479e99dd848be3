#!/usr/bin/python3
"""Writes the golden files of testbench/unit/workloads: features and scores of the shipped recordings, in float64.

    mfcc.f64    [4, 1960]  features of the first four recordings of data/test.tsv
    inputs.f64  [4, 1024]  their pad inputs
    scores.f64  [n, 12]    scores of all recordings, in the manifest's order
Raw little-endian doubles. Run it again after the weights or the recordings have changed.
"""

import argparse
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy

import numpy as np
import soundfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../training"))
import features
import safetensors_io

HERE = os.path.dirname(os.path.abspath(__file__))


def scores(tensors, x):
    for index in range(sum(name.startswith("layers.") for name in tensors)):
        x = np.clip(x, 0.0, 1.0)  # the inputs are in range already
        x = x @ tensors[f"layers.{index}.weight"].astype(np.float64).T
    return x


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.path.join(HERE, "../data"))
    parser.add_argument("--weights", default=os.path.join(HERE, "../weights/kws.safetensors"))
    parser.add_argument("--out", default=os.path.join(HERE, "../../../testbench/unit/workloads/golden"))
    options = parser.parse_args()
    tensors, metadata = safetensors_io.load(options.weights)
    with open(os.path.join(options.data, "test.tsv"), encoding="utf-8") as manifest:
        rows = [line.rstrip("\n").split("\t") for line in manifest if not line.startswith("#")]
    mfcc = np.stack([features.mfcc(soundfile.read(os.path.join(options.data, name))[0]) for name, _ in rows])
    inputs = features.standardise(mfcc, tensors["features.mean"].astype(np.float64),
                                  tensors["features.std"].astype(np.float64))[:, tensors["features.selected"]]
    result = scores(tensors, inputs)
    os.makedirs(options.out, exist_ok=True)
    for name, values in {"mfcc": mfcc[:4], "inputs": inputs[:4], "scores": result}.items():
        values.astype("<f8").tofile(os.path.join(options.out, name + ".f64"))
    classes = metadata["classes"].split(",")
    right = sum(classes[int(best)] == label for best, (_, label) in zip(result.argmax(1), rows))
    print(f"{right} of {len(rows)} recordings right ({100.0 * right / len(rows):.2f} %)")


if __name__ == "__main__":
    main()
