#!/usr/bin/env python3
"""Trains the speech model: espeak-ng speaks on the CPU's cores while one GPU learns.

    train.py --out DIR [--minutes 7.5]

Leaves DIR/speech.pt for export.py (float16; written anew every minute) and DIR/log.txt.
"""

import argparse
import collections
import math
import multiprocessing
import os
import sys
import threading
import time
from multiprocessing.connection import wait

import numpy as np
import torch
import torch.nn.functional as F

import heldout
import measure
import model as network
import sentences
import sound
import tokens
import windows

ROWS_A_WORKER = 3000000  # 16 h of speech


# ---- workers ------------------------------------------------------------------------------------


def worker(number, seed, banned, pipe, stage, wanted, a):
    """Speaks and plans until the pipe closes."""
    try:
        os.nice(5)
        talk = windows.Talk(seed + 7919 * number, number * a.rows, banned)
        lengths = [s[0] for s in a.stages]
        first = True
        while True:
            if talk.next_row + 20000 < (number + 1) * a.rows:
                said = talk.produce(talk.r.randint(3, 8))
                pipe.send(("sound", said))
            if first and len(talk.all) < a.least:
                continue
            first = False
            for _ in range(3):
                if not wanted.acquire(timeout=0.001):
                    break
                k = stage.value
                plan = talk.plan(lengths[k], a.stages[k][2], talk.r.random() < 0.12)
                pipe.send(("plan", plan))
    except (BrokenPipeError, EOFError, KeyboardInterrupt):
        pass


def heldout_worker(pipe, a):
    torch.set_num_threads(1)
    pipe.send(heldout.clips(a.clips, a.quiet))


class Source:
    """Plans as the workers send them; speech goes to the pool on the way."""

    def __init__(self, a):
        context = multiprocessing.get_context("fork")
        self.stage = context.Value("i", 0)
        self.wanted = context.Semaphore(a.ahead)
        self.inbox, self.filled = collections.deque(), threading.Event()
        self.processes, self.pipes = [], []
        banned = heldout.forbidden()
        for i in range(a.workers):
            mine, theirs = context.Pipe(False)
            args = (i, a.seed, banned, theirs, self.stage, self.wanted, a)
            self.processes.append(context.Process(target=worker, args=args, daemon=True))
            self.processes[-1].start()
            theirs.close()
            self.pipes.append(mine)
        self.clips, theirs = context.Pipe(False)
        self.processes.append(
            context.Process(target=heldout_worker, args=(theirs, a), daemon=True)
        )
        self.processes[-1].start()
        theirs.close()
        self.seconds = self.sentences = 0
        self.thread = threading.Thread(target=self.receive, daemon=True)

    def receive(self):
        pipes = list(self.pipes)
        while pipes:
            for p in wait(pipes):
                try:
                    self.inbox.append(p.recv())
                except (EOFError, OSError):
                    pipes.remove(p)
                self.filled.set()

    def next(self, pool, length):
        while True:
            while self.inbox:
                kind, what = self.inbox.popleft()
                if kind == "sound":
                    pool.add(*what)
                    self.seconds += len(what[1]) * 0.02
                else:
                    self.wanted.release()
                    if what["length"] == length:
                        return what
            self.filled.wait(0.2)
            self.filled.clear()

    def stop(self):
        for p in self.processes:
            p.terminate()


# ---- training -----------------------------------------------------------------------------------


