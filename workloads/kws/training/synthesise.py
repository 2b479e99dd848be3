#!/usr/bin/python3
"""Synthesises the keyword recordings with espeak-ng (through libespeak-ng, in process).

Speech Commands cannot be redistributed here, so the project trains and tests on synthetic voices: 8 English voices
of espeak-ng, each with 90 of its voice variants. The split is by variant (60 train, 10 validation, 20 test), so no
test voice was heard in training. espeak-ng carries state from call to call; therefore each speaker (voice with
variant) is synthesised by a process of its own, in a fixed order, and every clip has a random generator keyed by
(seed, variant, voice, class, repetition). The same espeak-ng data and seed give the same samples for any --jobs.
"""

import argparse
import ctypes
import multiprocessing
import os
import sys
import time
import zlib

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: the matrices are small, and --jobs shares the cores

import numpy as np
from scipy import fft as sp_fft
from scipy import signal

import features

SEED = 14
VOICES = ["en", "en-029", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-gb-x-rp", "en-us", "en-us-nyc"]
# Variants that are effects and not voices, left out before any result was seen.
EFFECTS = {"UniRobot", "anikaRobot", "Demonic"} | {"robosoft" + n for n in ["", "2", "3", "4", "5", "6", "7", "8"]}
SPLITS = {"train": (60, 7), "validation": (10, 3), "test": (None, 3)}  # variants, repetitions of (speaker, class)
KEYWORDS = features.CLASSES[:10]
UNKNOWN = ("backward bed bird cat dog eight five follow forward four happy house learn marvin nine one seven sheila "
           "six three tree two visual wow zero").split()
SHIPPED_PER_CLASS = 12
SHIPPED_SEED = 2023  # the shipped clips are the first SHIPPED_PER_CLASS of each class after this shuffle

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Synthesiser:
    """libespeak-ng with one voice and variant selected."""

    def __init__(self, voice, variant):
        self._lib = ctypes.CDLL("libespeak-ng.so.1")
        self.rate_hz = self._lib.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, None, 0)
        if self.rate_hz <= 0:
            raise SystemExit("synthesise.py: espeak-ng does not start. Install libespeak-ng1 and espeak-ng-data.")
        self._chunks = []
        self._callback = _CALLBACK(self._receive)
        self._lib.espeak_SetSynthCallback(self._callback)
        if self._lib.espeak_SetVoiceByName(f"{voice}+{variant}".encode()) != 0:
            raise SystemExit(f"synthesise.py: espeak-ng has no voice {voice}+{variant}. Install espeak-ng-data 1.51.")

    def _receive(self, samples, count, _events):
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def speak(self, text, rate, pitch, pitch_range):
        self._chunks = []
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._lib.espeak_SetParameter(parameter, int(value), 0)
        data = text.encode() + b"\0"
        self._lib.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, 0, 0, _CHARS_UTF8, None, None)
        self._lib.espeak_Synchronize()
        speech = np.concatenate(self._chunks) if self._chunks else np.zeros(1, np.int16)
        return speech.astype(np.float64) / 32768.0


def _list_variants(_):
    lib = ctypes.CDLL("libespeak-ng.so.1")
    lib.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, None, 0)
    lib.espeak_Info.restype = ctypes.c_char_p
    path = ctypes.c_char_p()
    lib.espeak_Info(ctypes.byref(path))
    return os.listdir(os.path.join(path.value.decode(), "voices", "!v"))


