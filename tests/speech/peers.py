#!/usr/bin/env python3
"""Holds the speech model that ships with tawny against other programs that run the same weights.

    peers.py VK TAWNY CLIPS WORK [--limit N] [--long N] [--only A,B] [--ways greedy,beam,...]
             [--hear A,"tawny A",...] [--heard FILE]

CLIPS is a folder that training/speech/heldout.py made. The weights of the shipped file, widened to
float32, become a checkpoint of openai-whisper, a folder as of Hugging Face, and with CTranslate2's
own converter folders in f16 and int8, all in WORK. Every program transcribes the clips of speech
(--limit: so many), and sounds of 150 s made of them (--long: so many), without fallback to higher
temperatures:

    openai         openai-whisper in float32 on the CPU      against tawny with the shipped file
    ct2-float16    faster-whisper, computing in float32      against tawny with the same folder
    ct2-int8       the same
    whisper.cpp    whisper-cli with the shipped file on the CPU, where activations become 8 bits
                   and a window is filled up with silence    against tawny with the shipped file

What was heard is kept in WORK, so that a run goes on where another was stopped, and programs can
hear on different machines: --hear names programs that shall hear and compares nothing, --heard
adds what WORK/heard.json of another run holds. Prints how many texts and times are the same, and
what differs. Needs `tools/setup goldens peers`, and to be run
by .deps/venv/bin/python3."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import wave

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import folder_writer  # noqa: E402

MODEL = os.path.join(ROOT, "share/tawny-speech-q5_0.bin")
PEERS = ["openai", "ct2-float16", "ct2-int8", "whisper.cpp"]
WAYS = {"greedy": (1, True), "beam": (5, True), "greedy-untimed": (1, False),
        "beam-untimed": (5, False)}
LONG = 150  # seconds
SPECIAL = {"<|endoftext|>": 50256, "<|startoftranscript|>": 50257, "<|translate|>": 50357,
           "<|transcribe|>": 50358, "<|startoflm|>": 50359, "<|startofprev|>": 50360,
           "<|nospeech|>": 50361, "<|notimestamps|>": 50362}


# ---- the model in other forms ------------------------------------------------------------------


def shipped():
    """(sizes, {name: float32}, [bytes of a token])"""
    import gguf

    with open(MODEL, "rb") as f:
        data = f.read()
    place = 4

    def numbers(n):
        nonlocal place
        out = np.frombuffer(data, "<i4", n, place).tolist()
        place += 4 * n
        return out

    def take(n):
        nonlocal place
        place += n
        return data[place - n:place]

    names = ("n_vocab n_audio_ctx n_audio_state n_audio_head n_audio_layer n_text_ctx n_text_state"
             " n_text_head n_text_layer n_mels").split()
    sizes = dict(zip(names, numbers(11)))
    take(4 * int(np.prod(numbers(2))))
    words = [take(numbers(1)[0]) for _ in range(numbers(1)[0])]
    tensors = {}
    while place < len(data):
        n, length, kind = numbers(3)
        shape = numbers(n)[::-1]
        name = take(length).decode()
        kind = gguf.GGMLQuantizationType(kind)
        block, size = gguf.GGML_QUANT_SIZES[kind]
        raw = np.frombuffer(take(int(np.prod(shape)) // block * size), np.uint8)
        x = gguf.quants.dequantize(raw.reshape(-1, size), kind).astype(np.float32).reshape(shape)
        tensors[name] = x.ravel() if name.endswith("bias") else x
    return sizes, tensors, words


def openai():
    """The model for openai-whisper."""
    import torch
    import whisper

    sizes, tensors, _ = shipped()
    model = whisper.model.Whisper(whisper.model.ModelDimensions(**sizes)).eval()
    state = {k: torch.from_numpy(np.array(v)) for k, v in tensors.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not missing and not unexpected, (missing, unexpected)
    return model


def tokenizer(words):
    """As tokenizer.json has it: the vocabulary, and which pair makes each token."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    chars = {**{b: chr(b) for b in plain}, **{b: chr(256 + i) for i, b in enumerate(rest)}}

    def letters(word):
        return "".join(chars[b] for b in word)

    rank = {w: i for i, w in enumerate(words)}
    merges = []
    for i, word in enumerate(words):
        parts = [bytes([b]) for b in word]
        while len(parts) > 2:
            ranks = [rank.get(a + b, i) for a, b in zip(parts, parts[1:])]
            k = int(np.argmin(ranks))
            parts[k:k + 2] = [parts[k] + parts[k + 1]]
        if len(parts) == 2 and i < SPECIAL["<|endoftext|>"]:
            merges.append(" ".join(map(letters, parts)))
    vocab = {letters(w): i for w, i in rank.items() if i < SPECIAL["<|endoftext|>"]}
    bytewise = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                "use_regex": True}
    languages = SPECIAL["<|translate|>"] - SPECIAL["<|startoftranscript|>"] - 1
    added = {**SPECIAL, **{f"<|language {i}|>": SPECIAL["<|startoftranscript|>"] + 1 + i
                           for i in range(languages)}}
    return {"version": "1.0", "pre_tokenizer": bytewise, "decoder": bytewise,
            "added_tokens": [dict(id=i, content=n, special=True, single_word=False, lstrip=False,
                                  rstrip=False, normalized=False)
                             for n, i in sorted(added.items(), key=lambda x: x[1])],
            "model": {"type": "BPE", "vocab": vocab, "merges": merges}}


