"""Writes ggml .bin speech models, damaged ones too, as whisper.cpp's convert-pt-to-ggml.py does.

    Ggml().token(b"a").tensor("x", [64, 3], "Q8_0").bytes()
"""

import struct

from gguf_writer import QUANTS

NAMES = [
    "n_vocab",
    "n_audio_ctx",
    "n_audio_state",
    "n_audio_head",
    "n_audio_layer",
    "n_text_ctx",
    "n_text_state",
    "n_text_head",
    "n_text_layer",
    "n_mels",
    "ftype",
]
# What Whisper's tiny model has.
TINY = dict(zip(NAMES, [51865, 1500, 384, 6, 4, 448, 384, 6, 4, 80, 1]))


def i32(*values):
    return b"".join(struct.pack("<I", v % 2**32) for v in values)


class Ggml:
    def __init__(self, **numbers):
        self.magic = b"lmgg"
        self.numbers = dict(TINY, **numbers)
        self.n_mel, self.n_fft, self.filters = 2, 3, bytes(24)
        self.tokens, self.n_tokens = b"", 0
        self.data = b""

    def token(self, text, length=None):
        self.tokens += i32(len(text) if length is None else length) + text
        self.n_tokens += 1
        return self

    def tensor(self, name, ne, type="F32", type_no=None, n_dims=None, length=None, data=None):
        number, block, size = QUANTS[type]
        count = 1
        for n in ne:
            count *= n
        name = name if isinstance(name, bytes) else name.encode()
        self.data += i32(
            len(ne) if n_dims is None else n_dims,
            len(name) if length is None else length,
            number if type_no is None else type_no,
            *ne,
        )
        self.data += name + (bytes(count // block * size) if data is None else data)
        return self

    def header(self):
        return (
            self.magic
            + i32(*(self.numbers[n] for n in NAMES))
            + i32(self.n_mel, self.n_fft)
            + self.filters
            + i32(self.n_tokens)
            + self.tokens
        )

    def bytes(self):
        return self.header() + self.data
