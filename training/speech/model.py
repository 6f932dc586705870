"""Whisper's network, with openai-whisper's names, and what training adds to it.

Network is the architecture alone. Trainee holds it with a small vocabulary: one row for every token
that the texts use, one row that all the others share, and rows of time tokens that are made of
sinusoids plus a free part, so that neighbours are alike. weights() widens all that to 51864 rows.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import espeak
import tokens

HEAD = 64


def sinusoids(length, channels):
    increment = math.log(10000) / (channels // 2 - 1)
    scale = torch.exp(-increment * torch.arange(channels // 2))
    t = torch.arange(length)[:, None] * scale[None]
    return torch.cat([torch.sin(t), torch.cos(t)], dim=1)


class Attention(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.heads = n // HEAD
        self.query, self.value, self.out = nn.Linear(n, n), nn.Linear(n, n), nn.Linear(n, n)
        self.key = nn.Linear(n, n, bias=False)

    def forward(self, x, source=None, causal=False, watch=None):
        """watch: a list that gets head 0's log-probabilities of attention [batch, to, from]."""
        b, t, n = x.shape
        y = x if source is None else source
        q = self.query(x).view(b, t, self.heads, HEAD).transpose(1, 2)
        k = self.key(y).view(b, y.shape[1], self.heads, HEAD).transpose(1, 2)
        v = self.value(y).view(b, y.shape[1], self.heads, HEAD).transpose(1, 2)
        if watch is not None:
            watch.append((q[:, 0] @ k[:, 0].transpose(1, 2) * HEAD**-0.5).float())
        a = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.out(a.transpose(1, 2).reshape(b, t, n))


class Block(nn.Module):
    def __init__(self, n, cross):
        super().__init__()
        self.attn, self.attn_ln = Attention(n), nn.LayerNorm(n)
        if cross:
            self.cross_attn, self.cross_attn_ln = Attention(n), nn.LayerNorm(n)
        self.cross = cross
        self.mlp = nn.Sequential(nn.Linear(n, 4 * n), nn.GELU(), nn.Linear(4 * n, n))
        self.mlp_ln = nn.LayerNorm(n)

    def forward(self, x, source=None, watch=None):
        x = x + self.attn(self.attn_ln(x), causal=self.cross)
        if self.cross:
            x = x + self.cross_attn(self.cross_attn_ln(x), source, watch=watch)
        return x + self.mlp(self.mlp_ln(x))


class Encoder(nn.Module):
    def __init__(self, n, layers):
        super().__init__()
        self.conv1 = nn.Conv1d(80, n, 3, padding=1)
        self.conv2 = nn.Conv1d(n, n, 3, stride=2, padding=1)
        self.register_buffer("positional_embedding", sinusoids(1500, n))
        self.blocks = nn.ModuleList(Block(n, False) for _ in range(layers))
        self.ln_post = nn.LayerNorm(n)

    def forward(self, mel, offset=None):
        """offset [batch]: the window's first position, for windows shorter than 30 s."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)
        if offset is None:
            x = x + self.positional_embedding[: x.shape[1]]
        else:
            at = offset[:, None] + torch.arange(x.shape[1], device=x.device)[None]
            x = x + self.positional_embedding[at]
        for block in self.blocks:
            x = block(x)
        return self.ln_post(x)


class Decoder(nn.Module):
    def __init__(self, n, layers):
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.randn(448, n) * 0.01)
        self.blocks = nn.ModuleList(Block(n, True) for _ in range(layers))
        self.ln = nn.LayerNorm(n)

    def forward(self, x, source, watch=None):
        x = x + self.positional_embedding[: x.shape[1]].to(x.dtype)
        for i, block in enumerate(self.blocks):
            x = block(x, source, watch if i >= len(self.blocks) // 2 else None)
        return self.ln(x)


class Trainee(nn.Module):
    def __init__(self, n, audio_layers, text_layers, used):
        """used: ids below TIME0 that have rows of their own."""
        super().__init__()
        self.n, self.audio_layers, self.text_layers = n, audio_layers, text_layers
        self.encoder, self.decoder = Encoder(n, audio_layers), Decoder(n, text_layers)
        used = sorted(used)
        rank = torch.full((tokens.VOCAB,), len(used), dtype=torch.int64)
        rank[torch.tensor(used)] = torch.arange(len(used))
        rank[tokens.TIME0 :] = len(used) + 1 + torch.arange(tokens.TIMES)
        self.register_buffer("rank", rank)
        ids = torch.tensor(used + [0] + list(range(tokens.TIME0, tokens.VOCAB)))
        ids[len(used)] = next(i for i in range(tokens.VOCAB) if i not in set(used))
        self.register_buffer("ids", ids)  # of each class
        prior = torch.zeros(len(used) + 1 + tokens.TIMES)
        prior[len(used)] = math.log(tokens.TIME0 - len(used))
        self.register_buffer("prior", prior)
        self.words = nn.Parameter(torch.randn(len(used) + 1, n) * 0.04)
        self.register_buffer("time_waves", sinusoids(tokens.TIMES, n))
        self.time_mix = nn.Parameter(torch.randn(n, n) * 0.04 / math.sqrt(n / 2))
        self.time_free = nn.Parameter(torch.zeros(tokens.TIMES, n))
        self.phone = nn.Linear(n, espeak.PHONES)
        for name, p in self.named_parameters():
            if p.dim() > 1 and name.endswith(("out.weight", "mlp.2.weight")):
                layers = audio_layers if name.startswith("encoder") else text_layers
                with torch.no_grad():
                    p.mul_(1 / math.sqrt(2 * layers))

    def rows(self):
        return torch.cat([self.words, self.time_waves @ self.time_mix + self.time_free])

    def decode(self, rows, ids, source, watch=None):
        """Logits of classes; the prior of the shared row is that of all ids that it stands for."""
        x = self.decoder(F.embedding(self.rank[ids], rows), source, watch)
        return F.linear(x, rows.to(x.dtype)).float() + self.prior

    def weights(self):
        """openai-whisper's state dict as float16."""
        out = {}
        for k, v in self.state_dict().items():
            if k.startswith(("encoder.", "decoder.")):
                out[k] = v.detach().cpu().half()
        out["decoder.token_embedding.weight"] = self.rows()[self.rank].detach().cpu().half()
        return out


