"""Reference feature front end of the RNN-T: the float64 formulas every other implementation is held to.

MLPerf Inference's front end (speech_recognition/rnnt, parts/features.py), without dither, in double precision:
  1. pre-emphasis y[t] = x[t] - 0.97 x[t-1], y[0] = x[0];
  2. STFT: frames of 512 samples every 160, the signal reflected by 256 at both ends (1 + n // 160 frames), symmetric
     Hann window of 320 samples centred in the 512; power + 1e-10;
  3. 80 mel filters over 0-8 kHz, Slaney's scale and area normalisation; ln(x + 1e-20);
  4. splicing: three successive frames side by side (0.0 in place of a frame after the STFT's last), every third kept;
     T = ceil(ceil(n / 160) / 3) of them, 240 features each, 30 ms apart;
  5. every feature normalised over the utterance: (x - mean) / (std + 1e-5), std with T - 1 (0 when T = 1).
"""

import numpy as np

SAMPLE_RATE = 16000
PREEMPHASIS = 0.97
FFT_LENGTH = 512
STRIDE = 160
WINDOW = 320
MELS = 80
SPLICE = 3
FEATURES = MELS * SPLICE  # 240
POWER_FLOOR = 1e-10
LOG_FLOOR = 1e-20
STD_FLOOR = 1e-5
MIN_SAMPLES = FFT_LENGTH // 2 + 1  # the reflection needs them


def window():
    """Symmetric Hann window of WINDOW samples, centred in FFT_LENGTH."""
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / (WINDOW - 1))
    margin = (FFT_LENGTH - WINDOW) // 2
    return np.pad(hann, (margin, margin))


def mel_to_hz(mels):
    """Slaney's scale (Auditory Toolbox, 1998): linear to 1 kHz at 200/3 Hz a mel, then 27 mels for a factor of 6.4."""
    mels = np.asarray(mels, dtype=np.float64)
    return np.where(mels < 15.0, mels * 200.0 / 3.0, 1000.0 * np.exp((mels - 15.0) * np.log(6.4) / 27.0))


def filter_points():
    """Edges and centres of the filters in Hz, equidistant in mel: filter k lies between points k and k + 2."""
    top = 15.0 + 27.0 * np.log(8.0) / np.log(6.4)  # 8 kHz
    return mel_to_hz(top * np.arange(MELS + 2) / (MELS + 1))


def filter_bank():
    """Weights [FFT bins, mels]: triangles in Hz between points equidistant in mel, each of area 1 (in Hz)."""
    points = filter_points()
    bins = np.arange(FFT_LENGTH // 2 + 1)[:, None] * (SAMPLE_RATE / FFT_LENGTH)
    rising = (bins - points[:-2]) / (points[1:-1] - points[:-2])
    falling = (points[2:] - bins) / (points[2:] - points[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (points[2:] - points[:-2]))


_WINDOW = window()
_BANK = filter_bank()


def log_mel(audio):
    """ln mel energies [1 + n // 160, 80]."""
    audio = np.asarray(audio, dtype=np.float64)
    if len(audio) < MIN_SAMPLES:
        raise ValueError(f"a recording needs {MIN_SAMPLES} samples or more; this one has {len(audio)}")
    emphasised = np.concatenate((audio[:1], audio[1:] - PREEMPHASIS * audio[:-1]))
    padded = np.pad(emphasised, FFT_LENGTH // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_LENGTH)[::STRIDE]
    spectrum = np.fft.rfft(frames * _WINDOW, axis=1)
    power = spectrum.real**2 + spectrum.imag**2 + POWER_FLOOR
    return np.log(power @ _BANK + LOG_FLOOR)


def frame_count(samples):
    """T of a recording of so many samples."""
    return -(-(-(-samples // STRIDE)) // SPLICE)


def features(audio):
    """Normalised features [T, 240] of a 16 kHz recording in [-1, 1)."""
    mel = log_mel(audio)
    count = frame_count(len(audio))
    spliced = np.pad(mel, ((0, max(0, SPLICE * count - len(mel))), (0, 0)))[:SPLICE * count].reshape(count, FEATURES)
    mean = spliced.mean(0)
    std = spliced.std(0, ddof=1) if count > 1 else np.zeros(FEATURES)
    return (spliced - mean) / (std + STD_FLOOR)
