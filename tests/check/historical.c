/* Five faults that cost the authors of other systems days, each as a test that passes as things are
 * and fails with the fault planted:
 *
 *   the softmax whose inner barrier is shared with another   a barrier inside a branch, counted
 *       together with the one after it, let most of a workgroup go on before the maximum was there
 *   the copy at 1.84 GiB       a tensor of 519 MiB at offset 1,971,310,972 of an arena could not be
 *       copied to the host
 *   the 32-bit offset          of positions [8, 8192, 64, 256] in f32, which wraps
 *   the leaked table           cosines and sines were put into new GPU memory at each RoPE call and
 *       never freed
 *   the product refused as 4D  [1, 16, 5, 128] x [1, 16, 128, 5], which is attention
 *
 * Faults in shaders are in modules of their own (plant.py); those on the host stand between the
 * rooms: calls of vkCmdCopyBuffer, k_bmm and plan_run are wrapped by the linker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <vulkan/vulkan.h>

#include "base/checked.h"
#include "check/case.h"
#include "kernels/shaders.h"
#include "tawny.h"

static const uint32_t softmax_code[] =
#include "softmax.inc"
    ;
static const uint32_t rope_code[] =
#include "rope.inc"
    ;
static const uint32_t transpose_code[] =
#include "transpose.inc"
    ;

/* ---- planting ----------------------------------------------------------------------------- */

enum fault { NONE, SOFTMAX, COPY, OFFSET, LEAK, PRODUCT };
static enum fault planted;

#define COPY_OFFSET UINT64_C(1971310972)

void __real_vkCmdCopyBuffer(VkCommandBuffer, VkBuffer, VkBuffer, uint32_t, const VkBufferCopy *);
void __wrap_vkCmdCopyBuffer(VkCommandBuffer, VkBuffer, VkBuffer, uint32_t, const VkBufferCopy *);
enum status __real_k_bmm(struct plan *, const struct k_bmm_push *, bool);
enum status __wrap_k_bmm(struct plan *, const struct k_bmm_push *, bool);
enum status __real_plan_run(struct plan *, uint32_t, uint64_t *);
enum status __wrap_plan_run(struct plan *, uint32_t, uint64_t *);

void __wrap_vkCmdCopyBuffer(VkCommandBuffer cb, VkBuffer src, VkBuffer dst, uint32_t n,
                            const VkBufferCopy *r)
{
    if (planted == COPY && (r->srcOffset >= COPY_OFFSET || r->dstOffset >= COPY_OFFSET))
        return;
    __real_vkCmdCopyBuffer(cb, src, dst, n, r);
}

enum status __wrap_k_bmm(struct plan *p, const struct k_bmm_push *a, bool b_transposed)
{
    if (planted == PRODUCT && a->ne2 > 1)
        return status_fail(ERR_MODEL, "unsupported matmul shapes 4D x 4D");
    return __real_k_bmm(p, a, b_transposed);
}

/* One byte a run is enough. */
enum status __wrap_plan_run(struct plan *p, uint32_t repeat, uint64_t *ticket)
{
    const struct gpu_buf *table = NULL;
    if (planted == LEAK)
        TRY(gpu_buf_create(
            plan_gpu(p),
            &(struct gpu_buf_params){.bytes = 1, .purpose = GPU_STATE, .tag = "cosines and sines"},
            &table));
    return __real_plan_run(p, repeat, ticket);
}

/* The library's modules, with a faulty one in place of another. */
static void use_module(const char *name, const uint32_t *code, size_t bytes)
{
    static struct gpu_shader shaders[64];
    static struct shader_table table;
    assert_true(shader_table.count <= 64);
    memcpy(shaders, shader_table.shaders, shader_table.count * sizeof *shaders);
    table = (struct shader_table){shaders, shader_table.count};
    for (size_t i = 0; i < table.count; i++) {
        if (!strcmp(shaders[i].name, name)) {
            shaders[i].code = code;
            shaders[i].bytes = bytes;
        }
    }
    shader_use_table(&table);
}

