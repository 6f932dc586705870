#!/usr/bin/env python3
"""Writes a trained speech model as a ggml .bin, the format of whisper.cpp.

    export.py SPEECH.pt OUT.bin [--type q5_0] [--folder DIR]

Matrices get the type asked for (q8_0, q5_0, f16 or f32); as whisper.cpp's tools do it,
convolutions stay f16 (f32 with f32), norms, biases and positions f32. --folder writes the same
weights, unrounded, as an openai-whisper checkpoint, DIR/model.pt. Needs numpy, torch, gguf.
"""

import argparse
import base64
import os
import struct

import gguf
import numpy as np
import torch
from gguf.quants import quantize

import model as network
import tokens

MAGIC = 0x67676D6C
# ggml's numbers: of a file's type, of a tensor's type; QNT_VERSION counts in thousands.
TYPES = {
    "f32": (0, gguf.GGMLQuantizationType.F32),
    "f16": (1, gguf.GGMLQuantizationType.F16),
    "q8_0": (2007, gguf.GGMLQuantizationType.Q8_0),
    "q5_0": (2008, gguf.GGMLQuantizationType.Q5_0),
}


def load(path):
    """(sizes, openai-whisper's state dict as float32) of what train.py saved."""
    d = torch.load(path, map_location="cpu", weights_only=True)
    state = {k: v.float() for k, v in d["weights"].items()}
    rank = torch.full((tokens.VOCAB,), d["used"], dtype=torch.int64)
    ids = d["ids"]
    rank[ids[: d["used"]]] = torch.arange(d["used"])
    rank[tokens.TIME0 :] = d["used"] + 1 + torch.arange(tokens.TIMES)
    state["decoder.token_embedding.weight"] = d["rows"].float()[rank]
    n = d["width"]
    state["encoder.positional_embedding"] = network.sinusoids(1500, n)
    dims = {
        "n_mels": 80, "n_audio_ctx": 1500, "n_audio_state": n, "n_audio_head": n // network.HEAD,
        "n_audio_layer": d["audio_layers"], "n_vocab": tokens.VOCAB, "n_text_ctx": 448,
        "n_text_state": n, "n_text_head": n // network.HEAD, "n_text_layer": d["text_layers"],
    }  # fmt: skip
    return dims, state


def vocabulary():
    with open(tokens.find("gpt2.tiktoken"), "rb") as f:
        listed = [line.split() for line in f]
    listed.sort(key=lambda x: int(x[1]))
    return [base64.b64decode(t) for t, _ in listed] + [b"<|endoftext|>"]


def tensor(f, name, x, kind):
    """Header and data; the dimensions go last to first."""
    raw = name.encode()
    f.write(struct.pack("<iii", x.ndim, len(raw), int(kind)))
    f.write(struct.pack("<%di" % x.ndim, *x.shape[::-1]))
    f.write(raw)
    f.write(quantize(x, kind).tobytes())


def write(path, dims, state, name):
    number, matrix = TYPES[name]
    f32, f16 = gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16
    with np.load(tokens.find("mel_filters.npz")) as z:
        filters = z["mel_80"].astype("<f4")
    order = (
        "n_vocab n_audio_ctx n_audio_state n_audio_head n_audio_layer n_text_ctx n_text_state"
        " n_text_head n_text_layer n_mels"
    ).split()
    with open(path, "wb") as f:
        f.write(struct.pack("<I10iI", MAGIC, *(dims[k] for k in order), number))
        f.write(struct.pack("<ii", *filters.shape) + filters.tobytes())
        words = vocabulary()
        f.write(struct.pack("<i", len(words)))
        for w in words:
            f.write(struct.pack("<i", len(w)) + w)
        for k, v in state.items():
            x = v.numpy().astype(np.float32)
            if k.endswith(("conv1.bias", "conv2.bias")):
                x = x.reshape(-1, 1)
            if x.ndim == 3:
                kind = f32 if matrix == f32 else f16
            elif x.ndim == 2 and k.endswith(".weight"):
                kind = matrix
            else:
                kind = f32
            tensor(f, k, x, kind)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("checkpoint")
    p.add_argument("out")
    p.add_argument("--type", choices=TYPES, default="q5_0")
    p.add_argument("--folder")
    a = p.parse_args()
    dims, state = load(a.checkpoint)
    write(a.out, dims, state, a.type)
    print("%s: %d bytes" % (a.out, os.path.getsize(a.out)))
    if a.folder:
        os.makedirs(a.folder, exist_ok=True)
        path = os.path.join(a.folder, "model.pt")
        torch.save({"dims": dims, "model_state_dict": state}, path)


if __name__ == "__main__":
    main()
