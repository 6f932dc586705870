#!/usr/bin/env python3
"""Runs tawny and whisper.cpp in turns on random weights of Whisper's shapes and prints the ratios.

    bench/compare_speech.py [--shapes turbo,large-v3] [-r 5] [--hour] [--models FOLDER]
                            [--out FILE.json]

A window of 30 s through the encoder, with its log-mel for tawny and without for whisper.cpp, whose
host makes it; and a step of the decoder for one text. --hour: then an hour of sound through `tawny
transcribe --batch 16 --beam-size 1`, from its file to the text, with the loading of the model and
without; and the GPU memory that `tawny inspect` says it will take, beside what the driver gave for
it and, where there is nvidia-smi, how much more was in use on the GPU meanwhile (which is also
the driver's own: its context and the compiled kernels).

Needs a GPU with both programs' Vulkan drivers. whisper-bench is $WHISPER_BENCH, else the one that
`tools/setup peers` unpacked; tawny is build/tawny. Each pair runs directly one after the other."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import wave

import numpy as np

import turns


def tawny(model, args):
    """Its report; milliseconds of a window and of a step."""
    report = turns.tawny(model, "-n", "128", "-w", "16", "-r", str(args.r))
    ms = {test["test"]: test["ms"] for test in report["tests"]}
    return report, {"encoder": ms["enc x 1"], "decoder": ms["tg128 x 1"]}


def whisper(model, args):
    """The same, medians; it measures once each time that it runs."""
    command = turns.peer("WHISPER_BENCH", "whisper-bench")
    times = {"encoder": [], "decoder": []}
    for _ in range(args.r):
        done = subprocess.run([*command, "-m", model], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        said = done.stdout
        if done.returncode or "using Vulkan" not in said:
            print("\n".join(said.splitlines()[-30:]), file=sys.stderr)
            sys.exit(f"whisper-bench ended with {done.returncode}" if done.returncode else
                     "whisper-bench does not run on Vulkan here")
        for name, line in (("encoder", "encode"), ("decoder", "decode")):
            found = re.search(line + r" time = .* \( *([0-9.]+) ms per run\)", said)
            times[name].append(float(found.group(1)))
    return {name: turns.median(t) for name, t in times.items()}


def hour_of_noise(path):
    """Sliding tones and pauses as a 16-bit file at 44.1 kHz stereo: it has to be resampled."""
    rng = np.random.default_rng(3)
    rate, seconds = 44100, 60
    t = np.arange(rate * seconds) / rate
    x = 0.2 * np.sin(2 * np.pi * np.cumsum(300 + 200 * np.sin(t * 3)) / rate)
    x *= np.repeat(rng.random(seconds * 4) > 0.3, rate // 4)
    x += 0.01 * rng.standard_normal(x.size)
    minute = np.repeat((x * 32767).astype("<i2"), 2).tobytes()
    with wave.open(path, "wb") as w:
        w.setparams((2, 2, rate, 0, "NONE", ""))
        for _ in range(60):
            w.writeframes(minute)


def in_use():
    """MiB of the GPU's memory, None without nvidia-smi."""
    try:
        said = subprocess.run(["nvidia-smi", "--query-gpu=memory.used",
                               "--format=csv,noheader,nounits"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return float(said.splitlines()[0])


def mib(size):
    number, unit = size
    return float(number) * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit]


def hour(model, sound):
    options = ["--batch", "16", "--beam-size", "1"]
    command = [*turns.TAWNY, "inspect", model, *options, "--json"]
    plan = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["memory"]
    command = [*turns.TAWNY, "transcribe", model, sound, *options, "-l", "en",
               "--temperature-increment-on-fallback", "0", "--stats"]
    before = most = in_use()
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=out)
        while run.poll() is None:
            if before is not None:
                most = max(most, in_use())
            time.sleep(0.2)
        whole = time.monotonic() - start
        out.seek(0)
        said = out.read()
    found = re.search(r"\(([0-9.]+) x real time\): (\d+) windows, listening ([0-9.]+) s, "
                      r"writing ([0-9.]+) s, (\d+) tokens", said)
    held = re.search(r"; ([0-9.]+) (\w+) allocated", said)
    if run.returncode or not found or not held:
        print("\n".join(said.splitlines()[-30:]), file=sys.stderr)
        sys.exit(f"tawny ended with {run.returncode}")
    speed, windows, listening, writing, tokens = found.groups()
    return {"x real time": float(speed), "with loading": 3600 / whole, "windows": int(windows),
            "listening": float(listening), "writing": float(writing), "tokens": int(tokens),
            "MiB": {"inspect says": plan["total"] / 2**20, "allocated": mib(held.groups()),
                    "more in use": None if before is None else most - before}}


def main():
    parser = turns.options(__doc__, "turbo,large-v3")
    parser.add_argument("--hour", action="store_true")
    args = parser.parse_args()
    record = []
    print(f"{'model':10} {'test':8} {'tawny ms':>10} {'whisper.cpp':>11} {'ratio':>6}")
    for shape in args.shapes.split(","):
        model = turns.model(args, f"{shape}-f16.bin", "random_speech.py", shape)
        report, ours = tawny(model, args)
        theirs = whisper(model, args)
        record.append({"shape": shape, "tawny": report, "whisper.cpp": theirs})
        for test, ms in ours.items():
            print(f"{shape:10} {test:8} {ms:10.3f} {theirs[test]:11.3f} {theirs[test] / ms:6.2f}",
                  flush=True)
        for test in report["tests"]:
            print(f"{shape:10} {test['test']:12} {test['ms']:10.3f} ms", flush=True)
        if args.hour:
            sound = os.path.join(args.models, "hour.wav")
            if not os.path.exists(sound):
                hour_of_noise(sound)
            record[-1]["hour"] = hour(model, sound)
            print(f"{shape:10} an hour: {record[-1]['hour']}", flush=True)
            of = record[-1]["hour"]["MiB"]
            print(f"{shape:10} memory: inspect says {of['inspect says']:.0f} MiB, allocated "
                  f"{of['allocated']:.0f} MiB ({of['allocated'] / of['inspect says'] - 1:+.1%}), "
                  f"more in use on the GPU {of['more in use'] or 'unknown'}", flush=True)
    turns.write(record, args)


if __name__ == "__main__":
    main()
