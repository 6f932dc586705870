/* params.h - what a kernel is told: one push struct and one list of constants each.
 *
 * Read by C and by GLSL. A push struct begins with its addresses (64-bit, 0: absent), as plan.h
 * asks, then 32-bit values; at most 128 bytes. The numbers after K_ names are constant_ids.
 * All activations are f32, row-major, one row a token; weights lie as quants.def says. */
#ifndef TAWNY_KERNELS_PARAMS_H
#define TAWNY_KERNELS_PARAMS_H

#ifdef TAWNY_GLSL
#define U64 uint64_t
#define U32 uint
#define F32 float
#else
#include <stdint.h>
#define U64 uint64_t
#define U32 uint32_t
#define F32 float
#endif

/* ---- state in GPU memory ------------------------------------------------------------------ */

#define K_PAGE_TOKENS 256u     /* tokens of a KV page, and the chunk of split attention */
#define K_NO_SLOT 0xffffffffu  /* an unused row */
#define K_MAX_OUT 16u          /* rows that may ask for logits in one step */
#define K_MAX_EOG 16u
#define K_GROUP 256u           /* invocations of a workgroup, all kernels */

/* One token to run through the model. */
struct k_row {
    U32 token;
    U32 pos;   /* its position in its sequence */
    U32 slot;  /* the sequence; K_NO_SLOT: compute nothing visible */
    U32 next;  /* out rows: which row of the step after this one takes the chosen token on */
};

/* What a step runs: n_rows rows (the recording may have room for more; those beyond are not
 * touched), of which out_row[0 .. n_out) go through the head. Rows follow the header at once. */
struct k_step {
    U32 n_rows;
    U32 n_out;
    U32 pad0, pad1;
    U32 out_row[16];
};
#define K_STEP_BYTES 80u /* sizeof(struct k_step); row i lies at step + 80 + 16 i */

/* Why a sequence made its last token. */
#define K_RUNNING 0u
#define K_DONE_EOG 1u
#define K_DONE_LENGTH 2u  /* n_left is used up */
#define K_DONE_CONTEXT 3u /* the next token would not fit into the context */

/* One sequence; an array of these, one a slot. Written by the host before a request, then by the
 * sampler only. */
struct k_seq {
    U64 bias;       /* n_bias pairs {U32 id, F32 bias}, or 0 */
    U64 ring;       /* U32[ring_size], host-visible: token number i lies at i % ring_size */
    U64 history;    /* U32[n_ctx]: token at each position, prompt included */
    U32 seed_lo, seed_hi;
    U32 n_made;     /* tokens made so far; also the random generator's counter */
    U32 n_left;     /* tokens still allowed */
    U32 done;       /* K_RUNNING ... */
    U32 n_ctx;      /* positions this sequence may use */
    U32 ring_size;
    U32 n_bias;
    F32 temp;       /* <= 0: greedy, ties to the lowest id */
    F32 top_p;      /* 1: off */
    F32 min_p;      /* 0: off */
    U32 top_k;      /* 0: off */
    F32 repeat;     /* 1: off; divides positive logits, multiplies negative ones */
    F32 presence;   /* 0: off */
    F32 frequency;  /* 0: off */
    U32 penalty_n;  /* how many of the last tokens are penalised */
    U32 n_eog;
    U32 pad0, pad1, pad2;
    U32 eog[16];
};
#define K_SEQ_BYTES 168u

/* ---- decode: up to 16 rows, every stage reads its weights once ---------------------------- */

/* Constants that the matrix-vector kernels share. A row's dot product is cut into `lanes` strands:
 * strand l takes chunks l, l + lanes, ...; strands are added in a butterfly. So the order of
 * additions depends on K, the type and `lanes` (chosen by shape), never on the device. */
#define K_MV_SUBGROUP 0 /* subgroup size, 1: do not use subgroup operations */
#define K_MV_LANES 1    /* strands a row: 8 to 256 */
#define K_MV_B 2        /* rows of x: 1 to 16 */
#define K_MV_K 3        /* length of a row of weights */
#define K_MV_NORM 4     /* x is normalised in the prologue (only B = 1): as below, 0: no */
#define K_MV_XREG 5     /* 1: x stays in registers over the row loop */

