#!/usr/bin/env python3
"""Voice activity: vad.py VK TAWNY VAD

Probabilities of random models against vad.npz; then what `tawny transcribe --vad` hears, with a
small random speech model: of silence nothing, of speech between silence the same as of the speech
alone, at the times where it was. Prints TAP; status 77: no numpy."""
import json
import os
import resource
import struct
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

GOLDENS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden")
sys.path[:0] = [os.path.join(GOLDENS, ".."), GOLDENS]
from tap import Test  # noqa: E402
from small_speech import SHORT  # noqa: E402
from small_vad import SEEDS, SOUNDS, Silero, sound, weights  # noqa: E402

RATE, CHUNK, PAD, OVERLAP = 16000, 512, 480, 1600
LIMIT = 2e-5  # largest difference of a probability


class VadTest(Test):
    def __init__(self, vk, tawny, vad, folder):
        super().__init__(folder)
        self.vk, self.tawny, self.vad = vk, tawny, vad

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def write_wav(self, name, samples):
        with wave.open(self.path(name), "wb") as w:
            w.setparams((1, 2, RATE, 0, "NONE", ""))
            w.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
        return self.path(name)

    def run(self, *command, code=0):
        done = subprocess.run([self.vk, "--test", *command], capture_output=True, text=True,
                              env=self.env, check=False)
        if done.returncode != code:
            print("# " + done.stderr.strip().replace("\n", "\n# "))
        return done

    def transcribe(self, sound_path, *options, code=0):
        return self.run(self.tawny, "transcribe", self.path("m.bin"), sound_path, "-l", "en",
                        "--temperature-increment-on-fallback", "0", "--beam-size", "1", *options,
                        code=code)

    def segments(self, *arguments):
        return json.loads(self.transcribe(*arguments, "--json").stdout or "{}").get("segments")


def probabilities(test):
    golden = np.load(os.path.join(GOLDENS, "vad.npz"))
    for seed in SEEDS:
        model = test.write(f"{seed}.bin", Silero(weights(seed)).bytes())
        for name in SOUNDS:
            samples = test.write("x.f32", sound(name).astype("<f4").tobytes())
            done = test.run(test.vad, model, samples)
            got = np.array([float(line) for line in done.stdout.split()])
            want = golden[f"{seed}-{name}"]
            far = np.abs(got - want).max() if got.shape == want.shape else np.inf
            test.check(far <= LIMIT, f"model {seed}, {name}: {len(want)} chunks, {far:.1e} apart")


def noise(seconds, seed, level=0.2):
    return level * np.random.RandomState(seed).uniform(-1, 1, int(seconds * RATE))


def heard(start, end, total):
    """The samples that the gate on loudness hears of one loud stretch."""
    first, last = start // CHUNK * CHUNK, -(-end // CHUNK) * CHUNK
    return max(first - PAD, 0), min(last + PAD + OVERLAP, total)


def moved(segments, seconds):
    return [dict(s, start=round(s["start"] + seconds, 6), end=round(s["end"] + seconds, 6),
                 seek=s["seek"] + round(seconds * 100)) for s in segments]


def inside(segments, end):
    """The models are random and write times beyond the sound, which --vad ends with the stretch."""
    return [dict(s, start=min(s["start"], end), end=min(s["end"], end)) for s in segments]


def near(a, b):
    return a and len(a) == len(b) and all(
        x["tokens"] == y["tokens"] and abs(x["start"] - y["start"]) < 0.02
        and abs(x["end"] - y["end"]) < 0.02 and abs(x["seek"] - y["seek"]) <= 2
        for x, y in zip(a, b))


