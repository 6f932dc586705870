"""Makes vad.npz: what Silero's own program (PyPI: silero-vad 6.2.0, in torch) says of the weights
that silero_writer makes up, put in the place of its own, for SOUNDS.

    NAME           float32 [chunks]  probabilities; NAME: the seed of the weights, a dash, the sound
"""
import importlib.util
import os
import warnings

import numpy as np
import torch

from small_vad import SEEDS, SOUNDS, sound, weights

FOLDER = os.path.dirname(os.path.abspath(__file__))


def model():
    found = importlib.util.find_spec("silero_vad").submodule_search_locations[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.load(os.path.join(found, "data/silero_vad.jit"))


def main():
    net, out = model(), {}
    state = net.state_dict()
    for seed in SEEDS:
        for name, w in weights(seed).items():
            state[name].copy_(torch.from_numpy(w.astype(np.float32)).reshape(state[name].shape))
        for name in SOUNDS:
            x = sound(name)
            x = np.pad(x, (0, -len(x) % 512))
            net.reset_states()
            with torch.no_grad():
                out[f"{seed}-{name}"] = np.array(
                    [net(torch.from_numpy(x[i:i + 512].copy()), 16000).item()
                     for i in range(0, len(x), 512)], np.float32)
    np.savez_compressed(os.path.join(FOLDER, "vad.npz"), **out)
    for name, probs in out.items():
        print(name, len(probs), probs.min(), probs.max(), probs.std())


main()