#define K_MV_RMS 1u
#define K_MV_LAYER 2u

/* Rows of x for integer dot products, K a multiple of 32: dst row b holds K bytes of integers, and
 * for each block of 32 {F32 d, S16 sum of the first half, S16 of the second}, as lib/round8.glsl
 * makes them. With K_ROUND8_OUT_ROWS x's row b is row step.out_row[b]; rows b >= step.n_out become
 * those of row 0. */
struct k_round8_push {
    U64 x, dst, step;
};
#define K_ROUND8_SUBGROUP 0
#define K_ROUND8_K 1
#define K_ROUND8_OUT_ROWS 2
#define K_ROUND8_SPECS 3
#define K_ROUND8_BYTES(k) ((k) + (k) / 4)

/* dst[b][n] = residual[b][n] + bias[n] + sum_k w[n][k] x[b][k]; absent operands are 0.
 * With K_MV_NORM: x is taken through RMSNorm with norm_w, or LayerNorm with norm_w and norm_b,
 * first. With K_MATVEC_GELU: gelu() (see k_gelu_push) of all that is what is written.
 * With K_MATVEC_OUT_ROWS: x's row b is row step.out_row[b] and rows b >= step.n_out are skipped. */
struct k_matvec_push {
    U64 x, norm_w, norm_b, w, bias, residual, dst, step;
    F32 eps;
    U32 pad;
};
#define K_MATVEC_TYPE 6
#define K_MATVEC_N 7
#define K_MATVEC_OUT_ROWS 8
#define K_MATVEC_GELU 9 /* only without residual */
#define K_MATVEC_SPECS 10

/* dst[b][n] = silu(gate) * up, gate and up being dot products with rows n of two matrices. */
struct k_glu_push {
    U64 x, norm_w, gate, up, dst;
    F32 eps;
    U32 pad;
};
#define K_GLU_TYPE 6 /* of both */
#define K_GLU_N 7
#define K_GLU_SPECS 8

/* q, k, v of every row, biased; q and k rotated by RoPE (table: n_ctx rows of n_rot / 2 pairs
 * {cos, sin}); q as f32 to dst, k and v as f16 to the KV pages at the row's position.
 * pages: U64[slots][max_pages], addresses of pages. In a page, at byte kv_offset (this layer):
 * K as f16 [n_kv][256][head], then V likewise. Rows with slot K_NO_SLOT or at or beyond n_rows
 * are not written to pages. */
struct k_qkv_push {
    U64 x, norm_w, norm_b, wq, wk, wv, bq, bk, bv, rope, dst, step, pages;
    U32 kv_offset, max_pages;
    F32 eps;
    U32 pad;
};
#define K_QKV_TYPE_Q 6
#define K_QKV_TYPE_K 7
#define K_QKV_TYPE_V 8
#define K_QKV_HEADS 9
#define K_QKV_KV_HEADS 10
#define K_QKV_HEAD_DIM 11
#define K_QKV_ROT 12  /* rotated dimensions, even, <= head size; 0: no RoPE */
#define K_QKV_NEOX 13 /* 1: pairs (i, i + rot/2); 0: pairs (2i, 2i + 1) */
#define K_QKV_SPECS 14

/* Attention of B rows over their sequences' pages: one workgroup a (chunk of 256 positions, group
 * of query heads that share a KV head, row). A row at position p sees positions 0..p. Partial
 * results {max, sum, v[head]} go to part[b][head][split][2 + head size]; the last workgroup to
 * arrive for a (row, group) adds them in order of position. counter: U32[B][groups], zero before
 * and after. dst: f32 [B][heads * head size]. */
