/* What the references of matrix products share. */
#include "linear.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "check/quant.h"
#include "half.h"
#include "kernels/params.h"
#include "parallel.h"
#include "round8.h"

/* Types whose blocks are single values, without a call for each. */
static void read_values(enum quant_type type, const uint8_t *from, uint64_t n, float *out)
{
    uint32_t length = quant_info(type)->bytes;
    uint16_t half;
    for (uint64_t i = 0; i < n; i++) {
        if (type == QUANT_F16) {
            memcpy(&half, from + i * 2, 2);
            out[i] = (float)half_to_double(half);
        } else {
            check_quant[type](from + i * length, &out[i]);
        }
    }
}

enum status check_weight_row(struct check_mem *mem, const struct check_weight *w, uint32_t i,
                             float *out)
{
    const struct quant *q = quant_info(w->type);
    uint64_t row_blocks = w->k / q->block;
    uint64_t blocks = row_blocks * w->n, first = row_blocks * i;
    const uint8_t *plane[QUANT_MAX_PLANES];
    for (uint32_t p = 0; p < q->planes; p++) {
        uint64_t at = w->addr + quant_plane_offset(w->type, p, blocks);
        CHECK_IN(plane[p], mem, at + first * q->plane[p].length, row_blocks * q->plane[p].length);
    }
    uint8_t block[512];
    if (q->block == 1) {
        read_values(w->type, plane[0], row_blocks, out);
        return OK;
    }
    for (uint64_t b = 0; b < row_blocks; b++) {
        for (uint32_t p = 0; p < q->planes; p++) {
            const struct quant_segment *s = &q->plane[p];
            memcpy(block + s->offset, plane[p] + b * s->length, s->length);
        }
        check_quant[w->type](block, out + b * q->block);
    }
    return OK;
}

typedef float floats __attribute__((vector_size(16)));
typedef double doubles __attribute__((vector_size(32)));

CHECK_WIDE struct check_sum check_dot(const float *a, const double *b, uint32_t k)
{
    doubles sum[2] = {{0}}, square[2] = {{0}};
    uint32_t i = 0;
    for (; i + 8 <= k; i += 8) {
        for (uint32_t j = 0; j < 2; j++) {
            floats x;
            doubles y;
            memcpy(&x, a + i + 4 * j, sizeof x);
            memcpy(&y, b + i + 4 * j, sizeof y);
            doubles t = __builtin_convertvector(x, doubles) * y;
            sum[j] += t;
            square[j] += t * t;
        }
    }
    for (; i < k; i++) {
        double t = (double)a[i] * b[i];
        sum[0][0] += t;
        square[0][0] += t * t;
    }
    sum[0] += sum[1];
    square[0] += square[1];
    return (struct check_sum){sum[0][0] + sum[0][1] + sum[0][2] + sum[0][3],
                              sqrt(square[0][0] + square[0][1] + square[0][2] + square[0][3])};
}

struct product {
    struct check_mem *mem;
    const struct check_weight *w;
    const double *x;
    uint32_t b;
    uint64_t bias;
    struct check_sum *out;
};

static enum status product_rows(void *ctx, uint32_t from, uint32_t to)
{
    const struct product *p = ctx;
    const struct check_weight *w = p->w;
    enum status s = OK;
    float *row = mem_calloc(w->k, sizeof *row);
    if (!row)
        return ERR_MEMORY;
    for (uint32_t n = from; n < to; n++) {
        TRY_GOTO(check_weight_row(p->mem, w, n, row));
        double add = p->bias ? (double)check_in_f32(p->mem, p->bias + (uint64_t)n * 4) : 0;
        for (uint32_t i = 0; i < p->b; i++) {
            struct check_sum d = check_dot(row, p->x + (size_t)i * w->k, w->k);
            p->out[(size_t)i * w->n + n] = (struct check_sum){d.value + add, hypot(d.mag, add)};
        }
    }
fail:
    mem_free(row);
    return s;
}

