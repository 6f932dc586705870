"""Writes folders of Whisper models, damaged ones too: Hugging Face's.

    hugging_face()                                      # {file's name: content} of a small model
    safetensors({"a": ("F32", [2, 3], bytes(24))})      # one file
"""

import json
import struct

SIZES = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8, "I8": 1}
CONFIG = {
    "model_type": "whisper",
    "architectures": ["WhisperForConditionalGeneration"],
    "vocab_size": 20,
    "num_mel_bins": 4,
    "d_model": 8,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 1,
    "decoder_attention_heads": 1,
    "max_source_positions": 6,
    "max_target_positions": 5,
}
ATTENTION = [(p + "_proj." + w) for p in ("q", "k", "v", "out") for w in ("weight", "bias")]
ATTENTION.remove("k_proj.bias")
# whisper.cpp's names and those of such folders, to be replaced in this order.
NAMES = [
    (".attn.", ".self_attn."), ("blocks.", "layers."),
    ("cross_attn_ln", "encoder_attn_layer_norm"), ("attn_ln", "self_attn_layer_norm"),
    ("cross_attn.", "encoder_attn."), ("mlp_ln", "final_layer_norm"), ("mlp.0", "fc1"),
    ("mlp.2", "fc2"), (".query", ".q_proj"), (".key", ".k_proj"), (".value", ".v_proj"),
    ("attn.out.", "attn.out_proj."), ("ln_post", "layer_norm"),
    ("decoder.ln.", "decoder.layer_norm."), ("token_embedding", "embed_tokens"),
    ("positional_embedding", "embed_positions.weight"),
]


def their_name(name):
    for ours, theirs in NAMES:
        name = name.replace(ours, theirs)
    return "model." + name


def product(shape):
    n = 1
    for d in shape:
        n *= d
    return n


def dump(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def header(tensors, changes=None):
    """Entries with places one behind the other, and the data; changes: {name: {field: value}}."""
    entries, data = {}, b""
    for name, (kind, shape, *rest) in tensors.items():
        content = rest[0] if rest else bytes(product(shape) * SIZES[kind])
        entries[name] = {
            "dtype": kind,
            "shape": shape,
            "data_offsets": [len(data), len(data) + len(content)],
        }
        entries[name].update((changes or {}).get(name, {}))
        data += content
    return entries, data


def safetensors(tensors, changes=None, text=None, length=None, tail=b""):
    entries, data = header(tensors, changes)
    text = dump(entries) if text is None else text
    size = struct.pack("<Q", (len(text) if length is None else length) % 2**64)
    return size + text + data + tail


def whisper_tensors(kind="F16", state=8, mels=4, vocab=20, frames=6, places=5):
    """Of one layer on each side, by their names in such a folder."""
    out = {}

    def attention(prefix):
        for name in ATTENTION:
            shape = [state] if name.endswith("bias") else [state, state]
            out[prefix + "." + name] = (kind, shape)

    def norm(prefix):
        out[prefix + ".weight"] = out[prefix + ".bias"] = (kind, [state])

    for side, length in (("encoder", frames), ("decoder", places)):
        layer = f"model.{side}.layers.0."
        attention(layer + "self_attn")
        norm(layer + "self_attn_layer_norm")
        if side == "decoder":
            attention(layer + "encoder_attn")
            norm(layer + "encoder_attn_layer_norm")
        for part, shape in (("fc1", [4 * state, state]), ("fc2", [state, 4 * state])):
            out[layer + part + ".weight"] = (kind, shape)
            out[layer + part + ".bias"] = (kind, shape[:1])
        norm(layer + "final_layer_norm")
        norm(f"model.{side}.layer_norm")
        out[f"model.{side}.embed_positions.weight"] = (kind, [length, state])
    out["model.encoder.conv1.weight"] = (kind, [state, mels, 3])
    out["model.encoder.conv2.weight"] = (kind, [state, state, 3])
    out["model.encoder.conv1.bias"] = out["model.encoder.conv2.bias"] = (kind, [state])
    out["model.decoder.embed_tokens.weight"] = (kind, [vocab, state])
    return out


def hugging_face(settings=None, drop=(), **files):
    """All of a folder; files: name without its ending = content, or None to leave it out."""
    config = {k: v for k, v in {**CONFIG, **(settings or {})}.items() if k not in drop}
    out = {
        "config.json": dump(config),
        "vocab.json": dump({chr(33 + i): i for i in range(16)}),
        "generation_config.json": dump({"suppress_tokens": [1, 2], "alignment_heads": [[0, 0]]}),
        "model.safetensors": safetensors(whisper_tensors()),
    }
    for name, content in files.items():
        name = {"model": "model.safetensors", "index": "model.safetensors.index.json"}.get(
            name, name + ".json")
        out[name] = None if content is None else dump(content)
    return {k: v for k, v in out.items() if v is not None}
