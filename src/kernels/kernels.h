/* kernels.h - the catalogue: every operation that a model can append to a plan.
 *
 * Each call checks shapes and types, picks the variant for the device, and appends one dispatch.
 * A shape or type that cannot run is ERR_MODEL with operation, shapes, types and the reason. The
 * arithmetic of each is written down in params.h, and again, as C, in check/. Nothing blocks. */
#ifndef TAWNY_KERNELS_KERNELS_H
#define TAWNY_KERNELS_KERNELS_H

#include "kernels/params.h"
#include "plan/plan.h"
#include "quant/quant.h"

/* A matrix of weights as it lies in GPU memory: n rows of k. addr 0: absent. */
struct k_weight {
    uint64_t addr;
    enum quant_type type;
    uint32_t n, k;
    const char *name;
};

/* Where keys and values live: see k_qkv_push. */
struct k_kv {
    uint64_t pages;     /* address of the page table, U64[slots][max_pages] */
    uint32_t slots, max_pages;
    uint32_t offset;    /* this layer's bytes inside a page */
    uint64_t pool, pool_bytes; /* the memory of all pages, for the declared spans */
    uint32_t heads, kv_heads, head_dim;
};

struct k_rope {
    uint64_t table;     /* f32 [n_ctx][rot / 2][2] */
    uint64_t table_bytes;
    uint32_t rot;       /* 0: none */
    bool neox;
};

/* The step header with room for `rows` rows (see k_step). */
struct k_steps {
    uint64_t addr;
    uint32_t rows;      /* rows this recording computes */
    bool out_rows;      /* k_matvec, k_norm: take rows step.out_row[...] of x */
};

/* How x goes into k_matvec, k_glu and k_qkv. Rounded to 8 bits in blocks of 32 (lib/round8.glsl),
 * which moves perplexity by some tenths of a per cent, it is multiplied by integer dot products;
 * that takes block types whose rows are whole chunks of 64, and another way gives way to F32. */
enum k_x {
    K_X_BEST, /* INT8 where the device has instructions for it (GPU_CAP_INT_DOT) */
    K_X_F32,
    K_X_INT8,
};

/* True if rows of this type and length can be multiplied by x in 8 bits. */
bool k_takes_int8(enum quant_type t, uint32_t k);

struct k_matvec_args {
    const char *name;   /* shown in profiles: "o", "down", "head" */
    uint32_t b;         /* 1 to 16 */
    uint64_t x;         /* f32 [b][k], or the step's rows with steps.out_rows */
    uint32_t x_rows;    /* rows that x has (for the declared span) */
    uint64_t norm_w;    /* f32 [k] or 0 */
    uint64_t norm_b;    /* f32 [k]: LayerNorm; 0: RMSNorm */
    float eps;
    struct k_weight w;
    uint64_t bias;      /* f32 [n] or 0 */
    uint64_t residual;  /* f32 [b][n] or 0; may be out */
    uint64_t out;       /* f32 [b][n] */
    bool gelu;          /* of all that; no residual then */
    struct k_steps steps; /* only read with out_rows */
    enum k_x x_as;
};
enum status k_matvec(struct plan *p, const struct k_matvec_args *a);

/* True if a product with this type and row length can take b rows of x through RMSNorm itself;
 * otherwise k_norm goes before. The bits are the same either way. */
bool k_fuses_norm(uint32_t b, enum quant_type t, uint32_t k);
/* The same for LayerNorm and k_layernorm: not for types of blocks. k_matvec and k_qkv have it. */
bool k_fuses_layernorm(uint32_t b, enum quant_type t, uint32_t k);

/* Weights of a row that a lane of k_matvec, k_glu and k_qkv takes at a time. */
uint32_t k_matvec_chunk(enum quant_type t);

struct k_glu_args {
    uint32_t b;
    uint64_t x, norm_w; /* as in k_matvec_args */
    float eps;
    struct k_weight gate, up;
    uint64_t out;       /* f32 [b][n] */
    enum k_x x_as;
};
enum status k_glu(struct plan *p, const struct k_glu_args *a);
/* True if it takes x in 8 bits with K_X_BEST, up being like gate. */
bool k_glu_takes_int8(const struct gpu *g, const struct k_weight *gate);

struct k_qkv_args {
    uint32_t b;
    uint64_t x, norm_w, norm_b; /* as in k_matvec_args */
    float eps;
    struct k_weight q, k, v;
    uint64_t bq, bk, bv; /* f32 or 0 */
    struct k_rope rope;
    struct k_kv kv;
    struct k_steps steps;
    uint64_t out;        /* f32 [b][heads * head_dim] */
    enum k_x x_as;
};
enum status k_qkv(struct plan *p, const struct k_qkv_args *a);

