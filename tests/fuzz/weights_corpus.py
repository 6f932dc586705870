#!/usr/bin/env python3
"""Writes the seeds of the fuzzer of model files, small files that each show one thing:

    weights_corpus.py [FOLDER]

The default folder is corpus/weights beside this script; files there that are not seeds (inputs that
once failed) are left alone."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..'))
from ggml_writer import Ggml  # noqa: E402
from gguf_writer import Gguf, TYPES  # noqa: E402
from silero_writer import Silero  # noqa: E402

NEXT_FILE = b'-NEXT-FILE-'


def seeds():
    yield 'empty', b''
    yield 'header', Gguf()
    yield 'version2', Gguf(2).meta('a', 'u8', 1)
    yield 'big-endian', Gguf(3 << 24)
    for t in TYPES:
        v = {'string': 'text', 'bool': 1, 'array': [1, 2]}.get(t, 1)
        yield 'one-' + t, Gguf().meta('k', 'array:i8' if t == 'array' else t, v)
        if t != 'array':
            yield 'many-' + t, Gguf().meta(
                'k', 'array:' + t, ['a', 'bc', ''] if v == 'text' else [0, 1]
            )
    yield 'nested', Gguf().meta('k', 'array:array:u8', [[1], [2]])
    for q, n in [
        ('F32', 3),
        ('F16', 4),
        ('BF16', 4),
        ('Q4_0', 32),
        ('Q4_1', 32),
        ('Q5_0', 32),
        ('Q5_1', 32),
        ('Q8_0', 32),
        ('Q4_K', 256),
        ('Q5_K', 256),
        ('Q6_K', 256),
        ('IQ4_NL', 32),
    ]:
        yield 'tensor-' + q, Gguf().tensor('t', [n], q)
    yield 'dims', Gguf().tensor('a', [1]).tensor('b', [2, 3]).tensor('c', [2, 1, 2]).tensor(
        'd', [1, 2, 1, 2]
    )
    yield 'aligned', Gguf(alignment=8).tensor('a', [1]).tensor('b', [3])
    yield 'alignment-type', Gguf().meta('general.alignment', 'i32', 32).tensor('a', [1])
    yield 'twice', Gguf().meta('k', 'u8', 1).meta('k', 'u8', 1)
    yield 'tensor-twice', Gguf().tensor('a', [8]).tensor('a', [8])
    f = Gguf().meta('general.architecture', 'string', 'llama').meta('llama.block_count', 'u32', 1)
    f.meta('tokenizer.ggml.tokens', 'array:string', ['<s>', 'a', 'b'])
    f.meta('tokenizer.ggml.scores', 'array:f32', [0, 1, 2])
    f.meta('tokenizer.ggml.token_type', 'array:i32', [3, 1, 1])
    yield 'model', f.tensor('token_embd.weight', [32, 3], 'Q8_0').tensor('output_norm.weight', [32])
    for name, no, total, tensor in [
        ('split', 1, 2, 'b'),
        ('split-cyclic', 0, 2, 'b'),
        ('split-total', 1, 3, 'b'),
        ('split-twice', 1, 2, 'a'),
    ]:
        parts = []
        for i, t in [(0, 'a'), (no, tensor)]:
            p = Gguf().meta('general.name', 'string', 'm').meta('split.no', 'u16', i)
            p.meta('split.count', 'u16', 2).meta('split.tensors.count', 'i32', total)
            parts.append(p.tensor(t, [8]).bytes())
        yield name, NEXT_FILE.join(parts)
    yield 'ggml-header', Ggml()
    f = Ggml().token(b'a').token(b'').token(b'\xff\0')
    yield 'ggml', f.tensor('x', [3, 2, 4], 'F16').tensor('y', [64, 2], 'Q5_0').tensor('z', [1, 4])
    yield 'ggml-twice', Ggml().token(b'a').tensor('x', [1]).tensor('x', [1])
    yield 'ggml-dims', Ggml().token(b'a').tensor('x', [1], n_dims=5)
    yield 'silero', Silero().tensor('x', [3, 2], bytes(12), half=True).tensor('y', [], bytes(4))
    yield 'silero-dims', Silero().tensor('x', [1], bytes(4), n_dims=5)
    yield 'silero-kind', Silero(kind=b'silero-8k')
    yield 'ggml-quantised', Ggml(ftype=2008).token(b'a').tensor('x', [32, 2], 'Q5_1').tensor(
        'y', [32], 'Q4_1'
    )


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, 'corpus', 'weights')
    os.makedirs(folder, exist_ok=True)
    for name, content in seeds():
        with open(os.path.join(folder, name), 'wb') as out:
            out.write(content if isinstance(content, bytes) else content.bytes())


if __name__ == '__main__':
    main()
