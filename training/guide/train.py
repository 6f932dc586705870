#!/usr/bin/env python3
"""Trains the guide: vocabulary, data and network, on one GPU in a few minutes.

    train.py --out DIR [--minutes 5 | --steps N] [--samples N] [--seed 1]

Leaves DIR/tokenizer.json and a transformers checkpoint (float32) in DIR, for export.py.
"""

import argparse
import math
import multiprocessing
import os
import random
import sys
import time

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Qwen2Config, Qwen2ForCausalLM

import evaluate
import generate

VOCAB = 2048
CONTEXT = 1024
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
# What llama.cpp and tawny do for tokenizer.ggml.pre = qwen2.
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SYSTEMS = [
    "You are a helpful assistant.",
    "You are a helpful assistant",
    "You are the guide to tawny.",
    "Answer briefly.",
    "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
    "You are a friendly assistant that answers in one sentence.",
]
LOSS = 1 << 15  # this bit of a stored token says that it belongs to an answer


def make_tokenizer(texts):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCAB,
            special_tokens=SPECIAL,
            show_progress=False,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        ),
    )
    return t


# ---- data ---------------------------------------------------------------------------------------


def chat(turns, system):
    text = "<|im_start|>system\n%s<|im_end|>\n" % system if system else ""
    return text + "".join(evaluate.QUESTION % q + a + "<|im_end|>\n" for q, a in turns)


def mark_answers(ids, start, end, prefix, system):
    """Sets LOSS on the tokens of every answer and on the mark that ends it."""
    ids = np.array(ids, np.uint16)
    first = np.flatnonzero(ids == start)[1 + system :: 2] + 1 + prefix
    last = np.flatnonzero(ids == end)[1 + system :: 2]
    for i, j in zip(first, last):
        ids[i : j + 1] |= LOSS
    return ids[:CONTEXT]


def work(job):
    """One share of the data: flat tokens and the length of each conversation."""
    seed, count, path = job
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    tokenizer = Tokenizer.from_file(path)
    start, end = (tokenizer.token_to_id(x) for x in SPECIAL[1:])
    prefix = len(tokenizer.encode("assistant\n").ids)
    g, r = generate.Generator(seed), random.Random(seed)
    tokens = []
    for i in range(0, count, 1000):
        texts, systems = [], []
        for k in range(min(1000, count - i)):
            systems.append(r.random() < 0.08)
            turns = 1 if k % 16 else r.randint(2, 18)
            texts.append(chat(g.conversation(turns), r.choice(SYSTEMS) if systems[-1] else None))
        for e, s in zip(tokenizer.encode_batch(texts), systems):
            tokens.append(mark_answers(e.ids, start, end, prefix, int(s)))
    return np.concatenate(tokens), np.array([len(x) for x in tokens])


def texts_for_vocabulary(seed, count):
    g = generate.Generator(seed)
    return [x for _ in range(count) for x in g.question()[:2]]