static struct gpu *open_gpu(void)
{
    struct gpu *g = NULL;
    if (gpu_open(&(struct gpu_params){.cache_dir = ""}, &g) != OK)
        print_error("%s\n", status_message());
    assert_non_null(g);
    return g;
}

#define OKAY(call)                                                                                 \
    do {                                                                                           \
        enum status okay_ = (call);                                                                \
        if (okay_ != OK)                                                                           \
            print_error("%s\n", status_message());                                                 \
        assert_int_equal(okay_, OK);                                                               \
    } while (0)

/* Runs cases of a family; how many are wrong or cannot be run. */
static uint32_t wrong_cases(struct gpu *g, const char *name, uint32_t cases)
{
    const struct check_family *f = check_families;
    struct check_runner *r = NULL;
    uint32_t wrong = 0;
    while (f->name && strcmp(f->name, name) != 0)
        f++;
    assert_non_null(f->name);
    OKAY(check_runner_create(&(struct check_runner_params){.g = g}, &r));
    for (uint32_t i = 1; i <= cases; i++) {
        struct case_outcome out;
        enum status s = check_runner_run(r, f, QUANT_F32, i, &out);
        wrong += s != OK || out.result.wrong > 0;
    }
    check_runner_destroy(&r);
    return wrong;
}

static int back_to_sound(void **state)
{
    (void)state;
    planted = NONE;
    shader_use_table(NULL);
    return 0;
}

/* ---- the softmax whose inner barrier is shared with another ------------------------------- */

static void softmax_whose_inner_barrier_is_shared(void **state)
{
    (void)state;
    struct gpu *g = open_gpu();
    assert_int_equal(wrong_cases(g, "attn", 3), 0);
    gpu_close(&g);
    use_module("attn", softmax_code, sizeof softmax_code);
    g = open_gpu();
    assert_true(wrong_cases(g, "attn", 3) > 0);
    gpu_close(&g);
}

/* ---- the copy at 1.84 GiB ----------------------------------------------------------------- */

enum { PIECE = 4096 };

/* Whether what is sent to an address comes back, also by way of another place. */
static bool comes_back(struct gpu *g, uint64_t addr, uint64_t other, uint8_t seed)
{
    uint8_t sent[PIECE], got[PIECE] = {0}, copied[PIECE] = {0};
    struct gpu_cmd *c = NULL;
    uint64_t ticket;
    for (int i = 0; i < PIECE; i++)
        sent[i] = (uint8_t)(seed + i * 7);
    OKAY(gpu_fill(g, other, 0, PIECE));
    OKAY(gpu_upload(g, addr, sent, PIECE));
    OKAY(gpu_download(g, got, addr, PIECE));
    OKAY(gpu_cmd_create(g, NULL, &c));
    OKAY(gpu_cmd_copy(c, other, addr, PIECE));
    OKAY(gpu_cmd_end(c));
    OKAY(gpu_submit(g, c, 1, &ticket));
    OKAY(gpu_wait(g, ticket));
    OKAY(gpu_download(g, copied, other, PIECE));
    gpu_cmd_destroy(g, &c);
    return !memcmp(sent, got, PIECE) && !memcmp(sent, copied, PIECE);
}

/* Places of an arena as large as theirs was, or as large as one allocation can be. */
static bool arena_copies(struct gpu *g)
{
    uint64_t most = gpu_get_info(g)->max_allocation, want = UINT64_C(2403) << 20;
    uint64_t bytes = most < want ? most : want;
    const struct gpu_buf *arena = NULL, *small = NULL;
    bool good = true;
    if (bytes < COPY_OFFSET + PIECE ||
        gpu_buf_create(g,
                       &(struct gpu_buf_params){
                           .bytes = bytes, .purpose = GPU_WEIGHTS, .tag = "a", .own_block = true},
                       &arena) != OK) {
        print_message("# no 1.84 GiB in one piece on this device\n");
        skip();
    }
    OKAY(gpu_buf_create(
        g, &(struct gpu_buf_params){.bytes = PIECE, .purpose = GPU_SCRATCH, .tag = "b"}, &small));
    const uint64_t places[] = {0, COPY_OFFSET - PIECE, COPY_OFFSET, bytes - PIECE};
    for (uint8_t i = 0; i < 4; i++)
        good = comes_back(g, arena->addr + places[i], small->addr, i) && good;
    gpu_buf_destroy(g, &arena);
    gpu_buf_destroy(g, &small);
    return good;
}

