#include <inttypes.h>

#include "kernels/op.h"

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
    /* Matrix units multiply in f16 and want whole 32s; below 16 rows they are mostly empty. */
    bool can = (gpu_get_info(plan_gpu(p))->caps & GPU_CAP_COOPMAT2) &&
               k_usable(plan_gpu(p), "flash_nv") && kv->head_dim % 32 == 0;
    bool nv = can && (a->way == K_WAY_NV || (a->way != K_WAY_F32 && a->m >= 16));
    struct k_op o;
    k_op_begin(&o, "flash", nv ? "flash_nv" : "flash", &push, sizeof push, 4);
    o.op.pipe.spec[K_FLASH_HEADS] = kv->heads;
    o.op.pipe.spec[K_FLASH_KV_HEADS] = kv->kv_heads;
    o.op.pipe.spec[K_FLASH_HEAD_DIM] = kv->head_dim;
    o.op.pipe.spec[K_FLASH_SEEN] = a->seen;
    o.op.pipe.n_spec = K_FLASH_SPECS;
    if (nv) {
        /* Tall tiles read keys less often; they pay when they still fill the device. */
        uint32_t units = gpu_get_info(plan_gpu(p))->units;
        uint32_t rows = (a->m + 127) / 128 * kv->heads * 2 >= units ? 128 : 64;
        o.op.pipe.spec[K_FLASH_ROWS] = rows;
        o.op.pipe.spec[K_FLASH_KEYS] = kv->head_dim > 64 ? 32 : 64;
        o.op.pipe.n_spec = K_FLASH_NV_SPECS;
        o.op.groups[0] = (a->m + rows - 1) / rows;
        o.op.groups[1] = kv->heads;
    } else {
        o.op.groups[0] = (a->m * group + 63) / 64;
        o.op.groups[1] = kv->kv_heads;
    }

    uint64_t bytes = (uint64_t)a->m * kv->heads * kv->head_dim * sizeof(float);
    k_reads(&o, a->q, bytes);
    k_reads(&o, kv->pages, (uint64_t)kv->slots * kv->max_pages * sizeof(uint64_t));
    k_reads(&o, kv->pool, kv->pool_bytes);
    k_reads(&o, a->steps.addr, K_STEP_BYTES + (uint64_t)a->m * sizeof(struct k_row));
    k_writes(&o, a->out, bytes);
    return k_op_add(p, &o);
}
