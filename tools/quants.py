#!/usr/bin/env python3
"""Turns src/quant/quants.def into GLSL: quants.py --glsl|--dots QUANTS.DEF -o OUT.glsl

With --glsl it includes quant/<type>.glsl for each type and gives, for a constant type number T:
Q_CHUNK(T), Q_RUNS(T), Q_MIN(T), Q_SCALED(T), Q_BLOCK(T), q_load(T, ...), q_decode(T, ...) and
q_column(T, ...), as described at the top of the output; with --dots dot/<type>.glsl for each type
whose weights are integers, and what integer dot products need of them."""
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

DOTS_HEADER = '''// Written by tools/quants.py from src/quant/quants.def.
//
// Types whose weights are integers, in chunks of 64 of a row, T as in quants.glsl.
//   q_take(T, w, rows, k, row, chunk)  reads a chunk of a [rows][k] matrix at w, as it lies
//   q_dot_words(T, raw, chunk, q, scale, minus, small)  its integers, four a word as unsigned bytes
//     or, for Q_OFFSET(T) = 0, signed ones: words 8 h to 8 h + 7 are block h, 32 weights,
//       scale[h] * (q - Q_OFFSET(T)) - minus[h]
//     or with Q_HALVES(T), for each half g of block h, scale.x * small[2 h + g] * (q - Q_OFFSET(T))
//   Q_DOT_BLOCK(T, chunk, h)  which block of the row's that is
// minus is not set unless Q_MINUS(T).

struct raw_chunk {
    uvec4 v[4], h;
};
'''


def parse(path):
    with open(path, encoding='ascii') as f:
        text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
    return [(m.group(1), int(m.group(2))) for m in
            re.finditer(r'^QUANT\((\w+),\s*\w+,\s*\d+,\s*(\d+),', text, flags=re.M)]


def choose(types, some, value):
    """A constant expression in T, which is one of `some` of the types."""
    text = value(some[-1])
    for t in reversed(some[:-1]):
        i = types.index(t)
        text = f'((T) == {i}u ? {value(t)} : {text})'
    return text


def function(types, some, head, call, result):
    """A function of T that calls what `some` of the types have for it."""
    lines = [head, '{']
    for i, (name, _) in enumerate(types):
        if types[i] not in some:
            continue
        body = call.replace('@', name)
        if result:
            lines.append(f'    if (T == {i}u)\n        return {body};')
        else:
            lines.append(f'    if (T == {i}u)\n        {body};')
    if result:
        lines.append(f'    return {call.replace("@", some[0][0])};')
    return '\n'.join(lines + ['}', ''])


def constants(types, some, names):
    """Q_NAME(T) for each of the names, which `some` of the types have."""
    return [f'#define Q_{name}(T) ' + choose(types, some, lambda t, n=name: f'{t[0]}_{n}')
            for name in names]


def decoders(types):
    parts = [HEADER]
    parts += [f'#include "quant/{name}.glsl"' for name, _ in types]
    parts += [f'#define TYPE_{name} {i}u' for i, (name, _) in enumerate(types)]
    parts += constants(types, types, ('CHUNK', 'RUNS', 'MIN', 'SCALED'))
    parts.append('#define Q_BLOCK(T) ' + choose(types, types, lambda t: f'{t[1]}u'))
    parts.append(function(types, types,
        'raw_block q_load(uint T, uint64_t w, uint rows, uint k, uint row, uint chunk)',
        '@_load(w, rows, k, row, chunk)', True))
    parts.append(function(types, types,
        'void q_decode(uint T, raw_block r, uint chunk, out float q[32], out vec2 scale,\n'
        '              out vec2 minus)',
        '@_decode(r, chunk, q, scale, minus)', False))
    parts.append(function(types, types, 'uint q_column(uint T, uint chunk, uint run)',
        '@_column(chunk, run)', True))
    return parts


def dots(types):
    parts = [DOTS_HEADER]
    whole = [t for t in types if t[1] > 1]
    parts += [f'#include "dot/{name}.glsl"' for name, _ in whole]
    parts += constants(types, whole, ('OFFSET', 'HALVES', 'APART', 'MINUS'))
    parts.append('#define Q_DOT_BLOCK(T, chunk, h) '
                 '(2u * (chunk) + (h) - Q_APART(T) * ((chunk) % 2u) + Q_APART(T) * (h))')
    parts.append(function(types, whole,
        'raw_chunk q_take(uint T, uint64_t w, uint rows, uint k, uint row, uint chunk)',
        '@_take(w, rows, k, row, chunk)', True))
    parts.append(function(types, whole,
        'void q_dot_words(uint T, raw_chunk r, uint chunk, out uint q[16], out vec2 scale,\n'
        '                 out vec2 minus, out ivec4 small)',
        '@_words(r, chunk, q, scale, minus, small)', False))
    return parts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--glsl')
    parser.add_argument('--dots')
    parser.add_argument('-o', dest='out', required=True)
    args = parser.parse_args()
    parts = dots(parse(args.dots)) if args.dots else decoders(parse(args.glsl))
    with open(args.out, 'w', encoding='ascii') as f:
        f.write('\n'.join(parts))


main()
