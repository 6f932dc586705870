#include "models/silero.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"

enum {
    FFT = 256,
    HOP = 128,
    FRAMES = 4, /* spectra of a chunk */
    BINS = FFT / 2 + 1,
    WIDTH = 132, /* of a spectrum in memory: a multiple of 4 */
    TAPS = 3,
    CONVS = 4,
    GATES = 4 * SILERO_HIDDEN,
    ALIGN = 64, /* floats */
};

/* The convolutions: channels in the file and in memory, rows of a chunk before and after. */
static const struct conv {
    uint32_t in, width, out, rows, stride, out_rows;
} convs[CONVS] = {
    {BINS, WIDTH, 128, FRAMES, 1, FRAMES},
    {128, 128, 64, FRAMES, 2, 2},
    {64, 64, 64, 2, 2, 1},
    {64, 64, 128, 1, 1, 1},
};

/* Where all of it lies, in floats. */
struct layout {
    uint64_t basis, conv_w[CONVS], conv_b[CONVS], in_w, in_b, w, b, out_w, out_b, size;
};

static uint64_t place(struct layout *l, uint64_t floats)
{
    uint64_t at = l->size;
    l->size = align_up(l->size + floats, ALIGN);
    return at;
}

static struct layout lay_out(void)
{
    struct layout l = {0};
    l.basis = place(&l, 2 * BINS * FFT);
    for (int i = 0; i < CONVS; i++) {
        l.conv_w[i] = place(&l, (uint64_t)convs[i].out * convs[i].width * TAPS);
        l.conv_b[i] = place(&l, convs[i].out);
    }
    l.in_w = place(&l, GATES * SILERO_HIDDEN);
    l.in_b = place(&l, GATES);
    l.w = place(&l, GATES * SILERO_HIDDEN);
    l.b = place(&l, GATES);
    l.out_w = place(&l, SILERO_HIDDEN);
    l.out_b = place(&l, 1);
    return l;
}

bool silero_is(const struct weights *w)
{
    static const char name[] = "silero-vad";
    struct weights_str s;
    return weights_string(w, "general.architecture", &s) == OK && s.s && s.len == sizeof name - 1 &&
           !memcmp(s.s, name, s.len);
}

uint64_t silero_floats(void)
{
    return lay_out().size;
}

/* ---- reading ------------------------------------------------------------------------------ */

static enum status check_shape(const struct weights *w)
{
    uint32_t v;
    char key[64];
    TRY(weights_need_u32(w, "silero.window", SILERO_CHUNK, SILERO_CHUNK, &v));
    TRY(weights_need_u32(w, "silero.context", SILERO_BEFORE, SILERO_BEFORE, &v));
    for (int i = 0; i < CONVS; i++) {
        const char *const parts[] = {"in", "out", "taps"};
        const uint32_t want[] = {convs[i].in, convs[i].out, TAPS};
        for (int j = 0; j < 3; j++) {
            snprintf(key, sizeof key, "silero.encoder.%d.%s", i, parts[j]);
            TRY(weights_need_u32(w, key, want[j], want[j], &v));
        }
    }
    TRY(weights_need_u32(w, "silero.lstm.in", SILERO_HIDDEN, SILERO_HIDDEN, &v));
    return weights_need_u32(w, "silero.lstm.hidden", SILERO_HIDDEN, SILERO_HIDDEN, &v);
}

static enum status read_tensor(const struct weights *w, const char *name, uint64_t ne0,
                               uint64_t ne1, uint64_t ne2, float *to)
{
    const struct weights_tensor *t;
    TRY(weights_need_tensor(w, name, (const uint64_t[]){ne0, ne1, ne2, 0}, &t));
    if (t->type != QUANT_F32)
        return status_fail(ERR_MODEL, "%s: tensor %s is %s; it must be F32 or F16", weights_path(w),
                           name, quant_info(t->type)->name);
    return weights_read(w, t, 0, t->bytes, to);
}

