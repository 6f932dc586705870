"""Malformed folders of Whisper models: each is refused with status 3 and a message that names the
file, the field or tensor and what is wrong, within 100 ms and 64 MiB; limits are also tried at
their last good value."""

import json
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from bad_files import Cases  # noqa: E402
from folder_writer import hugging_face, safetensors, whisper_tensors  # noqa: E402

cases = Cases()
case, good = cases.bad, cases.good
SMALL = {"a": ("F32", [2, 3]), "b": ("F16", [4])}
MODEL = "model.safetensors"


def bad(name, content, *words, good=False):
    """One safetensors file in an otherwise good folder."""
    folder = hugging_face(model=content)
    if good:
        cases.good(name, folder)
    else:
        case(name, folder, MODEL, *words)


def s28_header_length():
    good_file = safetensors(SMALL)
    bad("S28 good", good_file, good=True)
    for n in [0, 2**60, 2**64 - 8, 2**64 - 1, len(good_file), 101 << 20]:
        bad("S28 length %d" % n, safetensors(SMALL, length=n), "length", str(n % 2**64))
    for n in range(9):
        bad("S28 file of %d" % n, good_file[:n], "has %d bytes" % n if n else "bytes")
    huge = b'{"a":"' + b"x" * (17 << 20) + b'"}'
    bad("S28 header of 17 MiB", safetensors({}, text=huge), "length", str(16 << 20))


def s29_json():
    one = '"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}'
    for name, text, words in [
        ("deep", b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}", ["32 deep"]),
        ("many", b'{"a":[' + b"1," * 600000 + b"1]}", ["524288 values"]),
        ("twice", ("{%s,%s}" % (one, one)).encode(), ["uplicate"]),
        ("trailing", ("{%s} x" % one).encode(), ["header"]),
        ("no UTF-8", b'{"\xff":1}', ["decode byte 0xff"]),
        ("zero byte", b'{"a\\u0000":1}', ["header"]),
        ("spaces in front", (" {%s}" % one).encode(), ["0x20"]),
        ("array", b"[1]", ["0x5b"]),
        ("cut", ("{%s" % one).encode(), ["header"]),
        ("metadata no object", b'{"__metadata__":1}', ["__metadata__"]),
        ("metadata no strings", b'{"__metadata__":{"k":1}}', ["__metadata__", "'k'"]),
        ("tensor no object", b'{"a":1}', ["'a'", "a number"]),
        ("big number", b'{"a":{"dtype":"F16","shape":[99999999999999999999]}}', ["header"]),
    ]:
        bad("S29 " + name, safetensors({"a": ("F16", [1])}, text=text), *words)
    bad("S29 spaces behind", safetensors({"a": ("F16", [1])}, text=("{%s}   " % one).encode()),
        good=True)
    bad("S29 metadata", safetensors({"a": ("F16", [1])},
        text=('{"__metadata__":{"format":"pt"},%s}' % one).encode()), good=True)


def s30_places():
    for place in [[-1, 23], [0.0, 24], [0, 24, 24], [24], [24, 0], [0, 1000], [0, 2**62], "x", None,
                  [0, True], [2**63 - 1, 2**63 - 1]]:
        bad("S30 place %s" % place, safetensors(SMALL, {"a": {"data_offsets": place}}), "'a'",
            "data_offsets")
    bad("S30 overlap", safetensors(SMALL, {"b": {"data_offsets": [16, 24]}}), "'b'", "overlap")
    for text in [
        {"a": {"dtype": "F16", "shape": [1], "data_offsets": [2, 4]},
         "b": {"dtype": "F16", "shape": [1], "data_offsets": [6, 8]}},
        {"a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]},
         "b": {"dtype": "F16", "shape": [2], "data_offsets": [4, 8]}},
    ]:
        bad("S30 hole", safetensors({"": ("F32", [2])}, text=json.dumps(text).encode()), "a hole")
    bad("S30 tail", safetensors(SMALL, tail=b"PK"), "data of tensors end")
    whole = safetensors(SMALL)
    for n in range(9, len(whole)):
        case("S30 cut at %d" % n, hugging_face(model=whole[:n]), MODEL)


