#!/usr/bin/env python3
"""The decode path of the shipped model gives the same logits everywhere, bit for bit.

    bits.py TAWNY CHECK_KERNELS [--write]

`tawny eval` computes logits for some 30 tokens with at most 16 tokens a step, which takes the
kernels of decode, none of which uses matrix units, in f32: one by one, and in steps of several. The
digest of all logits must be that of guide-logits.sha256, whatever the width of a subgroup: on the
software device at three widths, or on the GPU with TAWNY_TEST_GPU=1. Longer steps are not held to
it: on matrix units the order of additions is the device's own. Skips on a device whose fma rounds
twice, which Vulkan allows. --write makes the digest anew (the model has changed)."""
import hashlib
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MODEL = os.path.join(ROOT, 'share', 'tawny-guide-q8_0.gguf')
DIGEST = os.path.join(HERE, 'guide-logits.sha256')
VK = [os.path.join(ROOT, 'tools', 'vk'), '--test']
TEXT = ('How do I see which GPUs I have? Use tawny devices: it lists every GPU that Vulkan offers, '
        'with its memory and driver.')
GPU = os.environ.get('TAWNY_TEST_GPU') == '1'
# (width of the software device's vectors, tokens a step)
RUNS = [(None, 1), (None, 7), (None, 16)] if GPU else [
    ('256', 1), ('256', 7), ('128', 1), ('512', 16)]


def run(*command, **more):
    return subprocess.run([*VK, *command], check=True, stdout=subprocess.PIPE, timeout=300,
                          **more).stdout


def logits(tawny, ids, width, step, folder):
    out = os.path.join(folder, 'logits.npy')
    env = dict(os.environ, **({'LP_NATIVE_VECTOR_WIDTH': width} if width else {}))
    run(tawny, '-q', 'eval', MODEL, '--tokens', ids, '--chunk', str(step), '--logits', out,
        '--no-int-dot', env=env)
    with open(out, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()


def rounds_twice(check_kernels):
    return b'same bits' not in run(check_kernels, '--kernel', 'norm', '--cases', '1')


def main():
    tawny, check_kernels = sys.argv[1:3]
    failed = number = 0
    with open(DIGEST, encoding='ascii') as f:
        want = f.read().split()[0]
    if rounds_twice(check_kernels):
        print('1..0 # SKIP this device rounds fma twice')
        return 77
    with tempfile.TemporaryDirectory() as folder:
        ids = os.path.join(folder, 'ids')
        with open(ids, 'wb') as f:
            f.write(run(tawny, 'tokenize', MODEL, input=TEXT.encode()))
        for width, step in RUNS:
            number += 1
            got = logits(tawny, ids, width, step, folder)
            if '--write' in sys.argv and number == 1:
                want = got
            failed += got != want
            print('%s %d - %s%d tokens a step: %s' % (
                'ok' if got == want else 'not ok', number,
                'vectors of %s bits, ' % width if width else '', step, got), flush=True)
    print('1..%d' % number)
    if '--write' in sys.argv and not failed:
        with open(DIGEST, 'w', encoding='ascii') as f:
            f.write(want + '  logits.npy\n')
    return 1 if failed else 0


sys.exit(main())
