"""Asks a transformers model the questions of a .jsonl file and counts the right answers."""

import json
import os
import sys

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
QUESTION = "<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n"


def questions(name):
    with open(os.path.join(HERE, name)) as f:
        return [json.loads(line) for line in f]


@torch.no_grad()
def answer(model, tokenizer, texts, limit=80):
    """Greedy answers to texts (already in chat form), all in one batch."""
    end = tokenizer.token_to_id("<|im_end|>")
    ids = [tokenizer.encode(t, add_special_tokens=False).ids for t in texts]
    length = torch.tensor([len(x) for x in ids])
    batch = torch.full((len(ids), int(length.max()) + limit), end)
    for row, x in zip(batch, ids):
        row[: len(x)] = torch.tensor(x)
    device = next(model.parameters()).device
    batch, length = batch.to(device), length.to(device)
    start, done = length.clone(), torch.zeros(len(ids), dtype=torch.bool, device=device)
    rows = torch.arange(len(ids), device=device)
    for _ in range(limit):
        logits = model(input_ids=batch[:, : int(length.max())]).logits
        token = logits[rows, length - 1].argmax(-1)
        done |= token == end
        batch[rows, length] = torch.where(done, torch.full_like(token, end), token)
        length += (~done).long()
        if bool(done.all()):
            break
    return [tokenizer.decode(batch[i, start[i] : length[i]].tolist()) for i in range(len(ids))]


def score(model, tokenizer, name, out=sys.stdout):
    """Prints what went wrong and returns (right, all)."""
    items = questions(name)
    answers = answer(model, tokenizer, [QUESTION % x["question"] for x in items])
    right = 0
    for x, a in zip(items, answers):
        ok = x["expect"] in a
        right += ok
        if not ok and out:
            print("  %s\n    wanted %s\n    got    %s" % (x["question"], x["expect"], a), file=out)
    print(
        "%s: %d of %d right (%.1f %%)" % (name, right, len(items), 100 * right / len(items)),
        file=out,
    )
    return right, len(items)
