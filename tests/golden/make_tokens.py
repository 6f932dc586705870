#!/usr/bin/env python3
"""Makes the golden files of the tokenizers: tokens/*.gguf and tokens/*.txt.

Oracles: the `tokenizers` library for byte-level BPE (each pre-tokenizer spelled as the models'
own tokenizer.json files spell it), `sentencepiece` and, where both say the same, `tokenizers` for
SentencePiece's kind. Their answers to 10,000 random strings are kept as one digest for each 100.
tests/text/golden.c makes the same strings from the same seed; text_of() here and there must be
alike. Vocabularies: small ones trained here and kept, and those of TAWNY_TEST_DATA, which stay
where they are (their digests are left alone when they are absent).
"""
import io
import os
import sys

import gguf
import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers,
                        pre_tokenizers, trainers)

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "tokens")
DATA = os.environ.get("TAWNY_TEST_DATA", os.path.join(HERE, "../../../shared/data"))
SEED, COUNT, GROUP = 20240607, 10000, 100
MASK = (1 << 64) - 1

# ---- the random strings: alike in tests/text/golden.c ------------------------------------------

WORDS = ["the", "model", "Tokens", "GPU", "of", "and", "transcribe", "device", "Hello", "world",
         "a", "I", "don", "runs", "on", "VULKAN", "is", "to", "in", "http", "kernel", "seven"]
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "'Re", "'D", "'\u017f"]
SPACES = [0x20, 0x20, 0x20, 0x0a, 0x0d, 0x09, 0xa0, 0x3000, 0x2009, 0x85, 0x2028, 0x0b, 0x200b,
          0x180e]
LINES = ["\n", "\r\n", "\n\n", " \n", "\n  ", "\t\n\t"]
NUMBERS = [0xbd, 0xb2, 0xb3, 0x2167, 0x2177, 0x2460, 0x3007, 0x661, 0x966, 0xff11]
ODD = ["\x00", "\x01", "\x1b", "\x7f", "\ufeff", "\u200d", "\ufe0f", "\u01c5", "\u02b0", "\ue000",
       "\U0001d400", "\u2581", "\ufffd", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<user>",
       "<|im_", "|>", "<s>"]
RANGES = [  # of code points, each picked with the same chance
    [(0xc0, 0x24f)], [(0x3b1, 0x3c9), (0x410, 0x44f)], [(0x4e00, 0x9fa5)],
    [(0x3041, 0x3096), (0xac00, 0xd7a3)],
    [(0x300, 0x36f), (0x904, 0x939), (0x93e, 0x94d), (0xe01, 0xe3a), (0x621, 0x64a)],
    [(0x1f600, 0x1f64f), (0x2200, 0x22ff), (0x2018, 0x201d), (0x3001, 0x3002), (0xff01, 0xff5e)]]


class Random:
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state + 0x9e3779b97f4a7c15) & MASK
        z = self.state
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & MASK
        z = (z ^ z >> 27) * 0x94d049bb133111eb & MASK
        z ^= z >> 31
        return (z >> 33) % n


def text_of(r):
    out = []
    for _ in range(r.below(24)):
        kind = r.below(16)
        if kind < 5:
            space = " " if r.below(4) else ""
            out.append(space + WORDS[r.below(len(WORDS))])
        elif kind == 5:
            out.append(CONTRACTIONS[r.below(len(CONTRACTIONS))])
        elif kind == 6:
            out.append("".join(chr(0x30 + r.below(10)) for _ in range(1 + r.below(7))))
        elif kind == 7:
            out.append("".join(chr(0x21 + r.below(15)) for _ in range(1 + r.below(4))))
        elif kind == 8:
            out.append(chr(SPACES[r.below(len(SPACES))]) * (1 + r.below(5)))
        elif kind == 9:
            out.append(LINES[r.below(len(LINES))])
        elif kind == 10:
            out.append(chr(NUMBERS[r.below(len(NUMBERS))]))
        elif kind == 11:
            out.append(ODD[r.below(len(ODD))])
        else:
            ranges = RANGES[r.below(len(RANGES))]
            for _ in range(1 + r.below(6)):
                lo, hi = ranges[r.below(len(ranges))]
                out.append(chr(lo + r.below(hi - lo + 1)))
    return "".join(out)


def texts(seed, count):
    r = Random(seed)
    return [text_of(r) for _ in range(count)]


def training_texts(seed):
    """Without what looks like a special token: it must not become an ordinary one."""
    return [s for s in texts(seed, 6000) if "<" not in s and "|" not in s]


