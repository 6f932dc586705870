#!/usr/bin/env python3
"""Measures a program's transcripts of the held-out clips.

    heldout.py CLIPS
    evaluate.py CLIPS [--limit N] -- tawny transcribe MODEL --output-format json ...

Runs the command once with all files of CLIPS behind it and --output-dir, reads the JSON of each and
prints word error rate, errors of the sentences' times and how many quiet clips got text. Where one
sentence is all that a window holds, tawny, like openai-whisper, lets it begin with the window; the
time that was heard is its first token, which counts here.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import measure

TIME0 = 50363  # the token of 0.00 s


def begin(segment):
    first = segment["tokens"][0]
    if first < TIME0:
        return segment["start"]
    return segment["seek"] / 100 + (first - TIME0) * 0.02


def main():
    p = argparse.ArgumentParser()
    p.add_argument("clips")
    p.add_argument("--limit", type=int, help="only the first N clips of speech, N/5 quiet ones")
    p.add_argument("--show", type=int, default=0, help="that many wrong clips")
    p.add_argument("command", nargs="+")
    a = p.parse_args()
    with open(os.path.join(a.clips, "clips.json"), encoding="ascii") as f:
        made = json.load(f)
    if a.limit:
        spoken = [c for c in made if c["segments"]]
        quiet = [c for c in made if not c["segments"]]
        made = spoken[: a.limit] + quiet[: a.limit // 5]
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(a.clips, c["file"]) for c in made]
        command = a.command + ["--output-dir", folder] + files
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            sys.exit("%s: exit code %d" % (a.command[0], done.returncode))
        heard = []
        for c in made:
            path = os.path.join(folder, os.path.splitext(c["file"])[0] + ".json")
            with open(path, encoding="utf-8") as f:
                segments = json.load(f)["segments"]
            heard.append([(begin(s), s["end"], s["text"]) for s in segments])
    for k, v in measure.measure(made, heard).items():
        print("%-20s %.4g" % (k, v))
    for c, h in zip(made, heard):
        want = [t for _, _, t in c["segments"]]
        if a.show and measure.words(" ".join(want)) != measure.words(" ".join(x[2] for x in h)):
            a.show -= 1
            print(c["file"], c["segments"], h, sep="\n  ")


if __name__ == "__main__":
    main()
