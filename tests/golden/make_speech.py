"""Makes speech.npz: what openai-whisper and transformers say of small_speech.MODELS and SOUNDS.

Log-mel, greedy tokens and whole transcripts are openai-whisper's; what the encoder and the decoder
give is transformers', in float32. For each model:
    NAME.mel       float32 [FRAMES / 37, mels]   every 37th frame of the first window
    NAME.sound     float32 [AUDIO_CTX / 50, state]
    NAME.logits    float32 [vocab / 16]          after the prompt
    NAME.first     int32 [n]                     tokens of the first window, with times
    NAME.logprobs  float32 []                    their mean log-probability
    NAME.silence   float32 []                    probability of no speech
    NAME.languages float32 [n]                   probabilities, of multilingual models
    NAME.segments  float64 [n, 3]                of the whole sound: seek, start, end
    NAME.tokens    int32 [sum]                   their tokens, one behind the other
    NAME.lengths   int32 [n]                     how many each has
and with a beam of 5, NAME.beam.segments, .tokens and .lengths; with others, and a patience and a
length penalty, NAME.search.N: the tokens of the first window. With the times of words:
    NAME.timed.segments, .tokens, .lengths       as above
    NAME.timed.words  float64 [sum, 3]           start, end and probability of each word
    NAME.timed.texts  bytes                      the words, each behind a zero
    NAME.timed.counts int32 [n]                  how many words a segment has
of the first and the last model, and of SHORT with the second sound; NAME.dropped... is of the
latter where a silence of 0.5 s drops what is unlikely.
"""
import os

import numpy as np
import tiktoken
import torch
import transformers
import whisper
from whisper.decoding import DecodingOptions, DecodingTask

from small_speech import (FIRST_TEXT, FRAMES, MODELS, SEARCHES, SHORT, SOUNDS, filters,
                          folder_writer, sound)

FOLDER = os.path.dirname(os.path.abspath(__file__))


