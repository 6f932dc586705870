/* Matrix-vector products as lib/pairs.glsl and lib/dots.glsl add them up: matvec, glu and qkv. */
#include <math.h>

#include "base/mem.h"
#include "check/bits/bits.h"
#include "kernels/params.h"
#include "check/kv.h"
#include "check/linear.h"
#include "check/parallel.h"
#include "check/round8.h"

float bits_rms(const float *x, uint32_t k, float eps)
{
    float sum[256] = {0};
    for (uint32_t i = 0; i < k / 4; i++) {
        for (uint32_t j = 0; j < 4; j++)
            sum[i % 256] = fmaf(x[4 * i + j], x[4 * i + j], sum[i % 256]);
    }
    return m_rsqrt(m_div(bits_tree(sum, 256), (float)k) + eps);
}

void bits_layer(float *x, uint32_t k, const float *w, const float *b, float eps)
{
    float sum[256] = {0}, squares[256] = {0};
    for (uint32_t i = 0; i < k; i++)
        sum[i / 4 % 256] += x[i];
    float mean = m_div(bits_tree(sum, 256), (float)k);
    for (uint32_t i = 0; i < k; i++) {
        float d = x[i] - mean;
        squares[i / 4 % 256] = m_fma(d, d, squares[i / 4 % 256]);
    }
    float factor = m_rsqrt(m_div(bits_tree(squares, 256), (float)k) + eps);
    for (uint32_t i = 0; i < k; i++) {
        float y = (x[i] - mean) * factor;
        x[i] = m_fma(y, w[i], b[i]);
    }
}

/* Rows of x, and for types with minima the sums of every 16 neighbours; or, for integer dot
 * products, their integers and the d of each block. */
struct input {
    uint32_t k, b, lanes;
    float *x, *sums;
    int8_t *q;
    float *d;
};

static void destroy_input(struct input *in)
{
    mem_free(in->x);
    mem_free(in->sums);
    mem_free(in->q);
    mem_free(in->d);
}

/* Row i of in->x as 8 bits. */
static void round_row(struct input *in, uint32_t i)
{
    size_t first = (size_t)i * in->k;
    for (size_t at = first; at < first + in->k; at += ROUND8_BLOCK)
        in->d[at / ROUND8_BLOCK] = round8_block(in->x + at, in->q + at);
}

/* rows[b]: which rows of x at addr. */
static enum status read_input(const struct plan_op *op, struct check_mem *mem, uint64_t addr,
                              const uint32_t *rows, uint32_t b, const struct check_norm *norm,
                              struct input *in)
{
    const uint32_t *spec = op->pipe.spec;
    uint32_t k = spec[K_MV_K];
    bool made, dots = round8_is_taken(op, &made);
    *in = (struct input){.k = k, .b = b, .lanes = spec[K_MV_LANES]};
    in->x = mem_calloc((size_t)16 * k, sizeof *in->x);
    in->sums = mem_calloc((size_t)16 * (k / 16 + 1), sizeof *in->sums);
    if (dots) {
        in->q = mem_calloc((size_t)16 * k, 1);
        in->d = mem_calloc((size_t)16 * (k / ROUND8_BLOCK), sizeof *in->d);
    }
    if (!in->x || !in->sums || (dots && (!in->q || !in->d)))
        return ERR_MEMORY;
    for (uint32_t i = 0; made && i < b; i++) {
        size_t at = (size_t)i * k;
        TRY(round8_row(mem, addr, k, i, in->q + at, in->d + at / ROUND8_BLOCK));
    }
    for (uint32_t i = 0; !made && i < b; i++) {
        const float *from, *w, *bias;
        float *x = in->x + (size_t)i * k;
        CHECK_IN(from, mem, addr + (uint64_t)rows[i] * k * 4, (uint64_t)k * 4);
        memcpy(x, from, (size_t)k * 4);
        if (norm->kind)
            CHECK_IN(w, mem, norm->w, (uint64_t)k * 4);
        if (norm->kind == K_MV_LAYER) {
            CHECK_IN(bias, mem, norm->b, (uint64_t)k * 4);
            bits_layer(x, k, w, bias, norm->eps);
        } else if (norm->kind) {
            float factor = bits_rms(x, k, norm->eps);
            for (uint32_t j = 0; j < k; j++)
                x[j] = x[j] * factor * w[j];
        }
        for (uint32_t j = 0; j < k / 16 * 16; j++)
            in->sums[(size_t)i * (k / 16 + 1) + j / 16] += x[j];
        if (dots)
            round_row(in, i);
    }
    return OK;
}