struct k_attn_push {
    U64 q, pages, step, dst, part, counter;
    U32 kv_offset, max_pages, splits; /* splits = workgroups in x, positions <= 256 * splits */
    F32 scale;
};
#define K_ATTN_SUBGROUP 0
#define K_ATTN_HEADS 1
#define K_ATTN_KV_HEADS 2
#define K_ATTN_HEAD_DIM 3
#define K_ATTN_GROUP 4 /* query heads a workgroup: 1 to 8, divides heads / kv_heads */
#define K_ATTN_SPECS 5

/* dst[i] = row rows[i].token of the table, with row rows[i].pos of `places` (f32, n_places rows)
 * added where there is one; also notes the token in its sequence's history. */
struct k_embed_push {
    U64 table, places, step, seqs, dst;
    U32 n_places, pad;
};
#define K_EMBED_TYPE 0
#define K_EMBED_K 1
#define K_EMBED_VOCAB 2
#define K_EMBED_PLACES 3 /* 1: there are places */
#define K_EMBED_SPECS 4

/* Chooses the next token of every out row and feeds the next step. Three dispatches, each of
 * `slices` workgroups a row, slice s holding ids [2048 s, 2048 s + 2048); the last workgroup of a
 * row to arrive does what needs them all.
 *
 *   sample_prepare  applies biases and penalties to the logits, in place; finds the largest, which
 *                   is a greedy row's choice.
 *   sample_count    a histogram of the logits below the largest, in steps of 1/8: how far down the
 *                   candidates of top-k, top-p or the draw can reach.
 *   sample_pick     lists the candidates, cuts the list exactly, draws.
 *
 * With K_SAMPLE_GREEDY the first does all rows and is the only one.
 *
 * What is computed. Logits are held within -1e30 ... 1e30; NaN counts as -1e30, a denormal or -0
 * as 0. First bias, then, for a token that is
 * `count` times among the last penalty_n of history[0 .. pos]: l <= 0 ? l * repeat : l / repeat,
 * less (count * frequency + presence). Tokens are ordered by logit, equal ones by lower id.
 *   d = max - l;  w = floor(2^38 e^-d);  t = e^-d < min(min_p, 1) ? 0 : floor(2^38 e^(-d / temp))
 *   top_k  (0 < top_k < vocab) keeps the first top_k;
 *   top_p  (< 1) keeps of those the shortest beginning whose sum of w is at least top_p of all
 *          that are left, and at least one;
 *   draw   of those, the first at which the running sum of t exceeds r * (sum of t) / 2^64.
 * r: the first two words of Philox4x32-10, key seed, counter (n_made, 0, 0, 0). temp is held
 * within 1e-6 ... 1e6. All sums are of integers, so no order of additions is visible.
 *
 * What is written, for row = rows[out_row[j]], id the choice, n = row.next:
 *   ring[n_made % ring_size] = id; n_made += 1; n_left -= 1; done;
 *   next.rows[n] = {id, pos + 1, done ? K_NO_SLOT : slot, n}.
 * `next` is the step that runs after this one: this same step in decode (n: the row itself), the
 * decode step in prefill. Nothing is written for a row without a slot, or whose sequence is done,
 * or j >= n_out; a row number n >= next_rows is not written. */
struct k_sample_push {
    U64 logits; /* F32[b][vocab] */
    U64 step, next, seqs;
    U64 counter; /* U32[b][K_SAMPLE_COUNTERS], zero before the first dispatch and after the last */
    U64 part;    /* b of struct k_sample_part, each with U32[vocab] behind it, 16-byte aligned */
    U32 vocab, slices, next_rows, part_bytes;
};
#define K_SAMPLE_GREEDY 0 /* sample_prepare: 1 takes every row as greedy */
#define K_SAMPLE_SPECS 1

#define K_SAMPLE_SLICE 2048u
#define K_SAMPLE_MAX_VOCAB 524288u /* 2^19: ids in 19 bits, sums of 13-bit parts in 32 */
#define K_SAMPLE_COUNTERS 4u       /* arrivals of the three dispatches, candidates listed */

