/* Reference of fork: k_fork_push. */
#include "kernels/params.h"
#include "refs.h"

static enum status copy(struct check_mem *mem, uint64_t to, uint64_t from, uint64_t bytes)
{
    const void *data;
    CHECK_IN(data, mem, from, bytes);
    check_out_bytes(mem, to, data, bytes);
    return OK;
}

enum status check_fork(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_fork_push *p = op->push;
    uint32_t heads = op->pipe.spec[K_FORK_KV_HEADS];
    uint64_t row = 2ull * op->pipe.spec[K_FORK_HEAD_DIM];
    uint32_t n = check_in_u32(mem, p->forks);
    for (uint32_t i = 0; i < n && i < op->groups[2]; i++) {
        const struct k_fork *f;
        const struct k_seq *from, *to;
        CHECK_IN(f, mem, p->forks + K_FORKS_HEAD + sizeof *f * i, sizeof *f);
        CHECK_IN(from, mem, p->seqs + (uint64_t)K_SEQ_BYTES * f->from, sizeof *from);
        CHECK_IN(to, mem, p->seqs + (uint64_t)K_SEQ_BYTES * f->to, sizeof *to);
        for (uint32_t pos = f->first; pos < f->end; pos++) {
            uint32_t page = pos / K_PAGE_TOKENS;
            if (page >= op->groups[0])
                break;
            uint64_t a = check_in_u64(mem, p->pages + 8ull * (f->from * p->max_pages + page));
            uint64_t b = check_in_u64(mem, p->pages + 8ull * (f->to * p->max_pages + page));
            TRY(copy(mem, to->history + 4ull * pos, from->history + 4ull * pos, 4));
            for (uint32_t head = 0; head < op->groups[1] * heads; head++) {
                uint64_t at = row * (head * K_PAGE_TOKENS + pos % K_PAGE_TOKENS);
                TRY(copy(mem, b + at, a + at, row));
            }
        }
    }
    return OK;
}
