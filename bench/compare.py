#!/usr/bin/env python3
"""Runs tawny and llama.cpp in turns on random weights of real shapes and prints the ratios.

    bench/compare.py [--shapes llama-3.2-1b,...] [--types BF16,Q8_0,Q4_K_M] [-p 512] [-n 128]
                     [-r 5] [--models FOLDER] [--out FILE.json]

Then, for each, the GPU memory that tawny takes beyond weights and KV pages, and what it may take:
3 % of the two and 64 MiB.

Needs a GPU with both programs' Vulkan drivers. llama-bench is $LLAMA_BENCH, else the one that
`tools/setup peers` unpacked; tawny is build/tawny. Each pair runs directly one after the other, so
that a machine's mood meets both."""
import json
import subprocess
import sys

import turns


def llama(model, args):
    command = [*turns.peer("LLAMA_BENCH", "llama-bench"), "-m", model, "-p", str(args.p),
               "-n", str(args.n), "-r", str(args.r), "-ngl", "99", "-ub", "2048", "-o", "json"]
    rows = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL).stdout)
    if not all("Vulkan" in row["backends"] for row in rows):
        sys.exit("llama-bench does not run on Vulkan here: " + rows[0]["backends"])
    return {"prefill" if row["n_prompt"] else "decode": turns.median(row["samples_ts"])
            for row in rows}


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
    parser = turns.options(__doc__, "llama-3.2-1b")
    parser.add_argument("--types", default="BF16,Q8_0,Q4_K_M")
    parser.add_argument("-p", type=int, default=512)
    parser.add_argument("-n", type=int, default=128)
    args = parser.parse_args()
    record = []
    print(f"{'model':16} {'type':8} {'test':8} {'tawny':>10} {'llama.cpp':>10} {'ratio':>6}")
    for shape in args.shapes.split(","):
        for kind in args.types.split(","):
            model = turns.model(args, f"{shape}-{kind}.gguf", "random_model.py", shape, kind)
            report = turns.tawny(model, "-p", str(args.p), "-n", str(args.n), "-r", str(args.r),
                                 "--stats")
            ours, theirs = medians(report), llama(model, args)
            record.append({"shape": shape, "type": kind, "tawny": report, "llama.cpp": theirs})
            for test in ("prefill", "decode"):
                print(f"{shape:16} {kind:8} {test:8} {ours[test]:10.1f} {theirs[test]:10.1f} "
                      f"{ours[test] / theirs[test]:6.2f}", flush=True)
            have, may = beyond(report)
            print(f"{shape:16} {kind:8} memory beyond weights and KV: {have / 2**20:.0f} MiB "
                  f"of {may / 2**20:.0f}", flush=True)
    turns.write(record, args)


if __name__ == "__main__":
    main()
