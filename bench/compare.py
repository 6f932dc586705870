#!/usr/bin/env python3
"""Runs tawny and llama.cpp in turns on random weights of real shapes and prints the ratios.

    bench/compare.py [--shapes llama-3.2-1b,...] [--types BF16,Q8_0,Q4_K_M] [-p 512] [-n 128]
                     [-r 5] [--models FOLDER] [--out FILE.json]

Then, for each, the GPU memory that tawny takes beyond weights and KV pages, and what it may take:
3 % of the two and 64 MiB.

Needs a GPU with both programs' Vulkan drivers. llama-bench is $LLAMA_BENCH, else the one that
`tools/setup peers` unpacked; tawny is build/tawny. Each pair runs directly one after the other, so
that a machine's mood meets both."""
import argparse
import json
import os
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


def tawny(model, args):
    command = [os.path.join(ROOT, "tools", "vk"), os.path.join(ROOT, "build", "tawny"), "bench",
               model, "-p", str(args.p), "-n", str(args.n), "-r", str(args.r), "--json", "--stats"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def llama(model, args):
    command = shlex.split(os.environ.get("LLAMA_BENCH",
                                         os.path.join(ROOT, ".deps", "bin", "llama-bench")))
    command += ["-m", model, "-p", str(args.p), "-n", str(args.n), "-r", str(args.r), "-ngl", "99",
                "-ub", "2048", "-o", "json"]
    rows = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL).stdout)
    if not all("Vulkan" in row["backends"] for row in rows):
        sys.exit("llama-bench does not run on Vulkan here: " + rows[0]["backends"])
    median = {}
    for row in rows:
        samples = sorted(row["samples_ts"])
        median["prefill" if row["n_prompt"] else "decode"] = samples[len(samples) // 2]
    return median


def medians(report):
    """tawny's rows as {"prefill": tokens/s, "decode": tokens/s}."""
    return {"prefill" if row["test"].startswith("pp") else "decode": row["median"]
            for row in report["tests"]}


def beyond(report):
    """(bytes beyond weights and KV that lie on the GPU, what these may be)"""
    memory = report["stats"]["memory"]
    kept = memory["weights"] + memory["kv"]
    return memory["allocated"] - memory["staging"] - kept, 0.03 * kept + (64 << 20)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", default="llama-3.2-1b")
    parser.add_argument("--types", default="BF16,Q8_0,Q4_K_M")
    parser.add_argument("-p", type=int, default=512)
    parser.add_argument("-n", type=int, default=128)
    parser.add_argument("-r", type=int, default=5)
    parser.add_argument("--models", default="/tmp", help="where the models are made and kept")
    parser.add_argument("--out", help="also write everything as JSON")
    args = parser.parse_args()
    record = []
    print(f"{'model':16} {'type':8} {'test':8} {'tawny':>10} {'llama.cpp':>10} {'ratio':>6}")
    for shape in args.shapes.split(","):
        for kind in args.types.split(","):
            model = os.path.join(args.models, f"{shape}-{kind}.gguf")
            if not os.path.exists(model):
                subprocess.run([sys.executable, os.path.join(HERE, "random_model.py"), shape, kind,
                                model], check=True)
            report = tawny(model, args)
            ours, theirs = medians(report), llama(model, args)
            record.append({"shape": shape, "type": kind, "tawny": report, "llama.cpp": theirs})
            for test in ("prefill", "decode"):
                print(f"{shape:16} {kind:8} {test:8} {ours[test]:10.1f} {theirs[test]:10.1f} "
                      f"{ours[test] / theirs[test]:6.2f}", flush=True)
            have, may = beyond(report)
            print(f"{shape:16} {kind:8} memory beyond weights and KV: {have / 2**20:.0f} MiB "
                  f"of {may / 2**20:.0f}", flush=True)
    if args.out:
        with open(args.out, "w", encoding="utf-8") as f:
            json.dump(record, f, indent=1)


if __name__ == "__main__":
    main()
