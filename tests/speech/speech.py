#!/usr/bin/env python3
"""Small random speech models against speech.npz: speech.py VK TAWNY DUMP [NAME...]

Of each model: log-mel, encoder, decoder and the first tokens of one window; then `tawny transcribe`
of a whole sound: the windows, times and tokens that openai-whisper gives, and the same text in all
formats. Prints TAP; status 77: no numpy."""
import json
import os
import re
import signal
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
from small_speech import FRAMES, LOOPS, MODELS, SEARCHES, SHORT, SOUNDS, sound  # noqa: E402

GOLDEN = np.load(os.path.join(GOLDENS, "speech.npz"))
MEL = 1e-4             # largest difference
CORRELATION = 0.99999  # of what encoder and decoder give
LOGPROB = 5e-3
# openai-whisper says as often what goes round as the model does.
GREEDY = ["--temperature-increment-on-fallback", "0", "-l", "en", "--compression-ratio-threshold",
          "0", "--beam-size", "1"]
BEAM = GREEDY[:-2]  # of 5, which is the default


class SpeechTest(Test):
    def __init__(self, vk, tawny, dump, folder):
        super().__init__(folder)
        self.vk, self.tawny, self.dump = vk, tawny, dump

    def run(self, *command, code=0):
        done = subprocess.run([self.vk, "--test", *command], capture_output=True, text=True,
                              env=self.env, check=False)
        if done.returncode != code:
            print("# " + done.stderr.strip().replace("\n", "\n# "))
        return done

    def transcribe(self, *arguments, code=0):
        return self.run(self.tawny, "transcribe", self.path("m.bin"), *arguments, code=code)