/* Scratch of a row. */
struct k_sample_part {
    U32 kind;        /* the first cut that is on; K_SAMPLE_NONE: nothing left to do */
    U32 cut;         /* last step of the histogram whose tokens are candidates */
    U32 max_bits;    /* the largest logit */
    U32 low;         /* key of the lowest candidate */
    U64 total;       /* sum over all tokens of what the first cut adds up */
    U64 pad;
    U32 hist[1024];  /* [4][256]: counts, then weights in three 13-bit parts, low first */
    U64 best[256];   /* largest of each slice, as (key, id) */
};
#define K_SAMPLE_NONE 0u
#define K_SAMPLE_TOP_K 1u
#define K_SAMPLE_TOP_P 2u
#define K_SAMPLE_DRAW 3u
#define K_SAMPLE_PART_BYTES 6176u /* sizeof(struct k_sample_part) */

/* ---- prefill: many rows of one sequence, at consecutive positions ------------------------- */

/* dst[i] = x[i] / rms(x[i]) * w. With K_NORM_OUT_ROWS: dst[i] is of row step.out_row[i].
 * The order of the sum of squares is that of the K_MV_NORM prologue, bit for bit. */
struct k_norm_push {
    U64 x, w, dst, step;
    F32 eps;
    U32 rows; /* workgroups, one a row */
};
#define K_NORM_SUBGROUP 0
#define K_NORM_K 1
#define K_NORM_OUT_ROWS 2
#define K_NORM_SPECS 3

/* dst[m][n] = residual[m][n] + bias[n] + sum_k x[m][k] w[n][k]. Tiles beyond step.n_rows are
 * skipped where step is given. */
struct k_matmul_push {
    U64 x, w, bias, residual, dst, step;
    U32 m;
    U32 pad;
};
#define K_MATMUL_TYPE 0
#define K_MATMUL_N 1
#define K_MATMUL_K 2
#define K_MATMUL_TILE 3 /* outputs of an invocation each way, 4 or 8; the bits are the same */
#define K_MATMUL_SPECS 4

/* Rows of x for matrix units: dst[m][k] f16, the row taken times a power of two that puts its
 * largest value into [2^14, 2^15), and scale[m] f32, the inverse of that power; or, with
 * K_HALF_BF16, plain bf16 and no scale. Rounded to nearest even. Rows at or beyond step.n_rows are
 * skipped. */
struct k_half_push {
    U64 x, dst, scale, step;
    U32 m; /* workgroups, one a row */
    U32 pad;
};
#define K_HALF_SUBGROUP 0
#define K_HALF_K 1
#define K_HALF_BF16 2
#define K_HALF_SPECS 3

/* dst[i][k] = row first + i of w as f16 (at most 65504 in magnitude), columns in natural order. */
struct k_dequant_push {
    U64 w, dst;
    U32 first, rows;
};
#define K_DEQUANT_TYPE 0
#define K_DEQUANT_N 1 /* rows of w */
#define K_DEQUANT_K 2
#define K_DEQUANT_SPECS 3
#define K_DEQUANT_ROWS 8u /* rows of workgroups of one y */

/* As k_matmul_push by matrix units, float accumulators: x is what k_half_push makes, weights are
 * rounded to f16 (at most 65504 in magnitude; BF16 stays where x is bf16), out[m] is taken times
 * scale[m] where there is one. The order of additions is the device's. With K_PRODUCT_GELU what is
 * stored is gelu of that (there is no residual); with K_PRODUCT_HALF dst is f16, at most 65504 in
 * magnitude. */
struct k_product_push {
    U64 x, scale, w, bias, residual, dst, step;
    U32 m;
    F32 factor; /* all of out is taken times this as well; not in product_khr */
};
#define K_PRODUCT_TYPE 0
#define K_PRODUCT_N 1
#define K_PRODUCT_K 2
#define K_PRODUCT_LD 3   /* row length of dst and residual: N, or more where w is a slice */
#define K_PRODUCT_BF16 4 /* x is bf16 */
/* product_khr: subgroup size; the device's matrix, m x n x k; tile of a workgroup (SIDE x SIDE)
 * and of a subgroup (ROWS x COLS). */
