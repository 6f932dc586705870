#!/usr/bin/env python3
"""Turns src/quant/quants.def into GLSL: quants.py --glsl QUANTS.DEF -o OUT.glsl

The output includes quant/<type>.glsl for each type and gives, for a constant type number T:
Q_CHUNK(T), Q_RUNS(T), Q_MIN(T), Q_SCALED(T), Q_BLOCK(T), q_load(T, ...), q_decode(T, ...) and
q_column(T, ...), as described at the top of the output."""
import argparse
import re

HEADER = '''// Written by tools/quants.py from src/quant/quants.def.
//
// T is a type's number in that table, a constant (also a specialisation constant: what is not
// chosen is removed when the pipeline is made). A row is read in chunks; a chunk is Q_RUNS(T) runs
// of neighbouring weights, Q_CHUNK(T) in all.
//   q_load(T, w, rows, k, row, chunk)  reads a chunk of a [rows][k] matrix at w, as it lies
//   q_decode(T, raw, chunk, q, scale, minus)  weight i of run j is scale[j] q[...] - minus[j]
//   q_column(T, chunk, run)  the first weight's place in its row
// minus is 0 unless Q_MIN(T); scale is 1 unless Q_SCALED(T).

struct raw_block {
    uvec4 a, b, c;
};
'''


def parse(path):
    with open(path, encoding='ascii') as f:
        text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
    return [(m.group(1), int(m.group(2))) for m in
            re.finditer(r'^QUANT\((\w+),\s*\w+,\s*\d+,\s*(\d+),', text, flags=re.M)]


def choose(types, value):
    """A constant expression in T."""
    text = value(types[-1])
    for i, t in reversed(list(enumerate(types[:-1]))):
        text = f'((T) == {i}u ? {value(t)} : {text})'
    return text


def function(types, head, call, result):
    lines = [head, '{']
    for i, (name, _) in enumerate(types):
        body = call.replace('@', name)
        if result:
            lines.append(f'    if (T == {i}u)\n        return {body};')
        else:
            lines.append(f'    if (T == {i}u)\n        {body};')
    if result:
        lines.append(f'    return {call.replace("@", types[0][0])};')
    return '\n'.join(lines + ['}', ''])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--glsl', required=True)
    parser.add_argument('-o', dest='out', required=True)
    args = parser.parse_args()
    types = parse(args.glsl)
    parts = [HEADER]
    parts += [f'#include "quant/{name}.glsl"' for name, _ in types]
    parts += [f'#define TYPE_{name} {i}u' for i, (name, _) in enumerate(types)]
    for what in ('CHUNK', 'RUNS', 'MIN', 'SCALED'):
        parts.append(f'#define Q_{what}(T) ' + choose(types, lambda t, w=what: f'{t[0]}_{w}'))
    parts.append('#define Q_BLOCK(T) ' + choose(types, lambda t: f'{t[1]}u'))
    parts.append(function(types,
        'raw_block q_load(uint T, uint64_t w, uint rows, uint k, uint row, uint chunk)',
        '@_load(w, rows, k, row, chunk)', True))
    parts.append(function(types,
        'void q_decode(uint T, raw_block r, uint chunk, out float q[32], out vec2 scale,\n'
        '              out vec2 minus)',
        '@_decode(r, chunk, q, scale, minus)', False))
    parts.append(function(types, 'uint q_column(uint T, uint chunk, uint run)',
        '@_column(chunk, run)', True))
    with open(args.out, 'w', encoding='ascii') as f:
        f.write('\n'.join(parts))


main()
