/* Llama (Touvron et al., 2023; Dubey et al., 2024) and what shares its graph: Mistral, SmolLM2.
 *
 *   h = embed(tokens)
 *   each layer:  h += Wo attention(RoPE(Wq n), RoPE(Wk n), Wv n),   n = RMSNorm(h)
 *                h += Wdown (silu(Wgate n) * Wup n),                n = RMSNorm(h)
 *   logits = Whead RMSNorm(h)
 *
 * GGUF files store Wq and Wk with rows permuted so that RoPE turns neighbours (2i, 2i + 1). */
#include "models/parts.h"

static enum status load(const struct weights *w, struct model *m)
{
    return parts_load_decoder(w, &(struct parts_decoder){.neox = false, .qkv_bias = false}, m);
}

const struct model_arch arch_llama = {
    .name = "llama",
    .load = load,
    .decode = parts_decode,
    .prefill = parts_prefill,
    .tail = parts_tail,
};
