#!/usr/bin/python3
"""Synthesises the keyword recordings with espeak-ng (through libespeak-ng, in process).

Speech Commands cannot be redistributed here, so the project trains and tests on synthetic voices: 8 English voices
of espeak-ng, each with 90 of its voice variants. The split is by variant (60 train, 10 validation, 20 test), so no
test voice was heard in training. espeak-ng carries state from call to call; therefore each speaker (voice with
variant) is synthesised by a process of its own, in a fixed order, and every clip has a random generator keyed by
(seed, variant, voice, class, repetition). The same espeak-ng data and seed give the same samples for any --jobs.
"""

import argparse
import multiprocessing
import os
import sys
import time
import zlib

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: the matrices are small, and --jobs shares the cores

import numpy as np

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../training"))
import features
import sounds
import voices

SEED = 14
SPLITS = {"train": (60, 7), "validation": (10, 3), "test": (None, 3)}  # variants, repetitions of (speaker, class)
KEYWORDS = features.CLASSES[:10]
UNKNOWN = ("backward bed bird cat dog eight five follow forward four happy house learn marvin nine one seven sheila "
           "six three tree two visual wow zero").split()
SHIPPED_PER_CLASS = 12
SHIPPED_SEED = 2023  # the shipped clips are the first SHIPPED_PER_CLASS of each class after this shuffle


def split_variants():
    """{split: [variant]}: a fixed shuffle of the variants, cut 60 / 10 / rest."""
    names = voices.variants_available()  # without effects, which were left out before any result was seen
    order = [names[i] for i in np.random.default_rng(SEED).permutation(len(names))]
    return {"train": order[:60], "validation": order[60:70], "test": order[70:]}


def place(rng, speech):
    """The spoken part of `speech` at a random place of one second; what does not fit loses its quieter end."""
    loud = np.flatnonzero(np.abs(speech) > 0.02 * np.abs(speech).max())
    speech = speech[loud[0]:loud[-1] + 1] if len(loud) else speech
    speech = speech[:features.CLIP_SAMPLES]
    room = features.CLIP_SAMPLES - len(speech)
    start = int(np.clip(0.5 * room + rng.uniform(-0.12, 0.12) * features.SAMPLE_RATE, 0, room))
    return start, speech


def clip(synthesiser, label, seed_key):
    """One recording: 16,000 samples of int16."""
    rng = np.random.default_rng(seed_key)
    rate, pitch, pitch_range = rng.uniform(110, 230), rng.uniform(15, 85), rng.uniform(20, 80)
    level = 10.0 ** (rng.uniform(-30.0, -14.0) / 20.0)
    background = sounds.noise(rng, features.CLIP_SAMPLES)
    if label == "silence":
        wave = background * level * 10.0 ** (-rng.uniform(3.0, 35.0) / 20.0)
    else:
        word = UNKNOWN[rng.integers(len(UNKNOWN))] if label == "unknown" else label
        spoken = synthesiser.speak_16k(word, rate, pitch, pitch_range)
        start, spoken = place(rng, spoken)
        placed = np.zeros(features.CLIP_SAMPLES)
        coloured = sounds.colour(rng, spoken)[:features.CLIP_SAMPLES - start]
        placed[start:start + len(coloured)] = coloured
        power = np.sqrt(np.mean(placed[start:start + len(spoken)] ** 2)) + 1e-9
        snr = 10.0 ** (rng.uniform(3.0, 35.0) / 20.0)
        wave = level * (placed / power + background / snr)
    return np.clip(np.round(wave * 32768.0), -32768, 32767).astype(np.int16)


def _speaker(job):
    """All clips of one speaker. Runs in a process of its own: see the module's comment."""
    voice, variant, repetitions, labels, want_audio = job
    synthesiser = voices.Synthesiser(voice, variant)
    clips = []
    for label in labels:
        for repetition in range(repetitions):
            # The class list may be a part of the whole (a quick run); all clips are keyed by name, not by place.
            key = [SEED, zlib.crc32(variant.encode()), zlib.crc32(voice.encode()), zlib.crc32(label.encode()), repetition]
            audio = clip(synthesiser, label, key)
            values = features.mfcc(audio / 32768.0).astype(np.float32)
            clips.append((label, voice, variant, repetition, values, audio if want_audio else None))
    return clips