/* One run of a chunk, from column `at`, onto the lane's sum. */
static inline float add_run(const struct bits_layout *t, const struct bits_row *w, const float *x,
                            const float *sums, uint32_t at, uint32_t len, float acc)
{
    float d = t->scaled ? 0 : acc;
    for (uint32_t i = 0; i < len; i++)
        d = fmaf(w->q[at + i], x[at + i], d);
    if (t->scaled)
        d = fmaf(w->scale[at / 16], d, acc);
    if (t->min)
        d = fmaf(-w->minus[at / 16], sums[at / 16], d);
    return d;
}

BITS_FMA static float dot(const struct bits_layout *t, const struct bits_row *w, const float *x,
                          const float *sums, uint32_t k, uint32_t lanes)
{
    float acc[256] = {0};
    uint32_t len = t->chunk / t->runs;
    for (uint32_t chunk = 0; chunk < k / t->chunk; chunk++) {
        for (uint32_t run = 0; run < t->runs; run++) {
            float *lane = &acc[chunk % lanes];
            *lane = add_run(t, w, x, sums, t->column(chunk, run), len, *lane);
        }
    }
    return bits_tree(acc, lanes);
}

/* A block of 32 weights times one of x, onto the lane's sum. */
static float add_block(const struct bits_layout *t, const struct bits_row *w, const int8_t *x,
                       float d, uint32_t block, float acc)
{
    int32_t sum[2] = {0}, all = 0;
    for (uint32_t h = 0; h < 2; h++) {
        const float *q = w->q + block * 32 + h * 16;
        for (uint32_t i = 0; i < 16; i++)
            sum[h] += (int32_t)q[i] * x[h * 16 + i];
        all += sum[h] * w->small[2 * block + h];
    }
    float y = fmaf(w->whole[2 * block] * d, (float)all, acc);
    if (t->min)
        y = fmaf(-w->minus[2 * block], d * (float)(round8_sum(x) + round8_sum(x + 16)), y);
    return y;
}

/* Chunks of two blocks each; those of Q6_K lie two apart. */
BITS_FMA static float dot_integers(enum quant_type type, const struct bits_row *w, const int8_t *x,
                                   const float *d, uint32_t k, uint32_t lanes)
{
    float acc[256] = {0};
    for (uint32_t chunk = 0; chunk < k / 64; chunk++) {
        for (uint32_t h = 0; h < 2; h++) {
            uint32_t block = type == QUANT_Q6_K ? chunk / 2 * 4 + chunk % 2 + 2 * h : 2 * chunk + h;
            float *lane = &acc[chunk % lanes];
            *lane = add_block(bits_layout(type), w, x + (size_t)block * 32, d[block], block, *lane);
        }
    }
    return bits_tree(acc, lanes);
}

struct product {
    struct check_mem *mem;
    uint64_t addr;
    enum quant_type type;
    uint32_t n;
    const struct input *in;
    float *out;
};

static enum status product_rows(void *ctx, uint32_t from, uint32_t to)
{
    const struct product *p = ctx;
    const struct input *in = p->in;
    const struct bits_layout *t = bits_layout(p->type);
    enum status s = OK;
    struct bits_row w;
    TRY(bits_row_create(in->k, &w));
    for (uint32_t i = from; i < to; i++) {
        TRY_GOTO(bits_row_read(p->mem, p->addr, p->type, p->n, in->k, i, &w));
        for (uint32_t b = 0; in->q && b < in->b; b++)
            p->out[(size_t)b * p->n + i] =
                dot_integers(p->type, &w, in->q + (size_t)b * in->k,
                             in->d + (size_t)b * (in->k / ROUND8_BLOCK), in->k, in->lanes);
        for (uint32_t b = 0; !in->q && b < in->b; b++)
            p->out[(size_t)b * p->n + i] =
                dot(t, &w, in->x + (size_t)b * in->k, in->sums + (size_t)b * (in->k / 16 + 1),
                    in->k, in->lanes);
    }
fail:
    bits_row_destroy(&w);
    return s;
}