def hugging_face(folder):
    """Writes such a folder."""
    import whisper.tokenizer

    sizes, tensors, words = shipped()
    never = whisper.tokenizer.get_tokenizer(False).non_speech_tokens
    kept = ("<|endoftext|>", "<|notimestamps|>")
    never = sorted([*never, *(i for name, i in SPECIAL.items() if name not in kept)])
    files = folder_writer.hugging_face(
        {"vocab_size": sizes["n_vocab"], "num_mel_bins": 80, "d_model": sizes["n_audio_state"],
         "encoder_layers": sizes["n_audio_layer"], "decoder_layers": sizes["n_text_layer"],
         "encoder_attention_heads": sizes["n_audio_head"],
         "decoder_attention_heads": sizes["n_text_head"], "max_source_positions": 1500,
         "encoder_ffn_dim": 4 * sizes["n_audio_state"],
         "decoder_ffn_dim": 4 * sizes["n_text_state"],
         "max_target_positions": sizes["n_text_ctx"], "bos_token_id": 50256, "eos_token_id": 50256,
         "pad_token_id": 50256, "decoder_start_token_id": 50257},
        vocab=None, tokenizer=tokenizer(words),
        tokenizer_config={"tokenizer_class": "PreTrainedTokenizerFast"},
        generation_config={"suppress_tokens": never, "begin_suppress_tokens": [220, 50256],
                           "decoder_start_token_id": 50257},
        model=folder_writer.safetensors(
            {folder_writer.their_name(n): ("F32", list(x.shape), x.tobytes())
             for n, x in tensors.items()}))
    os.makedirs(folder, exist_ok=True)
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content)


def ctranslate2(work, name):
    """The folder of that name, made if it is not there."""
    folder, source = os.path.join(work, name), os.path.join(work, "hf")
    if not os.path.exists(folder):
        from ctranslate2.converters import TransformersConverter

        hugging_face(source)
        TransformersConverter(source, copy_files=["tokenizer.json"]).convert(
            folder, quantization=name.split("-")[1])
    return folder


# ---- what programs hear ------------------------------------------------------------------------


def samples(path):
    with wave.open(path) as f:
        return np.frombuffer(f.readframes(f.getnframes()), "<i2").astype(np.float32) / 32768


def rows(segments):
    return [(round(s["start"], 2), round(s["end"], 2), s["text"]) for s in segments if s["text"]]


def by_openai(a, files, way):
    model = openai()
    beam, timed = WAYS[way]
    for path in files:
        r = model.transcribe(samples(path), verbose=None, fp16=False, temperature=0.0,
                             beam_size=beam if beam > 1 else None, without_timestamps=not timed)
        yield path, rows(r["segments"])


def by_ctranslate2(name):
    def hear(a, files, way):
        from faster_whisper import WhisperModel

        model = WhisperModel(ctranslate2(a.work, name), device="cpu", compute_type="float32",
                             cpu_threads=a.threads)
        beam, timed = WAYS[way]
        for path in files:
            found, _ = model.transcribe(samples(path), temperature=0.0, beam_size=beam,
                                        without_timestamps=not timed)
            yield path, rows([{"start": s.start, "end": s.end, "text": s.text} for s in found])
    return hear