def close(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


def normed(m, x):
    """The encoder's last LayerNorm."""
    w = m.tensors()
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return x * w["encoder.ln_post.weight"] + w["encoder.ln_post.bias"]


def floats(test, name, *shape):
    return np.fromfile(test.path(name + ".f32"), "<f4").reshape(shape)


def searches():
    """As dump takes them; its penalty of 0 is none, and -1 is 0."""
    for how in SEARCHES:
        penalty = how.get("length_penalty")
        penalty = 0 if penalty is None else penalty or -1
        yield f"beam:{how['beam_size']}:{how.get('patience', 1)}:{penalty}"


def one_window(test, m, samples):
    """What lies between samples and tokens."""
    x = samples.astype(np.float32) / 32768
    n = min(len(x), FRAMES * 160 + 40)
    window = np.zeros(FRAMES * 160 + 240, np.float32)
    window[200:200 + n] = x[:n]
    window[:200] = x[200:0:-1]
    window.tofile(test.path("samples.f32"))
    prompt = m.prompt()
    used = str(min(len(x) // 160, FRAMES))
    for what in (prompt, m.start()) if prompt != m.start() else (prompt,):
        done = test.run(test.dump, test.path("m.bin"), test.path("samples.f32"), used, test.folder,
                        *map(str, what), *(searches() if what == m.start() else []))
        if done.returncode:
            test.check(False, f"{m.name}: runs")
            return
        if what is prompt:
            logits = floats(test, "logits", -1)[::16]
    far = np.abs(floats(test, "mel", FRAMES, m.mels)[::37] - GOLDEN[m.name + ".mel"]).max()
    test.check(far <= MEL, f"{m.name}: log-mel, {far:.1e} apart")
    heard = normed(m, floats(test, "sound", FRAMES // 2, m.state))[::50]
    like = close(heard, GOLDEN[m.name + ".sound"])
    test.check(like >= CORRELATION, f"{m.name}: encoder, correlation {like:.9f}")
    seen = logits > -1e29
    like = close(logits[seen], GOLDEN[m.name + ".logits"][seen])
    test.check(like >= CORRELATION and seen.mean() > 0.99,
               f"{m.name}: decoder, correlation {like:.9f}")
    lines = done.stdout.splitlines()
    found = [list(map(int, line.split()[1:])) for line in lines if line[:4] == "beam"]
    lines = lines[:len(lines) - len(found)]
    want = [GOLDEN[f"{m.name}.search.{i}"].tolist() for i in range(len(SEARCHES))]
    same = sum(a == b for a, b in zip(found, want))
    test.check(len(found) == len(want) == same, f"{m.name}: {same} of {len(want)} searches")
    said = [int(line.split()[0]) for line in lines[1:]]
    test.check(said == GOLDEN[m.name + ".first"].tolist(), f"{m.name}: first tokens {said[:4]}...")
    mean = sum(float(line.split()[1]) for line in lines[1:]) / (len(said) + 1)
    want = float(GOLDEN[m.name + ".logprobs"])
    test.check(abs(mean - want) < LOGPROB,
               f"{m.name}: mean log-probability {mean:.4f} of {want:.4f}")
    silence, want = float(lines[0]), float(GOLDEN[m.name + ".silence"])
    test.check(abs(silence - want) <= 1e-6 + 1e-3 * want, f"{m.name}: silence {silence:.2e}")


def text_of(m, tokens):
    words = m.tokens()
    return b"".join(words[t] for t in tokens if t < m.end).decode(errors="replace")


def same_segments(test, m, golden, got):
    """Windows, times and tokens."""
    want = GOLDEN[golden + ".segments"]
    tokens = np.split(GOLDEN[golden + ".tokens"], np.cumsum(GOLDEN[golden + ".lengths"])[:-1])
    same = [s["seek"] == w[0] and abs(s["start"] - w[1]) < 1e-6 and abs(s["end"] - w[2]) < 1e-6
            and s["tokens"] == t.tolist() for s, w, t in zip(got["segments"], want, tokens)]
    test.check(len(got["segments"]) == len(want) and all(same),
               f"{golden}: {sum(same)} of {len(want)} segments in "
               f"{len({w[0] for w in want})} windows")
    test.check(all(s["text"] == text_of(m, s["tokens"]) for s in got["segments"])
               and got["text"] == "".join(s["text"] for s in got["segments"]), f"{golden}: text")


def whole_sound(test, m, samples):
    """All windows, and the formats; then with a beam of 5."""
    done = test.transcribe(test.path("a.wav"), "-f", "all", "-o", test.path("out"), *GREEDY)
    if done.returncode:
        test.check(False, f"{m.name}: transcribes")
        return
    test.check(done.stdout == "", f"{m.name}: nothing on stdout")
    files = {}
    for name in os.listdir(test.path("out")):
        with open(os.path.join(test.path("out"), name), encoding="utf-8") as f:
            files[name] = f.read()
    got = json.loads(files["a.json"])
    same_segments(test, m, m.name, got)
    test.check(files == dict(formats(got["segments"]), **{"a.json": files["a.json"]}),
               f"{m.name}: formats")
    if m.name == "english":
        done = test.transcribe(test.path("a.wav"), "--json", *BEAM)
        same_segments(test, m, m.name + ".beam", json.loads(done.stdout))
        short_windows(test)
    if m is MODELS[0]:
        same_words(test, m, "timed")


def same_words(test, m, golden, *options):
    """When each word is said, within a frame of the encoder's; and subtitles made of them."""
    golden = f"{m.name}.{golden}"
    done = test.transcribe(test.path("a.wav"), "-f", "json,srt,vtt", "-o", test.path("words"),
                           "--word-timestamps", "True", "--max-words-per-line", "3", *GREEDY,
                           *options)
    files = {}
    for name in ("a.json", "a.srt", "a.vtt") if done.returncode == 0 else ():
        with open(os.path.join(test.path("words"), name), encoding="utf-8") as f:
            files[name] = f.read()
    got = json.loads(files.get("a.json", '{"segments": []}'))["segments"]
    words = [w for s in got for w in s["words"]]
    found = np.array([(w["start"], w["end"], w["probability"]) for w in words]).reshape(-1, 3)
    want, texts = GOLDEN[golden + ".words"], bytes(GOLDEN[golden + ".texts"]).decode().split("\0")
    test.check([len(s["words"]) for s in got] == GOLDEN[golden + ".counts"].tolist()
               and [w["word"] for w in words] == texts[1:], f"{golden}: {len(words)} words")
    far = np.abs(found - want).max(0, initial=0) if found.shape == want.shape else [9, 9, 9]
    test.check(max(far[:2]) <= 0.02 + 1e-9 and far[2] < 2e-3, f"{golden}: times {far} apart")
    want = GOLDEN[golden + ".segments"].reshape(-1, 3) / [100, 1, 1]
    found = np.array([(s["seek"] / 100, s["start"], s["end"]) for s in got]).reshape(-1, 3)
    near = found.shape == want.shape and np.abs(found - want).max(initial=0) <= 0.02 + 1e-9
    tokens = np.split(GOLDEN[golden + ".tokens"], np.cumsum(GOLDEN[golden + ".lengths"])[:-1])
    test.check(near and all(s["tokens"] == t.tolist() for s, t in zip(got, tokens)),
               f"{golden}: {len(got)} segments")
    lines = [line for s in got for line in lines_of(s["words"], 3)]
    srt = [f"{i + 1}\n{stamp(a, ',')} --> {stamp(b, ',')}\n{t}\n\n"
           for i, (a, b, t) in enumerate(lines)]
    vtt = [f"{stamp(a, '.', False)} --> {stamp(b, '.', False)}\n{t}\n\n" for a, b, t in lines]
    test.check(files.get("a.srt") == "".join(srt)
               and files["a.vtt"] == "".join(["WEBVTT\n\n", *vtt]), f"{golden}: subtitles")


def short_windows(test):
    """A model of little text: many windows."""
    with open(test.path("short.bin"), "wb") as f:
        f.write(SHORT.ggml())
    os.rename(test.path("m.bin"), test.path("long.bin"))
    os.rename(test.path("short.bin"), test.path("m.bin"))
    same_words(test, SHORT, "timed")
    same_words(test, SHORT, "dropped", "--hallucination-silence-threshold", "0.5")
    several_windows(test)
    not_passed_on(test)
    os.rename(test.path("long.bin"), test.path("m.bin"))


def said(done):
    """(where its window begins, tokens) of each segment"""
    segments = json.loads(done.stdout or '{"segments": []}')["segments"]
    return [(s["seek"], s["tokens"]) for s in segments]


def not_passed_on(test):
    """The next window is not told of a text that repeats itself; here that is said of any."""
    plain, alone, repeats = (
        said(test.transcribe(test.path("a.wav"), "--json", *GREEDY, *options))
        for options in ([], ["--no-context"], ["--compression-ratio-threshold", "0.01"]))
    test.check(repeats == alone != plain and len(alone) > 2, f"not told: {len(alone)} segments")


def loops(test):
    """A word again and again at each temperature is said once, and is not waited for."""
    with open(test.path("loops.bin"), "wb") as f:
        f.write(LOOPS.ggml())
    found = {}
    for name, options in [("greedy", ["-bs", "1"]), ("beams", ["-bs", "3"]),
                          ("batch", ["-bs", "1", "--batch", "2"]),
                          ("words", ["-bs", "1", "--word-timestamps", "True"]),
                          ("off", ["-bs", "1", "--compression-ratio-threshold", "0"])]:
        done = test.run(test.tawny, "transcribe", test.path("loops.bin"), test.path("a.wav"),
                        "--json", "--stats", "-bo", "2", *options)
        made = re.search(r"(\d+) tokens", done.stderr)
        found[name] = said(done), int(made[1]) if made else 0
    text, made = found["off"]
    words = {t for _, tokens in text for t in tokens if t < LOOPS.end}
    most = LOOPS.text_ctx // 2
    test.check(len(words) == 1 and made == most, f"loops: {made} tokens of the same {words}")
    for name in ("greedy", "beams", "batch", "words"):
        text, made = found[name]
        often = [t for _, tokens in text for t in tokens if t < LOOPS.end]
        test.check(len(often) == 1, f"loops, {name}: {text}")
        # The last of six temperatures is heard out; of the two texts of each, both.
        test.check(2 * most < made < 7.5 * most, f"loops, {name}: {made} tokens made")


def several_windows(test):
    """At once: the first is what a file that ends there is, and a beam is as wide as without."""
    for options in ([], ["--beam-size", "3"]):
        done = test.transcribe(test.path("a.wav"), "--json", *GREEDY, *options, "--batch", "2")
        got = json.loads(done.stdout or '{"segments": []}')["segments"]
        seeks = sorted({s["seek"] for s in got})
        test.check(len(seeks) == 2 and seeks[0] == 0 and 1500 < seeks[1] < 3000, f"batch: {seeks}")
        with wave.open(test.path("a.wav")) as w, wave.open(test.path("cut.wav"), "wb") as cut:
            cut.setparams(w.getparams())
            cut.writeframes(w.readframes(seeks[-1] * 160))
        done = test.transcribe(test.path("cut.wav"), "--json", *GREEDY, *options)
        want = json.loads(done.stdout or '{"segments": []}')["segments"]
        want = [s["tokens"] for s in want if s["seek"] == 0]
        first = [s["tokens"] for s in got if s["seek"] == 0]
        test.check(want and first[:len(want)] == want and len(first) - len(want) <= 1,
                   f"batch: {len(want)} segments of the first window")


def side_by_side(test):
    done = test.run(os.path.join(os.path.dirname(test.dump), "speech-beside"), test.path("m.bin"))
    test.check(done.returncode == 0, f"heard side by side: {done.stdout.strip()}")
    done = test.run(test.tawny, "bench", test.path("m.bin"), "--json", "-r", "1", "-n", "3,4",
                    "-w", "2", "--profile")
    report = json.loads(done.stdout or "{}")
    tests = {t["test"]: t for t in report.get("tests", [])}
    names = [name + windows for windows in (" x 1", " x 2") for name in ("enc", "tg3", "tg4")]
    test.check(list(tests) == names and all(t["median"] > 0 for t in tests.values()),
               f"bench: {list(tests)}")
    profile = report.get("profile", {})
    test.check(sum(line["count"] for line in profile.get("listening of 2", [])) > 20
               and all(any(line["seconds"] > 0 for line in p) for p in profile.values())
               and len(profile) == 4, f"bench: profiles {list(profile)}")


def lines_of(words, most):
    """Subtitles of so many words."""
    for i in range(0, len(words), most):
        some = words[i:i + most]
        yield some[0]["start"], some[-1]["end"], "".join(w["word"] for w in some).strip()


def languages(test, m):
    """Which one it is, and how likely each is."""
    done = test.transcribe(test.path("a.wav"), "--detect-language", "--json")
    r = json.loads(done.stdout or "{}")
    got = np.array(list(r.get("probabilities", {}).values()))
    want = GOLDEN[m.name + ".languages"]
    test.check(got.shape == want.shape and np.abs(got - want).max() < 1e-3
               and list(r["probabilities"])[int(want.argmax())] == r["language"],
               f"{m.name}: language {r.get('language')}")


def in_folder(test, files):
    """What is said, with a model that is a folder."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            with open(os.path.join(folder, name), "wb") as f:
                f.write(content)
        done = test.run(test.tawny, "transcribe", folder, test.path("a.wav"), "--json", *GREEDY)
    return json.loads(done.stdout or '{"segments": []}')


def as_folders(test, m):
    """The same weights in another form of file: the same text and numbers. Of int8, whose weights
    are others, the tokens of the first window are CTranslate2's."""
    with open(os.path.join(test.path("out"), "a.json"), encoding="utf-8") as f:
        want = json.load(f)
    for form, files in [("Hugging Face", m.hugging_face()), ("CTranslate2", m.ctranslate2())]:
        test.check(in_folder(test, files) == want, f"{m.name}: a folder as of {form}")
    often = max(set(want["segments"][0]["tokens"]), key=want["segments"][0]["tokens"].count)
    files = m.hugging_face()
    files["generation_config.json"] = json.dumps({"suppress_tokens": [*m.never(), often]}).encode()
    got = [t for s in in_folder(test, files)["segments"] for t in s["tokens"]]
    test.check(len(got) > 20 and often not in got, f"{m.name}: suppressed ids of the file")
    got = in_folder(test, m.ctranslate2(int8=True))["segments"]
    got = [t for s in got if s["seek"] == 0 for t in s["tokens"]]
    want = np.load(os.path.join(GOLDENS, "folders/tokens.npz"))["int8"][:len(got)].tolist()
    test.check(len(got) > 20 and got == want, f"{m.name}: {len(got)} tokens of CTranslate2's int8")


def stamp(seconds, point, hours=True):
    ms = round(seconds * 1000)
    hour = f"{ms // 3600000:02}:" if hours or ms >= 3600000 else ""
    return f"{hour}{ms // 60000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"


def formats(segments):
    """The files that go with JSON segments."""
    rows = [(s["start"], s["end"], s["text"].strip()) for s in segments]
    ms = [(round(a * 1000), round(b * 1000), t) for a, b, t in rows]
    return {
        "a.txt": "".join(t + "\n" for _, _, t in rows),
        "a.srt": "".join(f"{i + 1}\n{stamp(a, ',')} --> {stamp(b, ',')}\n{t}\n\n"
                         for i, (a, b, t) in enumerate(rows)),
        "a.vtt": "WEBVTT\n\n" + "".join(
            f"{stamp(a, '.', False)} --> {stamp(b, '.', False)}\n{t}\n\n" for a, b, t in rows),
        "a.tsv": "start\tend\ttext\n" + "".join(f"{a}\t{b}\t{t}\n" for a, b, t in ms),
        "a.csv": "start,end,text\n" + "".join(f'{a},{b},"{t}"\n' for a, b, t in ms),
        "a.lrc": "".join(f"[{a // 60000:02}:{a // 1000 % 60:02}.{a // 10 % 100:02}]{t}\n"
                         for a, b, t in ms),
    }


def odd_sounds(test):
    """A60, A61: hardly any samples, no numbers, full scale: each is done, with text or without."""
    def write(name, samples, kind):
        data = np.asarray(samples, kind).tobytes()
        size = np.dtype(kind).itemsize
        head = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVEfmt ", 16,
                           3 if size == 4 else 1, 1, 16000, 16000 * size, size, 8 * size, b"data",
                           len(data))
        with open(test.path(name), "wb") as f:
            f.write(head + data)
        return test.path(name)

    paths = [write(f"{n}.wav", [1000] * n, "<i2") for n in (0, 1, 159, 199, 401)]
    paths.append(write("dc.wav", [32767] * 8000, "<i2"))
    odd = [np.nan, np.inf, -np.inf, 1e38, -1e38, 1e-40, 0.5, 0]
    paths.append(write("odd.wav", odd * 1000, "<f4"))
    done = test.transcribe(*paths, "-o", test.path("odd"), "-f", "json", "-l", "en", "-bs", "1",
                           "--temperature-increment-on-fallback", "0")
    texts = {}
    for path in paths:
        name = os.path.splitext(os.path.basename(path))[0]
        with open(test.path(f"odd/{name}.json"), encoding="utf-8") as f:
            texts[name] = json.load(f)
    test.check(done.returncode == 0 and all(texts[n]["segments"] == [] for n in ("0", "1", "159"))
               and all(s["tokens"] and s["avg_logprob"] <= 0 for t in texts.values()
                       for s in t["segments"]), f"odd sounds: {[*texts]}")


def interrupted(test):
    """Ctrl-C while a pipe gives nothing ends it at once; the second input is not begun."""
    os.mkfifo(test.path("pipe"))
    run = subprocess.Popen([test.vk, "--test", test.tawny, "transcribe", test.path("m.bin"),
                            test.path("pipe"), test.path("a.wav")], env=test.env, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    with open(test.path("pipe"), "wb", buffering=0) as f:  # opens once it is being read
        f.write(bytes(100))
        time.sleep(0.5)
        start = time.monotonic()
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
    took = time.monotonic() - start
    test.check(run.returncode == 130 and out == "" and took < 2 and "a.wav" not in err,
               f"Ctrl-C: {run.returncode} after {took:.2f} s")


def hotter(test):
    """Text that is never likely enough is tried up to temperature 1; the seed says what it is."""
    with open(test.path("m.bin"), "wb") as f:
        f.write(SHORT.ggml())
    texts = []
    for seed in (3, 3, 4):
        done = test.transcribe(test.path("a.wav"), "--json", "-l", "en", "--logprob-threshold",
                               "-0.001", "--no-speech-threshold", "0", "--best-of", "3",
                               "--beam-size", "1", "--temperature-increment-on-fallback", "1",
                               "--seed", str(seed))
        texts.append(json.loads(done.stdout or '{"segments": []}')["segments"])
    test.check(texts[0] and all(s["temperature"] == 1 for s in texts[0]), "the last temperature")
    test.check(texts[0] == texts[1] != texts[2], "the same seed, the same text")


def verified(test):
    """Every dispatch of the plans has the bits of its reference."""
    done = test.run(test.tawny, "verify", test.path("m.bin"), "--json", "-n", "1")
    r = json.loads(done.stdout or "{}")
    plans = {x["plan"] for x in r.get("layers", [])}
    test.check(r.get("right") and r["complete"] and all(x["same_bits"] for x in r["layers"])
               and {"listen", "language", "next drawn", "next", "beam"} <= plans,
               f"tawny verify MODEL: {r.get('counts')}")


def bad_files(test, m):
    """W34, and others that are refused with the field and the value."""
    good = m.ggml()
    size = struct.calcsize("<12i")

    def refused(what, data, *words):
        with open(test.path("bad.bin"), "wb") as f:
            f.write(data)
        done = test.run(test.tawny, "transcribe", test.path("bad.bin"), test.path("a.wav"), code=3)
        test.check(done.returncode == 3 and all(w in done.stderr for w in words),
                   f"{what}: {done.stderr.strip()[-120:]}")

    def changed(field, value):
        at = 4 + 4 * field
        return good[:at] + struct.pack("<i", value) + good[at + 4:]

    for n_vocab in (1, 50256, 50257, 50300, 50364, 51863, 51867):
        refused(f"a vocabulary of {n_vocab}", changed(0, n_vocab), str(n_vocab), "51864")
    refused("a vocabulary of another size", changed(0, 51866), "decoder.token_embedding.weight")
    refused("heads that do not divide", changed(3, 5), "5 heads")
    refused("a head of 4", changed(3, 16), "16 heads")
    refused("too many layers", changed(4, 9), "encoder.blocks")
    refused("too few layers", changed(4, 1), "has no place")
    refused("other bands", changed(9, 128), "mel_filters")
    refused("no tensors", good[:size + 8 + 4 * m.mels * 201] + bytes(4), "tokens")


def bad_sounds(test):
    """A broken file is reported, the others are done, here to stdout."""
    with open(os.path.join(test.path("out"), "a.txt"), encoding="utf-8") as f:
        text = f.read()
    with open(test.path("broken.wav"), "wb") as f:
        f.write(b"RIFF" + bytes(40))
    done = test.transcribe(test.path("broken.wav"), test.path("a.wav"), *GREEDY, code=1)
    test.check(done.returncode == 1 and "broken.wav" in done.stderr
               and done.stdout == text, "a broken file among others")
    done = test.transcribe(test.path("a.wav"), "-l", "xx", code=2)
    test.check(done.returncode == 2 and "'xx'" in done.stderr, "a language that there is not")
    done = test.transcribe(test.path("a.wav"), "-f", "srt,vtt", code=2)
    test.check(done.returncode == 2 and "--output-dir" in done.stderr, "two formats to stdout")
    done = test.transcribe("/none/a.wav", test.path("a.wav"), test.path("broken.wav"), *GREEDY,
                           code=1)
    test.check(done.stdout == text and "/none/a.wav: cannot open" in done.stderr
               and "broken.wav" in done.stderr and "2 of 3 inputs" in done.stderr,
               "several broken ones")


def folders(test):
    """Media files of folders, and what their texts are called."""
    tree = {"d/b/two.wav": 1, "d/a.wav": 0, "d/a.ogg": 0, "d/.hidden.wav": 1, "d/b/notes.txt": 1,
            "d/b/.git/x.wav": 1, "e/two.wav": 0, "f/two.wav": 0, "plain": 1}
    with wave.open(test.path("a.wav")) as w:
        samples = w.readframes(16000 * 2)
    for name, good in tree.items():
        os.makedirs(os.path.dirname(test.path(name)), exist_ok=True)
        with wave.open(test.path(name), "wb") as w:
            w.setparams((1, 2, 16000, 0, "NONE", ""))
            w.writeframes(samples)
        if not good:
            os.truncate(test.path(name), 20)
    os.symlink(test.path("d"), test.path("d/b/around"))
    os.makedirs(test.path("empty"))
    done = test.transcribe(*(test.path(x) for x in ("d/", "empty", "e/two.wav", "f/two.wav",
                                                    "plain")),
                           "-o", test.path("texts"), "-l", "en", "--no-timestamps",
                           "--temperature-increment-on-fallback", "0", code=1)
    made = sorted(os.path.relpath(os.path.join(at, f), test.path("texts"))
                  for at, _, files in os.walk(test.path("texts")) for f in files)
    test.check(made == ["a.ogg.txt", "a.wav.txt", "b/two.txt", "plain.txt", "two.wav-2.txt",
                        "two.wav.txt"], f"texts of folders: {made}")
    test.check("empty: no media files" in done.stderr and "5 of 7 inputs" in done.stderr
               and all(name in done.stderr for name, good in tree.items() if not good),
               "what is wrong in folders is said")
    sizes = {f: os.path.getsize(test.path("texts/" + f)) for f in made}
    test.check([f for f in made if sizes[f] > 10] == ["b/two.txt", "plain.txt"]
               and sizes["b/two.txt"] == sizes["plain.txt"], f"each has its text: {sizes}")


def main():
    vk, tawny, dump, *names = sys.argv[1:]
    for m in MODELS:
        if names and m.name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            test = SpeechTest(vk, tawny, dump, folder)
            with open(test.path("m.bin"), "wb") as f:
                f.write(m.ggml())
            samples = sound(*SOUNDS[m.name])
            one_window(test, m, samples)
            with wave.open(test.path("a.wav"), "wb") as w:
                w.setparams((1, 2, 16000, len(samples), "NONE", ""))
                w.writeframes(samples.astype("<i2").tobytes())
            if m is not MODELS[-1]:
                whole_sound(test, m, samples)
            else:  # the loudest band of the first window counts in the others, which are short
                same_words(test, m, "timed")
            if m is MODELS[0]:
                side_by_side(test)
                languages(test, m)
                as_folders(test, m)
                bad_files(test, m)
                bad_sounds(test)
                hotter(test)
                folders(test)
                interrupted(test)
                loops(test)
                odd_sounds(test)
                verified(test)
            if test.failed:
                print(f"# {m.name}: {test.failed} of {test.n} failed")
                sys.exit(1)


main()
