/* Offsets where 32-bit and signed arithmetic break: tensors, kernels and copies at 1,976,131,072
 * bytes (1.84 GiB) and on both sides of 2^31 and 2^32, in one block where the device allows it and
 * over several where its largest allocation is smaller. Little of the memory is ever touched. */
#include "common.h"

#include <sys/mman.h>

enum { PIECE = 256, WORDS = PIECE / 4, BLOCKS = 8 };

static const uint64_t spots[] = {
    0,
    256,
    UINT64_C(1976131072) - 256,
    UINT64_C(1976131072),
    (UINT64_C(1) << 31) - 256,
    UINT64_C(1) << 31,
    (UINT64_C(1) << 31) + 256,
    UINT64_C(1976131072) + (UINT64_C(1) << 31),
    (UINT64_C(1) << 32) - 256,
    UINT64_C(1) << 32,
    (UINT64_C(1) << 32) + 256,
};
enum { SPOTS = sizeof spots / sizeof *spots };

/* An arena of `bytes` as blocks of at most `most`. */
struct arena_of_blocks {
    struct gpu *g;
    const struct gpu_buf *block[BLOCKS];
    uint64_t each;
    uint32_t n;
};

static uint64_t at(const struct arena_of_blocks *a, uint64_t offset)
{
    return a->block[offset / a->each]->addr + offset % a->each;
}

static bool make(struct arena_of_blocks *a, struct gpu *g, uint64_t each, uint64_t bytes)
{
    *a = (struct arena_of_blocks){.g = g, .each = each};
    for (uint64_t done = 0; done < bytes; done += each) {
        assert_true(a->n < BLOCKS);
        struct gpu_buf_params p = {.bytes = bytes - done < each ? bytes - done : each,
                                   .purpose = GPU_WEIGHTS,
                                   .tag = "arena",
                                   .own_block = true};
        if (gpu_buf_create(g, &p, &a->block[a->n]) != OK) {
            print_message("# not enough memory: %s\n", status_message());
            return false;
        }
        a->n++;
    }
    return true;
}

static void destroy(struct arena_of_blocks *a)
{
    while (a->n)
        gpu_buf_destroy(a->g, &a->block[--a->n]);
}

static void put(struct arena_of_blocks *a, uint64_t offset, uint32_t seed)
{
    uint32_t w[WORDS];
    for (uint32_t i = 0; i < WORDS; i++)
        w[i] = seed * 1000 + i;
    OKAY(gpu_upload(a->g, at(a, offset), w, sizeof w));
}

static void expect(struct arena_of_blocks *a, uint64_t offset, uint32_t seed, uint32_t mul,
                   uint32_t add)
{
    uint32_t w[WORDS];
    OKAY(gpu_download(a->g, w, at(a, offset), sizeof w));
    for (uint32_t i = 0; i < WORDS; i++)
        assert_int_equal(w[i], (seed * 1000 + i) * mul + add);
}

static void run(struct arena_of_blocks *a, struct gpu_cmd *c)
{
    uint64_t t;
    OKAY(gpu_cmd_end(c));
    OKAY(gpu_submit(a->g, c, 1, &t));
    OKAY(gpu_wait(a->g, t));
    gpu_cmd_destroy(a->g, &c);
}