class Muon:
    """Momentum whose matrices are made orthogonal; all matrices of one shape at a time."""

    def __init__(self, params, rate, momentum=0.95):
        self.rate, self.momentum, self.groups = rate, momentum, {}
        for p in params:
            self.groups.setdefault(p.shape, []).append(p)
        self.state = {
            s: torch.zeros(len(g), *s, device=g[0].device) for s, g in self.groups.items()
        }

    @torch.no_grad()
    def step(self, rate, decay):
        for shape, group in self.groups.items():
            grad = torch.stack([p.grad for p in group])
            m = self.state[shape].mul_(self.momentum).add_(grad)
            x = grad.add(m, alpha=self.momentum)
            if x.is_cuda:
                x = x.bfloat16()
            tall = shape[0] > shape[1]
            if tall:
                x = x.transpose(1, 2)
            x = x / (x.float().norm(dim=(1, 2), keepdim=True) + 1e-7).to(x.dtype)
            for _ in range(5):
                s = x @ x.transpose(1, 2)
                x = 3.4445 * x + (-4.7750 * s + 2.0315 * s @ s) @ x
            if tall:
                x = x.transpose(1, 2)
            x = x.float() * (rate * max(1.0, shape[0] / shape[1]) ** 0.5)
            torch._foreach_mul_(group, 1 - rate * decay)
            torch._foreach_add_(group, list(x), alpha=-1)


def used_tokens(seed):
    """Ids that texts need, from many sentences, every byte, and the special ones."""
    t, g, out = tokens.Tokenizer(), sentences.Generator(seed), set(range(256))
    for _ in range(40000):
        for w, _ in g.sentence():
            out.update(t.encode(" " + w))
    for name, listed in sentences.WORDS.items():
        for w in listed:
            for form in {w, w.capitalize()}:
                for end in ("", ".", ",", "?", "s"):
                    out.update(t.encode(" " + form + end))
    for n in range(1000):
        out.update(t.encode(" " + str(n)) + t.encode(str(n)))
    return out | {tokens.EOT, tokens.SOT, tokens.PREV, tokens.NOSPEECH, tokens.NOTIMES}


def losses(net, mel, plan, phones, device):
    """(of the text, of sounds in the encoder, of where head 0 of the upper layers looks)."""
    ids = sound.put(plan["ids"], device).long()
    inputs, targets, low, high = ids
    source = net.encoder(mel, sound.put(plan["offset"], device))
    watch = []
    rows = net.rows()
    logits = net.decode(rows, inputs, source, watch)
    classes = torch.where(targets >= 0, net.rank[targets.clamp(min=0)], -100)
    text = F.cross_entropy(logits.flatten(0, 1), classes.flatten(), ignore_index=-100)
    sounds = F.cross_entropy(net.phone(source).float().flatten(0, 1), phones.flatten().long())
    at = torch.arange(source.shape[1], device=device)
    inside = (at >= (low - 3)[..., None]) & (at < (high + 3)[..., None])
    known = (low >= 0).float()
    guide = 0.0
    for scores in watch:
        hit = scores.masked_fill(~inside, -1e4).logsumexp(2) - scores.logsumexp(2)
        guide = guide - (hit.clamp(min=-30) * known).sum() / known.sum().clamp(min=1)
    return text, sounds, guide / max(1, len(watch))


def save(net, a, path):
    small = {k: v for k, v in net.state_dict().items() if k.startswith(("encoder.", "decoder."))}
    torch.save(
        {
            "width": net.n,
            "audio_layers": net.audio_layers,
            "text_layers": net.text_layers,
            "ids": net.ids.cpu(),
            "used": int(len(net.words) - 1),
            "rows": net.rows().detach().cpu().half(),
            "weights": {k: v.detach().cpu().half() for k, v in small.items()},
        },
        path + ".part",
    )
    os.replace(path + ".part", path)


def load(path, device="cpu"):
    """The network of a file that save() wrote."""
    d = torch.load(path, map_location="cpu", weights_only=True)
    net = network.Trainee(
        d["width"], d["audio_layers"], d["text_layers"], d["ids"][: d["used"]].tolist()
    )
    net.load_state_dict({k: v.float() for k, v in d["weights"].items()}, strict=False)
    with torch.no_grad():
        rows = d["rows"].float()
        net.words.copy_(rows[: d["used"] + 1])
        net.time_mix.zero_()
        net.time_free.copy_(rows[d["used"] + 1 :])
    return net.to(device)


