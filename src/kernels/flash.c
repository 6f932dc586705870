#include <inttypes.h>

#include "kernels/op.h"

static bool nv_fits(const struct gpu *g, uint32_t head_dim)
{
    return (gpu_get_info(g)->caps & GPU_CAP_COOPMAT2) && k_usable(g, "flash_nv") &&
           head_dim % 32 == 0;
}

/* Matrix units multiply in f16 and want whole 32s; below 16 rows they are mostly empty. */
bool k_flash_takes_half(const struct plan *p, uint32_t m, uint32_t head_dim)
{
    return m >= 16 && nv_fits(plan_gpu(p), head_dim);
}

enum status k_flash(struct plan *p, const struct k_flash_args *a)
{
    const struct k_kv *kv = &a->kv;
    TRY(k_kv_check("flash", kv));
    if (kv->heads > 65535)
        return status_fail(ERR_MODEL, "flash: %" PRIu32 " heads: at most 65535", kv->heads);
    if (kv->offset % 16 || (a->q | a->out) % 16)
        return status_fail(ERR_MODEL, "flash: operands must lie at multiples of 16 bytes");
    uint32_t group = kv->heads / kv->kv_heads;
    if (!a->m || a->m > 64 * 65535u / group)
        return status_fail(ERR_MODEL, "flash: %" PRIu32 " rows: must be 1 to %" PRIu32, a->m,
                           64 * 65535u / group);

    if (a->seen > kv->max_pages * K_PAGE_TOKENS)
        return status_fail(ERR_MODEL, "flash: %" PRIu32 " keys in %" PRIu32 " pages", a->seen,
                           kv->max_pages);

    struct k_flash_push push = {
        .q = a->q,
        .pages = kv->pages,
        .step = a->steps.addr,
        .dst = a->out,
        .kv_offset = kv->offset,
        .max_pages = kv->max_pages,
        .m = a->m,
        .scale = a->scale,
    };
    bool can = nv_fits(plan_gpu(p), kv->head_dim);
    bool nv = can && (a->way == K_WAY_NV || a->half || (a->way != K_WAY_F32 && a->m >= 16));
    if (a->half && !nv)
        return status_fail(ERR, "flash: f16 rows, and no matrix units take heads of %" PRIu32,
                           kv->head_dim);
    struct k_op o;
    k_op_begin(&o, "flash", nv ? "flash_nv" : "flash", &push, sizeof push, 4);
    o.op.pipe.spec[K_FLASH_HEADS] = kv->heads;
    o.op.pipe.spec[K_FLASH_KV_HEADS] = kv->kv_heads;
    o.op.pipe.spec[K_FLASH_HEAD_DIM] = kv->head_dim;
    o.op.pipe.spec[K_FLASH_SEEN] = a->seen;
    o.op.pipe.n_spec = K_FLASH_SPECS;
    if (nv) {
        enum { ROWS = 64 };
        o.op.pipe.spec[K_FLASH_ROWS] = ROWS;
        o.op.pipe.spec[K_FLASH_KEYS] = kv->head_dim > 128 ? 32 : 64;
        o.op.pipe.spec[K_FLASH_HALF] = a->half;
        o.op.pipe.n_spec = K_FLASH_NV_SPECS;
        o.op.groups[0] = (a->m + ROWS - 1) / ROWS;
        o.op.groups[1] = kv->heads;
    } else {
        o.op.groups[0] = (a->m * group + 63) / 64;
        o.op.groups[1] = kv->kv_heads;
    }

    uint64_t bytes = (uint64_t)a->m * kv->heads * kv->head_dim * (a->half ? 2 : sizeof(float));
    k_reads(&o, a->q, bytes);
    k_reads(&o, kv->pages, (uint64_t)kv->slots * kv->max_pages * sizeof(uint64_t));
    k_reads(&o, kv->pool, kv->pool_bytes);
    k_reads(&o, a->steps.addr, K_STEP_BYTES + (uint64_t)a->m * sizeof(struct k_row));
    k_writes(&o, a->out, bytes);
    return k_op_add(p, &o);
}
