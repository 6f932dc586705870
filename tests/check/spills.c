/* Compiling without a GPU: planted scratch is found, and the ordinary path refuses the device. Run
 * through tools/vk --radv. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "check/compile.h"
#include "kernels/shaders.h"

static const uint32_t spill_code[] =
#include "spill.inc"
    ;
static const struct gpu_shader spill = {"spill", spill_code, sizeof spill_code};

static struct gpu *open_compiler(void)
{
    struct gpu *g = NULL;
    enum status s = gpu_open(&(struct gpu_params){.compile_only = true, .units = 40}, &g);
    if (s != OK)
        print_error("%s\n", status_message());
    assert_int_equal(s, OK);
    assert_int_equal(gpu_get_info(g)->units, 40);
    return g;
}

static struct compile_row compiled(struct gpu *g, uint32_t size)
{
    const struct gpu_pipe *pipe;
    struct compile_row row;
    assert_int_equal(
        gpu_pipe_get(
            g,
            &(struct gpu_pipe_params){
                .shader = &spill, .spec = {size}, .n_spec = 1, .push_bytes = 16, .subgroup = 32},
            &pipe),
        OK);
    assert_int_equal(compile_one(g, pipe, &row), OK);
    assert_int_equal(row.status, OK);
    return row;
}

static void finds_scratch(void **state)
{
    (void)state;
    struct gpu *g = open_compiler();
    struct compile_row small = compiled(g, 4), big = compiled(g, 512);
    assert_false(small.bad);
    assert_int_equal(small.scratch, 0);
    assert_true(small.vgprs > 0 && small.vgprs <= 256);
    assert_true(small.waves > 0 && small.waves <= 20);
    assert_true(small.latency > 0 && small.inverse > 0);
    assert_true(big.bad);
    assert_true(big.scratch >= 512 * 4);
    gpu_close(&g);
}

/* The library's modules with one in the place of another. */
static struct shader_table planted(const char *name)
{
    struct gpu_shader *list = mem_calloc(shader_table.count, sizeof *list);
    assert_non_null(list);
    memcpy(list, shader_table.shaders, shader_table.count * sizeof *list);
    for (size_t i = 0; i < shader_table.count; i++) {
        if (!strcmp(list[i].name, name)) {
            list[i].code = spill_code;
            list[i].bytes = sizeof spill_code;
        }
    }
    return (struct shader_table){list, shader_table.count};
}

static void names_the_kernel(void **state)
{
    (void)state;
    struct compile_report r;
    struct compile_params p = {.kernels = "silu,rope"};
    assert_int_equal(compile_run(&p, &r), OK);
    assert_true(r.complete && r.told && r.card);
    assert_true(r.n_rows >= 2);
    assert_int_equal(r.n_bad, 0);
    compile_report_free(&r);

    struct shader_table table = planted("silu");
    shader_use_table(&table);
    assert_int_equal(compile_run(&p, &r), OK);
    assert_true(r.n_bad > 0);
    for (uint32_t i = 0; i < r.n_rows; i++)
        assert_int_equal(r.rows[i].bad, !strcmp(r.rows[i].kernel, "silu"));
    compile_report_free(&r);
    shader_use_table(NULL);
    mem_free((void *)table.shaders);

    p.kernels = "nonsense";
    assert_int_equal(compile_run(&p, &r), ERR_USAGE);
}

static void refuses_to_run(void **state)
{
    (void)state;
    struct gpu *g = NULL;
    assert_int_equal(gpu_open(&(struct gpu_params){.cache_dir = ""}, &g), ERR_DEVICE);
    assert_non_null(strstr(status_message(), "no device-local memory"));
    assert_null(g);

    g = open_compiler();
    const struct gpu_buf *buf;
    struct gpu_buf_params bp = {.bytes = 256, .tag = "test"};
    assert_int_equal(gpu_buf_create(g, &bp, &buf), ERR_USAGE);
    assert_non_null(strstr(status_message(), "compiling only"));
    struct gpu_cmd *cmd;
    assert_int_equal(gpu_cmd_create(g, NULL, &cmd), ERR_USAGE);
    struct gpu_stream *stream;
    assert_int_equal(gpu_stream_create(g, NULL, &stream), ERR_USAGE);
    uint32_t word = 0;
    assert_int_not_equal(gpu_upload(g, 4096, &word, 4), OK);
    assert_int_not_equal(gpu_fill(g, 4096, 0, 4), OK);
    gpu_close(&g);
}

static void knows_the_cards(void **state)
{
    (void)state;
    assert_string_equal(compile_card_find("AMD Radeon RX 7900 XTX (RADV NAVI31)")->name,
                        "RX 7900 XTX");
    assert_null(compile_card_find("NVIDIA H200"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_scratch),
        cmocka_unit_test(names_the_kernel),
        cmocka_unit_test(refuses_to_run),
        cmocka_unit_test(knows_the_cards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
