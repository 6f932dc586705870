"""verify MODEL: its table and JSON, saving and comparing, and what it refuses."""
import json
import os
import signal
import subprocess
import tempfile
import time

from common import BUILD, ENV, VK, command, fails, model, run_cases, tawny

M = model()
SHORT = ["-p", "Hello there", "-n", 1]


def verify(*arguments, **more):
    return tawny("verify", M, *SHORT, "--json", *arguments, **more).json()


def read_npy(path):
    with open(path, "rb") as f:
        data = f.read()
    assert data[:8] == b"\x93NUMPY\x01\x00" and data[127:128] == b"\n"
    assert "'shape': (%d,)" % ((len(data) - 128) // 4) in data[:128].decode("latin-1")
    return data[128:]


def test_table_and_saving():
    with tempfile.TemporaryDirectory() as root:
        folder = os.path.join(root, "saved")
        r = tawny("verify", M, *SHORT, "--save", folder)
        lines = r.out.splitlines()
        assert " is right with " + M in lines[-1], r.out
        assert any(line.startswith("decode 1x1 ") for line in lines), r.out
        assert r.errors() == [], r.err
        with open(os.path.join(folder, "verify.txt"), encoding="utf-8") as f:
            assert f.read().startswith("tawny verify 1\n")
        with open(os.path.join(folder, "dispatches.tsv"), encoding="utf-8") as f:
            rows = [line.rstrip("\n").split("\t") for line in f]
        assert all(len(row) == 7 for row in rows) and rows[0][4:6] == ["embed", "embed"], rows[0]
        assert len(read_npy(os.path.join(folder, "000-001.npy"))) > 0

        # The same again: the same bits, and all figures.
        j = verify("--against", folder)
        assert j["right"] and j["complete"] and j["findings"] == [] and j["blame"] == ""
        assert j["against"] == {"same_bits": True, "text": ""}
        assert j["counts"]["dispatches"] == len(rows) and j["counts"]["tensors"] > 10
        ends = [x for x in j["layers"] if x["values"]]
        assert ends and all(x["correlation"] > 0.999999 for x in ends)
        assert all(x["against"]["other_bits"] == 0 for x in j["layers"] if "against" in x)

        # A digest and a tensor changed by hand are found.
        at = next(i for i, row in enumerate(rows) if row[4] == "down" and row[3] == "0")
        rows[at][6] = "0123456789abcdef"
        with open(os.path.join(folder, "dispatches.tsv"), "w", encoding="utf-8") as f:
            f.writelines("\t".join(row) + "\n" for row in rows)
        with open(os.path.join(folder, "000-001.npy"), "r+b") as f:
            f.seek(128 + 3)
            f.write(b"\x7e")
        j = verify("--against", folder)
        assert j["right"] and not j["against"]["same_bits"]
        assert "dispatch %s of " % rows[at][2] in j["against"]["text"], j["against"]
        changed = [x for x in j["layers"] if x.get("against", {}).get("other_bits")]
        assert len(changed) == 1 and changed[0]["layer"] == 0, changed

        fails(2, "verify", M, "-p", "Hello you", "-n", 1, "--against", folder, words=["prompt"])
        os.remove(os.path.join(folder, "verify.txt"))
        fails(1, "verify", M, *SHORT, "--against", folder, words=["verify.txt"])


def test_a_fault_is_named():
    """Exit code 7; kernel, variant, layer, shapes and the worst element, in words and as JSON."""
    faulty = os.path.join(BUILD, "tests", "cli", "tawny-faulty")
    env = dict(ENV, TAWNY_TEST_PLANT="qkv:FAdd to FSub:0")
    for more in [[], ["--json"]]:
        done = subprocess.run([*VK, faulty, "verify", M, *map(str, SHORT), *more],
                              capture_output=True, text=True, env=env, timeout=300, check=False)
        assert done.returncode == 7, done
        assert " of decode 1x1 (qkv, layer 0) is wrong on the inputs it had: " in done.stderr
        if more:
            j = json.loads(done.stdout)
            found = j["findings"][0]
            assert not j["right"] and j["complete"] and j["blame"] == "operation", j
            assert (found["kernel"], found["layer"]) == ("qkv", 0), found
            assert found["wrong"] > 0 and "K 256" in found["variant"], found
            assert found["tensor"].startswith("blk.0.attn_"), found
            assert found["worst"]["expected"] != found["worst"]["got"], found
            assert any(x["nmse"] and x["nmse"] > x["nmse_limit"] for x in j["layers"]), j
        else:
            lines = done.stdout.splitlines()
            assert " is WRONG with " + M in lines[-1], done.stdout
            assert any("WRONG in 1 " in line and " BEYOND" in line for line in lines), done.stdout
            assert any(line.startswith("  value ") for line in lines), done.stdout


def test_bad_input():
    fails(2, "verify", "-p", "x", gpu=False, words=["MODEL"])
    fails(2, "verify", M, "--kernel", "x", gpu=False, words=["--kernel", "MODEL"])
    fails(3, "verify", "/nonexistent.gguf", gpu=False, words=["/nonexistent.gguf"])
    fails(2, "verify", M, "-p", "word " * 2000, words=["context"])
    fails(4, "verify", M, "--device", "no such GPU", words=["no such GPU"])
    fails(4, "verify", M, gpu=False, env={"VK_DRIVER_FILES": "/nonexistent"})
    with tempfile.TemporaryDirectory() as root:
        broken = os.path.join(root, "broken.gguf")
        with open(M, "rb") as f:
            data = f.read()
        with open(broken, "wb") as f:
            f.write(data[: len(data) // 2])
        fails(3, "verify", broken, gpu=False, words=[broken])
        fails(1, "verify", M, *SHORT, "--save", os.path.join(broken, "x"), words=[broken])


def test_interrupt_keeps_what_was_found():
    p = subprocess.Popen(command("verify", M, *SHORT, "-n", 64), stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, env=ENV)
    for line in p.stdout:
        if line.startswith(b"decode"):
            break
    time.sleep(0.2)
    p.send_signal(signal.SIGINT)
    out, _ = p.communicate(timeout=100)
    assert p.returncode == 130, p.returncode
    assert out.decode().splitlines()[-1] == "not all was checked", out


run_cases(globals())