#define K_PRODUCT_SUBGROUP 5
#define K_PRODUCT_MAT_M 6
#define K_PRODUCT_MAT_N 7
#define K_PRODUCT_MAT_K 8
#define K_PRODUCT_SIDE 9
#define K_PRODUCT_ROWS 10
#define K_PRODUCT_COLS 11
#define K_PRODUCT_KHR_SPECS 12
/* product_nv: tile of a workgroup and step along K; which operands there are. */
#define K_PRODUCT_TILE_M 5
#define K_PRODUCT_TILE_N 6
#define K_PRODUCT_TILE_K 7
#define K_PRODUCT_HAS 8
#define K_PRODUCT_HALF 9
#define K_PRODUCT_GELU 10
#define K_PRODUCT_NV_SPECS 11
#define K_PRODUCT_HAS_SCALE 1u
#define K_PRODUCT_HAS_BIAS 2u
#define K_PRODUCT_HAS_RESIDUAL 4u
#define K_PRODUCT_HAS_FACTOR 8u

/* dst[m][n] = silu(gate) * up / K_GLU_DIVISOR as f16, at most 65504 in magnitude; gate and up are
 * products as above of x with rows n of two matrices of f16. What is so small that f16 cannot tell
 * it from its neighbours is below 2^-18 here: far less than a row's other values. */
struct k_product_glu_push {
    U64 x, scale, gate, up, dst, step;
    U32 m;
    U32 k; /* K_PRODUCT_K again, as a number that the compiler does not know */
};
#define K_PRODUCT_GLU_SPECS 8
#define K_GLU_DIVISOR 64.0 /* silu(gate) * up may reach 4 million */

/* Rotates q in place, writes k (rotated) and v to the pages; operands as in k_qkv_push. */
struct k_rope_push {
    U64 q, k, v, rope, step, pages;
    U32 kv_offset, max_pages;
};
#define K_ROPE_HEADS 0
#define K_ROPE_KV_HEADS 1
#define K_ROPE_HEAD_DIM 2
#define K_ROPE_ROT 3
#define K_ROPE_NEOX 4
#define K_ROPE_SPECS 5

/* Flash attention of m rows (of one sequence, consecutive) over that sequence's pages. A row at
 * position p sees 0..p, or, with K_FLASH_SEEN, every row positions 0 .. K_FLASH_SEEN - 1. */
struct k_flash_push {
    U64 q, pages, step, dst;
    U32 kv_offset, max_pages, m;
    F32 scale;
};
#define K_FLASH_HEADS 0
#define K_FLASH_KV_HEADS 1
#define K_FLASH_HEAD_DIM 2
#define K_FLASH_SEEN 3 /* 0: causal */
#define K_FLASH_SPECS 4
#define K_FLASH_ROWS 4 /* flash_nv: rows of a workgroup, keys at a time */
#define K_FLASH_KEYS 5
#define K_FLASH_HALF 6 /* q and dst are f16 */
#define K_FLASH_NV_SPECS 7

/* dst[i] = silu(gate[i]) * up[i], n values: rows of `row` values each, of which only those that
 * the step has are made. */
struct k_silu_push {
    U64 gate, up, dst;
    U64 step; /* 0: all n */
    U32 n, row;
};

/* dst[i] = (x[i] - mean) / sqrt(variance + eps) * w + b, over each row (Ba et al., 2016). With
 * K_LAYERNORM_OUT_ROWS: dst[i] is of row step.out_row[i]. Both sums are added as in k_norm_push.
 * With K_LAYERNORM_HALF dst is f16, at most 65504 in magnitude. */
struct k_layernorm_push {
    U64 x, w, b, dst, step;
    F32 eps;
    U32 rows; /* workgroups, one a row */
};
#define K_LAYERNORM_SUBGROUP 0
#define K_LAYERNORM_K 1
#define K_LAYERNORM_OUT_ROWS 2
#define K_LAYERNORM_HALF 3
#define K_LAYERNORM_SPECS 4

/* dst[i] = gelu(x[i]) + add[i], n values; gelu(x) = x (1 + erf(x / sqrt 2)) / 2; add 0: none. */
struct k_gelu_push {
    U64 x, add, dst;
    U32 n, pad;
};

