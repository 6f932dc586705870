/* Shaders with something made wrong. */
#include "mutate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { HEADER_WORDS = 5, OP_NOP = 0, OP_CONTROL_BARRIER = 224 };

static const struct twin {
    uint16_t from, to;
    const char *what;
} twins[] = {
    {128, 130, "IAdd to ISub"},
    {130, 128, "ISub to IAdd"},
    {129, 131, "FAdd to FSub"},
    {131, 129, "FSub to FAdd"},
    {133, 129, "FMul to FAdd"},
    {136, 133, "FDiv to FMul"},
    {127, 83, "FNegate left out"},
    {132, 128, "IMul to IAdd"},
    {134, 137, "UDiv to UMod"},
    {137, 134, "UMod to UDiv"},
    {194, 196, "ShiftRightLogical to ShiftLeftLogical"},
    {196, 194, "ShiftLeftLogical to ShiftRightLogical"},
    {197, 199, "BitwiseOr to BitwiseAnd"},
    {199, 197, "BitwiseAnd to BitwiseOr"},
    {176, 178, "ULessThan to ULessThanEqual"},
    {178, 176, "ULessThanEqual to ULessThan"},
    {172, 174, "UGreaterThan to UGreaterThanEqual"},
    {174, 172, "UGreaterThanEqual to UGreaterThan"},
    {170, 171, "IEqual to INotEqual"},
    {171, 170, "INotEqual to IEqual"},
    {184, 186, "FOrdLessThan to FOrdGreaterThan"},
    {186, 184, "FOrdGreaterThan to FOrdLessThan"},
    {OP_CONTROL_BARRIER, OP_NOP, "ControlBarrier left out"},
};

static const struct twin *twin_of(uint32_t word)
{
    for (size_t i = 0; i < sizeof twins / sizeof *twins; i++) {
        if (twins[i].from == (word & 0xffff))
            return &twins[i];
    }
    return NULL;
}

/* The word at which site number `site` begins; *count: how many sites there are up to there. */
static size_t find_site(const struct gpu_shader *s, uint32_t site, uint32_t *count)
{
    size_t words = s->bytes / 4;
    *count = 0;
    for (size_t at = HEADER_WORDS; at < words;) {
        uint32_t length = s->code[at] >> 16;
        if (length == 0)
            break;
        if (twin_of(s->code[at]) && (*count)++ == site)
            return at;
        at += length;
    }
    return 0;
}

uint32_t check_mutate_sites(const struct gpu_shader *shader)
{
    uint32_t count;
    find_site(shader, UINT32_MAX, &count);
    return count;
}

static void mutate(uint32_t *code, size_t at, const struct twin *twin)
{
    uint32_t length = code[at] >> 16;
    if (twin->to == OP_NOP) {
        for (uint32_t i = 0; i < length; i++)
            code[at + i] = 1u << 16 | OP_NOP;
    } else {
        code[at] = length << 16 | twin->to;
    }
}

/* The shaders of a table must outlive the pipelines made from them, so one table is kept. */
static struct {
    struct gpu_shader shaders[256];
    uint32_t *code[256]; /* of shaders that are not the table's own */
    struct shader_table table;
} mutated;

static enum status copy_table(const struct shader_table *table)
{
    shader_use_table(NULL);
    for (size_t i = 0; i < mutated.table.count; i++) {
        mem_free(mutated.code[i]);
        mutated.code[i] = NULL;
    }
    mutated.table = (struct shader_table){mutated.shaders, table->count};
    if (table->count > sizeof mutated.shaders / sizeof *mutated.shaders) {
        mutated.table.count = 0;
        return status_fail(ERR, "check: %zu modules are more than a mutated table holds",
                           table->count);
    }
    memcpy(mutated.shaders, table->shaders, table->count * sizeof *mutated.shaders);
    return OK;
}

enum status check_mutate_use(const struct shader_table *table, const char *name, uint32_t site,
                             char *what)
{
    TRY(copy_table(table));
    for (size_t i = 0; i < table->count; i++) {
        struct gpu_shader *s = &mutated.shaders[i];
        if (strcmp(s->name, name) != 0)
            continue;
        uint32_t count;
        size_t at = find_site(s, site, &count);
        if (at == 0)
            return status_fail(ERR_USAGE, "module %s has %" PRIu32 " sites, no number %" PRIu32,
                               name, count, site);
        uint32_t *code = mutated.code[i] = mem_alloc(s->bytes);
        if (!code)
            return ERR_MEMORY;
        memcpy(code, s->code, s->bytes);
        const struct twin *twin = twin_of(code[at]);
        mutate(code, at, twin);
        snprintf(what, 64, "%s", twin->what);
        s->code = code;
        shader_use_table(&mutated.table);
        return OK;
    }
    return status_fail(ERR_USAGE, "no module '%s'", name);
}

/* *code stays NULL where there is no such file. */
static enum status read_module(const char *path, uint32_t **code, size_t *bytes)
{
    enum { SPIRV_MAGIC = 0x07230203, MAX_BYTES = 16 << 20 };
    FILE *f = fopen(path, "rb");
    if (!f)
        return OK;
    uint32_t *words = mem_alloc(MAX_BYTES);
    size_t n = words ? fread(words, 1, MAX_BYTES, f) : 0;
    fclose(f);
    if (!words)
        return ERR_MEMORY;
    if (n < 4 * HEADER_WORDS || n % 4 || words[0] != SPIRV_MAGIC) {
        mem_free(words);
        return status_fail(ERR, "%s: not a SPIR-V module", path);
    }
    *code = words;
    *bytes = n;
    return OK;
}

enum status check_mutate_load(const struct shader_table *table, const char *dir)
{
    char path[4096];
    size_t found = 0;
    TRY(copy_table(table));
    for (size_t i = 0; i < table->count; i++) {
        struct gpu_shader *s = &mutated.shaders[i];
        snprintf(path, sizeof path, "%s/%s.spv", dir, s->name);
        TRY(read_module(path, &mutated.code[i], &s->bytes));
        if (!mutated.code[i])
            continue;
        s->code = mutated.code[i];
        found++;
    }
    if (found == 0)
        return status_fail(ERR, "%s: no modules here", dir);
    shader_use_table(&mutated.table);
    return OK;
}
