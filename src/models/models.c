#include "models/models.h"

#include <inttypes.h>
#include <string.h>

#include "base/status.h"
#include "models/parts.h"
#include "models/silero.h"
#include "models/whisper.h"

static const struct model_arch *const archs[] = {&arch_llama, &arch_qwen2};

enum { ARCHS = sizeof archs / sizeof *archs };

enum status model_load(const struct weights *w, struct model *m)
{
    memset(m, 0, sizeof *m);
    struct weights_str name;
    TRY(weights_string(w, "general.architecture", &name));
    if (!name.s)
        return status_fail(ERR_MODEL, "%s: no general.architecture", weights_path(w));
    for (int i = 0; i < ARCHS; i++) {
        if (name.len == strlen(archs[i]->name) && !memcmp(name.s, archs[i]->name, name.len))
            m->arch = archs[i];
    }
    if (!m->arch && whisper_is(w))
        return status_fail(ERR_MODEL, "%s: a speech model; tawny transcribe runs it",
                           weights_path(w));
    if (!m->arch && silero_is(w))
        return status_fail(ERR_MODEL,
                           "%s: a model of voice activity: tawny transcribe's --vad-model",
                           weights_path(w));
    if (!m->arch)
        return status_fail(ERR_MODEL, "%s: architecture '%.*s' is not supported (llama, qwen2 are)",
                           weights_path(w), (int)(name.len < 64 ? name.len : 64), name.s);
    enum status s = m->arch->load(w, m);
    if (s != OK)
        model_unload(m);
    return s;
}

void model_unload(struct model *m)
{
    arena_free(&m->arena);
    memset(m, 0, sizeof *m);
}

enum status model_weight(const struct weights *w, const struct weights_tensor *t, uint32_t n,
                         uint32_t k, struct arena *arena, struct k_weight *out)
{
    uint32_t granule = quant_info(t->type)->granule;
    if (k % granule)
        return status_fail(ERR_MODEL,
                           "%s: tensor %s: rows of %" PRIu32 " %s weights; the kernels take "
                           "multiples of %" PRIu32,
                           weights_path(w), t->name, k, quant_info(t->type)->name, granule);
    *out = (struct k_weight){.type = t->type, .n = n, .k = k};
    out->name = arena_strndup(arena, t->name, strlen(t->name));
    return out->name ? OK : ERR_MEMORY;
}

uint64_t model_layer_page_bytes(const struct model_hparams *hp)
{
    return 2ull * hp->n_kv_heads * K_PAGE_TOKENS * hp->head_dim * sizeof(uint16_t);
}

uint64_t model_page_bytes(const struct model_hparams *hp)
{
    return model_layer_page_bytes(hp) * hp->n_layers;
}