/* out[b][n] = the products of all rows of w with all rows of x. */
static enum status product(struct check_mem *mem, uint64_t addr, uint32_t type, uint32_t n,
                           const struct input *in, float *out)
{
    struct product p = {mem, addr, (enum quant_type)type, n, in, out};
    return check_parallel(n, (uint64_t)in->k * (in->b + 2), product_rows, &p);
}

enum status bits_matvec(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_matvec_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t n = spec[K_MATVEC_N], count, rows[16];
    enum status s = OK;
    struct input in = {0};
    struct check_norm norm = {spec[K_MV_NORM], p->norm_w, p->norm_b, p->eps};
    float *y = mem_calloc((size_t)16 * n, sizeof *y);
    if (!y)
        return ERR_MEMORY;
    TRY_GOTO(check_out_rows(mem, spec[K_MATVEC_OUT_ROWS], p->step, spec[K_MV_B], rows, &count));
    TRY_GOTO(read_input(op, mem, p->x, rows, count, &norm, &in));
    TRY_GOTO(product(mem, p->w, spec[K_MATVEC_TYPE], n, &in, y));
    for (uint32_t b = 0; b < spec[K_MV_B]; b++) {
        uint64_t dst = p->dst + (uint64_t)b * n * 4;
        if (b >= count)
            check_out_any(mem, dst, (uint64_t)n * 4);
        for (uint32_t i = 0; i < n && b < count; i++) {
            float v = y[(size_t)b * n + i];
            if (p->bias)
                v = v + check_in_f32(mem, p->bias + i * 4ull);
            if (p->residual)
                v = v + check_in_f32(mem, p->residual + ((uint64_t)b * n + i) * 4);
            if (spec[K_MATVEC_GELU])
                v = m_gelu(v);
            bits_out_f32(mem, dst + i * 4ull, v);
        }
    }
fail:
    destroy_input(&in);
    mem_free(y);
    return s;
}

enum status bits_glu(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_glu_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t n = spec[K_GLU_N], b = spec[K_MV_B];
    enum status s = OK;
    struct input in = {0};
    struct check_norm norm = {.kind = spec[K_MV_NORM], .w = p->norm_w, .eps = p->eps};
    float *gate = mem_calloc((size_t)b * n, sizeof *gate);
    float *up = mem_calloc((size_t)b * n, sizeof *up);
    if (!gate || !up) {
        s = ERR_MEMORY;
        goto fail;
    }
    TRY_GOTO(read_input(op, mem, p->x, check_in_order, b, &norm, &in));
    TRY_GOTO(product(mem, p->gate, spec[K_GLU_TYPE], n, &in, gate));
    TRY_GOTO(product(mem, p->up, spec[K_GLU_TYPE], n, &in, up));
    for (size_t i = 0; i < (size_t)b * n; i++)
        bits_out_f32(mem, p->dst + i * 4, m_silu(gate[i]) * up[i]);
fail:
    destroy_input(&in);
    mem_free(gate);
    mem_free(up);
    return s;
}

/* ---- qkv ---------------------------------------------------------------------------------- */

/* Adds the bias of a head's rows and turns its pairs; table 0: they stay. */
static void finish_head(struct check_mem *mem, uint64_t bias, uint32_t d, uint64_t table,
                        uint32_t rot, bool neox, float *y)
{
    for (uint32_t i = 0; i < d; i++)
        y[i] = y[i] + (bias ? check_in_f32(mem, bias + i * 4ull) : 0.0f);
    for (uint32_t i = 0; table && i < rot / 2; i++) {
        float c = check_in_f32(mem, table + i * 8ull), s = check_in_f32(mem, table + i * 8ull + 4);
        float *a = &y[neox ? i : 2 * i], *b = &y[neox ? i + rot / 2 : 2 * i + 1];
        float y0 = fmaf(*a, c, -(*b * s)), y1 = fmaf(*a, s, *b * c);
        *a = y0;
        *b = y1;
    }
}