struct k_attn_args {
    uint32_t b;
    uint64_t q, out;     /* f32 [b][heads * head_dim] */
    uint64_t counter;    /* U32[b * heads], zero */
    struct k_kv kv;
    struct k_steps steps;
    uint32_t splits;     /* pages a sequence may have in this recording */
    float scale;
};
enum status k_attn(struct plan *p, const struct k_attn_args *a);

struct k_embed_args {
    struct k_weight table;
    uint64_t places;     /* f32 [n_places][k] that is added by position, or 0 */
    uint32_t n_places;
    struct k_steps steps;
    uint64_t seqs;       /* struct k_seq [slots], 0: no history */
    uint32_t slots;
    uint64_t history, history_bytes; /* where all seqs' histories lie, for the declared spans */
    uint64_t out;        /* f32 [rows][k] */
};
enum status k_embed(struct plan *p, const struct k_embed_args *a);

/* Chooses the next token of every out row and feeds the next step; see k_sample_push. Three
 * dispatches, one with `greedy`. */
struct k_sample_args {
    uint32_t b;          /* 1 to K_MAX_OUT */
    uint64_t logits;     /* f32 [b][vocab]; penalties and biases are applied in place */
    uint32_t vocab;      /* at most K_SAMPLE_MAX_VOCAB */
    struct k_steps steps;
    struct k_steps next; /* the step to feed; addr 0: the same */
    uint64_t seqs;
    uint32_t slots;
    uint64_t history, history_bytes; /* where all seqs' histories lie, for the declared spans */
    uint64_t ring, ring_bytes;       /* likewise their rings */
    uint64_t bias, bias_bytes;       /* and their biases; ids of one sequence are distinct */
    uint64_t counter;    /* U32[b][K_SAMPLE_COUNTERS], zero before and after */
    bool greedy;         /* take every row as greedy, whatever its temperature */
};
enum status k_sample(struct plan *p, const struct k_sample_args *a);

struct k_norm_args {
    uint32_t rows;
    uint64_t x, w, out;
    uint32_t k, x_rows;
    float eps;
    struct k_steps steps; /* only read with out_rows */
};
enum status k_norm(struct plan *p, const struct k_norm_args *a);

/* How a product of many rows runs. A way that the device, the type or the shape does not allow
 * gives way to the best. */
enum k_way {
    K_WAY_BEST,
    K_WAY_F32,  /* plain f32: the same bits on every device */
    K_WAY_KHR,  /* matrix units through VK_KHR_cooperative_matrix */
    K_WAY_NV,   /* ... and through VK_NV_cooperative_matrix2 */
    K_WAY_BF16, /* K_WAY_NV with x rounded to bf16 for BF16 weights: never taken unasked, because
                   the rounding alone moves perplexity by 0.2 % */
};

/* K_WAY_KHR is worth it: a device whose smallest matrix is tiny has no units for it. */
bool k_matrices_pay(const struct gpu_info *info);

struct k_matmul_args {
    const char *name;
    uint32_t m;
    uint64_t x;          /* f32 [m][k] */
    struct k_weight w;
    uint64_t bias, residual, out; /* as in k_matvec_args */
    struct k_steps steps; /* addr 0: all m rows */
    enum k_way way;
    /* Where k_takes_half() says so, and way is K_WAY_BEST: */
    uint64_t x_half;     /* f16 [m][k] instead of x, with room for K_HALF_ROWS whole rows */
    float factor;        /* of x_half; 0: 1 */
    bool half;           /* out is f16, at most 65504 in magnitude; no residual */
    bool gelu;           /* out goes through gelu; no residual */
};
enum status k_matmul(struct plan *p, const struct k_matmul_args *a);

/* Rows of f16 take a multiple of this many, so that whole tiles can be read. */
enum { K_HALF_ROWS = 128 };

/* True if products of m rows with such weights read f16, so that whoever makes the rows had better
 * write them so. */
bool k_takes_half(const struct plan *p, uint32_t m, const struct k_weight *w);

/* Rows first ... first + rows - 1 of w as f16 [rows][k] at dst (a multiple of 16), for matrix
 * units. Any type but F32, k a multiple of 8. */
enum status k_dequant(struct plan *p, const struct k_weight *w, uint32_t first, uint32_t rows,
                      uint64_t dst);

