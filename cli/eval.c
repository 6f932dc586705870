/* tawny eval: logits of given tokens, and perplexity of a text. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "cli.h"
#include "eval_speech.h"
#include "ids.h"
#include "npy.h"

static struct {
    const char *tokens, *logits, *text, *references;
    bool perplexity;
    int64_t chunk, ctx, batch;
} opt;

static const struct option options[] = {
    {"--tokens", OPT_TEXT, &opt.tokens, "FILE", "ids separated by white space; - is stdin"},
    {"--logits", OPT_TEXT, &opt.logits, "OUT.npy", "float32 [tokens, vocabulary]"},
    {"--chunk", OPT_INT, &opt.chunk, "N", "tokens a step; 0: as many as -b", 0, 1 << 24},
    {"-f --file", OPT_TEXT, &opt.text, "FILE", "the text for --perplexity; - is stdin"},
    {"--perplexity", OPT_FLAG, &opt.perplexity, NULL, "of the text given with -f"},
    {"--references", OPT_TEXT, &opt.references, "FILE",
     "speech: lines of a media file, a tab and its text; - is stdin"},
    {"-c --ctx --ctx-size", OPT_INT, &opt.ctx, "N",
     "context; 0: all the tokens, or 512 for perplexity", 0, 1 << 24},
    {"-b --batch-size", OPT_INT, &opt.batch, "N", "most tokens in a step; 0: 512 to 2048", 0,
     1 << 16},
    OPTION_DEVICE,
    OPTION_ANY_VARIANT,
    OPTION_NO_INT_DOT,
    OPTION_JSON,
    OPTION_STATS,
};

/* ---- logits ------------------------------------------------------------------------------- */

struct rows {
    struct npy npy;
    size_t done, total;
    enum status status;
};

static bool on_row(void *ctx, size_t i, const float *logits, uint32_t n_vocab)
{
    struct rows *r = ctx;
    r->status = npy_put(&r->npy, logits, n_vocab);
    r->done = i + 1;
    progress("computing", r->done, r->total);
    return r->status == OK && !interrupted();
}

static enum status write_logits(struct opened *o, const int32_t *ids, size_t n)
{
    struct rows r = {.total = n};
    TRY(open_session(
        o, &(struct tawny_session_params){.n_ctx = opt.ctx ? (uint32_t)opt.ctx : (uint32_t)n,
                                          .n_batch = (uint32_t)opt.batch}));
    enum status s;
    TRY(npy_start(&r.npy, opt.logits, n, o->model_info.n_vocab));
    TRY_GOTO(from_api(tawny_eval(o->session, &(struct tawny_eval_params){
                                                 .tokens = ids,
                                                 .n_tokens = n,
                                                 .chunk = (uint32_t)opt.chunk,
                                                 .on_logits = on_row,
                                                 .ctx = &r,
                                             })));
    TRY_GOTO(r.status);
    s = r.done == n ? npy_finish(&r.npy) : status_fail(ERR, "interrupted");
fail:
    progress_clear();
    npy_drop(&r.npy);
    return s;
}

static enum status eval_tokens(struct opened *o, const char *model)
{
    char *text;
    size_t len, n = 0;
    int32_t *ids = NULL;
    TRY(read_whole(opt.tokens, &text, &len));
    enum status s = ids_parse(opt.tokens, text, len, &ids, &n);
    mem_free(text);
    if (s == OK && !n)
        s = status_fail(ERR_USAGE, "%s: no token ids", opt.tokens);
    if (s == OK && n > 1u << 24)
        s = status_fail(ERR_USAGE, "%s: %zu tokens (at most %u)", opt.tokens, n, 1u << 24);
    if (s == OK)
        s = open_model(o, model, false);
    if (s == OK)
        s = write_logits(o, ids, n);
    mem_free(ids);
    if (s != OK || !global.json)
        return s;
    return out_json(json_pack("{s:I, s:I, s:s, s:o}", "tokens", (json_int_t)n, "vocabulary",
                              (json_int_t)o->model_info.n_vocab, "logits", opt.logits, "device",
                              device_json(&o->device_info)),
                    true);
}

/* ---- perplexity --------------------------------------------------------------------------- */

/* Counted as llama.cpp's llama-perplexity counts: the text's tokens in chunks of the context, what
 * is left over is not used; in each, the model's first token replaces the chunk's first (where the
 * model wants one), and only the second half is scored. */
struct score {
    const int32_t *ids; /* of the chunk */
    size_t n, n_scored;
    double sum, squares; /* of negative log-likelihoods */
};

static bool on_scored(void *ctx, size_t i, const float *logits, uint32_t n_vocab)
{
    struct score *c = ctx;
    if (i + 1 >= c->n)
        return false;
    float most = logits[0];
    double sum = 0;
    for (uint32_t v = 1; v < n_vocab; v++)
        most = logits[v] > most ? logits[v] : most;
    for (uint32_t v = 0; v < n_vocab; v++)
        sum += exp((double)logits[v] - (double)most);
    double nll = log(sum) + (double)most - (double)logits[c->ids[i + 1]];
    c->sum += nll;
    c->squares += nll * nll;
    c->n_scored++;
    return !interrupted();
}

