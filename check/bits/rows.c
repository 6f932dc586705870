/* Products and functions of many rows: matmul, bmm, norm, rope, silu. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "check/bits/bits.h"
#include "kernels/params.h"
#include "check/kv.h"
#include "check/linear.h"
#include "check/parallel.h"

/* Rows of x that are gone through side by side. */
enum { BESIDE = 16 };

/* One weight's row with BESIDE rows of x, x[k][BESIDE], in the order of pieces (lib/pieces.glsl).
 */
BITS_FMA static void add_products(const struct bits_layout *t, const float *w, const float *x,
                                  uint32_t k, float *sum)
{
    uint32_t len = t->chunk / t->runs;
    float v[BESIDE] = {0};
    for (uint32_t chunk = 0; chunk < k / t->chunk; chunk++) {
        for (uint32_t run = 0; run < t->runs; run++) {
            uint32_t at = t->column(chunk, run);
            for (uint32_t i = at; i < at + len; i++) {
                for (uint32_t m = 0; m < BESIDE; m++)
                    v[m] = fmaf(x[(size_t)i * BESIDE + m], w[i], v[m]);
            }
        }
    }
    memcpy(sum, v, sizeof v);
}

struct matmul {
    struct check_mem *mem;
    const struct k_matmul_push *p;
    struct check_weight w;
    const float *x; /* [div_up(rows, BESIDE)][k][BESIDE] */
    uint32_t rows;
};

static enum status matmul_rows(void *ctx, uint32_t from, uint32_t to)
{
    const struct matmul *a = ctx;
    const struct k_matmul_push *p = a->p;
    uint32_t k = a->w.k;
    enum status s = OK;
    float sum[BESIDE], *w = mem_calloc(k, sizeof *w);
    if (!w)
        return ERR_MEMORY;
    for (uint32_t i = from; i < to; i++) {
        TRY_GOTO(check_weight_row(a->mem, &a->w, i, w));
        float bias = p->bias ? check_in_f32(a->mem, p->bias + i * 4ull) : 0.0f;
        for (uint32_t m = 0; m < a->rows; m++) {
            uint64_t at = ((uint64_t)m * a->w.n + i) * 4;
            if (m % BESIDE == 0)
                add_products(bits_layout(a->w.type), w, a->x + (size_t)m * k, k, sum);
            float y = sum[m % BESIDE] + bias;
            if (p->residual)
                y = y + check_in_f32(a->mem, p->residual + at);
            bits_out_f32(a->mem, p->dst + at, y);
        }
    }
fail:
    mem_free(w);
    return s;
}

enum status bits_matmul(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_matmul_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t n = spec[K_MATMUL_N], k = spec[K_MATMUL_K], rows = p->m;
    if (p->step && check_in_u32(mem, p->step) < rows)
        rows = check_in_u32(mem, p->step);
    const float *x = NULL;
    if (rows)
        CHECK_IN(x, mem, p->x, (uint64_t)rows * k * 4);
    float *beside = mem_calloc((size_t)(rows / BESIDE + 1) * BESIDE * k, sizeof *beside);
    if (!beside)
        return ERR_MEMORY;
    for (uint32_t m = 0; m < rows; m++) {
        for (uint32_t i = 0; i < k; i++)
            beside[((size_t)(m / BESIDE) * k + i) * BESIDE + m % BESIDE] = x[(size_t)m * k + i];
    }
    struct matmul a = {mem, p, {p->w, (enum quant_type)spec[K_MATMUL_TYPE], n, k}, beside, rows};
    enum status s = check_parallel(n, (uint64_t)k * (rows + 2), matmul_rows, &a);
    check_out_any(mem, p->dst + (uint64_t)rows * n * 4, (uint64_t)(p->m - rows) * n * 4);
    mem_free(beside);
    return s;
}

enum status bits_bmm(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_bmm_push *p = op->push;
    bool transposed = op->pipe.spec[K_BMM_BT];
    for (uint64_t z = 0; z < (uint64_t)p->ne2 * p->ne3; z++) {
        uint64_t i2 = z % p->ne2, i3 = z / p->ne2;
        uint64_t a = p->a + 4 * (i2 / p->r2 * p->a_2 + i3 / p->r3 * p->a_3);
        uint64_t b = p->b + 4 * (i2 * p->b_2 + i3 * p->b_3);
        uint64_t c = p->c + 4 * (i2 * p->c_2 + i3 * p->c_3);
        for (uint32_t m = 0; m < p->m; m++) {
            for (uint32_t n = 0; n < p->n; n++) {
                float v = 0;
                for (uint32_t k = 0; k < p->k; k++) {
                    uint64_t at =
                        transposed ? (uint64_t)n * p->b_row + k : (uint64_t)k * p->b_row + n;
                    v = fmaf(check_in_f32(mem, a + 4 * ((uint64_t)m * p->a_row + k)),
                             check_in_f32(mem, b + 4 * at), v);
                }
                bits_out_f32(mem, c + 4 * ((uint64_t)m * p->c_row + n), v * p->scale);
            }
        }
    }
    return OK;
}

