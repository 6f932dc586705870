"""Malformed GGUF files: each is refused with status 3 and a message that names the file, the field
or tensor and what is wrong, within 100 ms and 64 MiB; each limit is also tried at its last good
value.
"""

import os
import random
import shutil
import socket
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from bad_files import Cases  # noqa: E402
from gguf_writer import Gguf, TYPES, string  # noqa: E402

cases = Cases()
case, good = cases.bad, cases.good


def tiny(version=3):
    """A small file with one of everything."""
    f = Gguf(version, alignment=64)
    for t in TYPES:
        v = {"string": "text", "bool": 1, "array": [1, 2]}.get(t, 3)
        f.meta("one." + t, "array:i16" if t == "array" else t, v)
    for t in TYPES:
        if t != "array":
            f.meta("many." + t, "array:" + t, ["a", "bc"] if t == "string" else [0, 1])
    f.tensor("token_embd.weight", [64, 3], "Q8_0")
    f.tensor("norm", [5], "F32")
    f.tensor("four", [32, 2, 3, 2], "F16")
    return f


def g1_not_a_file(folder):
    os.mkdir(folder + "/dir.gguf")
    os.mkfifo(folder + "/fifo.gguf")
    s = socket.socket(socket.AF_UNIX)
    s.bind(folder + "/socket.gguf")
    os.symlink("loop.gguf", folder + "/loop.gguf")
    for path, words in [
        ("/dir.gguf", ["a folder without a model"]),
        ("/fifo.gguf", ["pipe"]),
        ("/loop.gguf", ["cannot open"]),
        ("/nothing.gguf", ["No such file"]),
        ("/socket.gguf", ["cannot open"]),
    ]:
        case("G1 " + path[1:], None, *words, path=folder + path)
    case("G1 zero", None, "character device", path="/dev/zero")
    case("G1 null", None, "character device", path="/dev/null")
    case("G1 empty", b"", "empty", "0 bytes")
    case("G1 short", b"GGU", "magic", "offset 0", "3 bytes")
    case("G1 magic only", b"GGUF", "version", "offset 4", "needs 4 bytes")
    for magic in [b"GGUf", b"FUGG", b"\0\0\0\0", b"PK\3\4", b"\x1b[2J"]:
        f = tiny()
        f.magic = magic
        case("G1 magic %r" % magic, f, "magic", "offset 0", "GGUF")


def g2_version():
    for v in [0, 1, 4, 2**32 - 1]:
        case("G2 version %d" % v, tiny(v), "version at offset 4", str(v), "2 and 3")
    case("G2 big-endian", tiny(3 << 24), "version at offset 4", "big-endian")
    good("G2 version 2", tiny(2))
    good("G2 version 3", tiny(3))


def g3_counts():
    for n in [2**63, 2**64 - 1, 10**9, 5]:
        f = Gguf()
        f.n_tensors = n
        case("G3 n_tensors %d" % n, f.bytes() + bytes(100), "n_tensors at offset 8", str(n), "left")
        f = Gguf()
        f.n_kv = n = min(n + 4, 2**64 - 1)
        case("G3 n_kv %d" % n, f.bytes() + bytes(100), "n_kv at offset 16", str(n), "left")


def g4_truncation():
    f = tiny()
    whole, header = f.bytes(), len(f.header())
    for i in range(header):
        case("G4 header cut at %d" % i, whole[:i])
    rng = random.Random(1)
    data = len(whole) - len(f.data)
    for i in sorted(
        set(range(header, data)) | {rng.randrange(data, len(whole)) for _ in range(1000)}
    ):
        case("G4 data cut at %d" % i, whole[:i], "tensor", "end of the file", "%d bytes" % i)
    good("G4 whole", whole)


