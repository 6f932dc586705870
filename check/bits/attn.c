/* Attention as attn.comp and flash.comp add it up. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "check/bits/bits.h"
#include "check/half.h"
#include "kernels/params.h"
#include "check/kv.h"
#include "check/parallel.h"

enum { CHUNK = K_PAGE_TOKENS, TILE = 64, MAX_HEAD = 256 };

/* `n` positions of one KV head, from `first` on, as floats. */
struct keys {
    uint32_t n;
    float *k, *v; /* [n][head size] */
};

/* Every half as a float. */
static float half_value[65536];

static void fill_half_values(void)
{
    for (uint32_t i = 0; i < 65536; i++)
        half_value[i] = (float)half_to_double((uint16_t)i);
}

static enum status read_keys(struct check_mem *mem, const struct check_kv *kv, uint32_t slot,
                             uint32_t first, uint32_t n, uint32_t head, struct keys *out)
{
    static pthread_once_t filled = PTHREAD_ONCE_INIT;
    uint32_t d = kv->head_dim;
    pthread_once(&filled, fill_half_values);
    out->n = n;
    for (uint32_t t = 0; t < n; t++) {
        const uint16_t *k, *v;
        CHECK_IN(k, mem, check_kv_key(mem, kv, slot, first + t, head), d * 2ull);
        CHECK_IN(v, mem, check_kv_value(mem, kv, slot, first + t, head), d * 2ull);
        for (uint32_t i = 0; i < d; i++) {
            out->k[t * d + i] = half_value[k[i]];
            out->v[t * d + i] = half_value[v[i]];
        }
    }
    return OK;
}

static enum status create_keys(uint32_t n, uint32_t d, struct keys *out)
{
    out->k = mem_calloc((size_t)n * d, sizeof(float));
    out->v = mem_calloc((size_t)n * d, sizeof(float));
    return out->k && out->v ? OK : ERR_MEMORY;
}

static void destroy_keys(struct keys *k)
{
    mem_free(k->k);
    mem_free(k->v);
}

/* ---- attn: chunks of 256 positions, teams of lanes ---------------------------------------- */

/* What one chunk gives: maximum, sum of weights, sums of values. */
struct part {
    float top, sum, v[MAX_HEAD];
};

/* Invocations that share a position: one for 8 elements, up to a power of two. */
static uint32_t team_size(uint32_t d)
{
    uint32_t lanes = 1;
    while (lanes < d / 8)
        lanes *= 2;
    return lanes;
}

BITS_FMA static void attend_chunk(const float *q, const struct keys *keys, uint32_t d, float scale,
                                  struct part *out)
{
    uint32_t lanes = team_size(d), teams = 256 / lanes;
    float score[CHUNK] = {0}, weight[CHUNK] = {0}, teams_v[256];
    out->top = -INFINITY;
    for (uint32_t t = 0; t < keys->n; t++) {
        float lane[32] = {0};
        for (uint32_t i = 0; i < d; i++)
            lane[i / 8] = fmaf(q[i], keys->k[t * d + i], lane[i / 8]);
        score[t] = bits_tree(lane, lanes) * scale;
        out->top = fmaxf(out->top, score[t]);
    }
    for (uint32_t t = 0; t < keys->n; t++)
        weight[t] = m_exp(score[t] - out->top);
    memcpy(score, weight, sizeof score);
    out->sum = bits_tree(score, CHUNK);
    for (uint32_t i = 0; i < d; i++) {
        for (uint32_t team = 0; team < teams; team++) {
            float v = 0;
            for (uint32_t t = team; t < keys->n; t += teams)
                v = fmaf(weight[t], keys->v[t * d + i], v);
            teams_v[team] = v;
        }
        out->v[i] = bits_tree(teams_v, teams);
    }
}

/* Adds the chunks in order of position. */
BITS_FMA static void combine(const struct part *parts, uint32_t chunks, uint32_t d, float *out)
{
    float top = parts[0].top;
    for (uint32_t c = 1; c < chunks; c++)
        top = fmaxf(top, parts[c].top);
    for (uint32_t i = 0; i < d; i++) {
        float all = 0, v = 0;
        for (uint32_t c = 0; c < chunks; c++) {
            float w = m_exp(parts[c].top - top);
            all = fmaf(parts[c].sum, w, all);
            v = fmaf(parts[c].v[i], w, v);
        }
        out[i] = m_div(v, all);
    }
}

/* One row's query head over all chunks. */
static enum status attend_head(struct check_mem *mem, const struct check_kv *kv,
                               const struct check_row *row, uint32_t kv_head, const float *q,
                               float scale, struct keys *keys, struct part *parts, float *out)
{
    uint32_t chunks = row->pos / CHUNK + 1, d = kv->head_dim;
    for (uint32_t c = 0; c < chunks; c++) {
        uint32_t n = row->pos + 1 - c * CHUNK;
        TRY(read_keys(mem, kv, row->slot, c * CHUNK, n < CHUNK ? n : CHUNK, kv_head, keys));
        attend_chunk(q, keys, d, scale, &parts[c]);
    }
    if (chunks > 1) {
        combine(parts, chunks, d, out);
        return OK;
    }
    for (uint32_t i = 0; i < d; i++)
        out[i] = m_div(parts[0].v[i], parts[0].sum);
    return OK;
}

