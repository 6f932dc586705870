#!/usr/bin/env python3
"""Every kernel against its reference, on the device as it is and under other conditions; and the
same bits under all of them: kernels.py VK CHECK_KERNELS [--validate | --all] [--turn N...].

Conditions are the width of the software device's vectors (so the size of its subgroups), its
threads, the order of invocations, and robust access: 36 in all, of which each day has its turn of
six, on the kernels of one block type each; --all takes all of them and all types. Then capabilities
are hidden step by step. (Shared memory is filled with rubbish before each run of a case, and every
workgroup has other data, under all conditions.) --validate runs a part under the validation layer,
which looks for races in shared memory."""
import argparse
import concurrent.futures
import datetime
import itertools
import os
import re
import subprocess
import sys

ALONE = ('embed,norm,matvec,qkv,attn,glu,matmul,dequant,rope,flash,silu,transpose,bmm,sample,'
         'magnitude,unary,lstm,'
         'layernorm,gelu,unfold,mel,rules,probs,top,fork,align')
PLAIN = ['--cases', '1', '--kernel', ALONE]
SMALL = PLAIN[:-1] + [ALONE + ',matmul-matrix']

# [name, environment, arguments]. The bits of the first ones are what the others must give.
FIRST = [
    ('decode 1', {}, ['--kernel', 'matvec*,attn*,embed']),
    ('decode 2', {}, ['--kernel', 'qkv*,glu*']),
    ('prefill, layout, sampling', {},
     ['--kernel', 'norm,matmul*,dequant,rope,flash*,silu,repack,transpose,bmm,sample']),
    ('speech', {}, ['--kernel', 'layernorm,gelu,unfold,mel,rules,probs,top,fork,align']),
    ('voice activity', {}, ['--kernel', 'magnitude,unary,lstm']),
    ('models, dispatch by dispatch', {}, ['--kernel', 'decode,prompt']),
]
HIDDEN = [
    ('no matrix units', {}, ['--cases', '2', '--kernel', 'matmul,flash', '--caps-off', '0xe00']),
    ('no shuffles', {}, PLAIN + ['--types', 'f16', '--caps-off', '0xe10']),
    ('no capabilities', {}, PLAIN + ['--types', 'bf16', '--caps-off', '0xffff']),
]
VALIDATED = [
    ('every kernel', {}, SMALL + ['--types', 'q4_0,q6_k']),
    ('matrix units', {}, ['--cases', '1', '--kernel', '*-matrix', '--types', 'f16']),
    ('no shuffles', {}, SMALL + ['--types', 'q4_k', '--caps-off', '0xe10']),
]
WIDTHS, THREADS = ('256', '128', '512'), ('8', '1', '2')
TYPES = ('q4_k', 'q6_k', 'q8_0', 'q5_k', 'q4_0', 'f16')

# What may run on matrix units, whose order of additions is the device's own.
MATRIX = re.compile(r'.*-matrix/|decode/|prompt/')

DIGEST = re.compile(r'^digest (\S+ \d+) ([0-9a-f]{16})$', re.M)


def conditions():
    """All 36; neighbours differ in much."""
    every = list(itertools.product(WIDTHS, THREADS, (False, True), (False, True)))
    for i in range(len(every)):
        width, threads, reverse, robust = every[i * 23 % len(every)]
        name = f'vectors of {width} bits, {threads} threads'
        options = ['--reverse'] * reverse + ['--robust'] * robust
        yield (', '.join([name] + ['invocations in reverse'] * reverse + ['robust'] * robust),
               {'LP_NATIVE_VECTOR_WIDTH': width, 'LP_NUM_THREADS': threads}, options)


def turn_of(number):
    """Six conditions with a block type each."""
    every = list(conditions())
    for i, kind in enumerate(TYPES):
        name, env, options = every[(number * len(TYPES) + i) % len(every)]
        yield f'{kind}: {name}', env, SMALL + ['--types', kind] + options


def run(command, name, env, args):
    """(name, environment, exit code, output, {case: digest})"""
    done = subprocess.run([*command, '--digests', '--quiet', *args], env={**os.environ, **env},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return name, env, done.returncode, done.stdout, dict(DIGEST.findall(done.stdout))


def without_barrier(program):
    """The mutant of norm that lacks its first barrier."""
    number = 0
    while True:
        mutant = f'norm:{number}'
        done = subprocess.run([program, '--mutant', mutant, '--list', '--kernel', '-'],
                              stdout=subprocess.PIPE, text=True, check=True)
        if 'ControlBarrier' in done.stdout:
            return mutant
        number += 1


def planted_race(command, program):
    """1 if the race detector fails to see that a barrier was left out."""
    mutant = without_barrier(program)
    *_, code, output, _ = run(command, 'race', {}, ['--mutant', mutant, '--kernel', 'norm'])
    seen = code and 'SharedMemoryDataRace' in output
    print(f"{'ok' if seen else 'not ok'} 1 - a barrier that is left out is reported")
    if not seen:
        print('\n'.join('# ' + line for line in output.splitlines()))
    return 0 if seen else 1


def compare(digests, name, env, known):
    """The cases that gave other bits than before."""
    other = []
    for case, digest in digests.items():
        key = case
        if MATRIX.match(case):
            key += env.get('LP_NATIVE_VECTOR_WIDTH', '256')
        first, where = known.setdefault(key, (digest, name))
        if first != digest:
            other.append(f'{case}: other bits than in the run "{where}"')
    return other


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('vk')
    parser.add_argument('program')
    parser.add_argument('--validate', action='store_true')
    parser.add_argument('--all', action='store_true')
    parser.add_argument('--turn', type=int, nargs='+', help='0 to 5 (default: the day decides)',
                        default=[datetime.date.today().toordinal() % 6])
    args = parser.parse_args()
    command = [args.vk, '--test'] + ['--validate'] * args.validate + [args.program]
    runs = FIRST + [r for turn in args.turn for r in turn_of(turn)] + HIDDEN
    known, failed, number = {}, 0, 0
    if args.all:
        runs = FIRST + [(name, env, SMALL + options) for name, env, options in conditions()]
        runs += HIDDEN
    elif args.validate:
        runs = VALIDATED
        tried = subprocess.run([*command, '--help'], stdout=subprocess.DEVNULL, check=False)
        if tried.returncode:
            print('1..0 # SKIP the validation layer is not here (tools/setup check brings it)')
            return 77
        number, failed = 1, planted_race(command, args.program)
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for name, env, code, output, digests in pool.map(lambda r: run(command, *r), runs):
            number += 1
            other = compare(digests, name, env, known)
            bad = code != 0 or other or not digests
            failed += bool(bad)
            verdict = 'not ok' if bad else 'ok'
            print(f'{verdict} {number} - {name}: {len(digests)} cases', flush=True)
            if code:
                print('# exit code', code)
                print('\n'.join('# ' + line for line in output.splitlines()
                                if not line.startswith('digest ')))
            for case in other[:20]:
                print('#', case)
    print(f'1..{number}')
    return 1 if failed else 0


sys.exit(main())
