"""Makes folders/: one small random Whisper model as folders of several kinds, of a few KB each.

    hf-float32, hf-float16, hf-bfloat16   as transformers saves it; the second in three shards
    ct2-float32, -float16, -bfloat16      as CTranslate2's own converter makes it of the first
    ct2-int8                              the same, with a scale a row
    hf-int8                               what ct2-int8 says: each byte divided by its row's scale,
                                          as float16, beside vectors in float32
    filters.npz                           transformers' mel filters, as float32
    tokens.npz                            what CTranslate2 hears with small_speech's first model in
                                          int8, computed in float32
"""
import json
import os
import shutil

import ctranslate2
import numpy as np
import torch
import transformers
from ctranslate2.converters import TransformersConverter
from safetensors.torch import load_file, save_file

from small_speech import MODELS, SOUNDS, byte_order, sound

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "folders")
TEXT = 272  # 256 bytes and some words; special tokens follow


def letters():
    """GPT-2's character for each byte."""
    plain = byte_order()[:188]
    rest = [b for b in range(256) if b not in plain]
    return {**{b: chr(b) for b in plain}, **{b: chr(256 + i) for i, b in enumerate(rest)}}


def words():
    chars = letters()
    out = [chars[b] for b in byte_order()]
    return out + ["".join(chars[b] for b in (" w%d" % i).encode()) for i in range(256, TEXT)]


def small_model():
    torch.manual_seed(1)
    config = transformers.WhisperConfig(
        vocab_size=TEXT + 8, num_mel_bins=4, d_model=8, encoder_layers=1, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_ffn_dim=32, max_source_positions=6, max_target_positions=8,
        decoder_start_token_id=TEXT + 1, pad_token_id=TEXT, bos_token_id=TEXT, eos_token_id=TEXT,
        suppress_tokens=[1, 2, 7], begin_suppress_tokens=[220, TEXT])
    model = transformers.WhisperForConditionalGeneration(config).float().eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.randn(p.shape) * (0.3 if p.ndim > 1 else 0.1))
            if "layer_norm.weight" in name:
                p.add_(1)
    model.generation_config = transformers.GenerationConfig(
        suppress_tokens=[1, 2, 7], begin_suppress_tokens=[220, TEXT],
        alignment_heads=[[0, 1], [1, 0]], lang_to_id={"<|en|>": TEXT + 2},
        decoder_start_token_id=TEXT + 1)
    return model


def tokenizer():
    """The vocabulary, the special tokens, and both as tokenizer.json has them."""
    vocab = {w: i for i, w in enumerate(words())}
    names = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>",
             "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|notimestamps|>"]
    added = {name: TEXT + i for i, name in enumerate(names)}
    whole = {
        "version": "1.0",
        "added_tokens": [
            dict(id=i, content=n, special=True, single_word=False, lstrip=False, rstrip=False,
                 normalized=False) for n, i in added.items()],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                          "use_regex": True},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
                    "use_regex": True},
        "model": {"type": "BPE", "vocab": vocab, "merges": [], "unk_token": "<|endoftext|>"},
    }
    return vocab, added, whole


def save(value, *path):
    with open(os.path.join(*path), "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False)


def save_hf(model, kind):
    folder = os.path.join(FOLDER, "hf-" + kind)
    typed = model.to(getattr(torch, kind))
    typed.save_pretrained(folder, max_shard_size="7KB" if kind == "float16" else "5GB")
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o644)
    vocab, added, whole = tokenizer()
    if kind == "bfloat16":  # the newer form of vocabulary
        save(whole, folder, "tokenizer.json")
    else:
        save(vocab, folder, "vocab.json")
        save(added, folder, "added_tokens.json")
    return folder


def to_ct2(source, kind):
    """The converter asks transformers for a tokenizer; the folder's own file says which."""
    copy = os.path.join(FOLDER, "source")
    shutil.copytree(source, copy)
    for name in ("vocab.json", "added_tokens.json"):
        os.remove(os.path.join(copy, name))
    save(tokenizer()[2], copy, "tokenizer.json")
    save({"tokenizer_class": "PreTrainedTokenizerFast"}, copy, "tokenizer_config.json")
    folder = os.path.join(FOLDER, "ct2-" + kind)
    TransformersConverter(copy).convert(folder, quantization=kind)
    shutil.rmtree(copy)
    return folder


def dequantised(source):
    """A folder of the values of ct2-int8, quantised here once more as its format says."""
    folder = os.path.join(FOLDER, "hf-int8")
    shutil.copytree(source, folder)
    out = {}
    for name, w in load_file(os.path.join(source, "model.safetensors")).items():
        x = w.numpy().astype(np.float32)
        if x.ndim > 1 and "embed_positions" not in name:
            rows = x.reshape(x.shape[0], -1)
            scale = np.float32(127) / np.abs(rows).max(1)
            q = np.rint(rows * scale[:, None]).astype(np.int8)
            x = (q.astype(np.float32) / scale[:, None]).astype(np.float16).reshape(x.shape)
        out[name] = torch.from_numpy(x)
    save_file(out, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})


def save_filters():
    from transformers.audio_utils import mel_filter_bank
    put = {}
    for mels in (80, 128):
        bank = mel_filter_bank(num_frequency_bins=201, num_mel_filters=mels, min_frequency=0.0,
                               max_frequency=8000.0, sampling_rate=16000, norm="slaney",
                               mel_scale="slaney")
        put[f"mel_{mels}"] = bank.T.astype(np.float32)
    np.savez_compressed(os.path.join(FOLDER, "filters.npz"), **put)


def save_tokens():
    m = MODELS[0]
    folder = os.path.join(FOLDER, "source")
    os.mkdir(folder)
    for name, content in m.ctranslate2(int8=True).items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content)
    x = sound(*SOUNDS[m.name]).astype(np.float32) / 32768
    listen = transformers.WhisperFeatureExtractor(feature_size=m.mels)
    mel = listen(x, sampling_rate=16000, return_tensors="np").input_features
    mel[..., len(x) // 160:] = 0  # as openai-whisper and faster-whisper fill a window
    model = ctranslate2.models.Whisper(folder, device="cpu", compute_type="float32")
    found = model.generate(ctranslate2.StorageView.from_array(np.ascontiguousarray(mel)),
                           [m.start()], beam_size=1, max_length=448)
    tokens = np.array(found[0].sequences_ids[0], np.int32)
    np.savez_compressed(os.path.join(FOLDER, "tokens.npz"), int8=tokens)
    shutil.rmtree(folder)


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    source = save_hf(small_model(), "float32")
    for kind in ("float16", "bfloat16"):
        save_hf(small_model(), kind)
    for kind in ("float32", "float16", "bfloat16", "int8"):
        to_ct2(source, kind)
    dequantised(source)
    save_filters()
    save_tokens()


main()
