#!/usr/bin/env python3
"""Writes the seeds of the tokenizers' fuzzer, small vocabularies with a text (tok.c tells how an
input is laid out):

    tok_corpus.py [FOLDER]

The default folder is corpus/tok beside this script; files there that are not seeds (inputs that
once failed) are left alone."""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BPE, BYTES, SPECIAL, BOS, EOS, PREFIX, PARTS = 1, 2, 4, 8, 16, 32, 64
NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6
NO_IDS = (-1, -1, -1, -1)
TEXT = "Hello world, it's 12345 ½ tests!\n\n  déjà vu 日本語 한국어 😀 <|end|> x".encode()
BPE_TOKENS = [(NORMAL, 0, b'He'), (NORMAL, 0, b'll'), (NORMAL, 0, b'Hell'),
              (CONTROL, 0, b'<|end|>'), (USER, 0, b'  '), (UNKNOWN, 0, b'<unk>')]
MERGES = [b'H e', b'l l', b'He ll', b'x y', b'H e']
SPM_TOKENS = [(NORMAL, -1, '▁'.encode()), (NORMAL, -2, b'l'), (NORMAL, -3, b'll'),
              (NORMAL, -4, b'He'), (NORMAL, -5, '▁He'.encode()), (CONTROL, 0, b'<|end|>'),
              (UNKNOWN, 0, b'<unk>')]


def pre_names():
    """In the order of the table in src/text/pre.c, which is what the number in an input means."""
    with open(os.path.join(HERE, '../../src/text/pre.c'), encoding='utf-8') as f:
        return re.findall(r'^    \{"([^"]+)", &', f.read(), re.M)


def entry(flags, pre, tokens, merges, ids, text):
    number = 255 if pre is None else pre_names().index(pre)
    b = bytes([flags, number, len(tokens), len(merges)] + [i & 255 for i in ids])
    for kind, score, t in tokens:
        b += bytes([kind, score & 255, len(t)]) + t
    for m in merges:
        b += bytes([len(m)]) + m
    return b + text


def seeds():
    all_bytes = BPE | BYTES
    pres = ('gpt-2', 'llama-bpe', 'qwen2', 'deepseek-llm', 'gpt-4o', 'chameleon', 'tiny_aya',
            'default', 'deepseek-v3', 'exaone-moe', 'afmoe', 'bloom')
    for i, pre in enumerate(pres):
        yield 'bpe-' + pre, entry(all_bytes | SPECIAL * (i % 2), pre, BPE_TOKENS, MERGES, NO_IDS,
                                  TEXT)
    ids = (3, 3, 5, -1)
    yield 'bpe-plain', entry(all_bytes, 'starcoder', [], [], NO_IDS, TEXT)
    yield 'bpe-invalid-text', entry(all_bytes, 'qwen2', BPE_TOKENS, MERGES, NO_IDS,
                                    b'a\xed\xa0\x80\xc0\x80\xff\x00<|end|>')
    yield 'bpe-no-bytes', entry(BPE, 'gpt-2', BPE_TOKENS, MERGES, ids, TEXT)
    yield 'bpe-bos-eos', entry(all_bytes | BOS | EOS, 'gpt-2', BPE_TOKENS, MERGES, ids, TEXT)
    yield 'bpe-parts', entry(all_bytes | PARTS, 'qwen2', BPE_TOKENS, MERGES, NO_IDS,
                             TEXT + b'<|end|>')
    yield 'bpe-unknown-pre', entry(all_bytes, None, BPE_TOKENS, MERGES, NO_IDS, TEXT)
    yield 'bpe-bad-merge', entry(all_bytes, 'gpt-2', BPE_TOKENS, [b'ab'], NO_IDS, TEXT)
    yield 'bpe-run', entry(all_bytes, 'gpt-2', [(NORMAL, 0, b'aa'), (NORMAL, 0, b'aaaa')],
                           [b'a a', b'aa aa', b'aa a'], NO_IDS, b'a' * 300)
    yield 'spm', entry(BYTES | PREFIX, 'gpt-2', SPM_TOKENS, [], NO_IDS, TEXT)
    yield 'spm-special', entry(BYTES | SPECIAL | PREFIX, 'gpt-2', SPM_TOKENS, [], NO_IDS, TEXT)
    yield 'spm-no-bytes', entry(PREFIX, 'gpt-2', SPM_TOKENS, [], (-1, -1, 6, -1), TEXT)
    spanning = [(NORMAL, 3, 'l▁'.encode()), (NORMAL, 4, 'll▁He'.encode())]
    yield 'spm-span', entry(BYTES | PREFIX, 'gpt-2', SPM_TOKENS + spanning, [], NO_IDS,
                            b'Hell Hell ll Hell')
    yield 'spm-invalid-text', entry(BYTES | PREFIX, 'gpt-2', SPM_TOKENS, [], NO_IDS,
                                    b'a\xe2\x96\xed\xa0\x80\xf0\xe2\x96\x81\xff\x00l')
    yield 'spm-bad-byte', entry(0, 'gpt-2', [(BYTE, 0, b'<0x-1>'), (BYTE, 0, b'<0xZZ>')], [],
                                NO_IDS, b'')
    yield 'spm-duplicate', entry(BYTES, 'gpt-2', SPM_TOKENS * 2, [], NO_IDS, b'')
    yield 'spm-empty', entry(BYTES | SPECIAL, 'gpt-2',
                             SPM_TOKENS + [(NORMAL, 0, b''), (USER, 0, b'')], [], NO_IDS, TEXT)
    yield 'ids', entry(all_bytes | BOS, 'gpt-2', BPE_TOKENS, MERGES, (127, -2, -1, -1), TEXT)
    yield 'nothing', b''


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, 'corpus/tok')
    os.makedirs(folder, exist_ok=True)
    for name, content in seeds():
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(content)


if __name__ == '__main__':
    main()
