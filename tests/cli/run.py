"""tawny run: answers, their ends, their figures, and what goes to which stream."""
import json
import os
import resource
import signal
import subprocess
import tempfile
import time

from common import ENV, command, fails, model, run_cases, tawny

M = model()
CHAT = model("chat")
SHORT = ["-n", 6, "--ignore-eos", "--seed", 1]


def answer(*arguments, path=M, **more):
    return tawny("run", path, "--json", *arguments, **more).json()


def test_streams():
    r = tawny("run", M, "-p", "Hello", *SHORT)
    assert r.out.endswith("\n") and len(r.out) > 1 and r.errors() == [], r.err
    quiet = tawny("run", "-q", M, "-p", "Hello", *SHORT)
    assert quiet.out == r.out and quiet.err == "", quiet.err


def test_json():
    a = answer("-p", "Hello", "--stats", *SHORT)
    assert a["stop"] == "length" and a["made_tokens"] == 6 and a["seed"] == 1, a
    assert a["prompt_tokens"] > 0 and a["cached_tokens"] == 0 and a["context"] == 512
    assert a["timings"]["predicted_n"] == 6 and a["timings"]["prompt_n"] == a["prompt_tokens"]
    assert a["device"]["name"] and a["device"]["driver"]
    assert a["stats"]["memory"]["weights"] > 0
    text = tawny("run", M, "-p", "Hello", *SHORT).out
    assert text.rstrip("\n") == a["text"].rstrip("\n"), (text, a["text"])


def test_sources_of_prompts():
    want = answer("-p", "Hello", *SHORT)["text"]
    assert answer(*SHORT, stdin="Hello\n")["text"] == want
    assert answer("-", *SHORT, stdin="Hello")["text"] == want
    assert answer("-p", "-", *SHORT, stdin="Hello\n")["text"] == want
    with tempfile.NamedTemporaryFile("w") as f:
        f.write("Hello\n")
        f.flush()
        assert answer("-f", f.name, *SHORT)["text"] == want


def test_prompts_are_open_ended():
    """A vocabulary that puts its end token behind every text does not end the prompt with it."""
    with open(M, "rb") as f:
        data = f.read()
    # A beginning is the default of this vocabulary: its key becomes the one of the end.
    key, other = [b"tokenizer.ggml.add_%s_token" % what for what in (b"bos", b"eos")]
    assert data.count(key + (7).to_bytes(4, "little") + b"\1") == 1 and other not in data
    with tempfile.NamedTemporaryFile("wb", suffix=".gguf") as f:
        f.write(data.replace(key, other))
        f.flush()
        plain, ended = (tawny("tokenize", path, stdin="Hello", gpu=False).out.split()
                        for path in (M, f.name))
        assert ended[:-1] == plain, (plain, ended)
        assert answer("-p", "Hello", *SHORT, path=f.name)["text"] == answer(
            "-p", "Hello", *SHORT)["text"]


def test_seeds():
    def text(seed):
        return answer("-p", "Hello", "-n", 12, "--ignore-eos", "--seed", seed)["text"]

    assert text(5) == text(5) != text(6)
    a, b = [answer("-p", "Hello", "-n", 12, "--ignore-eos") for _ in range(2)]
    assert a["seed"] != b["seed"]
    assert text(a["seed"]) == a["text"]


def test_greedy():
    a = answer("-p", "Hello", "-n", 8, "--temp", 0, "--seed", 1)
    assert a["text"] == answer("-p", "Hello", "-n", 8, "--temp", 0, "--seed", 2)["text"]
    assert a["text"] == answer("-p", "Hello", "-n", 8, "--top-k", 1)["text"]


def test_bias():
    """A token that is wanted above all is the only one made; "<w5>" is id 264."""
    a = answer("-p", "Hello", "-n", 4, "--logit-bias", "264=10000")
    assert a["text"].split() == ["w5"] * 4, a["text"]
    assert a["text"] == answer("-p", "Hello", "-n", 4, "--logit-bias", "264+10000")["text"]
    fails(2, "run", M, "-p", "x", "--logit-bias", "307=1", words=[307])


def test_stop_string():
    a = answer("-p", "Hello", "-n", 20, "--logit-bias", "264=10000", "--stop", "w5 w5", "--stop",
               "none")
    assert a["stop"] == "string" and "w5" not in a["text"], a


def test_ends():
    """The model's last token (2) ends an answer, unless it is to be ignored."""
    a = answer("-p", "Hello", "-n", 9, "--logit-bias", "2=10000")
    assert a["stop"] == "eog" and a["text"] == "", a
    a = answer("-p", "Hello", "-n", 9, "--logit-bias", "2=10000", "--ignore-eos")
    assert a["stop"] == "length" and a["made_tokens"] == 9, a


