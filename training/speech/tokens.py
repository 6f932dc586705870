"""Tokens of Whisper's English-only vocabulary (gpt2.tiktoken and what openai-whisper adds)."""

import base64
import os
import re

EOT, SOT, PREV, NOSPEECH, NOTIMES, TIME0 = 50256, 50257, 50360, 50361, 50362, 50363
VOCAB = 51864
TIMES = 1501  # one each 0.02 s of 30 s
TEXT = 50256
PATTERN = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+")


def find(name):
    """A file of openai-whisper's assets: here, in $WHISPER_ASSETS, or the package's."""
    folders = [os.path.dirname(os.path.abspath(__file__)), os.environ.get("WHISPER_ASSETS", "")]
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    import whisper

    return os.path.join(os.path.dirname(whisper.__file__), "assets", name)


class Tokenizer:
    """ASCII text only."""

    def __init__(self):
        self.ranks = {}
        with open(find("gpt2.tiktoken"), "rb") as f:
            for line in f:
                token, rank = line.split()
                self.ranks[base64.b64decode(token)] = int(rank)
        self.bytes = {v: k for k, v in self.ranks.items()}
        self.cache = {}

    def word(self, text):
        """The tokens of one piece, joined by rank."""
        parts = [bytes([b]) for b in text.encode()]
        while len(parts) > 1:
            ranks = [self.ranks.get(a + b, 1 << 30) for a, b in zip(parts, parts[1:])]
            best = min(ranks)
            if best == 1 << 30:
                break
            i = ranks.index(best)
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        return [self.ranks[p] for p in parts]

    def encode(self, text):
        out = self.cache.get(text)
        if out is None:
            out = [t for piece in PATTERN.findall(text) for t in self.word(piece)]
            self.cache[text] = out
        return out

    def decode(self, ids):
        """Text without special tokens; times as <|1.00|>."""
        out = b""
        for i in ids:
            if i < TEXT:
                out += self.bytes[i]
            elif i >= TIME0:
                out += b"<|%.2f|>" % ((i - TIME0) * 0.02)
        return out.decode("utf-8", "replace")