static enum status read_conv(const struct weights *w, int i, float *to_w, float *to_b)
{
    const struct conv *c = &convs[i];
    char name[64];
    uint64_t row = (uint64_t)c->in * TAPS, wide = (uint64_t)c->width * TAPS;
    snprintf(name, sizeof name, "_model.encoder.%d.reparam_conv.weight", i);
    TRY(read_tensor(w, name, TAPS, c->in, c->out, to_w));
    for (uint64_t n = c->out; wide > row && n-- > 0;) {
        memmove(to_w + n * wide, to_w + n * row, row * sizeof *to_w);
        memset(to_w + n * wide + row, 0, (wide - row) * sizeof *to_w);
    }
    snprintf(name, sizeof name, "_model.encoder.%d.reparam_conv.bias", i);
    return read_tensor(w, name, c->out, 0, 0, to_b);
}

/* The recurrent layer's own weights lie with the gates fastest. */
static enum status read_recurrent(const struct weights *w, float *to)
{
    float *rows = mem_calloc((size_t)GATES * SILERO_HIDDEN, sizeof *rows);
    if (!rows)
        return ERR_MEMORY;
    enum status s = read_tensor(w, "_model.decoder.rnn.weight_hh", SILERO_HIDDEN, GATES, 0, rows);
    for (int j = 0; s == OK && j < GATES; j++) {
        for (int k = 0; k < SILERO_HIDDEN; k++)
            to[k * GATES + j] = rows[j * SILERO_HIDDEN + k];
    }
    mem_free(rows);
    return s;
}

enum status silero_read(const struct weights *w, float *to)
{
    struct layout l = lay_out();
    if (!silero_is(w))
        return status_fail(ERR_MODEL, "%s: no model of voice activity (Silero's, in ggml form)",
                           weights_path(w));
    TRY(check_shape(w));
    memset(to, 0, l.size * sizeof *to);
    TRY(read_tensor(w, "_model.stft.forward_basis_buffer", FFT, 1, 2 * BINS, to + l.basis));
    for (int i = 0; i < CONVS; i++)
        TRY(read_conv(w, i, to + l.conv_w[i], to + l.conv_b[i]));
    TRY(read_tensor(w, "_model.decoder.rnn.weight_ih", SILERO_HIDDEN, GATES, 0, to + l.in_w));
    TRY(read_tensor(w, "_model.decoder.rnn.bias_ih", GATES, 0, 0, to + l.in_b));
    TRY(read_recurrent(w, to + l.w));
    TRY(read_tensor(w, "_model.decoder.rnn.bias_hh", GATES, 0, 0, to + l.b));
    TRY(read_tensor(w, "_model.decoder.decoder.2.weight", SILERO_HIDDEN, 0, 0, to + l.out_w));
    return read_tensor(w, "_model.decoder.decoder.2.bias", 1, 0, 0, to + l.out_b);
}

void silero_at(uint64_t addr, struct silero *out)
{
    struct layout l = lay_out();
#define MATRIX(at, rows, row) (struct k_weight){addr + 4 * (at), QUANT_F32, rows, row, "weights"}
    *out = (struct silero){
        .basis = MATRIX(l.basis, 2 * BINS, FFT),
        .in = {MATRIX(l.in_w, GATES, SILERO_HIDDEN), addr + 4 * l.in_b},
        .w = addr + 4 * l.w,
        .b = addr + 4 * l.b,
        .out = {MATRIX(l.out_w, 1, SILERO_HIDDEN), addr + 4 * l.out_b},
    };
    for (int i = 0; i < CONVS; i++)
        out->conv[i] = (struct silero_conv){
            MATRIX(l.conv_w[i], convs[i].out, convs[i].width * TAPS), addr + 4 * l.conv_b[i]};
#undef MATRIX
}

/* ---- plans -------------------------------------------------------------------------------- */