# ---- digests -----------------------------------------------------------------------------------

def digests(encode):
    """FNV-1a over each group's ids as four bytes, and 0xffffffff behind each text."""
    lines, h = [], 0
    for i, text in enumerate(texts(SEED, COUNT)):
        if i % GROUP == 0:
            h = 0xcbf29ce484222325
        for v in encode(text) + [0xffffffff]:
            for b in v.to_bytes(4, "little"):
                h = (h ^ b) * 0x100000001b3 & MASK
        if i % GROUP == GROUP - 1:
            lines.append(f"{h >> 32:08x}")
    return lines


def write(name, pre, special, encode):
    """tokens/NAME.PRE.txt: what tests/text/golden.c has to get."""
    lines = digests(encode)
    with open(os.path.join(OUT, f"{name}.{pre}.txt"), "w") as f:
        f.write(f"seed {SEED} special {int(special)}\n")
        for i in range(0, len(lines), 10):
            f.write(" ".join(lines[i:i + 10]) + "\n")
    print(f"{name}.{pre}: {len(lines)} digests")


# ---- byte-level BPE ----------------------------------------------------------------------------

S = r"\s+(?!\S)|\s+"
CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+%s|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*%s|")
DEEPSEEK3 = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?"
             r"[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|") + S


def split(*patterns):
    steps = [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]
    return steps + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]


def llama3_like(digits, end=r"[\r\n]*"):
    return (CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|" + digits + r"| ?[^\s\p{L}\p{N}]+" + end +
            r"|\s*[\r\n]+|" + S)


GPT2 = [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
DIGITS = pre_tokenizers.Digits(individual_digits=True)
PRES = {
    "gpt-2": GPT2,
    "starcoder": [DIGITS] + GPT2,
    "llama-bpe": split(llama3_like(r"\p{N}{1,3}")),
    "dbrx": split(llama3_like(r"\p{N}{1,3}")),
    "qwen2": split(llama3_like(r"\p{N}")),
    "qwen35": split(CONTRACTION + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+"
                    r"[\r\n]*|\s*[\r\n]+|" + S),
    "tekken": split(CASED % ("", "") + r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|" + S),
    "gpt-4o": split(CASED % (CONTRACTION + "?", CONTRACTION + "?") +
                    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|" + S),
    "tiny_aya": split(r"\d{1,3}(?=(?:\d{3})*\b)", CASED % (CONTRACTION + "?", CONTRACTION + "?") +
                      r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|" + S),
    "deepseek-v3": split(r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", DEEPSEEK3),
    "deepseek-coder": split(r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥\u0800-一가-\ud7ff]+",
                            r"\p{N}"),
    "chameleon": [pre_tokenizers.Split(Regex(p), "isolated") for p in
                  ("<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z",
                   "([\t\n]|    |  )")] +
                 [DIGITS, pre_tokenizers.Punctuation("isolated")] + GPT2,
}
WHOLE = {"llama-bpe", "tekken"}  # a word that is a token is taken as it is
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
USER = ["<user>"]


def bpe(vocab, merges, pre, control, user):
    t = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=pre in WHOLE))
    t.pre_tokenizer = pre_tokenizers.Sequence(PRES[pre])
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in control])
    t.add_tokens([AddedToken(s, special=False, normalized=False) for s in user])
    return t


def write_vocab(path, model, pre, tokens, kinds, merges=None, scores=None, ids=()):
    w = gguf.GGUFWriter(path, "llama")
    w.add_tokenizer_model(model)
    w.add_tokenizer_pre(pre)
    w.add_token_list(tokens)
    w.add_token_types(kinds)
    if merges is not None:
        w.add_token_merges([" ".join(m) for m in merges])
    if scores is not None:
        w.add_token_scores(scores)
    for key, value in ids:
        getattr(w, key)(value)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()