/* out = SiLU(gate x) * (up x) / K_GLU_DIVISOR, f16 [m][n] with room for K_HALF_ROWS whole rows:
 * what a product with a factor of K_GLU_DIVISOR takes. Where k_glu_takes_half() says so. */
struct k_glu_rows_args {
    uint32_t m;
    uint64_t x;          /* f32 [m][k] */
    struct k_weight gate, up; /* of one shape */
    uint64_t out;
    struct k_steps steps; /* addr 0: all m rows */
};
enum status k_glu_rows(struct plan *p, const struct k_glu_rows_args *a);
bool k_glu_takes_half(const struct plan *p, uint32_t m, const struct k_weight *gate,
                      const struct k_weight *up);

struct k_rope_args {
    uint32_t m;
    uint64_t q;          /* f32 [m][heads * head_dim], rotated in place; 0 without rotation: none */
    uint64_t k, v;       /* f32 [m][kv_heads * head_dim] */
    struct k_rope rope;
    struct k_kv kv;
    struct k_steps steps;
};
enum status k_rope_append(struct plan *p, const struct k_rope_args *a);

struct k_flash_args {
    uint32_t m;
    uint64_t q, out;     /* f32 [m][heads * head_dim] */
    bool half;           /* q and out are f16: where k_flash_takes_half() says so */
    struct k_kv kv;
    struct k_steps steps;
    float scale;
    uint32_t seen;       /* 0: causal; else every row sees positions 0 .. seen - 1 */
    enum k_way way;      /* K_WAY_F32 or K_WAY_NV */
};
enum status k_flash(struct plan *p, const struct k_flash_args *a);
bool k_flash_takes_half(const struct plan *p, uint32_t m, uint32_t head_dim);

struct k_silu_args {
    uint32_t m, n;          /* rows, values of a row */
    uint64_t gate, up, out; /* f32 [m][n]; out may be one of the others */
    struct k_steps steps;   /* only its n_rows rows are made; none: all */
};
enum status k_silu_mul(struct plan *p, const struct k_silu_args *a);

struct k_layernorm_args {
    uint32_t rows;
    uint64_t x, w, b, out; /* f32 [rows][k], [k], [k], [rows][k] */
    bool half;             /* out is f16, at most 65504 in magnitude */
    uint32_t k, x_rows;    /* k: a multiple of 4 */
    float eps;
    struct k_steps steps;  /* only read with out_rows */
};
enum status k_layernorm(struct plan *p, const struct k_layernorm_args *a);

/* out = gelu(x) + add, n values; add 0: none. out may be x. */
enum status k_gelu(struct plan *p, uint64_t x, uint64_t add, uint64_t out, uint64_t n);

/* ---- speech ---- */

struct k_unfold_args {
    uint64_t in, out;    /* f32 [batch][rows][channels], f32 [batch][out_rows][channels][taps] */
    uint32_t rows, channels, out_rows;
    uint32_t taps, stride, pad;
    uint32_t batch;      /* 0: 1 */
};
enum status k_unfold(struct plan *p, const struct k_unfold_args *a);

/* Spectra to what a speech model takes: see k_mel_push, k_mel_top_push and k_mel_scale_push. Three
 * dispatches. */
struct k_mel_args {
    uint32_t frames, bins, bands; /* at most 4096 bins */
    uint64_t dft;        /* f32 [frames][2][bins] */
    uint64_t filters;    /* f32 [bands][bins] */
    uint64_t used;       /* U32: frames that hold sound */
    uint64_t loudest;    /* f32: the loudest band before, then that of these frames if it is louder
                            (-infinity: none); quiet bands are held against it */
    uint64_t out;        /* f32 [frames][bands] */
};
enum status k_mel(struct plan *p, const struct k_mel_args *a);

/* What a transcription adds around k_sample, whose args it takes too: see k_rules_push and
 * k_logprob_push. `speech`: struct k_speech [slots]; `notes`: struct k_note [b]. */
struct k_speech_args {
    const struct k_sample_args *sample;
    uint64_t speech, notes;
    uint64_t never, never_bytes;       /* where all slots' masks lie, for the declared spans */
    uint64_t logprobs, logprobs_bytes; /* likewise */
};
/* Rules, sampler, logprobs: four dispatches with sample->greedy, else six. */
enum status k_speech_sample(struct plan *p, const struct k_speech_args *a);

struct k_probs_args {
    uint32_t rows, vocab;
    uint64_t logits, out; /* f32 [rows][vocab], f32 [rows][count] */
    uint32_t from, to;    /* ids that share the probability 1 */
    uint32_t first, count; /* ids that are asked for */
    uint64_t ids;         /* U32 [rows]: the first for each row; 0: `first` */
};
enum status k_probs(struct plan *p, const struct k_probs_args *a);

