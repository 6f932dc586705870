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


# ---- CTranslate2's -----------------------------------------------------------------------------

CT2_TYPES = {"F32": (0, 4), "I8": (1, 1), "I16": (2, 2), "I32": (3, 4), "F16": (4, 2),
             "BF16": (5, 2)}


def ct2_text(text):
    text = text if isinstance(text, bytes) else text.encode() + b"\0"
    return struct.pack("<H", len(text)) + text


class Ct2:
    """A model.bin; fields may be changed before bytes() is called. Variables: name, (type, shape,
    data or nothing for zeros, {"rank", "type", "bytes": instead of what is right})."""

    def __init__(self, variables, aliases=(), version=6, kind="WhisperSpec", revision=3):
        self.variables, self.aliases = variables, list(aliases)
        self.version, self.kind, self.revision = version, kind, revision
        self.n_variables = self.n_aliases = None
        self.tail = b""

    def variable(self, name, kind, shape, data=None, changes=None):
        number, size = CT2_TYPES[kind]
        data = bytes(product(shape) * size) if data is None else data
        changes = changes or {}
        n = len(data)
        if self.version < 4:  # the size of a value, and how many
            number, n = size, n // size
        return (ct2_text(name) + struct.pack("<B", changes.get("rank", len(shape)))
                + struct.pack("<%dI" % len(shape), *shape)
                + struct.pack("<BI", changes.get("type", number), changes.get("bytes", n)) + data)

    def bytes(self):
        n, m = self.n_variables, self.n_aliases
        out = struct.pack("<I", self.version)
        if self.version >= 2:
            out += ct2_text(self.kind) + struct.pack("<I", self.revision)
        out += struct.pack("<I", len(self.variables) if n is None else n)
        for name, v in self.variables.items():
            out += self.variable(name, *v)
        if self.version >= 3:
            out += struct.pack("<I", len(self.aliases) if m is None else m)
        return out + b"".join(ct2_text(a) + ct2_text(b) for a, b in self.aliases) + self.tail


CT2_PARTS = [("self_attention", "attn", "attn_ln", [["query", "key", "value"], ["out"]]),
             ("attention", "cross_attn", "cross_attn_ln", [["query"], ["key", "value"], ["out"]]),
             ("ffn", "mlp", "mlp_ln", [["0"], ["2"]])]


def ct2_variables(tensors, layers=1, heads=1):
    """From tensors by whisper.cpp's names: {name: (type, shape, data)}; vectors are F32. Keys get a
    bias of zeros."""
    out = {}

    def put(name, sources):
        found = [tensors[s] for s in sources if s in tensors]
        kind, shape, _ = found[0]
        data = b"".join(tensors[s][2] if s in tensors else bytes(len(found[0][2]))
                        for s in sources)
        out[name] = (kind, [shape[0] * len(sources), *shape[1:]], data)

    def norm(name, source):
        put(name + "/gamma", [source + ".weight"])
        put(name + "/beta", [source + ".bias"])

    for side in ("encoder", "decoder"):
        for i in range(layers):
            block = f"{side}.blocks.{i}."
            for part, ours, ln, products in CT2_PARTS:
                if part == "attention" and side == "encoder":
                    continue
                path = f"{side}/layer_{i}/{part}"
                norm(path + "/layer_norm", block + ln)
                for k, sources in enumerate(products):
                    for what in ("weight", "bias"):
                        put(f"{path}/linear_{k}/{what}",
                            [f"{block}{ours}.{s}.{what}" for s in sources])
        norm(side + "/layer_norm", side + (".ln_post" if side == "encoder" else ".ln"))
        put(side + "/position_encodings/encodings", [side + ".positional_embedding"])
        out[side + "/num_heads"] = ("I16", [], struct.pack("<h", heads))
    for conv in ("conv1", "conv2"):
        for what in ("weight", "bias"):
            put(f"encoder/{conv}/{what}", [f"encoder.{conv}.{what}"])
    put("decoder/embeddings/weight", ["decoder.token_embedding.weight"])
    for name, value in (("activation", 3), ("pre_norm", 1), ("scale_embeddings", 0)):
        out["decoder/" + name] = ("I8", [], bytes([value]))
    return out


TIED = ("decoder/projection/weight", "decoder/embeddings/weight")


def small_ct2(int8=False, **changes):
    """Of the small model; with int8, every matrix has scales of 1. changes: see Ct2."""
    tensors = {}
    theirs = {their_name(ours): ours for ours in small_names()}
    for name, (kind, shape) in whisper_tensors("F32").items():
        if name in theirs:
            tensors[theirs[name]] = (kind, shape, bytes(4 * product(shape)))
    variables = ct2_variables(tensors)
    for name, (kind, shape, data) in list(variables.items()):
        if int8 and name.endswith("/weight"):
            variables[name] = ("I8", shape, bytes(len(data) // 4))
            variables[name + "_scale"] = ("F32", shape[:1], struct.pack("<f", 1) * shape[0])
    return Ct2(variables, [TIED], **changes)


def small_names():
    """whisper.cpp's names of the small model's tensors."""
    for side in ("encoder", "decoder"):
        yield side + ".positional_embedding"
        block = side + ".blocks.0."
        names = [block + "attn", block + "cross_attn"][: 1 + (side == "decoder")]
        for attn in names:
            yield from (f"{attn}.{p}.{w}" for p in ("query", "key", "value", "out")
                        for w in ("weight", "bias"))
        norms = [n + "_ln" for n in names] + [block + "mlp_ln"]
        for name in [*norms, block + "mlp.0", block + "mlp.2",
                     side + (".ln_post" if side == "encoder" else ".ln")]:
            yield from (name + ".weight", name + ".bias")
    for conv in ("conv1", "conv2"):
        yield from (f"encoder.{conv}.weight", f"encoder.{conv}.bias")
    yield "decoder.token_embedding.weight"


def ctranslate2(model=None, vocabulary=None, config=None, **files):
    """All of a folder; model: a Ct2 or bytes; files: by name with its ending, None: left out."""
    model = small_ct2() if model is None else model
    out = {
        "model.bin": model if isinstance(model, bytes) else model.bytes(),
        "vocabulary.json": dump(["t%d" % i for i in range(CONFIG["vocab_size"])]
                                if vocabulary is None else vocabulary),
        "config.json": dump({"suppress_ids": [1], "alignment_heads": [[0, 0]]}
                            if config is None else config),
    }
    out.update({k.replace("__", "."): v for k, v in files.items()})
    return {k: v for k, v in out.items() if v is not None}