def g5_strings():
    for n in [2**63, 2**64 - 8, 2**64 - 1, 2**20 + 1]:
        case(
            "G5 value of %d" % n,
            Gguf().meta("a.b", "string", raw=string("x", n)),
            "'a.b'",
            "value",
            str(n),
            "1048576",
        )
        case(
            "G5 key of %d" % n,
            Gguf().meta("a.b", "u32", 1, key_length=n),
            "metadata 0",
            "key",
            str(n),
            "65535",
        )
        case(
            "G5 tensor name of %d" % n,
            Gguf().tensor("abc", [4], name_length=n),
            "tensor 0",
            "name",
            str(n),
            "64",
        )
    case(
        "G5 value past end",
        Gguf().meta("a.b", "string", raw=string("x", 1000)),
        "'a.b'",
        "1000 bytes",
        "1 are left",
    )
    case(
        "G5 item past end",
        Gguf().meta(
            "a.b",
            "string",
            raw=struct.pack("<IQ", 8, 3) + string("x") + string("y", 999) + bytes(30),
            type_no=9,
        ),
        "'a.b'",
        "item 1",
        "999",
        "left",
    )
    case(
        "G5 long item",
        Gguf().meta(
            "a.b",
            "string",
            raw=struct.pack("<IQ", 8, 3) + string("x") + string("y", 2**40) + bytes(30),
            type_no=9,
        ),
        "'a.b'",
        "item 1",
        str(2**40),
        "1048576",
    )
    case("G5 empty key", Gguf().meta("", "u32", 1), "metadata 0", "key at offset 24", "empty")
    case("G5 zero in key", Gguf().meta("a\0b", "u32", 1), "key", "zero byte", "a\\x00b")
    for bad in [
        b"\xff",
        b"a\xc3",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf5\x80\x80\x80",
        b"\xe0\x80\x80",
    ]:
        case("G5 key %r" % bad, Gguf().meta(bad, "u32", 1), "key", "UTF-8")
        case("G5 name %r" % bad, Gguf().tensor(bad, [4]), "name", "UTF-8")
    case("G5 key of 65536", Gguf().meta("k" * 65536, "u32", 1), "key", "65536", "65535")
    good("G5 key of 65535", Gguf().meta("k" * 65535, "u32", 1))
    good("G5 value of 1 MiB", Gguf().meta("a.b", "string", "v" * 2**20))
    case(
        "G5 escape", Gguf().meta("\x1b[2Jx\n", "u32", 1, type_no=77), "\\x1b[2Jx\\x0a", "type", "77"
    )


def g6_types():
    for t in [13, 255, 2**31, 2**32 - 1]:
        case(
            "G6 type %d" % t,
            Gguf().meta("a.b", "u32", 1, type_no=t),
            "'a.b'",
            "type at offset",
            str(t),
            "0 to 12",
        )
        case(
            "G6 item type %d" % t,
            Gguf().meta("a.b", "string", raw=struct.pack("<IQ", t, 1) + bytes(16), type_no=9),
            "'a.b'",
            "item type",
            str(t),
        )
    for depth in [1, 64, 10**5]:
        raw = struct.pack("<IQ", 9, 1) * depth + struct.pack("<IQ", 0, 1) + b"\0"
        case(
            "G6 array depth %d" % depth,
            Gguf().meta("a.b", "string", raw=raw, type_no=9),
            "'a.b'",
            "arrays of arrays",
        )
    for t in TYPES:
        for n in [2**62, 2**64 - 1, 2**61, 100]:
            if t != "array":
                raw = struct.pack("<IQ", TYPES.index(t), n) + bytes(40)
                case(
                    "G6 %d of %s" % (n, t),
                    Gguf().meta("a.b", "string", raw=raw, type_no=9),
                    "'a.b'",
                    "item count",
                    str(n),
                    t,
                    "left",
                )
    for t in TYPES:
        if t != "array":
            good("G6 no %s" % t, Gguf().meta("a.b", "array:" + t, []))


def g7_duplicate_keys():
    case(
        "G7 same type",
        Gguf().meta("a.b", "u32", 1).meta("c", "u8", 1).meta("a.b", "u32", 1),
        "'a.b'",
        "twice",
    )
    case(
        "G7 other type",
        Gguf().meta("a.b", "u32", 1).meta("a.b", "string", "x"),
        "'a.b'",
        "twice",
        "u32",
        "string",
    )


def g8_bool():
    for b in [2, 255]:
        case(
            "G8 bool %d" % b,
            Gguf().meta("a.b", "bool", b),
            "'a.b'",
            "value at offset",
            str(b),
            "0 or 1",
        )
        case(
            "G8 bool item %d" % b,
            Gguf().meta("a.b", "array:bool", [0, 1, b]),
            "'a.b'",
            "items",
            str(b),
        )


def g9_alignment():
    key = "general.alignment"
    for a in [0, 1, 3, 4, 13, 33, 2**21, 2**31, 2**32 - 1]:
        case(
            "G9 alignment %d" % a,
            Gguf().meta(key, "u32", a).tensor("t", [4]),
            key,
            str(a),
            "power of two from 8 to 1048576",
        )
    for t in TYPES:
        if t != "u32":
            v = {"string": "32", "array": [32], "bool": 1}.get(t, 32)
            case(
                "G9 %s" % t, Gguf().meta(key, "array:u32" if t == "array" else t, v), key, t, "u32"
            )
    for a in [8, 64, 4096]:
        good("G9 alignment %d" % a, Gguf(alignment=a).tensor("t", [5]).tensor("u", [3]))
    good("G9 alignment 2^20", Gguf(alignment=2**20).tensor("t", [5]))


