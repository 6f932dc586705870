#!/usr/bin/env python3
"""Writes a GGUF file of a real model's shapes with random weights, for benchmarks.

    bench/random_model.py llama-3.2-1b Q4_K_M OUT.gguf

Any program that reads GGUF computes on it at its normal speed; what it says is noise. Types are
those of llama.cpp's quantiser: BF16, Q8_0, and the mixture Q4_K_M."""
import argparse
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from gguf_writer import QUANTS, Gguf, align  # noqa: E402

# name: architecture, layers, hidden, heads, KV heads, head size, MLP, vocabulary, tied, RoPE base
SHAPES = {
    "smollm2-135m": ("llama", 30, 576, 9, 3, 64, 1536, 49152, True, 1e5),
    "qwen2.5-0.5b": ("qwen2", 24, 896, 14, 2, 64, 4864, 151936, True, 1e6),
    "llama-3.2-1b": ("llama", 16, 2048, 32, 8, 64, 8192, 128256, True, 5e5),
    "llama-3.1-8b": ("llama", 32, 4096, 32, 8, 128, 14336, 128256, False, 5e5),
}
# Where scales (f16) lie in a block, and what makes the weights' deviation 1.
SCALES = {
    "Q8_0": {0: 1 / 74},
    "Q4_0": {0: 1 / 4.6},
    "Q5_0": {0: 1 / 9.2},
    "Q4_K": {0: 1 / 270, 2: 7.5 / 270},
    "Q5_K": {0: 1 / 540, 2: 15.5 / 540},
    "Q6_K": {208: 1 / 1360},
}


def random_weights(rng, n, type, deviation):
    if type in SCALES:
        _, block, size = QUANTS[type]
        data = np.frombuffer(rng.bytes(n // block * size), np.uint8).reshape(-1, size).copy()
        for at, factor in SCALES[type].items():
            d = np.array([factor * deviation], "<f2").view(np.uint8)
            data[:, at : at + 2] = d
        return data
    w = rng.standard_normal(n, np.float32) * np.float32(deviation)
    if type == "F32":
        return w
    if type == "F16":
        return w.astype("<f2")
    return (w.view(np.uint32) >> np.uint32(16)).astype("<u2")


def type_of(name, ftype, layer, layers, k):
    """The quantiser's choice for a matrix."""
    if ftype != "Q4_K_M":
        return ftype
    more = layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2
    if k % 256:  # rows that are no whole K-quant blocks
        return "Q8_0"
    if name in ("token_embd", "output") or (name in ("attn_v", "ffn_down") and more):
        return "Q6_K"
    return "Q4_K"


def tensors(shape, ftype):
    """(name, dims, type, deviation) of every tensor, in order."""
    arch, layers, hidden, heads, kv, head, ffn, vocab, tied, _ = shape
    q = heads * head
    out = []

    def matrix(name, n, k, layer=0, full=None):
        out.append(((full or name) + ".weight", [k, n], type_of(name, ftype, layer, layers, k),
                    k**-0.5))

    def vector(name, n):
        out.append((name, [n], "F32", 1.0))

    matrix("token_embd", vocab, hidden)
    for i in range(layers):
        b = f"blk.{i}."
        vector(b + "attn_norm.weight", hidden)
        for name, n, k in [("attn_q", q, hidden), ("attn_k", kv * head, hidden),
                           ("attn_v", kv * head, hidden), ("attn_output", hidden, q),
                           ("ffn_gate", ffn, hidden), ("ffn_up", ffn, hidden),
                           ("ffn_down", hidden, ffn)]:
            matrix(name, n, k, i, b + name)
            if arch == "qwen2" and name in ("attn_q", "attn_k", "attn_v"):
                vector(b + name + ".bias", n)
        vector(b + "ffn_norm.weight", hidden)
    vector("output_norm.weight", hidden)
    if not tied:
        matrix("output", vocab, hidden)
    return out


def header(name, shape, specs):
    arch, layers, hidden, heads, kv, head, ffn, vocab, _, theta = shape
    f = Gguf()
    f.meta("general.architecture", "string", arch)
    f.meta("general.name", "string", "random " + name)
    for key, kind, v in [
        ("context_length", "u32", 32768), ("embedding_length", "u32", hidden),
        ("block_count", "u32", layers), ("feed_forward_length", "u32", ffn),
        ("attention.head_count", "u32", heads), ("attention.head_count_kv", "u32", kv),
        ("attention.layer_norm_rms_epsilon", "f32", 1e-5),
        ("rope.dimension_count", "u32", head), ("rope.freq_base", "f32", theta),
    ]:
        f.meta(f"{arch}.{key}", kind, v)
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    kinds = [2, 3, 3] + [6] * 256 + [1] * (vocab - 259)
    pieces += ["\u2581"] + [f"\u2581w{i}" for i in range(vocab - 260)]
    f.meta("tokenizer.ggml.model", "string", "llama")
    f.meta("tokenizer.ggml.tokens", "array:string", pieces)
    f.meta("tokenizer.ggml.scores", "array:f32", [-float(i) for i in range(vocab)])
    f.meta("tokenizer.ggml.token_type", "array:i32", kinds)
    f.meta("tokenizer.ggml.bos_token_id", "u32", 1)
    f.meta("tokenizer.ggml.eos_token_id", "u32", 2)
    f.meta("tokenizer.ggml.unknown_token_id", "u32", 0)
    offset = 0
    for tensor, dims, kind, _ in specs:
        _, block, size = QUANTS[kind]
        f.tensor(tensor, dims, kind, data=b"", offset=offset)
        offset += align(int(np.prod(dims)) // block * size, 32)
    head_bytes = f.header()
    return head_bytes + bytes(align(len(head_bytes), 32) - len(head_bytes))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", choices=sorted(SHAPES))
    parser.add_argument("type", choices=["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K_M"])
    parser.add_argument("out")
    args = parser.parse_args()
    shape = SHAPES[args.shape]
    specs = tensors(shape, args.type)
    rng = np.random.default_rng(1)
    with open(args.out, "wb") as out:
        out.write(header(args.shape, shape, specs))
        for name, dims, kind, deviation in specs:
            n = int(np.prod(dims))
            if len(dims) == 1:
                mean = 0.0 if name.endswith("bias") else 1.0
                data = (rng.standard_normal(n) * 0.1 + mean).astype("<f4").tobytes()
            else:
                data = random_weights(rng, n, kind, deviation).tobytes()
            out.write(data)
            out.write(bytes(align(len(data), 32) - len(data)))


if __name__ == "__main__":
    main()
