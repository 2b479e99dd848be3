"""What happens to speech between mouth and microphone: noise, reverberation and tilt, for 16 kHz recordings."""

import numpy as np
from scipy import fft as sp_fft

SAMPLE_RATE = 16000


def _filtered_noise(rng, samples, shape_of_frequency):
    spectrum = sp_fft.rfft(rng.standard_normal(samples))
    hz = np.fft.rfftfreq(samples, 1.0 / SAMPLE_RATE)
    return sp_fft.irfft(spectrum * shape_of_frequency(np.maximum(hz, 20.0)), samples)


def noise(rng, samples):
    """White, pink, hum or babble-like noise with unit deviation."""
    kind = rng.integers(4)
    if kind == 0:
        wave = rng.standard_normal(samples)
    elif kind == 1:
        wave = _filtered_noise(rng, samples, lambda f: f**-0.5)
    elif kind == 2:
        t = np.arange(samples) / SAMPLE_RATE
        base = rng.uniform(45.0, 130.0)
        wave = _filtered_noise(rng, samples, lambda f: 1.0 / f)
        wave = wave / wave.std()
        for harmonic in range(1, 9):
            wave = wave + rng.uniform(0.0, 1.0) / harmonic * np.sin(
                2.0 * np.pi * (base * harmonic * t + rng.uniform()))
    else:
        wave = _filtered_noise(rng, samples, lambda f: 1.0 / (1.0 + (f / 500.0) ** 2) ** 0.5 * (f > 100.0))
        t = np.arange(samples) / SAMPLE_RATE
        for _ in range(2):
            wave = wave * (1.0 + rng.uniform(0.3, 0.9) * np.sin(2.0 * np.pi * (rng.uniform(2.0, 8.0) * t + rng.uniform())))
    return wave / wave.std()


def colour(rng, speech, size=32768):
    """Reverberation (half of the clips) and a spectral tilt of up to 3 dB an octave, in one pass.

    Returns `size` samples, the speech with its reverberation and zeros after it; size must exceed the speech by 0.4 s.
    """
    spectrum = sp_fft.rfft(speech, size)
    hz = np.fft.rfftfreq(size, 1.0 / SAMPLE_RATE)
    spectrum *= (np.maximum(hz, 60.0) / 1000.0) ** rng.uniform(-0.5, 0.5)
    if rng.uniform() < 0.5:
        seconds = rng.uniform(0.05, 0.4)  # for 60 dB
        n = int(seconds * SAMPLE_RATE)
        tail = rng.standard_normal(n) * 10.0 ** (-3.0 * np.arange(n) / n)
        tail *= rng.uniform(0.1, 0.7) / np.sqrt(np.sum(tail**2))
        tail[0] += 1.0
        spectrum *= sp_fft.rfft(tail, size)
    return sp_fft.irfft(spectrum, size)
