#include "engine/beam.h"

#include <math.h>
#include <string.h>

/* A beginning of a text, or one that has ended. */
struct hyp {
    uint32_t slot, n;
    float sum; /* of the logarithms, in the precision of openai-whisper's */
    bool ended;
    int32_t tokens[SPEECH_MOST]; /* without the one that ends it */
    float logprobs[SPEECH_MOST];
};

/* What lies in the pages of a slot: the prompt, if anything, and tokens behind it. */
struct held {
    bool prompt;
    uint32_t n;
    int32_t tokens[SPEECH_MOST];
};

struct beam {
    struct beam_params p;
    struct hyp *live, *next, *done; /* size, size, n_wanted or size */
    struct held *held;              /* of each slot */
    uint32_t n_live, n_done, n_wanted;
    bool over;
};

enum status beam_create(const struct beam_params *p, struct beam **out)
{
    double patience = p->patience > 0 ? (double)p->patience : 1;
    *out = NULL;
    struct beam *b = mem_alloc(sizeof *b);
    if (!b)
        return ERR_MEMORY;
    b->p = *p;
    b->n_wanted = (uint32_t)rint(p->size * patience);
    if (!b->n_wanted)
        b->n_wanted = 1;
    b->live = mem_calloc(p->size, sizeof *b->live);
    b->next = mem_calloc(p->size, sizeof *b->next);
    b->done = mem_calloc(b->n_wanted + p->size, sizeof *b->done);
    b->held = mem_calloc(p->size, sizeof *b->held);
    if (!b->live || !b->next || !b->done || !b->held) {
        beam_destroy(&b);
        return ERR_MEMORY;
    }
    b->n_live = 1;
    b->live[0].slot = p->slot;
    b->held[0].prompt = true;
    *out = b;
    return OK;
}

void beam_destroy(struct beam **pb)
{
    struct beam *b = *pb;
    *pb = NULL;
    if (!b)
        return;
    mem_free(b->live);
    mem_free(b->next);
    mem_free(b->done);
    mem_free(b->held);
    mem_free(b);
}

bool beam_is_done(const struct beam *b)
{
    return b->over;
}

void beam_rows(const struct beam *b, struct k_row *rows)
{
    for (uint32_t i = 0; i < b->p.size; i++) {
        const struct hyp *h = &b->live[i];
        rows[i] = (struct k_row){.slot = K_NO_SLOT};
        if (b->over || i >= b->n_live)
            continue;
        rows[i] = (struct k_row){
            .token = (uint32_t)(h->n ? h->tokens[h->n - 1] : b->p.last),
            .pos = b->p.n_prompt + h->n - 1,
            .slot = h->slot,
        };
    }
}

/* ---- one step ----------------------------------------------------------------------------- */

struct choice {
    uint32_t parent, id;
    float logprob, sum;
};

/* All that may follow, the likeliest first; of equal ones that which came first. */
static uint32_t rank(const struct beam *b, const struct k_candidate *candidates, uint32_t each,
                     struct choice out[K_MAX_OUT * K_TOP_MOST])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_live * each; i++) {
        const struct k_candidate *k = &candidates[i];
        if (i % each > b->p.size)
            continue;
        if (k->id == K_NO_TOKEN || !(k->logprob > -1e29f))
            continue;
        struct choice c = {i / each, k->id, k->logprob, b->live[i / each].sum + k->logprob};
        uint32_t at = n++;
        for (; at && out[at - 1].sum < c.sum; at--)
            out[at] = out[at - 1];
        out[at] = c;
    }
    return n;
}

static void follow(struct hyp *to, const struct hyp *from, const struct choice *c, bool ended)
{
    to->slot = from->slot;
    to->n = from->n;
    to->sum = c->sum;
    to->ended = ended;
    memcpy(to->tokens, from->tokens, from->n * sizeof *from->tokens);
    memcpy(to->logprobs, from->logprobs, from->n * sizeof *from->logprobs);
    to->logprobs[to->n] = c->logprob;
    if (!ended)
        to->tokens[to->n++] = (int32_t)c->id;
}

static uint32_t shared(const struct held *a, const struct held *b)
{
    uint32_t n = 0;
    while (n < a->n && n < b->n && a->tokens[n] == b->tokens[n])
        n++;
    return n;
}

/* The free slot that has most in common with what is to be put there. */
static uint32_t nearest(const struct beam *b, const bool *taken, const struct held *want)
{
    uint32_t best = b->p.size, most = 0;
    for (uint32_t i = 0; i < b->p.size; i++) {
        uint32_t like = b->held[i].prompt ? 1 + shared(&b->held[i], want) : 0;
        if (!taken[i] && (best == b->p.size || like > most)) {
            best = i;
            most = like;
        }
    }
    return best;
}

