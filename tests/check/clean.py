#!/usr/bin/env python3
"""The shipped model under the validation layer: clean.py VK CHECK_KERNELS GREEDY

A prompt long enough for a prefill, and what is made after it, must run without a message from the
layer's checks inside shaders (races in shared memory and addresses included), nor from its checks
of calls and of synchronisation, and give the tokens that it gives without the layer. With a barrier
left out of a kernel that runs, the former must say so."""
import os
import subprocess
import sys

VK, CHECK_KERNELS, GREEDY = sys.argv[1:4]
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODEL = os.path.join(SOURCE, 'share', 'tawny-guide-q8_0.gguf')
PROMPT = 'How do I see which of the GPUs I have is used, and how much memory does it have left?'
number = failed = 0


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors='replace', check=False)


def greedy(shaders, *options):
    """(exit code, output without the notes of which device it is)"""
    done = run(VK, '--test', *options, GREEDY, shaders, MODEL, PROMPT)
    lines = done.stdout.splitlines(keepends=True)
    return done.returncode, ''.join(x for x in lines if 'no GPU found' not in x)


def report(good, name, output):
    global number, failed
    number += 1
    print(f"{'ok' if good else 'not ok'} {number} - {name}", flush=True)
    if not good:
        failed += 1
        print('\n'.join('# ' + line for line in output.splitlines()[:60]))


def without_barrier(module):
    """The first mutant of a module that lacks a barrier."""
    site = 0
    while True:
        done = run(CHECK_KERNELS, '--mutant', f'{module}:{site}', '--list', '--kernel', '-')
        if done.returncode:
            sys.exit(f'{module} has no barrier: {done.stdout}')
        if 'ControlBarrier' in done.stdout:
            return f'{module}:{site}'
        site += 1


def main():
    if run(VK, '--test', '--validate', '/bin/true').returncode:
        print('1..0 # SKIP the validation layer is not here (tools/setup check brings it)')
        return 77
    code, plain = greedy('-')
    report(code == 0 and plain.count('\n') == 1, 'without the layer', plain)
    for option, name in (('--validate', 'checks inside shaders'),
                         ('--validate-api', 'checks of calls and of synchronisation')):
        code, output = greedy('-', option)
        report(code == 0 and output == plain, name, f'exit code {code}\n{output}')
    mutant = without_barrier('norm')
    code, output = greedy(mutant, '--validate')
    report(code and 'SharedMemoryDataRace' in output, f'a barrier left out ({mutant}) is reported',
           f'exit code {code}\n{output}')
    print(f'1..{number}')
    return 1 if failed else 0


sys.exit(main())
