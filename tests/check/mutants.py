#!/usr/bin/env python3
"""Breaks the shaders on purpose and counts how many of these mutants the checks notice:
mutants.py VK CHECK_KERNELS GREEDY GLSLC BUILD [--sample | --table | --only N...] [--spirv N]

Two sorts. Mutants of the source are the mistakes of mutant_table.py, each built from a copy of the
sources into modules of its own. Mutants of SPIR-V are one instruction turned into a wrong twin, at
a random place. The checks are those of check_kernels, as the verify command runs them: on the
device as it is, then with capabilities hidden. What passes them is tried under conditions that only
a developer has: the order of invocations turned around, and the race detector. What survives all
is listed: a gap in the cases, or a change that makes no difference on this device.

Each mutant of the source is also given to the shipped model: one that changes its greedy text must
be noticed. The exit code is 1 if one was not, or if fewer than 95 % of the source mutants were
noticed without a developer's conditions.

--sample takes one mutant of the source of each kind, always the same, and none of SPIR-V. --table
runs nothing: each mutant's text must stand in the sources as they are, and each must compile."""
import argparse
import collections
import concurrent.futures
import os
import random
import re
import subprocess
import sys
import tempfile
import threading

from mutant_table import BARRIER, KINDS, MUTANTS, SUBGROUP

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KERNELS = os.path.join(SOURCE, 'src', 'kernels')
MODEL = os.path.join(SOURCE, 'share', 'tawny-guide-q8_0.gguf')
PROMPTS = ['How do I see which GPUs I have?', 'Can I measure how fast a model is?']
FLAGS = ['-O', '--target-env=vulkan1.3', '-std=460']

# The families of cases that a module's faults show in, cheapest first.
FAMILIES = {'norm': 'norm', 'silu': 'silu', 'rope': 'rope', 'transpose': 'transpose', 'bmm': 'bmm',
            'embed': 'embed', 'repack': 'repack', 'flash': 'flash', 'attn': 'attn',
            'sample_prepare': 'sample', 'sample_count': 'sample', 'sample_pick': 'sample',
            'half': 'matmul-matrix', 'dequant': 'dequant', 'product_khr': 'matmul-matrix',
            'matmul': 'matmul', 'glu': 'glu', 'matvec': 'matvec', 'qkv': 'qkv',
            'glu_dot': 'glu-int8', 'matvec_dot': 'matvec-int8', 'qkv_dot': 'qkv-int8',
            'round8': 'matvec-int8',
            'layernorm': 'layernorm', 'gelu': 'gelu', 'unfold': 'unfold', 'mel': 'mel',
            'mel_scale': 'mel', 'mel_top': 'mel', 'rules': 'rules', 'logprob': 'rules',
            'probs': 'probs', 'magnitude': 'magnitude', 'unary': 'unary', 'lstm': 'lstm',
            'top': 'top', 'fork': 'fork', 'align_weights': 'align',
            'align_norm': 'align', 'align_mean': 'align'}
# Modules whose cases are quick to compile, for mutants of SPIR-V.
QUICK = ('norm silu rope transpose bmm flash attn repack sample_pick sample_count '
         'sample_prepare').split()

NEEDED, NEEDED_SPIRV = 0.95, 0.8  # the rest of the latter may make no difference
SEARCH = ('.', 'lib', 'quant', 'dot')
lock = threading.Lock()


def included(path, found):
    """The files below src/kernels that a shader is made of."""
    if path in found:
        return found
    found.add(path)
    with open(os.path.join(KERNELS, path), encoding='utf-8') as f:
        names = re.findall(r'^#include "(.+)"', f.read(), re.M)
    for name in names:
        types = {'quants.glsl': 'quant', 'dot_types.glsl': 'dot'}.get(name)
        if types:
            for one in sorted(os.listdir(os.path.join(KERNELS, types))):
                included(f'{types}/{one}', found)
        for folder in SEARCH:
            inside = os.path.normpath(os.path.join(folder, name))
            if os.path.exists(os.path.join(KERNELS, inside)):
                included(inside, found)
                break
    return found


def source_of(module):
    """The file that a module is built from, and how."""
    return (module[:-4], ['-DDOT']) if module.endswith('_dot') else (module, [])


