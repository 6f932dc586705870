"""Writes Silero's model of voice activity in ggml form, as whisper.cpp's
convert-silero-vad-to-ggml.py does, with random weights or with parts that are wrong. The weights
need numpy.

    Silero(weights(seed)).bytes()
"""
import struct

NUMBERS = ([6, 2, 0, 512, 64, 4] + [129, 128, 3, 128, 64, 3, 64, 64, 3, 64, 128, 3]
           + [128, 128, 128, 1])
BASIS = "_model.stft.forward_basis_buffer"
# As in the model's own state, but for dimensions of 1 at the ends.
SHAPES = {f"_model.encoder.{i}.reparam_conv.{part}": shape for i, (o, n) in enumerate(
    [(128, 129), (64, 128), (64, 64), (128, 64)])
    for part, shape in (("weight", (o, n, 3)), ("bias", (o,)))}
SHAPES |= {"_model.decoder.rnn.weight_ih": (512, 128), "_model.decoder.rnn.weight_hh": (512, 128),
           "_model.decoder.rnn.bias_ih": (512,), "_model.decoder.rnn.bias_hh": (512,),
           "_model.decoder.decoder.2.weight": (128,), "_model.decoder.decoder.2.bias": (),
           BASIS: (258, 1, 256)}


def is_half(name):
    return "reparam_conv.weight" in name or name.endswith("2.weight") or name == BASIS


def weights(seed):
    """Of which something is heard: probabilities from near 0 to near 1."""
    import numpy as np
    rng = np.random.RandomState(seed)
    out = {}
    for name, shape in SHAPES.items():
        spread = 1.4 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.2
        w = rng.standard_normal(shape) * spread
        if name == BASIS:  # a real one, so that pitch matters
            t, f = np.arange(256), np.arange(129)[:, None]
            angle = 2 * np.pi * f * t / 256
            w = np.concatenate([np.cos(angle), np.sin(angle)]) * np.hanning(257)[:256]
            w = w.reshape(shape)
        if name.endswith("2.weight"):
            w = rng.standard_normal(shape)
        out[name] = np.asarray(w, np.float16 if is_half(name) else np.float32)
    return out


class Silero:
    def __init__(self, tensors=None, numbers=NUMBERS, kind=b"silero-16k"):
        self.head = b"lmgg" + struct.pack("<i", len(kind)) + kind
        self.head += struct.pack(f"<{len(numbers)}i", *numbers)
        self.data = b""
        for name, w in (tensors or {}).items():
            self.tensor(name, w.shape[::-1], w.tobytes(), w.dtype.itemsize == 2)

    def tensor(self, name, ne, data, half=False, n_dims=None):
        name = name.encode()
        self.data += struct.pack(f"<3i{len(ne)}i", len(ne) if n_dims is None else n_dims, len(name),
                                 1 if half else 0, *ne)
        self.data += name + data
        return self

    def bytes(self):
        return self.head + self.data