/* The same tensors as a model's weights: wherever the embedding comes to lie, both its ends can be
 * copied. */
static bool embedding_copies(struct gpu *g)
{
    enum { TENSORS = 28, MIB = 1 << 20 };
    const uint64_t embedding = UINT64_C(151936) * 896 * 4;
    const struct gpu_buf *bufs[TENSORS + 1] = {0};
    bool good = true;
    for (int i = 0; i <= TENSORS; i++)
        OKAY(gpu_buf_create(
            g,
            &(struct gpu_buf_params){.bytes = i < TENSORS ? COPY_OFFSET / TENSORS : embedding,
                                     .purpose = GPU_WEIGHTS,
                                     .tag = "weights"},
            &bufs[i]));
    good = comes_back(g, bufs[TENSORS]->addr, bufs[0]->addr, 1) &&
           comes_back(g, bufs[TENSORS]->addr + embedding - PIECE, bufs[0]->addr, 2);
    for (int i = 0; i <= TENSORS; i++)
        gpu_buf_destroy(g, &bufs[i]);
    return good;
}

static void copy_at_1_84_gib(void **state)
{
    (void)state;
    struct gpu *g = open_gpu();
    assert_true(arena_copies(g));
    assert_true(embedding_copies(g));
    planted = COPY;
    assert_false(arena_copies(g));
    gpu_close(&g);
}

/* ---- the 32-bit offset that wraps --------------------------------------------------------- */

/* b = 8, s = 8192, h = 64, d = 256 in f32: 4 GiB but for the last row, since a dispatch has at most
 * 65,535 groups. */
enum { ROWS_ALL = 65535, HEADS = 64, DIM = 256, ROW_BYTES = HEADS * DIM * 4, BLOCKS = 3 };

struct space {
    struct gpu *g;
    const struct gpu_buf *block[BLOCKS]; /* by address */
};

static int by_addr(const void *a, const void *b)
{
    const struct gpu_buf *const *x = a, *const *y = b;
    return ((*x)->addr > (*y)->addr) - ((*x)->addr < (*y)->addr);
}

/* Blocks that one operand spans: more than one allocation can hold. Only few pages are touched. */
static bool take_space(struct space *s)
{
    uint64_t most = gpu_get_info(s->g)->max_allocation, want = UINT64_C(1) << 31;
    uint64_t bytes = (most < want ? most : want) & ~(uint64_t)(ROW_BYTES - 1);
    for (int i = 0; i < BLOCKS; i++) {
        if (gpu_buf_create(
                s->g,
                &(struct gpu_buf_params){
                    .bytes = bytes, .purpose = GPU_SCRATCH, .tag = "sparse", .own_block = true},
                &s->block[i]) != OK)
            return false;
    }
    qsort(s->block, BLOCKS, sizeof *s->block, by_addr);
    return true;
}

/* The distance of a place inside one of the blocks from the first, between lo and hi; 0: none. */
static uint64_t place_between(const struct space *s, uint64_t lo, uint64_t hi, uint64_t step)
{
    for (uint64_t at = lo; at < hi; at += step) {
        for (int i = 0; i < BLOCKS; i++) {
            uint64_t addr = s->block[0]->addr + at;
            if (addr >= s->block[i]->addr &&
                addr + ROW_BYTES <= s->block[i]->addr + s->block[i]->bytes)
                return at;
        }
    }
    return 0;
}

static void run_op(struct gpu *g, const struct plan_op *op)
{
    const struct gpu_pipe *pipe;
    struct gpu_cmd *c = NULL;
    uint64_t ticket;
    OKAY(gpu_pipe_get(g, &op->pipe, &pipe));
    OKAY(gpu_cmd_create(g, NULL, &c));
    OKAY(gpu_cmd_dispatch(c, pipe, op->push, op->groups[0], op->groups[1], op->groups[2], op->name,
                          0));
    OKAY(gpu_cmd_end(c));
    OKAY(gpu_submit(g, c, 1, &ticket));
    OKAY(gpu_wait(g, ticket));
    gpu_cmd_destroy(g, &c);
}

