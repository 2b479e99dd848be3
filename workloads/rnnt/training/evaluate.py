#!/usr/bin/python3
"""Word error rate of an RNN-T weight file on a manifest (path<TAB>transcript), in float or as the chip would have it.

The whole corpus counts as one text: substitutions + deletions + insertions over the words of the transcripts.
"""

import argparse
import json
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before torch
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../training"))
import features
import model
import safetensors_io

HERE = os.path.dirname(os.path.abspath(__file__))
# Per cent of a matrix's largest weight, and of a read-out's full scale.
NOISES = ((0, 0), (2, 0), (3, 0), (5, 0), (8, 0), (0, 4), (3, 2))


def transcripts(network, recordings, batch=128):
    """Greedy transcripts of [features [T, 240]], in order."""
    order = sorted(range(len(recordings)), key=lambda row: len(recordings[row]))
    texts = [""] * len(recordings)
    dtype = network.w["joint.net.3.weight"].dtype
    for begin in range(0, len(order), batch):
        rows = order[begin:begin + batch]
        frames = [len(recordings[row]) for row in rows]
        x = torch.zeros(max(frames), len(rows), recordings[rows[0]].shape[1], dtype=dtype)
        for k, row in enumerate(rows):
            x[:frames[k], k] = torch.from_numpy(np.asarray(recordings[row])).to(dtype)
        for row, text in zip(rows, network.greedy(x, torch.tensor(frames))):
            texts[row] = text
    return texts


def measure(weights, full_scale, recordings, references, draws):
    """{name: text}: word error rates in percent, in float, in 8 bits and with NOISES (mean +- deviation of draws)."""
    def rate(chip):
        return model.wer_percent(references, transcripts(model.Network(weights, chip), recordings))

    result = {"float": f"{rate(None):.2f}"}
    for weight_noise, output_noise in NOISES:
        noisy = weight_noise > 0 or output_noise > 0
        chip = model.Chip(full_scale, True, output_noise / 100.0, weight_noise / 100.0)
        values = [rate(chip) for _ in range(draws if noisy else 1)]
        name = f"8_bit_weight_noise_{weight_noise}_output_noise_{output_noise}" if noisy else "8_bit"
        result[name] = f"{np.mean(values):.2f}" + (f" +- {np.std(values, ddof=1):.2f}" if len(values) > 1 else "")
    return result


def load_weights(path, dtype=torch.float32):
    """({state_dict key: tensor}, metadata) of a weight file; leaves with a message when it is not an RNN-T."""
    tensors, metadata = safetensors_io.load(path)
    try:
        model.sizes_of(tensors)
    except ValueError as error:
        raise SystemExit(f"{path}: {error}; this is not an RNN-T") from error
    return {key: torch.from_numpy(value.astype(np.float64)).to(dtype) for key, value in tensors.items()}, metadata


def read_manifest(path):
    """[(recording's path, transcript)]; paths are relative to the manifest."""
    with open(path, encoding="utf-8") as manifest:
        rows = [line.rstrip("\n").split("\t") for line in manifest if line.strip() and not line.startswith("#")]
    return [(os.path.join(os.path.dirname(path), name), text) for name, text in rows]


def features_of(path):
    """float64 features of a recording."""
    import soundfile

    audio, rate = soundfile.read(path)
    if rate != features.SAMPLE_RATE or audio.ndim != 1:
        raise SystemExit(f"{path}: {rate} Hz, {audio.ndim} dimensions; 16 kHz mono is needed")
    return features.features(audio)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", metavar="FILE", default=os.path.join(HERE, "../data/test.tsv"))
    parser.add_argument("--weights", metavar="FILE", default=os.path.join(HERE, "../weights/rnnt_small.safetensors"))
    parser.add_argument("--bits8", action="store_true", help="8-bit activations and read-outs")
    parser.add_argument("--weight-noise", type=float, default=0.0, metavar="PERCENT", help="of each matrix's largest weight")
    parser.add_argument("--output-noise", type=float, default=0.0, metavar="PERCENT", help="of each read-out's full scale")
    parser.add_argument("--table", action="store_true", help="float, 8 bits and a table of noises")
    parser.add_argument("--draws", type=int, default=5, help="of the noise")
    parser.add_argument("--seed", type=int, default=1, help="of the noise")
    parser.add_argument("--transcripts", metavar="FILE", help="write path<TAB>hypothesis of the first draw")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    weights, metadata = load_weights(options.weights)
    rows = read_manifest(options.manifest)
    recordings, references = [features_of(path) for path, _ in rows], [text for _, text in rows]
    imperfect = options.bits8 or options.weight_noise > 0.0 or options.output_noise > 0.0
    if (imperfect or options.table) and "output_full_scale" not in metadata:
        raise SystemExit(f"{options.weights}: no output_full_scale in its metadata: only the float rate can be told")
    full_scale = json.loads(metadata.get("output_full_scale", "{}"))
    print(f"{len(rows)} recordings, {sum(len(text.split()) for text in references)} words")
    if options.table:
        for name, value in measure(weights, full_scale, recordings, references, options.draws).items():
            print(f"{name}: {value} %")
        return
    chip = model.Chip(full_scale, options.bits8, options.output_noise / 100.0,
                      options.weight_noise / 100.0) if imperfect else None
    rates = []
    for draw in range(options.draws if options.weight_noise > 0.0 or options.output_noise > 0.0 else 1):
        texts = transcripts(model.Network(weights, chip), recordings)
        words, substitutions, deletions, insertions = model.word_errors(references, texts)
        rates.append(100.0 * (substitutions + deletions + insertions) / words)
        print(f"WER {rates[-1]:.2f} %: {substitutions} substitutions, {deletions} deletions, {insertions} insertions")
        if options.transcripts and draw == 0:
            with open(options.transcripts, "w", encoding="utf-8") as file:
                file.writelines(f"{os.path.basename(path)}\t{text}\n" for (path, _), text in zip(rows, texts))
    if len(rates) > 1:
        print(f"mean {np.mean(rates):.2f} %, deviation of the draws {np.std(rates, ddof=1):.2f}")


if __name__ == "__main__":
    main()
