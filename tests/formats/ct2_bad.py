"""Malformed CTranslate2 folders of Whisper models: each is refused with status 3 and a message that
names the file, the variable or field and what is wrong, within 100 ms and 64 MiB; limits are also
tried at their last good value."""

import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from bad_files import Cases  # noqa: E402
from folder_writer import TIED, ctranslate2, small_ct2  # noqa: E402

cases = Cases()
CONV = "encoder/conv1/weight"


def case(name, model, *words):
    cases.bad(name, ctranslate2(model), "model.bin", *words)


def good(name, model):
    cases.good(name, ctranslate2(model))


def with_variable(name, variable, int8=False):
    """The small model with one more variable, or another one; None: without it."""
    model = small_ct2(int8)
    model.variables[name] = variable
    if variable is None:
        del model.variables[name]
    return model


def c40_start():
    good("C40 good", small_ct2())
    for version in [2, 3, 4, 5]:
        model = small_ct2(version=version)
        if version == 2:
            model.aliases = []
        good("C40 version %d" % version, model)
    for version in [0, 1, 7, 2**31, 2**32 - 1]:
        case("C40 version %d" % version, small_ct2(version=version), "version", str(version))
    for revision in [0, 4, 2**32 - 1]:
        case("C40 revision %d" % revision, small_ct2(revision=revision), "revision", str(revision))
    good("C40 revision 1", small_ct2(revision=1))
    case("C40 another kind", small_ct2(kind="TransformerSpec"), "'TransformerSpec'", "Whisper")
    for name, kind in [("empty", b""), ("only a zero", b"\0"), ("no zero", b"WhisperSpec"),
                       ("zero within", b"Whi\0per\0"), ("no text", b"\xff\0"),
                       ("too long", b"W" * 256 + b"\0"), ("longest length", b"W" * 65535)]:
        case("C40 kind " + name, small_ct2(kind=kind), "kind of model")
    whole = small_ct2().bytes()
    for n in [*range(0, 400), *range(400, len(whole), 97)]:
        case("C40 cut at %d" % n, whole[:n])


def c41_variables():
    for rank in [5, 255]:
        case("C41 rank %d" % rank, with_variable("v", ("F32", [1] * rank)), "'v'", "rank",
             str(rank))
    case("C41 rank beyond the end", with_variable("v", ("F32", [1], None, {"rank": 4})))
    for shape in [[0], [2, 0], [2**32 - 1] * 4, [2**32 - 1] * 2, [2**31, 2**31]]:
        case("C41 shape %s" % shape, with_variable("v", ("F32", shape, bytes(8))), "'v'")
    for number in [6, 200, 255]:
        case("C41 type %d" % number, with_variable("v", ("F32", [2], None, {"type": number})),
             "'v', type", str(number))
    for n in [0, 7, 9, 2**32 - 1]:
        case("C41 bytes %d" % n, with_variable("v", ("F32", [2], None, {"bytes": n})),
             "'v', bytes", str(n))
    model = small_ct2(version=3)
    model.variables["v"] = ("F32", [2], None, {"type": 3})
    case("C41 size 3", model, "'v', size")
    model.variables["v"] = ("F32", [2], None, {"bytes": 2**32 - 1})
    case("C41 values", model, "'v', bytes", str(4 * (2**32 - 1)))
    for n in [0, 2**16 + 1, 2**32 - 1]:
        model = small_ct2()
        model.n_variables = n
        case("C41 %d variables" % n, model, "number of variables", str(n))
    for n in [1, 20, 1000]:
        model = small_ct2()
        model.n_variables = n
        case("C41 %d variables of others" % n, model)
    for name in [b"", b"\0", b"a\0b\0", b"\xff\0", b"x" * 256 + b"\0"]:
        case("C41 name %.8r" % name, with_variable(name, ("I8", [])), "name")
    good("C41 a switch that is off", with_variable("x" * 255, ("I8", [])))
    twice = small_ct2()
    data = twice.variable(CONV, "F32", [8, 4, 3])
    case("C41 twice", twice.bytes().replace(data, data + data).replace(
        struct.pack("<I", len(twice.variables)), struct.pack("<I", len(twice.variables) + 1), 1),
         "conv1/weight' occurs twice")