def s31_shapes():
    for shape in [[], [1] * 5, [1] * 10000, [0, 6], [-2, -3], [6.0], ["6"], [2**62, 4], [2**63 - 1],
                  [2**32, 2**32], {}, None, [2, 4]]:
        bad("S31 shape %.40s" % shape, safetensors(SMALL, {"a": {"shape": shape}}), "'a'")
    for kind in ["F64", "I64", "F8_E4M3", "f32", "", 1, None, [], "X" * 500]:
        bad("S31 dtype %.20s" % kind, safetensors(SMALL, {"a": {"dtype": kind}}), "'a'", "dtype")
        bad("S31 dtype %.20s, place too" % kind,
            safetensors(SMALL, {"a": {"dtype": kind, "data_offsets": [5, 9**15]}}), "'a'", "dtype")
    bad("S31 name", safetensors({"n" * 65: ("F32", [1])}), "65 bytes")
    bad("S31 no name", safetensors({"": ("F32", [1])}), "0 bytes")
    bad("S31 longest name", safetensors({"n" * 64: ("F32", [1])}), good=True)
    bad("S31 four", safetensors({"a": ("F32", [1, 2, 3, 4])}), good=True)
    bad("S31 twice by its new name", safetensors({"model.encoder.layer_norm.bias": ("F16", [8]),
        "encoder.ln_post.bias": ("F16", [8])}), "occurs twice")


def s32_shards():
    first, second = safetensors({"a": ("F32", [2])}), safetensors({"b": ("F16", [4])})

    def shards(name, weight_map, *words, rest=None, good=False):
        folder = hugging_face(model=None, index={"weight_map": weight_map})
        folder.update({"m-1.safetensors": first, "m-2.safetensors": second})
        folder.update(rest or {})
        if good:
            cases.good("S32 " + name, folder)
        else:
            case("S32 " + name, folder, *words)

    both = {"a": "m-1.safetensors", "b": "m-2.safetensors"}
    shards("good", both, good=True)
    for name in ["../../etc/passwd", "/etc/passwd", "x/m-1.safetensors", "..", "",
                 "config.json", "a/../m-1.safetensors", "m-1.safetensors/", "\n", 7, None]:
        shards("file %r" % name, {**both, "a": name}, "weight_map")
    shards("missing", {**both, "a": "m-3.safetensors"}, "m-3.safetensors", "No such file")
    shards("a tensor too many", {**both, "c": "m-1.safetensors"}, "weight_map", "3")
    shards("a file's tensor unnamed", {"a": "m-1.safetensors", "x": "m-2.safetensors"}, "'b'")
    shards("in another file", {"a": "m-2.safetensors", "b": "m-1.safetensors"}, "gives m-")
    shards("in two files", both, "'a'",
           rest={"m-2.safetensors": safetensors({"b": ("F16", [4]), "a": ("F32", [2])})})
    shards("the index as a file", {"a": "model.safetensors.index.json"}, "weight_map")
    for value in [None, [], "x", {}]:
        shards("map %s" % value, value, "weight_map")
    shards("damaged", both, "m-2.safetensors", rest={"m-2.safetensors": second[:-1]})