def openai(m):
    ranks = {word: i for i, word in enumerate(m.tokens())}
    names = ["<|endoftext|>", "<|startoftranscript|>",
             *(f"<|{code}|>" for code in list(whisper.tokenizer.LANGUAGES)[:m.languages]),
             "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>",
             "<|notimestamps|>", *("<|%.2f|>" % (0.02 * i) for i in range(1501))]
    special = {name: m.end + i for i, name in enumerate(names)}
    encoding = tiktoken.Encoding("words", pat_str=r"(?s).+", mergeable_ranks=ranks,
                                 special_tokens=special)
    whisper.tokenizer.get_encoding = lambda **_: encoding
    whisper.tokenizer.get_tokenizer.cache_clear()
    dims = whisper.model.ModelDimensions(m.mels, 1500, m.state, m.heads, m.layers, m.vocab,
                                         m.text_ctx, m.state, m.heads, m.layers)
    model = whisper.model.Whisper(dims).eval()
    state = {k: torch.from_numpy(v) for k, v in m.tensors().items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not missing and not unexpected, (missing, unexpected)
    return model


def hugging_face(m):
    config = transformers.WhisperConfig(
        vocab_size=m.vocab, num_mel_bins=m.mels, d_model=m.state, encoder_layers=m.layers,
        decoder_layers=m.layers, encoder_attention_heads=m.heads, decoder_attention_heads=m.heads,
        encoder_ffn_dim=4 * m.state, decoder_ffn_dim=4 * m.state, attn_implementation="eager",
        decoder_start_token_id=m.end + 1, pad_token_id=m.end, bos_token_id=m.end,
        eos_token_id=m.end)
    model = transformers.WhisperForConditionalGeneration(config).float().eval()
    state = {folder_writer.their_name(name): torch.from_numpy(w) for name, w in m.tensors().items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and missing == ["proj_out.weight"], (missing, unexpected)
    model.tie_weights()
    return model


def languages(m, model, mel):
    """Probabilities in the order of ids."""
    probs = whisper.decoding.detect_language(model, mel)[1]
    return np.array([probs[code] for code in list(whisper.tokenizer.LANGUAGES)[:m.languages]],
                    np.float32)


def whole(m, prefix, result):
    """A transcript."""
    segments = [s for s in result["segments"] if s["tokens"]]
    print(m.name, prefix, len(segments), "segments from", sorted({s["seek"] for s in segments}),
          flush=True)
    return {
        prefix + "segments": np.array([(s["seek"], s["start"], s["end"]) for s in segments]),
        prefix + "tokens": np.concatenate([[], *(s["tokens"] for s in segments)]).astype(np.int32),
        prefix + "lengths": np.array([len(s["tokens"]) for s in segments], np.int32),
    }


def timed(m, prefix, result):
    """A transcript with words."""
    words = [s["words"] for s in result["segments"] if s["tokens"]]
    return {
        **whole(m, prefix, result),
        prefix + "words": np.array([(w["start"], w["end"], w["probability"])
                                    for s in words for w in s]).reshape(-1, 3),
        prefix + "texts": np.frombuffer(
            "".join("\0" + w["word"] for s in words for w in s).encode(), np.uint8),
        prefix + "counts": np.array([len(s) for s in words], np.int32),
    }


def one(m, golden):
    seconds, seed = SOUNDS[m.name]
    x = sound(seconds, seed).astype(np.float32) / 32768
    ours = whisper.audio.mel_filters("cpu", m.mels).numpy()
    assert np.abs(ours - filters(m.mels)).max() < 1e-7
    window = x[: FRAMES * 160 + 200]
    mel = whisper.log_mel_spectrogram(window, m.mels, padding=FRAMES * 160)
    mel = whisper.pad_or_trim(mel[:, : len(x) // 160], FRAMES)
    model, other = openai(m), hugging_face(m)
    prompt = m.prompt()
    with torch.no_grad():
        heard = other.model.encoder(mel[None]).last_hidden_state
        logits = other(encoder_outputs=(heard,), decoder_input_ids=torch.tensor([prompt])).logits
        again = model.decoder(torch.tensor([prompt]), model.encoder(mel[None]))
    assert np.corrcoef(again[0, -1], logits[0, -1])[0, 1] > 0.9999999
    options = dict(language="en", fp16=False, suppress_tokens=m.never(), temperature=0.0)
    if m.multilingual:
        golden[m.name + ".languages"] = languages(m, model, mel)
    result = DecodingTask(model, DecodingOptions(sample_len=FIRST_TEXT, **options)).run(mel[None])
    put = {
        "mel": mel.T[::37].numpy(), "sound": heard[0, ::50].numpy(),
        "logits": logits[0, -1, ::16].numpy(),
        "first": np.array(result[0].tokens, np.int32),
        "logprobs": np.float32(result[0].avg_logprob),
        "silence": np.float32(result[0].no_speech_prob),
        **whole(m, "", model.transcribe(x, verbose=None, **options)),
        **whole(m, "beam.", model.transcribe(x, verbose=None, beam_size=5, **options)),
    }
    if m is not MODELS[1]:
        put.update(timed(m, "timed.", model.transcribe(x, verbose=None, word_timestamps=True,
                                                       **options)))
    for i, how in enumerate(SEARCHES):
        options_of = DecodingOptions(sample_len=FIRST_TEXT, **how, **options)
        found = DecodingTask(model, options_of).run(mel[None])[0]
        put[f"search.{i}"] = np.array(found.tokens, np.int32)
    for key, value in put.items():
        golden[f"{m.name}.{key}"] = value


def short(golden):
    """Windows of little text."""
    m, x = SHORT, sound(*SOUNDS["english"]).astype(np.float32) / 32768
    model = openai(m)
    options = dict(language="en", fp16=False, suppress_tokens=m.never(), temperature=0.0,
                   verbose=None, word_timestamps=True)
    golden.update({"short." + key: value for key, value in {
        **timed(m, "timed.", model.transcribe(x, **options)),
        **timed(m, "dropped.", model.transcribe(x, hallucination_silence_threshold=0.5, **options)),
    }.items()})


def main():
    torch.set_num_threads(2)
    golden = {}
    short(golden)
    for m in MODELS:
        one(m, golden)
    np.savez_compressed(os.path.join(FOLDER, "speech.npz"), **golden)


main()