/* Gives each of n successors a slot. parents: of each, its place among the live ones. */
static void place(struct beam *b, const uint32_t *parents, uint32_t n, struct k_fork *forks,
                  uint32_t *n_forks)
{
    bool taken[K_MAX_OUT] = {false}, left[K_MAX_OUT] = {false};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = b->live[parents[i]].slot - b->p.slot;
        left[i] = taken[slot];
        taken[slot] = true;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!left[i])
            continue;
        const struct held *from = &b->held[b->next[i].slot - b->p.slot];
        uint32_t slot = nearest(b, taken, from);
        struct held *to = &b->held[slot];
        forks[(*n_forks)++] = (struct k_fork){
            .from = b->next[i].slot,
            .to = b->p.slot + slot,
            .first = to->prompt ? b->p.n_prompt + shared(to, from) : 0,
            .end = b->p.n_prompt + from->n,
        };
        taken[slot] = true;
        *to = *from;
        b->next[i].slot = b->p.slot + slot;
    }
}

void beam_take(struct beam *b, const struct k_candidate *candidates, uint32_t each,
               struct k_fork *forks, uint32_t *n_forks)
{
    struct choice choices[K_MAX_OUT * K_TOP_MOST];
    uint32_t n = rank(b, candidates, each, choices), saved = 0, parents[K_MAX_OUT];
    for (uint32_t i = 0; i < b->n_live; i++) { /* what the step has put into the pages */
        struct held *h = &b->held[b->live[i].slot - b->p.slot];
        h->n = b->live[i].n;
        memcpy(h->tokens, b->live[i].tokens, h->n * sizeof *h->tokens);
    }
    for (uint32_t i = 0; i < n && saved < b->p.size; i++) {
        const struct hyp *from = &b->live[choices[i].parent];
        if (choices[i].id != b->p.end) {
            parents[saved] = choices[i].parent;
            follow(&b->next[saved++], from, &choices[i], false);
        } else if (b->n_done < b->n_wanted) {
            follow(&b->done[b->n_done++], from, &choices[i], true);
        }
    }
    uint32_t made = b->live[0].n + 1;
    b->over = !saved || b->n_done >= b->n_wanted || made >= b->p.n_most ||
              made + 1 >= SPEECH_MOST || b->p.n_prompt + made > b->p.n_ctx;
    if (!b->over)
        place(b, parents, saved, forks, n_forks);
    struct hyp *old = b->live;
    b->live = b->next;
    b->next = old;
    b->n_live = saved;
}

/* ---- texts of no use ---------------------------------------------------------------------- */

static void tell(const struct hyp *h, struct speech_answer *out)
{
    out->n = h->n;
    out->ended = h->ended;
    out->sum_logprob = (double)h->sum;
    memcpy(out->tokens, h->tokens, h->n * sizeof *h->tokens);
    memcpy(out->logprobs, h->logprobs, (h->n + h->ended) * sizeof *h->logprobs);
}

bool beam_is_lost(struct beam *b, bool (*is_lost)(void *ctx, const struct speech_answer *a),
                  void *ctx, struct speech_answer *room)
{
    for (uint32_t i = 0; i < b->n_live + b->n_done; i++) {
        tell(i < b->n_live ? &b->live[i] : &b->done[i - b->n_live], room);
        if (!is_lost(ctx, room))
            return false;
    }
    b->over = true;
    return true;
}

/* ---- the end ------------------------------------------------------------------------------ */

double speech_score(double sum, uint32_t n, float length_penalty)
{
    if (length_penalty == 0)
        return sum / (n ? n : 1);
    return sum / pow((5.0 + n) / 6, length_penalty > 0 ? (double)length_penalty : 0);
}

void beam_best(const struct beam *b, struct speech_answer *out)
{
    const struct hyp *best = NULL;
    bool used[K_MAX_OUT] = {false};
    uint32_t n = b->n_done;
    for (uint32_t i = 0; i < b->n_done; i++) {
        const struct hyp *h = &b->done[i];
        if (!best || speech_score((double)h->sum, h->n, b->p.length_penalty) >
                         speech_score((double)best->sum, best->n, b->p.length_penalty))
            best = h;
    }
    for (; n < b->p.size; n++) { /* the likeliest that have not ended */
        uint32_t top = b->n_live;
        for (uint32_t i = b->n_live; i-- > 0;) {
            if (!used[i] && (top == b->n_live || b->live[i].sum > b->live[top].sum))
                top = i;
        }
        if (top == b->n_live)
            break;
        used[top] = true;
        const struct hyp *h = &b->live[top];
        if (!best || speech_score((double)h->sum, h->n, b->p.length_penalty) >
                         speech_score((double)best->sum, best->n, b->p.length_penalty))
            best = h;
    }
    static const struct hyp none;
    tell(best ? best : &none, out);
}
