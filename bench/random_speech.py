#!/usr/bin/env python3
"""Writes a ggml .bin file of a Whisper model's shapes with random f16 weights, for benchmarks.

    bench/random_speech.py turbo OUT.bin

Any program that reads such files computes on it at its normal speed; what it says is noise, and
goes on until it is stopped."""
import argparse
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests"))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "golden"))
from ggml_writer import Ggml  # noqa: E402
from small_speech import AUDIO_CTX, BINS, TEXT_CTX, Model, filters  # noqa: E402

# name: vocabulary, bands, width, heads, layers that hear and that write
SHAPES = {
    "tiny": (51865, 80, 384, 6, 4, 4),
    "base": (51865, 80, 512, 8, 6, 6),
    "turbo": (51866, 128, 1280, 20, 32, 4),
    "large-v3": (51866, 128, 1280, 20, 32, 32),
}


def tensors(vocab, bands, d, _, hears, writes):
    """(name, shape) of every tensor."""
    def attention(name):
        yield name + "_ln.weight", (d,)
        yield name + "_ln.bias", (d,)
        for part in ("query", "key", "value", "out"):
            yield f"{name}.{part}.weight", (d, d)
            if part != "key":
                yield f"{name}.{part}.bias", (d,)

    yield "encoder.conv1.weight", (d, bands, 3)
    yield "encoder.conv1.bias", (d, 1)
    yield "encoder.conv2.weight", (d, d, 3)
    yield "encoder.conv2.bias", (d, 1)
    yield "encoder.positional_embedding", (AUDIO_CTX, d)
    yield "decoder.positional_embedding", (TEXT_CTX, d)
    yield "decoder.token_embedding.weight", (vocab, d)
    for side, layers in (("encoder", hears), ("decoder", writes)):
        for i in range(layers):
            block = f"{side}.blocks.{i}."
            yield from attention(block + "attn")
            if side == "decoder":
                yield from attention(block + "cross_attn")
            for name, shape in (("mlp_ln.weight", (d,)), ("mlp_ln.bias", (d,)),
                                ("mlp.0.weight", (4 * d, d)), ("mlp.0.bias", (4 * d,)),
                                ("mlp.2.weight", (d, 4 * d)), ("mlp.2.bias", (d,))):
                yield block + name, shape
    for name in ("encoder.ln_post", "decoder.ln"):
        yield name + ".weight", (d,)
        yield name + ".bias", (d,)


def values(pool, rng, name, shape):
    """f16 for matrices, else f32; parts of one pool of normal values, so that large files are
    written in seconds."""
    n = int(np.prod(shape))
    if name.endswith("bias") or len(shape) == 1:
        mean = 0 if name.endswith("bias") else 1
        return (mean + 0.1 * rng.standard_normal(n)).astype("<f4")
    if "positional" in name:
        return (0.1 * rng.standard_normal(n)).astype("<f4")
    deviation = 0.05 if "embedding" in name else 1 / np.sqrt(np.prod(shape[1:]))
    scaled = (pool * np.float32(deviation)).astype("<f2")
    return np.resize(np.roll(scaled, int(rng.integers(pool.size))), n)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", choices=sorted(SHAPES))
    parser.add_argument("out")
    args = parser.parse_args()
    shape = SHAPES[args.shape]
    vocab, bands, d, heads, hears, writes = shape
    head = Ggml(n_vocab=vocab, n_audio_state=d, n_audio_head=heads, n_audio_layer=hears,
                n_text_state=d, n_text_head=heads, n_text_layer=writes, n_mels=bands)
    head.n_mel, head.n_fft, head.filters = bands, BINS, filters(bands).tobytes()
    for token in Model(args.shape, 1, vocab, bands, d, heads, 1, 0).tokens():
        head.token(token)
    rng = np.random.default_rng(1)
    pool = rng.standard_normal(3 << 20, np.float32)
    with open(args.out, "wb") as out:
        out.write(head.header())
        for name, dims in tensors(*shape):
            data = values(pool, rng, name, dims)
            kind = "F16" if data.dtype.itemsize == 2 else "F32"
            out.write(Ggml().tensor(name, list(dims[::-1]), kind, data=b"").data)
            out.write(data.tobytes())


if __name__ == "__main__":
    main()