def speakers(variants, repetitions, voice_names=None, labels=None, want_audio=False, jobs=1):
    """Clips of every (variant, voice), speaker after speaker, as (label, voice, variant, repetition, mfcc, audio)."""
    work = [(voice, variant, repetitions, labels or features.CLASSES, want_audio)
            for variant in variants for voice in (voice_names or voices.VOICES)]
    # maxtasksperchild=1 with chunksize=1: a process per speaker.
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        for clips in pool.imap(_speaker, work, chunksize=1):
            yield from clips


def arrays(split, variants, repetitions, out, **options):
    """Writes <out>/<split>.npz with x [n, 1960] float32, y [n] int64 and the speakers' names."""
    rows = list(speakers(variants, repetitions, **options))
    np.savez(os.path.join(out, split + ".npz"),
             x=np.stack([row[4] for row in rows]),
             y=np.array([features.CLASSES.index(row[0]) for row in rows], dtype=np.int64),
             speaker=np.array([row[1] + "+" + row[2] for row in rows]))
    return len(rows)


def file_name(label, voice, variant, repetition):
    return f"{label}_{voice}_{variant.replace(' ', '-')}_{repetition}.flac"


def write_flac(folder, rows):
    """FLAC files (16 kHz, 16 bit, mono) and their manifest test.tsv."""
    import soundfile

    os.makedirs(folder, exist_ok=True)
    lines = []
    for label, voice, variant, repetition, _values, audio in rows:
        name = file_name(label, voice, variant, repetition)
        soundfile.write(os.path.join(folder, name), audio, features.SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        lines.append(f"{name}\t{label}\n")
    with open(os.path.join(folder, "test.tsv"), "w", encoding="utf-8") as manifest:
        manifest.write("# recording<TAB>class; synthetic voices, made by workloads/kws/training/synthesise.py\n")
        manifest.writelines(lines)
    return len(lines)


def shipped(rows):
    """The recordings that ship: a fixed shuffle of each class's test clips, its first SHIPPED_PER_CLASS."""
    rng = np.random.default_rng(SHIPPED_SEED)
    chosen = []
    for label in features.CLASSES:
        of_class = [row for row in rows if row[0] == label]
        chosen += [of_class[i] for i in rng.permutation(len(of_class))[:SHIPPED_PER_CLASS]]
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arrays", metavar="DIR", help="write train.npz, validation.npz and test.npz for train.py")
    parser.add_argument("--full-test", metavar="DIR", help="write all 5,760 test recordings as FLAC, with test.tsv")
    parser.add_argument("--shipped", metavar="DIR", help="write the shipped test recordings as FLAC, with test.tsv")
    parser.add_argument("--quick", action="store_true", help="a handful of speakers only: to see that the script works")
    parser.add_argument("--jobs", type=int, default=1, help="processes; the result does not depend on it")
    options = parser.parse_args()
    if not (options.arrays or options.full_test or options.shipped):
        parser.error("nothing to do: give --arrays, --full-test or --shipped")
    split = split_variants()
    voice_names = voices.VOICES[:2] if options.quick else voices.VOICES
    if options.quick:
        split = {name: variants[:3] for name, variants in split.items()}
    if options.arrays:
        os.makedirs(options.arrays, exist_ok=True)
        for name, variants in split.items():
            begin = time.monotonic()
            count = arrays(name, variants, SPLITS[name][1], options.arrays, voice_names=voice_names, jobs=options.jobs)
            print(f"{name}: {len(variants)} variants, {count} clips, {time.monotonic() - begin:.0f} s", file=sys.stderr)
    if options.full_test or options.shipped:
        rows = list(speakers(split["test"], SPLITS["test"][1], voice_names=voice_names, want_audio=True, jobs=options.jobs))
        if options.full_test:
            print(f"{write_flac(options.full_test, rows)} recordings in {options.full_test}", file=sys.stderr)
        if options.shipped:
            print(f"{write_flac(options.shipped, shipped(rows))} recordings in {options.shipped}", file=sys.stderr)


if __name__ == "__main__":
    main()
