/* References of sample_prepare, sample_count and sample_pick: k_sample_push. */
#include <stddef.h>

#include "base/mem.h"
#include "choose.h"
#include "exact.h"
#include "refs.h"

struct live_row {
    struct k_row row;
    struct k_seq seq;
    uint64_t seq_addr;
    bool live;
};

static enum status get_row(struct check_mem *mem, const struct k_sample_push *p, uint32_t j,
                           struct live_row *r)
{
    const struct k_step *step;
    CHECK_IN(step, mem, p->step, K_STEP_BYTES);
    r->live = false;
    if (j >= step->n_out)
        return OK;
    const struct k_row *row;
    CHECK_IN(row, mem, p->step + K_STEP_BYTES + 16ull * step->out_row[j], sizeof *row);
    if (row->slot == K_NO_SLOT)
        return OK;
    r->row = *row;
    r->seq_addr = p->seqs + (uint64_t)row->slot * K_SEQ_BYTES;
    const struct k_seq *seq;
    CHECK_IN(seq, mem, r->seq_addr, K_SEQ_BYTES);
    r->seq = *seq;
    r->live = seq->done == K_RUNNING;
    return OK;
}

static void commit(struct check_mem *mem, const struct k_sample_push *p, const struct live_row *r,
                   uint32_t id)
{
    const struct k_seq *q = &r->seq;
    if (q->ring && q->ring_size)
        check_out_u32(mem, q->ring + 4ull * (q->n_made % q->ring_size), id);
    uint32_t done = check_done(q, r->row.pos, id);
    check_out_u32(mem, r->seq_addr + offsetof(struct k_seq, n_made), q->n_made + 1);
    check_out_u32(mem, r->seq_addr + offsetof(struct k_seq, n_left), q->n_left ? q->n_left - 1 : 0);
    check_out_u32(mem, r->seq_addr + offsetof(struct k_seq, done), done);
    if (r->row.next < p->next_rows) {
        struct k_row out = {id, r->row.pos + 1, done ? K_NO_SLOT : r->row.slot, r->row.next};
        check_out_bytes(mem, p->next + K_STEP_BYTES + 16ull * r->row.next, &out, sizeof out);
    }
}

static enum status choose(struct check_mem *mem, const struct k_sample_push *p,
                          const struct live_row *r, uint32_t j, bool greedy)
{
    const float *logits;
    CHECK_IN(logits, mem, p->logits + 4ull * j * p->vocab, 4ull * p->vocab);
    uint32_t id;
    TRY(check_choose(logits, p->vocab, &r->seq, greedy, &id));
    commit(mem, p, r, id);
    return OK;
}

/* The logits of row j as they ought to be, written where they change. */
static enum status prepare_row(struct check_mem *mem, const struct k_sample_push *p,
                               const struct live_row *r, uint32_t j)
{
    enum status s = OK;
    const struct k_seq *q = &r->seq;
    uint64_t at = p->logits + 4ull * j * p->vocab;
    uint32_t n = q->penalty_n < r->row.pos + 1 ? q->penalty_n : r->row.pos + 1;
    if (q->repeat == 1.0f && q->presence == 0.0f && q->frequency == 0.0f)
        n = 0;
    const uint32_t *bias = NULL, *history = NULL;
    if (q->n_bias)
        CHECK_IN(bias, mem, q->bias, 8ull * q->n_bias);
    if (n)
        CHECK_IN(history, mem, q->history + 4ull * (r->row.pos + 1 - n), 4ull * n);
    const float *old;
    CHECK_IN(old, mem, at, 4ull * p->vocab);
    float *logits = mem_calloc(p->vocab, sizeof *logits);
    if (!logits)
        return ERR_MEMORY;
    memcpy(logits, old, 4ull * p->vocab);
    TRY_GOTO(check_penalise(logits, p->vocab, q, bias, history, n));
    for (uint32_t i = 0; i < p->vocab; i++) {
        if (m_bits(old[i]) != m_bits(logits[i]))
            check_out_u32(mem, at + 4ull * i, m_bits(logits[i]));
    }
fail:
    mem_free(logits);
    return s;
}

static void part_any(struct check_mem *mem, const struct plan_op *op)
{
    const struct k_sample_push *p = op->push;
    check_out_any(mem, p->part, (uint64_t)op->groups[1] * p->part_bytes);
}

enum status check_sample_prepare(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_sample_push *p = op->push;
    bool greedy = op->pipe.spec[K_SAMPLE_GREEDY];
    for (uint32_t j = 0; j < op->groups[1]; j++) {
        struct live_row r;
        TRY(get_row(mem, p, j, &r));
        if (!r.live)
            continue;
        TRY(prepare_row(mem, p, &r, j));
        if (greedy || !(r.seq.temp > 0.0f))
            TRY(choose(mem, p, &r, j, greedy));
    }
    part_any(mem, op);
    return OK;
}

enum status check_sample_count(const struct plan_op *op, struct check_mem *mem)
{
    part_any(mem, op);
    return OK;
}

/* The rows that sample_prepare has left over: greedy ones have moved on. */
enum status check_sample_pick(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_sample_push *p = op->push;
    for (uint32_t j = 0; j < op->groups[1]; j++) {
        struct live_row r;
        TRY(get_row(mem, p, j, &r));
        if (r.live && r.seq.temp > 0.0f)
            TRY(choose(mem, p, &r, j, false));
    }
    part_any(mem, op);
    return OK;
}