static enum status product(struct plan *p, const char *name, const struct k_weight *w,
                           uint64_t bias, uint32_t rows, uint64_t x, uint64_t *out)
{
    TRY(plan_scratch(p, 4ull * rows * w->n, name, out));
    return k_matmul(p, &(struct k_matmul_args){
                           .name = name, .m = rows, .x = x, .w = *w, .bias = bias, .out = *out});
}

/* Magnitudes of the spectra of all chunks: [chunks * FRAMES][WIDTH]. */
static enum status spectra(struct plan *p, const struct silero *m, const struct silero_step *s,
                           uint64_t *out)
{
    uint32_t rows = s->chunks * FRAMES;
    uint64_t frames, dft;
    TRY(plan_scratch(p, 4ull * rows * FFT, "frames", &frames));
    TRY(plan_scratch(p, 4ull * rows * WIDTH, "spectra", out));
    TRY(k_unfold(p, &(struct k_unfold_args){.in = s->samples,
                                            .out = frames,
                                            .rows = SILERO_SAMPLES,
                                            .channels = 1,
                                            .out_rows = FRAMES,
                                            .taps = FFT,
                                            .stride = HOP,
                                            .batch = s->chunks}));
    TRY(product(p, "dft", &m->basis, 0, rows, frames, &dft));
    return k_magnitude(p, &(struct k_magnitude_args){
                              .in = dft, .out = *out, .rows = rows, .bins = BINS, .width = WIDTH});
}

static enum status convolve(struct plan *p, const struct silero *m, int i, uint32_t chunks,
                            uint64_t *x)
{
    static const char *const names[CONVS] = {"conv1", "conv2", "conv3", "conv4"};
    const struct conv *c = &convs[i];
    uint32_t rows = chunks * c->out_rows;
    uint64_t wide, y;
    TRY(plan_scratch(p, 4ull * rows * c->width * TAPS, "taps", &wide));
    TRY(k_unfold(p, &(struct k_unfold_args){.in = *x,
                                            .out = wide,
                                            .rows = c->rows,
                                            .channels = c->width,
                                            .out_rows = c->out_rows,
                                            .taps = TAPS,
                                            .stride = c->stride,
                                            .pad = 1,
                                            .batch = chunks}));
    TRY(product(p, names[i], &m->conv[i].w, m->conv[i].b, rows, wide, &y));
    *x = y;
    return k_unary(p, K_UNARY_RELU, y, y, (uint64_t)rows * c->out);
}

enum status silero_hear(struct plan *p, const struct silero *m, const struct silero_step *s)
{
    uint64_t x, gates, h, y;
    TRY(spectra(p, m, s, &x));
    for (int i = 0; i < CONVS; i++)
        TRY(convolve(p, m, i, s->chunks, &x));
    TRY(product(p, "gates", &m->in.w, m->in.b, s->chunks, x, &gates));
    TRY(plan_scratch(p, 4ull * s->chunks * SILERO_HIDDEN, "recurrent", &h));
    TRY(k_lstm(p, &(struct k_lstm_args){.steps = s->chunks,
                                        .hidden = SILERO_HIDDEN,
                                        .x = gates,
                                        .w = m->w,
                                        .b = m->b,
                                        .state = s->state,
                                        .out = h}));
    TRY(k_unary(p, K_UNARY_RELU, h, h, (uint64_t)s->chunks * SILERO_HIDDEN));
    TRY(product(p, "out", &m->out.w, m->out.b, s->chunks, h, &y));
    return k_unary(p, K_UNARY_SIGMOID, y, s->probs, s->chunks);
}

enum status silero_level(struct plan *p, const struct silero_step *s, uint64_t ones, uint64_t used)
{
    return k_mel(p, &(struct k_mel_args){.frames = s->chunks,
                                         .bins = SILERO_CHUNK / 2,
                                         .bands = 1,
                                         .dft = s->samples,
                                         .filters = ones,
                                         .used = used,
                                         .loudest = s->state,
                                         .out = s->probs});
}