def c41_model():
    """What Whisper needs, and what it has no place for."""
    for name, (kind, shape, data) in small_ct2().variables.items():
        if kind == "F32":
            case("C41 without " + name, with_variable(name, None), name.rsplit("/", 1)[0])
            case("C41 rank of " + name, with_variable(name, (kind, [*shape, 1], data)))
    case("C41 no heads", with_variable("encoder/num_heads", None), "encoder/num_heads")
    for value in [0, -1]:
        case("C41 heads %d" % value,
             with_variable("encoder/num_heads", ("I16", [], struct.pack("<h", value))), "num_heads")
    case("C41 heads of floats", with_variable("encoder/num_heads", ("F32", [])), "num_heads")
    for name, value in [("activation", 0), ("pre_norm", 0), ("scale_embeddings", 1), ("new", 1),
                        ("start_from_zero_embedding", 1)]:
        case("C41 %s %d" % (name, value),
             with_variable("decoder/" + name, ("I8", [], bytes([value]))), "decoder/" + name)
    case("C41 a tensor too many", with_variable("decoder/x", ("F32", [2])), "no place")
    case("C41 a number too many", with_variable("decoder/x", ("F32", [])), "no place")
    for kind in ["I16", "I32"]:
        case("C41 %s" % kind, with_variable(CONV, (kind, [8, 4, 3])), CONV, "int")
    case("C41 a vector of int8", with_variable("encoder/conv1/bias", ("I8", [8])), "conv1/bias")
    case("C41 too many bands", with_variable(CONV, ("F32", [8, 513, 3])), "513")
    case("C41 rows", with_variable("encoder/layer_0/self_attention/linear_0/weight",
                                   ("F32", [25, 8])), "25")
    bias = [0.0] * 24
    bias[0], bias[9] = 1.0, -0.0
    name = "encoder/layer_0/self_attention/linear_0/bias"
    good("C41 bias of queries", with_variable(name, ("F32", [24], struct.pack("<24f", *bias))))
    bias[9] = 1.0
    case("C41 bias of keys", with_variable(name, ("F32", [24], struct.pack("<24f", *bias))), name,
         "bias")


def c42_aliases():
    for what, aliases, words in [
        ("to itself", [("a", "a")], ["'a'"]),
        ("in a circle", [("a", "b"), ("b", "a")], ["'b'"]),
        ("of nothing", [("a", "nothing")], ["'nothing'"]),
        ("of a name without a zero", [("a", b"decoder")], ["variable"]),
        ("without a name", [(b"\0", TIED[1])], ["name"]),
        ("of a variable's name", [(CONV, TIED[1])], ["occurs twice"]),
        ("twice", [TIED, TIED], ["occurs twice"]),
        ("of something else", [(TIED[0], "encoder/conv2/weight")], ["differs"]),
    ]:
        model = small_ct2()
        model.aliases = aliases
        case("C42 alias " + what, model, *words)
    for n in [2, 2**16 + 1, 2**32 - 1]:
        model = small_ct2()
        model.n_aliases = n
        case("C42 %d aliases" % n, model)
    model = small_ct2()
    model.tail = b"x"
    case("C42 something behind", model, "bytes follow")
    none = small_ct2()
    none.aliases = []
    good("C42 none", none)
    copied = with_variable(TIED[0], ("F32", [20, 8]))
    copied.aliases = []
    good("C42 a copy", copied)
    copied.variables[TIED[0]] = ("F32", [20, 8], b"x" * 640)
    case("C42 no copy", copied, "differs")
    shared = small_ct2()
    del shared.variables["encoder/conv1/bias"]
    shared.aliases.append(("encoder/conv1/bias", "encoder/conv2/bias"))
    good("C42 one vector for two", shared)