def made_of(module):
    """Its files; DOT chooses one of two cores."""
    name, flags = source_of(module)
    core = included('lib/pairs.glsl', set()), included('lib/dots.glsl', set())
    wrong = core[not flags] - core[bool(flags)]
    return included(name + '.comp', set()) - (wrong if f'{name}_dot' in FAMILIES else set())


MADE_OF = {module: made_of(module) for module in FAMILIES}


def changed(number):
    """The text of a mutant's file."""
    _, name, old, new = MUTANTS[number]
    with open(os.path.join(KERNELS, name), encoding='utf-8') as f:
        text = f.read()
    if text.count(old) != 1 or old == new:
        sys.exit(f'mutant {number}: {name} has {text.count(old)} times: {old}')
    return text.replace(old, new)


def modules_of(number):
    """What is made of a mutant's file, the cheapest to check first."""
    return [m for m in FAMILIES if MUTANTS[number][1] in MADE_OF[m]]


class Runner:
    def __init__(self, args, folder):
        self.args = args
        self.folder = folder
        self.env = dict(os.environ, XDG_CACHE_HOME=os.path.join(folder, 'cache'))
        self.text = None

    def run(self, *command, **more):
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, errors='replace', check=False,
                              env=self.env, **more)

    def build(self, number, flags, name, first=0):
        """Modules with a mutant's fault, from the first on; the folder that holds them, and their
        names."""
        text = changed(number)
        place = os.path.join(self.folder, f'{number}{name}')
        path = os.path.join(place, 'kernels', MUTANTS[number][1])
        modules = modules_of(number)[first:]
        os.makedirs(place)
        subprocess.run(['cp', '-r', KERNELS, os.path.join(place, 'kernels')], check=True)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        kernels = os.path.join(place, 'kernels')
        search = [kernels, *(os.path.join(kernels, x) for x in SEARCH[1:]),
                  os.path.join(SOURCE, 'src'), os.path.join(self.args.build, 'src', 'kernels')]
        for module in modules:
            source, more = source_of(module)
            subprocess.run([self.args.glslc, *FLAGS, *flags, *more, *('-I' + x for x in search),
                            '-o', os.path.join(place, module + '.spv'),
                            os.path.join(kernels, source + '.comp')], check=True)
        return place, modules

    def noticed(self, families, *options, validate=()):
        """True if check_kernels fails in one of the families."""
        for family in families:
            try:
                done = self.run(self.args.vk, '--test', *validate, self.args.program, '--kernel',
                                family, '--stop', '--quiet', *options, timeout=600)
            except subprocess.TimeoutExpired:
                return True
            if done.returncode == 2:
                sys.exit(f'check_kernels {" ".join(options)} is a wrong call')
            if done.returncode:
                return True
        return False

    def greedy(self, folder):
        try:
            done = self.run(self.args.vk, '--test', self.args.greedy, folder, MODEL, *PROMPTS,
                            timeout=300)
        except subprocess.TimeoutExpired:
            return 'endless'
        return done.stdout if done.returncode == 0 else f'exit code {done.returncode}'

    def source_mutant(self, number):
        """(what noticed it or '', whether the text changed)"""
        kind, name = MUTANTS[number][:2]
        place, modules = self.build(number, [], '')
        families = list(dict.fromkeys(FAMILIES[m] for m in modules))
        options = ['--shaders', place, '--cases', '16']
        quant = re.fullmatch(r'quant/(\w+)\.glsl', name)
        if quant:
            options += ['--types', 'q4_k,q5_k' if quant[1] == 'k_scales' else quant[1]]
        text = self.greedy(place) != self.text
        if self.noticed(families, *options):
            return 'the checks', text
        if self.noticed(families, *options, '--caps-off', '0xffff') or \
                self.noticed(families, *options, '--caps-off', '0xe10'):
            return 'the checks with capabilities hidden', text
        place, _ = self.build(number, ['-DREVERSE_TID=1'], 'reversed')
        options[1] = place
        if self.noticed(families, *options):
            return 'invocations in reverse', text
        options[1] = place[:-len('reversed')]
        if kind in (BARRIER, SUBGROUP) and self.noticed(families, *options,
                                                        validate=['--validate']):
            return 'the race detector', text
        return '', text

    def spirv_mutant(self, mutant):
        family = FAMILIES[mutant.split(':')[0]]
        options = ['--mutant', mutant, '--cases', '6']
        return self.noticed([family], *options) or \
            self.noticed([family], *options, '--caps-off', '0xffff')