def evaluate(net, clips, mels, count, log):
    t = tokens.Tokenizer()
    net.eval()
    clips = clips[:count] + clips[count:][-count:]
    mels = torch.cat([mels[:count], mels[count:][-count:]])
    out, quiet = network.greedy(net, mels, True)
    heard = [segments_of(ids, t) for ids in out]
    m = measure.measure(clips, heard)
    silent = [q for q, c in zip(quiet, clips) if not c["segments"]]
    spoken = [q for q, c in zip(quiet, clips) if c["segments"]]
    log("  timed   " + "  ".join("%s %.4g" % x for x in m.items()))
    log("  no-speech probability: quiet %.3f (least %.3f), speech %.3f (most %.3f)" % (
        np.mean(silent or [0]), np.min(silent or [0]), np.mean(spoken or [0]), np.max(spoken or [0])
    ))
    for c, ids in list(zip(clips, out))[:4]:
        log("  said    " + " ".join("<|%.2f|> %s<|%.2f|>" % (s, x, e) for s, e, x in c["segments"]))
        log("  heard   " + t.decode(ids))
    out, _ = network.greedy(net, mels, False)
    m = measure.measure(clips, [[(0, 0, t.decode(ids))] for ids in out])
    log("  untimed wer %.4g" % m["wer"])
    net.train()


def segments_of(ids, tokenizer):
    """[(start, end, text)] of Whisper tokens with times."""
    out, start, text = [], None, []
    for t in ids:
        if t < tokens.TEXT:
            text.append(t)
        elif t >= tokens.TIME0:
            at = (t - tokens.TIME0) * 0.02
            if text:
                out.append((start or 0.0, at, tokenizer.decode(text)))
            start, text = at, []
    if text:
        out.append((start or 0.0, 30.0, tokenizer.decode(text)))
    return out


class Trainer:
    def __init__(self, net, a, device):
        self.net, self.a, self.device = net, a, device
        matrices = [p for n, p in net.named_parameters() if p.dim() == 2 and ".blocks." in n]
        chosen = {id(p) for p in matrices} if a.muon else set()
        self.muon = Muon(matrices, a.muon) if a.muon else None
        rest = [p for p in net.parameters() if id(p) not in chosen]
        groups = [
            {"params": [p for p in rest if p.dim() > 1], "weight_decay": 0.01},
            {"params": [p for p in rest if p.dim() < 2], "weight_decay": 0.0},
        ]
        self.adam = torch.optim.AdamW(
            groups, lr=a.rate, betas=(0.9, 0.98), eps=1e-8, fused=device.type == "cuda"
        )
        self.cuda = device.type == "cuda"

    def step(self, mel, plan, phones, scale, extra):
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.cuda):
            text, sounds, guide = losses(self.net, mel, plan, phones, self.device)
        loss = text + extra * (0.3 * sounds + 0.15 * guide)
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        for g in self.adam.param_groups:
            g["lr"] = self.a.rate * scale
        self.adam.step()
        if self.muon:
            self.muon.step(self.a.muon * scale, 0.05)
        return torch.stack([text.detach(), sounds.detach(), guide.detach()])


