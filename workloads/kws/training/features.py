"""Reference feature front end of keyword spotting: the float64 formulas every other implementation is held to.

One second of 16 kHz audio becomes 49 frames of 40 MFCC, as TensorFlow's AudioSpectrogram and Mfcc kernels compute
them (workloads/kws/README.md has the table). The C++ front end, workloads/kws/features.cpp, must agree to 1e-9.
"""

import numpy as np

SAMPLE_RATE = 16000
CLIP_SAMPLES = 16000
WINDOW = 480
STRIDE = 320
FFT_LENGTH = 512
FRAMES = 1 + (CLIP_SAMPLES - WINDOW) // STRIDE  # 49
CHANNELS = 40
COEFFICIENTS = 40
LOWER_HZ = 20.0
UPPER_HZ = 4000.0
LOG_FLOOR = 1e-12
FEATURES = FRAMES * COEFFICIENTS  # 1,960
SIGMAS = 3.0  # +- this many deviations fill the pads' range

CLASSES = ["down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown"]


def mel(hz):
    return 1127.0 * np.log1p(np.asarray(hz, dtype=np.float64) / 700.0)


def window():
    """Periodic Hann window of WINDOW samples."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)


def filter_bank():
    """Weights [FFT bins, channels]: triangles linear in mel. A bin's weights on its two channels sum to one."""
    bins = FFT_LENGTH // 2 + 1
    low, high = mel(LOWER_HZ), mel(UPPER_HZ)
    centres = low + (high - low) / (CHANNELS + 1) * np.arange(1, CHANNELS + 2)
    hz_per_bin = 0.5 * SAMPLE_RATE / (bins - 1)
    first = int(1.5 + LOWER_HZ / hz_per_bin)  # rounds, and never takes DC
    last = int(UPPER_HZ / hz_per_bin)
    weights = np.zeros((bins, CHANNELS))
    for i in range(first, last + 1):
        m = float(mel(i * hz_per_bin))
        above = int(np.searchsorted(centres, m, side="left"))  # first centre >= m
        below_centre = centres[above - 1] if above > 0 else low
        falling = (centres[above] - m) / (centres[above] - below_centre)
        if above > 0:
            weights[i, above - 1] = falling
        if above < CHANNELS:
            weights[i, above] = 1.0 - falling
    return weights


def dct_matrix():
    """DCT-II [coefficients, channels] with factor sqrt(2 / channels); row 0 is not halved."""
    k = np.arange(COEFFICIENTS)[:, None]
    n = np.arange(CHANNELS)[None, :]
    return np.sqrt(2.0 / CHANNELS) * np.cos(np.pi / CHANNELS * k * (n + 0.5))


_WINDOW = window()
_BANK = filter_bank()
_DCT = dct_matrix()
_INDEX = np.arange(FRAMES)[:, None] * STRIDE + np.arange(WINDOW)[None, :]


def fit_length(audio):
    """The first second of `audio`; a shorter recording is padded with zeros at its end."""
    audio = np.asarray(audio, dtype=np.float64)[:CLIP_SAMPLES]
    return np.pad(audio, (0, CLIP_SAMPLES - len(audio)))


def mfcc(audio):
    """1,960 features (frame-major) of one second of audio in [-1, 1)."""
    frames = fit_length(audio)[_INDEX] * _WINDOW
    magnitude = np.abs(np.fft.rfft(frames, FFT_LENGTH, axis=1))
    return (np.log(np.maximum(magnitude @ _BANK, LOG_FLOOR)) @ _DCT.T).reshape(-1)


def standardise(features, mean, std):
    """Pad inputs in [0, 1]: +-SIGMAS deviations about the training set's mean, mapped linearly and clipped."""
    return np.clip((features - mean) / std / (2.0 * SIGMAS) + 0.5, 0.0, 1.0)
