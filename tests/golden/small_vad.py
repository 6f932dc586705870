"""Sounds and weights for voice activity: the same for whoever asks. Needs numpy."""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import small_speech  # noqa: E402
from silero_writer import Silero, weights  # noqa: E402, F401

SEEDS = (1, 2)
# (seconds, seed); the first is longer than a block of 8.2 s, and not of whole chunks.
SOUNDS = {"long": (18.013, 11), "short": (0.7, 12), "noise": (2, 13), "silence": (1, 0),
          "one": (1 / 16000, 14)}


def sound(name):
    seconds, seed = SOUNDS[name]
    if name == "silence":
        return np.zeros(16000, np.float32)
    if name == "noise":
        return (0.3 * np.random.RandomState(seed).standard_normal(32000)).astype(np.float32)
    return small_speech.sound(seconds, seed).astype(np.float32) / 32768