static enum status report(const struct opened *o, const struct score *c, size_t chunks)
{
    double n = (double)c->n_scored, mean = c->sum / n, ppl = exp(mean);
    double variance = c->squares / n - mean * mean;
    double error = variance > 0 && n > 1 ? sqrt(variance / (n - 1)) * ppl : 0;
    if (global.json)
        return out_json(json_pack("{s:f, s:f, s:I, s:I, s:I, s:o}", "perplexity", ppl, "error",
                                  error, "context", (json_int_t)o->n_ctx, "chunks",
                                  (json_int_t)chunks, "scored", (json_int_t)c->n_scored, "device",
                                  device_json(&o->device_info)),
                        true);
    TRY(out_printf("Final estimate: PPL = %.4f +/- %.5f\n", ppl, error));
    return out_flush();
}

static enum status score_chunks(struct opened *o, int32_t *ids, size_t n_ids, int32_t bos)
{
    size_t n = (size_t)opt.ctx, chunks = n_ids / n;
    struct score c = {.n = n};
    for (size_t i = 0; i < chunks; i++) {
        c.ids = ids + i * n;
        if (bos >= 0)
            ids[i * n] = bos;
        TRY(from_api(tawny_eval(o->session, &(struct tawny_eval_params){
                                                .tokens = c.ids,
                                                .n_tokens = n,
                                                .chunk = (uint32_t)opt.chunk,
                                                .first = n / 2,
                                                .on_logits = on_scored,
                                                .ctx = &c,
                                            })));
        if (interrupted())
            return status_fail(ERR, "interrupted");
        progress("computing", i + 1, chunks);
        if (global.verbose)
            say("chunk %zu of %zu: %.4f", i + 1, chunks, exp(c.sum / (double)c.n_scored));
    }
    return report(o, &c, chunks);
}

/* The token that the model wants in front of a text, or -1. */
static enum status first_token(const struct tawny_vocab *vocab, int32_t *bos)
{
    int32_t *ids;
    size_t n;
    TRY(from_api(tawny_tokenize(vocab, "", 0, false, true, &ids, &n)));
    *bos = n ? ids[0] : -1;
    tawny_free(ids);
    return OK;
}

static enum status eval_text(struct opened *o, const char *model)
{
    enum { DEFAULT_CTX = 512 };
    char *text;
    size_t len, n = 0;
    int32_t *ids = NULL, bos = -1;
    enum status s;
    opt.ctx = opt.ctx ? opt.ctx : DEFAULT_CTX;
    if (opt.ctx < 4)
        return status_fail(ERR_USAGE, "perplexity with a context of %" PRId64 " (at least 4)",
                           opt.ctx);
    TRY(read_whole(opt.text, &text, &len));
    if (len && text[len - 1] == '\n')
        len--;
    TRY_GOTO(open_model(o, model, false));
    const struct tawny_vocab *vocab = tawny_model_vocab(o->model);
    TRY_GOTO(from_api(tawny_tokenize(vocab, text, len, false, true, &ids, &n)));
    TRY_GOTO(first_token(vocab, &bos));
    if (n < 2 * (size_t)opt.ctx) {
        s = status_fail(ERR_USAGE,
                        "%s: %zu tokens; perplexity with a context of %" PRId64
                        " needs at least %" PRId64,
                        opt.text, n, opt.ctx, 2 * opt.ctx);
        goto fail;
    }
    TRY_GOTO(open_session(o, &(struct tawny_session_params){.n_ctx = (uint32_t)opt.ctx,
                                                            .n_batch = (uint32_t)opt.batch}));
    s = score_chunks(o, ids, n, bos);
fail:
    progress_clear();
    mem_free(text);
    tawny_free(ids);
    return s;
}

/* ---- the verb ----------------------------------------------------------------------------- */

static enum status run(char **operands, size_t n)
{
    (void)n;
    struct opened o = {0};
    enum status s;
    if (opt.references && !opt.tokens && !opt.logits && !opt.perplexity && !opt.text)
        return eval_speech(operands[0], opt.references);
    if (opt.tokens && opt.logits && !opt.perplexity && !opt.text && !opt.references)
        s = eval_tokens(&o, operands[0]);
    else if (opt.perplexity && opt.text && !opt.tokens && !opt.logits && !opt.references)
        s = eval_text(&o, operands[0]);
    else
        s = status_fail(ERR_USAGE,
                        "eval needs --tokens FILE with --logits OUT.npy, or -f FILE with "
                        "--perplexity, or --references FILE");
    if (s == OK && global.stats)
        stats_print(&o);
    close_all(&o);
    return s;
}

const struct verb verb_eval = {
    .name = "eval",
    .operands = "MODEL",
    .summary = "Logits of tokens, the perplexity of a text, or the words a transcript has wrong",
    .more = "Perplexity is counted as llama.cpp's llama-perplexity counts it: chunks of the\n"
            "context, the second half of each scored. Words are compared without case and marks.",
    OPTIONS(options),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
