"""espeak-ng through libespeak-ng, in process: voices, voice variants, speech as samples.

espeak-ng carries state over from call to call. Reproducible data need a process of its own for every speaker (voice
with variant), which speaks its sentences in a fixed order.
"""

import ctypes
import multiprocessing
import os

import numpy as np
from scipy import signal

SAMPLE_RATE = 16000
VOICES = ["en", "en-029", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-gb-x-rp", "en-us", "en-us-nyc"]
# Variants that are effects and not voices.
EFFECTS = {"UniRobot", "anikaRobot", "Demonic"} | {"robosoft" + n for n in ["", "2", "3", "4", "5", "6", "7", "8"]}

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
        """Samples in [-1, 1) at `rate_hz`."""
        self._chunks = []
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._lib.espeak_SetParameter(parameter, int(value), 0)
        data = text.encode() + b"\0"
        self._lib.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, 0, 0, _CHARS_UTF8, None, None)
        self._lib.espeak_Synchronize()
        speech = np.concatenate(self._chunks) if self._chunks else np.zeros(1, np.int16)
        return speech.astype(np.float64) / 32768.0

    def speak_16k(self, text, rate, pitch, pitch_range):
        """The same, resampled to SAMPLE_RATE."""
        spoken = self.speak(text, rate, pitch, pitch_range)
        if self.rate_hz == 22050:
            return signal.resample_poly(spoken, 320, 441)
        return signal.resample_poly(spoken, SAMPLE_RATE, self.rate_hz)


def _list_variants(_):
    lib = ctypes.CDLL("libespeak-ng.so.1")
    lib.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, None, 0)
    lib.espeak_Info.restype = ctypes.c_char_p
    path = ctypes.c_char_p()
    lib.espeak_Info(ctypes.byref(path))
    return os.listdir(os.path.join(path.value.decode(), "voices", "!v"))


def variants_available(left_out=frozenset(EFFECTS)):
    """Names of the voice variants installed, sorted. espeak-ng is asked in a process of its own: it keeps state."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return sorted(set(pool.apply(_list_variants, (None,))) - left_out)
