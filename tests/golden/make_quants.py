#!/usr/bin/env python3
"""Makes quants.gguf: blocks of every type and the weights that they stand for.

For each type T the file, written by the `gguf` package, has a tensor "T" of blocks and a tensor
"T.f32" of their values. The blocks are what llama.cpp's quantiser and (where it has one) the gguf
package's make of normal data with outliers, random bytes, and edges (all zeros, all ones, largest,
smallest, negative and zero scales). The values are llama.cpp's (llama-quantize to F32) and the gguf
package's, which must agree in every bit.

    make_quants.py    (needs numpy, gguf, and llama-quantize in .deps/bin or on the path)
"""

import os
import shutil
import subprocess
import tempfile

import numpy as np
from gguf import GGUFReader, GGUFWriter, GGMLQuantizationType, GGML_QUANT_SIZES
from gguf.quants import dequantize, quantize

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, '../../.deps/bin/llama-quantize')
TYPES = ['F32', 'F16', 'BF16', 'Q4_0', 'Q8_0', 'Q4_K', 'Q5_K', 'Q6_K', 'Q4_1', 'Q5_0', 'Q5_1']
# Offsets of the f16 scales in a block.
SCALES = {'Q4_0': [0], 'Q8_0': [0], 'Q4_K': [0, 2], 'Q5_K': [0, 2], 'Q6_K': [208],
          'Q4_1': [0, 2], 'Q5_0': [0], 'Q5_1': [0, 2]}
# 1, the largest, the smallest normal and subnormal, zeros, negative ones.
EDGE_SCALES = [0x3C00, 0x7BFF, 0x0400, 0x0001, 0x03FF, 0x0000, 0x8000, 0xBC00, 0xFBFF]
ROW = 256
TENSOR = 'blk.0.ffn_down.weight'  # a name that llama-quantize gives the type asked for


def write_model(path, array, type):
    w = GGUFWriter(path, 'llama')
    w.add_block_count(1)
    w.add_context_length(64)
    w.add_embedding_length(ROW)
    w.add_feed_forward_length(ROW)
    w.add_head_count(4)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_tensor(TENSOR, array, raw_dtype=type)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def llama_quantize(folder, array, type, to):
    """The bytes of the tensor after llama-quantize made type `to` of it."""
    program = PROGRAM if os.path.exists(PROGRAM) else shutil.which('llama-quantize')
    source, target = folder + '/in.gguf', folder + '/out.gguf'
    write_model(source, array, type)
    done = subprocess.run(
        [program, '--allow-requantize', '--pure', source, target, to, '1'],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    tensor = GGUFReader(target).tensors[0]
    assert tensor.name == TENSOR and tensor.tensor_type.name == to, tensor
    return np.array(tensor.data).reshape(-1).view(np.uint8)


def blocks_of(name, folder, rng):
    """[blocks, bytes] of one type; as many as make whole rows."""
    type = GGMLQuantizationType[name]
    block, size = GGML_QUANT_SIZES[type]
    per_row = ROW // block
    data = rng.standard_normal((4, ROW)).astype(np.float32)
    data[1] *= 1e-3
    data[2, ::37] *= 1000
    data[3] = np.abs(data[3])
    parts = [llama_quantize(folder, data, GGMLQuantizationType.F32, name).reshape(-1, size)]
    try:
        parts.append(quantize(data[:2], type).reshape(-1).view(np.uint8).reshape(-1, size))
    except NotImplementedError:
        pass
    if name not in SCALES:
        bits = rng.integers(0, 1 << (8 * size), ROW * 2, dtype=np.uint64)
        edges = {
            'F32': [0, 1 << 31, 1, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF],
            'F16': EDGE_SCALES,
            'BF16': [0, 0x8000, 1, 0x7F, 0x80, 0x7F7F, 0xFF7F],
        }[name]
        bits[: len(edges)] = edges
        raw = bits.astype({2: '<u2', 4: '<u4'}[size])
        values = dequantize(raw.view(np.uint8), type)
        raw[~np.isfinite(values)] = 0
        parts.append(raw.view(np.uint8).reshape(-1, size))
        return np.concatenate(parts)
    count = max(per_row, len(EDGE_SCALES) * 2)
    raw = rng.integers(0, 256, (count + 4, size), dtype=np.uint8)
    raw[0] = raw[1] = 0xFF
    raw[2] = 0
    raw[3] = 0x80
    raw[4] = 0x7F
    for i in range(len(raw)):
        for k, at in enumerate(SCALES[name]):
            scale = int(rng.integers(0, 0x7C00)) | int(rng.integers(0, 2)) << 15
            if i < 2 * len(EDGE_SCALES):
                scale = EDGE_SCALES[(i + k * (i // len(EDGE_SCALES))) % len(EDGE_SCALES)]
            raw[i, at : at + 2] = np.frombuffer(np.uint16(scale).tobytes(), np.uint8)
    parts.append(raw)
    blocks = np.concatenate(parts)
    return np.concatenate([blocks, blocks[: -len(blocks) % per_row]])


def main():
    rng = np.random.default_rng(20)
    out = GGUFWriter(os.path.join(HERE, 'quants.gguf'), 'none')
    with tempfile.TemporaryDirectory() as folder:
        for name in TYPES:
            type = GGMLQuantizationType[name]
            block, size = GGML_QUANT_SIZES[type]
            blocks = blocks_of(name, folder, rng)
            rows = blocks.reshape(-1, ROW // block * size)
            ours = {'F32': np.float32, 'F16': np.float16}.get(name)
            array = rows if ours is None else rows.view(ours)
            theirs = dequantize(rows, type).astype(np.float32)
            llama = llama_quantize(folder, array, type, 'F32').view(np.uint32)
            same = theirs.reshape(-1).view(np.uint32) == llama
            assert same.all(), (name, np.flatnonzero(~same)[:8])
            assert np.isfinite(theirs).all()
            out.add_tensor(name, array, raw_dtype=type)
            out.add_tensor(name + '.f32', theirs)
            print('%s: %d blocks' % (name, len(blocks)))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


if __name__ == '__main__':
    main()