# ---- choosing tokens, as openai-whisper does ----------------------------------------------------


def rules(logits, ids, begin, timed):
    """Whisper's timestamp rules on one step's logits [batch, 51864], in place. ids [batch, n]."""
    logits[:, tokens.EOT + 1 : tokens.TIME0] = -np.inf
    n = ids.shape[1] - begin
    if n == 0:
        logits[:, tokens.EOT] = -np.inf
        logits[:, 220] = -np.inf
    if not timed:
        logits[:, tokens.TIME0 :] = -np.inf
        return
    if n:
        said = ids[:, begin:]
        time = said >= tokens.TIME0
        last = time[:, -1]
        before = time[:, -2] if n > 1 else torch.ones_like(last)
        logits[:, tokens.TIME0 :].masked_fill_((last & before)[:, None], -np.inf)
        logits[:, : tokens.EOT].masked_fill_((last & ~before)[:, None], -np.inf)
        latest = (said * time).amax(1) + (~last | before)  # 1 where no time was said
        every = torch.arange(tokens.TIME0, tokens.VOCAB, device=ids.device)
        logits[:, tokens.TIME0 :].masked_fill_(every[None] < latest[:, None], -np.inf)
    if n == 0:
        logits[:, : tokens.TIME0] = -np.inf
        logits[:, tokens.TIME0 + 51 :] = -np.inf
    chance = logits.log_softmax(1)
    force = chance[:, tokens.TIME0 :].logsumexp(1) > chance[:, : tokens.TIME0].amax(1)
    logits[force, : tokens.TIME0] = -np.inf


@torch.no_grad()
def greedy(model, mel, timed, limit=220, most=200):
    """([tokens], [probability of no speech]) of windows [batch, 80, 3000]."""
    device = mel.device
    auto = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
    rows = model.rows()
    outs, quiet = [], []
    for at in range(0, len(mel), most):
        part = mel[at : at + most]
        start = [tokens.SOT] if timed else [tokens.SOT, tokens.NOTIMES]
        ids = torch.tensor([start] * len(part), device=device)
        done = torch.zeros(len(part), dtype=torch.bool, device=device)
        with auto:
            source = model.encoder(part)
        for step in range(limit):
            with auto:
                x = model.decoder(F.embedding(model.rank[ids], rows), source)
            if step == 0:
                first = F.linear(x[:, 0].float(), rows) + model.prior
                p = first.softmax(1)[:, model.rank[tokens.NOSPEECH]]
                quiet += p.tolist()
            logits = F.linear(x[:, -1].float(), rows)[:, model.rank]
            rules(logits, ids, len(start), timed)
            best = logits.argmax(1)
            best[done] = tokens.EOT
            ids = torch.cat([ids, best[:, None]], 1)
            done |= best == tokens.EOT
            if bool(done.all()):
                break
        for row in ids[:, len(start) :].tolist():
            outs.append(row[: row.index(tokens.EOT)] if tokens.EOT in row else row)
    return outs, quiet