def c43_config():
    good("C43 good", hugging_face())
    case("C43 no config", hugging_face(config=None), "config.json")
    for key in ["vocab_size", "num_mel_bins", "d_model", "encoder_layers", "decoder_layers",
                "encoder_attention_heads", "decoder_attention_heads", "max_source_positions",
                "max_target_positions"]:
        case("C43 without " + key, hugging_face(drop=[key]), "config.json", key, "missing")
        for value in [0, -1, 2**20 + 1, 2**31, 2**63 - 1, 1.5, "8", None, [8], True]:
            case("C43 %s %s" % (key, value), hugging_face({key: value}), "config.json", key)
    for key, value in [("model_type", "llama"), ("model_type", None), ("model_type", 3),
                       ("architectures", ["WhisperForAudioClassification"]), ("architectures", []),
                       ("architectures", 5), ("activation_function", "relu"),
                       ("scale_embedding", True), ("scale_embedding", 1),
                       ("tie_word_embeddings", False)]:
        case("C43 %s %s" % (key, value), hugging_face({key: value}), "config.json", key)
    for name in ["config", "vocab", "generation_config"]:
        for text, words in [(b"", []), (b"[]", ["expected an object"]), (b"{", []), (b"null", []),
                            (b"[" * 10**5, ["32 deep"]), (b'{"a":1,"a":1}', ["uplicate"]),
                            (b'{"' + b"x" * (17 << 20) + b'":1}', ["16777216"]), (b"\xff\xfe", []),
                            (b"{}x", [])]:
            case("C43 %s.json %.9s" % (name, text), hugging_face(**{name: text}), name + ".json",
                 *words)
    for key in ["suppress_tokens", "begin_suppress_tokens"]:
        for value in ["x", {}, [1.5], [-1], [2**40], ["a"], [None]]:
            case("C43 %s %s" % (key, value), hugging_face(generation_config={key: value}),
                 "generation_config.json", key)
    for value in [[1], [[1]], [[1, 2, 3]], [[1, -1]], [[1, "x"]], 4]:
        case("C43 alignment_heads %s" % value,
             hugging_face(generation_config={"alignment_heads": value}), "alignment_heads")
    good("C43 nulls", hugging_face(generation_config={"suppress_tokens": None}))


def c43_vocabulary():
    case("C43 no vocabulary", hugging_face(vocab=None), "tokenizer.json")
    for ids in [{"a": -1}, {"a": 20}, {"a": 2**40}, {"a": "x"}, {"a": None}, {"a": 0.0},
                {"a": 0, "b": 0}]:
        case("C43 ids %s" % ids, hugging_face(vocab=ids), "vocab.json", "id of token")
    good("C43 tokenizer.json", hugging_face(vocab=None, tokenizer={"model": {"vocab": {"a": 0}}}))
    for value in [{}, {"model": {}}, {"model": {"vocab": []}}, {"model": [1]}]:
        case("C43 tokenizer.json %s" % value, hugging_face(vocab=None, tokenizer=value),
             "tokenizer.json", "expected an object")


def folders():
    case("empty folder", {}, "without a model", "model.safetensors")
    case("torch's own file", {"config.json": b"{}", "pytorch_model.bin": b"PK"},
         "pytorch_model.bin")
    for name in ["hf-float32/model.safetensors", "ct2-int8/model.bin"]:
        case("a file of a folder", None, "magic", "give the folder",
             path=os.path.join(os.path.dirname(__file__), "../golden/folders", name))
    case("a text model", hugging_face({"model_type": "llama"}), "'llama'", "GGUF")


def random_damage():
    """Every byte of a header and of the JSON files replaced: refused or read, never worse."""
    rng = random.Random(3)
    whole = hugging_face(model=safetensors(SMALL))
    for name, content in whole.items():
        for i in range(len(content)):
            b = rng.choice([0, 255, content[i] ^ 1, *b'"[9', rng.randrange(256)])
            changed = content[:i] + bytes([b]) + content[i + 1 :]
            cases.any("%s: byte %d = %d" % (name, i, b), {**whole, name: changed})


def main():
    for family in [s28_header_length, s29_json, s30_places, s31_shapes, s32_shards, c43_config,
                   c43_vocabulary, folders, random_damage]:
        family()
    sys.exit(1 if cases.run(sys.argv[1]) else 0)


if __name__ == "__main__":
    main()
