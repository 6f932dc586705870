#!/usr/bin/env python3
"""Breaks one instruction of one shader at a time and counts how many of these mutants the checks
notice: mutants.py VK CHECK_KERNELS [--count N] [--seed N] [--modules A,B...]

A mutant that passes with all of the device's capabilities is tried again with none, since a
module holds code for both. What survives is listed: it is a gap in the cases, or a change that
makes no difference (code for another block type or another device)."""
import argparse
import os
import random
import subprocess
import sys

# Modules whose cases are quick to compile; of the others there are enough in these.
MODULES = 'norm,silu,rope,transpose,bmm,flash,attn,repack,sample_pick,sample_count,sample_prepare'
FAMILIES = {'product_khr': 'matmul-matrix', 'product_nv': 'matmul-matrix', 'half': 'matmul-matrix',
            'dequant': 'matmul-matrix', 'sample_pick': 'sample', 'sample_count': 'sample',
            'sample_prepare': 'sample'}
LIMIT = 0.8  # of those that the checks must notice; the rest may make no difference


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('vk')
    parser.add_argument('program')
    parser.add_argument('--count', type=int, default=100)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--modules', default=MODULES)
    args = parser.parse_args()
    command = [args.vk, '--test', args.program]
    listed = subprocess.run([*command, '--mutants'], stdout=subprocess.PIPE, text=True, check=True)
    sites = dict(line.split() for line in listed.stdout.splitlines() if ' ' in line)
    random.seed(args.seed)
    survived = []
    for _ in range(args.count):
        module = random.choice(args.modules.split(','))
        mutant = f'{module}:{random.randrange(int(sites[module]))}'
        family = FAMILIES.get(module, module)
        for more in ([], ['--caps-off', '0xffff']):
            try:
                done = subprocess.run(
                    [*command, '--kernel', family, '--mutant', mutant, '--cases', '6',
                     '--stop', '--quiet', *more],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                    text=True, timeout=300, check=False,
                    env={**os.environ, 'MESA_SHADER_CACHE_DISABLE': 'true'})
                passed = done.returncode == 0
            except subprocess.TimeoutExpired:
                passed = False
            if not passed:
                break
        if passed:
            what = [line for line in done.stdout.splitlines() if line.startswith(mutant)]
            survived.append(what[0] if what else mutant)
            print('survived', survived[-1], flush=True)
    share = 1 - len(survived) / args.count
    print(f'{args.count - len(survived)} of {args.count} mutants noticed ({share:.0%})')
    return 0 if share >= LIMIT else 1


sys.exit(main())
