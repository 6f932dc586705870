#include "compile.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/mem.h"
#include "compile_plans.h"
#include "kernels/kernels.h"
#include "quant/quant.h"
#include "suite.h"

enum { GROUP = K_GROUP, SIMDS_A_UNIT = 2, PART_OF_INVERSE = 64 };

const struct compile_card *compile_card_find(const char *device)
{
    static const struct compile_card cards[] = {
        {"NAVI10", "RX 5700 XT", 448e9, 40, 1.9e9},
        {"NAVI31", "RX 7900 XTX", 960e9, 96, 2.5e9},
        {"GFX1151", "Strix Halo", 256e9, 40, 2.9e9},
    };
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++)
        if (strstr(device, cards[i].part))
            return &cards[i];
    return NULL;
}

/* ---- what is to be compiled --------------------------------------------------------------- */

/* A pipeline as first met in a plan. */
struct found {
    const struct gpu_pipe *pipe;
    char use[112];
    bool decode;
    uint32_t groups;
};

struct finder {
    struct gpu *g;
    const char *kernels;
    struct found *list;
    uint32_t n, cap;
};

static enum status find(void *ctx, const struct plan_op *op, const char *what, bool decode)
{
    struct finder *f = ctx;
    const struct gpu_pipe *pipe;
    if (f->kernels && !suite_matches(f->kernels, op->pipe.shader->name, op->pipe.shader->name))
        return OK;
    TRY(gpu_pipe_get(f->g, &op->pipe, &pipe));
    for (uint32_t i = 0; i < f->n; i++)
        if (f->list[i].pipe == pipe)
            return OK;
    if (f->n == f->cap) {
        uint32_t cap = f->cap ? 2 * f->cap : 256;
        struct found *grown = mem_realloc(f->list, cap * sizeof *grown);
        if (!grown)
            return ERR_MEMORY;
        f->list = grown;
        f->cap = cap;
    }
    struct found *to = &f->list[f->n++];
    *to = (struct found){
        .pipe = pipe, .decode = decode, .groups = op->groups[0] * op->groups[1] * op->groups[2]};
    snprintf(to->use, sizeof to->use, "%s: %s", what, op->name);
    return OK;
}

/* ---- what the compiler tells -------------------------------------------------------------- */

static uint32_t stat_of(const struct gpu_pipe_stat *stats, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (!strcmp(stats[i].name, name) && stats[i].value >= 0 && stats[i].value < UINT32_MAX)
            return (uint32_t)stats[i].value;
    return UINT32_MAX;
}

static bool some(uint32_t value)
{
    return value && value != UINT32_MAX;
}

enum status compile_one(struct gpu *g, const struct gpu_pipe *pipe, struct compile_row *row)
{
    enum { MOST = 64 };
    struct gpu_pipe_stat s[MOST];
    uint32_t n;
    const struct gpu_pipe_params *p = gpu_pipe_params_of(pipe);
    *row = (struct compile_row){.kernel = p->shader->name, .subgroup = p->subgroup, .share = -1};
    snprintf(row->name, sizeof row->name, "%s", gpu_pipe_name(pipe));
    row->status = gpu_pipe_stats(g, pipe, s, MOST, &n);
    if (row->status != OK) {
        snprintf(row->message, sizeof row->message, "%s", status_message());
        row->bad = true;
        n = 0;
    }
    n = n < MOST ? n : MOST;
    if (!row->subgroup)
        row->subgroup = gpu_get_info(g)->subgroup_default;
    row->vgprs = stat_of(s, n, "VGPRs");
    row->sgprs = stat_of(s, n, "SGPRs");
    row->spilled_vgprs = stat_of(s, n, "Spilled VGPRs");
    row->spilled_sgprs = stat_of(s, n, "Spilled SGPRs");
    row->scratch = stat_of(s, n, "Scratch size");
    row->lds = stat_of(s, n, "LDS size");
    row->waves = stat_of(s, n, "Subgroups per SIMD");
    row->instructions = stat_of(s, n, "Instructions");
    row->valu = stat_of(s, n, "VALU");
    row->vmem = stat_of(s, n, "VMEM");
    row->latency = stat_of(s, n, "Latency");
    row->inverse = stat_of(s, n, "Inverse Throughput");
    row->bad =
        row->bad || some(row->spilled_vgprs) || some(row->spilled_sgprs) || some(row->scratch);
    return row->status == ERR_LOST || row->status == ERR_MEMORY ? row->status : OK;
}

/* ---- the share of a card's bandwidth ------------------------------------------------------ */

/* Bytes that a team reads in a tile of rows of this type, as ACO counts rounds. */
static double pair_bytes(const struct gpu_pipe_params *p, uint32_t type)
{
    uint32_t k = p->spec[K_MV_K];
    double row = (double)quant_row_bytes((enum quant_type)type, k);
    if (!p->spec[K_MV_XREG]) {
        uint64_t rounds = div_up(k / k_matvec_chunk((enum quant_type)type), p->spec[K_MV_LANES]);
        row = row / (double)rounds * COMPILE_ROUNDS;
    }
    return 2 * row;
}

