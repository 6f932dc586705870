"""Small random models of Whisper's shape and sounds for them: the same weights for whoever asks, as
ggml .bin and as arrays. Needs numpy."""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from ggml_writer import Ggml  # noqa: E402

RATE, FRAMES, AUDIO_CTX, TEXT_CTX, BINS = 16000, 3000, 1500, 448, 201
FIRST_TEXT = 32  # tokens that goldens hold of one window


def filters(mels):
    """Slaney's mel filters, as librosa and Whisper have them."""
    def hertz(mel):
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) / 27 * (mel - 15)))
    top = 15 + np.log(8) / (np.log(6.4) / 27)
    points = hertz(np.linspace(0, top, mels + 2))
    bins = np.linspace(0, RATE / 2, BINS)
    up = (bins - points[:-2, None]) / np.diff(points)[:-1, None]
    down = (points[2:, None] - bins) / np.diff(points)[1:, None]
    width = 2 / (points[2:] - points[:-2])
    return (np.maximum(0, np.minimum(up, down)) * width[:, None]).astype(np.float32)


def byte_order():
    """The bytes that the first 256 tokens are."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return plain + [b for b in range(256) if b not in plain]


def sound(seconds, seed):
    """Tones that slide, noise and pauses; 16 bits."""
    rng = np.random.RandomState(seed)
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    x = np.zeros(n)
    for _ in range(6):
        slide = np.cumsum(200 + 3000 * rng.rand() * (1 + np.sin(t * (0.2 + rng.rand()) * 6)))
        x += 0.1 * rng.rand() * np.sin(2 * np.pi * slide / RATE)
    x *= np.repeat(rng.rand(n // 4000 + 1) > 0.3, 4000)[:n]
    x += 0.002 * rng.standard_normal(n)
    return np.round(np.clip(x, -1, 1) * 32767).astype(np.int16)


class Model:
    def __init__(self, name, seed, vocab, mels, state, heads, layers, spread):
        self.name, self.seed, self.vocab, self.mels = name, seed, vocab, mels
        self.state, self.heads, self.layers, self.spread = state, heads, layers, spread
        self.multilingual = vocab > 51864
        self.end = 50256 + self.multilingual
        self.languages = 99 + vocab - 51864 - self.multilingual
        self.translate = self.end + 2 + self.languages
        self.start_prev, self.no_speech = self.translate + 3, self.translate + 4
        self.time_0 = self.translate + 6
        self._tensors = None

    def start(self):
        """<|startoftranscript|> and what follows it."""
        if not self.multilingual:
            return [self.end + 1]
        return [self.end + 1, self.end + 2, self.translate + 1]

    def tokens(self):
        """The bytes of the tokens of text: single ones, then words of no meaning."""
        single = [bytes([b]) for b in byte_order()]
        return single + [b" w%d" % i for i in range(256, self.end)]

    def never(self):
        """Ids that are suppressed: signs that are one byte, and first bytes of what is more."""
        signs = [c.encode() for c in '"#()*+/:;<=>@[\\]^_`{|}~'] + [b" ", b"\xe2"]
        return sorted(self.tokens().index(c) for c in signs)

    def tensors(self):
        """By whisper.cpp's names; f16 what is more than a row, rounded so."""
        if self._tensors:
            return self._tensors
        rng, out = np.random.RandomState(self.seed), {}
        d = self.state

        def matrix(name, *shape, spread=None):
            size = 1.5 / np.sqrt(np.prod(shape[1:])) if spread is None else spread
            out[name] = (rng.standard_normal(shape) * size).astype(np.float16).astype(np.float32)

        def vector(name, n, middle=0):
            out[name] = (middle + 0.1 * rng.standard_normal(n)).astype(np.float32)

        def attention(name):
            vector(name + "_ln.weight", d, 1)
            vector(name + "_ln.bias", d)
            for part in ("query", "key", "value", "out"):
                matrix(f"{name}.{part}.weight", d, d)
                if part != "key":
                    vector(f"{name}.{part}.bias", d)

        def places(name, n):
            out[name] = (0.5 * rng.standard_normal((n, d))).astype(np.float32)

        matrix("encoder.conv1.weight", d, self.mels, 3)
        vector("encoder.conv1.bias", d)
        matrix("encoder.conv2.weight", d, d, 3)
        vector("encoder.conv2.bias", d)
        places("encoder.positional_embedding", AUDIO_CTX)
        places("decoder.positional_embedding", TEXT_CTX)
        matrix("decoder.token_embedding.weight", self.vocab, d, spread=self.spread)
        for side in ("encoder", "decoder"):
            for i in range(self.layers):
                block = f"{side}.blocks.{i}."
                attention(block + "attn")
                if side == "decoder":
                    attention(block + "cross_attn")
                vector(block + "mlp_ln.weight", d, 1)
                vector(block + "mlp_ln.bias", d)
                matrix(block + "mlp.0.weight", 4 * d, d)
                vector(block + "mlp.0.bias", 4 * d)
                matrix(block + "mlp.2.weight", d, 4 * d)
                vector(block + "mlp.2.bias", d)
        for name in ("encoder.ln_post", "decoder.ln"):
            vector(name + ".weight", d, 1)
            vector(name + ".bias", d)
        self._tensors = out
        return out

    def ggml(self, **changes):
        """The file; numbers of its header may be changed."""
        g = Ggml(n_vocab=self.vocab, n_audio_state=self.state, n_audio_head=self.heads,
                 n_audio_layer=self.layers, n_text_state=self.state, n_text_head=self.heads,
                 n_text_layer=self.layers, n_mels=self.mels)
        g.numbers.update(changes)
        g.n_mel, g.n_fft, g.filters = self.mels, BINS, filters(self.mels).tobytes()
        words = self.tokens()
        g.tokens = b"".join(len(w).to_bytes(4, "little") + w for w in words)
        g.n_tokens = len(words)
        parts = []
        for name, w in self.tensors().items():
            half = w.ndim > 1 and "positional" not in name
            if name.startswith("encoder.conv") and w.ndim == 1:
                w = w.reshape(-1, 1)
            one = Ggml().tensor(name, list(w.shape[::-1]), "F16" if half else "F32",
                                data=w.astype("<f2" if half else "<f4").tobytes())
            parts.append(one.data)
        g.data = b"".join(parts)
        return g.bytes()


MODELS = [
    Model("two-heads", 1, 51865, 80, 64, 2, 2, 0.5),
    Model("english", 2, 51864, 80, 96, 3, 2, 0.1),
    Model("many-bands", 3, 51866, 128, 64, 1, 3, 0.05),
]
# Of the model whose name is first: (seconds, seed); long sounds have several windows.
SOUNDS = {"two-heads": (12.3, 5), "english": (64.7, 6), "many-bands": (41.0, 7)}
