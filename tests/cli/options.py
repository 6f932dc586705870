"""The command line: words of help, exit codes, one line of error, nothing of it needing a GPU."""
import os
import re
import resource
import tempfile

from common import BUILD, PROGRAM, SOURCE, fails, run_cases, tawny

VERBS = ["run", "transcribe", "listen", "devices", "inspect", "tokenize", "eval", "bench", "verify"]


def host(*arguments, **more):
    return tawny(*arguments, gpu=False, **more)


def refused(*arguments, words=(), code=2):
    return fails(code, *arguments, words=words, gpu=False)


def test_version():
    assert re.fullmatch(r"tawny \d+\.\d+\.\d+\n", host("--version").out)
    assert host("run", "--version").out == host("--version").out


def test_usage():
    r = host(code=2)
    assert r.out == "" and "usage: tawny" in r.err
    r = host("--help")
    assert r.err == "" and all("  %s " % v in r.out for v in VERBS), r.out
    assert host("help").out == r.out


def test_help_of_verbs():
    for verb in VERBS:
        r = host("help", verb)
        assert r.err == "" and r.out.startswith("usage: tawny " + verb), r.out
        assert host(verb, "--help").out == r.out == host(verb, "-h").out
        assert max(map(len, r.out.splitlines())) <= 100


def test_help_shows_defaults():
    text = host("help", "run").out
    for option, default in [("--temp", "0.8"), ("--top-k", "40"), ("--top-p", "0.95"),
                            ("--min-p", "0.05")]:
        assert re.search(option + r"\b[^(]*\(%s\)" % re.escape(default), text), option


def test_kinds_of_models():
    """What transcribe takes, in the help as in the manual."""
    with open(os.path.join(SOURCE, "doc/tawny.1"), encoding="utf-8") as f:
        page = f.read()
    text = host("help", "transcribe").out
    for word in ["ggml .bin", "Hugging Face", "CTranslate2"]:
        assert word in text and word in page, word


def test_unknown():
    refused("nosuch", words=["nosuch"])
    refused("help", "nosuch", words=["nosuch"])
    refused("--nosuch", words=["--nosuch"])
    for verb in VERBS:
        refused(verb, "--nosuch", words=["--nosuch"])
        refused(verb, "x", "--nosuch=3", words=["--nosuch"])
        refused(verb, "-Z", words=["-Z"])


def test_missing_and_too_many():
    for verb in VERBS:
        if verb not in ("devices", "verify"):
            refused(verb, words=["MODEL" if verb != "inspect" else "FILE"])
        if verb not in ("devices", "verify", "transcribe"):
            refused(verb, "a", "b", "c", words=["argument too many"])
    refused("devices", "a", words=["argument too many"])


def test_values():
    for option, bad, words in [
        ("-n", "x", ["-n", "x"]), ("-n", "3.5", ["3.5"]), ("-n", "-2", ["-2", "-1"]),
        ("-n", "99999999999999999999", ["-n"]), ("-c", "-1", ["-1", "0"]), ("-c", "", ["-c"]),
        ("--temp", "hot", ["hot"]), ("--temp", "-0.1", ["-0.1"]), ("--temp", "nan", ["nan"]),
        ("--top-p", "1.1", ["1.1", "1"]), ("--min-p", "-1", ["-1"]), ("--top-k", "-1", ["-1"]),
        ("--seed", "-2", ["-2"]), ("--logit-bias", "5", ["5"]), ("--logit-bias", "x=1", ["x=1"]),
        ("--logit-bias", "3=", ["3="]), ("--logit-bias", "-1=2", ["-1=2"]),
        ("--logit-bias", "3=inf", ["inf"]), ("--stop", "", ["--stop"]),
    ]:
        refused("run", "m", "-p", "x", option, bad, words=words)
    refused("run", "m", "--temp", words=["--temp", "needs a value"])
    refused("run", "m", "--json=1", words=["--json", "no value"])
    refused("bench", "m", "-p", "512,x", words=["-p", "x"])
    refused("bench", "m", "-r", "0", words=["-r", "0"])


def test_what_excludes():
    refused("run", "m", "-p", "a", "-f", "b", words=["more than once"])
    refused("run", "m", "-p", "a", "-", words=["more than once"])
    refused("run", "m", "-p", "a", "--chat", "--raw", words=["--chat", "--raw"])
    refused("run", "m", "-p", "a", "--raw", "--system", "s", words=["--system"])
    refused("run", "m", "prompt", words=["prompt", "-p"])
    refused("eval", "m", words=["--tokens", "--perplexity"])
    refused("eval", "m", "--tokens", "t", words=["--logits"])
    refused("eval", "m", "--perplexity", words=["-f"])


def test_bad_files_at_once():
    """Refused with exit code 3 before any driver is loaded: within 0.1 s of processor time."""
    def spent():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    with tempfile.TemporaryDirectory() as folder:
        bad = os.path.join(folder, "bad.gguf")
        with open(bad, "wb") as f:
            f.write(b"GGUF" + b"\xff" * 60)
        for path in [bad, os.path.join(folder, "none.gguf"), folder, "/dev/null",
                     os.path.join(SOURCE, "README.md")]:
            for verb in [["run", path, "-p", "x"], ["inspect", path], ["tokenize", path],
                         ["bench", path], ["eval", path, "-f", bad, "--perplexity"]]:
                best = 9
                for _ in range(4):
                    start = spent()
                    refused(*verb, words=[path], code=3)
                    best = min(best, spent() - start)
                    if best < 0.1:
                        break
                assert best < 0.1, "%.3f s for %s" % (best, verb)


def test_files_of_prompts():
    refused("eval", "m", "--tokens", "/none", "--logits", "o", words=["/none"], code=1)
    refused("run", "m", "-f", "/none", words=["/none"], code=1)
    with tempfile.NamedTemporaryFile() as f:
        f.write(b"1 2 x3")
        f.flush()
        refused("eval", "m", "--tokens", f.name, "--logits", "o", words=[f.name, "word 2", "x3"])
        f.write(b"\0 zero")
        f.flush()
        refused("run", "m", "-f", f.name, words=["zero byte", "6"])


def test_no_device():
    """Without a driver: exit code 4."""
    env = {"VK_DRIVER_FILES": "/none.json", "VK_ICD_FILENAMES": "/none.json"}
    fails(4, "devices", gpu=False, env=env, words=["Vulkan"])


def test_completion():
    """The shell's completion knows every option of every verb."""
    with open(os.path.join(SOURCE, "share/completions/tawny.bash"), encoding="utf-8") as f:
        text = f.read()
    with open(os.path.join(SOURCE, "doc/tawny.1"), encoding="utf-8") as f:
        page = f.read().replace("\\-", "-")
    for verb in VERBS:
        assert re.search(r"\b%s\b" % verb, text), verb
        for option in re.findall(r"(?<!\S)--[a-z][a-z-]*", host("help", verb).out):
            assert option in text, "%s: %s is not completed" % (verb, option)
            assert option in page, "%s: %s is not in the manual" % (verb, option)


assert os.path.exists(PROGRAM), BUILD
run_cases(globals())