def source_mutants(runner, numbers, jobs):
    """True if enough were noticed."""
    runner.text = runner.greedy('-')
    by = collections.defaultdict(collections.Counter)
    changes = 0
    missed = []

    def one(number):
        return number, *runner.source_mutant(number)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for number, what, text in pool.map(one, numbers):
            kind, name, old, new = MUTANTS[number]
            by[kind][what] += 1
            changes += text
            enough = what.startswith('the checks')
            seen = 'survived' if not what else f'{"" if enough else "only "}noticed by {what}'
            print(f'{number} ({kind}, {name}): {seen}{", changes the text" if text else ""}',
                  flush=True)
            if not enough:
                print(f'    {old!r}\n    {new!r}', flush=True)
                missed.append((number, text))
    for kind in KINDS:
        if by[kind]:
            print(f'{kind}: ' + ', '.join(f'{n} by {what}' if what else f'{n} survived'
                                          for what, n in by[kind].items()))
    share = 1 - len(missed) / len(numbers)
    unseen = [n for n, text in missed if text]
    print(f'{len(numbers) - len(missed)} of {len(numbers)} faults in the sources noticed '
          f'({share:.1%}); {changes} change the text of the model, {len(unseen)} of them unnoticed')
    return share >= NEEDED and not unseen


def spirv_mutants(runner, count, jobs):
    listed = runner.run(runner.args.vk, '--test', runner.args.program, '--mutants')
    sites = dict(line.split() for line in listed.stdout.splitlines() if ' ' in line)
    mutants = []
    for _ in range(count):
        module = random.choice(QUICK)
        mutants.append(f'{module}:{random.randrange(int(sites[module]))}')
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        survived = [m for m, seen in zip(mutants, pool.map(runner.spirv_mutant, mutants))
                    if not seen]
    for mutant in survived:
        done = runner.run(runner.args.program, '--mutant', mutant, '--list', '--kernel', '-')
        print('survived', done.stdout.strip())
    share = 1 - len(survived) / max(count, 1)
    print(f'{count - len(survived)} of {count} wrong instructions noticed ({share:.0%})')
    return share >= NEEDED_SPIRV


def table(runner, jobs):
    """True if every mutant can be made; only the last module that has it is."""
    def one(number):
        try:
            runner.build(number, ['-O0'], '', -1)
        except subprocess.CalledProcessError:
            return number
        return None

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        broken = [n for n in pool.map(one, range(len(MUTANTS))) if n is not None]
    for number in broken:
        print(f'mutant {number} does not compile: {MUTANTS[number]}')
    print(f'{len(MUTANTS)} mutants, {len(broken)} broken')
    return not broken


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ('vk', 'program', 'greedy', 'glslc', 'build'):
        parser.add_argument(name)
    parser.add_argument('--sample', action='store_true', help='one of each kind')
    parser.add_argument('--table', action='store_true', help='can each be made?')
    parser.add_argument('--only', type=int, nargs='+', help='these of the source')
    parser.add_argument('--spirv', type=int, default=100, help='how many of SPIR-V')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--jobs', type=int, default=2)
    args = parser.parse_args()
    random.seed(args.seed)
    for number in range(len(MUTANTS)):
        changed(number)  # each fits
    numbers = args.only or range(len(MUTANTS))
    if args.sample:
        order = list(FAMILIES)
        by_cost = sorted(numbers, key=lambda n: (len(modules_of(n)), order.index(modules_of(n)[0])))
        numbers = [next(n for n in by_cost if MUTANTS[n][0] == kind) for kind in KINDS]
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(args, folder)
        if args.table:
            good = table(runner, args.jobs)
        else:
            good = source_mutants(runner, numbers, args.jobs)
            if args.spirv and not args.only and not args.sample:
                good = spirv_mutants(runner, args.spirv, args.jobs) and good
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
