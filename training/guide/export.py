#!/usr/bin/env python3
"""Writes a trained checkpoint as GGUF: matrices in Q8_0, norms and biases in F32.

    export.py CHECKPOINT OUT.gguf [--f32 REFERENCE.gguf] [--score]

--score reads OUT.gguf back, widens it to float32 and asks it the questions of heldout.jsonl.
Needs the packages gguf, numpy, safetensors and tokenizers; --score also torch and transformers.
"""

import argparse
import glob
import json
import os

import gguf
import numpy as np
from gguf.quants import dequantize, quantize
from safetensors.numpy import load_file

TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] +"
    " '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n'"
    " }}{% endif %}"
)
NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def name_in_gguf(name):
    base, kind = name.rsplit(".", 1)
    if base.startswith("model.layers."):
        _, _, layer, rest = base.split(".", 3)
        return "blk.%s.%s.%s" % (layer, NAMES[rest], kind)
    return "%s.%s" % (NAMES[base], kind)


def load(folder):
    tensors = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.safetensors"))):
        tensors.update(load_file(path))
    return {name_in_gguf(k): v for k, v in tensors.items() if k != "lm_head.weight"}


def write(path, folder, matrix):
    with open(os.path.join(folder, "config.json")) as f:
        c = json.load(f)
    with open(os.path.join(folder, "tokenizer.json")) as f:
        tok = json.load(f)
    w = gguf.GGUFWriter(path, "qwen2")
    w.add_name("tawny guide")
    w.add_description("A small guide to the commands of tawny")
    w.add_size_label("5M")
    w.add_context_length(c["max_position_embeddings"])
    w.add_embedding_length(c["hidden_size"])
    w.add_block_count(c["num_hidden_layers"])
    w.add_feed_forward_length(c["intermediate_size"])
    w.add_head_count(c["num_attention_heads"])
    w.add_head_count_kv(c["num_key_value_heads"])
    w.add_layer_norm_rms_eps(c["rms_norm_eps"])
    w.add_rope_freq_base(10000.0)
    w.add_file_type(
        gguf.LlamaFileType.MOSTLY_Q8_0
        if matrix == gguf.GGMLQuantizationType.Q8_0
        else gguf.LlamaFileType.ALL_F32
    )
    w.add_quantization_version(gguf.GGML_QUANT_VERSION)
    special = {t["id"] for t in tok["added_tokens"]}
    vocab = sorted(tok["model"]["vocab"].items(), key=lambda x: x[1])
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("qwen2")
    w.add_token_list([t for t, _ in vocab])
    w.add_token_types(
        [gguf.TokenType.CONTROL if i in special else gguf.TokenType.NORMAL for _, i in vocab]
    )
    w.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in tok["model"]["merges"]])
    ids = dict(vocab)
    w.add_bos_token_id(ids["<|endoftext|>"])
    w.add_eos_token_id(ids["<|im_end|>"])
    w.add_pad_token_id(ids["<|endoftext|>"])
    w.add_add_bos_token(False)
    w.add_chat_template(TEMPLATE)
    for name, x in load(folder).items():
        kind = matrix if x.ndim == 2 else gguf.GGMLQuantizationType.F32
        w.add_tensor(name, quantize(x.astype(np.float32), kind), raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def score(path, folder):
    import torch
    from tokenizers import Tokenizer
    from transformers import Qwen2Config, Qwen2ForCausalLM

    import evaluate

    model = Qwen2ForCausalLM(Qwen2Config.from_pretrained(folder))
    stored = {
        t.name: torch.from_numpy(dequantize(t.data, t.tensor_type).copy())
        for t in gguf.GGUFReader(path).tensors
    }
    state = {k: stored[name_in_gguf(k)] for k in model.state_dict() if k != "lm_head.weight"}
    state["lm_head.weight"] = stored["token_embd.weight"]
    model.load_state_dict({k: v.reshape(model.state_dict()[k].shape) for k, v in state.items()})
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    evaluate.score(model.eval(), tokenizer, "heldout.jsonl")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("checkpoint")
    p.add_argument("out")
    p.add_argument("--f32")
    p.add_argument("--score", action="store_true")
    a = p.parse_args()
    write(a.out, a.checkpoint, gguf.GGMLQuantizationType.Q8_0)
    if a.f32:
        write(a.f32, a.checkpoint, gguf.GGMLQuantizationType.F32)
    print("%s: %d bytes" % (a.out, os.path.getsize(a.out)))
    if a.score:
        score(a.out, a.checkpoint)


if __name__ == "__main__":
    main()