/* Of all loops over tiles that the kernel has; 0: not one of the matrix-vector kernels. */
static double tile_bytes(const struct gpu_pipe_params *p)
{
    const char *name = p->shader->name;
    if (!strcmp(name, "matvec") || !strcmp(name, "matvec_dot"))
        return pair_bytes(p, p->spec[K_MATVEC_TYPE]);
    if (!strcmp(name, "glu") || !strcmp(name, "glu_dot"))
        return pair_bytes(p, p->spec[K_GLU_TYPE]);
    if (strcmp(name, "qkv") != 0 && strcmp(name, "qkv_dot") != 0)
        return 0;
    uint32_t q = p->spec[K_QKV_TYPE_Q], k = p->spec[K_QKV_TYPE_K], v = p->spec[K_QKV_TYPE_V];
    return pair_bytes(p, q) + (k != q ? pair_bytes(p, k) : 0) + (v != k ? pair_bytes(p, v) : 0);
}

static double predict(const struct compile_card *card, const struct gpu_pipe *pipe,
                      const struct compile_row *row)
{
    const struct gpu_pipe_params *p = gpu_pipe_params_of(pipe);
    double bytes = tile_bytes(p) * COMPILE_TILES * PART_OF_INVERSE;
    if (!bytes || !card || row->status != OK || !some(row->inverse) || !some(row->latency) ||
        !some(row->waves))
        return -1;
    double simds = (double)card->units * SIMDS_A_UNIT;
    double waves = (double)row->groups * GROUP / row->subgroup / simds;
    waves = fmin(waves, row->waves);
    double cycles =
        fmax(row->inverse, (double)row->latency * PART_OF_INVERSE / row->subgroup / waves);
    return bytes / p->spec[K_MV_LANES] / cycles * card->clock * simds / card->bandwidth;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static int by_kernel(const void *a, const void *b)
{
    const struct compile_row *x = a, *y = b;
    int order = strcmp(x->kernel, y->kernel);
    return order ? order : x->number < y->number ? -1 : 1;
}

static enum status compile_all(struct gpu *g, const struct compile_params *params,
                               const struct finder *f, struct compile_report *out)
{
    out->rows = mem_calloc(f->n ? f->n : 1, sizeof *out->rows);
    if (!out->rows)
        return ERR_MEMORY;
    out->complete = true;
    for (uint32_t i = 0; i < f->n && out->complete; i++) {
        struct compile_row *row = &out->rows[out->n_rows++];
        TRY(compile_one(g, f->list[i].pipe, row));
        snprintf(row->use, sizeof row->use, "%s", f->list[i].use);
        row->number = i;
        row->decode = f->list[i].decode;
        row->groups = f->list[i].groups;
        row->share = predict(out->card, f->list[i].pipe, row);
        out->n_bad += row->bad;
        out->told = out->told || row->vgprs != UINT32_MAX;
        out->complete = !params->on_pipe || params->on_pipe(params->ctx, i + 1, f->n);
    }
    qsort(out->rows, out->n_rows, sizeof *out->rows, by_kernel);
    return OK;
}

/* The units of a card stand for those that a driver without its GPU cannot know. */
static enum status open_device(const struct compile_params *params, struct compile_report *out,
                               struct gpu **g)
{
    struct gpu_params gp = {
        .device = params->device, .caps_off = params->caps_off, .compile_only = true};
    TRY(gpu_open(&gp, g));
    snprintf(out->device, sizeof out->device, "%s", gpu_get_info(*g)->name);
    snprintf(out->driver, sizeof out->driver, "%s", gpu_get_info(*g)->driver);
    out->card = compile_card_find(out->device);
    if (!out->card || gpu_get_info(*g)->units == out->card->units)
        return OK;
    gpu_close(g);
    gp.units = out->card->units;
    return gpu_open(&gp, g);
}

enum status compile_run(const struct compile_params *params, struct compile_report *out)
{
    struct gpu *g = NULL;
    struct finder f = {.kernels = params->kernels};
    enum status s = OK;
    *out = (struct compile_report){0};
    TRY_GOTO(open_device(params, out, &g));
    f.g = g;
    TRY_GOTO(compile_plans(g, params->all, &(struct compile_visit){find, &f}));
    if (!f.n) {
        s = status_fail(ERR_USAGE, "no kernel has a name like '%s'", params->kernels);
        goto fail;
    }
    TRY_GOTO(compile_all(g, params, &f, out));
fail:
    mem_free(f.list);
    gpu_close(&g);
    if (s != OK)
        compile_report_free(out);
    return s;
}

void compile_report_free(struct compile_report *r)
{
    mem_free(r->rows);
    r->rows = NULL;
    r->n_rows = 0;
}