static uint64_t small_buf(struct gpu *g, uint64_t bytes)
{
    const struct gpu_buf *b;
    OKAY(gpu_buf_create(
        g, &(struct gpu_buf_params){.bytes = bytes, .purpose = GPU_STATE, .tag = "operand"}, &b));
    return b->addr; /* freed with the device */
}

/* RoPE by a quarter turn, (x, y) to (-y, x), of a few rows among all. */
static bool rope_turns(const struct space *s)
{
    static float row[HEADS * DIM], got[HEADS * DIM];
    const uint64_t GIB = UINT64_C(1) << 30;
    struct gpu *g = s->g;
    uint64_t offsets[] = {0, place_between(s, GIB, 2 * GIB, ROW_BYTES),
                          place_between(s, 2 * GIB, 3 * GIB, ROW_BYTES),
                          place_between(s, 3 * GIB, (uint64_t)ROWS_ALL * ROW_BYTES, ROW_BYTES)};
    enum { N = 4 };
    uint64_t step_bytes = K_STEP_BYTES + (uint64_t)ROWS_ALL * sizeof(struct k_row);
    uint64_t kv_bytes = (uint64_t)ROWS_ALL * DIM * 4, page_bytes = 2ull * K_PAGE_TOKENS * DIM * 2;
    struct plan *p = NULL;
    bool good = true;
    if (!offsets[2] || !offsets[3]) {
        print_message("# no memory that far from other memory on this device\n");
        skip();
    }
    struct k_step *step = calloc(1, step_bytes);
    assert_non_null(step);
    struct k_row *rows = (struct k_row *)((char *)step + K_STEP_BYTES);
    step->n_rows = ROWS_ALL;
    for (uint32_t i = 0; i < ROWS_ALL; i++)
        rows[i] = (struct k_row){.slot = K_NO_SLOT};
    for (uint32_t i = 0; i < N; i++) {
        rows[offsets[i] / ROW_BYTES] = (struct k_row){.pos = i};
        for (uint32_t j = 0; j < HEADS * DIM; j++)
            row[j] = (float)((i + 1) * 100000 + j);
        OKAY(gpu_upload(g, s->block[0]->addr + offsets[i], row, sizeof row));
    }
    float table[N * DIM];
    for (int i = 0; i < N * DIM; i++)
        table[i] = (float)(i % 2);
    struct k_rope_args a = {.m = ROWS_ALL, .q = s->block[0]->addr, .steps = {.rows = ROWS_ALL}};
    a.k = small_buf(g, kv_bytes);
    a.v = small_buf(g, kv_bytes);
    a.steps.addr = small_buf(g, step_bytes);
    a.rope = (struct k_rope){
        .table = small_buf(g, sizeof table), .table_bytes = sizeof table, .rot = DIM};
    a.kv = (struct k_kv){.pages = small_buf(g, 8), .pool = small_buf(g, page_bytes)};
    a.kv.pool_bytes = page_bytes;
    a.kv.slots = a.kv.max_pages = a.kv.kv_heads = 1;
    a.kv.heads = HEADS;
    a.kv.head_dim = DIM;
    OKAY(gpu_upload(g, a.rope.table, table, sizeof table));
    OKAY(gpu_upload(g, a.kv.pages, &a.kv.pool, 8));
    OKAY(gpu_upload(g, a.steps.addr, step, step_bytes));
    OKAY(plan_create(g, &(struct plan_params){.name = "far"}, &p));
    OKAY(k_rope_append(p, &a));
    run_op(g, plan_get(p, 0));
    plan_destroy(&p);
    free(step);
    for (uint32_t i = 0; i < N; i++) {
        OKAY(gpu_download(g, got, s->block[0]->addr + offsets[i], sizeof got));
        for (uint32_t j = 0; j < HEADS * DIM; j++) {
            uint32_t from = (i + 1) * 100000 + (j ^ 1);
            good = good && got[j] == (j % 2 ? (float)from : -(float)from);
        }
    }
    return good;
}

