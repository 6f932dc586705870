/* Qwen2 and Qwen2.5 (Yang et al., 2024): Llama's graph with biases on q, k and v, and RoPE that
 * turns dimensions (i, i + rot / 2). */
#include "models/parts.h"

static enum status load(const struct weights *w, struct model *m)
{
    return parts_load_decoder(w, &(struct parts_decoder){.neox = true, .qkv_bias = true}, m);
}

const struct model_arch arch_qwen2 = {
    .name = "qwen2",
    .load = load,
    .decode = parts_decode,
    .prefill = parts_prefill,
    .tail = parts_tail,
};
