/* Reference of embed: k_embed_push. */
#include <stddef.h>

#include "base/mem.h"
#include "kernels/params.h"
#include "linear.h"
#include "refs.h"

enum status check_embed(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_embed_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t k = spec[K_EMBED_K];
    struct check_weight table = {p->table, (enum quant_type)spec[K_EMBED_TYPE], spec[K_EMBED_VOCAB],
                                 k};
    uint64_t row_bytes = (uint64_t)k * 4;
    uint32_t rows = check_declared_rows(op, p->dst, row_bytes);
    enum status s = OK;
    float *values = mem_calloc(k, sizeof *values);
    if (!values)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < rows; i++) {
        struct check_row row;
        TRY_GOTO(check_step_row(mem, p->step, i, &row));
        if (!row.live) {
            check_out_any(mem, p->dst + i * row_bytes, row_bytes);
            continue;
        }
        TRY_GOTO(check_weight_row(mem, &table, row.token, values));
        for (uint32_t j = 0; p->places && j < k; j++)
            values[j] =
                values[j] + check_in_f32(mem, p->places + row.pos * row_bytes + (uint64_t)j * 4);
        check_out_bytes(mem, p->dst + i * row_bytes, values, row_bytes);
        if (!p->seqs)
            continue;
        uint64_t seq = p->seqs + (uint64_t)row.slot * K_SEQ_BYTES;
        uint64_t history = check_in_u64(mem, seq + offsetof(struct k_seq, history));
        if (history)
            check_out_u32(mem, history + (uint64_t)row.pos * 4, row.token);
    }
fail:
    mem_free(values);
    return s;
}