/* ---- speech ------------------------------------------------------------------------------- */

/* What a convolution along time multiplies, row by row: dst[t][c][i] = src[t * stride + i - pad][c]
 * for t < out_rows, i < taps, and 0 outside of src, which has `rows` rows of `channels`. `batch` of
 * these, one behind the other in both. */
struct k_unfold_push {
    U64 src, dst;
    U32 rows, channels, out_rows, batch;
};
#define K_UNFOLD_TAPS 0
#define K_UNFOLD_STRIDE 1
#define K_UNFOLD_PAD 2
#define K_UNFOLD_SPECS 3

/* Spectra to mel bands: dst[t][m] = log10 of the larger of 1e-10 and
 * sum_i filters[m][i] (re^2 + im^2), with re = dft[t][i] and im = dft[t][bins + i];
 * top[t] = the largest of them. One workgroup a frame. */
struct k_mel_push {
    U64 dft, filters, dst, top;
};
#define K_MEL_SUBGROUP 0
#define K_MEL_BINS 1
#define K_MEL_BANDS 2
#define K_MEL_SPECS 3

/* loudest = the largest of loudest and those of top[0 .. frames) that are below 16, which no sound
 * is above: one sample that is no number is not the measure of all that follow. One workgroup. */
struct k_mel_top_push {
    U64 top, loudest;
    U32 frames, pad;
};
#define K_MEL_MOST 0x41800000u /* 16 */
#define K_MEL_TOP_SUBGROUP 0
#define K_MEL_TOP_SPECS 1

/* x[t][m] = (the larger of x[t][m] and loudest - 8, plus 4) / 4 for t < used, else 0; one workgroup
 * a frame. */
struct k_mel_scale_push {
    U64 x, loudest;
    U64 used; /* U32: how many frames hold sound */
};
#define K_MEL_SCALE_BANDS 0
#define K_MEL_SCALE_SPECS 1

/* What one sequence of a transcription may say; an array of these, one a slot. Written by the
 * host. */
struct k_speech {
    U64 never;         /* U32[(vocab + 31) / 32]: bit i: token i is never chosen; 0: none */
    U64 logprobs;      /* F32[ring_size of the sequence], host-visible */
    U32 begin;         /* position of the first token that is chosen */
    U32 timed;         /* 1: text comes between pairs of times */
    U32 time_0;        /* id of the time 0; those of later times follow to the end */
    U32 end;           /* id of the end of the text; ids from there on are no text */
    U32 no_times;      /* id that says that there are no times */
    U32 latest;        /* largest time that the first token may be, less time_0 */
    U32 n_first;       /* tokens that are not chosen first */
    U32 not_first[3];
};
#define K_SPEECH_BYTES 56u

/* Between the head and the sampler: takes from the logits (sets to -1e30) what the grammar of
 * times does not allow, and notes the logarithm of the sum of e^l over what is left. `chosen` are
 * the tokens of the sequence's history from `begin` on:
 *   always    `never`; with `timed` also no_times;
 *   first     not_first; with `timed` all but times, and those after `latest`;
 *   `timed`   after two times (or one at the start): all times; after one time that follows text:
 *             all ids below `end`; times before the last one chosen, and that one too unless it
 *             has just been chosen behind text; at last all that is no time, if the times
 *             together are likelier than any single one of the others.
 * Two dispatches, each of a workgroup a slice of K_RULES_SLICE ids and row. The first takes all but
 * the last of these away and adds up what is left of its slice, to part[j][slice] = {the largest
 * text, the largest time, the sum of e^(l - largest) over text, over times}, -infinity and 0 where
 * there is none; the second, with K_RULES_JUDGE, adds slices up, each sum times
 * e^(its largest - the largest of all). Sums: invocation i takes ids (slices) i, i + 256, ...; then
 * a butterfly over 256. */
