"""Makes models.npz: what transformers and llama.cpp say of small_models.MODELS.

Quantised weights are widened to float32 first, by the gguf package, so that both compute in
float32 with exactly the weights of the file. For each model:
    NAME.top      uint16 [positions]        the most likely next token
    NAME.next     float32 [positions - 1]   log-probability of the token that comes next
    NAME.rows     uint16 [rows]             positions of which all logits are kept
    NAME.logits   float32 [rows, vocab]
    NAME.ppl      float64 []                llama.cpp's perplexity of small_models.TEXT, context 128
Fails where transformers and llama.cpp do not agree.
"""
import os
import re
import subprocess
import sys
import tempfile

import gguf
import numpy as np
import torch
import transformers

from small_models import MODELS, POSITIONS, TEXT

FOLDER = os.path.dirname(os.path.abspath(__file__))
PERPLEXITY = os.path.join(FOLDER, "../../.deps/bin/llama-perplexity")
ROWS = 12
CONTEXT = 128


def widened(dims, type, data):
    """A tensor's values as float32, rows first."""
    number = gguf.GGMLQuantizationType[type]
    shape = dims[::-1]
    if type == "F32":
        return np.frombuffer(data, "<f4").reshape(shape)
    size = gguf.GGML_QUANT_SIZES[number]
    rows = np.frombuffer(data, np.uint8).reshape(shape[0], shape[1] // size[0] * size[1])
    return gguf.quants.dequantize(rows, number).astype(np.float32)


def convert(dims, type, data):
    return "F32", widened(dims, type, data).astype("<f4").tobytes()


def unpermuted(w, heads):
    """llama's q and k lie with the two halves of a head interleaved; back to transformers'."""
    pairs = w.reshape(heads, w.shape[0] // heads // 2, 2, *w.shape[1:])
    return pairs.swapaxes(1, 2).reshape(w.shape)


NAMES = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def oracle(m):
    """The same model in transformers."""
    rope = {"rope_type": "default", "rope_theta": m.theta}
    if m.scaling and m.scaling["type"] == "linear":
        rope.update(rope_type="linear", factor=m.scaling["factor"])
    elif m.scaling:
        rope.update(rope_type="llama3", factor=m.scaling["factor"],
                    low_freq_factor=m.scaling["low"], high_freq_factor=m.scaling["high"],
                    original_max_position_embeddings=m.scaling["original"])
    kind = {"llama": transformers.LlamaConfig, "qwen2": transformers.Qwen2Config}[m.arch]
    config = kind(
        vocab_size=m.vocab, hidden_size=m.hidden, intermediate_size=m.ffn,
        num_hidden_layers=m.layers, num_attention_heads=m.heads, num_key_value_heads=m.kv,
        head_dim=m.head, rms_norm_eps=m.eps, max_position_embeddings=m.context,
        tie_word_embeddings=m.tied, rope_parameters=rope, attn_implementation="eager",
        bos_token_id=1, eos_token_id=2)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    state = {}
    for name, (dims, type, data) in m.tensors().items():
        w = widened(dims, type, data)
        part = name.split(".")
        if name == "rope_freqs.weight":
            continue
        if m.arch == "llama" and part[-2] in ("attn_q", "attn_k"):
            w = unpermuted(w, m.heads if part[-2] == "attn_q" else m.kv)
        if part[0] == "blk":
            name = f"model.layers.{part[1]}.{NAMES[part[2]]}.{part[3]}"
        else:
            name = {"token_embd.weight": "model.embed_tokens.weight",
                    "output_norm.weight": "model.norm.weight",
                    "output.weight": "lm_head.weight"}[name]
        state[name] = torch.from_numpy(w.copy())
    missing, unexpected = model.load_state_dict(state, strict=False)
    wanted = ["lm_head.weight"] if m.tied else []
    assert not unexpected and missing == wanted, (missing, unexpected)
    model.tie_weights()
    return model


def log_softmax(x):
    x = x.astype(np.float64)
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def run(model, ids):
    with torch.no_grad():
        return model(torch.tensor([list(map(int, ids))])).logits[0].numpy()


def llama_cpp(m, folder):
    """Perplexity as llama.cpp prints it, its log-probabilities and the tokens they are for."""
    path, text, base = (os.path.join(folder, x) for x in ("m.gguf", "text", "base"))
    with open(path, "wb") as f:
        f.write(m.gguf(convert))
    with open(text, "w") as f:
        f.write(TEXT)
    command = [
        PERPLEXITY, "-m", path, "-f", text, "-c", str(CONTEXT), "-b", str(CONTEXT), "-ngl", "0",
        "-ctk", "f32", "-ctv", "f32", "-fa", "off", "--no-warmup", "-t", "2",
        "--kl-divergence-base", base]
    for _ in range(20):  # the tool sometimes leaves before its last line is out
        out = subprocess.run(command, capture_output=True, text=True)
        found = re.search(r"Final estimate: PPL = ([0-9.]+)", out.stdout + out.stderr)
        if found:
            break
    else:
        sys.exit(f"{m.name}: exit status {out.returncode}\n{out.stdout}{out.stderr}")
    with open(base, "rb") as f:
        assert f.read(8) == b"_logits_"
        n_ctx, n_vocab, n_chunk = np.frombuffer(f.read(12), "<i4")
        tokens = np.frombuffer(f.read(4 * n_ctx * n_chunk), "<i4").reshape(n_chunk, n_ctx)
        width = 2 * ((n_vocab + 1) // 2) + 4
        rows = n_ctx - 1 - n_ctx // 2
        raw = np.frombuffer(f.read(), "<u2").reshape(n_chunk, rows, width)
    head = raw[..., :4].copy().view("<f4")
    logs = raw[..., 4 : 4 + n_vocab] * head[..., 0:1] + head[..., 1:2]
    return float(found.group(1)), tokens, logs.astype(np.float64)


def compare(m, model):
    """llama.cpp's perplexity, after a comparison of its probabilities with transformers'."""
    with tempfile.TemporaryDirectory() as folder:
        ppl, tokens, logs = llama_cpp(m, folder)
    first = CONTEXT // 2
    kls, nll = [], []
    for chunk, theirs in zip(tokens, logs):
        chunk = chunk.copy()
        chunk[0] = 1  # the tool puts bos there
        ours = log_softmax(run(model, chunk))[first:-1]
        kls.append((np.exp(ours) * (ours - theirs)).sum(-1))
        nll.append(-ours[np.arange(len(ours)), chunk[first + 1 :]])
    kl, mine = np.mean(kls), np.exp(np.mean(nll))
    print(f"{m.name:22} KL {kl:9.2e}  perplexity {ppl:.4f} (transformers {mine:.4f})", flush=True)
    assert abs(kl) < 1e-5 and abs(mine / ppl - 1) < 1e-4, m.name
    return ppl


def main():
    torch.set_num_threads(2)
    golden = {}
    for m in MODELS:
        model = oracle(m)
        ids = m.tokens()
        logits = run(model, ids)
        logs = log_softmax(logits)
        rows = np.linspace(0, POSITIONS - 1, ROWS).astype(np.uint16)
        golden[m.name + ".top"] = logits.argmax(-1).astype(np.uint16)
        golden[m.name + ".next"] = logs[np.arange(POSITIONS - 1), ids[1:]].astype(np.float32)
        golden[m.name + ".rows"] = rows
        golden[m.name + ".logits"] = logits[rows].astype(np.float32)
        golden[m.name + ".ppl"] = np.float64(compare(m, model))
    np.savez_compressed(os.path.join(FOLDER, "models.npz"), **golden)


main()
