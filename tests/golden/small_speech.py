"""Small random models of Whisper's shape and sounds for them: the same weights for whoever asks, as
ggml .bin and as arrays. Needs numpy."""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import folder_writer  # noqa: E402
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
    heights = np.maximum(0, np.minimum(up, down)).astype(np.float32)
    return (heights * width[:, None]).astype(np.float32)


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


def q8_0(w):
    """Blocks of 32: a scale and 32 signed bytes; and what they say."""
    b = w.reshape(-1, 32)
    d = (np.abs(b).max(1) / 127).astype(np.float16)
    scale = d.astype(np.float32)[:, None]
    q = np.round(b / np.where(scale == 0, 1, scale)).clip(-127, 127).astype(np.int8)
    return np.hstack([d[:, None].view(np.uint8), q.view(np.uint8)]).tobytes(), q * scale


def q5_1(w):
    """Blocks of 32: scale, minimum, a fifth bit each, four bits each."""
    b = w.reshape(-1, 32)
    low = b.min(1).astype(np.float16)
    d = ((b.max(1) - low) / 31).astype(np.float16)
    scale, least = (x.astype(np.float32)[:, None] for x in (d, low))
    q = np.round((b - least) / np.where(scale == 0, 1, scale)).clip(0, 31).astype(np.uint8)
    fifth = np.packbits(q >> 4, axis=1, bitorder="little")
    four = (q[:, :16] & 15) | (q[:, 16:] & 15) << 4
    head = np.stack([d, low], 1).view(np.uint8)
    return np.hstack([head, fifth, four]).tobytes(), q * scale + least


QUANT = {"Q8_0": q8_0, "Q5_1": q5_1}


