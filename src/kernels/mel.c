#include "kernels/op.h"

#include <inttypes.h>

enum { MOST_BINS = 4096 };

static void use_subgroup(struct plan *p, struct k_op *o, const char *module)
{
    uint32_t subgroup = k_subgroup(plan_gpu(p), module);
    o->op.pipe.spec[0] = subgroup;
}

enum status k_mel(struct plan *p, const struct k_mel_args *a)
{
    if (!a->frames || a->frames > 65535 || !a->bins || a->bins > MOST_BINS || !a->bands)
        return status_fail(ERR_MODEL,
                           "mel: %" PRIu32 " frames of %" PRIu32 " bins to %" PRIu32
                           " bands: 1 to 65535 frames, 1 to %d bins, at least one band",
                           a->frames, a->bins, a->bands, MOST_BINS);
    uint64_t top, bytes = 4ull * a->frames * a->bands;
    TRY(plan_scratch(p, 4ull * a->frames, "mel maxima", &top));
    struct k_mel_push push = {.dft = a->dft, .filters = a->filters, .dst = a->out, .top = top};
    struct k_op o;
    k_op_begin(&o, "mel", "mel", &push, sizeof push, 4);
    use_subgroup(p, &o, "mel");
    o.op.pipe.spec[K_MEL_BINS] = a->bins;
    o.op.pipe.spec[K_MEL_BANDS] = a->bands;
    o.op.pipe.n_spec = K_MEL_SPECS;
    o.op.groups[0] = a->frames;
    k_reads(&o, a->dft, 8ull * a->frames * a->bins);
    k_reads(&o, a->filters, 4ull * a->bands * a->bins);
    k_writes(&o, a->out, bytes);
    k_writes(&o, top, 4ull * a->frames);
    TRY(k_op_add(p, &o));

    struct k_mel_top_push loudest = {.top = top, .loudest = a->loudest, .frames = a->frames};
    k_op_begin(&o, "mel", "mel_top", &loudest, sizeof loudest, 2);
    use_subgroup(p, &o, "mel_top");
    o.op.pipe.n_spec = K_MEL_TOP_SPECS;
    o.op.groups[0] = 1;
    k_reads(&o, top, 4ull * a->frames);
    k_reads(&o, a->loudest, 4);
    k_writes(&o, a->loudest, 4);
    TRY(k_op_add(p, &o));

    struct k_mel_scale_push scale = {.x = a->out, .loudest = a->loudest, .used = a->used};
    k_op_begin(&o, "mel", "mel_scale", &scale, sizeof scale, 3);
    o.op.pipe.spec[K_MEL_SCALE_BANDS] = a->bands;
    o.op.pipe.n_spec = K_MEL_SCALE_SPECS;
    o.op.groups[0] = a->frames;
    k_reads(&o, a->out, bytes);
    k_reads(&o, a->loudest, 4);
    k_reads(&o, a->used, 4);
    k_writes(&o, a->out, bytes);
    return k_op_add(p, &o);
}