enum status bits_attn(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_attn_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t heads = spec[K_ATTN_HEADS], d = spec[K_ATTN_HEAD_DIM],
             kv_heads = spec[K_ATTN_KV_HEADS];
    struct check_kv kv = {p->pages, p->max_pages, p->kv_offset, kv_heads, d};
    uint64_t row_bytes = (uint64_t)heads * d * 4;
    uint32_t b = check_declared_rows(op, p->dst, row_bytes);
    struct keys keys = {0};
    enum status s = OK;
    struct part *parts = mem_calloc(p->splits, sizeof *parts);
    if (!parts) {
        s = ERR_MEMORY;
        goto fail;
    }
    TRY_GOTO(create_keys(CHUNK, d, &keys));
    for (uint32_t i = 0; i < b; i++) {
        struct check_row row;
        TRY_GOTO(check_step_row(mem, p->step, i, &row));
        if (!row.live)
            check_out_any(mem, p->dst + i * row_bytes, row_bytes);
        for (uint32_t h = 0; row.live && h < heads; h++) {
            uint64_t at = i * row_bytes + (uint64_t)h * d * 4;
            float out[MAX_HEAD];
            const float *q = check_in(mem, p->q + at, d * 4ull);
            if (!q) {
                s = ERR_VERIFY;
                goto fail;
            }
            TRY_GOTO(attend_head(mem, &kv, &row, h / (heads / kv_heads), q, p->scale, &keys, parts,
                                 out));
            for (uint32_t j = 0; j < d; j++)
                bits_out_f32(mem, p->dst + at + j * 4ull, out[j]);
        }
    }
    if (p->part)
        check_out_any(mem, p->part, (uint64_t)b * heads * p->splits * (2 + d) * 4);
fail:
    destroy_keys(&keys);
    mem_free(parts);
    return s;
}

/* ---- flash: tiles of 64 keys with a running maximum --------------------------------------- */

BITS_FMA static void flash_query(const float *q, const struct keys *keys, uint32_t n, uint32_t d,
                                 float scale, float *out)
{
    float top = -INFINITY, sum = 0;
    for (uint32_t i = 0; i < d; i++)
        out[i] = 0;
    for (uint32_t t0 = 0; t0 < n; t0 += TILE) {
        uint32_t tile = n - t0 < TILE ? n - t0 : TILE;
        float score[TILE], new_top = top;
        for (uint32_t t = 0; t < tile; t++) {
            score[t] = 0;
            for (uint32_t i = 0; i < d; i++)
                score[t] = fmaf(q[i], keys->k[(t0 + t) * d + i], score[t]);
            score[t] = score[t] * scale;
            new_top = fmaxf(new_top, score[t]);
        }
        float fade = top == new_top ? 1.0f : m_exp(top - new_top);
        top = new_top;
        sum = sum * fade;
        for (uint32_t i = 0; i < d; i++)
            out[i] = out[i] * fade;
        for (uint32_t t = 0; t < tile; t++) {
            float w = m_exp(score[t] - new_top);
            sum = sum + w;
            for (uint32_t i = 0; i < d; i++)
                out[i] = fmaf(w, keys->v[(t0 + t) * d + i], out[i]);
        }
    }
    float inverse = m_rcp(sum);
    for (uint32_t i = 0; i < d; i++)
        out[i] = out[i] * inverse;
}

struct flash {
    struct check_mem *mem;
    const struct k_flash_push *p;
    struct check_kv kv;
    struct check_row first;
    uint32_t rows, n_keys, group; /* query heads of a KV head */
    uint32_t seen;                /* positions that all rows see; 0: each those up to its own */
};

/* KV heads [from, to), each for all rows. */
static enum status flash_heads(void *ctx, uint32_t from, uint32_t to)
{
    const struct flash *f = ctx;
    const struct k_flash_push *p = f->p;
    uint32_t d = f->kv.head_dim, group = f->group;
    uint64_t row_bytes = (uint64_t)f->kv.kv_heads * group * d * 4;
    struct keys keys = {0};
    enum status s = OK;
    TRY_GOTO(create_keys(f->n_keys, d, &keys));
    for (uint32_t kv_head = from; kv_head < to; kv_head++) {
        TRY_GOTO(read_keys(f->mem, &f->kv, f->first.slot, 0, f->n_keys, kv_head, &keys));
        for (uint32_t i = 0; i < f->rows * group; i++) {
            uint64_t at = i / group * row_bytes + (kv_head * group + i % group) * d * 4ull;
            uint32_t n = f->seen ? f->seen : f->first.pos + i / group + 1;
            float out[MAX_HEAD];
            const float *q = check_in(f->mem, p->q + at, d * 4ull);
            if (!q) {
                s = ERR_VERIFY;
                goto fail;
            }
            flash_query(q, &keys, n, d, p->scale, out);
            for (uint32_t j = 0; j < d; j++)
                bits_out_f32(f->mem, p->dst + at + j * 4ull, out[j]);
        }
    }
fail:
    destroy_keys(&keys);
    return s;
}

enum status bits_flash(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_flash_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t heads = spec[K_FLASH_HEADS], d = spec[K_FLASH_HEAD_DIM];
    uint32_t kv_heads = spec[K_FLASH_KV_HEADS], n_rows = check_in_u32(mem, p->step);
    struct flash f = {.mem = mem,
                      .p = p,
                      .kv = {p->pages, p->max_pages, p->kv_offset, kv_heads, d},
                      .group = heads / kv_heads,
                      .seen = spec[K_FLASH_SEEN]};
    TRY(check_step_row(mem, p->step, 0, &f.first));
    f.rows = !f.first.live ? 0 : n_rows < p->m ? n_rows : p->m;
    f.n_keys = f.seen ? f.seen : f.first.pos + f.rows;
    uint64_t row_bytes = (uint64_t)heads * d * 4;
    check_out_any(mem, p->dst + f.rows * row_bytes, (p->m - f.rows) * row_bytes);
    if (!f.rows)
        return OK;
    uint64_t work = (uint64_t)f.rows * f.group * f.n_keys * d * 2;
    return check_parallel(kv_heads, work, flash_heads, &f);
}
