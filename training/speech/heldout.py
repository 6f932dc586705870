#!/usr/bin/env python3
"""The clips that the model is measured with: 200 of speech, 40 of silence and noise.

    heldout.py OUT [--count 200] [--quiet 40]

Writes OUT/NNN.wav and OUT/clips.json: for each clip its sentences with their times. Needs
espeak-ng, numpy and torch (CPU). Training never says a sentence of these clips; see forbidden().
"""

import argparse
import json
import os
import random
import wave

import numpy as np
import torch

import sentences
import sound
import tokens
import windows

SEED = 7700001
MOST = 4000  # more sentences than clips() asks for


def forbidden():
    g = sentences.Generator(SEED + 1000003)
    return {sentences.written(g.sentence()) for _ in range(MOST)}


def one(talk, r, pool_rows):
    """Plan of a clip: (pieces, rows)."""
    long = r.random() < 0.6
    rows = r.randint(300, 1400) if long else r.randint(60, 250)
    talk.groups, talk.all = [], []
    parts = []
    while sum(s.rows for s in talk.all) < rows * 0.8 or not talk.all:
        parts.append(talk.produce(r.randint(1, 2 + 3 * long)))
    pieces = []
    while not pieces:
        at = r.randint(0, 45)
        order = [s for g in talk.groups for s in g] if long else talk.all[:1]
        count = 0
        for s in order:
            count += sum(map(len, s.units)) + 2
            if at + s.rows > 1440 or (pieces and at + s.rows > rows) or count > windows.MAX_TEXT:
                break
            pieces.append((s, at))
            at += s.rows + min(150, talk.gap())
    end = pieces[-1][1] + pieces[-1][0].rows
    return pieces, min(windows.FULL, end + r.randint(0, 75)), parts


def clips(count=200, quiet=40):
    """[{"samples": int16, "segments": [(start, end, text)]}], the same at every call."""
    r = random.Random(SEED)
    device = torch.device("cpu")
    talk = windows.Talk(SEED, 0)
    mixer = sound.Mixer(device, SEED, bank=40)
    pool = sound.Pool(200000, device)
    out = []
    for i in range(count + quiet):
        if i < count:
            pieces, length, parts = one(talk, r, pool)
            for base, samples, phones in parts:
                pool.add(base, samples, phones)
        else:
            pieces, length = [], r.randint(50, windows.FULL)
        end = max([s.rows + at for s, at in pieces], default=0)
        plan = {
            "length": length,
            "pieces": np.array(
                [(0, s.row, s.rows, at, 10 ** (r.uniform(-6, 0) / 20)) for s, at in pieces],
                np.float64,
            ).reshape(-1, 5),
            "offset": np.zeros(1, np.int64),
            "end": np.array([end]),
        }
        x, _ = mixer.mix(pool, plan)
        x = (x[0] * 32767).round().to(torch.int16).numpy()
        segments = [(at * 0.02, (at + s.rows) * 0.02, s.text) for s, at in pieces]
        out.append({"samples": x, "segments": segments})
    return out


def mels(made, device):
    """[count, 80, 3000] of clips filled with zeros to 30 s."""
    x = torch.zeros(len(made), 480000)
    for i, c in enumerate(made):
        x[i, : len(c["samples"])] = torch.from_numpy(c["samples"]) / 32768
    log_mel = sound.LogMel(device)
    return torch.cat([log_mel(part.to(device)) for part in x.split(16)])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("--count", type=int, default=200)
    p.add_argument("--quiet", type=int, default=40)
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    sound.threads()
    listed = []
    for i, c in enumerate(clips(a.count, a.quiet)):
        name = "%03d.wav" % i
        with wave.open(os.path.join(a.out, name), "wb") as f:
            f.setparams((1, 2, 16000, 0, "NONE", ""))
            f.writeframes(c["samples"].tobytes())
        listed.append({"file": name, "segments": c["segments"]})
    with open(os.path.join(a.out, "clips.json"), "w", encoding="ascii") as f:
        json.dump(listed, f, indent=0)


if __name__ == "__main__":
    main()
