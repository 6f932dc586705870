#!/usr/bin/env python3
"""Every kernel against its reference, on the device as it is and under other conditions; and the
same bits under all of them: kernels.py VK CHECK_KERNELS [--validate].

Conditions are the width of the software device's vectors (so the size of its subgroups), its
threads, the order of invocations, robust access, and capabilities hidden step by step. --validate
runs a part under the validation layer, which looks for races in shared memory."""
import concurrent.futures
import os
import re
import subprocess
import sys
import threading

ALONE = 'embed,norm,matvec,qkv,attn,glu,matmul,rope,flash,silu,transpose,bmm,sample'
SMALL = ['--cases', '1', '--kernel', ALONE]

# [name, environment, arguments]. The bits of the first ones are what the others must give.
RUNS = [
    ('decode 1', {}, ['--kernel', 'matvec*,attn*,embed']),
    ('decode 2', {}, ['--kernel', 'qkv*,glu*']),
    ('prefill, layout, sampling', {},
     ['--kernel', 'norm,matmul*,rope,flash*,silu,repack,transpose,bmm,sample']),
    ('models, dispatch by dispatch', {}, ['--kernel', 'decode,prompt']),
    ('vectors of 128 bits, 1 thread',
     {'LP_NATIVE_VECTOR_WIDTH': '128', 'LP_NUM_THREADS': '1'}, SMALL + ['--types', 'q4_k']),
    ('vectors of 512 bits, 2 threads',
     {'LP_NATIVE_VECTOR_WIDTH': '512', 'LP_NUM_THREADS': '2'}, SMALL + ['--types', 'q6_k']),
    ('1 thread', {'LP_NUM_THREADS': '1'}, SMALL + ['--types', 'q8_0']),
    ('invocations in reverse', {}, SMALL + ['--types', 'q5_k', '--reverse']),
    ('robust access', {}, SMALL + ['--types', 'q4_0', '--robust']),
    ('no matrix units', {}, ['--cases', '2', '--kernel', 'matmul,flash', '--caps-off', '0xe00']),
    ('no shuffles', {}, SMALL + ['--types', 'f16', '--caps-off', '0xe10']),
    ('no capabilities', {}, SMALL + ['--types', 'bf16', '--caps-off', '0xffff']),
]
VALIDATED = [
    ('every kernel', {}, SMALL + ['--types', 'q4_0,q6_k']),
    ('matrix units', {}, ['--cases', '1', '--kernel', '*-matrix', '--types', 'f16']),
    ('no shuffles', {}, SMALL + ['--types', 'q4_k', '--caps-off', '0xe10']),
]
# What may run on matrix units, whose order of additions is the device's own.
MATRIX = re.compile(r'.*-matrix/|decode/|prompt/')

DIGEST = re.compile(r'^digest (\S+ \d+) ([0-9a-f]{16})$', re.M)
lock = threading.Lock()


def run(command, name, env, args):
    """(name, exit code, output, {case: digest})"""
    done = subprocess.run([*command, '--digests', '--quiet', *args], env={**os.environ, **env},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return name, done.returncode, done.stdout, dict(DIGEST.findall(done.stdout))


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


def main():
    vk, program = sys.argv[1:3]
    validate = '--validate' in sys.argv[3:]
    command = [vk, '--test'] + (['--validate'] if validate else []) + [program]
    runs = VALIDATED if validate else RUNS
    known, failed, number = {}, 0, 0
    if validate:
        tried = subprocess.run([*command, '--help'], stdout=subprocess.DEVNULL, check=False)
        if tried.returncode:
            print('1..0 # SKIP the validation layer is not here (tools/setup check brings it)')
            return 77
        mutant = without_barrier(program)
        _, code, output, _ = run(command, 'race', {}, ['--mutant', mutant, '--kernel', 'norm'])
        number, failed = 1, 0 if code and 'SharedMemoryDataRace' in output else 1
        print(f"{'not ok' if failed else 'ok'} 1 - a barrier that is left out is reported")
        if failed:
            print('\n'.join('# ' + line for line in output.splitlines()))
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for name, code, output, digests in pool.map(lambda r: run(command, *r), runs):
            number += 1
            other = [case for case, digest in digests.items()
                     if known.setdefault(case, (digest, name))[0] != digest
                     and not MATRIX.match(case)]
            bad = code != 0 or other or not digests
            failed += bool(bad)
            verdict = 'not ok' if bad else 'ok'
            print(f'{verdict} {number} - {name}: {len(digests)} cases', flush=True)
            if code:
                print('# exit code', code)
                print('\n'.join('# ' + line for line in output.splitlines()
                                if not line.startswith('digest ')))
            for case in other[:20]:
                print(f'# {case}: other bits than in the run "{known[case][1]}"')
    print(f'1..{number}')
    return 1 if failed else 0


sys.exit(main())
