#include "kernels/op.h"

enum status k_embed(struct plan *p, const struct k_embed_args *a)
{
    struct k_embed_push push = {
        .table = a->table.addr,
        .places = a->places,
        .step = a->steps.addr,
        .seqs = a->seqs,
        .dst = a->out,
        .n_places = a->n_places,
    };
    struct k_op o;
    k_op_begin(&o, "embed", "embed", &push, sizeof push, 5);
    TRY(k_weight_check("embed", &a->table));
    o.op.pipe.spec[K_EMBED_TYPE] = a->table.type;
    o.op.pipe.spec[K_EMBED_K] = a->table.k;
    o.op.pipe.spec[K_EMBED_VOCAB] = a->table.n;
    o.op.pipe.spec[K_EMBED_PLACES] = a->places != 0;
    o.op.pipe.n_spec = K_EMBED_SPECS;
    o.op.groups[0] = a->steps.rows;
    uint64_t rows = a->steps.rows;
    /* The whole table is declared, but only a row a token is read: no weight_bytes. */
    k_reads(&o, a->table.addr, k_weight_bytes(&a->table));
    k_reads(&o, a->places, 4ull * a->table.k * a->n_places);
    k_reads(&o, a->steps.addr, K_STEP_BYTES + sizeof(struct k_row) * rows);
    k_reads(&o, a->seqs, (uint64_t)K_SEQ_BYTES * a->slots);
    k_writes(&o, a->seqs ? a->history : 0, a->history_bytes);
    k_writes(&o, a->out, 4ull * a->table.k * rows);
    return k_op_add(p, &o);
}
