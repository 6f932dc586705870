/* parts.h - what decoder-only architectures share: reading hyperparameters, collecting tensors,
 * and the steps of a pre-norm transformer with RoPE, grouped-query attention and a gated MLP.
 * No switches on architectures here: an architecture says what it wants in struct parts_decoder. */
#ifndef TAWNY_MODELS_PARTS_H
#define TAWNY_MODELS_PARTS_H

#include "models/models.h"

struct parts_decoder {
    bool neox;         /* how RoPE pairs dimensions */
    bool qkv_bias;     /* the file must have biases of q, k and v */
};

/* Reads <arch>.* metadata and the blk.N.* tensors into m. */
enum status parts_load_decoder(const struct weights *w, const struct parts_decoder *d,
                               struct model *m);

enum status parts_decode(struct plan *p, const struct model *m, const struct model_step *s);
enum status parts_prefill(struct plan *p, const struct model *m, const struct model_step *s);
enum status parts_tail(struct plan *p, const struct model *m, const struct model_step *s);

extern const struct model_arch arch_llama, arch_qwen2;

#endif