static void exercise(struct arena_of_blocks *a)
{
    struct gpu_cmd *c;
    const struct gpu_pipe *pipe;
    struct gpu_pipe_params pp = affine_params();
    OKAY(gpu_pipe_get(a->g, &pp, &pipe));
    for (uint32_t i = 0; i < SPOTS; i++)
        put(a, spots[i], i + 1);
    for (uint32_t i = 0; i < SPOTS; i++)
        expect(a, spots[i], i + 1, 1, 0);

    /* Kernels: every spot in place, then each from its neighbour in the list. */
    OKAY(gpu_cmd_create(a->g, NULL, &c));
    for (uint32_t i = 0; i < SPOTS; i++) {
        struct affine p = {at(a, spots[i]), at(a, spots[i]), WORDS, 3, i, 0};
        OKAY(gpu_cmd_dispatch(c, pipe, &p, 1, 1, 1, "in place", -1));
    }
    run(a, c);
    for (uint32_t i = 0; i < SPOTS; i++)
        expect(a, spots[i], i + 1, 3, i);
    OKAY(gpu_cmd_create(a->g, NULL, &c));
    for (uint32_t i = SPOTS - 1; i > 0; i--) {
        struct affine p = {at(a, spots[i]), at(a, spots[i - 1]), WORDS, 1, 0, 0};
        OKAY(gpu_cmd_dispatch(c, pipe, &p, 1, 1, 1, "across", -1));
        OKAY(gpu_cmd_barrier(c));
    }
    run(a, c);
    for (uint32_t i = 1; i < SPOTS; i++)
        expect(a, spots[i], i, 3, i - 1);

    /* Copies and fills recorded: the last spot to all others, then a fill of every second. */
    put(a, spots[SPOTS - 1], 77);
    OKAY(gpu_cmd_create(a->g, NULL, &c));
    for (uint32_t i = 0; i + 1 < SPOTS; i++)
        OKAY(gpu_cmd_copy(c, at(a, spots[i]), at(a, spots[SPOTS - 1]), PIECE));
    OKAY(gpu_cmd_barrier(c));
    for (uint32_t i = 0; i + 1 < SPOTS; i += 2)
        OKAY(gpu_cmd_fill(c, at(a, spots[i]), 5, PIECE));
    run(a, c);
    for (uint32_t i = 0; i + 1 < SPOTS; i += 2)
        expect(a, spots[i], 0, 0, 5);
    for (uint32_t i = 1; i < SPOTS; i += 2)
        expect(a, spots[i], 77, 1, 0);
    for (uint32_t i = 0; i < SPOTS; i++)
        OKAY(gpu_fill(a->g, at(a, spots[i]), i, PIECE));
    for (uint32_t i = 0; i < SPOTS; i++)
        expect(a, spots[i], 0, 0, i);

    /* No copy crosses the end of a block. */
    uint32_t word[2];
    uint64_t end = a->block[0]->addr + a->block[0]->bytes;
    FAILS(ERR_USAGE, gpu_download(a->g, word, end - 4, 8), "cross the end");
}

static void over_several_blocks(void **state)
{
    struct gpu *g = *state;
    struct arena_of_blocks a;
    uint64_t each = UINT64_C(1) << 31;
    while (each > gpu_get_info(g)->max_allocation)
        each /= 2;
    if (each >= UINT64_C(1) << 30 && make(&a, g, each, (UINT64_C(1) << 32) + 4096)) {
        print_message("# %u blocks of %.1f GiB\n", a.n, (double)each / (1 << 30));
        exercise(&a);
        destroy(&a);
        return;
    }
    destroy(&a);
    skip();
}

static void in_one_block(void **state)
{
    struct gpu *g = *state;
    struct arena_of_blocks a;
    uint64_t bytes = (UINT64_C(1) << 32) + 4096;
    if (bytes > gpu_get_info(g)->max_allocation || !make(&a, g, bytes, bytes)) {
        print_message("# the largest allocation is %.1f GiB\n",
                      (double)gpu_get_info(g)->max_allocation / (1 << 30));
        skip();
    }
    exercise(&a);
    destroy(&a);
}

/* Single copies of more than 4 GiB - 1 bytes. The host's side is mostly never touched. */
static void copies_over_4_gib(void **state)
{
    struct gpu *g = *state;
    uint64_t bytes = (UINT64_C(1) << 32) + 4096;
    if (bytes > gpu_get_info(g)->max_allocation || gpu_memory_free(g) < 3 * bytes)
        skip();
    struct arena_of_blocks from, to;
    if (!make(&from, g, bytes, bytes))
        skip();
    if (!make(&to, g, bytes, bytes)) {
        destroy(&from);
        skip();
    }
    unsigned char *host = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(host != MAP_FAILED);
    memset(host + bytes - 64, 9, 64);
    OKAY(gpu_fill(g, from.block[0]->addr, 0x01010101, bytes));
    OKAY(gpu_upload(g, from.block[0]->addr, host, bytes));
    struct gpu_cmd *c;
    OKAY(gpu_cmd_create(g, NULL, &c));
    OKAY(gpu_cmd_fill(c, to.block[0]->addr, 0x02020202, bytes));
    OKAY(gpu_cmd_barrier(c));
    OKAY(gpu_cmd_copy(c, to.block[0]->addr, from.block[0]->addr, bytes));
    run(&to, c);
    unsigned char end[128];
    OKAY(gpu_download(g, end, to.block[0]->addr + bytes - 128, 128));
    for (int i = 0; i < 128; i++)
        assert_int_equal(end[i], i < 64 ? 0 : 9);
    munmap(host, bytes);
    destroy(&from);
    destroy(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_several_blocks),
        cmocka_unit_test(in_one_block),
        cmocka_unit_test(copies_over_4_gib),
    };
    return cmocka_run_group_tests_name("arena", tests, open_device, close_device);
}
