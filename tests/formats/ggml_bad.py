"""Malformed ggml .bin speech models: each is refused with status 3 and a message that names the
file, the field or tensor and what is wrong, within 100 ms and 64 MiB; limits are also tried at
their last good value. Header and vocabulary of real models open, where they are at hand."""

import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from bad_files import Cases  # noqa: E402
from ggml_writer import NAMES, Ggml  # noqa: E402

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/data/whisper")
BIG = [-1, -(2**31), 2**31 - 1]
cases = Cases()
case, good = cases.bad, cases.good


def small(**numbers):
    f = Ggml(**numbers).token(b"a").token(b"").token(b"\xff\0")
    f.tensor("encoder.conv1.weight", [3, 8, 4], "F16").tensor("decoder.x", [64, 2], "Q5_0")
    return f.tensor("encoder.conv1.bias", [1, 4], "F32")


def w33_dims():
    for n in [0, 5, 20, 64, 2**31, -1]:
        case("W33 n_dims %d" % n, small().tensor("t", [1, 1], n_dims=n), "n_dims", "1 to 4")
    for ne in [[0], [4, 0], [4, -1], [-(2**31)]]:
        case("W33 dims %s" % ne, small().tensor("t", ne, data=b""), "dim %d" % (len(ne) - 1))
    big = 2**31 - 1
    case("W33 elements", small().tensor("t", [big, big, big], data=b""), "2^63 - 1 elements")
    case("W33 bytes", small().tensor("t", [big, big], data=b""), "data", "left")
    good("W33 four", small().tensor("t", [1, 2, 3, 4]))


def w34_to_w36_numbers():
    for name in NAMES[:-1]:
        for value in [0] + BIG:
            case("W34 %s %d" % (name, value), small(**{name: value}), "header", "expected 1 to")
    good("W34 vocabulary", small(n_vocab=51866, n_mels=128))


def w35_filters():
    for n_mel, n_fft in [(0, 201), (80, 0), (-1, -1), (2**16, 2**16), (2**31, 2), (1025, 1)]:
        f = small()
        f.n_mel, f.n_fft = n_mel, n_fft
        case("W35 filters %d %d" % (n_mel, n_fft), f, "mel filters", "expected 1 to 1024")
    f = small()
    f.n_mel, f.n_fft = 1024, 65536
    case("W35 filters beyond the end", f, "mel filters, values", "left")


def w37_types():
    for ftype in [4, 5, 6, 10, 999, 1004, -1]:
        case("W37 ftype %d" % ftype, small(ftype=ftype), "file_type", "expected that of")
    for ftype in [0, 1, 2, 2002, 2003, 2007, 2008, 2009]:
        good("W37 ftype %d" % ftype, small(ftype=ftype))
    for number in [4, 5, 100, -1]:
        case("W37 type %d" % number, small().tensor("t", [32], type_no=number), "'t', type")
    for kind, n in [("Q5_0", 31), ("Q8_0", 33), ("Q4_1", 16), ("Q5_1", 1)]:
        case("W37 row of %s" % kind, small().tensor("t", [n], kind), "'t', dim 0", "multiples")


def w38_tokens():
    for length in [-1, 65537, 2**31 - 1]:
        case("W38 token %d" % length, Ggml().token(b"x", length), "token 0", "limit is 65536")
    case("W38 token past the end", Ggml().token(b"a").token(b"x", 9), "token 1", "left")
    for n in [0, -1, 2**31 - 1, 100]:
        f = Ggml().token(b"a")
        f.n_tokens = n
        case("W38 n_tokens %d" % n, f, "n_tokens", "left")
    good("W38 longest", Ggml().token(b"x" * 65536))


def w39_truncation():
    whole = small().bytes()
    ends = set()  # a file may end where a tensor ends
    f = Ggml().token(b"a").token(b"").token(b"\xff\0")
    for name, ne, kind in [
        ("encoder.conv1.weight", [3, 8, 4], "F16"),
        ("decoder.x", [64, 2], "Q5_0"),
    ]:
        ends.add(len(f.bytes()))
        f.tensor(name, ne, kind)
    ends.add(len(f.bytes()))
    for i in range(len(whole)):
        (good if i in ends else case)("W39 cut at %d" % i, whole[:i])


def names():
    for length in [0, 65, -1]:
        case("name of %d" % length, small().tensor("t", [1], length=length), "name's length")
    for name in [b"a\0b", b"\xff"]:
        case("name %r" % name, small().tensor(name, [1]), "name", "not text")
    case("name twice", small().tensor("decoder.x", [1]), "'decoder.x' occurs twice")
    case("name of the filters", small().tensor("mel_filters", [1]), "occurs twice")
    good("longest name", small().tensor("n" * 64, [1]))


def random_damage():
    """Every byte replaced by a few others: refused or read, never worse."""
    whole, rng = small().bytes(), random.Random(2)
    for i in range(len(whole)):
        for b in {0, 255, whole[i] ^ 0x80, rng.randrange(256)}:
            cases.any("byte %d = %d" % (i, b), whole[:i] + bytes([b]) + whole[i + 1 :])


def real():
    for name in ["tiny", "tiny.en"]:
        path = os.path.join(DATA, "header-and-vocab-%s.bin" % name)
        if os.path.exists(path):
            good("header and vocabulary of " + name, None, path=path)
        else:
            print("# %s is not here: not opened" % os.path.basename(path))
    path = os.path.join(DATA, "silero-vad-6.2.0.bin")
    if os.path.exists(path):
        good("the voice detector of whisper.cpp", None, path=path)


def main():
    for family in [w33_dims, w34_to_w36_numbers, w35_filters, w37_types, w38_tokens, w39_truncation,
                   names, random_damage, real]:
        family()
    sys.exit(1 if cases.run(sys.argv[1]) else 0)


if __name__ == "__main__":
    main()