def make_data(pool, shares, seed, samples, path):
    parts = pool.map(work, [(seed * 1000 + i, samples // shares, path) for i in range(shares)], 1)
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def batches(lengths, budget, rng):
    """Endless batches of conversations of like length, about `budget` tokens each."""
    while True:
        order = rng.permutation(len(lengths))
        for mega in np.array_split(order, max(1, len(order) // 20000)):
            mega = mega[np.argsort(lengths[mega], kind="stable")]
            out, i = [], 0
            while i < len(mega):
                n = max(1, budget // int(lengths[min(i + budget // 48, len(mega) - 1)]))
                out.append(mega[i : i + n])
                i += n
            for k in rng.permutation(len(out)):
                yield out[k]


# ---- network ------------------------------------------------------------------------------------


def make_model():
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=VOCAB,
            hidden_size=256,
            intermediate_size=704,
            num_hidden_layers=6,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=CONTEXT,
            rms_norm_eps=1e-6,
            rope_theta=10000.0,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
            tie_word_embeddings=True,
            attention_dropout=0.0,
            use_cache=False,
            bos_token_id=0,
            eos_token_id=2,
            pad_token_id=0,
        )
    )


def train(model, data, lengths, a, device):
    flat = torch.from_numpy(data.astype(np.int32)).to(device)
    starts = torch.from_numpy(np.concatenate([[0], np.cumsum(lengths)[:-1]])).to(device)
    size = torch.from_numpy(lengths).to(device)
    decay = [p for p in model.parameters() if p.dim() > 1]
    other = [p for p in model.parameters() if p.dim() == 1]
    opt = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.1}, {"params": other, "weight_decay": 0.0}],
        lr=a.lr,
        betas=(0.9, 0.98),
        fused=device == "cuda",
    )
    source = batches(lengths, a.budget, np.random.default_rng(a.seed))
    model.train()
    steps, step, begin, seen = a.steps, 0, time.time(), 0
    embed = model.get_input_embeddings()
    while True:
        if step == 100 and not a.steps:
            steps = int(
                100 + (a.minutes * 60 - (time.time() - begin)) / ((time.time() - mark) / 80)
            )
            print("%d steps" % steps, flush=True)
        if step == 20:
            if device == "cuda":
                torch.cuda.synchronize()
            mark = time.time()
        if steps and step >= steps:
            break
        total = steps or 10**6
        rate = min(1, (step + 1) / 300) * (0.5 + 0.5 * math.cos(math.pi * step / total))
        for group in opt.param_groups:
            group["lr"] = a.lr * rate + 1e-6
        rows = torch.from_numpy(next(source)).to(device)
        longest = (int(size[rows].max()) + 7) // 8 * 8
        at = torch.arange(longest, device=device)[None]
        inside = at < size[rows][:, None]
        x = flat[(starts[rows][:, None] + at).clamp(max=len(flat) - 1)]
        weight = torch.where((x & LOSS) > 0, 1.0, 0.1) * inside
        ids = ((x & (LOSS - 1)) * inside).long()
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            e = torch.nn.functional.dropout(embed(ids), 0.1)
            logits = model(inputs_embeds=e).logits
        loss = torch.nn.functional.cross_entropy(
            logits[:, :-1].reshape(-1, VOCAB).float(), ids[:, 1:].reshape(-1), reduction="none"
        )
        w = weight[:, 1:].reshape(-1)
        loss = (loss * w).sum() / w.sum()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        seen += len(rows)
        if step % a.every == 0:
            print(
                "step %5d  loss %.4f  %.0f s  %d conversations"
                % (step, loss.item(), time.time() - begin, seen),
                flush=True,
            )
        step += 1
    model.eval()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=float, default=5)
    p.add_argument("--steps", type=int, default=0)
    p.add_argument("--samples", type=int, default=3600000)
    p.add_argument("--budget", type=int, default=32768, help="tokens a step")
    p.add_argument("--lr", type=float, default=1.5e-3)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--every", type=int, default=250)
    a = p.parse_args()
    begin = time.time()
    os.makedirs(a.out, exist_ok=True)
    path = os.path.join(a.out, "tokenizer.json")
    cpus = os.cpu_count()
    with multiprocessing.get_context("fork").Pool(cpus) as pool:
        n = min(200000, a.samples)
        texts = pool.starmap(
            texts_for_vocabulary, [(a.seed * 1000 + 500 + i, n // 16) for i in range(16)]
        )
        tokenizer = make_tokenizer(
            [x for part in texts for x in part] + ["system\n", "user\n", "assistant\n"] * 5000
        )
        tokenizer.save(path)
        print(
            "vocabulary of %d after %.0f s" % (tokenizer.get_vocab_size(), time.time() - begin),
            flush=True,
        )
        data, lengths = make_data(pool, 64, a.seed, a.samples, path)
    print(
        "%d conversations, %.1f M tokens after %.0f s"
        % (len(lengths), len(data) / 1e6, time.time() - begin),
        flush=True,
    )
    torch.manual_seed(a.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = make_model().to(device)
    print(
        "%.2f M parameters on %s" % (sum(p.numel() for p in model.parameters()) / 1e6, device),
        flush=True,
    )
    train(model, data, lengths, a, device)
    model.save_pretrained(a.out, max_shard_size="12MB")
    for name in ("dev.jsonl", "heldout.jsonl"):
        evaluate.score(model, tokenizer, name, sys.stdout if name == "dev.jsonl" else None)
    print("done after %.0f s" % (time.time() - begin))


if __name__ == "__main__":
    main()
