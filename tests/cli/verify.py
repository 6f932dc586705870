"""tawny verify without a model: what it prints, what it finds, what it keeps, and what others do
with that."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from common import BUILD, ENV, VK, command, fails, model, run_cases, tawny

FAULTY = os.path.join(BUILD, "tests", "cli", "tawny-faulty")
FEW = ["--kernel", "norm,silu", "--cases", "1"]
# A fault in the code with shuffles alone: the one without them is sound.
PLANT = {}


def faulty(*arguments, plant, cache, code=0, cwd=None):
    """The program with a planted fault and a cache folder of its own."""
    env = dict(ENV, XDG_CACHE_HOME=cache, TAWNY_TEST_PLANT=plant)
    done = subprocess.run([*VK, FAULTY, *map(str, arguments)], capture_output=True, text=True,
                          env=env, timeout=300, check=False, cwd=cwd, stdin=subprocess.DEVNULL)
    assert code is None or done.returncode == code, (done.returncode, done.stderr)
    return done


def planted():
    """Finds a fault that only norm with shuffles has; (its name, the folder where verify has kept
    what it found, verify's result)."""
    if not PLANT:
        for number in range(20):
            cache = tempfile.mkdtemp()
            plant = "norm:FAdd to FSub:%d" % number
            done = faulty("verify", *FEW, "--seed", 1, "--json", plant=plant, cache=cache,
                          code=None, cwd=cache)
            if done.returncode == 99:
                break
            found = json.loads(done.stdout)["avoided"] if done.returncode == 7 else []
            if found and not any(name.endswith("/1") for name in found):
                PLANT.update(name=plant, cache=cache, done=done)
                break
            shutil.rmtree(cache)
        assert PLANT, "no such fault is noticed"
    return PLANT["name"], PLANT["cache"], PLANT["done"]


def records(cache):
    folder = os.path.join(cache, "tawny")
    return [os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".verified")]


def logits(folder, plant, cache, *more):
    """The bytes of eval's logits of some tokens, and stderr."""
    with open(os.path.join(folder, "ids"), "w", encoding="ascii") as f:
        f.write(" ".join(str(i) for i in range(5, 45)))
    out = os.path.join(folder, "logits.npy")
    done = faulty("eval", model(), "--tokens", os.path.join(folder, "ids"), "--logits", out, *more,
                  plant=plant, cache=cache)
    with open(out, "rb") as f:
        return f.read(), done.stderr


def test_table_and_verdict():
    r = tawny("verify", *FEW, "--seed", 7)
    assert re.match(r"llvmpipe.*seed 7\nkernel +cases +result\nnorm +2  ", r.out), r.out
    assert re.search(r"is right in all of 4 cases \(seed 7, .*\)\n$", r.out), r.out
    assert r.errors() == [], r.err
    again = tawny("verify", *FEW, "--seed", 7, "--json").json()
    assert again["wrong"] == 0 and again["cases"] == 4 and again["failures"] == []
    assert {k["kernel"] for k in again["kernels"]} == {"norm", "silu"}


def test_seeds_differ():
    seeds = {tawny("verify", "--kernel", "silu", "--cases", 1, "--json").json()["seed"]
             for _ in range(2)}
    assert len(seeds) == 2


def test_fault_is_found():
    _, cache, done = planted()
    result = json.loads(done.stdout)
    assert result["wrong"] and result["avoided"] == ["norm/8"], result["avoided"]
    bad = [k["kernel"] for k in result["kernels"] if k["wrong"]]
    assert bad == ["norm"], bad
    failure = result["failures"][0]
    around = failure["around"]
    assert len(around["got"]) == len(around["expected"]) > 8
    assert around["got"][around["here"]] != around["expected"][around["here"]]
    assert failure["variants"] == ["norm/8"] and "--only" in failure["again"]
    assert "are wrong" in done.stderr.splitlines()[-1]
    # The report, with nothing of the user's in it.
    report = [n for n in os.listdir(cache) if n.startswith("tawny-verify-1")]
    assert report == ["tawny-verify-1.txt"], report
    with open(os.path.join(cache, report[0]), encoding="utf-8") as f:
        text = f.read()
    for word in ["FAILED norm/-", "variant norm/8", "driver", "seed         1", "got, expected",
                 "is WRONG in"]:
        assert word in text, word
    for private in [os.uname().nodename, cache, BUILD, os.path.expanduser("~")]:
        assert len(private) < 3 or private not in text, private


def test_case_runs_again():
    plant, cache, done = planted()
    again = json.loads(done.stdout)["failures"][0]["again"].split()
    with tempfile.TemporaryDirectory() as other:
        result = json.loads(faulty("verify", *again, "--json", plant=plant, cache=other, cwd=other,
                                   code=7).stdout)
        assert result["wrong"] and result["avoided"] == ["norm/8"]
    assert cache