def variants_available():
    """Names of the voice variants installed, sorted. espeak-ng is asked in a process of its own: it keeps state."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return sorted(set(pool.apply(_list_variants, (None,))) - EFFECTS)


def split_variants():
    """{split: [variant]}: a fixed shuffle of the variants, cut 60 / 10 / rest."""
    names = variants_available()
    order = [names[i] for i in np.random.default_rng(SEED).permutation(len(names))]
    return {"train": order[:60], "validation": order[60:70], "test": order[70:]}


def _filtered_noise(rng, shape_of_frequency):
    spectrum = sp_fft.rfft(rng.standard_normal(features.CLIP_SAMPLES))
    hz = np.fft.rfftfreq(features.CLIP_SAMPLES, 1.0 / features.SAMPLE_RATE)
    return sp_fft.irfft(spectrum * shape_of_frequency(np.maximum(hz, 20.0)), features.CLIP_SAMPLES)


def noise(rng):
    """One second of white, pink, hum or babble-like noise with unit deviation."""
    kind = rng.integers(4)
    if kind == 0:
        wave = rng.standard_normal(features.CLIP_SAMPLES)
    elif kind == 1:
        wave = _filtered_noise(rng, lambda f: f**-0.5)
    elif kind == 2:
        t = np.arange(features.CLIP_SAMPLES) / features.SAMPLE_RATE
        base = rng.uniform(45.0, 130.0)
        wave = _filtered_noise(rng, lambda f: 1.0 / f)
        wave = wave / wave.std()
        for harmonic in range(1, 9):
            wave = wave + rng.uniform(0.0, 1.0) / harmonic * np.sin(
                2.0 * np.pi * (base * harmonic * t + rng.uniform()))
    else:
        wave = _filtered_noise(rng, lambda f: 1.0 / (1.0 + (f / 500.0) ** 2) ** 0.5 * (f > 100.0))
        t = np.arange(features.CLIP_SAMPLES) / features.SAMPLE_RATE
        for _ in range(2):
            wave = wave * (1.0 + rng.uniform(0.3, 0.9) * np.sin(2.0 * np.pi * (rng.uniform(2.0, 8.0) * t + rng.uniform())))
    return wave / wave.std()


def colour(rng, speech):
    """Reverberation (half of the clips) and a spectral tilt of up to 3 dB an octave, in one pass."""
    size = 32768
    spectrum = sp_fft.rfft(speech, size)
    hz = np.fft.rfftfreq(size, 1.0 / features.SAMPLE_RATE)
    spectrum *= (np.maximum(hz, 60.0) / 1000.0) ** rng.uniform(-0.5, 0.5)
    if rng.uniform() < 0.5:
        seconds = rng.uniform(0.05, 0.4)  # for 60 dB
        n = int(seconds * features.SAMPLE_RATE)
        tail = rng.standard_normal(n) * 10.0 ** (-3.0 * np.arange(n) / n)
        tail *= rng.uniform(0.1, 0.7) / np.sqrt(np.sum(tail**2))
        tail[0] += 1.0
        spectrum *= sp_fft.rfft(tail, size)
    return sp_fft.irfft(spectrum, size)


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
    background = noise(rng)
    if label == "silence":
        wave = background * level * 10.0 ** (-rng.uniform(3.0, 35.0) / 20.0)
    else:
        word = UNKNOWN[rng.integers(len(UNKNOWN))] if label == "unknown" else label
        spoken = synthesiser.speak(word, rate, pitch, pitch_range)
        spoken = signal.resample_poly(spoken, 320, 441) if synthesiser.rate_hz == 22050 else signal.resample_poly(
            spoken, features.SAMPLE_RATE, synthesiser.rate_hz)
        start, spoken = place(rng, spoken)
        placed = np.zeros(features.CLIP_SAMPLES)
        coloured = colour(rng, spoken)[:features.CLIP_SAMPLES - start]
        placed[start:start + len(coloured)] = coloured
        power = np.sqrt(np.mean(placed[start:start + len(spoken)] ** 2)) + 1e-9
        snr = 10.0 ** (rng.uniform(3.0, 35.0) / 20.0)
        wave = level * (placed / power + background / snr)
    return np.clip(np.round(wave * 32768.0), -32768, 32767).astype(np.int16)


def _speaker(job):
    """All clips of one speaker. Runs in a process of its own: see the module's comment."""
    voice, variant, repetitions, labels, want_audio = job
    synthesiser = Synthesiser(voice, variant)
    clips = []
    for label in labels:
        for repetition in range(repetitions):
            # The class list may be a part of the whole (a quick run); all clips are keyed by name, not by place.
            key = [SEED, zlib.crc32(variant.encode()), zlib.crc32(voice.encode()), zlib.crc32(label.encode()), repetition]
            audio = clip(synthesiser, label, key)
            values = features.mfcc(audio / 32768.0).astype(np.float32)
            clips.append((label, voice, variant, repetition, values, audio if want_audio else None))
    return clips


def speakers(variants, repetitions, voices=None, labels=None, want_audio=False, jobs=1):
    """Clips of every (variant, voice), speaker after speaker, as (label, voice, variant, repetition, mfcc, audio)."""
    work = [(voice, variant, repetitions, labels or features.CLASSES, want_audio)
            for variant in variants for voice in (voices or VOICES)]
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
    voices = VOICES[:2] if options.quick else VOICES
    if options.quick:
        split = {name: variants[:3] for name, variants in split.items()}
    if options.arrays:
        os.makedirs(options.arrays, exist_ok=True)
        for name, variants in split.items():
            begin = time.monotonic()
            count = arrays(name, variants, SPLITS[name][1], options.arrays, voices=voices, jobs=options.jobs)
            print(f"{name}: {len(variants)} variants, {count} clips, {time.monotonic() - begin:.0f} s", file=sys.stderr)
    if options.full_test or options.shipped:
        rows = list(speakers(split["test"], SPLITS["test"][1], voices=voices, want_audio=True, jobs=options.jobs))
        if options.full_test:
            print(f"{write_flac(options.full_test, rows)} recordings in {options.full_test}", file=sys.stderr)
        if options.shipped:
            print(f"{write_flac(options.shipped, shipped(rows))} recordings in {options.shipped}", file=sys.stderr)


if __name__ == "__main__":
    main()