static enum status norm_row(const struct plan_op *op, struct check_mem *mem, uint64_t from,
                            uint64_t to)
{
    const struct k_norm_push *p = op->push;
    uint32_t k = op->pipe.spec[K_NORM_K];
    const float *x, *w;
    CHECK_IN(w, mem, p->w, (uint64_t)k * 4);
    CHECK_IN(x, mem, from, (uint64_t)k * 4);
    float factor = bits_rms(x, k, p->eps);
    for (uint32_t j = 0; j < k; j++)
        bits_out_f32(mem, to + j * 4ull, x[j] * factor * w[j]);
    return OK;
}

enum status bits_norm(const struct plan_op *op, struct check_mem *mem)
{
    return check_norm_rows(op, mem, norm_row);
}

/* A head at addr, its first `rot` dimensions turned in pairs. */
static enum status turned(struct check_mem *mem, uint64_t addr, uint64_t table, uint32_t rot,
                          bool neox, uint32_t d, float *y)
{
    const float *x, *t = NULL;
    CHECK_IN(x, mem, addr, d * 4ull);
    memcpy(y, x, d * sizeof *y);
    if (rot)
        CHECK_IN(t, mem, table, rot * 4ull);
    for (uint32_t i = 0; i < rot / 2; i++) {
        uint32_t a = neox ? i : 2 * i, b = neox ? i + rot / 2 : 2 * i + 1;
        y[a] = fmaf(x[a], t[2 * i], -(x[b] * t[2 * i + 1]));
        y[b] = fmaf(x[a], t[2 * i + 1], x[b] * t[2 * i]);
    }
    return OK;
}

static enum status rope_row(const struct plan_op *op, struct check_mem *mem, uint32_t i,
                            const struct check_row *row)
{
    const struct k_rope_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t heads = spec[K_ROPE_HEADS], kv_heads = spec[K_ROPE_KV_HEADS];
    uint32_t d = spec[K_ROPE_HEAD_DIM], rot = spec[K_ROPE_ROT];
    bool neox = spec[K_ROPE_NEOX];
    struct check_kv kv = {p->pages, p->max_pages, p->kv_offset, kv_heads, d};
    uint64_t table = p->rope + (uint64_t)row->pos * rot * 4;
    float y[256];
    for (uint32_t h = 0; p->q && h < heads; h++) {
        uint64_t at = p->q + ((uint64_t)i * heads + h) * d * 4;
        TRY(turned(mem, at, table, rot, neox, d, y));
        for (uint32_t j = 0; j < rot; j++)
            bits_out_f32(mem, at + j * 4ull, y[j]);
    }
    for (uint32_t h = 0; h < kv_heads; h++) {
        uint64_t from = ((uint64_t)i * kv_heads + h) * d * 4;
        uint64_t key = check_kv_key(mem, &kv, row->slot, row->pos, h);
        uint64_t value = check_kv_value(mem, &kv, row->slot, row->pos, h);
        TRY(turned(mem, p->k + from, table, rot, neox, d, y));
        for (uint32_t j = 0; j < d; j++)
            bits_out_f16(mem, key + j * 2ull, y[j]);
        TRY(turned(mem, p->v + from, 0, 0, neox, d, y));
        for (uint32_t j = 0; j < d; j++)
            bits_out_f16(mem, value + j * 2ull, y[j]);
    }
    return OK;
}

enum status bits_rope(const struct plan_op *op, struct check_mem *mem)
{
    return check_rope_rows(op, mem, rope_row);
}

struct silu {
    struct check_mem *mem;
    const struct k_silu_push *p;
};

static enum status silu_values(void *ctx, uint32_t from, uint32_t to)
{
    const struct silu *a = ctx;
    const float *gate, *up;
    uint64_t at = from * 4ull, bytes = (to - from) * 4ull;
    CHECK_IN(gate, a->mem, a->p->gate + at, bytes);
    CHECK_IN(up, a->mem, a->p->up + at, bytes);
    for (uint32_t i = 0; i < to - from; i++)
        bits_out_f32(a->mem, a->p->dst + at + i * 4ull, m_silu(gate[i]) * up[i]);
    return OK;
}

enum status bits_silu(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_silu_push *p = op->push;
    uint64_t n = p->n;
    if (p->step && check_in_u32(mem, p->step) < n / p->row)
        n = (uint64_t)check_in_u32(mem, p->step) * p->row;
    return check_parallel((uint32_t)n, 50, silu_values, &(struct silu){mem, p});
}
