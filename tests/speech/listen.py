#!/usr/bin/env python3
"""tawny listen, with a small random model: listen.py VK TAWNY [LIBPULSE]

What it writes of samples on standard input is what follows from `tawny transcribe` of the same
stretches of sound; what was heard is written at the end, and after Ctrl-C. LIBPULSE is a library in
the place of libpulse-simple that gives a file for a microphone. Prints TAP; status 77: no numpy."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import wave

try:
    import numpy as np
except ImportError:
    print("1..0 # SKIP needs python3-numpy")
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "../golden")]
from tap import Test  # noqa: E402
from small_speech import SHORT  # noqa: E402

RATE, STEP = 16000, 2
WORD = re.compile(r"\s*[^\s]+|\s+$")


class ListenTest(Test):
    def __init__(self, vk, tawny, folder):
        super().__init__(folder)
        self.vk, self.tawny = vk, tawny

    def command(self, verb, *arguments):
        return [self.vk, "--test", self.tawny, verb, self.path("m.bin"), *arguments]

    def listen(self, *arguments, data=b""):
        return subprocess.run(self.command("listen", *arguments), input=data, capture_output=True,
                              env=self.env, check=False)

    def segments(self, samples, prompt):
        """As listen hears a stretch of sound."""
        with wave.open(self.path("part.wav"), "wb") as w:
            w.setparams((1, 2, RATE, 0, "NONE", ""))
            w.writeframes(samples.tobytes())
        more = ["--prompt", prompt] if prompt else []
        done = subprocess.run(
            self.command("transcribe", self.path("part.wav"), "--json", "-l", "en", "--vad",
                         "--vad-speech-pad-ms", "200", "--beam-size", "1",
                         "--temperature-increment-on-fallback", "0", *more),
            capture_output=True, env=self.env, check=False)
        return json.loads(done.stdout or "{}").get("segments", [])


def words_of(text):
    """None of the random model's words is of a script without blanks."""
    return [m.group() for m in WORD.finditer(text)]


def expected(test, samples):
    """The rules of listening, once more: lines as (start, end, text)."""
    lines, settled, last, prompt, begin = [], [], [], "", 0
    for end in [*range(STEP * RATE, len(samples) + 1, STEP * RATE), None]:
        stretch = samples[begin:end]
        parts = test.segments(stretch, prompt)
        text = [w for p in parts for w in words_of(p["text"])]
        ends = np.cumsum([len(words_of(p["text"])) for p in parts]).tolist()
        was_empty = not last
        n = len(settled)
        while n < len(text) and (end is None or (n < len(last) and text[n] == last[n])):
            settled.append(text[n])
            n += 1
        last = text
        given = dropped = 0
        for i, p in enumerate(parts):
            over = end is None or i + 1 < len(parts) or p["end"] + 1 <= len(stretch) / RATE
            if end is not None and (not over or ends[i] - given > len(settled)):
                break
            line, count = settled[:ends[i] - given], ends[i] - given
            if line:
                lines.append((begin / RATE + p["start"], begin / RATE + p["end"], "".join(line)))
                prompt += lines[-1][2]
            settled, last, given = settled[count:], last[count:], ends[i]
            dropped = min(round(p["end"] * RATE), len(stretch))
        begin += dropped
        if end is None and settled:
            lines.append((begin / RATE, len(samples) / RATE, "".join(settled)))
        if not parts and was_empty and not settled:
            begin = max(begin, begin + len(stretch) - RATE)
    return lines


def noise(seconds, seed):
    x = np.random.RandomState(seed).uniform(-6000, 6000, int(seconds * RATE))
    return np.round(x).astype("<i2")