struct k_rules_push {
    U64 logits; /* F32[b][vocab] */
    U64 step, seqs, speech;
    U64 notes;  /* b of struct k_note */
    U64 part;   /* F32[b][slices][4] */
    U32 vocab, slices;
};
#define K_RULES_SUBGROUP 0
#define K_RULES_JUDGE 1
#define K_RULES_SPECS 2
#define K_RULES_SLICE 1024u

/* Of an out row: the sequence, K_NO_SLOT if there is nothing to choose; tokens it made before; the
 * row of the next step that takes the choice; the logarithm. */
struct k_note {
    U32 slot, made, next;
    F32 log_sum;
};

/* Behind the sampler: logprobs[made % ring_size] = logits[j][id] - log_sum, id being what the
 * sampler wrote to row `next` of the next step. */
struct k_logprob_push {
    U64 logits, next, seqs, speech, notes;
    U32 vocab, rows; /* b */
};

/* dst[j][i] = probability of id first + i, i < count, among ids from .. to - 1 of row j. With `ids`
 * (U32 a row) first is ids[j]. */
struct k_probs_push {
    U64 logits, dst, ids;
    U32 vocab, from, to, first, count, pad;
};
#define K_PROBS_SUBGROUP 0
#define K_PROBS_SPECS 1

/* The `count` likeliest tokens of each out row that the rules left something to choose from:
 * dst[j][r] = {id, logit - log_sum of note j}, likeliest first, of equal ones the lower id; where
 * there are no more, {K_NO_TOKEN, -infinity}. Two dispatches: a workgroup a slice of 2048 ids and
 * row, whose best go to part[j][slice][count]; then, with K_TOP_MERGE, one a row. */
struct k_top_push {
    U64 logits, notes, part, dst;
    U32 vocab, slices, count, pad;
};
#define K_TOP_SUBGROUP 0
#define K_TOP_MERGE 1
#define K_TOP_SPECS 2
#define K_TOP_SLICE 2048u
#define K_TOP_MOST 17u         /* count */
#define K_NO_TOKEN 0xffffffffu

struct k_candidate {
    U32 id;
    F32 logprob; /* in `part`: the logit */
};

/* A sequence goes on as another one began: keys, values and history of positions first .. end - 1
 * of slot `from` are copied to slot `to`. */
struct k_fork {
    U32 from, to, first, end;
};

/* One workgroup a (page, strip, fork); a strip is the keys or the values of a layer. `forks`: U32
 * how many there are, and from byte 16 on the forks; no slot is copied to twice, or copied to and
 * from. */
#define K_FORKS_HEAD 16u
struct k_fork_push {
    U64 forks, pages, seqs;
    U32 max_pages, pad;
};
#define K_FORK_KV_HEADS 0
#define K_FORK_HEAD_DIM 1
#define K_FORK_SPECS 2

/* When words are said: what some heads of the cross attention look at while each token is made. */
struct k_align {
    U32 tokens; /* of the text, with what goes before it */
    U32 frames; /* of the sound that count */
    U32 at;     /* which of the tokens is the first row of the step */
    U32 pad;
};
#define K_ALIGN_BYTES 16u

/* dst[first + i][at + b][t] = softmax over t < frames of scale * q . k[t], for the heads that
 * heads[first + i] names (of one layer) and rows b of the step, which hear their slots; weights
 * below K_ALIGN_LEAST are 0, since a device may take the remainder of their division for 0. dst is
 * f32 [..][places][SEEN]. One workgroup a (head, row). Each dot product goes through its head in
 * order; sums: invocation i takes frames i, i + 256, ...; then a butterfly over 256. */
#define K_ALIGN_LEAST 0x0d800000u /* the bits of 2^-100 */
struct k_align_weights_push {
    U64 q, pages, step, heads, align, dst;
    U32 kv_offset, max_pages, first, places;
    F32 scale;
    U32 pad;
};
#define K_ALIGN_WEIGHTS_SUBGROUP 0
#define K_ALIGN_WEIGHTS_HEADS 1
#define K_ALIGN_WEIGHTS_HEAD_DIM 2
#define K_ALIGN_WEIGHTS_SEEN 3
#define K_ALIGN_WEIGHTS_SPECS 4