enum status check_product(struct check_mem *mem, const struct check_weight *w, const double *x,
                          uint32_t b, uint64_t bias, struct check_sum *out)
{
    struct product p = {mem, w, x, b, bias, out};
    return check_parallel(w->n, (uint64_t)w->k * (b + 2), product_rows, &p);
}

struct out_products {
    struct check_mem *mem;
    const struct check_products *out;
};

static enum status out_rows(void *ctx, uint32_t from, uint32_t to)
{
    const struct out_products *o = ctx;
    const struct check_products *r = o->out;
    enum status s = OK;
    double *values = mem_calloc(2 * (size_t)r->n, sizeof *values), *mags = values + r->n;
    if (!values)
        return ERR_MEMORY;
    for (uint32_t i = from; i < to; i++) {
        uint32_t size = r->half ? 2 : 4;
        uint64_t row = (uint64_t)i * r->ld * size;
        const float *residual = NULL;
        if (i >= r->live) {
            check_out_any(o->mem, r->dst + row, (uint64_t)r->n * size);
            continue;
        }
        for (uint32_t j = 0; r->half && j < r->n; j++) {
            struct check_sum sum = r->sums[(size_t)i * r->n + j];
            check_out_f16(o->mem, r->dst + row + j * 2ull, fmin(fmax(sum.value, -65504), 65504),
                          sum.mag);
        }
        if (r->half)
            continue;
        if (r->residual && !(residual = check_in(o->mem, r->residual + row, r->n * 4ull))) {
            s = ERR_VERIFY;
            goto fail;
        }
        for (uint32_t j = 0; j < r->n; j++) {
            struct check_sum sum = r->sums[(size_t)i * r->n + j];
            double add = residual ? (double)residual[j] : 0;
            values[j] = sum.value + add;
            mags[j] = hypot(sum.mag, add);
        }
        check_out_f32s(o->mem, r->dst + row, values, mags, r->n);
    }
fail:
    mem_free(values);
    return s;
}

enum status check_out_products(struct check_mem *mem, const struct check_products *out)
{
    return check_parallel(out->rows, out->n * 40ull, out_rows, &(struct out_products){mem, out});
}

enum status check_x_row(struct check_mem *mem, uint64_t x, uint32_t k,
                        const struct check_norm *norm, double *out)
{
    const float *row, *w = NULL, *b = NULL;
    CHECK_IN(row, mem, x, (uint64_t)k * 4);
    if (norm->kind)
        CHECK_IN(w, mem, norm->w, (uint64_t)k * 4);
    if (norm->kind == K_MV_LAYER)
        CHECK_IN(b, mem, norm->b, (uint64_t)k * 4);
    double mean = 0, squares = 0;
    for (uint32_t i = 0; b && i < k; i++)
        mean += (double)row[i] / k;
    for (uint32_t i = 0; i < k; i++)
        squares += ((double)row[i] - mean) * ((double)row[i] - mean);
    double scale = w ? 1.0 / sqrt(squares / k + (double)norm->eps) : 1.0;
    for (uint32_t i = 0; i < k; i++)
        out[i] =
            ((double)row[i] - mean) * scale * (w ? (double)w[i] : 1.0) + (b ? (double)b[i] : 0);
    return OK;
}

