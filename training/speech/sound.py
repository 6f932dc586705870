"""Samples and log-mel on the device: the pool of speech, noise, rooms, and whole windows.

Everything is float32 torch on one device. Rows are those of windows.py.
"""

import math
import os

import numpy as np
import torch
import torch.nn.functional as F

import tokens
import windows

RATE = 16000
MARGIN = 24  # source samples on either side that resampling looks at


def resampler(tape, device):
    """[320, tape + 2 MARGIN]: a row of 16 kHz out of a row of `tape` source samples."""
    cutoff = min(1.0, windows.ROW / tape) * 0.97
    t = np.arange(windows.ROW)[:, None] * (tape / windows.ROW)
    x = np.arange(-MARGIN, tape + MARGIN)[None] - t
    k = cutoff * np.sinc(cutoff * x) * np.where(abs(x) < MARGIN, np.cos(x * np.pi / 2 / MARGIN), 0)
    return torch.tensor(k, dtype=torch.float32, device=device)


def put(array, device):
    """A numpy array on the device; the copy does not wait for what the device is doing."""
    x = torch.from_numpy(array)
    if device.type != "cuda":
        return x.to(device)
    return x.pin_memory().to(device, non_blocking=True)


class Pool:
    """Rows of speech as int16, and the phone in each."""

    def __init__(self, rows, device):
        self.rows = torch.zeros(rows, windows.ROW, dtype=torch.int16, device=device)
        self.phones = torch.zeros(rows, dtype=torch.uint8, device=device)
        self.device, self.kernels = device, {}
        self.rows[-1, -1] = 77
        last = torch.tensor([rows - 1], device=device)
        if int(self.rows[last][0, -1]) != 77:
            raise RuntimeError("a pool of %d rows is larger than the device can index" % rows)

    def add(self, base, samples, phones):
        n, tape = samples.shape
        if tape not in self.kernels:
            self.kernels[tape] = resampler(tape, self.device)
        x = put(samples, self.device).float().reshape(-1)
        x = F.pad(x, (MARGIN, MARGIN)).unfold(0, tape + 2 * MARGIN, tape)
        y = x @ self.kernels[tape].T
        self.rows[base : base + n] = y.round_().clamp_(-32767, 32767).to(torch.int16)
        self.phones[base : base + n] = put(phones, self.device)