def train(a, source, device, log):
    begin = time.time()
    source.thread.start()
    torch.manual_seed(a.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    pool = sound.Pool(a.rows * a.workers, device)
    mixer, log_mel = sound.Mixer(device, a.seed, bank=a.bank), sound.LogMel(device)
    if a.init:
        net = load(a.init, device)
    else:
        net = network.Trainee(a.width, a.audio_layers, a.text_layers, used_tokens(a.seed))
        net = net.to(device)
    log(
        "%.2f M parameters, %d rows of tokens, on %s after %.0f s"
        % (sum(p.numel() for p in net.parameters()) / 1e6, len(net.ids), device, a.age())
    )
    trainer = Trainer(net, a, device)
    clips = mels = None
    k = step = seen = 0
    sums, marks = torch.zeros(3, device=device), 0
    told = saved = start = None
    while True:
        plan = source.next(pool, a.stages[k][0])
        now = time.time()
        if start is None:
            start = told = saved = now
            total = min(60 * a.minutes, a.deadline - a.age())
            log("first windows after %.0f s" % a.age())
        done = (now - start) / total
        if done >= 1:
            break
        with torch.no_grad():
            x, phones = mixer.mix(pool, plan)
            mel = log_mel(x)
        warm = min(1.0, (step + 1) / a.warmup)
        scale = warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        extra = max(0.1, 1 - 1.3 * done)
        sums += trainer.step(mel, plan, phones, scale, extra)
        step, seen, marks = step + 1, seen + len(plan["offset"]), marks + 1
        if now - told >= a.every:
            told = now
            v = (sums / marks).tolist()
            log(
                "%4.0f s  step %5d  stage %d  text %.3f  sounds %.3f  guide %.3f  windows %d"
                "  %.1f h of speech" % (now - start, step, k, *v, seen, source.seconds / 3600)
            )
            sums.zero_()
            marks = 0
        while k + 1 < len(a.stages) and done >= sum(s[1] for s in a.stages[: k + 1]):
            k += 1
            source.stage.value = k
        if now - saved >= a.save:
            saved = now
            save(net, a, os.path.join(a.out, "speech.pt"))
            if clips is None and source.clips.poll():
                clips = source.clips.recv()
                mels = heldout.mels(clips, device)
            if clips is not None:
                evaluate(net, clips, mels, a.peek, log)
    save(net, a, os.path.join(a.out, "speech.pt"))
    log("trained: %d steps, %d windows, %.0f s" % (step, seen, time.time() - begin))
    if clips is None:
        clips = source.clips.recv()
        mels = heldout.mels(clips, device)
    evaluate(net, clips, mels, len(clips), log)


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=float, default=7.5)
    p.add_argument("--deadline", type=float, default=1e9, help="seconds, start to end of training")
    p.add_argument("--width", type=int, default=192)
    p.add_argument("--audio-layers", type=int, default=4)
    p.add_argument("--text-layers", type=int, default=4)
    p.add_argument("--stages", default="300:0.2:192,600:0.25:128,1500:0.55:64",
                   help="rows of a window : share of the time : windows a step, ...")
    p.add_argument("--rate", type=float, default=1.5e-3)
    p.add_argument("--muon", type=float, default=0.02, help="its rate; 0: AdamW alone")
    p.add_argument("--warmup", type=int, default=300)
    p.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--rows", type=int, default=ROWS_A_WORKER, help="of speech a worker may make")
    p.add_argument("--least", type=int, default=60, help="sentences before a worker's first plan")
    p.add_argument("--ahead", type=int, default=32, help="plans made ahead")
    p.add_argument("--bank", type=int, default=300, help="kinds of noise")
    p.add_argument("--clips", type=int, default=200)
    p.add_argument("--quiet", type=int, default=40)
    p.add_argument("--peek", type=int, default=24, help="clips that a save is measured with")
    p.add_argument("--save", type=float, default=60, help="seconds")
    p.add_argument("--every", type=float, default=10, help="seconds")
    p.add_argument("--init", help="a speech.pt to go on from")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    a.stages = [
        (int(n), float(share), int(count))
        for n, share, count in (s.split(":") for s in a.stages.split(","))
    ]
    born = time.time()
    a.age = lambda: time.time() - born
    return a


def main():
    a = arguments()
    os.makedirs(a.out, exist_ok=True)
    with open(os.path.join(a.out, "log.txt"), "w", encoding="utf-8") as f:

        def log(line):
            print(line, flush=True)
            f.write(line + "\n")
            f.flush()

        log(" ".join(sys.argv))
        source = Source(a)
        try:
            torch.set_num_threads(int(os.environ.get("THREADS", "4")))
            device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
            train(a, source, device, log)
        finally:
            source.stop()
        log("done after %.0f s" % a.age())


if __name__ == "__main__":
    main()