/* Writes row i of the step; q, key, value: the products. */
static enum status write_row(const struct plan_op *op, struct check_mem *mem, uint32_t i, float *q,
                             float *key, float *value)
{
    const struct k_qkv_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t heads = spec[K_QKV_HEADS], kv_heads = spec[K_QKV_KV_HEADS], rot = spec[K_QKV_ROT];
    uint32_t d = spec[K_QKV_HEAD_DIM];
    bool neox = spec[K_QKV_NEOX];
    struct check_kv kv = {p->pages, p->max_pages, p->kv_offset, kv_heads, d};
    struct check_row row;
    TRY(check_step_row(mem, p->step, i, &row));
    uint64_t dst = p->dst + (uint64_t)i * heads * d * 4;
    if (!row.live) {
        check_out_any(mem, dst, (uint64_t)heads * d * 4);
        return OK;
    }
    uint64_t table = rot ? p->rope + (uint64_t)row.pos * rot * 4 : 0;
    for (uint32_t h = 0; h < heads; h++) {
        float *y = q + (size_t)h * d;
        finish_head(mem, p->bq ? p->bq + h * d * 4ull : 0, d, table, rot, neox, y);
        for (uint32_t j = 0; j < d; j++)
            bits_out_f32(mem, dst + (h * d + j) * 4ull, y[j]);
    }
    for (uint32_t h = 0; h < kv_heads; h++) {
        float *yk = key + (size_t)h * d, *yv = value + (size_t)h * d;
        uint64_t key_at = check_kv_key(mem, &kv, row.slot, row.pos, h);
        uint64_t value_at = check_kv_value(mem, &kv, row.slot, row.pos, h);
        finish_head(mem, p->bk ? p->bk + h * d * 4ull : 0, d, table, rot, neox, yk);
        finish_head(mem, p->bv ? p->bv + h * d * 4ull : 0, d, 0, 0, neox, yv);
        for (uint32_t j = 0; j < d; j++) {
            bits_out_f16(mem, key_at + j * 2ull, yk[j]);
            bits_out_f16(mem, value_at + j * 2ull, yv[j]);
        }
    }
    return OK;
}

enum status bits_qkv(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_qkv_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t b = spec[K_MV_B], nq = spec[K_QKV_HEADS] * spec[K_QKV_HEAD_DIM];
    uint32_t nkv = spec[K_QKV_KV_HEADS] * spec[K_QKV_HEAD_DIM];
    enum status s = OK;
    struct input in = {0};
    struct check_norm norm = {spec[K_MV_NORM], p->norm_w, p->norm_b, p->eps};
    float *q = mem_calloc((size_t)b * nq, sizeof *q);
    float *key = mem_calloc((size_t)b * nkv, sizeof *key);
    float *value = mem_calloc((size_t)b * nkv, sizeof *value);
    if (!q || !key || !value) {
        s = ERR_MEMORY;
        goto fail;
    }
    TRY_GOTO(read_input(op, mem, p->x, check_in_order, b, &norm, &in));
    TRY_GOTO(product(mem, p->wq, spec[K_QKV_TYPE_Q], nq, &in, q));
    TRY_GOTO(product(mem, p->wk, spec[K_QKV_TYPE_K], nkv, &in, key));
    TRY_GOTO(product(mem, p->wv, spec[K_QKV_TYPE_V], nkv, &in, value));
    for (uint32_t i = 0; i < b; i++)
        TRY_GOTO(write_row(op, mem, i, q + (size_t)i * nq, key + (size_t)i * nkv,
                           value + (size_t)i * nkv));
fail:
    destroy_input(&in);
    mem_free(q);
    mem_free(key);
    mem_free(value);
    return s;
}