def g10_dims():
    for n in [0, 5, 9, 64, 2**31, 2**32 - 1]:
        case(
            "G10 n_dims %d" % n,
            Gguf().tensor("t", [4], n_dims=n),
            "'t'",
            "n_dims at offset",
            str(n),
            "1 to 4",
        )


def g11_shape():
    case("G11 dim 0", Gguf().tensor("t", [4, 0, 2]), "'t'", "dim 1", "is 0")
    for dims, word in [
        ([2**63], "dim 0"),
        ([2**64 - 1], "dim 0"),
        ([2**32, 2**32], "dim 1"),
        ([4, 2**42 + 1, 2**22], "dim 2"),
        ([2**16] * 4, "dim 3"),
        ([2**62, 2], "dim 1"),
        ([2, 2**62], "dim 1"),
    ]:
        case("G11 %s" % dims, Gguf().tensor("t", dims, data=b"\0" * 64), "'t'", word, "elements")
    case("G11 bytes", Gguf().tensor("t", [2**62 + 1], data=b"\0" * 64), "'t'", "elements", "2^64")
    case(
        "G11 past end",
        Gguf().tensor("t", [4, 2**42 + 1], data=b"\0" * 64),
        "'t'",
        "end of the file",
    )
    for t, n, block in [
        ("Q8_0", 33, 32),
        ("Q4_0", 16, 32),
        ("Q4_1", 31, 32),
        ("Q5_0", 1, 32),
        ("Q5_1", 48, 32),
        ("Q4_K", 128, 256),
        ("Q5_K", 257, 256),
        ("Q6_K", 32, 256),
    ]:
        case(
            "G11 row of %s" % t,
            Gguf().tensor("t", [n, 256], t),
            "'t'",
            "dim 0",
            str(n),
            t,
            str(block),
        )


def g12_types():
    for t, name in [
        (4, "no GGUF type"),
        (5, "no GGUF type"),
        (1000, "no GGUF type"),
        (-1, "no GGUF type"),
        (9, "Q8_1"),
        (20, "IQ4_NL"),
        (24, "I8"),
        (39, "MXFP4"),
    ]:
        case(
            "G12 type %d" % t,
            Gguf().tensor("blk.0.x", [32], type_no=t),
            "'blk.0.x'",
            "type at offset",
            str(t % 2**32),
            name,
            "Q4_K",
        )


def g13_offsets():
    def two(offset, **k):
        return Gguf().tensor("a", [16]).tensor("b", [16], offset=offset, **k)

    case("G13 unaligned", two(65), "'b'", "offset", "65", "multiple", "32")
    case("G13 huge", two(2**64 - 32), "'b'", "offset", str(2**64 - 32), "64")
    case("G13 overlap", two(32), "'b'", "32", "64")
    case("G13 equal", two(0), "'b'", "0", "64")
    case("G13 gap", two(96, data=bytes(256)), "'b'", "96", "64")
    case(
        "G13 descending",
        Gguf().tensor("a", [16], offset=64).tensor("b", [16], offset=0),
        "'a'",
        "64",
    )
    case("G13 first", Gguf().tensor("a", [16], offset=2**63), "'a'", str(2**63))
    whole = two(64).bytes()
    case(
        "G13 one byte",
        whole[:-1],
        "'b'",
        "64 bytes",
        "end of the file",
        "%d bytes" % (len(whole) - 1),
    )
    good("G13 all", two(64))
    f = two(64)
    f.tail = b"trailing"
    good("G13 tail", f)


def g14_names():
    case(
        "G14 duplicate",
        Gguf().tensor("a", [16]).tensor("b", [16]).tensor("a", [16]),
        "'a'",
        "twice",
    )
    case("G14 empty", Gguf().tensor("", [16]), "tensor 0", "name at offset", "empty")
    case("G14 zero", Gguf().tensor("a\0b", [16]), "name", "zero byte")
    case("G14 65 bytes", Gguf().tensor("n" * 65, [16]), "tensor 0", "name", "65", "64")
    good("G14 64 bytes", Gguf().tensor("n" * 64, [16]))


def g17_scales():
    nan = struct.pack("<e", float("nan")) + bytes(32)
    good("G17 NaN scale", Gguf().tensor("t", [32, 2], "Q8_0", data=nan + b"\0\x7c" + bytes(32)))


def part(no, count, names, tensors, name="m", no_type="u16"):
    f = Gguf()
    if no == 0:
        f.meta("general.architecture", "string", "llama")
    f.meta("general.name", "string", name)
    if no is not None:
        f.meta("split.no", no_type, no)
    if count is not None:
        f.meta("split.count", "u16", count)
    if tensors is not None:
        f.meta("split.tensors.count", "i32", tensors)
    for n in names:
        f.tensor(n, [8])
    return f.bytes()


