/* Cases of repack, transpose and bmm. */
#include <string.h>

#include "cases.h"

struct repack {
    enum quant_type type;
    uint32_t total, chunk; /* blocks in all, blocks a call */
    uint64_t file, to;     /* addresses in the arena: blocks as in a file, and the planes */
};

/* Streams the blocks in chunks, and writes to mem what ought to come. */
static enum status run_repack(struct check_case *c)
{
    const struct repack *a = c->run_arg;
    const struct quant *q = quant_info(a->type);
    const uint8_t *file = c->image + (a->file - c->base);
    struct gpu_stream *stream = NULL;
    enum status s = OK;
    TRY_GOTO(gpu_stream_create(
        c->g, &(struct gpu_stream_params){.slice_bytes = 1 << 20, .slices = 2}, &stream));
    for (uint32_t first = 0; first < a->total; first += a->chunk) {
        uint32_t n = a->total - first < a->chunk ? a->total - first : a->chunk;
        void *slice;
        uint64_t addr;
        TRY_GOTO(gpu_stream_next(stream, &slice, &addr));
        memcpy(slice, file + (uint64_t)first * q->bytes, (size_t)n * q->bytes);
        if (q->planes == 1)
            TRY_GOTO(gpu_stream_copy(stream, a->to + (uint64_t)first * q->bytes,
                                     (uint64_t)n * q->bytes));
        else
            TRY_GOTO(k_repack(c->g, stream, a->type, addr, a->to, a->total, first, n));
    }
    TRY_GOTO(gpu_stream_finish(stream));
    for (uint32_t i = 0; i < a->total; i++) {
        for (uint32_t p = 0; p < q->planes; p++) {
            const struct quant_segment *g = &q->plane[p];
            uint64_t at = quant_plane_offset(a->type, p, a->total) + (uint64_t)i * g->length;
            check_out_bytes(c->mem, a->to + at, file + (uint64_t)i * q->bytes + g->offset,
                            g->length);
        }
    }
fail:
    gpu_stream_destroy(&stream);
    return s;
}

enum status case_repack(struct check_case *c, enum quant_type type)
{
    static struct repack a; /* one case at a time */
    const struct quant *q = quant_info(type);
    a = (struct repack){.type = type};
    a.total = RAND_PICK(&c->rand, 1, 2, 3, 15, 31, 64, 65, 127, 511, 1000, 4097);
    a.chunk = rand_one_in(&c->rand, 2) ? a.total : rand_range(&c->rand, a.total / 3 + 1, a.total);
    uint64_t bytes = (uint64_t)a.total * q->bytes;
    uint8_t *file = case_buf(c, bytes, true, "file", &a.file);
    for (uint64_t i = 0; i < bytes; i++)
        file[i] = (uint8_t)rand_u64(&c->data);
    case_buf(c, bytes, true, "planes", &a.to);
    c->run = run_repack;
    c->run_arg = &a;
    case_text(c, "%u blocks, %u a call", a.total, a.chunk);
    return OK;
}

enum status case_transpose(struct check_case *c, enum quant_type type)
{
    (void)type;
    struct k_transpose_args a = {.elem = RAND_PICK(&c->rand, 2, 4)};
    a.batch = rand_range(&c->rand, 1, 3);
    a.rows = case_count(c, 300);
    a.cols = case_count(c, 300);
    if (rand_one_in(&c->rand, 6))
        a.rows = 4097, a.cols = rand_range(&c->rand, 1, 5);
    if (rand_one_in(&c->rand, 8)) {
        /* More tiles than workgroups: some take two. */
        a.batch = 65536 + rand_below(&c->rand, 9);
        a.rows = rand_range(&c->rand, 1, 4);
        a.cols = rand_range(&c->rand, 2, 4);
    }
    uint32_t in_stride = a.cols, out_stride = a.rows;
    if (rand_one_in(&c->rand, 2)) {
        a.in_stride = in_stride += rand_below(&c->rand, 9);
        a.out_stride = out_stride += rand_below(&c->rand, 9);
    }
    uint64_t in_batch = (uint64_t)in_stride * a.rows, out_batch = (uint64_t)out_stride * a.cols;
    if (rand_one_in(&c->rand, 2)) {
        a.in_batch = in_batch += rand_below(&c->rand, 70);
        a.out_batch = out_batch += rand_below(&c->rand, 70);
    }
    uint8_t *in = case_buf(c, in_batch * a.batch * a.elem, false, "in", &a.in);
    for (uint64_t i = 0; i < in_batch * a.batch * a.elem; i++)
        in[i] = (uint8_t)rand_u64(&c->data);
    case_buf(c, out_batch * a.batch * a.elem, false, "out", &a.out);
    c->bytes = 2.0 * a.batch * a.rows * a.cols * a.elem;
    case_text(c, "%u x [%u, %u] of %u bytes, strides %u and %u", a.batch, a.rows, a.cols, a.elem,
              in_stride, out_stride);
    return k_transpose(c->plan, &a);
}

