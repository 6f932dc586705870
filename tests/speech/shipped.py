#!/usr/bin/env python3
"""The speech model that ships with tawny, through `tawny transcribe`: shipped.py VK TAWNY

clips/ holds 8 of the held-out clips of training/speech and 2 without speech (one silent, one of
noise), as Opus. Words and times must be right as often as of all held-out clips, the clips without
speech must give no text, and the formats must say the same. A transcription must take the memory
that inspect says. Prints TAP."""
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
sys.path[:0] = [os.path.join(ROOT, "tests"), os.path.join(ROOT, "training/speech")]
from tap import Test  # noqa: E402
from measure import measure, words  # noqa: E402

WRONG = 0.05  # of the words
SHORT = "005.opus"  # two sentences, heard without a mistake
STAMP = r"(\d\d):(\d\d):(\d\d),(\d{3})"


class ShippedTest(Test):
    def __init__(self, vk, tawny):
        super().__init__("build")
        self.command = [vk, "--test", tawny]

    def run(self, verb, *arguments, text=""):
        done = subprocess.run([*self.command, verb, MODEL, *arguments], input=text,
                              capture_output=True, text=True, env=self.env, check=False)
        if done.returncode:
            print("# " + done.stderr.strip().replace("\n", "\n# "))
            sys.exit(f"tawny {verb} ended with {done.returncode}")
        return done

    def said(self, verb, *arguments, text=""):
        return self.run(verb, *arguments, text=text).stdout

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


def in_bytes(text):
    number, unit = text.split()
    return float(number) * 1024 ** ["B", "KiB", "MiB", "GiB"].index(unit)


def planned(test, clips):
    """What inspect plans is what a transcription then uses, within 5 %. Of silence, which takes as
    much as speech, and less time."""
    totals = []
    silent = next(c["file"] for c in clips if not c["segments"])
    for how in ([], ["--batch", "3"], ["--beam-size", "1", "--best-of", "1"],
                ["--word-timestamps", "True", "--beam-size", "1", "--batch", "2"]):
        plan = json.loads(test.run("inspect", *how, "--json").stdout)["memory"]
        line = re.search("memory: (.*); ", test.run("transcribe", *how, "--stats",
                                                    os.path.join(CLIPS, silent)).stderr)[1]
        used = [(part.split()[0].lower(), in_bytes(part.split(" ", 1)[1]))
                for part in line.split(", ")]
        total = sum(n for _, n in used)
        totals.append(plan["total"])
        off = max((abs(plan[name] - n) - 8192) / n for name, n in used)  # n has 2 decimals
        test.check(len(used) == 5 and off <= 0.05 and abs(plan["total"] - total) <= 0.05 * total,
                   f"{' '.join(how) or 'as it comes'}: {plan['total'] / 2**20:.1f} MiB for"
                   f" {plan['windows']} windows and {plan['texts']} texts, used"
                   f" {total / 2**20:.1f}, a part {100 * max(off, 0):.2f} % off")
    test.check(totals[2] < totals[0] < totals[1] and totals[0] < totals[3], "more takes more")


def main():
    test = ShippedTest(*sys.argv[1:])
    with open(os.path.join(CLIPS, "clips.json"), encoding="ascii") as f:
        clips = json.load(f)
    with tempfile.TemporaryDirectory() as folder:
        all_clips(test, clips, folder)
    other_ways(test, clips)
    planned(test, clips)
    sys.exit(1 if test.failed else 0)


main()