def g18_split(folder):
    def split(name, parts, *words, stem=None, open_no=1):
        os.mkdir(folder + "/" + name)
        for i, p in enumerate(parts):
            if p is not None:
                with open(
                    "%s/%s/m-%05d-of-%05d.gguf" % (folder, name, i + 1, len(parts)), "wb"
                ) as out:
                    out.write(p)
        path = "%s/%s/m-%05d-of-%05d.gguf" % (folder, name, open_no, len(parts))
        if stem:
            shutil.copy(path, "%s/%s/%s" % (folder, name, stem))
            path = "%s/%s/%s" % (folder, name, stem)
        if words:
            case("G18 " + name, None, *words, path=path)
        else:
            good("G18 " + name, None, path=path)

    a, b, c = part(0, 3, "ab", 4), part(1, 3, "c", 4), part(2, 3, "d", 4)
    split("good", [a, b, c])
    split("missing", [a, None, c], "m-00002-of-00003", "No such file")
    split("second", [a, b, c], "split.no", "is 1", "00001", open_no=2)
    split("renamed", [a, b, c], "-00001-of-00003.gguf", "3 files", stem="model.gguf")
    split("short name", [a, b, c], "-00001-of-00003.gguf", stem="x")
    split("cyclic", [a, a, c], "m-00002-of-00003", "split.no", "is 0", "expected 1")
    split("swapped", [a, c, b], "m-00002-of-00003", "split.no", "is 2", "expected 1")
    split("wrong count", [a, part(1, 4, "c", 4), c], "m-00002-of-00003", "split.count", "is 4")
    split("no count", [a, part(1, None, "c", 4), c], "m-00002-of-00003", "split.count", "missing")
    split(
        "too few",
        [part(0, 3, "ab", 5), part(1, 3, "c", 5), part(2, 3, "d", 5)],
        "split.tensors.count",
        "is 5",
        "4 tensors",
    )
    split(
        "other total", [a, part(1, 3, "c", 7), c], "m-00002-of-00003", "split.tensors.count", "is 7"
    )
    split("no total", [part(0, 3, "ab", None), b, c], "split.tensors.count", "missing")
    split("twice", [a, part(1, 3, "a", 4), c], "'a'", "twice", "m-00002-of-00003")
    split(
        "mixed",
        [a, part(1, 3, "c", 4, name="other"), c],
        "m-00002-of-00003",
        "general.name",
        "other",
    )
    split("no type", [part(0, 3, "ab", 4, no_type="f32"), b, c], "split.no", "f32", "integer")
    split("negative", [part(0, 3, "ab", -1), b, c], "split.tensors.count", "-1")
    split("damaged", [a, b[:40], c], "m-00002-of-00003", "offset")
    split("past count", [part(5, 3, "ab", 4), b, c], "split.no", "is 5", "'split.count' is 3")
    split("other file", [a, b"PK\3\4" + b[4:], c], "m-00002-of-00003", "magic")
    split("65535 files", [part(0, 65535, "ab", 4)], "split.count", "65535", "512")
    split("one of one", [part(0, 1, "ab", 2)])
    split("0 of 0", [part(0, 0, "ab", 2)])


def random_damage():
    """Every byte of the header replaced by a few others: refused or read, never worse."""
    f = tiny()
    whole, header = f.bytes(), len(f.header())
    rng = random.Random(2)
    for i in range(header):
        for b in {0, 255, whole[i] ^ 0x80, rng.randrange(256)}:
            cases.any("byte %d = %d" % (i, b), whole[:i] + bytes([b]) + whole[i + 1 :])


def header_limit(folder):
    """A header of more than 100 MiB, in a file that has no such blocks on the disk."""
    path = folder + "/header.gguf"
    with open(path, "wb") as out:
        out.write(
            Gguf().meta("a.b", "string", raw=struct.pack("<IQ", 0, 200 << 20), type_no=9).header()
        )
        out.truncate(300 << 20)
    case("header of 200 MiB", None, "'a.b'", "item count", str(200 << 20), "left", path=path)


def main():
    with tempfile.TemporaryDirectory() as folder:
        g1_not_a_file(folder)
        for family in [
            g2_version,
            g3_counts,
            g4_truncation,
            g5_strings,
            g6_types,
            g7_duplicate_keys,
            g8_bool,
            g9_alignment,
            g10_dims,
            g11_shape,
            g12_types,
            g13_offsets,
            g14_names,
            g17_scales,
        ]:
            family()
        g18_split(folder)
        header_limit(folder)
        random_damage()
        sys.exit(1 if cases.run(sys.argv[1]) else 0)


if __name__ == "__main__":
    main()