def piped(test):
    """Speech, a pause, speech."""
    sound = np.concatenate([noise(3, 1), np.zeros(int(2.5 * RATE), "<i2"), noise(1.5, 2)])
    want = expected(test, sound)
    done = test.listen("-", "-l", "en", "--json", "--step", str(STEP), data=sound.tobytes())
    got = [json.loads(line) for line in done.stdout.splitlines()]
    same = len(got) == len(want) and all(
        abs(g["start"] - w[0]) < 0.03 and abs(g["end"] - w[1]) < 0.03
        and g["text"] == w[2].lstrip(" ") for g, w in zip(got, want))
    test.check(done.returncode == 0 and want and same, f"{len(want)} lines of 7 s in steps of 2")
    if not same:
        print("#", [(g["start"], g["end"], g["text"][:30]) for g in got])
        print("#", [(w[0], w[1], w[2][:30]) for w in want])


def formats(test):
    """Halves of samples, floats; silence is no text."""
    sound = noise(2, 3)
    want = test.listen("-", "-l", "en", data=sound.tobytes()).stdout
    test.check(want.count(b"\n") >= 1 and len(want) > 10, f"{len(want)} bytes of text")
    floats = (sound.astype("<f4") / 32768).tobytes()
    got = test.listen("-", "-l", "en", "--format", "f32le", data=floats + b"\x01\x02")
    test.check(got.stdout == want, "floats, and a part of one")
    for name, data in (("silence", bytes(5 * 2 * RATE)), ("nothing", b"")):
        done = test.listen("-", "-l", "en", data=data)
        test.check(done.returncode == 0 and done.stdout == b"", f"{name}: no text")
    return want


def interrupted(test, want):
    """What was heard is written after Ctrl-C too."""
    run = subprocess.Popen(test.command("listen", "-", "-l", "en"), env=test.env,
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    run.stdin.write(noise(2, 3).tobytes())
    run.stdin.flush()
    time.sleep(2)
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate(timeout=60)
    test.check(run.returncode == 0 and out == want, f"Ctrl-C: exit code {run.returncode}")


def microphone(test, library, want):
    os.makedirs(test.path("lib"))
    shutil.copy(library, test.path("lib/libpulse-simple.so.0"))
    noise(2, 3).tofile(test.path("sound.raw"))
    env = dict(test.env, TAWNY_TEST_SOUND=test.path("sound.raw"), LD_LIBRARY_PATH=":".join(
        [test.path("lib")] + [x for x in [test.env.get("LD_LIBRARY_PATH")] if x]))
    run = subprocess.Popen(test.command("listen", "-l", "en"), env=env, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(4)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    test.check(run.returncode == 0 and out == want, f"a microphone: {err.decode()[-80:]!r}")
    for source, words in (("broken", "Connection terminated"), ("none", "No such entity")):
        done = subprocess.run(test.command("listen", "-l", "en", "--source", source), env=env,
                              check=False, capture_output=True, text=True)
        test.check(done.returncode == 1 and words in done.stderr and "microphone" in done.stderr
                   and done.stdout.encode() == (want if source == "broken" else b""),
                   f"source {source}: {done.stderr.strip()[-60:]}")


def refused(test):
    for arguments, words in [(["a.wav"], "tawny transcribe"), (["-", "--format", "mp3"], "mp3"),
                             (["-", "--step", "30"], "--step"), (["-", "--source", "x"], "exclude"),
                             (["-", "--task", "sing"], "sing")]:
        done = test.listen(*arguments)
        test.check(done.returncode == 2 and words in done.stderr.decode(), " ".join(arguments))
    done = test.listen("-", "-l", "xx", data=noise(2, 3).tobytes())
    test.check(done.returncode == 2 and "'xx'" in done.stderr.decode(), "a language")


def main():
    vk, tawny, *library = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        test = ListenTest(vk, tawny, folder)
        with open(test.path("m.bin"), "wb") as f:
            f.write(SHORT.ggml())
        piped(test)
        want = formats(test)
        interrupted(test, want)
        if library:
            microphone(test, library[0], want)
        refused(test)
        print(f"1..{test.n}")
        sys.exit(test.failed != 0)


main()
