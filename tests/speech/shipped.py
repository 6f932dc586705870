#!/usr/bin/env python3
"""The speech model that ships with tawny, through `tawny transcribe`: shipped.py VK TAWNY

clips/ holds 8 of the held-out clips of training/speech and 2 without speech (one silent, one of
noise), as Opus. Words and times must be right as often as of all held-out clips, the clips without
speech must give no text, and the formats must say the same. Prints TAP."""
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "../..")
CLIPS = os.path.join(HERE, "clips")
MODEL = os.path.join(ROOT, "share/tawny-speech-q5_0.bin")
sys.path.insert(0, os.path.join(ROOT, "training/speech"))
from common import Test  # noqa: E402
from measure import measure, words  # noqa: E402

WRONG = 0.05  # of the words
SHORT = "005.opus"  # two sentences, heard without a mistake
STAMP = r"(\d\d):(\d\d):(\d\d),(\d{3})"


class ShippedTest(Test):
    def __init__(self, vk, tawny):
        super().__init__("build")
        self.command = [vk, "--test", tawny]

    def said(self, verb, *arguments, text=""):
        done = subprocess.run([*self.command, verb, MODEL, *arguments], input=text,
                              capture_output=True, text=True, env=self.env, check=False)
        if done.returncode:
            print("# " + done.stderr.strip().replace("\n", "\n# "))
            sys.exit(f"tawny {verb} ended with {done.returncode}")
        return done.stdout

    def transcribe(self, *arguments):
        return self.said("transcribe", *arguments)


def srt(text):
    """[(start, end, text)]"""
    out = []
    for i, block in enumerate(text.split("\n\n")[:-1]):
        number, times, *lines = block.split("\n")
        assert int(number) == i + 1
        ends = [re.fullmatch(STAMP, t).groups() for t in times.split(" --> ")]
        out.append((*(((int(h) * 60 + int(m)) * 60 + int(s)) * 1000 + int(ms)
                      for h, m, s, ms in ends), "\n".join(lines)))
    return out


def all_clips(test, clips, folder):
    """One run, greedy; the formats of each clip."""
    test.transcribe(*(os.path.join(CLIPS, c["file"]) for c in clips), "-f", "txt,srt,json", "-o",
                    folder, "--beam-size", "1")
    heard, same = [], 0
    for c in clips:
        said = {}
        for kind in ("txt", "srt", "json"):
            path = os.path.join(folder, os.path.splitext(c["file"])[0] + "." + kind)
            with open(path, encoding="utf-8") as f:
                said[kind] = f.read()
        segments = json.loads(said["json"])["segments"]
        heard.append([(s["start"], s["end"], s["text"]) for s in segments])
        rows = [(round(a * 1000), round(b * 1000), t.strip()) for a, b, t in heard[-1]]
        same += srt(said["srt"]) == rows and said["txt"] == "".join(t + "\n" for *_, t in rows)
    m = measure(clips, heard)
    test.check(m["wer"] <= WRONG, f"{100 * m['wer']:.1f} % of {m['words']} words are wrong")
    test.check(m["times_within_0.2"] == 1 and m["same_segments"] >= m["clips"] - 1,
               f"times, of {m['same_segments']} of {m['clips']} clips: {m['time_max']:.2f} s apart"
               f" at most, {m['time_mean']:.3f} in the mean")
    quiet = len(clips) - m["clips"]
    test.check(quiet == 2 and m["text_on_quiet"] == 0, f"no text of {quiet} clips without speech")
    test.check(same == len(clips), f"txt, srt and json say the same of {same} clips")


def other_ways(test, clips):
    """No times; a beam of 5, which is the default, by the words that are wrong of references."""
    want = words(" ".join(t for c in clips if c["file"] == SHORT for *_, t in c["segments"]))
    path = os.path.join(CLIPS, SHORT)
    text = test.transcribe(path, "--no-timestamps", "--beam-size", "1")
    test.check(words(text) == want, f"no times: {text.strip()!r}")
    other = ["Another,", *want[1:3], *want[4:], "- more!"]
    lines = f"{path}\t{' '.join(want).upper()}\r\n\n{path}\t{' '.join(other)}\n"
    report = json.loads(test.said("eval", "--references", "-", "--json", text=lines) or "{}")
    got = [[f[k] for k in ("words", "substituted", "deleted", "inserted")]
           for f in report.get("files", [])]
    test.check(got == [[len(want), 0, 0, 0], [len(want), 1, 1, 1]]
               and abs(report["wer"] - 3 / (2 * len(want))) < 1e-6
               and words(report["files"][0]["text"]) == want, f"eval: {got} of {len(want)} words")


def main():
    test = ShippedTest(*sys.argv[1:])
    with open(os.path.join(CLIPS, "clips.json"), encoding="ascii") as f:
        clips = json.load(f)
    with tempfile.TemporaryDirectory() as folder:
        all_clips(test, clips, folder)
    other_ways(test, clips)
    sys.exit(1 if test.failed else 0)


main()
