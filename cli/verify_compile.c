/* tawny verify --compile-only: what the driver's compiler makes of the kernels. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "check/compile.h"
#include "verify_compile.h"

static bool on_pipe(void *ctx, uint32_t done, uint32_t total)
{
    (void)ctx;
    progress("compiling", done, total);
    return !interrupted();
}

static json_t *text(const char *s)
{
    return json_text(s, strlen(s));
}

/* ---- for people --------------------------------------------------------------------------- */

static const char *number(char out[12], uint32_t value)
{
    if (value == UINT32_MAX)
        return "-";
    snprintf(out, 12, "%" PRIu32, value);
    return out;
}

static enum status print_row(const struct compile_row *r)
{
    char n[9][12], share[16] = "-";
    if (r->status != OK)
        return out_printf("%-15s did not compile: %s\n", r->kernel, r->message);
    if (r->share >= 0)
        snprintf(share, sizeof share, "%.0f %%", 100 * r->share);
    return out_printf("%-15s %5s %5s %5s %7s %6s %5s %6s %6s %7s %7s  %-38s%s\n", r->kernel,
                      number(n[0], r->vgprs), number(n[1], r->sgprs), number(n[2], r->waves),
                      number(n[3], r->scratch), number(n[4], r->lds), number(n[5], r->vmem),
                      number(n[6], r->instructions), number(n[7], r->latency),
                      number(n[8], r->inverse), share, r->use, r->bad ? "  SPILLS" : "");
}

static enum status print_table(const struct compile_report *r)
{
    TRY(out_printf("%s, %s, tawny %s\n", r->device, r->driver, tawny_version()));
    if (r->card)
        TRY(out_printf("bandwidth: of the %s, %.0f GB/s, %" PRIu32 " units at %.1f GHz\n",
                       r->card->name, r->card->bandwidth / 1e9, r->card->units,
                       r->card->clock / 1e9));
    TRY(out_printf("%-15s %5s %5s %5s %7s %6s %5s %6s %6s %7s %7s  %s\n", "kernel", "VGPRs",
                   "SGPRs", "waves", "scratch", "LDS", "VMEM", "instr.", "lat.", "inverse", "share",
                   "first picked for"));
    for (uint32_t i = 0; i < r->n_rows; i++)
        TRY(print_row(&r->rows[i]));
    return OK;
}

/* Decode kernels below what keeps memory busy. */
static enum status print_slow(const struct compile_report *r)
{
    uint32_t share = 0, waves = 0;
    for (uint32_t i = 0; i < r->n_rows; i++) {
        const struct compile_row *row = &r->rows[i];
        share += row->share >= 0 && row->share < COMPILE_LEAST_SHARE;
        waves += row->decode && row->waves < COMPILE_LEAST_WAVES;
    }
    if (share)
        TRY(out_printf("%" PRIu32 " matrix-vector kernels below %.0f %% of the bandwidth\n", share,
                       100 * COMPILE_LEAST_SHARE));
    if (waves)
        TRY(out_printf("%" PRIu32 " decode kernels with less than %d waves a SIMD\n", waves,
                       COMPILE_LEAST_WAVES));
    return OK;
}

static enum status print_verdict(const struct compile_report *r, double seconds)
{
    TRY(print_slow(r));
    const char *part = r->complete ? "all of " : "";
    if (r->n_bad)
        return out_printf("%" PRIu32 " of %" PRIu32 " pipelines do not compile, spill registers or "
                          "use scratch (%.1f s)\n",
                          r->n_bad, r->n_rows, seconds);
    if (!r->told)
        return out_printf("%s%" PRIu32 " pipelines compile; the driver tells no statistics "
                          "(%.1f s)\n",
                          part, r->n_rows, seconds);
    return out_printf("%s%" PRIu32 " pipelines compile without spilled registers and scratch "
                      "(%.1f s)\n",
                      part, r->n_rows, seconds);
}

/* ---- for programs ------------------------------------------------------------------------- */

static json_t *number_json(uint32_t value)
{
    return value == UINT32_MAX ? json_null() : json_integer(value);
}

static json_t *row_json(const struct compile_row *r)
{
    json_t *o = json_pack("{s:o, s:s, s:s, s:b, s:b, s:i, s:i}", "name", text(r->name), "kernel",
                          r->kernel, "use", r->use, "decode", (int)r->decode, "bad", (int)r->bad,
                          "groups", (int)r->groups, "subgroup", (int)r->subgroup);
    if (r->status != OK)
        json_object_set_new(o, "error", text(r->message));
    const struct {
        const char *name;
        uint32_t value;
    } numbers[] = {
        {"vgprs", r->vgprs},
        {"sgprs", r->sgprs},
        {"spilled_vgprs", r->spilled_vgprs},
        {"spilled_sgprs", r->spilled_sgprs},
        {"scratch", r->scratch},
        {"lds", r->lds},
        {"waves", r->waves},
        {"instructions", r->instructions},
        {"valu", r->valu},
        {"vmem", r->vmem},
        {"latency", r->latency},
        {"inverse_throughput", r->inverse},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(o, numbers[i].name, number_json(numbers[i].value));
    json_object_set_new(o, "bandwidth_share", r->share >= 0 ? json_real(r->share) : json_null());
    return o;
}

static enum status print_json(const struct compile_report *r, double seconds)
{
    json_t *rows = json_array(), *card = json_null();
    for (uint32_t i = 0; i < r->n_rows; i++)
        json_array_append_new(rows, row_json(&r->rows[i]));
    if (r->card)
        card = json_pack("{s:s, s:f, s:i, s:f}", "name", r->card->name, "bandwidth",
                         r->card->bandwidth, "units", (int)r->card->units, "clock", r->card->clock);
    return out_json(json_pack("{s:s, s:o, s:o, s:o, s:i, s:i, s:b, s:f, s:o}", "version",
                              tawny_version(), "device", text(r->device), "driver", text(r->driver),
                              "card", card, "count", (int)r->n_rows, "bad", (int)r->n_bad,
                              "complete", (int)r->complete, "seconds", seconds, "pipelines", rows),
                    true);
}

enum status verify_compile(const char *kernels, bool all)
{
    struct compile_report r;
    double start = time_now();
    enum status s = compile_run(
        &(struct compile_params){
            .device = global.device, .kernels = kernels, .all = all, .on_pipe = on_pipe},
        &r);
    progress_clear();
    TRY(s);
    double seconds = time_now() - start;
    if (global.json) {
        TRY_GOTO(print_json(&r, seconds));
    } else {
        TRY_GOTO(print_table(&r));
        TRY_GOTO(print_verdict(&r, seconds));
    }
    if (r.n_bad)
        s = status_fail(ERR_VERIFY,
                        "%" PRIu32 " of %" PRIu32
                        " pipelines do not compile, spill registers or use scratch",
                        r.n_bad, r.n_rows);
fail:
    compile_report_free(&r);
    return s;
}