def noises(count, seconds, device, gen):
    """[count * rows, 320]: stretches of noise of several colours, hums, beeps, clicks; RMS 1."""
    n = seconds * RATE
    f = torch.arange(n // 2 + 1, device=device, dtype=torch.float32).clamp(min=1) * (RATE / n)
    t = torch.arange(n, device=device, dtype=torch.float32) / RATE
    out = []
    for i in range(count):
        kind = i % 10
        x = torch.randn(n, device=device, generator=gen)
        u = torch.rand(8, device=device, generator=gen).tolist()
        if kind < 6:
            slope = (0.0, 0.5, 1.0, 1.5, -0.5, 0.25)[kind]
            spectrum = torch.fft.rfft(x) * f ** (-slope)
            spectrum[f < 30] *= 0.1
            if kind == 5:  # a narrow band
                centre, width = 150 + 4000 * u[0] ** 2, 50 + 1500 * u[1]
                spectrum *= torch.exp(-(((f - centre) / width) ** 2)) + 0.02
            x = torch.fft.irfft(spectrum, n)
        elif kind == 6:  # hum with harmonics
            base = (50.0, 60.0, 100.0, 120.0)[int(u[0] * 4)]
            x = 0.02 * x
            for k in range(1, 12):
                x += math.exp(-0.3 * k) * torch.sin(2 * math.pi * k * base * t + 6 * u[k % 8])
        elif kind == 7:  # beeps and chords
            x = 0.01 * x
            for k in range(4):
                tone = torch.sin(2 * math.pi * (150 + 2500 * u[k] ** 2) * t)
                x += tone * (torch.sin(2 * math.pi * (0.2 + 2 * u[k + 4]) * t + k) > 0.3)
        elif kind == 8:  # clicks and taps in soft noise
            hits = (torch.rand(n, device=device, generator=gen) < (1 + 9 * u[0]) / RATE).float()
            decay = torch.exp(-torch.arange(800, device=device) / (20 + 150 * u[1]))
            decay *= torch.randn(800, device=device, generator=gen)
            size = n + 800
            x = 0.01 * x + torch.fft.irfft(
                torch.fft.rfft(hits, size) * torch.fft.rfft(decay, size), size
            )[:n]
        else:  # gusts
            swell = torch.sin(2 * math.pi * (0.1 + u[0]) * t + 6 * u[1]) * 0.5 + 0.5
            x = torch.fft.irfft(torch.fft.rfft(x) * f**-0.8, n) * swell**2
        out.append(x / x.square().mean().sqrt().clamp(min=1e-9))
    return torch.stack(out).reshape(-1, windows.ROW)


def rooms(count, device, gen):
    """[count, 6400]: a direct sound and an echo that fades within 0.05 to 0.4 s."""
    n = 6400
    t = torch.arange(n, device=device, dtype=torch.float32) / RATE
    out = []
    for _ in range(count):
        u = torch.rand(3, device=device, generator=gen).tolist()
        x = torch.randn(n, device=device, generator=gen) * torch.exp(-t / (0.01 + 0.06 * u[0]))
        x[: int(16 + 160 * u[1])] = 0
        x *= (0.05 + 0.5 * u[2]) / x.square().sum().sqrt().clamp(min=1e-9)
        x[0] = 1
        out.append(x)
    return torch.stack(out)


class Mixer:
    """Windows of samples out of plans. `gen` is the only source of chance."""

    def __init__(self, device, seed, bank=300):
        self.device = device
        self.gen = torch.Generator(device=device)
        self.gen.manual_seed(seed)
        self.noise = noises(bank, 20, device, self.gen)
        self.rooms = rooms(max(4, bank // 2), device, self.gen)

    def rand(self, *shape):
        return torch.rand(*shape, device=self.device, generator=self.gen)

    def gather(self, pool, plan, count):
        """Speech [count, length, 320] in -1..1 and phones [count, length]."""
        length = plan["length"]
        speech = torch.zeros(count * length, windows.ROW, device=self.device)
        phones = torch.zeros(count * length, dtype=torch.uint8, device=self.device)
        p = plan["pieces"]
        if len(p):
            rows = p[:, 2].astype(np.int64)
            steps = np.arange(rows.sum()) - np.repeat(np.cumsum(rows) - rows, rows)
            src = put(np.repeat(p[:, 1].astype(np.int64), rows) + steps, self.device)
            to = p[:, 0].astype(np.int64) * length + p[:, 3].astype(np.int64)
            dst = put(np.repeat(to, rows) + steps, self.device)
            gain = put(np.repeat(p[:, 4] / 32768, rows).astype(np.float32), self.device)
            speech[dst] = pool.rows[src].float() * gain[:, None]
            phones[dst] = pool.phones[src]
        return speech.view(count, length, windows.ROW), phones.view(count, length)

    def channel(self, speech):
        """Echo, tone and band of a room and a microphone on most windows."""
        b, n = speech.shape
        spectrum = torch.fft.rfft(speech)
        bins = spectrum.shape[1]
        room = self.rooms[(self.rand(b) * len(self.rooms)).long()]
        room[:, 1:] *= (self.rand(b) < 0.5).float()[:, None]
        tone = (self.rand(b, 1, 9) - 0.5) * 20 * (self.rand(b) < 0.6).float()[:, None, None]
        tone = F.interpolate(tone, bins, mode="linear", align_corners=True)[:, 0]
        f = torch.linspace(0, RATE / 2, bins, device=self.device)[None]
        narrow = (self.rand(b) < 0.15).float()[:, None]
        high = 8500 - narrow * (1500 + 3500 * self.rand(b, 1))
        low = narrow * 300 * self.rand(b, 1) - (1 - narrow) * 200
        band = torch.sigmoid((high - f) / 60) * torch.sigmoid((f - low) / 20)
        gain = 10 ** (tone / 20) * band
        return torch.fft.irfft(spectrum * torch.fft.rfft(room, n) * gain, n)

    def mix(self, pool, plan):
        """(samples [count, length * 320], phones [count, length])."""
        count, length = len(plan["offset"]), plan["length"]
        speech, phones = self.gather(pool, plan, count)
        speech = self.channel(speech.view(count, -1))
        end = put(plan["end"], self.device)
        active = (end.float() / length).clamp(min=0.02)
        power = (speech.square().mean(1) / active).sqrt()
        none = end == 0
        power = torch.where(none, 0.1, power)

        rows = len(self.noise) - length
        start = (self.rand(count) * rows).long()
        at = start[:, None] + torch.arange(length, device=self.device)[None]
        noise = self.noise[at]
        snr = 5 + 40 * self.rand(count)
        level = power * 10 ** (-snr / 20) * (self.rand(count) > 0.2)
        only = torch.where(self.rand(count) < 0.25, 0.0, 10 ** (-3.5 * self.rand(count)) * 0.3)
        level = torch.where(none, only, level)
        # Where a file ends the window is filled with zeros.
        filled = end + (self.rand(count) * (length - end)).long()
        filled = torch.where(self.rand(count) < 0.5, filled, length)
        inside = torch.arange(length, device=self.device)[None] < filled[:, None]
        noise = noise * (inside * level[:, None])[:, :, None]
        x = speech * inside.repeat_interleave(windows.ROW, 1) + noise.view(count, -1)
        loud = 10 ** (-1.5 * self.rand(count)) / x.abs().amax(1).clamp(min=0.05)
        loud = torch.where(none, 1.0, loud)
        return (x * loud[:, None]).clamp(-1, 1), phones


def mel_filters(device):
    with np.load(tokens.find("mel_filters.npz")) as f:
        return torch.from_numpy(f["mel_80"]).to(device)


class LogMel:
    """openai-whisper's log_mel_spectrogram for a batch: [count, samples] to [count, 80, frames]."""

    def __init__(self, device):
        self.filters = mel_filters(device)
        self.window = torch.hann_window(400, device=device)

    def __call__(self, x):
        stft = torch.stft(x, 400, 160, window=self.window, return_complex=True)
        power = stft[..., :-1].abs() ** 2
        mel = (self.filters @ power).clamp(min=1e-10).log10()
        mel = torch.maximum(mel, mel.amax((1, 2), keepdim=True) - 8.0)
        return (mel + 4.0) / 4.0


def threads():
    torch.set_num_threads(int(os.environ.get("THREADS", "1")))