const uint32_t check_in_order[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static enum status rounded_row(struct check_mem *mem, uint64_t rows, uint32_t k, uint32_t b,
                               double *out)
{
    enum status s = OK;
    int8_t *q = mem_calloc(k, 1);
    float *d = mem_calloc(k / ROUND8_BLOCK, sizeof *d);
    if (!q || !d) {
        s = ERR_MEMORY;
        goto fail;
    }
    TRY_GOTO(round8_row(mem, rows, k, b, q, d));
    for (uint32_t i = 0; i < k; i++)
        out[i] = (double)d[i / ROUND8_BLOCK] * q[i];
fail:
    mem_free(q);
    mem_free(d);
    return s;
}

enum status check_x_rows(const struct plan_op *op, struct check_mem *mem, uint64_t addr,
                         const uint32_t *rows, uint32_t count, const struct check_norm *norm,
                         double *out)
{
    uint32_t k = op->pipe.spec[K_MV_K];
    bool rounded;
    round8_is_taken(op, &rounded);
    for (uint32_t b = 0; b < count; b++) {
        double *to = out + (size_t)b * k;
        if (rounded)
            TRY(rounded_row(mem, addr, k, b, to));
        else
            TRY(check_x_row(mem, addr + (uint64_t)rows[b] * k * 4, k, norm, to));
    }
    return OK;
}

enum status check_step_row(struct check_mem *mem, uint64_t step, uint32_t i, struct check_row *out)
{
    const struct k_row *row;
    *out = (struct check_row){.live = false};
    if (i >= check_in_u32(mem, step))
        return OK;
    CHECK_IN(row, mem, step + K_STEP_BYTES + (uint64_t)i * sizeof *row, sizeof *row);
    *out = (struct check_row){row->token, row->pos, row->slot, row->slot != K_NO_SLOT};
    return OK;
}

uint32_t check_declared_rows(const struct plan_op *op, uint64_t addr, uint64_t row_bytes)
{
    for (uint32_t i = 0; i < PLAN_MAX_SPANS && op->writes[i].bytes; i++) {
        if (op->writes[i].addr == addr)
            return (uint32_t)(op->writes[i].bytes / row_bytes);
    }
    return 0;
}

enum status check_out_rows(struct check_mem *mem, bool out_rows, uint64_t step, uint32_t b,
                           uint32_t *out, uint32_t *count)
{
    *count = b;
    for (uint32_t i = 0; i < b; i++)
        out[i] = i;
    if (!out_rows)
        return OK;
    const struct k_step *s;
    CHECK_IN(s, mem, step, sizeof *s);
    if (s->n_out < b)
        *count = s->n_out;
    for (uint32_t i = 0; i < *count; i++)
        out[i] = s->out_row[i];
    return OK;
}

struct each_row {
    const struct plan_op *op;
    struct check_mem *mem;
    const struct check_rows *r;
    check_row_fn fn;
    uint32_t count, picked[K_MAX_OUT];
};

static enum status some_rows(void *ctx, uint32_t from, uint32_t to)
{
    const struct each_row *e = ctx;
    const struct check_rows *r = e->r;
    uint64_t row_bytes = (uint64_t)r->k * 4, out_bytes = r->half ? row_bytes / 2 : row_bytes;
    for (uint32_t i = from; i < to; i++) {
        uint64_t dst = r->dst + i * out_bytes;
        uint32_t of = r->out_rows && i < e->count ? e->picked[i] : i;
        if (i < e->count)
            TRY(e->fn(e->op, e->mem, r->x + of * row_bytes, dst));
        else
            check_out_any(e->mem, dst, out_bytes);
    }
    return OK;
}

enum status check_each_row(const struct plan_op *op, struct check_mem *mem,
                           const struct check_rows *r, check_row_fn fn)
{
    struct each_row e = {.op = op, .mem = mem, .r = r, .fn = fn, .count = r->rows};
    if (r->out_rows)
        TRY(check_out_rows(mem, true, r->step, r->rows, e.picked, &e.count));
    return check_parallel(r->rows, r->k * 20ull, some_rows, &e);
}

double check_silu(double x)
{
    return x / (1.0 + exp(-x));
}

double check_silu_slope(double x)
{
    double s = 1.0 / (1.0 + exp(-x));
    return s + x * s * (1.0 - s);
}

struct check_sum check_swiglu(struct check_sum g, struct check_sum u)
{
    double value = check_silu(g.value) * u.value;
    double from_g = check_silu_slope(g.value) * g.mag * u.value;
    double from_u = check_silu(g.value) * u.mag;
    /* e^-g may stop at the smallest normal number, and what is below it count as zero. */
    double floor = fabs(g.value * u.value) * 0x1p-100 + fabs(u.value) * (double)FLT_MIN * 0x1p14;
    return (struct check_sum){value,
                              sqrt(from_g * from_g + from_u * from_u + value * value) + floor};
}