def stretches(test):
    silence = np.zeros(3 * RATE)
    x = np.concatenate([silence, noise(2, 1), silence])
    a, b = heard(3 * RATE, 5 * RATE, len(x))
    whole, alone = test.write_wav("whole.wav", x), test.write_wav("alone.wav", x[a:b])
    want = inside(moved(test.segments(alone), a / RATE), b / RATE)
    got = test.segments(whole, "--vad")
    test.check(near(got, want), f"one stretch: {len(want)} segments at {a / RATE:.2f} s")
    # Two with 4 s between them: 0.1 s of silence instead.
    x = np.concatenate([silence, noise(2, 1), np.zeros(4 * RATE), noise(2, 2), silence])
    a, b = heard(3 * RATE, 5 * RATE, len(x))
    c, d = heard(9 * RATE, 11 * RATE, len(x))
    both = np.concatenate([x[a:b], np.zeros(RATE // 10), x[c:d]])
    alone = test.segments(test.write_wav("alone.wav", both))
    got = test.segments(test.write_wav("whole.wav", x), "--vad")
    test.check([s["tokens"] for s in got] == [s["tokens"] for s in alone]
               and all(a / RATE - 0.02 <= s["start"] <= s["end"] <= d / RATE + 0.02
                       and not b / RATE + 0.02 < s["start"] < c / RATE - 0.02
                       and not b / RATE + 0.02 < s["end"] < c / RATE - 0.02 for s in got),
               f"two stretches: {[(s['start'], s['end']) for s in got]}")


def silence(test):
    """Of silence and of nothing there is no text."""
    for name, x in [("silence", np.zeros(40 * RATE)), ("quiet", noise(9, 3, 1e-4)),
                    ("a click", np.concatenate([np.zeros(8000), [0.9] * 50, np.zeros(8000)])),
                    ("no samples", np.zeros(0))]:
        done = test.transcribe(test.write_wav("s.wav", x), "--vad", "--stats")
        test.check(done.returncode == 0 and done.stdout == "" and "(0.0 s heard)" in done.stderr,
                   f"{name}: no text")
    done = test.transcribe(test.path("s.wav"), "--vad", "-dl", code=1)
    test.check("no sound" in done.stderr, "no language either")


def with_model(test):
    """Model 2 takes everything for speech, at a threshold of 1 nothing."""
    x = test.write_wav("a.wav", noise(2, 5))
    want = inside(test.segments(x), 2)
    got = test.segments(x, "--vad-model", test.path("2.bin"))
    test.check(near(got, want), f"all is speech: {len(want or [])} segments")
    done = test.transcribe(x, "--vad", "-vm", test.path("2.bin"), "-vt", "1")
    test.check(done.returncode == 0 and done.stdout == "", "nothing is speech")


def peak(test, seconds):
    """Memory in KiB of a transcription of a file that is a hole: silence."""
    size = 2 * seconds * RATE
    with open(test.path("hole.wav"), "wb") as f:
        f.write(struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", size + 36, b"WAVEfmt ", 16, 1, 1, RATE,
                            2 * RATE, 2, 16, b"data", size))
    os.truncate(test.path("hole.wav"), size + 44)
    child = subprocess.Popen([test.vk, "--test", test.tawny, "transcribe", test.path("m.bin"),
                              test.path("hole.wav"), "--vad"], env=test.env,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = status
    return usage.ru_maxrss if status == 0 and text == b"" else None


def memory(test):
    short, long = peak(test, 200), peak(test, 14400)
    test.check(short and long and long - short < 4096, f"200 s: {short} KiB, 4 h: {long} KiB")


def refused(test):
    parts = weights(1)
    good = Silero(parts).bytes()
    x = test.path("a.wav")

    def bad(what, data, *words):
        path = test.write("bad.bin", data)
        done = test.transcribe(x, "--vad-model", path, code=3)
        test.check(done.returncode == 3 and "bad.bin" in done.stderr
                   and all(w in done.stderr for w in words),
                   f"{what}: {done.stderr.strip()[-100:]}")

    numbers = struct.unpack_from("<22i", good, 18)
    for at, value, word in [(3, 256, "silero.window"), (6, 128, "encoder.0.in"),
                            (19, 64, "lstm.hidden")]:
        changed = numbers[:at] + (value,) + numbers[at + 1:]
        bad(f"number {at} is {value}", Silero(parts, changed).bytes(), word, str(value))
    name = "_model.decoder.rnn.bias_hh"
    bad("a bias of 513", Silero(dict(parts, **{name: np.zeros(513, np.float32)})).bytes(), name,
        "513")
    bad("no bias", Silero({k: v for k, v in parts.items() if k != name}).bytes(), name, "missing")
    bad("a speech model", SHORT.ggml(), "no model of voice activity")
    # What the reader of the format finds needs no device.
    for what, data, words in [
            ("-1 blocks", Silero({}, numbers[:5] + (-1,) + numbers[6:]).bytes(), ["block_count"]),
            ("5 dimensions", Silero().tensor("x", [1] * 5, bytes(4)).bytes(), ["n_dims", "5"]),
            *((f"cut at {cut}", good[:cut], []) for cut in [*range(106), len(good) - 1])]:
        path = test.write("bad.bin", data)
        done = subprocess.run([test.tawny, "inspect", path], capture_output=True, text=True,
                              check=False)
        test.check(done.returncode == 3 and done.stdout == "" and done.stderr.count("bad.bin") == 1
                   and all(w in done.stderr for w in words),
                   f"{what}: {done.stderr.strip()[-100:]}")
    for verb in (["transcribe", test.path("1.bin"), x], ["run", test.path("1.bin"), "-p", "x"]):
        done = test.run(test.tawny, *verb, code=3)
        test.check("voice activity" in done.stderr,
                   f"{verb[0]}: it is no model that writes")
    done = test.transcribe(x, "--vad", "-vmsd", "0.05", code=2)
    test.check("longest speech" in done.stderr, "a longest speech of less than the padding")


def main():
    vk, tawny, vad = sys.argv[1:4]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        test = VadTest(vk, tawny, vad, folder)
        test.write("m.bin", SHORT.ggml())
        for part in (probabilities, with_model, stretches, silence, memory, refused):
            start = time.monotonic()
            part(test)
            print(f"# {part.__name__}: {time.monotonic() - start:.1f} s", flush=True)
        print(f"1..{test.n}")
        sys.exit(test.failed != 0)


main()