/* x[h][i][t] = (x[h][i][t] - mean) / deviation, both over i < tokens, in order; 0 where the
 * deviation is below 2^-20 of the largest (or that below K_ALIGN_LEAST). x is f32
 * [..][places][seen], not below 0; each column is divided by its largest value first. One
 * invocation a frame, a row of workgroups a head. */
struct k_align_norm_push {
    U64 align, x;
    U32 places, seen;
};

/* dst[i][t] = mean over h < heads, in order, of the median of x[h][i][t - 3 .. t + 3], mirrored at
 * both ends of the frames; of the values themselves where there are fewer than 4 frames. */
struct k_align_mean_push {
    U64 align, x, dst;
    U32 heads, places, seen, pad;
};
/* dst[r][i] = sqrt(re^2 + im^2) for i < bins and 0 for i < width, with re = src[r][i] and
 * im = src[r][bins + i]; squares below 2^-100 count as 0. */
struct k_magnitude_push {
    U64 src, dst;
    U32 rows, bins, width, pad;
};

/* dst[i] = f(x[i]), n values. */
struct k_unary_push {
    U64 x, dst;
    U32 n, pad;
};
#define K_UNARY_OP 0
#define K_UNARY_SPECS 1
#define K_UNARY_RELU 0u    /* the larger of x and 0 */
#define K_UNARY_SIGMOID 1u /* 1 / (1 + e^-x), x not below -40 */

/* A recurrent layer (Hochreiter and Schmidhuber, 1997; with a gate that forgets): `steps` steps,
 * one after the other, in one workgroup; N = K_LSTM_HIDDEN, at most 256. With
 * a[t][j] = x[t][j] + b[j] + sum_k w[k][j] h[k], j < 4N, and h, c as step t - 1 left them, before
 * the first as in state[2][N]:
 *   c[j] = sigmoid(a[N + j]) c[j] + sigmoid(a[j]) tanh(a[2N + j]), below 2^-100 in size counting
 *   as 0; h[j] = sigmoid(a[3N + j]) tanh(c[j]); dst[t][j] = h[j].
 * At the end state holds h and c. The sum begins with x + b and takes k in order. */
struct k_lstm_push {
    U64 x, w, b, state, dst;
    U32 steps, pad;
};
#define K_LSTM_HIDDEN 0
#define K_LSTM_SPECS 1

/* ---- layout and general ------------------------------------------------------------------- */

/* Splits `blocks` file blocks (less than 4 GiB) at src (4-byte aligned) into planes: block
 * first + i goes to plane p at dst + plane[p] + (first + i) * len[p]. A block is cut at `offset`s;
 * lens are even. */
struct k_repack_push {
    U64 src, dst;
    U32 blocks, first;              /* blocks of this call; index of the first in the tensor */
    U32 block_bytes, planes;
    U32 offset[4], len[4], plane_lo[4], plane_hi[4];
};

/* dst[b][c][r] = src[b][r][c]; elements of 2 or 4 bytes. Strides of rows in elements. */
struct k_transpose_push {
    U64 src, dst;
    U32 batch, rows, cols, src_stride, dst_stride, pad;
    U64 src_batch, dst_batch; /* strides of a matrix, in elements */
};
#define K_TRANSPOSE_BYTES 0
#define K_TRANSPOSE_SPECS 1

/* c[i3][i2][m][n] = scale * sum_k a[i3 / r3][i2 / r2][m][k] b[i3][i2][n][k] (or b[k][n] with
 * K_BMM_BT 0), f32; strides in elements, so operands may be views. */
struct k_bmm_push {
    U64 a, b, c;
    U32 m, n, k, ne2, ne3;
    U32 a_row, b_row, c_row;
    U32 a_2, b_2, c_2, a_3, b_3, c_3;
    U32 r2, r3;
    F32 scale;
    U32 pad;
};
#define K_BMM_BT 0 /* 1: b is [n][k]; 0: b is [k][n] */
#define K_BMM_SPECS 1

#endif