def test_full_context():
    r = tawny("run", M, "-p", "Hello", "-c", 16, "--ignore-eos", code=1)
    assert len(r.out) > 1
    assert len(r.errors()) == 1 and "16" in r.errors()[0] and "full" in r.errors()[0], r.err
    r = tawny("run", M, "-p", "Hello", "-c", 16, "--ignore-eos", "--json", code=1)
    assert r.json()["stop"] == "context"


def test_long_prompt():
    n = answer("-p", "Hello there", "-n", 1)["prompt_tokens"]
    fails(2, "run", M, "-p", "Hello there", "-c", 8, words=[n, 8])


def test_lines():
    r = tawny("run", M, "--lines", "--json", *SHORT, stdin="Hello\n\nWhat\r\nHello\n")
    a = [json.loads(line) for line in r.out.splitlines()]
    assert [x["made_tokens"] for x in a] == [6, 6, 6]
    assert a[0]["text"] == a[2]["text"] == answer("-p", "Hello", *SHORT)["text"]
    assert a[1]["text"] == answer("-p", "What", *SHORT)["text"]
    assert len(tawny("run", M, "--lines", *SHORT, stdin="a\nb\n").out.splitlines()) >= 2


def test_chat_form():
    """A model with a known template takes a prompt as a message; --raw does not."""
    raw = answer("-p", "Hello", "--raw", *SHORT, path=CHAT)
    chat = answer("-p", "Hello", *SHORT, path=CHAT)
    system = answer("-p", "Hello", "--system", "Be short.", *SHORT, path=CHAT)
    assert raw["prompt_tokens"] < chat["prompt_tokens"] < system["prompt_tokens"]
    by_hand = "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    same = answer("-p", by_hand, "--raw", *SHORT, path=CHAT)
    assert same["text"] == chat["text"] and same["prompt_tokens"] == chat["prompt_tokens"]


def test_bus():
    """Steady decode: at most 64 bytes a token each way, and no allocation on the host."""
    r = tawny("run", M, "--lines", "--json", "--stats", "--ignore-eos", "-n", 80,
              stdin="Hello\n" * 4)
    all = [json.loads(line)["stats"] for line in r.out.splitlines()]
    many = all[-1]
    assert many["bytes_down_per_token"] <= 64 and many["bytes_up_per_token"] <= 64, many
    # The figures are sums. The first answer makes plans, and a plan may be recorded anew when its
    # time has been measured; an answer that finds all of it there allocates nothing.
    sums = [a["host_allocations"] for a in all]
    assert min(b - a for a, b in zip(sums, sums[1:])) == 0, sums
    assert many["submits_per_token"] <= 1 and many["dispatches_per_token"] > 1, many


def test_interrupt():
    """Ctrl-C: what was made stays, exit code 130."""
    process = subprocess.Popen(
        command("run", M, "-p", "Hello", "-c", 100000, "--ignore-eos", "-q"), env=ENV,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    start = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (process.returncode, err)
    assert first and (first + out).endswith(b"\n") and err == b"", err
    assert time.monotonic() - start < 30


def test_reader_leaves():
    """A reader that has gone is no error, and nothing to talk about."""
    process = subprocess.Popen(
        command("run", M, "-p", "Hello", "-c", 100000, "--ignore-eos", "-q"), env=ENV,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(1)
    process.stdout.close()
    assert process.wait(60) == 0 and process.stderr.read() == b""


def test_full_disk():
    for arguments in [["run", M, "-p", "Hello", *SHORT], ["devices"], ["--help"],
                      ["tokenize", M]]:
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command(*arguments), env=ENV, stdin=subprocess.DEVNULL,
                                  stdout=full, stderr=subprocess.PIPE, timeout=120, check=False)
        err = done.stderr.decode().splitlines()
        assert done.returncode == 1, (arguments, done.returncode, err)
        assert err[-1].startswith("tawny: standard output: "), err


def test_closed_stdout():
    done = subprocess.run(["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command("devices")], env=ENV,
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 1, done


def test_no_core_dumps_no_memory():
    """A limit on memory ends in a message, not in a signal."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))

    done = subprocess.run(command("run", M, "-p", "Hello", "-c", 16000000, "-n", 1), env=ENV,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False,
                          preexec_fn=limit)
    assert done.returncode in (4, 5), (done.returncode, done.stderr)
    assert done.stderr.decode().splitlines()[-1].startswith("tawny: ")


assert os.path.exists(M)
run_cases(globals())
