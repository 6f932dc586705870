#!/usr/bin/env python3
"""Writes the seeds of the fuzzer of folders, small models that each show one thing:

    folder_corpus.py [FOLDER]

The default folder is corpus/folder beside this script; files there that are not seeds (inputs that
once failed) are left alone."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..'))
from folder_writer import (  # noqa: E402
    CONFIG,
    Ct2,
    ctranslate2,
    dump,
    hugging_face,
    safetensors,
    small_ct2,
    whisper_tensors,
)

NEXT_FILE = b'-NEXT-FILE-'
HUGGING_FACE = ['model.safetensors', 'config.json', 'vocab.json', 'generation_config.json']
CT2 = ['model.bin', 'config.json', 'vocabulary.json']


def packed(letter, names, files):
    return letter + NEXT_FILE.join(files.get(n, b'') for n in names)


def seeds():
    small = {'a': ('F32', [2]), 'b': ('F16', [1, 4])}
    for kind in ('F32', 'F16', 'BF16'):
        model = safetensors(whisper_tensors(kind, state=2, mels=1, vocab=3, frames=1, places=1))
        yield 'hf-' + kind.lower(), packed(b'h', HUGGING_FACE, hugging_face(model=model))
    yield 'hf-small', packed(b'h', HUGGING_FACE, hugging_face(model=safetensors(small)))
    for name, changes in [
        ('place', {'a': {'data_offsets': [4, 12]}}),
        ('shape', {'a': {'shape': [2**62, 4]}}),
        ('type', {'b': {'dtype': 'I64'}}),
    ]:
        model = safetensors(small, changes)
        yield 'hf-' + name, packed(b'h', HUGGING_FACE, hugging_face(model=model))
    index = dump({'weight_map': {'a': 'a.safetensors', 'b': 'b.safetensors'}})
    shards = [safetensors({n: t}) for n, t in small.items()]
    tokenizer = dump({'model': {'vocab': {'!': 0, '\u0120a': 1}}})
    yield 'shards', b's' + NEXT_FILE.join([*shards, index, dump(CONFIG), tokenizer])
    yield 'ct2', packed(b'c', CT2, ctranslate2())
    yield 'ct2-int8', packed(b'c', CT2, ctranslate2(small_ct2(True)))
    yield 'ct2-version3', packed(b'c', CT2, ctranslate2(small_ct2(version=3)))
    few = Ct2({'a': ('I8', []), 'b': ('F16', [2, 3])}, [('c', 'b')])
    yield 'ct2-few', packed(b'c', CT2, ctranslate2(few))
    lines = {'vocabulary.txt': b'\n'.join(b't%d' % i for i in range(20)), 'vocabulary.json': None}
    yield 'ct2-lines', packed(b't', CT2[:2] + ['vocabulary.txt'], ctranslate2(**lines))


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, 'corpus', 'folder')
    os.makedirs(folder, exist_ok=True)
    for name, content in seeds():
        with open(os.path.join(folder, name), 'wb') as out:
            out.write(content)


if __name__ == '__main__':
    main()