def c42_scales():
    good("C42 int8", small_ct2(True))
    scale = CONV + "_scale"
    case("C42 scale missing", with_variable(scale, None, True), scale, "missing")
    for n in [1, 7, 9]:
        case("C42 %d scales" % n, with_variable(scale, ("F32", [n]), True), scale, str(n))
    case("C42 scales of rank 2", with_variable(scale, ("F32", [8, 1]), True), scale)
    case("C42 scales of F16", with_variable(scale, ("F16", [8]), True), scale, "float16")
    for value in [float("nan"), float("inf"), float("-inf"), 0.0, -1.0, 0.0019]:
        for at in (0, 7):
            values = [1.0] * 8
            values[at] = value
            case("C42 scale %g at %d" % (value, at),
                 with_variable(scale, ("F32", [8], struct.pack("<8f", *values)), True), scale,
                 "value %d" % at)
    for value in [128 / 65504.0 * 1.0001, 3e38]:
        good("C42 scale %g" % value,
             with_variable(scale, ("F32", [8], struct.pack("<f", value) * 8), True))
    case("C42 scales without int8", with_variable(scale, ("F32", [8])), scale)


def c43_json():
    for name in ["vocabulary.json", "config.json"]:
        cases.bad("C43 no " + name, ctranslate2(**{name: None}), name)
        for text, words in [(b"", []), (b"{", []), (b"null", ["expected"]), (b"3", []),
                            (b"[" * 10**5, ["32 deep"]), (b"[1" + b",1" * 2**19 + b"]", ["524288"]),
                            (b"\xff", []), (b" " * (17 << 20), ["16777216"])]:
            cases.bad("C43 %s %.9s" % (name, text), ctranslate2(**{name: text}), name, *words)
    for n in [0, 1, 19, 21, 1000]:
        cases.bad("C43 %d tokens" % n, ctranslate2(vocabulary=["x"] * n), "vocabulary.json",
                  "%d tokens" % n)
    for token in [1, None, [], {}]:
        cases.bad("C43 token %s" % token, ctranslate2(vocabulary=["x"] * 19 + [token]), "token 19")
    for ending in [b"", b"\n"]:
        lines = b"\n".join([b"x"] * 19 + [b"last"]) + ending
        cases.good("C43 vocabulary.txt",
                   ctranslate2(**{"vocabulary.json": None, "vocabulary.txt": lines}))
    for lines, words in [(b"", "0 tokens"), (b"x\n" * 19, "19 tokens"), (b"x\n" * 21, "21 tokens"),
                         (b"x\n\xff\n", "line 2"), (b"\n" * 20 + b"x", "21 tokens"),
                         (b"\n" * (17 << 20), "16777216")]:
        cases.bad("C43 vocabulary.txt %.9r" % lines,
                  ctranslate2(**{"vocabulary.json": None, "vocabulary.txt": lines}),
                  "vocabulary.txt", words)
    for key in ["suppress_ids", "suppress_ids_begin"]:
        for value in ["x", {}, [1.5], [-1], [20], [2**40], ["a"]]:
            cases.bad("C43 %s %s" % (key, value), ctranslate2(config={key: value}), "config.json",
                      key)
        cases.good("C43 %s" % key, ctranslate2(config={key: [0, 19]}))
    for value in [[1], [[1]], [[1, -1]], [[1, 2**16]], "x"]:
        cases.bad("C43 heads %s" % value, ctranslate2(config={"alignment_heads": value}),
                  "config.json", "alignment_heads")
    cases.good("C43 nulls", ctranslate2(config={"suppress_ids": None, "alignment_heads": None}))


def random_damage():
    """A byte replaced: refused or read, never worse. Of the data, few are tried."""
    rng = random.Random(4)
    whole = ctranslate2(small_ct2(True))
    size = len(whole["model.bin"])
    for i in [*range(400), *rng.sample(range(400, size), 400), *range(size - 60, size)]:
        for b in {rng.choice([0, 255]), rng.randrange(256)}:
            model = whole["model.bin"]
            cases.any("byte %d = %d" % (i, b),
                      {**whole, "model.bin": model[:i] + bytes([b]) + model[i + 1 :]})


def main():
    for family in [c40_start, c41_variables, c41_model, c42_aliases, c42_scales, c43_json,
                   random_damage]:
        family()
    sys.exit(1 if cases.run(sys.argv[1]) else 0)


if __name__ == "__main__":
    main()
