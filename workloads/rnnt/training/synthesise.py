#!/usr/bin/python3
"""Synthesises the RNN-T's sentences with espeak-ng (through libespeak-ng, in process).

Librispeech cannot be redistributed here, so the small network is trained and tested on synthetic voices: 8 English
voices of espeak-ng, each with 81 of its voice variants. Both are held out from training: the test set's variants and
the test set's sentences (grammar.py). Every speaker is synthesised by a process of its own, in a fixed order, and every
recording has a random generator keyed by (seed, set, variant, voice, number): the same espeak-ng data and seed give the
same samples for any --jobs.
"""

import argparse
import multiprocessing
import os
import sys
import time
import zlib

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: the matrices are small, and --jobs shares the cores

import numpy as np
from scipy import fft as sp_fft

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../training"))
import features
import grammar
import sounds
import voices

SEED = 1914
# Left out before any result was seen, by what espeak-ng's variant files say; the reason beside each.
LEFT_OUT = voices.EFFECTS | {
    "RicishayMax", "RicishayMax2", "RicishayMax3",  # an echo of strength 500 or more (other variants: at most 80): an effect
    "whisper", "whisperf",  # voicing 17 and 20: whispered, not voiced
    "caleb",  # voicing 0: not voiced
    "sandro",  # breath noise of Demonic, an effect
    "croak",  # creaks by intent
    "iven",  # voicing 530 (other variants: up to 230): overdriven
}
SPLITS = {"train": (60, 80), "validation": (6, 8), "test": (15, 6)}  # variants, sentences of every speaker
RANDOM_WORDS = {"train": 0.25, "validation": 0.0, "test": 0.0}  # share of sentences without grammar
SHIPPED = 48
SHIPPED_SEED = 2024  # the shipped recordings are the first SHIPPED of the test set after this shuffle


def split_variants():
    """{split: [variant]}: a fixed shuffle of the variants, cut 60 / 6 / 15."""
    names = voices.variants_available(LEFT_OUT)
    order = [names[i] for i in np.random.default_rng(SEED).permutation(len(names))]
    split, begin = {}, 0
    for name, (count, _) in SPLITS.items():
        split[name] = order[begin:begin + count]
        begin += count
    return split


def recording(synthesiser, text, rng):
    """int16 samples of `text`, with 0.05 to 0.35 s before and after it."""
    spoken = synthesiser.speak_16k(text, rng.uniform(120, 200), rng.uniform(20, 80), rng.uniform(20, 80))
    loud = np.flatnonzero(np.abs(spoken) > 0.02 * np.abs(spoken).max())
    spoken = spoken[loud[0]:loud[-1] + 1]
    before, after = (int(rng.uniform(0.05, 0.35) * features.SAMPLE_RATE) for _ in range(2))
    samples = before + len(spoken) + after
    wave = sounds.colour(rng, np.pad(spoken, (before, after)), sp_fft.next_fast_len(samples + 8000))[:samples]
    power = np.sqrt(np.mean(wave[before:before + len(spoken)] ** 2)) + 1e-9
    snr = 10.0 ** (rng.uniform(15.0, 40.0) / 20.0)
    level = 10.0 ** (rng.uniform(-30.0, -14.0) / 20.0)
    wave = level * (wave / power + sounds.noise(rng, samples) / snr)
    return np.clip(np.round(wave * 32768.0), -32768, 32767).astype(np.int16)


def _speaker(job):
    """All recordings of one speaker. Runs in a process of its own: see the module's comment."""
    split, voice, variant, count, want_audio = job
    synthesiser = voices.Synthesiser(voice, variant)
    rows = []
    for number in range(count):
        rng = np.random.default_rng(
            [SEED, zlib.crc32(split.encode()), zlib.crc32(variant.encode()), zlib.crc32(voice.encode()), number])
        text = grammar.sentence(rng, split, RANDOM_WORDS[split])
        audio = recording(synthesiser, text, rng)
        values = None if want_audio else features.features(audio / 32768.0).astype(np.float16)
        rows.append((f"{voice}_{variant.replace(' ', '-')}_{number}", text, values, audio if want_audio else None))
    return rows


def speakers(split, variants, count, voice_names, want_audio=False, jobs=1):
    """Recordings of every (variant, voice), speaker after speaker: (name, text, features or None, audio or None)."""
    work = [(split, voice, variant, count, want_audio) for variant in variants for voice in voice_names]
    # maxtasksperchild=1 with chunksize=1: a process per speaker.
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        for rows in pool.imap(_speaker, work, chunksize=1):
            yield from rows


def arrays(path, rows):
    """Writes x [frames, 240] float16 (all recordings, one after the other), frames [n], text [n] and name [n]."""
    names, texts, values, _ = zip(*rows)
    np.savez(path, x=np.concatenate(values), frames=np.array([len(value) for value in values]), text=np.array(texts),
             name=np.array(names))
    return len(names)


def write_flac(folder, rows):
    """FLAC files (16 kHz, 16 bit, mono) and their manifest test.tsv."""
    import soundfile

    os.makedirs(folder, exist_ok=True)
    lines = []
    for name, text, _values, audio in rows:
        soundfile.write(os.path.join(folder, name + ".flac"), audio, features.SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        lines.append(f"{name}.flac\t{text}\n")
    with open(os.path.join(folder, "test.tsv"), "w", encoding="utf-8") as manifest:
        manifest.write("# recording<TAB>transcript; synthetic voices, made by workloads/rnnt/training/synthesise.py\n")
        manifest.writelines(lines)
    return len(lines)


def shipped(rows):
    """The recordings that ship: the first SHIPPED of a fixed shuffle of the test set."""
    return [rows[i] for i in np.random.default_rng(SHIPPED_SEED).permutation(len(rows))[:SHIPPED]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arrays", metavar="DIR", help="write train.npz, validation.npz and test.npz for train.py")
    parser.add_argument("--full-test", metavar="DIR", help="write all 720 test recordings as FLAC, with test.tsv")
    parser.add_argument("--shipped", metavar="DIR", help="write the 48 shipped recordings as FLAC, with test.tsv")
    parser.add_argument("--quick", action="store_true", help="a handful of speakers only: to see that the script works")
    parser.add_argument("--jobs", type=int, default=1, help="processes; the result does not depend on it")
    options = parser.parse_args()
    if not (options.arrays or options.full_test or options.shipped):
        parser.error("nothing to do: give --arrays, --full-test or --shipped")
    split = split_variants()
    voice_names = voices.VOICES[:2] if options.quick else voices.VOICES
    counts = {name: min(8, count) if options.quick else count for name, (_, count) in SPLITS.items()}
    if options.quick:
        split = {name: variants[:4] for name, variants in split.items()}
    if options.arrays:
        os.makedirs(options.arrays, exist_ok=True)
        for name in ("validation", "test", "train"):
            begin = time.monotonic()
            count = arrays(os.path.join(options.arrays, name + ".npz"),
                           speakers(name, split[name], counts[name], voice_names, jobs=options.jobs))
            print(f"{name}: {len(split[name])} variants, {count} sentences, {time.monotonic() - begin:.0f} s",
                  file=sys.stderr)
    if options.full_test or options.shipped:
        rows = list(speakers("test", split["test"], counts["test"], voice_names, want_audio=True, jobs=options.jobs))
        if options.full_test:
            print(f"{write_flac(options.full_test, rows)} recordings in {options.full_test}", file=sys.stderr)
        if options.shipped:
            print(f"{write_flac(options.shipped, shipped(rows))} recordings in {options.shipped}", file=sys.stderr)


if __name__ == "__main__":
    main()
