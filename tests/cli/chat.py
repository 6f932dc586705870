"""tawny run on a terminal: a conversation through a pseudo terminal."""
import os
import pty
import select
import signal
import tempfile
import time

from common import ENV, command, model, run_cases

PROMPT = b"\r\n> "


class Terminal:
    def __init__(self, *arguments, **env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(command()[0], command("run", *arguments), dict(ENV, **env))
        self.text = b""

    def until(self, what, seconds=120):
        """Reads until `what` has appeared since the last call; returns what came."""
        end = time.monotonic() + seconds
        while what not in self.text:
            assert time.monotonic() < end, "%r did not appear in %r" % (what, self.text)
            if select.select([self.fd], [], [], 0.2)[0]:
                self.text += self.some()
        at = self.text.index(what) + len(what)
        came, self.text = self.text[:at], self.text[at:]
        return came

    def some(self):
        try:
            return os.read(self.fd, 65536)
        except OSError:
            return b""

    def type(self, keys):
        os.write(self.fd, keys)

    def ends(self):
        """Reads to the end; the exit code."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.2)[0]:
                more = self.some()
                self.text += more
                if not more:
                    break
        pid, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_conversation():
    """Turns build on each other: the second prompt is longer and finds the first still there."""
    t = Terminal(model("chat"), "-n", 6, "--seed", 1, "--ignore-eos", "--stats")
    t.until(b"> ")
    t.type(b"Hello\n")
    first = t.until(PROMPT)
    t.type(b"And then?\n")
    second = t.until(PROMPT)

    def prompt(text):
        words = text.split(b"tawny: prompt: ")[1].split()
        return int(words[0]), int(words[2].lstrip(b"("))

    assert prompt(second)[0] > prompt(first)[0] and prompt(first)[1] == 0
    assert prompt(second)[1] >= prompt(first)[0] - 1
    t.type(b"/clear\n")
    t.until(b"anew")
    t.until(PROMPT)
    t.type(b"Hello\n")
    assert prompt(t.until(PROMPT)) == prompt(first)
    t.type(b"/nosuch\n")
    assert b"/nosuch" in t.until(PROMPT)
    t.type(b"/help\n")
    assert b"/exit" in t.until(PROMPT)
    t.type(b"/exit\n")
    assert t.ends() == 0


def test_compiling_is_shown():
    """The first run on a device, whose kernels are not in the cache yet."""
    with tempfile.TemporaryDirectory() as cache:
        t = Terminal(model(), "-p", "Hello", "-n", 1, XDG_CACHE_HOME=cache)
        assert t.ends() == 0
        assert b"compiling" in t.text, t.text
        t = Terminal(model(), "-p", "Hello", "-n", 1, "-q", XDG_CACHE_HOME=cache)
        assert t.ends() == 0
        assert b"compiling" not in t.text, t.text


def test_line_editing():
    """Backspace edits; the arrow brings the line back; Ctrl-D leaves."""
    t = Terminal(model(), "-n", 1, "--seed", 1, "--stats", "-q")
    t.until(b"> ")
    t.type(b"/helpx\x7f\n")
    assert b"/clear" in t.until(PROMPT)
    t.type(b"\x1b[A\n")
    assert b"/clear" in t.until(PROMPT)
    t.type(b"\x04")
    assert t.ends() == 0


def test_interrupt():
    """Ctrl-C stops the answer, then leaves."""
    t = Terminal(model(), "-c", 100000, "--ignore-eos", "-q", "--seed", 1, "--logit-bias",
                 "264=10000")
    t.until(b"> ")
    t.type(b"Hello\n")
    t.until(b"w5 w5")
    t.type(b"\x03")
    t.until(b"stopped", 30)
    t.until(PROMPT)
    t.type(b"\x03")
    assert t.ends() == 130


def test_full_context():
    """A line that does not fit is refused and the conversation goes on."""
    t = Terminal(model("chat"), "-c", 64, "-n", 2, "-q", "--seed", 1)
    t.until(b"> ")
    t.type(b"x" * 70 + b"\n")
    assert b"context" in t.until(PROMPT)
    t.type(b"hi\n")
    came = t.until(PROMPT)
    assert b"context holds" not in came, came
    t.type(b"\x04")
    assert t.ends() == 0


def test_killed():
    """SIGTERM ends it as any program."""
    t = Terminal(model(), "-q")
    t.until(b"> ")
    os.kill(t.pid, signal.SIGTERM)
    assert t.ends() == -signal.SIGTERM


run_cases(globals())