/* Strides of an operand [ne3][ne2][rows][cols]: packed, with gaps, or with its second and third
 * axes in each other's place, as heads often lie. Returns how many elements it spans. */
static uint64_t pick_strides(struct check_case *c, uint32_t ne3, uint32_t ne2, uint32_t rows,
                             uint32_t cols, uint32_t *row, uint32_t *s2, uint32_t *s3)
{
    uint32_t gap = rand_one_in(&c->rand, 2) ? rand_below(&c->rand, 6) : 0;
    if (rand_one_in(&c->rand, 3)) {
        *s2 = cols + gap;
        *row = *s2 * ne2;
        *s3 = *row * rows;
    } else {
        *row = cols + gap;
        *s2 = *row * rows + gap;
        *s3 = *s2 * ne2;
    }
    return (uint64_t)*s3 * ne3;
}

enum status case_bmm(struct check_case *c, enum quant_type type)
{
    (void)type;
    struct k_bmm_push a = {.m = case_count(c, 97), .n = case_count(c, 97), .scale = 1};
    bool transposed = rand_one_in(&c->rand, 2);
    a.k = RAND_PICK(&c->rand, 1, 2, 31, 32, 33, 64, 80, 127);
    if (rand_one_in(&c->rand, 8))
        a.m = 3, a.n = 5, a.k = 4097;
    a.r2 = rand_range(&c->rand, 1, 3);
    a.r3 = rand_range(&c->rand, 1, 2);
    uint32_t a2 = rand_range(&c->rand, 1, 2), a3 = rand_range(&c->rand, 1, 2);
    if (rand_one_in(&c->rand, 8)) {
        /* More matrices than workgroups: some take two. */
        a.m = 2, a.n = 3, a.k = 2;
        a2 = 256 + rand_below(&c->rand, 9);
        a3 = 256 / a.r2 / a.r3 + 1;
    }
    a.ne2 = a2 * a.r2;
    a.ne3 = a3 * a.r3;
    if (rand_one_in(&c->rand, 2))
        a.scale = 0.125f;
    uint32_t b_rows = transposed ? a.n : a.k, b_cols = transposed ? a.k : a.n;
    a.a = case_floats(c, pick_strides(c, a3, a2, a.m, a.k, &a.a_row, &a.a_2, &a.a_3), 1, "a");
    a.b = case_floats(c, pick_strides(c, a.ne3, a.ne2, b_rows, b_cols, &a.b_row, &a.b_2, &a.b_3), 1,
                      "b");
    a.c = case_out(c, pick_strides(c, a.ne3, a.ne2, a.m, a.n, &a.c_row, &a.c_2, &a.c_3), "c");
    c->flops = 2.0 * a.ne3 * a.ne2 * a.m * a.n * a.k;
    case_text(c, "%u x %u x [%u, %u] [%u, %u]%s, a repeated %u x %u, rows of %u %u %u", a.ne3,
              a.ne2, a.m, a.k, b_rows, b_cols, transposed ? "^T" : "", a.r3, a.r2, a.a_row, a.b_row,
              a.c_row);
    return k_bmm(c->plan, &a, transposed);
}
