"""A whole model of a few kilobytes, and the same with anything about it changed: for tests of what
is refused. Weights are zero.

    tiny_model()                                            a right one
    tiny_model(meta={"llama.block_count": ("u32", 0)})      a key changed; None leaves it out
    tiny_model(tensors={"output_norm.weight": [63]})        a shape changed, or a tensor added
"""

from gguf_writer import Gguf

LAYERS, EMBD, HEADS, KV_HEADS, HEAD_DIM, FF = 2, 64, 8, 2, 8, 96
LETTERS = "abcdefghijklmnop"


def byte_symbols():
    """The characters that stand for the 256 bytes in byte-level vocabularies."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    other = [b for b in range(256) if b not in plain]
    return [chr(b) if b in plain else chr(256 + other.index(b)) for b in range(256)]


def spm_vocab():
    texts = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)] + ["\u2581", *LETTERS]
    return {
        "tokenizer.ggml.model": ("string", "llama"),
        "tokenizer.ggml.tokens": ("array:string", texts),
        "tokenizer.ggml.scores": ("array:f32", [-float(i) for i in range(len(texts))]),
        "tokenizer.ggml.token_type": (
            "array:i32",
            [2, 3, 3] + [6] * 256 + [1] * (len(texts) - 259),
        ),
        "tokenizer.ggml.bos_token_id": ("u32", 1),
        "tokenizer.ggml.eos_token_id": ("u32", 2),
        "tokenizer.ggml.unknown_token_id": ("u32", 0),
        "tokenizer.ggml.add_bos_token": ("bool", 1),
        "tokenizer.ggml.add_eos_token": ("bool", 0),
        "tokenizer.ggml.add_space_prefix": ("bool", 1),
    }


def bpe_vocab():
    texts = byte_symbols() + ["ab", "cd", "abcd", "<|endoftext|>"]
    return {
        "tokenizer.ggml.model": ("string", "gpt2"),
        "tokenizer.ggml.pre": ("string", "qwen2"),
        "tokenizer.ggml.tokens": ("array:string", texts),
        "tokenizer.ggml.token_type": ("array:i32", [1] * (len(texts) - 1) + [3]),
        "tokenizer.ggml.merges": ("array:string", ["a b", "c d", "ab cd"]),
        "tokenizer.ggml.eos_token_id": ("u32", len(texts) - 1),
        "tokenizer.ggml.padding_token_id": ("u32", len(texts) - 1),
        "tokenizer.ggml.add_bos_token": ("bool", 0),
    }


def metas(arch="llama"):
    """Every key of the file and its (type, value)."""
    p = arch + "."
    return {
        "general.architecture": ("string", arch),
        "general.name": ("string", "tiny"),
        p + "block_count": ("u32", LAYERS),
        p + "context_length": ("u32", 512),
        p + "embedding_length": ("u32", EMBD),
        p + "feed_forward_length": ("u32", FF),
        p + "attention.head_count": ("u32", HEADS),
        p + "attention.head_count_kv": ("u32", KV_HEADS),
        p + "attention.layer_norm_rms_epsilon": ("f32", 1e-5),
        p + "rope.dimension_count": ("u32", HEAD_DIM),
        p + "rope.freq_base": ("f32", 10000.0),
        "tokenizer.chat_template": ("string", "{{ messages }}"),
        **(spm_vocab() if arch == "llama" else bpe_vocab()),
    }


def shapes(arch="llama"):
    """Every tensor and its dims."""
    vocab = len((spm_vocab() if arch == "llama" else bpe_vocab())["tokenizer.ggml.tokens"][1])
    kv = KV_HEADS * HEAD_DIM
    out = {"token_embd.weight": [EMBD, vocab]}
    for i in range(LAYERS):
        b = "blk.%d." % i
        out[b + "attn_norm.weight"] = [EMBD]
        for name, n in [("q", EMBD), ("k", kv), ("v", kv)]:
            out[b + "attn_%s.weight" % name] = [EMBD, n]
            if arch == "qwen2":
                out[b + "attn_%s.bias" % name] = [n]
        out[b + "attn_output.weight"] = [EMBD, EMBD]
        out[b + "ffn_norm.weight"] = [EMBD]
        out[b + "ffn_gate.weight"] = out[b + "ffn_up.weight"] = [EMBD, FF]
        out[b + "ffn_down.weight"] = [FF, EMBD]
    out["output_norm.weight"] = [EMBD]
    out["output.weight"] = [EMBD, vocab]
    return out


def tiny_model(arch="llama", meta=None, tensors=None, type="F32", data=None):
    """`type`: of the matrices; `data`: {name: bytes} of tensors that are not to be zero."""
    f = Gguf()
    for key, v in {**metas(arch), **(meta or {})}.items():
        if v is not None:
            f.meta(key, *v)
    for name, dims in {**shapes(arch), **(tensors or {})}.items():
        if dims is not None:
            f.tensor(name, dims, type if len(dims) > 1 else "F32", (data or {}).get(name))
    return f
