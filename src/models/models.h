/* models.h - architectures: what a model file must hold, and the plan of one step.
 *
 * An architecture is one file: it reads its hyperparameters and tensor names from neutral
 * weights, and appends the kernels of a step to a plan in the order of its paper. It knows neither
 * Vulkan nor sequences. The engine puts the tensors into GPU memory and fills in their addresses
 * (struct model_tensor), then asks for plans. */
#ifndef TAWNY_MODELS_MODELS_H
#define TAWNY_MODELS_MODELS_H

#include "base/mem.h"
#include "formats/weights.h"
#include "kernels/kernels.h"

/* How positions are stretched beyond those trained for (Llama 3.1's way is a tensor of factors). */
enum rope_scaling { ROPE_NONE, ROPE_LINEAR, ROPE_YARN };

struct model_rope {
    float base;
    uint32_t rot;              /* rotated dimensions of a head */
    bool neox;                 /* pairs (i, i + rot / 2), else (2i, 2i + 1) */
    enum rope_scaling scaling;
    float factor;              /* context stretched by; 1: not */
    uint32_t original_ctx;     /* ROPE_YARN */
    float attn_factor;         /* ROPE_YARN: on top of the temperature that follows from factor */
    float beta_fast, beta_slow;
    const float *factors;      /* (rot / 2) divisors of frequencies, or NULL */
};

struct model_hparams {
    uint32_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff, n_vocab;
    uint32_t n_ctx_train;
    float rms_eps;
    struct model_rope rope;
};

/* A tensor that the engine must put into GPU memory. Exactly one of `weight` and `vector` is set:
 * where its address goes. Vectors are F32. */
struct model_tensor {
    const struct weights_tensor *file;
    struct k_weight *weight;
    uint64_t *vector;
};

/* Weights of n rows of k of the type that tensor t has, named after it from `arena`, without an
 * address. ERR_MODEL: rows of k are not whole granules. */
enum status model_weight(const struct weights *w, const struct weights_tensor *t, uint32_t n,
                         uint32_t k, struct arena *arena, struct k_weight *out);

struct model_layer {
    uint64_t attn_norm;            /* (n_embd) */
    struct k_weight q;             /* (n_heads * head_dim, n_embd) */
    struct k_weight k, v;          /* (n_kv_heads * head_dim, n_embd) */
    struct k_weight o;             /* (n_embd, n_heads * head_dim) */
    uint64_t bq, bk, bv, bo;       /* 0: none */
    uint64_t ffn_norm;             /* (n_embd) */
    struct k_weight gate, up;      /* (n_ff, n_embd) */
    struct k_weight down;          /* (n_embd, n_ff) */
};

struct model_arch;

struct model {
    const struct model_arch *arch;
    struct model_hparams hp;
    struct k_weight embd;          /* (n_vocab, n_embd) */
    uint64_t out_norm;             /* (n_embd) */
    struct k_weight head;          /* (n_vocab, n_embd); embd itself where they are tied */
    bool tied;
    struct model_layer *layers;
    struct model_tensor *tensors;  /* everything to load; a tied head is there once */
    uint32_t n_tensors;
    struct arena arena;
};

/* What a step works on; addresses in GPU memory, kept by the engine. */
struct model_step {
    uint32_t rows;                 /* rows computed */
    uint32_t outs;                 /* rows through the head, 1 to K_MAX_OUT; 0: no head */
    struct k_steps steps, next;    /* this step, and the one the sampler feeds (addr 0: itself) */
    struct k_kv kv;                /* offset is set layer by layer */
    struct k_rope rope;
    uint32_t splits;               /* pages that a sequence may have in this recording */
    uint64_t h;                    /* f32 [rows][n_embd]: the residual stream */
    uint64_t logits;               /* f32 [outs][n_vocab] */
    uint64_t attn_counter;         /* U32[rows * n_heads], zero */
    struct k_sample_args sample;   /* seqs, histories, rings, biases, counter; b 0: no sampling */
};

struct model_arch {
    const char *name;              /* general.architecture */
    /* Fills hp, layers and tensors; m->arena owns them. Refuses what it cannot run. */
    enum status (*load)(const struct weights *w, struct model *m);
    /* 1 to 16 rows of any sequences: every weight is read once. */
    enum status (*decode)(struct plan *p, const struct model *m, const struct model_step *s);
    /* Many rows of one sequence at consecutive positions; leaves the residual stream in h. */
    enum status (*prefill)(struct plan *p, const struct model *m, const struct model_step *s);
    /* Head and sampler over the out rows of an h that a prefill left. */
    enum status (*tail)(struct plan *p, const struct model *m, const struct model_step *s);
};

/* Chooses the architecture by general.architecture and loads the description. The weights must
 * outlive the model. ERR_MODEL names the file and what is wrong or missing. */
enum status model_load(const struct weights *w, struct model *m);
void model_unload(struct model *m);

/* Bytes of keys and values of one page, over all layers, and of one layer. */
uint64_t model_page_bytes(const struct model_hparams *hp);
uint64_t model_layer_page_bytes(const struct model_hparams *hp);

/* f32 [n_ctx][rot / 2][2]: cosine and sine, computed in double on the host once. */
void model_rope_table(const struct model_rope *r, uint32_t n_ctx, float *out);

#endif
