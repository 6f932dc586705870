"""Files that are right as files and wrong as models: every key with every type, every tensor with a
wrong shape, head counts and rotations that cannot be, vocabularies that contradict themselves. All
are refused before a device is touched.

    model_bad.py PROGRAM    (tests/formats/open.c)
"""

import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from bad_files import Cases  # noqa: E402
from gguf_writer import TYPES  # noqa: E402
from tiny_model import EMBD, HEAD_DIM, HEADS, LAYERS, metas, shapes, tiny_model  # noqa: E402

NAN, INF = float("nan"), float("inf")
INTEGERS = ("u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64")
cases = Cases()


def bad_meta(name, key, type, value, *words, arch="llama"):
    cases.bad(
        "%s: %s = %s %s" % (name, key, type, str(value)[:40]),
        tiny_model(arch, meta={key: (type, value)}),
        *words
    )


def good_ones():
    for arch in ("llama", "qwen2"):
        cases.good("tiny " + arch, tiny_model(arch))
    cases.good("tied", tiny_model(tensors={"output.weight": None}))
    cases.good("Q8_0", tiny_model(type="Q8_0"))
    cases.good(
        "rope factors",
        tiny_model(
            tensors={"rope_freqs.weight": [HEAD_DIM // 2]},
            data={"rope_freqs.weight": struct.pack("<4f", 1, 1, 2, 8)},
        ),
    )
    cases.good(
        "u64 and i8 for u32",
        tiny_model(
            meta={"llama.block_count": ("u64", LAYERS), "llama.attention.head_count": ("i8", HEADS)}
        ),
    )


def fits(type, wanted, integer):
    """Whether a value of this type may stand where the file has one of type `wanted`."""
    if wanted == "u32":
        return type in INTEGERS and integer
    if wanted == "f32":
        return type in ("f32", "f64")
    if wanted == "array:i32":
        return type in ("array:i32", "array:u32")
    return type == wanted


def g8_types():
    """Every key that is read, with every type in place of the right one."""
    for arch in ("llama", "qwen2"):
        keys = metas(arch)
        keys[arch + ".rope.scaling.type"] = ("string", "none")
        keys[arch + ".rope.scaling.factor"] = ("f32", 1)
        keys[arch + ".attention.key_length"] = ("u32", 8)
        for key, (wanted, _) in keys.items():
            if key == "tokenizer.chat_template":
                continue  # read when a conversation is held
            for type in TYPES + ["array:" + t for t in TYPES if t != "array"]:
                if type == "array" or fits(type, wanted, True):
                    continue
                value = "1" if type == "string" else 1
                if type.startswith("array:"):
                    value = ["a", "b"] if type == "array:string" else [1, 1]
                bad_meta("G8", key, type, value, key, type.split(":")[-1], arch=arch)


def g15_shapes():
    for arch in ("llama", "qwen2"):
        for name, dims in shapes(arch).items():
            wrong = [
                dims[:-1] + [dims[-1] + 1],
                [dims[0] + 1] + dims[1:],
                dims + [2],
                [dims[0] // 2] + dims[1:],
            ]
            if len(dims) == 2:
                wrong += [[dims[0] * dims[1]]]
                wrong += [dims[::-1]] if dims[0] != dims[1] else []
            else:
                wrong += [[1] + dims]
            for w in wrong:
                # The embedding's rows are the vocabulary's size, said by no key of its own.
                words = [] if name == "token_embd.weight" else [name]
                cases.bad(
                    "G15 %s %s: %s" % (arch, name, w), tiny_model(arch, tensors={name: w}), *words
                )
            if name != "output.weight":
                cases.bad(
                    "G14 %s without %s" % (arch, name), tiny_model(arch, tensors={name: None}), name
                )
    cases.bad(
        "G14 extra", tiny_model(tensors={"blk.0.surprise.weight": [8]}), "blk.0.surprise.weight"
    )
    cases.bad(
        "G14 layer", tiny_model(tensors={"blk.2.attn_norm.weight": [64]}), "blk.2.attn_norm.weight"
    )
    for n in (1, 3, 5, 8):
        cases.bad(
            "G16 %d rope factors" % n,
            tiny_model(tensors={"rope_freqs.weight": [n]}),
            "rope_freqs.weight",
        )
    for v in (0.0, -1.0, NAN, INF):
        cases.bad(
            "G16 rope factor %g" % v,
            tiny_model(
                tensors={"rope_freqs.weight": [4]},
                data={"rope_freqs.weight": struct.pack("<4f", 1, 1, v, 1)},
            ),
            "rope_freqs.weight",
            "2",
        )


def g16_numbers():
    def each(key, *values, type="u32"):
        for v in values:
            bad_meta("G16", "llama." + key, type, v)

    each("attention.head_count", 0, 3, 7, 2**31, 2**32 - 1)
    each("attention.head_count_kv", 0, 3, HEADS + 1, 16, 2**32 - 1)
    each("attention.head_count_kv", [2], [2, 2, 2], [2, 0], type="array:i32")
    each("attention.head_count", [8], [8, 8, 8], type="array:u32")
    each("embedding_length", 0, 1, 63, 65, 128, 2**31, 2**32 - 1)
    each("feed_forward_length", 0, 95, 2**31)
    each("rope.dimension_count", 0, 1, 3, 7, HEAD_DIM + 2, 2**31)
    each("rope.freq_base", 0.0, NAN, INF, -INF, -1.0, type="f32")
    each("attention.layer_norm_rms_epsilon", 0.0, NAN, INF, -1e-5, type="f32")
    each("block_count", 0, 1, LAYERS + 1, 2**31, 2**32 - 1)
    each("context_length", 0, 2**31, 2**32 - 1)
    each("expert_count", 1, 8, 2**32 - 1)
    each("attention.key_length", 0, 7, 12, 264, 2**31)
    each("attention.value_length", 0, 16, 2**31)
    each("rope.scaling.type", "surprise", "", type="string")
    each("rope.scaling.factor", 0.0, NAN, INF, -1.0, type="f32")
    for key in (
        "block_count",
        "embedding_length",
        "feed_forward_length",
        "attention.head_count",
        "context_length",
    ):
        cases.bad("G16 without " + key, tiny_model(meta={"llama." + key: None}), "llama." + key)
    each("attention.head_count", -1, -(2**31), type="i32")
    each("block_count", -1, type="i64")
    for arch in ("", "Llama", "llama\0", "gpt2", "x" * 5000):
        bad_meta("G16", "general.architecture", "string", arch, "architecture")
    cases.bad(
        "G16 no architecture",
        tiny_model(meta={"general.architecture": None}),
        "general.architecture",
    )
    cases.bad(
        "G16 nothing at all",
        tiny_model(meta={k: None for k in metas()}, tensors={k: None for k in shapes()}),
    )


def t20_arrays():
    p = "tokenizer.ggml."
    texts = metas()[p + "tokens"][1]
    n = len(texts)
    for key, type in (("scores", "f32"), ("token_type", "i32")):
        for count in (0, 1, n - 1, n + 1, 2 * n):
            bad_meta("T20", p + key, "array:" + type, [1] * count, p + key, str(count), str(n))
        for wrong in ("u8", "i8", "u16", "bool", "string", "f64", "u64"):
            v = ["x"] * n if wrong == "string" else [1] * n
            bad_meta("T20", p + key, "array:" + wrong, v, p + key, wrong)
    for kind in (0, 7, -1, 2**31 - 1):
        cases.any(
            "T20 kind %d" % kind,
            tiny_model(
                meta={p + "token_type": ("array:i32", [kind] + metas()[p + "token_type"][1][1:])}
            ),
        )
    for arch in ("llama", "qwen2"):
        n = len(metas(arch)[p + "tokens"][1])
        for key in ("bos", "eos", "unknown", "padding", "eot", "eom", "fim_pad"):
            for v in (n, n + 1, 2**31, 2**32 - 1):
                bad_meta(
                    "T21",
                    p + key + "_token_id",
                    "u32",
                    v,
                    key + "_token_id",
                    str(v),
                    str(n - 1),
                    arch=arch,
                )
            bad_meta("T21", p + key + "_token_id", "i32", -1, key + "_token_id", "-1", arch=arch)
    for count in (0, 1, 2, n - 1, n + 1):
        words = (texts * 2)[:count]
        cases.bad(
            "T22 %d tokens" % count,
            tiny_model(
                meta={
                    p + "tokens": ("array:string", words),
                    p + "scores": ("array:f32", [0] * count),
                    p + "token_type": ("array:i32", [1] * count),
                }
            ),
            "tokens",
            str(count),
        )
    for key in ("model", "tokens"):
        cases.bad("T22 no " + key, tiny_model(meta={p + key: None}), p + key)
    for name in ("", "bert", "llama\0"):
        bad_meta("T22", p + "model", "string", name, p + "model")


def t23_texts():
    p = "tokenizer.ggml.tokens"
    for arch in ("llama", "qwen2"):
        texts = metas(arch)[p][1]
        for name, token in (
            ("duplicate", texts[-2]),
            ("empty", ""),
            ("1 MiB", "x" * 2**20),
            ("invalid", b"\xff\xfe\xc3"),
            ("zero", "a\0b"),
        ):
            cases.any(
                "T23 %s %s" % (arch, name),
                tiny_model(arch, meta={p: ("array:string", texts[:-1] + [token])}),
            )
    texts = metas()[p][1]
    for byte in ("<0x-1>", "<0xZZ>", "<0x100>", "<0x>", "0x41", "<0x4>", "<0x 1>", "<0x+1>", ""):
        cases.bad(
            "T24 byte token %s" % byte,
            tiny_model(meta={p: ("array:string", texts[:10] + [byte] + texts[11:])}),
            "token",
            "10",
        )
    cases.any(
        "T24 no byte tokens",
        tiny_model(meta={"tokenizer.ggml.token_type": ("array:i32", [1] * len(texts))}),
    )


def t25_merges():
    key = "tokenizer.ggml.merges"
    for name, merges in (
        ("no space", ["ab"]),
        ("empty", [""]),
        ("only space", [" "]),
        ("two spaces", ["a  b"]),
        ("unknown parts", ["zzz yyy"]),
        ("unknown result", ["a z"]),
        ("duplicate", ["a b", "a b"]),
        ("itself", ["a a"]),
        ("cyclic", ["a b", "ab a", "b ab"]),
        ("none", []),
        ("many", ["a b"] * 10**5),
    ):
        cases.any("T25 " + name, tiny_model("qwen2", meta={key: ("array:string", merges)}))
    cases.bad("T25 missing", tiny_model("qwen2", meta={key: None}), key)
    bad_meta(
        "T25",
        "tokenizer.ggml.pre",
        "string",
        "surprise",
        "tokenizer.ggml.pre",
        "surprise",
        arch="qwen2",
    )


def main():
    for family in (good_ones, g8_types, g15_shapes, g16_numbers, t20_arrays, t23_texts, t25_merges):
        family()
    assert EMBD == HEADS * HEAD_DIM
    sys.exit(1 if cases.run(sys.argv[1], "--model") else 0)


if __name__ == "__main__":
    main()
