/* whisper.h - Whisper (Radford et al., 2022): what its files hold, and the plans of a window of
 * sound and of a step of text.
 *
 * As models.h for decoders of text: it knows neither Vulkan nor sequences; the engine puts the
 * tensors into GPU memory, fills in their addresses and asks for plans. All sizes, English and
 * multilingual, follow from the hyperparameters. */
#ifndef TAWNY_MODELS_WHISPER_H
#define TAWNY_MODELS_WHISPER_H

#include "models/models.h"

enum {
    WHISPER_FFT = 400, /* samples of a frame */
    WHISPER_BINS = WHISPER_FFT / 2 + 1,
    WHISPER_HOP = 160, /* samples from one frame to the next */
    WHISPER_RATE = 16000,
    WHISPER_MAX_LANGUAGES = 100,
};

/* One side of it. */
struct whisper_side {
    uint32_t n_ctx, n_layers, n_embd, n_heads, head_dim, n_ff;
};

/* What ids at and beyond `end` mean; which they are follows from the size of the vocabulary. */
struct whisper_ids {
    uint32_t end;                    /* <|endoftext|>; smaller ids are text */
    uint32_t start;                  /* <|startoftranscript|> */
    uint32_t language_0, n_languages;
    uint32_t translate, transcribe, start_lm, start_prev, no_speech, no_times;
    uint32_t time_0;                 /* <|0.00|>; one more for every 0.02 s */
};

struct whisper_norm {
    uint64_t w, b;                   /* (n_embd) each */
};

struct whisper_linear {
    struct k_weight w;
    uint64_t b;                      /* 0: none */
};

struct whisper_attn {
    struct whisper_norm norm;
    struct whisper_linear q, k, v, o; /* (n_embd, n_embd); k has no bias */
};

struct whisper_layer {
    struct whisper_attn self, cross; /* cross: of the decoder only */
    struct whisper_norm mlp_norm;
    struct whisper_linear up, down;  /* (n_ff, n_embd), (n_embd, n_ff) */
};

/* A head of the decoder's attention to the sound that tells when a token is said. */
struct whisper_head {
    uint32_t layer, head;
};

struct whisper {
    struct whisper_side audio, text;
    struct whisper_ids ids;
    uint32_t n_vocab, n_mels;
    bool multilingual;
    uint64_t filters;                /* (n_mels, WHISPER_BINS) */
    struct whisper_linear conv1;     /* (n_embd, n_mels * 3), taps fastest */
    struct whisper_linear conv2;     /* (n_embd, n_embd * 3) */
    uint64_t audio_places;           /* (audio.n_ctx, n_embd) */
    struct whisper_layer *audio_layers;
    struct whisper_norm audio_norm;
    struct k_weight embd;            /* (n_vocab, n_embd), also the head */
    uint64_t text_places;            /* (text.n_ctx, n_embd) */
    struct whisper_layer *text_layers;
    struct whisper_norm text_norm;
    struct whisper_head *heads;      /* n_heads of them, by layer: those that the file names, or
                                        that are known for models of its size, or all of the upper
                                        half of the layers */
    uint32_t n_heads;
    struct model_tensor *tensors;    /* everything to load */
    uint32_t n_tensors;
    struct arena arena;
};

/* True if the weights say that they are such a model. */
bool whisper_is(const struct weights *w);

/* Describes it. The weights must outlive it. ERR_MODEL names the file and what is wrong. */
enum status whisper_load(const struct weights *w, struct whisper *m);
void whisper_unload(struct whisper *m);

/* Fills m->heads; a part of whisper_load(). */
enum status whisper_load_heads(const struct weights *w, struct whisper *m);

/* "en" of language i; NULL past the last that there is. */
const char *whisper_language(uint32_t i);
/* "english" */
const char *whisper_language_name(uint32_t i);

/* Frames of a window, and the samples that they reach over: the first frame begins with sample 0.
 */
uint32_t whisper_frames(const struct whisper *m);
uint32_t whisper_samples(const struct whisper *m);

/* f32 [2 * WHISPER_BINS][WHISPER_FFT]: cosines, then sines, each times Hann's window. */
void whisper_basis(float *out);

/* Bytes of keys and values of one page: of one layer of a side. */
uint64_t whisper_page_bytes(const struct whisper_side *s);

/* Windows of sound: from samples to the keys and values that the decoder looks at. Weights are read
 * once for all of them; a window's values have the same bits when they go one by one. */
struct whisper_sound {
    uint32_t windows;                /* 1 to K_MAX_OUT */
    uint64_t samples;                /* f32 [windows][whisper_samples()] */
    uint64_t used;                   /* U32 [windows]: frames that hold sound; others count as 0 */
    uint64_t loudest;                /* f32: the loudest band of the windows before, if any, else
                                        -infinity; then of these too. What is quieter by a factor
                                        of 10^8 is as if it were not */
    uint64_t basis;                  /* whisper_basis() */
    uint64_t mel;                    /* f32 [windows][frames][n_mels], written */
    uint64_t h;                      /* f32 [windows][audio.n_ctx][n_embd], written: what the
                                        encoder says */
    struct k_steps rows, cross_rows; /* rows of each window in turn, at positions 0, 1 ... up to
                                        audio.n_ctx of slots 0, 1 ... of kv, and of the slots whose
                                        cross pages are to be written */
    const struct k_steps *each;      /* [windows]: the same as `rows`, each window's for itself */
    struct k_kv kv;                  /* pages of one layer of the encoder, used by each in turn */
    struct k_kv cross;               /* pages of all layers of the decoder */
};
enum status whisper_listen(struct plan *p, const struct whisper *m, const struct whisper_sound *s);

/* What the heads that tell the times look at while a step's rows are made; addresses. */
struct whisper_align {
    uint64_t heads;                  /* U32 [n_heads], as struct whisper has them */
    uint64_t align;                  /* struct k_align */
    uint64_t out;                    /* f32 [n_heads][text.n_ctx][audio.n_ctx] */
};

/* A step of text: 1 to 16 rows of any sequences. */
struct whisper_step {
    uint32_t rows, outs;             /* outs 0: no head */
    struct k_steps steps, next;      /* as in model_step */
    struct k_steps cross_steps;      /* as many rows, at position audio.n_ctx - 1 of their slots */
    struct k_kv kv, cross;
    uint32_t splits;                 /* pages that a sequence may have in this recording */
    uint64_t h;                      /* f32 [rows][n_embd] */
    uint64_t logits;                 /* f32 [outs][n_vocab] */
    uint64_t counter;                /* U32[rows * n_heads], zero */
    uint64_t top;                    /* struct k_candidate [outs][n_top], written after the rules
                                        in place of a choice; 0: none */
    uint32_t n_top;
    struct whisper_align align;      /* out 0: none */
    const struct k_speech_args *speech; /* NULL: no choice of tokens */
    struct k_sample_args sample;     /* what *speech points to is not read: this is */
};
/* Embedding and layers; with outs, whisper_choose() too. */
enum status whisper_say(struct plan *p, const struct whisper *m, const struct whisper_step *s);
/* Head over the out rows of an h that a step left, rules and sampler. */
enum status whisper_choose(struct plan *p, const struct whisper *m, const struct whisper_step *s);

#endif