def by_whisper_cpp(a, files, way):
    beam, timed = WAYS[way]
    for path in files:
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out")
            subprocess.run([os.path.join(ROOT, ".deps/bin/whisper-cli"), "-m", MODEL, "-ng", "-nf",
                            "-np", "-t", str(a.threads), "-bs", str(beam), "-bo", "1", "-sns",
                            "-oj", "-of", out, path, *([] if timed else ["-nt"])], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with open(out + ".json", encoding="utf-8") as f:
                found = json.load(f)["transcription"]
        yield path, rows([{"start": s["offsets"]["from"] / 1000, "end": s["offsets"]["to"] / 1000,
                           "text": s["text"]} for s in found])


def by_tawny(model):
    """All files at once; they are read as they appear."""
    def hear(a, files, way):
        beam, timed = WAYS[way]
        path = MODEL if model == "shipped" else ctranslate2(a.work, model)
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.Popen([a.vk, "--test", a.tawny, "transcribe", path, *files, "-o",
                                    folder, "-f", "json,txt", "--beam-size", str(beam),
                                    "--temperature-increment-on-fallback", "0",
                                    *([] if timed else ["--no-timestamps"])],
                                   stderr=subprocess.PIPE, text=True)
            said = run.communicate()[1]
            if run.returncode:
                sys.exit(said)
            for file in files:
                with open(os.path.join(folder, name_of(file) + ".json"), encoding="utf-8") as f:
                    yield file, rows(json.load(f)["segments"])
    return hear


PROGRAMS = {"openai": by_openai, "whisper.cpp": by_whisper_cpp,
            "tawny shipped": by_tawny("shipped"), **{n: by_ctranslate2(n) for n in PEERS[1:3]},
            **{"tawny " + n: by_tawny(n) for n in PEERS[1:3]}}
FEW = 8  # files of one run of tawny; what they say is kept when it has ended


def name_of(path):
    return os.path.splitext(os.path.basename(path))[0]


class Heard:
    """What programs heard, in a file: {program: {way: {name: rows}}}"""

    def __init__(self, path, others):
        self.path, self.all = path, {}
        for one in [path, *others]:
            if one == path and not os.path.exists(path):
                continue
            with open(one, encoding="utf-8") as f:
                for program, ways in json.load(f).items():
                    for way, known in ways.items():
                        self.all.setdefault(program, {}).setdefault(way, {}).update(known)

    def get(self, a, program, way, files):
        known = self.all.setdefault(program, {}).setdefault(way, {})
        new = [f for f in files if name_of(f) not in known]
        for at in range(0, len(new), FEW):
            for path, said in PROGRAMS[program](a, new[at:at + FEW], way):
                known[name_of(path)] = said
            with open(self.path + ".part", "w", encoding="utf-8") as f:
                json.dump(self.all, f)
            os.replace(self.path + ".part", self.path)
            print(f"{program}, {way}: {at + len(new[at:at + FEW])} of {len(new)}",
                  file=sys.stderr, flush=True)
        return {f: [tuple(r) for r in known[name_of(f)]] for f in files}


def text(said):
    return " ".join("".join(t for *_, t in said).split())


def long_sounds(a, files):
    """Clips one behind the other."""
    out, parts = [], iter(files)
    for i in range(a.long):
        joined = np.zeros(0, np.float32)
        while len(joined) < LONG * 16000:
            joined = np.append(joined, samples(next(parts)))
        path = os.path.join(a.work, f"long{i}.wav")
        with wave.open(path, "wb") as w:
            w.setparams((1, 2, 16000, 0, "NONE", ""))
            w.writeframes((joined * 32768).astype("<i2").tobytes())
        out.append(path)
    return out


def compare(a, heard, peer, way, files):
    ours = heard.get(a, "tawny " + (peer if peer.startswith("ct2") else "shipped"), way, files)
    theirs = heard.get(a, peer, way, files)
    texts = sum(text(ours[f]) == text(theirs[f]) for f in files)
    times = sum([r[:2] for r in ours[f]] == [r[:2] for r in theirs[f]] for f in files)
    print(f"{peer:12} {way:15} texts {texts} of {len(files)}, times {times}", flush=True)
    for f in files:
        if text(ours[f]) != text(theirs[f]):
            print(f"    {os.path.basename(f)}\n      tawny  {text(ours[f])}\n"
                  f"      other  {text(theirs[f])}")


def main():
    p = argparse.ArgumentParser()
    for name in ("vk", "tawny", "clips", "work"):
        p.add_argument(name)
    p.add_argument("--limit", type=int)
    p.add_argument("--long", type=int, default=3)
    p.add_argument("--only", default=",".join(PEERS))
    p.add_argument("--ways", default=",".join(WAYS))
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--hear")
    p.add_argument("--heard", action="append", default=[])
    a = p.parse_args()
    os.makedirs(a.work, exist_ok=True)
    heard = Heard(os.path.join(a.work, "heard.json"), a.heard)
    with open(os.path.join(a.clips, "clips.json"), encoding="ascii") as f:
        files = [os.path.join(a.clips, c["file"]) for c in json.load(f) if c["segments"]]
    sounds = long_sounds(a, files)
    for way in a.ways.split(","):
        for program in a.hear.split(",") if a.hear else ():
            heard.get(a, program, way, [*files[:a.limit], *sounds])
    for way in a.ways.split(",") if not a.hear else ():
        for peer in a.only.split(","):
            compare(a, heard, peer, way, files[:a.limit])
            if sounds:
                compare(a, heard, peer, way, sounds)


if __name__ == "__main__":
    main()
