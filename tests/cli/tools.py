"""devices, inspect, tokenize, eval and bench."""
import ast
import json
import math
import os
import re
import struct
import tempfile

from common import fails, model, run_cases, tawny

M = model()
F32 = model("llama-f32")


def read_npy(path):
    """(shape, floats) of a float32 .npy file of version 1."""
    with open(path, "rb") as f:
        data = f.read()
    assert data[:8] == b"\x93NUMPY\x01\x00"
    n = struct.unpack("<H", data[8:10])[0]
    assert (10 + n) % 64 == 0 and data[9 + n : 10 + n] == b"\n"
    header = ast.literal_eval(data[10 : 10 + n].decode())
    assert header["descr"] == "<f4" and header["fortran_order"] is False
    values = struct.unpack("<%df" % ((len(data) - 10 - n) // 4), data[10 + n :])
    return header["shape"], values


def test_devices():
    listed = tawny("devices", "--json").json()
    assert listed and listed[0]["index"] == 0
    d = listed[0]
    for key in ["name", "driver", "kind", "uuid", "features", "memory_total", "max_allocation"]:
        assert d[key], key
    text = tawny("devices").out
    assert all(x["name"] in text and x["driver"] in text for x in listed)


def test_device_choice():
    d = tawny("devices", "--json").json()[0]
    for by in [d["index"], d["name"][:6], d["uuid"], d["uuid"][:13]]:
        r = tawny("run", M, "-p", "x", "-n", 1, "--device", by, "--json")
        assert r.json()["device"]["uuid"] == d["uuid"] and r.err == ""
    fails(4, "run", M, "-p", "x", "--device", "nosuch", words=["nosuch", d["name"]])
    fails(4, "run", M, "-p", "x", env={"TAWNY_DEVICE": "77"}, words=["77"])


def test_inspect():
    i = tawny("inspect", M, "--json", "--tensors").json()
    assert i["format"] == "GGUF v3" and i["architecture"] == "llama"
    keys = {m["key"]: m["value"] for m in i["metadata"]}
    assert keys["general.name"] == "llama-q8_0" and keys["llama.block_count"] == "2"
    assert len(i["tensors"]) == i["tensor_count"] == 21
    t = [t for t in i["tensors"] if t["name"] == "token_embd.weight"][0]
    assert t["type"] == "Q8_0" and t["dims"] == [256, 307] and t["bytes"] == 256 * 307 // 32 * 34
    text = tawny("inspect", M).out
    assert "general.architecture" in text and "token_embd" not in text and "total" in text
    assert "token_embd.weight" in tawny("inspect", M, "--tensors").out


def test_plan_is_true():
    """What inspect plans is what a session then uses, within 5 %."""
    for path, ctx in [(M, 0), (M, 3000), (model("qwen2-gqa7-64"), 700)]:
        planned = tawny("inspect", path, "--json", "-c", ctx).json()["memory"]
        used = tawny("run", path, "-p", "Hello", "-n", 2, "--json", "--stats", "-c", ctx,
                     "--ignore-eos").json()["stats"]["memory"]
        parts = ["weights", "kv", "scratch", "state", "staging"]
        total = sum(used[k] for k in parts)
        assert planned["total"] == sum(planned[k] for k in parts)
        assert abs(planned["total"] - total) <= 0.05 * total, (planned, used)
        for k in parts:
            assert abs(planned[k] - used[k]) <= 0.05 * used[k] + 4096, (k, planned, used)


def test_inspect_what_cannot_run():
    """A file that is right as a file and no model here is shown, then refused."""
    with tempfile.NamedTemporaryFile(suffix=".gguf") as f:
        f.write(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 20)
                + b"general.architecture" + struct.pack("<IQ", 8, 4) + b"nope")
        f.flush()
        r = tawny("inspect", f.name, code=3)
        assert "nope" in r.out and "nope" in r.errors()[0] and len(r.errors()) == 1, r.err
        assert json.loads(tawny("inspect", f.name, "--json", code=3).out)["architecture"] == "nope"


def test_tokenize():
    for text in [b"Hello w1, w2\n", "\u00e9\u6f22 \U0001f600".encode(), b"", b" two  spaces ",
                 b"\xff\xfe\x00 bytes"]:
        r = tawny("tokenize", M, stdin=text, gpu=False)
        assert r.out.count("\n") == 1 and r.out.startswith("1"), r.out
        assert r.err == ""
        back = tawny("tokenize", M, "--decode", stdin=r.out, gpu=False)
        assert back.raw == text, (back.raw, text)
        bare = tawny("tokenize", M, "--no-bos", stdin=text, gpu=False).out
        assert ("1 " + bare).strip() == r.out.strip()
        ids = tawny("tokenize", M, "--json", stdin=text, gpu=False).json()
        assert ids["ids"] == [int(i) for i in r.out.split()] and ids["count"] == len(ids["ids"])


def test_tokenize_special():
    chat = model("chat")
    text = "<|im_start|>user"
    plain = tawny("tokenize", chat, "--no-bos", stdin=text, gpu=False).out.split()
    special = tawny("tokenize", chat, "--no-bos", "--special", stdin=text, gpu=False).out.split()
    assert special[0] == "259" and "259" not in plain and len(special) < len(plain)
    shown = tawny("tokenize", chat, "--decode", "--special", stdin="259 260", gpu=False).out
    assert shown == "<|im_start|><|im_end|>"
    assert tawny("tokenize", chat, "--decode", stdin="259 260", gpu=False).out == ""


def test_decode_refuses():
    for text, words in [("1 x", ["word 1", "x"]), ("1 -5", ["-5"]), ("1 307", ["307"]),
                        ("99999999999", ["99999999999"])]:
        fails(2, "tokenize", M, "--decode", stdin=text, gpu=False, words=words)


def test_eval_logits():
    with tempfile.TemporaryDirectory() as folder:
        ids, out = os.path.join(folder, "ids"), os.path.join(folder, "out.npy")
        with open(ids, "w", encoding="ascii") as f:
            f.write("1 5 9\n44 \t 17 300 2 8\n")
        r = tawny("eval", F32, "--tokens", ids, "--logits", out)
        assert r.out == ""
        shape, whole = read_npy(out)
        assert shape == (8, 307) and len(whole) == 8 * 307 and all(map(math.isfinite, whole))
        assert sorted(os.listdir(folder)) == ["ids", "out.npy"]
        said = tawny("eval", F32, "--tokens", ids, "--logits", out, "--chunk", 1, "--json").json()
        assert said["tokens"] == 8 and said["vocabulary"] == 307
        shape, single = read_npy(out)
        worst = max(abs(a - b) for a, b in zip(whole, single))
        assert worst < 1e-3, worst
        fails(2, "eval", F32, "--tokens", ids, "--logits", out, "-c", 4, words=[8, 4])
        fails(2, "eval", F32, "--tokens", "-", "--logits", out, stdin="1 307", words=[307])
        fails(2, "eval", F32, "--tokens", "-", "--logits", out, stdin=" \n", words=["no token"])
        missing = os.path.join(folder, "none", "out.npy")
        fails(1, "eval", F32, "--tokens", ids, "--logits", missing, words=[missing])


def test_eval_fails_whole():
    """What fails leaves the file of that name as it was, and none beside it."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.npy")
        with open(out, "w", encoding="ascii") as f:
            f.write("old")
        fails(2, "eval", M, "--tokens", "-", "--logits", out, stdin="1 2 307", words=[307])
        assert os.listdir(folder) == ["out.npy"]
        with open(out, encoding="ascii") as f:
            assert f.read() == "old"
    fails(1, "eval", M, "--tokens", "-", "--logits", "/dev/full", stdin="1 2 3",
          words=["/dev/full", "No space"])


def test_perplexity():
    """The definition, from the logits that eval itself writes."""
    text = ("the wind went round at four, and w7 w9 came in with the tide. ") * 3
    n = 32
    ids = [int(i) for i in tawny("tokenize", F32, stdin=text, gpu=False).out.split()]
    sums = []
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.npy")
        for at in range(0, len(ids) // n * n, n):
            chunk = [1] + ids[at + 1 : at + n]
            tawny("eval", F32, "--tokens", "-", "--logits", out, "--ctx", n,
                  stdin=" ".join(map(str, chunk)))
            _, values = read_npy(out)
            for i in range(n // 2, n - 1):
                row = values[i * 307 : (i + 1) * 307]
                top = max(row)
                log = math.log(sum(math.exp(v - top) for v in row)) + top
                sums.append(log - row[chunk[i + 1]])
            if at >= 2 * n:
                break
    mean = sum(sums) / len(sums)
    cut = tawny("tokenize", F32, "--decode", gpu=False,
                stdin=" ".join(map(str, ids[: 3 * n]))).raw
    p = tawny("eval", F32, "-f", "-", "--perplexity", "--ctx", n, "--json", stdin=cut).json()
    assert p["chunks"] == 3 and p["scored"] == len(sums) and p["context"] == n, p
    assert abs(p["perplexity"] / math.exp(mean) - 1) < 1e-4, (p, math.exp(mean))
    r = tawny("eval", F32, "-f", "-", "--perplexity", "--ctx", n, stdin=cut)
    said = re.fullmatch(r"Final estimate: PPL = (\S+) \+/- (\S+)\n", r.out)
    assert abs(float(said[1]) - p["perplexity"]) < 1e-3, (r.out, p)
    assert abs(float(said[2]) - p["error"]) < 1e-3, (r.out, p)
    fails(2, "eval", F32, "-f", "-", "--perplexity", stdin="short", words=[512, 1024])


def test_bench():
    b = tawny("bench", M, "-p", "8,24", "-n", "4", "-r", 3, "--json").json()
    assert [t["test"] for t in b["tests"]] == ["pp8", "pp24", "tg4"]
    for t in b["tests"]:
        assert len(t["runs"]) == 3 and t["median"] == sorted(t["runs"])[1] > 0
    assert b["device"]["name"] and b["device"]["driver"] and b["context"] == 25
    assert b["model"] == M and b["architecture"] == "llama"
    r = tawny("bench", M, "-p", 0, "-n", "4", "-r", 1, "--profile")
    assert "tg4" in r.out and "pp" not in r.out and b["device"]["name"] in r.out
    assert "qkv" in r.out and "GB/s" in r.out


run_cases(globals())
