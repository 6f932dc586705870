#!/usr/bin/env python3
"""Many random cases of every kernel: many.py VK CHECK_KERNELS --cases N [--state FILE]

N cases of each kernel (of all block types together), in rounds that go through all kernels, each
round with a seed of its own, one process at a time. --inputs contents are tried on each shape,
since most of the time goes into compiling pipelines for shapes. What is done is kept in the state
file: a run that was interrupted goes on where it was. The table at the end says how many cases of
each kernel ran and how near the worst came to its limit; the exit code is 1 if one was over it."""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import time

LINE = re.compile(r'^(\S+) +\S+ +(ok|FAIL) +(\d+) cases(?:, (\d+) wrong)?'
                  r'(?:  nmse (\S+) of (\S+)  max (\S+) of (\S+))?', re.M)

# Each kernel by itself; what is left out puts these together in other ways.
KERNELS = ('embed,norm,matvec,qkv,attn,glu,matvec-int8,qkv-int8,glu-int8,matmul,matmul-matrix,'
           'glu-matrix,rope,flash,flash-matrix,silu,magnitude,unary,lstm,dequant,repack,'
           'transpose,bmm,sample,layernorm,gelu,unfold,mel,rules,probs,top,fork,align')


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('vk')
    parser.add_argument('program')
    parser.add_argument('--cases', type=int, default=10000)
    parser.add_argument('--rounds', type=int, default=20)
    parser.add_argument('--inputs', type=int, default=50)
    parser.add_argument('--seed', type=int, default=1000)
    parser.add_argument('--minutes', type=float, help='begin no more after so long')
    parser.add_argument('--kernel', default=KERNELS)
    parser.add_argument('--state', help='file that remembers what is done')
    return parser.parse_args()


def ran(command, env):
    """(cases, wrong, share of the limits that the worst took, seconds, output)"""
    begin = time.monotonic()
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors='replace', check=False)
    cases = wrong = 0
    share = 0.0
    for _, _, n, bad, nmse, nmse_limit, top, top_limit in LINE.findall(done.stdout):
        cases, wrong = cases + int(n), wrong + int(bad or 0)
        if nmse and float(nmse_limit):
            share = max(share, float(nmse) / float(nmse_limit), float(top) / float(top_limit))
    if done.returncode and not wrong:
        wrong = 1
    return cases, wrong, share, time.monotonic() - begin, done.stdout


def table(state):
    kernels = collections.defaultdict(lambda: [0, 0, 0.0, 0.0])
    for key, (cases, wrong, share, seconds) in state.items():
        sums = kernels[key.split('/')[0]]
        sums[0], sums[1], sums[3] = sums[0] + cases, sums[1] + wrong, sums[3] + seconds
        sums[2] = max(sums[2], share)
    for name, (cases, wrong, share, seconds) in kernels.items():
        near = f'worst at {share:.0%} of its limit' if share else 'bit for bit'
        print(f'{name:14} {cases:7} cases, {wrong} wrong, {near}, {seconds:.0f} s')
    return sum(k[1] for k in kernels.values())


def main():
    args = arguments()
    listed = subprocess.run([args.program, '--list', '--kernel', args.kernel], text=True,
                            stdout=subprocess.PIPE, check=True).stdout.split()
    lines = collections.Counter(line.split('/')[0] for line in listed)
    state = {}
    if args.state and os.path.exists(args.state):
        with open(args.state, encoding='utf-8') as f:
            state = json.load(f)
    end = time.monotonic() + args.minutes * 60 if args.minutes else float('inf')
    with tempfile.TemporaryDirectory() as cache:
        env = dict(os.environ, MESA_SHADER_CACHE_DISABLE='true', XDG_CACHE_HOME=cache)
        for turn in range(args.rounds):
            for line in listed:
                key = f'{line}@{args.seed + turn}'
                if key in state or time.monotonic() > end:
                    continue
                cases = -(-args.cases // (args.rounds * lines[line.split('/')[0]]))
                *result, output = ran(
                    [args.vk, '--test', args.program, '--kernel', line, '--seed',
                     str(args.seed + turn), '--cases', str(cases), '--inputs', str(args.inputs)],
                    env)
                state[key] = result
                if result[1]:
                    print(output, flush=True)
                if args.state:
                    with open(args.state + '.new', 'w', encoding='utf-8') as f:
                        json.dump(state, f)
                    os.replace(args.state + '.new', args.state)
    return 1 if table(state) else 0


sys.exit(main())