class Model:
    def __init__(self, name, seed, vocab, mels, state, heads, layers, spread, type="F16",
                 text_ctx=TEXT_CTX, loops=False):
        self.name, self.seed, self.vocab, self.mels = name, seed, vocab, mels
        self.type, self.data, self.text_ctx, self.loops = type, {}, text_ctx, loops
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

    def prompt(self):
        """What logits are asked for: of the first model after more tokens than a step has rows."""
        if self.seed != 1:
            return self.start()
        return [self.start_prev, *range(300, 315), *self.start()]

    def tokens(self):
        """The bytes of the tokens of text: single ones, then words of no meaning, of which a third
        go on with the word before."""
        single = [bytes([b]) for b in byte_order()]
        return single + [b" w%d" % i if i % 3 else b"-%d" % i for i in range(256, self.end)]

    def never(self):
        """Ids that are suppressed: signs that are one byte, and first bytes of what is more."""
        signs = [c.encode() for c in '"#()*+/:;<=>@[\\]^_`{|}~'] + [b" ", b"\xe2"]
        return sorted(self.tokens().index(c) for c in signs)

    def tensors(self):
        """By whisper.cpp's names, rounded as the file has them: matrices in blocks where the model
        is of such a type, convolutions and what is not in blocks as f16, the rest as f32."""
        if self._tensors:
            return self._tensors
        rng, out = np.random.RandomState(self.seed), {}
        d = self.state

        def matrix(name, *shape, spread=None):
            size = 1.5 / np.sqrt(np.prod(shape[1:])) if spread is None else spread
            w = (rng.standard_normal(shape) * size).astype(np.float16).astype(np.float32)
            if self.type in QUANT and len(shape) == 2:
                self.data[name], w = QUANT[self.type](w)
                w = w.reshape(shape)
            out[name] = w

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
        places("decoder.positional_embedding", self.text_ctx)
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
        for name, w in out.items():  # nothing but the last token counts
            if self.loops and name[:8] == "decoder." and (
                    "out." in name or "mlp.2." in name or "positional" in name):
                w[:] = 0
        self._tensors = out
        return out

    def ggml(self, **changes):
        """The file; numbers of its header may be changed."""
        g = Ggml(n_vocab=self.vocab, n_audio_state=self.state, n_audio_head=self.heads,
                 n_audio_layer=self.layers, n_text_state=self.state, n_text_head=self.heads,
                 n_text_layer=self.layers, n_mels=self.mels,
                 n_text_ctx=self.text_ctx)
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
            kind, data = "F16" if half else "F32", w.astype("<f2" if half else "<f4").tobytes()
            if name in self.data:
                kind, data = self.type, self.data[name]
            parts.append(Ggml().tensor(name, list(w.shape[::-1]), kind, data=data).data)
        g.data = b"".join(parts)
        return g.bytes()

    def settings(self):
        """What a folder's config.json says of it."""
        return {"vocab_size": self.vocab, "num_mel_bins": self.mels, "d_model": self.state,
                "encoder_layers": self.layers, "decoder_layers": self.layers,
                "encoder_attention_heads": self.heads, "decoder_attention_heads": self.heads,
                "max_source_positions": AUDIO_CTX, "max_target_positions": self.text_ctx}

    def letters(self):
        """The tokens of text as vocab.json has them."""
        order = byte_order()
        chars = {b: chr(b if i < 188 else 68 + i) for i, b in enumerate(order)}
        return ["".join(chars[b] for b in word) for word in self.tokens()]

    def typed(self):
        """{name: (type, shape, bytes)}: matrices as f16, the rest as f32."""
        out = {}
        for name, w in self.tensors().items():
            half = w.ndim > 1 and "positional" not in name
            out[name] = ("F16" if half else "F32", list(w.shape),
                         w.astype("<f2" if half else "<f4").tobytes())
        return out

    def ctranslate2(self, int8=False):
        """The files of a folder as CTranslate2 has it; matrices as int8 with a scale a row."""
        variables = folder_writer.ct2_variables(self.typed(), self.layers, self.heads)
        for name, (kind, shape, data) in list(variables.items()):
            if int8 and kind == "F16":
                rows = np.frombuffer(data, "<f2").astype(np.float32).reshape(shape[0], -1)
                scale = (np.float32(127) / np.abs(rows).max(1)).astype("<f4")
                q = np.rint(rows * scale[:, None]).astype(np.int8)
                variables[name] = ("I8", shape, q.tobytes())
                variables[name + "_scale"] = ("F32", shape[:1], scale.tobytes())
        special = ["<|endoftext|>", "<|startoftranscript|>",
                   *("<|language %d|>" % i for i in range(self.languages)), "<|translate|>",
                   "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>",
                   "<|notimestamps|>"]
        words = self.letters() + special
        words += ["<|%.2f|>" % (0.02 * i) for i in range(self.vocab - len(words))]
        ids = [self.end + 1, *range(self.translate, self.translate + 2), self.start_prev - 1,
               self.start_prev, self.no_speech]
        config = {"suppress_ids": sorted(self.never() + ids), "suppress_ids_begin": [220, self.end]}
        model = folder_writer.Ct2(variables, [folder_writer.TIED])
        return folder_writer.ctranslate2(model, words, config)

    def hugging_face(self):
        """The files of a folder as Hugging Face has it."""
        tensors = {folder_writer.their_name(n): t for n, t in self.typed().items()}
        return folder_writer.hugging_face(
            self.settings(), generation_config=None,
            model=folder_writer.safetensors(tensors),
            vocab={word: i for i, word in enumerate(self.letters())})


MODELS = [
    Model("two-heads", 1, 51865, 80, 64, 2, 2, 0.5),
    Model("english", 2, 51864, 80, 96, 3, 2, 0.1, "Q8_0"),
    Model("many-bands", 3, 51866, 128, 64, 1, 3, 0.05, "Q5_1"),
]
SHORT = Model("short", 4, 51865, 80, 64, 2, 1, 0.1, text_ctx=48)  # little text
LOOPS = Model("loops", 5, 51864, 80, 64, 2, 1, 0.5, loops=True)  # a word again and again
# Searches by other settings than the usual ones, as openai-whisper calls them.
SEARCHES = [{"beam_size": 2}, {"beam_size": 3, "patience": 2.0},
            {"beam_size": 5, "length_penalty": 0.6}, {"beam_size": 16, "length_penalty": 0.0}]
# Of the model whose name is first: (seconds, seed); the second has several windows.
SOUNDS = {"two-heads": (12.3, 5), "english": (47.7, 6), "many-bands": (12.0, 7)}