/* [s, h d] of one batch and of another far away, to columns. */
static bool transpose_reaches(const struct space *s)
{
    enum { SIDE = 40 };
    const uint64_t GIB = UINT64_C(1) << 30;
    struct gpu *g = s->g;
    uint64_t far = place_between(s, 2 * GIB, 5 * GIB, ROW_BYTES);
    uint32_t in[SIDE * SIDE], got[2 * SIDE * SIDE];
    struct plan *p = NULL;
    bool good = true;
    assert_true(far > 0);
    for (uint32_t b = 0; b < 2; b++) {
        for (uint32_t i = 0; i < SIDE * SIDE; i++)
            in[i] = b * 1000000 + i;
        OKAY(gpu_upload(g, s->block[0]->addr + b * far, in, sizeof in));
    }
    struct k_transpose_args a = {.batch = 2, .rows = SIDE, .cols = SIDE, .elem = 4};
    a.in = s->block[0]->addr;
    a.in_batch = far / 4;
    a.out = small_buf(g, sizeof got);
    OKAY(plan_create(g, &(struct plan_params){.name = "far"}, &p));
    OKAY(k_transpose(p, &a));
    run_op(g, plan_get(p, 0));
    plan_destroy(&p);
    OKAY(gpu_download(g, got, a.out, sizeof got));
    for (uint32_t b = 0; b < 2; b++)
        for (uint32_t i = 0; i < SIDE * SIDE; i++)
            good = good && got[b * SIDE * SIDE + i % SIDE * SIDE + i / SIDE] == b * 1000000 + i;
    return good;
}

static void in_far_space(bool (*run)(const struct space *s), bool expected)
{
    struct space s = {.g = open_gpu()};
    bool room = take_space(&s), good = false;
    if (room)
        good = run(&s);
    else
        print_message("# not enough memory: %s\n", status_message());
    gpu_close(&s.g);
    if (!room)
        skip();
    assert_int_equal(good, expected);
}

static void offset_that_wraps_in_32_bits(void **state)
{
    (void)state;
    in_far_space(rope_turns, true);
    in_far_space(transpose_reaches, true);
    use_module("rope", rope_code, sizeof rope_code);
    in_far_space(rope_turns, false);
    use_module("transpose", transpose_code, sizeof transpose_code);
    in_far_space(transpose_reaches, false);
}

/* ---- the table leaked at each RoPE call --------------------------------------------------- */

static uint64_t in_use(const struct tawny_session *session)
{
    struct tawny_stats s;
    tawny_session_get_stats(session, &s);
    return s.memory.weights + s.memory.kv + s.memory.scratch + s.memory.state + s.memory.staging;
}

/* Bytes of GPU memory that requests left behind, as the public interface tells them. */
static uint64_t left_behind(void)
{
    struct tawny_device *device = NULL;
    struct tawny_model *model = NULL;
    struct tawny_session *session = NULL;
    static const char *const prompts[] = {"How do I see which GPUs I have?", "Hello", "What?"};
    uint64_t start, left = 0;
    char path[4096];
    const char *source = getenv("TAWNY_SOURCE");
    snprintf(path, sizeof path, "%s/share/tawny-guide-q8_0.gguf", source ? source : ".");
    OKAY((enum status)tawny_device_open(NULL, &device));
    OKAY((enum status)tawny_model_open(device, &(struct tawny_model_params){.path = path}, &model));
    OKAY((enum status)tawny_session_open(model, NULL, &session));
    start = in_use(session);
    for (int i = 0; i < 6; i++) {
        struct tawny_generate_params p = {.prompt = prompts[i % 3], .n_predict = 5};
        if (i == 4)
            p.sampling = (struct tawny_sampling){.temperature = 1, .top_p = 0.9f, .seed = 1};
        OKAY((enum status)tawny_generate(session, &p, NULL));
        if (in_use(session) > start + left)
            left = in_use(session) - start;
        if (i == 2)
            tawny_session_reset(session);
    }
    tawny_session_close(&session);
    tawny_model_close(&model);
    tawny_device_close(&device);
    return left;
}

