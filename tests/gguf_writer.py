"""Writes GGUF files, right ones and wrong ones, with nothing but the standard library.

    f = Gguf()
    f.meta("general.architecture", "string", "llama")
    f.meta("tokenizer.ggml.tokens", "array:string", ["a", "b"])
    f.tensor("output.weight", [64, 2], "F32")          # zeros
    open(path, "wb").write(f.bytes())

Anything can be made wrong: every field has a keyword that replaces it (f.n_kv = 2**63,
f.tensor(..., n_dims=9, offset=1)), and meta(raw=...) takes the bytes of a value as they are.
"""

import struct

TYPES = [
    "u8",
    "i8",
    "u16",
    "i16",
    "u32",
    "i32",
    "f32",
    "bool",
    "string",
    "array",
    "u64",
    "i64",
    "f64",
]
PACK = {
    "u8": "B",
    "i8": "b",
    "u16": "H",
    "i16": "h",
    "u32": "I",
    "i32": "i",
    "f32": "f",
    "bool": "B",
    "u64": "Q",
    "i64": "q",
    "f64": "d",
}

# name: (number, weights a block, bytes a block)
QUANTS = {
    "F32": (0, 1, 4),
    "F16": (1, 1, 2),
    "Q4_0": (2, 32, 18),
    "Q4_1": (3, 32, 20),
    "Q5_0": (6, 32, 22),
    "Q5_1": (7, 32, 24),
    "Q8_0": (8, 32, 34),
    "Q4_K": (12, 256, 144),
    "Q5_K": (13, 256, 176),
    "Q6_K": (14, 256, 210),
    "IQ4_NL": (20, 32, 18),
    "BF16": (30, 1, 2),
}


def string(s, length=None):
    b = s.encode() if isinstance(s, str) else bytes(s)
    return struct.pack("<Q", len(b) if length is None else length) + b


def value(type, v):
    """The bytes of a metadata value; arrays are "array:ITEM"."""
    if type == "string":
        return string(v)
    if type.startswith("array:"):
        item = type[6:]
        return struct.pack("<IQ", TYPES.index(item.split(":")[0]), len(v)) + b"".join(
            value(item, x) for x in v
        )
    return struct.pack("<" + PACK[type], v)


def align(n, to):
    return (n + to - 1) // to * to


class Gguf:
    def __init__(self, version=3, alignment=None):
        self.version = version
        self.alignment = alignment or 32
        self.magic = b"GGUF"
        self.n_tensors = self.n_kv = None  # None: as many as there are
        self.metas, self.infos, self.data = [], [], b""
        self.tail = b""  # behind the tensor data
        if alignment is not None:
            self.meta("general.alignment", "u32", alignment)

    def meta(self, key, type, v=None, raw=None, type_no=None, key_length=None):
        no = TYPES.index(type.split(":")[0]) if type_no is None else type_no
        self.metas.append(
            string(key, key_length)
            + struct.pack("<I", no)
            + (value(type, v) if raw is None else raw)
        )
        return self

    def tensor(
        self,
        name,
        dims,
        type="F32",
        data=None,
        offset=None,
        type_no=None,
        n_dims=None,
        name_length=None,
    ):
        number, block, size = QUANTS[type]
        count = 1
        for d in dims:
            count *= d
        if data is None:
            data = bytes(count // block * size if count < 1 << 32 else 0)
        self.data += bytes(align(len(self.data), self.alignment) - len(self.data))
        self.infos.append(
            string(name, name_length)
            + struct.pack("<I", len(dims) if n_dims is None else n_dims)
            + b"".join(struct.pack("<Q", d % (1 << 64)) for d in dims)
            + struct.pack(
                "<IQ",
                number if type_no is None else type_no % (1 << 32),
                len(self.data) if offset is None else offset,
            )
        )
        self.data += data
        return self

    def header(self):
        return (
            self.magic
            + struct.pack("<I", self.version)
            + struct.pack("<Q", len(self.infos) if self.n_tensors is None else self.n_tensors)
            + struct.pack("<Q", len(self.metas) if self.n_kv is None else self.n_kv)
            + b"".join(self.metas)
            + b"".join(self.infos)
        )

    def bytes(self):
        h = self.header()
        if not self.data:
            return h + self.tail
        return h + bytes(align(len(h), self.alignment) - len(h)) + self.data + self.tail