def test_variant_is_avoided():
    plant, cache, _ = planted()
    with tempfile.TemporaryDirectory() as folder:
        right, err = sound_logits(folder)
        assert "norm/8" not in err
        got, err = logits(folder, plant, cache)
        assert got == right, "other logits than without the fault"
        assert err.count("norm/8") == 1 and "avoided" in err, err
        got, err = logits(folder, plant, cache, "--no-verified-variants")
        assert got != right, "the fault makes no difference"
        assert "norm/8" not in err, err


def sound_logits(folder):
    with open(os.path.join(folder, "ids"), "w", encoding="ascii") as f:
        f.write(" ".join(str(i) for i in range(5, 45)))
    out = os.path.join(folder, "sound.npy")
    r = tawny("eval", model(), "--tokens", os.path.join(folder, "ids"), "--logits", out)
    with open(out, "rb") as f:
        return f.read(), r.err


def test_devices_show_it():
    _, cache, _ = planted()
    r = tawny("devices", env={"XDG_CACHE_HOME": cache})
    assert re.search(r"verified +\d{4}-\d\d-\d\d \d\d:\d\d: WRONG in \d+ of \d+ cases\n"
                     r" +avoided +norm/8\n", r.out), r.out
    verified = tawny("devices", "--json", env={"XDG_CACHE_HOME": cache}).json()[0]["verified"]
    assert verified["avoided"] == "norm/8" and verified["wrong"] > 0 and not verified["all"]


def test_part_that_is_right_takes_nothing_back():
    _, cache, _ = planted()
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(os.path.join(cache, "tawny"), os.path.join(copy, "tawny"))
        tawny("verify", *FEW, env={"XDG_CACHE_HOME": copy})
        assert "norm/8" in tawny("devices", env={"XDG_CACHE_HOME": copy}).out


def test_damaged_record():
    _, cache, _ = planted()
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(os.path.join(cache, "tawny"), os.path.join(copy, "tawny"))
        path = records(copy)[0]
        with open(path, "r+b") as f:
            f.seek(20)
            f.write(b"?")
        r = tawny("run", model(), "-p", "x", "-n", 1, env={"XDG_CACHE_HOME": copy})
        assert "is damaged" in r.err and "avoided" not in r.err, r.err


def test_interrupted():
    """Ctrl-C: exit code 130, and the report says what was found."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "report")
        p = subprocess.Popen(command("verify", "--kernel", "norm", "--cases", 1000000, "--report",
                                     path), env=ENV, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        for _ in range(600):
            if os.path.exists(path):
                break
            time.sleep(0.1)
        time.sleep(0.5)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=120)
        assert p.returncode == 130, (p.returncode, err)
        assert "interrupted" in out, out
        with open(path, encoding="utf-8") as f:
            text = f.read()
        assert text.startswith("tawny verify report") and "interrupted" in text, text


def test_bench():
    """Times of shapes that are checked as well, held against what the device was measured at."""
    r = tawny("verify", "--kernel", "silu,flash", "--bench", "--seed", 3, "--json").json()
    assert r["peak_bytes_per_second"] > 1e8 and r["peak_flops"] > 1e8, r
    times = {t["kernel"]: t for t in r["times"]}
    assert set(times) == {"silu", "flash"} and not r["wrong"], r
    for t in times.values():
        assert 0 < t["share_of_peak"] < 1.5 and t["seconds"] > 0, t
    assert times["silu"]["bytes_per_second"] > 0 and times["flash"]["flops"] > 0, times
    assert abs(times["silu"]["bytes_per_second"] - 12 * 512 * 8192 / times["silu"]["seconds"]) < 1e4
    assert not r["whole"], "a part must not count as the whole"
    r = tawny("verify", "--kernel", "rope,bmm,sample,matmul-matrix/f16,dequant/q8_0,embed/q4_k",
              "--bench", "--json").json()
    assert len(r["times"]) == 6 and not r["wrong"], r
    matrix = r["peak_matrix_flops"]
    for t in r["times"]:
        on_units = t["kernel"] == "matmul-matrix" and "f32" not in t["text"]
        assert t["share_of_peak"] > 0 or (on_units and not matrix), t


def test_bad_input():
    fails(4, "verify", gpu=False, env={"VK_DRIVER_FILES": "/none.json",
                                       "VK_ICD_FILENAMES": "/none.json"}, words=["Vulkan"])
    fails(4, "verify", "--device", "nosuch", words=["nosuch"])
    fails(2, "verify", "--kernel", "nosuch", words=["nosuch"], gpu=False)
    fails(2, "verify", "--cases", "x", words=["--cases"], gpu=False)
    fails(2, "verify", "--seed", "-3", words=["--seed"], gpu=False)
    fails(2, "verify", "--quick", "--thorough", words=["--quick"], gpu=False)
    fails(2, "verify", "--bench", "x.gguf", words=["MODEL"], gpu=False)
    fails(1, "verify", *FEW, "--report", "/nosuch/x", words=["--report", "/nosuch/x"])


if not os.path.exists(FAULTY):
    print("skipped: %s is not built" % FAULTY)
    raise SystemExit(77)
try:
    run_cases(globals())
finally:
    if PLANT:
        shutil.rmtree(PLANT["cache"], ignore_errors=True)