def make_bpe():
    """Trained across words, so that every cut of a pre-tokenizer shows in the ids."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=1500, show_progress=False, max_token_length=12,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    t.train_from_iterator(training_texts(1), trainer)
    state = __import__("json").loads(t.to_str())["model"]
    vocab = state["vocab"]
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in state["merges"]]
    tokens = sorted(vocab, key=vocab.get)
    n = len(tokens)
    kinds = [gguf.TokenType.NORMAL] * n + [gguf.TokenType.CONTROL] * len(CONTROL) + \
        [gguf.TokenType.USER_DEFINED] * len(USER)
    write_vocab(os.path.join(OUT, "bpe.gguf"), "gpt2", "gpt-2", tokens + CONTROL + USER, kinds,
                merges, ids=[("add_bos_token_id", n), ("add_eos_token_id", n)])
    for pre in PRES:
        oracle = bpe(vocab, merges, pre, CONTROL, USER)
        write("bpe", pre, True, lambda s: oracle.encode(s, add_special_tokens=False).ids)


# ---- SentencePiece's kind ----------------------------------------------------------------------

def make_spm(name, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter("".join(c for c in s if "\x00" < c < "\u0500") or "a"
                               for s in training_texts(2)),
        model_writer=model, model_type="bpe", vocab_size=1400, byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False,
        character_coverage=0.99, minloglevel=2, num_threads=1, **options)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    write_vocab(os.path.join(OUT, f"{name}.gguf"), "llama", "default",
                [p.piece for p in proto.pieces], [p.type for p in proto.pieces],
                scores=[p.score for p in proto.pieces],
                ids=[("add_unk_token_id", 0), ("add_bos_token_id", 1), ("add_eos_token_id", 2)])
    oracle = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    write(name, "default", False, lambda s: oracle.encode(s))


# ---- the vocabularies of TAWNY_TEST_DATA -------------------------------------------------------

def read_vocab(path):
    """A function from a key of tokenizer.ggml to its value."""
    fields = gguf.GGUFReader(path).fields
    return lambda key: fields["tokenizer.ggml." + key].contents()


def make_data_bpe(name, pre):
    path = os.path.join(DATA, "vocab", name + ".gguf")
    if not os.path.exists(path):
        print(f"{name}: no {path}, left as it is")
        return
    get = read_vocab(path)
    tokens, kinds = get("tokens"), get("token_type")
    vocab = {t: i for i, t in enumerate(tokens)}
    merges = [tuple(m.split(" ")) for m in get("merges")]
    oracle = bpe(vocab, merges, pre, [t for t, k in zip(tokens, kinds) if k == 3],
                 [t for t, k in zip(tokens, kinds) if k == 4])
    write(name, pre, True, lambda s: oracle.encode(s, add_special_tokens=False).ids)


def spm_as_bpe(tokens, scores, kinds):
    """SentencePiece's joins as merges: every pair that makes a token, best score first."""
    vocab = {t: i for i, t in enumerate(tokens)}
    merges = []
    for t, i in vocab.items():
        if kinds[i] == 1:
            pairs = [(t[:k], t[k:]) for k in range(1, len(t)) if t[:k] in vocab and t[k:] in vocab]
            pairs.sort(key=lambda p: (vocab[p[0]], vocab[p[1]]))
            merges += [(-scores[i], p) for p in pairs]
    merges.sort(key=lambda m: m[0])
    t = Tokenizer(models.BPE(vocab=vocab, merges=[m[1] for m in merges], byte_fallback=True,
                             fuse_unk=True, unk_token=tokens[0]))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return t


def make_data_spm(name):
    path = os.path.join(DATA, "vocab", name + ".gguf")
    if not os.path.exists(path):
        print(f"{name}: no {path}, left as it is")
        return
    get = read_vocab(path)
    tokens, scores, kinds = get("tokens"), get("scores"), get("token_type")
    proto = sentencepiece_model_pb2.ModelProto()
    for t, s, k in zip(tokens, scores, kinds):
        proto.pieces.add(piece=t, score=s, type=k)
    proto.trainer_spec.model_type = sentencepiece_model_pb2.TrainerSpec.BPE
    proto.trainer_spec.byte_fallback = True
    proto.normalizer_spec.add_dummy_prefix = True
    proto.normalizer_spec.remove_extra_whitespaces = False
    oracle = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
    second = spm_as_bpe(tokens, scores, kinds)
    apart = sum(oracle.encode(s) != second.encode(s, add_special_tokens=False).ids
                for s in texts(SEED, COUNT))
    print(f"{name}: sentencepiece and tokenizers say otherwise on {apart} texts")
    write(name, "default", False, lambda s: oracle.encode(s))


def main():
    os.makedirs(OUT, exist_ok=True)
    make_bpe()
    make_spm("spm")
    make_spm("spm-span", split_by_whitespace=False, split_by_unicode_script=False,
             split_by_number=False)
    make_data_bpe("gpt-2", "gpt-2")
    make_data_bpe("starcoder", "starcoder")
    make_data_spm("llama-spm")
    return 0


if __name__ == "__main__":
    sys.exit(main())