static void table_leaked_at_each_rope_call(void **state)
{
    (void)state;
    assert_int_equal(left_behind(), 0);
    planted = LEAK;
    assert_true(left_behind() > 0);
}

/* ---- the attention product refused as "4D" ------------------------------------------------ */

/* c = a x b of [ne3][ne2] matrices, packed; b transposed or not; by the reference. */
static enum status product(struct gpu *g, const uint32_t shape[5], bool transposed)
{
    enum status s = OK;
    struct plan *p = NULL;
    struct k_bmm_push a = {.ne3 = shape[0], .ne2 = shape[1], .m = shape[2], .k = shape[3]};
    struct check_rand r = {shape[3]};
    a.n = shape[4];
    a.r2 = a.r3 = 1;
    a.scale = 1;
    a.a_row = a.k;
    a.b_row = transposed ? a.k : a.n;
    a.c_row = a.n;
    a.a_2 = a.m * a.k;
    a.b_2 = a.k * a.n;
    a.c_2 = a.m * a.n;
    a.a_3 = a.ne2 * a.a_2;
    a.b_3 = a.ne2 * a.b_2;
    a.c_3 = a.ne2 * a.c_2;
    uint64_t *operands[] = {&a.a, &a.b, &a.c};
    const uint32_t sizes[] = {a.ne3 * a.a_3, a.ne3 * a.b_3, a.ne3 * a.c_3};
    for (int i = 0; i < 3; i++) {
        float *values = calloc(sizes[i], 4);
        assert_non_null(values);
        for (uint32_t j = 0; j < sizes[i]; j++)
            values[j] = (float)rand_normal(&r);
        *operands[i] = small_buf(g, sizes[i] * 4ull);
        OKAY(gpu_upload(g, *operands[i], values, sizes[i] * 4ull));
        free(values);
    }
    TRY_GOTO(plan_create(g, &(struct plan_params){.name = "product"}, &p));
    TRY_GOTO(k_bmm(p, &a, transposed));
    TRY_GOTO(plan_place(p));
    TRY_GOTO(plan_seal(p, NULL));
    TRY_GOTO(check_plan_on_device(g, p, &(struct check_plan_params){0}));
fail:
    plan_destroy(&p);
    return s;
}

static uint32_t products_refused(struct gpu *g)
{
    /* batch, heads, queries, head size, keys; then the values in their turn. */
    static const uint32_t shapes[][5] = {
        {1, 16, 5, 128, 5}, {1, 16, 5, 5, 128}, {3, 7, 13, 72, 129},
        {2, 5, 1, 257, 31}, {5, 1, 65, 8, 1},   {2, 3, 97, 33, 80},
    };
    uint32_t refused = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int transposed = 0; transposed < 2; transposed++)
            refused += product(g, shapes[i], transposed) != OK;
    return refused;
}

static void attention_product_refused_as_4d(void **state)
{
    (void)state;
    struct gpu *g = open_gpu();
    assert_int_equal(products_refused(g), 0);
    assert_int_equal(wrong_cases(g, "bmm", 4), 0);
    assert_int_equal(wrong_cases(g, "flash", 2), 0);
    planted = PRODUCT;
    assert_true(products_refused(g) > 0);
    assert_true(wrong_cases(g, "bmm", 4) > 0);
    gpu_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(softmax_whose_inner_barrier_is_shared, back_to_sound),
        cmocka_unit_test_teardown(copy_at_1_84_gib, back_to_sound),
        cmocka_unit_test_teardown(offset_that_wraps_in_32_bits, back_to_sound),
        cmocka_unit_test_teardown(table_leaked_at_each_rope_call, back_to_sound),
        cmocka_unit_test_teardown(attention_product_refused_as_4d, back_to_sound),
    };
    return cmocka_run_group_tests_name("check/historical", tests, NULL, NULL);
}