/* The likeliest tokens of rows that k_rules left: see k_top_push. Two dispatches. */
struct k_top_args {
    uint32_t b, vocab, count; /* 1 to K_MAX_OUT, at most 65536, 1 to K_TOP_MOST */
    uint64_t logits;     /* f32 [b][vocab] */
    uint64_t notes;      /* struct k_note [b] */
    uint64_t out;        /* struct k_candidate [b][count] */
};
enum status k_top(struct plan *p, const struct k_top_args *a);

/* The rules alone, for who chooses from what they leave: `sample` gives logits, steps, seqs and
 * histories; logprobs are not read. Two dispatches. */
enum status k_rules(struct plan *p, const struct k_speech_args *a);

/* What heads of one layer look at: see k_align_weights_push. Heads and `first` are numbered over
 * all layers; x is f32 [heads of all layers][places][seen]. */
struct k_align_weights_args {
    uint32_t rows, n, first; /* n heads of this layer, from `first` on */
    uint64_t q;          /* f32 [rows][heads * head_dim] */
    uint64_t heads;      /* U32 [first + n]: numbers of the heads in their layers */
    uint64_t align;      /* struct k_align */
    uint64_t x;
    uint32_t places, seen; /* rows and frames that x has room for */
    struct k_kv kv;
    struct k_steps steps; /* whose slots are windows */
    float scale;
};
enum status k_align_weights(struct plan *p, const struct k_align_weights_args *a);

/* x, which all layers have filled, to one matrix: see k_align_norm_push and k_align_mean_push. Two
 * dispatches; x is normalised in place. */
struct k_align_args {
    uint32_t heads, places, seen;
    uint64_t align, x;
    uint64_t out;        /* f32 [places][seen] */
};
enum status k_align(struct plan *p, const struct k_align_args *a);

struct k_fork_args {
    struct k_kv kv;      /* offset is not read: all layers are copied */
    uint32_t layers;
    uint64_t forks;      /* as k_fork_push has them */
    uint32_t most;       /* forks that may be in it, 1 to 16 */
    uint64_t seqs;       /* struct k_seq [kv.slots] */
    uint64_t history, history_bytes; /* where all seqs' histories lie, for the declared spans */
};
enum status k_fork(struct plan *p, const struct k_fork_args *a);
struct k_magnitude_args {
    uint64_t in, out;    /* f32 [rows][2][bins], f32 [rows][width] */
    uint32_t rows, bins, width; /* width: bins or more; what is more becomes 0 */
};
enum status k_magnitude(struct plan *p, const struct k_magnitude_args *a);

/* out = f(x), n values; f: K_UNARY_RELU, K_UNARY_SIGMOID. out may be x. */
enum status k_unary(struct plan *p, uint32_t f, uint64_t x, uint64_t out, uint64_t n);

struct k_lstm_args {
    uint32_t steps, hidden; /* hidden: 1 to 256 */
    uint64_t x;          /* f32 [steps][4 * hidden]: inputs, forgets, candidates, outputs */
    uint64_t w, b;       /* f32 [hidden][4 * hidden], [4 * hidden] */
    uint64_t state;      /* f32 [2][hidden]: h, c; read and written */
    uint64_t out;        /* f32 [steps][hidden] */
};
enum status k_lstm(struct plan *p, const struct k_lstm_args *a);

/* out[b][c][r] = in[b][r][c]; bytes per element 2 or 4; strides in elements, 0: packed. */
struct k_transpose_args {
    uint64_t in, out;
    uint32_t elem, batch, rows, cols;
    uint32_t in_stride, out_stride;
    uint64_t in_batch, out_batch;
};
enum status k_transpose(struct plan *p, const struct k_transpose_args *a);

/* Batched 4-D product, f32, see k_bmm_push. */
enum status k_bmm(struct plan *p, const struct k_bmm_push *a, bool b_transposed);

/* Loading: sends `blocks` file blocks that lie in the stream's current slice to their planes in
 * the tensor at dst (`total` blocks). For types of one plane use gpu_stream_copy. */
/* ... the pipeline that does it, for every type. ERR: not in this build. */
enum status k_repack_pipe(struct gpu_pipe_params *out);
enum status k_repack(struct gpu *g, struct gpu_stream *s, enum quant_type type, uint64_t src,
                     uint64_t dst, uint64_t total, uint64_t first, uint32_t blocks);

#endif
