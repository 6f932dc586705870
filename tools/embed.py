#!/usr/bin/env python3
"""Writes SPIR-V files as C source: embed.py --table NAME -o OUT.c FILE.spv...

The C file defines `const struct shader_table NAME` (src/kernels/shaders.h), sorted by the
files' names without their endings."""
import argparse
import os
import struct
import sys

MAGIC = 0x07230203


def words_of(path):
    with open(path, 'rb') as f:
        data = f.read()
    if len(data) < 20 or len(data) % 4 or struct.unpack_from('<I', data)[0] != MAGIC:
        sys.exit(f'{path}: not a SPIR-V module')
    return struct.unpack(f'<{len(data) // 4}I', data)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--table', required=True)
    parser.add_argument('-o', dest='out', required=True)
    parser.add_argument('files', nargs='*')
    args = parser.parse_args()

    # strcmp's order, which is that of the bytes.
    named = sorted((os.path.basename(path).split('.')[0].encode(), path) for path in args.files)
    names = [name.decode() for name, _ in named]
    for before, after in zip(names, names[1:]):
        if before == after:
            sys.exit(f'two modules are named {before}')

    with open(args.out, 'w', encoding='ascii') as out:
        out.write('/* Written by tools/embed.py. */\n#include "kernels/shaders.h"\n\n')
        for i, (_, path) in enumerate(named):
            words = words_of(path)
            out.write(f'static const uint32_t code_{i}[] = {{\n')
            for at in range(0, len(words), 12):
                out.write(','.join(f'0x{w:x}' for w in words[at:at + 12]) + ',\n')
            out.write('};\n')
        if names:
            out.write('\nstatic const struct gpu_shader list[] = {\n')
            for i, name in enumerate(names):
                out.write(f'    {{"{name}", code_{i}, sizeof code_{i}}},\n')
            out.write('};\n')
        shaders = 'list' if names else 'NULL'
        out.write(f'\nconst struct shader_table {args.table} = {{{shaders}, {len(names)}}};\n')


main()
