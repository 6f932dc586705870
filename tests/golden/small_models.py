"""Small random models as GGUF files: the same bytes on every machine, from integers alone.

    for m in MODELS: open(path, "wb").write(m.gguf())
    m.tensors()  -> {name: (dims, type, bytes)}, the tensors as they stand in the file
    m.tokens()   -> ids of a sequence to run

Weights come from a counter and a hash of the tensor's name. Quantised tensors are random blocks:
random bits with scales of the right size, so that no quantiser is needed to make them. Only the
standard library and numpy are used.
"""
import hashlib
import math
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from gguf_writer import Gguf  # noqa: E402

POSITIONS = 300  # of a sequence: more than a page of 256
TEXT = """The lighthouse keeper wrote the weather down twice a day: wind, sky, sea and the height of
the tide, in a hand so small that a page lasted a month. Nobody had asked for it. When a ship's
insurers came one winter to learn how the fog had lain on the ninth of March, eleven years before,
she found the line in a quarter of an hour; they offered to buy the books, and she sold them a copy.
"If it is not written down," she told the boy who rowed her stores across, "then it was only
weather." He laughed, but that evening he began a list of his own: boats, hours, fares, knots.
"""


def random_u64(key, n):
    """n hashed counters (splitmix64); the key is any text."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(key, n):
    """n float32 in [-1, 1), multiples of 2^-23."""
    return ((random_u64(key, n) >> np.uint64(40)).astype(np.float32)
            * np.float32(2**-23) - np.float32(1))


# Block types: bytes a block, weights a block, where scales (f16) lie, and by which factor of the
# wanted standard deviation. A second scale is the one of minima.
BLOCKS = {
    "Q8_0": (34, 32, {0: 1 / 74}),
    "Q4_0": (18, 32, {0: 1 / 4.6}),
    "Q4_1": (20, 32, {0: 1 / 4.6, 2: -7.5 / 4.6}),
    "Q5_0": (22, 32, {0: 1 / 9.2}),
    "Q5_1": (24, 32, {0: 1 / 9.2, 2: -15.5 / 9.2}),
    "Q4_K": (144, 256, {0: 1 / 270, 2: 7.5 / 270}),
    "Q5_K": (176, 256, {0: 1 / 540, 2: 15.5 / 540}),
    "Q6_K": (210, 256, {208: 1 / 1360}),
}


def random_weights(key, n, type, deviation):
    """The bytes of n weights of this type, of about this standard deviation."""
    if type in BLOCKS:
        size, block, scales = BLOCKS[type]
        blocks = n // block
        data = random_u64(key, (blocks * size + 7) // 8).view(np.uint8)[: blocks * size]
        data = data.reshape(blocks, size).copy()
        spread = np.float32(1) + uniform(key + " scales", blocks) * np.float32(0.5)
        for at, factor in scales.items():
            d = (spread * np.float32(factor * deviation)).astype("<f2")
            data[:, at : at + 2] = d.view(np.uint8).reshape(blocks, 2)
        return data.tobytes()
    w = uniform(key, n) * np.float32(deviation * math.sqrt(3))
    if type == "F32":
        return w.astype("<f4").tobytes()
    if type == "F16":
        return w.astype("<f2").tobytes()
    assert type == "BF16"
    bits = w.view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (rounded >> np.uint32(16)).astype("<u2").tobytes()


class Model:
    def __init__(self, name, arch, hidden, heads, kv, head, ffn, vocab, layers=2, tied=False,
                 theta=10000.0, scaling=None, type="F32", template=None):
        self.name, self.arch, self.hidden, self.heads, self.kv = name, arch, hidden, heads, kv
        self.head, self.ffn, self.vocab, self.layers, self.tied = head, ffn, vocab, layers, tied
        self.theta, self.scaling, self.type = theta, scaling, type
        self.eps, self.context, self.template = 1e-5, 512, template

    def rope_factors(self):
        """Llama 3's rule: long waves are slowed by a factor, short ones not, some in between."""
        s = self.scaling
        i = np.arange(0, self.head, 2, dtype=np.float64)
        wave = 2 * math.pi * self.theta ** (i / self.head)
        low, high = s["original"] / s["low"], s["original"] / s["high"]
        smooth = (s["original"] / wave - s["low"]) / (s["high"] - s["low"])
        between = 1 / ((1 - smooth) / s["factor"] + smooth)
        return np.where(wave < high, 1, np.where(wave > low, s["factor"], between))

    def tensors(self):
        out = {}

        def matrix(name, n, k, gain=1.0):
            key = f"{self.name} {name}"
            out[name] = ([k, n], self.type,
                         random_weights(key, n * k, self.type, gain / math.sqrt(k)))

        def vector(name, n, mean, spread):
            w = uniform(f"{self.name} {name}", n) * np.float32(spread) + np.float32(mean)
            out[name] = ([n], "F32", w.astype("<f4").tobytes())

        q, kv = self.heads * self.head, self.kv * self.head
        matrix("token_embd.weight", self.vocab, self.hidden, 1.5 if self.tied else 8.0)
        for i in range(self.layers):
            b = f"blk.{i}."
            vector(b + "attn_norm.weight", self.hidden, 1.0, 0.5)
            matrix(b + "attn_q.weight", q, self.hidden, 1.5)
            matrix(b + "attn_k.weight", kv, self.hidden, 1.5)
            matrix(b + "attn_v.weight", kv, self.hidden, 1.5)
            if self.arch == "qwen2":
                vector(b + "attn_q.bias", q, 0.0, 1.0)
                vector(b + "attn_k.bias", kv, 0.0, 2.0)
                vector(b + "attn_v.bias", kv, 0.0, 0.5)
            matrix(b + "attn_output.weight", self.hidden, q)
            vector(b + "ffn_norm.weight", self.hidden, 1.0, 0.5)
            matrix(b + "ffn_gate.weight", self.ffn, self.hidden, 1.5)
            matrix(b + "ffn_up.weight", self.ffn, self.hidden)
            matrix(b + "ffn_down.weight", self.hidden, self.ffn, 1.5)
        vector("output_norm.weight", self.hidden, 1.0, 0.5)
        if not self.tied:
            matrix("output.weight", self.vocab, self.hidden, 2.0)
        if self.scaling and self.scaling["type"] == "llama3":
            factors = self.rope_factors().astype("<f4")
            out["rope_freqs.weight"] = ([self.head // 2], "F32", factors.tobytes())
        return out

    def gguf(self, convert=None):
        """The file. convert(dims, type, bytes) -> (type, bytes) may change the tensors."""
        f, a = Gguf(), self.arch
        f.meta("general.architecture", "string", a)
        f.meta("general.name", "string", self.name)
        for key, type, v in [
            ("context_length", "u32", self.context), ("embedding_length", "u32", self.hidden),
            ("block_count", "u32", self.layers), ("feed_forward_length", "u32", self.ffn),
            ("attention.head_count", "u32", self.heads),
            ("attention.head_count_kv", "u32", self.kv),
            ("attention.key_length", "u32", self.head),
            ("attention.value_length", "u32", self.head),
            ("attention.layer_norm_rms_epsilon", "f32", self.eps),
            ("rope.dimension_count", "u32", self.head), ("rope.freq_base", "f32", self.theta),
            ("vocab_size", "u32", self.vocab),
        ]:
            f.meta(f"{a}.{key}", type, v)
        if self.scaling and self.scaling["type"] == "linear":
            f.meta(f"{a}.rope.scaling.type", "string", "linear")
            f.meta(f"{a}.rope.scaling.factor", "f32", self.scaling["factor"])
        pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
        kinds = [2, 3, 3] + [6] * 256
        if self.template:
            pieces += ["<|im_start|>", "<|im_end|>"]
            kinds += [3, 3]
            f.meta("tokenizer.chat_template", "string", self.template)
        while len(pieces) < self.vocab:
            i = len(pieces) - 259
            pieces.append("\u2581" if i == 0 else "\u2581w%d" % i)
            kinds.append(1)
        f.meta("tokenizer.ggml.model", "string", "llama")
        f.meta("tokenizer.ggml.tokens", "array:string", pieces)
        f.meta("tokenizer.ggml.scores", "array:f32", [-float(i) for i in range(self.vocab)])
        f.meta("tokenizer.ggml.token_type", "array:i32", kinds)
        f.meta("tokenizer.ggml.bos_token_id", "u32", 1)
        f.meta("tokenizer.ggml.eos_token_id", "u32", 2)
        f.meta("tokenizer.ggml.unknown_token_id", "u32", 0)
        f.meta("tokenizer.ggml.add_bos_token", "bool", True)
        for name, (dims, type, data) in self.tensors().items():
            if convert:
                type, data = convert(dims, type, data)
            f.tensor(name, dims, type, data)
        return f.bytes()

    def tokens(self):
        return (random_u64(self.name + " tokens", POSITIONS) % np.uint64(self.vocab)).astype(int)


LLAMA3 = {"type": "llama3", "factor": 8.0, "low": 1.0, "high": 4.0, "original": 64}

MODELS = [
    Model("llama-mha-40", "llama", 160, 4, 4, 40, 416, 263),
    Model("llama3-gqa4-64", "llama", 192, 8, 2, 64, 320, 515, tied=True, theta=500000.0,
          scaling=LLAMA3),
    Model("llama-linear-mqa-80", "llama", 144, 3, 1, 80, 272, 389,
          scaling={"type": "linear", "factor": 4.0}),
    Model("llama-gqa2-256", "llama", 128, 2, 1, 256, 256, 301, layers=1),
    Model("qwen2-gqa7-128", "qwen2", 896, 7, 1, 128, 224, 1021, layers=1, tied=True,
          theta=1000000.0),
    Model("qwen2-gqa7-64", "qwen2", 448, 7, 1, 64, 304, 397),
    Model("qwen2-mha-40", "qwen2", 200, 5, 5, 40, 344, 271),
] + [
    Model("llama-" + type.lower(), "llama", 256, 4, 2, 64, 512, 307, type=type)
    for type in ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q4_1", "Q5_0",
                 "Q5_1"]
]
