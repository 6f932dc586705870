"""What the tests of the program share: running it, small models, and cases counted as TAP.

    case = Cases(globals())     # at the end: runs every function test_*, in order, and exits

Uses TAWNY_SOURCE and TAWNY_BUILD. Models and compiled kernels are kept in the build folder, so that
only the first run makes them.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE, BUILD = os.environ["TAWNY_SOURCE"], os.environ["TAWNY_BUILD"]
PROGRAM = os.path.join(BUILD, "tawny")
VK = [os.path.join(SOURCE, "tools", "vk"), "--test"]
ENV = dict(os.environ, XDG_CACHE_HOME=os.path.join(BUILD, "test-cache"), LC_ALL="C.UTF-8",
           TERM="dumb")
ENV.pop("TAWNY_DEVICE", None)
# How the program's errors begin, and what else may stand on stderr on the software device.
PREFIX, NO_GPU = "tawny: ", "tawny: warning: no GPU found"


class Skip(Exception):
    pass


def small_models():
    """tests/golden/small_models.py; needs numpy."""
    sys.path.insert(0, os.path.join(SOURCE, "tests", "golden"))
    try:
        import small_models as found
    except ImportError as e:
        print("skipped: %s" % e)
        sys.exit(77)
    return found


def model(name="llama-q8_0"):
    """The path of a small random model; "chat": one with a chatml template."""
    path = os.path.join(BUILD, "test-models", name + ".gguf")
    if not os.path.exists(path):
        found = small_models()
        if name == "chat":
            made = found.Model("chat", "llama", 256, 4, 2, 64, 512, 307, type="Q8_0",
                               template="<|im_start|>{{ role }} ... <|im_end|>")
        else:
            made = [m for m in found.MODELS if m.name == name][0]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=os.path.dirname(path), delete=False) as f:
            f.write(made.gguf())
        os.rename(f.name, path)
    return path


class Done:
    def __init__(self, code, out, err):
        self.code, self.raw = code, out
        self.out, self.err = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.out)

    def errors(self):
        """The lines of stderr without the warning about the software device."""
        return [line for line in self.err.splitlines() if not line.startswith(NO_GPU)]


def command(*arguments, gpu=True):
    return [*(VK if gpu else []), PROGRAM, *map(str, arguments)]


def tawny(*arguments, stdin=b"", gpu=True, code=0, env=None, **more):
    """Runs the program; the exit code must be `code`."""
    stdin = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(command(*arguments, gpu=gpu), input=stdin, capture_output=True,
                          env=dict(ENV, **(env or {})), timeout=300, check=False, **more)
    result = Done(done.returncode, done.stdout, done.stderr)
    assert result.code == code, "exit code %d, not %d, of %s\n%s" % (
        result.code, code, " ".join(map(str, arguments)), result.err)
    return result


def fails(code, *arguments, words=(), **more):
    """Ends with the code, nothing on stdout, and one line on stderr that has these words."""
    r = tawny(*arguments, code=code, **more)
    lines = r.errors()
    assert r.out == "", r.out
    assert len(lines) == 1 and lines[0].startswith(PREFIX), lines
    for word in words:
        assert str(word) in lines[0], "%r is not in %r" % (word, lines[0])
    return r


def run_cases(names):
    """Runs the functions test_*; prints TAP."""
    tests = [(n, f) for n, f in names.items() if n.startswith("test_")]
    failed = 0
    print("1..%d" % len(tests))
    for i, (name, function) in enumerate(tests, 1):
        start = time.monotonic()
        try:
            function()
            result, note = "ok", ""
        except Skip as e:
            result, note = "ok", " # SKIP %s" % e
        except Exception:
            result, note = "not ok", ""
            failed += 1
            print("# " + traceback.format_exc().replace("\n", "\n# "))
        seconds = time.monotonic() - start
        print("%s %d - %s (%.1f s)%s" % (result, i, name[5:], seconds, note), flush=True)
    sys.exit(1 if failed else 0)
