/* A dispatch's constants in words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check/model/inside.h"
#include "quant/quant.h"

enum { NAMES = 16 };

/* By the beginning of a module's name; in the order of params.h. A module that is not here shows
 * its constants as numbers. */
static const struct {
    const char *module, *names[NAMES];
} modules[] = {
    {"matvec", {"subgroup", "lanes", "rows", "K", "norm", "xreg", "type", "N", "out_rows"}},
    {"glu", {"subgroup", "lanes", "rows", "K", "norm", "xreg", "type", "N"}},
    {"qkv",
     {"subgroup", "lanes", "rows", "K", "norm", "xreg", "type", "type", "type", "heads", "kv_heads",
      "head_dim", "rot", "neox"}},
    {"attn", {"subgroup", "heads", "kv_heads", "head_dim", "group"}},
    {"embed", {"type", "K", "vocab"}},
    {"norm", {"subgroup", "K", "out_rows"}},
    {"matmul", {"type", "N", "K", "tile"}},
    {"half", {"subgroup", "K", "bf16"}},
    {"dequant", {"type", "N", "K"}},
    {"product_khr",
     {"type", "N", "K", "row", "bf16", "subgroup", "m", "n", "k", "side", "rows", "cols"}},
    {"product_nv",
     {"type", "N", "K", "row", "bf16", "tile_m", "tile_n", "tile_k", "has", "half", "gelu"}},
    {"product_glu_nv", {"type", "N", "K", "row", "bf16", "tile_m", "tile_n", "tile_k"}},
    {"rope", {"heads", "kv_heads", "head_dim", "rot", "neox"}},
    {"flash", {"heads", "kv_heads", "head_dim", "seen", "rows", "keys", "half"}},
    {"sample", {"greedy"}},
    {"transpose", {"bytes"}},
    {"bmm", {"b_transposed"}},
};

static const char *const *names_of(const char *module)
{
    const char *const *best = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        size_t n = strlen(modules[i].module);
        if (n > longest && !strncmp(module, modules[i].module, n)) {
            best = modules[i].names;
            longest = n;
        }
    }
    return best;
}

void model_variant(const struct plan_op *op, char *buf, size_t size)
{
    const char *const *names = names_of(op->pipe.shader->name);
    int len = snprintf(buf, size, "%s:", op->pipe.shader->name);
    for (uint32_t i = 0; i < op->pipe.n_spec && len >= 0 && (size_t)len < size; i++) {
        const char *name = names && i < NAMES ? names[i] : NULL;
        uint32_t v = op->pipe.spec[i];
        if (name && !strcmp(name, "type") && v < QUANT_COUNT)
            len += snprintf(buf + len, size - (size_t)len, " %s,",
                            quant_info((enum quant_type)v)->name);
        else
            len += snprintf(buf + len, size - (size_t)len, " %s%s%" PRIu32 ",", name ? name : "",
                            name ? " " : "", v);
    }
    if (len >= 0 && (size_t)len < size)
        snprintf(buf + len, size - (size_t)len, " %" PRIu32 " x %" PRIu32 " x %" PRIu32 " groups",
                 op->groups[0], op->groups[1], op->groups[2]);
}
