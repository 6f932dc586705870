#!/usr/bin/env python3
"""Compiles the kernels for AMD GPUs that are not there: compile.py VK TAWNY SPILLS [--all]

One table a GPU is written to the build folder: amd-navi10.json, with --all amd-navi10-all.json, and
so on. Fails where a pipeline does not compile, spills registers or uses scratch, and where a kernel
or block type is missing. SPILLS is the program that plants scratch. Skipped without RADV
(tools/setup radv)."""
import json
import os
import subprocess
import sys

FAMILIES = {'navi10': 'RX 5700 XT', 'navi31': 'RX 7900 XTX', 'gfx1151': 'Strix Halo'}
KERNELS = {'align_mean', 'align_norm', 'align_weights', 'attn', 'bmm', 'embed', 'flash', 'fork',
           'gelu', 'glu', 'layernorm', 'logprob', 'matmul', 'matvec', 'mel', 'mel_scale', 'mel_top',
           'norm', 'probs', 'qkv', 'repack', 'rope', 'rules', 'sample_count', 'sample_pick',
           'sample_prepare', 'silu', 'top', 'transpose', 'unfold'}
KERNELS |= {'lstm', 'magnitude', 'unary'}
TYPES = ['F32', 'F16', 'BF16', 'Q4_0', 'Q8_0', 'Q4_K_M', 'Q5_K_M', 'Q6_K', 'Q4_1', 'Q5_0',
         'Q5_1']
BUILD = os.environ.get('TAWNY_BUILD', 'build')


def run(vk, family, *command):
    # Mesa keeps what it compiled; the tests' own folder makes the figures theirs.
    env = dict(os.environ, XDG_CACHE_HOME=os.path.join(BUILD, 'test-cache'), LC_ALL='C.UTF-8')
    return subprocess.run([vk, '--radv', family, *command], env=env, capture_output=True,
                          text=True, check=False, timeout=1800)


def faults_of(report, family):
    """What is wrong with a table, in words."""
    found = []
    rows = report['pipelines']
    used = {r['kernel'] for r in rows}
    if FAMILIES[family] != (report['card'] or {}).get('name'):
        found.append(f"card {report['card']}")
    if not KERNELS <= used:
        found.append(f'no pipeline of {sorted(KERNELS - used)}')
    # navi31 and gfx1151 have matrix units that take prompts.
    if ('product_khr' in used) != (family != 'navi10'):
        found.append('product_khr ' + ('is' if 'product_khr' in used else 'is not') + ' used')
    for kind in TYPES:
        if not any(f' {kind}, decode of 1: glu' in r['use'] for r in rows):
            found.append(f'no decode of {kind}')
    for r in rows:
        if r['bad'] or r['scratch'] or r['spilled_vgprs'] or r['spilled_sgprs']:
            found.append(f"{r['name']} ({r['use']}): {r.get('error', '')} "
                         f"{r['spilled_vgprs']} VGPRs and {r['spilled_sgprs']} SGPRs spilled, "
                         f"{r['scratch']} bytes of scratch")
        if not (r['vgprs'] and r['waves'] and r['inverse_throughput'] and r['latency']):
            found.append(f"{r['name']}: figures are missing")
        product = r['kernel'].removesuffix('_dot') in ('matvec', 'glu', 'qkv')
        if (r['bandwidth_share'] is not None) != product:
            found.append(f"{r['name']}: bandwidth {r['bandwidth_share']}")
    return found


def check(vk, tawny, family, options):
    table = f'amd-{family}-all.json' if options else f'amd-{family}.json'
    done = run(vk, family, tawny, 'verify', '--compile-only', '--json', *options)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return [f'exit code {done.returncode}: {done.stderr.strip()}']
    with open(os.path.join(BUILD, table), 'w', encoding='utf-8') as f:
        f.write(done.stdout)
    found = faults_of(report, family)
    if done.returncode != (7 if report['bad'] else 0) or not report['complete']:
        found.append(f'exit code {done.returncode}')
    slow = [r for r in report['pipelines'] if (r['bandwidth_share'] or 1) < 0.85]
    few = [r for r in report['pipelines'] if r['decode'] and r['waves'] < 8]
    print(f"# {family}: {report['count']} pipelines, {report['bad']} bad, {len(slow)} below 85 % "
          f"of the bandwidth, {len(few)} of decode below 8 waves ({report['seconds']:.1f} s)")
    return found


def main():
    vk, tawny, spills, *options = sys.argv[1:]
    done = run(vk, 'navi10', spills)
    if 'no RADV here' in done.stderr:
        print('RADV is not here: tools/setup radv unpacks it')
        return 77
    failed = done.returncode != 0
    print(f'1..{len(FAMILIES) + 1}')
    if failed:
        print('# ' + (done.stdout + done.stderr).replace('\n', '\n# '))
    print('not ok' if failed else 'ok', '1 - planted scratch is found', flush=True)
    more = ['--thorough'] if '--all' in options else []
    for i, family in enumerate(FAMILIES, 2):
        found = check(vk, tawny, family, more)
        failed = failed or bool(found)
        for fault in found:
            print('#', fault)
        print('not ok' if found else 'ok', i, '-', family, flush=True)
    return 1 if failed else 0


sys.exit(main())
